"""The split of a tip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tips.settlement.commission import split


@pytest.mark.parametrize(
    ("total", "commission", "parts"),
    [
        (100, 25, (75, 25)),  # the example's
        (1, 99, (1, 0)),
        (1, 100, (0, 1)),
        (99, 50, (50, 49)),
        (3, 33, (3, 0)),
        (100, 0, (100, 0)),
        (2**53 - 1, 100, (0, 2**53 - 1)),
    ],
)
def test_the_platforms_cut_rounds_down(total, commission, parts):
    assert split(total, commission) == parts


@given(st.integers(1, 2**53 - 1), st.integers(0, 100))
def test_the_parts_are_whole_tokens_that_sum_to_the_total(total, commission):
    net, cut = split(total, commission)
    assert (type(net), type(cut)) == (int, int)
    assert net + cut == total
    assert 0 <= cut <= total
    assert cut * 100 <= total * commission < (cut + 1) * 100


@given(st.integers(1, 2**53 - 1), st.integers(0, 99))
def test_a_higher_commission_never_gives_her_more(total, commission):
    assert split(total, commission + 1)[0] <= split(total, commission)[0]
