"""The sockets of this process: which pages are open here, which of them hold devices, and what was
already forwarded to them.

Leases are renewed beside everything else, on a thread of their own: they wait for no socket, and
for no other work of this process."""

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.conf import settings
from pymongo.errors import ConnectionFailure

from ground import clock
from ground.hops import doorbell
from ground.hops.groupcommit import GroupCommit
from ground.hops.rounds import BREATH_SECONDS
from ground.journal import journal
from lovense.bridges import choosing
from lovense.performers import identity
from lovense.rows import LayerMessage
from lovense.sending import acknowledgement, groups, handover, leases, pages, resume, retries
from lovense.sending import writer as writers
from lovense.sending.handover import LeaseStanding
from lovense.sending.writer import Holding
from lovense.sockets import limits
from lovense.sockets.freed import FreedLanes
from lovense.sockets.openpage import OpenPage, in_thread
from lovense.stopping import stop

T = TypeVar("T")
log = logging.getLogger(__name__)

CHECK_SECONDS, BEAT_SECONDS = 3, 1
# How often Redis is asked whether it is there, and how often pages look while it is not.
REDIS_SECONDS, WITHOUT_NEWS_SECONDS = 0.5, 5.0
BEAT, NEWS_OF_ALL = {"type": "beat"}, {"type": "news", "topic": "*"}
# Open pages of one performer in one process. Each costs its news, and its place in every round.
MAX_PAGES = 20
UNAUTHENTICATED, TOO_MANY_PAGES = 4401, 4429


class Sockets:
    """`open`: by the name of the channel, the oldest first."""

    def __init__(self) -> None:
        self.open: dict[str, OpenPage] = {}
        self._record: GroupCommit[acknowledgement.Ack, bool | Exception] = GroupCommit(
            _acknowledge, name="acks", breath_seconds=BREATH_SECONDS
        )
        self._lost: list[OpenPage] = []  # to be told that they only watch
        self._tasks: set[asyncio.Task[None]] = set()  # asyncio itself may lose them
        self._to_limit: set[str] = set()  # performers whose caps may be others now
        self._is_limiting = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._looked_without: float | None = None  # when pages were last told so, while it is away
        self._leases = ThreadPoolExecutor(1, thread_name_prefix="leases")

    async def acknowledge(self, ack: acknowledgement.Ack) -> bool | Exception:
        """Whether its activation is over. The plain end of what plays costs no write of its own;
        everything else is recorded in its row, which has to be there."""
        writer = writers.writer
        if writer.finished(ack) or await writer.passed_on(ack):
            return True
        await writer.catch_up()
        ended = await self._record(ack)
        if ended is not False:
            writer.read_again([ack.performer_id])
        return ended

    # --- who is here -----------------------------------------------------------------------------

    def has_room_for(self, page: OpenPage) -> bool:
        """A page that returns, or one that is silent, makes room for a newer one."""
        hers = [each for each in self.open.values() if each.performer_id == page.performer_id]
        if len(hers) < MAX_PAGES:
            return True
        gone = [each for each in hers if each.page_id == page.page_id or not each.is_heard]
        for each in gone[:1]:
            each.outbox.cut_off("replaced")
            self.remove(each)
        return bool(gone)

    def add(self, page: OpenPage) -> None:
        self._loop = asyncio.get_running_loop()
        self.open[page.channel] = page

    def remove(self, page: OpenPage) -> None:
        page.halt.forget()
        self.open.pop(page.channel, None)

    # --- commands --------------------------------------------------------------------------------

    def holdings(self) -> list[Holding]:
        return [page.holding for page in self.open.values() if page.is_holder and page.is_told]

    def deliver(self, messages: Iterable[tuple[str, LayerMessage]]) -> None:
        """Hands commands to sockets of this process without the way through Redis, others to the
        layer; from any thread."""
        here: list[tuple[str, LayerMessage]] = []
        away: list[tuple[str, LayerMessage]] = []
        for message in messages:
            (here if message[0] in self.open else away).append(message)
        groups.publish(away)
        if here:
            self._on_the_loop(self._pass_on_all, here)

    def _on_the_loop(self, work: Callable[..., None], *given: object) -> None:
        """At once where this is its thread. Without a loop there are no pages."""
        if self._loop is None or self._loop.is_closed():
            return
        if asyncio._get_running_loop() is self._loop:
            work(*given)
        else:
            self._loop.call_soon_threadsafe(work, *given)

    def _pass_on_all(self, messages: list[tuple[str, LayerMessage]]) -> None:
        for channel, message in messages:
            if page := self.open.get(channel):
                # else it has just gone: its next page is told what is in flight
                self.pass_on(page, message)

    def pass_on(self, page: OpenPage, message: LayerMessage) -> None:
        if not page.pass_on(message):
            self._soon(self._keep_back(page.performer_id, message["id"], message["attempt"]))
        elif message["type"] == groups.PAGE_HALT and message["at"] is None:
            self._soon(self.let_go())  # she may have chosen another path
        elif message["type"] == groups.PAGE_TAKE:
            self._soon(self._hand_over(page, message["page"]))
        elif message["type"] == groups.PAGE_NEWS and message["topic"] == "devices":
            self._to_limit.add(page.performer_id)
            if not self._is_limiting:
                self._is_limiting = True
                self._soon(self._limit())

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Beside everything else."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_back(self, performer_id: str, activation_id: str, attempt: int) -> None:
        """It waits until she resumes; its row has to be there."""
        try:
            await writers.writer.catch_up()
            who = {"performer_id": performer_id, "now": clock.now()}
            await in_thread(retries.kept_back, activation_id, attempt, **who)
            writers.writer.read_again([performer_id])
            groups.news.mark([performer_id], "queue")
        except Exception as error:  # its lease ends, and it is looked at then
            log.warning("not_kept_back", extra={"error_code": type(error).__name__})

    # --- her stop --------------------------------------------------------------------------------

    def halt(self, performer_ids: Collection[str], at: int | None, epoch: int | None) -> None:
        """The pages of these performers that are open here, from any thread."""
        self._on_the_loop(self._halt_all, performer_ids, at, epoch)

    def _halt_all(self, performer_ids: Collection[str], at: int | None, epoch: int | None) -> None:
        for page in self.open.values():
            if page.performer_id in performer_ids:
                page.halt.hear(at, epoch)
        if at is None:
            self._soon(self.let_go())

    async def look_for_stops(self) -> None:
        """What was not heard of is found in the rows, and where she has resumed nothing is told any
        more."""
        performer_ids = {page.performer_id for page in self.open.values()}
        if not performer_ids:
            return
        asked_at = time.monotonic()
        found = await self._on_leases(stop.stopped_among, performer_ids)
        for page in self.open.values():
            if state := found.get(page.performer_id):
                page.hear_of_stop(state)
            else:
                page.halt.resumed(asked_at)

    # --- another page wants her devices ----------------------------------------------------------

    def stand_by(self, page: OpenPage) -> None:
        """Beside everything else: her stop must not wait for a database."""
        self._soon(self._stand_by(page))

    async def _stand_by(self, page: OpenPage) -> None:
        try:
            await page.stand_by()
        except Exception as error:  # it is looked at again within a second
            log.warning("not_handed_over", extra={"error_code": type(error).__name__})

    async def _hand_over(self, page: OpenPage, wanted_by: str) -> None:
        """The row decides, and is looked at now."""
        try:
            if page.is_holder:
                await self.renew()
            elif page.page_id == wanted_by and page.wants_devices:
                await page.try_to_hold(has_returned=False)
        except Exception as error:  # it is looked at again within a second
            log.warning("not_handed_over", extra={"error_code": type(error).__name__})

    # --- her caps --------------------------------------------------------------------------------

    async def _limit(self) -> None:
        """Whoever there was news of; what is new while it reads is read again."""
        try:
            while self._to_limit:
                asked, self._to_limit = self._to_limit, set()
                await self.look_for_limits(asked)
        except Exception as error:  # they are looked at again soon
            log.warning("not_limited", extra={"error_code": type(error).__name__})
        finally:
            self._is_limiting = False

    async def look_for_limits(self, performer_ids: Collection[str] = ()) -> None:
        """Tells her pages the caps that bind now; of everybody here, whose news may have been
        lost."""
        asked = performer_ids or {page.performer_id for page in self.open.values()}
        if not asked:
            return
        found = await in_thread(limits.among, asked)
        for page in self.open.values():
            if page.performer_id in found:
                page.limit(found[page.performer_id])

    # --- news that is lost -----------------------------------------------------------------------

    async def look_for_redis(self) -> None:
        """What is told over Redis while it is away is lost: until it is back, and once then, each
        page here looks at all that it shows."""
        is_there, now = await in_thread(groups.is_reachable), time.monotonic()
        is_back = is_there and self._looked_without is not None
        is_due = not is_there and now - (self._looked_without or 0.0) >= WITHOUT_NEWS_SECONDS
        if not (is_back or is_due):
            return
        self._looked_without = None if is_there else now
        for page in list(self.open.values()):
            page.say(NEWS_OF_ALL)

    # --- once a second ---------------------------------------------------------------------------

    async def beat(self) -> None:
        """To pages that cannot see pings: one that hears no beat any more has lost us, though
        nobody has closed its socket."""
        for page in list(self.open.values()):
            if page.wants_beats:
                page.say(BEAT)

    async def tick(self) -> None:
        await self.renew()
        await self.look_for_stops()
        await self.tend()

    async def renew(self) -> None:
        """Renews the leases of the pages that were heard of. Those whose devices another page wants
        are asked to let them go, and those whose lease another page took, or is about to, learn
        that they only watch. A silent page keeps what it has until it is over."""
        holding = [page for page in self.open.values() if page.is_holder and page.is_heard]
        if not holding:
            return
        asked_at = time.monotonic()
        channels = [page.channel for page in holding]
        mine = settings.STACK_SLOT, channels
        kept = await self._on_leases(pages.renew, *mine, now=clock.now())
        asked: set[str] = set()
        if len(kept) < len(channels):
            asked = await self._on_leases(handover.asked_to_go, *mine, now=clock.now())
        for page in filter(lambda page: page.is_holder, holding):
            if page.channel in kept:
                page.renewed(asked_at)
            elif page.channel in asked:
                page.leave()
            else:
                page.lost()
                self._lost.append(page)

    async def _on_leases(self, work: Callable[..., T], *given: Any, **named: Any) -> T:
        call = functools.partial(work, *given, **named)
        return await asyncio.get_running_loop().run_in_executor(self._leases, call)

    async def tend(self) -> None:
        """Tells who has lost its devices, sends again what got lost on its way, and lets watching
        pages take over free leases."""
        lost, self._lost = self._lost, []
        await asyncio.gather(*(page.snapshot() for page in lost))
        holding = {page.performer_id: page for page in self.open.values() if page.may_run}
        if holding:
            await self._resend(holding)
        await self._take_over()

    async def let_go(self) -> None:
        """Those whose devices are told by another path now. Its page takes them when they are
        free."""
        browsers = [page for page in self.open.values() if page.is_holder and not page.is_ours]
        if not browsers:
            return
        gone = await in_thread(choosing.not_in_pages, {page.performer_id for page in browsers})
        left = [page for page in browsers if page.performer_id in gone]
        await asyncio.gather(*(page.release() for page in left))
        await asyncio.gather(*(page.snapshot() for page in left))

    async def _resend(self, holding: dict[str, OpenPage]) -> None:
        numbers = {performer_id: page.lease for performer_id, page in holding.items()}
        before = clock.now() - pages.RESEND_AFTER
        lost = await in_thread(resume.in_flight, list(holding), before=before, leases=numbers)
        for command in lost:
            page = holding[command.performer_id]
            about = command.performer_id, command.activation_id
            if not command.is_stop and writers.writer.is_over(*about):
                continue  # its row is behind
            if page.lease == numbers[command.performer_id]:
                page.tell(command, again=command.is_overdue)

    async def _take_over(self) -> None:
        """Of each performer's watching pages the one that wants the devices, else the oldest; one
        read for all that watch."""
        waiting: dict[str, list[OpenPage]] = {}
        for page in self.open.values():
            if page.wants_devices and not page.is_holder and page.is_heard:
                waiting.setdefault(page.performer_id, []).append(page)
        if not waiting:
            return
        found = await in_thread(handover.standings, list(waiting), now=clock.now())
        await asyncio.gather(*(self._wait(found.get(who), them) for who, them in waiting.items()))

    async def _wait(self, standing: LeaseStanding | None, waiting: list[OpenPage]) -> None:
        """What these pages of one performer do, where her lease stands so."""
        if standing is not None and standing.is_held:
            await asyncio.gather(*(page.stand_by() for page in waiting))
            return
        wanted_by = standing.wanted_by if standing else ""
        wanted = [page for page in waiting if page.page_id == (wanted_by or page.page_id)]
        for page in wanted[:1]:
            await page.try_to_hold(has_returned=False)

    async def check(self) -> None:
        """Closes the pages whose token was withdrawn, whose session has ended, whose account was
        barred."""
        here = [page for page in self.open.values() if not page.is_ours]
        if not here:
            return
        openers = [page.opener for page in here]
        valid = await in_thread(identity.still_valid, openers, now=clock.now())
        for page, is_valid in zip(here, valid, strict=True):
            if not is_valid:
                await self.turn_away(page)

    async def turn_away(self, page: OpenPage) -> None:
        """The devices are free at once, whether the page takes notice or not."""
        page.outbox.close(UNAUTHENTICATED)
        self.remove(page)
        await page.release()

    # --- running ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """The tickers of a web process; they outlive a database or a Redis that is away."""
        await _every(pages.RENEW_SECONDS, _take_over_slot, once=True)
        async with asyncio.TaskGroup() as tickers:
            tickers.create_task(_every(BEAT_SECONDS, self.beat))
            tickers.create_task(_every(REDIS_SECONDS, self.look_for_redis))
            tickers.create_task(_every(pages.RENEW_SECONDS, self.renew))
            tickers.create_task(_every(pages.RENEW_SECONDS, self.look_for_stops))
            tickers.create_task(_every(pages.RENEW_SECONDS, self.tend))
            tickers.create_task(_every(CHECK_SECONDS, self.check))
            tickers.create_task(_every(CHECK_SECONDS, self.let_go))
            tickers.create_task(_every(CHECK_SECONDS, self.look_for_limits))


async def _every(
    seconds: float, work: Callable[[], Awaitable[None]], *, once: bool = False
) -> None:
    """`once`: until it has succeeded."""
    while True:
        try:
            await work()
            if once:
                return
        except Exception as error:
            log.warning("tick_failed", extra={"error_code": type(error).__name__})
        await asyncio.sleep(seconds)


async def _take_over_slot() -> None:
    """What this process's predecessor held: its pages are free, and its claims are looked at
    now. The pages that are already open here renew theirs at once."""
    await in_thread(pages.release_slot, settings.STACK_SLOT, now=clock.now())
    await in_thread(leases.recover, settings.STACK_SLOT, now=clock.now())


def _acknowledge(acks: list[acknowledgement.Ack]) -> list[bool | Exception]:
    """Records a group of acknowledgements and starts what they make possible. Their rows come
    first: a page is told by a durable entry, but the writer that catches up for us need not have
    seen it, where the one before it had not noticed yet that it had lost the pen."""
    if not acknowledgement.have_rows(acks):
        journal.catch_up()
    ended = _each(acks)
    # A writer starts what its memory says, wherever it is.
    if not writers.writer.is_ready and not journal.has_writer(now=clock.now()):
        over = zip(acks, ended, strict=True)
        lanes.free({ack.performer_id for ack, is_over in over if is_over is True})
    if any(ack.code or ack.stage == "failed" for ack in acks):
        doorbell.ring_soon("lovense.owe")
    groups.news.mark({ack.performer_id for ack in acks}, "queue")
    return ended


def _each(acks: list[acknowledgement.Ack]) -> list[bool | Exception]:
    """What cannot be written fails alone: a group that fails is halved until it is found. (Said
    again, an acknowledgement changes nothing.)"""
    try:
        return list(acknowledgement.acknowledge(acks))
    except ConnectionFailure:  # no fault of any of them
        raise
    except Exception as error:
        if len(acks) == 1:
            return [error]
    half = len(acks) // 2
    return _each(acks[:half]) + _each(acks[half:])


sockets = Sockets()
lanes = FreedLanes(sockets.deliver)
