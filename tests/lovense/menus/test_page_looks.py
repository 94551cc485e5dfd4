"""The page of the menu: what the lint says beside an item and what mends it, the ruler, what an amount does,
and menus that come in whole."""

import html
import re

import pytest

from ground import clock
from lovense.menus import drafts, wishes
from lovense.menus.shipped import TEMPLATES
from tests.lovense.devices.reports import from_page, toy
from tests.lovense.menus.offers import added, published, said, titles, writing
from tests.lovense.menus.test_page import page, press, told, typed
from tests.lovense.rounds import hold
from tests.pages import inline_code, unlabelled_fields
from tips.queue import counts

__all__ = ["page", "press"]
pytestmark = pytest.mark.django_db


def offers(performer, *ranges, **more):
    for low, high in ranges:
        item = wishes.new(said(f"{low}", minimum=low, maximum=high, pattern="level", **more))
        drafts.add(writing(performer), wishes.WishedItem(item, None))
    return drafts.of(performer.pk)


def mends(shown):
    """What the buttons that mend would send."""
    found = re.findall(r'hx-post="/menu/fix" hx-vals=\'([^\']*)\'', html.unescape(shown))
    return [dict(re.findall(r'"(\w+)": "([^"]*)"', each)) for each in found]


def test_what_is_found_stands_in_the_page_and_a_button_mends_it(page, press, ana):
    offers(ana, (10, 20), (50, None))
    shown = page("menu")
    assert "Nothing answers 21 to 49 tokens." in shown
    (mend,) = [each for each in mends(shown) if each["amount"] == "21"]
    assert told(press("fix", **mend)) == "Fixed in your draft. Undo takes it back."
    assert drafts.of(ana.pk).items[0]["maximum"] == 49
    assert "Nothing answers 21" not in page("menu")
    late = press("fix", **mend)
    assert "not there any more" in told(late)


def test_an_error_of_the_lint_keeps_the_page_from_publishing(page, press, ana):
    from_page(ana, toy("l1", name="lush"), now=clock.now())
    offers(ana, (1, None), functions={"Rotate": 100})
    assert "Error:" in page("menu")
    assert "cannot be published yet" in page("menu")
    assert "Not published" in told(press("publish", revision=1))


def test_a_warning_is_said_before_publishing_and_does_not_keep_from_it(client, press, ana):
    offers(ana, (10, 20), (50, None))
    assert "to check" in client.get("/menu/publish").content.decode()
    assert told(press("publish", revision=2)) == "Published as version 1."


def test_the_ruler_draws_and_lists_the_whole_range(page, ana):
    offers(ana, (1, 20), (50, None))
    shown = page("ruler")
    assert shown.count("<rect ") == 3
    assert "21–49" in shown
    assert "50+" in shown
    assert 'href="/menu/add?minimum=21&amp;maximum=49"' in shown


def test_an_amount_says_what_each_device_plays_and_what_would_hold_it(page, ana):
    from_page(ana, toy("l1", name="lush", status=0), now=clock.now())
    offers(ana, (1, None), durationSec=600)
    shown = page(amount="30")
    assert "Lush" in shown
    assert "not connected" in shown
    assert 'd="M0 20V12H1000V20Z"' in shown
    assert "It ends earlier than asked" in shown
    assert "would not start" in shown


def test_an_item_is_for_devices_that_are_ticked_and_says_so(page, press, client, ana):
    from_page(ana, toy("l1", name="lush"), toy("n1", name="nora"), now=clock.now())
    form = client.get("/menu/add").content.decode()
    assert (unlabelled_fields(form), inline_code(form)) == (set(), [])
    more = {"device.n1": "1", "offset.n1": "500", "offset.l1": "", "function.Rotate": "40", "loops": "2"}
    told(press("add", **typed(title="Mine"), **more, pauseSec="", rampInSec="1", rampOutSec=""))
    (item,) = drafts.of(ana.pk).items
    assert (item["devices"], item["functions"]) == ([{"device": "n1", "offsetMs": 500}], {"Rotate": 40})
    assert (item["loops"], item["pauseSec"], item["rampInSec"]) == (2, 0, 1)
    assert "2 times, rises for 1 s, Rotate 40 %, on Nora 500 ms later" in page("menu")
    change = client.get(f"/menu/items/{item['itemId']}/change").content.decode()
    assert 'id="device.n1" name="device.n1" value="1" checked' in change
    wrong = press("add", **typed(), **more | {"loops": "200", "device.gone": "1"}).content.decode()
    assert "Must be a whole number from 1 to 100." in wrong
    assert "None of your devices is &#x27;gone&#x27;" in wrong


def test_a_draft_begins_anew_from_a_template_only_where_that_is_ticked(page, press, client, ana):
    form = client.get("/menu/start").content.decode()
    assert all(each.title in form for each in TEMPLATES.values())
    assert (unlabelled_fields(form), inline_code(form)) == (set(), [])
    assert "begun anew" in told(press("start", **{"from": "template:gentle"}, revision=0))
    kept = titles(drafts.of(ana.pk))
    refused = press("start", **{"from": "template:five_steps"}, revision=1)
    assert "Nothing was changed" in refused.content.decode()
    assert titles(drafts.of(ana.pk)) == kept
    assert "begun" in told(press("start", **{"from": "template:five_steps"}, revision=1, replace="1"))
    published(ana, key="a")
    told(press("start", **{"from": "template:gentle"}, revision=2, replace="1"))
    told(press("start", **{"from": "version:1"}, revision=3, replace="1"))
    assert "Nothing to publish" in page("menu")
    for source in ("", "template:none", "version:x"):
        assert press("start", **{"from": source}, revision=4).status_code == 400


def test_what_is_pasted_is_shown_line_by_line_before_it_is_taken(press, client, ana):
    added(ana, "Old")
    text = "10-20 hello, 5 sec, low\n20-10 <b>\n50+ wave"
    shown = press("import", text=text, revision=1).content.decode()
    assert "2 taken, 1 refused" in shown
    assert shown.count(' tabindex="-1" autofocus') == 1  # what was found is where the keyboard goes on
    assert "1 of your items would give way" in shown
    assert "<b>" not in shown
    assert (unlabelled_fields(shown), inline_code(shown)) == (set(), [])
    assert titles(drafts.of(ana.pk)) == ["Old"]
    assert told(press("import", text=text, revision=1, apply="1")) == "2 items are in your draft."
    late = press("import", text=text, revision=1, apply="1").content.decode()
    assert "It was not taken in" in late
    sheet = client.get("/api/lovense/tip-menu/export?format=csv").content.decode()
    assert "2 taken" in press("import", text=sheet, revision=2).content.decode()
    file = client.get("/api/lovense/tip-menu/export").content.decode()
    assert "2 taken" in press("import", text=file, revision=2).content.decode()
    assert "must be JSON" in press("import", text="{x", revision=2).content.decode()
    assert "0 taken" in press("import", text="nothing", revision=2, apply="1").content.decode()


def test_an_item_is_tested_from_its_row(press, ana):
    hold(ana.pk, now=clock.now())
    draft = added(ana, "Wave")
    answer = told(press(f"items/{draft.items[0]['itemId']}/test"))
    assert answer == "Wave plays on your devices when its turn comes, for at most 10 s."
    (row,) = counts.waiting_in(ana.pk, limit=5)
    assert row["payload"]["item"]["title"] == "Wave"
    assert press("items/none/test").status_code == 404
