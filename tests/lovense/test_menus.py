"""Which item answers an amount, what a menu may contain, and publishing it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from lovense.menus.matching import match
from lovense.menus.publishing import MAXIMUM_ITEMS, InvalidMenu, UnknownPerformer, publish, validated
from lovense.models import TipMenu


def item(minimum, maximum, **more):
    return {
        "itemId": f"{minimum}-{maximum}",
        "title": "Reaction",
        "minimum": minimum,
        "maximum": maximum,
        "pattern": "level",
        "intensity": 10,
        "durationSec": 5,
        "order": 0,
        **more,
    }


def answer(items, amount):
    found = match(items, amount)
    return found["itemId"] if found else None


# --- match -------------------------------------------------------------------------------------------------


def test_an_exact_item_wins_over_every_range():
    assert answer([item(1, None), item(90, 110), item(100, 100)], 100) == "100-100"


def test_the_narrowest_range_wins():
    assert answer([item(1, None), item(1, 1000), item(90, 110)], 100) == "90-110"


def test_an_open_end_is_the_widest_and_has_no_end():
    assert answer([item(50, None), item(1, 10**6)], 100) == "1-1000000"
    assert answer([item(50, None)], 2**53 - 1) == "50-None"


def test_equally_narrow_ranges_go_by_order_then_by_age():
    wide = [
        item(1, 10, itemId="old", order=2),
        item(2, 11, itemId="first", order=1),
        item(3, 12, itemId="young", order=1),
    ]
    assert answer(wide, 5) == "first"
    assert answer(list(reversed(wide)), 5) == "young"


@pytest.mark.parametrize(("amount", "found"), [(9, None), (10, "10-20"), (20, "10-20"), (21, None)])
def test_both_ends_of_a_range_belong_to_it(amount, found):
    assert answer([item(10, 20)], amount) == found


def test_no_items_answer_nothing():
    assert match([], 100) is None


ranges = st.builds(
    lambda low, width, order: item(low, None if width is None else low + width, order=order),
    st.integers(1, 50),
    st.none() | st.integers(0, 50),
    st.integers(0, 3),
)


@given(st.lists(ranges, max_size=8), st.integers(1, 120))
def test_the_answer_contains_the_amount_and_nothing_narrower_does(items, amount):
    found = match(items, amount)
    around = [one for one in items if one["minimum"] <= amount <= (one["maximum"] or amount)]
    assert (found is None) == (not around)
    if found:
        assert found in around
        assert all(width(found) <= width(one) for one in around)


def width(one):
    return float("inf") if one["maximum"] is None else one["maximum"] - one["minimum"]


# --- what a menu may contain -------------------------------------------------------------------------------


def test_ids_and_order_default_to_the_place_and_unknown_keys_are_left_out():
    given_item = {**item(10, 20), "price": 1}
    del given_item["itemId"], given_item["order"]
    clean = validated([given_item])[0]
    assert (clean["itemId"], clean["order"]) == ("item-1", 1)
    assert "price" not in clean


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("title", "  ", "a text of 1 to 80"),
        ("title", "x" * 81, "a text of 1 to 80"),
        ("title", None, "a text of 1 to 80"),
        ("minimum", 0, "from 1 to 9007199254740991"),
        ("minimum", 1.5, "whole number"),
        ("minimum", "10", "whole number"),
        ("minimum", True, "whole number"),
        ("minimum", 2**53, "whole number"),
        ("maximum", 9, "not be below the minimum"),
        ("maximum", "20", "or null for an open end"),
        ("pattern", "tsunami", "one of level, pulse, wave, fireworks, earthquake"),
        ("pattern", None, "one of level"),
        ("intensity", 0, "from 1 to 20"),
        ("intensity", 21, "from 1 to 20"),
        ("durationSec", 0, "from 1 to 3600"),
        ("durationSec", 3601, "from 1 to 3600"),
        ("order", -1, "from 0"),
        ("itemId", "", "a text of 1 to 64"),
    ],
)
def test_a_wrong_value_is_refused_with_its_field_and_rule(field, value, rule):
    with pytest.raises(InvalidMenu) as refused:
        validated([item(10, 20), {**item(10, 20, itemId="other"), field: value}])
    (error,) = refused.value.errors
    assert (error.item, error.field) == (2, field)
    assert rule in error.rule
    assert str(refused.value).startswith(f"Item 2, {field}: must ")


def test_everything_wrong_is_said_at_once():
    with pytest.raises(InvalidMenu) as refused:
        validated([item(10, 20, intensity=99), item(0, 20, title="")])
    assert [(error["item"], error["field"]) for error in refused.value.details()] == [
        (1, "intensity"),
        (2, "title"),
        (2, "minimum"),
    ]


def test_two_exact_items_with_one_amount_are_refused():
    with pytest.raises(InvalidMenu, match="only one item may answer exactly 100 tokens"):
        validated([item(100, 100), item(100, 100, itemId="again")])


def test_one_id_names_one_item():
    with pytest.raises(InvalidMenu, match="'10-20' is used by more than one item"):
        validated([item(10, 20), item(10, 20)])


def test_a_menu_has_a_limit():
    with pytest.raises(InvalidMenu, match=f"at most {MAXIMUM_ITEMS} items"):
        validated([item(n, n) for n in range(1, MAXIMUM_ITEMS + 2)])


# --- publish -----------------------------------------------------------------------------------------------


def test_each_publication_is_a_version_of_its_own(ana, now):
    first = publish(ana.pk, [item(10, 20)], now)
    second = publish(ana.pk, [item(30, 40)], now)
    ana.refresh_from_db()
    assert (first.version, second.version, ana.menu_version) == (1, 2, 2)
    assert TipMenu.objects.get(pk=f"{ana.pk}.1").items[0]["minimum"] == 10
    assert TipMenu.objects.get(pk=f"{ana.pk}.2").items == validated([item(30, 40)])


def test_a_refused_menu_changes_nothing(ana, now):
    with pytest.raises(InvalidMenu):
        publish(ana.pk, [item(0, 20)], now)
    ana.refresh_from_db()
    assert ana.menu_version == 0
    assert not TipMenu.objects.exists()


def test_a_publication_that_died_before_it_counted_is_passed_over(ana, now):
    TipMenu.objects.create(key=f"{ana.pk}.1", performer_id=ana.pk, version=1, items=[], published_at=now)
    menu = publish(ana.pk, [item(10, 20)], now)
    ana.refresh_from_db()
    assert menu.version == ana.menu_version == 2


def test_a_menu_needs_its_performer(db, now):
    with pytest.raises(UnknownPerformer):
        publish("507f191e810c19729de860ff", [item(10, 20)], now)


def test_publications_at_the_same_moment_get_a_version_each(ana, now):
    barrier = Barrier(4)

    def one(number):
        try:
            barrier.wait(10)
            return publish(ana.pk, [item(number, number)], now).version
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        versions = sorted(pool.map(one, range(1, 5)))
    ana.refresh_from_db()
    assert versions == [1, 2, 3, 4]
    assert ana.menu_version == 4
