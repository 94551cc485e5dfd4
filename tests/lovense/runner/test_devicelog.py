"""The log of a device: what was told and answered, the newest first, bounded, and hers alone."""

import asyncio
import json
from datetime import timedelta

import pytest

from ground import clock
from ground.mongodb.collections import collection
from lovense.devices import devicelog
from lovense.devices.devicelog import DeviceLog, Told
from lovense.models import Device, DeviceLogLine
from lovense.stopping import halts, stop
from tests.lovense.runner.stage import (
    _nothing_runs_on,
    ended,
    hers,
    phone,
    play,
    running,
    stops,
    tipped,
    until_told,
)
from tests.lovense.sockets import chain, until
from tests.vendor import UID, UTOKEN

__all__ = ["_nothing_runs_on", "chain", "hers", "phone"]
pytestmark = pytest.mark.django_db
PATH = "STANDARD_SERVER"


@pytest.fixture(autouse=True)
def _short(settings):
    settings.SERVER_LEASE_SECONDS = 3
    yield
    halts.use(halts.NoPages())


def device_of(performer, place=0):
    keys = sorted(row["_id"] for row in collection(Device).find({"performer_id": performer.pk}))
    return keys[place]


def lines_of(performer, place=0):
    return [(line["told"], line["outcome"]) for line in devicelog.newest_of(device_of(performer, place))]


def told(words, outcome="accepted", toy_ids=("a",)):
    return Told(toy_ids, words, outcome, clock.now(), 12.5)


async def test_each_slice_and_what_was_answered_is_a_line_of_each_device(chain, bob, hers, phone):
    await play(hers, 4)
    async with running():
        key = await tipped(chain, bob)
        await until_told(phone, 1)
        phone.sim("faults", {"faults": ["code:507"]})
        await ended(key)
    for place in (0, 1):
        assert lines_of(hers, place) == [("Vibrate:5, 3 s", "app_offline"), ("Vibrate:5, 2 s", "accepted")]
    line = devicelog.newest_of(device_of(hers))[-1]
    assert (line["path"], 0 < line["ms"] < 5000) == (PATH, True)


async def test_a_stop_is_a_line_however_often_it_is_repeated(chain, bob, hers, phone):
    await play(hers, 30)
    async with running() as runner:
        halts.use(runner)
        await tipped(chain, bob)
        await until_told(phone, 1)
        about = {"performer_id": hers.pk, "by": "ana", "why": "", "now": clock.now()}
        await asyncio.to_thread(stop.press, **about, through="api")
        await until(lambda: len(stops(phone)) >= 4)
    assert lines_of(hers) == [("stop", "accepted"), ("Vibrate:5, 3 s", "accepted")]


async def test_no_line_names_a_uid_or_a_token(chain, bob, hers, phone, settings):
    await play(hers, 2)
    async with running():
        await ended(await tipped(chain, bob))
    kept = json.dumps(list(collection(DeviceLogLine).find()), default=str)
    for secret in (UID, UTOKEN, settings.LOVENSE_DEVELOPER_TOKEN):
        assert secret not in kept


# --- its bounds --------------------------------------------------------------------------------------------


def test_it_is_a_ring_of_its_newest_lines(ana, monkeypatch):
    monkeypatch.setattr(devicelog, "LINES", 3)
    log = DeviceLog(ana.pk, PATH)
    for number in range(5):
        log.write(told(f"Vibrate:{number}, 2 s"))
    found = devicelog.newest_of(f"{ana.pk}.a")
    assert [line["told"] for line in found] == [f"Vibrate:{number}, 2 s" for number in (4, 3, 2)]
    assert collection(DeviceLogLine).count_documents({}) == 3


def test_whoever_holds_the_devices_next_goes_on_with_it(ana):
    for number in range(3):
        DeviceLog(ana.pk, PATH).write(told(f"Vibrate:{number}, 2 s"))
    assert [line["n"] for line in devicelog.newest_of(f"{ana.pk}.a")] == [3, 2, 1]


def test_a_line_is_kept_for_seven_days(ana):
    DeviceLog(ana.pk, PATH).write(told("Vibrate:1, 2 s"))
    (line,) = collection(DeviceLogLine).find()
    assert line["expires_at"] - line["at"] == timedelta(days=7)
    assert collection(DeviceLogLine).index_information()["device_log_expires"]["expireAfterSeconds"] == 0


def test_another_answer_to_a_stop_is_another_line(ana):
    log = DeviceLog(ana.pk, PATH)
    for outcome in ("accepted", "accepted", "unknown", "accepted"):
        log.write(told("stop", outcome))
    assert [line["outcome"] for line in devicelog.newest_of(f"{ana.pk}.a")] == [
        *("accepted", "unknown", "accepted")
    ]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ({"command": "Function", "action": "Vibrate:5", "timeSec": 3}, "Vibrate:5, 3 s"),
        ({"command": "Preset", "name": "wave", "timeSec": 3}, "preset wave, 3 s"),
        ({"command": "Function", "action": "Stop", "timeSec": 0}, "stop"),
        (
            {"command": "Pattern", "rule": "V:1;F:v;S:500#", "strength": "1;2;3", "timeSec": 4},
            "pattern of 3 values, V:1;F:v;S:500#, 4 s",
        ),
    ],
)
def test_a_command_in_words(command, words):
    assert devicelog.words(command) == words


# --- its door ----------------------------------------------------------------------------------------------


def test_she_reads_it_the_newest_first(client, hers):
    toy_id = device_of(hers).partition(".")[2]
    log = DeviceLog(hers.pk, PATH)
    for words in ("Vibrate:5, 3 s", "stop"):
        log.write(told(words, toy_ids=(toy_id,)))
    client.force_login(hers.user)
    answer = client.get(f"/api/lovense/devices/{device_of(hers)}/log")
    lines = answer.json()["lines"]
    assert [(line["told"], line["outcome"], line["ms"], line["path"]) for line in lines] == [
        ("stop", "accepted", 12.5, PATH),
        ("Vibrate:5, 3 s", "accepted", 12.5, PATH),
    ]
    assert set(lines[0]) == {"at", "path", "told", "outcome", "ms"}


def test_a_device_that_is_not_hers_has_none(client, hers, carol):
    client.force_login(carol.user)
    assert client.get(f"/api/lovense/devices/{device_of(hers)}/log").status_code == 404
    assert client.get("/api/lovense/devices/nothing/log").status_code == 404


def test_without_a_session_nobody_reads_it(client, hers):
    assert client.get(f"/api/lovense/devices/{device_of(hers)}/log").status_code == 401
