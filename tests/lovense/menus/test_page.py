"""The page of the menu: hers alone, the page or one region, what it says, and what its buttons do."""

import json
import re

import pytest

from lovense import regions
from lovense.menus import drafts, versions
from tests.lovense.menus.offers import added, published, said, titles
from tests.pages import inline_code, unlabelled_fields

pytestmark = pytest.mark.django_db
TOKEN = re.compile(r'<input type="hidden" name="csrfmiddlewaretoken"[^>]*>')


@pytest.fixture
def page(client, ana):
    """`page()` is her page, `page("menu")` one region of it as HTMX asks for it; as text."""
    client.force_login(ana.user)

    def get(region="", **query):
        query |= {"region": region} if region else {}
        response = client.get("/menu", query, headers={"HX-Request": "true"} if region else {})
        assert response.status_code == 200
        return " ".join(TOKEN.sub("", response.content.decode()).split())

    return get


@pytest.fixture
def press(client, ana):
    """Presses a button as the page does; the answer."""
    client.force_login(ana.user)
    return lambda path, **values: client.post(f"/menu/{path}", values, headers={"HX-Request": "true"})


def told(answer):
    """What a button's answer says; the regions are fetched again."""
    assert answer.status_code == 204
    events = json.loads(answer["HX-Trigger"])
    assert "news-menu" in events
    return events["said"]["text"] if "said" in events else ""


def typed(**more):
    """As the form sends it."""
    return said() | {"section": "", "description": "", "active": "1"} | more


def test_only_a_performer_sees_it(client, dina):
    assert client.get("/menu")["Location"] == "/login?next=/menu"
    client.force_login(dina)
    assert client.get("/menu")["Location"] == "/staff"


def test_an_empty_menu_says_how_to_begin_and_one_button_fills_it(page, press, ana):
    assert "Begin with five items" in page()
    assert "Five items" in told(press("fill", revision=0))
    assert len(drafts.of(ana.pk).items) == 5
    assert "Begin with five items" not in page()
    assert "Soft wave" in page("menu")


def test_a_region_is_the_same_html_as_in_the_page(page, ana):
    added(ana, "Wave")
    published(ana, key="a")
    added(ana, "Other")
    whole = page()
    for region in regions.of("menu"):
        part = page(region)
        assert "<html" not in part
        assert part.strip() in whole


def test_nothing_is_inline_and_every_field_has_its_label(page, client, ana):
    draft = added(ana, "\"'><script>x</script>", section="<b>", description="<i>")
    item_id = draft.items[0]["itemId"]
    forms = [
        client.get(f"/menu/{path}") for path in ("add", f"items/{item_id}/change", f"items/{item_id}/remove")
    ]
    for shown in (page(), page(amount="30"), *(form.content.decode() for form in forms)):
        assert inline_code(shown) == []
        assert "<script>x" not in shown
        assert unlabelled_fields(shown) == set()


def test_an_item_is_added_and_changed_in_a_form(press, client, ana):
    assert told(press("add", **typed(title="Mine"))) == "Mine is in your draft."
    item = drafts.of(ana.pk).items[0]
    form = client.get(f"/menu/items/{item['itemId']}/change").content.decode()
    assert 'value="Mine"' in form
    told(press(f"items/{item['itemId']}/change", **typed(title="Renamed", revision=1)))
    assert titles(drafts.of(ana.pk)) == ["Renamed"]


def test_what_was_typed_wrongly_stays_with_what_is_wrong_beside_it(press, ana):
    answer = press("add", **typed(title="Kept", intensity="21", minimum="ten"))
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert 'value="Kept"' in shown
    assert 'value="ten"' in shown
    assert shown.count("Must be a whole number from 1 to") == 2
    assert drafts.of(ana.pk).items == []


def test_who_saves_late_keeps_what_was_typed_and_sees_what_is_there_now(press, ana):
    item_id = added(ana, "Wave").items[0]["itemId"]
    press(f"items/{item_id}/change", **typed(title="Hers", revision=1))
    late = press(f"items/{item_id}/change", **typed(title="Late", revision=1)).content.decode()
    assert "changed on another page" in late
    assert [f'role="cell">{each}<' in late for each in ("Hers", "Late")] == [True, True]
    assert 'value="Late"' in late
    assert titles(drafts.of(ana.pk)) == ["Hers"]
    told(press(f"items/{item_id}/change", **typed(title="Late", revision=2)))
    assert titles(drafts.of(ana.pk)) == ["Late"]


def test_items_move_rest_and_go(press, client, ana):
    first, second = (item["itemId"] for item in added(ana, "One", "Two").items)
    told(press(f"items/{second}/move", to="up", revision=2))
    assert titles(drafts.of(ana.pk)) == ["Two", "One"]
    assert "has changed on another page" in told(press(f"items/{second}/move", to="down", revision=2))
    assert told(press(f"items/{first}/switch", active="0", revision=3)) == "One is not active in your draft."
    assert "Remove “One”?" in client.get(f"/menu/items/{first}/remove").content.decode()
    told(press(f"items/{first}/remove?revision=4"))
    assert titles(drafts.of(ana.pk)) == ["Two"]


def test_publishing_says_what_differs_and_keeps_the_note(page, press, client, ana):
    added(ana, "Wave")
    assert "1 change</strong>, not published" in page("menu")
    assert "25 to 49 tokens" in client.get("/menu/publish").content.decode()
    assert told(press("publish", revision=1, note="Soft")) == "Published as version 1."
    assert versions.of(ana.pk, 1)["note"] == "Soft"
    assert "Nothing to publish" in page("menu")
    assert "Soft" in client.get("/menu/versions").content.decode()
    press("publish", revision=1)
    assert "Version 2" not in client.get("/menu/versions").content.decode()


def test_what_keeps_it_from_being_published_stands_beside_the_item(page, press, ana):
    added(ana, "One", "Two", minimum=100, maximum=100)
    assert page("menu").count("only one item may answer exactly 100 tokens".capitalize()) == 2
    assert "cannot be published yet" in page("menu")
    assert "Not published" in told(press("publish", revision=2))


def test_going_back_asks_and_publishes_the_old_content_again(page, press, client, ana):
    added(ana, "Wave")
    published(ana, key="a")
    added(ana, "Other")
    published(ana, key="b")
    assert "Go back to version 1?" in client.get("/menu/versions/1/back").content.decode()
    assert told(press("versions/1/back")) == "Version 1 is in force again, as version 3."
    assert titles(drafts.of(ana.pk)) == ["Wave"]
    assert press("versions/x/back").status_code == press("versions/9/back").status_code == 404


def test_an_amount_is_answered_by_the_draft_with_scripts_and_without(page, client, ana):
    added(ana, "Wave")
    asked = client.get("/menu/answer", {"amount": "30"}).content.decode()
    for shown in (asked, page(amount="30")):
        assert "It is the only active item whose range holds 30." in shown
    assert "from 1" in client.get("/menu/answer", {"amount": "x"}).content.decode()


def test_without_scripts_the_buttons_lead_back_to_the_page(client, ana):
    client.force_login(ana.user)
    assert client.post("/menu/fill", {"revision": 0})["Location"] == "/menu"
    assert client.post("/menu/publish", {"revision": 1, "note": ""})["Location"] == "/menu"
    assert drafts.in_force(ana.pk)["version"] == 1
