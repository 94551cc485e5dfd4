"""Tips in RedRoomRewards, over real sockets: posted late, told by signed webhooks in any order, taken back,
not answering."""

import json
from datetime import timedelta

import pytest
from django.test import RequestFactory

from ground import clock
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from ledger import tasks, webhooks
from lovense.models import Activation
from tests.chain import Chain
from tests.rrr import rrr
from tests.tips.calls import (
    ANA,
    BOB,
    EVE,
    SETTLED,
    WAITING,
    cancelled,
    event,
    events,
    found,
    settle,
    state,
    succeeded,
    tip_id,
)
from tests.tips.calls import balance as our_balance
from tips.settlement import polling

__all__ = ["rrr"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven")]


@pytest.fixture(autouse=True)
def _wallet(rrr):
    """Bob's tokens, of which nobody needs to be told any more."""
    rrr.books.add(BOB, 5000, source_ref="PURCHASE_1", kind="EARN")
    rrr.webhooks.take()


def ref(number=1):
    return f"TIP_{tip_id(number)}"


def recorded(number=1, tokens=100, **more):
    succeeded(number, tokens, **more)
    settle(clock.now())


def look(after=timedelta()):
    return polling.drain(now=clock.now() + after, limit=200)


def tell(rrr):
    """RRR sends what waits through our door; the statuses. Then everything that it set going is done."""
    statuses = []
    for call in rrr.webhooks.take():
        request = RequestFactory().post(
            webhooks.PATH, call.body, content_type="application/json", headers=call.headers
        )
        answer = webhooks.rrr(request)
        statuses.append(answer.status_code)
        assert answer.status_code != 200 or json.loads(answer.content)["eventId"] == call.event_id
    tasks.announce()
    look()
    return statuses


def test_a_posted_tip_is_settled_by_the_first_look(rrr):
    rrr.books.post(ref(), payer=BOB, payee=ANA, points=100)
    recorded()
    assert look().performers == {ANA}
    ledger = event()["payload"]["ledger"]
    debit, credit = ledger["debitRef"], ledger["creditRef"]
    assert state() == SETTLED
    assert ledger["ledgerId"] == debit != credit
    assert (ledger["sourceBalance"]["change"], ledger["recipientBalance"]["change"]) == (-100, 100)
    assert our_balance(f"performer:{ANA}") == 0


def test_a_ledger_that_keeps_one_entry_of_a_transfer(rrr):
    rrr.books.post(ref(), payer=BOB, payee=ANA, points=100, single=True)
    recorded()
    look()
    assert (state(), event()["payload"]["ledger"]["debitRef"], event()["payload"]["ledger"]["creditRef"]) == (
        SETTLED,
        None,
        None,
    )


def test_a_late_posting_is_settled_when_rrr_tells_of_it_logged_and_not_played(rrr, ana, bob):
    chain = Chain(ana, now=clock.now())
    chain.publish_menu()
    tip = chain.deliver(bob, 100)
    settle(clock.now())
    rrr.books.post(
        f"TIP_{tip}", payer=bob.user_id, payee=ana.performer_id, points=100, delay_seconds=47 * 3600
    )
    look()
    assert tell(rrr) == []
    rrr.books.advance(47 * 3600)
    assert tell(rrr) == [200]
    row = collection(Activation).database["tips"].find_one({"_id": tip})
    assert (row["settlement_status"], events()) == ("settled", [int(tip, 16)])
    chain.now = clock.now()
    chain.hold()
    chain.dispatch()
    assert [(row["status"], row["reason"]) for row in collection(Activation).find()] == [
        ("expired", "too_late")
    ]


@pytest.mark.parametrize("order", ["fifo", "reversed", "shuffled"])
@pytest.mark.parametrize("scheme", [1, 2])
def test_webhooks_twice_and_in_any_order_settle_each_tip_once(rrr, settings, order, scheme):
    settings.RRR_WEBHOOK_SCHEME1 = True
    rrr.webhooks.copies, rrr.webhooks.order, rrr.webhooks.scheme = 2, order, scheme
    numbers = range(1, 7)
    for number in numbers:
        recorded(number)
    look()
    for number in numbers:
        rrr.books.post(ref(number), payer=BOB, payee=ANA, points=100, delay_seconds=60)
    rrr.books.advance(60)
    assert tell(rrr) == [200] * 12
    assert sorted(events()) == list(numbers)
    assert collection(WebhookDelivery).count_documents({"source": "rrr", "status": "processed"}) == 6


def test_a_webhook_before_its_tip_does_no_harm(rrr):
    rrr.books.post(ref(), payer=BOB, payee=ANA, points=100)
    assert tell(rrr) == [200]
    recorded()
    look()
    assert state() == SETTLED


def test_what_is_taken_back_after_settlement_is_shown_to_a_person(rrr):
    rrr.books.post(ref(), payer=BOB, payee=ANA, points=100)
    recorded()
    look()
    tell(rrr)
    before = event()
    rrr.books.reverse(ref())
    assert tell(rrr) == [200]
    assert (state(), found()["needs_reconciliation"], event()) == (SETTLED, "reversed", before)


def test_what_is_taken_back_before_we_looked_is_never_settled(rrr):
    rrr.books.post(ref(), payer=BOB, payee=ANA, points=100)
    rrr.books.reverse(ref())
    recorded()
    look()
    assert (state(), found()["needs_reconciliation"], event()) == (WAITING, "reversed", None)


@pytest.mark.parametrize(
    ("payee", "points", "reason"), [(ANA, 99, "other_amount"), (EVE, 99, "other_amount")]
)
def test_another_amount_than_the_platform_reported_is_not_a_proof(rrr, payee, points, reason):
    rrr.books.post(ref(), payer=BOB, payee=payee, points=points)
    recorded()
    look()
    assert (state(), found()["needs_reconciliation"], event()) == (WAITING, reason, None)


def test_while_rrr_does_not_answer_tips_wait_and_then_settle(rrr, settings):
    rrr.books.post(ref(), payer=BOB, payee=ANA, points=100)
    recorded()
    rrr.faults.order("answer", times=1, status=403, code="FORBIDDEN")
    look()
    assert (state(), found()["look_error"]) == (WAITING, "FORBIDDEN")
    look(after=timedelta(minutes=1))
    assert (state(), found()["look_error"]) == (SETTLED, "")


def test_with_our_placing_the_commission_is_part_of_it(rrr, settings):
    settings.LEDGER_PLACES_TIPS = True
    rrr.books.post("PURCHASE_ana", payer=EVE, payee=ANA, points=1000)
    recorded(commission=25)
    look()
    ledger = event()["payload"]["ledger"]
    assert state() == SETTLED
    assert ledger["sourceBalance"] == {"before": 5000, "after": 4900, "change": -100}
    assert ledger["recipientBalance"] == {"before": 1000, "after": 1075, "change": 75}
    assert rrr.books.balance("platform-commission") == 25


def test_with_our_placing_a_lost_answer_costs_nothing(rrr, settings):
    settings.LEDGER_PLACES_TIPS = True
    recorded()
    rrr.faults.order("lose_answer", times=1, path="/v1/transfers")
    look()
    look(after=timedelta(minutes=1))
    assert (state(), rrr.books.balance(BOB)) == (SETTLED, 4900)


def test_with_our_placing_a_lost_answer_and_a_cancellation_a_person_learns_that_it_was_posted(rrr, settings):
    settings.LEDGER_PLACES_TIPS = True
    recorded()
    rrr.faults.order("lose_answer", times=8, path="/v1/transfers")
    look()
    assert (state(), rrr.books.balance(BOB)) == (WAITING, 4900)
    assert cancelled() == 202
    settle(clock.now())
    rrr.faults.order("answer", times=1, status=403, code="FORBIDDEN")
    for minutes in (1, 2):
        look(after=timedelta(minutes=minutes))
    assert state() == ("cancelled", "cancelled", "by_platform")
    assert found()["needs_reconciliation"] == "posted_although_cancelled"
    assert rrr.books.balance(BOB) == 4900


def test_with_our_placing_and_no_tokens_it_fails_after_its_grace(rrr, settings):
    settings.LEDGER_PLACES_TIPS = True
    recorded(tokens=5001)
    look()
    assert state() == WAITING
    look(after=timedelta(seconds=61))
    assert state() == ("failed", "failed", "insufficient_funds")
