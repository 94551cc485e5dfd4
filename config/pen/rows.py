"""The rows, as the pen sees them: what is durable and not in them yet, and the ends of runs that
no entry has named.

They follow memory by themselves, in bulk and in no hurry; whoever takes a row for the last word
rests first. This stands apart because nothing here is worked out: entries come in, rows come out,
one unfolding at a time."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice

from config.pen.roof import TICK_SECONDS, on
from ground.journal import journal
from ground.journal.journal import Entry, Overtaken
from lovense.lane import projection
from lovense.sending import groups
from lovense.sending.acknowledgement import Ack
from tips.settlement import projection as tips_projection

log = logging.getLogger(__name__)

UNFOLD_SECONDS = 0.1  # so long rows may lag behind; whoever waits for them asks sooner
MOST_BEHIND = 400  # entries; beyond it callers are asked to come again


def unfolded(ends: list[Ack]) -> int:
    """All that is durable, and these; the watermark then. In this order: an end may be that of a
    start of another writer's, which came before the same start of ours."""
    number = journal.catch_up()
    journal.unfold([], {projection.ENDS: ends})
    return number


class Rows:
    """`behind`: durable, not unfolded. `ends`: not in the rows yet; `ends_kept` were there before
    these. `carried`: of all ends there were, as many as durable entries name. `soon`: there is
    something to unfold. `lock`: whoever moves the rows, or reads them whole, is alone."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self.behind: deque[Entry] = deque()
        self.ends: list[Ack] = []
        self.ends_kept = 0
        self.carried = 0
        self.soon = asyncio.Event()
        self.lock = asyncio.Lock()
        self._thread = thread

    @property
    def carried_here(self) -> int:
        return max(0, self.carried - self.ends_kept)

    async def rest(self) -> None:
        """Returns when all is in the rows that was durable, or said by a page, when it was
        called."""
        number = self.behind[-1].number if self.behind else 0
        ends = self.ends_kept + len(self.ends)
        async with self.lock:
            while self._is_behind(number) or self.ends_kept < ends:
                await self._unfold()

    async def _follow(self) -> None:
        """As `rest`, in no hurry: an end that no entry carries waits for one that does, which
        saves a write of its own; once."""
        number = self.behind[-1].number if self.behind else 0
        if not number:
            await self.rest()
            return
        async with self.lock:
            while self._is_behind(number):
                await self._unfold()
        if self.ends:
            self.soon.set()

    def _is_behind(self, number: int) -> bool:
        return bool(self.behind) and self.behind[0].number <= number

    async def _unfold(self) -> None:
        entries = list(islice(self.behind, journal.AT_ONCE))
        # Beside entries only what one of them carries: their rows may have to be made again. And an
        # end may be that of a start which only a later entry carries.
        ends = self.ends[: self.carried_here] if entries else list(self.ends)
        if len(entries) < len(self.behind):
            ends = []
        work = partial(journal.unfold, entries, {projection.ENDS: ends})
        try:
            await on(self._thread, work if entries else partial(unfolded, ends))
        except Overtaken:
            number = await on(self._thread, journal.catch_up)
            while self._is_behind(number):
                _say_moved([self.behind.popleft()], [])
            return
        for _ in entries:
            self.behind.popleft()
        self._drop_ends(len(ends))
        _say_moved(entries, ends)

    def are_whole(self, ends: int) -> None:
        """Somebody who holds the lock has unfolded all entries, and so many ends."""
        moved, ended = list(self.behind), self.ends[:ends]
        self.behind.clear()
        self._drop_ends(ends)
        _say_moved(moved, ended)
        self.carried = self.ends_kept

    def _drop_ends(self, count: int) -> None:
        del self.ends[:count]
        self.ends_kept += count

    async def unfolding(self) -> None:
        """For ever."""
        while True:
            await self.soon.wait()
            await asyncio.sleep(UNFOLD_SECONDS)
            self.soon.clear()
            try:
                await self._follow()
            except Exception as error:
                log.warning("unfolding_failed", extra={"error_code": type(error).__name__})
                await asyncio.sleep(TICK_SECONDS)
                self.soon.set()


def _say_moved(entries: Iterable[Entry], ends: Iterable[Ack]) -> None:
    """Pages that look at these queues find something new in the rows."""
    moved = {ack.performer_id for ack in ends}
    for entry in entries:
        moved.update(tip.order.performer_id for tip in entry.memory[tips_projection.SETTLED])
        moved.update(row["performer_id"] for row in entry.document.get("starts", ()))
    groups.news.mark(moved, "queue")
