"""Several items at once: prices in percent, and what is said of all of them. Pure."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lovense.menus import bulk, wishes
from lovense.menus.bulk import BulkWish
from lovense.menus.publishing import MAXIMUM_AMOUNT
from tests.lovense.menus.offers import said


def items(*ranges, **more):
    return [wishes.new(said(f"{low}", minimum=low, maximum=high, **more)) for low, high in ranges]


@pytest.mark.parametrize(
    ("low", "high", "percent", "then"),
    [
        (10, 19, 10, (11, 21)),
        (25, 25, 10, (28, 28)),
        (500, None, -50, (250, None)),
        (1, 1, -90, (1, 1)),
        (10, 14, 0, (10, 14)),
        (3, 4, -50, (2, 2)),
    ],
)
def test_a_price_is_so_much_higher_or_lower_in_whole_tokens(low, high, percent, then):
    assert bulk.prices(low, high, percent) == {"minimum": then[0], "maximum": then[1]}


@given(
    st.lists(st.integers(1, 5_000).map(lambda half: 2 * half), min_size=3, max_size=8, unique=True),
    st.integers(bulk.LEAST_PERCENT, bulk.MOST_PERCENT),
)
def test_ranges_that_were_neighbours_leave_no_gap(edges, percent):
    edges.sort()
    moved = [bulk.prices(low, after - 1, percent) for low, after in itertools.pairwise(edges)]
    for one, other in itertools.pairwise(moved):
        assert one["minimum"] <= one["maximum"] <= MAXIMUM_AMOUNT
        assert other["minimum"] <= one["maximum"] + 1


def test_only_what_was_said_and_differs_is_changed_in_those_that_were_chosen():
    first, second, third = items((1, 9), (10, 19), (20, None), section="Quick")
    chosen = {first["itemId"], third["itemId"], "gone"}
    wish = BulkWish(section="Quick", shows=["private"], active=False)
    assert bulk.patch([first, second, third], chosen, wish) == [
        {"itemId": first["itemId"], "change": {"shows": ["private"], "active": False}},
        {"itemId": third["itemId"], "change": {"shows": ["private"], "active": False}},
    ]
    assert bulk.patch([first, second], chosen, BulkWish()) == []
