"""Frames from this process to others and back, over Redis.

What is said while a frame is on its way goes with the next one. Nothing is promised: whoever needs
an answer waits for it for a while, and then does without."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from django.conf import settings
from redis import asyncio as redis
from redis.asyncio.connection import AbstractConnection as Connection

from config.pen import frames
from config.pen.frames import Frame
from ground.hops import doorbell

log = logging.getLogger(__name__)

AGAIN_SECONDS = 0.5
REPLY_SECONDS = 2.0
FROM = "from"


def channel_of(name: str) -> str:
    return f"pen:{name}"


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
        self._line: Connection | None = None
        self._sent: deque[str] = deque()  # to whom, of what is not replied to

    def say(self, to: str, kind: str, *items: Any) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.flush)  # what this turn says comes along
        self._waiting.setdefault(to, {FROM: [self.me]}).setdefault(kind, []).extend(items)

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
            redis.Redis.from_url(settings.REDIS_URL) as connection,
            connection.pubsub(ignore_subscribe_messages=True) as told,
        ):
            await told.subscribe(doorbell.WRITER, channel)
            async for message in told.listen():
                if message["channel"] == channel.encode():
                    self._opened(channel, message["data"])
                else:
                    self._rung()

    def _opened(self, channel: str, data: bytes) -> None:
        frame = frames.opened(channel, data)
        if frame is None:
            log.warning("frame_not_proven")
            return
        try:
            self._hear(frame)
        except Exception:  # of one frame; who waits for an answer does without
            log.exception("frame_not_understood")
