"""How far a pairing is, as the performer is walked through it: the app is opened, the code scanned,
its toys are found, named and felt. Each step follows from what is so, and none is remembered.
Nothing is decided here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lovense.devices import pairing
from lovense.page.keptdevice import KeptDevice
from lovense.rows import PairingRow

START, WAITING, SCANNED, CONNECTED, EXPIRED = "start", "waiting", "scanned", "connected", "expired"
# One that she ended or replaced is where she begins anew.
_OVER = {"cancelled": START, "replaced": START}
STEPS = (
    "Open the Lovense app",
    "Scan the code",
    "Your toys are found",
    "Name them",
    "Feel them",
    "Done",
)
_ASKS = {EXPIRED: "Get a new code", CONNECTED: "Pair another app"}
_PASSED = {START: 0, WAITING: 1, EXPIRED: 1, SCANNED: 2, CONNECTED: 3}  # of STEPS
_FELT = 5  # of STEPS
# By step: what usually stands against it.
_ADVICE = {
    START: (
        "It is Lovense Remote, or Lovense Connect, version 7.71.0 or later.",
        "Its phone or PC has internet, and the toys are connected inside the app.",
    ),
    WAITING: (
        "Make the picture larger, or the screen brighter; or type the code.",
        "In the app it is scanned with the plus sign, not with the camera of the phone.",
        "The app needs internet: it tells Lovense, and Lovense tells this site.",
    ),
    SCANNED: (
        "Switch a toy on and keep it near the phone.",
        "Connect it inside the Lovense app: it is listed there first.",
        "Keep the app open. This page goes on by itself.",
    ),
    CONNECTED: (
        "Feel each toy by its test; where it does not move, let each step be looked at.",
        "Keep the Lovense app in front, and the phone awake.",
    ),
    EXPIRED: ("Nobody scanned the code in time. Nothing was paired.",),
}


@dataclass(frozen=True, slots=True)
class WalkStep:
    """One of STEPS: `state` is done, now or later."""

    title: str
    state: str


class PairingWalk:
    """Her pairing that is open or has just ended; None: there is none. `toys`: those of its app
    that are hers."""

    def __init__(
        self, row: PairingRow | None, now: datetime, toys: Sequence[KeptDevice] = ()
    ) -> None:
        self.step = _step(row, now)
        self._row, self._found = row, toys

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
        return _ASKS.get(self.step, "Get a code")

    @property
    def expires_at(self) -> datetime | None:
        return self._row["expires_at"] if self._row else None

    @property
    def found(self) -> Sequence[KeptDevice]:
        """The toys that are to be named and felt."""
        return self._found if self.step == CONNECTED else ()

    @property
    def steps(self) -> list[WalkStep]:
        passed = self._passed
        return [WalkStep(title, _state(place, passed)) for place, title in enumerate(STEPS)]

    @property
    def _passed(self) -> int:
        """A name is hers to give: the first test says that she went on."""
        passed = _PASSED[self.step]
        if self.step != CONNECTED or not any(each.tests or each.result for each in self._found):
            return passed
        is_felt = all(each.result and not each.is_testing for each in self._found)
        return len(STEPS) if is_felt else _FELT - 1

    @property
    def is_unreached(self) -> bool:
        """What she plays on now moves none of them: a path comes first."""
        return bool(self.found) and not any(each.is_reached for each in self.found)

    @property
    def finding(self) -> str:
        """What is known of why it does not go on."""
        if self.step == WAITING and not self.is_scannable:
            return "Lovense has been asked for a code, and has not given one."
        if self.step == WAITING:
            return "The code is shown, and no app has answered it yet."
        if self.step == SCANNED:
            return "The app has answered, and names no toy that is connected."
        silent = [
            f"\u2068{each.nickname}\u2069: {each.why_silent}"
            for each in self.found
            if each.why_silent
        ]
        return " ".join(silent)

    @property
    def advice(self) -> Sequence[str]:
        return _ADVICE[self.step]

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
