"""What arrives: proven calls, each of which waits for its answer until it is durable, one way or
the other.

A plain tip waits in memory for the next round. Everything else goes the careful way: it is stored
in the inbox and settled from there. Whose keys are on their way waits for whoever came first. This
stands apart because it is the callers' side of the pen: nothing is settled and no number is taken
here."""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from config.peers.upstream import Upstream
from config.pen.lease import Lease
from config.pen.roof import Roof
from config.pen.rows import MOST_BEHIND, Rows
from ground.hops.groupcommit import GroupCommit, Overloaded
from ground.inbox.inbox import Acceptance, Call
from ledger import gateway
from tips import webhooks
from tips.intake import acceptance
from tips.intake.payloads import Order, TipOrder
from tips.settlement import rounds

MOST_COLD = 10_000  # calls that wait for a round, fifty full ones
RECENT = 50_000  # keys remembered, so that a repeat does not cost a round


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

    def answered(self, outcome: Acceptance) -> None:
        if not self.answer.done():  # else the caller went away
            self.answer.set_result(outcome)

    def failed(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Arrivals:
    """`cold`: calls that wait for a round, in their order. `has_careful`: some that were stored may
    wait to be settled. `handing_over`: from the one way to the other."""

    def __init__(self, pen: Roof, rows: Rows, lease: Lease, upstream: Upstream) -> None:
        self.cold: deque[Arrival] = deque()
        self.has_careful = False
        self.handing_over: set[asyncio.Task[None]] = set()  # asyncio itself may lose them
        self._pen, self._rows, self._lease, self._upstream = pen, rows, lease, upstream
        self._awake = pen.awake
        self._keys: dict[str, Arrival] = {}  # of what is not durable yet
        self._recent: dict[str, None] = {}
        self._unsure: dict[str, None] = {}  # keys that an error was answered to
        self._store: GroupCommit[Call, Acceptance] = GroupCommit(acceptance.accept, name="inbox")

    async def accept(self, call: Call, order: Order | None) -> Acceptance:
        """Returns when the call is durable. Raises Overloaded, and what the database raises."""
        if not self._pen.is_ready and self._upstream.is_up:
            outcome = await self._upstream.accept(call, order)
            if outcome is not None:
                return outcome
        while first := self._on_its_way(call):
            await first.ends()  # it decides
        if not self._is_plain(call, order):
            return await self._accept_carefully(call)
        if len(self._rows.behind) > MOST_BEHIND or len(self.cold) > MOST_COLD:
            raise Overloaded
        assert isinstance(order, TipOrder)
        arrival = Arrival(call, order, asyncio.get_running_loop().create_future())
        self._keys.update(dict.fromkeys(call.keys, arrival))
        self.cold.append(arrival)
        self._awake.set()
        return await arrival.answer

    # --- keys ------------------------------------------------------------------------------------

    def _on_its_way(self, call: Call) -> Arrival | None:
        for key in call.keys:
            if key in self._keys:
                return self._keys[key]
        return None

    def release(self, arrival: Arrival) -> None:
        """Its keys are on their way no more."""
        for key in arrival.call.keys:
            if self._keys.get(key) is arrival:
                del self._keys[key]
        if arrival.is_over is not None:
            arrival.is_over.set()

    def remember(self, keys: Iterable[str]) -> None:
        """They are durable."""
        self._recent.update(dict.fromkeys(keys))
        if len(self._recent) > RECENT:
            self._recent = dict.fromkeys(list(self._recent)[RECENT // 2 :])

    def _is_plain(self, call: Call, order: Order | None) -> bool:
        if not self._pen.is_ready or not rounds.is_plain(call, order):
            return False
        ledger = gateway.current()
        places = ledger.places_tips and ledger.joins_transactions
        return places and self._recent.keys().isdisjoint(call.keys)

    # --- the careful way -------------------------------------------------------------------------

    async def _accept_carefully(self, call: Call) -> Acceptance:
        try:
            outcome = await self._store(call)
        except Exception:
            self._remember_unsure(call)
            raise
        was_unsure = self._forget_unsure(call)
        if (outcome is Acceptance.NEW or was_unsure) and not call.is_ignored:
            self._settle_soon()
        if not self._lease.is_certain:
            await self._lease.is_known_to_store()
        return outcome

    def _remember_unsure(self, call: Call) -> None:
        """It may be stored, or be stored yet. Who sends it again hears of a repeat, and what is
        accepted after that answer comes after it."""
        self._unsure.update(dict.fromkeys((call.key, *call.keys)))
        while len(self._unsure) > RECENT:
            del self._unsure[next(iter(self._unsure))]

    def _forget_unsure(self, call: Call) -> bool:
        """Whether it was; it is stored now, and known to be."""
        return bool([key for key in (call.key, *call.keys) if self._unsure.pop(key, "") is None])

    def _settle_soon(self) -> None:
        self.has_careful = True
        self._awake.set()
        if not self._pen.is_ready:
            webhooks.ring()

    def hand_over(self, arrivals: Iterable[Arrival]) -> None:
        """What turned out not to be plain, or is not ours to write any more."""
        for arrival in arrivals:
            self.release(arrival)
            task = asyncio.get_running_loop().create_task(self._handed_over(arrival))
            self.handing_over.add(task)
            task.add_done_callback(self.handing_over.discard)

    def hand_over_all(self) -> None:
        cold, self.cold = self.cold, deque()
        self.hand_over(cold)

    async def _handed_over(self, arrival: Arrival) -> None:
        try:
            arrival.answered(await self._accept_carefully(arrival.call))
        except Exception as error:
            arrival.failed(error)

    def send_away(self, told: Exception) -> None:
        """Everybody who waits for a round is to come again."""
        while self.cold:
            arrival = self.cold.popleft()
            self.release(arrival)
            arrival.failed(told)
