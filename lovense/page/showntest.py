"""A test of a function as a person reads it: whether it waits, plays or has played, and what she is
asked then. Nothing is decided here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from lovense.deciding.activation import LIVE
from lovense.devices import summary, verification
from lovense.models import Activation, ActivationStatus
from lovense.page import outcome
from lovense.rows import DeviceRow

WAITING, PLAYING, PLAYED, FAILED = "waiting", "playing", "played", "failed"


@dataclass(frozen=True, slots=True)
class ShownTest:
    """`step` is one of those above; `may_confirm`: her yes would count."""

    function: str
    step: str
    words: str
    is_guarded: bool
    why: str = ""  # it did not play to its end

    @property
    def may_confirm(self) -> bool:
        return self.step == PLAYED or (self.step == PLAYING and not self.is_guarded)

    @property
    def is_open(self) -> bool:
        """It goes on without her."""
        return self.step in (WAITING, PLAYING)


Activations = Mapping[str, Activation]


def read(rows: Iterable[DeviceRow]) -> Activations:
    """Those of all tests that these devices remember, in one look-up; in none where there are
    no tests."""
    keys = [test["activation"] for test in verification.tests_of(rows)]
    return Activation.objects.in_bulk(keys) if keys else {}


def of(row: DeviceRow, activations: Activations, now: datetime) -> list[ShownTest]:
    """Those that she may still answer, or that have just failed."""
    return [
        _shown(name, activations.get(test["activation"]))
        for name, test in row.get("tests", {}).items()
        if now - test["at"] < verification.COUNTS_FOR
    ]


def _shown(name: str, activation: Activation | None) -> ShownTest:
    is_guarded = name in summary.GUARDED
    if activation is None or activation.status == ActivationStatus.QUEUED:
        return ShownTest(name, WAITING, f"The test of {name} waits for its turn.", is_guarded)
    if activation.status in LIVE:
        asks = "" if is_guarded else " Did it move?"
        return ShownTest(name, PLAYING, f"Testing {name}…{asks}", is_guarded)
    if activation.status == ActivationStatus.COMPLETED:
        asks = "Did it move as expected?" if is_guarded else "Did it move?"
        return ShownTest(name, PLAYED, f"{name} was tested. {asks}", is_guarded)
    why = outcome.of(activation).text
    words = f"The test of {name} did not play to its end. {why}"
    return ShownTest(name, FAILED, words, is_guarded, why)
