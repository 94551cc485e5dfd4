"""In whatever order a platform, its ledger and its news speak, a tip is settled once with its proof, or says
why not."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from ledger.gateway import REVERSAL
from tests.factories import NOW
from tests.remote import RemoteLedger, World, remote
from tests.tips.calls import (
    ANA,
    BOB,
    SETTLED,
    cancelled,
    event,
    failed,
    found,
    request,
    settle,
    state,
    succeeded,
)
from tests.tips.looks import PATIENCE, VIEWER, TooBusy, doubt, look, ref
from tips.settlement import polling

__all__ = ["remote"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven", "remote")]

NUMBERS = st.sampled_from([1, 2])
STEPS = st.one_of(
    *(
        st.tuples(st.just(step), NUMBERS)
        for step in ("succeeded", "cancelled", "failed", "post", "unpost", "reverse", "fail", "news")
    ),
    st.tuples(st.just("settle"), st.just(200)),
    st.tuples(st.just("look"), st.just(200)),
)
_world = iter(range(1, 10**6))
TOLD = {"succeeded": succeeded, "cancelled": cancelled, "failed": failed}


def post_again(world, number, now):
    world.entries.pop(ref(number), None)
    world.post(ref(number), BOB, ANA, 100, posted_at=now)


def hear(world, number, now):
    world.failures.pop(ref(number), None)
    polling.look_again([ref(number)], now=now, settled_too=True)


HAPPENS = {
    "post": post_again,
    "unpost": lambda world, number, now: world.entries.pop(ref(number), None),
    "reverse": lambda world, number, now: world.entry(ref(number), VIEWER, 100, kind=REVERSAL),
    "fail": lambda world, number, now: world.failures.update({ref(number): TooBusy()}),
    "news": hear,
    "settle": lambda world, number, now: settle(now),
    "look": lambda world, number, now: look(now),
}


def take_step(world, step, number, now):
    if step in TOLD:
        TOLD[step](number)
    else:
        HAPPENS[step](world, number, now)


def may_be_doubted(world, number, steps):
    """What may be said of the tip once the ledger has been asked a last time, about entries that stay."""
    row, entries = found(number), world.entries.get(ref(number), ())
    is_reversed, told = any(entry.kind == REVERSAL for entry in entries), {step for step, _ in steps}
    after = {f"{end}_after_settlement" for end in ("cancelled", "failed") if end in told}
    match row["settlement_status"]:
        case "pending":
            return {"reversed" if is_reversed else "not_posted"}
        case "settled" if is_reversed:
            return {"reversed"}
        case "settled" if entries:
            return {"", *after}
        case "settled":  # the ledger has lost it: what was said before stands
            return {"", "reversed", *after}
        case ended if entries and not is_reversed and row["looks"] is not None:
            return {f"posted_although_{ended}"}
        case _:
            return {""}


@hypothesis(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=3, max_size=16))
def test_in_whatever_order_facts_arrive_a_tip_is_settled_once_with_proof_and_otherwise_says_why(
    remote, steps
):
    base, now = next(_world) * 10, NOW
    RemoteLedger.world = world = World()
    for step, value in steps:
        now += timedelta(seconds=7)
        take_step(world, step, base + value, now)
    settle(now)
    mentioned = {base + value for step, value in steps if step in TOLD}
    unanswered = {number for number in mentioned if ref(number) in world.failures}
    before = {number: doubt(number) for number in unanswered}
    polling.look_again([ref(number) for number in mentioned], now=now, settled_too=True)
    look(now)
    assert {number: doubt(number) for number in unanswered} == before
    world.failures.clear()
    while polling.drain(now=now + PATIENCE * 2, limit=200).handled:
        pass
    settled = {number for number in mentioned if state(number) == SETTLED}
    assert settled <= {base + value for step, value in steps if step == "post"}
    assert (
        {number for number in mentioned if event(number)}
        == {number for number in mentioned if request(number)}
        == settled
    )
    for number in mentioned:
        assert doubt(number) in may_be_doubted(world, number, steps)
        assert not found(number)["next_look_at"]
