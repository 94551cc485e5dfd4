"""What she decides about seconds that are owed: requeued or waived, once, whoever else tries."""

from contextlib import suppress
from itertools import cycle

import pytest

from ground.audit import log as audit_log
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.lane import deadletters, decisions, rebuild
from lovense.lane.letter import PlaysAsOwed
from lovense.models import OwedState
from lovense.owed import choices, keeping, owing
from lovense.owed.choices import AlreadyDecided, NothingOwed, TooShort, UnderWay, UnknownOutcome
from tests.lovense.conftest import activation_of, request_of, seconds
from tests.lovense.owed.rest import (
    LATER,
    adds_up,
    choice,
    dead,
    expire,
    keep,
    kept,
    owed_of,
    playing,
    request_for,
    requeue,
    set_policy,
    stop_and_answer,
    sums,
    waive,
)
from tests.lovense.rounds import hold
from tests.lovense.stopping.presses import lift
from tests.states import coded, documented, pairs
from tips.models import QueueRequest

pytestmark = pytest.mark.django_db


# --- requeued ----------------------------------------------------------------------------------------------


def test_requeued_it_plays_the_same_item_for_the_whole_seconds(chain, bob, wire):
    tip_id = kept(chain, bob)
    assert requeue(tip_id).is_new
    assert sums(tip_id) == ("requeued", "disconnect", 0.0, 6.0, 0.8)
    request = request_for(tip_id)
    assert (request["type"], request["priority"], request["status"]) == ("lovense.owed", 10, "pending")
    item = activation_of(tip_id)["item"]
    assert request["payload"]["item"] == item | {"durationSec": 6}
    assert (request["payload"]["amount"], request["payload"].get("tipId")) == (0, None)
    assert owed_of(tip_id)["requeued_as"] == request["_id"]
    wire.raw()
    chain.dispatch()
    (command,) = wire.commands()
    assert (command["durationSec"], command["activationId"]) == (6, f"owed-{activation_id(tip_id)}.all")
    assert command["transaction"]["amount"] == 0
    assert adds_up()


def test_what_a_requeued_run_fails_to_deliver_its_own_activation_owes(chain, bob):
    tip_id = kept(chain, bob)
    requeue(tip_id)
    chain.dispatch()
    second = f"owed-{activation_id(tip_id)}"
    chain.acknowledge(second, "finished", delivered_seconds=2.5)
    keep()
    assert sums(second) == ("open", "disconnect", 3.5, 0.0, 0.0)
    requeue(second)
    assert (request_for(second)["payload"]["item"]["durationSec"], adds_up()) == (3, True)


def test_requeued_again_it_is_the_same_request(chain, bob):
    tip_id = kept(chain, bob)
    first, again = requeue(tip_id), requeue(tip_id)
    assert (again.is_new, again.owed["requeued_as"]) == (False, first.owed["requeued_as"])
    wanted = {"type": "lovense.owed"}
    assert collection(QueueRequest).count_documents(wanted) == 1


@pytest.mark.parametrize("decide", [requeue, waive])
def test_many_who_decide_at_once_decide_once(chain, bob, in_threads, decide):
    tip_id = kept(chain, bob)
    in_threads(lambda: decide(tip_id), times=8)
    assert len(audit_log.of(activation_id(tip_id), limit=9)) == 1
    assert collection(QueueRequest).count_documents({"type": "lovense.owed"}) == (decide is requeue)
    assert adds_up()


def test_requeued_and_waived_at_once_it_is_one_of_them(chain, bob, in_threads):
    tip_id = kept(chain, bob)

    turns = cycle([requeue, waive])

    def decide():
        with suppress(AlreadyDecided):
            next(turns)(tip_id)

    in_threads(decide, times=8)
    state = owed_of(tip_id)["state"]
    assert (request_for(tip_id) is not None) == (state == "requeued")
    assert adds_up()


@pytest.mark.parametrize("decide", [requeue, waive])
def test_a_decision_that_dies_has_done_nothing(chain, bob, monkeypatch, decide):
    class Died(BaseException):
        pass

    def die(**more):
        raise Died

    tip_id = kept(chain, bob)
    before = owed_of(tip_id)
    monkeypatch.setattr(choices.audit_log, "record", die)
    with pytest.raises(Died):
        decide(tip_id)
    monkeypatch.undo()
    assert (owed_of(tip_id), request_for(tip_id)) == (before, None)
    assert "requeued_at" not in activation_of(tip_id)
    decide(tip_id)
    assert adds_up()


def test_less_than_two_seconds_are_not_requeued(chain, bob):
    tip_id = kept(chain, bob, 8.1)
    with pytest.raises(TooShort):
        requeue(tip_id)
    assert sums(tip_id) == ("open", "disconnect", 1.9, 0.0, 0.0)
    waive(tip_id)
    assert sums(tip_id) == ("waived", "disconnect", 0.0, 0.0, 1.9)


def test_what_may_have_played_is_requeued_only_when_she_confirms_it(chain, bob):
    tip_id = kept(chain, bob, None)
    with pytest.raises(UnknownOutcome):
        requeue(tip_id)
    assert request_for(tip_id) is None
    requeue(tip_id, is_confirmed=True)
    assert sums(tip_id) == ("requeued", "unknown", 0.0, 10.0, 0.0)


def test_what_is_nobodys_or_another_performers_is_not_found(chain, bob, carol):
    tip_id = kept(chain, bob)
    for decide in (choices.requeue, choices.waive):
        for wrong in (choice("0" * 24), choice(tip_id, performer_id=carol.performer_id)):
            with pytest.raises(NothingOwed):
                decide(wrong)


def test_a_stopped_rest_waits_in_her_queue_until_she_resumes(chain, bob):
    set_policy(chain, "requeue")
    tip_id = playing(chain, bob)
    stop_and_answer(chain, tip_id)
    keep()
    chain.dispatch()
    assert (sums(tip_id)[:2], request_for(tip_id)["status"]) == (("requeued", "stop"), "pending")
    lift(chain.performer)
    chain.dispatch()
    assert request_for(tip_id)["status"] == "claimed"


@pytest.mark.parametrize(("delivered", "cause"), [(None, "unknown"), (9.0, "disconnect")])
def test_her_policy_does_not_requeue_what_may_have_played_or_is_too_short(chain, bob, delivered, cause):
    set_policy(chain, "requeue")
    tip_id = kept(chain, bob, delivered)
    assert (sums(tip_id)[:2], request_for(tip_id)) == (("open", cause), None)


def test_her_policy_waives_with_its_reason_and_an_entry_in_the_audit_log(chain, bob):
    set_policy(chain, "waive")
    tip_id = kept(chain, bob)
    assert (owed_of(tip_id)["why"], owed_of(tip_id)["by"]) == ("by preference", "policy")
    (entry,) = audit_log.of(activation_id(tip_id), limit=9)
    assert (entry["action"], entry["lane"]) == ("waive", chain.performer_id)
    assert entry["before"] == {"state": "open", "owed": 6.8, "requeued": 0.0, "waived": 0.0}
    assert entry["after"] == {"state": "waived", "owed": 0.0, "requeued": 0.0, "waived": 6.8}


# --- and what its first run says later ---------------------------------------------------------------------


def test_a_late_word_about_what_is_requeued_is_not_believed(chain, bob):
    tip_id = playing(chain, bob)
    expire(tip_id)
    keep(LATER)
    requeue(tip_id)
    for is_answer in (True, False):
        chain.acknowledge(tip_id, "finished", delivered_seconds=10.0, is_answer=is_answer, later=seconds(90))
    keep(LATER)
    assert activation_of(tip_id)["status"] == "timeout"
    assert sums(tip_id) == ("requeued", "timeout", 0.0, 10.0, 0.0)
    assert adds_up()


def test_a_late_word_about_what_is_waived_is(chain, bob):
    tip_id = playing(chain, bob)
    expire(tip_id)
    keep(LATER)
    waive(tip_id)
    chain.acknowledge(tip_id, "finished", delivered_seconds=4.0, later=seconds(90))
    keep(LATER)
    assert sums(tip_id) == ("waived", "timeout", 0.0, 0.0, 6.0)
    assert adds_up()


def test_a_late_word_that_is_not_kept_yet_is_known_to_who_decides(chain, bob):
    tip_id = playing(chain, bob)
    expire(tip_id)
    keep(LATER)
    chain.acknowledge(tip_id, "finished", delivered_seconds=10.0, later=seconds(90))
    for decide in (requeue, waive):
        with pytest.raises(AlreadyDecided):
            decide(tip_id)
    keep(LATER)
    assert (sums(tip_id)[0], adds_up()) == ("delivered", True)


def test_a_dead_letter_whose_seconds_are_requeued_does_not_go_back(chain, bob):
    tip_id = dead(chain, bob)
    keep(LATER)
    requeue(tip_id)
    with pytest.raises(PlaysAsOwed):
        decisions.replay(tip_id, by="dina", now=LATER)
    assert decisions.replay_group(expect=1, by="dina", now=LATER)[0] == 0
    assert (activation_of(tip_id)["status"], request_of(tip_id)["status"]) == ("dead", "dead")


def test_a_replay_that_had_read_the_letter_before_it_was_requeued_does_nothing(chain, bob, monkeypatch):
    tip_id = dead(chain, bob)
    keep(LATER)
    stale = deadletters.find(tip_id)
    requeue(tip_id)
    assert decisions._send_back(stale, "dina", LATER) is False
    assert request_of(tip_id)["status"] == "dead"


def test_one_that_was_sent_back_plays_already(chain, bob):
    tip_id = dead(chain, bob)
    keep(LATER)
    decisions.replay(tip_id, by="dina", now=LATER)
    for decide in (requeue, waive):
        with pytest.raises(UnderWay):
            decide(tip_id)


# --- the queue is lost -------------------------------------------------------------------------------------


def test_a_rebuild_restores_what_was_requeued_and_has_not_begun(chain, bob):
    tip_id = kept(chain, bob)
    requeue(tip_id)
    before = request_for(tip_id)
    collection(QueueRequest).delete_many({})
    for _ in range(2):
        rebuild.run(now=LATER)
    after = request_for(tip_id)
    same = ("_id", "type", "lane", "priority", "payload", "status", "submitted_by", "line")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    hold(chain.performer_id, now=LATER)
    chain.dispatch(later=seconds(60))
    collection(QueueRequest).delete_many({})
    rebuild.run(now=LATER)
    assert (request_for(tip_id)["type"], request_for(tip_id)["status"]) == ("lovense.owed", "claimed")


# --- its states --------------------------------------------------------------------------------------------


def move_to(state, tip_id, chain):
    if state is OwedState.REQUEUED:
        requeue(tip_id)
    elif state is OwedState.WAIVED:
        waive(tip_id)
    elif state is OwedState.DELIVERED:
        chain.acknowledge(tip_id, "finished", delivered_seconds=10.0, later=seconds(90))
        keeping.drain(now=LATER, limit=9)


@pytest.mark.parametrize("pair", pairs(OwedState), ids=lambda pair: f"{pair[0]} to {pair[1]}")
def test_it_moves_exactly_as_its_table_says(chain, bob, pair):
    start, to = pair
    tip_id = playing(chain, bob)
    expire(tip_id)
    keep(LATER)
    move_to(start, tip_id, chain)
    before = owed_of(tip_id)
    assert before["state"] == start
    with suppress(Refusal):
        move_to(to, tip_id, chain)
    has_moved = owed_of(tip_id)["state"] == to != start
    assert has_moved == (start in owing.PREDECESSORS.get(to, frozenset()))
    assert has_moved or owed_of(tip_id) == before
    assert adds_up()


def test_the_documented_table_is_the_codes():
    assert documented("Seconds owed") == coded(owing.PREDECESSORS)


def test_a_chain_of_requeued_ones_keeps_its_keys_short():
    key = "507f1f77bcf86cd799439011.all"
    for _ in range(9):
        key = f"{owing.key_of(key)}.all"
        assert len(key) <= owing.LONGEST_KEY + len(".all")
