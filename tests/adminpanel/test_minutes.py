"""The minutes of the deployment: one row each, however often, by however many and however late it is
written; what passed follows from the rows, and what nobody saw is not made up."""

from datetime import timedelta

import pytest

from adminpanel import tasks
from adminpanel.models import HealthMinute
from adminpanel.watch import minutes, passing
from adminpanel.watch.minutes import MINUTE, key_of
from ground.mongodb.collections import collection
from tests.chain import Chain
from tests.factories import NOW, fund
from tests.ground.conftest import fail_command, in_threads
from tests.ground.plans import recorded, scans
from tips.log import eventlog

__all__ = ["fail_command", "in_threads"]
pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
START = minutes.floor(NOW)
# What one round may ask of the database where one minute is new, and where ten are.
MOST_COMMANDS, MOST_COMMANDS_LATE = 55, 130


@pytest.fixture
def evening(ana, bob):
    """A tip that was delivered two seconds into the minute, settled a second later, decided three seconds
    after that, and has played for ten; and one that waits."""
    fund(bob, 1000)
    chain = Chain(ana, now=START + 2 * SECOND)
    chain.publish_menu()
    chain.hold()
    tip_id = chain.deliver(bob, 100)
    chain.settle(later=SECOND)
    chain.dispatch(later=4 * SECOND)
    chain.acknowledge(tip_id, "received", later=4 * SECOND)
    chain.acknowledge(tip_id, "started", later=4 * SECOND)
    chain.acknowledge(tip_id, "finished", later=14 * SECOND, delivered_seconds=10)
    chain.deliver(bob, 100)
    return chain


def row(minute=START):
    return collection(HealthMinute).find_one({"_id": key_of(minute)})


def rows():
    return list(collection(HealthMinute).find({}, {"counted_at": 0}).sort("_id", 1))


def near(seconds):
    return pytest.approx(seconds, rel=0.08)


def test_a_minute_holds_what_passed_in_it_and_how_things_are(evening):
    minutes.keep(now=START + MINUTE)
    found = row()
    assert found["passed"]["counts"] == [1, 1, 1, 1, 1, 1]
    waits = [passing.percentile([wait], 0.5) for wait in found["passed"]["waits"]]
    assert waits == [near(1), 0.0, near(3), 0.0, near(10)]
    assert found["seen_at"] == START + MINUTE
    hops = {hop["name"]: hop for hop in found["seen"]["hops"]}
    assert (hops["deliveries"]["depth"], hops["deliveries"]["lag"]) == (1, 58.0)
    assert (found["seen"]["connected"], found["seen"]["low"]) == (1, 0)
    assert found["seen"]["ledger"] == {"gateway": "embedded", "answers": True}
    assert found["expires_at"] == START + timedelta(days=90)


def test_it_holds_nothing_of_the_minutes_beside_it(evening):
    minutes.keep(now=START + 2 * MINUTE)
    assert [row(START + n * MINUTE)["passed"]["counts"][2] for n in (-1, 0, 1)] == [0, 1, 0]


def test_said_again_it_changes_nothing(evening):
    minutes.keep(now=START + MINUTE)
    before = rows()
    minutes.keep(now=START + MINUTE + SECOND)
    minutes.keep(now=START + MINUTE + 2 * SECOND)
    assert [each for each in rows() if each["_id"] >= key_of(START - 9 * MINUTE)] == before


def test_many_at_once_write_one_row_a_minute(evening, in_threads):
    in_threads(lambda: minutes.keep(now=START + MINUTE), times=8)
    assert row()["passed"]["counts"] == [1, 1, 1, 1, 1, 1]
    assert len(rows()) == len({each["_id"] for each in rows()}) == minutes.MOST_AT_ONCE


def test_who_dies_before_or_after_writing_leaves_a_minute_that_the_next_one_writes(evening, fail_command):
    fail_command("update", errorCode=8000)
    with pytest.raises(Exception, match="failCommand"):
        minutes.keep(now=START + MINUTE)
    minutes.keep(now=START + MINUTE + SECOND)
    once = row()
    assert once["passed"]["counts"] == [1, 1, 1, 1, 1, 1]
    minutes.keep(now=START + MINUTE + SECOND)  # as whoever did not learn that it was written
    assert row() == once


def test_a_late_beat_fills_in_what_passed_and_leaves_open_what_it_could_not_see(evening):
    minutes.keep(now=START + 5 * MINUTE)
    assert row()["passed"]["counts"] == [1, 1, 1, 1, 1, 1]
    assert (row()["seen"], row()["seen_at"]) == (None, None)
    assert row(START + 4 * MINUTE)["seen"] is not None


def test_an_hour_is_filled_in_a_part_at_a_time_and_no_more(evening):
    now = START + 70 * MINUTE
    written = [minutes.keep(now=now) for _ in range(7)]
    assert written == [10] * 6 + [6]  # the newest was counted early, so each round counts it again
    assert len(rows()) == minutes.BACK
    assert row() is None


def test_a_beat_that_slips_over_a_minute_leaves_none_unseen(evening):
    minutes.keep(now=START + MINUTE - SECOND / 10)
    minutes.keep(now=START + 2 * MINUTE)
    assert [row(START + n * MINUTE)["seen"] is not None for n in (-1, 0, 1)] == [True, True, True]


def test_what_came_to_light_after_the_first_count_is_counted(evening):
    minutes.keep(now=START + MINUTE)
    evening.settle(later=20 * SECOND)  # its row lagged behind
    minutes.keep(now=START + 2 * MINUTE)
    assert row()["passed"]["counts"][2] == 2
    assert row()["seen_at"] == START + MINUTE


def test_an_older_count_does_not_replace_a_later_one(evening):
    minutes.keep(now=START + 2 * MINUTE)
    counted = row()["counted_at"]
    minutes.keep(now=START + MINUTE)
    assert row()["counted_at"] == counted


def test_beyond_what_is_read_the_counts_stand_and_it_says_that_waits_are_of_some(ana, bob, monkeypatch):
    fund(bob, 10_000)
    chain = Chain(ana, now=START + SECOND)
    chain.publish_menu()
    chain.hold()
    for _ in range(4):
        chain.played(bob, 100)
    monkeypatch.setattr(passing, "MOST_READ", 2)
    found = passing.between(START, START + MINUTE)
    assert (found["counts"], found["is_sampled"]) == ([4, 4, 4, 4, 4, 4], True)
    assert sum(found["waits"][1].values()) == 2


def test_percentiles_are_right_to_eight_percent_over_any_minutes():
    waits = [timedelta(milliseconds=7 * n) for n in range(1, 2001)]
    parts = [passing.bucketed(waits[at::3]) for at in range(3)]
    for share in (0.5, 0.95, 0.99):
        assert passing.percentile(parts, share) == near(7 * 2000 * share / 1000)
    assert passing.percentile([{}, {}], 0.5) is None


def test_a_round_costs_a_bounded_number_of_commands_each_by_an_index(evening):
    with recorded() as plans:
        minutes.keep(now=START + MINUTE)
    assert scans(plans) == []
    assert len(plans) <= MOST_COMMANDS_LATE
    for _ in range(6):
        minutes.keep(now=START + MINUTE)
    with recorded() as plans:
        minutes.keep(now=START + 2 * MINUTE)
    assert len(plans) <= MOST_COMMANDS


def test_the_beat_writes_the_minute_that_has_just_ended(evening):
    tasks.keep_minutes()
    newest = rows()[-1]
    assert newest["seen"]["status"] == "healthy"
    assert eventlog.length() == newest["passed"]["sequence"] == 1
