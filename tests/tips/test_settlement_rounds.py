"""Rounds of settlement that overlap, or die at any write, leave each tip settled once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from pymongo.errors import PyMongoError

from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import client, collection
from ground.mongodb.transactions import CommitUnknown, NotCommitted
from ledger.models import Account, Posting
from tests.factories import NOW
from tests.ground.plans import recorded
from tests.tips.calls import (
    ANA,
    BOB,
    SETTLED,
    TICK,
    WAITING,
    balance,
    bought,
    deliveries,
    events,
    everything,
    request,
    settle,
    state,
    succeeded,
    tip_id,
)
from tips.models import ChainHead, QueueRequest, Tip, TipActivated
from tips.settlement import settlement, writes
from tips.settlement.writes import Drained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven")]

ERROR = 8000  # of the server, and not one that says "again"


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
    rows = inbox.waiting(("payments",), now=NOW, limit=9)
    assert settlement.settle(rows, now=NOW).handled == 2
    succeeded(2, 100)
    later = inbox.waiting(("payments",), now=NOW, limit=9)
    assert settlement.settle(rows + later, now=NOW + TICK) == Drained(1, {ANA})
    assert settlement.settle(rows, now=NOW + TICK) == Drained(0, set())
    moments = {row["_id"]: row["processed_at"] for row in collection(WebhookDelivery).find()}
    assert [moments[row["_id"]] for row in rows + later] == [NOW, NOW, NOW + TICK]
    assert events() == [1, 2]


def test_where_another_process_has_moved_the_chain_on_the_next_row_follows_its_rows(monkeypatch):
    bought(500)
    for number in (1, 2):
        succeeded(number, 100)
        settle()
        if number == 1:
            seen = writes._head
    monkeypatch.setattr(writes, "_head", seen)
    succeeded(3, 100)
    settle()
    assert [row["_id"] for row in collection(TipActivated).find().sort("sequence", 1)] == [
        tip_id(n) for n in (1, 2, 3)
    ]
    assert writes._head["sequence"] == 3


def test_two_processes_that_take_turns_make_one_chain(monkeypatch):
    bought(5_000)
    ends = [{}, {}]
    for number in range(1, 9):
        monkeypatch.setattr(writes, "_head", ends[number % 2])
        succeeded(number, 100)
        settle()
        ends[number % 2] = writes._head
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
    assert settle() == Drained(3, {ANA})
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
