"""Dead letters: what they died of, and what a person decides about them, with an entry for each decision."""

import pytest

from lovense.deciding.activation import activation_id
from lovense.lane import deadletters, decisions
from lovense.lane.deadletters import BY_CAUSE, NEWEST, NoSuchLetter, NotCounted
from lovense.lane.letter import NotDead, Resolution, SettledOtherwise
from lovense.sending import acknowledgement, dispatch
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW
from tests.ground.plans import recorded, scans
from tests.lovense.conftest import request_of, seconds, state
from tests.lovense.letters import LATER, bury, chain, replay, replay_all, review, review_all, told
from tips.queue import claims
from tips.queue import requests as queue

__all__ = ["chain"]
pytestmark = pytest.mark.django_db


# --- looking -----------------------------------------------------------------------------------------------


def test_they_are_grouped_by_cause_with_the_oldest_and_the_newest(chain, bob):
    for later in (0, 5):
        bury(chain, bob, later=later)
    settled = bury(chain, bob, "busy", later=9)
    review(settled)
    busy, silent = deadletters.groups()
    assert (busy.cause, busy.count, busy.replayable, busy.reviewed) == ("busy", 1, 0, 1)
    assert (silent.cause, silent.count, silent.replayable, silent.reviewed) == ("not_received", 2, 2, 0)
    assert (silent.oldest, silent.newest) == (NOW, NOW + seconds(5))
    assert deadletters.count() == 2
    assert deadletters.count(cause="busy") == 0


def test_of_many_those_that_died_last_are_grouped_and_it_is_said(chain, bob, monkeypatch):
    monkeypatch.setattr(deadletters, "LOOKED_AT", 2)
    bury(chain, bob, "busy")
    assert not deadletters.are_cut(deadletters.groups())
    for later in (5, 9, 12):
        bury(chain, bob, later=later)
    (silent,) = deadletters.groups()
    assert (silent.cause, silent.count, silent.oldest) == ("not_received", 2, NOW + seconds(9))
    assert deadletters.are_cut([silent])
    assert deadletters.matching(cause="not_received").is_cut


def test_a_number_to_agree_to_is_exact_however_many_are_looked_at(chain, bob, monkeypatch):
    monkeypatch.setattr(deadletters, "LOOKED_AT", 2)
    for later in (0, 5, 9):
        bury(chain, bob, later=later)
    bury(chain, bob, "busy", later=12)
    review(bury(chain, bob, "busy", later=15))
    told = {group.cause: group.replayable for group in deadletters.whole_groups()}
    assert told == {"not_received": 3, "busy": 1}
    assert {cause: deadletters.count(cause=cause) for cause in told} == told
    assert deadletters.count() == deadletters.count_unreviewed() == 4
    assert replay_all(3, "not_received") == (3, 0)


def test_what_takes_too_long_to_count_is_said_and_nothing_is_done(chain, bob, request):
    tip_id = bury(chain, bob)
    request.getfixturevalue("time_is_up")
    for press in (replay_all, review_all):
        with pytest.raises(NotCounted, match="too many to be counted"):
            press(1)
    assert state(tip_id) == ("dead", "dead")
    assert told() == []


def test_what_was_done_is_told_where_the_others_could_not_be_counted(chain, bob, monkeypatch, request):
    monkeypatch.setattr(decisions, "MOST_AT_ONCE", 2)
    for _ in range(3):
        bury(chain, bob)

    def time_ends(letters):
        request.getfixturevalue("time_is_up")

    assert review_all(3, progress=time_ends) == (2, 1)
    assert len(told()) == 2


@pytest.mark.parametrize(("press", "counted"), [(replay_all, "count"), (review_all, "count_unreviewed")])
@pytest.mark.parametrize("expect", [0, 2])
def test_what_dies_after_the_count_is_not_of_the_number(chain, bob, monkeypatch, press, counted, expect):
    made = [bury(chain, bob) for _ in range(expect)]
    count = getattr(deadletters, counted)

    def count_before_one_dies(**said):
        number = count(**said)
        bury(chain, bob, later=9)
        return number

    monkeypatch.setattr(deadletters, counted, count_before_one_dies)
    assert press(expect) == (expect, 1)
    assert {row[3] for row in told()} == {request_of(tip_id)["_id"] for tip_id in made}


@pytest.mark.parametrize("press", [replay_all, review_all])
def test_a_group_goes_no_further_than_it_is_told(chain, bob, press):
    first = bury(chain, bob)
    for later in (5, 9):
        bury(chain, bob, later=later)
    assert press(3, most=1) == (1, 2)
    assert [row[3] for row in told()] == [request_of(first)["_id"]]


def test_groups_that_take_too_long_to_count_are_those_that_died_last(chain, bob, monkeypatch, request):
    monkeypatch.setattr(deadletters, "LOOKED_AT", 1)
    bury(chain, bob)
    bury(chain, bob, "busy", later=5)
    request.getfixturevalue("time_is_up")
    assert [(group.cause, group.replayable) for group in deadletters.whole_groups()] == [("busy", None)]


def test_without_any_there_is_no_group_and_an_empty_page(chain):
    assert deadletters.groups() == []
    assert deadletters.slice_of() == ([], "")


def test_pages_follow_each_other_without_a_gap_or_a_repeat(chain, bob):
    made = [bury(chain, bob, later=later) for later in (0, 0, 1, 2, 2)]
    seen, place = [], ""
    while True:
        letters, place = deadletters.slice_of(after=place, limit=2)
        seen += [letter.tip_id for letter in letters]
        if not place:
            break
    assert sorted(seen) == sorted(made)
    assert set(seen[:2]) == set(made[3:])
    assert [letter.tip_id for letter in deadletters.slice_of(cause="busy")[0]] == []
    with pytest.raises(deadletters.NoSuchPlace):
        deadletters.slice_of(after="yesterday")


def test_a_letter_tells_its_whole_history(chain, bob):
    tip_id, now = chain.settled(bob, 100), NOW
    for attempt in range(1, claims.MAX_ATTEMPTS + 1):
        dispatch.drain(now=now, limit=9)
        ack = Ack(
            chain.performer_id, activation_id(tip_id), attempt, "failed", now + seconds(1), None, "busy", True
        )
        acknowledgement.acknowledge([ack])
        now += seconds(6)
        chain.now = now
        chain.hold()
    assert state(tip_id) == ("dead", "dead")
    letter = deadletters.find(tip_id)
    told = [line.text for line in letter.history]
    assert told[:3] == [
        "attempt 1: handed over to the page",
        "attempt 1: busy",
        "attempt 2: handed over to the page",
    ]
    assert told[-2:] == [f"attempt {claims.MAX_ATTEMPTS}: handed over to the page", "dead: busy"]
    assert len(told) == 2 * claims.MAX_ATTEMPTS
    assert [gate["gate"] for gate in letter.gates][:2] == ["signature", "duplicate"]
    assert (letter.amount, letter.who, letter.cause, letter.replays) == (100, "bob", "busy", 0)
    assert deadletters.find(letter.request_id).tip_id == tip_id


def test_looking_reads_the_dead_only(chain, bob):
    for _ in range(3):
        chain.settled(bob, 100)
    bury(chain, bob)
    with recorded(run=True) as plans:
        deadletters.groups()
        deadletters.count(cause="not_received")
        deadletters.slice_of(cause="not_received")
    of_queue = [plan for plan in plans if plan.collection == "queue_requests"]
    assert len(of_queue) == 3
    assert [plan.indexes for plan in of_queue] == [[NEWEST], [BY_CAUSE], [BY_CAUSE]]
    assert max(plan.examined for plan in of_queue) <= 2


def test_they_are_listed_in_the_order_of_an_index(chain, bob):
    bury(chain, bob)
    with recorded() as plans:
        deadletters.slice_of()
        deadletters.slice_of(cause="not_received")
        list(deadletters.replayable(cause="", limit=5))
    of_queue = [plan for plan in plans if plan.collection == "queue_requests"]
    assert [plan.indexes for plan in of_queue] == [[name] for name in (NEWEST, BY_CAUSE, NEWEST)]
    assert scans(of_queue) == []


@pytest.mark.parametrize(("cause", "index"), [("", NEWEST), ("not_received", BY_CAUSE)])
def test_a_look_reads_no_more_than_it_says_in_the_order_of_its_index(chain, bob, monkeypatch, cause, index):
    monkeypatch.setattr(deadletters, "LOOKED_AT", 3)
    for _ in range(6):
        review(bury(chain, bob))
    with recorded(run=True) as plans:
        assert deadletters.matching(cause).settled == {"refunded": 3}
        assert deadletters.outlook(cause, limit=5).requests == 0
    of_queue = [plan for plan in plans if plan.collection == "queue_requests"]
    assert [plan.indexes for plan in of_queue] == 2 * [[index]]
    assert max(plan.examined for plan in of_queue) <= 4
    assert scans(of_queue) == []


# --- reviewing ---------------------------------------------------------------------------------------------


def test_a_review_keeps_who_when_what_and_why(chain, bob):
    tip_id = bury(chain, bob)
    letter = review(tip_id, Resolution.WAIVED, "  the viewer agreed ")
    assert letter.review == {"resolution": "waived", "note": "the viewer agreed", "by": "dina", "at": LATER}
    assert state(tip_id) == ("dead", "dead")


def test_reviewing_again_replaces_the_review(chain, bob):
    tip_id = bury(chain, bob)
    review(tip_id, Resolution.WAIVED)
    assert review(tip_id, Resolution.OTHER, "not yet").review["resolution"] == "other"


def test_only_dead_letters_are_reviewed(chain, bob):
    with pytest.raises(NotDead):
        review(chain.played(bob, 100))
    with pytest.raises(NoSuchLetter):
        review("0" * 24)


@pytest.mark.parametrize("resolution", sorted(queue.SETTLED_OTHERWISE))
def test_what_was_settled_otherwise_does_not_go_back(chain, bob, resolution):
    tip_id = bury(chain, bob)
    review(tip_id, Resolution(resolution))
    with pytest.raises(SettledOtherwise, match=f"dina has reviewed it as {resolution}"):
        replay(tip_id)
    assert replay_all(0) == (0, 0)
    assert state(tip_id) == ("dead", "dead")
    review(tip_id, Resolution.OTHER)
    replay(tip_id)
    assert state(tip_id) == ("queued", "pending")


# --- the audit log -----------------------------------------------------------------------------------------


def test_every_decision_leaves_an_entry_and_a_refusal_none(chain, bob):
    tip_id = bury(chain, bob)
    review(tip_id, Resolution.OTHER, "look again")
    replay(tip_id)
    with pytest.raises(NotDead):
        replay(tip_id)
    about = ("dina", request_of(tip_id)["_id"], chain.performer_id)
    dead, pending = {"status": "dead", "cause": "not_received"}, {"status": "pending"}
    assert told() == [
        ("request", "review", *about, {"resolution": None}, {"resolution": "other"}, "look again"),
        ("request", "replay", *about, dead, pending, ""),
    ]


def test_each_letter_of_a_group_has_its_own_entry(chain, bob):
    made = [bury(chain, bob) for _ in range(2)]
    replay_all(2, "not_received")
    assert {(row[3], row[7]) for row in told()} == {
        (request_of(tip_id)["_id"], "all 2 of not_received") for tip_id in made
    }
