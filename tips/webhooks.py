"""The door for payment systems: `POST /api/webhooks/payments`, Standard Webhooks 1.0 over the raw bytes.

The answer is sent only when the delivery is durable. First time 202, any repeat 200 with the same body, another content
under the same tip id 409, a bad signature 401, a malformed body 400 naming the field. `config/asgi.py` mounts `receive`
directly, in front of Django; `payments` is the same door as a plain view, for WSGI servers and tests.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from pymongo.errors import PyMongoError

from ledger import clock, door, doorbell, inbox, signing
from ledger.door import Answer, Refusal
from ledger.fields import Malformed
from ledger.groupcommit import Overloaded
from ledger.inbox import Call, Outcome
from tips import placement

PATH = "/api/webhooks/payments"
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
FIRST = 202


def accept(calls: list[Call]) -> list[Outcome]:
    """Makes the calls durable and rings for settlement, once for all of them."""
    outcomes = inbox.accept(calls)
    if Outcome.NEW in outcomes:
        doorbell.ring_soon("tips.settle")
    return outcomes


async def receive(headers: Mapping[str, str], body: bytes, store: Callable[[Call], Awaitable[Outcome]]) -> Answer:
    """The door for the event loop; `store` is the group commit over `accept`. Header names are lower case."""
    try:
        call, answer = read_call(headers, body)
        return door.answer(await store(call), answer, first=FIRST)
    except Refusal as refusal:
        return refusal.answer
    except (PyMongoError, Overloaded) as error:
        return door.unavailable(error)


@csrf_exempt
@require_POST
def payments(request: HttpRequest) -> JsonResponse:
    try:
        call, answer = read_call({name: request.headers.get(name, "") for name in HEADERS}, door.body_of(request))
        status, content = door.answer(accept([call])[0], answer, first=FIRST)
    except Refusal as refusal:
        status, content = refusal.answer
    except PyMongoError as error:
        status, content = door.unavailable(error)
    return JsonResponse(content, status=status)


@lru_cache(maxsize=4)
def _keys(secrets: tuple[str, ...]) -> list[bytes]:
    return [signing.key_of(secret) for secret in secrets]


def read_call(headers: Mapping[str, str], body: bytes) -> tuple[Call, dict[str, Any]]:
    """Proves and parses a call, or raises Refusal; the call with its answer. Nothing unproven is parsed, nothing is stored."""
    door.check_size(body)
    keys = _keys(tuple(settings.PAYMENT_WEBHOOK_SECRETS))
    try:
        signed = signing.verify(keys, headers, body, now=time.time(), tolerance=settings.WEBHOOK_TOLERANCE_SECONDS)
        message = placement.parse(body)
    except signing.BadSignature as bad:
        raise door.unproven(bad) from None
    except Malformed as bad:
        raise door.malformed(bad) from None
    call = placement.as_call(
        placement.PAYMENTS, signed.message_id, body, message, position=time.time_ns(), received_at=clock.now()
    )
    return call, message.answer
