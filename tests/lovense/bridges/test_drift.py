"""Drift: every amount for which the extension does something else than the menu, and no other; hers alone."""

import random
from itertools import pairwise

import pytest
from django.test import Client

from ground.mongodb.collections import collection
from lovense.bridges import extension, extensionlevels
from lovense.deciding import drift
from lovense.deciding.rules import Caps
from lovense.menus import matching, publishing
from lovense.models import Performer, Repair
from lovense.repairs import listing, looking, preflight
from tests.config.test_openapi import SCHEMA, breaches, json_of
from tests.factories import NOW, token_of
from tests.lovense.bridges.stage import choose, hers, named, says
from tests.lovense.conftest import seconds

__all__ = ["hers"]

MENU = [
    {"title": "Same", "minimum": 10, "maximum": 19, "pattern": "level", "intensity": 8, "durationSec": 5},
    {"title": "Longer", "minimum": 20, "maximum": 29, "pattern": "level", "intensity": 8, "durationSec": 9},
    {
        "title": "Stronger",
        "minimum": 30,
        "maximum": 39,
        "pattern": "level",
        "intensity": 12,
        "durationSec": 5,
    },
    {
        "title": "Shaken",
        "minimum": 50,
        "maximum": 50,
        "pattern": "earthquake",
        "intensity": 20,
        "durationSec": 15,
    },
    {"title": "Still", "minimum": 600, "maximum": 600, "pattern": "level", "intensity": 5, "durationSec": 7},
    {"title": "Alone", "minimum": 900, "maximum": None, "pattern": "wave", "intensity": 5, "durationSec": 7},
]
CAPS = Caps(30, 20)
LARGEST = 130


def asked(performer):
    headers = {"Authorization": f"Token {token_of(performer.user)}"}
    answer = Client().get("/api/lovense/drift", headers=headers)
    described = SCHEMA["paths"]["/api/lovense/drift"]["get"]["responses"]["200"]
    assert answer.status_code == 200
    assert breaches(json_of(described)["schema"], answer.json()) == []
    return answer.json()


def at(found, amount):
    """How both differ for this amount; nothing where they do not."""
    for each in found:
        if each["minimum"] <= amount and (each["maximum"] is None or amount <= each["maximum"]):
            return each["differs"]
    return []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("amount", "differs"),
    [
        (15, []),
        (25, ["seconds"]),
        (35, ["strength"]),
        (45, ["nothing"]),  # the menu has nothing, and the extension plays its level
        (50, []),
        (600, ["still"]),
        (601, ["still"]),  # also where the menu promises nothing
        (1000, ["nothing"]),  # the menu promises a wave, and the extension does nothing
        (9, []),  # too little: nobody hands it over
    ],
)
def test_what_differs_is_listed_with_how_and_nothing_else(hers, amount, differs):
    publishing.publish(hers.pk, MENU, NOW)
    found = asked(hers)
    assert at(found["drift"], amount) == differs
    assert (found["minimum"], found["settingsAt"]) == (10, "2026-01-03T04:15:00.000Z")


@pytest.mark.django_db
def test_before_the_extension_has_told_its_levels_nothing_is_known(ana):
    assert asked(ana) == {"settingsAt": None, "unread": 0, "minimum": 10, "drift": []}


@pytest.mark.django_db
def test_without_a_menu_the_platforms_reaction_is_compared(hers):
    assert at(asked(hers)["drift"], 15) == ["strength"]  # 10 for 5 s, and the level is 8 for 5 s


@pytest.mark.django_db
def test_her_caps_bind_what_the_menu_promises(hers):
    publishing.publish(hers.pk, MENU, NOW)
    collection(Performer).update_one({}, {"$set": {"maximum_seconds": 5}})
    assert at(asked(hers)["drift"], 25) == []


@pytest.mark.django_db
def test_it_is_hers_alone(hers, carol):
    publishing.publish(hers.pk, MENU, NOW)
    assert asked(carol)["drift"] == []
    assert Client().get("/api/lovense/drift").status_code == 401


@pytest.mark.django_db
def test_her_page_lists_them_and_another_performers_page_does_not(hers, carol, client):
    publishing.publish(hers.pk, MENU, NOW)
    client.force_login(hers.user)
    shown = client.get("/devices").content.decode()
    assert "does not move the toy" in shown
    assert "Longer, strength 8, 9 s" in shown
    assert "other length" in shown
    client.force_login(carol.user)
    assert "does not move the toy" not in client.get("/devices").content.decode()


# --- every amount ------------------------------------------------------------------------------------------


def span(chance):
    low = chance.randint(1, LARGEST)
    return low, chance.randint(low, LARGEST)


def menu_of(chance):
    """A published one, of any ranges; exact amounts once."""
    items = []
    for place in range(chance.randint(0, 8)):
        low, high = span(chance)
        said = {"pattern": chance.choice(["level", "wave"]), "intensity": chance.randint(1, 3)}
        said |= {"durationSec": chance.randint(2, 4), "title": f"item {place}"}
        items.append(said | {"minimum": low, "maximum": chance.choice([None, high])})
    return publishing.validated(items)


def told_by(chance):
    """What an extension has told, of any levels and two special commands."""
    levels = {}
    for place in range(chance.randint(0, 6)):
        low, high = span(chance)
        levels[f"level{place}"] = {"min": low, "max": high, "time": chance.randint(2, 4)} | {
            "vLevel": chance.randint(0, 3),
            "rLevel": chance.randint(0, 1),
        }
    special = {
        name: {"type": name, "time": str(chance.randint(2, 4)), "token": str(chance.randint(1, LARGEST))}
        for name in ("wave", "clear")
    }
    found, unread = extensionlevels.read({"levels": levels, "special": special})
    return {"levels": found, "unread": unread, "settingsAt": "now"}


MENUS = [menu_of(random.Random(f"menu {number}")) for number in range(20)]
TOLD = [told_by(random.Random(f"settings {number}")) for number in range(20)]


def differs(items, settings_told, amount):
    """By the two answers for one amount alone."""
    item, level = matching.match(items, amount), extension.answering(settings_told, amount)
    if level and level["vibration"] == 0 and not level["rotation"]:
        return ("still",)
    if item is None or level is None:
        return () if item is None and level is None else ("nothing",)
    pattern = level["special"] or "level"
    found = [
        ("strength", level["vibration"] not in (None, item["intensity"])),
        ("seconds", level["seconds"] != item["durationSec"]),
        ("pattern", pattern != item["pattern"]),
    ]
    return tuple(name for name, is_so in found if is_so)


@pytest.mark.parametrize("number", range(20))
def test_of_20_settings_and_20_menus_every_amount_is_listed_as_it_is(number):
    for said in TOLD:
        found = list(drift.between(MENUS[number], said, minimum=3, caps=CAPS))
        for amount in range(3, LARGEST + 3):
            hers = [
                each
                for each in found
                if each.minimum <= amount and (each.maximum is None or amount <= each.maximum)
            ]
            right = differs(MENUS[number], said, amount)
            assert [each.differs for each in hers] == ([right] if right else []), amount


def test_the_20_by_20_are_worth_looking_at():
    found = {
        differs(menu, said, amount) for menu in MENUS for said in TOLD for amount in range(3, LARGEST + 3)
    }
    assert {name for each in found for name in each} == set(drift.DIFFERENCES)
    assert () in found


@pytest.mark.parametrize("number", range(20))
def test_they_are_in_order_and_neighbours_are_not_the_same(number):
    for said in TOLD:
        found = list(drift.between(MENUS[number], said, minimum=1, caps=CAPS))
        for one, other in pairwise(found):
            assert one.maximum is not None
            assert one.maximum < other.minimum
            same = (one.differs, one.menu, one.extension) == (other.differs, other.menu, other.extension)
            assert not (same and one.maximum + 1 == other.minimum)


# --- repairs -----------------------------------------------------------------------------------------------


def kinds(performer, now):
    looking.look(now=now, limit=9)
    return [row["kind"] for row in listing.shown(performer.pk, now=now)]


@pytest.mark.django_db
def test_a_drift_is_a_mild_repair_until_both_are_the_same(hers):
    publishing.publish(hers.pk, MENU, NOW)
    kinds(hers, NOW)
    assert kinds(hers, NOW + seconds(11)) == ["drift"]
    row = collection(Repair).find_one({})
    assert (row["weight"], row["name"]) == ("mild", "9 ranges of amounts")
    same = {"levels": {"level1": {"min": 10, "max": 19, "time": 5, "vLevel": 8}}}
    publishing.publish(hers.pk, MENU[:1], NOW)
    says(hers, settings=same, now=NOW + seconds(20))
    assert kinds(hers, NOW + seconds(20)) == []


@pytest.mark.django_db
def test_an_extension_that_is_silent_is_urgent_until_it_answers(hers):
    publishing.publish(hers.pk, MENU[:1], NOW)
    says(hers, "silent", settings={"levels": {"level1": {"min": 10, "max": 19, "time": 5, "vLevel": 8}}})
    kinds(hers, NOW)
    assert kinds(hers, NOW + seconds(11)) == ["extension_silent"]
    says(hers, settings=None, now=NOW + seconds(12))
    assert kinds(hers, NOW + seconds(12)) == []


@pytest.mark.django_db
def test_neither_matters_on_another_path(hers):
    says(hers, "silent")
    kinds(hers, NOW)
    assert set(kinds(hers, NOW + seconds(11))) == {"extension_silent", "drift"}
    choose(hers, "SIMULATOR", NOW + seconds(12))
    assert kinds(hers, NOW + seconds(12)) == []


@pytest.mark.django_db
def test_their_buttons_lead_to_where_they_are_mended(hers, client):
    says(hers, "silent")
    kinds(hers, NOW)
    kinds(hers, NOW + seconds(11))
    client.force_login(hers.user)
    shown = client.get("/devices").content.decode()
    assert "does not answer on your Live page" in shown
    assert 'href="#drift"' in shown


@pytest.mark.django_db
def test_the_preflight_says_that_they_differ_and_that_limits_do_not_bind(hers):
    publishing.publish(hers.pk, MENU, NOW)
    found = {each.name: (each.state, each.words) for each in preflight.checks(hers.pk, now=NOW)}
    assert found["menu"] == ("warn", "Your extension and your menu differ for 9 ranges of amounts.")
    assert found["caps"][0] == "ok"
    assert found["devices"] == ("ok", "Lush can play.")


@pytest.mark.django_db
def test_a_site_that_loses_its_name_is_said_on_her_live_page(hers, client):
    client.force_login(hers.user)
    assert "This site has no name" not in client.get("/").content.decode()
    named("")
    assert "This site has no name" in client.get("/").content.decode()
