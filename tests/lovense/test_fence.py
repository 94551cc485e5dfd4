"""The last hop lets nothing pass that breaks a limit, in Python: by hand, by every vector of
`tests/golden/fence.json`, and at random. In the page's language: `tests/browser/test_fence.py`.

`FENCE_CASES=1000000 pytest tests/lovense/test_fence.py -k random` draws a million."""

import json
import os

import pytest

from lovense import fence
from lovense.devices import toytable
from lovense.fence import Bounds, Fenced, checked
from lovense.menus import vibration
from lovense.menus.compiler import compile_item
from lovense.simulator import commands, toys
from lovense.vendor_simulator.limits import violation
from tests.lovense.fence_vectors import GOLDEN, function, outcome, pattern, preset, vectors
from tests.lovense.fencing import fuzzed, wrong

VECTORS = json.loads(GOLDEN.read_text(encoding="utf-8"))
CASES = int(os.environ.get("FENCE_CASES", "20000"))
LUSH = Bounds({"a": {"Vibrate": 20}})
CAPPED = Bounds({"a": {"Vibrate": 8}, "b": {"Vibrate": 12, "Rotate": 20, "Pump": 2}}, maximum_intensity=15)
MACHINE = Bounds({"m": {"Thrusting": 15, "Stroke": 70, "Depth": 2}})
EDGE = Bounds({"e": {"Vibrate": 20, "Vibrate1": 9, "Vibrate2": 14}})
NOTHING_KNOWN = Bounds(None, maximum_intensity=9)
STILL = Bounds({"a": {"Vibrate": 20}}, epoch=4, is_stopped=True)
SHORT = Bounds({"a": {"Vibrate": 20}, "b": {"Vibrate": 20}}, longest_seconds=6, seconds={"b": 4})


def sent(command, bounds, epoch=9):
    """What leaves of it, its main field and its seconds; or the code."""
    try:
        found = checked(command, bounds, epoch=epoch)
    except Fenced as refused:
        return refused.code
    return found.get("action") or found.get("strength") or found.get("name"), found["timeSec"]


BY_HAND = [
    # levels
    (function("Vibrate:5"), LUSH, ("Vibrate:5", 5)),
    (function("Vibrate:99"), LUSH, ("Vibrate:20", 5)),
    (function("Vibrate:20", toy="a"), CAPPED, ("Vibrate:8", 5)),
    (function("Vibrate:20", toy="b"), CAPPED, ("Vibrate:12", 5)),
    (function("Vibrate:20", toy=["a", "b"]), CAPPED, ("Vibrate:8", 5)),
    (function("Rotate:20"), CAPPED, ("Rotate:15", 5)),
    (function("Pump:3"), CAPPED, ("Pump:2", 5)),
    (function("Pump:3"), Bounds({"p": {"Pump": 3}}, maximum_intensity=13), ("Pump:1", 5)),
    (function("Pump:3"), Bounds({"p": {"Pump": 3}}, maximum_intensity=6), ("Pump:0", 5)),
    (function("Vibrate:0"), CAPPED, ("Vibrate:0", 5)),
    (function("Vibrate:20, Rotate:3", toy="b"), CAPPED, ("Vibrate:12,Rotate:3", 5)),
    # functions
    (function("Rotate:5", toy="a"), CAPPED, "unsupported"),
    (function("Rotate:5", toy=["a", "b"]), CAPPED, "unsupported"),
    (function("Vibrate:5", toy="z"), CAPPED, "unsupported"),
    (function("Vibrate:5"), Bounds({}), "not_connected"),
    (function("Vibrate:5"), Bounds({"a": {}}), "unsupported"),
    (function("All:5"), LUSH, "bad_command"),
    (function("Position:5"), LUSH, "bad_command"),
    (function("Bumping:5"), LUSH, "bad_command"),
    # motors
    (function("Vibrate:20"), EDGE, ("Vibrate:9", 5)),
    (function("Vibrate2:20"), EDGE, ("Vibrate2:14", 5)),
    # what thrusts
    (function("Thrusting:20,Stroke:0-100"), MACHINE, ("Thrusting:15,Stroke:0-70", 5)),
    (function("Thrusting:0"), MACHINE, "unsupported"),
    (function("Thrusting:5,Stroke:60-100"), MACHINE, "unsupported"),
    (function("Thrusting:5,Stroke:10-20"), MACHINE, "bad_command"),
    (pattern("d", "20;3"), MACHINE, "unsupported"),
    # patterns
    (pattern("v", "0;5;20"), CAPPED, ("0;5;8", 5)),
    (pattern("p", "20;14;13;5"), CAPPED, ("13;13;13;5", 5)),
    (pattern(""), LUSH, "bad_command"),
    (pattern("v,r"), CAPPED, ("0;5;10;12", 5)),
    (pattern("v", interval=100), LUSH, "bad_command"),
    (pattern("v", ";".join("1" * 51)), LUSH, "bad_command"),
    # presets
    (preset(), LUSH, ("pulse", 5)),
    (preset(), CAPPED, "unsupported"),
    (preset("storm"), LUSH, "bad_command"),
    # time
    (function(seconds=600), SHORT, ("Vibrate:20", 4)),
    (function(seconds=600, toy="a"), SHORT, ("Vibrate:20", 6)),
    (function(seconds=0), LUSH, "bad_command"),
    (function(seconds=1), LUSH, "bad_command"),
    (function(seconds=2.5), LUSH, "bad_command"),
    (function(seconds=True), LUSH, "bad_command"),
    (function(seconds="5"), LUSH, "bad_command"),
    # stop
    (function("Stop", 0), STILL, ("Stop", 0)),
    (function("Stop", 60), STILL, ("Stop", 0)),
    (function("Vibrate:5"), STILL, "stopped"),
    # nothing is known
    (function("Vibrate:20"), NOTHING_KNOWN, ("Vibrate:9", 5)),
    (pattern("v", "4;20"), NOTHING_KNOWN, ("4;9", 5)),
    (function("Rotate:5"), NOTHING_KNOWN, "unsupported"),
    (preset(), NOTHING_KNOWN, "unsupported"),
    # others
    ({"command": "PatternV2", "timeSec": 5}, LUSH, "bad_command"),
    ({"command": "GetToys"}, LUSH, "bad_command"),
    (None, LUSH, "bad_command"),
]


@pytest.mark.parametrize(("command", "bounds", "expected"), BY_HAND)
def test_what_leaves_of_a_command(command, bounds, expected):
    assert sent(command, bounds) == expected


def test_what_passes_is_written_anew_and_names_its_toys():
    told = function(
        "Vibrate:3, Vibrate:20", loopRunningSec=2, loopPauseSec=None, stopPrevious=0, uid="x", apiVer=9
    )
    assert checked(told, CAPPED, epoch=0) == {
        "command": "Function",
        "action": "Vibrate:8",
        "timeSec": 5,
        "loopRunningSec": 2,
        "stopPrevious": 0,
        "toy": ["a", "b"],
        "apiVer": 1,
    }


def test_without_a_name_it_is_for_those_that_may_do_all_of_it():
    assert checked(function("Vibrate:20,Rotate:20"), CAPPED, epoch=0)["toy"] == ["b"]


@pytest.mark.parametrize(("epoch", "passes"), [(3, False), (4, True), (5, True)])
def test_what_was_decided_before_a_stop_does_not_leave(epoch, passes):
    bounds = Bounds({"a": {"Vibrate": 20}}, epoch=4)
    assert sent(function(), bounds, epoch) == (("Vibrate:20", 5) if passes else "stopped")
    assert sent(function("Stop", 0), bounds, epoch) == ("Stop", 0)


@pytest.mark.parametrize("toy", [[], 5, "", ["a"] * 17, None, [None]])
def test_a_stop_that_says_not_clearly_for_whom_is_for_every_toy(toy):
    assert checked(function("Stop", 0, toy=toy), STILL, epoch=0) == vibration.STOP


def test_her_choices_are_read_as_her_row_has_them():
    def device(toy_id, is_enabled, seconds):
        return {"toyId": toy_id, "nickname": toy_id, "isConnected": True, "isEnabled": is_enabled,
                "functions": {"Vibrate": 5}, "maximumSeconds": seconds}  # fmt: skip

    devices = [device("a", True, None), device("b", False, 9)]
    assert fence.functions_of(devices) == {"a": {"Vibrate": 5}, "b": {}}
    assert fence.seconds_of(devices) == {"b": 9}


def test_it_says_how_strong_each_function_may_be():
    assert fence.caps("b", CAPPED) == {"Vibrate": 12, "Rotate": 15, "Pump": 2}
    assert fence.caps("e", EDGE) == {"Vibrate": 9, "Vibrate1": 9, "Vibrate2": 14}
    assert fence.caps("z", CAPPED) == fence.caps("z", NOTHING_KNOWN) == {}


def test_its_numbers_are_those_of_the_rest():
    assert fence.MAX_TOYS == toys.MAX_TOYS
    assert fence.SHORTEST_STROKE == commands.SHORTEST_STROKE
    assert fence.LONGEST_SECONDS == commands.LONGEST_SECONDS
    assert fence.SINGLE_MOTORS == commands.SINGLE_MOTORS
    assert set(fence.PATTERN_LETTERS) == set("vrptfsdo")
    assert set(toytable.TOPS) == fence.WORDS | {"Position", "Stroke"}


def test_what_a_menu_is_compiled_to_passes_as_it_is():
    for name in vibration.PATTERNS:
        item = {"pattern": name, "durationSec": 8, "intensity": 14}
        (made,), _ = compile_item(item, maximum_seconds=30, maximum_intensity=11)
        assert checked(made, LUSH, epoch=0) == made | {"toy": ["a"]}


# --- the vectors -------------------------------------------------------------------------------------------


def test_there_are_enough_vectors_and_the_file_is_what_is_made():
    assert len({vector["says"] for vector in VECTORS}) == len(VECTORS) >= 300
    assert vectors() == VECTORS


def test_every_vector():
    assert [vector for vector in VECTORS if outcome(vector) != vector["result"]] == []


# --- every type --------------------------------------------------------------------------------------------

HARDWARE = {"Thrusting", "Depth", "Stroke", "Position"}  # off until she has tried each herself
EVERY = [
    *(function(f"{name}:{top}") for name, top in toytable.TOPS.items()),
    *(pattern(letter) for letter in toytable.LETTERS),
    *(preset(name) for name in vibration.SHAPES),
    function("All:5"),
    function("Thrusting:5,Stroke:0-60"),
    {"command": "PatternV2", "type": "Play", "timeSec": 5, "apiVer": 1},
]


def outcome_of(command, bounds):
    try:
        return checked(command, bounds, epoch=0)
    except Fenced as refused:
        return refused.code


@pytest.mark.parametrize("kind", toytable.TABLE)
def test_every_type_takes_every_command_lawfully_or_says_that_it_cannot(kind):
    has = {name: 0 if name in HARDWARE else toytable.TOPS[name] for name in toytable.of(kind).functions}
    answers = [outcome_of(command | {"toy": "a"}, Bounds({"a": has})) for command in EVERY]
    passed = [each for each in answers if isinstance(each, dict)]
    assert set(map(str, answers)) - set(map(str, passed)) <= {fence.UNSUPPORTED, fence.BAD_COMMAND}
    assert [each for each in passed if violation(each, via="https")] == []
    words = {
        part.split(":")[0]
        for each in passed
        if each["command"] == "Function"
        for part in each["action"].split(",")
    }
    assert words == {name for name, top in has.items() if top and name != "Position"}
    letters = {each["rule"].split("F:")[1][0] for each in passed if each["command"] == "Pattern"}
    assert not letters & {"t", "d"}


# --- at random ---------------------------------------------------------------------------------------------


def test_no_command_drawn_at_random_breaks_a_limit():
    passed, found = fuzzed(CASES)
    assert found == []
    assert passed > CASES / 5  # not only refusals


CASE = {
    "bounds": {"devices": {"a": {"Vibrate": 9, "Rotate": 0}}, "epoch": 3, "isStopped": False, "seconds": {},
               "maximumIntensity": 20, "longestSeconds": 6},
    "epoch": 3,
    "types": {"a": "nora"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("result", "epoch"),
    [
        (function("Vibrate:10", toy="a"), 3),
        (function("Rotate:1", toy="a"), 3),
        (function("Vibrate:9", 7, toy="a"), 3),
        (function("Vibrate:9", 0, toy="a"), 3),
        (function("Vibrate:9", toy="a"), 2),
        (function("All:1", toy="a"), 3),
        (function("Stop", 5), 3),
        (pattern("v", "10", toy="a"), 3),
        (pattern("v", "9", interval=100, toy="a"), 3),
        (preset(toy="a"), 3),
    ],
)
def test_the_judge_sees_what_must_not_pass(result, epoch):
    assert wrong(CASE | {"epoch": epoch}, result)
    assert not wrong(CASE, function("Vibrate:9", 6, toy="a"))


UNTRIED = {
    "toyId": "a",
    "nickname": "a",
    "isConnected": True,
    "isEnabled": True,
    "functions": {"Vibrate": 20},
    "untried": {"Thrusting": 20, "Depth": 3, "Stroke": 100},
    "maximumSeconds": None,
}


def test_what_was_never_tried_is_for_a_test_alone_and_gentle():
    gentle = {"Vibrate": 20, "Thrusting": 3, "Depth": 1, "Stroke": 20}
    assert fence.functions_of([UNTRIED]) == {"a": {"Vibrate": 20}}
    assert fence.functions_of([UNTRIED], is_test=True) == {"a": gentle}


def test_a_cap_binds_a_first_try_too():
    device = UNTRIED | {"untried": {"Thrusting": 2}}
    assert fence.functions_of([device], is_test=True)["a"]["Thrusting"] == 2


@pytest.mark.parametrize("asked", [1, 3, 20])
def test_a_first_thrust_is_no_stronger_than_its_level(asked):
    bounds = fence.Bounds(fence.functions_of([UNTRIED], is_test=True))
    told = checked(function(f"Thrusting:{asked}", 2, toy="a"), bounds, epoch=0)
    assert told["action"] == f"Thrusting:{min(asked, 3)}"
