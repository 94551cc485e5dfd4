"""Facts 2 and 3: a delivery becomes a settled tip with its one event and its request, once, in its order, and
under its own reference."""

import pytest

from ground.clock import iso
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import client, collection
from ledger import gateway
from tests.factories import NOW
from tests.tips.calls import (
    ANA,
    BOB,
    GRACE,
    SETTLED,
    balance,
    bought,
    deliveries,
    end_grace,
    event,
    events,
    everything,
    found,
    purchase,
    request,
    send,
    settle,
    state,
    succeeded,
    tip,
    tip_id,
)
from tips.models import Tip
from tips.settlement import record
from tips.settlement.writes import Drained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven")]


# --- once --------------------------------------------------------------------------------------------------


def test_a_paid_tip_moves_its_tokens_and_is_split():
    bought(500)
    succeeded(1, 100, commission=25)
    assert settle() == Drained(2, {ANA})
    assert state() == SETTLED
    assert [balance(name) for name in (f"user:{BOB}", f"performer:{ANA}", "platform:commission")] == [
        400,
        75,
        25,
    ]
    assert deliveries() == {"processed": 2}


def test_its_event_carries_the_ledgers_own_references_and_balances():
    bought(500)
    succeeded(
        1, 100, commission=25, studioCommission=10, context={"streamType": "private", "customMessage": "Hi"}
    )
    settle()
    entries = {e.points_delta: e for e in gateway.current().entries_for(f"TIP_{tip_id(1)}", accounts=())}
    row = event()
    payload = row["payload"]
    assert payload["ledger"] == {
        "transactionId": tip_id(1),
        "sourceBalance": {"before": 500, "after": 400, "change": -100},
        "recipientBalance": {"before": 0, "after": 75, "change": 75},
        "ledgerId": entries[-100].entry_id,
        "sourceRef": f"TIP_{tip_id(1)}",
        "debitRef": entries[-100].entry_id,
        "creditRef": entries[100].entry_id,
        "status": "SETTLED",
        "postedAt": iso(entries[100].posted_at),
    }
    assert (payload["netPrice"], payload["commission"], payload["studioCommission"]) == (75, 25, 10)
    assert payload["context"] == {"streamType": "private", "customMessage": "Hi"}
    assert (row["ledger_id"], row["source_ref"], row["posted_at"]) == (
        entries[-100].entry_id,
        f"TIP_{tip_id(1)}",
        NOW,
    )


def test_its_request_waits_in_the_performers_lane_with_the_same_payload():
    bought(500)
    succeeded()
    settle()
    row = request()
    assert {name: row[name] for name in ("type", "mode", "priority", "status", "lane", "attempts")} == {
        "type": "TipActivated",
        "mode": "fifo",
        "priority": 10,
        "status": "pending",
        "lane": ANA,
        "attempts": 0,
    }
    assert row["payload"] == event()["payload"]
    assert (row["position"], row["available_at"]) == (event()["sequence"], NOW)


def test_tip_event_request_money_and_delivery_are_one_transaction():
    bought(500)
    succeeded()
    settle()
    database = collection(Tip).database.name
    (written,) = (
        client().local["oplog.rs"].find({"o.applyOps.ns": f"{database}.tips"}).sort("$natural", -1).limit(1)
    )
    names = {operation["ns"].removeprefix(f"{database}.") for operation in written["o"]["applyOps"]}
    assert names == {
        *(
            "tips",
            "tip_activated_event_log",
            "tip_activated_chain_head",
            "queue_requests",
            "webhook_deliveries",
        ),
        *("ledger_accounts", "ledger_postings"),
        *("journal", "journal_state"),
    }


@pytest.mark.parametrize(("commission", "net"), [(0, 100), (100, 0), (99, 1)])
def test_the_extremes_of_a_split(commission, net):
    bought(100)
    succeeded(1, 100, commission=commission)
    settle()
    assert state() == SETTLED
    assert (balance(f"performer:{ANA}"), balance("platform:commission")) == (net, 100 - net)
    assert event()["payload"]["netPrice"] == net


def test_without_a_commission_the_setting_holds_and_its_change_makes_no_repeat_a_conflict(settings):
    bought(500)
    settings.TIP_DEFAULT_COMMISSION = 10
    succeeded(1, 100)
    settle()
    settings.TIP_DEFAULT_COMMISSION = 30
    assert [succeeded(1, 100), succeeded(2, 100)] == [200, 202]  # known already, and new
    settle()
    assert [event(number)["payload"]["netPrice"] for number in (1, 2)] == [90, 70]
    assert deliveries() == {"processed": 3, "duplicate": 1}


def test_the_largest_tip():
    bought(2**53 - 1)
    succeeded(1, 2**53 - 1)
    settle()
    assert event()["payload"]["amount"] == 2**53 - 1


def test_an_anonymous_tip_has_no_name_after_the_delivery():
    bought(500)
    succeeded(isAnonymous=True)
    settle()
    assert event()["payload"]["tipper"] == {"userId": BOB, "username": "Anonymous", "role": "user"}
    assert "bob" not in str(event()["payload"]) + str(request()["payload"])


@pytest.mark.parametrize("ids", [None, "zyxwv", "azbyc"], ids=["any", "falling", "mixed"])
def test_tips_are_settled_in_the_order_of_their_acceptance_and_a_round_is_bounded(ids):
    """Not of their ids, nor of their deliveries'."""
    bought(10_000)
    for place, number in enumerate((5, 3, 4, 1, 2)):
        send("tip.succeeded", tip(number), ids and f"msg_{ids[place]}")
    assert [settle(limit=4).handled for _ in range(3)] == [4, 2, 0]
    assert events() == [5, 3, 4, 1, 2]


def test_nothing_to_do_is_nothing():
    assert settle() == end_grace(NOW) == Drained(0, set())


def test_a_balance_that_json_readers_do_not_hold_is_left_out():
    """Of books of before, or of another ledger."""
    entries = [
        gateway.PostedEntry("e:debit", f"user:{BOB}", "e", -5, 2**53, NOW, "TRANSFER_OUT"),
        gateway.PostedEntry("e:credit", f"performer:{ANA}", "e", 5, 2**53 - 1, NOW, "TRANSFER_IN"),
    ]
    assert record._balance(entries, f"user:{BOB}") is None
    assert record._balance(entries, f"performer:{ANA}").after == 2**53 - 1


# --- repeated ----------------------------------------------------------------------------------------------


def test_settling_again_changes_nothing():
    bought(500)
    succeeded()
    settle()
    before = everything()
    assert settle(NOW + GRACE) == Drained(0, set())
    assert everything() == before


def test_a_delivery_handed_out_twice_changes_nothing():
    """As when a worker stops between the commit and hearing of it."""
    bought(500)
    succeeded()
    settle()
    before = everything()
    collection(WebhookDelivery).update_many({}, {"$set": {"status": "received"}})
    assert settle().performers == set()
    assert everything() == before


def test_repeated_calls_settle_once():
    for _ in range(3):
        send("tokens.purchased", purchase(1, 500))
        succeeded()
        settle()
    assert (events(), balance(f"user:{BOB}")) == ([1], 400)


# --- references --------------------------------------------------------------------------------------------


def test_a_source_ref_of_another_tip_is_refused_and_the_first_is_unharmed():
    bought(500)
    succeeded(1, 100, sourceRef="SALE_1")
    settle()
    before = [found(1), event(1), balance(f"user:{BOB}")]
    succeeded(2, 100, sourceRef="SALE_1")
    settle()
    assert state(2) == ("failed", "failed", "source_ref_reused")
    assert event(2) is None
    assert [found(1), event(1), balance(f"user:{BOB}")] == before


def test_a_source_ref_used_twice_in_one_round():
    bought(500)
    for number in (1, 2):
        succeeded(number, 100, sourceRef="SALE_1")
    settle()
    assert [state(1), state(2)] == [SETTLED, ("failed", "failed", "source_ref_reused")]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_nobody_takes_the_key_of_anothers_commission(order):
    bought(500)
    refs = {1: "SALE", 2: "SALE_COMMISSION"}
    answers = {number: succeeded(number, 100, sourceRef=refs[number]) for number in order}
    settle()
    assert (answers, state(1), state(2)) == ({1: 202, 2: 400}, SETTLED, None)


def test_a_purchase_whose_key_was_taken_is_kept_for_admins_and_does_not_vanish():
    bought(500)
    succeeded(1, 100, sourceRef="PURCHASE_p7")
    settle()
    send("tokens.purchased", purchase(7, 1000), "msg_p7")
    settle()
    row = collection(WebhookDelivery).find_one({"_id": "payments/msg_p7"})
    assert (row["status"], row["error"], row["processed_at"]) == ("conflict", "source_ref_reused", NOW)
    assert balance(f"user:{BOB}") == 400
    assert settle().handled == 0
