"""The REST doors of a menu: answers are as the description says, and what is wrong names its field."""

import json

import pytest
from django.test import Client

from lovense.deciding import platform
from lovense.menus.publishing import MAXIMUM_ITEMS, publish
from tests.commands import RECORDER
from tests.lovense.callers import Caller, _nobody_is_woken
from tests.lovense.menus.offers import said

__all__ = ["_nobody_is_woken"]
pytestmark = pytest.mark.django_db
ROOT = "/api/lovense/tip-menu"


@pytest.fixture
def hers(ana):
    return Caller(ana.user, root=ROOT)


@pytest.fixture
def strangers(carol):
    return Caller(carol.user, root=ROOT)


def added(hers, *names, **more):
    return [hers("post", "", said(name, **more)).json()["itemId"] for name in names]


def error(answer, status, code):
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    return answer.json()["error"]["details"]


def test_a_menu_goes_from_nothing_to_published_and_back(hers):
    assert hers("get", "").json() == {
        "revision": 0,
        "items": [],
        "defaultReaction": {"active": False, "pattern": "level", "intensity": 10, "durationSec": 5},
        "published": None,
        "isChanged": False,
    }
    made = hers("post", "", said("Wave", revision=0))
    assert (made.status_code, made.json()["revision"], made.json()["order"]) == (201, 1, 1)
    item_id = made.json()["itemId"]
    assert hers("post", "/publish", {"revision": 1, "note": "First"}).status_code == 201
    changed = hers("put", f"/{item_id}", {"revision": 1, "intensity": 12})
    assert (changed.json()["intensity"], changed.json()["title"], changed.json()["revision"]) == (
        12,
        "Wave",
        2,
    )
    assert hers("get", "").json()["isChanged"]
    assert hers("post", "/publish", {"revision": 2}).json()["version"] == 2
    assert hers("post", "/publish", {"revision": 2}).status_code == 200
    back = hers("post", "/versions/1/rollback", {"note": "Gentler"})
    assert (back.status_code, back.json()["basedOn"], back.json()["version"]) == (201, 1, 3)
    assert [each["version"] for each in hers("get", "/versions").json()["versions"]] == [3, 2, 1]
    assert hers("get", "/versions/2").json()["items"][0]["intensity"] == 12
    assert hers("delete", f"/{item_id}?revision=3").json() == {"revision": 4}


def test_an_idempotency_key_is_one_publication(hers):
    added(hers, "Wave")
    first = hers("post", "/publish", {}, **{"Idempotency-Key": "one"})
    added(hers, "Other")
    again = hers("post", "/publish", {}, **{"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code, again.json()["version"]) == (201, 200, 1)
    other = hers("post", "/publish", {"note": "x"}, **{"Idempotency-Key": "one"})
    error(other, 422, "idempotency_key_reused")


def test_who_was_late_is_told_both_revisions(hers):
    (item_id,) = added(hers, "Wave")
    hers("put", f"/{item_id}", {"revision": 1, "title": "Hers"})
    details = error(hers("put", f"/{item_id}", {"revision": 1, "title": "Late"}), 409, "changed_meanwhile")
    assert (details["seen"], details["revision"], details["item"]["title"]) == (1, 2, "Hers")
    error(hers("delete", f"/{item_id}?revision=1"), 409, "changed_meanwhile")
    error(hers("put", "/reorder", {"revision": 1, "itemIds": [item_id]}), 409, "changed_meanwhile")
    error(hers("post", "/publish", {"revision": 1}), 409, "changed_meanwhile")


def test_a_change_that_names_no_revision_is_refused(hers):
    (item_id,) = added(hers, "Wave")
    for answer in (
        hers("put", f"/{item_id}", {"title": "x"}),
        hers("delete", f"/{item_id}"),
        hers("put", "/reorder", {"itemIds": [item_id]}),
    ):
        assert error(answer, 400, "malformed")["field"] == "revision"


@pytest.mark.parametrize(
    "field", ["performer_id", "version", "published_at", "itemId", "commitment", "price", "repeat"]
)
def test_a_field_that_is_not_there_is_refused_by_its_name(hers, field):
    assert error(hers("post", "", said("x", **{field: 1})), 400, "malformed")["field"] == field
    assert hers("get", "").json()["items"] == []


@pytest.mark.parametrize("amount", [0, -1, 1.5, "10", 2**53, True, None])
def test_an_amount_is_a_whole_number_of_tokens(hers, amount):
    assert error(hers("post", "", said("x", minimum=amount)), 400, "malformed")["field"] == "minimum"


def test_what_cannot_be_published_names_every_item(hers):
    ids = added(hers, "One", "Two", minimum=100, maximum=100)
    details = error(hers("post", "/publish", {}), 422, "invalid_menu")
    assert [(each["item"], each["field"], each["itemId"]) for each in details] == [
        (1, "minimum", ids[0]),
        (2, "minimum", ids[1]),
    ]


def test_a_publication_costs_no_more_commands_for_a_large_menu_and_reads_one_version(hers):
    def commands(*names):
        added(hers, *names)
        RECORDER.commands = sent = []
        try:
            assert hers("post", "/publish", {}).status_code == 201
        finally:
            RECORDER.commands = None
        return [command for _, command in sent]

    commands("One")
    few, many = commands("Two"), commands(*map(str, range(20)))
    assert len(few) == len(many) <= 15, "beside inserts and the commit"
    read = [each for each in many if each.get("find") == "tip_menus" and not each.get("projection")]
    assert [sorted(each["filter"]) for each in read] == [["performer_id", "publish_key"], ["_id"]]


def test_an_order_that_lacks_an_item_names_it(hers):
    first, second = added(hers, "One", "Two")
    details = error(hers("put", "/reorder", {"revision": 2, "itemIds": [second]}), 400, "malformed")
    assert first in details["rule"]
    turned = hers("put", "/reorder", {"revision": 2, "itemIds": [second, first]}).json()
    assert [item["title"] for item in turned["items"]] == ["Two", "One"]


def test_a_difference_is_told_by_field(hers):
    (item_id,) = added(hers, "Wave")
    hers("post", "/publish", {})
    hers("put", f"/{item_id}", {"revision": 1, "intensity": 12})
    added(hers, "New")
    found = hers("get", "/diff").json()
    assert [item["title"] for item in found["added"]] == ["New"]
    assert found["changed"][0]["fields"] == [{"field": "intensity", "before": 8, "after": 12}]
    same = hers("get", "/diff?from=1&to=1").json()
    assert same == {"added": [], "removed": [], "changed": [], "moved": [], "defaultReaction": None}
    error(hers("get", "/diff?from=9"), 404, "not_found")
    error(hers("get", "/diff?from=x"), 400, "malformed")


def test_a_preview_says_what_answers_and_because_of_what(hers, ana, now):
    assert hers("get", "/preview?amount=30").json()["because"]["code"] == "default_reaction"
    platform.change(key="requireTipMenu", value="true", by="dina", now=now)
    assert hers("get", "/preview?amount=30").json()["because"]["code"] == "no_menu"
    publish(ana.pk, [said("Published")], now)
    (item_id,) = added(hers, "Drafted", minimum=30, maximum=30)
    found = hers("get", "/preview?amount=30").json()
    assert (found["version"], found["item"]["title"], found["because"]["code"]) == ("1", "Published", "only")
    found = hers("get", "/preview?amount=30&version=draft").json()
    assert (found["item"]["itemId"], found["because"]["code"]) == (item_id, "exact")
    assert hers("get", "/preview?amount=3").json()["because"]["code"] == "below_minimum"
    assert hers("get", "/preview?amount=900").json()["because"]["code"] == "no_match"


@pytest.mark.parametrize(
    "query", ["", "?amount=", "?amount=0", f"?amount={'9' * 300}", "?amount=5&version=x"]
)
def test_a_preview_of_no_amount_is_refused(hers, query):
    error(hers("get", f"/preview{query}"), 400, "malformed")


def test_nobody_else_is_answered_her_menu(hers, strangers):
    (item_id,) = added(hers, "Wave")
    hers("post", "/publish", {})
    assert strangers("get", "").json()["items"] == []
    error(strangers("put", f"/{item_id}", {"revision": 1, "title": "x"}), 404, "not_found")
    error(strangers("get", "/versions/1"), 404, "not_found")
    error(strangers("post", "/versions/1/rollback", {}), 404, "not_found")
    error(Caller(root=ROOT)("get", ""), 401, "not_authenticated")


# --- files -------------------------------------------------------------------------------------------------


def test_a_file_is_seen_first_and_then_taken_in(hers, strangers):
    added(hers, "One", "Two", section="Short", active=False)
    file = hers("get", "/export").json()
    seen = strangers("post", "/import", {"menu": file}).json()
    assert (seen["isApplied"], seen["revision"], len(seen["diff"]["added"])) == (False, 0, 2)
    assert strangers("get", "").json()["items"] == []
    error(strangers("post", "/import", {"menu": file, "apply": True}), 400, "malformed")
    error(
        strangers("post", "/import", {"menu": file, "apply": True, "revision": 9}), 409, "changed_meanwhile"
    )
    assert strangers("post", "/import", {"menu": file, "apply": True, "revision": 0}).json()["isApplied"]
    assert strangers("get", "/export").content == hers("get", "/export").content


def test_the_largest_file_there_may_be_is_taken_in(hers):
    fire = "\U0001f525"
    texts = {"title": fire * 80, "description": fire * 200, "section": fire * 40}
    items = [said(minimum=2**53 - 2, maximum=2**53 - 1) | texts for _ in range(MAXIMUM_ITEMS)]
    file = {"format": "tip-menu/1", "items": items}
    body = json.dumps({"menu": file, "apply": True, "revision": 0}, ensure_ascii=False).encode()
    assert len(body) < 2**20
    answer = Client().post(f"{ROOT}/import", body, "application/json", headers=hers.headers)
    assert (answer.status_code, answer.json()["revision"]) == (200, 1)


def test_all_that_is_wrong_in_a_file_is_said_with_its_item(hers):
    items = [said("One", itemId="a"), said("", itemId="a", price=1), said("Two", itemId="a")]
    answer = hers("post", "/import", {"menu": {"format": "tip-menu/1", "items": items}})
    details = error(answer, 400, "invalid_file")
    assert {(each["item"], each["field"]) for each in details} == {(2, "price"), (2, "title"), (3, "itemId")}
    for menu in ({}, {"format": "other", "items": []}, {"format": "tip-menu/1", "items": 3}, 7):
        error(hers("post", "/import", {"menu": menu}), 400, "malformed")
