"""Where the ledger contradicts a tip, or the platform its ledger, nothing is settled and a person is told,
until the contradiction is gone."""

import pytest

from ledger.gateway import REVERSAL, performer_account, user_account
from tests.factories import NOW
from tests.remote import SECOND, remote
from tests.tips.calls import (
    ANA,
    BOB,
    CAROL,
    ENDS,
    EVE,
    SETTLED,
    WAITING,
    cancelled,
    event,
    failed,
    found,
    request,
    settle,
    state,
    succeeded,
)
from tests.tips.looks import HERS, PATIENCE, VIEWER, doubt, heard, look, posted, recorded, ref
from tips.settlement import polling
from tips.settlement.writes import Drained

__all__ = ["remote"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven", "remote")]


# --- contradictions ----------------------------------------------------------------------------------------

CONTRADICTIONS = {
    "reversed": [(VIEWER, -100, TRANSFER) for TRANSFER in ("TRANSFER_OUT",)] + [(VIEWER, 100, REVERSAL)],
    "too_many_entries": [(VIEWER, -100, ""), (HERS, 75, ""), (HERS, 25, "")],
    "same_sign": [(VIEWER, -100, ""), (VIEWER, -100, "")],
    "other_amount": [(VIEWER, -99, ""), (HERS, 99, "")],
    "other_party": [(user_account(EVE), -100, ""), (HERS, 100, "")],
}
MORE = {
    "more than was paid": ("other_amount", [(VIEWER, -100, ""), (HERS, 101, "")]),
    "one entry of one token": ("other_amount", [(VIEWER, -1, "")]),
    "less than she was promised, and nothing says what was paid": ("other_amount", [(HERS, 74, "")]),
    "more than was paid, and nothing says so": ("other_amount", [(HERS, 101, "")]),
    "to somebody else": ("other_party", [(VIEWER, -100, ""), (performer_account(CAROL), 100, "")]),
    "the other way round": ("other_amount", [(HERS, -100, ""), (VIEWER, 100, "")]),
}
CASES = {name: (name, entries) for name, entries in CONTRADICTIONS.items()} | MORE


@pytest.mark.parametrize("name", list(CASES))
def test_contradictory_entries_settle_nothing_and_are_shown_to_a_person(remote, name):
    reason, entries = CASES[name]
    for account, delta, kind in entries:
        remote.entry(ref(), account, delta, kind=kind)
    recorded()
    assert look() == Drained(1, set())
    assert (state(), doubt(), found()["next_look_at"], event(), request()) == (
        WAITING,
        reason,
        None,
        None,
        None,
    )
    assert look(NOW + PATIENCE) == Drained()


def test_a_balance_below_zero_is_no_part_of_an_event(remote):
    remote.entry(ref(), VIEWER, -100, before=50)
    recorded()
    look()
    assert (state(), doubt(), event()) == (WAITING, "invalid_event", None)


def test_what_the_ledger_keeps_back_on_the_way_to_the_performer_is_its_own_business(remote):
    posted(remote, net=74)
    recorded(commission=25)
    look()
    assert state() == SETTLED


@pytest.mark.parametrize("received", [75, 100])
def test_the_performers_entry_alone_proves_what_she_was_promised(remote, received):
    remote.entry(ref(), HERS, received)
    recorded(commission=25)
    look()
    assert state() == SETTLED
    ledger = event()["payload"]["ledger"]
    assert "sourceBalance" not in ledger
    assert ledger["recipientBalance"]["change"] == received


def test_a_viewer_who_performs_too_may_tip_herself_if_the_ledger_lets_her(remote):
    remote.post(ref(), ANA, ANA, 100)
    recorded(tipper=ANA)
    look()
    assert state() == SETTLED


def test_a_contradiction_that_was_solved_in_the_ledger_is_settled_when_the_ledger_says_so(remote):
    remote.entry(ref(), VIEWER, -100)
    remote.entry(ref(), VIEWER, -100)
    recorded()
    look()
    assert doubt() == "same_sign"
    del remote.entries[ref()][1]
    assert polling.look_again([ref()], now=NOW + SECOND) == 1
    look(NOW + SECOND)
    assert (state(), doubt()) == (SETTLED, "")


def test_a_settled_tips_doubt_goes_when_the_ledger_says_again_what_it_had_said(remote):
    posted(remote)
    recorded()
    look()
    remote.entry(ref(), HERS, 1)
    assert heard(NOW + SECOND) == "too_many_entries"
    remote.entries[ref()].pop()
    assert heard(NOW + 2 * SECOND) == ""
    remote.entries.clear()
    remote.entry(ref(), HERS, 1)
    assert heard(NOW + 3 * SECOND) == "other_amount"
    remote.entries.clear()  # and now it has lost the posting: nothing is solved
    assert heard(NOW + 4 * SECOND) == "other_amount"
    assert state() == SETTLED


@pytest.mark.parametrize("undone", ["reversed", "gone"])
@pytest.mark.parametrize("ends", [cancelled, failed])
def test_an_ended_tips_doubt_goes_when_its_posting_is_taken_back(remote, ends, undone):
    recorded()
    look()
    ends()
    settle()
    posted(remote)
    assert heard(NOW + SECOND).startswith("posted_although_")
    if undone == "gone":
        remote.entries.clear()
    else:
        remote.entry(ref(), VIEWER, 100, kind=REVERSAL)
    assert heard(NOW + 2 * SECOND) == ""


def test_what_the_platform_said_after_the_settlement_no_ledger_solves(remote):
    posted(remote)
    recorded()
    look()
    cancelled()
    settle()
    assert heard(NOW + SECOND) == "cancelled_after_settlement"


# --- ended by the platform, in any order -------------------------------------------------------------------


@pytest.mark.parametrize(("ends", "ended"), ENDS)
@pytest.mark.parametrize("rounds", [1, 2], ids=["one round", "two rounds"])
@pytest.mark.parametrize("first", ["end", "success"])
def test_an_end_before_the_proof_holds(remote, ends, ended, rounds, first):
    posted(remote)
    steps = [ends, succeeded] if first == "end" else [succeeded, ends]
    for step in steps:
        step()
        if rounds == 2:
            settle()
    settle()
    look()
    assert (state(), event(), found()["next_look_at"]) == (ended, None, None)


@pytest.mark.parametrize(("ends", "ended"), ENDS)
def test_an_end_after_the_proof_moves_nothing_and_a_person_is_told(remote, ends, ended):
    posted(remote)
    recorded()
    look()
    before = [event(), request()]
    ends()
    settle()
    assert (state(), doubt(), [event(), request()]) == (SETTLED, f"{ended[0]}_after_settlement", before)


@pytest.mark.parametrize(("ends", "ended"), ENDS)
def test_a_posting_of_a_tip_that_was_ended_is_shown_to_a_person(remote, ends, ended):
    recorded()
    ends()
    settle()
    posted(remote)
    assert polling.look_again([ref()], now=NOW) == 1
    look()
    assert (state(), doubt(), event()) == (ended, f"posted_although_{ended[0]}", None)


@pytest.mark.parametrize(("ends", "ended"), ENDS)
def test_the_look_that_was_to_come_is_still_made_when_the_platform_ends_a_tip(remote, ends, ended):
    """Without any news: it was posted, and the platform did not know."""
    recorded()
    look()
    posted(remote)
    ends()
    settle()
    look(found()["next_look_at"])
    assert (state(), doubt(), event(), found()["next_look_at"]) == (
        ended,
        f"posted_although_{ended[0]}",
        None,
        None,
    )


def test_an_ended_tip_with_entries_that_are_not_posted_yet_is_looked_at_until_they_are(remote):
    recorded()
    remote.post(ref(), BOB, ANA, 100, posted_at=None)
    look()
    cancelled()
    settle()
    for _ in range(5):
        look(found()["next_look_at"])
        assert (state(), doubt()) == (ENDS[0][1], "")
    remote.entries.pop(ref())
    posted(remote)
    look(found()["next_look_at"])
    assert doubt() == "posted_although_cancelled"


def test_an_ended_tip_whose_entries_are_never_posted_is_left_alone_after_two_days(remote):
    recorded()
    remote.post(ref(), BOB, ANA, 100, posted_at=None)
    cancelled()
    settle()
    while found()["next_look_at"]:
        look(found()["next_look_at"])
    assert (state(), doubt(), found()["looks"]) == (ENDS[0][1], "", 57)


def test_news_of_an_ended_tip_that_prove_nothing_change_nothing(remote):
    recorded()
    cancelled()
    settle()
    look()
    before = found()
    polling.look_again([ref()], now=NOW)
    look()
    assert found() == before


def test_a_contradiction_can_still_be_cancelled(remote):
    remote.entry(ref(), VIEWER, -1)
    recorded()
    look()
    cancelled()
    settle()
    assert (state(), doubt()) == (ENDS[0][1], "")
