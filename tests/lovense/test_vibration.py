"""The compiler: every command stays within the vendor's limits, and the promise is what the command says."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lovense.menus.actuators import VIBRATES, VIBRATING, Capabilities, VibrationCaps
from lovense.menus.compiler import Compiled, compile_item, compile_vibration
from lovense.menus.vibration import (
    LEVEL_PATTERN,
    LONGEST_ITEM_SECONDS,
    SHAPES,
    InvalidVibration,
    NothingAllowed,
    Vibration,
    VibrationKind,
    Waveform,
    waveform_of,
)
from lovense.timeline import ramp

RULE = re.compile(r"^V:1;F:v;S:(\d{3,4})#$")
STRENGTH = re.compile(r"^(?:\d|1\d|20)(?:;(?:\d|1\d|20)){0,49}$")


def item(pattern="level", intensity=10, seconds=5):
    return {"pattern": pattern, "intensity": intensity, "durationSec": seconds}


def compiled(given_item, maximum_seconds=30, maximum_intensity=20):
    return compile_item(given_item, maximum_seconds=maximum_seconds, maximum_intensity=maximum_intensity)


def told(vibration, *, capabilities=VIBRATING, maximum_intensity=20):
    found = compile_vibration(vibration, capabilities, VibrationCaps(30, maximum_intensity))
    assert isinstance(found, Compiled)
    return found


def test_a_level_is_a_function_that_vibrates():
    commands, promised = compiled(item(intensity=12, seconds=5))
    assert commands == [{"command": "Function", "action": "Vibrate:12", "timeSec": 5, "apiVer": 1}]
    assert promised == 5


def test_one_second_runs_two_because_the_vendor_needs_more_than_one():
    commands, promised = compiled(item(seconds=1))
    assert commands[0]["timeSec"] == promised == 2


def test_a_preset_with_an_intensity_is_a_scaled_pattern():
    commands, promised = compiled(item("pulse", intensity=10, seconds=8))
    assert commands == [
        {
            "command": "Pattern",
            "rule": "V:1;F:v;S:250#",
            "strength": "10;10;0;0;10;10;0;0",
            "timeSec": 8,
            "apiVer": 2,
        }
    ]
    assert promised == 8


def test_a_preset_without_a_strength_is_the_vendors_own():
    vibration = Vibration(VibrationKind.PRESET, 6, preset="wave")
    found = told(vibration)
    assert found.calls == ({"command": "Preset", "name": "wave", "timeSec": 6, "apiVer": 1},)
    assert found.promised_seconds == 6
    assert (found.notes, found.is_exact) == (("shape_is_the_vendors",), False)


def test_an_intensity_cap_turns_the_vendors_preset_into_a_scaled_pattern():
    vibration = Vibration(VibrationKind.PRESET, 6, preset="wave")
    assert max(strengths(told(vibration, maximum_intensity=5).calls[0])) == 5


def test_a_custom_pattern_keeps_its_interval_and_is_scaled():
    vibration = Vibration(VibrationKind.PATTERN, 4, strength=10, shape=Waveform((0, 20, 10), 300))
    commands = told(vibration).calls
    assert commands[0]["rule"] == "V:1;F:v;S:300#"
    assert commands[0]["strength"] == "0;10;5"


def test_the_caps_bind():
    commands, promised = compiled(item(intensity=20, seconds=3600), maximum_seconds=30, maximum_intensity=7)
    assert commands[0]["action"] == "Vibrate:7"
    assert commands[0]["timeSec"] == promised == 30


@pytest.mark.parametrize(("seconds", "intensity"), [(1, 20), (0, 20), (30, 0)])
def test_caps_that_leave_nothing_are_refused_instead_of_exceeded(seconds, intensity):
    with pytest.raises(NothingAllowed):
        compiled(item(), maximum_seconds=seconds, maximum_intensity=intensity)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": VibrationKind.LEVEL, "seconds": 0, "strength": 5},
        {"kind": VibrationKind.LEVEL, "seconds": LONGEST_ITEM_SECONDS + 1, "strength": 5},
        {"kind": VibrationKind.LEVEL, "seconds": 5, "strength": 0},
        {"kind": VibrationKind.LEVEL, "seconds": 5, "strength": 21},
        {"kind": VibrationKind.LEVEL, "seconds": 5},
        {"kind": VibrationKind.PRESET, "seconds": 5, "preset": "tsunami"},
        {"kind": VibrationKind.PATTERN, "seconds": 5, "strength": 5},
    ],
)
def test_a_vibration_outside_the_limits_is_refused(wrong):
    with pytest.raises(InvalidVibration):
        Vibration(**wrong)


@pytest.mark.parametrize(
    ("values", "interval"),
    [((), 200), ((1,) * 51, 200), ((21,), 200), ((-1,), 200), ((1,), 100), ((1,), 1001)],
)
def test_a_shape_outside_the_limits_is_refused(values, interval):
    with pytest.raises(InvalidVibration):
        Waveform(values, interval)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_of_ours_reaches_full_strength(name):
    assert max(SHAPES[name].values) == 20


def strengths(command):
    return [int(value) for value in command["strength"].split(";")]


items = st.builds(
    item,
    pattern=st.sampled_from([LEVEL_PATTERN, *SHAPES]),
    intensity=st.integers(1, 20),
    seconds=st.integers(1, LONGEST_ITEM_SECONDS),
)


@given(items, st.integers(2, 3600), st.integers(1, 20))
def test_whatever_the_item_the_vendor_accepts_the_command(given_item, maximum_seconds, maximum_intensity):
    commands, promised = compiled(given_item, maximum_seconds, maximum_intensity)
    assert len(commands) == 1
    command = commands[0]
    assert command["timeSec"] == promised
    assert 2 <= promised <= max(2, min(given_item["durationSec"], maximum_seconds))
    cap = min(given_item["intensity"], maximum_intensity)
    if command["command"] == "Function":
        assert command["action"] == f"Vibrate:{cap}"
        assert command["apiVer"] == 1
    else:
        assert 100 < int(RULE.match(command["rule"])[1]) <= 1000
        assert STRENGTH.match(command["strength"])
        assert max(strengths(command)) == cap
        assert command["apiVer"] == 2


@given(st.lists(st.integers(0, 20), min_size=1, max_size=50), st.integers(1, 20))
def test_scaling_keeps_silence_silent_and_movement_moving(values, intensity):
    shape = Waveform(tuple(values), 200)
    (call,) = told(Vibration(VibrationKind.PATTERN, 30, intensity, shape=shape)).calls
    scaled = strengths(call)
    assert all((before == 0) == (after == 0) for before, after in zip(values, scaled, strict=True))
    assert all(after <= intensity for after in scaled)


def peaks(command):
    """Every level that it names, but for silence."""
    levels = command["action"].partition(":")[2:] if "action" in command else strengths(command)
    return [level for level in map(int, levels) if level]


@given(items, st.integers(1, 20), st.integers(10, 100), st.integers(0, 20))
def test_scale_and_floor_move_a_level_within_the_cap(given_item, cap, scale, floor):
    limits = {"maximum_seconds": 30, "maximum_intensity": cap}
    (plain,), promised = compile_item(given_item, **limits)
    fitting = Capabilities(actuators=(VIBRATES._replace(floor=floor),), scale=scale)
    (fitted,), same = compile_item(given_item, **limits, capabilities=fitting)
    assert promised == same
    assert all(min(floor, cap) <= level <= cap for level in peaks(fitted))
    assert len(peaks(fitted)) == len(peaks(plain))  # what moved moves, what was still is still
    asked = min(cap, -(-given_item["intensity"] * scale // 100))
    assert max(peaks(fitted)) == max(asked, min(floor, cap))


def test_a_share_of_the_vendors_preset_is_a_scaled_pattern():
    preset = Vibration(VibrationKind.PRESET, 5, preset="wave")
    (half,) = told(preset, capabilities=Capabilities(scale=50)).calls
    assert max(strengths(half)) == 10
    felt = Capabilities(actuators=(VIBRATES._replace(floor=6),))
    (lifted,) = told(preset, capabilities=felt).calls
    assert min(strengths(lifted)) == 6


@given(items, st.integers(2, 60), st.integers(2, 60), st.integers(1, 20))
def test_a_longer_cap_never_shortens_the_run(given_item, one, other, intensity):
    shorter, longer = sorted((one, other))
    assert compiled(given_item, shorter, intensity)[1] <= compiled(given_item, longer, intensity)[1]


# --- what one pattern can say ------------------------------------------------------------------------------

shapes = st.builds(
    Waveform,
    st.lists(st.sampled_from((0, 0, 1, 7, 20)), min_size=1, max_size=50).map(tuple),
    st.sampled_from((101, 120, 150, 250, 1000)),
)


@given(shapes, st.integers(0, 60), st.integers(2, 40))
def test_a_part_of_a_shape_is_told_exactly_or_as_finely_as_fifty_values_can(shape, start, seconds):
    part = shape.once().looped(start * 500, start * 500 + seconds * 1000)
    found, is_exact = waveform_of(part, interval_ms=shape.interval_ms)
    played = found.once().filled(part.length_ms)
    if is_exact:
        assert played == part
    else:
        assert found.interval_ms == max(101, seconds * 20)
        assert played.samples(found.interval_ms) == part.samples(found.interval_ms)
    if start * 500 % shape.interval_ms == 0:
        assert is_exact


def test_a_part_off_the_grid_of_its_shape_is_told_on_a_grid_of_its_own():
    part = Waveform((5, 9), 1000).once().looped(500, 6500)  # half a value, then whole ones
    found, is_exact = waveform_of(part, interval_ms=1000)
    assert (found.text, found.interval_ms, is_exact) == ("5;9;9;5", 500, True)


def test_what_is_too_long_for_one_pattern_is_refused():
    with pytest.raises(InvalidVibration, match="interval"):
        waveform_of(ramp(0, 20, 51_000, ["v"]), interval_ms=1000)
