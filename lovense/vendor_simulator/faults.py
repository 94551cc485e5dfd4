"""Faults to order: what shall go wrong with the next calls, and how."""

import re
import threading
from dataclasses import dataclass, replace

CODE, HTTP, HTML, EMPTY = "code", "http", "html", "empty"
DROP_BEFORE, DROP_AFTER, SLOW, LATE = "drop-before", "drop-after", "slow", "late"
DUPLICATE, STOP_LOST = "duplicate", "stop-lost"
KINDS = (*(CODE, HTTP, HTML, EMPTY, DROP_BEFORE, DROP_AFTER, SLOW), *(LATE, DUPLICATE, STOP_LOST))
OF_COMMANDS = (LATE, DUPLICATE, STOP_LOST)
NOT_DONE = (CODE, HTTP, HTML, EMPTY, DROP_BEFORE, STOP_LOST)
COMMAND, LIST, QR, IMAGE, TOKEN = "command", "list", "qr", "image", "token"
PLACES = (COMMAND, LIST, QR, IMAGE, TOKEN)
FOR_EVER = 10**9
LONGEST_SECONDS = 3600.0
MOST = 1000

_TAKES = {
    CODE: (400, 999),
    HTTP: (400, 599),
    SLOW: (0, LONGEST_SECONDS),
    LATE: (0, LONGEST_SECONDS),
}
_WORD = re.compile(
    r"(?:([a-z]+)/)?([a-z-]+)(?::(\d{1,6}(?:\.\d{1,3})?))?(?:\*(\d{1,6}))?", re.ASCII
)


class InvalidFault(ValueError):
    """A fault is `[place/]kind[:number][*times]`, as docs/simulator.md lists them."""


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """`number` is a code, an HTTP status, or seconds; `times` 0 in what is read means always."""

    kind: str
    number: float = 0
    times: int = 1
    place: str = COMMAND

    def __str__(self) -> str:
        return f"{self.kind}:{self.number:g}" if self.kind in _TAKES else self.kind


class FaultPlan:
    """In the order in which they were ordered; each is used up by its `times` calls at its
    place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[PlannedFault] = []

    def add(self, fault: PlannedFault) -> None:
        with self._lock:
            if len(self._planned) >= MOST:
                raise InvalidFault(f"at most {MOST} faults wait")
            self._planned.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()

    def waiting(self) -> list[str]:
        with self._lock:
            return [f"{fault.place}/{fault}*{fault.times}" for fault in self._planned]

    def take(self, place: str, *, is_stop: bool = False) -> PlannedFault | None:
        """The fault of this call, if it shall have one. `stop-lost` waits for a stop."""
        with self._lock:
            for number, fault in enumerate(self._planned):
                if fault.place == place and (is_stop or fault.kind != STOP_LOST):
                    if fault.times > 1:
                        self._planned[number] = replace(fault, times=fault.times - 1)
                    else:
                        del self._planned[number]
                    return fault
        return None


def parse(text: str) -> list[PlannedFault]:
    """`slow:0.5*10,qr/code:501`: place (commands unless another is named), kind, a number, how
    often (once; 0: always). Raises InvalidFault."""
    return [parse_one(word.strip()) for word in text.split(",") if word.strip()]


def parse_one(word: str) -> PlannedFault:
    found = _WORD.fullmatch(word)
    place, kind, number, times = found.groups() if found else ("", "", None, None)
    place = place or COMMAND
    if kind not in KINDS or place not in PLACES:
        raise InvalidFault(f"not a fault: {word[:40]!r}")
    if kind in OF_COMMANDS and place != COMMAND:
        raise InvalidFault(f"{kind} is a fault of commands: {word[:40]!r}")
    if (number is not None) != (kind in _TAKES):
        raise InvalidFault(f"{kind} takes {'a' if kind in _TAKES else 'no'} number: {word[:40]!r}")
    low, high = _TAKES.get(kind, (0, 0))
    if not low <= float(number or 0) <= high:
        raise InvalidFault(f"{kind} takes a number from {low:g} to {high:g}: {word[:40]!r}")
    return PlannedFault(kind, float(number or 0), (int(times) or FOR_EVER) if times else 1, place)
