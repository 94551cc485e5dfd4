"""Who answers an amount: the index finds what looking at every item finds, and says who was passed over."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lovense.menus import reading
from lovense.menus.matching import (
    COOLING_DOWN,
    NO_MATCH,
    SHOWS,
    SOLD_OUT,
    WHY_NOTHING,
    MenuIndex,
    Passed,
    explained,
    match,
    show_of,
)
from lovense.page import outcome
from tests.lovense.menus.linear import linear
from tests.properties import EXAMPLES


def item(minimum, maximum, **more):
    return {"itemId": f"{minimum}-{maximum}", "title": "x", "minimum": minimum, "maximum": maximum} | {
        "order": 0,
        **more,
    }


spans = st.tuples(st.integers(1, 40), st.none() | st.integers(0, 40))
items = st.builds(
    lambda span, order, active, shows: {
        "title": "x",
        "minimum": span[0],
        "maximum": None if span[1] is None else span[0] + span[1],
        "order": order,
        "active": active,
        "shows": shows,
    },
    spans,
    st.integers(0, 3),
    st.sampled_from([True, True, True, False]),
    st.lists(st.sampled_from(SHOWS), unique=True, max_size=3),
)
menus = st.lists(items, max_size=12).map(
    lambda found: [each | {"itemId": f"item-{place}"} for place, each in enumerate(found)]
)
closing = st.dictionaries(
    st.integers(0, 11).map("item-{}".format), st.sampled_from([COOLING_DOWN, SOLD_OUT]), max_size=4
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(menus, st.sampled_from(SHOWS), closing)
def test_the_index_finds_what_looking_at_every_item_finds(menu, show, closed):
    index = MenuIndex(menu)
    for amount in (*range(1, 84), 10**6, 2**53 - 1):
        found = index.find(amount, show, closed)
        assert found.item is linear(menu, amount, show, closed)
        answering = index.holding(amount, show)
        assert index.find(amount, show).item is (answering[0] if answering else None)


@settings(max_examples=EXAMPLES, deadline=None)
@given(menus, st.sampled_from(SHOWS), closing, st.integers(1, 84))
def test_exactly_one_item_or_one_reason_and_everybody_passed_over_has_one(menu, show, closed, amount):
    found = MenuIndex(menu).find(amount, show, closed)
    said = explained(menu, amount, show, closed)
    assert (said.item, said.passed) == found
    assert (said.item is None) == (said.code in {"cooling_down", "sold_out", "other_show", "no_match"})
    for each, why in found.passed:
        assert each["minimum"] <= amount
        assert why in ("inactive", "other_show", closed.get(each["itemId"]))
        assert each is not found.item


def test_a_menu_of_thousands_answers_as_the_scan_does():
    chance = random.Random("a large menu")
    menu = [
        item(low, chance.choice([low, low + chance.randrange(2000), None]), itemId=str(place))
        for place in range(500)
        for low in [chance.randrange(1, 5000)]
    ]
    index = MenuIndex(menu)
    for amount in range(1, 7500, 7):
        assert index.find(amount).item is linear(menu, amount)


@pytest.mark.parametrize("count", [50, 500])
def test_nested_ranges_need_no_more_room_than_those_beside_each_other(count):
    nested = MenuIndex([item(n, 3 * count - n) for n in range(1, count + 1)])
    beside = MenuIndex([item(2 * n, 2 * n + 1) for n in range(1, count + 1)])
    assert len(nested._by_show["public"]) <= 2 * count + 1
    assert len(beside._by_show["public"]) <= 2 * count + 1
    assert nested._by_show["public"] is nested._by_show["group"], "what is alike is kept once"


def test_in_a_show_the_items_of_that_show_answer():
    menu = [item(1, None), item(50, 50, shows=["private"]), item(40, 60, shows=["group", "private"])]
    answers = {show: match(menu, 50, show)["itemId"] for show in SHOWS}
    assert answers == {"public": "1-None", "private": "50-50", "group": "40-60"}
    assert match(menu[1:], 50) is None
    assert explained(menu[1:], 50).code == "other_show"


@pytest.mark.parametrize(
    ("said", "show"),
    [("private", "private"), ("group", "group"), (None, "public"), ("secret", "public"), (["x"], "public")],
)
def test_a_show_that_is_missing_or_unknown_is_a_public_one(said, show):
    assert show_of(said) == show


def test_the_next_matching_one_answers_for_one_that_is_closed():
    menu = [item(50, 50), item(40, 60, active=False), item(30, 70, shows=["group"]), item(1, None)]
    found = explained(menu, 50, closed={"50-50": COOLING_DOWN})
    assert (found.item["itemId"], found.code) == ("1-None", "only")
    assert found.passed == (
        Passed(menu[0], "cooling_down"),
        Passed(menu[1], "inactive"),
        Passed(menu[2], "other_show"),
    )
    assert str(found.passed[0]) == "“x” (cooling down)"


@pytest.mark.parametrize(
    ("closed", "code"),
    [
        ({"50-50": COOLING_DOWN, "1-None": SOLD_OUT}, "cooling_down"),
        ({"50-50": SOLD_OUT, "1-None": SOLD_OUT}, "sold_out"),
    ],
)
def test_where_all_of_them_are_closed_nothing_answers_and_it_is_said_why(closed, code):
    found = explained([item(50, 50), item(1, None)], 50, closed=closed)
    assert (found.item, found.code) == (None, code)


def test_each_reason_why_nothing_answers_is_documented_and_has_its_words():
    told = Path("docs/states.md").read_text()
    for why in (*WHY_NOTHING, NO_MATCH):
        assert f"`{why}`" in told
        assert "50 tokens" in outcome.why_not(why, 50, [])


# --- what a process keeps ----------------------------------------------------------------------------------


def read(key, count):
    row = {"_id": key, "version": 1, "items": [item(n, n) for n in range(1, count + 1)]}
    return reading.of_row(row)


def test_what_is_kept_is_bounded_by_items_and_not_by_menus(monkeypatch):
    monkeypatch.setattr(reading, "MENU_ITEMS_KEPT", 30)
    known = {str(n): read(str(n), 4) for n in range(10)}
    kept = reading.within_bounds({"new": read("new", 9)}, known)
    assert list(kept) == ["6", "7", "8", "9", "new"], "the newest, within thirty"


def test_what_is_asked_for_is_kept_whatever_it_has(monkeypatch):
    monkeypatch.setattr(reading, "MENU_ITEMS_KEPT", 3)
    first = {name: read(name, 5) for name in "ab"}
    assert reading.within_bounds(first, {"c": read("c", 1)}) == first
