"""Transfers that we place in RRR: what it refuses is an answer, and all else is raised."""

import pytest

from ledger.gateway import read
from ledger.rrr.errors import Conflict, Forbidden, Invalid, NotFound, ServerFault, Unreadable
from ledger.rrr.gateway import InsideTransaction, LedgerRefused
from tests.factories import NOW
from tests.ledger.books import order
from tests.ledger.rrr import (
    ACCOUNTS,
    BOB,
    GOOD,
    client,
    entries,
    ledger,
    move,
    pattern,
    rrr,
    slept,
    token_route,
)

__all__ = ["client", "ledger", "rrr", "slept"]


def test_a_transfer_inside_a_database_transaction_is_a_programming_error(ledger):
    with pytest.raises(InsideTransaction):
        ledger.transfer([[order("TIP_1", *ACCOUNTS, 5)]], now=NOW, session=object())


def test_a_late_transfer_is_not_posted_yet(rrr, ledger):
    rrr.books.add(BOB, 1000, source_ref=None)
    rrr.books.delay_seconds = 3600
    (result,) = move(ledger)
    assert read(result.entries) is None
    rrr.books.advance(3600)
    assert read(entries(ledger))
    assert read(move(ledger)[0].entries)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (422, "MEMBER_SUSPENDED", "ledger_member_suspended"),
        (404, "MEMBER_NOT_FOUND", "ledger_member_not_found"),
        (422, "INSUFFICIENT_FUNDS", "insufficient_funds"),
        (409, "IDEMPOTENCY_KEY_REUSE_MISMATCH", "source_ref_reused"),
        (409, "SOURCE_REF_REUSED", "source_ref_reused"),
    ],
)
def test_what_rrr_refuses_is_an_answer_about_that_group(rrr, ledger, status, code, reason):
    rrr.faults.order("answer", status=status, code=code)
    assert [result.reason for result in move(ledger)] == [reason]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 409, "code": "IN_PROGRESS"}, Conflict),
        ({"status": 403}, Forbidden),
        ({"status": 404, "code": "ROUTE_NOT_FOUND"}, NotFound),
        ({"status": 500, "times": 9}, ServerFault),
    ],
)
def test_what_says_nothing_about_the_group_is_raised(rrr, ledger, fault, kind):
    rrr.faults.order("answer", **fault)
    with pytest.raises(kind):
        move(ledger)


def test_a_person_cannot_pay_herself_there(ledger):
    (result,) = ledger.transfer([[order("TIP_1", f"user:{BOB}", f"performer:{BOB}", 5)]], now=NOW)
    assert isinstance(result, LedgerRefused)
    assert result.reason == "ledger_same_member"


def test_a_refusal_without_rrrs_word_is_raised(rrr, ledger, monkeypatch):
    routes = (
        ("POST", pattern("/oauth/token"), token_route()),
        ("POST", pattern("/v1/.*"), lambda *_: (422, {})),
    )
    monkeypatch.setattr("ledger.rrr.simulator.api._ROUTES", routes)
    with pytest.raises(Invalid):
        move(ledger)


@pytest.mark.parametrize("group", [[], [order(f"T{number}", *ACCOUNTS, 1) for number in range(11)]])
def test_a_group_has_a_bound(ledger, group):
    with pytest.raises(ValueError, match="1 to 10"):
        ledger.transfer([group], now=NOW)


@pytest.mark.parametrize(
    "rows", [[], [GOOD], [GOOD, GOOD], [GOOD, GOOD | {"member_id": "x"}], [GOOD, GOOD | {"source_ref": "y"}]]
)
def test_a_transfer_without_its_two_entries_is_unreadable(rrr, ledger, rows):
    rrr.books.transfer = lambda orders, key: (True, rows)
    with pytest.raises(Unreadable):
        move(ledger)
