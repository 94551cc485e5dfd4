"""The rules of a posting, without a database: what moves, what is refused, and what is known."""

import pytest

from ledger.books.memory import LEAST_BALANCE, MAX_BALANCE, Books
from ledger.gateway import ISSUER, BalanceTooLarge, InsufficientFunds, Order
from tests.factories import NOW
from tests.ledger.books import order

LATER = NOW.replace(year=2027)


def books(**states):
    made = Books()
    made.learn(states)
    return made


def tip(total=100, cut=25):
    return [order("t", "bob", "ana", total), order("t_COMMISSION", "ana", "platform", cut)]


def known():
    return books(bob=(300, 7), ana=(1000, 2), platform=(0, 0))


def states(made):
    """As it knows them: what the next movement would start from."""
    return {name: made._known[name] for name in ("bob", "ana", "platform")}


def test_a_tip_is_one_posting_of_four_legs_each_following_from_the_one_before():
    row = known().move(tip(), now=LATER)
    assert row == {
        "_id": "t",
        "subject": "test",
        "legs": [
            {"account": "bob", "version": 8, "delta": -100, "balance": 200},
            {"account": "ana", "version": 3, "delta": 100, "balance": 1100},
            {"account": "ana", "version": 4, "delta": -25, "balance": 1075},
            {"account": "platform", "version": 1, "delta": 25, "balance": 25},
        ],
        "happened_at": NOW,
        "posted_at": LATER,
    }


def test_a_reversal_says_what_it_takes_back_and_why():
    back = Order("t_REVERSAL", "reversal/t", "ana", "bob", 5, NOW, reverses="t", reason="Paid twice")
    row = known().move([back], now=NOW)
    assert (row["_id"], row["reverses"], row["reason"]) == ("t_REVERSAL", "t", "Paid twice")


def test_what_moved_is_told_once_and_as_it_is_in_the_end():
    made = known()
    made.move(tip(), now=NOW)
    made.move([order("u", "bob", "ana", 1)], now=NOW)
    assert made.take_moved() == {"bob": (199, 9), "ana": (1076, 5), "platform": (25, 1)}
    assert made.take_moved() == {}
    made.move([order("v", "bob", "ana", 1)], now=NOW)
    assert made.take_moved() == {"bob": (198, 10), "ana": (1077, 6)}


@pytest.mark.parametrize(
    ("group", "refusal"),
    [
        ([order("t", "bob", "ana", 301)], InsufficientFunds),
        (tip(cut=1101), InsufficientFunds),
        ([order("t", "bob", "rich", 1)], BalanceTooLarge),
        ([order("t", ISSUER, "ana", 1)], BalanceTooLarge),
        ([order("t", "bob", "ana", 10), order("t_COMMISSION", "ana", "rich", 1)], BalanceTooLarge),
    ],
    ids=["the payer", "the commission", "the payee", "the issuer", "the platform"],
)
def test_what_is_refused_has_moved_nothing(group, refusal):
    made = known()
    made.learn({"rich": (MAX_BALANCE, 1), ISSUER: (LEAST_BALANCE, 1)})
    before = states(made)
    with pytest.raises(refusal):
        made.move(group, now=NOW)
    assert (states(made), made.take_moved()) == (before, {})


def test_an_account_that_is_not_known_is_no_empty_account():
    made = books(bob=(300, 7))
    with pytest.raises(KeyError):
        made.move([order("t", "bob", "ana", 1)], now=NOW)
    assert made.take_moved() == {}
    made.learn({"ana": (0, 0)})
    assert made.move([order("t", "bob", "ana", 1)], now=NOW)["legs"][1]["version"] == 1


def test_what_is_not_known_is_named_once():
    assert known().unknown(["eve", "bob", "eve", "carol"]) == ["eve", "carol"]


def test_what_was_read_late_does_not_undo_what_was_moved():
    """The row that is read may be older than what happened here since it was asked for."""
    made = known()
    made.move([order("t", "bob", "ana", 100)], now=NOW)
    made.learn({"bob": (300, 7), "eve": (5, 1)})
    assert made.move([order("u", "bob", "eve", 200)], now=NOW)["legs"][0]["balance"] == 0


def test_what_is_forgotten_is_read_again():
    made = known()
    made.move([order("t", "bob", "ana", 100)], now=NOW)
    made.forget()
    assert (len(made), made.take_moved(), made.unknown(["bob"])) == (0, {}, ["bob"])
    made.learn({"bob": (300, 7)})
    assert made.unknown(["bob"]) == []


@pytest.mark.parametrize(
    "second",
    [
        order("t_FEE", "ana", "platform", 25),
        order("t_COMMISSION", "bob", "platform", 25),
        order("t_COMMISSION", "ana", "platform", 25, subject="other"),
        Order("t_COMMISSION", "test", "ana", "platform", 25, LATER),
        Order("t_COMMISSION", "test", "ana", "platform", 25, NOW, reverses="t"),
    ],
    ids=["key", "payer", "subject", "time", "reversal"],
)
def test_only_an_order_and_its_own_commission_are_one_posting(second):
    """The second has no key in the books: it is read under the first one's."""
    made = known()
    with pytest.raises(ValueError, match="one order, or an order and the commission from it"):
        made.move([order("t", "bob", "ana", 100), second], now=NOW)
    assert made.take_moved() == {}
