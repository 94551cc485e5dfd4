"""`GET /api/tips/:id`: exactly the documented JSON, for staff and platforms alone."""

from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from lovense.models import Activation
from lovense.owed import keeping
from tests.factories import token_of
from tests.ground.plans import recorded
from tips.intake import platforms
from tips.log import archive

pytestmark = pytest.mark.django_db

UNKNOWN = "0" * 24


@pytest.fixture
def get(client, dina):
    """The answer to staff, or to another token."""

    def ask(tip_id, token=None):
        return client.get(
            f"/api/tips/{tip_id}", headers={"Authorization": f"Token {token or token_of(dina)}"}
        )

    return ask


def test_a_played_tip_is_answered_exactly_so(get, chain, bob):
    from tips.models import TipActivated

    chain.hold()
    tip_id = chain.played(bob, 100)
    answer = get(tip_id)
    assert answer.status_code == 200
    assert answer.json() == {
        "tipId": tip_id,
        "status": "success",
        "settlementStatus": "settled",
        "eventId": TipActivated.objects.get(pk=tip_id).event_id,
        "verdict": {
            "status": "completed",
            "reason": "",
            "text": "100 tokens from \u2068bob\u2069: “Fireworks” played for 10 s.",
        },
        "activations": [
            {
                "activationId": f"{tip_id}.all",
                "status": "completed",
                "promisedSeconds": 10,
                "deliveredSeconds": 10.0,
                "owedSeconds": 0.0,
                "isPartial": False,
            }
        ],
    }


def test_a_tip_that_did_nothing_still_has_its_activation(get, chain, bob):
    chain.hold()
    tip_id = chain.settled(bob, 5)
    chain.dispatch()
    answer = get(tip_id).json()
    assert (answer["verdict"]["status"], answer["verdict"]["reason"]) == ("skipped", "below_minimum")
    assert answer["activations"] == [
        {
            "activationId": f"{tip_id}.all",
            "status": "skipped",
            "promisedSeconds": 0,
            "deliveredSeconds": None,
            "owedSeconds": 0.0,
            "isPartial": False,
        }
    ]


def test_a_tip_that_some_devices_did_not_play_to_its_end_says_so(get, chain, bob):
    chain.hold()
    tip_id = chain.played(bob, 100)
    leg = {"nickname": "Nora", "promised": 10, "delivered": 4.0, "outcome": "away", "code": "not_connected"}
    collection(Activation).update_one({"tip_id": tip_id}, {"$set": {"legs": [leg]}})
    answer = get(tip_id).json()
    assert answer["activations"][0]["isPartial"] is True
    assert answer["verdict"]["text"].endswith("played for 10 s. Nora was away: 4 of 10 s.")


def test_a_delivery_not_yet_processed_is_pending(get, chain, bob):
    answer = get(chain.deliver(bob, 100)).json()
    assert (answer["status"], answer["settlementStatus"], answer["eventId"]) == ("pending", "pending", None)
    assert answer["verdict"]["status"] == "pending"
    assert answer["activations"] == []


def test_an_unknown_tip_is_a_404_in_the_shape_of_every_error(get):
    answer = get(UNKNOWN)
    assert answer.status_code == 404
    assert set(answer.json()["error"]) == {"code", "message", "details"}


def test_a_platform_may_ask(get, chain, bob):
    tip_id = chain.settled(bob, 100)
    assert get(tip_id, platforms.enrol(name="stage")).status_code == 200


def test_a_performer_may_not_ask_even_about_her_own_tip(get, chain, ana, carol, bob):
    tip_id = chain.settled(bob, 100)
    assert [get(tip_id, token_of(who.user)).status_code for who in (ana, carol)] == [403, 403]


def test_nobody_may_ask_without_a_token(client, db):
    assert client.get(f"/api/tips/{UNKNOWN}").status_code == 401


def test_an_anonymous_tip_is_anonymous_over_rest(get, chain, bob):
    answer = get(chain.settled(bob, 100, isAnonymous=True))
    assert "bob" not in answer.content.decode()
    assert "Anonymous" in answer.json()["verdict"]["text"]


def test_the_answer_costs_six_look_ups_besides_the_token_and_the_role(get, chain, bob, dina):
    chain.hold()
    tip_id, token = chain.played(bob, 100), token_of(dina)
    get(tip_id, token)  # that it is used is kept once a minute
    with recorded() as plans:
        get(tip_id, token)
    assert len(plans) == 8
    assert [plan for plan in plans if not plan.is_indexed] == []


def test_the_schema_and_its_page_name_the_endpoint(client, db):
    assert b"/api/tips/{tip_id}" in client.get("/api/schema").content
    assert b"Where a tip stands" in client.get("/api/docs").content


def test_an_archived_tip_is_answered_as_before(get, chain, bob):
    chain.hold()
    tip_id = chain.played(bob, 100)
    before, later = get(tip_id).json(), chain.now + timedelta(days=101)
    assert archive.run(before=later - timedelta(days=90), time=lambda: later).moved.total() == 2
    assert get(tip_id).json() == before


def test_what_a_shortened_tip_owes_is_told_to_the_platform(get, chain, bob):
    chain.hold()
    tip_id = chain.played(bob, 100, seconds=3.2)
    keeping.drain(now=chain.now, limit=9)
    assert get(tip_id).json()["activations"][0]["owedSeconds"] == 6.8
