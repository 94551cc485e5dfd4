"""A device that is muted for a show: nothing is sent to it, as if it were switched off, and the next show
knows nothing of it. And the levels that Live shows of what plays on each device."""

import html
import json
import re

import pytest
from django.test import Client

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.models import Activation, Device
from lovense.sending.pages import SHOW_GAP
from lovense.shows import ending, keeping, muting
from tests.chain import SECOND
from tests.ground.plans import recorded
from tests.lovense.conftest import activation_of
from tests.lovense.devices.reports import from_page, toy
from tests.lovense.live_page import _at_the_fixed_time, button, chain, page, said
from tests.lovense.rounds import drain

__all__ = ["_at_the_fixed_time", "button", "chain", "page"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def two(chain, ana, now):
    """On air; her page holds Lush, which gets half of what is asked, and Nora. Their ids."""
    chain.hold()
    from_page(ana, toy(battery=80), toy("toy-2", name="nora"), now=now)
    collection(Device).update_one({"_id": f"{ana.pk}.toy-1"}, {"$set": {"scale_percent": 50}})
    from_page(ana, toy(battery=79), toy("toy-2", name="nora", status=0), now=now)
    from_page(ana, toy(battery=79), toy("toy-2", name="nora"), now=now)
    return f"{ana.pk}.toy-1", f"{ana.pk}.toy-2"


def mute(ana, device_id, at):
    return muting.mute(performer_id=ana.pk, device_id=device_id, by="ana", now=at)


def muted():
    return sorted(row["_id"][-5:] for row in collection(Device).find({"muted_in": {"$gt": ""}}))


def told(chain, bob):
    """Which toys the commands of a tip name, in her page's words; none: all that are connected."""
    tip_id = chain.settled(bob, 100)
    drain()
    row = activation_of(tip_id)
    chain.acknowledge(tip_id, "finished", delivered_seconds=10)
    return row["status"], sorted({str(each.get("toy", "all")) for each in row["commands"]})


# --- what it does ------------------------------------------------------------------------------------------


def test_nothing_is_sent_to_it_until_she_unmutes_it(chain, bob, ana, two, now):
    lush, _ = two
    assert len(told(chain, bob)[1]) == 2
    assert mute(ana, lush, now)["muted_in"]
    assert told(chain, bob) == ("dispatched", ["['toy-2']"])
    muting.unmute(performer_id=ana.pk, device_id=lush, by="ana", now=now)
    assert len(told(chain, bob)[1]) == 2


def test_with_all_of_them_muted_a_tip_waits(chain, bob, ana, two, now):
    for device_id in two:
        mute(ana, device_id, now)
    chain.settled(bob, 100)
    drain()
    assert collection(AuditEntry).count_documents({"action": "mute"}) == 2
    assert collection(Activation).count_documents({}) == 0


def test_what_she_has_switched_off_stays_off_whatever_is_muted(ana, two, now):
    collection(Device).update_one({"_id": two[0]}, {"$set": {"is_enabled": False}})
    mute(ana, two[0], now)
    muting.lift(ana.pk, now=now)
    assert collection(Device).find_one({"_id": two[0]})["is_enabled"] is False


# --- how long ----------------------------------------------------------------------------------------------


def test_it_ends_with_the_show_and_once(ana, two, now):
    mute(ana, two[0], now)
    mute(ana, two[0], now)  # said again
    ending.end(performer_id=ana.pk, by="ana", now=now + SECOND)
    assert muted() == []
    ending.end(performer_id=ana.pk, by="ana", now=now + SECOND)
    actions = [row["action"] for row in collection(AuditEntry).find({"type": "device"}).sort("_id", 1)]
    assert actions == ["mute", "unmute"]


def test_a_show_that_nobody_ended_takes_it_along_when_it_is_over(ana, two, now):
    mute(ana, two[0], now)
    keeping.drain(now=now + SECOND, limit=10)
    assert muted() == ["toy-1"]
    later = now + SHOW_GAP + 60 * SECOND
    keeping.drain(now=later, limit=10)
    keeping.drain(now=later + SECOND, limit=10)
    assert muted() == []


def test_a_round_that_died_before_it_was_lifted_is_done_again(ana, two, now, monkeypatch):
    mute(ana, two[0], now)

    def dies(*_, **__):
        raise ConnectionError

    later = now + SHOW_GAP + 60 * SECOND
    with monkeypatch.context() as dying:
        dying.setattr(muting, "lift", dies)
        with pytest.raises(ConnectionError):
            keeping.drain(now=later, limit=10)
    keeping.drain(now=later, limit=10)
    assert muted() == []


def test_off_air_there_is_nothing_to_mute_it_for(button, ana, chain, now):
    from_page(ana, toy(), now=now)
    answer = button(f"devices/{ana.pk}.toy-1/mute", muted="1")
    assert said(answer) == "You are off air: there is no show to mute it for."
    assert muted() == []


# --- on Live -----------------------------------------------------------------------------------------------


def test_live_mutes_and_unmutes_it_by_one_button(page, button, two):
    lush, _ = two
    shown = page("devices")
    assert shown.count(">Mute</button>") == shown.count("<st-level") == 2
    assert said(button(f"devices/{lush}/mute", muted="1")) == "Lush is muted for this show."
    shown = page("devices")
    assert "Muted for this show" in shown
    assert (shown.count('aria-pressed="true"'), shown.count("<st-level")) == (1, 1)
    assert said(button(f"devices/{lush}/mute", muted="0")) == "Lush plays again."
    assert "Muted for this show" not in page("devices")


def test_only_she_mutes_hers(client, two, carol, ana):
    client.force_login(carol.user)
    for value in ("0", "1"):
        assert client.post(f"/live/devices/{two[0]}/mute", {"muted": value}).status_code == 404
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(ana.user)
    assert careful.post(f"/live/devices/{two[0]}/mute", {"muted": "1"}).status_code == 403
    assert client.get(f"/live/devices/{two[0]}/mute").status_code == 405


def levels(page):
    [found] = re.findall(r'data-levels="([^"]*)"', page("queue"))
    return json.loads(html.unescape(found))


def test_each_device_shows_what_the_compiler_makes_for_it(page, chain, bob, two):
    assert "data-levels" not in page("queue")
    tip_id = chain.settled(bob, 100)
    drain()
    assert "data-levels" not in page("queue")  # nobody has said that it has started
    chain.acknowledge(tip_id, "started")
    said_of = {tuple(share["toys"]): share for share in levels(page)["shares"]}
    halved, whole = said_of[("toy-1",)], said_of[("toy-2",)]
    assert max(whole["bars"]) == 16
    assert max(halved["bars"]) == 8
    assert len(whole["bars"]) * whole["step"] >= 10_000


def test_levels_cost_no_look_up(page, chain, bob, two):
    counts = []
    tip_id = chain.settled(bob, 100)
    drain()
    for stage in ("received", "started"):
        chain.acknowledge(tip_id, stage)
        with recorded() as plans:
            page("queue")
        counts.append(len(plans))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(("bridge", "says"), [("SIMULATOR", True), ("STANDARD_SERVER", False)])
def test_where_there_is_no_virtual_device_nobody_is_sent_to_it(page, ana, bob, chain, bridge, says):
    type(ana).objects.filter(pk=ana.pk).update(bridge=bridge)
    chain.settled(bob, 100)
    for region in ("devices", "notices"):
        assert ("switch the virtual device on" in page(region)) is says
