"""The platform's REST door: `POST /api/tips` places a tip, `GET /api/tips/events` is the feed of
TipActivated.

A placed tip goes through the inbox and the settlement of the payment webhook, under the same
business key, so a tip that is sent by both doors is one tip. Here the settlement runs at once, so
that the answer tells the outcome. `idempotency` keeps the answer."""

import contextlib
import hashlib
import json
import logging
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from pymongo.errors import PyMongoError
from rest_framework import serializers
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ground import clock
from ground.clock import iso
from ground.hops import doorbell
from ground.inbox import inbox
from ground.inbox.inbox import Acceptance, Call
from ground.json import errors
from ground.json.errors import Refusal
from ground.json.fields import Malformed, read
from ground.json.shapes import refusal
from ground.mongodb.collections import collection
from ground.people import role_of
from ground.tokens import ByToken
from tips import schema, signals
from tips.intake import acceptance, idempotency, platforms
from tips.intake import payloads as placement
from tips.intake.idempotency import KeptAnswer
from tips.log import eventlog, events
from tips.models import RequestStatus, SettlementStatus, Tip, TipStatus
from tips.queue import counts
from tips.rows import Payload, RequestRow
from tips.settlement import record, settlement

log = logging.getLogger(__name__)

KEY_HEADER = idempotency.HEADER
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
# of settlement, when much waits before the tip; then the worker goes on and the answer is "pending"
MOST_ROUNDS = 5
SETTLING_SECONDS = 2.0  # as long as a call waits for them, and for its turn; the same then
MOST_EVENTS = 500

_PENDING = SettlementStatus.PENDING.value
# One settlement of this process at a time: the next one finds what the one before it took along.
_settling = threading.Lock()


class IsPlatform(BasePermission):
    """Only a platform places tips."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, User) and platforms.is_platform(request.user)


class IsStaffOrPlatform(BasePermission):
    """Performers and viewers have no business with other people's tips."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, User) and (
            role_of(request.user) is not None or platforms.is_platform(request.user)
        )


# --- POST /api/tips ------------------------------------------------------------------------------


@extend_schema(
    operation_id="tips_place",
    summary="Place a tip",
    description="The body is the `data` of the webhook's `tip.succeeded`. The tokens are moved "
    "before the answer; a tip whose "
    "tokens have not arrived waits for them. The first answer under an `Idempotency-Key` is kept "
    "for 30 days and given again, "
    "byte for byte, with the header `Idempotency-Hit: true`.",
    parameters=[
        OpenApiParameter(
            KEY_HEADER,
            str,
            OpenApiParameter.HEADER,
            required=True,
            description="Yours: 1 to 200 printable ASCII characters",
        )
    ],
    request=schema.TipIn,
    responses={
        201: OpenApiResponse(
            schema.TipPlaced,
            "Recorded by this call, and settled or refused: `settlementStatus` says which",
        ),
        200: OpenApiResponse(
            schema.TipPlaced,
            "The same tip had been recorded before, by another call or the webhook",
        ),
        202: OpenApiResponse(
            schema.TipPlaced, "Recorded, not yet settled: ask `GET /api/tips/<tipId>`"
        ),
        400: refusal("The header is missing, or a field breaks a rule; nothing was stored"),
        401: refusal("No token, or an unknown one"),
        403: refusal("Not a platform's token"),
        409: refusal(
            "Other content exists under this tip id (`conflict`), or the first call under this "
            "key still runs "
            "(`in_progress`, with `Retry-After`)"
        ),
        413: refusal("The body is too long"),
        422: refusal("The key was used with another body"),
        503: refusal("The database did not answer: send it again, with the same key"),
    },
    examples=[
        OpenApiExample("A tip", schema.TIP_EXAMPLE, request_only=True),
        OpenApiExample(
            "Settled", schema.SETTLED_EXAMPLE, response_only=True, status_codes=["200", "201"]
        ),
        OpenApiExample(
            "Waiting for its tokens",
            schema.SETTLED_EXAMPLE | {"settlementStatus": "pending", "eventId": None},
            response_only=True,
            status_codes=["202"],
        ),
    ],
)
@api_view(["POST"])
@authentication_classes([ByToken])
@permission_classes([IsPlatform])
def place(request: Request) -> HttpResponse:
    """Places a tip, once per Idempotency-Key."""
    try:
        return _response(_once(*_open(request)))
    except Refusal as why:
        return _response(_answer(*why.answer()), headers=why.headers)


class NotPlaced(Refusal):
    """The database did not answer; whether the tip is recorded, the same key will tell."""

    code, status = "unavailable", 503
    words = f"The database did not answer; try again with the same {KEY_HEADER}."
    retry_after = 1


class OtherContent(Refusal):
    """A tip id belongs to one content."""

    code, status = "conflict", 409
    words = "Another content was received under this tip id; the first one stands."


def _once(call: Call, fingerprint: str) -> KeptAnswer:
    try:
        return idempotency.once(
            call.delivery_id,
            fingerprint=fingerprint,
            now=call.received_at,
            work=lambda: _placed(call),
        )
    except (PyMongoError, DatabaseError) as failure:
        log.warning("tip_not_placed", extra={"error_code": type(failure).__name__})
        raise NotPlaced from failure


def _open(request: Request) -> tuple[Call, str]:
    """The call on the inbox and the fingerprint of its body. Raises Malformed, or TooLarge."""
    key = request.headers.get(KEY_HEADER, "")
    if not _KEY.fullmatch(key):
        raise Malformed(
            KEY_HEADER, "is required: 1 to 200 printable ASCII characters without spaces"
        )
    errors.check_size(int(request.META.get("CONTENT_LENGTH") or 0))
    body, now = bytes(request.body), clock.now()
    try:
        read(body)  # one JSON object: only then it may be put into another
        content = b'{"type":"tip.succeeded","timestamp":"%s","data":%s}' % (iso(now).encode(), body)
        message = placement.parse(content)
    except Malformed as bad:
        raise Malformed(bad.field.removeprefix("data."), bad.rule) from None
    delivery = f"{request.user.pk}/{key}"
    call = placement.as_call(
        placement.REST, delivery, content, message, position=time.time_ns(), received_at=now
    )
    return call, _fingerprint(body)


def _fingerprint(body: bytes) -> str:
    """Of the JSON, not of its bytes: a client that writes the same object again in another order
    repeats itself."""
    return hashlib.sha256(json.dumps(json.loads(body), sort_keys=True).encode()).hexdigest()


def _placed(call: Call) -> KeptAnswer:
    if acceptance.accept([call])[0] is Acceptance.CONFLICT:
        return _answer(*OtherContent().answer())  # kept, as every answer under the key
    _settle(call.subject)
    return _standing(call)


def _settle(subject: str) -> None:
    """Runs the settlement until it has taken this delivery, or its time is over; what was accepted
    before goes before."""
    until = time.monotonic() + SETTLING_SECONDS
    try:
        with _turn() as is_ours:
            for _ in range(MOST_ROUNDS if is_ours else 0):
                if time.monotonic() > until:
                    break
                if not inbox.is_waiting(subject):
                    return
                done = settlement.drain(now=clock.now(), limit=settings.DRAIN_LIMIT)
                if done.performers:
                    signals.requests_queued.send(None, performer_ids=done.performers)
                if done.is_looking:
                    doorbell.ring_soon("tips.look")
    except (PyMongoError, DatabaseError) as failure:
        # It is durable in the inbox: the worker will settle it, and the answer says that it waits.
        log.warning("settlement_left_to_worker", extra={"error_code": type(failure).__name__})
    doorbell.ring_soon("tips.settle")


@contextlib.contextmanager
def _turn() -> Iterator[bool]:
    """False: others' settlements take so long that the worker must do ours. Threads that wait for
    each other answer nobody else."""
    is_ours = _settling.acquire(timeout=SETTLING_SECONDS)
    try:
        yield is_ours
    finally:
        if is_ours:
            _settling.release()


def _standing(call: Call) -> KeptAnswer:
    tip_id = call.subject.rpartition("/")[2]
    wanted = {"status": 1, "settlement_status": 1, "failure_reason": 1, "delivery": 1}
    tip = collection(Tip).find_one({"_id": tip_id}, wanted) or _UNRECORDED
    event = eventlog.find(tip_id)
    body = {
        "tipId": tip_id,
        "status": tip["status"],
        "settlementStatus": tip["settlement_status"],
        "failureReason": tip["failure_reason"],
        "eventId": event.event_id if event else None,
    }
    if tip["settlement_status"] not in record.FINAL:
        return _answer(202, body)
    return _answer(201 if tip["delivery"] == call.key else 200, body)


_UNRECORDED = {
    "status": TipStatus.PENDING.value,
    "settlement_status": _PENDING,
    "failure_reason": "",
    "delivery": "",
}


def _answer(status: int, body: Payload) -> KeptAnswer:
    return KeptAnswer(status, json.dumps(body).encode())


def _response(answer: KeptAnswer, headers: Mapping[str, str] | None = None) -> HttpResponse:
    hit = {"Idempotency-Hit": "true"} if answer.is_hit else {}
    return HttpResponse(
        answer.body,
        status=answer.status,
        content_type="application/json",
        headers={**hit, **(headers or {})},
    )


# --- GET /api/tips/events ------------------------------------------------------------------------


class FeedQuery(serializers.Serializer[Any]):
    after = serializers.IntegerField(
        min_value=0,
        max_value=2**63 - 1,
        default=0,
        help_text="The position you have handled; 0 is the beginning",
    )
    limit = serializers.IntegerField(min_value=1, max_value=MOST_EVENTS, default=100)
    projection = serializers.ChoiceField(
        ["queue", "ledger"],
        required=False,
        help_text="One of the two specified payloads instead of the stored union",
    )


@extend_schema(
    operation_id="tips_events",
    summary="The feed of TipActivated",
    description="Every settled tip once, in the order of the log. Keep `next` when you have "
    "handled the page and ask after it "
    "the next time; a page may come twice, so handle an event once by its `idempotencyKey`.",
    parameters=[FeedQuery],
    responses={
        200: schema.FeedPage,
        400: refusal("A parameter breaks a rule; see details"),
        401: refusal("No token, or an unknown one"),
        403: refusal("Neither a platform's token nor staff"),
    },
    examples=[
        OpenApiExample(
            "?after=41&limit=1&projection=ledger",
            schema.FEED_EXAMPLE,
            response_only=True,
            status_codes=["200"],
        )
    ],
)
@api_view(["GET"])
@permission_classes([IsStaffOrPlatform])
def feed(request: Request) -> Response:
    """A page of the event log after a position."""
    query = FeedQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    wanted = query.validated_data
    rows = eventlog.after(wanted["after"], limit=wanted["limit"])
    payloads = [row["payload"] for row in rows]
    if role_of(request.user) is not None:  # a platform knows its viewers
        payloads = [events.masked(payload) for payload in payloads]
    shown = _projected(payloads, wanted.get("projection"))
    page = [
        {"sequence": row["sequence"], "data": data} for row, data in zip(rows, shown, strict=True)
    ]
    return Response({"events": page, "next": rows[-1]["sequence"] if rows else wanted["after"]})


def _projected(payloads: list[Payload], projection: str | None) -> Iterable[Payload]:
    if projection == "ledger":
        return map(events.as_ledger_spec, payloads)
    if projection == "queue":
        standing = counts.standing(payload["tipId"] for payload in payloads)
        return [
            events.as_queue_spec(payload, **_flags(standing.get(payload["tipId"])))
            for payload in payloads
        ]
    return payloads


def _flags(request: RequestRow | None) -> Payload:
    """How far the queue got with it, in the three optional words of the queue's projection."""
    status = request["status"] if request else None
    finished: datetime | None = request["finished_at"] if request else None
    if request and status in (RequestStatus.FAILED, RequestStatus.DEAD):
        return {"error": request["errors"][-1]["error"] if request["errors"] else str(status)}
    return (
        {"processed": True, "processed_at": finished} if status == RequestStatus.COMPLETED else {}
    )
