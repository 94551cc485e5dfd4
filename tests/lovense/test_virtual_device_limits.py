"""The virtual device and her caps of now: what begins is lowered to them, what plays is lowered with them.
And what stops its toys when nobody else could."""

import json

import pytest

from lovense.simulator import device as device_module
from tests.lovense.sockets import until
from tests.lovense.stage import Stage, activate, greeted, level, on_stage, said_of

OWN = "virtual-e860eb"


def limits(kind="limits", *, devices=None, intensity=20, seconds=3600):
    return {"type": kind, "devices": devices, "maximumIntensity": intensity, "maximumSeconds": seconds}


def device_of_hers(functions, *, toy_id=OWN, is_enabled=True, seconds=None):
    about = {"toyId": toy_id, "nickname": "Lush", "isConnected": True, "isEnabled": is_enabled}
    return about | {"functions": functions, "maximumSeconds": seconds}


def levels(device):
    return device.player.toys.levels(device.player.now())


async def playing(stage, device, *, action="Vibrate:15", seconds=600):
    socket = await greeted(stage)
    await socket.send(activate(commands=level(seconds, action)))
    await stage.next(of="started")
    return socket


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, 15),
        ({"intensity": 9}, 9),
        ({"devices": [device_of_hers({"Vibrate": 7})]}, 7),
        ({"devices": [device_of_hers({"Vibrate": 7})], "intensity": 3}, 3),
        ({"devices": [device_of_hers({"Vibrate": 7}, toy_id="another")]}, 15),
    ],
)
async def test_what_begins_keeps_the_caps_of_the_snapshot(told, expected):
    stage = Stage()
    stage.snapshot |= limits("snapshot", **told)
    async with on_stage(stage, speed=1) as (device, _):
        await playing(stage, device)
        assert levels(device) == {OWN: {"Vibrate": expected}}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"intensity": 9}, 9),
        ({"devices": [device_of_hers({"Vibrate": 7})]}, 7),
        ({"devices": [device_of_hers({})]}, 0),
        ({"devices": [device_of_hers({"Vibrate": 7}, is_enabled=False)]}, 0),
    ],
)
async def test_a_lower_cap_binds_at_once_what_plays_and_a_higher_one_raises_nothing(told, expected):
    stage = Stage()
    async with on_stage(stage, speed=1) as (device, _):
        socket = await playing(stage, device)
        assert levels(device) == {OWN: {"Vibrate": 15}}
        await socket.send(json.dumps(limits(**told)))
        await until(lambda: levels(device) == {OWN: {"Vibrate": expected}})
        await socket.send(json.dumps(limits()))
        await until(lambda: device.player.limits.maximum_intensity == 20 and not device.player.limits.devices)
        assert levels(device) == {OWN: {"Vibrate": expected}}


async def test_what_begins_runs_no_longer_than_her_seconds_of_now():
    stage = Stage()
    stage.snapshot |= limits("snapshot", seconds=30, devices=[device_of_hers({"Vibrate": 20}, seconds=4)])
    async with on_stage(stage):
        socket = await greeted(stage)
        await socket.send(activate(seconds=600))
        assert (await stage.next(of="finished"))["deliveredSeconds"] == 4


async def test_what_plays_ends_where_it_has_had_her_seconds_of_now():
    stage = Stage()
    async with on_stage(stage, speed=100) as (device, _):
        socket = await playing(stage, device)
        await socket.send(json.dumps(limits(seconds=20)))
        finished = await stage.next(of="finished")
        assert 20 <= finished["deliveredSeconds"] < 500
        assert levels(device) == {OWN: {"Vibrate": 0}}


async def test_a_function_that_she_has_switched_off_is_refused():
    stage = Stage()
    stage.snapshot |= limits("snapshot", devices=[device_of_hers({"Vibrate": 20})])
    async with on_stage(stage, toys=["nora"]) as (device, _):
        socket = await greeted(stage)
        await socket.send(activate(commands=level(5, "Rotate:5")))
        assert (await stage.next(of="failed"))["code"] == "unsupported"
        assert device.runs == []


async def test_what_moves_hardware_stays_still_until_she_has_tried_it():
    stage = Stage()
    async with on_stage(stage, speed=1, toys=["gravity"]) as (device, _):
        socket = await greeted(stage)
        pulse = {"command": "Preset", "name": "pulse", "timeSec": 5, "apiVer": 1}
        for number, command in enumerate([level(5, "Thrusting:5")[0], pulse]):
            await socket.send(activate(f"tip{number}.all", commands=[command]))
            assert (await stage.next(of="failed"))["code"] == "unsupported"
        stage.snapshot |= limits("limits", devices=[device_of_hers({"Vibrate": 20, "Thrusting": 4})])
        await socket.send(json.dumps(stage.snapshot))
        await socket.send(activate("tried.all", commands=level(5, "Thrusting:5")))
        await stage.next(of="started")
        assert levels(device) == {OWN: {"Vibrate": 0, "Thrusting": 4, "Stroke": 0}}


# --- what stops it when nobody else could ------------------------------------------------------------------


def moving_by_a_fault(device):
    """No run is known, and the toys move."""
    device.player.toys.obey(level(600)[0], device.player.now())
    assert levels(device) == {OWN: {"Vibrate": 5}}


async def test_without_a_socket_for_five_seconds_every_toy_is_still_also_without_a_run(monkeypatch):
    assert device_module.LOST_SOCKET_SECONDS == 5
    monkeypatch.setattr(device_module, "LOST_SOCKET_SECONDS", 0.1)
    stage = Stage()
    async with on_stage(stage, speed=1) as (device, _):
        socket = await greeted(stage)
        moving_by_a_fault(device)
        stage.refuse = 1000
        await socket.close()
        await until(lambda: levels(device) == {OWN: {"Vibrate": 0}})


async def test_a_run_ends_without_a_socket_however_often_it_tries(monkeypatch):
    monkeypatch.setattr(device_module, "LOST_SOCKET_SECONDS", 0.1)
    stage = Stage()
    async with on_stage(stage, speed=1) as (device, _):
        socket = await playing(stage, device)
        stage.refuse = 1000
        await socket.close()
        await until(lambda: levels(device) == {OWN: {"Vibrate": 0}} and not device._playing)


@pytest.mark.parametrize("has_run", [True, False])
async def test_a_page_that_lost_its_lease_stops_at_once(has_run):
    stage = Stage()
    async with on_stage(stage, speed=1) as (device, _):
        socket = await (playing(stage, device) if has_run else greeted(stage))
        if not has_run:
            moving_by_a_fault(device)
        await socket.send(json.dumps(stage.snapshot | {"holder": False, "lease": 0}))
        await said_of(stage, "devices")
        assert levels(device) == {OWN: {"Vibrate": 0}}
        if has_run:
            assert "code" not in await stage.next(of="finished")
