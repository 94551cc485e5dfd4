"""Controls of a queue: each is a stored fact with its entry, and does what it says, also when it is said
twice or at once."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from pymongo.errors import PyMongoError

from ground import clock
from ground.audit import log as audit_log
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.deciding.activation import activation_id
from lovense.deciding.platform import ROW
from lovense.lane import cancellation, controls, lanes
from lovense.lane.controls import (
    AlreadyFirst,
    AlreadyOver,
    CountChanged,
    InvalidPause,
    NoSuchRequest,
    UnknownMode,
)
from lovense.models import Activation, Performer
from lovense.sending import acknowledgement, dispatch, groups, leases, pages
from lovense.sending.acknowledgement import Ack
from tests.chain import Chain
from tests.factories import NOW
from tests.ground.plans import recorded
from tests.lovense import rounds
from tests.lovense.conftest import CHANNEL, activation_of, request_of, seconds, state
from tips.models import Priority, QueueRequest, RequestType
from tips.queue import claims
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
ERROR = 8000


@pytest.fixture
def who(chain):
    """Ana, at her queue."""
    return {"performer_id": chain.performer_id, "by": "ana", "now": NOW}


def drain(chain, now=NOW):
    pages.take(chain.performer_id, page_id="page-1", channel=CHANNEL, slot="web-0", now=now)
    while dispatch.drain(now=now, limit=9):
        pass


def finish(chain, tip_id, at=NOW, **more):
    acknowledgement.acknowledge([Ack(chain.performer_id, activation_id(tip_id), 1, "finished", at, **more)])


def played(chain, wire, now=NOW):
    """Plays until nothing starts any more; the tips in the order in which they were sent."""
    order = []
    while True:
        drain(chain, now)
        commands = wire.commands()
        if not commands:
            return order
        order += [command["tipId"] for command in commands]
        finish(chain, order[-1], now, delivered_seconds=10)


def entries(target):
    return [
        (entry["action"], entry["before"], entry["after"])
        for entry in reversed(audit_log.of(target, limit=99))
    ]


def actions():
    return [entry["action"] for entry in collection(AuditEntry).find().sort("_id")]


# --- pausing -----------------------------------------------------------------------------------------------


def test_paused_nothing_starts_and_what_plays_goes_on_until_she_resumes(chain, bob, who, wire):
    first, second = chain.settled(bob, 100), chain.settled(bob, 100)
    drain(chain)
    controls.pause(**who, why="a call")
    finish(chain, first, delivered_seconds=10)
    drain(chain, NOW + HOUR)
    assert [state(first), state(second)] == [("completed", "completed"), (None, "pending")]
    row = Performer.objects.get()
    assert (row.paused_at, row.paused_until, row.paused_by, row.paused_why) == (NOW, None, "ana", "a call")
    controls.resume(**who | {"now": NOW + HOUR})
    drain(chain, NOW + HOUR)
    assert state(second) == ("dispatched", "claimed")
    assert Performer.objects.get().paused_at is None
    assert actions() == ["pause", "resume"]


def test_paused_until_a_moment_it_goes_on_by_itself(chain, bob, who):
    controls.pause(**who, why="", until=NOW + HOUR)
    tip_id = chain.settled(bob, 100)
    drain(chain, NOW + HOUR - seconds(1))
    assert state(tip_id) == (None, "pending")
    drain(chain, NOW + HOUR)
    assert state(tip_id) == ("dispatched", "claimed")


def test_a_longer_pause_is_still_one_since_the_first(chain, who):
    controls.pause(**who, why="", until=NOW + HOUR)
    controls.pause(**who | {"now": NOW + seconds(9)}, why="longer")
    row = Performer.objects.get()
    assert (row.paused_at, row.paused_until, row.paused_why) == (NOW, None, "longer")
    ((_, _, first), (_, before, after)) = entries(chain.performer_id)
    assert before == first
    assert (after["paused_at"], after["paused_until"]) == (before["paused_at"], None)


def test_saying_it_again_changes_nothing_and_leaves_no_entry(chain, who):
    for _ in range(2):
        controls.pause(**who, why="a call")
    for _ in range(2):
        controls.resume(**who)
    assert actions() == ["pause", "resume"]


def test_eight_at_once_are_one(chain, who, in_threads):
    in_threads(lambda: controls.pause(**who, why="a call"), times=8)
    assert actions() == ["pause"]


def test_a_pause_that_has_no_entry_is_none(chain, who, fail_command):
    fail_command("insert", errorCode=ERROR, namespace=f"{collection(AuditEntry).database.name}.audit_entries")
    with pytest.raises(PyMongoError):
        controls.pause(**who, why="")
    assert Performer.objects.get().paused_at is None


def test_a_pause_ends_in_the_future(chain, who):
    with pytest.raises(InvalidPause):
        controls.pause(**who, why="", until=NOW)


def test_a_pause_lasts_at_most_a_year_or_until_she_resumes(chain, who):
    year = controls.LONGEST_PAUSE
    controls.pause(**who, why="", until=NOW + year)
    with pytest.raises(InvalidPause):
        controls.pause(**who, why="", until=NOW + year + seconds(1))
    assert Performer.objects.get().paused_until == NOW + year


def test_a_pause_until_the_end_of_the_calendar_breaks_no_answer(chain, bob, who):
    """As an earlier version stored it."""
    chain.settled(bob, 100)
    last = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
    Performer.objects.update(paused_at=NOW, paused_until=last)
    assert lanes.read(chain.performer_id, limit=9, now=NOW).waiting


def test_whoever_is_no_performer_has_no_queue(db):
    stranger = {"performer_id": "nobody", "by": "x", "now": NOW}
    for control in (controls.pause, controls.set_mode):
        more = {"why": ""} if control is controls.pause else {"mode": "fifo"}
        with pytest.raises(NoSuchRequest):
            control(**stranger, **more)
    with pytest.raises(NoSuchRequest):
        controls.resume(**stranger)


# --- a worker that had read the rules before ---------------------------------------------------------------


def hold(how, who):
    """Nothing of hers may start from now on."""
    if how == "pause":
        controls.pause(**who, why="a call")
    else:
        controls.set_draining(is_on=True, by="dina", why="", now=NOW)


def let_go(how, who):
    if how == "pause":
        controls.resume(**who)
    else:
        controls.set_draining(is_on=False, by="dina", why="", now=NOW)


HOLDS = pytest.mark.parametrize("how", ["pause", "drain"])


@HOLDS
def test_held_between_the_reading_of_the_rules_and_the_claim_nothing_starts(how, chain, bob, who, wire):
    tip_id = chain.settled(bob, 100)
    before = request_of(tip_id)
    lanes = dispatch.find(now=NOW)
    hold(how, who)
    dispatch.start(lanes, groups.publish, now=NOW, limit=9)
    assert (state(tip_id), wire.commands()) == ((None, "pending"), [])
    after = request_of(tip_id)
    assert [after[key] for key in ("attempts", "available_at", "turn", "claimed_by", "errors")] == [
        before[key] for key in ("attempts", "available_at", "turn", "claimed_by", "errors")
    ]
    let_go(how, who)
    assert played(chain, wire) == [tip_id]
    assert request_of(tip_id)["attempts"] == 1


@HOLDS
def test_held_before_its_rules_are_read_a_claim_goes_back(how, chain, bob, who, wire):
    tip_id = chain.settled(bob, 100)
    claimed = dispatch.claim(dispatch.find(now=NOW), now=NOW, limit=9)
    hold(how, who)
    assert rounds.record(claimed, now=NOW) == [None]
    assert state(tip_id) == (None, "pending")


@HOLDS
def test_what_had_its_turn_before_she_paused_is_not_taken_back(how, chain, bob, who, wire):
    """Its claim was there before the pause, and its round had seen that nothing holds it."""
    tip_id = chain.settled(bob, 100)
    claimed = dispatch.claim(dispatch.find(now=NOW), now=NOW, limit=9)
    seen = dispatch.look(claimed, now=NOW)
    hold(how, who)
    decided = [dispatch.decide(request, seen) for request in claimed]
    assert [row["tip_id"] for _, row in dispatch.keep(decided, seen)] == [tip_id]
    assert state(tip_id) == ("dispatched", "claimed")


@pytest.mark.parametrize(("is_confirmed", "status"), [(False, "pending"), (True, "claimed")])
def test_held_before_its_next_attempt_only_what_no_page_has_confirmed_waits(
    is_confirmed, status, chain, bob, who, wire
):
    tip_id = chain.settled(bob, 100)
    drain(chain)
    later = NOW + seconds(30)
    leases.expire(now=later, limit=9)
    (again,) = claims.claim(claims.fronts([chain.performer_id]), by="w", now=later + HOUR, lease_seconds=9)
    if is_confirmed:
        acknowledgement.acknowledge([Ack(chain.performer_id, activation_id(tip_id), 1, "started", later)])
    controls.pause(**who, why="a call")
    assert rounds.record([again], now=later + HOUR) == [None]
    assert request_of(tip_id)["status"] == status
    assert request_of(tip_id)["attempts"] == (2 if is_confirmed else 1)


def test_a_mode_is_hers_until_she_takes_the_platforms(chain, who):
    controls.set_mode(**who, mode="priority")
    controls.set_mode(**who, mode=None)
    assert entries(chain.performer_id) == [
        ("set_mode", {"queue_mode": None}, {"queue_mode": "priority"}),
        ("set_mode", {"queue_mode": "priority"}, {"queue_mode": None}),
    ]
    with pytest.raises(UnknownMode):
        controls.set_mode(**who, mode="random")


# --- clearing ----------------------------------------------------------------------------------------------


def clear(who, expected, **more):
    return controls.clear(**who | more, expected=expected, why="enough")


def test_clearing_takes_out_what_waits_and_leaves_what_plays(chain, bob, who, wire):
    tips = [chain.settled(bob, 100) for _ in range(4)]
    drain(chain)
    assert controls.waiting(performer_id=chain.performer_id) == 3
    assert clear(who, 3) == 3
    assert [state(tip_id) for tip_id in tips] == [
        ("dispatched", "claimed"),
        *[("cancelled", "cancelled")] * 3,
    ]
    assert activation_of(tips[3])["cancelled_why"] == "enough"
    assert entries(chain.performer_id) == [("clear", None, {"cancelled": 3})]
    finish(chain, tips[0], delivered_seconds=10)
    wire.raw()
    assert played(chain, wire) == []
    assert clear(who, 0) == 0


def test_another_number_than_was_counted_clears_nothing(chain, bob, who):
    tip_id = chain.settled(bob, 100)
    chain.settled(bob, 100)
    for expected in (0, 1, 3):
        with pytest.raises(CountChanged) as changed:
            clear(who, expected)
        assert changed.value.actual == 2
    assert (state(tip_id), actions()) == ((None, "pending"), [])


def test_what_comes_meanwhile_stays_and_what_gets_its_turn_plays(chain, bob, who, monkeypatch):
    tips = [chain.settled(bob, 100) for _ in range(3)]
    late = []

    def in_between(performer_id, ids, wish):
        if not late:
            late.append(chain.settled(bob, 100))
            drain(chain)
        return part(performer_id, ids, wish)

    part = cancellation._clear
    monkeypatch.setattr(cancellation, "_clear", in_between)
    assert clear(who, 3) == 2
    assert [state(tip_id)[1] for tip_id in (*tips, *late)] == ["claimed", "cancelled", "cancelled", "pending"]


def test_a_process_that_dies_in_the_middle_has_cleared_whole_parts(
    chain, bob, who, fail_command, monkeypatch
):
    monkeypatch.setattr(cancellation, "CLEARED_AT_ONCE", 2)
    tips = [chain.settled(bob, 100) for _ in range(5)]
    part = cancellation._clear

    def dying(performer_id, ids, wish):
        if request_of(tips[0])["status"] == "cancelled":
            fail_command("commitTransaction", errorCode=ERROR)
        return part(performer_id, ids, wish)

    monkeypatch.setattr(cancellation, "_clear", dying)
    with pytest.raises(Exception, match="refused"):
        clear(who, 5)
    assert [state(tip_id)[1] for tip_id in tips] == ["cancelled"] * 2 + ["pending"] * 3
    monkeypatch.setattr(cancellation, "_clear", part)
    assert clear(who, 3) == 3
    assert [after for _, _, after in entries(chain.performer_id)] == [
        {"cancelled": count} for count in (2, 2, 1)
    ]


def test_clearing_twice_at_once_clears_each_once(chain, bob, who, in_threads):
    tips = [chain.settled(bob, 100) for _ in range(6)]

    def attempt():
        try:
            return clear(who, 6)
        except CountChanged:
            return 0

    assert sum(in_threads(attempt, times=4, workers=4)) == 6
    assert {state(tip_id) for tip_id in tips} == {("cancelled", "cancelled")}


def test_of_what_waits_to_be_sent_again_the_page_is_told(chain, bob, who, wire):
    tip_id = chain.settled(bob, 100)
    drain(chain)
    later = NOW + seconds(10)
    leases.expire(now=later, limit=9)
    pages.take(chain.performer_id, page_id="page-1", channel=CHANNEL, slot="web-0", now=later)
    assert clear(who, 1, now=later) == 1
    assert state(tip_id) == ("dispatched", "pending")
    assert [stop["activationIds"] for stop in wire.stops()] == [[f"{tip_id}.all"]]
    assert clear(who, 1, now=later, by="dina") == 0
    assert activation_of(tip_id)["cancelled_by"] == "ana"
    assert actions() == ["clear"]


def test_a_long_queue_is_cleared_in_bounded_parts(chain, bob, who, monkeypatch):
    monkeypatch.setattr(cancellation, "CLEARED_AT_ONCE", 40)
    for _ in range(100):
        chain.deliver(bob, 10)
    chain.settle()
    assert clear(who, 100) == 100
    assert collection(Activation).count_documents({"status": "cancelled"}) == 100
    assert actions() == ["clear"] * 3


# --- moving up ---------------------------------------------------------------------------------------------


def move_up(who, tip_id, **more):
    controls.move_up(**who | more, request_id=queue.request_id(tip_id))


def test_it_changes_places_with_the_one_before_it(chain, bob, who, wire):
    first, second, third = (chain.settled(bob, 100) for _ in range(3))
    move_up(who, third)
    move_up(who, third)
    with pytest.raises(AlreadyFirst):
        move_up(who, third)
    assert played(chain, wire) == [third, first, second]
    assert actions() == ["move_up", "move_up"]
    with pytest.raises(AlreadyOver) as over:
        move_up(who, first)
    assert over.value.ended_as == "completed"


@pytest.mark.parametrize("mode", ["fifo", "priority"])
def test_the_one_before_it_is_that_of_the_mode(chain, bob, who, wire, mode):
    """b has the lowest priority: in priority mode it is the last one, else it is where it settled."""
    a, b, c = (chain.settled(bob, 100) for _ in range(3))
    lane = chain.performer_id
    collection(QueueRequest).update_one({"idempotency_key": b}, {"$set": {"line": f"{lane}/1"}})
    controls.set_mode(**who, mode=mode)
    move_up(who, b if mode == "priority" else c)
    assert played(chain, wire) == {"fifo": [a, c, b], "priority": [a, b, c]}[mode]


def test_what_was_tried_is_not_overtaken(chain, bob, who):
    first, second = chain.settled(bob, 100), chain.settled(bob, 100)
    drain(chain)
    acknowledgement.acknowledge(
        [Ack(chain.performer_id, activation_id(first), 1, "failed", NOW, code="busy")]
    )
    assert state(first) == ("queued", "pending")
    with pytest.raises(AlreadyFirst):
        move_up(who, second)


def test_hers_alone(chain, carol, bob, who):
    chain.settled(bob, 100)
    tip_id = chain.settled(bob, 100)
    with pytest.raises(NoSuchRequest):
        move_up(who, tip_id, performer_id=carol.performer_id)


def test_at_once_with_claims_nothing_is_lost_or_doubled(chain, bob, who, wire, in_threads):
    tips = [chain.settled(bob, 100) for _ in range(6)]
    order = []
    for _ in range(6):

        def step(tip_id=tips[-1]):
            try:
                move_up(who, tip_id)
            except (AlreadyFirst, AlreadyOver):
                return

        ways = iter([step, step, lambda: dispatch.drain(now=NOW, limit=9)])
        in_threads(lambda ways=ways: next(ways)(), times=3, workers=3)
        drain(chain)
        order += [command["tipId"] for command in wire.commands()]
        finish(chain, order[-1], delivered_seconds=10)
    assert sorted(order) == sorted(tips)
    assert [tip_id for tip_id in order if tip_id != tips[-1]] == tips[:-1]


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
