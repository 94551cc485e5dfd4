"""Who places a tip's transfers is decided when it is recorded, and one posting is the proof of one tip."""

import pytest

from ledger import gateway
from ledger.gateway import performer_account
from tests.factories import NOW
from tests.remote import SECOND, remote
from tests.tips.calls import (
    ANA,
    BOB,
    GRACE,
    REUSED,
    SETTLED,
    WAITING,
    bought,
    event,
    events,
    found,
    settle,
    state,
    succeeded,
    tip_id,
)
from tests.tips.looks import PATIENCE, TooBusy, look, recorded, ref
from tips.settlement import polling, settlement
from tips.settlement.writes import Drained

__all__ = ["remote"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven", "remote")]


# --- one posting is the proof of one tip -------------------------------------------------------------------


@pytest.mark.parametrize("rounds", [1, 2], ids=["one round", "two rounds"])
def test_a_source_ref_of_another_tip_is_refused(remote, rounds):
    remote.post("SALE_1", BOB, ANA, 100)
    for number in (1, 2):
        succeeded(number, 100, sourceRef="SALE_1")
        if rounds == 2:
            settle()
    settle()
    look()
    assert [state(1), state(2), events()] == [SETTLED, REUSED, [1]]


def test_two_tips_with_one_source_ref_recorded_at_once(remote, in_threads):
    for number in range(1, 9):
        succeeded(number, 100, sourceRef="SALE_1")
    in_threads(lambda: settle(limit=2), times=8)
    settle()
    assert sorted(state(number) for number in range(1, 9)) == [REUSED] * 7 + [WAITING]


# --- who places is decided when a tip is recorded ----------------------------------------------------------


def test_a_tip_that_is_looked_at_is_never_placed(remote, settings):
    recorded()
    settings.LEDGER_GATEWAY, settings.LEDGER_PLACES_TIPS = "embedded", True
    gateway.current.cache_clear()
    bought(1000)
    settle()
    settlement.end_grace(now=NOW + PATIENCE, limit=9)
    assert (state(), found()["looks"]) == (WAITING, 0)
    look()
    assert found()["looks"] == 1


def test_a_tip_that_we_place_is_never_looked_at(remote, settings):
    settings.LEDGER_GATEWAY, settings.LEDGER_PLACES_TIPS = "embedded", True
    gateway.current.cache_clear()
    recorded()
    assert (state(), found()["looks"], look()) == (WAITING, None, Drained())
    assert polling.look_again([ref()], now=NOW) == 0


def test_a_tip_that_waited_in_our_own_books_when_the_ledger_was_changed_ends_with_its_grace(remote, settings):
    settings.LEDGER_GATEWAY, settings.LEDGER_PLACES_TIPS = "embedded", True
    gateway.current.cache_clear()
    recorded()
    settings.LEDGER_GATEWAY, settings.LEDGER_PLACES_TIPS = "rrr", False
    gateway.current.cache_clear()
    settlement.end_grace(now=NOW + GRACE, limit=9)
    assert (state(), remote.asked, remote.placed) == (("failed", "failed", "insufficient_funds"), [], [])


def test_our_own_books_can_be_looked_at_too(remote, settings, ana, bob):
    """LEDGER_PLACES_TIPS=false with the embedded ledger: somebody else's program posts into it."""
    from ground.mongodb import transactions
    from ledger.books import posting
    from tests.factories import fund

    settings.LEDGER_GATEWAY = "embedded"
    gateway.current.cache_clear()
    fund(bob, 500)
    recorded()
    order = gateway.Order(ref(), f"tip/{tip_id(1)}", bob.account, performer_account(ANA), 100, NOW)
    transactions.run(lambda session: posting.post([[order]], now=NOW, session=session))
    look()
    assert state() == SETTLED


# --- a ledger that is not ours, in which we place the transfers --------------------------------------------


@pytest.fixture
def placing(remote, settings):
    settings.LEDGER_PLACES_TIPS = True
    return remote


def test_we_place_what_the_ledger_does_not_have_outside_of_any_transaction(placing):
    recorded(commission=25)
    assert (state(), placing.placed) == (WAITING, [])
    look()
    assert (state(), placing.placed) == (SETTLED, [ref(), f"{ref()}_COMMISSION"])
    ledger = event()["payload"]["ledger"]
    assert (ledger["debitRef"], ledger["creditRef"]) == (f"rrr_entry_{ref()}_0", f"rrr_entry_{ref()}_1")
    look(NOW + GRACE)
    assert len(placing.placed) == 2


def test_a_transfer_whose_answer_was_lost_is_found_and_not_placed_again(placing):
    recorded(commission=0)
    placing.lost_answers = [TooBusy()]
    look()
    assert (state(), found()["look_error"]) == (WAITING, "rate_limited")
    look(found()["next_look_at"])
    assert (state(), placing.placed) == (SETTLED, [ref()])


def test_without_the_tokens_it_waits_for_its_grace_and_then_fails(placing):
    recorded()
    placing.refusal = gateway.InsufficientFunds()
    now = NOW
    while found()["next_look_at"]:
        now = found()["next_look_at"]
        look(now)
    assert (state(), now) == (("failed", "failed", "insufficient_funds"), NOW + GRACE)
    assert settlement.end_grace(now=NOW + GRACE, limit=9) == Drained()


def test_tokens_that_arrive_in_time_settle_it(placing):
    recorded()
    placing.refusal = gateway.InsufficientFunds()
    look()
    placing.refusal = None
    look(found()["next_look_at"])
    assert state() == SETTLED


def test_what_the_ledger_refuses_for_good_fails_at_once(placing):
    recorded()
    placing.refusal = gateway.KeyReused()
    look()
    assert state() == REUSED


def test_a_tip_that_was_only_looked_at_is_not_placed_when_the_setting_changes(remote, settings):
    """The platform's own posting may still be on its way."""
    recorded()
    settings.LEDGER_PLACES_TIPS = True
    look()
    assert (state(), remote.placed) == (WAITING, [])


def test_a_refusal_for_good_keeps_the_news_that_came_meanwhile(placing):
    recorded()
    placing.refusal = gateway.KeyReused()
    placing.when_asked = lambda source_ref: polling.look_again([source_ref], now=NOW + SECOND)
    look()
    assert (state(), found()["next_look_at"]) == (REUSED, NOW + SECOND)
