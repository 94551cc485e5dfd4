"""Faults to order: which of the next requests shall go wrong, and how."""

import re
import threading
from dataclasses import dataclass, replace
from typing import Any

SLOW, DROP, LOSE, ANSWER, GARBAGE, EXPIRE = (
    "slow",
    "drop",
    "lose_answer",
    "answer",
    "garbage",
    "expire_token",
)
KINDS = (SLOW, DROP, LOSE, ANSWER, GARBAGE, EXPIRE)
FOR_EVER = 10**9


@dataclass(frozen=True, slots=True)
class Fault:
    """`slow` answers after `seconds`; `drop` closes the connection before the work, `lose_answer`
    after it; `answer` refuses with `status` and `code`; `garbage` answers 200 with what is not
    JSON; `expire_token` ends all tokens first."""

    kind: str
    times: int = 1
    path: str = "/v1/"
    seconds: float = 0.0
    status: int = 500
    code: str = ""
    retry_after: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a fault is one of {', '.join(KINDS)}")


CODES = {
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "CONFLICT",
    422: "INVALID",
    429: "RATE_LIMITED",
    500: "INTERNAL_ERROR",
}


class Faults:
    """In the order in which they were ordered; each is used up after its `times` requests under its
    path."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ordered: list[Fault] = []

    def order(self, kind: str, **more: Any) -> None:
        self.add(Fault(kind, **more))

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._ordered.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._ordered.clear()

    def take(self, path: str) -> Fault | None:
        """The fault of this request, if it shall have one."""
        with self._lock:
            for place, fault in enumerate(self._ordered):
                if path.startswith(fault.path):
                    if fault.times > 1:
                        self._ordered[place] = replace(fault, times=fault.times - 1)
                    else:
                        del self._ordered[place]
                    return fault
        return None


_WORD = re.compile(r"([a-z_]+)(?::([0-9]+(?:\.[0-9]+)?))?(?:\*([0-9]+))?")


def parse(text: str) -> list[Fault]:
    """`slow:0.5*10,answer:503*3,drop` as faults: kind, a number (seconds, or the status), how often
    (0: always)."""
    return [_parse_one(word.strip()) for word in text.split(",") if word.strip()]


def _parse_one(word: str) -> Fault:
    match = _WORD.fullmatch(word)
    if not match:
        raise ValueError(f"not a fault: {word!r}")
    kind, number, times = match.groups()
    how_often = (int(times) or FOR_EVER) if times else 1
    if kind == ANSWER:
        return Fault(kind, times=how_often, status=int(float(number or 500)))
    return Fault(kind, times=how_often, seconds=float(number or 0))
