"""A run of the archive that is killed at any step is finished by the next, and nothing is lost or doubled."""

import os
import subprocess
import sys

import pytest

from bench.archive import fill
from config.stack.processes import BASE_DIR
from ground import clock
from ground.mongodb.collections import client, collection
from tests import services
from tests.tips.segments import DAYS, log, proven, rows, run, small, states
from tips.log import archive, eventlog
from tips.models import ArchivedTipActivated, TipActivated

__all__ = ["log", "small"]
pytestmark = pytest.mark.django_db

STEPS = [
    ("insert", "archived_tip_activated_event_log", 0),  # before the first copy
    ("insert", "archive_manifests", 1),  # the second segment is copied and nothing vouches for it
    ("update", "archive_manifests", 0),  # copied
    ("delete", "tip_activated_event_log", 1),  # verified
    ("update", "archive_manifests", 3),  # deleted, and not yet said so
    ("insert", "archived_queue_requests", 0),
    ("insert", "archive_manifests", 3),
    ("delete", "queue_requests", 0),
    ("update", "archive_manifests", 5),
]


@pytest.fixture
def killed_at(fail_command):
    """`killed_at("delete", "queue_requests", 1)`: the real command, killed while that write (the second one)
    is on its way."""
    database = collection(TipActivated).database.name
    uri = services.running.mongodb_uri.replace("/tips?", f"/{database}?")
    admin = client().admin

    def kill(command, name, skip):
        data = {
            "failCommands": [command],
            "namespace": f"{database}.{name}",
            "blockConnection": True,
            "blockTimeMS": 30_000,
        }
        point = {"configureFailPoint": "failCommand", "mode": {"skip": skip}, "data": data}
        entered = admin.command(point)["count"]
        run = subprocess.Popen(
            [sys.executable, "manage.py", "archive_events"],
            cwd=BASE_DIR,
            env={**os.environ, "MONGODB_URI": uri},
        )
        admin.command({"waitForFailPoint": "failCommand", "timesEntered": entered + 1, "maxTimeMS": 60_000})
        run.kill()
        run.wait()
        _end_blocked(command, name)
        admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    return kill


def _end_blocked(command, name):
    """The server would carry the dead client's write out when its block ends."""
    ours = [{"$currentOp": {}}, {"$match": {f"command.{command}": name, "active": True}}]
    while blocked := list(client().admin.aggregate(ours)):
        for operation in blocked:
            client().admin.command({"killOp": 1, "op": operation["opid"]})


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step[0]}-{step[1]}-{step[2]}")
def test_a_run_killed_at_any_step_is_finished_by_the_next(killed_at, written_elsewhere, step):
    fill(1200, at=clock.now() - 100 * DAYS)
    before = rows(0)
    killed_at(*step)
    assert [len(set(one) | set(other)) for one, other in zip(_ids(0), _ids(1), strict=True)] == [1200, 1200]
    assert eventlog.verify() == 1200
    now = clock.now() + archive.LEASE  # the dead run's lease is over
    archive.run(before=now - 90 * DAYS, time=lambda: now)
    assert rows(0) == [[], []]
    assert rows(1) == before
    assert set(states().values()) == {"deleted"}
    assert proven(1200) == 4


def _ids(place):
    return [[row["_id"] for row in found] for found in rows(place)]


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_copies_that_nothing_vouches_for_are_taken_over(log, limit):
    """A run died before its manifest; the next takes fewer or more rows, so its segment is another."""
    copies = [
        row | {"segment": "events/00000001"}
        for row in collection(TipActivated).find().sort("sequence", 1).limit(3)
    ]
    collection(ArchivedTipActivated).insert_many(copies)
    assert eventlog.verify() == 8
    run(limit=limit)
    assert eventlog.verify() == 8
    assert archive.verify() == len(states())
    run()
    assert rows(0) == [[], []]
    proven(8)
