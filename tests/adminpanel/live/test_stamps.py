"""Stamps: a topic's moves with what its pages show, and with nothing else; all by one command and by indexes,
however much there is. And who is told of which topic."""

import re
from datetime import timedelta

import pytest

from adminpanel import access
from adminpanel.live import stamps
from adminpanel.watch import minutes
from ground.audit import log as audit_log
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from ground.people import Role
from lovense.deciding import platform
from lovense.devices import register
from lovense.lane import controls
from lovense.models import Device, Repair
from tests.adminpanel.rows import ended
from tests.factories import NOW
from tests.ground.plans import MANY, fill, recorded, scans
from tips.log import emission

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
TOY = {"id": "toy-1", "name": "Lush", "toyType": "lush", "status": 1, "battery": 80}


def moved(happens):
    before = stamps.look()
    happens()
    after = stamps.look()
    return {topic for topic in after if after[topic] != before[topic]}


def repair(ana, **more):
    row = {"performer_id": ana.pk, "open_key": "device_lost.toy-1", "expires_at": None, "key": "k"}
    collection(Repair).insert_one(row | {"_id": "r-1", "look_at": None, "mail_at": None} | more)


# --- what moves them ---------------------------------------------------------------------------------------


def test_where_nothing_happens_nothing_moves(chain, bob):
    chain.hold()
    chain.played(bob, 100)
    minutes.keep(now=NOW)
    assert moved(lambda: None) == set()


def test_a_tip_that_settles_is_news_of_tips_and_of_the_queue(chain, bob):
    assert moved(lambda: chain.settled(bob, 100)) == {"tips", "queue"}


def test_an_event_that_is_taken_is_news_of_tips(chain, bob):
    """Sums of a day follow it, a moment after the tip."""
    chain.settled(bob, 100)
    assert moved(lambda: emission.drain(now=NOW, limit=9)) == {"tips"}


def test_the_end_of_a_run_is_news_of_the_queue(chain, bob):
    chain.hold()
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    assert "queue" in moved(lambda: chain.acknowledge(tip_id, "finished", delivered_seconds=10, later=SECOND))


def test_a_pause_is_news_of_the_queue_and_of_the_audit_log(ana):
    found = moved(lambda: controls.pause(performer_id=ana.pk, by="dina", why="calm", now=NOW))
    assert {"queue", "audit"} <= found
    assert not found & {"health", "devices", "repairs", "settings"}


def test_a_device_that_is_heard_of_comes_or_goes_is_news(ana):
    def says(status, later):
        return lambda: register.report(ana.pk, [TOY | {"status": status}], now=NOW + later * SECOND)

    assert moved(says(1, 0)) == {"devices"}
    assert moved(says(1, 20)) == {"devices"}
    assert moved(says(0, 21)) == {"devices"}


def test_a_repair_that_opens_or_closes_is_news(ana):
    closed = {"$set": {"open_key": "", "expires_at": NOW + timedelta(days=90)}}
    assert moved(lambda: repair(ana)) == {"repairs"}
    assert moved(lambda: collection(Repair).update_one({}, closed)) == {"repairs"}


def test_a_repair_that_opens_and_closes_between_two_looks_is_news(ana):
    assert moved(lambda: repair(ana, open_key="", expires_at=NOW + timedelta(days=90))) == {"repairs"}


def test_a_setting_is_news_and_so_is_its_entry(db):
    found = moved(lambda: platform.change(key="minimum_tip", value="20", by="dina", now=NOW))
    assert {"settings", "audit"} <= found
    assert not found & {"health", "devices", "repairs"}


def test_a_minute_that_is_counted_is_news_of_health(db):
    assert moved(lambda: minutes.keep(now=NOW)) == {"health"}


def test_an_entry_of_the_audit_log_is_news_of_it_alone(db):
    said = {"kind": "access", "action": "refused", "by": "dina", "target": "t", "now": NOW}
    assert moved(lambda: audit_log.record(**said)) == {"audit"}


# --- what they are -----------------------------------------------------------------------------------------


def test_a_stamp_tells_nothing_but_that_it_is_another_one(chain, bob, settings):
    chain.settled(bob, 100)
    found = stamps.look()
    assert all(re.fullmatch(r"[0-9a-f]{16}", stamp) for stamp in found.values())
    settings.SECRET_KEY = "another deployment's"
    assert not set(found.values()) & set(stamps.look().values())


def test_a_look_is_one_command_by_indexes_however_much_there_is(ana):
    """As much as is read of anything: every device and every repair that is counted."""
    ended(MANY)
    gone = {"performer_id": ana.pk, "host_id": "", "status": "connected", "nickname_key": ""}
    fill(Device, lambda n: gone | {"_id": f"{ana.pk}.{n}", "last_seen_at": NOW + n * SECOND})
    over = {"performer_id": ana.pk, "open_key": "", "look_at": None, "mail_at": None}
    fill(Repair, lambda n: over | {"_id": f"r-{n}", "expires_at": NOW + n * SECOND})
    entry = {"type": "lane", "action": "pause", "actor": "dina", "target": "t", "lane": "", "success": True}
    fill(AuditEntry, lambda n: entry | {"at": NOW + n * SECOND})
    with recorded(run=True) as plans:
        stamps.look()
    [plan] = plans
    assert scans(plans) == []
    assert plan.examined <= stamps.DEVICES_COUNTED + 1


# --- who is told of what -----------------------------------------------------------------------------------


def test_every_page_that_a_topic_names_is_in_the_table_of_who_may():
    routes = {rule.route for rule in access.RULES if rule.method == "GET"}
    assert {route for topic in stamps.TOPICS.values() for route in topic.shown} <= routes


@pytest.mark.parametrize("role", Role)
def test_a_role_is_told_of_what_it_may_read_a_page_of(role, monkeypatch):
    assert stamps.topics_of(role) == set(stamps.TOPICS)
    for route in ("staff-audit", "staff-settings", "staff-strip"):
        monkeypatch.delitem(access._ROLES, (route, "GET"))
    assert stamps.topics_of(role) == set(stamps.TOPICS) - {"audit", "settings"}
