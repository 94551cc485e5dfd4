"""By which words a run is counted: what it was told to, of which kind, by which pattern; each of a few."""

import pytest

from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.history import facets
from lovense.models import Activation, Performer
from tests.factories import NOW
from tests.lovense.devices.reports import from_host, toy

TOLD = {"bridge": "STANDARD_LAN", "toy_types": ["lush"], "item": {"itemId": "a", "pattern": "level"}}
CASES = [
    ({}, ("lush", "STANDARD_LAN", "LEVEL", "")),
    ({"toy_types": ["lush", "nora"]}, ("several", "STANDARD_LAN", "LEVEL", "")),
    ({"toy_types": ["made up by a page"]}, ("unknown", "STANDARD_LAN", "LEVEL", "")),
    ({"toy_types": ["made up", "too"]}, ("unknown", "STANDARD_LAN", "LEVEL", "")),
    ({"toy_types": []}, ("unknown", "STANDARD_LAN", "LEVEL", "")),
    ({"toy_types": None, "bridge": None}, ("", "", "LEVEL", "")),
    ({"item": {"itemId": "a", "pattern": "wave"}}, ("lush", "STANDARD_LAN", "PRESET", "wave")),
    ({"item": {"itemId": "a", "pattern": "her own words"}}, ("lush", "STANDARD_LAN", "PATTERN", "her own")),
    (
        {"item": {"itemId": "a", "pattern": "pulse", "drawnBy": "m/1"}},
        ("lush", "STANDARD_LAN", "RANDOM", "pulse"),
    ),
    (
        {"item": {"itemId": "default", "pattern": "level"}},
        ("lush", "STANDARD_LAN", "default", ""),
    ),
    ({"is_measured": False, "bridge": "EXTENSION"}, ("lush", "EXTENSION", "EXTENSION", "")),
    ({"item": None}, ("lush", "STANDARD_LAN", "", "")),
]


@pytest.mark.parametrize(("row", "words"), CASES)
def test_each_facet_takes_one_of_a_few_words(row, words):
    assert facets.of(TOLD | row, "played") == (*words, "played")


@pytest.mark.django_db
def test_a_run_keeps_by_which_path_it_was_told_and_to_which_types(chain, ana, bob):
    chain.hold()
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    row = collection(Activation).find_one({"_id": activation_id(tip_id)})
    assert (row["bridge"], row["toy_types"]) == ("SIMULATOR", ["lush"])


@pytest.mark.django_db
@pytest.mark.parametrize("bridge", ["STANDARD_LAN", "STANDARD_SERVER"])
def test_of_an_app_too_and_of_those_toys_alone_that_are_there(chain, ana, bob, bridge):
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"bridge": bridge}})
    toys = (toy("a", name="lush"), toy("b", name="nora"), toy("c", name="domi", status=0))
    from_host(ana, "a" * 24, *toys, now=NOW)
    chain.hold()
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    row = collection(Activation).find_one({"_id": activation_id(tip_id)})
    assert (row["bridge"], row["toy_types"]) == (bridge, ["lush", "nora"])


@pytest.mark.django_db
def test_what_was_never_told_has_no_path(chain, ana, bob):
    tip_id = chain.settled(bob, 300)
    chain.dispatch()
    row = collection(Activation).find_one({"_id": activation_id(tip_id)})
    assert "bridge" not in row
    assert facets.of(row, "no_match") == ("", "", "", "", "no_match")
