"""A tip that its platform cancels or fails ends as the platform says, unless it is settled."""

import pytest

from tests.tips.calls import (
    BOB,
    ENDS,
    balance,
    bought,
    cancelled,
    deliveries,
    event,
    failed,
    found,
    request,
    settle,
    state,
    succeeded,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven")]


@pytest.mark.parametrize(("ends", "ended"), ENDS)
@pytest.mark.parametrize("rounds", [1, 2], ids=["one round", "two rounds"])
def test_an_end_before_the_success_holds(ends, ended, rounds):
    bought(500)
    ends()
    if rounds == 2:
        settle()
    succeeded()
    settle()
    assert (state(), event(), balance(f"user:{BOB}")) == (ended, None, 500)
    assert deliveries() == {"processed": 3}


@pytest.mark.parametrize(("ends", "ended"), ENDS)
def test_an_end_while_the_tip_waits_for_tokens_holds(ends, ended):
    succeeded()
    settle()
    ends()
    bought(500)
    settle()
    assert (state(), event(), found()["funding_until"]) == (ended, None, None)


@pytest.mark.parametrize(("ends", "ended"), ENDS)
def test_an_end_in_the_same_round_as_the_success_holds(ends, ended):
    bought(500)
    succeeded()
    ends()
    settle()
    assert (state(), event(), balance(f"user:{BOB}")) == (ended, None, 500)


@pytest.mark.parametrize(("ends", "ended"), ENDS)
def test_an_end_after_settlement_moves_nothing_because_settled_is_final_and_a_person_is_told(ends, ended):
    bought(500)
    succeeded()
    settle()
    before = [found(), event(), request(), balance(f"user:{BOB}")]
    ends()
    settle()
    before[0]["needs_reconciliation"] = f"{ended[0]}_after_settlement"
    assert [found(), event(), request(), balance(f"user:{BOB}")] == before


def test_of_two_ends_the_first_holds():
    cancelled()
    failed()
    settle()
    assert state() == ENDS[0][1]
