"""Tips whose transfers somebody else posts: settled once the ledger proves them; else looked at again, or
shown to a person."""

import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pymongo.errors import PyMongoError

from ground.clock import iso
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import client, collection
from ground.mongodb.transactions import NotCommitted
from ledger import gateway
from ledger.gateway import REVERSAL, LedgerError, performer_account, user_account
from ledger.models import Account, Posting
from lovense.models import Activation
from tests.chain import Chain
from tests.factories import NOW
from tests.remote import SECOND, RemoteLedger, World, remote
from tests.tips.calls import (
    ANA,
    BOB,
    CAROL,
    ENDS,
    EVE,
    GRACE,
    REUSED,
    SETTLED,
    WAITING,
    bought,
    cancelled,
    event,
    events,
    everything,
    failed,
    found,
    request,
    settle,
    state,
    succeeded,
    tip_id,
)
from tips.models import ChainHead, QueueRequest, Tip, TipActivated
from tips.settlement import polling, settlement

__all__ = ["remote"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven", "remote")]

ERROR = 8000
PATIENCE = timedelta(hours=48)


def ref(number=1):
    return f"TIP_{tip_id(number)}"


def look(now=NOW, limit=200):
    return polling.drain(now=now, limit=limit)


def recorded(number=1, tokens=100, **more):
    succeeded(number, tokens, **more)
    return settle()


def posted(remote, number=1, tokens=100, **more):
    remote.post(ref(number), BOB, ANA, tokens, **more)


def doubt(number=1):
    return found(number)["needs_reconciliation"]


# --- once --------------------------------------------------------------------------------------------------


def test_a_tip_is_recorded_without_moving_anything_and_is_to_be_looked_at_now(remote):
    assert recorded() == settlement.Drained(1, set(), True)
    assert state() == WAITING
    assert (found()["looks"], found()["next_look_at"], found()["funding_until"]) == (0, NOW, None)
    assert [collection(model).count_documents({}) for model in (Account, Posting)] == [0, 0]
    assert remote.asked == []


def test_a_posted_tip_is_settled_with_the_ledgers_own_references_times_and_balances(remote):
    at = NOW + 3 * SECOND
    posted(remote, net=75, posted_at=at)
    recorded(commission=25)
    assert look(NOW + 5 * SECOND) == settlement.Drained(1, {ANA})
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
    assert look() == settlement.Drained()
    assert (len(remote.asked), [found(number)["looks"] for number in (1, 2, 3)]) == (2, [1, 1, 0])


def test_nothing_to_look_at_is_nothing():
    assert look() == settlement.Drained()


def test_what_was_bought_is_the_ledgers_business():
    bought(500)
    settle()
    assert [row["status"] for row in collection(WebhookDelivery).find()] == ["ignored"]
    assert settle() == settlement.Drained()


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
    assert look(NOW + 2 * PATIENCE) == settlement.Drained()


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


# --- contradictions ----------------------------------------------------------------------------------------

VIEWER, HERS = user_account(BOB), performer_account(ANA)
CONTRADICTIONS = {
    "reversed": [(VIEWER, -100, TRANSFER) for TRANSFER in ("TRANSFER_OUT",)] + [(VIEWER, 100, REVERSAL)],
    "too_many_entries": [(VIEWER, -100, ""), (HERS, 75, ""), (HERS, 25, "")],
    "same_sign": [(VIEWER, -100, ""), (VIEWER, -100, "")],
    "other_amount": [(VIEWER, -99, ""), (HERS, 99, "")],
    "other_party": [(user_account(EVE), -100, ""), (HERS, 100, "")],
}
MORE = {
    "more than was paid": ("other_amount", [(VIEWER, -100, ""), (HERS, 101, "")]),
    "one entry of one token": ("other_amount", [(VIEWER, -1, "")]),
    "less than she was promised, and nothing says what was paid": ("other_amount", [(HERS, 74, "")]),
    "more than was paid, and nothing says so": ("other_amount", [(HERS, 101, "")]),
    "to somebody else": ("other_party", [(VIEWER, -100, ""), (performer_account(CAROL), 100, "")]),
    "the other way round": ("other_amount", [(HERS, -100, ""), (VIEWER, 100, "")]),
}
CASES = {name: (name, entries) for name, entries in CONTRADICTIONS.items()} | MORE


@pytest.mark.parametrize("name", list(CASES))
def test_contradictory_entries_settle_nothing_and_are_shown_to_a_person(remote, name):
    reason, entries = CASES[name]
    for account, delta, kind in entries:
        remote.entry(ref(), account, delta, kind=kind)
    recorded()
    assert look() == settlement.Drained(1, set())
    assert (state(), doubt(), found()["next_look_at"], event(), request()) == (
        WAITING,
        reason,
        None,
        None,
        None,
    )
    assert look(NOW + PATIENCE) == settlement.Drained()


def test_a_balance_below_zero_is_no_part_of_an_event(remote):
    remote.entry(ref(), VIEWER, -100, before=50)
    recorded()
    look()
    assert (state(), doubt(), event()) == (WAITING, "invalid_event", None)


def test_what_the_ledger_keeps_back_on_the_way_to_the_performer_is_its_own_business(remote):
    posted(remote, net=74)
    recorded(commission=25)
    look()
    assert state() == SETTLED


@pytest.mark.parametrize("received", [75, 100])
def test_the_performers_entry_alone_proves_what_she_was_promised(remote, received):
    remote.entry(ref(), HERS, received)
    recorded(commission=25)
    look()
    assert state() == SETTLED
    ledger = event()["payload"]["ledger"]
    assert "sourceBalance" not in ledger
    assert ledger["recipientBalance"]["change"] == received


def test_a_viewer_who_performs_too_may_tip_herself_if_the_ledger_lets_her(remote):
    remote.post(ref(), ANA, ANA, 100)
    recorded(tipper=ANA)
    look()
    assert state() == SETTLED


def test_a_contradiction_that_was_solved_in_the_ledger_is_settled_when_the_ledger_says_so(remote):
    remote.entry(ref(), VIEWER, -100)
    remote.entry(ref(), VIEWER, -100)
    recorded()
    look()
    assert doubt() == "same_sign"
    del remote.entries[ref()][1]
    assert polling.look_again([ref()], now=NOW + SECOND) == 1
    look(NOW + SECOND)
    assert (state(), doubt()) == (SETTLED, "")


def heard(now):
    polling.look_again([ref()], now=now, settled_too=True)
    look(now)
    return doubt()


def test_a_settled_tips_doubt_goes_when_the_ledger_says_again_what_it_had_said(remote):
    posted(remote)
    recorded()
    look()
    remote.entry(ref(), HERS, 1)
    assert heard(NOW + SECOND) == "too_many_entries"
    remote.entries[ref()].pop()
    assert heard(NOW + 2 * SECOND) == ""
    remote.entries.clear()
    remote.entry(ref(), HERS, 1)
    assert heard(NOW + 3 * SECOND) == "other_amount"
    remote.entries.clear()  # and now it has lost the posting: nothing is solved
    assert heard(NOW + 4 * SECOND) == "other_amount"
    assert state() == SETTLED


@pytest.mark.parametrize("undone", ["reversed", "gone"])
@pytest.mark.parametrize("ends", [cancelled, failed])
def test_an_ended_tips_doubt_goes_when_its_posting_is_taken_back(remote, ends, undone):
    recorded()
    look()
    ends()
    settle()
    posted(remote)
    assert heard(NOW + SECOND).startswith("posted_although_")
    if undone == "gone":
        remote.entries.clear()
    else:
        remote.entry(ref(), VIEWER, 100, kind=REVERSAL)
    assert heard(NOW + 2 * SECOND) == ""


def test_what_the_platform_said_after_the_settlement_no_ledger_solves(remote):
    posted(remote)
    recorded()
    look()
    cancelled()
    settle()
    assert heard(NOW + SECOND) == "cancelled_after_settlement"


# --- a ledger that does not answer -------------------------------------------------------------------------


class TooBusy(LedgerError):
    code = "rate_limited"


@pytest.mark.parametrize("failure", [TooBusy("later"), KeyError("entry_id")], ids=["foreseen", "unforeseen"])
def test_one_that_fails_does_not_stop_the_others_and_comes_again(remote, failure):
    for number in (1, 2, 3):
        posted(remote, number)
        recorded(number)
    remote.failures[ref(2)] = failure
    assert look().handled == 3
    assert [state(number) for number in (1, 2, 3)] == [SETTLED, WAITING, SETTLED]
    row = found(2)
    assert (row["look_error"], row["looks"]) == (getattr(failure, "code", "") or type(failure).__name__, 0)
    assert row["next_look_at"] == NOW + polling.SHORTEST_RETRY
    del remote.failures[ref(2)]
    look(row["next_look_at"])
    assert (state(2), found(2)["look_error"]) == (SETTLED, "")


def test_a_ledger_that_wants_to_be_left_alone_is(remote):
    recorded()
    remote.failures[ref()] = TooBusy()
    remote.failures[ref()].retry_after = 42.5
    look()
    assert found()["next_look_at"] == NOW + timedelta(seconds=42.5)
    remote.failures[ref()].retry_after = 10.0**6
    look(found()["next_look_at"])
    assert found()["next_look_at"] == NOW + timedelta(seconds=42.5) + polling.LONGEST_RETRY


def test_a_long_outage_is_asked_sparingly_shown_after_two_days_and_asked_on(remote, monkeypatch):
    monkeypatch.setattr(polling, "LONGEST_RETRY", timedelta(hours=1))
    recorded()
    remote.failures[ref()] = TooBusy()
    waits, now = [], NOW
    while not doubt():
        waits.append((found()["next_look_at"] - now).total_seconds())
        now = found()["next_look_at"]
        look(now)
    assert waits[:3] == [0, 5, 5]
    assert max(waits) == polling.LONGEST_RETRY.total_seconds()
    assert len(waits) < 150
    assert (doubt(), now, found()["next_look_at"]) == (
        "not_answered",
        NOW + PATIENCE,
        NOW + PATIENCE + polling.LONGEST_RETRY,
    )
    del remote.failures[ref()]
    posted(remote)
    look(found()["next_look_at"])
    assert (state(), doubt(), found()["look_error"]) == (SETTLED, "", "")


def doubtful_after_its_end(remote, ends):
    recorded()
    look()
    ends()
    settle()
    posted(remote)
    return heard(NOW + SECOND)


def doubtful_after_its_settlement(remote, _):
    posted(remote)
    recorded()
    look()
    remote.entry(ref(), HERS, 1)
    return heard(NOW + SECOND)


def doubtful_while_open(remote, _):
    remote.entry(ref(), VIEWER, -1)
    recorded()
    look()
    return doubt()


@pytest.mark.parametrize("failure", [TooBusy("later"), KeyError("entry_id")], ids=["foreseen", "unforeseen"])
@pytest.mark.parametrize(
    ("begin", "ends"),
    [
        (doubtful_after_its_end, cancelled),
        (doubtful_after_its_end, failed),
        (doubtful_after_its_settlement, None),
        (doubtful_while_open, None),
    ],
)
@pytest.mark.parametrize("age", [2 * SECOND, 2 * PATIENCE], ids=["young", "old"])
def test_a_look_without_an_answer_leaves_every_doubt_and_comes_again(remote, begin, ends, failure, age):
    before = begin(remote, ends)
    assert before
    remote.failures[ref()] = failure
    now = NOW + age
    for _ in range(3):  # staff press the button, and press it again
        assert heard(now) == before
        assert found()["look_error"] == getattr(failure, "code", "") or type(failure).__name__
        assert now < found()["next_look_at"] <= now + polling.LONGEST_RETRY
        now = found()["next_look_at"]
    del remote.failures[ref()]
    remote.entries.pop(ref())
    posted(remote)
    look(now)
    is_ended = begin is doubtful_after_its_end
    assert doubt() == (before if is_ended else "")
    assert (found()["look_error"], found()["next_look_at"]) == ("", None)


def test_a_reversal_that_is_announced_while_the_ledger_does_not_answer_is_seen_when_it_does(remote):
    posted(remote)
    recorded()
    look()
    remote.entry(ref(), VIEWER, 100, kind=REVERSAL)
    remote.failures[ref()] = TooBusy()
    assert heard(NOW + SECOND) == ""
    del remote.failures[ref()]
    look(found()["next_look_at"])
    assert (state(), doubt(), found()["next_look_at"]) == (SETTLED, "reversed", None)


def test_an_answer_that_cannot_be_written_does_not_stop_the_others(remote):
    for number in (1, 2, 3):
        recorded(number)
    posted(remote, 1)
    remote.entry(ref(2), VIEWER, -100, entry_id="\ud800")
    posted(remote, 3)
    assert look().handled == 3
    assert [state(number) for number in (1, 2, 3)] == [SETTLED, WAITING, SETTLED]
    assert found(2)["look_error"] == "TypeError"


# --- repeated, concurrent, crashed -------------------------------------------------------------------------


def test_looking_again_at_what_is_settled_changes_nothing(remote):
    posted(remote)
    recorded()
    look()
    before = everything()
    assert look(NOW + PATIENCE) == settlement.Drained()
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


# --- asked to look again -----------------------------------------------------------------------------------


def test_news_of_the_ledger_make_a_tip_due_at_once(remote):
    recorded()
    for _ in range(9):
        look(found()["next_look_at"])
    assert found()["next_look_at"] > NOW + timedelta(minutes=20)
    posted(remote)
    assert polling.look_again([ref(), "unknown"], now=NOW + timedelta(minutes=10)) == 1
    look(NOW + timedelta(minutes=10))
    assert state() == SETTLED


def test_news_may_name_more_tips_than_one_statement_takes(remote):
    recorded()
    names = [f"UNKNOWN_{number}" for number in range(2 * polling.MAX_REFS)]
    assert polling.look_again([*names, ref()], now=NOW + SECOND) == 1
    assert found()["next_look_at"] == NOW + SECOND


def test_news_that_come_while_the_ledger_is_being_asked_are_not_lost(remote):
    recorded()
    for _ in range(9):
        look(found()["next_look_at"])
    now = found()["next_look_at"]
    remote.when_asked = lambda source_ref: polling.look_again([source_ref], now=now + SECOND)
    look(now)
    assert found()["next_look_at"] == now + SECOND


def nothing(remote):
    """Found."""


def entries_of_another_amount(remote):
    remote.entry(ref(), VIEWER, -1)


def a_posting(remote):
    posted(remote)


def a_posting_taken_back(remote):
    posted(remote)
    remote.entry(ref(), VIEWER, 100, kind=REVERSAL)


def no_answer(remote):
    remote.failures[ref()] = TooBusy()


@pytest.mark.parametrize("is_old", [False, True], ids=["young", "old"])
@pytest.mark.parametrize("is_over", ["open", "settled", "cancelled"])
@pytest.mark.parametrize(
    "finds", [nothing, entries_of_another_amount, a_posting, a_posting_taken_back, no_answer]
)
def test_whatever_a_look_finds_the_news_that_came_meanwhile_are_looked_at(remote, finds, is_over, is_old):
    if is_over == "settled":
        posted(remote)
    recorded()
    if is_over == "cancelled":
        cancelled()
        settle()
    look()
    remote.entries.pop(ref(), None)
    finds(remote)
    now = NOW + (2 * PATIENCE if is_old else SECOND)
    remote.when_asked = lambda source_ref: polling.look_again(
        [source_ref], now=now + SECOND, settled_too=True
    )
    heard(now)
    assert found()["next_look_at"] == now + SECOND


def test_a_refusal_for_good_keeps_the_news_that_came_meanwhile(placing):
    recorded()
    placing.refusal = gateway.KeyReused()
    placing.when_asked = lambda source_ref: polling.look_again([source_ref], now=NOW + SECOND)
    look()
    assert (state(), found()["next_look_at"]) == (REUSED, NOW + SECOND)


def test_news_settle_a_tip_that_we_had_given_up(remote):
    recorded()
    collection(Tip).update_one({}, {"$set": {"next_look_at": NOW + PATIENCE}})
    look(NOW + PATIENCE)
    assert doubt() == "not_posted"
    late = NOW + PATIENCE + timedelta(hours=5)
    posted(remote, posted_at=late)
    polling.look_again([ref()], now=late)
    look(late)
    assert (state(), doubt()) == (SETTLED, "")


def test_news_without_a_posting_do_not_start_the_two_days_again(remote):
    recorded()
    late = NOW + PATIENCE + SECOND
    polling.look_again([ref()], now=late)
    look(late)
    assert (doubt(), found()["next_look_at"]) == ("not_posted", None)


def test_a_settled_tip_is_looked_at_only_when_something_was_taken_back(remote):
    posted(remote)
    recorded()
    look()
    assert polling.look_again([ref()], now=NOW) == 0
    assert polling.look_again([ref()], now=NOW, settled_too=True) == 1
    look()
    assert (state(), doubt(), found()["next_look_at"]) == (SETTLED, "", None)
    before = event()
    remote.entry(ref(), VIEWER, 100, kind=REVERSAL)
    polling.look_again([ref()], now=NOW, settled_too=True)
    look()
    assert (state(), doubt(), event()) == (SETTLED, "reversed", before)


# --- ended by the platform, in any order -------------------------------------------------------------------


@pytest.mark.parametrize(("ends", "ended"), ENDS)
@pytest.mark.parametrize("rounds", [1, 2], ids=["one round", "two rounds"])
@pytest.mark.parametrize("first", ["end", "success"])
def test_an_end_before_the_proof_holds(remote, ends, ended, rounds, first):
    posted(remote)
    steps = [ends, succeeded] if first == "end" else [succeeded, ends]
    for step in steps:
        step()
        if rounds == 2:
            settle()
    settle()
    look()
    assert (state(), event(), found()["next_look_at"]) == (ended, None, None)


@pytest.mark.parametrize(("ends", "ended"), ENDS)
def test_an_end_after_the_proof_moves_nothing_and_a_person_is_told(remote, ends, ended):
    posted(remote)
    recorded()
    look()
    before = [event(), request()]
    ends()
    settle()
    assert (state(), doubt(), [event(), request()]) == (SETTLED, f"{ended[0]}_after_settlement", before)


@pytest.mark.parametrize(("ends", "ended"), ENDS)
def test_a_posting_of_a_tip_that_was_ended_is_shown_to_a_person(remote, ends, ended):
    recorded()
    ends()
    settle()
    posted(remote)
    assert polling.look_again([ref()], now=NOW) == 1
    look()
    assert (state(), doubt(), event()) == (ended, f"posted_although_{ended[0]}", None)


@pytest.mark.parametrize(("ends", "ended"), ENDS)
def test_the_look_that_was_to_come_is_still_made_when_the_platform_ends_a_tip(remote, ends, ended):
    """Without any news: it was posted, and the platform did not know."""
    recorded()
    look()
    posted(remote)
    ends()
    settle()
    look(found()["next_look_at"])
    assert (state(), doubt(), event(), found()["next_look_at"]) == (
        ended,
        f"posted_although_{ended[0]}",
        None,
        None,
    )


def test_an_ended_tip_with_entries_that_are_not_posted_yet_is_looked_at_until_they_are(remote):
    recorded()
    remote.post(ref(), BOB, ANA, 100, posted_at=None)
    look()
    cancelled()
    settle()
    for _ in range(5):
        look(found()["next_look_at"])
        assert (state(), doubt()) == (ENDS[0][1], "")
    remote.entries.pop(ref())
    posted(remote)
    look(found()["next_look_at"])
    assert doubt() == "posted_although_cancelled"


def test_an_ended_tip_whose_entries_are_never_posted_is_left_alone_after_two_days(remote):
    recorded()
    remote.post(ref(), BOB, ANA, 100, posted_at=None)
    cancelled()
    settle()
    while found()["next_look_at"]:
        look(found()["next_look_at"])
    assert (state(), doubt(), found()["looks"]) == (ENDS[0][1], "", 57)


def test_news_of_an_ended_tip_that_prove_nothing_change_nothing(remote):
    recorded()
    cancelled()
    settle()
    look()
    before = found()
    polling.look_again([ref()], now=NOW)
    look()
    assert found() == before


def test_a_contradiction_can_still_be_cancelled(remote):
    remote.entry(ref(), VIEWER, -1)
    recorded()
    look()
    cancelled()
    settle()
    assert (state(), doubt()) == (ENDS[0][1], "")


# --- one posting is the proof of one tip -------------------------------------------------------------------


@pytest.mark.parametrize("rounds", [1, 2], ids=["one round", "two rounds"])
def test_a_source_ref_of_another_tip_is_refused(remote, rounds):
    remote.post("SALE_1", BOB, ANA, 100)
    for number in (1, 2):
        succeeded(number, 100, sourceRef="SALE_1")
        if rounds == 2:
            settle()
    settle()
    look()
    assert [state(1), state(2), events()] == [SETTLED, REUSED, [1]]


def test_two_tips_with_one_source_ref_recorded_at_once(remote, in_threads):
    for number in range(1, 9):
        succeeded(number, 100, sourceRef="SALE_1")
    in_threads(lambda: settle(limit=2), times=8)
    settle()
    assert sorted(state(number) for number in range(1, 9)) == [REUSED] * 7 + [WAITING]


# --- who places is decided when a tip is recorded ----------------------------------------------------------


def test_a_tip_that_is_looked_at_is_never_placed(remote, settings):
    recorded()
    settings.LEDGER_GATEWAY, settings.LEDGER_PLACES_TIPS = "embedded", True
    gateway.current.cache_clear()
    bought(1000)
    settle()
    settlement.end_grace(now=NOW + PATIENCE, limit=9)
    assert (state(), found()["looks"]) == (WAITING, 0)
    look()
    assert found()["looks"] == 1


def test_a_tip_that_we_place_is_never_looked_at(remote, settings):
    settings.LEDGER_GATEWAY, settings.LEDGER_PLACES_TIPS = "embedded", True
    gateway.current.cache_clear()
    recorded()
    assert (state(), found()["looks"], look()) == (WAITING, None, settlement.Drained())
    assert polling.look_again([ref()], now=NOW) == 0


def test_a_tip_that_waited_in_our_own_books_when_the_ledger_was_changed_ends_with_its_grace(remote, settings):
    settings.LEDGER_GATEWAY, settings.LEDGER_PLACES_TIPS = "embedded", True
    gateway.current.cache_clear()
    recorded()
    settings.LEDGER_GATEWAY, settings.LEDGER_PLACES_TIPS = "rrr", False
    gateway.current.cache_clear()
    settlement.end_grace(now=NOW + GRACE, limit=9)
    assert (state(), remote.asked, remote.placed) == (("failed", "failed", "insufficient_funds"), [], [])


def test_our_own_books_can_be_looked_at_too(remote, settings, ana, bob):
    """LEDGER_PLACES_TIPS=false with the embedded ledger: somebody else's program posts into it."""
    from ground.mongodb import transactions
    from ledger.books import posting
    from tests.factories import fund

    settings.LEDGER_GATEWAY = "embedded"
    gateway.current.cache_clear()
    fund(bob, 500)
    recorded()
    order = gateway.Order(ref(), f"tip/{tip_id(1)}", bob.account, performer_account(ANA), 100, NOW)
    transactions.run(lambda session: posting.post([[order]], now=NOW, session=session))
    look()
    assert state() == SETTLED


# --- a ledger that is not ours, in which we place the transfers --------------------------------------------


@pytest.fixture
def placing(remote, settings):
    settings.LEDGER_PLACES_TIPS = True
    return remote


def test_we_place_what_the_ledger_does_not_have_outside_of_any_transaction(placing):
    recorded(commission=25)
    assert (state(), placing.placed) == (WAITING, [])
    look()
    assert (state(), placing.placed) == (SETTLED, [ref(), f"{ref()}_COMMISSION"])
    ledger = event()["payload"]["ledger"]
    assert (ledger["debitRef"], ledger["creditRef"]) == (f"rrr_entry_{ref()}_0", f"rrr_entry_{ref()}_1")
    look(NOW + GRACE)
    assert len(placing.placed) == 2


def test_a_transfer_whose_answer_was_lost_is_found_and_not_placed_again(placing):
    recorded(commission=0)
    placing.lost_answers = [TooBusy()]
    look()
    assert (state(), found()["look_error"]) == (WAITING, "rate_limited")
    look(found()["next_look_at"])
    assert (state(), placing.placed) == (SETTLED, [ref()])


def test_without_the_tokens_it_waits_for_its_grace_and_then_fails(placing):
    recorded()
    placing.refusal = gateway.InsufficientFunds()
    now = NOW
    while found()["next_look_at"]:
        now = found()["next_look_at"]
        look(now)
    assert (state(), now) == (("failed", "failed", "insufficient_funds"), NOW + GRACE)
    assert settlement.end_grace(now=NOW + GRACE, limit=9) == settlement.Drained()


def test_tokens_that_arrive_in_time_settle_it(placing):
    recorded()
    placing.refusal = gateway.InsufficientFunds()
    look()
    placing.refusal = None
    look(found()["next_look_at"])
    assert state() == SETTLED


def test_what_the_ledger_refuses_for_good_fails_at_once(placing):
    recorded()
    placing.refusal = gateway.KeyReused()
    look()
    assert state() == REUSED


def test_a_tip_that_was_only_looked_at_is_not_placed_when_the_setting_changes(remote, settings):
    """The platform's own posting may still be on its way."""
    recorded()
    settings.LEDGER_PLACES_TIPS = True
    look()
    assert (state(), remote.placed) == (WAITING, [])


# --- anything in any order ---------------------------------------------------------------------------------

NUMBERS = st.sampled_from([1, 2])
STEPS = st.one_of(
    *(
        st.tuples(st.just(step), NUMBERS)
        for step in ("succeeded", "cancelled", "failed", "post", "unpost", "reverse", "fail", "news")
    ),
    st.tuples(st.just("settle"), st.just(200)),
    st.tuples(st.just("look"), st.just(200)),
)
_world = iter(range(1, 10**6))
TOLD = {"succeeded": succeeded, "cancelled": cancelled, "failed": failed}


def post_again(world, number, now):
    world.entries.pop(ref(number), None)
    world.post(ref(number), BOB, ANA, 100, posted_at=now)


def hear(world, number, now):
    world.failures.pop(ref(number), None)
    polling.look_again([ref(number)], now=now, settled_too=True)


HAPPENS = {
    "post": post_again,
    "unpost": lambda world, number, now: world.entries.pop(ref(number), None),
    "reverse": lambda world, number, now: world.entry(ref(number), VIEWER, 100, kind=REVERSAL),
    "fail": lambda world, number, now: world.failures.update({ref(number): TooBusy()}),
    "news": hear,
    "settle": lambda world, number, now: settle(now),
    "look": lambda world, number, now: look(now),
}


def take_step(world, step, number, now):
    if step in TOLD:
        TOLD[step](number)
    else:
        HAPPENS[step](world, number, now)


def may_be_doubted(world, number, steps):
    """What may be said of the tip once the ledger has been asked a last time, about entries that stay."""
    row, entries = found(number), world.entries.get(ref(number), ())
    is_reversed, told = any(entry.kind == REVERSAL for entry in entries), {step for step, _ in steps}
    after = {f"{end}_after_settlement" for end in ("cancelled", "failed") if end in told}
    match row["settlement_status"]:
        case "pending":
            return {"reversed" if is_reversed else "not_posted"}
        case "settled" if is_reversed:
            return {"reversed"}
        case "settled" if entries:
            return {"", *after}
        case "settled":  # the ledger has lost it: what was said before stands
            return {"", "reversed", *after}
        case ended if entries and not is_reversed and row["looks"] is not None:
            return {f"posted_although_{ended}"}
        case _:
            return {""}


@hypothesis(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=3, max_size=16))
def test_in_whatever_order_facts_arrive_a_tip_is_settled_once_with_proof_and_otherwise_says_why(
    remote, steps
):
    base, now = next(_world) * 10, NOW
    RemoteLedger.world = world = World()
    for step, value in steps:
        now += timedelta(seconds=7)
        take_step(world, step, base + value, now)
    settle(now)
    mentioned = {base + value for step, value in steps if step in TOLD}
    unanswered = {number for number in mentioned if ref(number) in world.failures}
    before = {number: doubt(number) for number in unanswered}
    polling.look_again([ref(number) for number in mentioned], now=now, settled_too=True)
    look(now)
    assert {number: doubt(number) for number in unanswered} == before
    world.failures.clear()
    while polling.drain(now=now + PATIENCE * 2, limit=200).handled:
        pass
    settled = {number for number in mentioned if state(number) == SETTLED}
    assert settled <= {base + value for step, value in steps if step == "post"}
    assert (
        {number for number in mentioned if event(number)}
        == {number for number in mentioned if request(number)}
        == settled
    )
    for number in mentioned:
        assert doubt(number) in may_be_doubted(world, number, steps)
        assert not found(number)["next_look_at"]
