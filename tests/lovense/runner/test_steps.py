"""A run that is told in steps: windows of whole seconds, each told when it begins, none outliving its lease
by more than a second. Pure."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lovense import bridges
from lovense.bridges import DeviceLeg, slices
from lovense.menus import steps
from lovense.runner import legs
from lovense.runner.legs import ToldDevice
from lovense.timeline import Segment, Timeline

PAGE, SERVER = bridges.find("STANDARD_LAN"), bridges.find("STANDARD_SERVER")
CALL = {
    "command": "Function",
    "action": "Vibrate:5,Rotate:0",
    "timeSec": 12,
    "apiVer": 1,
    "steps": [[0, "Vibrate:5,Rotate:0"], [2, "Vibrate:9,Rotate:1"], [9, "Vibrate:0,Rotate:3"]],
}


def told(windows):
    return [(each.told_at, each.until, each.run_seconds) for each in windows]


def test_a_window_holds_one_step_and_is_told_when_it_begins():
    found = slices.planned([CALL], 12, 9)
    assert told(found) == [(0, 2, 3), (2, 9, 8), (9, 12, 3)]
    calls = [call for each in found for call in SERVER.encode(DeviceLeg("a", (CALL,)), each)]
    assert [(call["action"], call["timeSec"]) for call in calls] == [
        ("Vibrate:5,Rotate:0", 3),
        ("Vibrate:9,Rotate:1", 8),
        ("Vibrate:0,Rotate:3", 3),
    ]
    assert all("steps" not in call for call in calls)


def test_a_step_that_is_longer_than_a_lease_is_told_again():
    found = slices.planned([CALL], 12, 4)
    assert told(found) == [(0, 2, 3), (2, 6, 5), (6, 9, 4), (9, 12, 3)]


def test_what_is_not_told_in_steps_is_told_a_second_before():
    plain = {name: value for name, value in CALL.items() if name != "steps"}
    assert told(slices.planned([plain], 12, 9)) == told(slices.windows(12, 9)) == [(0, 6, 6), (5, 12, 7)]


def test_a_device_that_begins_later_ends_with_the_others():
    found = slices.shifted(slices.planned([CALL], 12, 9), 2)
    assert told(found) == [(2, 4, 3), (4, 12, 8)]
    leg = DeviceLeg("a", (CALL,), 2)
    assert [SERVER.encode(leg, each)[0]["action"][:9] for each in found] == ["Vibrate:5", "Vibrate:9"]


def test_a_run_that_is_taken_over_has_the_same_windows():
    device = ToldDevice("a", "a", "host", "7.71.0")
    rows = legs.planned([CALL], [device], seconds=12, lease_seconds=4)
    (group,) = legs.groups_of(rows)
    assert group.windows == slices.planned([CALL], 12, 4)


def test_a_page_is_handed_each_step_in_time():
    reached = {"toyId": "a", "hostId": "h", "nickname": "a", "isConnected": True, "isEnabled": True}
    (leg,) = bridges.legs.for_page(PAGE, [CALL], [reached], seconds=12)
    assert [(each["at"], each["until"]) for each in leg["slices"]] == [(0, 2), (2, 6), (6, 9), (9, 12)]


@given(
    st.integers(2, 600),
    st.integers(1, 3),
    st.integers(3, 9),
    st.lists(st.integers(0, 20), min_size=1, max_size=40),
    st.integers(0, 5),
)
def test_windows_follow_each_other_and_keep_every_limit(seconds, hold, lease, levels, later):
    track = tuple(Segment(n * 700, (n + 1) * 700, level) for n, level in enumerate(levels))
    whole = Timeline(len(levels) * 700, {"Vibrate": track}).filled(seconds * 1000)
    drawn = steps.in_steps(whole, steps.edges(seconds, hold))
    begins = [0, *(ms // 1000 for ms in drawn.edges)]
    call = CALL | {"steps": [[second, "Vibrate:1"] for second in begins]}
    found = slices.shifted(slices.planned([call], seconds, lease), later)
    if not found:
        assert later
        return
    assert (found[0].start, found[-1].until) == (later, seconds)
    assert all(one.until == other.start for one, other in itertools.pairwise(found))
    assert all(2 <= each.run_seconds <= lease + 1 for each in found)
    assert [each.n for each in found] == list(range(len(found)))


@pytest.mark.parametrize(
    ("seconds", "hold", "edges"),
    [(7, 2, [0, 2, 4, 7]), (2, 2, [0, 2]), (3, 2, [0, 3]), (5, 1, [0, 1, 2, 3, 5])],
)
def test_the_last_step_lasts_as_long_as_a_run_must(seconds, hold, edges):
    assert steps.edges(seconds, hold) == edges


def test_a_long_run_has_longer_steps():
    assert len(steps.edges(3600, 1)) <= steps.MOST_STEPS + 1


def test_a_step_has_the_level_that_lasts_longest_in_it_the_higher_of_equals():
    track = (Segment(0, 400, 5), Segment(400, 1000, 9), Segment(1500, 2000, 3), Segment(2700, 3600, 7))
    drawn = steps.in_steps(Timeline(4000, {"Vibrate": track}), [0, 1, 2, 4])
    assert drawn.functions["Vibrate"] == (Segment(0, 1000, 9), Segment(1000, 2000, 3))
