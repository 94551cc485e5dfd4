"""What a platform says in a seeded evening, by the rules of its door: signed, proven and accepted
as any call is. Whoever settles here does it then; where nothing runs, this process does."""

import time
from datetime import datetime
from typing import Any

from django.conf import settings

from config.seeds import cast
from ground import clock
from ground.hops import doorbell
from ground.inbox import inbox
from ground.journal import journal
from tips import webhooks
from tips.intake import acceptance, payloads, simulator
from tips.settlement import settlement

LIMIT = 500
PATIENCE_SECONDS, LOOK_SECONDS = 20.0, 0.05


class NobodySettles(Exception):
    """A writer is at work on this database, and what it was told is not settled in time."""


def deliver(message_id: str, content: bytes, *, at: datetime) -> None:
    secret, moment = settings.PAYMENT_WEBHOOK_SECRETS[0], clock.nanoseconds(at)
    stamp = moment // 1_000_000_000
    signed = simulator.headers(secret, message_id, content, timestamp=stamp)
    call, _ = webhooks.read_call_at(signed, content, now=moment)
    acceptance.accept([call])


def settle(*, at: datetime) -> None:
    """Until nothing waits in the inbox any more."""
    if not journal.has_writer(now=clock.now()):
        settlement.drain(now=at, limit=LIMIT)
        return
    doorbell.ring("tips.settle")
    until = time.monotonic() + PATIENCE_SECONDS
    while _waiting():
        if time.monotonic() > until:
            raise NobodySettles(f"Nothing was settled within {PATIENCE_SECONDS:.0f} s.")
        time.sleep(LOOK_SECONDS)
    journal.catch_up()


def _waiting() -> list[Any]:
    return inbox.waiting(payloads.SOURCES, now=clock.now(), limit=1)


def fund(*, at: datetime) -> None:
    """Tokens for each viewer, once."""
    for name in cast.VIEWERS:
        bought = f"{cast.MARK}-{cast.viewer_id(name)}"
        data = simulator.purchase(bought, user_id=cast.viewer_id(name), tokens=cast.TOKENS_EACH)
        data["createdAt"] = clock.iso(at)
        deliver(bought, simulator.body("tokens.purchased", data), at=at)
    settle(at=at)
