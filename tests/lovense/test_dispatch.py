"""Facts 4 and 5: a request becomes one activation, sent to the page that holds the devices, also when workers
meet, die, or cannot decide."""

from collections import Counter
from datetime import timedelta

import pytest
from pymongo.errors import PyMongoError

from ground.hops import doorbell
from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.deciding.activation import activation_id
from lovense.menus import publishing
from lovense.models import Activation, TipMenu
from lovense.sending import acknowledgement, leases, pages, resume
from lovense.sending.acknowledgement import Ack
from tests import services
from tests.chain import MENU, Chain
from tests.commands import RECORDER
from tests.factories import NOW, PerformerFactory, Viewer, fund
from tests.lovense.conftest import CHANNEL, Wire, activation_of, in_collection, request_of, seconds, state
from tests.lovense.rounds import WINDOW, acknowledge, drain, expire, expire_offline, hold, record
from tips.models import QueueRequest
from tips.queue import claims

pytestmark = pytest.mark.django_db

TICK = timedelta(milliseconds=1)
ERROR = 8000


@pytest.fixture
def sent_commands():
    """What this process asks of MongoDB from here on, inserts apart."""
    RECORDER.commands = commands = []
    yield commands
    RECORDER.commands = None


# --- once --------------------------------------------------------------------------------------------------


def test_a_settled_tip_is_claimed_decided_and_sent_to_the_page(chain, bob, wire):
    tip_id = chain.settled(bob, 100)
    assert drain() is False
    assert state(tip_id) == ("dispatched", "claimed")
    (command,) = wire.commands()
    assert (command["type"], command["activationId"], command["attempt"]) == (
        "lovense.activate",
        f"{tip_id}.all",
        1,
    )
    assert (command["tipId"], command["durationSec"], command["stopEpoch"]) == (tip_id, 10, 0)
    assert command["commands"] == activation_of(tip_id)["commands"]
    assert command["tipper"] == {"username": "bob"}
    assert command["ledger"]["status"] == "SETTLED"
    assert request_of(tip_id)["lease_until"] == NOW + seconds(WINDOW)


@pytest.mark.parametrize("stages", [["received"], ["started"], ["finished", "received"]])
def test_what_a_page_has_confirmed_outlives_a_failover(stages, chain, bob, sent_commands):
    """What another page must not play a second time is kept by a majority before the page is answered."""
    tip_id = chain.settled(bob, 100)
    drain()
    sent_commands.clear()
    acknowledgement.acknowledge(
        [Ack(chain.performer_id, activation_id(tip_id), 1, each, NOW) for each in stages]
    )
    (written,) = [command for _, command in sent_commands if command.get("update") == "activations"]
    assert written["writeConcern"]["w"] == "majority"


def test_the_plain_end_waits_for_a_majority_once(chain, bob, sent_commands):
    """The oplog is ordered: what keeps the request's end keeps the activation's before it."""
    tip_id = chain.settled(bob, 100)
    drain()
    sent_commands.clear()
    acknowledgement.acknowledge([Ack(chain.performer_id, activation_id(tip_id), 1, "finished", NOW)])
    written = [command for _, command in sent_commands if "update" in command]
    assert [(command["update"], command["writeConcern"]["w"]) for command in written][-2:] == [
        ("activations", 1),
        ("queue_requests", "majority"),
    ]


def test_one_at_a_time_in_the_order_of_settlement(chain, bob, wire):
    tips = [chain.settled(bob, 100) for _ in range(3)]
    for tip_id in tips:
        drain()
        drain()
        assert [command["tipId"] for command in wire.commands()] == [tip_id]
        acknowledge(tip_id, "finished", chain.performer_id, at=NOW)
    assert {state(tip_id) for tip_id in tips} == {("completed", "completed")}


def test_a_tip_that_does_nothing_is_answered_and_frees_its_lane(chain, bob, wire):
    nothing, something = chain.settled(bob, 101), chain.settled(bob, 100)
    assert drain() is True
    assert state(nothing) == ("skipped", "completed")
    assert drain() is False
    assert state(something) == ("dispatched", "claimed")
    assert [command["tipId"] for command in wire.commands()] == [something]


def test_without_a_page_a_tip_waits_and_nothing_is_decided(chain, bob, wire):
    pages.release(chain.performer_id, channel=CHANNEL, now=NOW)
    tip_id = chain.settled(bob, 100)
    assert drain() is False
    assert state(tip_id) == (None, "pending")
    hold(chain.performer_id)
    drain()
    assert state(tip_id) == ("dispatched", "claimed")


def test_performers_do_not_wait_for_each_other(chain, carol, bob):
    hers = Chain(carol)
    hers.publish_menu()
    hold(carol.performer_id, "channel-carol")
    fund(bob, 1000)
    ours = [chain.settled(bob, 100) for _ in range(2)]
    theirs = hers.settled(bob, 100)
    wire = Wire(CHANNEL, "channel-carol")
    drain()
    assert [command["tipId"] for command in wire.commands()] == [ours[0], theirs]
    wire.close()


# --- repeated and concurrent -------------------------------------------------------------------------------


def test_draining_again_sends_nothing_again(chain, bob, wire):
    tip_id = chain.settled(bob, 100)
    drain()
    before = activation_of(tip_id), request_of(tip_id)
    for _ in range(3):
        assert drain(NOW + seconds(1)) is False
    assert (activation_of(tip_id), request_of(tip_id)) == before
    assert len(wire.commands()) == 1


def test_eight_drains_at_once_send_each_tip_once(db, bob, in_threads):
    fund(bob, 10_000)
    chains = [Chain(PerformerFactory.create()) for _ in range(12)]
    for chain in chains:
        chain.publish_menu()
        hold(chain.performer_id, f"channel-{chain.performer_id}")
    tips = [chain.settled(bob, 100) for chain in chains for _ in range(2)]
    wire = Wire(*(f"channel-{chain.performer_id}" for chain in chains))
    in_threads(drain, times=16)
    sent = Counter(command["tipId"] for command in wire.commands())
    wire.close()
    assert sent == Counter(tips[::2])
    assert Counter(state(tip_id) for tip_id in tips) == {("dispatched", "claimed"): 12, (None, "pending"): 12}


def test_while_one_page_finishes_and_workers_drain_every_tip_plays_once_in_order(
    chain, bob, wire, in_threads
):
    tips = [chain.settled(bob, 100) for _ in range(6)]
    played = []

    def page():
        for command in wire.commands():
            played.append(command["tipId"])
            acknowledge(command["tipId"], "finished", chain.performer_id, at=NOW)

    for _ in range(20):
        in_threads(drain, times=4, workers=4)
        page()
    assert played == tips


# --- crashed -----------------------------------------------------------------------------------------------


def test_a_worker_that_dies_between_claim_and_decision(chain, bob, wire, fail_command):
    tip_id = chain.settled(bob, 100)
    fail_command("insert", errorCode=ERROR, **in_collection(Activation))
    with pytest.raises(PyMongoError):
        drain()
    assert state(tip_id) == (None, "claimed")
    assert expire(NOW + seconds(WINDOW) - TICK) == 0
    assert expire(NOW + seconds(WINDOW)) == 1
    assert state(tip_id) == (None, "pending")
    hold(chain.performer_id, now=NOW + seconds(WINDOW))
    drain(NOW + seconds(WINDOW))
    assert state(tip_id) == ("dispatched", "claimed")
    assert [command["attempt"] for command in wire.commands()] == [2]
    assert (
        request_of(tip_id)["errors"][0]["error"]
        == "attempt 1: the worker died before it handed anything over"
    )


def test_its_successor_in_the_same_slot_looks_at_once(chain, bob, fail_command, settings):
    settings.STACK_SLOT = "worker-0"
    tip_id = chain.settled(bob, 100)
    fail_command("insert", errorCode=ERROR, **in_collection(Activation))
    with pytest.raises(PyMongoError):
        drain()
    assert leases.recover("worker-1", now=NOW + TICK) == 0
    assert leases.recover("worker-0", now=NOW + TICK) == 1
    assert expire(NOW + TICK) == 1
    assert state(tip_id) == (None, "pending")


def test_a_worker_that_dies_between_the_decision_and_the_sending(chain, bob, wire):
    """Redis is away when it sends: the activation is durable, so whoever asks next finds it."""
    tip_id = chain.settled(bob, 100)
    wire.close()
    services.running.redis.stop()
    try:
        drain()
    finally:
        services.running.redis.start()
    assert state(tip_id) == ("dispatched", "claimed")
    (command,) = resume.in_flight([chain.performer_id], before=NOW)
    assert (command.activation_id, command.attempt, command.is_overdue) == (f"{tip_id}.all", 1, False)
    assert expire(NOW + seconds(WINDOW)) == 1
    assert state(tip_id) == ("dispatched", "pending")


def test_a_worker_that_dies_before_it_ends_the_request_of_a_skipped_tip(chain, bob, fail_command):
    tip_id = chain.settled(bob, 101)
    claimed = claims.claim(claims.fronts([chain.performer_id]), by="worker-0", now=NOW, lease_seconds=WINDOW)
    fail_command("update", errorCode=ERROR, **in_collection(QueueRequest))
    with pytest.raises(PyMongoError):
        record(claimed, now=NOW)
    assert state(tip_id) == ("skipped", "claimed")
    expire(NOW + seconds(WINDOW))
    assert state(tip_id) == ("skipped", "completed")


def test_when_another_worker_decided_first_nothing_is_sent_or_ended_by_us(chain, bob, wire):
    """We stood still after our claim, lost it, and another worker has sent it; our own decision would have
    been to skip."""
    tip_id = chain.settled(bob, 100)
    (ours,) = claims.claim(claims.fronts([chain.performer_id]), by="slow", now=NOW, lease_seconds=WINDOW)
    expire(NOW + seconds(WINDOW))
    hold(chain.performer_id, now=NOW + seconds(WINDOW))
    drain(NOW + seconds(WINDOW))
    before = activation_of(tip_id), request_of(tip_id)
    assert before[0]["status"] == "dispatched"
    platform.change(key="enable_lovense", value="false", by="dina", now=NOW)
    assert record([ours], now=NOW + seconds(11)) == [None]
    assert (activation_of(tip_id), request_of(tip_id)) == before
    platform.change(key="enable_lovense", value="true", by="dina", now=NOW)
    assert record([ours], now=NOW + seconds(11)) == [None]
    assert (activation_of(tip_id), request_of(tip_id)) == before


def test_a_tip_that_cannot_be_decided_holds_up_its_own_lane_only(chain, carol, bob, caplog):
    hers = Chain(carol)
    hers.publish_menu()
    hold(carol.performer_id, "channel-carol")
    bad, good = chain.settled(bob, 100), hers.settled(bob, 100)
    collection(TipMenu).update_one(
        {"_id": f"{chain.performer_id}.1"}, {"$set": {"items.1.pattern": "unheard of"}}
    )
    drain()
    assert [state(bad), state(good)] == [(None, "pending"), ("dispatched", "claimed")]
    assert "dispatch_failed" in {record.msg for record in caplog.records}
    publishing.publish(chain.performer_id, MENU, NOW)
    drain(NOW + seconds(2))
    assert state(bad) == ("dispatched", "claimed")


def test_a_tip_that_can_never_be_decided_becomes_a_dead_letter_with_its_history(chain, bob, wire):
    bad, next_one = chain.settled(bob, 100), chain.settled(bob, 10)
    collection(TipMenu).update_one(
        {"_id": f"{chain.performer_id}.1"}, {"$set": {"items.1.pattern": "unheard of"}}
    )
    for pause in (0, 2, 6, 12):
        hold(chain.performer_id, now=NOW + seconds(pause))
        drain(NOW + seconds(pause))
    assert state(bad) == ("dead", "dead")
    assert request_of(bad)["cause"] == "undecidable"
    assert [error["error"] for error in request_of(bad)["errors"]] == [
        f"attempt {attempt}: InvalidVibration" for attempt in (1, 2, 3)
    ]
    drain(NOW + seconds(12))
    assert state(next_one) == ("dispatched", "claimed")


def test_a_request_that_kills_every_worker_that_takes_it_becomes_a_dead_letter(
    chain, bob, wire, fail_command
):
    tip_id, now = chain.settled(bob, 100), NOW
    for _ in range(claims.MAX_ATTEMPTS):
        hold(chain.performer_id, now=now)
        fail_command("insert", errorCode=ERROR, **in_collection(Activation))
        with pytest.raises(PyMongoError):
            drain(now)
        now += seconds(WINDOW)
        expire(now)
    assert state(tip_id) == ("dead", "dead")
    assert request_of(tip_id)["cause"] == "worker_died"


# --- what a returning page is told -------------------------------------------------------------------------


def test_a_page_that_takes_the_devices_is_told_what_is_in_flight(chain, bob):
    tip_id = chain.settled(bob, 100)
    drain()
    (command,) = resume.resume(chain.performer_id, now=NOW)
    assert (command.performer_id, command.activation_id, command.attempt) == (
        chain.performer_id,
        f"{tip_id}.all",
        1,
    )
    acknowledge(tip_id, "started", chain.performer_id, at=NOW)
    assert len(resume.resume(chain.performer_id, now=NOW)) == 1
    acknowledge(tip_id, "finished", chain.performer_id, at=NOW)
    assert resume.resume(chain.performer_id, now=NOW) == []


def test_the_same_command_is_the_same_text_however_often_it_is_built(chain, bob, wire):
    chain.settled(bob, 100)
    drain()
    (sent,) = wire.raw()
    (command,) = resume.in_flight([chain.performer_id], before=NOW, leases={chain.performer_id: 1})
    assert command.text.encode() in sent[1]


def test_a_page_is_told_only_of_its_own_performer(chain, bob, carol):
    chain.settled(bob, 100)
    drain()
    assert resume.resume(carol.performer_id, now=NOW) == []


def test_an_end_whose_recorder_died_frees_the_lane_when_the_page_returns(chain, bob, fail_command):
    tip_id = chain.settled(bob, 100)
    drain()
    fail_command("update", errorCode=ERROR, **in_collection(QueueRequest))
    with pytest.raises(PyMongoError):
        acknowledge(tip_id, "finished", chain.performer_id, at=NOW, is_answer=True)
    assert state(tip_id) == ("completed", "claimed")
    assert resume.resume(chain.performer_id, now=NOW) == []
    assert state(tip_id) == ("completed", "completed")


def test_nothing_to_do(db):
    assert drain() is False
    assert expire(NOW) == expire_offline(NOW) == 0
    assert resume.in_flight(["f" * 24], before=NOW) == []
    assert doorbell.connection().keys("*") == []


def test_a_viewer_of_many_performers_is_nobody_elses_business(chain, carol, bob):
    """A tip to Carol never reaches Ana's page."""
    hers = Chain(carol)
    hers.publish_menu()
    fund(Viewer("a" * 24, "eve"), 500)
    hers.settled(Viewer("a" * 24, "eve"), 100)
    wire = Wire(CHANNEL)
    drain()
    assert wire.commands() == []
    wire.close()
