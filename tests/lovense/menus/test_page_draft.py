"""The page of the menu: the draft as a whole, an item as it is typed, several at once, and forms that are
pages where scripts are off."""

import pytest

from ground import clock
from lovense.menus import drafts
from lovense.page import bulkform
from tests.lovense.devices.reports import from_page, toy
from tests.lovense.menus.offers import added, published, titles
from tests.lovense.menus.test_page import page, press, told, typed
from tests.lovense.rounds import hold
from tests.pages import inline_code, unlabelled_fields

__all__ = ["page", "press"]
pytestmark = pytest.mark.django_db


def ids(performer):
    return [item["itemId"] for item in drafts.of(performer.pk).items]


def test_the_bar_counts_what_is_not_published_and_offers_the_way(page, press, client, ana):
    added(ana, "One")
    published(ana, key="a")
    assert "Version 1 is in force" in page("menu")
    added(ana, "Two")
    shown = page("menu")
    assert "<strong>1 change</strong>, not published" in shown
    compared = client.get("/menu/compare").content.decode()
    assert compared.count("<bdi>One</bdi>") == 2, "before and after"
    assert 'data-tone="good"><strong>25–49</strong> <bdi>Two</bdi>' in compared
    assert "Discard 1 change?" in client.get("/menu/discard").content.decode()
    assert "as what is published" in told(press("discard?revision=2"))
    assert titles(drafts.of(ana.pk)) == ["One"]
    assert "Undone" in told(press("undo", revision=3))
    assert titles(drafts.of(ana.pk)) == ["One", "Two"]
    assert "changed on another page" in told(press("undo", revision=3))


def test_a_copy_stands_below_and_answers_nothing_yet(press, ana):
    first, _ = ids_before = [item["itemId"] for item in added(ana, "One", "Two").items]
    assert told(press(f"items/{first}/duplicate", revision=2)).startswith("One copy stands below it")
    items = drafts.of(ana.pk).items
    assert titles(drafts.of(ana.pk)) == ["One", "One copy", "Two"]
    assert (items[1]["active"], items[1]["itemId"] in ids_before) == (False, False)
    assert press("items/none/duplicate", revision=3).status_code == 404


def test_a_row_is_placed_before_another_one_or_last_of_a_section(press, ana):
    added(ana, "One", "Two")
    added(ana, "Three", section="Long")
    one, _, three = ids(ana)
    assert told(press(f"items/{three}/place", before=one, section="", revision=3)) == ""
    assert titles(drafts.of(ana.pk)) == ["Three", "One", "Two"]
    told(press(f"items/{three}/place", before="", section="", revision=4))
    assert titles(drafts.of(ana.pk)) == ["One", "Two", "Three"]
    assert "changed on another page" in told(press(f"items/{one}/place", before="", section="", revision=4))
    assert press("items/none/place", before=one, revision=5).status_code == 404


def test_several_items_are_changed_at_once_or_none(press, client, ana):
    added(ana, "One", "Two", "Three")
    one, two, _ = ids(ana)
    form = client.get("/menu/several", {"item": [one, two, "gone"]}).content.decode()
    assert "Change 2 items" in form
    assert (unlabelled_fields(form), inline_code(form)) == (set(), [])
    wish = {
        "item": [one, two],
        "percent": "+10 %",
        "section": "other",
        "section_name": "New",
        "active": "off",
    }
    assert told(press("several", **wish, shows="private", revision=3)) == "2 items changed."
    items = drafts.of(ana.pk).items
    assert [(each["minimum"], each["section"], each["shows"], each["active"]) for each in items] == [
        (28, "New", ["private"], False),
        (28, "New", ["private"], False),
        (25, "", [], True),
    ]
    same = {"item": [one], "section": "in:New", "shows": "keep", "active": "keep"}
    assert "so already" in told(press("several", **same, revision=4))
    wrong = press("several", item=[one], percent="-91", revision=4).content.decode()
    assert bulkform.PERCENT_RULE in wrong
    assert press("several", item=[one], shows="nowhere", revision=4).status_code == 200
    assert drafts.of(ana.pk).revision == 4


@pytest.mark.parametrize("percent", ["ten", "1.5", "901", "--3", "٣"])
def test_a_price_in_percent_is_a_whole_number_within_bounds(press, ana, percent):
    added(ana, "One")
    shown = press("several", item=ids(ana), percent=percent, revision=1).content.decode()
    assert bulkform.PERCENT_RULE in shown
    assert drafts.of(ana.pk).revision == 1


def test_an_item_is_drawn_as_it_is_typed_or_says_what_is_wrong(press, ana):
    from_page(ana, toy("l1", name="lush"), now=clock.now())
    shown = press("drawn", **typed(title="", minimum="", durationSec="3")).content.decode()
    assert "Lush" in shown
    assert "<path" in shown
    wrong = press("drawn", **typed(intensity="21", pattern="none")).content.decode()
    assert "Strength: must be a whole number from 1 to 20." in wrong
    assert "Pattern:" in wrong
    assert "<path" not in wrong
    assert "not there any more" in press("drawn", **typed(pattern="my/gone")).content.decode()
    assert drafts.of(ana.pk).items == []


def test_a_gap_of_the_ruler_leads_to_a_form_of_its_amounts(client, ana):
    client.force_login(ana.user)
    form = client.get("/menu/add?minimum=21&maximum=49", headers={"HX-Request": "true"}).content.decode()
    assert 'name="minimum" value="21"' in form
    assert 'name="maximum" value="49"' in form
    assert "<html" not in form


def test_a_form_is_a_page_where_scripts_are_off(client, ana):
    client.force_login(ana.user)
    item_id = added(ana, "Wave").items[0]["itemId"]
    for path in ("add", f"items/{item_id}/change", f"items/{item_id}/remove", "start", "import", "reaction"):
        shown = client.get(f"/menu/{path}").content.decode()
        assert "<html" in shown
        assert 'method="post" action="/menu/' in shown
        assert 'id="stop"' in shown
    answer = client.post(f"/menu/items/{item_id}/change", typed(title="Plain", revision="1"))
    assert answer["Location"] == "/menu"
    assert titles(drafts.of(ana.pk)) == ["Plain"]


def test_a_boosted_form_leads_back_to_the_menu(client, ana):
    client.force_login(ana.user)
    boosted = {"HX-Request": "true", "HX-Boosted": "true"}
    said = {"text": "10 hello", "apply": "1", "revision": "0"}
    answer = client.post("/menu/import", said, headers=boosted)
    assert answer["Location"] == "/menu"
    assert titles(drafts.of(ana.pk)) == ["hello"]
    assert "<html" in client.get("/menu/import", headers=boosted).content.decode()


def test_who_was_late_for_an_item_that_is_gone_is_told(press, ana):
    item_id = added(ana, "One", "Two").items[0]["itemId"]
    drafts.remove(drafts.Writing(ana.pk, 2, "ana", clock.now()), item_id)
    assert press(f"items/{item_id}/change", **typed(revision=2)).status_code == 404


def test_a_test_says_what_holds_it_back(press, ana):
    item_id = added(ana, "Wave").items[0]["itemId"]
    waits = told(press(f"items/{item_id}/test"))
    assert waits == "Wave waits: no page holds your devices. Open Live and go on air."
    hold(ana.pk, now=clock.now())
    assert "when its turn comes" in told(press(f"items/{item_id}/test"))
