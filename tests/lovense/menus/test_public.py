"""What everybody may know of a menu: what it does in words, how many are left, until when it cools down; and
nothing of the people behind it."""

import dataclasses
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.mongodb.collections import collection
from lovense.deciding import platform, publicmenu
from lovense.menus import matching, public, publishing
from lovense.menus.public import ItemNow, PublicDevice
from lovense.menus.publishing import UnknownPerformer
from lovense.models import Device, Performer, TipMenu
from lovense.patterns import library
from lovense.timeline import Segment, Timeline
from tests.commands import RECORDER
from tests.factories import NOW
from tests.lovense.devices.reports import from_page, toy
from tests.lovense.menus.offers import said
from tests.lovense.patterns.written import saved

db = pytest.mark.django_db
SECRET = "Secret nickname"


def device(kind, level, seconds):
    track = Timeline(seconds * 1000, {"Vibrate": (Segment(0, seconds * 1000, level),)})
    return PublicDevice(kind, track)


# --- in words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plays", "words"),
    [
        ([device("lush", 10, 15), device("nora", 8, 12)], "medium, 15 s, lush and nora"),
        ([device("lush", 20, 2), device("lush", 20, 2)], "ultra high, 2 s, lush"),
        ([device("a", 1, 3), device("b", 1, 3), device("c", 1, 3)], "ultra low, 3 s, a, b and c"),
        ([device("", 14, 5)], "high, 5 s"),
        ([device("lush", 0, 5)], "nothing at the moment"),
        ([], "nothing at the moment"),
    ],
)
def test_what_it_does_is_told_by_what_would_be_played(plays, words):
    assert public.words(plays) == words


@given(st.integers(1, 19))
def test_every_level_has_a_word_and_none_is_called_weaker_than_a_lower_one(level):
    ranks = list(public.STRENGTHS.values())
    assert ranks.index(public.strength(level)) <= ranks.index(public.strength(level + 1))


@db
def test_what_is_drawn_is_told_by_its_ends_its_weights_and_the_commitment_of_its_version(ana):
    saved(ana, "Secret dance", "10 2s")
    lots = [{"pattern": "wave", "weight": 3}, {"pattern": "my/Secret dance", "weight": 1}]
    chances = {"intensity": {"from": 5, "to": 15}, "patterns": lots}
    menu = publishing.publish(
        ana.pk, [said("Lots", intensity=15, random=chances), said("Plain", minimum=60, maximum=60)], NOW
    )
    lot, plain = publicmenu.public(ana.pk, now=NOW).items
    commitment = collection(TipMenu).find_one({"_id": menu.pk})["commitment"]
    assert lot.drawn == {
        "intensity": {"low": 5, "high": 15},
        "durationSec": {"low": 8, "high": 8},
        "patterns": [{"pattern": "wave", "weight": 3}, {"pattern": "", "weight": 1}],
        "commitment": commitment,
    }
    assert plain.drawn is None
    assert "Secret dance" not in str(lot)


def test_of_what_is_drawn_the_most_there_may_be_is_told():
    item = said("Lots", random={"intensity": {"from": 5, "to": 8}})
    assert public.item_of(item, ItemNow([device("lush", 8, 5)]), 1).does == "up to medium, 5 s, lush"


def test_her_own_description_stands_for_it():
    item = said("Wave", description="Makes me laugh")
    assert public.item_of(item, ItemNow([device("lush", 10, 15)]), 10).does == "Makes me laugh"
    assert public.item_of(said("Wave"), ItemNow([device("lush", 10, 15)]), 10).does == "medium, 15 s, lush"


@given(
    st.integers(1, 60),
    st.one_of(st.none(), st.integers(0, 40)),
    st.sets(st.sampled_from(matching.SHOWS)),
    st.booleans(),
    st.sampled_from(matching.SHOWS),
    st.integers(1, 60),
)
def test_what_is_shown_is_what_may_answer(low, wide, shows, active, show, least):
    high = None if wide is None else low + wide
    item = said(minimum=low, maximum=high, shows=sorted(shows), active=active, itemId="x", order=1)
    index = matching.MenuIndex([item])
    amounts = range(max(low, least), (max(low, least) if high is None else high) + 1)
    answers = any(index.find(amount, show).item for amount in amounts)
    assert public.shown(item, show, least) == answers


# --- of a performer ----------------------------------------------------------------------------------------


@pytest.fixture
def hers(ana):
    """Two toys of hers, one with a name of her own, and a menu that uses a pattern of hers."""
    from_page(ana, toy("l1", name="lush"), toy("n1", name="nora"), now=NOW)
    collection(Device).update_many({"toy_id": "l1"}, {"$set": {"nickname": SECRET}})
    for each in (row := collection(Performer).find_one({"_id": ana.pk}))["devices"]:
        each["nickname"] = SECRET if each["toyId"] == "l1" else each["nickname"]
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"devices": row["devices"]}})
    saved(ana)
    mine = f"my/{library.of(ana.pk)[0]['name']}"
    publishing.publish(
        ana.pk,
        [
            said("Cheap", minimum=1, maximum=5),
            said("Both", itemId="both", minimum=8, maximum=20, pattern="level", intensity=10, durationSec=15),
            said("Mine", itemId="mine", minimum=30, maximum=30, pattern=mine, shows=["private"]),
            said("Off", itemId="off", minimum=40, maximum=40, active=False),
            said(
                "Rare",
                itemId="rare",
                minimum=50,
                maximum=None,
                stock=3,
                devices=[{"device": "n1", "offsetMs": 0}],
            ),
            said("Slow", itemId="slow", minimum=60, maximum=60, cooldownSec=60),
        ],
        NOW,
    )
    return ana


def read(whose, show="public", now=NOW):
    return publicmenu.public(whose.pk, show, now=now)


def titles(menu):
    return [item.title for item in menu.items]


@db
def test_it_shows_what_answers_in_that_show_in_the_order_of_the_menu(hers):
    menu = read(hers)
    assert (menu.version, menu.minimum, titles(menu)) == (1, 10, ["Both", "Rare", "Slow"])
    assert titles(read(hers, "private")) == ["Both", "Mine", "Rare", "Slow"]
    both, rare, _ = menu.items
    assert (both.does, both.minimum, both.maximum) == ("medium, 15 s, lush and nora", 10, 20)
    assert (rare.maximum, rare.left, both.left, rare.drawn) == (None, 3, None, None)
    assert rare.does.endswith(", nora")


@db
def test_until_when_an_item_cools_down_is_said_while_it_does(chain, bob):
    exact = said("Slow", itemId="slow", minimum=50, maximum=50, cooldownSec=60)
    publishing.publish(chain.performer_id, [exact], chain.now)
    chain.hold()
    chain.played(bob, 50, seconds=5)
    (item,) = read(chain.performer, now=chain.now).items
    assert timedelta(seconds=60) <= item.cooling_until - chain.now < timedelta(seconds=61)
    (item,) = read(chain.performer, now=chain.now + timedelta(seconds=61)).items
    assert item.cooling_until is None


@db
def test_nothing_of_it_says_who_she_is_or_how_she_calls_what_is_hers(hers):
    told = json.dumps([dataclasses.asdict(read(hers, show)) for show in matching.SHOWS], default=str)
    names = [SECRET, library.of(hers.pk)[0]["name"], hers.pk, hers.user.username, "l1", "n1", "itemId"]
    assert [name for name in names if name in told] == []


@db
def test_what_is_switched_off_or_capped_is_told_as_it_would_play(hers):
    collection(Performer).update_one(
        {"_id": hers.pk}, {"$set": {"maximum_seconds": 7, "devices.1.isEnabled": False}}
    )
    both = read(hers).items[0]
    assert both.does.startswith("medium, 7 s, ")
    assert " and " not in both.does


@db
def test_without_a_menu_it_is_what_the_platform_answers_or_nothing(ana):
    menu = read(ana)
    assert (menu.version, menu.items) == (0, [])
    assert menu.otherwise.startswith(("low", "medium", "high"))
    platform.change(key="require_tip_menu", value="true", by="dina", now=NOW)
    assert not read(ana).otherwise
    with pytest.raises(UnknownPerformer):
        publicmenu.public("f" * 24, now=NOW)


@db
def test_a_large_menu_costs_as_many_commands_as_a_small_one(ana):
    def commands(count):
        items = [said(f"{n}", itemId=f"i{n}", minimum=n, maximum=n, stock=2) for n in range(10, 10 + count)]
        publishing.publish(ana.pk, items, NOW)
        read(ana)
        RECORDER.commands = sent = []
        try:
            assert len(read(ana).items) == count
        finally:
            RECORDER.commands = None
        return len(sent)

    assert commands(2) == commands(40)
