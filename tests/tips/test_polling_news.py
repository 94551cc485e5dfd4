"""News of the ledger make a tip due at once, whatever a look that is under way finds, and also when it is
over."""

from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from ledger.gateway import REVERSAL
from tests.factories import NOW
from tests.remote import SECOND, remote
from tests.tips.calls import SETTLED, cancelled, event, found, settle, state
from tests.tips.looks import PATIENCE, VIEWER, TooBusy, doubt, heard, look, posted, recorded, ref
from tips.models import Tip
from tips.settlement import polling

__all__ = ["remote"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven", "remote")]


def test_news_of_the_ledger_make_a_tip_due_at_once(remote):
    recorded()
    for _ in range(9):
        look(found()["next_look_at"])
    assert found()["next_look_at"] > NOW + timedelta(minutes=20)
    posted(remote)
    assert polling.look_again([ref(), "unknown"], now=NOW + timedelta(minutes=10)) == 1
    look(NOW + timedelta(minutes=10))
    assert state() == SETTLED


def test_news_may_name_more_tips_than_one_statement_takes(remote):
    recorded()
    names = [f"UNKNOWN_{number}" for number in range(2 * polling.MAX_REFS)]
    assert polling.look_again([*names, ref()], now=NOW + SECOND) == 1
    assert found()["next_look_at"] == NOW + SECOND


def test_news_that_come_while_the_ledger_is_being_asked_are_not_lost(remote):
    recorded()
    for _ in range(9):
        look(found()["next_look_at"])
    now = found()["next_look_at"]
    remote.when_asked = lambda source_ref: polling.look_again([source_ref], now=now + SECOND)
    look(now)
    assert found()["next_look_at"] == now + SECOND


def nothing(remote):
    """Found."""


def entries_of_another_amount(remote):
    remote.entry(ref(), VIEWER, -1)


def a_posting(remote):
    posted(remote)


def a_posting_taken_back(remote):
    posted(remote)
    remote.entry(ref(), VIEWER, 100, kind=REVERSAL)


def no_answer(remote):
    remote.failures[ref()] = TooBusy()


@pytest.mark.parametrize("is_old", [False, True], ids=["young", "old"])
@pytest.mark.parametrize("is_over", ["open", "settled", "cancelled"])
@pytest.mark.parametrize(
    "finds", [nothing, entries_of_another_amount, a_posting, a_posting_taken_back, no_answer]
)
def test_whatever_a_look_finds_the_news_that_came_meanwhile_are_looked_at(remote, finds, is_over, is_old):
    if is_over == "settled":
        posted(remote)
    recorded()
    if is_over == "cancelled":
        cancelled()
        settle()
    look()
    remote.entries.pop(ref(), None)
    finds(remote)
    now = NOW + (2 * PATIENCE if is_old else SECOND)
    remote.when_asked = lambda source_ref: polling.look_again(
        [source_ref], now=now + SECOND, settled_too=True
    )
    heard(now)
    assert found()["next_look_at"] == now + SECOND


def test_news_settle_a_tip_that_we_had_given_up(remote):
    recorded()
    collection(Tip).update_one({}, {"$set": {"next_look_at": NOW + PATIENCE}})
    look(NOW + PATIENCE)
    assert doubt() == "not_posted"
    late = NOW + PATIENCE + timedelta(hours=5)
    posted(remote, posted_at=late)
    polling.look_again([ref()], now=late)
    look(late)
    assert (state(), doubt()) == (SETTLED, "")


def test_news_without_a_posting_do_not_start_the_two_days_again(remote):
    recorded()
    late = NOW + PATIENCE + SECOND
    polling.look_again([ref()], now=late)
    look(late)
    assert (doubt(), found()["next_look_at"]) == ("not_posted", None)


def test_a_settled_tip_is_looked_at_only_when_something_was_taken_back(remote):
    posted(remote)
    recorded()
    look()
    assert polling.look_again([ref()], now=NOW) == 0
    assert polling.look_again([ref()], now=NOW, settled_too=True) == 1
    look()
    assert (state(), doubt(), found()["next_look_at"]) == (SETTLED, "", None)
    before = event()
    remote.entry(ref(), VIEWER, 100, kind=REVERSAL)
    polling.look_again([ref()], now=NOW, settled_too=True)
    look()
    assert (state(), doubt(), event()) == (SETTLED, "reversed", before)
