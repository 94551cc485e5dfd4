"""The performer's socket, `/ws/performer`: commands to the page that holds her devices,
acknowledgements from it, news to all.

Messages are written down in docs/sockets.md. Sockets carry news and commands, never HTML.
Everything that touches the database goes through a group commit or a thread; the event loop only
parses and forwards."""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

import orjson
from asgiref.sync import sync_to_async
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings

from ground import clock
from ground.hops import doorbell
from ground.hops.groupcommit import GroupCommit
from ground.hops.rounds import BREATH_SECONDS, Breath
from lovense.deciding import platform
from lovense.devices import register
from lovense.performers import identity
from lovense.sending import acknowledgement, dispatch, groups, leases, pages, resume
from lovense.sending.resume import Command
from lovense.stopping import stop

log = logging.getLogger(__name__)

MAX_MESSAGE = 65_536
TRY_LATER, UNAUTHENTICATED = 1013, 4401


class Lanes:
    """Starts the next request of the lanes that acknowledgements freed, in the process that holds
    their pages.

    It runs on a thread of its own, behind no write of the next acknowledgements.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lanes")
        self._lock = Lock()
        self._freed: set[str] = set()
        self._breath = Breath()

    def free(self, performer_ids: set[str]) -> None:
        with self._lock:
            first = not self._freed
            self._freed |= performer_ids
        if first and performer_ids:
            self._thread.submit(self._run)

    def _run(self) -> None:
        time.sleep(self._breath.seconds_left)
        with self._lock:
            freed, self._freed = self._freed, set()
        try:
            with self._breath:
                more = dispatch.drain_freed(freed, now=clock.now(), deliver=sockets.deliver)
        except Exception as error:  # the beat finds the free lanes
            log.warning("lanes_failed", extra={"error_code": type(error).__name__})
            return
        if more:
            self.free(freed)


lanes = Lanes()


def _acknowledge(acks: list[acknowledgement.Ack]) -> list[bool]:
    """Records a group of acknowledgements and starts what they make possible."""
    ended = acknowledgement.acknowledge(acks)
    lanes.free({ack.performer_id for ack, is_over in zip(acks, ended, strict=True) if is_over})
    groups.news.mark({ack.performer_id for ack in acks}, "queue")
    return ended


def _take_over(slot: str) -> None:
    """What this process's predecessor held: its pages are free, and its claims are looked at
    now."""
    pages.release_slot(slot, now=clock.now())
    leases.recover(slot, now=clock.now())


class Sockets:
    """The sockets of this process: who holds devices here, and what was already forwarded to
    them."""

    def __init__(self) -> None:
        self.open: set[PerformerConsumer] = set()
        self.acknowledge: GroupCommit[acknowledgement.Ack, bool] = GroupCommit(
            _acknowledge, name="acks", breath_seconds=BREATH_SECONDS
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._forwards: set[asyncio.Task[None]] = set()

    def add(self, socket: "PerformerConsumer") -> None:
        self._loop = asyncio.get_running_loop()
        self.open.add(socket)

    def deliver(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Hands commands to sockets of this process without the way through Redis, others to the
        layer; from any thread."""
        mine = {socket.channel_name for socket in list(self.open)}
        here: list[tuple[str, dict[str, Any]]] = []
        away: list[tuple[str, dict[str, Any]]] = []
        for message in messages:
            (here if message[0] in mine else away).append(message)
        groups.publish(away)
        if here and self._loop is not None:
            self._loop.call_soon_threadsafe(self._forward_all, here)

    def _forward_all(self, messages: list[tuple[str, dict[str, Any]]]) -> None:
        by_channel = {socket.channel_name: socket for socket in self.open}
        for channel, message in messages:
            if socket := by_channel.get(
                channel
            ):  # else it has just gone: its next page is told what is in flight
                task = asyncio.create_task(socket.dispatch(message))
                self._forwards.add(task)
                task.add_done_callback(self._forwards.discard)

    async def tick(self) -> None:
        """Once a second: renews leases, lets watching pages take over a free one, and re-sends what
        got lost on its way."""
        now = clock.now()
        holding = await self._renew([socket for socket in self.open if socket.is_holder], now)
        if holding:
            await self._resend(holding, now)
        for socket in [s for s in self.open if s.wants_devices and not s.is_holder]:
            await socket.try_to_hold(has_returned=False)

    async def _renew(
        self, holding: "list[PerformerConsumer]", now: datetime
    ) -> "list[PerformerConsumer]":
        """Those that still hold their devices; the others learn that they only watch."""
        if not holding:
            return []
        renew = sync_to_async(pages.renew, thread_sensitive=False)
        kept = await renew(
            settings.STACK_SLOT, [socket.channel_name for socket in holding], now=now
        )
        for socket in [socket for socket in holding if socket.channel_name not in kept]:
            await socket.lose_devices()
        return [socket for socket in holding if socket.channel_name in kept]

    async def _resend(self, holding: "list[PerformerConsumer]", now: datetime) -> None:
        before = now - pages.RESEND_AFTER
        lost = await sync_to_async(resume.in_flight, thread_sensitive=False)(
            [s.performer_id for s in holding], before=before
        )
        by_performer = {socket.performer_id: socket for socket in holding}
        for command in lost:
            await by_performer[command.performer_id].tell(command, again=command.is_overdue)

    async def run(self) -> None:
        """The ticker of a web process; it outlives a database or a Redis that is away."""
        is_new = True
        while True:
            try:
                if is_new:  # then renews at once what pages of this process have taken meanwhile
                    await sync_to_async(_take_over, thread_sensitive=False)(settings.STACK_SLOT)
                    is_new = False
                await self.tick()
            except Exception as error:
                log.warning("tick_failed", extra={"error_code": type(error).__name__})
            await asyncio.sleep(pages.RENEW_SECONDS)


sockets = Sockets()


class PerformerConsumer(AsyncConsumer):
    """One page of one performer. It holds her devices or it watches."""

    performer_id = ""
    page_id = ""
    wants_devices = False
    is_holder = False
    _forwarded = (
        "",
        0,
    )  # the activation and attempt last forwarded: each is sent to this socket once
    _is_closed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """However it ends, nothing here takes it for an open page any more."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            sockets.open.discard(self)

    async def send(self, message: dict[str, Any]) -> None:
        """To a socket that is closed, by us or by its page, nothing can be said; that it has gone
        is on its way to us."""
        if self._is_closed:
            return
        self._is_closed = message["type"] == "websocket.close"
        try:
            await super().send(message)
        except (RuntimeError, OSError):
            self._is_closed = True

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels closes old ORM connections before every message, a thread hop each; there is none
        # to close here.
        handler = getattr(self, message["type"].replace(".", "_"))
        await handler(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        performer = await sync_to_async(identity.performer_of, thread_sensitive=False)(self.scope)
        if performer is None:
            await self.send({"type": "websocket.close", "code": UNAUTHENTICATED})
            raise StopConsumer
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        self.performer_id = performer
        self.page_id = query.get("page", [""])[0][:64] or secrets.token_hex(8)
        self.wants_devices = query.get("watch") != ["1"]
        await self.channel_layer.group_add(groups.performer_group(performer), self.channel_name)
        await self.send({"type": "websocket.accept"})
        sockets.add(self)
        if not (self.wants_devices and await self.try_to_hold(has_returned=True)):
            await self._snapshot()

    async def try_to_hold(self, *, has_returned: bool) -> bool:
        """Takes the lease if it is free; the holder gets a snapshot and then, again, what is in
        flight."""
        me = {"page_id": self.page_id, "channel": self.channel_name, "slot": settings.STACK_SLOT}
        take = sync_to_async(pages.take, thread_sensitive=False)
        self.is_holder = await take(
            self.performer_id, **me, now=clock.now(), has_returned=has_returned
        )
        if self.is_holder:
            await self._snapshot()
            for command in await sync_to_async(resume.resume, thread_sensitive=False)(
                self.performer_id, now=clock.now()
            ):
                await self.tell(command)
            await sync_to_async(doorbell.ring, thread_sensitive=False)("lovense.dispatch")
            groups.news.mark([self.performer_id], "devices")
        return self.is_holder

    async def lose_devices(self) -> None:
        self.is_holder = False
        await self._snapshot()

    async def _snapshot(self) -> None:
        state = await sync_to_async(stop.state_of, thread_sensitive=False)(self.performer_id)
        told = await sync_to_async(platform.for_pages, thread_sensitive=False)()
        await self._say(
            {
                "type": "snapshot",
                "performerId": self.performer_id,
                "holder": self.is_holder,
                **state,
                **told,
            }
        )

    async def tell(self, command: Command, *, again: bool = False) -> None:
        """What is in flight: each attempt once, and a stop as often as it is asked for, until the
        page has answered it."""
        if command.is_stop:
            await self.send({"type": "websocket.send", "text": command.text})
        else:
            await self.forward(command.activation_id, command.attempt, command.text, again=again)

    async def forward(
        self, activation_id: str, attempt: int, text: str, *, again: bool = False
    ) -> None:
        if again or (activation_id, attempt) != self._forwarded:
            self._forwarded = (activation_id, attempt)
            await self.send({"type": "websocket.send", "text": text})

    async def _say(self, message: dict[str, Any]) -> None:
        await self.send({"type": "websocket.send", "text": json.dumps(message)})

    # --- from the channel layer ------------------------------------------------------------------

    async def page_activate(self, message: dict[str, Any]) -> None:
        await self.forward(message["id"], message["attempt"], message["text"])

    async def page_stop(self, message: dict[str, Any]) -> None:
        await self.send({"type": "websocket.send", "text": message["text"]})

    async def page_news(self, message: dict[str, Any]) -> None:
        await self._say({"type": "news", "topic": message["topic"]})

    # --- from the page ---------------------------------------------------------------------------

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        try:
            data = _parsed(message.get("text"))
            if data["type"] == "ack":
                await sockets.acknowledge(_ack(data, self.performer_id, self._forwarded[0]))
            elif data["type"] == "devices":
                await sync_to_async(register.report, thread_sensitive=False)(
                    self.performer_id, data.get("toys"), now=clock.now()
                )
                groups.news.mark([self.performer_id], "devices")
            elif data["type"] != "stopped":
                raise Refused("type", "must be ack, devices or stopped")
        except (Refused, register.InvalidReport) as refused:
            details = {"field": refused.field, "rule": refused.rule}
            await self._say(
                {
                    "type": "error",
                    "error": {"code": "malformed", "message": str(refused), "details": details},
                }
            )
        except Exception as error:
            # The page keeps its memory and says it again after the reconnect.
            log.warning("socket_failed", extra={"error_code": type(error).__name__})
            await self.send({"type": "websocket.close", "code": TRY_LATER})

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        sockets.open.discard(self)
        await self.channel_layer.group_discard(
            groups.performer_group(self.performer_id), self.channel_name
        )
        if self.is_holder:
            release = sync_to_async(pages.release, thread_sensitive=False)
            await release(self.performer_id, channel=self.channel_name, now=clock.now())
            groups.news.mark([self.performer_id], "devices")
        raise StopConsumer


class Refused(Exception):
    """A message of the page breaks a rule of docs/sockets.md."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule = field, rule


def _parsed(text: str | None) -> dict[str, Any]:
    if not text or len(text) > MAX_MESSAGE:
        raise Refused("message", f"must be text of at most {MAX_MESSAGE} characters")
    try:
        # Refuses NaN and half characters: the database would refuse them for a whole group.
        data = orjson.loads(text)
    except ValueError:
        raise Refused("message", "must be JSON") from None
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise Refused("type", "is required")
    return data


def _ack(data: dict[str, Any], performer_id: str, forwarded: str) -> acknowledgement.Ack:
    activation_id, attempt, stage = data.get("activationId"), data.get("attempt"), data.get("stage")
    if not isinstance(activation_id, str) or len(activation_id) > 80:
        raise Refused("activationId", "must be the id that was sent")
    if type(attempt) is not int:
        raise Refused("attempt", "must be the attempt that was sent")
    if stage not in acknowledgement.STAGES:
        raise Refused("stage", f"must be one of {', '.join(acknowledgement.STAGES)}")
    seconds, code = data.get("deliveredSeconds"), data.get("code", "")
    if seconds is not None and (type(seconds) not in (int, float) or not 0 <= seconds <= 3600):
        raise Refused("deliveredSeconds", "must be between 0 and 3600")
    if not isinstance(code, str):
        raise Refused("code", "must be a string")
    is_answer = activation_id == forwarded
    return acknowledgement.Ack(
        performer_id, activation_id, attempt, stage, clock.now(), seconds, code[:40], is_answer
    )
