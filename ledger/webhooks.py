"""The door for the ledger: `POST /api/webhooks/rrr`, signed by RedRoomRewards over the raw bytes
(`ledger/rrr/signing.py`).

200 with the same body the first time and on every repeat, 401 for any bad or missing signature and
for a nonce that was used, 400 naming the field. A valid call only says "look again": it is stored,
and the hop `ledger.announce` is rung. `config/asgi.py` mounts `receive` in front of Django; `rrr`
is the same door as a plain view."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from pymongo.errors import PyMongoError

from ground import clock
from ground.hops import doorbell
from ground.hops.groupcommit import Overloaded
from ground.inbox import answers, inbox, nonces
from ground.inbox.inbox import Acceptance, Call
from ground.inbox.signing import BadSignature
from ground.json import errors
from ground.json.errors import Answer, Refusal
from ledger.rrr import events as rrr_events
from ledger.rrr import signing

PATH = "/api/webhooks/rrr"
FIRST = 200
_SCHEME_2 = (signing.TENANT, signing.KEY_ID, signing.TIMESTAMP, signing.NONCE)


@dataclass(frozen=True, slots=True)
class Proven:
    """A call and what it used up: its nonce, and its signature, which the nonce's tenant is no part
    of. Scheme 1 has neither."""

    call: Call
    once: frozenset[str]


def accept(calls: list[Proven]) -> list[Acceptance | None]:
    """Makes the calls durable and rings for their announcement, once for all of them. None: a
    replay, which is not stored."""
    gone = nonces.used({key for proven in calls for key in proven.once})
    fresh: list[int] = []
    for place, proven in enumerate(calls):
        if gone.isdisjoint(proven.once):
            gone |= proven.once
            fresh.append(place)
    outcomes: list[Acceptance | None] = [None] * len(calls)
    if not fresh:
        return outcomes
    for place, outcome in zip(
        fresh, inbox.accept([calls[place].call for place in fresh]), strict=True
    ):
        outcomes[place] = outcome
    until = clock.now() + timedelta(seconds=2 * settings.WEBHOOK_TOLERANCE_SECONDS + 60)
    taken = nonces.keep({key for place in fresh for key in calls[place].once}, until=until)
    if Acceptance.NEW in outcomes:
        doorbell.ring_soon("ledger.announce")
    return [
        outcome if taken.isdisjoint(proven.once) else None
        for outcome, proven in zip(outcomes, calls, strict=True)
    ]


async def receive(
    headers: Mapping[str, str],
    target: str,
    body: bytes,
    store: Callable[[Proven], Awaitable[Acceptance | None]],
) -> Answer:
    """The door for the event loop; `store` is the group commit over `accept`. `target` is the path
    and query as they came."""
    try:
        proven, answer = read_call(headers, target, body)
        given = _answer(await store(proven), answer)
    except Refusal as why:
        given = why.answer()
    except (PyMongoError, Overloaded) as error:
        given = answers.unavailable(error)
    return _noted(given, body)


def _noted(given: Answer, body: bytes) -> Answer:
    """RRR names its call in the body, which is read only of a call that was proven."""
    if given[0] < 400:
        return given
    is_proven = given[1]["error"]["code"] in ("malformed", "conflict")
    return answers.note(given, delivery_id=rrr_events.event_id_in(body) if is_proven else "")


@csrf_exempt
@require_POST
def rrr(request: HttpRequest) -> JsonResponse:
    body = b""
    try:
        body = answers.body_of(request)
        proven, answer = read_call(request.headers, request.get_full_path(), body)
        given = _answer(accept([proven])[0], answer)
    except Refusal as why:
        given = why.answer()
    except PyMongoError as error:
        given = answers.unavailable(error)
    status, content = _noted(given, body)
    return JsonResponse(content, status=status)


def _answer(outcome: Acceptance | None, body: Mapping[str, Any]) -> Answer:
    if outcome is None:
        raise BadSignature(f"{signing.NONCE} was used before")
    return answers.answer(outcome, body, first=FIRST)


def read_call(
    headers: Mapping[str, str], target: str, body: bytes
) -> tuple[Proven, dict[str, Any]]:
    """Proves and parses a call, or raises Refusal; the call with its answer. Nothing unproven is
    parsed, nothing is stored."""
    errors.check_size(len(body))
    once = _prove({name.lower(): value for name, value in headers.items()}, target, body)
    notice = rrr_events.parse(body)
    call = Call(
        source=rrr_events.SOURCE,
        delivery_id=notice.event_id,
        event_type=notice.event_type,
        subject=f"{rrr_events.SOURCE}/{notice.event_id}",
        fingerprint=notice.fingerprint,
        body=body,
        position=time.time_ns(),
        received_at=clock.now(),
        is_ignored=not notice.acts,
    )
    return Proven(call, once), {"received": True, "eventId": notice.event_id}


def _prove(headers: Mapping[str, str], target: str, body: bytes) -> frozenset[str]:
    """What the call used up. A call with any header of scheme 2 is never read as one of scheme 1,
    which promises less."""
    secrets = _secrets(tuple(settings.RRR_WEBHOOK_SECRETS))
    if settings.RRR_WEBHOOK_SCHEME1 and not any(name.lower() in headers for name in _SCHEME_2):
        signing.verify_body(list(secrets.values()), headers, body)
        return frozenset()
    signed = signing.verify_request(
        secrets,
        headers,
        method="POST",
        target=target,
        body=body,
        now=clock.now(),
        tolerance_seconds=settings.WEBHOOK_TOLERANCE_SECONDS,
    )
    return frozenset({f"{signed.tenant}/{signed.nonce}", headers[signing.SIGNATURE.lower()]})


@lru_cache(maxsize=4)
def _secrets(words: tuple[str, ...]) -> dict[str, bytes]:
    return signing.secrets_of(words)
