"""The one door to transactions, in every situation that once left a connection broken. After each test the
next one works."""

import asyncio
import contextlib
import threading

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import DatabaseError, IntegrityError, connection
from django.db.transaction import atomic, on_commit
from pymongo.errors import DuplicateKeyError, OperationFailure

from ground.mongodb import transactions
from ground.mongodb.collections import collection
from ground.mongodb.transactions import CommitUnknown, NestedTransaction, NotCommitted, after_commit, run
from ledger.models import Account
from tests.factories import NOW

pytestmark = pytest.mark.django_db

INTERRUPTED, NO_SUCH_TRANSACTION, WRITE_CONCERN_FAILED = 11601, 251, 64


def insert(key):
    Account(key=key, created_at=NOW).save(force_insert=True)


def keys():
    return sorted(Account.objects.values_list("pk", flat=True))


@pytest.fixture(autouse=True)
def _the_next_transaction_works(db):
    yield
    calls = []
    assert (connection.session, connection.in_atomic_block_mongo, connection.run_on_commit) == (
        None,
        False,
        [],
    )

    def body(session):
        insert("the next")
        after_commit(lambda: calls.append(keys()))

    run(body)
    assert len(calls) == 1
    assert "the next" in calls[0]


@pytest.fixture
def ran():
    """What hooks and bodies report."""
    return []


def test_the_orm_and_the_raw_collection_write_together(ran):
    def body(session):
        insert("orm")
        collection(Account).insert_one({"_id": "raw"}, session=session)
        ran.append(collection(Account).count_documents({}))
        return "result"

    assert run(body) == "result"
    assert ran == [0]  # nobody outside sees anything before the commit
    assert keys() == ["orm", "raw"]


# --- contention --------------------------------------------------------------------------------------------


def test_eight_threads_on_one_document_lose_nothing(in_threads, ran):
    insert("a")

    def add_one(session):
        row = Account.objects.get(pk="a")
        row.balance += 1
        row.save()
        after_commit(lambda: ran.append(1))

    in_threads(lambda: run(add_one), times=160)
    assert Account.objects.get(pk="a").balance == 160
    assert len(ran) == 160


def test_raw_and_orm_writers_of_one_document_lose_nothing(in_threads):
    insert("a")

    def add_one(session):
        row = collection(Account).find_one({"_id": "a"}, session=session)
        Account.objects.filter(pk="a").update(balance=row["balance"] + 1)

    in_threads(lambda: run(add_one), times=80)
    assert Account.objects.get(pk="a").balance == 80


def test_a_race_for_one_key_is_repeated_and_then_sees_the_winner(ran):
    """Inside a transaction a lost race is a write conflict, not a duplicate: only a repeat can look at the
    winner."""
    winner = threading.Thread(target=lambda: collection(Account).insert_one({"_id": "a", "balance": 7}))

    def body(session):
        found = collection(Account).find_one({"_id": "a"}, session=session)
        ran.append(found and found["balance"])
        if found is None:
            if len(ran) == 1:
                winner.start()
                winner.join()
            collection(Account).insert_one({"_id": "a"}, session=session)

    run(body)
    assert ran == [None, 7]


def test_attempts_are_counted_and_the_last_error_is_the_cause(fail_command, ran):
    fail_command("insert", times=9, errorCode=NO_SUCH_TRANSACTION, errorLabels=["TransientTransactionError"])

    def body(session):
        ran.append(1)
        insert("a")

    with pytest.raises(NotCommitted, match="3 attempts") as caught:
        run(body, attempts=3)
    assert len(ran) == 3
    assert isinstance(caught.value.__cause__, DatabaseError)


def test_no_attempt_starts_after_the_time_is_over(fail_command, monkeypatch, ran):
    monkeypatch.setattr(transactions, "RETRY_SECONDS", -1.0)
    fail_command("insert", times=9, errorCode=NO_SUCH_TRANSACTION, errorLabels=["TransientTransactionError"])
    with pytest.raises(NotCommitted, match="1 attempts"):
        run(lambda session: insert("a"))


def test_an_application_error_that_stands_for_a_conflict_is_repeated_too(fail_command, ran):
    fail_command("insert", errorCode=NO_SUCH_TRANSACTION, errorLabels=["TransientTransactionError"])

    def body(session):
        ran.append(1)
        try:
            insert("a")
        except DatabaseError as error:
            raise LookupError from error

    run(body)
    assert len(ran) == 2


# --- duplicates --------------------------------------------------------------------------------------------


def test_a_duplicate_leaves_the_transaction_as_itself_at_once(ran):
    insert("a")

    def body(session):
        ran.append(1)
        insert("b")
        after_commit(lambda: ran.append("hook"))
        insert("a")

    with pytest.raises(IntegrityError):
        run(body)
    assert ran == [1]
    assert keys() == ["a"]


def test_a_raw_duplicate_too():
    insert("a")
    with pytest.raises(DuplicateKeyError):
        run(lambda session: collection(Account).insert_one({"_id": "a"}, session=session))


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_duplicate_swallowed_inside_is_reported_and_nothing_is_written(goes_on, ran):
    insert("a")

    def body(session):
        insert("b")
        after_commit(lambda: ran.append("hook"))
        with contextlib.suppress(IntegrityError):
            insert("a")
        if goes_on:
            insert("c")

    with pytest.raises(NotCommitted):
        run(body, attempts=3)
    assert keys() == ["a"]
    assert ran == []


# --- the commit --------------------------------------------------------------------------------------------


def test_a_refused_commit_says_so_and_writes_nothing(fail_command, ran):
    def body(session):
        ran.append(1)
        insert("a")
        after_commit(lambda: ran.append("hook"))

    fail_command("commitTransaction", errorCode=INTERRUPTED)
    with pytest.raises(NotCommitted) as caught:
        run(body)
    assert isinstance(caught.value.__cause__, OperationFailure)
    assert ran == [1]
    assert keys() == []


def test_a_commit_that_others_beat_is_repeated_from_the_start(fail_command, ran):
    def body(session):
        ran.append(1)
        insert("a")

    fail_command(
        "commitTransaction", errorCode=NO_SUCH_TRANSACTION, errorLabels=["TransientTransactionError"]
    )
    run(body)
    assert ran == [1, 1]
    assert keys() == ["a"]


def test_a_commit_whose_answer_is_lost_is_asked_again_and_done_once(fail_command, ran):
    def body(session):
        ran.append("body")
        collection(Account).update_one({"_id": "a"}, {"$inc": {"balance": 1}}, upsert=True, session=session)
        after_commit(lambda: ran.append("hook"))

    failure = {"code": WRITE_CONCERN_FAILED, "errmsg": "the answer is lost"}
    fail_command(
        "commitTransaction", times=3, writeConcernError=failure
    )  # the commit itself is done the first time
    run(body)
    assert ran == ["body", "hook"]
    assert collection(Account).find_one({"_id": "a"})["balance"] == 1


def test_a_connection_that_breaks_during_the_commit_is_no_harm(fail_command, ran):
    def body(session):
        ran.append(1)
        insert("a")

    fail_command("commitTransaction", times=2, closeConnection=True)
    run(body)
    assert ran == [1]
    assert keys() == ["a"]


def test_a_commit_whose_answer_never_comes_is_unknown_and_its_hooks_stay_silent(fail_command, ran):
    def body(session):
        insert("a")
        after_commit(lambda: ran.append("hook"))

    failure = {"code": WRITE_CONCERN_FAILED, "errmsg": "the answer is lost"}
    fail_command("commitTransaction", times=50, writeConcernError=failure)
    with pytest.raises(CommitUnknown):
        run(body)
    assert keys() == ["a"]  # here it was done: a sweep has to find it
    assert ran == []
    fail_command("commitTransaction", times=0)


# --- nesting -----------------------------------------------------------------------------------------------


def test_a_nested_call_is_refused_and_undoes_the_outer_one(ran):
    def outer(session):
        insert("a")
        after_commit(lambda: ran.append("hook"))
        run(lambda inner: insert("b"))

    with pytest.raises(NestedTransaction):
        run(outer)
    assert keys() == []
    assert ran == []


def test_an_outer_body_may_survive_the_refusal():
    def outer(session):
        insert("a")
        with contextlib.suppress(NestedTransaction):
            run(lambda inner: insert("b"))

    run(outer)
    assert keys() == ["a"]


def test_djangos_own_blocks_do_nothing_inside_and_outside(ran):
    """Contrib code (the admin, get_or_create) opens them: around a transaction, and inside one."""

    def body(session):
        with atomic():
            insert("a")
        Account.objects.get_or_create(pk="b", defaults={"created_at": NOW})
        on_commit(lambda: ran.append("django"))
        after_commit(lambda: ran.append("ours"))
        assert keys() == ["a", "b"]
        assert collection(Account).count_documents({}) == 0

    with atomic():
        run(body)
        assert ran == ["ours", "django"]
    assert keys() == ["a", "b"]


# --- errors of the application -----------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_any_error_of_the_body_undoes_everything_and_is_not_repeated(error, ran):
    def body(session):
        ran.append(1)
        insert("orm")
        collection(Account).insert_one({"_id": "raw"}, session=session)
        after_commit(lambda: ran.append("hook"))
        raise error

    with pytest.raises(error):
        run(body)
    assert ran == [1]
    assert keys() == []


# --- hooks -------------------------------------------------------------------------------------------------


def test_a_hook_that_fails_stops_neither_the_others_nor_the_caller(ran, caplog):
    def body(session):
        insert("a")
        after_commit(lambda: ran.append(1 / 0))
        after_commit(lambda: ran.append("second"))

    run(body)
    assert ran == ["second"]
    assert [record.msg for record in caplog.records] == ["after_commit_failed"]


def test_only_the_attempt_that_was_committed_has_hooks(fail_command, ran):
    fail_command(
        "commitTransaction", errorCode=NO_SUCH_TRANSACTION, errorLabels=["TransientTransactionError"]
    )

    def body(session):
        insert("a")
        after_commit(lambda: ran.append("hook"))

    run(body)
    assert ran == ["hook"]


def test_a_hook_may_open_the_next_transaction(ran):
    def body(session):
        insert("a")
        after_commit(lambda: run(lambda inner: insert("b")))

    run(body)
    assert keys() == ["a", "b"]


def test_without_a_transaction_a_hook_runs_at_once(ran):
    after_commit(lambda: ran.append(1))
    assert ran == [1]


# --- where it may be called --------------------------------------------------------------------------------


def test_it_refuses_to_block_an_event_loop():
    async def called():
        run(lambda session: None)

    with pytest.raises(SynchronousOnlyOperation):
        asyncio.run(called())


def test_reads_inside_see_one_moment(ran):
    insert("a")

    def body(session):
        ran.append(Account.objects.get(pk="a").balance)
        writer = threading.Thread(
            target=lambda: collection(Account).update_one({"_id": "a"}, {"$set": {"balance": 9}})
        )
        writer.start()
        writer.join()
        ran.append(Account.objects.get(pk="a").balance)

    run(body)
    assert ran == [0, 0]
    assert Account.objects.get(pk="a").balance == 9
