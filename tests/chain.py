"""A tip's way in tests, hop by hop through the rules themselves: what the pages show is what the product
writes."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId

from ground import clock
from ground.inbox import inbox
from lovense.deciding import activation
from lovense.devices import register
from lovense.menus import publishing
from lovense.models import Performer
from lovense.sending import acknowledgement, dispatch, pages
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW, Viewer
from tips.intake import payloads
from tips.settlement import settlement

SECOND = timedelta(seconds=1)
MENU = [
    {"title": "Soft wave", "minimum": 10, "maximum": 99, "pattern": "wave", "intensity": 8, "durationSec": 6},
    {
        "title": "Fireworks",
        "minimum": 100,
        "maximum": 100,
        "pattern": "fireworks",
        "intensity": 16,
        "durationSec": 10,
    },
]


@dataclass
class Chain:
    """The tips of one performer. Time stands still unless a call says otherwise."""

    performer: Performer
    now: datetime = NOW
    sent: dict[str, bytes] = field(default_factory=dict)

    @property
    def performer_id(self) -> str:
        return self.performer.performer_id

    def publish_menu(self) -> None:
        publishing.publish(self.performer_id, MENU, self.now)
        self.performer.refresh_from_db()

    def hold(self, **toy: Any) -> None:
        """A page of hers takes the devices and reports one toy."""
        pages.take(self.performer_id, page_id="page-1", channel="channel-1", slot="web-0", now=self.now)
        toys = [{"id": "toy-1", "name": "Lush", "toyType": "lush", "status": 1, "battery": 80} | toy]
        register.report(self.performer_id, toys, now=self.now)

    def deliver(
        self, viewer: Viewer, amount: int, *, tip_id: str = "", kind: str = "tip.succeeded", **more: Any
    ) -> str:
        """Fact 1. The tip's id."""
        tip_id, moment = tip_id or str(ObjectId()), clock.iso(self.now)
        data = {
            "tipId": tip_id,
            "totalPrice": amount,
            "tipper": {"userId": viewer.user_id, "username": viewer.username},
            "recipient": {"performerId": self.performer_id, "username": self.performer.display_name},
            "createdAt": moment,
        }
        self.accept(json.dumps({"type": kind, "timestamp": moment, "data": data | more}).encode())
        return tip_id

    def accept(self, body: bytes) -> inbox.Acceptance:
        message = payloads.parse(body)
        call = payloads.as_call(
            payloads.PAYMENTS,
            f"msg_{uuid.uuid4().hex}",
            body,
            message,
            position=len(self.sent),
            received_at=self.now,
        )
        self.sent[message.business_key] = body
        return inbox.accept([call])[0]

    def settle(self, *, later: timedelta = timedelta()) -> None:
        """Facts 2 and 3, for all that waits."""
        settlement.drain(now=self.now + later, limit=100)
        settlement.end_grace(now=self.now + later, limit=100)

    def dispatch(self, *, later: timedelta = timedelta()) -> None:
        """Facts 4 and 5, one round; skipped tips free their lane for the next."""
        while dispatch.drain(now=self.now + later, limit=100):
            pass

    def acknowledge(self, tip_id: str, stage: str, *, later: timedelta = timedelta(), **more: Any) -> None:
        """Fact 6, or a part of it."""
        key = activation.activation_id(tip_id)
        acknowledgement.acknowledge([Ack(self.performer_id, key, 1, stage, self.now + later, **more)])

    def settled(self, viewer: Viewer, amount: int, **more: Any) -> str:
        tip_id = self.deliver(viewer, amount, **more)
        self.settle()
        return tip_id

    def played(self, viewer: Viewer, amount: int, *, seconds: float = 10, **more: Any) -> str:
        tip_id = self.settled(viewer, amount, **more)
        self.dispatch()
        self.acknowledge(tip_id, "received", later=SECOND / 100)
        self.acknowledge(tip_id, "started", later=SECOND / 50)
        self.acknowledge(tip_id, "finished", later=10 * SECOND, delivered_seconds=seconds)
        return tip_id
