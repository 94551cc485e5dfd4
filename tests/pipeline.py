"""Commands to the tests' own mongod in one go: all are written before the first answer is read. It carries
them out in their order. The driver would wait for each, and take as long to write and read it as mongod to
carry it out."""

import socket
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import bson

OP_MSG = 2013
_LENGTH = struct.Struct("<i")
_HEAD = struct.Struct(
    "<iiiiIB"
)  # length, request, the request it answers, operation; flags, kind of what follows
_ANSWER_BYTES = _HEAD.size - _LENGTH.size
SECONDS = 30.0


class Broken(Exception):
    """At least one command was not carried out, or nobody knows."""


class Pipeline:
    def __init__(self) -> None:
        self._line: socket.socket | None = None

    def run(self, address: tuple[str, int], database: str, commands: Sequence[dict[str, Any]]) -> None:
        """The last of them should ask for a majority, if they are to be seen by all."""
        try:
            if self._line is None:
                self._line = socket.create_connection(address, SECONDS)
            self._line.sendall(b"".join(_message(each | {"$db": database}) for each in commands))
            with self._line.makefile("rb") as answers:
                faults = [fault for _ in commands for fault in _faults(_read(answers))]
        except OSError as why:
            self.close()
            raise Broken from why
        if faults:
            raise Broken(faults)

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
        self._line = None


def _message(command: dict[str, Any]) -> bytes:
    body = bson.encode(command)
    return _HEAD.pack(_HEAD.size + len(body), 0, 0, OP_MSG, 0, 0) + body


def _read(answers: Any) -> dict[str, Any]:
    length = answers.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        raise ConnectionResetError
    return bson.decode(answers.read(_LENGTH.unpack(length)[0] - _LENGTH.size)[_ANSWER_BYTES:])


def _faults(said: dict[str, Any]) -> Iterator[Any]:
    if not said["ok"]:
        yield said
    yield from said.get("writeErrors", ())
    if "writeConcernError" in said:
        yield said["writeConcernError"]
