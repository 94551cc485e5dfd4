"""A round of dispatch is a value: what is decided rests on what was seen and on nothing else, a step costs
the same whatever the number of lanes, and one bad row holds up its own lane only."""

from copy import deepcopy
from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.deciding.rules import Rules
from lovense.models import Activation
from lovense.sending import dispatch, pages, retries
from tests.chain import Chain
from tests.commands import RECORDER
from tests.factories import NOW, PerformerFactory
from tests.lovense.conftest import activation_of, request_of, seconds
from tips.models import QueueRequest
from tips.queue import claims

pytestmark = pytest.mark.django_db

AT = NOW + seconds(1)  # the first tick of a batch after everything that came at NOW
TOO_LARGE = 2**70  # MongoDB has no such number


@pytest.fixture
def sent_commands():
    """What this process asks of MongoDB from here on, inserts apart."""
    RECORDER.commands = commands = []
    yield commands
    RECORDER.commands = None


def claimed(*chains, now=AT):
    lanes = [chain.performer_id for chain in chains]
    modes = {lane: Rules.read([lane]).mode_of(lane) for lane in lanes}
    return claims.claim(claims.fronts(lanes), by="worker-0", now=now, lease_seconds=10, modes=modes)


def looked(requests, now=AT):
    return dispatch.look(requests, now=now)


def another_lane(bob, channel, *, tips=1):
    chain = Chain(PerformerFactory())
    chain.publish_menu()
    assert pages.take(chain.performer_id, page_id="page", channel=channel, slot="web-0", now=AT)
    return chain, [chain.settled(bob, 100) for _ in range(tips)]


# --- pure --------------------------------------------------------------------------------------------------


def as_a_batch(chain, bob):
    platform.change(key="queue_mode", value="batch", by="dina", now=NOW)
    for _ in range(3):
        chain.settled(bob, 20)
    return claimed(chain)


def over_the_limit(chain, bob):
    platform.change(key="rate_limit_per_minute", value="1", by="dina", now=NOW)
    for _ in range(2):
        chain.settled(bob, 20)
    chain.dispatch()
    claim = claims.claimed(chain.performer_id)
    chain.acknowledge(claim["idempotency_key"], "finished", delivered_seconds=6)
    return claimed(chain)


def refused_before(chain, bob):
    chain.settled(bob, 20)
    chain.dispatch()
    assert retries.refused(claims.claimed(chain.performer_id), "busy", now=NOW)
    return claimed(chain, now=NOW + seconds(5))


def unconfirmed_before(chain, bob):
    chain.settled(bob, 20)
    chain.dispatch()
    assert retries.unconfirmed(claims.claimed(chain.performer_id), now=NOW)
    return claimed(chain, now=NOW + seconds(5))


CASES = [as_a_batch, over_the_limit, refused_before, unconfirmed_before]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_decision_asks_nobody_changes_nothing_and_is_the_same_each_time(case, chain, bob, sent_commands):
    (request,) = case(chain, bob)
    seen = looked([request])
    before = deepcopy((request, seen))
    sent_commands.clear()
    decided = [dispatch.decide(request, seen) for _ in range(2)]
    assert sent_commands == []
    assert decided[0] == decided[1]
    assert (request, seen) == before


def test_what_was_decided_of_each_case(chain, bob):
    (request,) = as_a_batch(chain, bob)
    decided = dispatch.decide(request, looked([request]))
    assert decided.outcome["status"] == "dispatched"
    assert [member.row["leader"] for member in decided.members] == [decided.outcome["_id"]] * 2
    assert {member.row["attempt"] for member in decided.members} == {1}


def test_a_limit_gives_the_claim_back_and_counts_no_attempt(chain, bob):
    (request,) = over_the_limit(chain, bob)
    decided = dispatch.decide(request, looked([request]))
    assert decided.outcome == claims.GivenBack(
        request["_id"], NOW + seconds(60), limit="rate_limit", claim=request["claimed_by"]
    )
    assert dispatch.keep([decided], looked([request])) == []
    row = collection(QueueRequest).find_one({"_id": request["_id"]})
    assert (row["status"], row["attempts"], row["delayed_by"]) == ("pending", 0, "rate_limit")


# --- in bulk -----------------------------------------------------------------------------------------------


def test_a_round_of_many_lanes_asks_as_often_as_a_round_of_one(chain, bob, wire, sent_commands):
    one = chain.settled(bob, 100)
    sent_commands.clear()
    dispatch.drain(now=AT, limit=100)
    of_one = [next(iter(command)) for _, command in sent_commands]
    lanes = [another_lane(bob, f"channel-{number}") for number in range(2, 7)]
    sent_commands.clear()
    dispatch.drain(now=AT, limit=100)
    assert [next(iter(command)) for _, command in sent_commands] == of_one
    tips = [one, *(tip_id for _, tips in lanes for tip_id in tips)]
    assert {activation_of(tip_id)["status"] for tip_id in tips} == {"dispatched"}


def test_what_a_limit_makes_wait_goes_back_in_one_statement(chain, bob, wire, sent_commands):
    platform.change(key="rate_limit_per_minute", value="1", by="dina", now=NOW)
    lanes = [another_lane(bob, f"channel-{number}", tips=2) for number in range(2, 5)]
    dispatch.drain(now=AT, limit=100)
    for chain_of_one, (first, _) in lanes:
        chain_of_one.acknowledge(first, "finished", later=seconds(1), delivered_seconds=10)
    sent_commands.clear()
    dispatch.drain(now=AT, limit=100)
    updates = [command for _, command in sent_commands if command.get("update") == "queue_requests"]
    assert [len(command["updates"]) for command in updates] == [1, 3]  # the claims, and their return
    assert {request_of(second)["delayed_by"] for _, (_, second) in lanes} == {"rate_limit"}


def test_when_all_freed_lanes_have_started_nothing_asks_for_another_round(chain, bob):
    first, second, nothing = (chain.settled(bob, amount) for amount in (100, 100, 101))
    chain.dispatch()

    def freed():
        return dispatch.drain_freed([chain.performer_id], now=AT, deliver=list)

    chain.acknowledge(first, "finished", delivered_seconds=10)
    assert freed() is False
    chain.acknowledge(second, "finished", delivered_seconds=10)
    assert freed() is True  # it ended without playing: the lane is free again
    assert activation_of(nothing)["status"] == "skipped"


# --- one bad row -------------------------------------------------------------------------------------------


def test_what_cannot_be_written_holds_up_its_own_lane_only(chain, bob):
    other, (good,) = another_lane(bob, "channel-2")
    bad = chain.settled(bob, 100)
    requests = claimed(chain, other)
    seen = looked(requests)
    seen.rules.performers[chain.performer_id]["stop_epoch"] = TOO_LARGE
    sent = dispatch.keep([dispatch.decide(request, seen) for request in requests], seen)
    assert [row["tip_id"] for _, row in sent] == [good]
    assert (request_of(good)["status"], request_of(bad)["status"]) == ("claimed", "pending")
    assert [line["error"] for line in request_of(bad)["errors"]] == ["attempt 1: OverflowError"]


def test_what_can_never_be_written_becomes_a_dead_letter(chain, bob):
    bad, now = chain.settled(bob, 100), AT
    for _ in range(claims.MAX_ATTEMPTS):
        (request,) = claimed(chain, now=now)
        seen = looked([request], now)
        seen.rules.performers[chain.performer_id]["stop_epoch"] = TOO_LARGE
        assert dispatch.keep([dispatch.decide(request, seen)], seen) == []
        now += timedelta(seconds=6)
    row = activation_of(bad)
    assert (row["status"], row["reason"], row["attempts"]) == ("dead", "undecidable", [])
    assert (request_of(bad)["status"], request_of(bad)["cause"]) == ("dead", "undecidable")
    assert collection(Activation).count_documents({}) == 1


def test_a_member_that_cannot_be_decided_is_not_asked_when_its_leader_does_not_play(chain, bob):
    (request,) = as_a_batch(chain, bob)
    seen = looked([request])
    seen.rules.platform = dict(seen.rules.platform) | {"enable_lovense": False}
    seen.windows[request["lane"]][0]["payload"] = None
    assert dispatch.decide(request, seen).outcome["reason"] == "kill_switch"
