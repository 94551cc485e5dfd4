"""One of the driver's connections, spoken to by the event loop itself.

A thread that writes for the event loop costs two hand-overs of the interpreter; for what every tip
waits for, that is a third of the way. The driver opens the connection, proves who we are on it and
hears of its commands; what is said on it is MongoDB's OP_MSG
(mongodb.com/docs/manual/reference/mongodb-wire-protocol). Three names of the driver used here are
private: it is pinned, and a test says when one has gone. Nobody has to have a `Wire`: there is none
over TLS, and whoever gets none asks the driver as anybody does."""

import asyncio
import socket
import struct
import time
from contextlib import AbstractContextManager
from datetime import timedelta
from itertools import count
from typing import Any, cast

import bson
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure

from ground.mongodb.collections import Document

OP_MSG = 2013
SILENCE_SECONDS = 30.0  # so long an answer may take
# length, request, the request it answers, operation; then flags, and the kind of what follows
_HEAD = struct.Struct("<iiiiIB")
_LENGTH = struct.Struct("<i")
_DOCUMENT, _DOCUMENTS = 0, b"\x01"
_requests = count(1)


class NoAnswer(ConnectionFailure):
    """Whether the command was carried out is not known."""


def lend(client: MongoClient[Any]) -> "Lent | None":
    """A connection to the server that takes writes, proven and the caller's alone; None where it is
    not a plain socket. Blocks."""
    checkout = client._conn_for_writes(None, "insert")
    connection = checkout.__enter__()
    if is_plain(connection.conn.get_conn):
        return Lent(client, checkout, connection)
    checkout.__exit__(None, None, None)
    return None


def is_plain(found: Any) -> bool:
    return type(found) is socket.socket  # TLS has a class of its own below it


class Lent:
    """A connection out of the driver's pool, and how to give it back."""

    def __init__(
        self, client: MongoClient[Any], checkout: AbstractContextManager[Any], connection: Any
    ) -> None:
        self._checkout, self._connection = checkout, connection
        listeners: Any = client._event_listeners
        self._listeners = listeners
        self.is_heard = bool(self._listeners.enabled_for_commands)

    @property
    def socket(self) -> socket.socket:
        found: socket.socket = self._connection.conn.get_conn
        return found

    def give_back(self) -> None:
        """Closed: what is still on its way on it belongs to nobody."""
        self._connection.close_conn(None)
        self._checkout.__exit__(None, None, None)

    def say_started(self, command: Document, database: str, request: int) -> None:
        self._listeners.publish_command_start(
            command, database, request, self._connection.address, None
        )

    def say_ended(self, name: str, reply: Document, request: int, seconds: float) -> None:
        ended = self._listeners
        say = ended.publish_command_success if reply.get("ok") else ended.publish_command_failure
        say(timedelta(seconds=seconds), reply, name, request, self._connection.address, None)


class Wire(asyncio.Protocol):
    """Commands one after the other. It ends with the first that is not answered."""

    def __init__(self, lent: Lent) -> None:
        self._lent = lent
        self._transport: asyncio.Transport | None = None
        self._heard = bytearray()
        self._answer: asyncio.Future[Document] | None = None

    @classmethod
    async def over(cls, lent: Lent) -> "Wire":
        try:
            lent.socket.setblocking(False)
            loop = asyncio.get_running_loop()
            _, wire = await loop.create_connection(lambda: cls(lent), sock=lent.socket)
        except BaseException:
            lent.give_back()
            raise
        return wire

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def insert(
        self, name: str, document: Document, *, database: str, concern: Document
    ) -> Document:
        """The server's reply, whatever it says. NoAnswer: it may have happened."""
        assert self._answer is None, "one command at a time"
        if not self.is_open:
            raise NoAnswer("the connection is closed")
        command: Document = {"insert": name, "writeConcern": concern, "$db": database}
        return await self._asked(command, bson.encode(document), document)

    async def _asked(self, command: Document, row: bytes, document: Document) -> Document:
        assert self._transport is not None
        request, began, loop = next(_requests), time.monotonic(), asyncio.get_running_loop()
        if self._lent.is_heard:
            heard = command | {"documents": [document]}
            self._lent.say_started(heard, command["$db"], request)
        self._answer = loop.create_future()
        late = loop.call_later(SILENCE_SECONDS, self._transport.abort)
        try:
            self._transport.write(message(request, command, row))
            reply = await self._answer
        except BaseException:
            self._transport.abort()  # an answer that still comes is not that of the next command
            raise
        finally:
            late.cancel()
            self._answer = None
        if self._lent.is_heard:
            self._lent.say_ended("insert", reply, request, time.monotonic() - began)
        return reply

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio's side of it --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if len(self._heard) < _HEAD.size or len(self._heard) < _LENGTH.unpack_from(self._heard)[0]:
            return
        heard, self._heard = bytes(self._heard), bytearray()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(bson.decode(heard[_HEAD.size :]))

    def connection_lost(self, error: Exception | None) -> None:
        self._lent.give_back()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(NoAnswer("the connection ended before the answer"))


def message(request: int, command: Document, row: bytes) -> bytes:
    """An OP_MSG with one of the `documents` beside the command."""
    said, name = bson.encode(command), b"documents\x00"
    size = _LENGTH.pack(_LENGTH.size + len(name) + len(row))
    length = _HEAD.size + len(said) + len(_DOCUMENTS) + len(size) + len(name) + len(row)
    head = _HEAD.pack(length, request, 0, OP_MSG, 0, _DOCUMENT)
    return b"".join((head, said, _DOCUMENTS, size, name, row))
