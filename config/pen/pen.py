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
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from pymongo.errors import PyMongoError

from config.pen.arrivals import Arrival, Arrivals
from config.pen.frames import Frame
from config.pen.lease import Lease
from config.pen.memory import LiveMemory
from config.pen.others import Others
from config.pen.post import Post
from config.pen.roof import TICK_SECONDS, Messages, Threads, on
from config.pen.rows import Rows
from config.pen.upstream import Upstream
from ground import clock
from ground.hops.groupcommit import Overloaded
from ground.inbox import inbox
from ground.inbox.inbox import Acceptance
from ground.journal import journal
from ground.journal.journal import Entry, KeyTaken, NumberTaken
from ground.journal.writing import EntryWriter
from ledger import gateway
from ledger.books import posting
from ledger.books.memory import PostingRow
from lovense.lane import live, projection
from lovense.lane.healing import Healer
from lovense.lane.live import LaneStart, LaneState, LiveLanes
from lovense.rows import ActivationRow
from lovense.sending import groups, pages
from lovense.sending.acknowledgement import Ack
from lovense.sending.writer import Holding
from tips import webhooks
from tips.intake import payloads
from tips.settlement import projection as tips_projection
from tips.settlement import rounds, settlement
from tips.settlement.rounds import Settled

log = logging.getLogger(__name__)

MOST_TIPS = 200  # in one entry
MOST_BYTES = 3_000_000  # of bodies in one entry: a document has 16 MB, and events repeat them
ACCOUNTS_KEPT = 200_000


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
    """What the rows say that concerns memory. `forgotten`: lanes that have something waiting here,
    or have ended there. `elsewhere`: performers whose page another process serves."""

    number: int
    has_careful: bool
    forgotten: set[str]
    elsewhere: set[str]
    waiting_elsewhere: set[str]


class Pen:
    """`accept` is the door's store, `finished` a page's plain end, `run` its life."""

    def __init__(self) -> None:
        self.holder = f"{settings.STACK_SLOT}/{uuid.uuid4().hex[:8]}"
        self.is_ready = False
        self.awake = asyncio.Event()
        self.threads = Threads()
        self.deliver: Callable[[Iterable[tuple[str, dict[str, Any]]]], None] = groups.publish
        self.pages_here: Callable[[], list[Holding]] = list
        self._told = asyncio.Event()
        self._post = Post(self.holder, hear=self._hear, unheard=self._unheard, rung=self._told.set)
        self.upstream = Upstream(self._post)
        self._rows = Rows(self.threads.reader)
        self._memory = LiveMemory(self.threads, self._rows, send=self._send_from_thread)
        self._lease = Lease(self, self.upstream)
        self._arrivals = Arrivals(self, self._rows, self._lease, self.upstream)
        self.accept = self._arrivals.accept  # itself: no call of ours around every tip
        self.others = Others(self, self._post)
        self._entries = EntryWriter(self.threads.writer)
        self._healer = Healer()
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def lanes(self) -> LiveLanes:
        return self._memory.lanes

    # --- what pages say, and are told ------------------------------------------------------------

    def finished(self, ack: Ack) -> bool:
        """Whether this acknowledgement is a plain end of what its lane here runs; it is recorded
        with the next rows, and named by the entry of whatever starts after it."""
        if not self.is_ready or not self._memory.lanes.finished(ack):
            return False
        self._rows.ends.append(ack)
        self._memory.free.add(ack.performer_id)
        self.awake.set()
        self._rows.soon.set()
        return True

    async def passed_on(self, ack: Ack) -> bool:
        """The same, by the writer in another process."""
        return not self.is_ready and await self.upstream.finished(ack)

    def attach(self, page: Holding, *, is_new: bool = True) -> None:
        """A page has taken her devices; its lane is read from the rows. One that is not new may
        have lost them again."""
        self.upstream.attached(page)
        lane = self._memory.lanes.get(page.performer_id)
        known = lane.page.lease if lane else 0
        if page.lease > known or (is_new and page.lease == known):
            self._memory.lanes.attach(page)
            self.awake.set()

    def detach(self, performer_id: str, channel: str) -> None:
        self.upstream.detached(performer_id, channel)
        self._memory.lanes.detach(performer_id, channel)

    def is_over(self, performer_id: str, activation_id: str) -> bool:
        if not self.is_ready:
            return self.upstream.is_over(activation_id)
        return self._memory.lanes.is_over(performer_id, activation_id)

    def read_again(self, performer_ids: Iterable[str]) -> None:
        """Something careful was done to these lanes."""
        changed = set(performer_ids)
        self.upstream.changed(changed)
        self._memory.lanes.forget(changed)
        self.awake.set()

    async def catch_up(self) -> None:
        """Returns when everybody reads what is durable now, and what pages have said."""
        if self.is_ready or not self.upstream.holder:
            await self._rows.rest()
        elif not await self.upstream.caught_up():
            await on(self.threads.reader, journal.catch_up)

    def _send(self, messages: Messages) -> None:
        """To pages, wherever they are."""
        self.deliver(self.others.deliver(messages))

    def _send_from_thread(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._send, list(messages))

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
        self._memory.is_stale = True
        self.awake.set()

    # --- rounds ----------------------------------------------------------------------------------

    async def _work(self) -> None:
        """All that reads and writes numbers happens here, one after the other."""
        while True:
            await self.awake.wait()
            try:
                if not self._lease.is_ours:
                    self.awake.clear()
                    self._arrivals.hand_over_all()
                elif not self.is_ready:
                    self.awake.clear()
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
        while self.awake.is_set() and self.is_ready:
            self.awake.clear()
            await asyncio.sleep(0)  # what this turn of the loop has read comes along
            # Who comes after our looks may come after an answer unseen.
            here = len(self._arrivals.cold)
            if self._memory.is_stale:
                await self._memory.read_again()
            if self._arrivals.cold and self._lease.has_others:
                # What was answered there comes before what is cold here.
                waiting = partial(inbox.has_waiting, payloads.SOURCES)
                self._arrivals.has_careful |= await on(self.threads.reader, waiting)
            if self._arrivals.has_careful:
                await self._settle_carefully()
            await self._read_what_is_cold()
            await self._round(here)
            if self._arrivals.cold or self._memory.free or self._memory.due:
                self.awake.set()

    async def _round(self, at_most: int) -> None:
        made = Round(_mark(clock.now()))
        try:
            self._work_out(made, at_most)
            if made.tips or made.starts:
                await self._commit(made)
        except BaseException:  # also where the pen is laid down meanwhile
            self._arrivals.cold.extendleft(reversed(made.arrivals))
            raise

    async def _settle_carefully(self) -> None:
        """What waits in the inbox, in turns of its own; they make us read again."""
        self._arrivals.has_careful = False
        now, limit = clock.now(), settings.DRAIN_LIMIT
        done = await on(self.threads.reader, partial(settlement.drain, now=now, limit=limit))
        if done.handled:
            self._arrivals.has_careful = done.handled >= limit
            groups.news.mark(done.performers, "queue")
            await self._memory.read_again()
        if done.is_looking:
            webhooks.ring_for_looks()

    async def _read_what_is_cold(self) -> None:
        orders = [each.order for each in islice(self._arrivals.cold, MOST_TIPS)]
        wanted = [a for order in orders for a in rounds.accounts(order)]
        if len(self._memory.books) > ACCOUNTS_KEPT:
            await self._rows.rest()
            self._memory.books.forget()
        # Whatever forgets an account has its row written first, so an unknown one is as its row
        # says. The writer's thread has nothing else to do now; the other may be unfolding.
        if unknown := self._memory.books.unknown(wanted):
            self._memory.books.learn(
                await on(self.threads.writer, partial(posting.states, unknown))
            )
        if self._memory.due:
            await self._memory.drain_rows()
        loading = self._memory.lanes.in_state(LaneState.LOADING)
        if loading:
            await self._memory.load(loading)

    def _work_out(self, made: Round, at_most: int) -> None:
        """Pure."""
        now = made.mark["claimed_at"]
        for _ in range(min(at_most, len(self._arrivals.cold))):
            if self._memory.is_stale or not made.has_room_for(self._arrivals.cold[0]):
                break
            if self._memory.books.unknown(rounds.accounts(self._arrivals.cold[0].order)):
                break  # it came while the others' accounts were read
            self._settle(self._arrivals.cold.popleft(), made, now)
        self._start_free_lanes(made, now)

    def _start_free_lanes(self, made: Round, now: datetime) -> None:
        free, self._memory.free = self._memory.free, set()
        if time.monotonic() < self._lease.until:
            for performer_id in free:
                lane = self._memory.lanes.get(performer_id)
                if lane is not None:
                    made.starts += self._memory.lanes.start(lane, mark=made.mark, now=now)
                    if lane.state is LaneState.ROWS:
                        self._memory.due.add(performer_id)
                    elif self._memory.lanes.get(performer_id) is not lane:
                        self.awake.set()  # to be read: what waits behind what was kept

    def _settle(self, arrival: Arrival, made: Round, now: Any) -> None:
        order = arrival.order
        try:
            tip = rounds.settle(arrival.call, order, self._move, self._memory.head, now=now)
        except Exception as error:
            if not isinstance(error, gateway.Refused):
                log.exception("not_settled_at_once")
                self._undo(made)
            self._arrivals.hand_over([arrival])
            return
        made.take(arrival, tip)
        lane = self._memory.lanes.settled(tip.request)
        if lane is not None and lane.state is not LaneState.ROWS:
            self._memory.free.add(order.performer_id)
        elif lane is not None or order.performer_id in self._memory.elsewhere:
            self._memory.due.add(order.performer_id)

    def _move(
        self, group: gateway.Group, now: datetime
    ) -> tuple[PostingRow, list[gateway.PostedEntry]]:
        row = self._memory.books.move(group, now=now)
        return row, posting.entries(row)

    def _undo(self, made: Round) -> None:
        """Whatever was worked out since the last entry is not believed."""
        self._arrivals.cold.extendleft(reversed(made.arrivals))
        made.arrivals, made.tips, made.size = [], [], 0
        self._memory.forget()
        self._memory.is_stale = True

    async def _commit(self, made: Round) -> None:
        document = self._document(made)
        try:
            await self._entries.append(document)
        except (NumberTaken, KeyTaken) as refused:
            await self._begin_again(made, refused)
        else:
            self._tell(made, document)

    def _document(self, made: Round) -> dict[str, Any]:
        rules = self._memory.lanes.rules
        ends = self._rows.ends[self._rows.carried_here :]
        made.carries = self._rows.ends_kept + len(self._rows.ends)
        return {
            "_id": self._memory.number + 1,
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
            known = await on(self.threads.reader, partial(journal.known, made.keys))
        for arrival in reversed(made.arrivals):
            if any(key in known for key in arrival.call.keys):
                self._arrivals.remember(arrival.call.keys)
                self._arrivals.hand_over([arrival])
            else:
                self._arrivals.cold.appendleft(arrival)
        made.arrivals = []
        self._memory.forget()
        await self._memory.read_again()
        self.awake.set()

    def _tell(self, made: Round, document: dict[str, Any]) -> None:
        """It is durable: whatever fails from here on, its callers hear of it."""
        self._memory.number, self._rows.carried = document["_id"], made.carries
        self._rows.behind.append(Entry(document, {tips_projection.SETTLED: made.tips}))
        self._rows.soon.set()
        self._arrivals.remember(made.keys)
        self._memory.free.update(
            start.row["performer_id"] for start in made.starts if start.text is None
        )
        commands = self.others.deliver(_commands(made.starts))
        self._post.flush()  # theirs have the longer way
        for arrival in made.arrivals:
            self._arrivals.release(arrival)
            arrival.answered(Acceptance.NEW)
        made.arrivals = []
        self.deliver(commands)

    def _fail(self, error: Exception) -> None:
        """The database does not answer, or we are at fault: whether the last entry is durable is
        not known. Callers are told to come again, and memory is not believed."""
        log.warning("pen_interrupted", extra={"error_code": type(error).__name__})
        self.is_ready = False
        told = error if isinstance(error, PyMongoError) else Overloaded()
        self._arrivals.send_away(told)

    # --- its life --------------------------------------------------------------------------------

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        journal.turned.connect(self.turned)
        works = (
            self._work,
            self._rows.unfolding,
            self._post.listen,
            self._post.send,
            self._looking,
        )
        self._tasks = [self._loop.create_task(_for_ever(work)) for work in works]
        number = 0
        try:
            while True:
                number += 1
                try:
                    await self._tick(is_whole=number % 2 == 0)
                except Exception as error:
                    log.warning("pen_tick_failed", extra={"error_code": type(error).__name__})
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
                    self.awake.set()
            except Exception as error:
                log.warning("rows_not_compared", extra={"error_code": type(error).__name__})
                await asyncio.sleep(TICK_SECONDS)
                self._told.set()

    async def _tick(self, *, is_whole: bool) -> None:
        await self._lease.renew()
        self.others.tick()
        if self.is_ready:
            await self._memory.refresh_rules()
            if is_whole:
                await self._look_after()
        self.awake.set()

    async def _begin(self) -> None:
        """The pen is ours: everything is read, and the pages of this process get their lanes."""
        self._memory.begin()
        await self._memory.read_again()
        for page in (*self.pages_here(), *self.others.pages):
            self.attach(page)
        self.is_ready = True
        self._arrivals.has_careful = True
        self.awake.set()

    async def _look_after(self) -> None:
        """Once a second: what the certain way finds. Healing changes rows, so lanes are read again
        after it; so are those that are idle here and have something waiting there."""
        await self._rows.rest()
        now, limit = clock.now(), settings.DRAIN_LIMIT
        healed = await on(self.threads.reader, partial(self._healer.heal, now=now, limit=limit))
        if healed:
            self._memory.lanes.forget(None)
        await self._look_at_rows()

    async def _look_at_rows(self) -> None:
        """Where memory and rows disagree although nothing is on its way, the rows are believed."""
        before = self._memory.number, self._rows.ends_kept
        found = await on(self.threads.reader, self._compared)
        self._arrivals.has_careful |= found.has_careful
        self._memory.elsewhere = found.elsewhere
        # Read again, they are drained if they still are not plain.
        self._memory.lanes.forget(
            {lane.performer_id for lane in self._memory.lanes.in_state(LaneState.ROWS)}
        )
        self._memory.due.update(found.waiting_elsewhere)
        is_quiet = before == (self._memory.number, self._rows.ends_kept) and not self._rows.ends
        if is_quiet and not self._rows.behind:
            self._memory.is_stale |= found.number != self._memory.number
            self._memory.lanes.forget(found.forgotten)

    def _compared(self) -> "_Compared":
        lanes = list(self._memory.lanes)
        idle = [lane.performer_id for lane in lanes if lane.is_idle]
        running = [lane.running for lane in lanes if lane.running]
        elsewhere = set(pages.holders(now=clock.now())) - {lane.performer_id for lane in lanes}
        return _Compared(
            number=journal.last(),
            has_careful=inbox.has_waiting(payloads.SOURCES),
            forgotten=live.with_waiting(idle) | live.ended(running),
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
        self._arrivals.hand_over_all()
        await asyncio.gather(*self._arrivals.handing_over, return_exceptions=True)
        try:
            await self._rows.rest()
            lay = partial(journal.lay_down_pen, self.holder, now=clock.now())
            await on(self.threads.reader, lay)
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
