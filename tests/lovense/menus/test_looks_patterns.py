"""What is said of a menu before anybody tips, where its items name patterns, shows and a default reaction."""

import pytest
from django.test import Client

from ground.json.fields import Fields
from lovense.menus import drafts, reactions, wishes
from lovense.menus.drafts import Writing
from lovense.models import Performer
from lovense.patterns import library
from lovense.patterns.library import PatternWriting, WishedPattern
from tests.factories import NOW
from tests.lovense.menus.offers import said

pytestmark = pytest.mark.django_db

ADDRESSES = ("/menu", "/menu?region=menu", "/menu?region=publish", "/menu?amount=650")
LOOKS = ("lint", "ruler?show=private", "export?format=csv", "export?format=text", "export")


@pytest.fixture
def hers(ana):
    """Her pages and her REST."""
    client = Client()
    client.force_login(ana.user)
    return client


def add(performer, **more):
    item = said("It", minimum=600, maximum=700, intensity=20, durationSec=10) | more
    drafts.add(Writing(performer.pk, None, "ana", NOW), wishes.read(Fields(item, "")))


def previewed(client, **query):
    query = {"amount": 650, "version": "draft"} | query
    return client.get("/api/lovense/tip-menu/preview", query).json()


@pytest.mark.parametrize("pattern", ["heartbeat", "my/Mine", "my/Gone"])
def test_a_pattern_of_any_kind_may_be_looked_at(ana, hers, pattern):
    library.add(PatternWriting(ana.pk, "ana", NOW), WishedPattern("Mine", "10 1s\n20 1s"))
    add(ana, pattern=pattern)
    answers = [hers.get(each) for each in ADDRESSES]
    answers += [hers.get(f"/api/lovense/tip-menu/{each}") for each in LOOKS]
    assert {answer.status_code for answer in answers} == {200}


def test_a_pattern_of_hers_is_previewed_as_it_is_now(ana, hers):
    library.add(PatternWriting(ana.pk, "ana", NOW), WishedPattern("Mine", "10 1s\n20 1s"))
    add(ana, pattern="my/Mine")
    seen = previewed(hers)
    assert (seen["promisedSeconds"], seen["effect"]) == (10, 7.5)
    (line,) = hers.get("/api/lovense/tip-menu/preview/table?amounts=650&version=draft").json()["amounts"]
    assert (line["promisedSeconds"], line["effect"]) == (10, 7.5)


def test_a_pattern_that_is_gone_is_named_and_plays_nothing(ana, hers):
    add(ana, pattern="my/Gone")
    seen = previewed(hers)
    assert (seen["item"]["title"], seen["reason"], seen["devices"]) == ("It", "no_pattern", [])
    assert "its pattern is not there" in hers.get("/menu?amount=650").content.decode()


def test_what_holds_a_tip_now_is_said_in_words(ana, hers):
    add(ana, pattern="level")
    for field, words in (("paused_at", "you have paused"), ("stopped_at", "you have pressed stop")):
        Performer.objects.filter(pk=ana.pk).update(paused_at=None, stopped_at=None)
        Performer.objects.filter(pk=ana.pk).update(**{field: NOW})
        assert f"would not start: {words}." in hers.get("/menu?amount=650").content.decode()


def test_each_show_has_a_preview_and_a_ruler_of_its_own(ana, hers):
    add(ana, pattern="level", shows=["private"])
    assert previewed(hers)["because"]["code"] == "other_show"
    assert previewed(hers)["passedOver"][0]["why"] == "other_show"
    assert previewed(hers, show="private")["item"]["title"] == "It"
    for show, answers in (("public", False), ("private", True)):
        parts = hers.get(f"/api/lovense/tip-menu/ruler?show={show}").json()["intervals"]
        assert any(part["itemId"] for part in parts) is answers


def test_where_a_default_reaction_answers_there_is_no_gap(ana, hers):
    add(ana, pattern="level", minimum=10, maximum=20)
    add(ana, pattern="level", minimum=30, maximum=40)
    codes = {each["code"] for each in hers.get("/api/lovense/tip-menu/lint").json()["findings"]}
    assert "gap" in codes
    drafts.react(Writing(ana.pk, None, "ana", NOW), reactions.usual() | {"active": True})
    codes = {each["code"] for each in hers.get("/api/lovense/tip-menu/lint").json()["findings"]}
    assert "gap" not in codes
    assert previewed(hers, amount=25)["because"]["code"] == "default_reaction"


def test_an_item_that_cools_down_is_passed_over_in_no_preview_before_it_has_run(ana, hers):
    add(ana, pattern="level", cooldownSec=60, stock=1)
    assert previewed(hers)["item"]["title"] == "It"
