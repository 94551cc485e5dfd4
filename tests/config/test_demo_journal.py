"""The second performer's toys in the demonstration: every way in which Lovense's journal can differ from what
her tips promised is noticed."""

import json

import pytest

from config.demo import journal, toys
from config.demo.pairing import PairingFailed, pair
from config.stack.services import free_port
from config.stack.vendor import DEVELOPER, Vendor
from lovense.menus.matching import match
from lovense.menus.publishing import validated
from lovense.vendor_simulator.world import DEVELOPER_TOKEN

TOYS = {"a1": "Lush", "b2": "Nora"}
BEGINS = (1_000, 5_000)


def command(at, call, toy=("a1", "b2"), **more):
    body = {**call, "toy": list(toy), "uid": "hers"}
    answer = {"result": True, "code": 200}
    return {
        "at": at,
        "kind": "command",
        "phone": "phone-1",
        "toy": body["toy"],
        "body": body,
        "answer": answer,
        **more,
    }


def level(at, toy, number, function="Vibrate"):
    return {"at": at, "kind": "level", "phone": "phone-1", "toy": toy, "function": function, "level": number}


def played(run, begin):
    """Its slices, and what both toys do: half of it at half the level."""
    end = begin + run.seconds * 1000
    calls = [command(begin + number * 2_000, call) for number, call in enumerate(run.calls)]
    moves = [(begin, run.level), (begin + 1_500, run.level // 2), (end, 0)]
    return [*calls, *(level(at, toy, number) for at, number in moves for toy in TOYS)]


@pytest.fixture
def runs(settings):
    settings.SERVER_LEASE_SECONDS = 4
    return toys.promised()


@pytest.fixture
def lines(runs):
    return [line for run, begin in zip(runs, BEGINS, strict=True) for line in played(run, begin)]


@pytest.fixture
def differences(runs, lines):
    return lambda: journal.differences(sorted(lines, key=lambda line: line["at"]), runs, TOYS)


def calls_of(lines):
    return [line for line in lines if line["kind"] == "command"]


# --- her script --------------------------------------------------------------------------------------------


def test_her_menu_answers_her_tips_as_the_script_says():
    items = validated(toys.MENU)
    playing = [scene for scene in toys.script() if scene.plays]
    assert [match(items, scene.amount)["title"] for scene in playing] == [scene.item for scene in playing]
    assert [scene.amount < toys.MINIMUM_TIP for scene in toys.script()] == [False, False, True]


def test_one_of_her_runs_is_told_in_two_slices(runs):
    assert [len(run.calls) for run in runs] == [1, 2]
    assert sum(run.seconds for run in runs) >= 10


# --- the journal -------------------------------------------------------------------------------------------


def test_what_was_promised_is_no_difference(differences):
    assert differences() == []


def test_a_stop_is_no_difference(lines, differences):
    lines.append(command(12_500, {"command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1}))
    assert differences() == []


def test_a_slice_told_twice_is_found(lines, differences):
    lines.append(calls_of(lines)[0])
    assert differences() == [f"{name} was told slice 1 of “Steady” 2 times." for name in TOYS.values()]


def test_a_lost_slice_is_found(lines, differences):
    lines.remove(calls_of(lines)[-1])
    assert differences() == [f"{name} was told slice 2 of “A long wave” 0 times." for name in TOYS.values()]


def test_a_slice_that_one_toy_was_not_told_is_found(lines, differences):
    first = calls_of(lines)[0]
    first["toy"] = "a1"
    assert differences() == ["Nora was told slice 1 of “Steady” 0 times."]


def test_a_command_for_a_skipped_tip_is_found(lines, differences):
    call = {"command": "Function", "action": "Vibrate:3", "timeSec": 2, "apiVer": 1}
    lines.append(command(13_000, call))
    (found,) = differences()
    assert found.startswith("Lovense was told what no tip of hers promises: ")
    assert "Vibrate:3" in found
    assert "hers" not in found.partition(": ")[2].replace("of hers", "")


def test_a_violation_is_found(lines, differences):
    calls_of(lines)[0]["violation"] = "timeSec: is 0, or greater than 1"
    assert differences() == ["Lovense was told what breaks its limits: timeSec: is 0, or greater than 1."]


def test_level_zero_is_found(lines, differences):
    lines.append(command(13_000, {"command": "Function", "action": "Vibrate:0", "timeSec": 2}))
    assert "Lovense was told Vibrate:0, and 0 is no way to stop a toy." in differences()


def test_another_level_is_found(lines, differences):
    next(line for line in lines if line["kind"] == "level" and line["toy"] == "b2")["level"] = 13
    assert differences() == ["Nora moved at level 13 for “Steady”, should be 12."]


def test_a_run_that_ends_too_soon_is_found(lines, differences):
    next(line for line in lines if line["at"] == BEGINS[1] + 1_500 and line.get("toy") == "a1")["level"] = 0
    assert differences() == ["Lush moved 1.5 s for “A long wave”, should be 7."]


def test_a_toy_that_never_moved_is_found(lines, differences):
    lines[:] = [line for line in lines if line["kind"] == "command" or line["toy"] != "a1"]
    assert differences() == [
        "Lush moved 0.0 s for “Steady”, should be 3.",
        "Lush moved 0.0 s for “A long wave”, should be 7.",
    ]


def test_another_function_that_moves_is_found(lines, differences):
    lines += [level(2_000, "b2", 5, "Rotate"), level(3_000, "b2", 0, "Rotate")]
    assert differences() == ["Rotate of Nora moved, which no tip promises."]


def test_a_toy_that_is_not_silent_at_the_end_is_found(lines, differences):
    lines.append(level(13_000, "a1", 4))
    assert "Lush is not silent at the end: Vibrate is at 4." in differences()


def test_a_run_that_takes_over_from_the_one_before_it_is_no_difference(runs):
    """A toy ends some milliseconds after the server's clock has ended its run."""
    lines = [*played(runs[0], 1_000), *played(runs[1], 3_990)]
    lines = [line for line in lines if (line["at"], line["kind"]) != (4_000, "level")]
    assert journal.differences(sorted(lines, key=lambda line: line["at"]), runs, TOYS) == []


def test_the_journal_of_one_phone_is_read_up_to_its_last_whole_line(tmp_path):
    file = tmp_path / "vendor.jsonl"
    whole = [level(1, "a1", 3), {**level(2, "c3", 3), "phone": "phone-2"}, {**command(3, {}), "phone": None}]
    file.write_text("".join(json.dumps(line) + "\n" for line in whole) + '{"at": 4, "ki')
    assert [line["at"] for line in journal.read(file, phone="phone-1")] == [1, 3]


# --- the vendor --------------------------------------------------------------------------------------------


def test_site_and_vendor_agree_on_the_token():
    assert DEVELOPER == DEVELOPER_TOKEN


def test_the_vendor_is_told_where_to_call_back_and_the_site_where_it_is(tmp_path):
    vendor = Vendor(tmp_path, "http://127.0.0.1:8000")
    argv = vendor.program({}).argv
    assert argv[argv.index("--callback-to") + 1] == "http://127.0.0.1:8000/api/webhooks/lovense"
    assert vendor.settings["LOVENSE_API_BASE_URL"] == f"http://127.0.0.1:{argv[argv.index('--port') + 1]}"


async def test_a_site_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr("config.demo.pairing.WITHIN_SECONDS", 0.3)
    nobody = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(PairingFailed, match="does not answer"):
        await pair(nobody, nobody, token="hers", preferences={})
