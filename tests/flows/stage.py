"""Real web processes on the tests' databases, and real virtual devices at their sockets: signed tips in, runs
out."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from asgiref.sync import sync_to_async
from bson import ObjectId
from django.conf import settings

from ground import clock
from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.menus import publishing
from lovense.models import Activation, Performer
from lovense.simulator.device import VirtualDevice
from tests.factories import fund, token_of
from tips.intake import simulator

PATIENCE_SECONDS = 20
SHORT, LONG = 50, 100  # tokens: 1 s and 30 s
MENU = [
    {"title": "Short", "minimum": 10, "maximum": 99, "pattern": "level", "intensity": 8, "durationSec": 1},
    {"title": "Long", "minimum": 100, "maximum": 100, "pattern": "level", "intensity": 16, "durationSec": 30},
]
_names = itertools.count(1)


@dataclass
class Seen:
    """A device and what it reported, each with the moment of `time.monotonic`."""

    device: VirtualDevice
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def ran(self, *, since: float = 0.0) -> list[str]:
        return [event["tipId"] for at, event in self.events if event["event"] == "ran" and at >= since]

    @property
    def is_moving(self) -> bool:
        player = self.device.player
        levels = player.toys.levels(player.now())
        return any(level for toy in levels.values() for level in toy.values())


class Show:
    """Ana on stage: her token, her viewer, and the processes at which she is played for."""

    def __init__(self, performer: Any, viewer: Any) -> None:
        self.performer_id, self.viewer = performer.performer_id, viewer
        self.token = token_of(performer.user)
        self.sent: list[str] = []
        publishing.publish(self.performer_id, MENU, clock.now())
        platform.change(key="rate_limit_per_minute", value="0", by="dina", now=clock.now())
        fund(viewer, 10**6)

    @asynccontextmanager
    async def device(self, url: str, **more: Any) -> AsyncIterator[Seen]:
        """One that is connected."""
        events: list[tuple[float, dict[str, Any]]] = []
        options = {"speed": 4.0, "toys": ["lush", "nora"]} | more
        device = VirtualDevice(
            url=url,
            performer_id=self.performer_id,
            token=self.token,
            report=lambda event: events.append((time.monotonic(), event)),
            **options,
        )
        life = asyncio.ensure_future(device.run())
        try:
            await asyncio.wait_for(device.ready.wait(), PATIENCE_SECONDS)
            yield Seen(device, events)
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)

    async def tip(self, url: str, amount: int = SHORT) -> str:
        tip_id, message_id = str(ObjectId()), f"msg_{next(_names)}"
        data = simulator.tip(tip_id, amount, tipper_id=self.viewer.user_id, performer_id=self.performer_id)
        content = simulator.body("tip.succeeded", data | {"createdAt": clock.iso(clock.now())})
        headers = simulator.headers(settings.PAYMENT_WEBHOOK_SECRETS[0], message_id, content)
        answer = await self._post(url + simulator.PATH, content=content, headers=headers)
        assert answer.status_code == 202
        self.sent.append(tip_id)
        return tip_id

    async def asks(self, url: str, path: str) -> httpx.Response:
        headers = {"Authorization": f"Token {self.token}"}
        return await self._post(f"{url}/api/lovense/{path}", headers=headers)

    async def _post(self, url: str, **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client:
            return await client.post(url, **more)

    async def row(self) -> dict[str, Any]:
        return await sync_to_async(collection(Performer).find_one)({"_id": self.performer_id})

    async def activations(self) -> dict[str, dict[str, Any]]:
        find = sync_to_async(lambda: list(collection(Activation).find()))
        return {row["tip_id"]: row for row in await find()}


async def so(holds: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> None:
    """Until it is so: of what another process does nothing can be awaited here."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if (await found) if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.01)


def dumped(found: Any) -> str:
    return json.dumps(found, default=str, indent=1)
