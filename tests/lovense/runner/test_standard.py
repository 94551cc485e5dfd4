"""The vendor's words for a piece of a run: legal in each, and going on where the last one was."""

import pytest

from lovense import bridges
from lovense.bridges import DeviceLeg, slices
from lovense.menus import vibration
from lovense.menus.actuators import VIBRATING, VibrationCaps
from lovense.menus.compiler import compile_item, compile_vibration
from lovense.simulator.toy import Toy
from lovense.vendor_simulator.limits import violation

SERVER = bridges.find("STANDARD_SERVER")
PRESET = {"command": "Preset", "name": "wave", "timeSec": 30, "apiVer": 1}


def pieces(command, seconds=30):
    leg = DeviceLeg("toy-1", (command,))
    return [call for each in slices.windows(seconds, 9) for call in SERVER.encode(leg, each)]


@pytest.mark.parametrize("pattern", vibration.PATTERNS)
@pytest.mark.parametrize("seconds", [2, 5, 9, 10, 30, 61])
def test_every_piece_keeps_the_vendors_limits_and_its_lease(pattern, seconds):
    item = {"pattern": pattern, "intensity": 12, "durationSec": seconds}
    commands, promised = compile_item(item, maximum_seconds=3600, maximum_intensity=20)
    for piece in pieces(commands[0], promised):
        assert violation(piece, via="cloud") == ""
        assert 2 <= piece["timeSec"] <= 10
        assert piece["toy"] == "toy-1"


def test_a_level_is_the_same_in_every_piece():
    level = {"command": "Function", "action": "Vibrate:7", "timeSec": 30, "apiVer": 1}
    assert [(call["action"], call["timeSec"]) for call in pieces(level)] == [
        ("Vibrate:7", 8),
        ("Vibrate:7", 9),
        ("Vibrate:7", 8),
        ("Vibrate:7", 8),
    ]


def test_a_pattern_goes_on_where_it_was():
    shape = {
        "command": "Pattern",
        "rule": "V:1;F:v;S:500#",
        "strength": "1;2;3",
        "timeSec": 10,
        "apiVer": 2,
    }
    assert [call["strength"] for call in pieces(shape, 10)] == ["1;2;3", "3;1;2"]  # 4 s: 8 values


def test_a_preset_begins_as_itself_and_goes_on_as_our_drawing_of_it():
    first, second, *_ = pieces(PRESET)
    assert (first["command"], first["name"]) == ("Preset", "wave")
    assert (second["command"], second["rule"]) == ("Pattern", "V:1;F:v;S:200#")
    assert second["strength"] == "5;2;5;8;11;14;17;20;17;14;11;8"  # 7 s: 35 values, of 12


def played(calls, *, until):
    """Levels of a toy each 20 ms, that is told each of these in its second."""
    toy, found = Toy("lush", id="toy-1"), []
    for at in range(0, until * 1000, 20):
        for second, call in calls:
            if second * 1000 == at:
                assert toy.obey(call, at)["code"] == 200
        found.append(toy.levels(at)["Vibrate"])
    return found


@pytest.mark.parametrize("lease", [4, 9])
@pytest.mark.parametrize("begins", [0, 2])
@pytest.mark.parametrize("pattern", vibration.PATTERNS)
def test_slices_play_the_timeline_from_the_second_in_which_they_begin(pattern, begins, lease):
    """At every moment the level of the timeline within one step of it."""
    item = {"pattern": pattern, "intensity": 12, "durationSec": 17}
    on_its_path = VIBRATING._replace(lease_seconds=lease)
    whole = compile_vibration(vibration.of_item(item), on_its_path, VibrationCaps(30, 20))
    leg = DeviceLeg("toy-1", whole.calls, begins)
    windows = slices.shifted(slices.windows(17, lease), begins)
    calls = [(each.told_at - begins, SERVER.encode(leg, each)[0]) for each in windows]
    found = played(calls, until=17 - begins)
    is_off_the_grid = pattern in ("fireworks", "earthquake") or "resampled" in whole.notes
    step = 10 if is_off_the_grid else 1  # of 20 ms
    expected = [whole.timeline.at(at)["Vibrate"] for at in range(0, (17 - begins) * 1000, 20)]
    for at, level in enumerate(found):
        near = expected[max(0, at - step) : at + step + 1]
        assert level in near, f"{level} at {at * 20} ms, not of {near}"


def test_what_lies_on_no_grid_is_resampled_to_the_smallest_interval_that_fits():
    quake = {"command": "Preset", "name": "earthquake", "timeSec": 30, "apiVer": 1}
    second = pieces(quake)[1]  # told at 7 s, for 9 s: 40 ms after a value began
    assert second["rule"] == "V:1;F:v;S:180#"
    assert len(second["strength"].split(";")) == 50


def test_stop_is_the_vendors_word_and_never_a_level():
    assert SERVER.stop([]) == [{"command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1}]
    assert [call["toy"] for call in SERVER.stop(["a", "b"])] == ["a", "b"]
    assert all(violation(call, via="cloud") == "" for call in SERVER.stop(["a"]))


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="SIMULATOR already"):
        bridges.register(bridges.find("SIMULATOR"))


def test_what_the_site_does_not_allow_is_nobodys_bridge(settings):
    settings.LOVENSE_BRIDGES = ["STANDARD_SERVER"]
    assert bridges.find("SIMULATOR") is None
    assert bridges.find("TELEPATHY") is None
    assert bridges.running_in(bridges.RunsIn.PAGE) == frozenset()
