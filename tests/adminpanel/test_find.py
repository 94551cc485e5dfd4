"""Find: whatever of a tip, a person or a device somebody has written down leads to its row, by keys alone."""

import pytest
from django.core.management import CommandError, call_command

from adminpanel import find as rule
from adminpanel.staff import enrol
from ground.mongodb.collections import collection
from ground.people import Role
from lovense.models import Activation, Device
from tests.ground.plans import recorded
from tests.lovense.devices import apps
from tests.lovense.devices.apps import opened, take
from tips.models import TipActivated
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def tip_id(chain, bob):
    chain.hold()
    return chain.played(bob, 100)


def routes(text):
    return [(hit.route, hit.key) for hit in rule.find(text).hits]


def ids_of(tip_id):
    event = TipActivated.objects.get(pk=tip_id)
    run = Activation.objects.get(tip_id=tip_id)
    return {
        "tip": tip_id,
        "in capitals": tip_id.upper(),
        "with blanks around": f"  {tip_id}\n",
        "event": event.event_id,
        "request": queue.request_id(tip_id),
        "run": run.pk,
        "entry of the ledger": event.ledger_id,
        "reference": event.source_ref,
    }


def test_every_id_of_a_tip_leads_to_its_page(tip_id):
    led = {name: routes(text) for name, text in ids_of(tip_id).items()}
    assert led == {name: [("staff-tip", tip_id)] for name in led}


def test_a_delivery_leads_to_the_tip_that_it_is_about(tip_id):
    from ground.inbox.models import WebhookDelivery

    kept = WebhookDelivery.objects.filter(subject__endswith=tip_id).first()
    assert routes(kept.key) == [("staff-tip", tip_id)]


def test_people_and_devices_are_found_by_their_whole_names(ana, db):
    enrol(username="sue", role=Role.SUPPORT, password="")
    opened(ana)
    take(apps.call())
    nickname = Device.objects.first().nickname
    hers = ("staff-performer", ana.pk)
    assert routes("ana") == routes(ana.pk) == routes(nickname.upper()) == [hers]
    assert [hit.kind for hit in rule.find("sue").hits] == ["Staff"]
    assert routes("an") == routes("su") == []


@pytest.mark.parametrize("text", ["", "   ", "a" * 301, "a\x00b", "a\u202eb", "\u0300" * 301])
def test_what_no_shape_fits_is_not_looked_for(text, db):
    with recorded() as plans:
        found = rule.find(text)
    assert (found.hits, found.tried, plans) == ([], [], [])


HOSTILE = ["$where", '{"$gt":""}', ".*", "<b>x</b>", "eve@example.org", "a b", "%00", "../..", "f" * 24, "/x"]


@pytest.mark.parametrize(
    "text", [*HOSTILE, "507f191e-810c-4197-9de8-60ea507f191e", "x/y", "a.all", "tip:" + "f" * 24]
)
def test_no_text_finds_what_it_does_not_name_or_costs_more_than_its_look_ups(text, ana, tip_id):
    with recorded() as plans:
        assert rule.find(text).hits == []
    assert len(plans) <= rule.MOST_LOOKS
    assert [plan for plan in plans if not plan.is_indexed] == []


def test_each_look_up_is_by_an_index(tip_id, ana):
    opened(ana)
    take(apps.call())
    for text in [*ids_of(tip_id).values(), "ana", ana.pk, Device.objects.first().nickname]:
        with recorded() as plans:
            assert rule.find(text).hits, text
        assert [plan for plan in plans if not plan.is_indexed] == [], text


def test_one_hit_is_shown_at_once_several_are_listed_and_none_says_what_was_tried(client, dina, ana, tip_id):
    client.force_login(dina)
    assert client.get("/staff/find", {"q": tip_id})["Location"] == f"/staff/tips/{tip_id}"
    opened(ana)
    take(apps.call())
    collection(Device).update_one({}, {"$set": {"nickname": "ana", "nickname_key": "ana"}})
    both = client.get("/staff/find", {"q": "Ana"})
    assert both.status_code == 302  # names of accounts are exact, nicknames are not
    listed = client.get("/staff/find", {"q": "ana"}).content.decode()
    assert "Performer" in listed
    assert "Device" in listed
    none = client.get("/staff/find", {"q": "<b>nobody</b>"}).content.decode()
    assert "Nothing found" in none
    assert "<b>nobody" not in none
    assert "Nothing has this shape" in client.get("/staff/find", {"q": "a\x00"}).content.decode()
    assert "Paste what you have" in client.get("/staff/find").content.decode()


def test_it_is_asked_over_rest_and_at_a_terminal(client, dina, tip_id, capsys):
    client.force_login(dina)
    told = client.get("/api/admin/find", {"q": tip_id}).json()
    assert [(hit["kind"], hit["key"]) for hit in told["hits"]] == [("Tip", tip_id)]
    assert client.get("/api/admin/find").status_code == 400
    for text in ("a" * 301, "   ", "", "<b>x</b>", "somebody@example.com"):
        assert client.get("/api/admin/find", {"q": text}).json()["hits"] == [], text
    call_command("find", tip_id)
    assert capsys.readouterr().out.startswith(f"Tip: 100 tokens (settled), {tip_id}")
    with pytest.raises(CommandError, match="Tried as: reference of a ledger, name of a performer"):
        call_command("find", "nobody-here")
