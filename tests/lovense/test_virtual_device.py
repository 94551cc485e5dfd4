"""The virtual device plays what it is sent once, stops when it is told, and says so, against a small
server."""

import asyncio
import json

import pytest

from lovense.simulator import device as device_module
from lovense.simulator.device import WrongPerformer
from lovense.simulator.toy import Traits
from tests.lovense.stage import PATIENCE_SECONDS, Stage, activate, greeted, level, on_stage, stop


async def test_it_shows_its_token_and_reports_its_toys():
    stage = Stage()
    async with on_stage(stage) as (device, _):
        await stage.socket()
        toy = {"id": "virtual-e860eb", "name": "Virtual", "toyType": "lush", "status": 1, "battery": 90}
        assert await stage.next() == {"type": "devices", "toys": [toy]}
        await asyncio.wait_for(device.ready.wait(), PATIENCE_SECONDS)
    assert stage.requests[0].headers["Authorization"] == "Token secret"
    assert stage.requests[0].path.startswith("/ws/performer?page=")
    assert device.is_holder


async def test_an_activation_is_acknowledged_step_by_step_and_delivers_what_it_promised():
    stage, told = Stage(), []
    async with on_stage(stage, report=told.append) as (device, _):
        socket = await greeted(stage)
        await socket.send(activate(seconds=7))
        assert await stage.stages(2) == ["received", "started"]
        finished = await stage.next()
    assert finished == {
        "type": "ack",
        "activationId": "tip1.all",
        "attempt": 1,
        "stage": "finished",
        "deliveredSeconds": 7.0,
    }
    assert device.runs == ["tip1.all"]
    (ran,) = [message for message in told if message["event"] == "ran"]
    assert {key: ran[key] for key in ("activationId", "tipId", "attempt", "durationSec")} == {
        "activationId": "tip1.all",
        "tipId": "tip1",
        "attempt": 1,
        "durationSec": 7,
    }


async def test_a_repeat_after_the_end_only_repeats_the_acknowledgement():
    stage = Stage()
    async with on_stage(stage) as (device, _):
        socket = await greeted(stage)
        await socket.send(activate())
        await stage.next(of="finished")
        await socket.send(activate(attempt=2))
        again = await stage.next()
    assert (again["stage"], again["attempt"], again["deliveredSeconds"]) == ("finished", 2, 5.0)
    assert device.runs == ["tip1.all"]


async def test_a_repeat_while_it_runs_repeats_the_stages_and_the_end_names_the_newest_attempt():
    stage = Stage()
    async with on_stage(stage, speed=1) as (device, _):
        socket = await greeted(stage)
        await socket.send(activate(seconds=600))
        assert await stage.stages(2) == ["received", "started"]
        await socket.send(activate(attempt=2, seconds=600))
        assert [(ack["stage"], ack["attempt"]) for ack in (await stage.next(), await stage.next())] == [
            ("received", 2),
            ("started", 2),
        ]
        await socket.send(json.dumps({"type": "lovense.stop", "stopEpoch": 1}))
        finished = await stage.next(of="finished")
    assert finished["attempt"] == 2
    assert device.runs == ["tip1.all"]


async def test_what_another_page_has_confirmed_is_left_alone():
    stage = Stage()
    async with on_stage(stage) as (device, _):
        socket = await greeted(stage)
        await socket.send(json.dumps(json.loads(activate("theirs.all")) | {"confirmed": True}))
        await socket.send(activate("ours.all"))
        assert (await stage.next())["activationId"] == "ours.all"
        assert device.runs == ["ours.all"]


async def test_a_restart_with_its_memory_never_plays_twice(tmp_path):
    memory = tmp_path / "memory.jsonl"
    stage = Stage()
    async with on_stage(stage, memory=memory):
        await (await greeted(stage)).send(activate())
        await stage.next(of="finished")
    async with on_stage(stage, memory=memory) as (restarted, _):
        await (await greeted(stage)).send(activate(attempt=2))
        again = await stage.next()
    assert (again["stage"], again["deliveredSeconds"]) == ("finished", 5.0)
    assert restarted.runs == []
    assert stage.requests[0].path == stage.requests[1].path  # the same page: it keeps its lease


async def test_a_device_that_died_while_it_ran_owes_the_whole_run(tmp_path):
    memory = tmp_path / "memory.jsonl"
    stage = Stage()
    async with on_stage(stage, memory=memory, speed=1):
        await (await greeted(stage)).send(activate(seconds=600))
        await stage.next(of="started")
    async with on_stage(stage, memory=memory) as (restarted, _):
        await (await greeted(stage)).send(activate(attempt=2))
        again = await stage.next()
    assert (again["stage"], again["deliveredSeconds"], again["code"]) == ("finished", 0, "interrupted")
    assert restarted.runs == []


async def test_stop_ends_the_run_early_and_says_which_toys_are_still():
    stage = Stage()
    async with on_stage(stage, speed=1):
        socket = await greeted(stage)
        await socket.send(activate(seconds=600))
        await stage.next(of="started")
        await socket.send(json.dumps({"type": "lovense.stop", "stopEpoch": 3}))
        said = [await stage.next(), await stage.next()]
    finished = next(message for message in said if message["type"] == "ack")
    stopped = next(message for message in said if message["type"] == "stopped")
    assert (finished["stage"], finished["code"]) == ("finished", "stopped")
    assert 0 <= finished["deliveredSeconds"] < 600
    (toy,) = stopped.pop("toys")
    assert stopped == {"type": "stopped", "stopEpoch": 3, "toyIds": ["virtual-e860eb"]}
    assert (toy["id"], toy["answer"]) == ("virtual-e860eb", "still")
    assert 0 <= toy["ms"] < 100


async def test_a_stop_that_names_activations_ends_only_these():
    stage = Stage()
    async with on_stage(stage, speed=1) as (device, _):
        socket = await greeted(stage)
        await socket.send(activate("tip1.all", seconds=600))
        await stage.next(of="started")
        await socket.send(stop("another.all", confirmed=True))
        await socket.send(stop("tip1.all"))
        finished = await stage.next()
        assert (finished["activationId"], finished["stage"], finished["attempt"]) == (
            "tip1.all",
            "finished",
            1,
        )
        await socket.send(stop("tip1.all"))
        again = await stage.next()
        assert (again["stage"], again["deliveredSeconds"]) == ("finished", finished["deliveredSeconds"])
        await socket.send(activate("tip2.all", seconds=600))
        assert await stage.stages(2) == ["received", "started"]
    assert device.runs == ["tip1.all", "tip2.all"]


async def test_what_was_cancelled_before_it_came_never_plays_also_after_a_restart(tmp_path):
    memory = tmp_path / "memory.jsonl"
    stage, ends = Stage(), []
    for _ in range(2):
        async with on_stage(stage, memory=memory) as (device, _):
            socket = await greeted(stage)
            await socket.send(stop("tip1.all"))
            ends.append(await stage.next())
            await socket.send(activate("tip1.all", attempt=2))
            ends.append(await stage.next())
            assert device.runs == []
    assert [(end["stage"], end["code"], end["attempt"]) for end in ends] == [
        ("failed", "cancelled", attempt) for attempt in (0, 2, 0, 2)
    ]


async def test_of_what_another_page_has_confirmed_it_says_nothing_and_never_plays_it():
    stage = Stage()
    async with on_stage(stage) as (device, _):
        socket = await greeted(stage)
        await socket.send(stop("theirs.all", confirmed=True))
        await socket.send(activate("theirs.all"))
        said = await stage.next()
    assert (said["stage"], said["code"], said["attempt"]) == ("failed", "cancelled", 1)
    assert device.runs == []


async def test_the_members_of_a_run_are_played_with_it_and_never_again():
    stage = Stage()
    async with on_stage(stage) as (device, _):
        socket = await greeted(stage)
        await socket.send(json.dumps(json.loads(activate("tip1.all")) | {"members": ["tip2.all"]}))
        await stage.next(of="finished")
        await socket.send(activate("tip2.all"))
        said = await stage.next()
    assert (said["activationId"], said["stage"]) == ("tip2.all", "finished")
    assert "deliveredSeconds" not in said  # its part of the run is the server's to tell
    assert device.runs == ["tip1.all"]


async def test_the_members_of_a_run_that_was_cut_short_are_owed():
    stage = Stage()
    async with on_stage(stage, speed=1) as (device, _):
        socket = await greeted(stage)
        await socket.send(
            json.dumps(json.loads(activate("tip1.all", seconds=600)) | {"members": ["tip2.all"]})
        )
        await stage.next(of="started")
        await socket.send(stop("tip1.all"))
        await stage.next(of="finished")
        await socket.send(activate("tip2.all"))
        said = await stage.next()
    assert (said["activationId"], said["deliveredSeconds"], said["code"]) == ("tip2.all", 0, "interrupted")
    assert device.runs == ["tip1.all"]


async def test_a_command_older_than_the_stop_is_refused():
    stage = Stage()
    stage.snapshot["stopEpoch"] = 3
    async with on_stage(stage) as (device, _):
        await (await greeted(stage)).send(activate(epoch=2))
        refused = await stage.next()
    assert (refused["stage"], refused["code"]) == ("failed", "stopped")
    assert device.runs == []


async def test_a_command_made_for_another_lease_is_not_played():
    stage, told = Stage(), []
    stage.snapshot["lease"] = 7
    async with on_stage(stage, report=told.append) as (device, _):
        socket = await greeted(stage)
        for lease in (6, 8, 7):
            message = json.loads(activate(f"tip{lease}.all")) | {"lease": lease}
            await socket.send(json.dumps(message))
        assert (await stage.next(of="finished"))["activationId"] == "tip7.all"
        await socket.send(json.dumps(stage.snapshot | {"holder": False, "lease": 0}))
        assert (await stage.next())["type"] == "devices"
        await socket.send(activate("tip9.all"))
        await socket.send(json.dumps(stage.snapshot))
        assert (await stage.next())["type"] == "devices"
    assert device.runs == ["tip7.all"]
    assert [one["activationId"] for one in told if one["event"] == "outdated"] == [
        "tip6.all",
        "tip8.all",
        "tip9.all",
    ]


async def test_a_lost_socket_is_opened_again_with_the_same_page_and_the_run_goes_on():
    stage = Stage()
    async with on_stage(stage, speed=1) as (device, _):
        first = await greeted(stage)
        await first.send(activate(seconds=600))
        await stage.next(of="started")
        await first.close()
        second = await greeted(stage)
        await second.send(activate(seconds=600))
        assert await stage.stages(2) == ["received", "started"]
    assert device.runs == ["tip1.all"]
    assert stage.requests[0].path == stage.requests[1].path


async def test_it_keeps_trying_while_it_is_refused():
    stage, told = Stage(), []
    stage.refuse = 2
    async with on_stage(stage, report=told.append):
        await greeted(stage)
    assert [message["status"] for message in told if message["event"] == "refused"] == [401, 401]


async def test_a_token_of_another_performer_is_said_and_ends_it():
    stage = Stage()
    stage.snapshot["performerId"] = "507f191e810c19729de860ff"
    async with on_stage(stage) as (_, task):
        with pytest.raises(WrongPerformer):
            await asyncio.wait_for(task, PATIENCE_SECONDS)


async def test_what_cannot_be_read_is_passed_over():
    stage, told = Stage(), []
    async with on_stage(stage, report=told.append):
        socket = await greeted(stage)
        for text in ("not json", "[]", '{"type":"lovense.activate"}', '{"type":"news","topic":"tips"}'):
            await socket.send(text)
        await socket.send(activate())
        await stage.next(of="finished")
    assert sum(message["event"] == "unreadable" for message in told) == 3


async def test_what_the_server_did_not_understand_is_said():
    stage, told = Stage(), []
    async with on_stage(stage, report=told.append):
        socket = await greeted(stage)
        await socket.send(
            json.dumps({"type": "error", "error": {"code": "malformed", "message": "toys: must be a list"}})
        )
        await socket.send(activate())
        await stage.next(of="finished")
    (said,) = [message for message in told if message["event"] == "not_understood"]
    assert said["code"] == "malformed"


async def test_it_plays_what_the_commands_say_and_not_what_the_message_promises():
    stage = Stage()
    async with on_stage(stage):
        socket = await greeted(stage)
        await socket.send(activate(seconds=600, commands=level(3)))
        assert (await stage.next(of="finished"))["deliveredSeconds"] == 3
        await socket.send(activate("tip2.all", commands=[]))
        assert (await stage.next(of="finished"))["deliveredSeconds"] == 0
        await socket.send(activate("tip3.all", commands=[*level(2), *level(4, "Rotate:5")]))
        assert (await stage.next(of="finished"))["deliveredSeconds"] == 2  # it does not rotate


async def test_it_holds_several_toys_and_each_plays_what_it_can():
    stage = Stage()
    async with on_stage(stage, speed=1, toys=["lush", "nora"]) as (device, _):
        socket = await stage.socket()
        (lush, nora) = (await stage.next())["toys"]
        assert [(toy["name"], toy["toyType"]) for toy in (lush, nora)] == [("Lush", "lush"), ("Nora", "nora")]
        await socket.send(activate(commands=level(600, "Vibrate:4,Rotate:9")))
        await stage.next(of="started")
        assert device.player.toys.levels(device.player.now()) == {
            lush["id"]: {"Vibrate": 4},
            nora["id"]: {"Vibrate": 4, "Rotate": 9},
        }
        await socket.send(json.dumps({"type": "lovense.stop", "stopEpoch": 1}))
        said = [await stage.next(), await stage.next()]
        stopped = next(message for message in said if message["type"] == "stopped")
        assert stopped["toyIds"] == [lush["id"], nora["id"]]
        levels = device.player.toys.levels(device.player.now())
        assert not any(level for toy in levels.values() for level in toy.values())


async def test_a_run_without_an_end_plays_until_it_is_stopped():
    stage = Stage()
    async with on_stage(stage) as (device, _):
        socket = await greeted(stage)
        await socket.send(activate(seconds=1, commands=level(0)))
        await stage.next(of="started")
        assert device.player.toys.levels(device.player.now() + 10**9) == {"virtual-e860eb": {"Vibrate": 5}}
        await socket.send(stop("tip1.all"))
        assert (await stage.next())["stage"] == "finished"
        assert device.player.toys.levels(device.player.now()) == {"virtual-e860eb": {"Vibrate": 0}}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"command": "Function", "action": "Rotate:5", "timeSec": 2}, "unsupported"),
        ({"command": "Function", "action": "Vibrate:5"}, "bad_command"),
        ({"command": "Dance"}, "bad_command"),
        ({"command": "Function", "action": "Vibrate:5", "timeSec": 2, "toy": "another"}, "not_connected"),
    ],
)
async def test_what_no_toy_can_do_is_refused_and_not_remembered(command, code):
    stage = Stage()
    async with on_stage(stage) as (device, _):
        socket = await greeted(stage)
        for _ in range(2):
            await socket.send(activate(commands=[command]))
            refused = await stage.next()
            assert (refused["stage"], refused["code"], refused["attempt"]) == ("failed", code, 1)
        await socket.send(activate(attempt=2))
        await stage.next(of="finished")
    assert device.runs == ["tip1.all"]


# --- her stop on this page ---------------------------------------------------------------------------------


def halted(epoch=None):
    told = {} if epoch is None else {"stopEpoch": epoch}
    return json.dumps({"type": "lovense.stop", **told})


async def said_of(stage, kind):
    while (message := await stage.next())["type"] != kind:
        pass
    return message


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
        await socket.send(activate(seconds=1))
        ended = await stage.next(of="finished")
        await socket.send(halted(1))
        await socket.send(activate(seconds=1, attempt=2))
        again = await stage.next(of="finished")
    assert "code" not in ended
    assert "code" not in again


async def test_a_toy_that_does_not_obey_is_said_to_move():
    stage = Stage()
    deaf = [{"command": "Preset", "name": "pulse", "timeSec": 0, "apiVer": 1}]
    async with on_stage(stage, speed=1) as (device, _):
        for toy in device.player.toys:
            toy.traits = Traits(preset_without_end_ignores_stop=True)
        socket = await greeted(stage)
        await socket.send(activate(commands=deaf))
        await stage.next(of="started")
        await socket.send(halted(1))
        (toy,) = (await said_of(stage, "stopped"))["toys"]
    assert (toy["ms"], toy["answer"]) == (None, "moving")
