"""Every pair of states of an activation, tried with the functions that really move it; and docs/states.md
agrees."""

from contextlib import suppress
from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.deciding.activation import FINAL, LIVE, PREDECESSORS, S, activation_id
from lovense.lane import controls
from lovense.models import Activation
from lovense.sending import acknowledgement, dispatch, leases, pages, retries
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW
from tests.lovense.conftest import CHANNEL, activation_of, request_of, seconds
from tests.states import coded, documented, pairs
from tips.models import QueueRequest
from tips.queue import claims

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
ATTEMPTS = claims.MAX_ATTEMPTS


def set_request(**values):
    collection(QueueRequest).update_one({}, {"$set": values})


def set_activation(**values):
    collection(Activation).update_one({}, {"$set": values})


def sent_again(chain):
    set_request(status="pending", attempts=ATTEMPTS)
    dispatch.drain(now=NOW + seconds(1), limit=9)


def said(stage, code="X"):
    def move(chain):
        key = activation_id(collection(QueueRequest).find_one()["idempotency_key"])
        acknowledgement.acknowledge(
            [Ack(chain.performer_id, key, ATTEMPTS, stage, NOW + seconds(1), 5, code)]
        )

    return move


def waits_again(chain):
    """The device refused it; or a person sent it back."""
    set_request(status="claimed", attempts=1)
    said("failed", "busy")(chain)
    retries.send_back(collection(Activation).find_one()["_id"])


def silence(*, confirmed):
    def move(chain):
        set_activation(received_at=NOW if confirmed else None)
        set_request(status="claimed", attempts=ATTEMPTS, lease_until=NOW)
        leases.expire(now=NOW + HOUR, limit=9)

    return move


def switched_off(chain):
    platform.change(key="enable_lovense", value="false", by="dina", now=NOW)
    sent_again(chain)


def cancelled(chain):
    with suppress(controls.AlreadyOver):
        controls.cancel(
            request_id=collection(QueueRequest).find_one()["_id"],
            performer_id=None,
            by="dina",
            why="",
            now=NOW,
        )
    said("failed", "cancelled")(chain)


def nobody_came(chain):
    pages.release(chain.performer_id, channel=CHANNEL, now=NOW)
    set_request(status="pending")
    leases.expire_offline(now=NOW + HOUR, limit=9)


MOVES = {
    S.DISPATCHED: sent_again,
    S.ACTIVATED: said("started"),
    S.COMPLETED: said("finished"),
    S.FAILED: said("failed"),
    S.TIMEOUT: silence(confirmed=True),
    S.DEAD: silence(confirmed=False),
    S.SKIPPED: switched_off,
    S.EXPIRED: nobody_came,
    S.QUEUED: waits_again,
    S.CANCELLED: cancelled,
}
MARKS = ("status", "attempt", "finished_at", "started_at")


@pytest.fixture
def in_state(chain, bob):
    """A tip whose activation is in the given state."""

    def run(start):
        tip_id = chain.settled(bob, 100)
        chain.dispatch()
        set_activation(status=start.value, attempt=ATTEMPTS)
        if start is S.ACTIVATED:
            set_activation(started_at=NOW)
        return tip_id

    return run


@pytest.mark.parametrize("pair", pairs(S), ids=lambda pair: f"{pair[0]} to {pair[1]}")
def test_an_activation_moves_exactly_as_its_table_says(in_state, chain, pair):
    start, to = pair
    tip_id = in_state(start)
    before = activation_of(tip_id)
    MOVES[to](chain)
    after = activation_of(tip_id)
    has_moved = after.get("status") == to and [before.get(mark) for mark in MARKS] != [
        after.get(mark) for mark in MARKS
    ]
    assert has_moved == (start in PREDECESSORS[to])
    if start in FINAL and to is not S.QUEUED:
        assert after["status"] in (start, S.COMPLETED)


def test_the_documented_table_of_an_activation_is_the_codes():
    assert documented("Activation") == coded(PREDECESSORS)


def test_only_a_late_answer_or_a_person_brings_one_back_from_its_end():
    assert {(to, start) for to, starts in PREDECESSORS.items() for start in starts & FINAL} == {
        (S.COMPLETED, S.TIMEOUT),
        (S.COMPLETED, S.DEAD),
        (S.QUEUED, S.DEAD),
    }
    assert set(S) == LIVE | FINAL


@pytest.mark.parametrize("start", sorted(FINAL))
def test_what_has_ended_is_never_sent_again(in_state, chain, start, wire):
    tip_id = in_state(start)
    wire.raw()
    for now in (NOW, NOW + seconds(30), NOW + HOUR):
        pages.take(chain.performer_id, page_id="page-1", channel=CHANNEL, slot="web-0", now=now)
        set_request(status="pending", attempts=1, available_at=NOW)
        dispatch.drain(now=now, limit=9)
        leases.expire(now=now, limit=9)
    assert wire.commands() == []
    assert activation_of(tip_id)["status"] == start
    assert request_of(tip_id)["status"] in ("completed", "failed", "dead", "cancelled")
