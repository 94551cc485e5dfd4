"""A tip before its tokens waits for them without any effect, for its grace and no longer."""

from datetime import timedelta

import pytest

from ground.clock import iso
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from ledger.models import Account
from tests.factories import NOW, fund
from tests.tips.calls import (
    ANA,
    BOB,
    ENDS,
    EVE,
    GRACE,
    NO_FUNDS,
    SETTLED,
    TICK,
    WAITING,
    balance,
    bought,
    cancelled,
    end_grace,
    event,
    events,
    found,
    request,
    settle,
    state,
    succeeded,
)
from tips.settlement.writes import Drained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven")]


def came(at):
    """What the inbox holds came then: the doors have no clock but the real one."""
    collection(WebhookDelivery).update_many({"status": "received"}, {"$set": {"received_at": at}})


# --- tokens that come later --------------------------------------------------------------------------------


def test_a_tip_before_its_tokens_waits_without_any_effect():
    succeeded(1, 100)
    assert settle() == Drained(1, set())
    assert state() == WAITING
    assert found()["funding_until"] == NOW + GRACE
    assert (event(), request(), collection(Account).count_documents({})) == (None, None, 0)


def test_it_settles_when_its_tokens_arrive():
    succeeded(1, 100)
    settle()
    bought(99)
    assert settle().performers == set()
    assert state() == WAITING
    bought(1)
    assert settle(NOW + timedelta(seconds=9)).performers == {ANA}
    assert state() == SETTLED
    assert found()["funding_until"] is None
    assert event()["payload"]["createdAt"] == iso(NOW)
    assert event()["payload"]["settlement"]["settledAt"] == iso(NOW + timedelta(seconds=9))


def test_tokens_that_come_in_the_same_round_are_there():
    succeeded(1, 100)
    bought(100)
    settle()
    assert state() == SETTLED


def test_somebody_elses_tokens_wake_nobody():
    succeeded(1, 100)
    settle()
    bought(1000, user=EVE)
    settle()
    assert state() == WAITING


def test_the_tip_that_waited_longest_is_served_first():
    for number in (3, 1, 2):
        succeeded(number, 100)
        settle(NOW + number * TICK if number != 3 else NOW)
    bought(200)
    settle()
    assert events() == [3, 1]
    assert state(2) == WAITING


def test_grace_lasts_to_its_end_and_no_longer(settings):
    succeeded(1, 100)
    settle()
    assert end_grace(NOW + GRACE - TICK).handled == 0
    assert state() == WAITING
    assert end_grace(NOW + GRACE).handled == 1
    assert state() == NO_FUNDS
    assert end_grace(NOW + GRACE * 2).handled == 0


@pytest.mark.parametrize("waits", ["its tokens", "somebody else's", "another tip", "its cancellation"])
def test_a_grace_does_not_end_before_all_is_processed_that_came_in_time(waits):
    """The worker was away: nothing that waits was looked at, so nothing is known of it."""
    succeeded(1, 100)
    settle()
    {
        "its tokens": lambda: bought(100),
        "somebody else's": lambda: bought(100, user=EVE),
        "another tip": lambda: succeeded(2, 100),
        "its cancellation": cancelled,
    }[waits]()
    came(NOW + GRACE - TICK)
    late = NOW + 10 * GRACE
    assert (end_grace(late), state()) == (Drained(), WAITING)
    settle(late)
    end_grace(late)
    assert state() == {"its tokens": SETTLED, "its cancellation": ENDS[0][1]}.get(waits, NO_FUNDS)


def test_a_round_with_some_tokens_does_not_end_a_grace_for_which_the_next_round_has_the_rest():
    succeeded(1, 100)
    settle()
    for tokens in (10, 90):
        bought(tokens)
    came(NOW + GRACE - TICK)
    late = NOW + 10 * GRACE
    settle(late, limit=1)
    assert (state(), end_grace(late)) == (WAITING, Drained())
    settle(late, limit=1)
    assert state() == SETTLED


def test_what_came_when_the_grace_was_over_does_not_keep_it_open():
    succeeded(1, 100)
    settle()
    bought(100)
    came(NOW + GRACE)
    end_grace(NOW + GRACE)
    assert state() == NO_FUNDS


def test_tokens_after_the_grace_stay_with_the_viewer():
    succeeded(1, 100)
    settle()
    end_grace(NOW + GRACE)
    bought(500)
    settle(NOW + GRACE)
    assert (state(), event(), balance(f"user:{BOB}")) == (NO_FUNDS, None, 500)


def test_the_last_look_settles_what_was_not_looked_at(settings):
    settings.DRAIN_LIMIT = 1
    for number in (1, 2):
        succeeded(number, 100)
    settle()
    bought(200)
    settle()
    assert (state(1), state(2)) == (SETTLED, WAITING)
    assert end_grace(NOW + GRACE).performers == {ANA}
    assert state(2) == SETTLED


def test_the_last_look_serves_first_who_waited_longest(bob):
    """Tokens that a reversal gave back, say: they wake nobody, and are not enough for both."""
    for number in (3, 1, 2):
        succeeded(number, 100)
        settle(NOW + number * TICK if number != 3 else NOW)
    fund(bob, 100)
    end_grace(NOW + GRACE * 2)
    assert [state(number) for number in (3, 1, 2)] == [SETTLED, NO_FUNDS, NO_FUNDS]


def test_a_grace_of_nothing_ends_at_the_next_look(settings):
    settings.TIP_FUNDING_GRACE_SECONDS = 0
    succeeded(1, 100)
    settle()
    end_grace(NOW)
    assert state() == NO_FUNDS


def test_tokens_are_not_spent_twice():
    bought(150)
    for number in (1, 2):
        succeeded(number, 100)
    settle()
    assert [state(1), state(2)] == [SETTLED, WAITING]
    assert balance(f"user:{BOB}") == 50


# --- tokens and the end of grace at once -------------------------------------------------------------------


@pytest.mark.parametrize("ends_first", [False, True], ids=["any", "the end first"])
def test_tokens_that_came_in_time_and_the_end_of_grace_at_once_settle_the_tip(in_threads, ends_first):
    """However late we are with them."""
    for number in range(1, 6):
        succeeded(number, 100)
        settle()
        bought(100)
        came(NOW + GRACE - TICK)
        if ends_first:
            assert end_grace(NOW + GRACE) == Drained()
        works = [lambda: settle(NOW + GRACE), lambda: end_grace(NOW + GRACE)] * 2
        in_threads(lambda works=works: works.pop()(), times=4, workers=4)
        assert (state(number), event(number) is not None) == (SETTLED, True)
        assert request(number)["status"] == "pending"
    assert balance(f"user:{BOB}") == 0


def test_tokens_that_came_after_the_grace_and_its_end_at_once_have_one_outcome(in_threads):
    for round_number in range(1, 6):
        succeeded(round_number, 100)
        settle()
        bought(100)
        came(NOW + GRACE)
        works = [lambda: settle(NOW + GRACE), lambda: end_grace(NOW + GRACE)] * 2
        in_threads(lambda works=works: works.pop()(), times=4, workers=4)
        settle(NOW + GRACE)
        assert state(round_number) in (SETTLED, NO_FUNDS)
        assert (event(round_number) is not None) == (state(round_number) == SETTLED)
        if state(round_number) == NO_FUNDS:
            succeeded(100 + round_number, 100)  # spends what came too late, so that every round begins alike
            settle()
    assert balance(f"user:{BOB}") == 0
