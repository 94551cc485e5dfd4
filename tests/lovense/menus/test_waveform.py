"""A drawing is the timeline itself: read back it has its levels, and it stays small."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from lovense.menus.vibration import SHAPES
from lovense.menus.waveform import HEIGHT, LONGEST_PATH, WIDTH, Curve, paths
from lovense.timeline import Segment, Timeline, of_steps, ramp, steady

MOVES = re.compile(r"M0 20(?:[HV]\d+)*H1000V20Z")


def levels(path):
    """The level in the middle of each column of the box, read back from the path."""
    found, x, y = [], 0, HEIGHT
    for letter, number in re.findall(r"([HV])(\d+)", path):
        if letter == "H":
            found += [HEIGHT - y] * (int(number) - x)
            x = int(number)
        else:
            y = int(number)
    return found


def test_one_level_is_one_box():
    assert paths(steady(5, 3_600_000, ("Vibrate",))) == [Curve("Vibrate", "M0 20V15H1000V20Z")]


def test_each_function_has_its_own_path_and_one_that_is_still_lies_flat():
    line = Timeline(2000, {"Vibrate": (Segment(500, 1000, 20),), "Rotate": ()})
    assert dict(paths(line)) == {
        "Vibrate": "M0 20H250V0H500V20H1000V20Z",
        "Rotate": "M0 20H1000V20Z",
    }


def test_what_has_no_length_has_no_drawing():
    assert paths(Timeline(0, {"Vibrate": ()})) == []


def test_a_ramp_climbs_level_by_level():
    drawn = levels(paths(ramp(1, 20, 4000, ("Vibrate",)))[0].path)
    assert (drawn[0], drawn[-1], sorted(drawn)) == (1, 20, drawn)


columns = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 20)), min_size=1, max_size=60)


@given(columns, st.integers(1, 50))
def test_the_drawing_read_back_is_the_timeline(parts, ms):
    wanted = [level for count, level in parts for _ in range(count)]
    wanted = (wanted + [0] * WIDTH)[:WIDTH]
    (curve,) = paths(of_steps(wanted, ms, ("Vibrate",)))
    assert levels(curve.path) == wanted
    assert MOVES.fullmatch(curve.path)


def test_what_is_shorter_than_a_column_stands_as_a_line():
    line = Timeline(100_000, {"Vibrate": (Segment(50_000, 50_001, 20), Segment(50_001, 60_000, 3))})
    assert paths(line)[0].path == "M0 20H500V0V17H600V20H1000V20Z"


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(sorted(SHAPES)), st.integers(1, 3600), st.integers(1, 30))
def test_no_drawing_is_larger_than_two_kibibytes(name, seconds, ramp_in):
    restless = SHAPES[name].once().filled(seconds * 1000)
    (curve,) = paths(ramp(1, 20, ramp_in * 1000, ("Vibrate",)).joined(restless))
    assert len(curve.path) <= LONGEST_PATH
    assert MOVES.fullmatch(curve.path)
    assert max(levels(curve.path)) > 0
