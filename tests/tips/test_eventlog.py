"""The stored event log and `manage.py verify_event_log`: damage done behind the product's back is named by
its row."""

import pytest
from django.core.management import CommandError, call_command

from ground.mongodb.collections import collection
from tests.factories import NOW
from tests.tips.calls import bought, settle, succeeded, tip_id
from tips.log import eventlog, events
from tips.models import ChainHead, TipActivated

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(db):
    """Six settled tips, in two batches."""
    bought(1000)
    for batch in ((1, 2, 3), (4, 5, 6)):
        for number in batch:
            succeeded(number, 100 + number)
        settle()


def change(key, **values):
    assert collection(TipActivated).update_one({"_id": tip_id(key)}, {"$set": values}).modified_count == 1


def refused(capsys):
    """What the command says of a broken log; it exits with 1."""
    with pytest.raises(CommandError) as caught:
        call_command("verify_event_log")
    assert caught.value.returncode == 1
    assert capsys.readouterr().out == ""
    return str(caught.value).removeprefix("The event log is broken at ")


def test_an_intact_log_is_counted(log, capsys):
    call_command("verify_event_log")
    assert capsys.readouterr().out.startswith("6 rows verified, ")


def test_an_empty_log_is_intact(db, capsys):
    call_command("verify_event_log")
    assert capsys.readouterr().out == f"0 rows verified, 0 daily heads agree\nhead 0:{events.GENESIS}\n"


def test_each_row_is_told_as_it_is_read(log):
    read = []
    assert eventlog.verify(progress=read.append) == eventlog.length() == sum(read) == 6


def test_a_changed_byte_in_a_text_of_a_payload(log, capsys):
    change(3, **{"payload.tipper.username": "boB"})
    assert refused(capsys) == "row 3: its payload was changed."


def test_a_changed_amount_in_a_payload(log, capsys):
    change(3, **{"payload.ledger.recipientBalance.after": 10**6})
    assert refused(capsys) == "row 3: its payload was changed."


@pytest.mark.parametrize("column", ["event_id", "ledger_id", "source_ref"])
def test_a_changed_column(log, capsys, column):
    change(3, **{column: "x"})
    assert refused(capsys) == "row 3: its columns and its payload disagree."


def test_a_changed_time_of_a_column(log, capsys):
    change(3, created_at=NOW.replace(year=2025))
    assert refused(capsys) == "row 3: its columns and its payload disagree."


def test_a_changed_hash(log, capsys):
    change(3, payload_hash="0" * 64)
    assert refused(capsys) == "row 3: its payload was changed."


def test_a_changed_payload_with_a_new_hash(log, capsys):
    payload = collection(TipActivated).find_one({"_id": tip_id(3)})["payload"] | {"netPrice": 103}
    change(3, payload=payload, payload_hash=events.digest(payload))
    assert refused(capsys) == "row 4: the row before it, or its previous_hash, was changed."


def test_a_removed_row(log, capsys):
    collection(TipActivated).delete_one({"_id": tip_id(3)})
    assert refused(capsys) == "row 3: is missing."


def test_a_removed_end(log, capsys):
    collection(TipActivated).delete_one({"_id": tip_id(6)})
    assert refused(capsys) == "row 5: the chain's head says row 6 with another digest."


def test_a_removed_head(log, capsys):
    collection(ChainHead).delete_many({})
    assert refused(capsys) == "row 1: lies beyond the chain's head."


def test_an_end_cut_off_the_head(log, capsys):
    """Row 5's own digest is what row 6 carries: the shorter chain is intact in itself, but a row lies beyond
    it."""
    digest = collection(TipActivated).find_one({"_id": tip_id(6)})["previous_hash"]
    collection(ChainHead).update_one({}, {"$set": {"sequence": 5, "digest": digest}})
    assert refused(capsys) == "row 6: lies beyond the chain's head."


def test_a_changed_head(log, capsys):
    collection(ChainHead).update_one({}, {"$set": {"digest": "0" * 64}})
    assert refused(capsys) == "row 6: the chain's head says row 6 with another digest."


def test_a_removed_field(log, capsys):
    collection(TipActivated).update_one({"_id": tip_id(3)}, {"$unset": {"payload.ledger": 1}})
    assert refused(capsys) == "row 3: its payload was changed."
    collection(TipActivated).update_one({"_id": tip_id(2)}, {"$unset": {"payload": 1}})
    assert refused(capsys) == "row 2: a field of it is missing or of another kind."


def test_the_first_of_several_broken_rows_is_named(log, capsys):
    change(5, payload_hash="0" * 64)
    change(2, event_id="x")
    assert refused(capsys).startswith("row 2: ")


def test_rows_that_settle_meanwhile_do_not_break_the_walk(log):
    def settle_one_more(rows):
        number = 10 + eventlog.length()
        succeeded(number)
        settle()

    bought(5000)
    settle()
    assert eventlog.verify(progress=settle_one_more) == 6
    assert eventlog.verify() == 12


def test_a_row_is_never_changed_by_settling_again(log):
    before = list(collection(TipActivated).find())
    for number in range(1, 7):
        succeeded(number, 100 + number)
    settle()
    assert list(collection(TipActivated).find()) == before
