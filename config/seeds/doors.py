"""What a platform says in a seeded evening, by the rules of its door: signed, proven and accepted
as any call is, and settled here, since nothing else runs."""

import itertools
from datetime import datetime

from django.conf import settings

from config.seeds import cast
from ground import clock
from tips import webhooks
from tips.intake import acceptance, simulator
from tips.settlement import settlement

LIMIT = 500


def deliver(message_id: str, content: bytes, *, at: datetime) -> None:
    secret, moment = settings.PAYMENT_WEBHOOK_SECRETS[0], clock.nanoseconds(at)
    stamp = moment // 1_000_000_000
    signed = simulator.headers(secret, message_id, content, timestamp=stamp)
    call, _ = webhooks.read_call_at(signed, content, now=moment)
    acceptance.accept([call])


def settle(*, at: datetime) -> None:
    """What was delivered until then."""
    settlement.drain(now=at, limit=LIMIT)


def fund(*, at: datetime, times: int = 1) -> None:
    """Tokens for each viewer: so many purchases, each once."""
    for name, number in itertools.product(cast.VIEWERS, range(times)):
        bought = f"{cast.MARK}-{cast.viewer_id(name)}" + (f"-{number}" if number else "")
        data = simulator.purchase(bought, user_id=cast.viewer_id(name), tokens=cast.TOKENS_EACH)
        data["createdAt"] = clock.iso(at)
        deliver(bought, simulator.body("tokens.purchased", data), at=at)
    settle(at=at)
