"""The past of one performer: her shows, each tip of them settled, decided and ended by the rules of
the product, with the moment of it as an argument.

What plays to its end, or has no effect, goes in bulk (`bulk`); every other tip is alone in her lane
while it is dispatched, acknowledged, stopped or given up by the functions that serve. A show may be
written again: tips that are there are left as they are. Nothing else runs meanwhile:
what serves would decide and heal by its own clock."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.seeds import bulk, cast
from config.seeds.bulk import Bulk
from config.seeds.script import MINUTE, PLAIN, SECOND, SeededShow, SeededTip
from ground import clock
from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.deciding.gates import decide
from lovense.deciding.rules import Rules
from lovense.devices import register
from lovense.history import daysums, hours
from lovense.lane import controls
from lovense.models import Activation, Show
from lovense.owed import keeping as owed
from lovense.rows import ActivationRow
from lovense.sending import acknowledgement, dispatch, leases, pages
from lovense.sending.acknowledgement import Ack
from lovense.shows import ending
from lovense.stopping import stop
from tips.intake import simulator
from tips.models import Tip
from tips.queue import requests as queue
from tips.queue.claims import MAX_ATTEMPTS
from tips.settlement.rounds import Settled

BY, PAGE = "seeds", "seeds"  # who writes, and the page that holds the devices
AT_ONCE, LIMIT = 100, 500
PLAYS_AFTER = SECOND / 5  # from the start of a run to its first move
PAUSE = SECOND / 2  # between two runs
LATE = 20 * MINUTE

Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Seeded:
    """A performer whose past is written: her tips' ids begin with `prefix`."""

    performer_id: str
    name: str
    prefix: str

    def tip_id(self, number: int) -> str:
        return cast.tip_id(self.prefix, number)

    def known(self) -> set[str]:
        """The tips of hers that are there."""
        there = {"$gte": self.prefix, "$lt": f"{self.prefix}g"}
        return {row["_id"] for row in collection(Tip).find({"_id": there}, {"_id": 1})}

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return [(cast.viewer_id(name), self.performer_id) for name in cast.VIEWERS]


class PastWriter:
    """Writes her shows, one after the other, in the order of time."""

    def __init__(self, seeded: Seeded, progress: Progress = lambda tips: None) -> None:
        self._her, self._progress = seeded, progress
        self._known = seeded.known()
        self._bulk = Bulk(seeded.pairs)
        self._free_at = clock.EARLIEST  # of her lane

    def write(self, show: SeededShow, tips: Iterable[SeededTip], *, is_over: bool = True) -> None:
        """1. She goes on air. 2. The tips, alike ones together. 3. The end of it, what is owed, and
        its hours."""
        missing = [tip for tip in tips if self._her.tip_id(tip.number) not in self._known]
        self._progress(show.count - len(missing))
        if missing:
            self._write_missing(show, missing)
        if is_over and not is_finished(self._her, show):
            finish(self._her, show)

    def _write_missing(self, show: SeededShow, missing: Sequence[SeededTip]) -> None:
        begin(self._her.performer_id, show)
        self._bulk.after_turns()
        self._free_at = show.begins
        for is_plain, some in itertools.groupby(missing, key=_is_plain):
            while part := list(itertools.islice(some, AT_ONCE if is_plain else 1)):
                self._write_plain(part) if is_plain else self._write_alone(part[0])
                self._progress(len(part))

    # --- in bulk ---------------------------------------------------------------------------------

    def _write_plain(self, part: Sequence[SeededTip]) -> None:
        settled = [self._settled(tip) for tip in part]
        requests = [tip.request for tip in settled]
        rules = Rules.read([self._her.performer_id], requests)
        rules.read_standings(requests)
        starts, ends = [], []
        for tip, one in zip(part, settled, strict=True):
            row = self._started(tip, one, rules)
            starts.append(row)
            if row["status"] == "dispatched":
                ends.append(self._end(tip, row))
        bulk.keep([self._bulk.entry(settled, starts, ends, at=part[-1].at, by=BY)])

    def _started(self, tip: SeededTip, settled: Settled, rules: Rules) -> ActivationRow:
        at = max(tip.at + PLAYS_AFTER, self._free_at)
        request = bulk.claimed(settled.request, by=BY, at=at)
        return decide(request, rules, is_online=tip.story != "offline", now=at)

    def _end(self, tip: SeededTip, row: ActivationRow) -> Ack:
        promised = float(row["promised_seconds"])
        seconds = round(promised * 0.4, 1) if tip.story == "shortened" else promised
        at = row["created_at"] + PLAYS_AFTER + seconds * SECOND
        self._free_at = at + PAUSE
        return Ack(self._her.performer_id, row["_id"], 1, "finished", at, seconds)

    def _settled(self, tip: SeededTip) -> Settled:
        body = body_of(self._her, tip)
        position = clock.nanoseconds(tip.at) + tip.number
        key = f"{self._her.prefix}-{tip.number}"
        return self._bulk.settle(body, key, position=position, at=tip.at)

    # --- step by step ----------------------------------------------------------------------------

    def _write_alone(self, tip: SeededTip) -> None:
        at = max(tip.at + PLAYS_AFTER, self._free_at)
        bulk.keep([self._bulk.entry([self._settled(tip)], at=tip.at, by=BY)])
        self._free_at = SeededRun(self._her, tip, at).live() + PAUSE
        self._bulk.after_turns()


@dataclass(frozen=True, slots=True)
class SeededRun:
    """One tip that is settled and waits, alone in its lane, from its start at `at` to its end."""

    her: Seeded
    tip: SeededTip
    at: datetime

    @property
    def key(self) -> str:
        return activation_id(self.her.tip_id(self.tip.number))

    def live(self) -> datetime:
        """When it was over."""
        if self.tip.story == "cancelled":
            return self._cancelled()
        row = self.start()
        if row is None or row["status"] != "dispatched":
            return self.at
        return ENDS.get(self.tip.story, SeededRun._played)(self, float(row["promised_seconds"]))

    def start(self) -> ActivationRow | None:
        self._dispatch(self.at)
        return collection(Activation).find_one({"_id": self.key})

    def _dispatch(self, at: datetime) -> None:
        dispatch.drain_freed([self.her.performer_id], now=at, deliver=lambda *told: None)

    def say(
        self, stage: str, at: datetime, seconds: float | None = None, **more: str | int
    ) -> None:
        attempt, code = int(more.get("attempt", 1)), str(more.get("code", ""))
        who = self.her.performer_id, self.key, attempt, stage
        acknowledgement.acknowledge([Ack(*who, at, delivered_seconds=seconds, code=code)])

    def begun(self) -> datetime:
        self.say("received", self.at + PLAYS_AFTER / 2)
        self.say("started", self.at + PLAYS_AFTER)
        return self.at + PLAYS_AFTER

    def _played(self, promised: float) -> datetime:
        end = self.begun() + promised * SECOND
        self.say("finished", end, promised)
        return end

    def _failed(self, promised: float) -> datetime:
        self.say("received", self.at + PLAYS_AFTER)
        self.say("failed", self.at + SECOND, code="toy_error")
        return self.at + SECOND

    def _silent(self, promised: float) -> datetime:
        self.say("received", self.at + PLAYS_AFTER)
        leases.expire(now=self.at + promised * SECOND + MINUTE, limit=LIMIT)
        return self.at + promised * SECOND + MINUTE

    def _dead(self, promised: float) -> datetime:
        """Refused, until it is given up."""
        later = timedelta()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            self.say("failed", self.at + later + SECOND, code="busy", attempt=attempt)
            later += 8 * SECOND  # longer than any pause before the next attempt
            self._dispatch(self.at + later)
        return self.at + later

    def _cancelled(self) -> datetime:
        request = queue.request_id(self.her.tip_id(self.tip.number))
        about = {"performer_id": self.her.performer_id, "by": self.her.name}
        now = self.at + 2 * SECOND
        controls.cancel(request_id=request, why="Asked for it", now=now, **about)
        return self.at + 2 * SECOND

    def _skipped(self, promised: float) -> datetime:
        end = self.begun() + promised * SECOND / 4
        about = {"performer_id": self.her.performer_id, "by": self.her.name}
        controls.skip(why="", now=end - PLAYS_AFTER, **about)
        self.say("finished", end, round(promised / 4, 1))
        return end

    def _stopped(self, promised: float) -> datetime:
        """She presses STOP, and goes on half a minute later."""
        end = self.begun() + promised * SECOND / 2
        press_stop(self.her, end - PLAYS_AFTER / 2)
        self.say("finished", end, round(promised / 2, 1), code="stopped")
        resumed = end + 30 * SECOND
        stop.resume(performer_id=self.her.performer_id, by=self.her.name, now=resumed)
        return resumed


ENDS: dict[str, Callable[[SeededRun, float], datetime]] = {
    "failed": SeededRun._failed,
    "silent": SeededRun._silent,
    "dead": SeededRun._dead,
    "skipped": SeededRun._skipped,
    "stopped": SeededRun._stopped,
}


def press_stop(her: Seeded, now: datetime) -> None:
    stop.press(performer_id=her.performer_id, by=her.name, why="", through="page", now=now)


def _is_plain(tip: SeededTip) -> bool:
    return tip.story in PLAIN and tip.amount not in cast.LIMITED


def body_of(her: Seeded, tip: SeededTip) -> bytes:
    """As the platform says it; what came too late was made long before."""
    made = tip.at - LATE if tip.story == "too_late" else tip.at
    context = {"conversationType": tip.show, "streamType": tip.show}
    data = simulator.tip(
        her.tip_id(tip.number),
        tip.amount,
        tipper_id=cast.viewer_id(tip.viewer),
        performer_id=her.performer_id,
        commission=25,
        createdAt=clock.iso(made),
        isAnonymous=tip.is_anonymous,
        context=context | ({"customMessage": tip.message} if tip.message else {}),
    )
    data["tipper"]["username"], data["recipient"]["username"] = tip.viewer, her.name
    return simulator.body("tip.succeeded", data)


# --- a show --------------------------------------------------------------------------------------


def begin(performer_id: str, show: SeededShow) -> None:
    """Her page takes the devices, reports them, and holds them until the end."""
    now = show.begins
    ending.begin(performer_id=performer_id, by=BY, now=now)
    hold(performer_id, now)
    register.report(performer_id, list(cast.TOYS), now=now)
    pages.renew(PAGE, [channel_of(performer_id)], now=show.ends)


def hold(performer_id: str, now: datetime) -> int:
    channel = channel_of(performer_id)
    return pages.take(performer_id, page_id=PAGE, channel=channel, slot=PAGE, now=now)


def channel_of(performer_id: str) -> str:
    return f"seeds.{performer_id}"


def calm(her: Seeded, now: datetime) -> None:
    """Whatever state she was in, nothing of it is left: what played has ended without a word of its
    page, and what waited is taken out."""
    about = {"performer_id": her.performer_id, "by": her.name}
    stop.resume(now=now, **about)
    controls.resume(now=now, **about)
    leases.expire(now=now, limit=LIMIT)
    if waiting := controls.waiting(performer_id=her.performer_id):
        controls.clear(expected=waiting, why="", now=now, **about)


def is_finished(her: Seeded, show: SeededShow) -> bool:
    mine = {"performer_id": her.performer_id, "is_open": False, "began_at": show.begins}
    return collection(Show).find_one(mine, {"_id": 1}) is not None


def finish(her: Seeded, show: SeededShow) -> None:
    """1. What is owed. 2. The end, with its sums. 3. Its hours are counted."""
    while owed.drain(now=show.ends, limit=LIMIT, performer_id=her.performer_id):
        pass
    ending.end(performer_id=her.performer_id, by=her.name, now=show.ends)
    count_hours(her.performer_id, show.begins, show.ends)


def count_hours(performer_id: str, since: datetime, until: datetime) -> None:
    for hour in hours.with_rows(performer_id, hours.floor(since), until + hours.HOUR):
        daysums.count(performer_id, [hour], now=until)
