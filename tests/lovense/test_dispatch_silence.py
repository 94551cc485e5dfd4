"""What becomes of a tip that no page confirms, of one that is confirmed and never finished, and of one for
which nobody comes."""

from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from lovense import tasks
from lovense.deciding.activation import activation_id
from lovense.lane import healing
from lovense.models import Activation
from lovense.sending import leases, pages
from tests.chain import Chain
from tests.factories import NOW, fund
from tests.lovense.conftest import CHANNEL, Wire, activation_of, request_of, seconds, state
from tests.lovense.rounds import WINDOW, acknowledge, drain, expire, expire_offline, hold
from tips.queue import claims

pytestmark = pytest.mark.django_db

TICK = timedelta(milliseconds=1)


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
