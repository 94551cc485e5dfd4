"""Whose the pen is for now: the promise that one web process renews and the others follow.

It stands apart because it is a courtesy among processes, on a thread of its own: what keeps two
writers from each other is the number of an entry, never this. No tip is known here."""

import asyncio
import time
from datetime import timedelta
from functools import partial

from config.pen.roof import TICK_SECONDS, Roof, on
from config.pen.upstream import Upstream
from ground import clock
from ground.journal import journal

LEASE = timedelta(seconds=5)
MARGIN_SECONDS = 1.0  # before its end nothing is started any more


class Lease:
    """`is_ours`: the pen is ours for now. `until`: so long something may be started.
    `has_others`: processes store calls beside us."""

    def __init__(self, pen: Roof, upstream: Upstream) -> None:
        self.is_ours = False
        self.until = 0.0
        self.has_others = False
        self._pen, self._upstream = pen, upstream
        self._thread = pen.threads.promises
        self._storing_since: float | None = None  # beside another writer

    async def renew(self) -> None:
        """Ours, or whoever has it is followed."""
        asked, now = time.monotonic(), clock.now()
        take = partial(journal.take_pen, self._pen.holder, now=now, until=now + LEASE)
        self.is_ours = await on(self._thread, take)
        if self.is_ours:
            self.until = asked + LEASE.total_seconds() - MARGIN_SECONDS
            self._upstream.follow("", ())
            others = partial(journal.has_others, now=now)
            self.has_others = await on(self._thread, others)
        else:
            await self._follow_another()

    async def _follow_another(self) -> None:
        self._pen.is_ready = self.has_others = False
        self._upstream.follow(await on(self._thread, journal.writer), self._pen.pages_here())
        if self._upstream.is_up:
            self._storing_since = None
        else:
            await self._note_storing()

    async def is_known_to_store(self) -> None:
        """Nothing is answered here of which the writer does not know that it may be: it settles
        what its own callers say later in its turn."""
        if self._storing_since is None:
            await self._note_storing()
        since = self._storing_since or time.monotonic()
        await asyncio.sleep(max(0.0, since + 2 * TICK_SECONDS - time.monotonic()))

    async def _note_storing(self) -> None:
        await on(self._thread, partial(journal.note_other, until=clock.now() + LEASE))
        self._storing_since = self._storing_since or time.monotonic()
