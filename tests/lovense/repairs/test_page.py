"""The card of what is to be mended, above her devices: there only where something is, with the button that
helps; and the doctor in its dialog."""

import re

import pytest

from ground import clock
from ground.json.fields import Fields
from ground.mongodb.collections import collection
from lovense.bridges.outcomes import CallOutcome
from lovense.devices import choices, hosts
from lovense.models import Performer
from lovense.repairs import faults, looking
from tests.chain import Chain
from tests.lovense.devices import apps
from tests.lovense.devices.devices_page import page, press, said
from tests.lovense.devices.reports import from_page, toy
from tests.lovense.repairs.stage import SECOND, SHOWN
from tips.queue import requests as queue

__all__ = ["page", "press"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def then():
    return clock.now() - 2 * SHOWN


@pytest.fixture
def paired(ana, then):
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"bridge": "STANDARD_SERVER"}})
    before = then - 20 * SECOND
    apps.opened(ana, now=before, expires_at=then + apps.FIFTEEN_MINUTES)
    apps.take(apps.call(apps.LUSH | {"battery": 80}), now=before)
    return ana


def look(now):
    looking.look(now=now, limit=200)


def card(html):
    found = re.search(r'<section class="card mend".*?</section>', html)
    return found[0] if found else ""


def test_nothing_wrong_no_card(ana, page, paired, then):
    look(then)
    assert "To mend" not in page()
    assert "To mend" not in page("devices")


def test_what_is_wrong_stands_above_the_list_with_its_button(page, paired, press, then):
    apps.take(apps.call(apps.LUSH | {"status": 0}), now=then)
    look(then)
    html = page("devices")
    assert html.index("To mend") < html.index("Your devices")
    shown = card(html)
    assert "Lush is not connected." in shown
    assert "Switch it on and keep it near the phone." in shown
    assert f"/devices/{paired.pk}.toy-1/switch" in shown
    assert said(press(f"{paired.pk}.toy-1/switch", enabled="0")) == "Lush is switched off."
    look(clock.now())
    assert card(page("devices")) == ""


def test_the_heaviest_comes_first_and_what_flaps_says_how_often(page, paired, then):
    for n in range(3):
        apps.take(apps.call(apps.LUSH | {"status": n % 2, "battery": 9}), now=then + n * SECOND)
        look(then + n * SECOND)
    faults.heard(performer_id=paired.pk, host_id=apps.HOST, outcome=CallOutcome.PAIRING_LOST, now=then)
    look(then)
    shown = card(page("devices"))
    assert shown.index("does not know your pairing") < shown.index("is not connected")
    assert "2 times" in shown


BUTTONS = {
    "pairing_lost": lambda ana, now: faults.heard(
        performer_id=ana.pk, host_id=apps.HOST, outcome=CallOutcome.PAIRING_LOST, now=now
    ),
    "app_offline": lambda ana, now: hosts.unreached(performer_id=ana.pk, host_id=apps.HOST, now=now),
    "operator_fault": lambda ana, now: faults.heard(
        performer_id=ana.pk, host_id=apps.HOST, outcome=CallOutcome.OPERATOR_FAULT, now=now
    ),
    "function_failed": lambda ana, now: choices.change(
        performer_id=ana.pk,
        device_id=f"{ana.pk}.toy-1",
        choice=choices.Choice(Fields({"verified": {"Vibrate": False}}, "")),
        by="ana",
        now=now,
    ),
}


@pytest.mark.parametrize(
    ("kind", "button"),
    [
        ("pairing_lost", f"/devices/pair#again-{apps.HOST}"),
        ("app_offline", "/devices/pair"),
        ("operator_fault", "toy-1/test"),
        ("function_failed", "toy-1#limits"),
    ],
)
def test_each_has_the_button_that_helps(page, paired, then, kind, button):
    apps.take(apps.call(apps.LUSH | {"battery": 79}), now=clock.now())
    BUTTONS[kind](paired, then)
    look(then)
    assert button in card(page("devices"))


def test_where_no_device_can_be_tried_there_is_no_button(page, paired, then):
    BUTTONS["operator_fault"](paired, then)
    BUTTONS["app_offline"](paired, then)
    look(then)
    assert card(page("devices")).count('data-focus="mend"') == 1


def test_a_nickname_is_text(page, ana, then):
    from_page(ana, toy(), now=then)
    choice = choices.Choice(Fields({"nickname": "<b>x</b>"}, ""))
    about = {"performer_id": ana.pk, "device_id": f"{ana.pk}.toy-1", "by": "ana", "now": then}
    choices.change(**about, choice=choice)
    from_page(ana, toy(status=0), now=then)
    look(then)
    assert "&lt;b&gt;x&lt;/b&gt; is not connected." in card(page("devices"))


def test_another_performers_trouble_is_not_shown(client, carol, paired, then):
    apps.take(apps.call(apps.LUSH | {"status": 0}), now=then)
    look(then)
    client.force_login(carol.user)
    assert "To mend" not in client.get("/devices").content.decode()


# --- the doctor --------------------------------------------------------------------------------------------


@pytest.fixture
def chain(ana):
    made = Chain(ana, now=clock.now())
    made.publish_menu()
    made.hold()
    return made


def test_the_dialog_says_where_it_fails(ana, page, press):
    from_page(ana, toy(), now=clock.now())
    assert "Find the fault" in page("devices")
    html = press(f"{ana.pk}.toy-1/diagnose").content.decode()
    assert "Nothing holds your devices" in html
    assert html.count('data-state="skipped"') == 2
    assert "data-goes-on" not in html


def test_the_dialog_goes_on_while_its_test_plays(ana, chain, press):
    html = press(f"{ana.pk}.toy-1/diagnose").content.decode()
    assert "data-goes-on" in html
    (request_id,) = re.findall(r'"request": "([0-9a-f-]+)"', html)
    chain.now = clock.now()
    chain.dispatch()
    key = queue.find(request_id)["idempotency_key"]
    chain.acknowledge(key, "finished", delivered_seconds=2)
    html = press(f"{ana.pk}.toy-1/diagnose", request=request_id).content.decode()
    assert "data-goes-on" not in html
    assert html.count('data-state="ok"') == 3


def test_another_performers_device_is_not_examined(carol, chain, press, client):
    client.force_login(carol.user)
    assert client.post(f"/devices/{chain.performer_id}.toy-1/diagnose").status_code == 404
