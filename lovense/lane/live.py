"""Lanes in memory: what runs and what waits for the pages that one process serves, so that a
settled tip starts in the moment that settles it.

Only the plain lane lives here: first come, first served, nothing tried before, nothing joined. Any
other is left to its rows (`LaneState.ROWS`) and to `lovense/sending/dispatch.py`. The rules are the
same functions; of items that cool down or run out `lovense/lane/terms.py` keeps what is known. Rows
may lag behind what is here; whoever judges by rows asks the lane, or rests first."""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any, cast

from ground.mongodb.collections import Document, collection
from lovense.deciding import pace, rest
from lovense.deciding.activation import FINAL, S, activation_id
from lovense.deciding.gates import decide
from lovense.deciding.rules import Rules, is_test
from lovense.lane import terms
from lovense.lane.terms import KnownItems
from lovense.menus.matching import Item
from lovense.models import Activation
from lovense.rows import ActivationRow, StockPieceRow
from lovense.sending import envelope
from lovense.sending.acknowledgement import Ack
from lovense.sending.messages import is_marked
from lovense.sending.writer import Holding
from tips.models import Mode, QueueRequest
from tips.queue import claims, counts
from tips.queue import requests as queue
from tips.rows import RequestRow

KEPT = 100  # of the waiting requests of a lane; what waits behind them is read when they are gone


class LaneState(Enum):
    LOADING = "loading"  # being read; what is settled for it meanwhile is kept beside
    READY = "ready"
    ROWS = "rows"  # not plain: its rows are drained as anybody's


@dataclass(slots=True)
class LiveLane:
    page: Holding
    state: LaneState = LaneState.LOADING
    waiting: deque[RequestRow] = field(default_factory=deque)
    running: str = ""  # the activation that its page has or is being sent
    request_id: str = ""
    is_whole: bool = True  # nothing waits behind what is here
    late: list[RequestRow] = field(default_factory=list)  # settled while it was being read
    item: Item | None = None  # of what runs, where it does not always answer
    played: list[str] = field(default_factory=list)  # activations that have ended with their piece

    @property
    def performer_id(self) -> str:
        return self.page.performer_id

    @property
    def is_idle(self) -> bool:
        return self.state is LaneState.READY and not self.running and not self.waiting


@dataclass(frozen=True, slots=True)
class Found:
    """A lane as its rows are."""

    waiting: list[RequestRow]
    claimed: RequestRow | None
    activation: ActivationRow | None
    is_whole: bool
    has_test: bool  # at the head of a line
    known: KnownItems = terms.ALL_ANSWER

    def is_plain(self, rules: Rules, lane: str, now: datetime) -> bool:
        performer = rules.performers.get(lane)
        if performer is None or rest.is_asked(performer) or rules.mode_of(lane) is not Mode.FIFO:
            return False
        is_let = self.has_test or rules.let(lane)
        if is_let and rules.is_paused(lane, now):  # it starts before its turn
            return False
        if any(row["attempts"] or row["available_at"] > now for row in self.waiting):
            return False
        return self.claimed is None or _is_plain_run(self.activation)


def _is_plain_run(row: ActivationRow | None) -> bool:
    """It plays alone, and nobody wants it ended."""
    return (
        row is not None
        and S(row["status"]) in (S.DISPATCHED, S.ACTIVATED)
        and not row.get("members")
        and not is_marked(row)
    )


@dataclass(frozen=True, slots=True)
class LaneStart:
    """A request that was decided in a round. `text`: what its page is sent; None where it ended
    without playing."""

    request: RequestRow
    row: ActivationRow
    page: Holding
    text: str | None
    piece: StockPieceRow | None = None  # that it takes
    played: Sequence[str] = ()  # activations that have ended with theirs


def read(performer_ids: Collection[str], *, now: datetime) -> tuple[Rules, dict[str, Found]]:
    """These lanes from their rows, and what binds them."""
    ids = list(performer_ids)
    rules = Rules.read(ids, at=now)
    rules.paces = pace.read(rules.limits_of(ids), now=now)
    running = {
        row["lane"]: row
        for row in collection(QueueRequest).find({"status": queue.CLAIMED, "lane": {"$in": ids}})
    }
    keys = [activation_id(row["idempotency_key"]) for row in running.values()]
    started = collection(Activation).find({"_id": {"$in": keys}}) if keys else ()
    activations = {row["performer_id"]: row for row in started}
    heads = claims.heads(ids)
    busy, tested = {row["lane"] for row in heads}, {row["lane"] for row in heads if is_test(row)}
    found = {
        lane: _found(
            lane,
            running,
            activations,
            # of a lane that memory does not take nobody needs what waits
            has_waiting=lane in busy and rules.mode_of(lane) is Mode.FIFO,
            has_test=lane in tested,
        )
        for lane in ids
    }
    rules.read_menus(request for lane in found.values() for request in lane.waiting)
    fifo = {lane: each.waiting for lane, each in found.items() if rules.mode_of(lane) is Mode.FIFO}
    for lane, known in terms.read(fifo, rules).items():
        found[lane] = replace(found[lane], known=known)
    return rules, found


def _found(
    lane: str,
    running: Mapping[str, RequestRow],
    activations: Mapping[str, ActivationRow],
    *,
    has_waiting: bool,
    has_test: bool,
) -> Found:
    waiting = counts.waiting_in(lane, limit=KEPT + 1) if has_waiting else []
    return Found(
        waiting=waiting[:KEPT],
        claimed=running.get(lane),
        activation=activations.get(lane),
        is_whole=len(waiting) <= KEPT,
        has_test=has_test,
    )


def ended(activation_ids: Collection[str]) -> set[str]:
    """Those of these that are over, as the rows are."""
    over = {"_id": {"$in": list(activation_ids)}, "status": {"$in": [each.value for each in FINAL]}}
    return {row["_id"] for row in collection(Activation).find(over, {"_id": 1})}


def with_waiting(lanes: Collection[str]) -> set[str]:
    """Those of these in which something waits, as the rows are."""
    return {row["lane"] for row in claims.heads(list(lanes))}


class LiveLanes:
    """The lanes of the pages of this process, by performer."""

    def __init__(self) -> None:
        self._lanes: dict[str, LiveLane] = {}
        self.rules: Rules | None = None
        self.has_loading = False  # one may wait for its rows

    def __iter__(self) -> Any:
        return iter(list(self._lanes.values()))

    def get(self, performer_id: str) -> LiveLane | None:
        return self._lanes.get(performer_id)

    def learn(self, rules: Rules) -> None:
        """What binds some of the lanes, read again. How fast they may start something is known here
        better than there, but when they were read with their rows."""
        if self.rules is None:
            self.rules = rules
            return
        known = self.rules
        known.platform, known.at = rules.platform, rules.at
        known.performers.update(rules.performers)
        known.take_menus(rules.menus)
        known.paces.update(rules.paces)
        for lane, each in known.paces.items():
            known.paces[lane] = _paced(each, known.limit_of(lane))

    def attach(self, page: Holding) -> None:
        """A page holds her devices now."""
        self.has_loading = True
        self._lanes[page.performer_id] = LiveLane(page)

    def detach(self, performer_id: str, channel: str) -> None:
        lane = self._lanes.get(performer_id)
        if lane is not None and lane.page.channel == channel:
            del self._lanes[performer_id]
            self._know(performer_id, terms.ALL_ANSWER)

    def forget(self, performer_ids: Collection[str] | None) -> None:
        """Their rows have changed, or memory is not to be believed: they are read again. None:
        all."""
        self.has_loading = True
        for lane in list(self._lanes.values()):
            if performer_ids is None or lane.performer_id in performer_ids:
                self._lanes[lane.performer_id] = LiveLane(lane.page)

    def settled(self, request: RequestRow) -> LiveLane | None:
        """A tip of hers has settled; her lane, where it lives here and has its next turn."""
        lane = self._lanes.get(request["lane"])
        if lane is None or lane.state is LaneState.ROWS:
            return lane
        if lane.state is LaneState.LOADING:
            lane.late.append(request)
        elif lane.is_whole:
            lane.waiting.append(request)
        return lane

    def loaded(self, lane: LiveLane, found: Found, *, now: datetime) -> None:
        """Takes over what was read, with what has settled since; asked again if it was forgotten
        meanwhile."""
        if self._lanes.get(lane.performer_id) is not lane or self.rules is None:
            return
        self.rules.at = now
        self._know(lane.performer_id, found.known)
        if not found.is_plain(self.rules, lane.performer_id, now):
            lane.state = LaneState.ROWS
            return
        seen = {row["_id"] for row in found.waiting}
        if found.claimed is not None and found.activation is not None:
            seen.add(found.claimed["_id"])
            lane.running, lane.request_id = found.activation["_id"], found.claimed["_id"]
            lane.item = terms.playing(found.activation)
        lane.waiting = deque(found.waiting)
        lane.is_whole = found.is_whole
        if lane.is_whole:
            lane.waiting.extend(row for row in lane.late if row["_id"] not in seen)
        lane.late = []
        lane.state = LaneState.READY

    def _know(self, performer_id: str, known: KnownItems) -> None:
        rules = self.rules
        if rules is None:
            return
        if known.menus:
            rules.known_menus[performer_id] = known.menus
            rules.standings[performer_id] = dict(known.standings)
        else:
            rules.known_menus.pop(performer_id, None)
            rules.standings.pop(performer_id, None)

    def start(self, lane: LiveLane, *, mark: Mapping[str, Any], now: datetime) -> list[LaneStart]:
        """Decides the lane's next request, and the one after it where one ends without playing.

        A lane that has become anything but plain leaves memory: its state says so."""
        rules = self.rules
        starts: list[LaneStart] = []
        if lane.running or lane.state is not LaneState.READY or rules is None:
            return starts
        if not lane.page.may_run():
            return starts
        if rules.is_held(lane.performer_id, now):
            return starts
        rules.at = now
        if rules.mode_of(lane.performer_id) is not Mode.FIFO:  # an override has ended
            lane.state = LaneState.ROWS
            return starts
        while lane.waiting and not lane.running:
            start = self._decided(lane, lane.waiting[0], rules, mark, now)
            if start is None:
                lane.state = LaneState.ROWS
                break
            lane.waiting.popleft()
            starts.append(start)
        if not lane.waiting and not lane.running and not lane.is_whole:
            self.forget({lane.performer_id})
        return starts

    def _decided(
        self,
        lane: LiveLane,
        request: RequestRow,
        rules: Rules,
        mark: Mapping[str, Any],
        now: datetime,
    ) -> LaneStart | None:
        """None: what cannot be decided, or has to wait, is the careful way's."""
        standings = rules.standings.get(lane.performer_id)
        if standings is not None and request["payload"].get("item"):
            return None
        made = {**request, **mark, "attempts": request["attempts"] + 1}
        claimed = cast("RequestRow", made)
        if started := rules.paces.get(lane.performer_id):
            started = _paced(started, rules.limit_of(lane.performer_id)).at(now)
            rules.paces[lane.performer_id] = started
        try:
            row = decide(claimed, rules, is_online=True, now=now)
        except Exception:
            return None
        if row["status"] == S.QUEUED:
            return None
        if row["status"] != S.DISPATCHED:
            return LaneStart(claimed, row, lane.page, None)
        took = terms.NOTHING if standings is None else terms.taken(row, standings, now=now)
        if took is None:
            return None
        played, lane.played = lane.played, []
        lane.running, lane.request_id, lane.item = row["_id"], request["_id"], took.item
        if started and started.limit:
            rules.paces[lane.performer_id] = started.after(now)
        performer = rules.performers[lane.performer_id]
        text = envelope.text(row, claimed, performer, lease=lane.page.lease)
        return LaneStart(claimed, row, lane.page, text, took.piece, played)

    def finished(self, ack: Ack) -> bool:
        """Whether this ends what its lane runs, plainly: then the lane is free."""
        lane = self._lanes.get(ack.performer_id)
        if (
            lane is None
            or lane.state is not LaneState.READY
            or not ack.is_plain_end
            or lane.running != ack.activation_id
        ):
            return False
        lane.running = lane.request_id = ""
        if lane.item is not None and self.rules is not None:
            known = self.rules.standings.get(lane.performer_id)
            if known is not None:
                terms.ended(lane.item, known, ack)
            if lane.item.get("stock") is not None:
                lane.played.append(ack.activation_id)
        return True

    def is_over(self, performer_id: str, activation_id: str) -> bool:
        """What its row says is in flight may be over here already."""
        lane = self._lanes.get(performer_id)
        return lane is not None and lane.state is LaneState.READY and lane.running != activation_id

    def in_state(self, state: LaneState) -> list[LiveLane]:
        return [lane for lane in self._lanes.values() if lane.state is state]


def _paced(known: pace.Pace, limit: int) -> pace.Pace:
    """Under the limit of now."""
    return known if known.limit == limit else pace.Pace(limit, known.starts)


def written(starts: Sequence[LaneStart], mark: Mapping[str, Any]) -> Document:
    """These starts as an entry carries them, with the pieces of stock that they take, and the runs
    that have ended with theirs."""
    if not starts:
        return {}
    pieces = [start.piece for start in starts if start.piece is not None]
    played = [activation for start in starts for activation in start.played]
    document: Document = {"mark": dict(mark), "starts": [start.row for start in starts]}
    if pieces:
        document["pieces"] = pieces
    if played:
        document["played"] = played
    return document
