"""What every gateway promises, whichever ledger is behind it: our own books, and RRR over real sockets."""

from datetime import timedelta

import pytest
from bson import ObjectId

from ledger import gateway
from ledger.books import reversal
from ledger.books.embedded import EmbeddedGateway
from ledger.gateway import (
    COMMISSION,
    ISSUER,
    REVERSAL,
    TRANSFER_IN,
    TRANSFER_OUT,
    InsufficientFunds,
    KeyReused,
    NeedsReconciliation,
    Posted,
    Proof,
    performer_account,
    read,
    user_account,
)
from ledger.rrr.gateway import RrrGateway, member_of
from tests.factories import NOW
from tests.ledger.books import order
from tests.rrr import client_of, simulated

pytestmark = pytest.mark.django_db

BOB, EVE = user_account("507f191e810c19729de860ea"), user_account("507f191e810c19729de860ef")
ANA = performer_account("507f191e810c19729de860eb")
BOTH = (BOB, ANA)


class Embedded:
    def __init__(self, fail_command):
        self.gateway, self._fail = EmbeddedGateway(), fail_command

    def go_down(self):
        self._fail("ping", errorCode=8000)

    def reverse(self, source_ref):
        reversal.reverse([source_ref], reason="test", now=NOW)


class Rrr:
    def __init__(self, simulator):
        self.simulator = simulator
        self.gateway = RrrGateway(client_of(simulator))
        self.go_down, self.reverse = simulator.stop, simulator.books.reverse


@pytest.fixture(params=["embedded", "rrr"])
def world(request, fail_command):
    if request.param == "embedded":
        yield Embedded(fail_command)
    else:
        with simulated() as simulator:
            yield Rrr(simulator)


@pytest.fixture
def ledger(world):
    return world.gateway


def transfer(ledger, *groups):
    return ledger.transfer(groups, now=NOW)


def fund(ledger, account=BOB, tokens=1000):
    (result,) = transfer(ledger, [order(f"PURCHASE_{ObjectId()}", ISSUER, account, tokens)])
    assert isinstance(result, Posted)


def tip(number=1, total=100, payer=BOB):
    return order(f"TIP_{number}", payer, ANA, total, subject=f"tip/{number}")


def balances(ledger):
    return [ledger.balance_of(account) for account in (BOB, ANA, COMMISSION)]


# --- transfer ----------------------------------------------------------------------------------------------


def test_a_transfer_has_a_debit_and_a_credit(ledger):
    fund(ledger)
    (result,) = transfer(ledger, [tip()])
    seen = [(e.account, e.source_ref, e.points_delta, e.balance_after, e.kind) for e in result.entries]
    assert seen == [(BOB, "TIP_1", -100, 900, TRANSFER_OUT), (ANA, "TIP_1", 100, 100, TRANSFER_IN)]
    assert len({entry.entry_id for entry in result.entries}) == 2
    assert all(entry.posted_at for entry in result.entries)
    assert balances(ledger) == [900, 100, 0]


def test_a_repeat_answers_the_same_and_moves_nothing(ledger):
    fund(ledger)
    first = transfer(ledger, [tip()])
    assert transfer(ledger, [tip()]) == first
    assert balances(ledger) == [900, 100, 0]


@pytest.mark.parametrize(
    "other",
    [
        tip(total=101),
        tip(payer=EVE),
        order("TIP_1", BOB, COMMISSION, 100, subject="tip/1"),
        order("TIP_1", BOB, ANA, 100),
    ],
    ids=["amount", "payer", "payee", "subject"],
)
def test_a_key_is_never_used_for_something_else(ledger, other):
    fund(ledger)
    fund(ledger, EVE)
    transfer(ledger, [tip()])
    (refused,) = transfer(ledger, [other])
    assert isinstance(refused, KeyReused)
    assert balances(ledger) == [900, 100, 0]


def test_too_little_is_refused_and_may_be_posted_later(ledger):
    fund(ledger, tokens=99)
    (refused,) = transfer(ledger, [tip()])
    assert isinstance(refused, InsufficientFunds)
    assert refused.reason == "insufficient_funds"
    assert balances(ledger) == [99, 0, 0]
    fund(ledger, tokens=1)
    assert isinstance(transfer(ledger, [tip()])[0], Posted)
    assert balances(ledger) == [0, 100, 0]


def test_a_groups_entries_follow_its_orders(ledger):
    fund(ledger)
    (result,) = transfer(ledger, [tip(), order("TIP_1_COMMISSION", ANA, COMMISSION, 25, subject="tip/1")])
    seen = [(e.account, e.points_delta, e.balance_after) for e in result.entries]
    assert seen == [(BOB, -100, 900), (ANA, 100, 100), (ANA, -25, 75), (COMMISSION, 25, 25)]


def test_a_group_that_fails_at_its_end_leaves_nothing_and_does_not_touch_its_neighbours(ledger):
    fund(ledger)
    groups = [[tip(1)], [tip(2), order("TIP_2_COMMISSION", ANA, COMMISSION, 5000, subject="tip/2")], [tip(3)]]
    assert [type(result) for result in transfer(ledger, *groups)] == [Posted, InsufficientFunds, Posted]
    assert balances(ledger) == [800, 200, 0]
    assert ledger.entries_for("TIP_2", accounts=BOTH) == []


def test_nothing_to_transfer_is_no_error(ledger):
    assert transfer(ledger) == []


def test_eight_threads_transfer_once(ledger, in_threads):
    fund(ledger)
    results = in_threads(lambda: transfer(ledger, [tip()])[0], times=16)
    assert all(result == results[0] for result in results)
    assert balances(ledger) == [900, 100, 0]


def test_amounts_reach_the_largest_exact_integer(ledger):
    most = 2**53 - 1
    fund(ledger, tokens=most)
    (result,) = transfer(ledger, [tip(total=most)])
    assert [entry.points_delta for entry in result.entries] == [-most, most]
    assert balances(ledger) == [0, most, 0]


# --- entries_for -------------------------------------------------------------------------------------------


def test_the_entries_of_a_source_ref_are_the_transfers(ledger):
    fund(ledger)
    (result,) = transfer(ledger, [tip()])
    found = ledger.entries_for("TIP_1", accounts=BOTH)
    assert sorted(found, key=lambda entry: entry.points_delta) == result.entries
    debit, credit = result.entries
    assert read(found) == Proof(
        debit.entry_id, debit.entry_id, credit.entry_id, max(debit.posted_at, credit.posted_at)
    )


def test_they_are_its_own_and_no_neighbours(ledger):
    fund(ledger)
    for key in ("TIP_1", "TIP_1_COMMISSION", "TIP_11", "TIP_1.x", "TIP_1-x", "TIP_"):
        transfer(ledger, [order(key, BOB, ANA, 1)])
    assert {entry.source_ref for entry in ledger.entries_for("TIP_1", accounts=BOTH)} == {"TIP_1"}
    assert len(ledger.entries_for("TIP_1", accounts=BOTH)) == 2


def test_a_source_ref_without_entries_is_an_empty_answer(ledger):
    assert ledger.entries_for("TIP_1", accounts=BOTH) == []  # of people without an account, too
    fund(ledger)
    assert ledger.entries_for("TIP_1", accounts=BOTH) == []
    assert read([]) is None


def test_asking_about_what_was_made_since_finds_what_is_newer(ledger):
    fund(ledger)
    transfer(ledger, [tip()])
    assert len(ledger.entries_for("TIP_1", accounts=BOTH, since=NOW - timedelta(days=400))) == 2


def test_a_reversal_is_seen_beside_the_entries_that_it_takes_back(world, ledger):
    fund(ledger)
    transfer(ledger, [tip()])
    world.reverse("TIP_1")
    found = ledger.entries_for("TIP_1", accounts=BOTH)
    assert sorted(entry.kind for entry in found) == [REVERSAL, REVERSAL, TRANSFER_IN, TRANSFER_OUT]
    with pytest.raises(NeedsReconciliation) as caught:
        read(found)
    assert caught.value.reason == "reversed"


# --- balance_of, health, places_tips -----------------------------------------------------------------------


def test_an_unknown_account_has_nothing(ledger):
    assert ledger.balance_of(EVE) == 0


def test_the_issuer_alone_may_be_below_zero(ledger):
    fund(ledger)
    assert ledger.balance_of(ISSUER) == -1000


def test_health(world, ledger):
    assert ledger.health()
    world.go_down()
    assert not ledger.health()


@pytest.mark.parametrize("placed", [True, False])
def test_who_places_tips_is_a_setting(ledger, settings, placed):
    settings.LEDGER_PLACES_TIPS = placed
    assert ledger.places_tips is placed


def test_the_chosen_gateway_is_the_processs_own(settings):
    gateway.current.cache_clear()
    assert isinstance(gateway.current(), EmbeddedGateway)
    settings.LEDGER_GATEWAY = "rrr"
    gateway.current.cache_clear()
    assert isinstance(gateway.current(), RrrGateway)
    assert gateway.current() is gateway.current()
    gateway.current.cache_clear()


def test_accounts_of_people_are_members_by_the_platforms_ids():
    assert member_of(BOB) == "507f191e810c19729de860ea"
    assert member_of(ANA) == "507f191e810c19729de860eb"
    assert [member_of(ISSUER), member_of(COMMISSION)] == ["issuer-tokens", "platform-commission"]
