"""The compiler: the vectors of `tests/golden/compile.json`, what a toy does that is told its calls, and what
it never does, whatever it is asked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lovense import fence
from lovense.devices import summary, toytable
from lovense.devices.toytable import TOPS
from lovense.menus.actuators import Capabilities, VibrationCaps
from lovense.menus.compiler import NOTES, Cannot, compile_vibration
from lovense.menus.vibration import SHAPES, InvalidVibration, Vibration, VibrationKind, Waveform
from lovense.patterns import reading
from lovense.simulator.toy import Toy
from lovense.timeline import Segment
from lovense.vendor_simulator.limits import violation
from tests.lovense.menus import compile_vectors
from tests.lovense.menus.compile_vectors import GOLDEN, STEP_MS, answer, cases, compiled, own_levels

VECTORS = json.loads(GOLDEN.read_text(encoding="utf-8"))
PLAYED = [case for case in VECTORS if "calls" in case]
SLICED = [case for case in VECTORS if "slices" in case]


def test_there_is_each_type_with_each_kind_and_each_says_something_else():
    assert len({case["says"] for case in VECTORS}) == len(VECTORS) >= 200
    told = {(case["device"]["type"], case["vibration"]["kind"]) for case in VECTORS}
    assert told >= {(name, kind) for name in toytable.TABLE for kind in ("LEVEL", "PRESET", "PATTERN")}


def test_every_note_and_every_reason_is_there_and_each_note_has_its_sentence():
    assert {note for case in PLAYED + SLICED for note in case["notes"]} == set(NOTES)
    assert {case["cannot"] for case in VECTORS if "cannot" in case} == {
        "no_time",
        "no_intensity",
        "function_off",
        "too_long_for_one_pattern",
    }


def test_it_is_compiled_as_the_vectors_say():
    different = [case["says"] for case in VECTORS if case | answer(case) != case]
    assert different == []


def test_the_golden_file_is_what_its_script_writes():
    assert json.loads(json.dumps([*cases()])) == VECTORS


# --- what a toy does ---------------------------------------------------------------------------------------


def seen(toy, found):
    """What a toy does every 100 ms that is told the calls at once, of the functions of the timeline."""
    for call in found.calls:
        assert toy.obey(call, 0)["code"] == 200
    steps = range(0, found.promised_seconds * 1000, STEP_MS)
    every = [toy.levels(at) for at in steps]
    return {name: [levels[name] for levels in every] for name in every[0]}


def expected(found, names):
    """Of functions that the timeline does not name: still. Vibrate is the strongest of single motors."""
    levels = own_levels(found)
    still = [0] * len(next(iter(levels.values())))
    return {name: levels.get(name, still) for name in names}


def compared(played):
    """Single motors follow Vibrate, and the other way round; a stroke is no level."""
    motors = [name for name in played if name.startswith("Vibrate")]
    dropped = {*motors, "Stroke"} if len(motors) > 1 else {"Stroke"}
    return [name for name in played if name not in dropped]


def plays_it(case):
    found = compiled(case)
    played = seen(Toy(case["device"]["type"], id="a"), found)
    names = compared(played)
    if not found.is_exact:  # the vendor's own: it drives all that the toy has
        names = [name for name in names if name in found.timeline.functions]
    return {name: played[name] for name in names} == expected(found, names)


def test_a_toy_that_is_told_the_calls_plays_the_timeline():
    assert [case["says"] for case in PLAYED if not plays_it(case)] == []


def test_a_toy_that_is_told_in_slices_plays_the_timeline_within_one_step():
    assert [case["says"] for case in SLICED if off(case)] == []


def off(case):
    """At which moments it plays a level that is nowhere within one step."""
    found, toy = compiled(case), Toy(case["device"]["type"], id="a")
    timeline, told = found.timeline, dict(case["slices"])
    step = 0 if "resampled" not in found.notes else max(101, (case["device"]["path"][0] + 1) * 20)
    wrong = []
    for at in range(0, timeline.length_ms, STEP_MS):
        if at in told:
            assert toy.obey(told[at], at)["code"] == 200
        played = toy.levels(at)
        near = [
            timeline.at(max(0, min(at + by, timeline.length_ms - 1))) for by in range(-step, step + 1, 10)
        ]
        for name in timeline.functions:
            lawful = {-(-moment[name] * TOPS[name] // 20) for moment in near}
            if not min(lawful) <= played[name] <= max(lawful):
                wrong.append((at, name))
    return wrong


def test_no_slice_outlives_its_lease_by_more_than_a_second():
    for case in SLICED:
        lease, _ = case["device"]["path"]
        assert all(2 <= call["timeSec"] <= lease + 1 for _, call in case["slices"]), case["says"]
        ends = [at + call["timeSec"] * 1000 for at, call in case["slices"]]
        assert max(ends) == ends[-1] == case["promisedSeconds"] * 1000, case["says"]
        starts = [at for at, _ in case["slices"]]
        assert all(after <= end for end, after in zip(ends, starts[1:], strict=False)), case["says"]


def test_the_last_hop_and_the_vendor_take_every_call_as_it_is():
    assert [case["says"] for case in PLAYED + SLICED if not passes(case)] == []


def passes(case):
    limits = {name: given["cap"] for name, given in case["device"]["functions"].items()}
    seconds, intensity = case["caps"]
    bounds = fence.Bounds({"a": limits}, maximum_intensity=intensity, longest_seconds=seconds)
    return all(
        violation(call, via="cloud") == violation(call, via="http") == ""
        and in_any_order(fence.checked(call, bounds, epoch=0)) == in_any_order({"toy": ["a"]} | call)
        for call in case.get("calls") or [call for _, call in case["slices"]]
    )


def in_any_order(call):
    """The words of an action: the last hop writes a stroke after its thrust."""
    return call | {"action": sorted(call.get("action", "").split(","))}


# --- whatever it is asked ----------------------------------------------------------------------------------

functions = st.lists(
    st.tuples(
        st.sampled_from(("Vibrate", "Rotate", "Pump", "Thrusting", "Depth", "Stroke")), st.integers(1, 100)
    ),
    unique_by=lambda pair: pair[0],
    max_size=3,
).map(tuple)


WRITTEN = [None, *(reading.drawn(text) for text in compile_vectors.WRITTEN.values())]


@st.composite
def vibrations(draw):
    kind = draw(st.sampled_from(VibrationKind))
    seconds = draw(st.one_of(st.integers(1, 12), st.integers(1, 3600)))
    ramps = draw(st.integers(0, seconds // 2)), draw(st.integers(0, seconds // 2))
    values = tuple(draw(st.lists(st.integers(0, 20), min_size=1, max_size=50)))
    return Vibration(
        kind,
        seconds,
        draw(st.integers(1, 20)),
        draw(st.sampled_from([*SHAPES])),
        Waveform(values, draw(st.integers(101, 1000))) if kind is VibrationKind.PATTERN else None,
        draw(st.sampled_from(WRITTEN)) if kind is VibrationKind.PATTERN else None,
        loops=draw(st.sampled_from((1, 1, 2, 100))),
        pause_seconds=draw(st.sampled_from((0, 1, 60))),
        ramp_in=draw(st.sampled_from((0, ramps[0]))),
        ramp_out=draw(st.sampled_from((0, ramps[1]))),
        functions=draw(functions),
    )


@st.composite
def capable(draw):
    names = draw(
        st.lists(st.sampled_from(("Vibrate", "Rotate", "Pump", "Thrusting", "Depth", "Stroke")), unique=True)
    )
    actuators = [summary.actuator(name, cap=draw(st.integers(0, TOPS[name]))) for name in names]
    main = draw(st.sampled_from(("Vibrate", "Thrusting")))
    path = draw(st.sampled_from(((0, 0), (4, 1), (9, 2))))
    return Capabilities(main, tuple(actuators), draw(st.integers(10, 100)), draw(st.booleans()), *path)


@given(vibrations(), capable(), st.integers(0, 40), st.integers(0, 20))
def test_no_cap_and_no_limit_of_the_vendors_is_exceeded(vibration, capabilities, seconds, intensity):
    found = compile_vibration(vibration, capabilities, VibrationCaps(seconds, intensity))
    if isinstance(found, Cannot):
        assert found.text
        return
    assert 2 <= found.promised_seconds <= seconds
    assert found.timeline.length_ms == found.promised_seconds * 1000
    limits = {actuator.name: actuator.cap for actuator in capabilities.actuators}
    bounds = fence.Bounds({"a": limits}, maximum_intensity=intensity, longest_seconds=seconds)
    for told in found.calls:
        call = {name: value for name, value in told.items() if name not in ("drawing", "steps")}
        assert violation(call, via="cloud") == ""
        assert fence.checked(call, bounds, epoch=0)["timeSec"] == found.promised_seconds
    for name, levels in own_levels(found).items():
        assert max(levels) <= min(limits[name], intensity * TOPS[name] / 20)


@pytest.mark.parametrize(
    "wrong",
    [
        {"loops": 0},
        {"loops": 101},
        {"pause_seconds": 61},
        {"pause_seconds": -1},
        {"ramp_in": -1},
        {"ramp_in": 3, "ramp_out": 3},
        {"functions": (("Vibrate", 0),)},
        {"functions": (("Vibrate", 101),)},
        {"functions": (("Vibrate", 5), ("Vibrate", 6))},
    ],
)
def test_parts_outside_their_limits_are_refused(wrong):
    with pytest.raises(InvalidVibration):
        Vibration(VibrationKind.LEVEL, 5, 10, **wrong)


def test_an_hour_of_one_level_is_one_segment_and_one_call():
    hour = Vibration(VibrationKind.LEVEL, 3600, 7)
    found = compile_vibration(hour, Capabilities(), VibrationCaps(3600, 20))
    assert found.timeline.functions == {"Vibrate": (Segment(0, 3_600_000, 7),)}
    assert [call["timeSec"] for call in found.calls] == [3600]
