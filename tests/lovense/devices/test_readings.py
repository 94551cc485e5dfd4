"""What pages, apps and the vendor say of toys, in every dialect that was seen, and what is made of it."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lovense.devices import readings
from lovense.devices.readings import InvalidReport

CONNECTED = [1, 1.0, "1", True, "true", "True", "on", "On", "ON", " online ", "connected", "CONNECTED"]
NOT_CONNECTED = [0, 2, "0", "2", False, "false", "off", "Off", "", None, "disconnected", "yes", [], {}, "１"]


@pytest.mark.parametrize("value", CONNECTED, ids=repr)
def test_these_words_say_that_a_toy_is_connected(value):
    assert readings.status_of(value) is True


@pytest.mark.parametrize("value", NOT_CONNECTED, ids=repr)
def test_everything_else_says_that_it_is_not(value):
    assert readings.status_of(value) is False


BATTERY = [
    (88, 88),
    ("88", 88),
    ("88%", 88),
    ("88 %", 88),
    ("s80", 80),
    (88.6, 88),
    ("88.6", 88),
    (0, 0),
    (-5, 0),
    (101, 100),
    (10**400, 100),
    ("9999", 100),
    (math.inf, 100),
]
NO_BATTERY = [None, True, False, "", "full", "88%%", "-1", "８８", "s", math.nan, [88], {}, "1" * 5000]


@pytest.mark.parametrize(("value", "percent"), BATTERY, ids=lambda each: repr(each)[:20])
def test_a_battery_is_a_number_from_0_to_100(value, percent):
    assert readings.battery_of(value) == percent


@pytest.mark.parametrize("value", NO_BATTERY, ids=lambda each: repr(each)[:20])
def test_a_battery_that_says_neither_is_unknown(value):
    assert readings.battery_of(value) is None


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()))
def test_whatever_is_said_a_battery_is_unknown_or_a_percentage(value):
    found = readings.battery_of(value)
    assert found is None or 0 <= found <= 100


TOY = {"id": "f082", "name": "lush", "nickName": "", "status": 1}


@pytest.mark.parametrize(
    "toys",
    [
        {"f082": TOY},
        {"f082": {"name": "lush", "status": "1"}},
        [TOY],
        json.dumps({"f082": TOY}),
        json.dumps([TOY | {"status": "on"}]),
    ],
    ids=["map", "map without ids", "list", "map as text", "list as text"],
)
def test_a_list_a_map_and_either_as_text_say_the_same(toys):
    (toy,) = readings.toys_of(toys).kept
    assert (toy.toy_id, toy.name, toy.toy_type, toy.is_connected) == ("f082", "lush", "lush", True)


@pytest.mark.parametrize("toys", [None, "", " ", [], {}, "[]", "null"], ids=repr)
def test_no_toy_is_no_error(toys):
    assert readings.toys_of(toys) == readings.ReportedToys((), 0)


REFUSED = [
    (5, "toys", "must be a list or an object"),
    ("{", "toys", "must be JSON where it is text"),
    ("[" * 100_000, "toys", "must be JSON where it is text"),
    ("5", "toys", "must be a list or an object"),
    (["a"], "toys[0]", "must be an object"),
    ({"a": 5}, "toys[0]", "must be an object"),
    ({"a": {}, "\ud800": {}}, "toys[1].id", "must be 1 to 64 printable characters"),
    ([TOY, {"id": ""}], "toys[1].id", "must be 1 to 64 printable characters"),
    ([{"id": "x" * 65}], "toys[0].id", "must be 1 to 64 printable characters"),
    ([{"id": "a\x00b"}], "toys[0].id", "must be 1 to 64 printable characters"),
    ([{"id": 5}], "toys[0].id", "must be 1 to 64 printable characters"),
]


@pytest.mark.parametrize(("toys", "field", "rule"), REFUSED, ids=lambda each: repr(each)[:30])
def test_what_is_no_report_is_refused_with_its_field(toys, field, rule):
    with pytest.raises(InvalidReport) as refused:
        readings.toys_of(toys)
    assert (refused.value.field, refused.value.rule) == (field, rule)


def test_of_more_than_sixteen_toys_the_first_are_kept_and_all_are_counted():
    found = readings.toys_of([{"id": f"toy-{n}", "status": n % 2} for n in range(500)])
    assert [toy.toy_id for toy in found.kept] == [f"toy-{n}" for n in range(16)]
    assert (found.count, found.connected) == (500, 8)


def test_one_toy_named_twice_is_one():
    found = readings.toys_of([TOY, TOY | {"status": 0}])
    assert [toy.is_connected for toy in found.kept] == [False]


def test_function_words_are_read_from_either_field_and_unknown_ones_are_kept_apart():
    toy = TOY | {"shortFunctionNames": ["v", "Rotate"], "fullFunctionNames": ["Vibrate", "Bumping"]}
    (found,) = readings.toys_of([toy]).kept
    assert found.words == (("Vibrate", "Rotate"), ("Bumping",))


@pytest.mark.parametrize("words", [None, "v", 5, {}, []], ids=repr)
def test_a_toy_that_says_nothing_of_its_functions_leaves_them_open(words):
    assert readings.toys_of([TOY | {"shortFunctionNames": words}]).kept[0].words is None


def test_names_are_cut_and_what_cannot_be_shown_is_left_out():
    odd = {"id": "a", "name": "Lush\x00\x1b[31m" + "x" * 200, "nickName": 7, "fVersion": 234, "battery": {}}
    (toy,) = readings.toys_of([odd]).kept
    assert toy.name.startswith("Lush[31mxxx")
    assert (len(toy.name), toy.nickname, toy.firmware, toy.battery) == (64, "7", "234", None)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
anything = st.recursive(
    scalars, lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=9), each, max_size=4)
)


@given(anything | st.lists(st.fixed_dictionaries({"id": st.text(min_size=1)} | dict.fromkeys(TOY, anything))))
def test_whatever_is_reported_is_read_or_refused(toys):
    try:
        found = readings.toys_of(toys)
    except InvalidReport:
        return
    assert len(found.kept) <= readings.MAX_TOYS
