"""The pen: the one process that writes the journal, and the roof over the parts that do it.

What arrives (`config/pen/arrivals.py`) while an entry is on its way waits for the next round: it is
worked out in memory (`config/pen/round.py`, `config/pen/memory.py`), becomes durable as one entry,
and only then are callers answered and pages told (`config/pen/entries.py`). Rows follow a moment
later, in bulk (`config/pen/rows.py`). What is not plain goes the careful way: stored in the inbox,
settled by the drain, in a turn of its own.

All of this runs on the event loop; the database is asked on threads (`config/pen/roof.py`). Memory
is never believed against the numbers: an entry that is refused, or a turn that somebody else took,
makes the pen forget what that touched and read again. What happens in one part is written there;
here is what concerns several: what pages say, its begin, its end and its failures."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from pymongo.errors import PyMongoError

from config.peers.frames import Frame
from config.peers.others import Others
from config.peers.post import Post
from config.peers.upstream import Upstream
from config.pen.arrivals import Arrivals
from config.pen.comparison import Comparison
from config.pen.entries import Entries
from config.pen.lease import Lease
from config.pen.memory import LiveMemory
from config.pen.roof import TICK_SECONDS, Messages, Threads, on
from config.pen.round import Rounds
from config.pen.rows import Rows, unfolded
from ground import clock
from ground.hops.groupcommit import Overloaded
from ground.journal import journal
from lovense.lane.live import LiveLanes
from lovense.sending import groups
from lovense.sending.acknowledgement import Ack
from lovense.sending.writer import Holding

log = logging.getLogger(__name__)


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
        parts = self._arrivals, self._memory, self._rows
        self._entries = Entries(self, *parts, post=self._post, others=self.others)
        self._rounds = Rounds(self, *parts, self._lease, entries=self._entries)
        self._comparison = Comparison(self, *parts, told=self._told)
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

    def attach(self, page: Holding) -> None:
        self.upstream.attached(page)
        self.hold(page, is_new=True)

    def hold(self, page: Holding, *, is_new: bool) -> None:
        """A page has taken her devices; its lane is read from the rows. One that is not new may
        have lost them again."""
        lane = self._memory.lanes.get(page.performer_id)
        known = lane.page.lease if lane else 0
        if page.lease > known or (is_new and page.lease == known):
            self._memory.lanes.attach(page)
            self.awake.set()

    def detach(self, performer_id: str, channel: str) -> None:
        self.upstream.detached(performer_id, channel)
        self.let_go(performer_id, channel)

    def let_go(self, performer_id: str, channel: str) -> None:
        self._memory.lanes.detach(performer_id, channel)

    def is_over(self, performer_id: str, activation_id: str) -> bool:
        if not self.is_ready:
            return self.upstream.is_over(activation_id)
        return self._memory.lanes.is_over(performer_id, activation_id)

    def read_again(self, performer_ids: Iterable[str]) -> None:
        """Something careful was done to these lanes."""
        changed = set(performer_ids)
        self.upstream.changed(changed)
        self.forget(changed)

    def forget(self, performer_ids: Iterable[str]) -> None:
        self._memory.lanes.forget(set(performer_ids))
        self.awake.set()

    async def catch_up(self) -> None:
        """Returns when everybody reads what is durable now, and what pages have said."""
        await self._rows.rest()
        if self.is_ready and self._lease.is_certain:
            return
        if not await self.upstream.caught_up():
            await self._catch_up_alone()

    async def _catch_up_alone(self) -> None:
        """What pages here have ended is said by nobody else, if who took it is gone."""
        ends = self.upstream.ends()
        await on(self.threads.reader, partial(unfolded, ends))
        self.upstream.are_written(ends)
        if ends:
            self.read_again({ack.performer_id for ack in ends})

    def _send(self, messages: Messages) -> None:
        """To pages, wherever they are."""
        self.deliver(self.others.deliver(messages))

    def _send_from_thread(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._send, list(messages))

    # --- what other processes say ----------------------------------------------------------------

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

    # --- its life --------------------------------------------------------------------------------

    async def run(self) -> None:
        """For ever; laid down where it is cancelled."""
        self._loop = asyncio.get_running_loop()
        journal.turned.connect(self.turned)
        self._lease.is_kept = True
        post, looking = self._post, self._comparison.looking
        works = self._work, self._rows.unfolding, looking, self._beating, post.listen, post.send
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
                self._lease.has_asked.set()
                await asyncio.sleep(TICK_SECONDS)
        finally:
            await self._lay_down()

    async def _tick(self, *, is_whole: bool) -> None:
        had_others = self._lease.has_others
        await self._lease.renew()
        self._arrivals.has_careful |= had_others  # also what the last of them has stored
        if not self._lease.is_ours and self.upstream.has_orphans:
            await self._catch_up_alone()
        if self.is_ready:
            await self._memory.refresh_rules()
            if is_whole:
                for page in self.pages_here():  # should one have been taken for another's
                    self.hold(page, is_new=False)
                await self._comparison.look_after()
        self.awake.set()

    async def _beating(self) -> None:
        """By the clock alone: who waits for a database is there all the same."""
        while True:
            self.upstream.tick(self.pages_here())
            self.others.tick()
            await asyncio.sleep(TICK_SECONDS)

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
                    await self._rounds.until_done()
            except (PyMongoError, DatabaseError) as error:
                self._fail(error)
            except Exception as error:  # of ours: this round ends, and the pen goes on
                log.exception("round_failed")
                self._fail(error)

    async def _begin(self) -> None:
        """The pen is ours: everything is read, and the pages of this process get their lanes."""
        await self._catch_up_alone()
        self._memory.begin()
        await self._memory.read_again()
        for page in (*self.pages_here(), *self.others.pages):
            self.hold(page, is_new=True)
        self.is_ready = True
        self._arrivals.has_careful = True
        self.awake.set()

    def _fail(self, error: Exception) -> None:
        """The database does not answer, or we are at fault: whether the last entry is durable is
        not known. Callers are told to come again, and memory is not believed."""
        log.warning("pen_interrupted", extra={"error_code": type(error).__name__})
        self.is_ready = False
        told = error if isinstance(error, PyMongoError) else Overloaded()
        self._arrivals.send_away(told)

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
        self._lease.is_ours = False  # what comes now is stored beside the next one
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
