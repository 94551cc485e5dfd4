"""What a process remembers of apps that call: bounded, exact to the second, and never another one's."""

from datetime import timedelta

import pytest

from lovense.devices import heartbeats
from lovense.devices.heartbeats import CallRate, Heard
from tests.factories import NOW
from tests.ground.conftest import in_threads
from tests.lovense.devices.apps import LUSH, call

__all__ = ["in_threads"]

SECOND = timedelta(seconds=1)
ANA, BOB = b"ana", b"bob"


@pytest.fixture
def rate():
    """Three calls in a minute."""
    return CallRate(3)


def test_so_many_are_taken_in_a_minute_and_the_next_one_waits_for_its_end(rate):
    assert [rate.take(ANA, 100.0) for _ in range(5)] == [0, 0, 0, 60, 60]
    assert rate.take(ANA, 130.2) == 30
    assert rate.take(ANA, 159.9) == 1
    assert [rate.take(ANA, 160.0) for _ in range(4)] == [0, 0, 0, 60]


def test_one_caller_is_not_another(rate):
    for _ in range(4):
        rate.take(ANA, 0.0)
    assert (rate.take(ANA, 0.0), rate.take(BOB, 0.0)) == (60, 0)


def test_of_callers_at_once_no_more_than_the_limit_are_taken(in_threads):
    rate = CallRate(100)
    taken = in_threads(lambda: rate.take(ANA, 0.0), times=400, workers=8)
    assert taken.count(0) == 100


def test_whoever_was_quiet_for_longest_is_forgotten(rate, monkeypatch):
    monkeypatch.setattr(heartbeats, "MOST", 2)
    for _ in range(3):
        rate.take(ANA, 0.0)
    rate.take(BOB, 0.0)
    assert rate.take(ANA, 1.0) == 59  # heard of again
    rate.take(b"carol", 1.0)
    assert len(rate._callers) == 2
    assert rate.take(ANA, 1.0) == 59


# --- what was said -----------------------------------------------------------------------------------------


@pytest.fixture
def heard():
    """The app's callback was written; it is no news for ten seconds."""
    made = Heard()
    made.note(call(), NOW + 10 * SECOND)
    return made


def test_the_same_again_is_known_until_then(heard):
    assert heard.knows(call(), NOW + 9.999 * SECOND)
    assert not heard.knows(call(), NOW + 10 * SECOND)


@pytest.mark.parametrize(
    "other",
    [{"uid": "another"}, {"utoken": "another"}, {"toys": [LUSH | {"status": 0}]}],
    ids=lambda o: next(iter(o)),
)
def test_anything_else_is_not_known(heard, other):
    assert not heard.knows(call(**other), NOW)


def test_what_was_said_last_is_what_is_known(heard):
    heard.note(call(toys=[]), NOW + 10 * SECOND)
    assert (heard.knows(call(), NOW), heard.knows(call(toys=[]), NOW)) == (False, True)


def test_only_so_many_are_remembered_and_none_by_its_name(heard, monkeypatch):
    monkeypatch.setattr(heartbeats, "MOST", 3)
    for n in range(5):
        heard.note(call(uid=f"uid-{n}"), NOW + SECOND)
    assert [heard.knows(call(uid=f"uid-{n}"), NOW) for n in range(5)] == [False, False, True, True, True]
    assert "uid-4" not in repr(heard._said)
    assert "utoken" not in repr([tuple(each) for each in heard._said.values()])
