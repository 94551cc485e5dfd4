"""How far a pairing is, as the performer is walked through it: scan, the app calls back, its toys
are found. Nothing is decided here."""

from dataclasses import dataclass
from datetime import datetime

from lovense.devices import pairing
from lovense.rows import PairingRow

START, WAITING, SCANNED, CONNECTED, EXPIRED = "start", "waiting", "scanned", "connected", "expired"
# One that she ended or replaced is where she begins anew.
_OVER = {"cancelled": START, "replaced": START}
STEPS = ("Scan the code", "The app answers", "Your toys are found")
_ASKS = {EXPIRED: "Get a new code", CONNECTED: "Pair another app"}
_PASSED = {WAITING: 0, SCANNED: 2, CONNECTED: 3}  # of STEPS


@dataclass(frozen=True, slots=True)
class WalkStep:
    """One of STEPS: `state` is done, now or later."""

    title: str
    state: str


class PairingWalk:
    """Her pairing that is open or has just ended; None: there is none."""

    def __init__(self, row: PairingRow | None, now: datetime) -> None:
        self.step = _step(row, now)
        self._row = row

    @property
    def pairing_id(self) -> str:
        return self._row["_id"] if self._row else ""

    @property
    def is_open(self) -> bool:
        return self.step in (WAITING, SCANNED)

    @property
    def code(self) -> str:
        return self._row["code"] if self._row else ""

    @property
    def has_picture(self) -> bool:
        return bool(self._row and self._row["image"] is not None)

    @property
    def is_scannable(self) -> bool:
        """There is something to scan or to type."""
        return self.step == WAITING and bool(self.code or self.has_picture)

    @property
    def asks(self) -> str:
        """What the button that asks for a code is called."""
        if self.step == WAITING:
            return "New code" if self.is_scannable else "Try again"
        return _ASKS.get(self.step, "Pair a device")

    @property
    def expires_at(self) -> datetime | None:
        return self._row["expires_at"] if self._row else None

    @property
    def steps(self) -> list[WalkStep]:
        """Empty where she is not on the way."""
        if (passed := _PASSED.get(self.step)) is None:
            return []
        return [WalkStep(title, _state(place, passed)) for place, title in enumerate(STEPS)]

    @property
    def toys(self) -> str:
        count = self._row["toys_count"] if self._row else 0
        return "1 toy found" if count == 1 else f"{count} toys found"

    @property
    def says(self) -> str:
        """What a person who does not look is told when it has changed."""
        return {
            WAITING: "Waiting for the app to scan the code.",
            SCANNED: "The app is paired. None of its toys is connected yet.",
            CONNECTED: f"Paired: {self.toys}.",
            EXPIRED: "The code has expired.",
        }.get(self.step, "")


def _step(row: PairingRow | None, now: datetime) -> str:
    """It has expired in its moment, though it is ended a little later."""
    if row is None:
        return START
    if row["status"] in pairing.OPEN and row["expires_at"] <= now:
        return EXPIRED
    step = pairing.step_of(row)
    return _OVER.get(step, step)


def _state(place: int, passed: int) -> str:
    if place < passed:
        return "done"
    return "now" if place == passed else "later"
