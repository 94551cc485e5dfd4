"""Functions that an item names: who is told what of them, within the caps of each device. Pure."""

import pytest

from lovense.deciding.promises import compiled
from lovense.deciding.rules import Rules
from lovense.devices import summary
from lovense.menus import vibration
from lovense.menus.vibration import NothingAllowed

LANE = "ana"


def device(toy_id, functions, **more):
    made = {"toyId": toy_id, "nickname": toy_id, "isConnected": True, "isEnabled": True}
    return made | {"functions": functions, "maximumSeconds": None} | more


NORA = device("nora", {"Vibrate": 20, "Rotate": 8})
MAX = device("max", {"Vibrate": 20, "Pump": 3})
LUSH = device("lush", {"Vibrate": 20})


def told(functions, *devices, pattern="level", intensity=20, bridge="SIMULATOR", **more):
    """By toy the calls, and the seconds that they promise."""
    performer = {
        "maximum_seconds": None,
        "maximum_intensity": intensity,
        "devices": devices,
        "bridge": bridge,
    }
    rules = Rules({"maximum_seconds": 30}, {LANE: performer})
    item = {"pattern": pattern, "intensity": 10, "durationSec": 5, "functions": functions} | more
    commands, seconds = compiled(item, rules.caps_of(LANE, vibration.functions_of(item)))
    found = {}
    for each in commands:
        (toy_id,) = each["toy"]
        found.setdefault(toy_id, []).append(each.get("action") or each["rule"])
    return found, seconds


def test_each_function_has_its_own_share_and_its_own_cap():
    assert told({"Vibrate": 100, "Rotate": 100}, NORA) == ({"nora": ["Vibrate:10,Rotate:8"]}, 5)
    assert told({"Vibrate": 50, "Rotate": 10}, NORA)[0] == {"nora": ["Vibrate:5,Rotate:1"]}


def test_a_device_plays_what_it_has_of_them():
    assert told({"Vibrate": 100, "Pump": 100}, LUSH, MAX, NORA)[0] == {
        "lush": ["Vibrate:10"],
        "max": ["Vibrate:10,Pump:2"],
        "nora": ["Vibrate:10"],
    }


def test_a_device_that_has_none_of_them_is_not_told():
    assert told({"Rotate": 100}, LUSH, NORA)[0] == {"nora": ["Rotate:8"]}
    assert [each["toyId"] for each in summary.playing([LUSH, NORA], {"Rotate": 100})] == ["nora"]


def test_one_that_may_do_nothing_of_it_does_not_keep_the_others_still():
    found = told({"Pump": 100, "Rotate": 100}, MAX, NORA, intensity=6)  # under 7 of 20 a pump has no level
    assert found == ({"nora": ["Rotate:6"]}, 5)
    with pytest.raises(NothingAllowed, match="Pump is off, or not there"):
        told({"Pump": 100}, MAX, intensity=6)


def test_equal_curves_are_one_pattern_and_another_is_a_level_beside_it_where_apps_take_that():
    assert told({"Vibrate": 40, "Rotate": 40}, NORA, pattern="wave")[0] == {"nora": ["V:1;F:v,r;S:200#"]}
    apart = {"Vibrate": 100, "Rotate": 40}
    assert told(apart, NORA, pattern="wave")[0] == {"nora": ["V:1;F:v;S:200#", "Rotate:3"]}
    of_an_app = NORA | {"hostId": "b" * 24}
    assert told(apart, of_an_app, pattern="wave")[0] == {"nora": ["V:1;F:v;S:200#"]}


def test_a_device_has_its_own_scale_and_floor():
    weak = NORA | {"scale": 50, "floors": {"Rotate": 7}}
    assert told({"Vibrate": 100, "Rotate": 100}, weak)[0] == {"nora": ["Vibrate:5,Rotate:7"]}


def test_loops_and_ramps_of_an_item_count():
    looped = {"loops": 3, "pauseSec": 2, "durationSec": 4}
    assert told({"Vibrate": 100}, LUSH, **looped) == ({"lush": ["V:1;F:v;S:1000#"]}, 16)
    assert told({"Vibrate": 100}, LUSH, rampInSec=2)[0] == {"lush": ["V:1;F:v;S:200#"]}


def test_a_pattern_that_names_functions_is_told_in_steps_where_a_run_is_told_in_slices():
    written = {"pattern": "my/Sway", "patternText": "{vibrate 20} 2s, {rotate 20} 2s"}
    of_an_app = NORA | {"hostId": "b" * 24}
    found, _ = told({}, of_an_app, bridge="STANDARD_LAN", **written)
    assert found == {"nora": ["Vibrate:10,Rotate:0"]}
    found, _ = told({}, NORA, **written)
    assert found == {"nora": ["V:1;F:v;S:1000#", "Rotate:8"]}


def test_an_item_chooses_among_the_functions_of_its_pattern():
    written = {"pattern": "my/Sway", "patternText": "{vibrate 20} 2s, {rotate 20} 2s"}
    only = {"Rotate": 50}
    assert vibration.functions_of(written | {"functions": only}) == ["Rotate"]
    assert told(only, NORA, **written)[0] == {"nora": ["V:1;F:r;S:1000#"]}
