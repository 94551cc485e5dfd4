"""Doorbells: rings coalesce on their way, and a Redis that is away costs rings, never an error."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from celery import current_app

from ground.hops import doorbell
from tests import services


def rung():
    """The tasks that wait for a worker, the latest first."""
    return [
        json.loads(text)["headers"]["task"]
        for text in doorbell.connection().lrange(current_app.conf.task_default_queue, 0, -1)
    ]


@pytest.fixture
def redis_away():
    """Redis is down for the block of the test; afterwards it is there again."""
    redis = services.running.redis
    redis.stop()
    yield redis
    if redis.process is None:
        redis.start()


def test_a_ring_wakes_the_task():
    assert doorbell.ring("tips.settle")
    assert rung() == ["tips.settle"]


def test_rings_on_their_way_are_one():
    assert [doorbell.ring("tips.settle") for _ in range(5)] == [True, False, False, False, False]
    assert rung() == ["tips.settle"]


def test_rings_of_many_threads_are_one():
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: doorbell.ring("tips.settle"), range(64)))
    assert rings.count(True) == 1
    assert rung() == ["tips.settle"]


def test_two_hops_have_two_bells():
    assert doorbell.ring("tips.settle")
    assert doorbell.ring("lovense.dispatch")
    assert rung() == ["lovense.dispatch", "tips.settle"]


def test_once_answered_the_next_ring_counts():
    doorbell.ring("tips.settle")
    doorbell.answered("tips.settle")
    assert doorbell.ring("tips.settle")
    assert rung() == ["tips.settle"] * 2


def test_a_ring_that_nobody_answers_mutes_its_hop_for_a_moment_only():
    doorbell.ring("tips.settle")
    assert 0 < doorbell.connection().pttl("doorbell:tips.settle") <= doorbell.MARK_MILLISECONDS


def test_without_redis_a_ring_is_lost_and_nothing_else(redis_away, caplog):
    assert not doorbell.ring("tips.settle")
    doorbell.answered("tips.settle")
    assert [record.msg for record in caplog.records] == ["doorbell_failed"] * 2
    redis_away.start()
    assert doorbell.ring("tips.settle")


def test_without_redis_every_thread_is_answered_quickly(redis_away):
    with ThreadPoolExecutor(8) as pool:
        rings = [pool.submit(doorbell.ring, "tips.settle") for _ in range(64)]
        assert [ring.result(timeout=20) for ring in rings] == [False] * 64
