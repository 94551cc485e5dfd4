"""A round: what was waiting becomes durable together. What comes meanwhile is the next one, worked
out while the entry of the first is on its way, as long as nothing has to be read for it.

Everything that a round needs is read before it is worked out, and working it out asks no database.
It stands apart because all that takes numbers is done here, one after the other."""

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Protocol

from django.conf import settings

from config.pen.arrivals import Arrival, Arrivals
from config.pen.lease import Lease
from config.pen.memory import LiveMemory
from config.pen.roof import Roof, on
from config.pen.rows import Rows
from ground import clock
from ground.inbox import inbox
from ground.journal.journal import KeyTaken, NumberTaken
from ledger import gateway
from ledger.books import posting
from ledger.books.memory import PostingRow
from lovense.lane.live import LaneStart, LaneState
from lovense.sending import groups
from tips import webhooks
from tips.intake import payloads
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
    document: dict[str, Any] = field(default_factory=dict)  # its entry, once it is on its way

    @property
    def is_empty(self) -> bool:
        return not self.tips and not self.starts

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


class Committing(Protocol):
    """What becomes of a round, see `config/pen/entries.py`."""

    def begin(self, made: Round) -> "asyncio.Task[None]": ...

    def tell(self, made: Round) -> None: ...

    async def begin_again(self, made: Round, refused: Exception) -> None: ...


class Rounds:
    """One after the other."""

    def __init__(
        self,
        pen: Roof,
        arrivals: Arrivals,
        memory: LiveMemory,
        rows: Rows,
        lease: Lease,
        *,
        entries: Committing,
    ) -> None:
        self._pen, self._arrivals, self._memory = pen, arrivals, memory
        self._rows, self._lease, self._entries = rows, lease, entries
        self._awake, self._threads = pen.awake, pen.threads

    async def until_done(self) -> None:
        """Until nothing is left to do: 1. read again what others have changed; 2. settle what came
        carefully; 3. read what this round needs; 4. work it out; 5. make it durable and tell."""
        while self._awake.is_set() and self._pen.is_ready:
            self._awake.clear()
            await asyncio.sleep(0)  # what this turn of the loop has read comes along
            # Who comes after our looks may come after an answer unseen.
            here = len(self._arrivals.cold)
            if self._memory.is_stale:
                await self._memory.read_again()
            if self._arrivals.cold and self._lease.may_have_others:
                # What was answered there comes before what is cold here.
                waiting = partial(inbox.has_waiting, payloads.SOURCES)
                has_waiting = await on(self._threads.reader, waiting)
                self._arrivals.has_careful |= has_waiting  # which may have been said meanwhile
            if self._arrivals.has_careful and await self._settle_carefully():
                here = 0  # the rest of it was answered before
            await self._read_what_is_cold()
            await self._round(here)
            if self._arrivals.cold or self._memory.free or self._memory.due:
                self._awake.set()

    async def _settle_carefully(self) -> bool:
        """What waits in the inbox, in turns of its own; they make us read again. Whether there is
        more than one turn takes."""
        self._arrivals.has_careful = False
        now, limit = clock.now(), settings.DRAIN_LIMIT
        drain = partial(settlement.drain, now=now, limit=limit)
        done = await on(self._threads.reader, drain)
        if done.handled:
            self._arrivals.has_careful = done.handled >= limit
            groups.news.mark(done.performers, "queue")
            await self._memory.read_again()
        if done.is_looking:
            webhooks.ring_for_looks()
        return done.handled >= limit

    async def _read_what_is_cold(self) -> None:
        memory = self._memory
        memory.has_unknown = False
        orders = [each.order for each in islice(self._arrivals.cold, MOST_TIPS)]
        wanted = [a for order in orders for a in rounds.accounts(order)]
        if len(memory.books) > ACCOUNTS_KEPT:
            await self._rows.rest()
            memory.books.forget()
        # Whatever forgets an account has its row written first, so an unknown one is as its row
        # says. The writer's thread has nothing else to do now; the other may be unfolding.
        if unknown := memory.books.unknown(wanted):
            memory.books.learn(await on(self._threads.writer, partial(posting.states, unknown)))
        if memory.due:
            await memory.drain_rows()
        memory.lanes.has_loading = False
        loading = memory.lanes.in_state(LaneState.LOADING)
        if loading:
            await memory.load(loading)

    async def _round(self, at_most: int) -> None:
        made = Round(_mark(clock.now()))
        try:
            self._work_out(made, at_most)
        except BaseException:
            self._put_back(made)
            raise
        while self._pen.is_ready and not made.is_empty:
            made = await self._commit(made)
        self._put_back(made)  # where the pen was lost meanwhile

    async def _commit(self, made: Round) -> Round:
        """Makes it durable and tells; the next round, as far as it is worked out."""
        following, writing = Round(_mark(clock.now())), self._entries.begin(made)
        writing.add_done_callback(lambda _: self._awake.set())
        try:
            await self._work_ahead(following, writing)
            await self._written(made, following, writing)
        except BaseException:  # also where the pen is laid down meanwhile
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            self._put_back(following)
            self._put_back(made)
            raise
        return following

    async def _written(self, made: Round, following: Round, writing: "asyncio.Task[None]") -> None:
        try:
            await writing
        except (NumberTaken, KeyTaken) as refused:
            self._put_back(following)
            await self._entries.begin_again(made, refused)
        else:
            self._entries.tell(made)

    def _put_back(self, made: Round) -> None:
        """Nothing of it is durable."""
        self._arrivals.cold.extendleft(reversed(made.arrivals))
        made.arrivals, made.tips, made.starts, made.size = [], [], [], 0

    async def _work_ahead(self, following: Round, writing: "asyncio.Task[None]") -> None:
        """Until that entry is written, or refused."""
        while not writing.done():
            await self._awake.wait()
            self._awake.clear()
            if not writing.done() and not self._has_looks_to_do:
                self._work_out(following, len(self._arrivals.cold))
        self._awake.set()

    @property
    def _has_looks_to_do(self) -> bool:
        """Something has to be read before anything more is worked out."""
        memory = self._memory
        return (
            not self._pen.is_ready
            or memory.is_stale
            or memory.has_unknown
            or memory.lanes.has_loading
            or self._arrivals.has_careful
            or self._lease.may_have_others
            or bool(memory.due)
        )

    # --- working it out --------------------------------------------------------------------------

    def _work_out(self, made: Round, at_most: int) -> None:
        now, arrivals, memory = clock.now(), self._arrivals, self._memory
        for _ in range(min(at_most, len(arrivals.cold))):
            if memory.is_stale or not made.has_room_for(arrivals.cold[0]):
                break
            if memory.books.unknown(rounds.accounts(arrivals.cold[0].order)):
                memory.has_unknown = True
                break  # it came while the others' accounts were read
            self._settle(arrivals.cold.popleft(), made, now)
        self._start_free_lanes(made, now)

    def _start_free_lanes(self, made: Round, now: datetime) -> None:
        memory = self._memory
        free, memory.free = memory.free, set()
        if time.monotonic() < self._lease.until:
            for performer_id in free:
                lane = memory.lanes.get(performer_id)
                if lane is not None:
                    mark = made.mark | {"claimed_at": now}
                    made.starts += memory.lanes.start(lane, mark=mark, now=now)
                    if lane.state is LaneState.ROWS:
                        memory.due.add(performer_id)
                    elif memory.lanes.get(performer_id) is not lane:
                        self._awake.set()  # to be read: what waits behind what was kept

    def _settle(self, arrival: Arrival, made: Round, now: Any) -> None:
        order, memory = arrival.order, self._memory
        try:
            tip = rounds.settle(arrival.call, order, self._move, memory.head, now=now)
        except Exception as error:
            if not isinstance(error, gateway.Refused):
                log.exception("not_settled_at_once")
                self._undo(made)
            self._arrivals.hand_over([arrival])
            return
        made.take(arrival, tip)
        lane = memory.lanes.settled(tip.request)
        if lane is not None and lane.state is not LaneState.ROWS:
            memory.free.add(order.performer_id)
        elif lane is not None or order.performer_id in memory.elsewhere:
            memory.due.add(order.performer_id)

    def _move(
        self, group: gateway.Group, now: datetime
    ) -> tuple[PostingRow, list[gateway.PostedEntry]]:
        row = self._memory.books.move(group, now=now)
        return row, posting.entries(row)

    def _undo(self, made: Round) -> None:
        """Whatever was worked out since the last entry is not believed."""
        self._put_back(made)
        self._memory.forget()
        self._memory.is_stale = True


def _mark(now: Any) -> dict[str, Any]:
    return {
        "status": "claimed",
        "claimed_by": f"{settings.STACK_SLOT}/{uuid.uuid4().hex[:12]}",
        "lease_until": now + timedelta(seconds=settings.RECEIVED_WINDOW_SECONDS),
        "claimed_at": now,
    }
