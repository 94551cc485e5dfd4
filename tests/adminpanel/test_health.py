"""Is it well: the queue's health and the hops', and whether each part is up; told truly, by indexes, and in
bounded time."""

import threading
import time
from datetime import timedelta
from unittest.mock import ANY

import pytest

from adminpanel import tasks
from adminpanel.models import Heartbeat
from adminpanel.watch import health, readiness
from config.stack.processes import PYTHON, Program, launch
from ground import clock
from ground.hops import doorbell, heartbeat
from ground.journal import journal
from ground.mongodb.collections import collection
from ledger.models import Posting
from lovense.lane import submissions
from lovense.models import PlatformSettings
from tests import services
from tests.adminpanel.rows import ended, rows
from tests.chain import Chain
from tests.config.test_openapi import SCHEMA, breaches, json_of
from tests.factories import NOW, token_of
from tests.ground.plans import recorded
from tests.live import environment
from tests.tips import calls
from tips.intake import platforms
from tips.models import Tip

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def status(now=NOW):
    return health.read(now=now).status.value


def reasons():
    return {reading.measure.code: reading.saw for reading in health.read(now=NOW).reasons}


# --- the queue's health ------------------------------------------------------------------------------------


def test_an_empty_queue_is_healthy(db):
    found = health.read(now=NOW)
    assert (found.status, found.reasons) == (health.Status.HEALTHY, [])
    assert [(hop.name, hop.depth, hop.lag_seconds) for hop in found.hops] == [
        ("entries", 0, None),
        ("deliveries", 0, None),
        ("looks", 0, None),
        ("requests", 0, None),
        ("claims", 0, None),
    ]


def test_depth_above_seventy_and_ninety_percent(db):
    seen = []
    for count in (7000, 1, 1999, 1):
        rows(count)
        seen.append(status())
    assert seen == ["healthy", "degraded", "degraded", "unhealthy"]
    assert reasons() == {"depth": 9001}
    rows(1500)
    reading = health.read(now=NOW).saw("depth")
    assert (reading.saw, reading.is_at_least) == (submissions.DEPTH + 1, True)


@pytest.mark.parametrize(
    ("more", "code", "above"),
    [({"ago": MINUTE}, "failures", (50, 100)), ({"ago": 2 * HOUR}, "dead", (20, 50))],
    ids=["failures", "dead letters"],
)
def test_what_went_wrong(db, more, code, above):
    kind = "failed" if code == "failures" else "dead"
    ended(above[0], kind, **more)
    assert status() == "healthy"
    ended(1, kind, **more)
    assert (status(), reasons()) == ("degraded", {code: above[0] + 1})
    ended(above[1] - above[0] - 1, kind, **more)
    assert status() == "degraded"
    ended(1, kind, **more)
    assert (status(), reasons()) == ("unhealthy", {code: above[1] + 1})


def test_what_failed_long_ago_or_was_reviewed_is_no_reason(db):
    ended(200, "failed", ago=2 * HOUR)
    ended(200, "dead", ago=2 * HOUR, review={"resolution": "waived", "note": "", "by": "dina", "at": NOW})
    assert status() == "healthy"


def test_a_dead_letter_of_this_hour_is_a_failure_too(db):
    ended(51, "dead", ago=MINUTE)
    assert reasons() == {"failures": 51, "dead": 51}


# --- the hops ----------------------------------------------------------------------------------------------


def hop(name, now=NOW):
    found = health.read(now=now).hop(name)
    return found.depth, found.lag_seconds


def test_deliveries_that_nobody_has_processed(ana, bob):
    chain = Chain(ana)
    for _ in range(3):
        chain.deliver(bob, 100)
    assert hop("deliveries", NOW + MINUTE) == (3, 60)
    chain.settle()
    assert hop("deliveries", NOW + MINUTE) == (0, None)


def test_entries_whose_rows_are_not_written_and_since_when_the_oldest_waits(db):
    for number in (1, 2, 3):
        journal.append({"_id": number, "by": "test", "at": NOW + number * SECOND})
    assert hop("entries", NOW + MINUTE) == (3, 59)
    journal.catch_up()
    assert hop("entries", NOW + MINUTE) == (0, None)


def test_entries_behind_a_missing_one_are_late_too(db):
    journal.append({"_id": 2, "by": "test", "at": NOW})
    assert hop("entries", NOW + MINUTE) == (2, 60)
    assert health.read(now=NOW + MINUTE).hop("entries").is_late


def test_keys_of_the_inbox_are_no_entries_that_wait(db):
    journal.take_keys([["a"], ["b"]])
    assert hop("entries") == (0, None)


def test_one_row_that_an_index_refused_is_a_reason_to_look(db):
    journal.refuse(Posting, {"_id": "TIP_1"})
    assert (status(), reasons()) == ("degraded", {"refused": 1})
    journal.refuse(Posting, {"_id": "TIP_1"})
    assert reasons() == {"refused": 1}, "refused again, it is still one"
    for number in range(2, 52):
        journal.refuse(Posting, {"_id": f"TIP_{number}"})
    assert (status(), reasons()) == ("unhealthy", {"refused": 51})


def test_tips_whose_ledger_is_due_to_be_asked(db):
    for number, due in enumerate((NOW - MINUTE, NOW, NOW + MINUTE), start=1):
        collection(Tip).insert_one(
            {"_id": calls.tip_id(number), "looks": 1, "next_look_at": due, "source_ref": str(number)}
        )
    assert hop("looks") == (2, 60)


def test_requests_that_wait_and_since_when_the_oldest_of_all_lanes_does(db):
    rows(3, ago=MINUTE)
    rows(1, ago=HOUR, lane="507f191e810c19729de860ec")
    ended(5, ago=2 * HOUR)
    assert hop("requests") == (4, 3600)


def test_claims_whose_lease_has_run_out(db):
    rows(1, status="claimed", lease_until=NOW - MINUTE)
    rows(1, status="claimed", lease_until=NOW + MINUTE, lane="507f191e810c19729de860ec")
    assert hop("claims") == (1, 60)


def test_everything_is_asked_of_an_index_and_counted_no_further_than_it_matters(db):
    for lane in range(8):
        rows(1500, lane=f"{lane:024x}", ago=MINUTE)
    ended(300, "failed", ago=MINUTE)
    ended(300, "dead", ago=MINUTE)
    for number in range(1, 301):
        journal.append({"_id": number, "by": "test", "at": NOW, "keys": [str(number)]})
        journal.refuse(Posting, {"_id": str(number)})
    with recorded(run=True) as plans:
        found = health.read(now=NOW)
    assert found.hop("requests").is_at_least
    assert [plan for plan in plans if not plan.is_indexed and plan.collection != "platform_settings"] == []
    assert max(plan.examined for plan in plans) <= submissions.DEPTH + 2
    oldest = next(plan for plan in plans if "DISTINCT_SCAN" in plan.stages)
    assert oldest.examined <= 20, "one look per line, whatever the depth"


# --- REST --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["health", "metrics"])
def test_only_staff_may_ask(client, ana, dina, name):
    def asked(token):
        return client.get(
            f"/api/performance-queue/{name}", headers={"Authorization": f"Token {token}"}
        ).status_code

    tokens = (token_of(dina), token_of(ana.user), platforms.enrol(name="stage"), "unknown")
    assert [asked(token) for token in tokens] == [200, 403, 403, 401]
    assert client.get(f"/api/performance-queue/{name}").status_code == 401


def test_what_is_answered_matches_the_description(client, dina):
    ended(21, "dead", ago=2 * HOUR)
    client.force_login(dina)
    answer = client.get("/api/performance-queue/health")
    described = SCHEMA["paths"]["/api/performance-queue/health"]["get"]["responses"]["200"]
    assert breaches(json_of(described)["schema"], answer.json()) == []
    assert answer.json()["status"] == "degraded"
    assert answer.json()["readings"][2] == {
        "code": "dead",
        "status": "degraded",
        "saw": 21,
        "isAtLeast": False,
        "degradedAbove": 20,
        "unhealthyAbove": 50,
    }


# --- readiness ---------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_write_is_trusted(monkeypatch):
    monkeypatch.setattr(readiness, "_written_at", float("-inf"))


def up(now=None):
    readiness._written_at = float("-inf")
    return {name for name, is_up in readiness.parts(now=now or clock.now()).up.items() if is_up}


@pytest.fixture
def everything_is_up(db):
    heartbeat.show(doorbell.connection())
    pulse = readiness.Pulse("worker-0")
    pulse.start()
    tasks.heartbeat()
    wait_for(lambda: collection(Heartbeat).find_one({"_id": "worker/worker-0"}))
    yield
    pulse.stop()


def wait_for(fact, seconds=10):
    """Of another process or thread."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if found := fact():
            return found
        threading.Event().wait(0.02)
    raise AssertionError("it did not happen")


def test_every_part_speaks_for_itself(everything_is_up):
    assert up() == {"mongodb", "redis", "worker", "beat", "clock", "mark"}
    assert up(clock.now() + readiness.SILENCE * 2) == {"mongodb", "redis", "beat", "mark"}, "a silent worker"
    doorbell.connection().delete(heartbeat.KEY)
    assert up() == {"mongodb", "redis", "worker", "clock", "mark"}, "a silent beat"
    assert up(clock.now() + readiness.SILENCE * 2) == {"mongodb", "redis", "mark"}


def test_a_worker_to_whom_nobody_sends_anything_lives(everything_is_up):
    collection(Heartbeat).delete_one({"_id": readiness.CLOCK})
    doorbell.connection().delete(heartbeat.KEY)
    assert "worker" in up()


def test_a_worker_that_does_not_do_what_is_sent_is_down_though_it_lives(everything_is_up):
    collection(Heartbeat).update_one({"_id": readiness.CLOCK}, {"$set": {"at": clock.now() - MINUTE}})
    assert up() == {"mongodb", "redis", "beat", "clock", "mark"}


def test_without_redis_beat_is_down_too_and_the_worker_is_not(everything_is_up):
    services.running.redis.stop()
    try:
        assert up() == {"mongodb", "worker", "clock", "mark"}
    finally:
        services.running.redis.start()


def test_a_mongodb_that_takes_no_writes_is_down_though_it_reads(everything_is_up, fail_command):
    fail_command("update", times=50, errorCode=8000)
    assert "mongodb" not in up()


def test_readyz_says_all_of_it(client, everything_is_up):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "mongodb": True,
        "redis": True,
        "worker": True,
        "beat": True,
        "clock": True,
        "mark": True,
        "draining": False,
        "clockSkewMs": answer.json()["clockSkewMs"],
    }
    assert abs(answer.json()["clockSkewMs"]) < 100
    collection(PlatformSettings).insert_one({"_id": "platform", "is_draining": True})
    assert client.get("/readyz").json() == answer.json() | {
        "draining": True,
        "clockSkewMs": ANY,
    }
    doorbell.connection().delete(heartbeat.KEY)
    down = client.get("/readyz")
    assert (down.status_code, down.json()["ready"], down.json()["beat"]) == (503, False, False)
    assert client.get("/healthz").json() == {"ok": True}


# --- clocks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-3, 3])
def test_a_process_whose_clock_is_away_from_mongodbs_is_not_ready_and_says_how_far(
    client, everything_is_up, monkeypatch, seconds
):
    off = timedelta(seconds=seconds)
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + off)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"], answer.json()["clock"]) == (503, False, False)
    assert abs(answer.json()["clockSkewMs"] - seconds * 1000) < 1000
    assert answer.json()["mongodb"] is True


@pytest.mark.parametrize(
    ("off", "status"), [(0, "healthy"), (1.2, "degraded"), (-1.2, "degraded"), (6, "unhealthy")]
)
def test_a_worker_on_a_machine_with_another_time_makes_the_health_what_it_is(db, off, status):
    pulse = readiness.Pulse("worker-0", time=lambda: clock.now() + timedelta(seconds=off))
    pulse.start()
    try:
        wait_for(lambda: collection(Heartbeat).find_one({"_id": "worker/worker-0"}))
    finally:
        pulse.stop()
    found = health.read(now=clock.now())
    assert (found.status, [each.measure.code for each in found.reasons]) == (status, ["skew"] if off else [])
    assert abs(found.saw("skew").saw - abs(off) * 1000) < 400


def test_what_a_process_said_more_than_a_minute_ago_is_forgotten(db):
    for age, skew in ((61, 60_000), (59, 900)):
        at = clock.now() - timedelta(seconds=age) + timedelta(milliseconds=skew)
        collection(Heartbeat).insert_one({"_id": f"worker/{age}", "at": at, "skew_ms": skew})
    collection(Heartbeat).insert_one({"_id": "worker/of-an-earlier-version", "at": clock.now()})
    assert readiness.worst_skew_ms() == 900


@pytest.mark.parametrize(
    ("told", "answered", "skew"),
    [(0, 0, 0), (1, 5, 0), (5, 5, 0), (6, 5, -1000), (-7, 5, 7000), (-0.5, 0, 500)],
)
def test_a_slow_answer_is_no_skew(told, answered, skew):
    at = [NOW + timedelta(seconds=each) for each in (0, told, answered)]
    assert readiness.skew_ms(*at) == skew


def test_asking_often_does_not_write_often(client, everything_is_up):
    with recorded() as plans:
        for _ in range(3):
            client.get("/readyz")
    assert len([plan for plan in plans if plan.command == "update"]) <= 2  # one of them may be the pulse's


BEATS = {
    "process": ("config.beat", "beat", "--pidfile=", "-s"),
    "worker": ("config.celery", "worker", "--pool", "threads", "--statedb"),
}


@pytest.mark.parametrize("where", BEATS)
def test_the_real_beat_shows_itself_and_its_mark_runs_out_when_it_is_killed(db, tmp_path, where):
    command = (PYTHON, "-m", "celery", "--quiet", "-A", *BEATS[where], str(tmp_path / "kept"))
    beat = launch(Program("beat", command, environment("beat") | {"STACK_BEAT": where}))
    try:
        wait_for(lambda: heartbeat.is_shown(doorbell.connection()), seconds=20)
    finally:
        beat.kill()
        beat.wait()
    assert 0 < doorbell.connection().pttl(heartbeat.KEY) <= heartbeat.SILENCE_SECONDS * 1000


def test_the_beat_of_a_worker_shows_that_what_it_sends_is_done(db, tmp_path):
    command = (PYTHON, "-m", "celery", "--quiet", "-A", *BEATS["worker"], str(tmp_path / "kept"))
    worker = launch(Program("worker", command, environment("worker-0")))
    try:
        wait_for(lambda: up() >= {"worker", "beat"}, seconds=20)
        assert collection(Heartbeat).find_one({"_id": readiness.CLOCK})
    finally:
        worker.kill()
        worker.wait()
