"""Facts 2 and 3: a delivery becomes a settled tip with its one event and its request, or a tip that is not
settled, and why."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pymongo.errors import PyMongoError

from ground.clock import iso
from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import client, collection
from ground.mongodb.transactions import CommitUnknown, NotCommitted
from ledger import gateway
from ledger.models import Account, Posting
from tests.factories import NOW, fund
from tests.ground.plans import recorded
from tests.tips.calls import (
    ANA,
    BOB,
    CAROL,
    ENDS,
    EVE,
    GRACE,
    NO_FUNDS,
    SETTLED,
    WAITING,
    balance,
    bought,
    cancelled,
    event,
    events,
    everything,
    failed,
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
from tips.models import ChainHead, QueueRequest, Tip, TipActivated
from tips.settlement import settlement

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven")]

ERROR = 8000  # of the server, and not one that says "again"
TICK = timedelta(milliseconds=1)


def end_grace(now, limit=200):
    return settlement.end_grace(now=now, limit=limit)


def deliveries():
    return Counter(row["status"] for row in collection(WebhookDelivery).find())


# --- once --------------------------------------------------------------------------------------------------


def test_a_paid_tip_moves_its_tokens_and_is_split():
    bought(500)
    succeeded(1, 100, commission=25)
    assert settle() == settlement.Drained(2, {ANA})
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
    assert settle() == end_grace(NOW) == settlement.Drained(0, set())


def test_a_balance_that_json_readers_do_not_hold_is_left_out():
    """Of books of before, or of another ledger."""
    entries = [
        gateway.PostedEntry("e:debit", f"user:{BOB}", "e", -5, 2**53, NOW, "TRANSFER_OUT"),
        gateway.PostedEntry("e:credit", f"performer:{ANA}", "e", 5, 2**53 - 1, NOW, "TRANSFER_IN"),
    ]
    assert settlement._balance(entries, f"user:{BOB}") is None
    assert settlement._balance(entries, f"performer:{ANA}").after == 2**53 - 1


# --- repeated ----------------------------------------------------------------------------------------------


def test_settling_again_changes_nothing():
    bought(500)
    succeeded()
    settle()
    before = everything()
    assert settle(NOW + GRACE) == settlement.Drained(0, set())
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


# --- concurrent --------------------------------------------------------------------------------------------


def test_drains_in_eight_threads_settle_each_tip_once(in_threads):
    bought(10_000)
    numbers = range(1, 31)
    for number in numbers:
        succeeded(number, 10 + number)
    in_threads(lambda: settle(limit=7), times=16)
    while settle().handled:
        pass
    assert sorted(events()) == list(numbers)
    assert {state(number) for number in numbers} == {SETTLED}
    assert balance(f"user:{BOB}") == 10_000 - sum(10 + number for number in numbers)
    assert [row["sequence"] for row in collection(TipActivated).find().sort("sequence", 1)] == list(numbers)


def test_the_very_first_two_drains_at_once(in_threads):
    """No account, no head of the chain: both drains open them."""
    bought(500)
    succeeded(1)
    in_threads(settle, times=2, workers=2)
    assert (state(), events(), collection(ChainHead).count_documents({})) == (SETTLED, [1], 1)


def came(at):
    """What the inbox holds came then: the doors have no clock but the real one."""
    collection(WebhookDelivery).update_many({"status": "received"}, {"$set": {"received_at": at}})


@pytest.mark.parametrize("ends_first", [False, True], ids=["any", "the end first"])
def test_tokens_that_came_in_time_and_the_end_of_grace_at_once_settle_the_tip(in_threads, ends_first):
    """However late we are with them."""
    for number in range(1, 6):
        succeeded(number, 100)
        settle()
        bought(100)
        came(NOW + GRACE - TICK)
        if ends_first:
            assert end_grace(NOW + GRACE) == settlement.Drained()
        works = [lambda: settle(NOW + GRACE), lambda: end_grace(NOW + GRACE)] * 2
        in_threads(lambda works=works: works.pop()(), times=4, workers=4)
        assert (state(number), event(number) is not None) == (SETTLED, True)
        assert request(number)["status"] == "pending"
    assert balance(f"user:{BOB}") == 0


def test_tokens_that_came_after_the_grace_and_its_end_at_once_have_one_outcome(in_threads):
    for round_number in range(1, 6):
        succeeded(round_number, 100)
        settle()
        bought(100)
        came(NOW + GRACE)
        works = [lambda: settle(NOW + GRACE), lambda: end_grace(NOW + GRACE)] * 2
        in_threads(lambda works=works: works.pop()(), times=4, workers=4)
        settle(NOW + GRACE)
        assert state(round_number) in (SETTLED, NO_FUNDS)
        assert (event(round_number) is not None) == (state(round_number) == SETTLED)
        if state(round_number) == NO_FUNDS:
            succeeded(100 + round_number, 100)  # spends what came too late, so that every round begins alike
            settle()
    assert balance(f"user:{BOB}") == 0


@pytest.mark.parametrize("first", ["tokens", "tip"])
def test_a_round_that_brings_tokens_and_one_that_misses_them_see_each_other(fail_command, first):
    """Each begins before the other has ended. Without a common row to write, the tip would wait for tokens
    that are there."""
    _, model = (bought(100), Posting) if first == "tokens" else (succeeded(1, 100), Tip)
    began = client().admin.command({"configureFailPoint": "failCommand", "mode": "off"})["count"]
    fail_command("insert", blockConnection=True, blockTimeMS=400, **place(model))
    with ThreadPoolExecutor(1) as pool:
        drained = pool.submit(settle)
        client().admin.command(
            {"waitForFailPoint": "failCommand", "timesEntered": began + 1, "maxTimeMS": 5000}
        )
        rows = list(collection(WebhookDelivery).find({"status": "received"}))
        _ = succeeded(1, 100) if first == "tokens" else bought(100)
        others = [row for row in collection(WebhookDelivery).find({"status": "received"}) if row not in rows]
        settlement.settle(others, now=NOW)
        drained.result(10)
    assert state() == SETTLED


def test_a_delivery_is_processed_in_one_round(in_threads):
    """Two rounds were handed the same deliveries: the second begins again without them."""
    bought(500)
    succeeded(1, 100)
    rows = settlement.inbox.waiting(("payments",), now=NOW, limit=9)
    assert settlement.settle(rows, now=NOW).handled == 2
    succeeded(2, 100)
    later = settlement.inbox.waiting(("payments",), now=NOW, limit=9)
    assert settlement.settle(rows + later, now=NOW + TICK) == settlement.Drained(1, {ANA})
    assert settlement.settle(rows, now=NOW + TICK) == settlement.Drained(0, set())
    moments = {row["_id"]: row["processed_at"] for row in collection(WebhookDelivery).find()}
    assert [moments[row["_id"]] for row in rows + later] == [NOW, NOW, NOW + TICK]
    assert events() == [1, 2]


def test_where_another_process_has_moved_the_chain_on_the_next_row_follows_its_rows(monkeypatch):
    bought(500)
    for number in (1, 2):
        succeeded(number, 100)
        settle()
        if number == 1:
            seen = settlement._head
    monkeypatch.setattr(settlement, "_head", seen)
    succeeded(3, 100)
    settle()
    assert [row["_id"] for row in collection(TipActivated).find().sort("sequence", 1)] == [
        tip_id(n) for n in (1, 2, 3)
    ]
    assert settlement._head["sequence"] == 3


def test_two_processes_that_take_turns_make_one_chain(monkeypatch):
    bought(5_000)
    ends = [{}, {}]
    for number in range(1, 9):
        monkeypatch.setattr(settlement, "_head", ends[number % 2])
        succeeded(number, 100)
        settle()
        ends[number % 2] = settlement._head
    assert [row["sequence"] for row in collection(TipActivated).find().sort("sequence", 1)] == list(
        range(1, 9)
    )


def test_a_round_of_which_one_tip_is_known_settles_the_others_once():
    """Nobody looked whether they were new; a key said that one was not."""
    bought(500)
    succeeded(1, 100)
    settle()
    collection(WebhookDelivery).update_one(
        {"subject": f"tip.succeeded/{tip_id(1)}"}, {"$set": {"status": "received"}}
    )
    for number in (2, 3):
        succeeded(number, 100)
    assert settle() == settlement.Drained(3, {ANA})
    assert (events(), balance(f"user:{BOB}")) == ([1, 2, 3], 200)


def test_a_round_of_new_tips_reads_their_deliveries_and_accounts_and_nothing_else():
    bought(500)
    succeeded(1, 100)
    settle()
    for number in (2, 3):
        succeeded(number, 100)
    with recorded() as plans:
        settle()
    assert [(plan.command, plan.collection) for plan in plans] == [
        ("find", "webhook_deliveries"),
        ("findAndModify", "journal_state"),
        ("find", "ledger_accounts"),
        ("update", "ledger_accounts"),
        ("update", "tip_activated_chain_head"),
        ("update", "webhook_deliveries"),
        ("update", "journal"),  # what the turn has touched
    ]


# --- crashed -----------------------------------------------------------------------------------------------

WRITES = [
    ("update", Account),
    ("insert", "ledger_postings"),
    ("insert", Tip),
    ("update", Tip),
    ("update", ChainHead),
    ("insert", TipActivated),
    ("insert", QueueRequest),
    ("update", WebhookDelivery),
    ("commitTransaction", None),
]


@pytest.fixture
def one_waits_one_comes():
    """Tip 1 waits for its tokens; the tokens, and a tip 2, are delivered: the next round makes every kind of
    write."""
    bought(100)
    succeeded(1, 300)
    settle()
    assert state(1) == WAITING
    bought(600)
    succeeded(2, 200)


def place(where):
    name = where if isinstance(where, str) else where._meta.db_table
    return {"namespace": f"{collection(Tip).database.name}.{name}"}


def both_are_settled_once():
    assert (state(1), state(2)) == (SETTLED, SETTLED)
    assert events() == [1, 2]
    assert (request(1)["status"], request(2)["status"]) == ("pending", "pending")
    assert (balance(f"user:{BOB}"), balance(f"performer:{ANA}"), balance("platform:commission")) == (
        200,
        375,
        125,
    )
    assert deliveries() == {"processed": 4}


@pytest.mark.parametrize(("command", "where"), WRITES)
def test_an_error_at_any_write_leaves_nothing_and_the_next_round_settles_once(
    one_waits_one_comes, fail_command, command, where
):
    before = everything()
    fail_command(command, errorCode=ERROR, **(place(where) if where else {}))
    with pytest.raises((PyMongoError, NotCommitted)):
        settle()
    assert everything() == before
    settle()
    both_are_settled_once()


@pytest.mark.parametrize(("command", "where"), [WRITES[1], WRITES[4], WRITES[5], WRITES[8]])
def test_an_error_in_a_round_of_new_tips_leaves_nothing_and_the_next_round_settles_once(
    fail_command, command, where
):
    bought(600)
    succeeded(1, 100)
    settle()
    succeeded(2, 100)
    before = everything()
    fail_command(command, errorCode=ERROR, **(place(where) if where else {}))
    with pytest.raises((PyMongoError, NotCommitted)):
        settle()
    assert everything() == before
    settle()
    assert (events(), balance(f"user:{BOB}")) == ([1, 2], 400)


@pytest.mark.parametrize(("command", "where"), [WRITES[0], WRITES[2], WRITES[6], WRITES[8]])
def test_a_connection_lost_at_any_write_is_taken_up_at_once(
    one_waits_one_comes, fail_command, command, where
):
    fail_command(command, closeConnection=True, **(place(where) if where else {}))
    settle()
    both_are_settled_once()


LOST = {"writeConcernError": {"code": 64, "errmsg": "the answer is lost"}}  # the commit itself is done


def test_a_commit_whose_answer_is_lost_once_is_asked_for_again(one_waits_one_comes, fail_command):
    fail_command("commitTransaction", **LOST)
    settle()
    both_are_settled_once()


def test_a_commit_whose_answer_never_comes_is_found_by_the_next_round(one_waits_one_comes, fail_command):
    fail_command("commitTransaction", times=50, **LOST)
    with pytest.raises(CommitUnknown):
        settle()
    fail_command("commitTransaction", times=0)
    settle()
    both_are_settled_once()


def test_a_session_killed_in_the_middle_leaves_nothing_and_the_next_round_settles_once(
    one_waits_one_comes, fail_command
):
    """The server ends the transaction while it waits between its writes."""
    before = everything()
    began = client().admin.command({"configureFailPoint": "failCommand", "mode": "off"})["count"]
    fail_command("insert", blockConnection=True, blockTimeMS=5000, **place(TipActivated))
    with ThreadPoolExecutor(1) as pool:
        drained = pool.submit(settle)
        client().admin.command(
            {"waitForFailPoint": "failCommand", "timesEntered": began + 1, "maxTimeMS": 5000}
        )
        client().admin.command({"killAllSessions": []})
        with pytest.raises(PyMongoError):
            drained.result(5)
    assert everything() == before
    settle()
    both_are_settled_once()


# --- tokens that come later --------------------------------------------------------------------------------


def test_a_tip_before_its_tokens_waits_without_any_effect():
    succeeded(1, 100)
    assert settle() == settlement.Drained(1, set())
    assert state() == WAITING
    assert found()["funding_until"] == NOW + GRACE
    assert (event(), request(), collection(Account).count_documents({})) == (None, None, 0)


def test_it_settles_when_its_tokens_arrive():
    succeeded(1, 100)
    settle()
    bought(99)
    assert settle().performers == set()
    assert state() == WAITING
    bought(1)
    assert settle(NOW + timedelta(seconds=9)).performers == {ANA}
    assert state() == SETTLED
    assert found()["funding_until"] is None
    assert event()["payload"]["createdAt"] == iso(NOW)
    assert event()["payload"]["settlement"]["settledAt"] == iso(NOW + timedelta(seconds=9))


def test_tokens_that_come_in_the_same_round_are_there():
    succeeded(1, 100)
    bought(100)
    settle()
    assert state() == SETTLED


def test_somebody_elses_tokens_wake_nobody():
    succeeded(1, 100)
    settle()
    bought(1000, user=EVE)
    settle()
    assert state() == WAITING


def test_the_tip_that_waited_longest_is_served_first():
    for number in (3, 1, 2):
        succeeded(number, 100)
        settle(NOW + number * TICK if number != 3 else NOW)
    bought(200)
    settle()
    assert events() == [3, 1]
    assert state(2) == WAITING


def test_grace_lasts_to_its_end_and_no_longer(settings):
    succeeded(1, 100)
    settle()
    assert end_grace(NOW + GRACE - TICK).handled == 0
    assert state() == WAITING
    assert end_grace(NOW + GRACE).handled == 1
    assert state() == NO_FUNDS
    assert end_grace(NOW + GRACE * 2).handled == 0


@pytest.mark.parametrize("waits", ["its tokens", "somebody else's", "another tip", "its cancellation"])
def test_a_grace_does_not_end_before_all_is_processed_that_came_in_time(waits):
    """The worker was away: nothing that waits was looked at, so nothing is known of it."""
    succeeded(1, 100)
    settle()
    {
        "its tokens": lambda: bought(100),
        "somebody else's": lambda: bought(100, user=EVE),
        "another tip": lambda: succeeded(2, 100),
        "its cancellation": cancelled,
    }[waits]()
    came(NOW + GRACE - TICK)
    late = NOW + 10 * GRACE
    assert (end_grace(late), state()) == (settlement.Drained(), WAITING)
    settle(late)
    end_grace(late)
    assert state() == {"its tokens": SETTLED, "its cancellation": ENDS[0][1]}.get(waits, NO_FUNDS)


def test_a_round_with_some_tokens_does_not_end_a_grace_for_which_the_next_round_has_the_rest():
    succeeded(1, 100)
    settle()
    for tokens in (10, 90):
        bought(tokens)
    came(NOW + GRACE - TICK)
    late = NOW + 10 * GRACE
    settle(late, limit=1)
    assert (state(), end_grace(late)) == (WAITING, settlement.Drained())
    settle(late, limit=1)
    assert state() == SETTLED


def test_what_came_when_the_grace_was_over_does_not_keep_it_open():
    succeeded(1, 100)
    settle()
    bought(100)
    came(NOW + GRACE)
    end_grace(NOW + GRACE)
    assert state() == NO_FUNDS


def test_tokens_after_the_grace_stay_with_the_viewer():
    succeeded(1, 100)
    settle()
    end_grace(NOW + GRACE)
    bought(500)
    settle(NOW + GRACE)
    assert (state(), event(), balance(f"user:{BOB}")) == (NO_FUNDS, None, 500)


def test_the_last_look_settles_what_was_not_looked_at(settings):
    settings.DRAIN_LIMIT = 1
    for number in (1, 2):
        succeeded(number, 100)
    settle()
    bought(200)
    settle()
    assert (state(1), state(2)) == (SETTLED, WAITING)
    assert end_grace(NOW + GRACE).performers == {ANA}
    assert state(2) == SETTLED


def test_the_last_look_serves_first_who_waited_longest(bob):
    """Tokens that a reversal gave back, say: they wake nobody, and are not enough for both."""
    for number in (3, 1, 2):
        succeeded(number, 100)
        settle(NOW + number * TICK if number != 3 else NOW)
    fund(bob, 100)
    end_grace(NOW + GRACE * 2)
    assert [state(number) for number in (3, 1, 2)] == [SETTLED, NO_FUNDS, NO_FUNDS]


def test_a_grace_of_nothing_ends_at_the_next_look(settings):
    settings.TIP_FUNDING_GRACE_SECONDS = 0
    succeeded(1, 100)
    settle()
    end_grace(NOW)
    assert state() == NO_FUNDS


def test_tokens_are_not_spent_twice():
    bought(150)
    for number in (1, 2):
        succeeded(number, 100)
    settle()
    assert [state(1), state(2)] == [SETTLED, WAITING]
    assert balance(f"user:{BOB}") == 50


# --- cancelled and failed by the platform, in any order ----------------------------------------------------


@pytest.mark.parametrize(("ends", "ended"), ENDS)
@pytest.mark.parametrize("rounds", [1, 2], ids=["one round", "two rounds"])
def test_an_end_before_the_success_holds(ends, ended, rounds):
    bought(500)
    ends()
    if rounds == 2:
        settle()
    succeeded()
    settle()
    assert (state(), event(), balance(f"user:{BOB}")) == (ended, None, 500)
    assert deliveries() == {"processed": 3}


@pytest.mark.parametrize(("ends", "ended"), ENDS)
def test_an_end_while_the_tip_waits_for_tokens_holds(ends, ended):
    succeeded()
    settle()
    ends()
    bought(500)
    settle()
    assert (state(), event(), found()["funding_until"]) == (ended, None, None)


@pytest.mark.parametrize(("ends", "ended"), ENDS)
def test_an_end_in_the_same_round_as_the_success_holds(ends, ended):
    bought(500)
    succeeded()
    ends()
    settle()
    assert (state(), event(), balance(f"user:{BOB}")) == (ended, None, 500)


@pytest.mark.parametrize(("ends", "ended"), ENDS)
def test_an_end_after_settlement_moves_nothing_because_settled_is_final_and_a_person_is_told(ends, ended):
    bought(500)
    succeeded()
    settle()
    before = [found(), event(), request(), balance(f"user:{BOB}")]
    ends()
    settle()
    before[0]["needs_reconciliation"] = f"{ended[0]}_after_settlement"
    assert [found(), event(), request(), balance(f"user:{BOB}")] == before


def test_of_two_ends_the_first_holds():
    cancelled()
    failed()
    settle()
    assert state() == ENDS[0][1]


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


# --- what cannot be processed ------------------------------------------------------------------------------


def poison(key="payments/poison", position=1):
    row = {
        "_id": key,
        "source": "payments",
        "event_type": "tip.succeeded",
        "subject": f"tip.succeeded/{key}",
        "fingerprint": "x",
        "body": b"{",
        "status": "received",
        "position": position,
        "received_at": NOW,
        "processed_at": None,
        "attempts": 0,
        "error": "",
    }
    collection(WebhookDelivery).insert_one(row)


def test_a_delivery_that_cannot_be_processed_holds_up_nobody(caplog):
    poison(position=1)
    bought(500)
    succeeded(1)
    poison("payments/other", position=2**62)
    succeeded(2)
    assert settle() == settlement.Drained(3, {ANA})
    assert [state(1), state(2)] == [SETTLED, SETTLED]
    row = collection(WebhookDelivery).find_one({"_id": "payments/poison"})
    assert (row["status"], row["attempts"], row["error"]) == ("received", 1, "Malformed")
    assert {record.msg for record in caplog.records} == {"settlement_failed"}


def test_however_many_cannot_be_processed_the_others_are_settled_and_those_leave_the_line():
    """More than a round takes."""
    for number in range(9):
        poison(f"payments/{number}", position=time.time_ns())
    bought(500)
    succeeded(1)
    now, rounds = NOW, 0
    while inbox.oldest(("payments",)):
        settle(now, limit=4)
        now += timedelta(seconds=1)
        rounds += 1
        assert rounds < 400
        if rounds == 5:
            assert state(1) == SETTLED
    assert inbox.count_set_aside(limit=99) == 9


def test_alone_it_is_counted_and_the_round_says_that_nothing_was_done():
    poison()
    assert [settle(NOW + n * timedelta(minutes=1)).handled for n in range(3)] == [0, 0, 0]
    assert collection(WebhookDelivery).find_one()["attempts"] == 3
    succeeded(1)
    bought(500)
    settle()
    assert state(1) == SETTLED


def broken(number):
    """A waiting tip whose tokens came and which nothing can settle: no event may be made of it."""
    succeeded(number, 100)
    settle()
    collection(Tip).update_one({"_id": tip_id(number)}, {"$set": {"type": "gift"}})


def test_a_tip_that_cannot_be_ended_holds_up_no_other(caplog, bob):
    for number in (1, 3):
        succeeded(number, 100)
        settle()
    broken(2)
    fund(bob, 300)  # past the inbox: wakes nobody
    assert end_grace(NOW + GRACE) == settlement.Drained(2, {ANA})
    assert [state(number) for number in (1, 2, 3)] == [SETTLED, WAITING, SETTLED]
    assert [record.tip_id for record in caplog.records if record.msg == "grace_not_ended"] == [tip_id(2)]
    assert [found(number)["needs_reconciliation"] for number in (1, 2, 3)] == ["", "not_ended", ""]


def test_it_lets_others_go_first_and_ends_when_it_can(bob):
    broken(1)
    succeeded(2, 10_000)
    settle(NOW + TICK)
    fund(bob, 100)
    later = NOW + GRACE + TICK
    assert [end_grace(later, limit=1).handled for _ in range(3)] == [0, 1, 0]
    assert (state(1), state(2)) == (WAITING, NO_FUNDS)
    collection(Tip).update_one({"_id": tip_id(1)}, {"$set": {"type": "tip"}})
    assert end_grace(later + settlement.POSTPONED).performers == {ANA}
    assert state(1) == SETTLED


def test_an_event_is_never_born_from_anything_but_a_successful_tip():
    for change in ({"type": "gift"}, {"status": "pending"}):
        succeeded(1, 100)
        settle()
        collection(Tip).update_one({}, {"$set": change})
        bought(500)
        settle()
        assert (event(), request(), balance(f"user:{BOB}")) == (None, None, 0)


# --- anything in any order ---------------------------------------------------------------------------------

NUMBERS = st.sampled_from([1, 2, 3])
STEPS = st.one_of(
    st.tuples(st.just("succeeded"), NUMBERS),
    st.tuples(st.just("cancelled"), NUMBERS),
    st.tuples(st.just("failed"), NUMBERS),
    st.tuples(st.just("bought"), st.sampled_from([50, 100, 150])),
    st.tuples(st.just("settle"), st.sampled_from([1, 200])),
    st.tuples(st.just("end_grace"), st.just(0)),
)
_world = iter(range(1, 10**6))


@hypothesis(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=3, max_size=14))
def test_in_whatever_order_facts_arrive_a_tip_ends_once_and_the_event_is_there_exactly_when_it_is_settled(
    steps,
):
    base = next(_world) * 10
    user, now, tokens = f"{base:024x}", NOW, 0
    for step, value in steps:
        now += timedelta(seconds=7)
        if step == "bought":
            bought(value, user=user)
            tokens += value
        elif step == "settle":
            settle(now, limit=value)
        elif step == "end_grace":
            end_grace(now + GRACE)
        else:
            {"succeeded": succeeded, "cancelled": cancelled, "failed": failed}[step](
                base + value, tipper=user, performer=CAROL
            )
    while settle(now).handled:
        pass
    end_grace(now + GRACE * 2)
    mentioned = {base + value for step, value in steps if step in ("succeeded", "cancelled", "failed")}
    states = {number: state(number) for number in mentioned}
    assert all(found_state[1] in ("settled", "cancelled", "failed") for found_state in states.values())
    settled = {number for number, found_state in states.items() if found_state == SETTLED}
    assert (
        {number for number in mentioned if event(number)}
        == {number for number in mentioned if request(number)}
        == settled
    )
    assert balance(f"user:{user}") == tokens - 100 * len(settled) >= 0
