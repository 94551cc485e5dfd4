"""Drift: a ledger that says something else today than the event log is named tip by tip; nothing is
repaired."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from ground.mongodb.collections import collection
from ledger import gateway
from ledger.books import reversal
from ledger.models import Posting
from ledger.rrr.gateway import RrrGateway
from tests.factories import NOW
from tests.remote import remote
from tests.rrr import client_of, simulated
from tests.tips.calls import ANA, BOB, bought, event, everything, settle, state, succeeded, tip_id
from tests.tips.segments import end, run
from tips.log import events
from tips.models import Tip, TipActivated
from tips.settlement import drift, polling

__all__ = ["remote"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def settled(db):
    """Six settled tips of 101 to 106 tokens, and one that waits for its tokens."""
    bought(1000)
    for number in range(1, 7):
        succeeded(number, 100 + number)
    succeeded(7, 10_000)
    settle()


def findings(ledger=None, **more):
    return [str(found) for found in drift.findings(ledger or gateway.current(), **more)]


def posting(number, **values):
    change = {name.replace("__", "."): value for name, value in values.items()}
    assert collection(Posting).update_one({"_id": ref(number)}, {"$set": change}).modified_count == 1


def ref(number):
    return f"TIP_{tip_id(number)}"


def test_a_ledger_that_says_what_it_said_has_no_drift(settled):
    asked = []
    assert findings(progress=asked.append) == []
    assert sum(asked) == 6


@pytest.mark.parametrize("moment", ["happened_at", "created_at"])
def test_a_tip_of_the_beginning_of_the_calendar_ends_no_report(settled, moment):
    """As an earlier version accepted it."""
    first = datetime.min.replace(tzinfo=UTC)
    collection(Tip).update_one({"_id": tip_id(3)}, {"$set": {moment: first}})
    posting(5, posted_at=None)
    assert findings() == [f"tip {tip_id(5)}: the ledger has no posted entries of it"]


def test_an_answer_that_nobody_foresaw_is_a_finding_and_ends_no_report(settled, remote):
    remote.failures[ref(3)] = KeyError("entry_id")
    named = findings(gateway.current())
    assert f"tip {tip_id(3)}: the ledger gave no answer (KeyError)" in named
    assert len(named) == 6


def test_tips_beyond_a_batch_are_asked_about_too(settled, monkeypatch):
    monkeypatch.setattr(drift, "BATCH", 2)
    posting(5, posted_at=None)
    assert findings() == [f"tip {tip_id(5)}: the ledger has no posted entries of it"]


def test_a_sample_asks_about_so_many(settled):
    asked = []
    assert findings(sample=4, progress=asked.append) == []
    assert sum(asked) == 4


def test_a_reversed_tip_is_named(settled):
    reversal.reverse([f"{ref(3)}_COMMISSION", ref(3)], reason="Paid twice", now=NOW)
    assert findings() == [f"tip {tip_id(3)}: the ledger's entries need a person: reversed"]


def test_a_ledger_that_lost_its_entries_is_named(settled):
    collection(Posting).delete_one({"_id": ref(3)})
    assert findings() == [f"tip {tip_id(3)}: the ledger has no posted entries of it"]


def test_another_amount_is_named(settled):
    posting(3, legs__1__delta=104)
    (said,) = findings()
    assert said.endswith(f"need a person: other_amount ({ref(3)}:credit moves 104 tokens, the tip is 103)")


def test_another_party_is_named(settled):
    posting(3, legs__0__account="user:someone")
    assert findings() == [
        f"tip {tip_id(3)}: the ledger's entries need a person: other_party ({ref(3)}:debit)"
    ]


def test_another_time_of_posting_is_named(settled):
    posting(3, posted_at=NOW.replace(year=2027))
    (said,) = findings()
    assert said.endswith(
        "its event says postedAt 2026-01-03T04:15:00.000Z, the ledger says 2027-01-03T04:15:00.000Z"
    )


def test_a_single_entry_where_there_were_two_is_named(settled):
    collection(Posting).update_one({"_id": ref(3)}, {"$push": {"legs": {"$each": [], "$slice": 1}}})
    said = findings()
    assert len(said) == 2
    assert said[0] == f"tip {tip_id(3)}: its event says debitRef {ref(3)}:debit, the ledger says None"


def test_a_settled_tip_without_an_event_is_named(settled):
    collection(TipActivated).delete_one({"_id": tip_id(3)})
    assert findings() == [f"tip {tip_id(3)}: is settled and has no event"]


def test_archived_tips_are_compared_too(settled):
    end(range(1, 7))
    run()
    assert findings() == []
    posting(3, legs__0__delta=-90)
    assert len(findings()) == 1


def test_it_changes_nothing(settled):
    posting(3, legs__0__delta=-90)
    before = everything()
    findings()
    assert everything() == before


# --- another ledger ----------------------------------------------------------------------------------------


@pytest.fixture
def other(settled):
    """RRR with the same six tips, and entry ids of its own."""
    with simulated() as simulator:
        for number in range(1, 7):
            simulator.books.post(ref(number), payer=BOB, payee=ANA, points=100 + number)
        yield simulator


def test_another_ledger_is_compared_by_what_it_moved(other):
    ledger = RrrGateway(client_of(other))
    assert findings(ledger, is_own=False) == []
    assert len(findings(ledger)) > 6
    other.books.reverse(ref(2))
    assert findings(ledger, is_own=False) == [
        f"tip {tip_id(2)}: the ledger's entries need a person: reversed"
    ]


@pytest.mark.parametrize("net", [1, 74, 75, 100])
def test_what_a_ledger_kept_back_on_the_way_is_no_drift(remote, net):
    """It was a proof when the tip was settled; so it is one today."""
    remote.post(ref(1), BOB, ANA, 100, net=net)
    succeeded(1, 100, commission=25)
    settle()
    polling.drain(now=NOW, limit=9)
    assert state(1) == ("success", "settled", "")
    assert findings() == []
    payload = event(1)["payload"]
    assert payload["ledger"]["sourceBalance"] == {"before": 500, "after": 400, "change": -100}
    assert payload["ledger"]["recipientBalance"] == {"before": 1000, "after": 1000 + net, "change": net}
    assert (payload["amount"], payload["netPrice"], payload["commission"]) == (100, 75, 25)
    events.check(payload)


def test_a_ledger_that_does_not_answer_is_named(other):
    other.stop()
    said = findings(RrrGateway(client_of(other)), sample=2)
    assert len(said) == 2
    assert all("the ledger gave no answer" in line for line in said)


# --- the command -------------------------------------------------------------------------------------------


def test_the_command_says_that_books_and_ledger_agree(settled, capsys):
    call_command("reconcile", "--against-gateway")
    assert capsys.readouterr().out.endswith(
        "rows read, the books agree; 6 settled tips agree with the ledger\n"
    )
    call_command("reconcile", "--against-gateway", "embedded", "--sample", "2")
    assert capsys.readouterr().out.endswith("; 2 settled tips agree with the ledger\n")


def test_the_command_names_the_drift_and_exits_with_1(settled, capsys):
    reversal.reverse([f"{ref(3)}_COMMISSION", ref(3)], reason="Paid twice", now=NOW)
    capsys.readouterr()
    with pytest.raises(CommandError, match="1 findings") as caught:
        call_command("reconcile", "--against-gateway")
    assert caught.value.returncode == 1
    assert capsys.readouterr().out == f"tip {tip_id(3)}: the ledger's entries need a person: reversed\n"


@pytest.mark.parametrize(
    "words", [("--sample", "2"), ("--against-gateway", "bank"), ("--against-gateway", "--sample", "0")]
)
def test_a_wrong_option_is_refused(db, words):
    with pytest.raises(CommandError):
        call_command("reconcile", *words)
