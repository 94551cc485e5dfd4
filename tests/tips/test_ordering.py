"""Whose turn it is: first come, first served; the highest priority, where waiting counts too; once a second.
All of it pure."""

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.factories import NOW
from tips.models import Mode, Priority
from tips.queue import ordering
from tips.queue.ordering import AGEING, is_ready, next_of

LANE = "507f191e810c19729de860eb"
LONGEST = AGEING * (Priority.CRITICAL - Priority.LOW)
MILLISECOND = timedelta(milliseconds=1)

priorities = st.sampled_from(list(Priority))
arrivals = st.lists(st.tuples(st.integers(0, 1_000_000), priorities), min_size=1, max_size=12)


def request(turn, *, after=timedelta(), priority=Priority.HIGH, **more):
    """A waiting request; what settles later has a later turn."""
    row = {
        "_id": f"r{turn:03}",
        "line": ordering.line(LANE, priority),
        "turn": turn,
        "waiting_since": NOW + after,
    }
    return row | {"attempts": 0, "available_at": NOW + after} | more


def arrived(pairs):
    """Requests in the order of their coming: (milliseconds after the first moment, priority)."""
    moments = sorted(milliseconds for milliseconds, _ in pairs)
    return [
        request(turn, after=milliseconds * MILLISECOND, priority=priority)
        for turn, (milliseconds, (_, priority)) in enumerate(zip(moments, pairs, strict=True))
    ]


def order(rows, mode):
    """In which order a lane is worked off when nothing more comes."""
    left, found = list(rows), []
    while left:
        found.append(next_of(ordering.candidates(left), mode))
        left.remove(found[-1])
    return found


# --- fifo and batch ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.FIFO, Mode.BATCH])
@given(pairs=arrivals)
def test_first_come_first_served_whatever_the_priority(mode, pairs):
    rows = arrived(pairs)
    assert order(rows, mode) == rows


def test_one_turn_is_one_order():
    """Nothing has the same turn twice; should it be so, the order is still the same for every worker."""
    twins = [request(1, _id="b"), request(1, _id="a", line=ordering.line(LANE, Priority.LOW))]
    assert next_of(twins, Mode.FIFO)["_id"] == next_of(twins[::-1], Mode.FIFO)["_id"] == "a"


# --- priority ----------------------------------------------------------------------------------------------


def test_the_highest_priority_goes_first():
    rows = [request(turn, priority=priority) for turn, priority in enumerate(Priority)]
    assert [ordering.priority_of(row) for row in order(rows, Mode.PRIORITY)] == [20, 10, 5, 1]


@given(pairs=arrivals)
def test_equal_priorities_keep_the_order_of_their_coming(pairs):
    found = order(arrived(pairs), Mode.PRIORITY)
    for priority in Priority:
        mine = [row["turn"] for row in found if ordering.priority_of(row) == priority]
        assert mine == sorted(mine)


@given(pairs=arrivals)
def test_a_request_is_overtaken_only_by_what_came_soon_enough_after_it(pairs):
    """The bound: less than AGEING for each point of priority that the other has more."""
    found = order(arrived(pairs), Mode.PRIORITY)
    for place, overtaken in enumerate(found):
        for first in found[:place]:
            came_later = first["waiting_since"] - overtaken["waiting_since"]
            points = ordering.priority_of(first) - ordering.priority_of(overtaken)
            assert came_later < AGEING * points or (
                came_later == AGEING * points and first["turn"] < overtaken["turn"]
            )


@given(st.tuples(priorities, priorities), st.integers(-1, 1))
def test_the_bound_is_exact(pair, milliseconds):
    """What comes a moment before the bound overtakes, what comes at the bound does not."""
    higher, lower = max(pair), min(pair)
    assume(higher != lower)
    old = request(1, priority=lower)
    new = request(2, after=AGEING * (higher - lower) + milliseconds * MILLISECOND, priority=higher)
    assert (next_of([old, new], Mode.PRIORITY) is new) == (milliseconds < 0)


@given(st.lists(st.integers(0, int(2 * LONGEST.total_seconds())), max_size=10))
def test_nobody_starves_whatever_keeps_coming(seconds):
    """After the longest bound even the lowest priority is overtaken by nothing that still comes."""
    old = request(0, priority=Priority.LOW)
    others = [
        request(turn, after=timedelta(seconds=after), priority=Priority.CRITICAL)
        for turn, after in enumerate(sorted(seconds), 1)
    ]
    before = order([old, *others], Mode.PRIORITY).index(old)
    assert before == sum(timedelta(seconds=after) < LONGEST for after in seconds)


def test_the_longest_bound_is_nine_and_a_half_minutes():
    assert timedelta(minutes=9, seconds=30) == LONGEST


@given(pairs=arrivals, later=st.integers(0, 10_000_000), mode=st.sampled_from(Mode))
def test_the_order_never_changes_with_time(pairs, later, mode):
    """Waiting counts for all alike: the two that wait keep their order, however long they wait together."""
    rows = arrived(pairs)
    shifted = [row | {"waiting_since": row["waiting_since"] - later * MILLISECOND} for row in rows]
    assert [row["turn"] for row in order(rows, mode)] == [row["turn"] for row in order(shifted, mode)]


# --- what has been tried -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", Mode)
def test_what_waits_for_its_next_attempt_lets_nothing_overtake_it(mode):
    """Its page may have it already: a second run must not start beside it, whatever the mode has become
    meanwhile."""
    tried = request(2, priority=Priority.LOW, attempts=1, available_at=NOW + timedelta(seconds=2))
    assert next_of([request(1), tried, request(3, priority=Priority.CRITICAL)], mode) is tried
    assert not is_ready(tried, mode, NOW + timedelta(seconds=1))


@pytest.mark.parametrize("mode", Mode)
def test_what_was_tried_lets_nothing_overtake_it_that_a_person_sent_back_before_it(mode):
    again = request(1, attempts=4, attempts_before=4)
    tried = request(2, attempts=1, available_at=NOW + timedelta(seconds=2))
    assert order([again, tried, request(3)], mode)[0] is tried


def test_what_a_person_sent_back_takes_its_place_like_any_other():
    again = request(1, priority=Priority.LOW, attempts=4, attempts_before=4)
    higher = request(2, priority=Priority.CRITICAL)
    assert next_of([again, higher], Mode.PRIORITY) is higher
    assert next_of([again, higher], Mode.FIFO) is again


# --- when it may start -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.FIFO, Mode.PRIORITY])
def test_a_request_is_ready_when_its_pause_is_over(mode):
    row = request(1, available_at=NOW + timedelta(seconds=2))
    assert not is_ready(row, mode, NOW + timedelta(seconds=2) - MILLISECOND)
    assert is_ready(row, mode, NOW + timedelta(seconds=2))


@given(came=st.integers(0, 5000), asked=st.integers(0, 5000))
def test_a_batch_takes_what_came_before_the_last_full_second(came, asked):
    row = request(1, available_at=NOW + came * MILLISECOND)
    assert is_ready(row, Mode.BATCH, NOW + asked * MILLISECOND) == (came < asked // 1000 * 1000)


def test_a_lane_has_one_line_for_each_priority():
    assert ordering.lines([LANE]) == [f"{LANE}/{priority}" for priority in (1, 5, 10, 20)]
    assert {ordering.lane_of(name) for name in ordering.lines([LANE])} == {LANE}
