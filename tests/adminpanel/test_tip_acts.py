"""What staff do about a tip from its page: once for what they saw, with a reason, on record, by role."""

import pytest
from django.test import Client

from adminpanel.handling import tips as handling
from adminpanel.people.deeds import Deed, Outdated
from adminpanel.staff import enrol
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from ground.people import Role
from lovense.deciding.activation import activation_id
from lovense.sending import retries
from tests.adminpanel.people.at_once import together
from tests.adminpanel.test_emissions_page import dead as dead_emissions
from tests.adminpanel.test_emissions_page import picky
from tests.adminpanel.test_reconciliation import contradicted
from tests.factories import NOW
from tests.remote import remote
from tests.tips import calls
from tests.tips.calls import tip_id
from tips.models import QueueRequest, Tip
from tips.queue import requests as queue

__all__ = ["dead_emissions", "picky", "remote"]
pytestmark = pytest.mark.django_db
WHY = "she wrote to us"


@pytest.fixture
def staff(db):
    """A client of each role."""
    made = {role: Client() for role in Role}
    for role, client in made.items():
        client.force_login(enrol(username=f"a-{role}", role=role, password="").user)
    return made


@pytest.fixture
def letter(chain, bob):
    """A tip whose request was given up; when it died."""
    chain.hold()
    tip = chain.settled(bob, 100)
    chain.dispatch()
    retries.bury(activation_id(tip), "not_received", now=NOW)
    row = collection(QueueRequest).find_one({"_id": queue.request_id(tip)})
    return tip, handling.state_of(row)


def entries(action):
    found = AuditEntry.objects.filter(action=action).order_by("at", "entry_id")
    return [(each.actor, each.why, each.success, each.after) for each in found]


def post(client, tip, act, **said):
    return client.post(f"/staff/tips/{tip}/{act}", {"reason": WHY, **said})


# --- look again --------------------------------------------------------------------------------------------


def test_the_form_of_the_page_asks_the_ledger_once(staff, remote):
    contradicted(remote)
    shown = staff[Role.SUPPORT].get(f"/staff/tips/{tip_id(1)}").content.decode()
    assert 'id="act-look-again"' in shown
    assert 'name="seen" value="1"' in shown
    assert post(staff[Role.SUPPORT], tip_id(1), "look-again", seen="1").status_code == 302
    assert post(staff[Role.ADMIN], tip_id(1), "look-again", seen="1").status_code == 409
    (done, refused) = entries("look_again")
    assert done[:3] == ("a-support", WHY, True)
    assert refused == ("a-admin", WHY, False, {"refused": "outdated"})


def test_of_many_who_ask_at_once_one_does(remote):
    contradicted(remote)
    tip = Tip.objects.get()

    def ask(place):
        handling.look_again(tip, seen=1, deed=Deed("", f"s-{place}", WHY, NOW))

    found = together(4, ask)
    assert [type(each) for each in found if each is not None] == [Outdated] * 3
    assert len(entries("look_again")) == 1


# --- the emission ------------------------------------------------------------------------------------------


def test_an_event_that_a_consumer_lacks_is_given_to_it_once(staff, dead_emissions, picky):
    shown = staff[Role.ADMIN].get(f"/staff/tips/{tip_id(2)}").content.decode()
    assert "Its event is handed once more to: picky." in shown
    assert "given up after 5 attempts: OverflowError" in " ".join(shown.split())
    assert post(staff[Role.ADMIN], tip_id(2), "retry-emission", seen="1").status_code == 302
    assert picky.taken == [tip_id(2)]
    assert post(staff[Role.ADMIN], tip_id(2), "retry-emission", seen="1").status_code == 409
    assert picky.taken == [tip_id(2)]
    assert entries("retry") == [("a-admin", WHY, True, {"state": "delivered"})]
    after = staff[Role.SUPPORT].get(f"/staff/tips/{tip_id(2)}").content.decode()
    assert "delivered after all, by a-admin" in after


def test_one_that_fails_again_is_told_and_recorded_as_that(staff, dead_emissions, picky):
    picky.bad = True
    answer = post(staff[Role.ADMIN], tip_id(1), "retry-emission", seen="1")
    assert answer.status_code == 409
    assert "It failed again." in answer.content.decode()
    assert entries("retry") == [("a-admin", WHY, False, {"error": "OverflowError"})]


# --- replay ------------------------------------------------------------------------------------------------


def test_a_dead_request_goes_back_once(staff, letter):
    tip, died = letter
    shown = staff[Role.ADMIN].get(f"/staff/tips/{tip}").content.decode()
    assert f'name="seen" value="{died}"' in shown
    assert "Dead letter</a>" in shown
    assert post(staff[Role.ADMIN], tip, "replay", seen=died).status_code == 302
    assert collection(QueueRequest).find_one({"_id": queue.request_id(tip)})["status"] == "pending"
    assert post(staff[Role.ADMIN], tip, "replay", seen=died).status_code == 409
    done, refused = entries("replay")
    assert done == ("a-admin", WHY, True, {"status": "pending"})
    assert refused[2] is False


def test_a_tip_that_has_no_request_has_nothing_to_send_back(staff, chain, bob):
    unsettled = chain.settled(bob, 1_000_000)
    assert post(staff[Role.ADMIN], unsettled, "replay", seen="").status_code == 404


# --- all of them -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["look-again", "retry-emission", "replay"])
@pytest.mark.parametrize("reason", ["", "ab", "x" * 201, "y" * 900_000])
def test_without_a_reason_nothing_is_done_and_the_form_says_so(staff, letter, act, reason):
    tip, died = letter
    answer = post(staff[Role.ADMIN], tip, act, seen=died, reason=reason)
    assert answer.status_code == 422
    assert "Say why, in 3 to 200 characters." in answer.content.decode()
    assert collection(QueueRequest).find_one({"_id": queue.request_id(tip)})["status"] == "dead"
    assert entries(act.replace("-", "_"))[0][2:] == (False, {"refused": "invalid"})


@pytest.mark.parametrize("act", ["look-again", "retry-emission", "replay"])
def test_an_act_of_no_tip_is_not_found(staff, act):
    calls.bought(10)
    assert post(staff[Role.ADMIN], tip_id(7), act, seen="1").status_code == 404


def test_only_an_admin_starts_something_and_nobody_else_has_the_form(staff, letter):
    tip, died = letter
    for role in (Role.SUPPORT, Role.AUDITOR):
        assert "act-replay" not in staff[role].get(f"/staff/tips/{tip}").content.decode()
        for act in ("replay", "retry-emission"):
            assert post(staff[role], tip, act, seen=died).status_code == 403
    assert post(staff[Role.AUDITOR], tip, "look-again", seen="1").status_code == 403
    assert collection(QueueRequest).find_one({"_id": queue.request_id(tip)})["status"] == "dead"
