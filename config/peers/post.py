"""Frames from this process to others and back, over Redis.

What is said in one turn of the loop is one frame. Nothing is promised: a frame may be lost, but is
heard once, and none after a later one. Whoever needs an answer waits for it for a while, and then
does without."""

import asyncio
import contextlib
import logging
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

from django.conf import settings
from redis import asyncio as redis
from redis.asyncio.connection import AbstractConnection as Connection

from config.peers import frames
from config.peers.frames import Frame
from ground.hops import doorbell

log = logging.getLogger(__name__)

AGAIN_SECONDS = 0.5
REPLY_SECONDS = 2.0
SAID_AGAIN_SECONDS = 10.0  # so often the log says that frames are not proven
MOST_SAID = 200  # of one kind in a frame; a call has 64 kB at most
MOST_HEARD = 1000  # processes of which we know which of their frames was the last
# A Redis that went without a word is missed after half a minute; only listening would never tell.
PROBES = {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 4}
FROM = "from"  # in each frame: who says it, and its number among his


def channel_of(name: str) -> str:
    return f"pen:{name}"


def one_by_one(said: Iterable[Any], heard: Callable[[Any], None]) -> None:
    """What is not understood, as of another release, costs nobody else's place in the frame; who
    waits for an answer to it does without."""
    for one in said:
        try:
            heard(one)
        except Exception:
            log.exception("frame_not_understood")


def _listener() -> "redis.Redis":
    """A connection that is only listened to."""
    probed: dict[str, Any] = {"socket_keepalive": True, "socket_keepalive_options": PROBES}
    is_here = settings.REDIS_URL.startswith("unix:")
    line: redis.Redis = redis.Redis.from_url(settings.REDIS_URL, **({} if is_here else probed))
    return line


class Post:
    """`hear` gets each proven frame, `unheard` the name of a process that has not got one, `rung`
    is called when somebody has work for whoever writes the journal."""

    def __init__(
        self,
        me: str,
        *,
        hear: Callable[[Frame], None],
        unheard: Callable[[str], None],
        rung: Callable[[], None],
    ) -> None:
        self.me = me
        self._hear, self._unheard, self._rung = hear, unheard, rung
        self._waiting: dict[str, Frame] = {}
        self._numbers = count(1)
        self._last: dict[str, int] = {}  # of each process's frames, the number of the last heard
        self._unproven_at = -SAID_AGAIN_SECONDS
        self._line: Connection | None = None
        self._sent: deque[str] = deque()  # to whom, of what is not replied to

    def say(self, to: str, kind: str, *items: Any) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.flush)  # what this turn says comes along
        said = self._waiting.setdefault(to, {}).setdefault(kind, [])
        said.extend(items)
        if len(said) >= MOST_SAID:
            self.flush()

    def flush(self) -> None:
        """Sends what was said until now."""
        waiting, self._waiting = self._waiting, {}
        writer = self._line._writer if self._line is not None else None
        for to, frame in waiting.items():
            if self._line is None or writer is None:
                self._unheard(to)
                continue
            self._sent.append(to)
            channel = channel_of(to)
            frame[FROM] = [self.me, next(self._numbers)]
            command = self._line.pack_command("PUBLISH", channel, frames.sealed(channel, frame))
            writer.writelines(command)  # its public way is awaited, frame by frame

    async def send(self) -> None:
        """For ever: keeps the line open on which frames go out."""
        while True:
            line = redis.Redis.from_url(settings.REDIS_URL).connection_pool.make_connection()
            with contextlib.suppress(redis.RedisError, OSError):
                await line.connect()
                self._line = line
                await self._hear_replies(line)
            self._line = None
            unheard, self._sent = self._sent, deque()
            for to in unheard:
                self._unheard(to)
            await line.disconnect(nowait=True)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _hear_replies(self, line: Connection) -> None:
        """How many have heard each frame."""
        while True:
            count = await line.read_response(timeout=REPLY_SECONDS)
            if count is None:
                if self._sent:
                    return
                continue
            to = self._sent.popleft()
            if not count:
                self._unheard(to)

    async def listen(self) -> None:
        """For ever."""
        while True:
            with contextlib.suppress(redis.RedisError, OSError):
                await self._listen()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self) -> None:
        channel = channel_of(self.me)
        async with (
            _listener() as connection,
            connection.pubsub(ignore_subscribe_messages=True) as told,
        ):
            await told.subscribe(doorbell.WRITER, channel)
            async for message in told.listen():
                if message["channel"] == channel.encode():
                    one_by_one([message["data"]], self._opened)
                else:
                    self._rung()

    def _opened(self, data: bytes) -> None:
        frame = frames.opened(channel_of(self.me), data)
        if frame is None:
            self._note_unproven()
        elif self._is_next(*frame[FROM]):
            self._hear(frame)

    def _is_next(self, name: str, number: int) -> bool:
        """Not one that was heard before, whoever says it again."""
        last = self._last.pop(name, 0)
        self._last[name] = max(last, number)
        if len(self._last) > MOST_HEARD:
            del self._last[next(iter(self._last))]  # silent for the longest
        return number > last

    def _note_unproven(self) -> None:
        """Whoever may write to Redis must not fill the log."""
        now = time.monotonic()
        if now - self._unproven_at >= SAID_AGAIN_SECONDS:
            self._unproven_at = now
            log.warning("frame_not_proven")
