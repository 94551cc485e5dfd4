"""The geometry of the charts: it stays inside its drawing whatever the numbers are, and never draws more than
it may."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.ui import charts

NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=32)


def points(values):
    return [charts.Point(f"{place}", value) for place, value in enumerate(values)]


@given(st.lists(NUMBERS, max_size=60))
def test_no_bar_leaves_the_drawing(values):
    for bar in charts.bars(points(values)).bars:
        x, y, width, height = (float(each) for each in (bar.x, bar.y, bar.width, bar.height))
        assert 0 <= x <= x + width <= 100.01
        assert 0 <= y <= 100
        assert y + height == pytest.approx(100, abs=0.02)


@given(st.lists(NUMBERS, min_size=1, max_size=60))
def test_no_curve_leaves_its_box(values):
    (curve,) = charts.lines([str(each) for each in range(len(values))], [("one", values)]).curves
    for place in curve.path.removeprefix("M").split("L"):
        x, y = (float(each) for each in place.split())
        assert 0 <= x <= charts.PLOT_WIDTH
        assert 0 <= y <= charts.PLOT_HEIGHT


def test_more_values_than_may_be_drawn_are_binned_as_their_means():
    chart = charts.bars(points([1.0, 3.0] * 4_000))
    assert len(chart.bars) <= charts.MOST_POINTS
    assert {bar.value for bar in chart.bars} == {"2"}
    lines = charts.lines([str(each) for each in range(5_000)], [("one", [1.0] * 5_000)])
    assert len(lines.labels) == len(lines.curves[0].values) <= charts.MOST_POINTS


def test_a_bar_is_two_thirds_of_its_place_and_stands_in_its_middle():
    first, second = charts.bars(points([50, 100])).bars
    assert (first.x, first.width, first.height) == ("8.33", "33.33", "50")
    assert (second.x, second.y, second.height) == ("58.33", "0", "100")


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (-3, 1), (1, 1), (1.1, 2), (3, 5), (7, 10), (420, 500), (0.03, 0.05)]
)
def test_a_drawing_goes_up_to_a_round_number(highest, top):
    assert charts.ceiling([highest]) == pytest.approx(top)


def test_nothing_is_a_drawing_too():
    assert charts.bars([]).bars == []
    assert charts.lines([], []).curves == []
    assert charts.lines([], [("one", [])]).curves[0].path == ""
    assert charts.heat([]) == []
    assert charts.wave([]) == []


def test_no_more_than_five_curves_are_drawn():
    assert len(charts.lines(["a"], [(f"{each}", [each]) for each in range(9)]).curves) == 5


def test_heat_has_five_steps_and_nothing_is_the_lowest():
    (row,) = charts.heat([[0, 1, 25, 50, 75, 100]])
    assert [cell.step for cell in row] == [0, 1, 1, 2, 3, 4]
    assert [cell.step for cell in charts.heat([[0, 0]])[0]] == [0, 0]


def test_a_wave_is_bars_around_the_middle_and_silence_is_a_dot():
    loud, silent = charts.wave([1, 0])
    assert (loud.y, loud.height) == ("0", "100")
    assert (silent.y, silent.height) == ("48", "4")
    assert len(charts.wave([0.5] * 3_000)) <= 90


def test_equal_factors_are_equal_steps_on_the_ruler():
    place = charts.log_place(1, 1000)
    assert [round(place(amount), 1) for amount in (1, 10, 100, 1000)] == [0, 33.3, 66.7, 100]


def test_what_is_the_same_has_the_same_colour_on_the_ruler():
    ranges = [(1, 9, "Wave"), (10, 19, "Pulse"), (20, 29, ""), (30, 99, "Wave")]
    spans, _ = charts.coverage(ranges, lowest=1, highest=100)
    assert [span.number for span in spans] == [1, 2, 0, 1]


def test_a_spark_is_one_path_as_wide_as_it_has_levels():
    drawn = charts.spark([0, 0.5, 1, 7])
    assert (drawn.path, drawn.width) == ("M2 12v0M6 7v10M10 2v20M14 2v20", 16)


def test_a_gap_has_no_colour_of_an_item():
    spans, ticks = charts.coverage([(1, 9, ""), (10, 99, "Wave")], lowest=1, highest=100)
    assert [span.number for span in spans] == [0, 1]
    assert float(spans[0].x) + float(spans[0].width) == pytest.approx(float(spans[1].x), abs=0.02)
    assert [tick.words for tick in ticks] == ["1", "2", "5", "10", "20", "50", "100"]


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (11240, "11\u202f240"), (9.25, "9.2"), (-3, "-3"), (1_000_000, "1\u202f000\u202f000")],
)
def test_a_number_is_written_to_be_read(value, words):
    assert charts.words(value) == words


def test_what_is_no_number_is_drawn_as_nothing():
    (bar, other) = charts.bars(points([math.nan, 4])).bars
    assert (bar.height, other.height) == ("0", "80")


@pytest.mark.parametrize(
    ("ends", "places"),
    [
        ([100, 100], [85, 96]),
        ([0, 0, 3], [8, 19, 30]),
        ([50, 20], [50, 20]),
        ([95, 93, 94, 96, 97], [74, 52, 63, 85, 96]),
        ([], []),
    ],
)
def test_the_names_of_curves_that_end_together_stand_apart_in_their_order(ends, places):
    assert charts.apart(ends) == places
