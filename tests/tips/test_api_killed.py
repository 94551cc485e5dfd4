"""A web process killed with SIGKILL in the middle of `POST /api/tips`: the next one takes over, and nothing
is doubled."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from ground import clock
from ground.hops import doorbell
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import client, collection
from tests.live import server
from tests.tips.calls import BOB, SETTLED, balance, bought, events, settle, state, tip
from tips.intake import platforms
from tips.models import IdempotencyKey, TipActivated

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("written_elsewhere", "proven")]

SLOT = "web-killed"
# Where the process is killed: while it waits for this write. What it has done by then, and how the tip
# stands.
POINTS = {
    "the key is stored": ("insert", WebhookDelivery, None),
    "the delivery is stored, its settlement is open": ("insert", TipActivated, None),
    "the tip is settled, its answer is not stored": ("update", IdempotencyKey, SETTLED),
}


@pytest.fixture
def place(db):
    headers = {"Authorization": f"Token {platforms.enrol(name='stage')}", "Idempotency-Key": "key-1"}

    def call(live, seconds=10):
        return httpx.post(
            f"{live.url}/api/tips", json=tip(), headers=headers, timeout=seconds, trust_env=False
        )

    return call


@pytest.fixture
def killed_at(place):
    """Places the tip at a server that is killed when its write reaches the database."""

    def kill(command, model):
        admin = client().admin
        began = admin.command({"configureFailPoint": "failCommand", "mode": "off"})["count"]
        where = {"namespace": f"{collection(model).database.name}.{model._meta.db_table}", "appName": SLOT}
        data = {"failCommands": [command], "blockConnection": True, "blockTimeMS": 20_000, **where}
        with server(SLOT) as live, ThreadPoolExecutor(1) as pool:
            assert httpx.get(f"{live.url}/healthz", timeout=10, trust_env=False).status_code == 200
            admin.command({"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": data})
            call = pool.submit(place, live)
            admin.command({"waitForFailPoint": "failCommand", "timesEntered": began + 1, "maxTimeMS": 8000})
            live.kill()
            with pytest.raises(httpx.HTTPError):
                call.result(5)
        # The write that waits belongs to a process that is gone; the server would notice when it answers.
        admin.command({"killAllSessions": []})
        admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    return kill


@pytest.mark.parametrize("point", list(POINTS))
def test_a_killed_call_is_taken_over_and_doubles_nothing(place, killed_at, point):
    bought(500)
    command, model, before = POINTS[point]
    killed_at(command, model)
    assert state() == before
    with server(SLOT) as live:
        busy = place(live)
        assert (busy.status_code, busy.json()["error"]["code"]) == (409, "in_progress")
        collection(IdempotencyKey).update_one(
            {}, {"$set": {"lock_until": clock.now() - timedelta(seconds=1)}}
        )
        first = place(live)
        again = place(live)
    assert (first.status_code, first.json()["settlementStatus"]) == (201, "settled")
    assert "Idempotency-Hit" not in first.headers
    assert (again.content, again.headers["Idempotency-Hit"]) == (first.content, "true")
    assert (events(), balance(f"user:{BOB}")) == ([1], 400)
    assert json.loads(first.content)["tipId"] == tip()["tipId"]


def test_without_any_retry_the_worker_settles_what_a_killed_call_recorded(place, killed_at):
    bought(500)
    killed_at("insert", TipActivated)
    doorbell.answered("tips.settle")
    while settle().handled:
        pass
    assert (state(), events(), balance(f"user:{BOB}")) == (SETTLED, [1], 400)
