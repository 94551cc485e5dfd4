"""ETA: when each waiting request of a lane will start, if nothing else happens. It foresees; it
decides and writes nothing.

It plays the pipeline's own rules forward: the order of the turns, what `decide()` says that each
request takes, the batches, the limit per minute, a pause that ends. The first EXACT of a lane one
by one, those behind them by their average. What nobody can know is said as such: `draining`,
`stopped`, `paused` (without an end), `no_page`, `no_device`, `too_far`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice

from ground import clock
from ground.mongodb.collections import collection
from lovense.deciding import batch, pace, priorities
from lovense.deciding import rest as rests
from lovense.deciding.activation import FINAL, S, activation_id, given_up, run_seconds
from lovense.deciding.gates import decide
from lovense.deciding.pace import Pace
from lovense.deciding.rest import DeviceRun, Rest
from lovense.deciding.rules import Rules, is_paused, is_stopped
from lovense.devices import summary
from lovense.menus.draws import SecretMissing
from lovense.models import Activation
from lovense.rows import ActivationRow, PerformerRow
from lovense.sending import pages
from lovense.sending.messages import is_marked
from tips.models import Mode, RequestStatus
from tips.queue import claims, counts, ordering
from tips.rows import RequestRow

EXACT = 50
COUNTED_AT_MOST = 10_000
# Measured on a running stack with a page in a browser: what a run takes beyond its seconds, from
# start to start (22 to 130 ms); and what one takes that does nothing.
START = timedelta(milliseconds=70)
NOTHING = timedelta(milliseconds=13)
# What waits for the clock is found by the beat, on average half a beat late.
BEAT_LATE = timedelta(seconds=0.5)
PLAYS = frozenset({S.DISPATCHED, S.ACTIVATED})
# A run that is over for so long is taken for silent: then its lease decides.
SILENT = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """`at` is None when nobody can know, and `why` says why not. An estimate is made by
    averages."""

    at: datetime | None
    why: str = ""
    is_estimate: bool = False

    def seconds(self, now: datetime) -> float | None:
        return None if self.at is None else max(0.0, (self.at - now).total_seconds())


@dataclass(frozen=True, slots=True)
class Start:
    """One waiting request: what the pipeline would decide now, when it starts, and how long the
    lane is then busy with it."""

    request: RequestRow
    decision: ActivationRow
    foreseen: Foreseen
    busy_seconds: float = 0.0
    leader: str = ""  # the request whose run it is part of
    held_by: str = ""  # the limit that makes it wait, as `rate_limit` or `resting`


@dataclass(slots=True)
class LaneAhead:
    """What is known of a lane. `free_at`: when the next request may start. `unknown`: why nobody
    knows."""

    performer_id: str
    rules: Rules
    waiting: list[RequestRow]
    pace: Pace
    rest: Rest | None
    free_at: datetime
    unknown: str = ""
    before: dict[str, ActivationRow] = field(
        default_factory=dict
    )  # activations of what was tried before

    @property
    def mode(self) -> Mode:
        return self.rules.mode_of(self.performer_id)


def of_lane(
    performer_id: str, *, now: datetime, limit: int = EXACT, rules: Rules | None = None
) -> list[Start]:
    """The first waiting requests of a lane in the order in which they will start."""
    return foresee(read(performer_id, now=now, limit=limit, rules=rules), now=now, limit=limit)


def of_request(request: RequestRow, *, now: datetime) -> Foreseen:
    """When this request of the queue will start; `not_waiting` when it has started, or will not."""
    if request["status"] != RequestStatus.PENDING:
        return Foreseen(None, "not_waiting")
    lane = read(request["lane"], now=now)
    starts = foresee(lane, now=now)
    for start in starts:
        if start.request["_id"] == request["_id"]:
            return start.foreseen
    if not starts:
        return Foreseen(None, "not_waiting")
    lane.rules.read_menus([request])
    (placed,) = priorities.placed([request], lane.rules)
    return estimate(placed, lane, starts)


# --- what is known -------------------------------------------------------------------------------


def read(
    performer_id: str, *, now: datetime, limit: int = EXACT, rules: Rules | None = None
) -> LaneAhead:
    rules = rules or Rules.read([performer_id], at=now)
    rows = limit + ordering.BATCH_SIZE - 1 if rules.mode_of(performer_id) is Mode.BATCH else limit
    waiting = counts.first_of_lines(performer_id, limit=rows)
    waiting += [row for row in claims.tried([performer_id]) if row not in waiting]
    claim = claims.claimed(performer_id)
    to_decide = [*waiting, *([claim] if claim else [])]
    rules.read_menus(to_decide)
    rules.read_standings(to_decide)
    waiting = priorities.placed(waiting, rules)
    asked = [*([claim] if claim else []), *(row for row in waiting if row["attempts"])]
    before = _activations(asked)
    free_at = _ends(claim, before.get(claim["_id"]), rules, now) if claim else now
    return LaneAhead(
        performer_id,
        as_if_nothing_held(performer_id, rules),
        waiting,
        pace=pace.read(rules.limits_of([performer_id]), now=now)[performer_id],
        rest=rests.read(rules.performers.values(), now=now).get(performer_id),
        free_at=max(free_at, _resumes_at(performer_id, rules, now)),
        unknown=_unknown(performer_id, rules, now),
        before=before,
    )


def as_if_nothing_held(performer_id: str, rules: Rules) -> Rules:
    """What waits for a device to come back, or for her to resume, will do what it would do now."""
    performer = rules.performers.get(performer_id)
    if performer is None:
        return rules
    free: PerformerRow = {**performer, "paused_at": None, "stopped_at": None}
    if summary.is_away(performer):
        free["devices"] = None
    return replace(rules, performers={performer_id: free})


def _activations(requests: Iterable[RequestRow]) -> dict[str, ActivationRow]:
    ids = [activation_id(row["idempotency_key"]) for row in requests]
    return (
        {row["request_id"]: row for row in collection(Activation).find({"_id": {"$in": ids}})}
        if ids
        else {}
    )


def _decided(
    request: RequestRow, rules: Rules, now: datetime, before: ActivationRow | None
) -> ActivationRow:
    """What nothing can be drawn for will be given up, and holds up nobody's estimate."""
    try:
        return decide(request, rules, is_online=True, now=now, before=before)
    except SecretMissing:
        return given_up(request, before=before, now=now)


def _ends(claim: RequestRow, row: ActivationRow | None, rules: Rules, now: datetime) -> datetime:
    """When what runs now will have ended."""
    if row is None or row["status"] == S.QUEUED:  # being decided at this moment
        row = _decided(claim, rules, now, row)
    if S(row["status"]) in FINAL or is_marked(row):
        return now
    sent = row["dispatched_at"] or now
    began = row["started_at"] or row["received_at"] or max(now, sent + START)
    ends = began + timedelta(seconds=run_seconds(row))
    if ends + SILENT < now:
        ends = (claim["lease_until"] or now) + BEAT_LATE
    return max(now, ends)


def _resumes_at(performer_id: str, rules: Rules, now: datetime) -> datetime:
    performer = rules.performers.get(performer_id)
    until: datetime | None = (
        performer["paused_until"] if performer and is_paused(performer, now) else None
    )
    return clock.after(until, BEAT_LATE) if until else now


def _unknown(performer_id: str, rules: Rules, now: datetime) -> str:
    performer = rules.performers.get(performer_id)
    if rules.platform["is_draining"]:
        return "draining"
    if performer and is_stopped(performer):
        return "stopped"
    if performer and is_paused(performer, now) and performer["paused_until"] is None:
        return "paused"
    if performer and summary.is_away(performer):
        return "no_device"
    return "" if pages.holders(now=now, among=[performer_id]) else "no_page"


# --- foreseeing ----------------------------------------------------------------------------------


def foresee(lane: LaneAhead, *, now: datetime, limit: int = EXACT) -> list[Start]:
    """Pure. In the order in which they start; what joins a run comes right after its leader."""
    found = list(islice(_Foresight(lane, now).starts(), limit))
    if lane.unknown:
        return [replace(start, foreseen=Foreseen(None, lane.unknown)) for start in found]
    return found


class _Foresight:
    """A lane, worked off in thought."""

    def __init__(self, lane: LaneAhead, now: datetime) -> None:
        self._lane, self._now = lane, now
        self._waiting = _Lines(lane.waiting)
        self._decisions: dict[str, ActivationRow] = {}

    def starts(self) -> Iterator[Start]:
        mode, free_at, rate = self._lane.mode, self._lane.free_at, self._lane.pace
        rest = self._lane.rest
        while request := self._waiting.next(mode):
            decision = self._decided(request)
            ready = _ready(request, mode, free_at)
            if decision["status"] not in PLAYS or is_marked(decision):
                yield Start(request, decision, Foreseen(ready))
                free_at = ready + NOTHING
                continue
            paced = _open(rate, ready)
            at = _rested(rest, paced)
            held_by = "resting" if at > paced else "rate_limit" if paced > ready else ""
            if not held_by and ready > free_at:
                held_by = request.get("delayed_by") or ""
            members = (
                self._members(request, decision, at)
                if mode is Mode.BATCH and not request["attempts"]
                else []
            )
            seconds = run_seconds(decision) + sum(
                self._decided(member)["promised_seconds"] for member in members
            )
            start = Start(
                request,
                decision,
                Foreseen(at + START),
                seconds + START.total_seconds(),
                held_by=held_by,
            )
            yield start
            yield from (
                Start(member, self._decided(member), start.foreseen, leader=request["_id"])
                for member in members
            )
            rate, free_at = rate.after(at), at + START + timedelta(seconds=seconds)
            rest = rest and rest.after(DeviceRun(at, free_at))

    def _decided(self, request: RequestRow) -> ActivationRow:
        key = request["_id"]
        if key not in self._decisions:
            before = self._lane.before.get(key)
            if before is None or before["status"] == S.QUEUED:
                before = _decided(request, self._lane.rules, self._now, before)
            self._decisions[key] = before  # else it was decided long ago, and is only sent again
        return self._decisions[key]

    def _members(
        self, request: RequestRow, decision: ActivationRow, at: datetime
    ) -> list[RequestRow]:
        window = [
            row
            for row in self._waiting.first(ordering.BATCH_SIZE - 1)
            if ordering.is_ready(row, Mode.BATCH, at)
        ]
        others = ((row, self._decided(row)) for row in batch.alike(request, window))
        found = batch.fitting(decision, others, self._lane.rules)
        members = [member.request for member in found]
        self._waiting.take(members)
        return members


class _Lines:
    """The lines of a lane while it is worked off."""

    def __init__(self, rows: Iterable[RequestRow]) -> None:
        self._lines: dict[str, dict[str, RequestRow]] = {}
        self._tried: dict[str, RequestRow] = {}  # of them
        for row in sorted(rows, key=ordering.in_order):
            self._lines.setdefault(row["line"], {})[row["_id"]] = row
            if ordering.is_tried(row):
                self._tried[row["_id"]] = row

    def next(self, mode: Mode) -> RequestRow | None:
        heads = [next(iter(line.values())) for line in self._lines.values() if line]
        if not heads:
            return None
        chosen = ordering.next_of([*heads, *self._tried.values()], mode)
        self.take([chosen])
        return chosen

    def first(self, count: int) -> list[RequestRow]:
        """In the order of the turns."""
        return list(
            islice(
                merge(*(line.values() for line in self._lines.values()), key=ordering.in_order),
                count,
            )
        )

    def take(self, rows: Iterable[RequestRow]) -> None:
        for row in rows:
            del self._lines[row["line"]][row["_id"]]
            self._tried.pop(row["_id"], None)


def _ready(request: RequestRow, mode: Mode, free_at: datetime) -> datetime:
    """When the next request is taken: retries and the tick hold it back, and its lane with it."""
    if ordering.is_ready(request, mode, free_at):
        return free_at
    available: datetime = request["available_at"]
    return (
        ordering.tick(available) + ordering.TICK if mode is Mode.BATCH else available
    ) + BEAT_LATE


def _open(rate: Pace, at: datetime) -> datetime:
    if not rate.limit or len(rate.starts) < rate.limit or rate.opens_at <= at:
        return at
    return rate.opens_at + BEAT_LATE


def _rested(rest: Rest | None, at: datetime) -> datetime:
    return at if rest is None or rest.is_open(at) else rest.opens_at + BEAT_LATE


def estimate(request: RequestRow, lane: LaneAhead, starts: Sequence[Start]) -> Foreseen:
    """For one behind the first: the average of those, and no faster than the limit per minute."""
    last = [start.foreseen.at for start in starts if start.foreseen.at]
    if lane.unknown or not last:
        return Foreseen(None, lane.unknown)
    ahead = counts.count_before(request, lane.mode, limit=COUNTED_AT_MOST)
    if ahead >= COUNTED_AT_MOST:
        return Foreseen(None, "too_far")
    runs = sum(1 for start in starts if start.busy_seconds)
    paced = runs * pace.WINDOW.total_seconds() / lane.pace.limit if lane.pace.limit else 0.0
    each = max(sum(start.busy_seconds for start in starts), paced) / len(starts)
    return Foreseen(
        max(last) + timedelta(seconds=each * (ahead + 1 - len(starts))), is_estimate=True
    )
