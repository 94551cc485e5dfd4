"""A pause and a mode are stored facts with their entries, and hold whatever a worker had read before."""

from datetime import UTC, datetime

import pytest
from pymongo.errors import PyMongoError

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.lane import controls, lanes
from lovense.lane.controls import InvalidPause, NoSuchRequest, UnknownMode
from lovense.models import Performer
from lovense.sending import acknowledgement, dispatch, groups, leases
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW
from tests.lovense import rounds
from tests.lovense.conftest import request_of, seconds, state
from tests.lovense.controlling import HOUR, actions, drain, entries, finish, played, who
from tips.queue import claims

__all__ = ["who"]
pytestmark = pytest.mark.django_db

ERROR = 8000


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
