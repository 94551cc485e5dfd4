"""The faults that the virtual device can be told to have, and its memory, which outlives them."""

import pytest

from lovense.simulator.device import VirtualDevice
from lovense.simulator.memory import Memory
from tests.lovense.stage import ANA, Stage, activate, greeted, on_stage

# --- faults ------------------------------------------------------------------------------------------------


async def test_a_held_stage_waits_and_the_toy_does_not():
    stage = Stage()
    async with on_stage(stage) as (device, _):
        release = device.faults.hold("finished")
        socket = await greeted(stage)
        await socket.send(activate("tip1.all"))
        assert await stage.stages(2) == ["received", "started"]
        await socket.send(activate("tip2.all"))
        assert await stage.stages(2) == ["received", "started"]
        assert stage.said.empty()
        release.set()
        assert {(await stage.next())["activationId"] for _ in range(2)} == {"tip1.all", "tip2.all"}


async def test_a_dropped_stage_is_lost_once():
    stage = Stage()
    async with on_stage(stage) as (device, _):
        device.faults.drop("received")
        socket = await greeted(stage)
        await socket.send(activate("tip1.all"))
        assert await stage.stages(2) == ["started", "finished"]
        await socket.send(activate("tip2.all"))
        assert await stage.stages(3) == ["received", "started", "finished"]


async def test_a_duplicated_stage_is_said_twice():
    stage = Stage()
    async with on_stage(stage) as (device, _):
        device.faults.duplicate("finished")
        await (await greeted(stage)).send(activate())
        assert await stage.stages(4) == ["received", "started", "finished", "finished"]
    assert device.runs == ["tip1.all"]


async def test_a_refused_command_is_not_remembered_and_plays_when_it_comes_again():
    stage = Stage()
    async with on_stage(stage) as (device, _):
        device.faults.refuse("busy", times=2)
        socket = await greeted(stage)
        for attempt in (1, 2, 3):
            await socket.send(activate(attempt=attempt))
        said = [await stage.next() for _ in range(3)]
        assert [(ack["stage"], ack["attempt"], ack.get("code")) for ack in said] == [
            ("failed", 1, "busy"),
            ("failed", 2, "busy"),
            ("received", 3, None),
        ]
        await stage.next(of="finished")
    assert device.runs == ["tip1.all"]


async def test_two_runs_at_once_are_noticed():
    stage = Stage()
    async with on_stage(stage, speed=1) as (device, _):
        socket = await greeted(stage)
        await socket.send(activate("tip1.all", seconds=600))
        await socket.send(activate("tip2.all", seconds=600))
        await stage.stages(4)
    assert device.overlaps == ["tip2.all"]


def test_a_speed_must_be_above_zero():
    with pytest.raises(ValueError, match="above 0"):
        VirtualDevice(url="http://127.0.0.1:1", performer_id=ANA, token="t", speed=0)


# --- memory ------------------------------------------------------------------------------------------------


def test_a_line_cut_short_by_a_crash_is_dropped_and_does_not_spoil_the_next(tmp_path):
    file = tmp_path / "memory.jsonl"
    Memory(file).begin("whole")
    with file.open("ab") as out:
        out.write(b'{"activationId": "cut')
    again = Memory(file)
    again.begin("next")
    remembered = Memory(file)
    assert "whole" in remembered
    assert "next" in remembered
    assert "cut" not in remembered


def test_memory_keeps_the_newest_only(tmp_path, monkeypatch):
    monkeypatch.setattr("lovense.simulator.memory.LIMIT", 3)
    file = tmp_path / "memory.jsonl"
    memory = Memory(file)
    for number in range(5):
        memory.begin(str(number))
        memory.end({"stage": "finished"}, str(number))
    for one in (memory, Memory(file)):
        assert [str(number) in one for number in range(5)] == [False, False, True, True, True]
    assert len(file.read_bytes().splitlines()) == 3
