"""Batches: what waits for the same item by the same tipper plays as one run, and each keeps its own record
and its seconds."""

from datetime import timedelta

import pytest
from pymongo.errors import PyMongoError

from ground.mongodb.collections import collection
from lovense.deciding import activation, batch, platform
from lovense.deciding.rules import Rules
from lovense.models import Activation, Performer
from lovense.sending import acknowledgement, dispatch, leases, pages, resume
from lovense.sending.acknowledgement import Ack
from tests.chain import Chain
from tests.factories import NOW, Viewer, fund
from tests.lovense.conftest import CHANNEL, activation_of, request_of, seconds, state
from tips.models import Mode, Priority, QueueRequest, RequestType
from tips.queue import claims, ordering
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db

ERROR = 8000
WINDOW = 10  # seconds in which a page confirms
EVE = Viewer("a" * 24, "eve")
WAVE, FIREWORKS = 50, 100  # tokens: 6 s and 10 s
T = NOW + seconds(1)  # the first tick after everything that came at NOW


@pytest.fixture
def lane(chain):
    """Ana works in batches, and her page holds."""
    set_mode(chain, Mode.BATCH)
    fund(EVE, 10_000)
    hold(chain, T)
    return chain


def set_mode(chain, mode):
    collection(Performer).update_one({"_id": chain.performer_id}, {"$set": {"queue_mode": mode}})


def hold(chain, now):
    assert pages.take(chain.performer_id, page_id="page-1", channel=CHANNEL, slot="web-0", now=now)


def tips(chain, viewer, amounts):
    return [chain.settled(viewer, amount) for amount in amounts]


def drain(now=T):
    while dispatch.drain(now=now, limit=100):
        pass


def sweep(now):
    return leases.expire(now=now, limit=100) + batch.heal(now=now, limit=100)


def play(chain, now):
    """A sweep, then a round with a page that is there."""
    sweep(now)
    hold(chain, now)
    drain(now)


def states(tip_ids):
    return [state(tip_id) for tip_id in tip_ids]


def delivered(tip_ids):
    return [activation_of(tip_id)["delivered_seconds"] for tip_id in tip_ids]


def members(tip_id):
    return [key.partition(".")[0] for key in activation_of(tip_id).get("members") or ()]


def ack(chain, tip_id, stage, *, at=T, attempt=1, **more):
    acknowledgement.acknowledge(
        [
            Ack(
                chain.performer_id,
                activation.activation_id(tip_id),
                attempt,
                stage,
                at,
                is_answer=True,
                **more,
            )
        ]
    )


def in_collection(model):
    return {"namespace": f"{collection(model).database.name}.{model._meta.db_table}"}


# --- what it merges, and what not --------------------------------------------------------------------------


def test_the_same_item_by_the_same_tipper_plays_as_one_longer_run(lane, bob, wire):
    first, second, third = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    (command,) = wire.commands()
    assert (command["activationId"], command["durationSec"]) == (f"{first}.all", 30)
    assert command["members"] == [f"{second}.all", f"{third}.all"]
    assert {part["timeSec"] for part in command["commands"]} == {30}
    assert states([first, second, third]) == [
        ("dispatched", "claimed"),
        ("dispatched", "joined"),
        ("dispatched", "joined"),
    ]
    assert [activation_of(tip_id)["promised_seconds"] for tip_id in (first, second, third)] == [10, 10, 10]
    assert activation_of(first)["run_seconds"] == 30


def test_alone_it_plays_as_in_any_other_mode(lane, bob, wire):
    tip_id = lane.settled(bob, FIREWORKS)
    drain()
    (command,) = wire.commands()
    assert (command["activationId"], command["durationSec"], command.get("members")) == (
        f"{tip_id}.all",
        10,
        None,
    )
    assert activation_of(tip_id).get("members") is None


def test_no_run_is_longer_than_the_cap(lane, bob):
    ours = tips(lane, bob, [FIREWORKS] * 4)
    drain()
    assert members(ours[0]) == ours[1:3]
    assert state(ours[3]) == (None, "pending")


def test_the_performers_own_cap_binds_too(lane, bob):
    collection(Performer).update_one({"_id": lane.performer_id}, {"$set": {"maximum_seconds": 20}})
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    assert members(ours[0]) == ours[1:2]


def test_one_that_does_not_fit_leaves_room_for_a_later_one_that_does(lane, bob):
    """Two ranges of one item promise alike; so the cap is what decides, one by one."""
    platform.change(key="maximum_seconds", value="16", by="dina", now=NOW)
    ours = tips(lane, bob, [WAVE, WAVE, WAVE])
    drain()
    assert members(ours[0]) == ours[1:2]


def test_what_was_tried_before_plays_alone(lane, bob):
    """Its page may remember another run under its id; a worker that died before it wrote anything cannot
    know."""
    first, second = tips(lane, bob, [100, 100])
    collection(QueueRequest).update_one({"idempotency_key": first}, {"$set": {"attempts": 1}})
    drain()
    assert activation_of(first)["attempt"] == 2
    assert not activation_of(first).get("members")
    assert state(second) == (None, "pending")


def test_another_item_does_not_join(lane, bob):
    ours = tips(lane, bob, [FIREWORKS, WAVE, FIREWORKS])
    drain()
    assert members(ours[0]) == [ours[2]]
    assert state(ours[1]) == (None, "pending")


def test_one_item_answers_a_range_of_amounts(lane, bob):
    ours = tips(lane, bob, [10, 99])
    drain()
    assert members(ours[0]) == [ours[1]]


def test_another_tipper_does_not_join(lane, bob):
    ours, hers = lane.settled(bob, FIREWORKS), lane.settled(EVE, FIREWORKS)
    drain()
    assert members(ours) == []
    assert state(hers) == (None, "pending")


def submitted(lane, key, by):
    payload = {"amount": FIREWORKS, "tipper": {"username": by}, "userId": ""}
    row = queue.new_row(
        key, RequestType.MANUAL, payload, lane=lane.performer_id, position=1, priority=Priority.HIGH, now=NOW
    ) | {"submitted_by": by}
    collection(QueueRequest).insert_one(row | {"turn": int(key)})


def test_what_two_people_submit_by_hand_is_not_one_tippers(lane):
    for number, name in enumerate(("ana", "dina", "ana"), 1):
        submitted(lane, str(number), name)
    drain()
    assert collection(Activation).find_one({"_id": "1.all"})["members"] == ["3.all"]


def test_a_tip_and_what_was_submitted_do_not_join(lane, bob):
    tip_id = lane.settled(bob, FIREWORKS)
    submitted(lane, str(5 * queue.TURNS_PER_EVENT), "bob")
    drain()
    assert members(tip_id) == []


def test_what_came_since_the_last_full_second_waits_for_the_next_run(lane, bob):
    early = tips(lane, bob, [FIREWORKS])
    lane.now = T + timedelta(milliseconds=1)
    late = lane.settled(bob, FIREWORKS)
    drain(T + timedelta(milliseconds=900))
    assert members(early[0]) == []
    assert state(late) == (None, "pending")


def test_nothing_starts_before_the_tick(lane, bob):
    tip_id = lane.settled(bob, FIREWORKS)
    drain(T - timedelta(milliseconds=1))
    assert state(tip_id) == (None, "pending")
    drain(T)
    assert state(tip_id) == ("dispatched", "claimed")


def test_at_most_a_hundred_are_looked_at(lane, monkeypatch, bob):
    monkeypatch.setattr(ordering, "BATCH_SIZE", 4)
    ours = tips(lane, bob, [FIREWORKS, WAVE, WAVE, WAVE, FIREWORKS])
    drain()
    assert members(ours[0]) == []


def test_the_batch_is_a_hundred():
    assert ordering.BATCH_SIZE == 100


def test_a_run_counts_once_against_the_pace(lane, bob):
    platform.change(key="rate_limit_per_minute", value="1", by="dina", now=NOW)
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    assert len(members(ours[0])) == 2
    ack(lane, ours[0], "finished", delivered_seconds=30.0)
    assert states(ours) == [("completed", "completed")] * 3


# --- how it ends -------------------------------------------------------------------------------------------


def test_a_run_that_finishes_completes_each_of_its_requests(lane, bob):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    for stage in ("received", "started"):
        ack(lane, ours[0], stage)
    assert [status for status, _ in states(ours)] == ["activated"] * 3
    ack(lane, ours[0], "finished", at=T + seconds(30), delivered_seconds=30.0)
    assert states(ours) == [("completed", "completed")] * 3
    assert delivered(ours) == [10, 10, 10]


@pytest.mark.parametrize(
    ("said", "shares"),
    [(25.0, [10, 10, 5]), (10.0, [10, 0, 0]), (4.5, [4.5, 0, 0]), (0.0, [0, 0, 0]), (31.0, [10, 10, 10])],
)
def test_what_a_shortened_run_delivered_is_dealt_out_in_order(lane, bob, said, shares):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    for _ in range(2):  # said twice, it is dealt out once
        ack(lane, ours[0], "finished", delivered_seconds=said)
        assert states(ours) == [("completed", "completed")] * 3
        assert delivered(ours) == shares


def test_a_failed_run_fails_those_that_did_not_get_their_seconds(lane, bob):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    ack(lane, ours[0], "started")
    ack(lane, ours[0], "failed", code="stopped", delivered_seconds=20.0)
    assert states(ours)[1:] == [("completed", "completed"), ("failed", "failed")]
    assert delivered(ours) == [10, 10, 0]
    assert activation_of(ours[2])["reason"] == request_of(ours[2])["cause"] == "stopped"


def test_a_run_that_falls_silent_is_a_timeout_for_each_and_never_sent_again(lane, bob, wire):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    ack(lane, ours[0], "started")
    wire.raw()
    end = T + seconds(30 + 5)
    sweep(end - timedelta(milliseconds=1))
    assert state(ours[1]) == ("activated", "joined")
    for later in (0, 20, 40):
        play(lane, end + seconds(later))
    assert states(ours) == [("timeout", "failed")] * 3
    assert wire.commands() == []


def test_what_a_page_says_after_it_was_given_up_counts_for_each(lane, bob):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    ack(lane, ours[0], "started")
    sweep(T + seconds(35))
    ack(lane, ours[0], "finished", at=T + seconds(60), delivered_seconds=22.0)
    assert states(ours) == [("completed", "completed")] * 3
    assert delivered(ours) == [10, 10, 2]


def test_what_no_page_confirms_is_sent_again_as_the_same_run_and_dies_as_one(lane, bob, wire):
    ours = tips(lane, bob, [FIREWORKS] * 2)
    send_in_vain(lane)
    sent = [(command["attempt"], command["durationSec"], command["members"]) for command in wire.commands()]
    assert sent == [(attempt, 20, [f"{ours[1]}.all"]) for attempt in (1, 2, 3, 4)]
    assert states(ours) == [("dead", "dead")] * 2
    assert [request_of(tip_id)["cause"] for tip_id in ours] == ["not_received"] * 2


def send_in_vain(lane):
    """Every attempt, to a page that says nothing."""
    now = T
    for _ in range(claims.MAX_ATTEMPTS):
        hold(lane, now)
        drain(now)
        sweep(now + seconds(WINDOW))
        now += seconds(WINDOW + 6)


def test_a_dead_run_that_was_played_after_all_counts_for_each(lane, bob):
    ours = tips(lane, bob, [FIREWORKS] * 2)
    send_in_vain(lane)
    assert states(ours) == [("dead", "dead")] * 2
    ack(lane, ours[0], "finished", at=T + seconds(120), delivered_seconds=20.0)
    assert states(ours) == [("completed", "completed")] * 2
    assert delivered(ours) == [10, 10]


# --- refused before it started -----------------------------------------------------------------------------


def test_a_refused_run_is_tried_again_one_by_one(lane, bob, wire):
    """It is known not to have played; the page does not remember it."""
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    ack(lane, ours[0], "received")
    ack(lane, ours[0], "failed", code="busy")
    assert states(ours) == [("queued", "pending")] * 3
    assert [[error["error"] for error in request_of(tip_id)["errors"]] for tip_id in ours] == [
        ["attempt 1: busy"]
    ] * 3
    wire.raw()
    for number, tip_id in enumerate(ours):
        now = T + seconds(5 + 20 * number)
        play(lane, now)
        (command,) = wire.commands()
        assert (command["tipId"], command["attempt"], command["durationSec"]) == (tip_id, 2, 10)
        assert "members" not in command
        ack(lane, tip_id, "finished", at=now + seconds(10), attempt=2, delivered_seconds=10.0)
    assert states(ours) == [("completed", "completed")] * 3


def test_a_refusal_that_comes_twice_does_not_end_the_next_attempt(lane, bob):
    ours = tips(lane, bob, [FIREWORKS] * 2)
    drain()
    ack(lane, ours[0], "failed", code="busy")
    play(lane, T + seconds(2))
    assert state(ours[0]) == ("dispatched", "claimed")
    ack(lane, ours[0], "failed", code="busy", at=T + seconds(3))
    assert state(ours[0]) == ("dispatched", "claimed")


def test_a_page_that_says_busy_after_it_started_has_played(lane, bob, wire):
    ours = tips(lane, bob, [FIREWORKS] * 2)
    drain()
    ack(lane, ours[0], "started")
    ack(lane, ours[0], "failed", code="not_connected", delivered_seconds=3.0)
    assert states(ours) == [("failed", "failed")] * 2
    assert delivered(ours) == [3, 0]


def test_refused_as_often_as_it_may_be_it_is_dead_with_all_its_history(lane, bob):
    tip_id, now = lane.settled(bob, FIREWORKS), T
    for attempt in range(1, claims.MAX_ATTEMPTS + 1):
        play(lane, now)
        ack(lane, tip_id, "failed", code="app_offline", at=now, attempt=attempt)
        now += seconds(6)
    assert state(tip_id) == ("dead", "dead")
    row = request_of(tip_id)
    assert [error["error"] for error in row["errors"]] == [f"attempt {n}: app_offline" for n in (1, 2, 3)]
    assert row["cause"] == "app_offline"


# --- crashed -----------------------------------------------------------------------------------------------


def test_a_worker_that_dies_before_it_writes_the_run(lane, bob, wire, fail_command):
    """What had joined waits again, each in its own place, and nothing is lost or played twice."""
    ours = tips(lane, bob, [FIREWORKS] * 3)
    fail_command("insert", errorCode=ERROR, **in_collection(Activation))
    with pytest.raises(PyMongoError):
        drain()
    assert states(ours) == [(None, "claimed"), (None, "joined"), (None, "joined")]
    sweep(T + seconds(WINDOW) - timedelta(milliseconds=1))
    assert states(ours) == [(None, "claimed"), (None, "joined"), (None, "joined")]
    played(lane, ours, wire)


def test_a_worker_that_dies_between_the_members_and_their_leader(lane, bob, wire):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    rules = Rules.read([lane.performer_id])
    (leader,) = claims.claim(claims.fronts([lane.performer_id]), by="dies", now=T, lease_seconds=WINDOW)
    decided = dispatch.decide(leader, dispatch.look([leader], now=T))
    batch.gather([batch.BatchRun(leader, decided.outcome, decided.members)], rules)
    assert states(ours) == [(None, "claimed"), ("dispatched", "joined"), ("dispatched", "joined")]
    assert resume.in_flight([lane.performer_id], before=T) == []
    played(lane, ours, wire)


def played(lane, ours, wire):
    """All of them, once each, in order."""
    now, order = T + seconds(WINDOW), []
    wire.raw()
    for _ in range(6):
        play(lane, now)
        for command in wire.commands():
            order += [command["activationId"], *command.get("members", [])]
            ack(
                lane,
                command["tipId"],
                "finished",
                at=now,
                attempt=command["attempt"],
                delivered_seconds=command["durationSec"],
            )
        now += seconds(WINDOW)
    assert order == [f"{tip_id}.all" for tip_id in ours]
    assert states(ours) == [("completed", "completed")] * len(ours)
    assert delivered(ours) == [10] * len(ours)


def test_an_end_whose_recorder_died_is_dealt_out_by_the_sweep(lane, bob, fail_command):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    drain()
    fail_command("update", errorCode=ERROR, **in_collection(QueueRequest))
    with pytest.raises(PyMongoError):
        ack(lane, ours[0], "finished", delivered_seconds=25.0)
    sweep(T + seconds(WINDOW))
    assert states(ours) == [("completed", "completed")] * 3
    assert delivered(ours) == [10, 10, 5]


def test_what_is_cancelled_while_it_joins_is_not_part_of_the_run(lane, bob, monkeypatch):
    """Another process writes its activation between our look and our write."""
    ours = tips(lane, bob, [FIREWORKS] * 3)
    join = claims.join

    def slow(leader, requests):
        joined = join(leader, requests)
        cancelled = activation.new_row(joined[0], T) | {"status": "cancelled", "finished_at": T}
        collection(Activation).insert_one(cancelled)
        return joined

    monkeypatch.setattr(claims, "join", slow)
    drain()
    assert members(ours[0]) == [ours[2]]
    assert activation_of(ours[0])["run_seconds"] == 20
    sweep(T)
    assert states(ours) == [("dispatched", "claimed"), ("cancelled", "cancelled"), ("dispatched", "joined")]


# --- the mode changes, the page goes -----------------------------------------------------------------------


def test_a_change_of_mode_in_the_middle_of_a_run_changes_nothing_of_it(lane, bob, wire):
    ours = tips(lane, bob, [FIREWORKS] * 4)
    drain()
    set_mode(lane, Mode.PRIORITY)
    ack(lane, ours[0], "started")
    sweep(T + seconds(5))
    ack(lane, ours[0], "finished", at=T + seconds(30), delivered_seconds=30.0)
    assert states(ours[:3]) == [("completed", "completed")] * 3
    play(lane, T + seconds(31))
    assert state(ours[3]) == ("dispatched", "claimed")
    assert activation_of(ours[3]).get("members") is None


def test_a_run_that_waits_for_its_next_attempt_stays_one_when_the_mode_changes(lane, bob, wire):
    ours = tips(lane, bob, [FIREWORKS] * 2)
    drain()
    set_mode(lane, Mode.FIFO)
    sweep(T + seconds(WINDOW))
    wire.raw()
    play(lane, T + seconds(WINDOW + 2))
    (command,) = wire.commands()
    assert (command["durationSec"], command["members"]) == (20, [f"{ours[1]}.all"])


def test_without_a_page_for_long_the_run_is_given_up_with_all_its_requests(lane, bob, settings):
    ours = tips(lane, bob, [FIREWORKS] * 2)
    drain()
    pages.release(lane.performer_id, channel=CHANNEL, now=T)
    sweep(T + seconds(WINDOW))
    leases.expire_offline(now=T + seconds(settings.TIP_FRESH_SECONDS + WINDOW + 10), limit=100)
    assert states(ours) == [("dead", "dead")] * 2


def test_eight_workers_and_one_run(lane, bob, wire, in_threads):
    ours = tips(lane, bob, [FIREWORKS] * 3)
    in_threads(lambda: dispatch.drain(now=T, limit=100), times=16)
    assert [len(command["members"]) for command in wire.commands()] == [2]
    in_threads(lambda: ack(lane, ours[0], "finished", delivered_seconds=25.0), times=8)
    assert states(ours) == [("completed", "completed")] * 3
    assert delivered(ours) == [10, 10, 5]
    in_threads(lambda: batch.heal(now=T, limit=100), times=8)
    assert delivered(ours) == [10, 10, 5]


def test_two_performers_do_not_join_each_other(lane, carol, bob):
    hers = Chain(carol)
    hers.publish_menu()
    set_mode(hers, Mode.BATCH)
    assert pages.take(carol.performer_id, page_id="p", channel="channel-carol", slot="web-0", now=T)
    ours, theirs = tips(lane, bob, [FIREWORKS] * 2), tips(hers, bob, [FIREWORKS] * 2)
    drain()
    assert (members(ours[0]), members(theirs[0])) == (ours[1:], theirs[1:])
