"""What the page of one run shows: what became of it in one sentence, the six facts with their
times, the gates that decided it, what was promised and what was delivered, on which devices, what
is owed, and the receipt. Hers only; nothing is changed here."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from ground.inbox.models import WebhookDelivery
from ground.ui import charts, shown
from lovense.deciding.activation import LIVE
from lovense.deciding.shortfall import TENTHS
from lovense.facts import SIX, Fact
from lovense.menus import vibration
from lovense.menus.actuators import Actuator, Capabilities, VibrationCaps
from lovense.menus.compiler import Compiled, compile_vibration
from lovense.menus.vibration import FUNCTION, InvalidVibration
from lovense.models import Activation, OwedState, Performer
from lovense.owed import listing, owing
from lovense.page import days, historypage, outcome, shownwords
from lovense.patterns.reading import InvalidPattern
from lovense.patterns.score import MAIN
from lovense.rows import GateRow, LegRow, OwedRow
from lovense.timeline import TOP
from tips.log import eventlog
from tips.models import LoggedEvent, Tip

# The six facts in a performer's words: what each has proven to her.
HER_FACTS = (
    "Your platform reported the tip",
    "Recorded, and the tokens moved",
    "Proven paid, and put into your queue",
    "Its turn came, and it was decided",
    "Handed over to your devices",
    "Your devices said how it ended",
)
# What each gate makes sure of, where it says yes.
GATE_WORDS = {
    "signature": "Signed by your platform",
    "duplicate": "Not a repeat",
    "settled": "Paid",
    "submitted": "Asked for",
    "kill_switch": "Devices are switched on",
    "fresh": "In time",
    "performer": "You are enrolled",
    "minimum": "The minimum tip",
    "menu": "A published menu",
    "menu_match": "An item answers it",
    "device_online": "A device is there",
    "capability": "A device can play it",
    "caps": "Within the limits",
    "rate_limit": "Starts per minute",
    "rested": "Rested",
    "paused": "Not paused",
    "stop_epoch": "Not stopped",
}
STEPS = 90  # of the drawing


@dataclass(frozen=True, slots=True)
class ShownFact:
    """`moment` is empty where it has not happened, or never will: then `words` say so."""

    title: str
    tone: str
    moment: str
    words: str = ""

    @property
    def row(self) -> dict[str, str]:
        """For the timeline."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ShownGate:
    title: str
    saw: str

    @property
    def words(self) -> str:
        """Of one that said no."""
        return f"Said no: {self.title}{f' ({self.saw})' if self.saw else ''}"


@dataclass(frozen=True, slots=True)
class ShownLeg:
    """A device of the run."""

    nickname: str
    words: str
    tone: str

    @property
    def icon(self) -> str:
        return shown.sign(self.tone)


@dataclass(frozen=True, slots=True)
class ShownOwed:
    """What is missing of its promise, and what she may do about it."""

    words: str
    is_open: bool
    may_play: bool
    is_unsure: bool


class VerdictPage:
    """Each part is read once, and only where it is shown."""

    def __init__(self, performer: Performer, row: Activation, now: datetime) -> None:
        self.row, self._calendar = row, days.calendar_of(performer, now)
        self.activation_id, self.outcome = row.pk, outcome.of(row)
        said = shownwords.of(performer)
        self.title = historypage.who_and_what(row, said, most=historypage.NAME_WHOLE)
        day = days.of_moment(row.created_at, self._calendar.zone)
        said_of_day = days.words(day, self._calendar.today)
        self.when = f"{said_of_day}, {self._calendar.told(row.created_at)}"

    @property
    def tone(self) -> str:
        return self.outcome.tone

    # --- the six facts ---------------------------------------------------------------------------
    @cached_property
    def _tip(self) -> Tip | None:
        return Tip.objects.filter(pk=self.row.tip_id).first() if self.row.tip_id else None

    @cached_property
    def _event(self) -> LoggedEvent | None:
        return eventlog.find(self.row.tip_id) if self.row.tip_id else None

    @cached_property
    def _delivery(self) -> WebhookDelivery | None:
        return WebhookDelivery.objects.filter(pk=self._tip.delivery).first() if self._tip else None

    @cached_property
    def facts(self) -> list[dict[str, str]]:
        """Of what no tip set off, those that are its own."""
        rows = (self._delivery, self._tip, self._event, self.row, self.row, self.row)
        first = 0 if self.row.tip_id else 3
        told = list(zip(SIX, HER_FACTS, rows, strict=True))[first:]
        last = max((fact.number for fact, _, row in told if fact.at(row)), default=0)
        return [self._fact(*each, is_past=each[0].number < last).row for each in told]

    def _fact(self, fact: Fact, words: str, row: Any, *, is_past: bool) -> ShownFact:
        """`is_past`: a later one has happened, so this one has too."""
        at = fact.at(row)
        if at is not None:
            return ShownFact(words, "good", self._calendar.exactly(at))
        if is_past:
            return ShownFact(words, "good", "", "Its time is not kept any more")
        is_open = self.row.status in LIVE
        return ShownFact(words, "info" if is_open else "idle", "", "Waits" if is_open else "Never")

    # --- the gates -------------------------------------------------------------------------------
    @property
    def refusals(self) -> list[ShownGate]:
        """Those that said no: at most the last."""
        return [shown_gate(each) for each in self.row.gates if not each["passed"]]

    @property
    def passed(self) -> list[tuple[str, str]]:
        return [
            (gate.title, gate.saw)
            for gate in map(shown_gate, self.row.gates)
            if gate not in self.refusals
        ]

    @property
    def passed_words(self) -> str:
        count = len(self.passed)
        return f"{count} gate{'' if count == 1 else 's'} passed"

    # --- promised and delivered ------------------------------------------------------------------
    @property
    def promised(self) -> int:
        return self.row.promised_seconds

    @cached_property
    def levels(self) -> list[float]:
        """What was promised, from 0 to 1; nothing of what cannot be drawn."""
        return _levels(self.row.item, self.promised) if self.promised else []

    @property
    def share(self) -> float:
        """How much of what was promised is known to be delivered, in percent."""
        return min(100.0, 100 * (self.row.delivered_seconds or 0) / (self.promised or 1))

    @property
    def wave_words(self) -> str:
        """What the drawing shows, for whom does not see it."""
        return f"{self.share:.0f} % of what was promised was delivered"

    @property
    def seconds(self) -> list[tuple[str, str]]:
        told = [("Promised", _s(self.promised))]
        if self.row.delivered_seconds is not None:
            told.append(("Delivered", _s(self.row.delivered_seconds)))
        elif self.row.status not in LIVE:
            told.append(("Delivered", "Not known" if self.row.dispatched_at else _s(0)))
        if self.row.item:
            told.append(("Item", outcome.title(self.row)))
        return told

    # --- devices ---------------------------------------------------------------------------------
    @property
    def legs(self) -> list[ShownLeg]:
        return [_leg(each) for each in self.row.legs or ()]

    @property
    def devices(self) -> str:
        """What was there, where no device had a part of its own."""
        saw = [each["saw"] for each in self.row.gates if each["gate"] == "device_online"]
        return "" if self.row.legs or not saw else str(saw[-1])

    # --- what is owed ----------------------------------------------------------------------------
    @cached_property
    def owed(self) -> ShownOwed | None:
        found = listing.of([self.row.pk]) if outcome.may_owe(self.row) else {}
        return _owed(found[self.row.pk]) if found else None

    # --- the receipt -----------------------------------------------------------------------------
    @property
    def receipt(self) -> list[tuple[str, str]]:
        ids = [("Tip", self.row.tip_id), ("Run", self.row.pk), ("Event", self.row.event_id)]
        if self._event is not None:
            ids.append(("Event hash", self._event.payload_hash))
        return [(name, value) for name, value in ids if value]


def shown_gate(row: Mapping[str, Any] | GateRow) -> ShownGate:
    saw = row["saw"]
    told = {True: "yes", False: "no"}[saw] if isinstance(saw, bool) else str(saw)
    title = GATE_WORDS.get(row["gate"], row["gate"].replace("_", " ").capitalize())
    return ShownGate(title, "" if row["gate"] == "stop_epoch" else told)


def _s(seconds: float) -> str:
    return f"{charts.words(seconds)}\u00a0s"


def _leg(leg: LegRow) -> ShownLeg:
    words = f"{leg['delivered'] or 0:g} of {_s(leg['promised'])}"
    if not leg["outcome"]:
        return ShownLeg(leg["nickname"], f"{_s(leg['promised'])} promised", "info")
    short = outcome.how_short(leg)
    return ShownLeg(
        leg["nickname"], f"{words}; {short}" if short else words, "warn" if short else "good"
    )


def _owed(row: OwedRow) -> ShownOwed:
    is_open = row["state"] == OwedState.OPEN
    may_play = is_open and row["owed"] >= owing.LEAST_REQUEUED
    return ShownOwed(_owed_words(row), is_open, may_play, row["cause"] in owing.UNSURE)


def _owed_words(row: OwedRow) -> str:
    if row["state"] == OwedState.OPEN:
        return f"{_s(row['owed'] / TENTHS)} are owed."
    if row["state"] == OwedState.REQUEUED:
        return f"{_s(row['requeued'] / TENTHS)} play as an entry of their own."
    if row["state"] == OwedState.WAIVED:
        why = f": {row['why']}" if row["why"] else ""
        return f"{_s(row['waived'] / TENTHS)} are waived{why}."
    return "Nothing is owed any more: it was delivered later."


def _levels(item: Mapping[str, Any] | None, seconds: int) -> list[float]:
    try:
        compiled = _compiled(item or {}, seconds)
    except (KeyError, InvalidVibration, InvalidPattern):
        return []  # of levels that are not ours, or from under other rules
    return list(_strongest(compiled, seconds)) if isinstance(compiled, Compiled) else []


def _compiled(item: Mapping[str, Any], seconds: int) -> Any:
    """By the compiler, for a device that has whatever the item names, and takes any curve of it."""
    named = vibration.functions_of(item) or (FUNCTION,)
    names = dict.fromkeys(FUNCTION if name == MAIN else name for name in named)
    able = Capabilities(next(iter(names)), tuple(Actuator(name, name[0]) for name in names))
    return compile_vibration(vibration.of_item(item), able, VibrationCaps(seconds, TOP))


def _strongest(compiled: Compiled, seconds: int) -> Iterator[float]:
    step = max(100, seconds * 1000 // STEPS)
    tracks = compiled.timeline.samples(step).values()
    return (max(column) / TOP for column in zip(*tracks, strict=True))
