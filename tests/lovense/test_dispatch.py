"""Facts 4 and 5: a request becomes one activation, sent to the page that holds the devices; and every way it
can go wrong."""

from collections import Counter
from datetime import timedelta

import pytest
from pymongo.errors import PyMongoError

from ground.hops import doorbell
from ground.mongodb.collections import collection
from lovense import tasks
from lovense.deciding import platform
from lovense.deciding.activation import activation_id
from lovense.lane import healing
from lovense.menus import publishing
from lovense.models import Activation, TipMenu
from lovense.sending import acknowledgement, dispatch, leases, pages, resume
from lovense.sending.acknowledgement import Ack
from tests import services
from tests.chain import MENU, Chain
from tests.commands import RECORDER
from tests.factories import NOW, PerformerFactory, Viewer, fund
from tests.lovense.conftest import CHANNEL, Wire, activation_of, in_collection, request_of, seconds, state
from tests.lovense.rounds import record
from tips.models import QueueRequest
from tips.queue import claims

pytestmark = pytest.mark.django_db

ERROR = 8000
WINDOW = 10  # seconds in which a page confirms
TICK = timedelta(milliseconds=1)


@pytest.fixture
def sent_commands():
    """What this process asks of MongoDB from here on, inserts apart."""
    RECORDER.commands = commands = []
    yield commands
    RECORDER.commands = None


def drain(now=NOW):
    return dispatch.drain(now=now, limit=100)


def expire(now):
    return leases.expire(now=now, limit=100)


def expire_offline(now):
    return leases.expire_offline(now=now, limit=100)


def hold(performer_id, channel=CHANNEL, *, now=NOW):
    """A page takes the devices; or keeps them, when it has them."""
    assert pages.take(performer_id, page_id="page-1", channel=channel, slot="web-0", now=now)


def acknowledge(tip_id, stage, performer_id, *, at, **more):
    acknowledgement.acknowledge([Ack(performer_id, activation_id(tip_id), 1, stage, at, **more)])


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


# --- not confirmed -----------------------------------------------------------------------------------------


def attempts(chain, wire):
    """Four attempts on a page that says nothing: (attempt, id) of what was sent, the pauses, and the moment
    after."""
    sent, pauses, now = [], [], NOW
    for _ in range(claims.MAX_ATTEMPTS):
        hold(chain.performer_id, now=now)
        drain(now)
        commands = wire.commands()
        sent += [(command["attempt"], command["activationId"]) for command in commands]
        now += seconds(WINDOW)
        assert expire(now - TICK) == 0
        assert expire(now) == 1
        again = request_of(commands[0]["tipId"])["available_at"]
        if again > now:
            hold(chain.performer_id, now=now)
            assert drain(again - TICK) is False
            pauses.append((again - now).total_seconds())
            now = again
    return sent, pauses, now


def test_what_no_page_confirms_is_sent_four_times_under_one_id_and_then_dead(chain, bob, wire):
    tip_id = chain.settled(bob, 100)
    sent, pauses, now = attempts(chain, wire)
    assert sent == [(attempt, f"{tip_id}.all") for attempt in (1, 2, 3, 4)]
    assert [1 <= pause / seconds <= 1.25 for pause, seconds in zip(pauses, (1, 2, 4), strict=True)] == [
        True
    ] * 3
    assert state(tip_id) == ("dead", "dead")
    row = activation_of(tip_id)
    assert (row["reason"], row["attempt"], len(row["attempts"])) == ("not_received", 4, 4)
    assert [error["error"] for error in request_of(tip_id)["errors"]] == [
        f"attempt {attempt}: the page did not confirm it" for attempt in (1, 2, 3)
    ]
    assert request_of(tip_id)["cause"] == "not_received"
    hold(chain.performer_id, now=now)
    assert drain(now) is False
    assert wire.commands() == []


def test_the_next_tip_waits_behind_the_attempts_and_is_then_sent(chain, bob, wire):
    first, second = chain.settled(bob, 100), chain.settled(bob, 100)
    sent, _, now = attempts(chain, wire)
    assert {key for _, key in sent} == {f"{first}.all"}
    hold(chain.performer_id, now=now)
    drain(now)
    assert state(second) == ("dispatched", "claimed")


def test_a_page_that_is_gone_leaves_the_tip_waiting_for_the_next_page(chain, bob, wire):
    tip_id = chain.settled(bob, 100)
    drain()
    pages.release(chain.performer_id, channel=CHANNEL, now=NOW)
    expire(NOW + seconds(WINDOW))
    assert drain(NOW + seconds(WINDOW + 60)) is False
    assert state(tip_id) == ("dispatched", "pending")
    other = Wire("channel-2")
    hold(chain.performer_id, "channel-2", now=NOW + seconds(WINDOW + 60))
    drain(NOW + seconds(WINDOW + 60))
    assert [(command["attempt"], command["tipId"]) for command in other.commands()] == [(2, tip_id)]
    other.close()


def test_confirmed_late_it_is_not_sent_again(chain, bob, wire):
    """The attempt was given back, then the page says that it has it: from there on the outcome is the page's
    to tell."""
    tip_id = chain.settled(bob, 100)
    drain()
    expire(NOW + seconds(WINDOW))
    acknowledge(tip_id, "received", chain.performer_id, at=NOW + seconds(WINDOW))
    wire.raw()
    later = NOW + seconds(WINDOW + 2)
    hold(chain.performer_id, now=later)
    drain(later)
    assert wire.commands() == []
    assert state(tip_id) == ("dispatched", "claimed")
    acknowledge(tip_id, "finished", chain.performer_id, at=later, delivered_seconds=10)
    assert state(tip_id) == ("completed", "completed")


def test_finished_while_the_next_attempt_waits(chain, bob, wire):
    tip_id = chain.settled(bob, 100)
    drain()
    expire(NOW + seconds(WINDOW))
    acknowledge(tip_id, "finished", chain.performer_id, at=NOW + seconds(WINDOW), delivered_seconds=10)
    assert state(tip_id) == ("completed", "completed")


# --- confirmed, and then silence ---------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["received", "started"])
def test_confirmed_and_never_finished_it_ends_as_timeout_and_is_never_sent_again(
    chain, bob, wire, stage, settings
):
    tip_id, following = chain.settled(bob, 100), chain.settled(bob, 100)
    drain()
    acknowledge(tip_id, stage, chain.performer_id, at=NOW + seconds(2))
    end = NOW + seconds(2 + 10 + settings.FINISH_GRACE_SECONDS)
    assert expire(end - TICK) == 0
    expire(end)
    assert state(tip_id) == ("timeout", "failed")
    assert activation_of(tip_id)["reason"] == "not_finished_in_time"
    hold(chain.performer_id, now=end)
    drain(end)
    assert [command["tipId"] for command in wire.commands()] == [tip_id, following]
    acknowledge(following, "finished", chain.performer_id, at=end)
    for later in range(20, 200, 20):
        hold(chain.performer_id, now=NOW + seconds(later))
        drain(NOW + seconds(later))
        expire(NOW + seconds(later))
    assert wire.commands() == []


def test_a_restarted_worker_does_not_cut_a_running_activation_short(chain, bob, settings):
    settings.STACK_SLOT = "worker-0"
    tip_id = chain.settled(bob, 100)
    drain()
    acknowledge(tip_id, "started", chain.performer_id, at=NOW + seconds(1))
    leases.recover("worker-0", now=NOW + seconds(2))
    expire(NOW + seconds(2))
    assert state(tip_id) == ("activated", "claimed")
    assert request_of(tip_id)["lease_until"] == NOW + seconds(1 + 10 + settings.FINISH_GRACE_SECONDS)


def test_a_restarted_worker_leaves_a_page_its_time_to_confirm(chain, bob, settings):
    settings.STACK_SLOT = "worker-0"
    tip_id = chain.settled(bob, 100)
    drain()
    leases.recover("worker-0", now=NOW + seconds(2))
    expire(NOW + seconds(2))
    assert state(tip_id) == ("dispatched", "claimed")
    assert request_of(tip_id)["lease_until"] == NOW + seconds(WINDOW)


def test_a_late_finish_after_timeout_is_believed_once(chain, bob):
    tip_id = chain.settled(bob, 100)
    drain()
    acknowledge(tip_id, "received", chain.performer_id, at=NOW)
    expire(NOW + seconds(60))
    acknowledge(tip_id, "finished", chain.performer_id, at=NOW + seconds(70), delivered_seconds=10)
    acknowledge(tip_id, "finished", chain.performer_id, at=NOW + seconds(80), delivered_seconds=1)
    assert state(tip_id) == ("completed", "completed")
    assert activation_of(tip_id)["delivered_seconds"] == 10


def test_healing_in_eight_threads_is_healing_once(chain, bob, in_threads):
    tip_id = chain.settled(bob, 100)
    drain()
    in_threads(lambda: expire(NOW + seconds(WINDOW)), times=16)
    row = request_of(tip_id)
    assert (row["status"], row["attempts"], len(row["errors"])) == ("pending", 1, 1)


def test_a_claim_that_cannot_be_healed_holds_up_no_other(chain, bob, carol, caplog):
    other = Chain(carol)
    other.publish_menu()
    hold(other.performer_id)
    tips = [chain.settled(bob, 100), other.settled(bob, 100)]
    drain()
    assert [state(tip_id)[1] for tip_id in tips] == ["claimed", "claimed"]
    broken = {"status": "activated", "received_at": None, "started_at": None}
    collection(Activation).update_one({"tip_id": tips[0]}, {"$set": broken | {"dispatched_at": None}})
    for later in (WINDOW, WINDOW + 1):
        expire(NOW + seconds(later))
    assert [state(tip_id)[1] for tip_id in tips] == ["claimed", "pending"]
    told = [record.tip_id for record in caplog.records if record.msg == "claim_not_healed"]
    assert told == [tips[0]]  # and not again in the next round


# --- nobody comes ------------------------------------------------------------------------------------------


def test_without_a_page_for_the_freshness_window_a_tip_expires(chain, bob, settings):
    pages.release(chain.performer_id, channel=CHANNEL, now=NOW)
    tip_id = chain.settled(bob, 100)
    fresh = settings.TIP_FRESH_SECONDS
    assert expire_offline(NOW + seconds(fresh) - TICK) == 0
    assert expire_offline(NOW + seconds(fresh)) == 1
    assert state(tip_id) == ("expired", "completed")
    assert activation_of(tip_id)["reason"] == "device_offline"
    assert expire_offline(NOW + seconds(fresh)) == 0


@pytest.mark.parametrize("returns", [False, True])
@pytest.mark.parametrize("worker", ["new", "the same"])
def test_after_an_outage_pages_have_a_minute_to_come_back(chain, bob, monkeypatch, worker, returns):
    """Nobody renewed a lease, and nobody was there to connect to, for longer than a tip waits."""
    monkeypatch.setattr(tasks, "HEALING", healing.Healer())
    heard = []
    monkeypatch.setattr(tasks.DISPATCH, "ask", lambda: heard.append(1))
    at = NOW

    def heal(now):
        nonlocal at
        while at < now:  # every second, as the beat does
            at += seconds(1)
            monkeypatch.setattr(tasks.clock, "now", lambda at=at: at)
            tasks.heal()

    pages.release(chain.performer_id, channel=CHANNEL, now=NOW)
    tip_id = chain.settled(bob, 100)
    heal(NOW + seconds(100))
    if worker == "new":
        monkeypatch.setattr(tasks, "HEALING", healing.Healer())
    at = back = NOW + seconds(3600)  # it stood still
    heal(back + leases.TIME_TO_RETURN - seconds(1))
    assert request_of(tip_id)["status"] == "pending"
    if returns:
        hold(chain.performer_id, now=at)
    heal(back + leases.TIME_TO_RETURN + seconds(2))
    assert request_of(tip_id)["status"] == ("pending" if returns else "completed")
    assert bool(heard) != returns


def test_a_performer_who_never_opened_a_page(ana, bob, settings):
    chain = Chain(ana)
    chain.publish_menu()
    fund(bob, 1000)
    tips = [chain.settled(bob, amount) for amount in (100, 5, 100)]
    assert expire_offline(NOW + seconds(settings.TIP_FRESH_SECONDS)) == 3
    assert [state(tip_id)[0] for tip_id in tips] == ["expired", "skipped", "expired"]


def test_with_a_page_a_long_queue_does_not_expire(chain, bob, settings):
    tips = [chain.settled(bob, 100) for _ in range(3)]
    drain()
    hold(chain.performer_id, now=NOW + seconds(settings.TIP_FRESH_SECONDS))
    assert expire_offline(NOW + seconds(settings.TIP_FRESH_SECONDS)) == 0
    assert [state(tip_id)[1] for tip_id in tips] == ["claimed", "pending", "pending"]


@pytest.mark.parametrize(("confirmed", "verdict"), [(False, ("dead", "dead")), (True, ("timeout", "failed"))])
def test_sent_to_a_page_that_then_went_for_good_it_has_a_verdict_too(
    chain, bob, settings, confirmed, verdict
):
    tip_id = chain.settled(bob, 100)
    drain()
    expire(NOW + seconds(WINDOW))
    if confirmed:
        acknowledge(tip_id, "received", chain.performer_id, at=NOW + seconds(WINDOW))
    later = NOW + seconds(settings.TIP_FRESH_SECONDS + WINDOW + 2)
    assert (expire(later) or 0) + expire_offline(later) == 1  # what it confirmed has its lane, and a lease
    assert state(tip_id) == verdict
    assert expire_offline(later) == 0


def test_what_was_sent_to_a_page_that_came_back_at_that_moment_is_not_ended(chain, bob, settings):
    """Between the look for performers without a page and the verdict, her page returned and the tip was sent
    to it."""
    tip_id = chain.settled(bob, 100)
    later = NOW + seconds(settings.TIP_FRESH_SECONDS)
    hold(chain.performer_id, now=later)
    drain(later)
    leases._give_up([activation_id(tip_id)], before=NOW, now=later)
    assert state(tip_id) == ("dispatched", "claimed")


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
