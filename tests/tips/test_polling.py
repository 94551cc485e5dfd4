"""Tips whose transfers somebody else posts are settled once, when the ledger proves them, and looked at more
and more rarely until it does."""

import threading
from datetime import timedelta

import pytest
from pymongo.errors import PyMongoError

from ground.clock import iso
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import client, collection
from ground.mongodb.transactions import NotCommitted
from ledger import gateway
from ledger.gateway import user_account
from ledger.models import Account, Posting
from lovense.models import Activation
from tests.chain import Chain
from tests.factories import NOW
from tests.remote import SECOND, RemoteLedger, remote
from tests.tips.calls import (
    ANA,
    BOB,
    SETTLED,
    WAITING,
    bought,
    cancelled,
    event,
    events,
    everything,
    found,
    request,
    settle,
    state,
    tip_id,
)
from tests.tips.looks import PATIENCE, doubt, look, posted, recorded, ref
from tips.models import ChainHead, QueueRequest, Tip, TipActivated
from tips.settlement import polling
from tips.settlement.writes import Drained

__all__ = ["remote"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven", "remote")]

ERROR = 8000


# --- once --------------------------------------------------------------------------------------------------


def test_a_tip_is_recorded_without_moving_anything_and_is_to_be_looked_at_now(remote):
    assert recorded() == Drained(1, set(), True)
    assert state() == WAITING
    assert (found()["looks"], found()["next_look_at"], found()["funding_until"]) == (0, NOW, None)
    assert [collection(model).count_documents({}) for model in (Account, Posting)] == [0, 0]
    assert remote.asked == []


def test_a_posted_tip_is_settled_with_the_ledgers_own_references_times_and_balances(remote):
    at = NOW + 3 * SECOND
    posted(remote, net=75, posted_at=at)
    recorded(commission=25)
    assert look(NOW + 5 * SECOND) == Drained(1, {ANA})
    assert state() == SETTLED
    assert event()["payload"]["ledger"] == {
        "transactionId": tip_id(1),
        "sourceBalance": {"before": 500, "after": 400, "change": -100},
        "recipientBalance": {"before": 1000, "after": 1075, "change": 75},
        "ledgerId": f"rrr_entry_{ref()}_0",
        "sourceRef": ref(),
        "debitRef": f"rrr_entry_{ref()}_0",
        "creditRef": f"rrr_entry_{ref()}_1",
        "status": "SETTLED",
        "postedAt": iso(at),
    }
    assert request()["payload"] == event()["payload"]
    assert (found()["settled_at"], found()["next_look_at"]) == (at, None)
    assert [collection(model).count_documents({}) for model in (Account, Posting)] == [0, 0]


def test_a_ledger_with_one_entry_gives_no_refs_and_one_balance(remote):
    remote.entry(ref(), user_account(BOB), -100, before=500)
    recorded()
    look()
    ledger = event()["payload"]["ledger"]
    assert (ledger["ledgerId"], ledger["debitRef"], ledger["creditRef"]) == (
        f"rrr_entry_{ref()}_0",
        None,
        None,
    )
    assert ledger["sourceBalance"] == {"before": 500, "after": 400, "change": -100}
    assert "recipientBalance" not in ledger


def test_the_ledger_is_asked_about_both_members_and_from_a_day_before_the_tip(remote, monkeypatch):
    asked = []
    monkeypatch.setattr(
        RemoteLedger,
        "entries_for",
        lambda self, ref, *, accounts, since: asked.append((ref, accounts, since)) or [],
    )
    recorded(sourceRef="SALE.7")
    look()
    assert asked == [("SALE.7", (f"user:{BOB}", f"performer:{ANA}"), NOW - timedelta(days=1))]


def test_the_tips_of_a_round_are_asked_for_at_once_and_outside_of_any_transaction(remote):
    meeting = threading.Barrier(polling.THREADS)
    opened = []

    def meet(_):
        meeting.wait(10)
        opened.append(client().admin.command("serverStatus")["transactions"]["currentOpen"])

    for number in range(1, polling.THREADS + 1):
        posted(remote, number)
        recorded(number)
    remote.when_asked = meet
    assert look().handled == polling.THREADS
    assert opened == [0] * polling.THREADS
    assert len(events()) == polling.THREADS


def test_a_round_is_bounded_in_tips_and_in_time(remote, monkeypatch):
    for number in (1, 2, 3):
        recorded(number)
    assert look(limit=2).handled == 2
    monkeypatch.setattr(polling, "BUDGET_SECONDS", -1)
    assert look() == Drained()
    assert (len(remote.asked), [found(number)["looks"] for number in (1, 2, 3)]) == (2, [1, 1, 0])


def test_nothing_to_look_at_is_nothing():
    assert look() == Drained()


def test_what_was_bought_is_the_ledgers_business():
    bought(500)
    settle()
    assert [row["status"] for row in collection(WebhookDelivery).find()] == ["ignored"]
    assert settle() == Drained()


# --- not posted yet ----------------------------------------------------------------------------------------


def test_the_looks_grow_rare_and_end_after_two_days(remote):
    recorded()
    looks, now = [], NOW
    while found()["next_look_at"]:
        now = found()["next_look_at"]
        looks.append((now - NOW).total_seconds())
        look(now)
        assert state() == WAITING
    assert looks[:12] == [0, 1, 3, 8, 18, 48, 108, 228, 528, 1428, 5028, 8628]
    assert (looks[-1], len(looks)) == (PATIENCE.total_seconds(), 58)
    assert (doubt(), found()["looks"]) == ("not_posted", 58)
    assert look(NOW + 2 * PATIENCE) == Drained()


@pytest.mark.parametrize("side", [0, 1])
def test_an_entry_without_its_time_is_not_posted(remote, side):
    posted(remote)
    entries = remote.entries[ref()]
    one = entries[side]
    entries[side] = gateway.PostedEntry(
        one.entry_id, one.account, one.source_ref, one.points_delta, 0, None, one.kind
    )
    recorded()
    look()
    assert (state(), event(), doubt()) == (WAITING, None, "")
    entries[side] = one
    look(NOW + SECOND)
    assert state() == SETTLED


def test_a_tip_settles_on_the_very_last_look(remote):
    recorded()
    collection(Tip).update_one({}, {"$set": {"next_look_at": NOW + PATIENCE}})
    posted(remote, posted_at=NOW + PATIENCE)
    look(NOW + PATIENCE)
    assert state() == SETTLED


MINUTES = timedelta(minutes=1)
LATE = ("expired", "too_late")


@pytest.mark.parametrize(
    ("posted_at", "seen_at", "outcome"),
    [
        (NOW + 15 * MINUTES, NOW + 15 * MINUTES, ("dispatched", "")),
        (NOW + 16 * MINUTES, NOW + 16 * MINUTES, LATE),
        (NOW + SECOND, NOW + 60 * MINUTES, LATE),
    ],
    ids=["in time", "posted late", "seen late"],
)
def test_what_was_settled_late_is_logged_and_never_played(remote, ana, bob, posted_at, seen_at, outcome):
    """Over the whole chain; seen late: the ledger could not be asked for an hour."""
    chain = Chain(ana)
    chain.publish_menu()
    tip = chain.deliver(bob, 100)
    settle()
    remote.post(f"TIP_{tip}", bob.user_id, ana.performer_id, 100, posted_at=posted_at)
    look(seen_at)
    assert collection(TipActivated).count_documents({"_id": tip}) == 1
    chain.now = seen_at
    chain.hold()
    chain.dispatch()
    assert [(row["status"], row["reason"]) for row in collection(Activation).find()] == [outcome]


# --- repeated, concurrent, crashed -------------------------------------------------------------------------


def test_looking_again_at_what_is_settled_changes_nothing(remote):
    posted(remote)
    recorded()
    look()
    before = everything()
    assert look(NOW + PATIENCE) == Drained()
    collection(Tip).update_one({}, {"$set": {"next_look_at": NOW}})
    look(NOW + SECOND)
    assert everything() | {"Tip": []} == before | {"Tip": []}
    assert found() == before["Tip"][0] | {"next_look_at": None}


def test_a_delivery_handed_out_twice_changes_nothing(remote):
    posted(remote)
    recorded()
    look()
    before = everything()
    collection(WebhookDelivery).update_many({}, {"$set": {"status": "received"}})
    settle()
    assert everything() == before


def test_looks_in_eight_threads_settle_each_tip_once(remote, in_threads):
    numbers = range(1, 31)
    for number in numbers:
        posted(remote, number)
        recorded(number)
    in_threads(lambda: look(limit=10), times=24)
    while look().handled:
        pass
    assert sorted(events()) == list(numbers)
    assert [row["sequence"] for row in collection(TipActivated).find().sort("sequence", 1)] == list(numbers)
    assert {request(number)["status"] for number in numbers} == {"pending"}


def test_a_cancellation_and_a_look_at_once_have_one_outcome(remote, in_threads):
    for number in range(1, 7):
        posted(remote, number)
        recorded(number)
        cancelled(number)
        works = [settle, look] * 2
        in_threads(lambda works=works: works.pop()(), times=4, workers=4)
        settle()
        assert state(number)[1] in ("settled", "cancelled")
        assert (event(number) is not None) == (state(number)[1] == "settled")
        assert doubt(number) in ("cancelled_after_settlement", "posted_although_cancelled", "")
        assert doubt(number) == "cancelled_after_settlement" if state(number)[1] == "settled" else True


@pytest.mark.parametrize(
    ("command", "where"),
    [
        ("update", Tip),
        ("update", ChainHead),
        ("insert", TipActivated),
        ("insert", QueueRequest),
        ("commitTransaction", None),
    ],
)
def test_an_error_at_any_write_leaves_nothing_and_the_next_round_settles_once(
    remote, fail_command, command, where
):
    for number in (1, 2):
        posted(remote, number)
        recorded(number)
    before = everything()
    place = {"namespace": f"{collection(Tip).database.name}.{where._meta.db_table}"} if where else {}
    fail_command(command, errorCode=ERROR, **place)
    with pytest.raises((PyMongoError, NotCommitted)):
        look()
    assert everything() == before
    look()
    assert sorted(events()) == [1, 2]
    assert (request(1)["status"], request(2)["status"]) == ("pending", "pending")


def test_event_request_and_tip_are_one_transaction(remote):
    posted(remote)
    recorded()
    look()
    database = collection(Tip).database.name
    (written,) = (
        client()
        .local["oplog.rs"]
        .find({"o.applyOps.ns": f"{database}.queue_requests"})
        .sort("$natural", -1)
        .limit(1)
    )
    names = {operation["ns"].removeprefix(f"{database}.") for operation in written["o"]["applyOps"]}
    turn = {"journal", "journal_state"}
    assert names == turn | {"tips", "tip_activated_event_log", "tip_activated_chain_head", "queue_requests"}
