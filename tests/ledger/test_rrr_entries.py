"""Entries in RRR: every shape of them, every page, and that an answer which is none proves nothing."""

from datetime import timedelta

import pytest

from ground import clock
from ledger.gateway import NeedsReconciliation, read
from ledger.rrr import client as rrr_client
from ledger.rrr.errors import NotFound, Unreachable, Unreadable
from ledger.rrr.gateway import RrrGateway
from tests.ledger.rrr import (
    ACCOUNTS,
    ANA,
    BOB,
    GOOD,
    LEDGER,
    client,
    entries,
    failing,
    ledger,
    pattern,
    post,
    rrr,
    slept,
    token_route,
)
from tests.rrr import client_of

__all__ = ["client", "ledger", "rrr", "slept"]


# --- every shape of entries --------------------------------------------------------------------------------


def test_a_pair_is_found_in_both_members_ledgers(rrr, ledger):
    debit, credit = post(rrr)
    found = read(entries(ledger))
    assert (found.ledger_id, found.debit_ref, found.credit_ref) == (
        debit["entry_id"],
        debit["entry_id"],
        credit["entry_id"],
    )
    assert found.posted_at == clock.parse(debit["posted_at"])
    assert [entry.account for entry in entries(ledger)] == list(ACCOUNTS)


def test_a_single_entry_has_no_refs(rrr, ledger):
    (single,) = post(rrr, single=True)
    found = read(entries(ledger))
    assert (found.ledger_id, found.debit_ref, found.credit_ref) == (single["entry_id"], None, None)


@pytest.mark.parametrize("hours", [0.01, 1, 48])
def test_a_late_post_is_no_proof_until_it_is_posted(rrr, ledger, hours):
    seconds = hours * 3600
    (debit, _) = post(rrr, delay_seconds=seconds)
    assert [entry.posted_at for entry in entries(ledger)] == [None, None]
    assert read(entries(ledger)) is None
    rrr.books.advance(seconds - 20)
    assert read(entries(ledger)) is None
    rrr.books.advance(20)
    created = clock.parse(debit["created_at"])
    assert (
        timedelta(0)
        <= read(entries(ledger)).posted_at - created - timedelta(seconds=seconds)
        < timedelta(seconds=1)
    )


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(BOB, -5, "TRANSFER_OUT"), (ANA, 5, "TRANSFER_IN"), (ANA, 1, "ADJUST")], "too_many_entries"),
        ([(BOB, -5, "REDEEM"), (ANA, -5, "REDEEM")], "same_sign"),
        ([(ANA, 5, "EARN"), (ANA, 5, "EARN")], "same_sign"),
        ([(BOB, -5, "REVERSAL")], "reversed"),
    ],
)
def test_other_shapes_need_reconciliation(rrr, ledger, rows, reason):
    for member, points, kind in rows:
        rrr.books.add(member, points, source_ref="TIP_1", kind=kind)
    with pytest.raises(NeedsReconciliation) as caught:
        read(entries(ledger))
    assert caught.value.reason == reason


def test_a_reversal_is_seen_even_before_it_is_posted(rrr, ledger):
    post(rrr)
    rrr.books.reverse("TIP_1", delay_seconds=3600)
    with pytest.raises(NeedsReconciliation):
        read(entries(ledger))


def test_a_pair_posted_between_two_questions_is_not_taken_for_a_single_entry(rrr, ledger):
    rrr.books.add(BOB, 1000, source_ref=None)
    ledger.balance_of(f"user:{BOB}")  # the token, so that the next request is the tipper's ledger
    rrr.after_next(lambda: post(rrr))
    found = read(entries(ledger))
    assert found.debit_ref
    assert found.credit_ref


def test_one_person_on_both_sides_is_asked_once(rrr, ledger):
    rrr.books.add(BOB, -5, source_ref="TIP_1", kind="TRANSFER_OUT")
    rrr.books.add(BOB, 5, source_ref="TIP_1", kind="TRANSFER_IN")
    found = ledger.entries_for("TIP_1", accounts=(f"user:{BOB}", f"performer:{BOB}"))
    assert len(found) == 2
    assert rrr.count("GET", LEDGER) == 1


def test_an_unknown_member_has_no_entries_but_a_wrong_address_is_an_error(rrr, ledger):
    assert entries(ledger) == []
    rrr.faults.order("answer", status=404, code="ROUTE_NOT_FOUND")
    with pytest.raises(NotFound):
        entries(ledger)


def test_ids_are_quoted_in_addresses(rrr, ledger):
    rrr.books.add("../a b/%2F", 7, source_ref="TIP_1")
    assert ledger.balance_of("user:../a b/%2F") == 7
    assert len(ledger.entries_for("TIP_1", accounts=("user:../a b/%2F",))) == 1


# --- pages -------------------------------------------------------------------------------------------------


def test_every_page_is_read(rrr, ledger):
    rrr.books.page = 3
    for number in range(7):
        post(rrr, f"TIP_{number}", points=1)
    assert len(entries(ledger, "TIP_6")) == 2


def deaf(rrr):
    """A ledger that does not filter: it answers with all that the member has."""
    found = rrr.books.ledger
    rrr.books.ledger = lambda member, filters, cursor: found(member, filters={}, cursor=cursor)


def test_a_ledger_that_does_not_filter_is_filtered_on_our_side(rrr, ledger):
    deaf(rrr)
    rrr.books.page = 2
    for number in range(1, 12):
        post(rrr, f"TIP_{number}", points=1)
    assert [entry.source_ref for entry in entries(ledger)] == ["TIP_1", "TIP_1"]
    assert rrr.count("GET", LEDGER) > 5


def test_half_a_ledger_proves_nothing(rrr, ledger, monkeypatch):
    monkeypatch.setattr("ledger.rrr.gateway.MAX_PAGES", 3)
    deaf(rrr)
    rrr.books.page = 1
    for number in range(4):
        post(rrr, f"TIP_{number}", points=1)
    with pytest.raises(Unreadable) as caught:
        entries(ledger)
    assert not caught.value.permanent


def test_a_cursor_that_repeats_ends_the_reading(rrr, ledger):
    rrr.books.ledger = lambda member, filters, cursor: ([], 7)
    with pytest.raises(Unreadable):
        entries(ledger)
    assert rrr.count("GET", LEDGER) == 2


def test_since_narrows_what_is_asked_for(rrr, ledger):
    post(rrr)
    later = clock.now() + timedelta(hours=1)
    assert ledger.entries_for("TIP_1", accounts=ACCOUNTS, since=later) == []
    assert rrr.asked[-1].query == {"source_ref": "TIP_1", "from": clock.iso(later)}


# --- answers that are none ---------------------------------------------------------------------------------


def test_a_page_of_somebody_else_is_unreadable_and_temporary(rrr, ledger):
    rrr.faults.order("garbage")
    assert not failing(ledger, Unreadable).permanent


@pytest.mark.parametrize(
    "changed",
    [
        {"entry_id": None},
        {"entry_id": ""} | {"entry_id": 5},
        {"member_id": ANA},
        {"points_delta": "-5"},
        {"points_delta": -5.5},
        {"points_delta": True},
        {"points_delta": 2**60},
        {"balance_after": None},
        {"posted_at": "yesterday"},
        {"posted_at": 1767413700},
        {"posted_at": ""},
        {"type": None},
    ],
    ids=str,
)
def test_an_entry_that_is_none_is_never_a_proof(rrr, ledger, changed):
    rrr.books.ledger = lambda member, filters, cursor: ([GOOD | changed], None)
    with pytest.raises(Unreadable):
        ledger.entries_for("TIP_1", accounts=ACCOUNTS[:1])


def test_strange_rows_of_other_references_do_not_matter(rrr, ledger):
    rows = [{}, {"source_ref": None}, {"source_ref": ["TIP_1"]}, {"source_ref": 7}, GOOD]
    rrr.books.ledger = lambda member, filters, cursor: (rows, None)
    assert len(ledger.entries_for("TIP_1", accounts=ACCOUNTS[:1])) == 1


@pytest.mark.parametrize(
    "answer", [[], "text", None, {"next_cursor": None}, {"entries": {}}, {"entries": [1]}]
)
def test_a_ledger_without_its_shape_is_unreadable(rrr, ledger, monkeypatch, answer):
    monkeypatch.setattr("ledger.rrr.simulator.api._ledger", None)
    routes = (
        ("POST", pattern("/oauth/token"), token_route()),
        ("GET", pattern("/v1/.*"), lambda *_: (200, answer)),
    )
    monkeypatch.setattr("ledger.rrr.simulator.api._ROUTES", routes)
    with pytest.raises(Unreadable):
        entries(ledger)
    failing(ledger, Unreadable)


def test_an_endless_answer_is_cut_off(rrr, ledger, monkeypatch):
    monkeypatch.setattr(rrr_client, "MAX_ANSWER_BYTES", 1000)
    for number in range(10):
        post(rrr, f"TIP_{number}")
    deaf(rrr)
    with pytest.raises(Unreadable):
        entries(ledger)


def test_an_answer_that_drips_ends_at_the_deadline(rrr):
    asked = lambda: rrr.count("GET", f"/v1/members/{BOB}/balance")  # noqa: E731
    ledger = RrrGateway(client_of(rrr, clock=lambda: 10**6 * asked()))
    assert failing(ledger, Unreachable).code == "TOO_SLOW"
