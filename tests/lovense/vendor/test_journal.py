"""The journal: one line for each command told and one for each change of a level, and the vendor's limits."""

import json

import pytest

from lovense.simulator.toy import Toy
from lovense.simulator.toys import Toys
from lovense.vendor_simulator.agenda import Agenda
from lovense.vendor_simulator.journal import Journal
from lovense.vendor_simulator.limits import violation
from lovense.vendor_simulator.phones.levels import LevelWatch
from tests.vendor import vendor as started

LEVEL = {"command": "Function", "action": "Vibrate:5", "timeSec": 2, "apiVer": 1}
PATTERN = {"command": "Pattern", "rule": "V:1;F:v;S:200#", "strength": "3;9", "timeSec": 2, "apiVer": 2}
PRESET = {"command": "Preset", "name": "pulse", "timeSec": 2, "apiVer": 1}
LIST = {"command": "GetToys"}


def test_a_command_is_one_line_with_time_way_body_and_answer(vendor):
    before = vendor.state()["now"]
    vendor.lan(**LEVEL | {"toy": vendor.toy_ids[0]})
    (line,) = vendor.commands()
    assert before <= line.pop("at") <= vendor.state()["now"]
    assert line == {
        "kind": "command",
        "via": "http",
        "phone": "phone-1",
        "toy": vendor.toy_ids[0],
        "body": LEVEL | {"toy": vendor.toy_ids[0]},
        "answer": {"code": 200, "type": "ok"},
    }


def test_a_level_is_one_line_at_its_own_moment_and_comes_after_its_command(vendor):
    own = vendor.toy_ids[0]
    vendor.lan(**LEVEL | {"toy": own})
    vendor.advance(60)
    command, up, down = vendor.simulator.journal.lines()
    assert (command["kind"], up["kind"]) == ("command", "level")
    assert down == up | {"at": up["at"] + 2000, "level": 0}
    assert (up["toy"], up["function"], up["level"]) == (own, "Vibrate", 5)


def test_every_step_of_a_pattern_is_written_when_it_comes(vendor):
    own = vendor.toy_ids[0]
    vendor.lan(**PATTERN | {"toy": own, "timeSec": 1.1})
    vendor.advance(60)
    lines = vendor.simulator.journal.lines("level")
    began = lines[0]["at"]
    assert [(line["at"] - began, line["level"]) for line in lines] == [
        (0, 3), (200, 9), (400, 3), (600, 9), (800, 3), (1000, 9), (1100, 0),
    ]  # fmt: skip


def test_steps_that_nobody_looked_at_are_written_later_with_their_own_moments():
    """As when the machine was busy: the agenda is never started here."""
    toys, lines = Toys([Toy("lush", id="a"), Toy("hush", id="b")]), Journal()
    watch = LevelWatch("phone-1", toys, Agenda(), lines)
    watch.settle(1000)
    toys.obey(PATTERN | {"timeSec": 0.5}, 1000)
    assert watch.settle(9000) == 9000
    assert watch.settle(500) == 9000  # time never goes back
    found = [(line["at"], line["toy"], line["level"]) for line in lines.lines()]
    assert found == [
        (at, toy, level) for at, level in ((1200, 9), (1400, 3), (1500, 0)) for toy in ("a", "b")
    ]


def test_the_end_of_a_run_is_written_without_anybody_asking(vendor):
    vendor.lan(**LEVEL | {"timeSec": 0.3})
    end = vendor.simulator.journal.wait_for(lambda line: line["kind"] == "level" and not line["level"])
    assert end["at"] - vendor.commands()[0]["at"] == 300


def test_what_goes_on_at_the_same_level_is_no_change(vendor):
    own = vendor.toy_ids[0]
    for _ in range(3):
        vendor.lan(**LEVEL | {"toy": own})
    assert vendor.levels() == [5]


def test_a_toy_that_is_switched_off_or_removed_or_empty_falls_silent(vendor):
    for own, order, method in zip(
        list(vendor.toy_ids), ({"on": False}, {"battery": 0}, None), ("POST", "POST", "DELETE"), strict=True
    ):
        vendor.lan(**LEVEL | {"toy": own, "timeSec": 0})
        vendor.sim(f"toys/{own}", order, method=method)
        assert vendor.levels(toy=own) == [5, 0]


def test_the_file_has_what_the_door_tells(tmp_path):
    file = tmp_path / "journal.jsonl"
    with started(journal=file) as made:
        made.lan(**LEVEL)
        made.lan(**{"command": "Dance"})
        told = made.sim("journal", method="GET")["lines"]
    assert [json.loads(line) for line in file.read_text().splitlines()] == told
    assert [line["kind"] for line in told] == ["command", "level", "level", "level", "command"]


def test_the_door_tells_one_kind_and_what_is_new(vendor):
    vendor.lan(**LEVEL)
    now = vendor.advance(60)
    vendor.lan(**LIST)
    kinds = {line["kind"] for line in vendor.sim("journal?kind=level", method="GET")["lines"]}
    assert kinds == {"level"}
    (line,) = vendor.sim(f"journal?since={now}", method="GET")["lines"]
    assert line["body"] == LIST


# --- violations --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [LEVEL, PATTERN, PRESET, LIST, {"command": "GetToyName"}])
def test_what_keeps_the_limits_is_no_violation(vendor, command):
    vendor.lan(**command)
    assert "violation" not in vendor.commands()[0]


def test_a_command_outside_the_limits_is_marked_also_where_the_toy_plays_it(vendor):
    vendor.lan(**LEVEL | {"action": "Vibrate:21"})
    (line,) = vendor.commands()
    assert line["violation"] == "action: Vibrate goes from 0 to 20"
    assert (line["answer"]["code"], vendor.levels()[0]) == (200, 20)


@pytest.mark.parametrize(
    "more",
    [
        {"action": "Vibrate:0"},
        {"action": "Vibrate:20,Rotate:20,Pump:3,Depth:3,Suction:20,Fingering:20,Oscillate:20"},
        {"action": "Vibrate1:1,Vibrate2:2,Vibrate3:3"},
        {"action": "Stroke:0-20,Thrusting:10"},
        {"action": "Vibrate:2,All:10"},
        {"action": "Stop", "timeSec": 0},
        {"timeSec": 0},
        {"timeSec": 1.1},
        {"loopRunningSec": 2, "loopPauseSec": 1.5},
        {"stopPrevious": 0},
        {"toy": "a"},
        {"toy": ["a", "b"]},
        {"unknown": "field"},
    ],
)
def test_every_lawful_function_passes(more):
    assert violation(LEVEL | more, via="http") == ""


@pytest.mark.parametrize(
    ("command", "broken"),
    [
        (LEVEL | {"command": "Dance"}, "command"),
        ({}, "command"),
        (LEVEL | {"action": "Pump:4"}, "action"),
        (LEVEL | {"action": "Depth:4"}, "action"),
        (LEVEL | {"action": "Vibrate:-1"}, "action"),
        (LEVEL | {"action": "Vibrate"}, "action"),
        (LEVEL | {"action": "Position:5"}, "action"),
        (LEVEL | {"action": "Stop,Vibrate:5"}, "action"),
        (LEVEL | {"action": "Stroke:0-19,Thrusting:5"}, "action"),
        (LEVEL | {"action": "Stroke:0-101,Thrusting:5"}, "action"),
        (LEVEL | {"action": "Stroke:0-50"}, "action"),
        (LEVEL | {"action": None}, "action"),
        (LEVEL | {"timeSec": 1}, "timeSec"),
        (LEVEL | {"timeSec": 0.5}, "timeSec"),
        (LEVEL | {"timeSec": -1}, "timeSec"),
        (LEVEL | {"timeSec": "5"}, "timeSec"),
        (LEVEL | {"timeSec": True}, "timeSec"),
        (LEVEL | {"timeSec": False}, "timeSec"),
        (LEVEL | {"action": "Stop", "timeSec": 5}, "timeSec"),
        (LEVEL | {"loopRunningSec": 1}, "loopRunningSec"),
        (LEVEL | {"loopPauseSec": 0}, "loopPauseSec"),
        (LEVEL | {"stopPrevious": 2}, "stopPrevious"),
        (LEVEL | {"apiVer": 2}, "apiVer"),
        (LEVEL | {"toy": []}, "toy"),
        (LEVEL | {"toy": ""}, "toy"),
        (LEVEL | {"toy": ["a"] * 17}, "toy"),
        (PATTERN | {"rule": "V:1;F:v;S:100#"}, "rule"),
        (PATTERN | {"rule": "V:1;F:x;S:200#"}, "rule"),
        (PATTERN | {"rule": "V:1;F:v;S:200"}, "rule"),
        (PATTERN | {"strength": "21"}, "strength"),
        (PATTERN | {"strength": ";".join(["1"] * 51)}, "strength"),
        (PATTERN | {"strength": ""}, "strength"),
        (PATTERN | {"apiVer": 1}, "apiVer"),
        (PATTERN | {"timeSec": 1}, "timeSec"),
        (PRESET | {"name": "storm"}, "name"),
        (PRESET | {"name": ["pulse"]}, "name"),
        (PRESET | {"timeSec": None}, "timeSec"),
    ],
)
def test_every_broken_limit_is_named(command, broken):
    assert violation(command, via="http").partition(":")[0] == broken


def test_fifty_strengths_and_an_interval_above_100_are_within_the_limits():
    most = PATTERN | {"rule": "V:1;F:v,r,p,t,f,s,d,o;S:101#", "strength": ";".join(["20"] * 50)}
    assert violation(most, via="cloud") == ""
    assert violation(most | {"rule": "V:1;F:;S:1000#"}, via="cloud") == ""


def test_all_is_a_word_of_the_lan_alone():
    assert violation(LEVEL | {"action": "All:5"}, via="https") == ""
    assert violation(LEVEL | {"action": "All:5"}, via="cloud").startswith("action")


def test_what_a_page_calls_of_the_extension_is_a_line_of_its_own(vendor):
    said = {"call": "receiveTip", "amount": 50, "tipperName": "bob", "cookie": "secret"}
    vendor.cloud("/extension/call", **said)
    (line,) = vendor.sim("journal?kind=extension", method="GET")["lines"]
    assert line == {"at": line["at"], "kind": "extension"} | {k: v for k, v in said.items() if k != "cookie"}
