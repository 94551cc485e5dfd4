"""The sums of a show are worked out from what became of its tips, and are the same however often they are."""

from datetime import timedelta

import pytest
from pymongo.errors import PyMongoError

from ground.mongodb.collections import collection
from lovense.lane import submissions
from lovense.lane.submissions import Submission
from lovense.models import Activation, Show
from lovense.owed import keeping as owed
from lovense.shows import ending, keeping, sums
from tests.chain import SECOND
from tests.factories import NOW
from tests.lovense.conftest import in_collection, seconds
from tests.lovense.controlling import drain
from tips.models import Priority, RequestType

pytestmark = pytest.mark.django_db
LATER = timedelta(minutes=20)


def of_show(chain, began_at=NOW, ended_at=NOW + LATER):
    return sums.of(chain.performer_id, began_at=began_at, ended_at=ended_at)


def test_without_a_tip_there_is_nothing(chain):
    assert of_show(chain) == {
        **dict.fromkeys(("tips", "tokens", "played", "promised", "delivered", "owed"), 0),
        **dict.fromkeys(("best", "longest_wait")),
        "is_whole": True,
    }


def test_what_played_what_did_nothing_and_what_is_owed(chain, bob):
    chain.played(bob, 100)
    chain.played(bob, 100, seconds=7.5)
    chain.played(bob, 50, seconds=6)
    chain.settled(bob, 5)  # below the minimum
    chain.dispatch()
    owed.drain(now=NOW + 11 * SECOND, limit=99)
    assert of_show(chain) == {
        "tips": 4,
        "tokens": 255,
        "played": 3,
        "promised": 260,
        "delivered": 235,
        "owed": 25,
        "best": {"title": "Fireworks", "times": 2, "tokens": 200},
        "longest_wait": 0,
        "is_whole": True,
    }


def test_the_longest_wait_is_from_the_settlement_to_the_start(chain, bob):
    first, second = chain.settled(bob, 100), chain.settled(bob, 100)
    chain.dispatch()
    chain.acknowledge(first, "finished", later=10 * SECOND, delivered_seconds=10)
    drain(chain, NOW + seconds(12))
    chain.acknowledge(second, "started", later=seconds(13))
    assert of_show(chain)["longest_wait"] == 13


def test_what_was_decided_before_or_after_it_is_not_of_it(chain, bob):
    chain.played(bob, 100)
    assert of_show(chain, NOW, NOW)["tips"] == 0
    assert of_show(chain, NOW + SECOND)["tips"] == 0
    assert of_show(chain, NOW, NOW + SECOND)["tips"] == 1


def test_a_test_is_none_of_it(chain):
    test = Submission(RequestType.TEST, 100, None, Priority.NORMAL)
    submissions.submit(test, lane=chain.performer_id, account="a", name="ana", key="k", now=NOW)
    chain.dispatch()
    assert collection(Activation).count_documents({}) == 1
    assert of_show(chain)["tips"] == 0


def test_no_more_are_read_than_the_limit_and_it_says_so(chain, bob, monkeypatch):
    for _ in range(3):
        chain.played(bob, 100)
    monkeypatch.setattr(sums, "MOST_ROWS", 2)
    found = of_show(chain)
    assert (found["tips"], found["is_whole"]) == (2, False)


def test_what_was_decided_before_it_is_none_of_it_wherever_it_stands(chain, bob):
    for _ in range(4):
        chain.played(bob, 100)
    newest = collection(Activation).find_one(sort=[("position", -1)])
    before = {"$set": {"created_at": NOW - timedelta(days=1)}}
    collection(Activation).update_one({"_id": newest["_id"]}, before)
    assert of_show(chain)["tips"] == 3


def test_they_are_written_at_the_end_and_again_when_devices_have_said_the_rest(chain, bob):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    end = NOW + SECOND
    ending.end(performer_id=chain.performer_id, by="ana", now=end)
    row = collection(Show).find_one()
    assert (row["sums"]["promised"], row["look_at"]) == (0, end + keeping.SUMMED_AFTER[0])
    chain.acknowledge(tip_id, "finished", later=2 * SECOND, delivered_seconds=1.0)
    owed.drain(now=NOW + 2 * SECOND, limit=99)
    first, last = (end + each for each in keeping.SUMMED_AFTER)
    assert sums.drain(now=first - SECOND, limit=9) == 0
    for at, look_at in ((first, last), (last, None)):
        assert sums.drain(now=at, limit=9) == 1
        row = collection(Show).find_one()
        found = [row["sums"][name] for name in ("promised", "delivered", "owed")]
        assert (found, row["look_at"]) == ([100, 10, 90], look_at)
    assert sums.drain(now=last + LATER, limit=9) == 0


def test_worked_out_eight_times_at_once_they_are_the_same(chain, bob, in_threads):
    chain.played(bob, 100)
    ending.end(performer_id=chain.performer_id, by="ana", now=NOW + 11 * SECOND)
    before = collection(Show).find_one()["sums"]
    collection(Show).update_many({}, {"$set": {"look_at": NOW}})
    in_threads(lambda: sums.drain(now=NOW + LATER, limit=9), times=8)
    assert collection(Show).find_one()["sums"] == before


def test_a_round_that_dies_is_done_again(chain, bob, fail_command):
    chain.played(bob, 100)
    ending.end(performer_id=chain.performer_id, by="ana", now=NOW + 11 * SECOND)
    fail_command("update", errorCode=8000, **in_collection(Show))
    due = NOW + LATER
    with pytest.raises(PyMongoError):
        sums.drain(now=due, limit=9)
    assert sums.drain(now=due, limit=9) == 1
    assert collection(Show).find_one()["sums"]["tips"] == 1
