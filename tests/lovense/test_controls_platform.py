"""The kill switch and the drain of the platform end or leave what plays and let nothing start; and what
controls cost."""

from types import SimpleNamespace

import pytest
from django.core.management import call_command

from ground import clock
from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.deciding.platform import ROW
from lovense.lane import controls
from lovense.sending import pages
from tests.chain import Chain
from tests.factories import NOW
from tests.ground.plans import recorded
from tests.lovense.conftest import CHANNEL, activation_of, seconds, state
from tests.lovense.controlling import HOUR, actions, drain, entries, finish, who
from tips.models import Priority, QueueRequest, RequestType
from tips.queue import requests as queue

__all__ = ["who"]
pytestmark = pytest.mark.django_db


# --- the kill switch and the drain -------------------------------------------------------------------------


def switch(is_on, now=NOW):
    """`enable_lovense` is the switch: on is false."""
    controls.set_platform(key="enable_lovense", value=str(not is_on), by="dina", why="a complaint", now=now)


def test_the_kill_switch_ends_what_plays_and_lets_nothing_start(chain, bob, wire):
    playing, waiting = chain.settled(bob, 100), chain.settled(bob, 100)
    drain(chain)
    switch(True)
    assert wire.stops()[0]["activationIds"] == [f"{playing}.all"]
    finish(chain, playing, delivered_seconds=1)
    drain(chain)
    assert [state(playing), state(waiting)] == [("cancelled", "cancelled"), ("skipped", "completed")]
    assert (activation_of(playing)["cancelled_by"], activation_of(playing)["cancelled_why"]) == (
        "dina",
        "a complaint",
    )
    switch(False)
    assert entries(ROW) == [
        ("set", {"enable_lovense": True}, {"enable_lovense": False}),
        ("set", {"enable_lovense": False}, {"enable_lovense": True}),
    ]


def test_the_command_goes_the_same_way(chain, bob, wire):
    tip_id = chain.settled(bob, 100)
    drain(chain)
    pages.take(chain.performer_id, page_id="page-1", channel=CHANNEL, slot="web-0", now=clock.now())
    call_command("set_platform", "enable_lovense", "false", "--by", "dina", "--why", "a complaint")
    assert [stop["activationIds"] for stop in wire.stops()] == [[f"{tip_id}.all"]]
    assert [(entry["actor"], entry["why"]) for entry in audit_log.of(ROW, limit=9)] == [
        ("dina", "a complaint")
    ]


def test_a_worker_that_had_read_the_settings_before_is_made_up_for(chain, bob, wire):
    """It sends one after the switch; or whoever switched has died before it ended anything."""
    tip_id = chain.settled(bob, 100)
    drain(chain)
    platform.change(key="enable_lovense", value="false", by="dina", why="a complaint", now=NOW)
    assert wire.stops() == []
    assert controls.heal(now=NOW, limit=9) == 1
    assert [stop["activationIds"] for stop in wire.stops()] == [[f"{tip_id}.all"]]
    assert activation_of(tip_id)["cancelled_by"] == "dina"
    assert controls.heal(now=NOW, limit=9) == 0


def test_switched_on_the_sweep_ends_nothing(chain, bob):
    chain.settled(bob, 100)
    drain(chain)
    switch(False)
    assert controls.heal(now=NOW + HOUR, limit=9) == 0


def test_drained_nothing_starts_and_everything_waits(chain, carol, bob):
    hers = Chain(carol)
    hers.publish_menu()
    playing, waiting, hers_too = chain.settled(bob, 100), chain.settled(bob, 100), hers.settled(bob, 100)
    drain(chain)
    call_command("drain", "on", "--why", "version 2", "--by", "dina")
    finish(chain, playing, delivered_seconds=10)
    pages.take(carol.performer_id, page_id="page-2", channel="channel-carol", slot="web-0", now=NOW)
    drain(chain, NOW + seconds(1))
    assert [state(waiting), state(hers_too)] == [(None, "pending"), (None, "pending")]
    call_command("drain", "off")
    drain(chain, NOW + seconds(1))
    assert [state(waiting), state(hers_too)] == [("dispatched", "claimed")] * 2
    assert entries(ROW) == [
        ("drain", {"is_draining": False}, {"is_draining": True}),
        ("drain", {"is_draining": True}, {"is_draining": False}),
    ]


def test_the_command_waits_until_nothing_plays_and_says_what_is_left(chain, bob, capsys, monkeypatch):
    tip_id = chain.settled(bob, 100)
    drain(chain)

    def look_again(seconds):
        if state(tip_id)[1] == "claimed":
            finish(chain, tip_id, delivered_seconds=10)

    # Its own clock only: the database's client sleeps on threads of its own.
    monkeypatch.setattr("lovense.management.commands.drain.time", SimpleNamespace(sleep=look_again))
    call_command("drain", "on", "--wait")
    assert capsys.readouterr().out.splitlines() == [
        "nothing new starts",
        "1 still under way",
        "nothing is under way",
    ]


def test_a_setting_is_changed_with_an_entry_and_once(db):
    for _ in range(2):
        platform.change(key="minimum_tip", value="20", by="dina", why="spam", now=NOW)
    assert entries(ROW) == [("set", {"minimum_tip": 10}, {"minimum_tip": 20})]
    assert platform.current().minimum_tip == 20
    assert platform.current().rate_limit_per_minute == 30


def test_first_changes_at_once_are_both_there(db, in_threads):
    settings = iter([("minimum_tip", "20"), ("maximum_seconds", "25")] * 2)

    def change():
        key, value = next(settings)
        platform.change(key=key, value=value, by="dina", now=NOW)

    in_threads(change, times=4, workers=4)
    assert (platform.current().minimum_tip, platform.current().maximum_seconds) == (20, 25)
    assert sorted(actions()) == ["set", "set"]


# --- what it costs -----------------------------------------------------------------------------------------


def crowd(chain, count):
    """So many wait in her queue, and as many in another one."""
    rows = []
    for lane in (chain.performer_id, "another"):
        for number in range(count):
            place = {"lane": lane, "position": number, "priority": Priority.HIGH, "now": NOW}
            rows.append(queue.new_row(f"{lane}-{number}", RequestType.TEST, {}, **place))
    collection(QueueRequest).insert_many(rows)


@pytest.mark.parametrize("mode", ["fifo", "priority"])
def test_moving_up_reads_a_few_whatever_the_depth(chain, who, mode):
    controls.set_mode(**who, mode=mode)
    crowd(chain, 300)
    with recorded(run=True) as plans:
        controls.move_up(**who, request_id=queue.request_id(f"{chain.performer_id}-299"))
    assert all(plan.is_indexed for plan in plans if plan.collection == "queue_requests")
    assert max(plan.examined for plan in plans if plan.collection == "queue_requests") <= 4


def test_what_the_sweep_asks_every_second_is_answered_by_indexes(chain, bob):
    crowd(chain, 100)
    chain.settled(bob, 100)
    drain(chain)
    switch(True)
    with recorded(run=True) as plans:
        controls.heal(now=NOW + HOUR, limit=9)
    asked = [plan for plan in plans if plan.collection in ("activations", "queue_requests")]
    assert asked
    assert all(plan.is_indexed and plan.examined <= 1 for plan in asked)
    assert "activation_cancelling" in {index for plan in asked for index in plan.indexes}
