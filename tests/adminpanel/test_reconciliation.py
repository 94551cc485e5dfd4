"""The page of what needs a person's look: contradictions of the ledger, ends after settlement, conflicting deliveries."""

import pytest
from django.test import Client

from adminpanel import audit, reconciliation
from ledger.database import collection
from ledger.gateway import user_account
from tests.factories import NOW
from tests.remote import remote
from tests.tips import calls
from tests.tips.calls import ANA, BOB, tip_id
from tips import looking
from tips.models import Tip

__all__ = ["remote"]
pytestmark = pytest.mark.django_db

PATH = "/staff/reconciliation"


@pytest.fixture
def page(dina):
    """The page as dina sees it: (status, text)."""
    browser = Client()
    browser.force_login(dina)

    def get():
        answer = browser.get(PATH)
        return answer.status_code, answer.content.decode()

    return get


def contradicted(world, number=1, **more):
    """A tip of 100 tokens of which the ledger has posted one."""
    world.entry(f"TIP_{tip_id(number)}", user_account(BOB), -1)
    calls.succeeded(number, 100, **more)
    calls.settle()
    looking.drain(now=NOW, limit=9)


def test_without_a_doubt_it_says_so(page):
    status, text = page()
    assert status == 200
    assert "Nothing needs a look" in text
    assert "No conflicts" in text


def test_a_contradiction_of_the_ledger_is_listed_with_its_reason_and_its_tip(page, remote):
    contradicted(remote)
    _, text = page()
    found, advice = reconciliation.REASONS["other_amount"]
    assert found in text
    assert advice.split(".")[0] in text
    assert f'href="/staff/tips/{tip_id(1)}"' in text
    assert "100 tokens" in text
    assert "asked the ledger 1 time " in text


def test_an_end_after_settlement_and_conflicts_are_listed(page):
    calls.bought(1000)
    calls.succeeded(1, 100)
    calls.settle()
    calls.cancelled(1)
    calls.settle()
    assert calls.succeeded(1, 900) == 409
    calls.succeeded(2, 100, sourceRef="PURCHASE_p7")
    calls.settle()
    calls.send("tokens.purchased", calls.purchase(7, 10))
    calls.settle()
    _, text = page()
    assert reconciliation.REASONS["cancelled_after_settlement"][0] in text
    assert text.count("Other content than the first delivery had") == 1
    assert text.count("Its reference belongs to another transfer") == 1
    assert "tokens.purchased/p7" in text
    assert text.count(f'href="/staff/tips/{tip_id(1)}"') == 2


def test_lists_are_bounded_and_say_so(page, monkeypatch, remote):
    monkeypatch.setattr(reconciliation, "SHOWN", 2)
    for number in (1, 2, 3):
        contradicted(remote, number)
    _, text = page()
    assert [f"/staff/tips/{tip_id(number)}" in text for number in (1, 2, 3)] == [True, True, False]
    assert "The oldest 2 are listed" in text


def test_it_asks_the_database_once_for_each_list(page, remote, django_assert_max_num_queries):
    for number in range(1, 9):
        contradicted(remote, number)
    with django_assert_max_num_queries(4):  # the session, its user, and the two lists
        page()


def test_an_anonymous_tipper_is_not_named(page, remote):
    contradicted(remote, isAnonymous=True)
    assert "bob" not in page()[1]


def test_it_is_for_staff_only(ana):
    assert Client().get(PATH).status_code == 302
    browser = Client()
    browser.force_login(ana.user)
    assert browser.get(PATH).status_code == 403


def test_every_reason_that_the_code_gives_has_its_words():
    given = {
        "not_posted",
        "not_answered",
        "reversed",
        "too_many_entries",
        "same_sign",
        "other_amount",
        "other_party",
        "invalid_event",
    }
    given |= {f"posted_although_{end}" for end in ("cancelled", "failed")} | {
        f"{end}_after_settlement" for end in ("cancelled", "failed")
    }
    assert set(reconciliation.REASONS) == given
    assert "strange_code" in reconciliation.words("strange_code")[0]


# --- the tip's own page ------------------------------------------------------------------------------------------------------


def trail(number=1):
    found = audit.trail(tip_id(number))
    assert found is not None
    return found


def test_the_verdict_says_that_the_ledger_is_waited_for(remote):
    calls.succeeded(1, 100)
    calls.settle()
    looking.drain(now=NOW, limit=9)
    verdict = trail().verdict
    assert (verdict.status, verdict.reason) == ("pending", "waiting_for_ledger")
    assert verdict.text == "100 tokens from bob: waiting for the ledger to post it. Asked 1 time so far; again at 04:15:01 UTC."
    assert "the ledger to post it" in [fact.waits for fact in trail().facts][2]


def test_the_verdict_says_that_the_ledger_did_not_answer(remote):
    remote.failures[f"TIP_{tip_id(1)}"] = OSError()
    calls.succeeded(1, 100)
    calls.settle()
    looking.drain(now=NOW, limit=9)
    assert "the last time it did not answer (OSError)" in trail().verdict.text


def test_the_verdict_names_what_needs_reconciliation(remote, page):
    contradicted(remote)
    verdict = trail().verdict
    assert (verdict.status, verdict.reason) == ("pending", "other_amount")
    assert "Find out which is right" in verdict.text


@pytest.mark.parametrize("is_anonymous", [False, True])
def test_the_entries_of_somebody_elses_ledger_are_shown_as_the_event_keeps_them(remote, dina, is_anonymous):
    remote.post(f"TIP_{tip_id(1)}", BOB, ANA, 100, net=75)
    calls.succeeded(1, 100, isAnonymous=is_anonymous)
    calls.settle()
    looking.drain(now=NOW, limit=9)
    debit, credit = trail().lines
    assert (debit.key, debit.side, debit.amount, debit.before, debit.after) == (
        f"rrr_entry_TIP_{tip_id(1)}_0",
        "debit",
        100,
        500,
        400,
    )
    assert (credit.account, credit.side, credit.amount, credit.after) == (f"performer:{ANA}", "credit", 75, 1075)
    assert debit.account == ("user:hidden" if is_anonymous else f"user:{BOB}")
    browser = Client()
    browser.force_login(dina)
    assert "1075" in browser.get(f"/staff/tips/{tip_id(1)}").content.decode()


def test_a_settled_tip_in_doubt_links_to_the_page_from_its_own(dina):
    calls.bought(1000)
    calls.succeeded(1, 100)
    calls.settle()
    collection(Tip).update_one({}, {"$set": {"needs_reconciliation": "reversed"}})
    browser = Client()
    browser.force_login(dina)
    assert f'href="{PATH}"' in browser.get(f"/staff/tips/{tip_id(1)}").content.decode()
