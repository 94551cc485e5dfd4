"""The staff's pages: staff alone, the verdict first, the facts in order, and nothing of the page inline."""

import pytest

from adminpanel.views import tips
from lovense.deciding.gates import GATES, ON_WISH
from tests.chain import SECOND
from tests.ground.plans import recorded
from tests.pages import inline_code, unlabelled_fields

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


def test_the_tips_settled_last_are_listed_with_what_became_of_them(page, chain, bob):
    chain.hold()
    played = chain.played(bob, 100)
    waiting = chain.settled(bob, 50, isAnonymous=True)
    shown = page("/staff/tips")
    assert shown.index(waiting) < shown.index(played)
    assert "Completed" in shown
    assert "Queued" in shown
    assert "from <bdi>Anonymous</bdi>" in shown


def test_an_empty_list_says_so(page):
    assert "No settled tips yet" in page("/staff/tips")


# --- the page of one tip -----------------------------------------------------------------------------------


def test_the_verdict_comes_first_and_the_facts_in_their_order(page, chain, bob):
    chain.hold()
    tip_id = chain.played(bob, 100)
    shown = page(f"/staff/tips/{tip_id}")
    parts = [
        "100 tokens from \u2068bob\u2069: “Fireworks” played for 10 s.",
        "Delivery stored",
        "Tip recorded",
        "Settled, event logged, request queued",
        "Claimed and decided",
        "Handed over to the page",
        "Acknowledged",
        "Gates</h2>",
        "Ledger entries",
        "Event log",
        "Deliveries",
    ]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)
    asked = len(GATES) - len(ON_WISH)
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
    from adminpanel.tip import story, verdict

    chain.hold()
    tip_id = chain.played(bob, amount, **end) if end else chain.settled(bob, amount)
    chain.dispatch(later=SECOND)
    found = story.read(tip_id)
    assert tips.tone(found, verdict.of(found)) == tone


# --- every page --------------------------------------------------------------------------------------------


def test_nothing_is_inline_in_any_state(page, chain, bob):
    chain.hold()
    tips = [chain.played(bob, 100), chain.settled(bob, 5), chain.deliver(bob, 20)]
    addresses = ["/staff/tips", *(f"/staff/tips/{tip_id}" for tip_id in tips), "/api/docs"]
    for shown in [*map(page, addresses), page(f"/staff/tips/{UNKNOWN}", status=404)]:
        assert inline_code(shown) == []
        assert unlabelled_fields(shown) == set()


def test_the_list_costs_three_look_ups_besides_who_asks_and_what_the_strip_says(page, chain, bob):
    chain.hold()
    page("/staff/tips")  # the session is marked as one of staff, once
    counts = []
    for _ in range(2):
        for _ in range(4):
            chain.played(bob, 100)
        with recorded() as plans:
            page("/staff/tips")
        assert [plan for plan in plans if not plan.is_indexed] == []
        counts.append(len(plans))
    assert counts == [8, 8]  # one of them is the archive's: the log is shorter than the list


def test_the_page_of_a_tip_costs_a_bounded_number_of_look_ups(page, chain, bob):
    chain.hold()
    tip_id = chain.played(bob, 100)
    page("/staff/tips")
    with recorded() as plans:
        page(f"/staff/tips/{tip_id}")
    assert len(plans) <= 12
