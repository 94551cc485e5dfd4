"""The staff's pages: staff alone, the verdict first, the facts in order, and nothing of the page inline."""

import pytest

from adminpanel.tip import story, verdict
from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.deciding.gates import GATES, ON_WISH
from lovense.menus import publishing
from tests.chain import SECOND
from tests.ground.plans import recorded, scans
from tests.pages import inline_code, unlabelled_fields
from tips.models import TipActivated

pytestmark = pytest.mark.django_db

UNKNOWN = "0" * 24


@pytest.fixture
def page(client, dina):
    """The page at an address, as staff; as text."""
    client.force_login(dina)

    def get(address, status=200, **query):
        response = client.get(address, query)
        assert response.status_code == status
        return " ".join(response.content.decode().split())

    return get


# --- who sees it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/staff/tips", f"/staff/tips/{UNKNOWN}"])
def test_only_staff_sees_it(client, ana, address):
    assert client.get(address)["Location"] == f"/login?next={address}"
    client.force_login(ana.user)
    assert client.get(address).status_code == 403


def test_her_own_tip_is_not_hers_to_audit(client, chain, ana, bob):
    client.force_login(ana.user)
    assert client.get(f"/staff/tips/{chain.settled(bob, 100)}").status_code == 403


# --- finding a tip -----------------------------------------------------------------------------------------


def test_an_unknown_tip_is_a_404_beside_the_search(page):
    shown = page(f"/staff/tips/{UNKNOWN}", status=404)
    assert f"No tip {UNKNOWN}" in shown
    assert 'id="find"' in shown


# --- the page of one tip -----------------------------------------------------------------------------------


def test_the_verdict_comes_first_and_the_facts_in_their_order(page, chain, bob):
    chain.hold()
    tip_id = chain.played(bob, 100)
    shown = page(f"/staff/tips/{tip_id}")
    asked = len(GATES) - len(ON_WISH)
    parts = [
        "100 tokens from \u2068bob\u2069: “Fireworks” played for 10 s.",
        "Delivery stored",
        "Tip recorded",
        "Settled, event logged, request queued",
        "Claimed and decided",
        "Handed over to the page",
        "Acknowledged",
        ">Gates</h2>",
        f"{asked} passed",
        ">Promised and delivered</h2>",
        ">Money</h2>",
        "100 tokens: ",
        "Balanced",
        ">Event log</h2>",
        "Chain verified around it just now",
        ">Deliveries</h2>",
        ">Audit log</h2>",
    ]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)
    assert f"{asked} of {asked} asked were passed" in shown
    assert "10 of 10 s" in shown


def test_a_fact_that_has_not_happened_says_what_it_waits_for(page, chain, bob):
    shown = page(f"/staff/tips/{chain.settled(bob, 100)}")
    assert "Waits for a page that holds the performer&#x27;s devices" in shown
    assert "Not asked yet" in shown


def test_a_stored_delivery_has_a_page_before_it_is_a_tip(page, chain, bob):
    shown = page(f"/staff/tips/{chain.deliver(bob, 100)}")
    assert "Received and stored; not yet processed." in shown
    assert "No entries" in shown


def test_repeats_and_conflicts_are_on_the_page(page, chain, bob):
    tip_id = chain.settled(bob, 100)
    chain.accept(chain.sent[tip_id].replace(b'"totalPrice": 100', b'"totalPrice": 101'))
    assert "Conflict" in page(f"/staff/tips/{tip_id}")


def test_an_anonymous_tipper_stays_anonymous_to_staff(page, chain, bob):
    chain.hold()
    shown = page(f"/staff/tips/{chain.played(bob, 100, isAnonymous=True)}")
    assert "bob" not in shown
    assert bob.user_id not in shown


@pytest.mark.parametrize(
    ("amount", "end", "tone"),
    [(100, {"seconds": 10}, "good"), (100, {"seconds": 3}, "warn"), (5, None, "idle")],
)
def test_the_tone_is_that_of_the_outcome(chain, bob, amount, end, tone):
    chain.hold()
    tip_id = chain.played(bob, amount, **end) if end else chain.settled(bob, amount)
    chain.dispatch(later=SECOND)
    found = story.read(tip_id)
    assert verdict.tone(found, verdict.of(found)) == tone


def test_what_said_no_is_open_and_what_was_not_asked_is_one_line(page, chain, bob):
    chain.hold()
    tip_id = chain.settled(bob, 5)
    chain.dispatch()
    shown = page(f"/staff/tips/{tip_id}")
    assert "<strong>Minimum</strong> said no: it saw <bdi>" in shown, shown[shown.find("tip__no") :][:400]
    assert "Not asked after that: menu" in shown
    assert "Nothing was promised." in shown


def test_each_fact_is_drawn_as_long_as_it_took(page, chain, bob):
    chain.hold()
    tip_id = chain.settled(bob, 100)
    chain.settle()
    chain.dispatch(later=SECOND)
    chain.acknowledge(tip_id, "finished", later=4 * SECOND, delivered_seconds=3.0)
    shown = page(f"/staff/tips/{tip_id}")
    assert "to scale, 4000 ms in all; times in UTC" in shown
    assert 'x="0%" width="25%"' in shown  # its turn
    assert 'x="25%" width="75%"' in shown  # the run
    assert "Waited for its turn, and a page that holds the devices" in shown
    assert 'data-state="delivered" x="0%" width="30%"' in shown


def test_what_takes_its_time_still_is_drawn_until_now(page, chain, bob):
    shown = page(f"/staff/tips/{chain.settled(bob, 100)}")
    assert 'class="tip__stretch" data-open' in shown


def test_every_attempt_and_every_word_of_the_page_is_told(page, chain, bob):
    chain.hold()
    shown = page(f"/staff/tips/{chain.played(bob, 100)}")
    for said in ("<dt>Attempt 1</dt>", "<dt>Received</dt>", "<dt>Started</dt>", "10 of 10 s"):
        assert said in shown


def test_a_chain_that_was_tampered_with_around_it_is_told(page, chain, bob):
    one, two, three = (chain.settled(bob, 20) for _ in range(3))
    page(f"/staff/tips/{one}")
    collection(TipActivated).update_one({"_id": three}, {"$set": {"payload.amount": 21}})
    assert "Chain verified around it just now (2 rows)" in page(f"/staff/tips/{one}")
    assert "The chain is broken around it" in page(f"/staff/tips/{two}")
    collection(TipActivated).delete_one({"_id": two})
    assert "row 2: is missing" in page(f"/staff/tips/{three}")


def test_a_conflict_is_compared_field_by_field_without_words_of_people(page, chain, bob):
    tip_id = chain.settled(bob, 100)
    other = chain.sent[tip_id].replace(b'"totalPrice": 100', b'"totalPrice": 101')
    chain.accept(other.replace(b'"bob"', b'"Robert the canary"'))
    shown = page(f"/staff/tips/{tip_id}")
    assert '<strong>totalPrice</strong> <span class="ui-diff__how"><del>100</del> <ins>101</ins>' in shown
    assert "<strong>another field</strong>" in shown
    assert "canary" not in shown


def test_who_has_done_something_about_it_stands_on_the_page(page, chain, bob):
    tip_id = chain.settled(bob, 100)
    assert "Nobody of the staff has done anything about it." in page(f"/staff/tips/{tip_id}")
    audit_log.record(kind="tip", action="look_again", by="eve", target=tip_id, why="she asked", now=chain.now)
    shown = page(f"/staff/tips/{tip_id}")
    assert "Look again</a><span>by <bdi>eve</bdi>: <bdi>she asked</bdi>" in shown
    assert f"/staff/audit?q=tip%3A{tip_id}" in shown


def test_what_would_happen_now_is_marked_as_not_what_happened(page, chain, bob):
    chain.hold()
    tip_id = chain.played(bob, 100)
    item = {"title": "Slow", "minimum": 1, "maximum": None, "pattern": "level", "intensity": 5}
    publishing.publish(chain.performer_id, [{**item, "durationSec": 3}], chain.now)
    shown = page(f"/staff/tips/{tip_id}/now")
    assert "This is not what happened." in shown
    assert "“Slow” would play for 3 s now." in shown
    platform.change(key="enableLovense", value="false", by="dina", now=chain.now)
    off = page(f"/staff/tips/{tip_id}/now")
    assert "Nothing would play now. The gate “kill switch” says no." in off
    assert "<strong>Kill switch</strong> would say no" in off
    assert "“Fireworks” played for 10 s" in page(f"/staff/tips/{tip_id}")
    page(f"/staff/tips/{UNKNOWN}/now", status=404)


# --- every page --------------------------------------------------------------------------------------------


def test_nothing_is_inline_in_any_state(page, chain, bob):
    chain.hold()
    tips = [chain.played(bob, 100), chain.settled(bob, 5), chain.deliver(bob, 20)]
    addresses = ["/staff/tips", *(f"/staff/tips/{tip_id}" for tip_id in tips), f"/staff/tips/{tips[0]}/now"]
    for shown in [*map(page, addresses), page(f"/staff/tips/{UNKNOWN}", status=404)]:
        assert inline_code(shown) == []
        assert unlabelled_fields(shown) == set()


def test_the_page_of_a_tip_costs_a_bounded_number_of_look_ups(page, chain, bob):
    chain.hold()
    tip_id = chain.played(bob, 100)
    page("/staff/tips")
    with recorded() as plans:
        page(f"/staff/tips/{tip_id}")
    assert len(plans) <= 20
    assert scans(plans) == []
