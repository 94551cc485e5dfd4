"""Identifiers as RFC 9562 writes them, without the class around them: every tip needs several. And
where their chance comes from: the operating system, but for seeds, which come out the same again.
"""

import hashlib
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

_VARIANT = "89ab" * 4  # of the hexadecimal digit that carries it
_draw: Callable[[int], bytes] = os.urandom


@contextmanager
def drawn_from(source: random.Random) -> Iterator[None]:
    """In this process everything that is random comes from there until the end of the block. For
    seeds alone, where nothing is worth guessing: whoever knows the source knows what follows."""
    global _draw
    before, _draw = _draw, source.randbytes
    try:
        yield
    finally:
        _draw = before


def random_bytes(count: int) -> bytes:
    return _draw(count)


def short() -> str:
    """Twelve hexadecimal digits: the mark of one claim among those of its time."""
    return _draw(6).hex()


def fresh() -> str:
    """A random one (version 4)."""
    return _written(_draw(16), 4)


def derived(namespace: UUID, name: str) -> str:
    """The same name gives the same one (version 5)."""
    named = namespace.bytes + name.encode()
    return _written(hashlib.sha1(named, usedforsecurity=False).digest(), 5)


def _written(made: bytes, version: int) -> str:
    digits = made.hex()
    variant = _VARIANT[int(digits[16], 16)]
    return (
        f"{digits[:8]}-{digits[8:12]}-{version}{digits[13:16]}-"
        f"{variant}{digits[17:20]}-{digits[20:32]}"
    )
