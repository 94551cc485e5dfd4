"""What a process remembers of the apps that call it again and again: how often each has called, and
what it said last. Bounded, lost with the process, and needed for nothing but speed. Pure.

Threads share both; neither keeps a name, a token or an address, only what tells two apart."""

import hashlib
import math
from collections import OrderedDict
from datetime import datetime
from threading import Lock
from typing import NamedTuple, TypeVar

from lovense.devices.callbacks import Callback

Kept = TypeVar("Kept")

MOST = 20_000  # apps, or sources; the one that was quiet for longest is forgotten
MINUTE = 60.0


class CallRate:
    """At most `limit` calls of one caller in a minute, which begins with its first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = Lock()
        self._callers: OrderedDict[bytes, tuple[float, int]] = OrderedDict()

    def take(self, caller: bytes, at: float) -> int:
        """0: the call is taken; else the seconds after which the next one is."""
        with self._lock:
            since, count = self._callers.get(caller, (at, 0))
            if at >= since + MINUTE:
                since, count = at, 0
            _kept(self._callers, caller, (since, min(count + 1, self.limit)))
        return 0 if count < self.limit else max(1, math.ceil(since + MINUTE - at))


class _Said(NamedTuple):
    utoken_hash: str
    content: str
    until: datetime


class Heard:
    """What each app said last, and how long the same again is no news: long enough that a heartbeat
    asks nobody anything, too short for its devices to be taken for silent."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._said: OrderedDict[bytes, _Said] = OrderedDict()

    def knows(self, call: Callback, now: datetime) -> bool:
        """Whether it was written, a moment ago, that it says this. Another token is another
        pairing, also under the same uid."""
        with self._lock:
            said = self._said.get(name_of(call))
        return (
            said is not None
            and (said.utoken_hash, said.content) == (call.utoken_hash, call.content)
            and now < said.until
        )

    def note(self, call: Callback, until: datetime) -> None:
        with self._lock:
            _kept(self._said, name_of(call), _Said(call.utoken_hash, call.content, until))


def name_of(call: Callback) -> bytes:
    """Tells two apps apart, and not which they are."""
    return hashlib.sha256(call.uid.encode()).digest()


def _kept(known: OrderedDict[bytes, Kept], name: bytes, what: Kept) -> None:
    known[name] = what
    known.move_to_end(name)
    if len(known) > MOST:
        known.popitem(last=False)
