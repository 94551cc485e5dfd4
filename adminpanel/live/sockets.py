"""The staff's sockets of this process: which are open here, and what each of them was told.

One look a second serves all of them, however many they are; where there are none, nobody looks."""

import asyncio
import json
import logging
from collections.abc import Collection

from adminpanel.live import stamps, watchers
from adminpanel.live.stamps import Stamps
from adminpanel.live.watchers import Watcher
from ground import clock
from ground.people import Role
from lovense.rows import Json
from lovense.sockets.openpage import in_thread
from lovense.sockets.outbox import Outbox
from lovense.sockets.process import UNAUTHENTICATED

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
MAX_SOCKETS = 20  # of one account in one process


class StaffSocket:
    """One open page of staff. Whatever it is told goes through its outbox."""

    def __init__(self, watcher: Watcher, outbox: Outbox) -> None:
        self.watcher, self.outbox = watcher, outbox
        self._told: Stamps | None = None

    def say(self, message: Json) -> None:
        self.outbox.say(json.dumps(message, separators=(",", ":")))

    def tell(self, found: Stamps) -> None:
        """First where everything stands, then what has moved."""
        told, self._told = self._told, found
        if told is None:
            self.say({"type": "snapshot", "stamps": found})
            return
        for topic, stamp in found.items():
            if told.get(topic) != stamp:
                self.say({"type": "news", "topic": topic, "stamp": stamp})


class StaffSockets:
    def __init__(self) -> None:
        self.open: list[StaffSocket] = []
        self._looking: asyncio.Task[None] | None = None

    def has_room_for(self, watcher: Watcher) -> bool:
        theirs = [each for each in self.open if each.watcher.user_id == watcher.user_id]
        return len(theirs) < MAX_SOCKETS

    def add(self, one: StaffSocket) -> None:
        self.open.append(one)
        if self._looking is None:
            self._looking = asyncio.create_task(self._run())

    def remove(self, one: StaffSocket) -> None:
        if one in self.open:
            self.open.remove(one)
        if not self.open and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _run(self) -> None:
        """It outlives a database that is away: what has moved meanwhile is told afterwards."""
        while True:
            try:
                await self.look()
            except Exception as error:
                log.warning("staff_look_failed", extra={"error_code": type(error).__name__})
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """What has moved is told, and who may not watch any more is turned away."""
        here = list(self.open)
        found, roles = await in_thread(_look, {each.watcher for each in here})
        for each in here:
            if role := roles.get(each.watcher):
                each.tell({name: found[name] for name in stamps.topics_of(role)})
            else:
                each.outbox.close(UNAUTHENTICATED)
                self.remove(each)


def _look(whose: Collection[Watcher]) -> tuple[Stamps, dict[Watcher, Role]]:
    return stamps.look(), watchers.roles(whose, now=clock.now())


sockets = StaffSockets()
