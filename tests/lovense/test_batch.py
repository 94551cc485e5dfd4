"""Batches: what waits for the same item by the same tipper plays as one run, and what joined stays in it."""

from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from lovense.deciding import batch, platform
from lovense.models import Activation, Performer
from lovense.sending import dispatch, leases, pages
from tests.chain import Chain
from tests.factories import NOW
from tests.lovense.conftest import CHANNEL, activation_of, seconds, state
from tests.lovense.rounds import WINDOW
from tests.lovense.runs import (
    EVE,
    FIREWORKS,
    WAVE,
    T,
    ack,
    delivered,
    drain,
    lane,
    members,
    play,
    set_mode,
    states,
    sweep,
    tips,
)
from tips.models import Mode, Priority, QueueRequest, RequestType
from tips.queue import ordering
from tips.queue import requests as queue

__all__ = ["lane"]
pytestmark = pytest.mark.django_db


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
