"""Idempotency keys by themselves: whose turn it is, and whose answer counts."""

from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from tests.factories import NOW
from tips.intake import idempotency
from tips.intake.idempotency import LOCKED, IdempotencyKeyReused, KeptAnswer, StillRunning
from tips.models import IdempotencyKey

pytestmark = pytest.mark.django_db

TICK = timedelta(milliseconds=1)


def once(work, *, key="c/k", fingerprint="f", now=NOW):
    return idempotency.once(key, fingerprint=fingerprint, now=now, work=work)


def answers(body, status=201):
    return lambda: KeptAnswer(status, body)


def never():
    raise AssertionError("this work must not run")


def test_the_first_answer_is_kept_and_the_work_does_not_run_again():
    assert once(answers(b"\xff one")) == KeptAnswer(201, b"\xff one")
    assert once(never) == KeptAnswer(201, b"\xff one", is_hit=True)
    assert once(never, now=NOW + timedelta(days=29)) == KeptAnswer(201, b"\xff one", is_hit=True)


def test_another_key_is_another_call():
    once(answers(b"one"))
    assert once(answers(b"two"), key="d/k") == KeptAnswer(201, b"two")


def test_another_body_is_refused_while_it_runs_and_after():
    def work():
        with pytest.raises(IdempotencyKeyReused):
            once(never, fingerprint="g")
        return KeptAnswer(201, b"one")

    once(work)
    with pytest.raises(IdempotencyKeyReused):
        once(never, fingerprint="g")


def test_while_it_runs_the_others_wait_to_the_end_of_the_lock():
    def work():
        for moment in (NOW, NOW + LOCKED - TICK):
            with pytest.raises(StillRunning):
                once(never, now=moment)
        return KeptAnswer(201, b"one")

    assert once(work).body == b"one"


def test_a_call_slower_than_its_lock_gives_the_answer_of_the_one_that_took_over():
    def slow():
        assert once(answers(b"second", 200), now=NOW + LOCKED) == KeptAnswer(200, b"second")
        return KeptAnswer(201, b"first")

    assert once(slow) == KeptAnswer(200, b"second", is_hit=True)
    assert once(never).body == b"second"


def test_a_call_slower_than_its_lock_waits_for_the_one_that_took_over():
    def slow():
        taken = {"holder": "another", "lock_until": NOW + 2 * LOCKED}
        collection(IdempotencyKey).update_one({"_id": "c/k"}, {"$set": taken})
        return KeptAnswer(201, b"first")

    with pytest.raises(StillRunning):
        once(slow)


def test_a_failure_keeps_nothing_and_frees_the_key():
    def fails():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        once(fails)
    assert collection(IdempotencyKey).count_documents({}) == 0
    assert once(answers(b"one")) == KeptAnswer(201, b"one")


def test_a_failure_does_not_free_a_key_that_another_has_taken():
    def fails():
        once(answers(b"second"), now=NOW + LOCKED)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        once(fails)
    assert once(never).body == b"second"


def test_a_key_that_vanishes_between_two_looks_is_free(in_threads):
    """Work that fails at once, in many threads: rows come and go between another's insert and its look."""
    ran = []

    def turn():
        try:
            once(lambda: ran.append(1) or 1 / 0)
        except (ZeroDivisionError, StillRunning) as error:
            return type(error)

    assert set(in_threads(turn, times=80, workers=8)) <= {ZeroDivisionError, StillRunning}
    assert ran
    assert once(answers(b"one")).body == b"one"
