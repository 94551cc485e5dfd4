"""What an item says of devices, functions, loops and ramps: its rules, and what it makes of a tip."""

import json

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.json.fields import Fields
from lovense.deciding.promises import compiled
from lovense.deciding.rules import Rules
from lovense.menus import content, parts, publishing, transfer, wishes
from lovense.menus.parts import HerToys
from lovense.menus.publishing import MAXIMUM_ITEMS, validated
from lovense.menus.wishes import InvalidItem
from tests.lovense.devices.test_named_functions import LANE, LUSH, NORA
from tests.lovense.menus.offers import said

NAMES = {"lush": "l1", "l1": "l1", "n1": "n1", "ana.l1": "l1", "nora": "n1"}
HERS = HerToys(NAMES, frozenset({"Vibrate", "Rotate"}), {"l1": "Lush"})


def made(**more):
    return wishes.new(said(**more), HERS)


def refused(**more):
    with pytest.raises(InvalidItem) as wrong:
        made(**more)
    return {each.field: each.rule for each in wrong.value.errors}


def test_an_item_that_says_nothing_of_them_is_kept_as_ever():
    (kept,) = validated(content.numbered([made()]))
    assert kept.keys().isdisjoint(parts.FIELDS)
    assert content.listed([kept]) == [made() | {"itemId": kept["itemId"]}]


@pytest.mark.parametrize("name", ["lush", "LUSH", "l1", "ana.l1", "Ｌｕｓｈ"])
def test_a_device_is_named_by_nickname_or_id_and_kept_by_its_toy(name):
    assert made(devices=[{"device": name}])["devices"] == [{"device": "l1", "offsetMs": 0}]


def test_what_is_not_hers_is_refused_by_field_all_at_once():
    found = refused(devices=[{"device": "max"}], functions={"Pump": 50}, intensity=21)
    assert found == {
        "intensity": "must be a whole number from 1 to 20",
        "functions": "none of your devices has Pump",
        "devices": "none of your devices is 'max'",
    }


def test_a_device_that_is_gone_keeps_nobody_from_changing_a_title():
    item = made(devices=[{"device": "nora", "offsetMs": 500}])
    less = HERS._replace(names={})
    renamed = wishes.read(Fields({"title": "New", "devices": item["devices"]}, ""), item, toys=less).item
    assert (renamed["title"], renamed["devices"]) == ("New", [{"device": "n1", "offsetMs": 500}])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("functions", []),
        ("functions", {"Vibrate": 0}),
        ("functions", {"Vibrate": 101}),
        ("functions", {"Vibrate": True}),
        ("functions", {"a.b": 50}),
        ("functions", {"Stroke": 50}),
        ("functions", None),
        ("loops", 0),
        ("loops", 101),
        ("loops", 1.5),
        ("pauseSec", 61),
        ("rampInSec", -1),
        ("rampOutSec", "3"),
        ("devices", {}),
        ("devices", ["lush"]),
        ("devices", [{"device": ""}]),
        ("devices", [{"device": "lush", "offsetMs": 30_001}]),
        ("devices", [{"device": "lush", "more": 1}]),
        ("devices", [{"device": "lush"}, {"device": "lush"}]),
        ("devices", [{"device": "lush"}] * 17),
    ],
)
def test_what_breaks_a_rule_names_its_field(field, value):
    assert list(refused(**{field: value})) == [field]


def test_ramps_fit_into_all_loops_and_pauses():
    assert made(durationSec=4, loops=2, pauseSec=2, rampInSec=6, rampOutSec=4)["rampInSec"] == 6
    rule = refused(durationSec=4, loops=2, pauseSec=2, rampInSec=6, rampOutSec=5)["rampOutSec"]
    assert "fit into the 10 s" in rule


def test_the_largest_menu_with_all_of_them_is_under_two_mebibytes():
    fire = "\U0001f525"
    texts = {"title": fire * 80, "description": fire * 200, "section": fire * 40, "itemId": "i" * 36}
    functions = {f"Function{number:02}": 100 for number in range(parts.MOST_FUNCTIONS)}
    devices = [{"device": f"{number:032}", "offsetMs": 30_000} for number in range(parts.MOST_DEVICES)]
    ramps = {"loops": 100, "pauseSec": 60, "rampInSec": 9, "rampOutSec": 9}
    item = wishes.new(said(minimum=2**53 - 2, maximum=2**53 - 1)) | texts | ramps
    largest = content.numbered([item | {"functions": functions, "devices": devices}] * MAXIMUM_ITEMS)
    assert publishing.item_errors(largest[0], 1) == []
    assert len(bson.encode({"items": largest})) < 2 * 2**20


spoken = st.builds(
    lambda loops, pause, rise, scales, devices: made(
        loops=loops,
        pauseSec=pause,
        rampInSec=rise,
        functions=scales,
        devices=[{"device": name, "offsetMs": offset} for name, offset in devices.items()],
    ),
    st.integers(1, 100),
    st.integers(0, 60),
    st.integers(0, 8),
    st.dictionaries(st.sampled_from(["Vibrate", "Rotate"]), st.integers(1, 100)),
    st.dictionaries(st.sampled_from(["lush", "nora"]), st.integers(0, 30_000)),
)


@given(st.lists(spoken, max_size=4))
def test_a_version_and_a_file_keep_all_of_it(menu):
    assert content.listed(validated(content.numbered(menu))) == menu
    file = json.loads(json.dumps(transfer.written(menu)))
    assert transfer.read(Fields(file, "menu"), HERS) == menu


# --- what it makes of a tip --------------------------------------------------------------------------------


def told(item):
    performer = {"maximum_seconds": None, "maximum_intensity": 20, "bridge": "SIMULATOR"}
    performer["devices"] = [LUSH, NORA]
    rules = Rules({"maximum_seconds": 60}, {LANE: performer})
    return compiled(item, rules.caps_of_item(LANE, item))


def test_a_device_that_is_named_plays_alone():
    commands, _ = told(said(pattern="level", devices=[{"device": "nora", "offsetMs": 0}]))
    assert [each["toy"] for each in commands] == [["nora"]]
    commands, _ = told(said(pattern="level", devices=[{"device": "away", "offsetMs": 0}]))
    assert commands == []


def test_where_none_is_named_everybody_plays():
    commands, _ = told(said(pattern="level"))
    assert "toy" not in commands[0]


def test_people_read_what_is_not_usual():
    item = made(
        loops=3,
        pauseSec=2,
        rampInSec=1,
        functions={"Rotate": 40},
        devices=[{"device": "lush", "offsetMs": 500}, {"device": "nora"}],
    )
    words = "3 times, 2 s between, rises for 1 s, Rotate 40 %, on Lush 500 ms later and a device that is gone"
    assert parts.words(item, HERS.nicknames) == words
    assert parts.words(made(), HERS.nicknames) == ""
