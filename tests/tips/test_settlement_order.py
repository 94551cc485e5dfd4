"""In whatever order tips, their ends and tokens arrive, a tip ends once, and its event is there exactly when
it is settled."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from tests.factories import NOW
from tests.tips.calls import (
    CAROL,
    GRACE,
    SETTLED,
    balance,
    bought,
    cancelled,
    end_grace,
    event,
    failed,
    request,
    settle,
    state,
    succeeded,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven")]

NUMBERS = st.sampled_from([1, 2, 3])
STEPS = st.one_of(
    st.tuples(st.just("succeeded"), NUMBERS),
    st.tuples(st.just("cancelled"), NUMBERS),
    st.tuples(st.just("failed"), NUMBERS),
    st.tuples(st.just("bought"), st.sampled_from([50, 100, 150])),
    st.tuples(st.just("settle"), st.sampled_from([1, 200])),
    st.tuples(st.just("end_grace"), st.just(0)),
)
_world = iter(range(1, 10**6))


@hypothesis(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=3, max_size=14))
def test_in_whatever_order_facts_arrive_a_tip_ends_once_and_the_event_is_there_exactly_when_it_is_settled(
    steps,
):
    base = next(_world) * 10
    user, now, tokens = f"{base:024x}", NOW, 0
    for step, value in steps:
        now += timedelta(seconds=7)
        if step == "bought":
            bought(value, user=user)
            tokens += value
        elif step == "settle":
            settle(now, limit=value)
        elif step == "end_grace":
            end_grace(now + GRACE)
        else:
            {"succeeded": succeeded, "cancelled": cancelled, "failed": failed}[step](
                base + value, tipper=user, performer=CAROL
            )
    while settle(now).handled:
        pass
    end_grace(now + GRACE * 2)
    mentioned = {base + value for step, value in steps if step in ("succeeded", "cancelled", "failed")}
    states = {number: state(number) for number in mentioned}
    assert all(found_state[1] in ("settled", "cancelled", "failed") for found_state in states.values())
    settled = {number for number, found_state in states.items() if found_state == SETTLED}
    assert (
        {number for number in mentioned if event(number)}
        == {number for number in mentioned if request(number)}
        == settled
    )
    assert balance(f"user:{user}") == tokens - 100 * len(settled) >= 0
