"""The page of a performer whose devices are told by this server: it holds them, is sent what any
page is sent, and answers as one. There is no browser behind it."""

import asyncio
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from django.conf import settings

from ground import clock
from lovense import fence
from lovense.bridges import Bridge, slices
from lovense.bridges.cloud import Cloud
from lovense.bridges.outcomes import CallOutcome
from lovense.devices import devicelog, hosts
from lovense.devices.devicelog import DeviceLog, Told
from lovense.performers import overrides
from lovense.performers.identity import Opener
from lovense.repairs import faults
from lovense.rows import Command, HostRow, Json, PerformerRow
from lovense.runner import keeping
from lovense.runner.keeping import Attempt
from lovense.runner.run import CANCELLED, INTERRUPTED, LOST, STOPPED, Conclusion, SlicedRun
from lovense.sending import groups
from lovense.sending import writer as writers
from lovense.sending.acknowledgement import Ack
from lovense.sending.envelope import EVENT_NAME, RELEASE, STOP
from lovense.sockets.openpage import OpenPage, in_thread
from lovense.sockets.process import sockets
from lovense.stopping import presses
from lovense.stopping.presses import Still, StillToy
from tips.models import RequestType

T = TypeVar("T")
log = logging.getLogger(__name__)

# What the last hop says of a command that must not leave.
FENCED = {
    fence.STOPPED: CallOutcome.NOT_SENT,
    fence.NOT_CONNECTED: CallOutcome.NOT_CONNECTED,
    fence.UNSUPPORTED: CallOutcome.UNSUPPORTED,
}
BETWEEN_CALLS_SECONDS = 1.0  # of one performer: the vendor's cloud is told no more
REMEMBERED = 100  # ends, until they are known to be written


def _ms_since(moment: float) -> float:
    return round((time.monotonic() - moment) * 1000, 1)


def _refused(why: fence.Fenced) -> CallOutcome:
    return FENCED.get(why.code, CallOutcome.BAD_COMMAND)


class Ear:
    """In place of a page's outbox: whatever is said is heard here."""

    def __init__(self) -> None:
        self.is_closed = False
        self.hear = _nobody

    def say(self, text: str) -> None:
        if not self.is_closed:
            self.hear(json.loads(text))

    def close(self, code: int) -> None:
        self.is_closed = True

    def cut_off(self, why: str) -> None:
        self.is_closed = True

    def forget(self) -> None:
        self.is_closed = True


def _nobody(message: Json) -> None:
    """Before there is a page."""


class ServerPage(OpenPage):
    """Never waits in the loop of the sockets: what it does is done by tasks of its own."""

    is_ours = True

    def __init__(
        self, performer_id: str, bridge: Bridge, cloud: Cloud, *, page_id: str, channel: str
    ) -> None:
        ear = Ear()
        super().__init__(
            Opener(performer_id, "server", None, ""),
            page_id=page_id,
            channel=channel,
            wants_devices=False,  # the runner says when
            outbox=ear,  # type: ignore[arg-type]
            peer=None,
        )
        ear.hear = self._hear
        self.bridge, self._cloud = bridge, cloud
        self._log = DeviceLog(performer_id, bridge.name)
        self._run: SlicedRun | None = None
        self._ended: OrderedDict[str, Ack] = OrderedDict()
        self._hosts: dict[str, HostRow] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._is_test = False  # what plays tries one device
        self._under_way: set[asyncio.Task[Any]] = set()  # of those: calls and stops
        self._next_call = 0.0
        self._halted_at = 0.0
        self._is_going = False  # she has ended her show

    # --- what it is told -------------------------------------------------------------------------

    def _hear(self, message: Json) -> None:
        if message["type"] == EVENT_NAME:
            self._begin(message)
        elif message["type"] == STOP and "activationIds" in message:
            self._cancel(message)
        elif message["type"] == STOP:
            self._halt(message.get("stopEpoch"))
        elif message["type"] == RELEASE and not self._is_going:
            self._is_going = True
            self._soon(self._go(message["lease"]))
        elif message["type"] == "snapshot" and not message["holder"]:
            self._end_now(LOST)

    def _begin(self, message: Json) -> None:
        key = message["activationId"]
        number, epoch = message["attempt"], message["stopEpoch"]
        attempt = Attempt(key, self.performer_id, number, epoch)
        if self._run is not None and self._run.attempt.activation_id == key:
            if self._run.is_started:
                self._soon(self._say(attempt, "started"))
        elif (known := self._ended.get(key)) is not None and known.attempt == number:
            self._soon(self._answer(known))
        elif self.halt.is_pressed or epoch < self.halt.epoch:
            self._soon(self._say(attempt, "failed", code=STOPPED))
        else:
            self._end_now(LOST)
            started = partial(self._say, attempt, "started")
            self._is_test = message["item"]["itemType"] == RequestType.TEST
            self._run = SlicedRun(attempt, self.bridge, self, started=started)
            self._soon(self._play(self._run))

    def _cancel(self, message: Json) -> None:
        """It ends, or it never begins."""
        for key in message["activationIds"]:
            attempt = Attempt(key, self.performer_id, 0, message["stopEpoch"])
            if self._run is not None and self._run.attempt.activation_id == key:
                self._end_now(CANCELLED)
            elif (known := self._ended.get(key)) is not None:
                self._soon(self._answer(known))
            elif not message.get("confirmed"):
                self._soon(self._say(attempt, "failed", code=CANCELLED))

    # --- a run -----------------------------------------------------------------------------------

    async def _play(self, run: SlicedRun) -> None:
        try:
            await writers.writer.catch_up()  # its row has to be there
            await self.look_at_hosts()  # one that was paired again has other secrets
            found = await run.play()
        except Exception as error:  # it is told again, and goes on from what stands in its row
            log.warning("run_failed", extra={"error_code": type(error).__name__})
            found = None
        finally:
            if self._run is run:
                self._run = None
        if found is not None:
            await self._end(run, found)

    async def _end(self, run: SlicedRun, found: Conclusion) -> None:
        if found.seconds is None and not found.code:
            return
        stage = "failed" if found.seconds is None else "finished"
        ack = self._ack(run.attempt, stage, seconds=found.seconds, code=found.code)
        self._ended[run.attempt.activation_id] = ack
        while len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
        await self._answer(ack)

    def end(self, why: str) -> None:
        """What plays is over."""
        if self._run is not None:
            self._run.end(why)

    def _end_now(self, why: str) -> None:
        """Its toys are told so at once, and once more after what is being told at this moment."""
        if self._run is not None:
            self._halted_at = time.monotonic()
            self._run.end(why)
            self._tracked(self._stop_toys(self._run.toy_ids))

    # --- what it says ----------------------------------------------------------------------------

    async def _say(self, attempt: Attempt, stage: str, *, code: str = "") -> None:
        await self._answer(self._ack(attempt, stage, code=code))

    def _ack(
        self, attempt: Attempt, stage: str, *, seconds: float | None = None, code: str = ""
    ) -> Ack:
        is_answer = attempt.activation_id == self.forwarded[0]
        about = self.performer_id, attempt.activation_id, attempt.number
        return Ack(*about, stage, clock.now(), seconds, code, is_answer)

    async def _answer(self, ack: Ack) -> None:
        try:
            await sockets.acknowledge(ack)
        except Exception as error:  # it is asked again
            log.warning("run_not_recorded", extra={"error_code": type(error).__name__})

    # --- calls -----------------------------------------------------------------------------------

    async def turn(self) -> None:
        """Also what ended what played before has been told, and so has what it overtook: coming
        late, it would silence what begins now."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        wait = self._next_call - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)

    async def call(self, host_id: str, command: Command, bounds: PerformerRow) -> CallOutcome:
        """The last hop. A stop that came while it was under way is told once more after it."""
        told_at = time.monotonic()
        if self.halt.is_pressed or bounds["stop_epoch"] < self.halt.epoch or not self.may_run:
            return CallOutcome.NOT_SENT
        try:
            command = fence.checked(command, self._bounds(bounds), epoch=bounds["stop_epoch"])
        except fence.Fenced as refused:
            return _refused(refused)
        uid = await self._uid(host_id)
        if not uid:
            return CallOutcome.PAIRING_LOST
        self._next_call = told_at + BETWEEN_CALLS_SECONDS

        def may_leave() -> bool:
            """Nothing has ended it while it waited for its turn."""
            is_ended = self._halted_at >= told_at or bounds["stop_epoch"] < self.halt.epoch
            return self.may_run and not is_ended and not self.halt.is_pressed

        outcome = await self._tracked(self._told(uid, command, told_at, may_leave))
        if outcome is CallOutcome.APP_OFFLINE:
            self._soon(self._unreached(host_id))
        if faults.is_news(self._hosts.get(host_id), outcome):
            self._soon(self._faulted(host_id, outcome))
        return outcome

    async def _told(
        self, uid: str, command: Command, told_at: float, may_leave: Callable[[], bool]
    ) -> CallOutcome:
        at = clock.now()
        outcome = await self._cloud.tell(uid, command, may_leave=may_leave)
        if self._halted_at >= told_at:
            self._tracked(self._stop_all(None))
        toy_ids = command["toy"] if isinstance(command["toy"], list) else [command["toy"]]
        words, ms = devicelog.words(command), _ms_since(told_at)
        self._note(Told(toy_ids, words, outcome.value, at, ms))
        return outcome

    def refusal(
        self, toy_id: str, calls: Sequence[Command], bounds: PerformerRow
    ) -> CallOutcome | None:
        allowed = self._bounds(bounds)
        try:
            for command in calls:
                fence.checked(command | {"toy": toy_id}, allowed, epoch=bounds["stop_epoch"])
        except fence.Fenced as refused:
            return _refused(refused)
        return None

    async def _unreached(self, host_id: str) -> None:
        """Her tips wait until the app calls back, instead of being tried in vain."""
        about: Json = {"performer_id": self.performer_id, "host_id": host_id, "now": clock.now()}
        if await in_thread(hosts.unreached, **about):
            groups.devices_changed([self.performer_id])

    async def _faulted(self, host_id: str, outcome: CallOutcome) -> None:
        """She, or the site, has to mend it."""
        about: Json = {"performer_id": self.performer_id, "host_id": host_id}
        await in_thread(faults.heard, **about, outcome=outcome, now=clock.now())
        await self.look_at_hosts()

    def _bounds(self, row: PerformerRow) -> fence.Bounds:
        """As her row was when the slice was claimed; a stop since then is the page's to know."""
        devices = row.get("devices") or []
        return fence.Bounds(
            devices=fence.functions_of(devices, is_test=self._is_test),
            epoch=self.halt.epoch,
            is_stopped=row.get("stopped_at") is not None,
            maximum_intensity=overrides.bound(row, clock.now())["maximum_intensity"],
            longest_seconds=self.bridge.lease_seconds + slices.HEAD_START_SECONDS,
            seconds={},  # of a whole run; a slice is shorter
        )

    async def _uid(self, host_id: str) -> str:
        if host_id not in self._hosts:
            await self.look_at_hosts()
        host = self._hosts.get(host_id)
        return host["uid"] if host else ""

    async def look_at_hosts(self) -> None:
        """Kept, so that they are stopped also while the database is away."""
        self._hosts = await in_thread(keeping.hosts_of, self.performer_id)

    # --- her stop --------------------------------------------------------------------------------

    def _halt(self, epoch: int | None) -> None:
        self._halted_at = time.monotonic()
        self.end(STOPPED)
        self._tracked(self._stop_all(epoch))

    async def _stop_all(self, epoch: int | None) -> None:
        """Every app of hers, past every pace."""
        apps = dict(self._hosts)
        told = (self._stop_host(key, host["uid"]) for key, host in apps.items())
        answers = dict(zip(apps, await asyncio.gather(*told), strict=True))
        accepted = CallOutcome.ACCEPTED
        silent = {key: ms for key, (outcome, ms) in answers.items() if outcome is accepted}
        if epoch is not None and len(silent) == len(apps):
            self.halt.confirmed(epoch)
        try:
            await self.look_at_hosts()  # one that is new is told the next time
            if epoch is not None and silent:
                await in_thread(self._record_silence, epoch, silent)
                groups.news.mark([self.performer_id], "devices")
        except Exception as error:
            log.warning("run_not_recorded", extra={"error_code": type(error).__name__})

    async def _stop_host(
        self, host_id: str, uid: str, toy_ids: Sequence[str] = ()
    ) -> tuple[CallOutcome, float]:
        """What became of it, and after how many milliseconds."""
        at, told_at = clock.now(), time.monotonic()
        calls = self.bridge.stop(toy_ids)
        told = (self._cloud.tell(uid, command, is_stop=True) for command in calls)
        outcomes = await asyncio.gather(*told)  # a slow answer keeps no other toy moving
        failed = (one for one in outcomes if one is not CallOutcome.ACCEPTED)
        outcome, ms = next(failed, outcomes[0]), _ms_since(told_at)
        self._note(Told(toy_ids, devicelog.STOP, outcome.value, at, ms), host_id)
        return outcome, ms

    def _record_silence(self, epoch: int, silent: dict[str, float]) -> None:
        """`silent`: by host after how many milliseconds."""
        toys = tuple(
            StillToy(toy_id, ms, "accepted")
            for host_id, ms in silent.items()
            for toy_id in keeping.toys_on(self.performer_id, [host_id])
        )
        if toys:
            who, said = self.performer_id, Still(epoch, toys)
            presses.answered(said, performer_id=who, page_id=self.page_id, now=clock.now())

    async def _stop_toys(self, toys: list[tuple[str, str]]) -> None:
        """Those of a run that has ended before its time."""
        for host_id in {host_id for host_id, _ in toys}:
            if uid := await self._uid(host_id):
                hers = [toy for host, toy in toys if host == host_id]
                await self._stop_host(host_id, uid, hers)

    # --- the log of its devices ------------------------------------------------------------------

    def _note(self, told: Told, host_id: str = "") -> None:
        """Beside everything else. Without names it was for every toy of this app."""
        self._soon(self._noted(told, host_id))

    async def _noted(self, told: Told, host_id: str) -> None:
        try:
            await in_thread(self._write_line, told, host_id)
        except Exception as error:  # a line is missing
            log.warning("device_log_not_written", extra={"error_code": type(error).__name__})

    def _write_line(self, told: Told, host_id: str) -> None:
        named = told.toy_ids or keeping.toys_on(self.performer_id, [host_id])
        self._log.write(replace(told, toy_ids=named))

    # --- its end ---------------------------------------------------------------------------------

    def _soon(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _tracked(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """What plays next waits for it."""
        task = self._soon(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _go(self, lease: int) -> None:
        """Its toys first. What does not obey has ended by itself within the slice that it was told,
        and the lease is over by then."""
        self._end_now(INTERRUPTED)
        try:
            await self._stop_all(None)
            await self.let_go(lease)
        except Exception as error:  # it is told again in a second
            log.warning("not_let_go", extra={"error_code": type(error).__name__})
        finally:
            self._is_going = False

    async def watch(self) -> None:
        """Nobody could end what plays once the devices may be another's, or the database is
        away."""
        if self._run is not None and not self.may_run:
            self._halted_at = time.monotonic()
            self._run.end(LOST)
            await self._stop_all(None)

    async def close(self, why: str) -> None:
        """Its toys are still, and the devices are free. What is LOST goes on where another process
        takes them."""
        self._end_now(why)
        await self._quiet()
        self.outbox.forget()
        await self.release()

    async def _quiet(self) -> None:
        """What is being told may still move a toy, so the stop that follows it is waited for, too;
        all of it is over with its time-out."""
        until = time.monotonic() + settings.LOVENSE_READ_TIMEOUT_SECONDS
        while self._tasks and (left := until - time.monotonic()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        for task in self._tasks:
            task.cancel()
