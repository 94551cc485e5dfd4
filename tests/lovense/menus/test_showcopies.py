"""The items of one show copied to another: both answer alike then, and nothing gives way unless that is
said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.audit.models import AuditEntry
from lovense.menus import drafts, showcopies, wishes
from lovense.menus.matching import SHOWS, MenuIndex, shows_of
from lovense.menus.showcopies import SamePriceInShow, ShowHasItems
from tests.lovense.callers import _nobody_is_woken
from tests.lovense.menus.offers import added, said
from tests.lovense.menus.test_api import error, hers, strangers
from tests.lovense.menus.test_terms import press, told

__all__ = ["_nobody_is_woken", "hers", "press", "strangers"]
db = pytest.mark.django_db
COPY = {"from": "public", "to": "private"}


def offer(title, low, high, *shows, **more):
    return wishes.new(said(title, minimum=low, maximum=high, shows=list(shows), **more))


def in_show(items, show):
    return [item["title"] for item in items if show in shows_of(item)]


# --- pure --------------------------------------------------------------------------------------------------


def test_each_item_of_the_one_gets_a_copy_for_the_other_alone_with_an_id_of_its_own():
    items = [offer("Hi", 10, 20, "public"), offer("All", 30, 40)]
    found = showcopies.copied(items, "public", "group", replaces=False)
    assert found[:2] == items
    (copy,) = found[2:]
    assert copy == items[0] | {"itemId": copy["itemId"], "shows": ["group"]}
    assert copy["itemId"] != items[0]["itemId"]


def test_copied_again_there_is_nothing_left_to_copy():
    items = [offer("Hi", 10, 20, "public"), offer("All", 30, 40)]
    once = showcopies.copied(items, "public", "group", replaces=False)
    assert showcopies.copied(once, "public", "group", replaces=True) != items
    assert in_show(showcopies.copied(once, "public", "group", replaces=True), "group") == ["All", "Hi"]


def test_what_only_the_other_has_gives_way_if_that_is_said_and_stays_elsewhere():
    items = [
        offer("Hi", 10, 20, "public"),
        offer("Mine", 10, 20, "group"),
        offer("Both", 5, 6, "private", "group"),
    ]
    with pytest.raises(ShowHasItems) as refused:
        showcopies.copied(items, "public", "group", replaces=False)
    assert refused.value.details == {"itemIds": [items[1]["itemId"], items[2]["itemId"]]}
    found = showcopies.copied(items, "public", "group", replaces=True)
    assert [(each["title"], each["shows"]) for each in found] == [
        ("Hi", ["public"]),
        ("Both", ["private"]),
        ("Hi", ["group"]),
    ]


def test_two_exact_items_with_one_amount_are_not_copied_and_both_are_named():
    items = [offer("a", 50, 50, "public"), offer("b", 50, 50, "public")]
    with pytest.raises(
        SamePriceInShow, match="group shows only one item may answer exactly 50: “a” and “b” do"
    ):
        showcopies.copied(items, "public", "group", replaces=True)
    items[1] = items[1] | {"active": False}
    assert len(showcopies.copied(items, "public", "group", replaces=True)) == 4


def answers(index, amount, show):
    item = index.find(amount, show).item
    return item and item["title"]


shows = st.lists(st.sampled_from(SHOWS), unique=True, max_size=3)
offers = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 9), shows), max_size=8)


@given(offers, st.integers(1, 60))
def test_a_tip_is_answered_there_as_here_and_nowhere_else_otherwise_than_before(drawn, amount):
    items = [offer(f"{n}", low, low + wide, *where) for n, (low, wide, where) in enumerate(drawn)]
    found = showcopies.copied(items, "public", "private", replaces=True)
    before, after = (MenuIndex([o | {"order": n} for n, o in enumerate(each)]) for each in (items, found))
    was, titles = ({show: answers(index, amount, show) for show in SHOWS} for index in (before, after))
    assert (titles["public"], titles["group"]) == (was["public"], was["group"])
    tied = [o["title"] for o in items if o["minimum"] <= amount <= o["maximum"] and "public" in shows_of(o)]
    assert (titles["private"] is None) == (titles["public"] is None)
    assert len(tied) > 1 or titles["private"] == titles["public"]


# --- over REST and on the page -----------------------------------------------------------------------------


@db
def test_over_rest_it_starts_a_show_from_another(hers, strangers, ana):
    added(ana, "Hi", shows=["public"])
    added(ana, "Mine", shows=["private"])
    details = error(hers("post", "/start", {"revision": 2, "show": COPY}), 409, "has_items")
    assert details == {"itemIds": [drafts.of(ana.pk).items[1]["itemId"]]}
    begun = hers("post", "/start", {"revision": 2, "show": COPY, "replace": True}).json()
    assert [(each["title"], each["shows"]) for each in begun["items"]] == [
        ("Hi", ["public"]),
        ("Hi", ["private"]),
    ]
    assert (begun["revision"], begun["lines"]) == (3, [])
    assert AuditEntry.objects.filter(action="copy_show").count() == 1
    error(hers("post", "/start", {"revision": 2, "show": COPY}), 409, "changed_meanwhile")
    assert strangers("post", "/start", {"revision": 0, "show": COPY}).json()["items"] == []


@db
@pytest.mark.parametrize(
    "show",
    [{"from": "public", "to": "public"}, {"from": "public"}, {"from": "x", "to": "group"}, "public", {}],
)
def test_what_names_no_two_shows_is_refused_naming_the_field(hers, ana, show):
    added(ana, "Hi", shows=["public"])
    details = error(hers("post", "/start", {"revision": 1, "show": show}), 400, "malformed")
    assert details["field"].startswith("show")
    assert drafts.of(ana.pk).revision == 1


@db
def test_two_items_of_one_price_are_refused_over_rest_with_the_rule(hers, ana):
    for title in ("a", "b"):
        added(ana, title, minimum=50, maximum=50, shows=["public"])
    details = error(hers("post", "/start", {"revision": 2, "show": COPY}), 409, "same_price")
    assert details["amount"] == 50


@db
def test_no_menu_becomes_larger_than_a_menu_may_be(hers, ana, monkeypatch):
    monkeypatch.setattr(drafts, "MAXIMUM_ITEMS", 2)
    added(ana, "a", "b", shows=["public"])
    error(hers("post", "/start", {"revision": 2, "show": COPY}), 409, "too_many_items")


@db
def test_on_the_page_it_is_one_of_the_ways_to_begin_anew(press, client, ana):
    added(ana, "Hi", shows=["public"])
    assert "The items of one show" in client.get("/menu/start").content.decode()
    typed = {"from": "show:", "from_show": "public", "to_show": "group", "revision": 1}
    assert told(press("start", **typed)) == "In your draft group shows answer as public shows do."
    added(ana, "Mine", shows=["private"])
    answer = press("start", **typed | {"to_show": "private", "revision": 3}).content.decode()
    assert "Items of your private shows would give way: nothing was copied." in answer
    assert len(drafts.of(ana.pk).items) == 3
