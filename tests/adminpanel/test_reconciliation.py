"""The page of what needs a person's look: contradictions of the ledger, ends after settlement, conflicting
deliveries."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client

from adminpanel import staff
from adminpanel.doubt import keeping
from adminpanel.tip import entries, story, timeline, verdict
from adminpanel.watch import health, reconciliation
from ground import clock
from ground.audit import log as audit_log
from ground.hops import doorbell
from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery
from ground.journal import journal
from ground.mongodb.collections import collection
from ground.people import Role
from ledger.gateway import user_account
from ledger.models import Posting
from tests.factories import NOW, UserFactory
from tests.pages import inline_code, unlabelled_fields
from tests.remote import remote
from tests.tips import calls
from tests.tips.calls import ANA, BOB, tip_id
from tips.models import Tip, TipActivated
from tips.settlement import polling

__all__ = ["remote"]
pytestmark = pytest.mark.django_db

PATH = "/staff/reconciliation"
BASE = Path(__file__).parent.parent.parent


@pytest.fixture
def dina(dina):
    """Who may decide."""
    dina.is_superuser = True
    dina.save()
    return dina


@pytest.fixture
def page(dina):
    """The list as dina sees it, after a round of the beat, with the page of each of it: (status, text)."""
    browser = Client()
    browser.force_login(dina)

    def get(**query):
        keeping.keep(now=clock.now())
        answer = browser.get(PATH, query)
        texts = [answer.content.decode()]
        pages = dict.fromkeys(re.findall(rf'href="({PATH}/[0-9a-f]{{24}})"', texts[0]))
        texts += [browser.get(each).content.decode() for each in pages]
        return answer.status_code, "".join(texts)

    return get


def contradicted(world, number=1, **more):
    """A tip of 100 tokens of which the ledger has posted one."""
    world.entry(f"TIP_{tip_id(number)}", user_account(BOB), -1)
    calls.succeeded(number, 100, **more)
    calls.settle()
    polling.drain(now=NOW, limit=9)


def test_without_a_doubt_it_says_so(page):
    status, text = page()
    assert status == 200
    assert "the ledger, the platform and we agree" in text


def test_a_contradiction_of_the_ledger_is_listed_with_its_reason_and_its_tip(page, remote):
    contradicted(remote)
    _, text = page()
    found, advice = reconciliation.REASONS["other_amount"]
    assert found in text
    assert advice.split(".")[0] in text
    assert f'href="/staff/tips/{tip_id(1)}"' in text
    assert "100 tokens" in text
    assert "asked the ledger 1 time<" in text


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
    listed = text[: text.index("</html>")]
    assert listed.count("Other content than the first delivery had") == 1
    assert listed.count("Its reference belongs to another transfer") == 1
    assert text.count(f'href="/staff/tips/{tip_id(1)}"') == 2


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
        "not_ended",
    }
    given |= {f"posted_although_{end}" for end in ("cancelled", "failed")} | {
        f"{end}_after_settlement" for end in ("cancelled", "failed")
    }
    assert set(reconciliation.REASONS) == given
    assert "strange_code" in reconciliation.words("strange_code")[0]


# --- the button --------------------------------------------------------------------------------------------


def asks(tip_number=1, *, user=None, checked=False, **form):
    """Presses the button: the answer."""
    browser = Client(enforce_csrf_checks=checked)
    if user:
        browser.force_login(user)
    seen = (calls.found() or {}).get("looks") or 0
    said = {"reason": "she asked", "seen": str(seen)} | form
    return browser.post(f"/staff/tips/{tip_id(tip_number)}/look-again", said)


def looked(now=None):
    polling.drain(now=now or clock.now(), limit=9)


def test_staff_has_the_ledger_asked_again_and_it_is_kept_who(page, remote, dina, caplog):
    contradicted(remote)
    assert "Look again" in page()[1]
    remote.entries.clear()
    remote.post(f"TIP_{tip_id(1)}", BOB, ANA, 100)
    before = clock.now()
    with caplog.at_level("INFO"):
        assert asks(user=dina)["Location"] == f"/staff/tips/{tip_id(1)}"
    row = calls.found()
    assert row["look_asked_by"] == "dina"
    assert before <= row["look_asked_at"] == row["next_look_at"] <= clock.now()
    assert [record.tip_id for record in caplog.records if record.msg == "look_asked_for"] == [tip_id(1)]
    told = audit_log.of(tip_id(1), limit=9)
    assert [(each["action"], each["actor"], each["why"]) for each in told] == [
        ("look_again", "dina", "she asked")
    ]
    assert "The ledger is being asked again" in page()[1]
    looked()
    assert calls.state() == ("success", "settled", "")
    assert (calls.found()["look_asked_by"], calls.found()["needs_reconciliation"]) == ("dina", "")
    assert "the ledger, the platform and we agree" in page()[1]
    assert reconciliation.REASONS["other_amount"][0] in page(q="state:solved")[1]


def test_it_rings_for_the_look(remote, dina, monkeypatch):
    contradicted(remote)
    rung = []
    monkeypatch.setattr(doorbell, "ring_soon", rung.append)
    assert [asks(user=dina).status_code for _ in range(2)] == [302, 409]
    assert rung == ["tips.look"]


def test_a_ledger_that_says_the_same_leaves_the_doubt_and_the_button(page, remote, dina):
    contradicted(remote)
    for looks in (2, 3):
        asks(user=dina)
        looked()
        _, text = page()
        assert (calls.found()["looks"], calls.found()["needs_reconciliation"]) == (looks, "other_amount")
        assert "Look again" in text
        assert "Asked for by dina" in text


def test_the_tips_own_page_has_the_button_too(remote, dina, client):
    contradicted(remote)
    client.force_login(dina)
    own = client.get(f"/staff/tips/{tip_id(1)}").content.decode()
    assert f'action="/staff/tips/{tip_id(1)}/look-again"' in own
    assert inline_code(own) == []
    assert unlabelled_fields(own) == set()


def test_a_tip_of_our_own_books_has_no_ledger_to_be_asked(page, dina):
    calls.bought(1000)
    calls.succeeded(1, 100)
    calls.settle()
    calls.cancelled(1)
    calls.settle()
    assert "Look again" not in page()[1]
    assert asks(user=dina).status_code == 409
    assert (calls.found()["next_look_at"], calls.found()["look_asked_by"]) == (None, "")


def test_a_tip_without_a_doubt_is_left_alone(remote, dina):
    calls.succeeded(1, 100)
    calls.settle()
    before = calls.found()
    assert asks(user=dina).status_code == 409
    assert calls.found() == before


def test_an_auditor_presses_nothing_and_sees_no_button(remote, client):
    contradicted(remote)
    before, looks = calls.found(), staff.enrol(username="eve", role=Role.AUDITOR, password="").user
    assert asks(user=looks).status_code == 403
    client.force_login(looks)
    for path in (PATH, f"/staff/tips/{tip_id(1)}"):
        shown = client.get(path)
        assert shown.status_code == 200
        assert "look-again" not in shown.content.decode()
    assert calls.found() == before


def test_only_staff_presses_it(remote, ana, carol):
    contradicted(remote)
    before = calls.found()
    assert [asks(user=performer.user).status_code for performer in (ana, carol)] == [403, 403]
    assert asks()["Location"].startswith("/login")
    assert calls.found() == before


def test_it_wants_a_post_with_its_token_and_a_tip(remote, dina, client):
    contradicted(remote)
    before = calls.found()
    assert asks(user=dina, checked=True).status_code == 403
    client.force_login(dina)
    assert client.get(f"/staff/tips/{tip_id(1)}/look-again").status_code == 405
    assert asks(7, user=dina).status_code == 404
    assert calls.found() == before


# --- deliveries that were set aside ------------------------------------------------------------------------


@pytest.fixture
def admin(db):
    return UserFactory(username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def aside(db):
    """A tip whose delivery cannot be processed, however often it is tried."""
    calls.succeeded(1, 100)
    good = bytes(collection(WebhookDelivery).find_one({})["body"])
    collection(WebhookDelivery).update_one({}, {"$set": {"body": b"{"}})
    now = NOW
    for _ in range(inbox.MAX_ATTEMPTS):
        calls.settle(now)
        now += timedelta(minutes=5)
    return good


def tries_again(client, user):
    key = collection(WebhookDelivery).find_one({})["_id"]
    client.force_login(user)
    said = {"reason": "mended", "seen": str(inbox.MAX_ATTEMPTS)}
    return client.post(f"/staff/delivery-again/{key}", said, follow=True)


def test_what_was_set_aside_is_shown_and_processed_when_somebody_says_so(page, aside, client, admin):
    assert calls.settle(NOW + timedelta(days=9)).handled == 0
    text = page()[1]
    assert "Delivery set aside" in text
    assert "It could not be processed: Malformed." in text
    assert tip_id(1) in text
    collection(WebhookDelivery).update_one({}, {"$set": {"body": aside}})
    assert "being processed again" in tries_again(client, admin).content.decode()
    calls.settle()
    assert calls.found()["total"] == 100
    assert "Delivery set aside" not in page()[1]
    key = collection(WebhookDelivery).find_one({})["_id"]
    assert [(entry["action"], entry["actor"]) for entry in audit_log.of(key, limit=9)] == [
        ("process_again", admin.username)
    ]


def test_the_health_counts_it(aside):
    found = health.read(now=NOW)
    assert (found.status, [reading.measure.code for reading in found.reasons]) == (
        health.Status.DEGRADED,
        ["set_aside"],
    )


def test_only_who_may_decide_has_it_tried_again(aside, client, ana):
    looks = staff.enrol(username="looks", role=Role.AUDITOR, password="").user
    for user in (looks, ana.user):
        assert tries_again(client, user).status_code == 403
    assert collection(WebhookDelivery).find_one({})["status"] == "set_aside"


# --- rows that an index refused ----------------------------------------------------------------------------


def test_a_row_that_was_refused_is_shown_with_what_is_missing_and_what_to_do(page):
    assert "Row refused" not in page()[1]
    journal.refuse(Posting, {"_id": f"TIP_{tip_id(1)}"})
    journal.refuse(TipActivated, {"_id": tip_id(2)})
    journal.refuse(User, {"_id": "7"})
    _, text = page()
    assert "A posting is not in the books." in text
    assert f"TIP_{tip_id(1)}" in text
    assert "An event is not in the log." in text
    assert "A row is missing." in text, "whatever a floor adds later"


def test_every_row_that_the_journal_unfolds_has_its_words(db):
    """What the sections insert, found where they say so."""
    written = set()
    for section in ("ground/inbox", "ledger/books", "tips/settlement", "lovense/lane"):
        source = (BASE / section / "projection.py").read_text(encoding="utf-8")
        written |= set(re.findall(r"journal\.insert\(\s*(\w+)", source))
    tables = {model.__name__: model._meta.db_table for model in apps.get_models()}
    assert written
    assert {tables[name] for name in written} == set(reconciliation._ROWS)


# --- the tip's own page ------------------------------------------------------------------------------------


def told(number=1):
    found = story.read(tip_id(number))
    assert found is not None
    return found


def test_the_verdict_says_that_the_ledger_is_waited_for(remote):
    calls.succeeded(1, 100)
    calls.settle()
    polling.drain(now=NOW, limit=9)
    said = verdict.of(told())
    assert (said.status, said.reason) == ("pending", "waiting_for_ledger")
    assert (
        said.text
        == "100 tokens from \u2068bob\u2069: waiting for the ledger to post it. Asked 1 time so far; "
        "again at 04:15:01 UTC."
    )
    assert "the ledger to post it" in [fact.waits for fact in timeline.of(told())][2]


def test_the_verdict_says_that_the_ledger_did_not_answer(remote):
    remote.failures[f"TIP_{tip_id(1)}"] = OSError()
    calls.succeeded(1, 100)
    calls.settle()
    polling.drain(now=NOW, limit=9)
    assert "the last time it did not answer (OSError)" in verdict.of(told()).text


def test_the_verdict_names_what_needs_reconciliation(remote, page):
    contradicted(remote)
    said = verdict.of(told())
    assert (said.status, said.reason) == ("pending", "other_amount")
    assert "Find out which is right" in said.text


@pytest.mark.parametrize("is_anonymous", [False, True])
def test_the_entries_of_somebody_elses_ledger_are_shown_as_the_event_keeps_them(remote, dina, is_anonymous):
    remote.post(f"TIP_{tip_id(1)}", BOB, ANA, 100, net=75)
    calls.succeeded(1, 100, isAnonymous=is_anonymous)
    calls.settle()
    polling.drain(now=NOW, limit=9)
    debit, credit = entries.of(told())
    assert (debit.key, debit.side, debit.amount, debit.before, debit.after) == (
        f"rrr_entry_TIP_{tip_id(1)}_0",
        "debit",
        100,
        500,
        400,
    )
    assert (credit.account, credit.side, credit.amount, credit.after) == (
        f"performer:{ANA}",
        "credit",
        75,
        1075,
    )
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
