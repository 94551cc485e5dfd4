"""`GET /api/admin/lovense/tips/:id`: all that is recorded of a tip, for staff alone."""

import pytest

from tests.factories import token_of
from tests.ground.plans import recorded, scans

pytestmark = pytest.mark.django_db
UNKNOWN = "0" * 24


@pytest.fixture
def get(client, dina):
    def ask(tip_id, user=dina):
        headers = {"Authorization": f"Token {token_of(user)}"}
        return client.get(f"/api/admin/lovense/tips/{tip_id}", headers=headers)

    return ask


def test_the_whole_trail_of_a_tip_is_told(get, chain, bob):
    chain.hold()
    tip_id = chain.played(bob, 100)
    chain.accept(chain.sent[tip_id].replace(b'"totalPrice": 100', b'"totalPrice": 101'))
    told = get(tip_id).json()
    assert [fact["state"] for fact in told["facts"]] == ["done"] * 6
    assert told["tip"]["verdict"]["status"] == "completed"
    assert all(gate["passed"] for gate in told["gates"])
    sides = {
        side: sum(each["tokens"] for each in told["entries"] if each["side"] == side)
        for side in ("debit", "credit")
    }
    assert sides["debit"] == sides["credit"] >= 100
    assert (told["event"]["sequence"], told["event"]["isChainWhole"]) == (1, True)
    assert [each["status"] for each in told["deliveries"]] == ["processed", "conflict"]
    assert any("10 of 10 s" in words for words in told["runs"][0]["told"])
    assert {each["state"] for each in told["consumers"]} == {"waiting"}
    assert told["audit"] == []


def test_an_anonymous_tipper_is_named_nowhere_in_it(get, chain, bob):
    told = get(chain.settled(bob, 100, isAnonymous=True)).content.decode()
    assert ("bob" in told, bob.user_id in told) == (False, False)


def test_what_nobody_sent_is_not_found_and_nobody_else_asks(get, chain, bob, ana):
    assert get(UNKNOWN).status_code == 404
    assert get(chain.settled(bob, 100), user=ana.user).status_code == 403


def test_it_costs_a_bounded_number_of_commands(get, chain, bob):
    tip_id = chain.settled(bob, 100)
    get(tip_id)
    with recorded() as plans:
        assert get(tip_id).status_code == 200
    assert scans(plans) == []
    assert len(plans) <= 20
