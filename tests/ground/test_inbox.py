"""Fact 1, a delivery: stored once however often it comes, by whichever transport id, and every call kept for
the record."""

import itertools
import json
import re
from collections import Counter
from datetime import timedelta

import pytest
from pymongo.errors import PyMongoError

from ground.inbox import inbox
from ground.inbox.inbox import Acceptance, Call
from ground.inbox.models import WebhookDelivery
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from tests.factories import NOW

pytestmark = pytest.mark.django_db

NEW, REPEAT, CONFLICT = Acceptance.NEW, Acceptance.REPEAT, Acceptance.CONFLICT
ERROR = 8000
positions = itertools.count(1)


def call(delivery="msg_1", fact="tip.succeeded/1", content="100 to ana", **more):
    made = {
        "source": "payments",
        "delivery_id": delivery,
        "event_type": fact.partition("/")[0],
        "subject": fact,
        "fingerprint": content,
        "body": content.encode(),
        "position": next(positions),
        "received_at": NOW,
    }
    return Call(**made | more)


def rows():
    """(key, status, subject) of everything stored."""
    return sorted((row["_id"], row["status"], row["subject"]) for row in collection(WebhookDelivery).find())


def received():
    return [row for row in rows() if row[1] == "received"]


# --- once, repeated, concurrent, crashed -------------------------------------------------------------------


def test_a_delivery_is_stored_with_its_raw_bytes():
    assert inbox.accept([call(content='{"a": 1}')]) == [NEW]
    (row,) = collection(WebhookDelivery).find()
    assert (row["_id"], row["status"], bytes(row["body"])) == ("payments/msg_1", "received", b'{"a": 1}')
    assert (row["subject"], row["received_at"], row["processed_at"]) == ("tip.succeeded/1", NOW, None)


def test_a_repeat_stores_nothing_more():
    assert inbox.accept([call()]) == [NEW]
    before = rows()
    assert [inbox.accept([call()]) for _ in range(3)] == [[REPEAT]] * 3
    assert rows() == before


def test_the_same_fact_by_another_delivery_is_a_repeat_kept_for_the_record():
    inbox.accept([call("msg_1")])
    assert inbox.accept([call("msg_2")]) == [REPEAT]
    assert inbox.accept([call("msg_2")]) == [REPEAT]
    assert rows() == [
        ("payments/msg_1", "received", "tip.succeeded/1"),
        ("payments/msg_2", "duplicate", None),
    ]


def test_a_repeat_after_processing_is_still_a_repeat():
    inbox.accept([call()])
    transactions.run(lambda session: inbox.mark_processed(["payments/msg_1"], now=NOW, session=session))
    assert inbox.accept([call()]) == [REPEAT]
    assert inbox.accept([call("msg_2")]) == [REPEAT]
    assert received() == []


def test_repeats_within_one_batch_are_seen():
    calls = [call(), call(), call("msg_2"), call("msg_3", fact="tip.succeeded/3")]
    assert inbox.accept(calls) == [NEW, REPEAT, REPEAT, NEW]


@pytest.mark.parametrize(
    "ids", [["msg_1"] * 24, [f"msg_{n}" for n in range(24)]], ids=["one delivery", "many deliveries"]
)
def test_many_threads_bring_one_fact_and_it_counts_once(in_threads, ids):
    waiting = iter(ids)
    outcomes = Counter(in_threads(lambda: inbox.accept([call(next(waiting))])[0], times=24))
    assert outcomes == {NEW: 1, REPEAT: 23}
    assert len(received()) == 1
    assert len(rows()) == len(set(ids))


def test_many_threads_with_different_contents_agree_on_the_first(in_threads):
    number = itertools.count()

    def bring():
        this = next(number)
        return this, inbox.accept([call(f"msg_{this}", content=f"amount {this}")])[0]

    outcomes = in_threads(bring, times=16)
    assert Counter(outcome for _, outcome in outcomes) == {NEW: 1, CONFLICT: 15}
    (winner,) = [this for this, outcome in outcomes if outcome is NEW]
    assert received() == [(f"payments/msg_{winner}", "received", "tip.succeeded/1")]


def test_a_write_that_fails_is_told_and_the_senders_retry_is_new(fail_command):
    fail_command("insert", errorCode=ERROR)
    with pytest.raises(PyMongoError):
        inbox.accept([call(), call("msg_2", fact="tip.succeeded/2")])
    assert rows() == []
    assert inbox.accept([call()]) == [NEW]


def test_a_write_whose_majority_is_unknown_is_not_called_stored(fail_command):
    fail_command("insert", writeConcernError={"code": 64, "errmsg": "timed out"})
    with pytest.raises(PyMongoError):
        inbox.accept([call()])
    assert inbox.accept([call()]) == [
        REPEAT
    ]  # it was written after all: the answer to the retry is still honest


def test_a_crash_between_a_clash_and_its_record_is_told_and_repeated(fail_command):
    inbox.accept([call()])
    fail_command("find", errorCode=ERROR)
    with pytest.raises(PyMongoError):
        inbox.accept([call("msg_2")])
    assert inbox.accept([call("msg_2")]) == [REPEAT]
    assert ("payments/msg_2", "duplicate", None) in rows()


# --- conflicts and transport ids ---------------------------------------------------------------------------


def test_other_content_under_one_fact_is_a_conflict_and_the_first_stands():
    inbox.accept([call(content="100")])
    assert inbox.accept([call("msg_2", content="999")]) == [CONFLICT]
    assert inbox.accept([call("msg_2", content="999")]) == [CONFLICT]
    assert rows() == [("payments/msg_1", "received", "tip.succeeded/1"), ("payments/msg_2", "conflict", None)]
    assert bytes(collection(WebhookDelivery).find_one({"_id": "payments/msg_1"})["body"]) == b"100"


def test_other_content_under_one_delivery_is_a_conflict_beside_the_first():
    inbox.accept([call(content="100")])
    assert [inbox.accept([call(content="999")]) for _ in range(2)] == [[CONFLICT]] * 2
    assert rows() == [
        ("payments/msg_1", "received", "tip.succeeded/1"),
        ("payments/msg_1#999", "conflict", None),
    ]


def test_another_fact_under_a_used_delivery_id_counts():
    inbox.accept([call(fact="tip.succeeded/1", content="one")])
    assert inbox.accept([call(fact="tip.succeeded/2", content="two")]) == [NEW]
    assert inbox.accept([call(fact="tip.succeeded/2", content="two")]) == [REPEAT]
    assert received() == [
        ("payments/msg_1", "received", "tip.succeeded/1"),
        ("payments/msg_1#two", "received", "tip.succeeded/2"),
    ]


def test_a_tip_may_succeed_and_be_cancelled_as_two_facts():
    assert inbox.accept([call("msg_1"), call("msg_2", fact="tip.cancelled/1")]) == [NEW, NEW]


def test_two_sources_do_not_share_delivery_ids():
    inbox.accept([call(fact="a/1")])
    assert inbox.accept([call(fact="b/1", source="rrr")]) == [NEW]
    assert [row[0] for row in rows()] == ["payments/msg_1", "rrr/msg_1"]


def test_a_call_that_we_do_not_act_on_is_stored_and_not_handed_out():
    assert inbox.accept([call(fact="survey.sent/1", is_ignored=True)]) == [NEW]
    assert rows() == [("payments/msg_1", "ignored", "survey.sent/1")]
    assert inbox.waiting(("payments",), now=NOW, limit=9) == []


# --- handing out -------------------------------------------------------------------------------------------


def fact(number):
    return call(f"msg_{number}", fact=f"tip.succeeded/{number}", content=str(number))


def test_deliveries_are_handed_out_in_the_order_of_their_acceptance():
    inbox.accept([fact(number) for number in (3, 1, 2)])
    assert [row["_id"][-1] for row in inbox.waiting(("payments",), now=NOW, limit=9)] == ["3", "1", "2"]
    assert [row["_id"][-1] for row in inbox.waiting(("payments",), now=NOW, limit=2)] == ["3", "1"]


def test_a_processed_delivery_is_not_handed_out_again():
    inbox.accept([fact(1), fact(2)])
    transactions.run(lambda session: inbox.mark_processed(["payments/msg_1"], now=NOW, session=session))
    assert [row["_id"] for row in inbox.waiting(("payments",), now=NOW, limit=9)] == ["payments/msg_2"]
    assert collection(WebhookDelivery).find_one({"_id": "payments/msg_1"})["processed_at"] == NOW


def handed_out(now):
    return [row["_id"].removeprefix("payments/") for row in inbox.waiting(("payments",), now=now, limit=9)]


def test_a_failed_delivery_is_handed_out_again_behind_the_others_after_pauses_that_double_and_then_set_aside(
    caplog,
):
    inbox.accept([fact(1), fact(2)])
    now, pauses = NOW, []
    for attempt in range(inbox.MAX_ATTEMPTS):
        assert handed_out(now) == (["msg_2", "msg_1"] if attempt else ["msg_1", "msg_2"])
        is_last = inbox.mark_failed("payments/msg_1", error="x" * 600, now=now)
        assert is_last == (attempt == inbox.MAX_ATTEMPTS - 1)
        pauses.append(2**attempt)
        now += timedelta(seconds=pauses[-1])
        assert handed_out(now - timedelta(milliseconds=1)) == ["msg_2"]
    assert handed_out(now + timedelta(days=9)) == ["msg_2"]
    (row,) = inbox.set_aside(limit=9)
    assert (row["_id"], row["attempts"], row["error"]) == ("payments/msg_1", 8, "x" * 500)
    assert (inbox.count_set_aside(limit=9), inbox.oldest(("payments",))) == (1, NOW)
    assert [record.msg for record in caplog.records] == ["delivery_set_aside"]


def again(number, seen=inbox.MAX_ATTEMPTS):
    key = f"payments/msg_{number}"
    return transactions.run(lambda session: inbox.hand_out_again(key, seen=seen, session=session))


def test_what_was_set_aside_is_a_repeat_for_its_sender_and_may_be_handed_out_again():
    inbox.accept([fact(1), fact(2)])
    for _ in range(inbox.MAX_ATTEMPTS):
        inbox.mark_failed("payments/msg_1", error="$attempts", now=NOW)
    assert inbox.set_aside(limit=9)[0]["error"] == "$attempts"
    assert inbox.accept([fact(1)]) == [REPEAT]
    assert not again(1, seen=7)
    assert [again(number) for number in (1, 1, 2, 3)] == [True, False, False, False]
    assert handed_out(NOW) == ["msg_2", "msg_1"]
    assert collection(WebhookDelivery).find_one({"_id": "payments/msg_1"})["attempts"] == 0


def test_a_failed_delivery_keeps_its_attempts_and_error():
    inbox.accept([fact(1), fact(2)])
    inbox.mark_failed("payments/msg_1", error="x" * 600, now=NOW)
    row = collection(WebhookDelivery).find_one({"_id": "payments/msg_1"})
    assert (row["attempts"], row["error"]) == (1, "x" * 500)


def test_what_was_processed_meanwhile_does_not_fail():
    inbox.accept([fact(1)])
    transactions.run(lambda session: inbox.mark_processed(["payments/msg_1"], now=NOW, session=session))
    inbox.mark_failed("payments/msg_1", error="late", now=NOW)
    assert rows() == [("payments/msg_1", "processed", "tip.succeeded/1")]


def test_of_an_error_its_innermost_place_of_ours_is_kept_and_never_its_words():
    try:
        json.loads(again.__name__)
    except ValueError as error:
        place = inbox.place_of(error)
    assert re.fullmatch(r"tests\.ground\.test_inbox:test_of_an_error\w+:\d+", place)
    inbox.accept([fact(1)])
    inbox.mark_failed("payments/msg_1", error="JSONDecodeError", place=place, now=NOW)
    row = inbox.find("payments/msg_1")
    assert (row["error"], row["error_place"]) == ("JSONDecodeError", place)
    assert inbox.place_of(ValueError("never raised")) == ""
