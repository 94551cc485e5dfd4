"""The terms of an item at its doors: when and where it answers, over REST and on the page."""

import json

import pytest

from lovense.menus import drafts, versions
from tests.lovense.callers import Caller, _nobody_is_woken
from tests.lovense.menus.offers import added, published, said

__all__ = ["_nobody_is_woken"]
pytestmark = pytest.mark.django_db
ROOT = "/api/lovense/tip-menu"


@pytest.fixture
def hers(ana):
    return Caller(ana.user, root=ROOT)


@pytest.fixture
def press(client, ana):
    """Presses a button of the page; the answer."""
    client.force_login(ana.user)
    return lambda path, **values: client.post(f"/menu/{path}", values, headers={"HX-Request": "true"})


def error(answer, status, code):
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    return answer.json()["error"]["details"]


def told(answer):
    assert answer.status_code == 204
    return json.loads(answer["HX-Trigger"])["said"]["text"]


# --- shows -------------------------------------------------------------------------------------------------


def test_shows_stand_in_one_order_and_a_preview_asks_in_one_of_them(hers):
    made = hers("post", "", said("Two", shows=["group", "private"])).json()
    assert made["shows"] == ["private", "group"]
    hers("post", "", said("All", minimum=1, maximum=None))
    asked = {
        show: hers("get", f"/preview?amount=30&version=draft&show={show}").json()
        for show in ("public", "group")
    }
    assert (asked["public"]["item"]["title"], asked["group"]["item"]["title"]) == ("All", "Two")
    assert asked["public"]["passedOver"] == [
        {"itemId": made["itemId"], "title": "Two", "why": "other_show"},
    ]
    assert (asked["group"]["passedOver"], asked["group"]["show"]) == ([], "group")
    assert error(hers("get", "/preview?amount=30&show=secret"), 400, "malformed")["field"] == "show"


@pytest.mark.parametrize("shows", ["public", ["secret"], [1], {}, ["group", "group"], None])
def test_shows_that_are_not_known_are_refused_by_their_name(hers, shows):
    assert error(hers("post", "", said("x", shows=shows)), 400, "malformed")["field"] == "shows"


def test_the_form_has_a_switch_for_each_show_and_none_means_all(press, client, ana):
    typed = said("Mine") | {"section": "", "description": "", "active": "1"}
    press("add", **typed, shows=["group", "public"])
    (item,) = drafts.of(ana.pk).items
    assert item["shows"] == ["public", "group"]
    form = client.get(f"/menu/items/{item['itemId']}/change").content.decode()
    assert form.count(" checked") == 3, "two shows, and active"
    assert "public and group" in client.get("/menu").content.decode()
    press(f"items/{item['itemId']}/change", **typed, revision=1)
    assert drafts.of(ana.pk).items[0]["shows"] == []


def test_the_page_asks_what_an_amount_does_in_a_show(client, ana):
    added(ana, "Wave", shows=["private"])
    client.force_login(ana.user)
    asked = client.get("/menu/answer", {"amount": "30"}).content.decode()
    assert "Only in another show an item answers 30 tokens." in asked
    assert "“Wave” (for another show)" in asked
    assert "It is the only active item" in client.get("/menu/answer?amount=30&show=private").content.decode()


# --- withdrawn ---------------------------------------------------------------------------------------------


def test_a_version_is_withdrawn_with_the_publication_that_takes_its_place(hers, ana):
    added(ana, "Mistake")
    hers("post", "/publish", {})
    added(ana, "Right")
    made = hers("post", "/publish", {"withdraw": True}).json()
    assert (made["version"], made["withdrawnAt"]) == (2, None)
    assert hers("get", "/versions/1").json()["withdrawnAt"] == made["publishedAt"]
    wrong = hers("post", "/publish", {"withdraw": "yes"})
    assert error(wrong, 400, "malformed")["field"] == "withdraw"


def test_going_back_may_withdraw_too(hers, ana):
    added(ana, "Right")
    hers("post", "/publish", {})
    added(ana, "Mistake")
    hers("post", "/publish", {})
    assert hers("post", "/versions/1/rollback", {"withdraw": True}).status_code == 201
    assert versions.of(ana.pk, 2)["withdrawn_at"]


def test_on_the_page_a_switch_withdraws_and_the_history_says_so(press, client, ana):
    added(ana, "Mistake")
    published(ana, key="a")
    added(ana, "Right")
    assert "Version 1 was a mistake" in client.get("/menu/publish").content.decode()
    said_of_it = told(press("publish", revision=2, note="", withdraw="1"))
    assert said_of_it == "Published as version 2. The one before it is withdrawn."
    assert "Withdrawn" in client.get("/menu/versions").content.decode()


def test_the_dialog_of_going_back_has_the_same_switch(press, client, ana):
    for number, title in enumerate(("Right", "Mistake"), 1):
        added(ana, title)
        published(ana, key=str(number))
    asked = client.get("/menu/versions/1/back").content.decode()
    assert "Version 2 was a mistake: tips that were made while it was in force get this one" in asked
    assert 'value="1" form="confirm-form"' in asked
    assert 'name="withdraw"' not in client.get("/menu/items/x/remove").content.decode()
    done = "Version 1 is in force again, as version 3."
    assert told(press("versions/1/back", withdraw="1")) == f"{done} The one before it is withdrawn."
    assert versions.of(ana.pk, 2)["withdrawn_at"]
    assert told(press("versions/2/back")) == "Version 2 is in force again, as version 4."
    assert "withdrawn_at" not in versions.of(ana.pk, 3)
