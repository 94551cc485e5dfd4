"""Whose the pen is for now: the promise that one web process renews and the others follow.

It stands apart because it is a courtesy among processes, on a thread of its own: what keeps two
writers from each other is the number of an entry, never this. No tip is known here."""

import asyncio
import time
from datetime import timedelta
from functools import partial

from config.peers.upstream import Upstream
from config.pen.roof import Roof, on
from ground import clock
from ground.journal import journal

LEASE = timedelta(seconds=5)
MARGIN_SECONDS = 1.0  # before its end nothing is started any more
KNOWN_SECONDS = 1.0  # before so long each process has looked who else stores calls


class Lease:
    """`is_ours`: the pen is ours for now. `until`: so long something may be started.
    `has_others`: processes store calls beside us. `has_asked`: whose it is, once at least.
    `is_kept`: somebody asks, again and again; where nobody does, there is nobody to wait for."""

    def __init__(self, pen: Roof, upstream: Upstream) -> None:
        self.is_ours = False
        self.until = 0.0
        self.has_others = False
        self._pen, self._upstream = pen, upstream
        self._thread = pen.threads.promises
        self.is_kept = False
        self.has_asked = asyncio.Event()
        self._others_asked = 0.0  # when it was so that there are others
        self._storing_since = self._noted_until = 0.0  # beside another writer

    @property
    def is_certain(self) -> bool:
        """No other process can have the pen, also if this one has just stood still."""
        return self.is_ours and time.monotonic() < self.until

    @property
    def may_have_others(self) -> bool:
        """It was so, or has not been asked for as long as they wait to be known."""
        return self.has_others or time.monotonic() - self._others_asked > KNOWN_SECONDS

    async def renew(self) -> None:
        """Ours, or whoever has it is followed."""
        asked, now = time.monotonic(), clock.now()
        take = partial(journal.take_pen, self._pen.holder, now=now, until=now + LEASE)
        self.is_ours = await on(self._thread, take)
        if self.is_ours:
            self.until = asked + LEASE.total_seconds() - MARGIN_SECONDS
            self._upstream.follow("")
            await self._look_for_others()
        else:
            await self._follow_another()

    async def _follow_another(self) -> None:
        self._pen.is_ready = self.has_others = False
        if self._upstream.follow(await on(self._thread, journal.writer)):
            self._upstream.tick(self._pen.pages_here())
        if not self._upstream.is_up:
            await self._note_storing()

    async def _look_for_others(self) -> None:
        asked = time.monotonic()
        others = partial(journal.has_others, now=clock.now())
        self.has_others = await on(self._thread, others)
        self._others_asked = asked

    async def is_known_to_store(self) -> None:
        """Nothing is answered here of which the writer does not know that it may be: it settles
        what its own callers say later in its turn."""
        if not self.is_kept:
            return
        await self.has_asked.wait()
        if self.is_certain:
            return
        if time.monotonic() > self._noted_until:
            await self._note_storing()
        known = self._storing_since + KNOWN_SECONDS
        await asyncio.sleep(max(0.0, known - time.monotonic()))

    async def _note_storing(self) -> None:
        asked, is_new = time.monotonic(), time.monotonic() > self._noted_until
        await on(self._thread, partial(journal.note_other, until=clock.now() + LEASE))
        if is_new:
            self._storing_since = time.monotonic()
        self._noted_until = asked + LEASE.total_seconds() - MARGIN_SECONDS
