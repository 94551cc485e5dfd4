"""A headless virtual device: a real client of the performer socket (docs/sockets.md) whose toys are
virtual ones.

It plays what the commands of an activation say, for as long as they say. It runs an activation
once, whatever is sent how often: an id it remembers only gets its acknowledgement again. What it
refuses before a toy moves it does not remember, so that it may come again; what it was told to end
it remembers as ended, so that it never plays, however late it comes."""

import asyncio
import hashlib
import json
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from lovense.fence import Bounds
from lovense.simulator.faults import DeviceFaults
from lovense.simulator.memory import Answer, Memory
from lovense.simulator.player import Limits, Player, virtual_toys

Message = dict[str, Any]
Report = Callable[[Message], None]

FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.2, 5.0
LOST_SOCKET_SECONDS = (
    5.0  # without a socket for so long, the toys are stopped: nobody could stop them any more
)
OPEN_TIMEOUT_SECONDS = 10.0
REFUSED = (401, 403)
CANCELLED = {"stage": "failed", "code": "cancelled"}
INTERRUPTED = {"stage": "finished", "deliveredSeconds": 0, "code": "interrupted"}
STOPPED = "stopped"
TEST = "lovense.test"  # the type of an item that moves one device for a try
PRESS_AGAIN_SECONDS = 1.0  # a press of the stop button is said again until it is answered


class WrongPerformer(Exception):
    """The token must belong to the performer whose device this is."""


@dataclass
class Run:
    """An activation being played for `seconds` since `began`: `stop` ends it early, `code` says why
    where it is her stop. `stages` are the acknowledgements made so far."""

    message: Message
    seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    code: str = ""
    stages: list[str] = field(default_factory=list)

    @property
    def activation_id(self) -> str:
        return str(self.message["activationId"])

    @property
    def members(self) -> list[str]:
        """The activations that play with this one: one run for all of them."""
        return [str(member) for member in self.message.get("members", ())]


class VirtualDevice:
    """`runs` lists the activation ids really played, in order; `overlaps` those begun while another
    one still ran. `toys` are types: one toy of each; without any, the one that just vibrates."""

    def __init__(
        self,
        *,
        url: str,
        performer_id: str,
        token: str,
        memory: Path | None = None,
        speed: float = 1.0,
        report: Report | None = None,
        toys: Sequence[str] = (),
    ) -> None:
        if speed <= 0:
            raise ValueError("speed must be above 0")
        self.performer_id, self.speed = performer_id, speed
        self.player = Player(virtual_toys(performer_id, toys), speed=speed)
        self.runs: list[str] = []
        self.overlaps: list[str] = []
        self.faults = DeviceFaults()
        self.ready = (
            asyncio.Event()
        )  # connected, devices reported; cleared while there is no socket
        self.is_holder = False
        self.stop_epoch = 0
        self.lease: int | None = (
            None  # of the newest snapshot: what is made for another is not ours
        )
        self._address = (
            f"ws{url.removeprefix('http').rstrip('/')}/ws/performer?page={_page_id(memory)}"
        )
        self._token, self._report = token, report or (lambda message: None)
        self._memory = Memory(memory)
        self._playing: dict[str, Run] = {}
        self._refused: dict[str, tuple[int, str]] = {}  # the last attempt refused, and why
        self._tasks: set[asyncio.Task[None]] = set()
        self._socket: ClientConnection | None = None
        self._lost: asyncio.TimerHandle | None = None
        self._pressing: asyncio.Task[None] | None = None  # until the press is answered

    # --- the connection --------------------------------------------------------------------------

    async def run(self) -> None:
        """Stays connected until cancelled: a lost socket is opened again, for ever, with growing
        and scattered pauses."""
        delay = FIRST_DELAY_SECONDS
        try:
            while True:
                if await self._connection():
                    delay = FIRST_DELAY_SECONDS
                await asyncio.sleep(random.uniform(delay / 2, delay))
                delay = min(delay * 2, LONGEST_DELAY_SECONDS)
        finally:
            await self._close()

    async def _connection(self) -> bool:
        """One socket from its opening to its loss. Whether it was ever usable."""
        was_ready = False
        try:
            async with connect(
                self._address,
                additional_headers={"Authorization": f"Token {self._token}"},
                open_timeout=OPEN_TIMEOUT_SECONDS,
                compression=None,
                proxy=None,
            ) as socket:
                self._socket = socket
                async for text in socket:
                    await self._receive(text)
                    was_ready = was_ready or self.ready.is_set()
        except InvalidStatus as error:
            status = error.response.status_code
            self._say("refused" if status in REFUSED else "unavailable", status=status)
        except (OSError, TimeoutError, WebSocketException) as error:
            self._say("unreachable", error=type(error).__name__)
        finally:
            self._disconnected()
        return was_ready

    def _disconnected(self) -> None:
        self._socket = None
        if self.ready.is_set():
            self.ready.clear()
            self._say("disconnected")
            self._lost = asyncio.get_running_loop().call_later(
                LOST_SOCKET_SECONDS, self._stop_playing
            )

    async def _close(self) -> None:
        if self._lost is not None:
            self._lost.cancel()
        self._press_is_answered()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def drop_socket(self) -> None:
        """As when the network goes: at once and without a goodbye. `run` opens the next one."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _send(self, message: Message) -> None:
        """A message that finds no socket is lost; the server asks again when there is one."""
        if self._socket is None:
            return
        try:
            await self._socket.send(json.dumps(message))
        except ConnectionClosed:
            return

    # --- what the server says --------------------------------------------------------------------

    async def _receive(self, text: str | bytes) -> None:
        try:
            await self._obey(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._say("unreadable", error=repr(error))

    async def _obey(self, message: Message) -> None:
        kind = message.get("type")
        if kind == "snapshot":
            await self._welcome(message)
        elif kind == "lovense.activate":
            self._spawn(message)
        elif kind == "lovense.stop":
            await self._stopped(message)
        elif kind == "lovense.release":
            await self._let_go(message)
        elif kind == "limits":
            self._limited(message)
        elif kind == "error":
            self._say("not_understood", **message["error"])

    async def _welcome(self, message: Message) -> None:
        if message.get("performerId", self.performer_id) != self.performer_id:
            raise WrongPerformer(
                f"The token belongs to performer {message['performerId']}, not {self.performer_id}."
            )
        self.is_holder = bool(message.get("holder", True))
        self.lease = message.get("lease")
        if self._is_later(message):  # she has pressed while there was no socket
            self._stop_playing(STOPPED)
        elif not self.is_holder:  # another page has the devices
            self._stop_playing()
        if self._lost is not None:
            self._lost.cancel()
        self._limited(message)
        await self._send({"type": "devices", "toys": self.player.report()})
        self._say("connected", holder=self.is_holder)
        self.ready.set()

    async def _let_go(self, message: Message) -> None:
        """Another page takes the devices: first the toys are still, and what they played is said to
        have ended."""
        if not self.is_holder or message.get("lease") != self.lease:
            return
        self.is_holder = False
        self._stop_playing()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=LOST_SOCKET_SECONDS)
        await self._send({"type": "released", "lease": self.lease})
        self._say("released")

    def _limited(self, message: Message) -> None:
        """Her caps, at once: also for what plays, which ends where it has had its seconds."""
        self.player.limit(Limits.told(message))
        for run in self._playing.values():
            over = run.began + self.player.limits.maximum_seconds / self.speed
            asyncio.get_running_loop().call_later(over - time.monotonic(), run.stop.set)

    def _bounds(self, message: Message) -> Bounds:
        is_test = message.get("item", {}).get("itemType") == TEST
        stopped = self._pressing is not None
        return self.player.bounds(epoch=self.stop_epoch, is_stopped=stopped, is_test=is_test)

    async def _stopped(self, message: Message) -> None:
        if "activationIds" in message:
            for activation_id in message["activationIds"]:
                await self._cancel(str(activation_id), is_confirmed=bool(message.get("confirmed")))
            return
        heard_at = time.monotonic()
        self._is_later(message)
        self._stop_playing(STOPPED)
        self._say("stopped", stopEpoch=self.stop_epoch)
        still = {"toyIds": self.player.toys.ids, "toys": self.player.stilled(heard_at)}
        await self._send({"type": "stopped", "stopEpoch": self.stop_epoch, **still})

    def _is_later(self, message: Message) -> bool:
        """Whether it tells of a stop that this device has not heard of. One that is recorded
        answers a press."""
        epoch = _epoch(message)
        if epoch <= self.stop_epoch:
            return False
        self.stop_epoch = epoch
        self._press_is_answered()
        return True

    def press_stop(self) -> None:
        """As she does on this page: its toys are still at once, whatever the server does."""
        self._stop_playing(STOPPED)
        if self._pressing is None:
            self._pressing = asyncio.ensure_future(self._press())

    async def _press(self) -> None:
        while True:
            await self._send({"type": "stop"})
            await asyncio.sleep(PRESS_AGAIN_SECONDS)

    def _press_is_answered(self) -> None:
        if self._pressing is not None:
            self._pressing.cancel()
        self._pressing = None

    async def _cancel(self, activation_id: str, *, is_confirmed: bool) -> None:
        """It ends, or it never begins. `is_confirmed`: another page has it, or had it; what it has
        played is not ours to say."""
        about = {"activationId": activation_id, "attempt": 0}
        if activation_id in self._playing:
            self._playing[activation_id].stop.set()
        elif activation_id in self._memory:
            await self._repeat_end(about, self._memory.answer(activation_id))
        else:
            self._memory.end(CANCELLED, activation_id)
            if not is_confirmed:
                await self._repeat_end(about, CANCELLED)

    def _stop_playing(self, code: str = "") -> None:
        self.player.stop()
        for run in self._playing.values():
            run.code = code
            run.stop.set()

    def _spawn(self, message: Message) -> None:
        """Decided and remembered at once, in the order of arrival; played and acknowledged beside
        the reading of the socket."""
        activation_id = str(message["activationId"])
        if not self.is_holder or message.get("lease", self.lease) != self.lease:
            return self._say("outdated", activationId=activation_id)
        if activation_id in self._playing:
            run = self._playing[activation_id]
            run.message = message  # later acknowledgements name the newest attempt
            work = self._repeat_stages(message, list(run.stages))
        elif activation_id in self._memory:
            work = self._repeat_end(message, self._memory.answer(activation_id))
        elif message.get("confirmed"):
            return self._say(
                "unknown", activationId=activation_id
            )  # another page has it, or had it
        elif self._pressing is not None or _epoch(message) < self.stop_epoch:
            work = self._ack(message, "failed", code=STOPPED)
        elif code := self._refusal(message):
            work = self._ack(message, "failed", code=code)
        else:
            work = self._play(self._begin(message))
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _refusal(self, message: Message) -> str:
        """The code with which to refuse this attempt. One it has refused it refuses again: its word
        may have been believed."""
        activation_id, attempt = str(message["activationId"]), int(message.get("attempt", 1))
        known, code = self._refused.get(activation_id, (0, ""))
        if known == attempt:
            return code
        if code := self.faults.refusal() or self.player.refusal(
            message.get("commands", ()), epoch=_epoch(message), bounds=self._bounds(message)
        ):
            self._refused[activation_id] = attempt, code
        return code

    # --- the toys --------------------------------------------------------------------------------

    def _begin(self, message: Message) -> Run:
        """On disk before a toy moves: from here on it never plays this activation again."""
        run = Run(message)
        self._memory.begin(run.activation_id, *run.members)
        run.seconds = self.player.begin(
            message.get("commands", ()), epoch=_epoch(message), bounds=self._bounds(message)
        )
        if self._playing:
            self.overlaps.append(run.activation_id)
        self._playing[run.activation_id] = run
        self.runs.append(run.activation_id)
        # Said at the first moment of the run, so that a device killed in the middle cannot hide
        # one.
        self._say(
            "ran",
            **{
                key: message.get(key) for key in ("activationId", "tipId", "attempt", "durationSec")
            },
        )
        return run

    async def _play(self, run: Run) -> None:
        moving = asyncio.ensure_future(self._move(run))
        try:
            await self._stage(run, "received")
            await self._stage(run, "started")
            answer = await moving
        finally:
            moving.cancel()
        await self._ack(run.message, **answer)

    async def _move(self, run: Run) -> Message:
        """What it says of its end. The seconds delivered are counted as promised: a faster device
        delivers the same in less time. Acknowledgements that are held or lost do not keep the toys
        moving."""
        promised = run.seconds
        try:
            await asyncio.wait_for(run.stop.wait(), promised / self.speed)
            delivered = round(min(promised, (time.monotonic() - run.began) * self.speed), 3)
        except TimeoutError:
            delivered = promised
        answer: Message = {"stage": "finished", "deliveredSeconds": delivered}
        if run.code and delivered < promised:
            answer["code"] = run.code
        self._memory.end(answer, run.activation_id)
        if delivered == promised:
            self._memory.end(
                {"stage": "finished"}, *run.members
            )  # of a shorter run, their part is not ours to tell
        del self._playing[run.activation_id]
        if not self._playing:
            self.player.stop()
        return answer

    async def _stage(self, run: Run, stage: str) -> None:
        run.stages.append(stage)
        await self._ack(run.message, stage)

    async def _repeat_stages(self, message: Message, stages: list[str]) -> None:
        for stage in stages:
            await self._ack(message, stage)

    async def _repeat_end(self, message: Message, answer: Answer) -> None:
        """It ended before. A run cut short by the death of the device counts as 0 s: what it gave
        is unknown, so it is owed."""
        await self._ack(message, **(answer or INTERRUPTED))

    async def _ack(self, message: Message, stage: str, **more: Any) -> None:
        base = {
            "type": "ack",
            "activationId": message["activationId"],
            "attempt": message.get("attempt", 1),
            "stage": stage,
        }
        for _ in range(await self.faults.copies(stage)):
            await self._send(base | more)

    def _say(self, event: str, **facts: Any) -> None:
        self._report({"event": event, **facts, "at": time.time()})


def _epoch(message: Message) -> int:
    return int(message.get("stopEpoch", 0))


def _page_id(memory: Path | None) -> str:
    """Stable for one memory file, so that a restarted device gets its own lease back at once; else
    new for each device."""
    if memory is None:
        return uuid.uuid4().hex
    return hashlib.sha256(str(memory.resolve()).encode()).hexdigest()[:32]
