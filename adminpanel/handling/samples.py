"""Samples: calls as a payment system sends them, to the door that is open to it, and what that door
answers.

A sample is signed by the real scheme and goes over a connection of its own to the socket that the
page came in by, so what is shown is the answer that a platform gets. Only where no token is money
(`deployment.py`); recorded before it is sent."""

import enum
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
from bson import ObjectId
from django.conf import settings
from pymongo.client_session import ClientSession

from adminpanel.asking.kinds import NoSuchValue
from adminpanel.handling import deployment
from adminpanel.lists.performers import performers_named
from adminpanel.people.deeds import Deed, DeedChange, DeedTarget, WrongField, recorded
from ground.inbox import inbox
from ground.journal import journal
from ground.mongodb import transactions
from tips.intake import payloads, simulator
from tips.rows import Payload

VIEWER, VIEWER_NAME = "5a3d1e000000000000000001", "sample-viewer"
LARGEST = 10_000
TIMEOUT_SECONDS = 10.0
SHOWN_HEADERS = ("content-type", "x-request-id", "retry-after")
NO_ANSWER = 0
LONGEST_BODY = 4000
"""So much of an answer is shown; the doors' own are a few hundred bytes."""
_TIP, _PURCHASE = "tip.succeeded", "tokens.purchased"


class SampleKind(enum.StrEnum):
    TIP = "tip"
    PURCHASE = "purchase"
    WRONG_SIGNATURE = "wrong_signature"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class SampleOrder(NamedTuple):
    """`performer_id` and `tip_id`: of a purchase nobody and nothing."""

    kind: SampleKind
    amount: int
    performer_id: str
    tip_id: str


class SampleCall(NamedTuple):
    words: str
    headers: dict[str, str]
    content: bytes

    @property
    def delivery(self) -> str:
        return f"{payloads.PAYMENTS}/{self.headers['webhook-id']}"


class SampleAnswer(NamedTuple):
    """`status` 0: nobody answered, and `body` says of which kind that was. `is_kept`: whether the
    inbox holds the call as a delivery."""

    call: SampleCall
    status: int
    headers: list[tuple[str, str]]
    body: str
    is_kept: bool

    @property
    def shown(self) -> dict[str, Any]:
        """As JSON: a session keeps it for the page."""
        call = self.call
        sent = {"words": call.words, "headers": call.headers, "text": call.content.decode()}
        tone = "good" if self.status < 300 else "warn"
        return {**self._asdict(), "tone": tone, "call": {**sent, "delivery": call.delivery}}


def asked(kind: str, performer: str, amount: str) -> SampleOrder:
    """A sample from what was typed. Raises WrongField."""
    if kind not in set(SampleKind):
        raise WrongField("kind", f"One of {', '.join(SampleKind)}.")
    text = amount.strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= number <= LARGEST:
        raise WrongField("amount", f"A whole number from 1 to {LARGEST}.")
    if kind == SampleKind.PURCHASE:
        return SampleOrder(SampleKind.PURCHASE, number, "", "")
    return SampleOrder(SampleKind(kind), number, _performer(performer), str(ObjectId()))


def _performer(said: str) -> str:
    try:
        return performers_named([said.strip()])[0]
    except NoSuchValue:
        raise WrongField("performer", "The whole name or the id of a performer.") from None


def send(sample: SampleOrder, *, at: str, deed: Deed) -> list[SampleAnswer]:
    """`at`: the address of this server's own socket. 1. The entry, and one of the minute's samples.
    2. The calls, one after the other. 3. What they made durable becomes rows, to be led to."""
    calls = list(_calls(sample))
    target = DeedTarget("sample", sample.tip_id or VIEWER, lane=sample.performer_id)
    told = {"kind": str(sample.kind), "amount": sample.amount}

    def claim(session: ClientSession) -> None:
        deployment.claim(now=deed.now, session=session)
        recorded(deed, "send_sample", target, session, DeedChange(None, told))

    transactions.run(claim)
    with httpx.Client(base_url=at, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        answers = [_sent(client, call) for call in calls]
    journal.catch_up()
    return [each._replace(is_kept=inbox.find(each.call.delivery) is not None) for each in answers]


def _calls(sample: SampleOrder) -> Iterator[SampleCall]:
    """A tip comes after the tokens that pay it, so that it is settled."""
    if sample.kind is SampleKind.WRONG_SIGNATURE:
        yield _call("A tip under a signature of other bytes", _TIP, _tip(sample), is_forged=True)
        return
    bought = simulator.purchase(f"sample-{ObjectId()}", user_id=VIEWER, tokens=sample.amount)
    yield _call("Tokens for the sample’s viewer", _PURCHASE, bought)
    if sample.kind is SampleKind.PURCHASE:
        return
    tip = _tip(sample)
    yield _call("A tip", _TIP, tip)
    if sample.kind is SampleKind.DUPLICATE:
        yield _call("The same tip in another delivery", _TIP, tip)
    elif sample.kind is SampleKind.CONFLICT:
        other = {**tip, "totalPrice": sample.amount + 1}
        yield _call("The same tip with another amount", _TIP, other)


def _tip(sample: SampleOrder) -> Payload:
    viewer = {"userId": VIEWER, "username": VIEWER_NAME}
    people = {"tipper_id": VIEWER, "performer_id": sample.performer_id}
    return simulator.tip(sample.tip_id, sample.amount, **people, tipper=viewer)


def _call(words: str, event_type: str, data: Payload, *, is_forged: bool = False) -> SampleCall:
    content = simulator.body(event_type, data)
    signed = content + b" " if is_forged else content
    secret, message_id = settings.PAYMENT_WEBHOOK_SECRETS[0], f"msg_sample_{uuid.uuid4().hex}"
    return SampleCall(words, simulator.headers(secret, message_id, signed), content)


def _sent(client: httpx.Client, call: SampleCall) -> SampleAnswer:
    try:
        answer = client.post(simulator.PATH, content=call.content, headers=call.headers)
    except httpx.HTTPError as error:
        return SampleAnswer(call, NO_ANSWER, [], type(error).__name__, is_kept=False)
    shown = [(name, answer.headers[name]) for name in SHOWN_HEADERS if name in answer.headers]
    return SampleAnswer(call, answer.status_code, shown, answer.text[:LONGEST_BODY], is_kept=False)
