"""Windows of a run: they cover it, none is longer than a lease, the last is no stump."""

import itertools

import pytest

from lovense.bridges import slices
from lovense.bridges.slices import SliceWindow, shifted, windows


def spans(found):
    return [(each.start, each.until) for each in found]


@pytest.mark.parametrize(
    ("seconds", "lease", "expected"),
    [
        (2, 9, [(0, 2)]),
        (9, 9, [(0, 9)]),
        (10, 9, [(0, 5), (5, 10)]),
        (30, 9, [(0, 8), (8, 16), (16, 23), (23, 30)]),
        (5, 4, [(0, 3), (3, 5)]),
        (4, 3, [(0, 2), (2, 4)]),
    ],
)
def test_windows_by_hand(seconds, lease, expected):
    assert spans(windows(seconds, lease)) == expected


@pytest.mark.parametrize("lease", [3, 4, 9])
def test_every_run_is_covered_once_by_windows_of_two_seconds_to_a_lease(lease):
    for seconds in range(2, 3601):
        found = windows(seconds, lease)
        assert found[0].start == 0
        assert found[-1].until == seconds
        assert all(one.until == other.start for one, other in itertools.pairwise(found))
        assert all(2 <= each.until - each.start <= lease for each in found)


@pytest.mark.parametrize("lease", [3, 4, 9])
def test_a_phone_is_silent_a_second_after_a_lease_at_the_latest(lease):
    assert all(
        2 <= each.run_seconds <= lease + slices.HEAD_START_SECONDS
        for seconds in range(2, 400)
        for each in windows(seconds, lease)
    )


def test_each_but_the_first_is_told_while_the_one_before_it_still_runs():
    first, second = windows(10, 9)
    assert (first.told_at, first.run_seconds) == (0, 5)
    assert (second.told_at, second.run_seconds) == (4, 6)


def test_what_begins_later_ends_with_the_others():
    assert spans(shifted(windows(10, 9), 2)) == [(2, 7), (7, 10)]
    assert [each.told_at for each in shifted(windows(10, 9), 2)] == [2, 6]


def test_what_would_begin_with_less_than_two_seconds_left_does_not():
    assert shifted(windows(2, 9), 1) == ()
    assert spans(shifted(windows(3, 9), 1)) == [(1, 3)]


def test_a_window_that_would_begin_at_the_end_is_none():
    assert spans(shifted(windows(4, 3), 2)) == [(2, 4)]


def test_windows_are_values():
    assert SliceWindow(0, 0, 2) == windows(2, 9)[0]
