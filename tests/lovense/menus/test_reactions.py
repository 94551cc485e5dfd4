"""Her default reaction: part of a version, off at first, for the amounts that no item answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.json.fields import Fields
from lovense.deciding import drift, foresight, platform
from lovense.deciding.gates import decide
from lovense.deciding.rules import Rules
from lovense.menus import content, drafts, reactions, transfer, versions
from lovense.menus.matching import DEFAULT_ITEM, match
from lovense.menus.reading import of_row
from lovense.menus.wishes import InvalidItem
from lovense.models import Performer
from tests.factories import NOW
from tests.lovense.callers import Caller, _nobody_is_woken
from tests.lovense.conftest import activation_of, request_of
from tests.lovense.menus.offers import added, publication, published, said, writing
from tests.lovense.menus.test_terms import error, press, told

__all__ = ["_nobody_is_woken", "press"]
pytestmark = pytest.mark.django_db
ROOT = "/api/lovense/tip-menu"
ON = {"active": True, "pattern": "pulse", "intensity": 6, "durationSec": 4}


@pytest.fixture
def hers(ana):
    return Caller(ana.user, root=ROOT)


def react(performer, **more):
    return drafts.react(writing(performer), ON | more)


def menu(performer):
    return versions.said(versions.of(performer.pk, Performer.objects.get(pk=performer.pk).menu_version))


# --- part of a draft and of a version ----------------------------------------------------------------------


def test_it_is_off_at_first_and_begins_as_the_platforms(ana):
    platform.change(key="default_intensity", value="7", by="dina", now=NOW)
    assert drafts.of(ana.pk).reaction is None
    assert reactions.usual() == {"active": False, "pattern": "level", "intensity": 7, "durationSec": 5}


def test_it_is_published_with_the_menu_and_what_is_off_is_not_kept(ana):
    added(ana, "Wave")
    react(ana, active=False)
    published(ana, key="a")
    assert menu(ana)[1] is None
    react(ana)
    assert published(ana, key="b").is_new
    assert not published(ana, key="c").is_new
    assert menu(ana)[1] == ON


def test_going_back_goes_back_with_it_too(ana):
    added(ana, "Wave")
    react(ana)
    published(ana, key="a")
    react(ana, active=False)
    published(ana, key="b")
    versions.roll_back(publication(ana, key="c"), 1)
    assert (menu(ana)[1], drafts.of(ana.pk).reaction) == (ON, ON)
    versions.roll_back(publication(ana, key="d"), 2)
    assert (menu(ana)[1], drafts.of(ana.pk).reaction) == (None, ON | {"active": False})


def test_a_version_may_consist_of_it_alone_unless_a_menu_is_required(ana):
    with pytest.raises(versions.NotPublishable, match="or a default reaction"):
        published(ana, key="a")
    react(ana)
    assert published(ana, key="a").is_new
    platform.change(key="require_tip_menu", value="true", by="dina", now=NOW)
    react(ana, intensity=9)
    with pytest.raises(versions.NotPublishable, match="requires a menu"):
        published(ana, key="b")


def test_changing_the_items_keeps_it_and_a_late_write_changes_nothing(ana):
    react(ana)
    added(ana, "Wave")
    assert drafts.of(ana.pk).reaction == ON
    with pytest.raises(drafts.ChangedMeanwhile):
        drafts.react(writing(ana, 1), ON | {"active": False})
    assert drafts.of(ana.pk).reaction == ON


def test_a_difference_says_what_it_was_and_is(ana):
    assert content.diff([], [], (None, ON)).reaction == (None, ON)
    assert content.diff([], [], (ON, ON)).is_empty


# --- it answers --------------------------------------------------------------------------------------------


@pytest.fixture
def reacting(chain):
    """Ana answers 25 to 49 by an item, and everything else by her default reaction."""
    added(chain.performer, "Wave")
    items = drafts.of(chain.performer_id).items[-1:]
    drafts.replace(writing(chain.performer), items, ON)
    published(chain.performer, key="a")
    return chain


def decided(tip_id):
    request = request_of(tip_id) | {"attempts": 1, "claimed_by": "worker-0/x"}
    return decide(request, Rules.read([request["lane"]]), is_online=True, now=NOW)


def test_it_answers_what_no_item_does_from_her_minimum_up(reacting, bob):
    rows = {amount: decided(reacting.settled(bob, amount)) for amount in (9, 24, 30, 5000)}
    assert rows[9]["reason"] == "below_minimum"
    assert rows[30]["item"]["title"] == "Wave"
    for amount in (24, 5000):
        row = rows[amount]
        assert (row["status"], row["item"]["itemId"], row["menu_version"]) == (
            "dispatched",
            DEFAULT_ITEM,
            2,
        )
        assert row["promised_seconds"] == 4
        saw = next(gate["saw"] for gate in row["gates"] if gate["gate"] == "menu_match")
        assert saw == f"nothing answers {amount}; her default reaction does"


def test_every_cap_binds_it(reacting, bob):
    Performer.objects.filter(pk=reacting.performer_id).update(maximum_seconds=3, maximum_intensity=2)
    row = decided(reacting.settled(bob, 5000))
    assert row["promised_seconds"] == 3


def test_the_page_is_told_what_answered(reacting, bob, wire):
    tip_id = reacting.settled(bob, 5000)
    reacting.dispatch()
    (message,) = wire.commands()
    assert (message["item"]["itemType"], message["item"]["vibration"]["strength"]) == ("default", 6)
    reacting.acknowledge(tip_id, "finished", delivered_seconds=4)
    assert activation_of(tip_id)["menu_version"] == 2


def test_what_an_amount_would_be_answered_is_found_by_the_same_rule(reacting):
    for is_draft in (True, False):
        seen = foresight.read(reacting.performer_id, version=None, is_draft=is_draft, now=NOW).of(5000)
        assert (seen.found.code, seen.found.item["itemId"]) == ("default_reaction", DEFAULT_ITEM)
        assert "No active item answers 5000 tokens. So your default reaction does." in seen.found.text


@given(st.integers(1, 100))
def test_where_it_is_compared_it_is_the_last_that_answers(amount):
    items = [said("Open", itemId="a", minimum=50, maximum=None, order=1)]
    row = {"_id": "x.1", "version": 1, "items": items, "default_reaction": ON}
    found = match(drift.answering_of(of_row(row)), amount)
    assert found["itemId"] == ("a" if amount >= 50 else DEFAULT_ITEM)


# --- doors -------------------------------------------------------------------------------------------------


def test_over_rest_it_is_changed_and_told(hers):
    assert hers("get", "").json()["defaultReaction"]["active"] is False
    made = hers("put", "/default-reaction", {"revision": 0, "active": True, "intensity": 6}).json()
    assert made == {"active": True, "pattern": "level", "intensity": 6, "durationSec": 5, "revision": 1}
    assert hers("get", "").json()["isChanged"]
    hers("post", "/publish", {})
    assert hers("get", "/versions/1").json()["defaultReaction"]["intensity"] == 6
    hers("put", "/default-reaction", {"revision": 1, "active": False})
    difference = hers("get", "/diff").json()["defaultReaction"]
    assert (difference["before"]["active"], difference["after"]) == (True, None)
    error(hers("put", "/default-reaction", {"revision": 1}), 409, "changed_meanwhile")


def test_all_that_is_wrong_with_it_is_said_at_once(hers):
    wrong = {"revision": 0, "active": 1, "intensity": 21, "durationSec": 0, "pattern": "x", "title": "y"}
    details = error(hers("put", "/default-reaction", wrong), 400, "malformed")
    fields = {each["field"] for each in details["errors"]}
    assert fields == {"active", "intensity", "durationSec", "pattern", "title"}
    assert error(hers("put", "/default-reaction", {"active": True}), 400, "malformed")["field"] == "revision"


def test_a_file_carries_it_and_one_without_leaves_it(hers):
    hers("put", "/default-reaction", {"revision": 0, "active": True})
    file = hers("get", "/export").json()
    assert file["defaultReaction"]["active"] is True
    hers("put", "/default-reaction", {"revision": 1, "active": False})
    seen = hers("post", "/import", {"menu": file}).json()
    assert seen["diff"]["defaultReaction"]["after"]["active"] is True
    bare = {"format": "tip-menu/1", "items": []}
    kept = hers("post", "/import", {"menu": bare, "apply": True, "revision": 2}).json()
    assert kept["diff"]["defaultReaction"] is None
    hers("post", "/import", {"menu": file, "apply": True, "revision": kept["revision"]})
    assert hers("get", "/export").json() == file


@pytest.mark.parametrize("wrong", [{"intensity": 0}, {"title": "x"}])
def test_what_is_wrong_with_it_in_a_file_is_named(wrong):
    with pytest.raises(transfer.InvalidFile) as refused:
        transfer.reaction_of(Fields({"defaultReaction": wrong}, ""))
    assert refused.value.details[0]["field"] == f"defaultReaction.{next(iter(wrong))}"


def test_what_is_read_of_a_body_leaves_the_rest_as_it_is():
    assert reactions.read(Fields({"revision": 1, "intensity": 9}, ""), ON) == ON | {"intensity": 9}
    with pytest.raises(InvalidItem):
        reactions.read(Fields({"order": 1}, ""), ON)


def test_on_the_page_it_is_changed_in_a_form(press, client, ana):
    assert "Nothing plays." in client.get("/menu").content.decode()
    form = client.get("/menu/reaction").content.decode()
    assert " checked" not in form
    typed = {"revision": 0, "active": "1", "pattern": "pulse", "intensity": "6", "durationSec": "4"}
    assert told(press("reaction", **typed)) == "The default reaction is on."
    assert drafts.of(ana.pk).reaction == ON
    shown = client.get("/menu").content.decode()
    assert "Default reaction: Pulse, strength 6 of 20, 4 s." in shown
    assert "off → Pulse, strength 6 of 20, 4 s" in client.get("/menu/compare").content.decode()
    wrong = press("reaction", **typed | {"revision": 1, "intensity": "x"}).content.decode()
    assert 'value="x"' in wrong
    assert "Must be a whole number from 1 to 20." in wrong
    assert "changed on another page" in press("reaction", **typed | {"intensity": "7"}).content.decode()
