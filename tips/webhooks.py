"""The door for payment systems: `POST /api/webhooks/payments`, Standard Webhooks 1.0 over the raw bytes.

The answer is sent only when the delivery is durable. First time 202, any repeat 200 with the same body, another content
under the same tip id 409, a bad signature 401, a malformed body 400 naming the field. `config/asgi.py` mounts `receive`
directly, in front of Django; `payments` is the same door as a plain view, for WSGI servers and tests.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from pymongo.errors import PyMongoError

from ledger import clock, doorbell, inbox, signing
from ledger.fields import Malformed
from ledger.groupcommit import Overloaded
from ledger.inbox import Call, Outcome
from tips import placement

log = logging.getLogger(__name__)

PATH = "/api/webhooks/payments"
Answer = tuple[int, dict[str, Any]]


def accept(calls: list[Call]) -> list[Outcome]:
    """Makes the calls durable and rings for settlement, once for all of them."""
    outcomes = inbox.accept(calls)
    if Outcome.NEW in outcomes:
        doorbell.ring_soon("tips.settle")
    return outcomes


async def receive(headers: Mapping[str, str], body: bytes, store: Callable[[Call], Awaitable[Outcome]]) -> Answer:
    """The door for the event loop; `store` is the group commit over `accept`. Header names are lower case."""
    opened = _open(headers, body)
    if not isinstance(opened, tuple):
        return opened.answer
    call, answer = opened
    try:
        return _answer(await store(call), answer)
    except (PyMongoError, Overloaded) as error:
        return _unavailable(error)


@csrf_exempt
@require_POST
def payments(request: HttpRequest) -> JsonResponse:
    headers = {name: request.headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
    opened = _open(headers, request.body)
    if isinstance(opened, tuple):
        try:
            status, body = _answer(accept([opened[0]])[0], opened[1])
        except PyMongoError as error:
            status, body = _unavailable(error)
    else:
        status, body = opened.answer
    return JsonResponse(body, status=status)


class _Refusal:
    """A call that is answered without being stored."""

    def __init__(self, status: int, code: str, message: str, details: Any = None) -> None:
        self.answer: Answer = (status, error(code, message, details))


def error(code: str, message: str, details: Any = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "details": details}}


@lru_cache(maxsize=4)
def _keys(secrets: tuple[str, ...]) -> list[bytes]:
    return [signing.key_of(secret) for secret in secrets]


def _open(headers: Mapping[str, str], body: bytes) -> tuple[Call, dict[str, Any]] | _Refusal:
    """Proves and parses a call. The signature comes first: nothing unproven is parsed."""
    if len(body) > settings.WEBHOOK_MAX_BODY_BYTES:
        return _Refusal(413, "too_large", f"The body must be at most {settings.WEBHOOK_MAX_BODY_BYTES} bytes.")
    keys = _keys(tuple(settings.PAYMENT_WEBHOOK_SECRETS))
    try:
        signed = signing.verify(keys, headers, body, now=time.time(), tolerance=settings.WEBHOOK_TOLERANCE_SECONDS)
        message = placement.parse(body)
    except signing.BadSignature as bad:
        return _Refusal(401, "bad_signature", f"{bad}.")
    except Malformed as bad:
        return _Refusal(400, "malformed", f"{bad}.", {"field": bad.field, "rule": bad.rule})
    call = placement.as_call(
        placement.PAYMENTS, signed.message_id, body, message, position=time.time_ns(), received_at=clock.now()
    )
    return call, message.answer


def _answer(outcome: Outcome, body: dict[str, Any]) -> Answer:
    if outcome is Outcome.CONFLICT:
        return 409, error("conflict", "Another content was received under this id; the first one stands.", body)
    return (202 if outcome is Outcome.NEW else 200), body


def _unavailable(failure: Exception) -> Answer:
    log.warning("delivery_not_stored", extra={"error_code": type(failure).__name__})
    return 503, error("unavailable", "The delivery could not be stored; send it again.")
