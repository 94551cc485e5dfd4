"""How long a battery lasts: from what was reported of it, and never from what says nothing."""

from datetime import timedelta

import pytest

from lovense.devices import draining
from lovense.page import levelpreview
from tests.factories import NOW

MINUTE = timedelta(minutes=1)


def points(*percents, every=4):
    """Reported so many minutes apart; the last one now."""
    count = len(percents) - 1
    return [
        {"at": NOW - every * (count - n) * MINUTE, "percent": percent} for n, percent in enumerate(percents)
    ]


def kept(*percents):
    found = []
    for n, percent in enumerate(percents):
        found = draining.added(found, percent, now=NOW + n * MINUTE)
    return [point["percent"] for point in found]


def test_a_point_is_kept_where_it_has_changed():
    assert kept(80, 80, None, 79, 79, 78) == [80, 79, 78]


def test_what_was_charged_begins_anew():
    assert kept(40, 39, 60, 59) == [60, 59]


def test_no_more_than_twenty_are_kept():
    assert kept(*range(90, 30, -1)) == list(range(50, 30, -1))


def test_it_lasts_as_long_as_it_drains_as_it_did():
    assert draining.left(points(60, 50, 40, every=10), now=NOW) == 40 * MINUTE
    assert draining.left(points(60, 50, 40, every=10), now=NOW + 5 * MINUTE) == 35 * MINUTE


@pytest.mark.parametrize(
    ("known", "since"),
    [
        ([], 0),
        (points(60, 50), 0),  # too few
        (points(60, 59, 58, every=1), 0),  # too short
        (points(60, 59, 58, every=60), 0),  # too far away
        (points(60, 50, 40, every=10), 31),  # it does not drain any more
    ],
)
def test_what_nobody_can_foresee_is_not_said(known, since):
    assert draining.left(known, now=NOW + since * MINUTE) is None


@pytest.mark.parametrize(
    ("function", "scale", "floor", "cap", "becomes"),
    [
        ("Vibrate", 100, 0, 20, 12),
        ("Vibrate", 55, 0, 20, 7),
        ("Vibrate", 100, 0, 8, 8),
        ("Vibrate", 10, 5, 20, 5),
        ("Vibrate", 10, 9, 7, 7),
        ("Pump", 100, 0, 3, 2),
        ("Pump", 100, 0, 1, 1),
        ("Thrusting", 100, 0, 20, 12),
    ],
)
def test_level_12_becomes_what_the_compiler_makes_of_it(function, scale, floor, cap, becomes):
    assert levelpreview.becomes(function, scale=scale, floor=floor, cap=cap) == becomes
