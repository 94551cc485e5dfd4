"""The virtual device and her stop: pressed on its page, or elsewhere."""

import json

from lovense.simulator import device as device_module
from lovense.simulator.toy import Traits
from tests.lovense.stage import Stage, activate, greeted, on_stage, said_of


def halted(epoch=None):
    told = {} if epoch is None else {"stopEpoch": epoch}
    return json.dumps({"type": "lovense.stop", **told})


async def test_a_press_stops_its_toys_at_once_and_is_said_until_it_is_answered(monkeypatch):
    monkeypatch.setattr(device_module, "PRESS_AGAIN_SECONDS", 0.01)
    stage = Stage()
    async with on_stage(stage, speed=1) as (device, _):
        socket = await greeted(stage)
        await socket.send(activate(seconds=600))
        await stage.next(of="started")
        device.press_stop()
        levels = device.player.toys.levels(device.player.now())
        assert not any(level for toy in levels.values() for level in toy.values())
        for _ in range(3):
            await said_of(stage, "stop")
        await socket.send(halted())  # the server has heard it, and has not recorded it yet
        await said_of(stage, "stopped")
        await said_of(stage, "stop")
        await socket.send(halted(1))
        while (await said_of(stage, "stopped"))["stopEpoch"] != 1:
            pass
        assert device._pressing is None


async def test_while_a_press_is_not_answered_what_comes_is_refused_and_plays_later():
    stage = Stage()
    async with on_stage(stage) as (device, _):
        socket = await greeted(stage)
        device.press_stop()
        await said_of(stage, "stop")
        await socket.send(activate("tip1.all"))
        refused = await stage.next(of="failed")
        assert (refused["code"], device.runs) == ("stopped", [])
        await socket.send(halted(1))
        await said_of(stage, "stopped")
        await socket.send(activate("tip1.all", attempt=2, epoch=1))
        await stage.next(of="finished")
        assert device.runs == ["tip1.all"]


async def test_a_press_without_a_socket_is_said_when_there_is_one(monkeypatch):
    monkeypatch.setattr(device_module, "PRESS_AGAIN_SECONDS", 0.01)
    stage = Stage()
    async with on_stage(stage, speed=1) as (device, _):
        socket = await greeted(stage)
        await socket.close()
        device.press_stop()
        device.press_stop()
        await stage.socket()
        await said_of(stage, "stop")


async def test_a_stop_that_came_while_there_was_no_socket_ends_what_plays():
    stage = Stage()
    async with on_stage(stage, speed=1):
        socket = await greeted(stage)
        await socket.send(activate(seconds=600))
        await stage.next(of="started")
        stage.snapshot["stopEpoch"] = 4
        await socket.close()
        ended = await stage.next(of="finished")
    assert ended["code"] == "stopped"


async def test_a_snapshot_that_knows_the_stop_answers_the_press():
    stage = Stage()
    async with on_stage(stage) as (device, _):
        socket = await greeted(stage)
        device.press_stop()
        stage.snapshot["stopEpoch"] = 1
        await socket.close()
        await stage.socket()
        await said_of(stage, "devices")
        assert device._pressing is None


async def test_a_run_that_had_played_to_its_end_does_not_say_that_it_was_stopped():
    stage = Stage()
    async with on_stage(stage):
        socket = await greeted(stage)
        await socket.send(activate(seconds=2))
        ended = await stage.next(of="finished")
        await socket.send(halted(1))
        await socket.send(activate(seconds=2, attempt=2))
        again = await stage.next(of="finished")
    assert "code" not in ended
    assert "code" not in again


async def test_a_toy_that_does_not_obey_is_said_to_move():
    stage = Stage()
    deaf = {"command": "Preset", "name": "pulse", "timeSec": 0, "apiVer": 1}
    async with on_stage(stage, speed=1) as (device, _):
        socket = await greeted(stage)
        for toy in device.player.toys:
            toy.traits = Traits(preset_without_end_ignores_stop=True)
            toy.obey(deaf, device.player.now())  # by a fault: the last hop would not let it pass
        await socket.send(halted(1))
        (toy,) = (await said_of(stage, "stopped"))["toys"]
    assert (toy["ms"], toy["answer"]) == (None, "moving")


# --- another page takes the devices ------------------------------------------------------------------------


def released(lease):
    return json.dumps({"type": "lovense.release", "lease": lease})


async def test_a_device_that_is_to_let_go_is_still_before_it_says_so_and_plays_nothing_after_that():
    stage = Stage()
    stage.snapshot["lease"] = 3
    async with on_stage(stage, speed=1) as (device, _):
        socket = await greeted(stage)
        await socket.send(activate(seconds=600))
        await stage.next(of="started")
        for lease in (2, 3, 3):  # another lease is none of its own, and it is said again
            await socket.send(released(lease))
        ended = await stage.next(of="finished")
        assert (await said_of(stage, "released"))["lease"] == 3
        levels = device.player.toys.levels(device.player.now())
        assert not any(level for toy in levels.values() for level in toy.values())
        assert (ended["deliveredSeconds"] < 600, device.is_holder) == (True, False)
        await socket.send(activate("tip2.all", seconds=2))
        stage.snapshot["holder"] = False
        await socket.close()
        await said_of(stage, "devices")
        assert device.runs == ["tip1.all"]
