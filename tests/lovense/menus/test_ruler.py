"""The ruler says of every amount what the match says of it."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from lovense.menus import content, ruler
from lovense.menus.matching import match
from lovense.menus.ruler import Interval
from tests.lovense.menus.test_content import items
from tests.properties import EXAMPLES


def menu(*ranges):
    made = [
        item
        for place, (low, high, active) in enumerate(ranges)
        for item in items(str(place), minimum=low, maximum=high, active=active)
    ]
    return content.numbered(made)


def ranged(low, width, active):
    return low, None if width > 30 else low + width, active


ranges = st.lists(
    st.builds(ranged, st.integers(1, 60), st.integers(0, 35), st.sampled_from([True, True, False])),
    max_size=9,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(ranges, st.integers(1, 40))
def test_each_amount_has_the_item_that_the_match_finds(parts, least):
    offers = menu(*parts)
    found = ruler.intervals(offers, least)
    assert len(found) <= 2 * len(offers) + 1
    assert (found[0].low, found[-1].high) == (least, None)
    for each, after in pairwise(found):
        assert each.high + 1 == after.low
        assert each.item is not after.item
    for low, high, item in found:
        for amount in range(low, (100 if high is None else high) + 1):
            assert match(offers, amount) is item


@settings(deadline=None)
@given(ranges)
def test_the_cheapest_amount_of_an_item_is_the_smallest_that_reaches_it(parts):
    offers = menu(*parts)
    cheapest = ruler.cheapest(ruler.intervals(offers))
    for item in offers:
        amounts = [amount for amount in range(1, 200) if match(offers, amount) is item]
        assert cheapest.get(item["itemId"]) == (amounts[0] if amounts else None)


@settings(deadline=None)
@given(ranges)
def test_the_second_is_the_one_that_answers_without_the_first(parts):
    offers = menu(*parts)
    for each in ruler.swept(offers):
        others = [item for item in offers if item is not each.interval.item]
        assert each.second is (match(others, each.interval.low) if each.interval.item else None)


def test_an_empty_menu_is_one_gap():
    assert ruler.intervals([], 10) == [Interval(10, None, None)]


def test_what_answers_where_no_item_does_fills_the_gaps():
    offers, usual = menu((10, 20, True)), {"itemId": "default"}
    found = ruler.intervals(offers, default=usual)
    assert [(each.low, each.high, each.item["itemId"]) for each in found] == [
        (1, 9, "default"),
        (10, 20, "0"),
        (21, None, "default"),
    ]


def test_an_item_of_another_show_answers_nothing_in_this_one():
    (private,) = menu((10, 20, True))
    private["shows"] = ["private"]
    assert ruler.intervals([private], 10) == [Interval(10, None, None)]
    assert ruler.intervals([private], 10, show="private")[0].item is private
