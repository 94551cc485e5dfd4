"""The example tip of both projections, once settled in our own books and once by a ledger that somebody else
keeps: the same projections."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ground.mongodb import transactions
from ground.mongodb.collections import collection
from ledger import gateway
from ledger.books import posting
from ledger.gateway import performer_account
from tests.factories import NOW
from tests.remote import remote
from tests.tips import calls
from tests.tips.calls import ANA, BOB, CAROL, settle
from tips.log import events
from tips.models import TipActivated
from tips.settlement import polling

__all__ = ["remote"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven")]

GOLDEN = Path(__file__).parent.parent / "golden"
TIP = "507f1f77bcf86cd799439011"
EXAMPLE = {
    "tipId": TIP,
    "sourceRef": f"TIP_{TIP}",
    "totalPrice": 100,
    "commission": 25,
    "studioCommission": 10,
    "tipper": {"userId": BOB, "username": "user123", "role": "user"},
    "recipient": {"performerId": ANA, "username": "performer456", "studioId": CAROL},
    "context": {
        "conversationType": "private",
        "streamType": "private",
        "customMessage": "Great performance!",
    },
    "createdAt": calls.AT,
}


def golden(name):
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


def in_our_books(now, conversation):
    """Bob has 500 tokens and ana 1000; we place the tip."""
    calls.bought(500)
    settle(now)
    order = gateway.Order("PURCHASE_ana", "test", gateway.ISSUER, performer_account(ANA), 1000, now)
    transactions.run(lambda session: posting.post([[order]], now=now, session=session))
    calls.send("tip.succeeded", EXAMPLE | {"conversationId": conversation})
    settle(now)


def in_their_ledger(now, conversation, world):
    """The platform has caused the posting; we look."""
    ref = f"TIP_{TIP}"
    world.entry(
        ref, gateway.user_account(BOB), -100, before=500, posted_at=now, entry_id="rrr_entry_debit456"
    )
    world.entry(ref, performer_account(ANA), 75, before=1000, posted_at=now, entry_id="rrr_entry_credit789")
    calls.send("tip.succeeded", EXAMPLE | {"conversationId": conversation})
    settle(now)
    polling.drain(now=now, limit=9)


@pytest.fixture(params=["embedded", "remote"])
def settled(request):
    """Settles the example in one of the two ledgers; the stored payload."""

    def payload(now, conversation):
        if request.param == "remote":
            in_their_ledger(now, conversation, request.getfixturevalue("remote"))
        else:
            in_our_books(now, conversation)
        return collection(TipActivated).find_one({"_id": TIP})["payload"]

    return payload


def test_the_queues_projection_is_the_example_whoever_keeps_the_ledger(settled):
    expected = golden("queue_spec.json")
    del expected["settlement"]["settlementId"]  # of a settlement in batches, which neither ledger makes
    assert events.as_queue_spec(settled(NOW, "507f191e810c19729de860ed")) == expected


def test_the_ledgers_projection_is_the_example_but_for_the_names_of_its_entries(settled):
    at = datetime(2025, 12, 23, 18, tzinfo=UTC)
    found, expected = events.as_ledger_spec(settled(at, CAROL)), golden("ledger_spec.json")
    names = {name: found["ledger"].pop(name) for name in ("ledgerId", "debitRef", "creditRef")}
    for name in names:
        del expected["ledger"][name]
    assert found == expected
    assert names["ledgerId"] == names["debitRef"] != names["creditRef"]
    assert names["debitRef"] in (f"TIP_{TIP}:debit", "rrr_entry_debit456")
    assert names["creditRef"] in (f"TIP_{TIP}:credit", "rrr_entry_credit789")
