"""A circuit breaker: after several failures in a row nobody calls for a while, then one call tries.

closed --failures in a row--> open --its time is over--> half open: one probe --it worked--> closed
                                ^--------------- it failed: open again, twice as long -----'

Time is an argument (any clock that does not go back). Thread-safe; one for each process.
"""

import enum
import threading
from dataclasses import dataclass

FAILURES = 5
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 2.0, 60.0
PROBE_SECONDS = 30.0  # a probe that never reports is given up: longer than any single call may take


class State(enum.Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class NoTicket(Exception):
    """The circuit is open; `seconds` until a call may be tried."""

    def __init__(self, seconds: float) -> None:
        super().__init__("the circuit is open")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to make one call. It must be given back with how the call ended; late ones of an
    earlier state count for nothing."""

    generation: int


class Circuit:
    def __init__(self, *, failures: int = FAILURES) -> None:
        self._lock = threading.Lock()
        self._limit = failures
        self._failures = 0
        self._generation = 0  # grows with every change of state
        self._open_until: float | None = None
        self._probe_until: float | None = None
        self._pause = FIRST_PAUSE_SECONDS

    def state(self, now: float) -> State:
        with self._lock:
            if self._open_until is None:
                return State.CLOSED
            return State.OPEN if now < self._open_until else State.HALF_OPEN

    def enter(self, now: float) -> Ticket:
        """Leave to call. Raises NoTicket while the circuit is open, or half open with a probe under
        way."""
        with self._lock:
            if self._open_until is not None:
                if now < self._open_until:
                    raise NoTicket(self._open_until - now)
                if self._probe_until is not None and now < self._probe_until:
                    raise NoTicket(min(self._pause, self._probe_until - now))
                self._probe_until = now + PROBE_SECONDS
                self._generation += 1  # a probe that was given up must not speak for this one
            return Ticket(self._generation)

    def succeeded(self, ticket: Ticket) -> bool:
        """The other side answered, whatever it said. True when this closed the circuit."""
        with self._lock:
            if ticket.generation != self._generation:
                return False
            closed = self._open_until is not None
            self._failures, self._open_until, self._probe_until = 0, None, None
            if closed:
                self._pause = FIRST_PAUSE_SECONDS
                self._generation += 1
            return closed

    def failed(self, ticket: Ticket, now: float) -> bool:
        """It did not answer, or only that it is broken. True when this opened the circuit."""
        with self._lock:
            if ticket.generation != self._generation:
                return False
            if self._open_until is not None:  # the probe
                self._pause = min(LONGEST_PAUSE_SECONDS, self._pause * 2)
            else:
                self._failures += 1
                if self._failures < self._limit:
                    return False
            self._open(now + self._pause)
            return True

    def undecided(self, ticket: Ticket) -> None:
        """The call ended without saying anything about the other side's health: another may
        probe."""
        with self._lock:
            if ticket.generation == self._generation:
                self._probe_until = None

    def hold(self, seconds: float, now: float) -> None:
        """The other side asked for a pause: open for so long, as no failure of its own."""
        with self._lock:
            self._open(max(now + seconds, self._open_until or 0.0))

    def _open(self, until: float) -> None:
        self._open_until, self._probe_until, self._failures = until, None, 0
        self._generation += 1
