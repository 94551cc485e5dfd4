"""How the entries of one source_ref are read, and what the embedded gateway answers to the four questions."""

from datetime import timedelta

import pytest

from ground.mongodb import transactions
from ledger import gateway
from ledger.gateway import REVERSAL, TRANSFER_IN, TRANSFER_OUT, NeedsReconciliation, PostedEntry, Proof, read
from tests.factories import NOW
from tests.ledger.books import issued, order, post


def entry(key, delta, posted_at=NOW, kind=""):
    return PostedEntry(
        key, "account", "TIP_1", delta, 0, posted_at, kind or (TRANSFER_OUT if delta < 0 else TRANSFER_IN)
    )


LATER = NOW + timedelta(hours=48)


def test_no_entry_is_no_proof():
    assert read([]) is None


def test_one_posted_entry_is_the_proof_and_no_ref_is_invented():
    assert read([entry("e", -5)]) == Proof("e", None, None, NOW)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_debit_and_a_credit_are_the_proof_with_the_later_time(swapped):
    both = [entry("d", -5, NOW), entry("c", 5, LATER)]
    assert read(both[::-1] if swapped else both) == Proof("d", "d", "c", LATER)


@pytest.mark.parametrize(
    "entries",
    [
        [entry("e", -5, None)],
        [entry("d", -5), entry("c", 5, None)],
        [entry("d", -5, None), entry("c", 5, None)],
        [entry("a", 1), entry("b", 1), entry("c", 1, None)],
    ],
)
def test_while_an_entry_is_not_posted_there_is_no_proof(entries):
    assert read(entries) is None


@pytest.mark.parametrize(
    ("deltas", "reason"),
    [
        ((-5, -5), "same_sign"),
        ((5, 5), "same_sign"),
        ((-5, 0), "same_sign"),
        ((0, 5), "same_sign"),
        ((0, 0), "same_sign"),
        ((-5, 5, 5), "too_many_entries"),
        ((-5, 5, 0), "too_many_entries"),
        ((-5, 5, -1, 1), "too_many_entries"),
    ],
)
def test_what_cannot_be_one_transfer_needs_reconciliation(deltas, reason):
    with pytest.raises(NeedsReconciliation) as caught:
        read([entry(str(place), delta) for place, delta in enumerate(deltas)])
    assert caught.value.reason == reason


@pytest.mark.parametrize("posted_at", [NOW, None])
@pytest.mark.parametrize(
    "others", [[], [entry("d", -5)], [entry("d", -5), entry("c", 5)], [entry("d", -5, None)]]
)
def test_a_reversal_posted_or_not_needs_reconciliation(others, posted_at):
    with pytest.raises(NeedsReconciliation) as caught:
        read([*others, entry("r", 5, posted_at, REVERSAL)])
    assert caught.value.reason == "reversed"


@pytest.mark.parametrize("kind", ["EARN", "REDEEM", "EXPIRE", "ADJUST", "TRANSFER_IN", "TRANSFER_OUT"])
def test_a_single_entry_of_any_other_kind_is_the_proof(kind):
    assert read([entry("e", -5, kind=kind)]) == Proof("e", None, None, NOW)


# --- the embedded gateway ----------------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


def test_a_source_refs_entries_are_its_own_and_no_neighbours():
    post([issued("a", 100)])
    for key in ("TIP_1", "TIP_1_COMMISSION", "TIP_11", "TIP_1.x", "TIP_1-x", "TIP_"):
        post([order(key, "a", "b", 1)])
    found = gateway.current().entries_for("TIP_1", accounts=("a", "b"))
    assert sorted(one.entry_id for one in found) == ["TIP_1:credit", "TIP_1:debit"]
    assert read(found) == Proof("TIP_1:debit", "TIP_1:debit", "TIP_1:credit", NOW)
    assert gateway.current().entries_for("TIP_2", accounts=("a", "b")) == []


def test_balances():
    post([issued("a", 100)], [order("t", "a", "b", 30)])
    assert [gateway.current().balance_of(name) for name in ("a", "b", "unknown")] == [70, 30, 0]


def test_a_transfer_through_the_gateway_is_the_posting():
    groups = [[issued("a", 100)], [order("t", "a", "b", 101)]]
    posted, refused = transactions.run(
        lambda session: gateway.current().transfer(groups, now=NOW, session=session)
    )
    assert [one.points_delta for one in posted.entries] == [-100, 100]
    assert refused.reason == "insufficient_funds"


def test_health(fail_command):
    assert gateway.current().health()
    fail_command("ping", errorCode=8000)
    assert not gateway.current().health()
