"""What a platform sends, through the real door; one settlement round; and a look at everything that is
stored."""

import itertools
import json
from collections import Counter
from datetime import timedelta

from bson import ObjectId
from django.conf import settings
from django.test import RequestFactory

from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from ledger.models import Account, Posting
from tests.factories import NOW
from tips import webhooks
from tips.intake import simulator
from tips.models import ChainHead, QueueRequest, Tip, TipActivated
from tips.settlement import settlement

ANA, CAROL = "507f191e810c19729de860eb", "507f191e810c19729de860ec"
BOB, EVE = "507f191e810c19729de860ea", "507f191e810c19729de860ef"
AT = "2026-01-03T04:15:00.000Z"
GRACE = timedelta(seconds=60)  # in which its tokens may come
TICK = timedelta(milliseconds=1)
COLLECTIONS = (WebhookDelivery, Account, Posting, Tip, TipActivated, ChainHead, QueueRequest)
_messages = itertools.count(1)


def tip_id(number):
    return f"{number:024x}"


def tip(number=1, tokens=100, *, tipper=BOB, performer=ANA, **more):
    """The `data` of `tip.succeeded`; `more` adds or replaces fields, and a value of None leaves one out."""
    data = {
        "tipId": tip_id(number),
        "totalPrice": tokens,
        "tipper": {"userId": tipper, "username": "bob"},
        "recipient": {"performerId": performer, "username": "ana"},
        "createdAt": AT,
    } | more
    return {name: value for name, value in data.items() if value is not None}


def purchase(number=1, tokens=1000, *, user=BOB, **more):
    return {"purchaseId": f"p{number}", "userId": user, "tokens": tokens, "createdAt": AT} | more


def body(kind, data):
    return json.dumps({"type": kind, "timestamp": AT, "data": data}).encode()


def signed(content, message_id=""):
    return simulator.headers(
        settings.PAYMENT_WEBHOOK_SECRETS[0], message_id or f"msg_{next(_messages)}", content
    )


def post(content, headers):
    """One call to the plain Django view: (status, JSON)."""
    request = RequestFactory().post(webhooks.PATH, content, content_type="application/json", headers=headers)
    response = webhooks.payments(request)
    return response.status_code, json.loads(response.content)


def send(kind, data, message_id=""):
    content = body(kind, data)
    return post(content, signed(content, message_id))


def succeeded(number=1, tokens=100, **more):
    return send("tip.succeeded", tip(number, tokens, **more))[0]


def cancelled(number=1, **more):
    return send("tip.cancelled", tip(number, **more))[0]


def failed(number=1, **more):
    return send("tip.failed", tip(number, **more))[0]


def bought(tokens, *, number=0, user=BOB):
    return send("tokens.purchased", purchase(number or str(ObjectId()), tokens, user=user))[0]


def settle(now=NOW, limit=200):
    return settlement.drain(now=now, limit=limit)


def end_grace(now, limit=200):
    return settlement.end_grace(now=now, limit=limit)


# --- what may have become of a tip -------------------------------------------------------------------------

SETTLED, WAITING = ("success", "settled", ""), ("success", "pending", "")
NO_FUNDS, REUSED = ("failed", "failed", "insufficient_funds"), ("failed", "failed", "source_ref_reused")
ENDS = [(cancelled, ("cancelled", "cancelled", "by_platform")), (failed, ("failed", "failed", "by_platform"))]


# --- what is stored ----------------------------------------------------------------------------------------


def everything():
    """Every row of money and tips, by collection. How often settlement came round is no part of either."""
    return {
        model.__name__: list(collection(model).find({}, {"rounds": 0}).sort("_id", 1))
        for model in COLLECTIONS
    }


def deliveries():
    """How many have which status."""
    return Counter(row["status"] for row in collection(WebhookDelivery).find())


def found(number=1):
    return collection(Tip).find_one({"_id": tip_id(number)})


def state(number=1):
    """A tip's (status, settlement status, reason)."""
    row = found(number)
    return (row["status"], row["settlement_status"], row["failure_reason"]) if row else None


def event(number=1):
    return collection(TipActivated).find_one({"_id": tip_id(number)})


def request(number=1):
    return collection(QueueRequest).find_one({"idempotency_key": tip_id(number)})


def events():
    """The numbers of the tips in the log, in its order."""
    return [int(row["_id"], 16) for row in collection(TipActivated).find().sort("sequence", 1)]


def balance(account):
    row = collection(Account).find_one({"_id": account})
    return row["balance"] if row else 0
