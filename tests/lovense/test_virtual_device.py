"""The virtual device plays what it is sent once, stops when it is told, and says so, against a small
server."""

import asyncio
import json

import pytest

from lovense.simulator.device import WrongPerformer
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
        both = [*level(600, "Vibrate:4"), level(600, "Rotate:9")[0] | {"stopPrevious": 0}]
        await socket.send(activate(commands=both))
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


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"command": "Function", "action": "Rotate:5", "timeSec": 2}, "unsupported"),
        ({"command": "Function", "action": "Vibrate:5"}, "bad_command"),
        ({"command": "Dance"}, "bad_command"),
        ({"command": "Function", "action": "Vibrate:5", "timeSec": 0}, "bad_command"),
        ({"command": "Function", "action": "Vibrate:5", "timeSec": 2, "toy": "another"}, "unsupported"),
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
