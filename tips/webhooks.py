"""The door for payment systems: `POST /api/webhooks/payments`, Standard Webhooks 1.0 over the raw
bytes.

The answer is sent only when the delivery is durable. First time 202, any repeat 200 with the same
body, another content under the same tip id 409, a bad signature 401, a malformed body 400 naming
the field. `config/asgi.py` mounts `receive` directly, in front of Django; `payments` is the same
door as a plain view, for WSGI servers and tests."""

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from pymongo.errors import PyMongoError

from ground import clock
from ground.hops import doorbell
from ground.hops.groupcommit import Overloaded
from ground.inbox import answers, signing
from ground.inbox.inbox import Acceptance, Call
from ground.json import errors
from ground.json.errors import Answer, Refusal
from tips.intake import acceptance, payloads
from tips.intake.payloads import Message, Order

PATH = "/api/webhooks/payments"
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
FIRST = 202


def ring() -> None:
    """Something waits in the inbox."""
    doorbell.ring_soon("tips.settle")


def ring_for_looks() -> None:
    doorbell.ring_soon("tips.look")


def accept(calls: list[Call]) -> list[Acceptance]:
    """Makes the calls durable and rings for settlement, once for all of them."""
    outcomes = acceptance.accept(calls)
    if Acceptance.NEW in outcomes:
        doorbell.ring_soon("tips.settle")
    return outcomes


Store = Callable[[Call, Order | None], Awaitable[Acceptance]]


async def receive(headers: Mapping[str, str], body: bytes, store: Store) -> Answer:
    """The door for the event loop; `store` returns when the call is durable. Header names are lower
    case."""
    try:
        call, message = read_call(headers, body)
        given = answers.answer(await store(call, message.order), message.answer, first=FIRST)
    except Refusal as why:
        given = why.answer()
    except (PyMongoError, Overloaded) as error:
        given = answers.unavailable(error)
    return _noted(given, headers, body)


def _noted(given: Answer, headers: Mapping[str, str], body: bytes) -> Answer:
    """A malformed call was proven, so it may be asked which tip it is about."""
    if given[0] < 400:
        return given
    is_proven = given[1]["error"]["code"] == "malformed"
    tip_id = payloads.tip_id_in(body) if is_proven else ""
    return answers.note(given, delivery_id=headers.get("webhook-id", ""), tip_id=tip_id)


@csrf_exempt
@require_POST
def payments(request: HttpRequest) -> JsonResponse:
    headers, body = {name: request.headers.get(name, "") for name in HEADERS}, b""
    try:
        body = answers.body_of(request)
        call, message = read_call(headers, body)
        given = answers.answer(accept([call])[0], message.answer, first=FIRST)
    except Refusal as why:
        given = why.answer()
    except PyMongoError as error:
        given = answers.unavailable(error)
    status, content = _noted(given, headers, body)
    return JsonResponse(content, status=status)


@lru_cache(maxsize=4)
def _keys(secrets: tuple[str, ...]) -> list[bytes]:
    return [signing.key_of(secret) for secret in secrets]


def read_call(headers: Mapping[str, str], body: bytes) -> tuple[Call, Message]:
    """Proves and parses a call, or raises Refusal; the call with its message. Nothing unproven is
    parsed, nothing is stored."""
    return read_call_at(headers, body, now=time.time_ns())


def read_call_at(headers: Mapping[str, str], body: bytes, *, now: int) -> tuple[Call, Message]:
    """The same at that moment, in nanoseconds since 1970."""
    errors.check_size(len(body))
    keys = _keys(tuple(settings.PAYMENT_WEBHOOK_SECRETS))
    signed = signing.verify(
        keys, headers, body, now=now / 1e9, tolerance=settings.WEBHOOK_TOLERANCE_SECONDS
    )
    message = payloads.parse(body)
    call = payloads.as_call(
        payloads.PAYMENTS,
        signed.message_id,
        body,
        message,
        position=now,
        received_at=clock.at(now),
    )
    return call, message
