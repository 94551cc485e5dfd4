"""`manage.py prove`: five proofs under one name; each says what it found, and the exit status is 0 only when
all that was asked holds."""

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from ground.inbox.models import WebhookDelivery
from ground.journal import journal
from ground.mongodb import collections
from ground.mongodb.collections import client, collection
from ledger.books import reversal
from ledger.models import Account
from lovense.models import Activation
from tests.factories import NOW
from tests.live import environment
from tests.tips.calls import bought, settle, succeeded, tip_id
from tips.models import Tip, TipActivated

PROOFS = ["books", "log", "proof", "seconds", "replay"]


@pytest.fixture
def history(db):
    """Bought and tipped by deliveries alone, so that it can be replayed."""
    bought(500)
    for number in (1, 2, 3):
        succeeded(number, 100)
    settle()


@pytest.fixture
def prove(capsys):
    """Runs the command: (exit status, the lines it printed, what it says at the end)."""

    def run(*words):
        capsys.readouterr()
        try:
            call_command("prove", *words)
        except CommandError as error:
            return error.returncode, capsys.readouterr().out.splitlines(), str(error)
        return 0, capsys.readouterr().out.splitlines(), ""

    return run


def break_books():
    collection(Account).update_one({"balance": {"$gt": 0}}, {"$inc": {"balance": 1}})


def break_log():
    collection(TipActivated).update_one({"_id": tip_id(2)}, {"$set": {"payload.amount": 7}})


def ref(number):
    return f"TIP_{tip_id(number)}"


def break_proof():
    """The ledger has taken back what proved this tip."""
    reversal.reverse([f"{ref(3)}_COMMISSION", ref(3)], reason="Paid twice", now=NOW)


def break_replay():
    """Something that no delivery has said."""
    collection(Tip).update_one({"_id": tip_id(1)}, {"$set": {"tipper_username": "eve"}})


# --- what holds --------------------------------------------------------------------------------------------


def test_without_a_name_all_of_them_run_and_say_so(history, prove):
    code, lines, end = prove()
    assert (code, end) == (0, "")
    head = lines[3].removeprefix("log: head 3:")
    assert len(head) == 64
    assert lines == [
        "books: 12 rows read, the books agree",
        f"books: {journal.unfolded()} entries of the journal read, their rows agree",
        "log: 3 rows verified, 0 daily heads agree",
        f"log: head 3:{head}",
        "proof: 3 settled tips agree with the ledger",
        "seconds: 0 activations read, their seconds add up",
        "replay: 4 deliveries replayed, everything is the same",
    ]


def test_nothing_is_proven_to_be_nothing(db, prove):
    assert prove()[0] == 0


@pytest.mark.parametrize("name", PROOFS)
def test_one_proof_runs_alone(history, prove, name):
    code, lines, _ = prove(name)
    assert code == 0
    assert {line.partition(":")[0] for line in lines} == {name}


def test_the_database_of_a_replay_is_gone_afterwards_and_the_original_as_it_was(history, prove):
    before = set(client().list_database_names()), list(collection(WebhookDelivery).find())
    assert prove()[0] == 0
    assert (set(client().list_database_names()), list(collection(WebhookDelivery).find())) == before


def test_the_database_of_a_replay_is_gone_after_a_failure_too(history, prove):
    before = set(client().list_database_names())
    break_replay()
    assert prove("replay")[0] == 1
    assert set(client().list_database_names()) == before


def test_a_database_that_is_named_stays(history, prove):
    name = f"{collections.current().name}_kept"
    address = environment()["MONGODB_URI"].replace(f"/{collections.current().name}?", f"/{name}?")
    try:
        assert prove("replay", "--into", address)[0] == 0
        assert client()[name][Tip._meta.db_table].count_documents({}) == 3
        assert prove("replay", "--into", address)[:2] == (1, [f"replay: The database {name!r} is not empty."])
    finally:
        client().drop_database(name)


# --- what does not -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "failed"),
    [
        (break_books, ["books", "replay"]),
        (break_log, ["log", "replay"]),
        (break_proof, ["proof", "replay"]),  # a reversal came from no delivery
        (break_replay, ["replay"]),
    ],
)
def test_what_does_not_agree_is_named_and_the_others_still_run(history, prove, damage, failed):
    damage()
    code, lines, end = prove()
    assert (code, end) == (1, f"Not proven: {', '.join(failed)}.")
    assert list(dict.fromkeys(line.partition(":")[0] for line in lines)) == PROOFS
    for name in PROOFS:
        code, alone, end = prove(name)
        assert (code, end) == ((1, f"Not proven: {name}.") if name in failed else (0, ""))
        assert alone == [line for line in lines if line.startswith(f"{name}: ")]


def test_a_finding_stands_before_its_verdict(history, prove):
    break_books()
    _, lines, _ = prove("books")
    assert lines[0].startswith("books: account ")
    assert lines[-1] == f"books: The books do not agree: {len(lines) - 1} findings."


def test_a_head_noted_elsewhere_is_held_against_the_log(history, prove):
    noted = prove("log")[1][1].removeprefix("log: head ")
    assert prove("log", "--noted", noted)[0] == 0
    sequence, _, digest = noted.partition(":")
    assert prove("log", "--noted", f"{sequence}:{digest[::-1]}")[0] == 1


def test_a_sample_is_as_large_as_asked(history, prove):
    assert prove("proof", "--sample", "2")[1] == ["proof: 2 settled tips agree with the ledger"]
    assert prove("proof", "--gateway", "embedded")[1] == ["proof: 3 settled tips agree with the ledger"]


def test_books_that_outlast_the_servers_snapshot_are_not_called_proven(history, prove, fail_command):
    fail_command("find", errorCode=239)
    code, lines, _ = prove("books")
    assert code == 1
    assert "minSnapshotHistoryWindowInSeconds" in lines[0]


def test_a_replay_that_is_none_of_this_deployment_is_left_out_unless_it_is_asked_for(
    history, prove, settings
):
    settings.LEDGER_PLACES_TIPS = False
    code, lines, _ = prove()
    assert code == 0
    assert lines[-1].startswith("replay: left out: Only the embedded ledger can be replayed")
    assert prove("replay")[0] == 1


@pytest.mark.parametrize(
    "words",
    [
        ("everything",),
        ("books", "--into", "mongodb://x/y"),
        ("log", "--sample", "2"),
        ("proof", "--noted", f"1:{'a' * 64}"),
        ("log", "--noted", "5"),
        ("proof", "--sample", "0"),
        ("proof", "--gateway", "bank"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_runs(history, capsys, words):
    with pytest.raises(CommandError):
        call_command("prove", *words)
    assert capsys.readouterr().out == ""


# --- how far it is -----------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_each_proof_shows_how_far_it_is(history, prove, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    collection(Activation).insert_one({"_id": "a.all", "status": "queued"})
    assert prove()[0] == 0
    for name, unit in zip(PROOFS, ("rows", "rows", "tips", "activations", "rows"), strict=True):
        assert f"\r{name}:   0%" in terminal.getvalue()
        assert f"{unit}/s" in terminal.getvalue()


def test_elsewhere_nothing_is_drawn(history, prove, monkeypatch):
    error = io.StringIO()
    monkeypatch.setattr(sys, "stderr", error)
    assert prove()[0] == 0
    assert error.getvalue() == ""
