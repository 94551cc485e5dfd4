"""The pen: the one process that writes the journal, and the roof over its rounds.

What arrives while an entry is on its way waits for the next round: it is worked out in memory
(`tips/settlement/rounds.py`, `lovense/lane/live.py`), becomes durable as one entry, and only then
are callers answered and pages told. Rows follow a moment later, in bulk. What is not plain goes the
careful way: stored in the inbox, settled by the drain, in a turn of its own.

All of this runs on the event loop; the database is asked on two threads, one for entries and one
for everything else. Memory is never believed against the numbers: an entry that is refused, or a
turn that somebody else took, makes the pen forget what that touched and read again."""

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError
from pymongo.errors import PyMongoError

from config.pen.frames import Frame
from config.pen.others import Others
from config.pen.post import Post
from config.pen.upstream import Upstream
from ground import clock
from ground.hops.groupcommit import GroupCommit, Overloaded
from ground.inbox import inbox
from ground.inbox.inbox import Acceptance, Call
from ground.journal import journal
from ground.journal.journal import Entry, KeyTaken, NumberTaken, Overtaken, Touched
from ground.journal.writing import EntryWriter
from ledger import gateway
from ledger.books import posting
from ledger.books.memory import Books, PostingRow, State
from lovense.deciding.rules import Rules
from lovense.lane import live, projection
from lovense.lane.healing import Healer
from lovense.lane.live import LaneStart, LaneState, LiveLane, LiveLanes
from lovense.rows import ActivationRow
from lovense.sending import dispatch, groups, pages
from lovense.sending.acknowledgement import Ack
from lovense.sending.writer import Holding
from tips import webhooks
from tips.intake import acceptance, payloads
from tips.intake.payloads import Order, TipOrder
from tips.log import eventlog
from tips.queue import claims
from tips.settlement import projection as tips_projection
from tips.settlement import rounds, settlement
from tips.settlement.rounds import Head, Settled

T = TypeVar("T")
Messages = list[tuple[str, dict[str, Any]]]
log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
KNOWN_SECONDS = 1.0  # before so long each process has looked who else stores calls
LEASE = timedelta(seconds=5)
MARGIN_SECONDS = 1.0  # before its end nothing is started any more
UNFOLD_SECONDS = 0.1  # so long rows may lag behind; whoever waits for them asks sooner
MOST_BEHIND = 400  # entries; beyond it callers are asked to come again
MOST_TIPS = 200  # in one entry
MOST_BYTES = 3_000_000  # of bodies in one entry: a document has 16 MB, and events repeat them
RECENT = 50_000  # keys remembered, so that a repeat does not cost a round
ACCOUNTS_KEPT = 200_000
LEARNED = 5_000  # accounts that others moved and that are read at once: whoever buys will tip


@dataclass(slots=True)
class Arrival:
    """A proven call that waits for its answer."""

    call: Call
    order: TipOrder
    answer: "asyncio.Future[Acceptance]"
    is_over: asyncio.Event | None = None  # made by whoever waits for it

    async def ends(self) -> None:
        """Its keys are free again: whoever repeats them goes on then."""
        self.is_over = self.is_over or asyncio.Event()
        await self.is_over.wait()


@dataclass(slots=True)
class Round:
    """What becomes durable together."""

    mark: dict[str, Any]
    arrivals: list[Arrival] = field(default_factory=list)
    tips: list[Settled] = field(default_factory=list)
    starts: list[LaneStart] = field(default_factory=list)

    size: int = 0  # bytes of bodies
    carries: int = 0  # ends, counted from the first there was

    @property
    def keys(self) -> list[str]:
        return [key for each in self.arrivals for key in each.call.keys]

    def has_room_for(self, arrival: Arrival) -> bool:
        if not self.tips:
            return True
        return len(self.tips) < MOST_TIPS and self.size + len(arrival.call.body) <= MOST_BYTES

    def take(self, arrival: Arrival, tip: Settled) -> None:
        self.arrivals.append(arrival)
        self.tips.append(tip)
        self.size += len(arrival.call.body)


@dataclass(frozen=True, slots=True)
class _Compared:
    """What the rows say that concerns memory. `ended`: activations that run here, and are over
    there, whatever else is on its way. `forgotten`: lanes that have something waiting there alone.
    `elsewhere`: performers whose page is not known here."""

    number: int
    has_careful: bool
    ended: set[str]
    forgotten: set[str]
    elsewhere: set[str]
    waiting_elsewhere: set[str]


def _answered(arrival: Arrival, outcome: Acceptance) -> None:
    if not arrival.answer.done():  # else the caller went away
        arrival.answer.set_result(outcome)


class Pen:
    """`accept` is the door's store, `finished` a page's plain end, `run` its life."""

    def __init__(self) -> None:
        self.holder = f"{settings.STACK_SLOT}/{uuid.uuid4().hex[:8]}"
        self.is_ready = False
        self.lanes = LiveLanes()
        self.deliver: Callable[[Iterable[tuple[str, dict[str, Any]]]], None] = groups.publish
        self.pages_here: Callable[[], list[Holding]] = list
        self._told = asyncio.Event()
        self._post = Post(self.holder, hear=self._hear, unheard=self._unheard, rung=self._told.set)
        self.upstream = Upstream(self._post)
        self.others = Others(self, self._post)
        self._number = 0
        self._head = Head(0, "")
        self._books = Books()
        self._cold: deque[Arrival] = deque()
        self._keys: dict[str, Arrival] = {}  # of what is not durable yet
        self._recent: dict[str, None] = {}
        self._behind: deque[Entry] = deque()  # durable, not unfolded
        self._ends: list[Ack] = []  # not in the rows yet
        self._ends_kept = 0  # how many were there before these
        self._carried = 0  # of all there were, as many as durable entries name
        self._elsewhere: set[str] = set()  # performers whose page is not known here
        self._free: set[str] = set()  # lanes that may start something
        self._due: set[str] = set()  # lanes whose rows are to be drained
        self._is_promised = False  # the pen is ours for now
        self._is_stale = True
        self._has_careful = False
        self._has_others = False  # processes that store calls beside us
        self._others_asked = 0.0  # when that was so
        self._storing_since = self._noted_until = 0.0  # beside another writer
        self._until = 0.0
        self._has_ticked = asyncio.Event()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="pen")
        self._entries = EntryWriter(self._writer)
        self._promises = ThreadPoolExecutor(1, thread_name_prefix="promises")
        self._store: GroupCommit[Call, Acceptance] = GroupCommit(acceptance.accept, name="inbox")
        self._healer = Healer()
        self._awake = asyncio.Event()
        self._unfold_soon = asyncio.Event()
        self._rows = asyncio.Lock()  # one unfolding at a time
        self._tasks: list[asyncio.Task[None]] = []
        self._handing_over: set[asyncio.Task[None]] = set()  # asyncio itself may lose them
        self._loop: asyncio.AbstractEventLoop | None = None

    async def _on(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, work)

    # --- what arrives ----------------------------------------------------------------------------

    async def accept(self, call: Call, order: Order | None) -> Acceptance:
        """Returns when the call is durable."""
        if not self.is_ready and self.upstream.is_up:
            outcome = await self.upstream.accept(call, order)
            if outcome is not None:
                return outcome
        while first := self._on_its_way(call):
            await first.ends()  # it decides
        if not self._is_plain(call, order):
            return await self._accept_carefully(call)
        if len(self._behind) > MOST_BEHIND or len(self._cold) > MOST_TIPS * 50:
            raise Overloaded
        assert isinstance(order, TipOrder)
        arrival = Arrival(call, order, asyncio.get_running_loop().create_future())
        self._keys.update(dict.fromkeys(call.keys, arrival))
        self._cold.append(arrival)
        self._awake.set()
        return await arrival.answer

    def _on_its_way(self, call: Call) -> Arrival | None:
        for key in call.keys:
            if key in self._keys:
                return self._keys[key]
        return None

    def _release(self, arrival: Arrival) -> None:
        for key in arrival.call.keys:
            if self._keys.get(key) is arrival:
                del self._keys[key]
        if arrival.is_over is not None:
            arrival.is_over.set()

    def _is_plain(self, call: Call, order: Order | None) -> bool:
        if not self.is_ready or not rounds.is_plain(call, order):
            return False
        ledger = gateway.current()
        places = ledger.places_tips and ledger.joins_transactions
        return places and self._recent.keys().isdisjoint(call.keys)

    async def _accept_carefully(self, call: Call) -> Acceptance:
        outcome = await self._store(call)
        if outcome is Acceptance.NEW and not call.is_ignored:
            self._settle_soon()
        if not self._is_mine:
            await self._is_known_to_store()
        return outcome

    @property
    def _is_mine(self) -> bool:
        """No other process can have the pen, also if this one has just stood still."""
        return self._is_promised and time.monotonic() < self._until

    async def _is_known_to_store(self) -> None:
        """Nothing is answered here of which the writer does not know that it may be: it settles
        what its own callers say later in its turn."""
        await self._has_ticked.wait()
        if self._is_mine:
            return
        if time.monotonic() > self._noted_until:
            await self._note_storing()
        known = self._storing_since + KNOWN_SECONDS
        await asyncio.sleep(max(0.0, known - time.monotonic()))

    async def _note_storing(self) -> None:
        asked, is_new = time.monotonic(), time.monotonic() > self._noted_until
        await self._on(self._promises, partial(journal.note_other, until=clock.now() + LEASE))
        if is_new:
            self._storing_since = time.monotonic()
        self._noted_until = asked + LEASE.total_seconds() - MARGIN_SECONDS

    def _settle_soon(self) -> None:
        self._has_careful = True
        self._awake.set()
        if not self.is_ready:
            webhooks.ring()

    def _hand_over(self, arrivals: Iterable[Arrival]) -> None:
        """What turned out not to be plain, or is not ours to write any more."""
        for arrival in arrivals:
            self._release(arrival)
            task = asyncio.get_running_loop().create_task(self._handed_over(arrival))
            self._handing_over.add(task)
            task.add_done_callback(self._handing_over.discard)

    def _hand_over_all(self) -> None:
        cold, self._cold = self._cold, deque()
        self._hand_over(cold)

    async def _handed_over(self, arrival: Arrival) -> None:
        try:
            _answered(arrival, await self._accept_carefully(arrival.call))
        except Exception as error:
            if not arrival.answer.done():
                arrival.answer.set_exception(error)

    def finished(self, ack: Ack) -> bool:
        """Whether this acknowledgement is a plain end of what its lane here runs; it is recorded
        with the next rows, and named by the entry of whatever starts after it."""
        if not self.is_ready or not self.lanes.finished(ack):
            return False
        self._ends.append(ack)
        self._free.add(ack.performer_id)
        self._awake.set()
        self._unfold_soon.set()
        return True

    async def passed_on(self, ack: Ack) -> bool:
        """The same, by the writer in another process."""
        return not self.is_ready and await self.upstream.finished(ack)

    def attach(self, page: Holding) -> None:
        self.upstream.attached(page)
        self.hold(page, is_new=True)

    def hold(self, page: Holding, *, is_new: bool) -> None:
        """A page has taken her devices; its lane is read from the rows. One that is not new may
        have lost them again."""
        lane = self.lanes.get(page.performer_id)
        known = lane.page.lease if lane else 0
        if page.lease > known or (is_new and page.lease == known):
            self.lanes.attach(page)
            self._awake.set()

    def detach(self, performer_id: str, channel: str) -> None:
        self.upstream.detached(performer_id, channel)
        self.let_go(performer_id, channel)

    def let_go(self, performer_id: str, channel: str) -> None:
        self.lanes.detach(performer_id, channel)

    def is_over(self, performer_id: str, activation_id: str) -> bool:
        if not self.is_ready:
            return self.upstream.is_over(activation_id)
        return self.lanes.is_over(performer_id, activation_id)

    def read_again(self, performer_ids: Iterable[str]) -> None:
        """Something careful was done to these lanes."""
        changed = set(performer_ids)
        self.upstream.changed(changed)
        self.forget(changed)

    def forget(self, performer_ids: Iterable[str]) -> None:
        self.lanes.forget(set(performer_ids))
        self._awake.set()

    def _send(self, messages: Messages) -> None:
        """To pages, wherever they are."""
        self.deliver(self.others.deliver(messages))

    def _hear(self, frame: Frame) -> None:
        self.upstream.hear(frame)
        self.others.hear(frame)
        if commands := frame.get("commands"):
            self.deliver((channel, message) for channel, message in commands)

    def _unheard(self, name: str) -> None:
        """A process does not listen any more."""
        self.others.lost(name)
        if name == self.upstream.holder:
            self.upstream.lost()

    def turned(self, sender: Any = None, **kwargs: Any) -> None:
        """A turn was taken in this process, from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._look_again)

    def _look_again(self) -> None:
        self._is_stale = True
        self._awake.set()

    # --- rounds ----------------------------------------------------------------------------------

    async def _work(self) -> None:
        """All that reads and writes numbers happens here, one after the other."""
        while True:
            await self._awake.wait()
            try:
                if not self._is_promised:
                    self._awake.clear()
                    self._hand_over_all()
                elif not self.is_ready:
                    self._awake.clear()
                    await self._begin()
                else:
                    await self._rounds()
            except (PyMongoError, DatabaseError) as error:
                self._fail(error)
            except Exception as error:  # of ours: this round ends, and the pen goes on
                log.exception("round_failed")
                self._fail(error)

    async def _rounds(self) -> None:
        """Until nothing is left to do: 1. read again what others have changed; 2. settle what came
        carefully; 3. read what this round needs; 4. work it out; 5. make it durable and tell."""
        while self._awake.is_set() and self.is_ready:
            self._awake.clear()
            await asyncio.sleep(0)  # what this turn of the loop has read comes along
            here = len(self._cold)  # who comes after our looks may come after an answer unseen
            if self._is_stale:
                await self._read_again()
            if self._cold and self._may_have_others:  # what was answered there comes before it
                waiting = partial(inbox.has_waiting, payloads.SOURCES)
                self._has_careful |= await self._on(self._reader, waiting)
            if self._has_careful and await self._settle_carefully():
                here = 0  # the rest of it was answered before
            await self._read_what_is_cold()
            await self._round(here)
            if self._cold or self._free or self._due:
                self._awake.set()

    @property
    def _may_have_others(self) -> bool:
        """It was so, or has not been asked for as long as they wait to be known."""
        return self._has_others or time.monotonic() - self._others_asked > KNOWN_SECONDS

    async def _round(self, at_most: int) -> None:
        made = Round(_mark(clock.now()))
        try:
            self._work_out(made, at_most)
            if made.tips or made.starts:
                await self._commit(made)
        except BaseException:  # also where the pen is laid down meanwhile
            self._cold.extendleft(reversed(made.arrivals))
            raise

    async def _read_again(self) -> None:
        """Somebody took a number: what that touched is forgotten, and the rows are asked."""
        self._is_stale = False
        async with self._rows:
            ends = list(self._ends)
            number, head, touched, moved = await self._on(
                self._reader, partial(self._caught_up, ends)
            )
            self._behind.clear()
            self._drop_ends(len(ends))
            self._carried = self._ends_kept
        self._number, self._head = number, head
        self._books.forget(touched.accounts)
        self._books.learn(moved)
        self.lanes.forget(touched.lanes)

    def _caught_up(self, ends: list[Ack]) -> tuple[int, Head, Touched, dict[str, State]]:
        before = self._number
        number = _unfolded(ends)
        row = eventlog.head()
        touched = journal.touched_since(before, number)
        moved = posting.states(islice(touched.accounts or (), LEARNED))
        return number, Head(row["sequence"], row["digest"]), touched, moved

    async def _settle_carefully(self) -> bool:
        """What waits in the inbox, in turns of its own; they make us read again. Whether there is
        more than one turn takes."""
        self._has_careful = False
        now, limit = clock.now(), settings.DRAIN_LIMIT
        done = await self._on(self._reader, partial(settlement.drain, now=now, limit=limit))
        if done.handled:
            self._has_careful = done.handled >= limit
            groups.news.mark(done.performers, "queue")
            await self._read_again()
        if done.is_looking:
            webhooks.ring_for_looks()
        return done.handled >= limit

    async def _read_what_is_cold(self) -> None:
        orders = [each.order for each in islice(self._cold, MOST_TIPS)]
        wanted = [a for order in orders for a in rounds.accounts(order)]
        if len(self._books) > ACCOUNTS_KEPT:
            await self._rest()
            self._books.forget()
        # Whatever forgets an account has its row written first, so an unknown one is as its row
        # says. The writer's thread has nothing else to do now; the other may be unfolding.
        if unknown := self._books.unknown(wanted):
            self._books.learn(await self._on(self._writer, partial(posting.states, unknown)))
        if self._due:
            await self._drain_rows()
        loading = self.lanes.in_state(LaneState.LOADING)
        if loading:
            await self._load(loading)

    async def _load(self, lanes: list[LiveLane]) -> None:
        await self._rest()
        ids = [lane.performer_id for lane in lanes]
        now = clock.now()
        rules, found = await self._on(self._reader, partial(live.read, ids, now=now))
        self.lanes.learn(rules)
        for lane in lanes:
            self.lanes.loaded(lane, found[lane.performer_id], now=now)
        self._free.update(ids)

    async def _drain_rows(self) -> None:
        """Lanes that are not plain, and those whose page another process serves."""
        here = {lane.performer_id for lane in self.lanes if lane.state is not LaneState.ROWS}
        due, self._due = self._due - here, set()
        if not due:
            return
        await self._rest()
        if await self._on(self._reader, partial(self._drained, due)):
            self._due |= due

    def _drained(self, due: set[str]) -> bool:
        free = claims.free_lanes(due)
        deliver = self._send_from_thread
        return bool(free) and dispatch.drain_freed(free, now=clock.now(), deliver=deliver)

    def _send_from_thread(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._send, list(messages))

    def _work_out(self, made: Round, at_most: int) -> None:
        """Pure."""
        now = made.mark["claimed_at"]
        for _ in range(min(at_most, len(self._cold))):
            if self._is_stale or not made.has_room_for(self._cold[0]):
                break
            if self._books.unknown(rounds.accounts(self._cold[0].order)):
                break  # it came while the others' accounts were read
            self._settle(self._cold.popleft(), made, now)
        self._start_free_lanes(made, now)

    def _start_free_lanes(self, made: Round, now: datetime) -> None:
        free, self._free = self._free, set()
        if time.monotonic() < self._until:
            for performer_id in free:
                lane = self.lanes.get(performer_id)
                if lane is not None:
                    made.starts += self.lanes.start(lane, mark=made.mark, now=now)
                    if lane.state is LaneState.ROWS:
                        self._due.add(performer_id)
                    elif self.lanes.get(performer_id) is not lane:
                        self._awake.set()  # to be read: what waits behind what was kept

    def _settle(self, arrival: Arrival, made: Round, now: Any) -> None:
        order = arrival.order
        try:
            tip = rounds.settle(arrival.call, order, self._move, self._head, now=now)
        except Exception as error:
            if not isinstance(error, gateway.Refused):
                log.exception("not_settled_at_once")
                self._undo(made)
            self._hand_over([arrival])
            return
        made.take(arrival, tip)
        lane = self.lanes.settled(tip.request)
        if lane is not None and lane.state is not LaneState.ROWS:
            self._free.add(order.performer_id)
        elif lane is not None or order.performer_id in self._elsewhere:
            self._due.add(order.performer_id)

    def _move(
        self, group: gateway.Group, now: datetime
    ) -> tuple[PostingRow, list[gateway.PostedEntry]]:
        row = self._books.move(group, now=now)
        return row, posting.entries(row)

    def _undo(self, made: Round) -> None:
        """Whatever was worked out since the last entry is not believed."""
        self._cold.extendleft(reversed(made.arrivals))
        made.arrivals, made.tips, made.size = [], [], 0
        self._books.forget()
        self.lanes.forget(None)
        self._is_stale = True

    async def _commit(self, made: Round) -> None:
        document = self._document(made)
        try:
            await self._entries.append(document)
        except (NumberTaken, KeyTaken) as refused:
            await self._begin_again(made, refused)
        else:
            self._tell(made, document)

    def _document(self, made: Round) -> dict[str, Any]:
        rules = self.lanes.rules
        ends = self._ends[self._carried_here :]
        made.carries = self._ends_kept + len(self._ends)
        return {
            "_id": self._number + 1,
            "by": self.holder,
            "at": made.mark["claimed_at"],
            **rounds.written(made.tips),
            **live.written(made.starts, made.mark),
            **({"ends": [projection.end(ack) for ack in ends]} if ends else {}),
            **({projection.PACED: rules.platform["rate_limit_per_minute"]} if rules else {}),
        }

    async def _begin_again(self, made: Round, refused: Exception) -> None:
        """Nothing of this round happened. Who repeats something goes the careful way, the others
        are worked out anew."""
        log.info("round_refused", extra={"error_code": type(refused).__name__})
        known: set[str] = set()
        if isinstance(refused, KeyTaken):
            known = await self._on(self._reader, partial(journal.known, made.keys))
        for arrival in reversed(made.arrivals):
            if any(key in known for key in arrival.call.keys):
                self._remember(arrival.call.keys)
                self._hand_over([arrival])
            else:
                self._cold.appendleft(arrival)
        made.arrivals = []
        self._books.forget()
        self.lanes.forget(None)
        await self._read_again()
        self._awake.set()

    def _tell(self, made: Round, document: dict[str, Any]) -> None:
        """It is durable: whatever fails from here on, its callers hear of it."""
        self._number, self._carried = document["_id"], made.carries
        self._behind.append(Entry(document, {tips_projection.SETTLED: made.tips}))
        self._unfold_soon.set()
        self._remember(made.keys)
        self._free.update(start.row["performer_id"] for start in made.starts if start.text is None)
        commands = self.others.deliver(_commands(made.starts))
        self._post.flush()  # theirs have the longer way
        for arrival in made.arrivals:
            self._release(arrival)
            _answered(arrival, Acceptance.NEW)
        made.arrivals = []
        self.deliver(commands)

    def _remember(self, keys: Iterable[str]) -> None:
        self._recent.update(dict.fromkeys(keys))
        if len(self._recent) > RECENT:
            self._recent = dict.fromkeys(list(self._recent)[RECENT // 2 :])

    def _fail(self, error: Exception) -> None:
        """The database does not answer, or we are at fault: whether the last entry is durable is
        not known. Callers are told to come again, and memory is not believed."""
        log.warning("pen_interrupted", extra={"error_code": type(error).__name__})
        self.is_ready = False
        told = error if isinstance(error, PyMongoError) else Overloaded()
        while self._cold:
            arrival = self._cold.popleft()
            self._release(arrival)
            if not arrival.answer.done():
                arrival.answer.set_exception(told)

    # --- rows ------------------------------------------------------------------------------------

    async def catch_up(self) -> None:
        """Returns when everybody reads what is durable now, and what pages have said."""
        await self._rest()
        if self.is_ready and self._is_mine:
            return
        if not await self.upstream.caught_up():
            await self._catch_up_alone()

    async def _catch_up_alone(self) -> None:
        """What pages here have ended is said by nobody else, if who took it is gone."""
        ends = self.upstream.ends()
        await self._on(self._reader, partial(_unfolded, ends))
        self.upstream.are_written(ends)
        if ends:
            self.read_again({ack.performer_id for ack in ends})

    async def _rest(self) -> None:
        number = self._behind[-1].number if self._behind else 0
        ends = self._ends_kept + len(self._ends)
        async with self._rows:
            while self._is_behind(number) or self._ends_kept < ends:
                await self._unfold()

    async def _follow(self) -> None:
        """As `catch_up`, in no hurry: an end that no entry carries waits for one that does, which
        saves a write of its own; once."""
        number = self._behind[-1].number if self._behind else 0
        if not number:
            await self._rest()
            return
        async with self._rows:
            while self._is_behind(number):
                await self._unfold()
        if self._ends:
            self._unfold_soon.set()

    def _is_behind(self, number: int) -> bool:
        return bool(self._behind) and self._behind[0].number <= number

    async def _unfold(self) -> None:
        entries = list(islice(self._behind, journal.AT_ONCE))
        # Beside entries only what one of them carries: their rows may have to be made again. And an
        # end may be that of a start which only a later entry carries.
        ends = self._ends[: self._carried_here] if entries else list(self._ends)
        if len(entries) < len(self._behind):
            ends = []
        work = partial(journal.unfold, entries, {projection.ENDS: ends})
        try:
            await self._on(self._reader, work)
        except Overtaken:
            number = await self._on(self._reader, journal.catch_up)
            while self._is_behind(number):
                _say_moved([self._behind.popleft()], [])
            return
        for _ in entries:
            self._behind.popleft()
        self._drop_ends(len(ends))
        _say_moved(entries, ends)

    def _drop_ends(self, count: int) -> None:
        del self._ends[:count]
        self._ends_kept += count

    @property
    def _carried_here(self) -> int:
        return max(0, self._carried - self._ends_kept)

    async def _unfolding(self) -> None:
        while True:
            await self._unfold_soon.wait()
            await asyncio.sleep(UNFOLD_SECONDS)
            self._unfold_soon.clear()
            try:
                await self._follow()
            except Exception as error:
                log.warning("unfolding_failed", extra={"error_code": type(error).__name__})
                await asyncio.sleep(TICK_SECONDS)
                self._unfold_soon.set()

    # --- its life --------------------------------------------------------------------------------

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        journal.turned.connect(self.turned)
        post = self._post
        works = (
            self._work,
            self._unfolding,
            self._looking,
            self._beating,
            post.listen,
            post.send,
        )
        self._tasks = [
            self._loop.create_task(_for_ever(work), name=work.__qualname__) for work in works
        ]
        number = 0
        try:
            while True:
                number += 1
                try:
                    await self._tick(is_whole=number % 2 == 0)
                except Exception as error:
                    log.warning("pen_tick_failed", extra={"error_code": type(error).__name__})
                self._has_ticked.set()
                await asyncio.sleep(TICK_SECONDS)
        finally:
            await self._lay_down()

    async def _looking(self) -> None:
        """When others say that there is something, and beside the rounds: those need not wait."""
        while True:
            await self._told.wait()
            self._told.clear()
            try:
                if self.is_ready:
                    await self._look_at_rows()
                    self._awake.set()
            except Exception as error:
                log.warning("rows_not_compared", extra={"error_code": type(error).__name__})
                await asyncio.sleep(TICK_SECONDS)
                self._told.set()

    async def _beating(self) -> None:
        """By the clock alone: who waits for a database is there all the same."""
        while True:
            self.upstream.tick(self.pages_here())
            self.others.tick()
            await asyncio.sleep(TICK_SECONDS)

    async def _tick(self, *, is_whole: bool) -> None:
        asked, now = time.monotonic(), clock.now()
        take = partial(journal.take_pen, self.holder, now=now, until=now + LEASE)
        self._is_promised = await self._on(self._promises, take)
        if self._is_promised:
            self._until = asked + LEASE.total_seconds() - MARGIN_SECONDS
            self.upstream.follow("")
            await self._look_for_others()
        else:
            await self._follow_another()
        if self.is_ready:
            await self._refresh_rules()
            if is_whole:
                await self._look_after()
        self._awake.set()

    async def _follow_another(self) -> None:
        self.is_ready = self._has_others = False
        if self.upstream.follow(await self._on(self._promises, journal.writer)):
            self.upstream.tick(self.pages_here())
        if not self.upstream.is_up:
            await self._note_storing()
            if self.upstream.ends():
                await self._catch_up_alone()

    async def _look_for_others(self) -> None:
        asked, before = time.monotonic(), self._has_others
        others = partial(journal.has_others, now=clock.now())
        self._has_others = await self._on(self._promises, others)
        self._others_asked = asked
        self._has_careful |= before  # also what the last of them has stored

    async def _begin(self) -> None:
        """The pen is ours: everything is read, and the pages of this process get their lanes."""
        await self._catch_up_alone()
        self._books.forget()
        self.lanes = LiveLanes()
        await self._read_again()
        for page in (*self.pages_here(), *self.others.pages):
            self.hold(page, is_new=True)
        self.is_ready = True
        self._has_careful = True
        self._awake.set()

    async def _refresh_rules(self) -> None:
        ids = [lane.performer_id for lane in self.lanes if lane.state is LaneState.READY]
        if ids:
            rules = await self._on(self._reader, partial(Rules.read, ids))
            self.lanes.learn(rules)
            self._free.update(ids)

    async def _look_after(self) -> None:
        """Once a second: what the certain way finds. Healing changes rows, so lanes are read again
        after it; so are those that are idle here and have something waiting there."""
        await self._rest()
        now, limit = clock.now(), settings.DRAIN_LIMIT
        healed = await self._on(self._reader, partial(self._healer.heal, now=now, limit=limit))
        if healed:
            self.lanes.forget(None)
        for page in self.pages_here():  # should one of them have been taken for another's
            self.hold(page, is_new=False)
        await self._look_at_rows()

    async def _look_at_rows(self) -> None:
        """Where memory and rows disagree although nothing is on its way, the rows are believed."""
        before = self._number, self._ends_kept
        found = await self._on(self._reader, self._compared)
        self._has_careful |= found.has_careful
        self._elsewhere = found.elsewhere
        # Read again, they are drained if they still are not plain.
        self.lanes.forget({lane.performer_id for lane in self.lanes.in_state(LaneState.ROWS)})
        self._due.update(found.waiting_elsewhere)
        self.lanes.forget({lane.performer_id for lane in self.lanes if lane.running in found.ended})
        is_quiet = before == (self._number, self._ends_kept) and not self._ends
        if is_quiet and not self._behind:
            self._is_stale |= found.number != self._number
            self.lanes.forget(found.forgotten)

    def _compared(self) -> "_Compared":
        lanes = list(self.lanes)
        idle = [lane.performer_id for lane in lanes if lane.is_idle]
        running = [lane.running for lane in lanes if lane.running]
        elsewhere = set(pages.holders(now=clock.now())) - {lane.performer_id for lane in lanes}
        return _Compared(
            number=journal.last(),
            has_careful=inbox.has_waiting(payloads.SOURCES),
            ended=live.ended(running),
            forgotten=live.with_waiting(idle),
            elsewhere=elsewhere,
            waiting_elsewhere=live.with_waiting(elsewhere),
        )

    async def _lay_down(self) -> None:
        """A clean end: rows are whole, and the next one need not wait for our promise to end."""
        self.is_ready = False
        self.others.tick()
        for task in self._tasks:
            task.cancel()
        journal.turned.disconnect(self.turned)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._hand_over_all()
        await asyncio.gather(*self._handing_over, return_exceptions=True)
        self._is_promised = False  # what comes now is stored beside the next one
        try:
            await self._rest()
            lay = partial(journal.lay_down_pen, self.holder, now=clock.now())
            await self._on(self._reader, lay)
        except Exception as error:
            log.warning("pen_not_laid_down", extra={"error_code": type(error).__name__})
        self._post.flush()
        self._entries.close()


async def _for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """What ends although it should not is said, and begins again."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("pen_work_failed")
        await asyncio.sleep(TICK_SECONDS)


def _unfolded(ends: list[Ack]) -> int:
    """All that is durable, and these; the watermark then."""
    number = journal.catch_up()
    journal.unfold([], {projection.ENDS: ends})
    return number


def _say_moved(entries: Iterable[Entry], ends: Iterable[Ack]) -> None:
    """Pages that look at these queues find something new in the rows."""
    moved = {ack.performer_id for ack in ends}
    for entry in entries:
        moved.update(tip.order.performer_id for tip in entry.memory[tips_projection.SETTLED])
        moved.update(row["performer_id"] for row in entry.document.get("starts", ()))
    groups.news.mark(moved, "queue")


def _commands(starts: Iterable[LaneStart]) -> Messages:
    return [
        (start.page.channel, _activate(start.row, start.text, start.page.lease))
        for start in starts
        if start.text is not None
    ]


def _activate(row: ActivationRow, text: str, lease: int) -> dict[str, Any]:
    return groups.activate(row["_id"], row["attempt"], text, lease)


def _mark(now: Any) -> dict[str, Any]:
    return {
        "status": "claimed",
        "claimed_by": f"{settings.STACK_SLOT}/{uuid.uuid4().hex[:12]}",
        "lease_until": now + timedelta(seconds=settings.RECEIVED_WINDOW_SECONDS),
        "claimed_at": now,
    }
