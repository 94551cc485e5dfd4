"""Legs: the devices of a run, and the slices in which each is told. Pure.

Devices of one app that play the same from the same moment on are one group, told by one call. A
performer's groups begin one second after each other, or later where one of them is to wait, since
the vendor's cloud is told one command a second for her; all of them end together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lovense.bridges import slices, starts
from lovense.bridges.bridge import DeviceLeg
from lovense.bridges.legs import MAX_LEGS, told_to
from lovense.bridges.outcomes import LASTING, CallOutcome
from lovense.bridges.slices import SliceWindow
from lovense.deciding.shortfall import PLAYED
from lovense.devices import appversion
from lovense.rows import Command, LegRow, SliceRow

MAX_GROUPS = 4  # more would have to share their seconds
PLANNED, CLAIMED, ACCEPTED, REFUSED, UNKNOWN, MISSED, STOPPED = (
    *("planned", "claimed", "accepted", "refused", "unknown", "missed", "stopped"),
)
AWAY, UNSUPPORTED = "away", "unsupported"


@dataclass(frozen=True, slots=True)
class ToldDevice:
    """A device that can be told, the app through which, and how much later than others it
    answers."""

    toy_id: str
    nickname: str
    host_id: str
    app_version: str
    lead_ms: int = 0

    @property
    def takes_lists(self) -> bool:
        return appversion.takes_lists(self.app_version)


@dataclass(frozen=True, slots=True)
class LegGroup:
    """`places` of its legs in the row; `leg` stands for all of them."""

    host_id: str
    places: tuple[int, ...]
    toy_ids: tuple[str, ...]
    leg: DeviceLeg
    windows: tuple[SliceWindow, ...]

    def named(self, command: Command) -> Command:
        """One call for all of them."""
        return command | {"toy": self.toy_ids[0] if len(self.toy_ids) == 1 else [*self.toy_ids]}


# --- planning ------------------------------------------------------------------------------------


def planned(
    commands: Sequence[Command],
    targets: Sequence[ToldDevice],
    *,
    seconds: int,
    lease_seconds: int,
    step_ms: int = starts.SECOND,
    offsets: Mapping[str, int] | None = None,
) -> list[LegRow]:
    """A leg for each device that has something to do; one that begins too late, or is one too many,
    has no slices and says why. `offsets`: by device, how many ms later than the run it is wished to
    start."""
    told = [(each, found) for each in targets if (found := told_to(commands, each.toy_id))]
    del told[MAX_LEGS:]
    leads = {each.toy_id: each.lead_ms for each, _ in told}
    all_starts = starts.of(leads, offsets or {}, step_ms=step_ms, seconds=seconds)
    wished = {key: start.kept // starts.SECOND for key, start in all_starts.items()}
    kinds = [_kind(each, theirs, wished[each.toy_id]) for each, theirs in told]
    begins = _begins(kinds, [wished[each.toy_id] for each, _ in told])
    windows = [slices.planned(theirs, seconds, lease_seconds) for _, theirs in told]
    return [
        _row(each, theirs, all_starts[each.toy_id].asked, begin, _windows(its, begin))
        for (each, theirs), begin, its in zip(told, begins, windows, strict=True)
    ]


def _kind(target: ToldDevice, told: list[Command], wished: int) -> object:
    """Devices of one kind are told together."""
    return (target.host_id, told, wished) if target.takes_lists else target.toy_id


def _begins(kinds: Sequence[object], wished: Sequence[int]) -> list[int | None]:
    """In which second each begins: as wished, and a second after the group before it. None: it is
    one of too many."""
    groups: list[object] = []
    seconds: list[int] = []
    for _, kind in sorted(zip(wished, kinds, strict=True), key=lambda pair: pair[0]):
        if kind not in groups:
            groups.append(kind)
    for kind in groups:
        least = seconds[-1] + 1 if seconds else 0
        seconds.append(max(least, wished[kinds.index(kind)]))
    found = dict(enumerate(seconds[:MAX_GROUPS]))
    return [found.get(groups.index(kind)) for kind in kinds]


def _windows(windows: Sequence[SliceWindow], begin: int | None) -> tuple[SliceWindow, ...]:
    return () if begin is None else slices.shifted(windows, begin)


def _row(
    target: ToldDevice,
    told: list[Command],
    asked_ms: int,
    begin: int | None,
    its: Sequence[SliceWindow],
) -> LegRow:
    row: LegRow = {
        "toyId": target.toy_id,
        "nickname": target.nickname,
        "hostId": target.host_id,
        "offsetMs": (begin or 0) * starts.SECOND,
        "commands": told,
        "promised": its[-1].until - its[0].start if its else 0,
        "delivered": None if its else 0.0,
        "outcome": "" if its else UNSUPPORTED,
        "code": "" if its else "too_many_paths",
        "slices": [
            {"n": each.n, "start": each.start, "until": each.until, "state": PLANNED}
            for each in its
        ],
    }
    if its and asked_ms != row["offsetMs"]:
        row["askedMs"] = asked_ms
    return row


def groups_of(rows: Sequence[LegRow]) -> list[LegGroup]:
    """Of legs that were planned, in the order in which they begin."""
    together: dict[tuple[str, int], list[int]] = {}
    for place, row in enumerate(rows):
        if row["slices"]:
            together.setdefault((row["hostId"], row["offsetMs"]), []).append(place)
    return [_group(rows, together[key]) for key in sorted(together, key=lambda key: key[1])]


def _group(rows: Sequence[LegRow], places: Sequence[int]) -> LegGroup:
    first = rows[places[0]]
    found = [SliceWindow(each["n"], each["start"], each["until"]) for each in first["slices"]]
    windows = slices.as_told(found, first["commands"])
    return LegGroup(
        first["hostId"],
        tuple(places),
        tuple(rows[place]["toyId"] for place in places),
        DeviceLeg(first["toyId"], tuple(first["commands"]), windows[0].start),
        windows,
    )


# --- what became of them -------------------------------------------------------------------------


def state_after(outcome: CallOutcome) -> str:
    """Of a slice that was told."""
    if outcome is CallOutcome.ACCEPTED:
        return ACCEPTED
    return UNKNOWN if outcome is CallOutcome.UNKNOWN else REFUSED


def is_over(row: LegRow) -> bool:
    """Nothing more is told to this device in this run."""
    return row["code"] in {outcome.value for outcome in LASTING}


def delivered(row: LegRow, *, ran: float) -> float:
    """The seconds of what was accepted, up to the end of a run that `ran` for so long."""
    return round(sum(_ran(each, ran) for each in _accepted(row["slices"])), 1)


def _accepted(found: Iterable[SliceRow]) -> Iterator[SliceRow]:
    return (each for each in found if each["state"] == ACCEPTED)


def _ran(each: SliceRow, ran: float) -> float:
    return max(0.0, min(float(each["until"]), ran) - each["start"])


def concluded(row: LegRow, *, ran: float, is_stopped: bool) -> LegRow:
    """As it is when its run has ended after so many seconds."""
    if not row["slices"]:
        return row
    states = [each["state"] for each in row["slices"]]
    seconds = delivered(row, ran=ran)
    made: LegRow = {**row, "delivered": seconds}
    if seconds >= row["promised"]:
        made["outcome"], made["code"] = PLAYED, ""
    elif is_stopped:
        made["outcome"] = STOPPED
    elif UNKNOWN in states:
        made["outcome"] = UNKNOWN
    elif row["code"] in (CallOutcome.UNSUPPORTED, CallOutcome.BAD_COMMAND):
        made["outcome"] = UNSUPPORTED
    else:
        made["outcome"] = AWAY
    rest = STOPPED if is_stopped else MISSED
    made["slices"] = [
        {**each, "state": rest if each["state"] == PLANNED else each["state"]}
        for each in row["slices"]
    ]
    return made
