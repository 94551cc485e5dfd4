"""What the pen knows ahead of the rows: the last number, the log's head, accounts, lanes, and which
lanes are to be looked at.

It is never believed against the numbers: where somebody else took one, what that touched is
forgotten and the rows are asked. This stands apart because rounds work on it and everybody else may
only make it forget; nothing becomes durable here."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Any

from config.pen.roof import Threads, on
from config.pen.rows import Rows, unfolded
from ground import clock
from ground.journal import journal
from ground.journal.journal import Touched
from ledger.books import posting
from ledger.books.memory import Books, State
from lovense.deciding.rules import Rules
from lovense.lane import live
from lovense.lane.live import LaneState, LiveLane, LiveLanes
from lovense.sending import dispatch
from lovense.sending.acknowledgement import Ack
from tips.log import eventlog
from tips.queue import claims
from tips.settlement.rounds import Head

LEARNED = 5_000  # accounts that others moved and that are read at once: whoever buys will tip


class LiveMemory:
    """`number`: of the last entry. `free`: lanes that may start something. `due`: lanes whose rows
    are to be drained. `elsewhere`: performers whose page is not known here. `is_stale`: to be
    read again before anything is worked out. What drained lanes send goes to `send`, from a
    thread."""

    def __init__(
        self,
        threads: Threads,
        rows: Rows,
        *,
        send: Callable[[Iterable[tuple[str, dict[str, Any]]]], None],
    ) -> None:
        self.number = 0
        self.head = Head(0, "")
        self.books = Books()
        self.lanes = LiveLanes()
        self.free: set[str] = set()
        self.due: set[str] = set()
        self.elsewhere: set[str] = set()
        self.is_stale = True
        self.has_unknown = False  # accounts that something waits for
        self._reader, self._rows, self._send = threads.reader, rows, send

    def begin(self) -> None:
        """Nothing is known: neither accounts nor lanes."""
        self.books.forget()
        self.lanes = LiveLanes()

    def forget(self) -> None:
        """What was worked out is not believed."""
        self.books.forget()
        self.lanes.forget(None)

    async def read_again(self) -> None:
        """Somebody took a number: what that touched is forgotten, and the rows are asked."""
        self.is_stale = False
        async with self._rows.lock:
            ends = list(self._rows.ends)
            number, head, touched, moved = await on(self._reader, partial(self._caught_up, ends))
            self._rows.are_whole(len(ends))
        self.number, self.head = number, head
        self.books.forget(touched.accounts)
        self.books.learn(moved)
        self.lanes.forget(touched.lanes)

    def _caught_up(self, ends: list[Ack]) -> tuple[int, Head, Touched, dict[str, State]]:
        before = self.number
        number = unfolded(ends)
        row = eventlog.head()
        touched = journal.touched_since(before, number)
        moved = posting.states(islice(touched.accounts or (), LEARNED))
        return number, Head(row["sequence"], row["digest"]), touched, moved

    # --- lanes -----------------------------------------------------------------------------------

    async def load(self, lanes: list[LiveLane]) -> None:
        """Takes these lanes over from their rows."""
        await self._rows.rest()
        ids = [lane.performer_id for lane in lanes]
        now = clock.now()
        rules, found = await on(self._reader, partial(live.read, ids, now=now))
        self.lanes.learn(rules)
        for lane in lanes:
            self.lanes.loaded(lane, found[lane.performer_id], now=now)
        self.free.update(ids)

    async def refresh_rules(self) -> None:
        ids = [lane.performer_id for lane in self.lanes if lane.state is LaneState.READY]
        if ids:
            rules = await on(self._reader, partial(Rules.read, ids))
            self.lanes.learn(rules)
            self.free.update(ids)

    async def drain_rows(self) -> None:
        """Lanes that are not plain, and those whose page another process serves."""
        here = {lane.performer_id for lane in self.lanes if lane.state is not LaneState.ROWS}
        due, self.due = self.due - here, set()
        if not due:
            return
        await self._rows.rest()
        if await on(self._reader, partial(self._drained, due)):
            self.due |= due
        if self.is_stale:  # it took a turn
            await self.read_again()

    def _drained(self, due: set[str]) -> bool:
        free = claims.free_lanes(due)
        return bool(free) and dispatch.drain_freed(free, now=clock.now(), deliver=self._send)
