"""A page of the staff's sends the database a bounded number of commands, whatever waits or is held."""

import pytest

from adminpanel.watch import minutes
from ground import clock
from ground.journal import journal
from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.models import PlatformSettings
from tests.adminpanel.letters import QUEUE, admin, browser
from tests.adminpanel.test_access import routes
from tests.commands import RECORDER
from tests.factories import NOW

__all__ = ["admin", "browser"]
pytestmark = pytest.mark.django_db
MOST = 20


def commands_of(browser, address):
    browser.get(address)  # the session is marked, once
    RECORDER.commands = sent = []
    try:
        assert browser.get(address).status_code in (200, 204), address
    finally:
        RECORDER.commands = None
    return len(sent)


def pages():
    """Of the staff's, those that need no key."""
    named = [f"/{route}" for route in routes() if route.startswith("staff") and "<" not in route]
    return [address for address in named if not address.endswith(("/export", "/suggest", "/news"))]


def test_every_page_of_the_staff_keeps_within_the_bound(browser, chain, bob):
    chain.settled(bob, 100)
    minutes.keep(now=clock.now())
    addresses = [address for address in pages() if browser.get(address).status_code == 200]
    assert {"/staff", "/staff/queue", "/staff/audit", "/staff/statistics"} <= set(addresses)
    assert [address for address in addresses if commands_of(browser, address) > MOST] == []


def test_the_queue_keeps_within_it_where_everything_waits_and_is_held(browser, chain, bob):
    chain.settled(bob, 100)
    chain.deliver(bob, 100)
    platform.change(key="enable_lovense", value="false", by="dina", why="a fault", now=NOW)
    collection(PlatformSettings).update_one({"_id": platform.ROW}, {"$set": {"is_draining": True}})
    journal.append({"_id": journal.last() + 1, "by": "test", "at": NOW})
    minutes.keep(now=clock.now())
    assert commands_of(browser, QUEUE) <= MOST
