"""What becomes of devices of which nothing is heard any more."""

from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from lovense.devices import silence
from lovense.models import Device, Performer
from lovense.sending import pages
from tests.factories import NOW
from tests.ground.conftest import in_threads
from tests.ground.plans import fill, recorded, scans
from tests.lovense.devices.reports import from_host, from_page, toy

__all__ = ["in_threads"]
pytestmark = pytest.mark.django_db

PHONE = "a" * 24
SILENT = silence.SILENT
TICK = timedelta(milliseconds=1)


@pytest.fixture(autouse=True)
def _by_her_phone(ana):
    """Her own toys are told, by the app that she has paired."""
    collection(Performer).update_many({}, {"$set": {"bridge": "STANDARD_LAN"}})


def sweep(now, holding=()):
    return silence.end(silence.unheard(now=now), holding=holding, now=now)


def states():
    return {row["toy_id"]: (row["status"], row["reason"]) for row in collection(Device).find()}


def test_after_thirty_silent_seconds_a_device_is_disconnected_and_decisions_know(ana):
    from_host(ana, PHONE, toy(), now=NOW)
    assert sweep(NOW + SILENT - TICK) == set()
    assert sweep(NOW + SILENT) == {ana.pk}
    assert states() == {"toy-1": ("disconnected", "no_news")}
    row = collection(Performer).find_one({"_id": ana.pk})
    assert [each["isConnected"] for each in row["devices"]] == [False]
    assert row["devices_away_at"] == NOW + SILENT


def test_a_second_sweep_finds_nothing(ana):
    from_host(ana, PHONE, toy(), now=NOW)
    sweep(NOW + SILENT)
    assert sweep(NOW + 2 * SILENT) == set()


def test_only_what_is_silent_is_lost(ana):
    from_host(ana, PHONE, toy(), now=NOW)
    from_host(ana, "b" * 24, toy("toy-2"), now=NOW + SILENT / 2)
    sweep(NOW + SILENT)
    assert states() == {"toy-1": ("disconnected", "no_news"), "toy-2": ("connected", "")}


def test_what_her_page_reported_is_heard_of_as_long_as_that_page_holds_her_devices(ana):
    from_page(ana, toy(), now=NOW)
    assert sweep(NOW + SILENT, holding={ana.pk}) == set()
    assert collection(Device).find_one()["last_seen_at"] == NOW + SILENT
    assert sweep(NOW + 2 * SILENT) == {ana.pk}


def test_a_page_that_holds_her_devices_says_nothing_of_those_of_her_phone(ana):
    from_host(ana, PHONE, toy(), now=NOW)
    assert sweep(NOW + SILENT, holding={ana.pk}) == {ana.pk}


def test_a_device_that_is_heard_of_between_the_look_and_the_write_stays(ana):
    from_host(ana, PHONE, toy(), now=NOW)
    found = silence.unheard(now=NOW + SILENT)
    from_host(ana, PHONE, toy(battery=5), now=NOW + SILENT)
    silence.end(found, holding=(), now=NOW + SILENT)
    assert states() == {"toy-1": ("connected", "")}


def test_sweeps_at_once_lose_it_once(ana, in_threads):
    from_host(ana, PHONE, toy(), toy("toy-2"), now=NOW)
    in_threads(lambda: sweep(NOW + SILENT), times=8)
    assert set(states().values()) == {("disconnected", "no_news")}
    devices = collection(Performer).find_one({"_id": ana.pk})["devices"]
    assert [each["isConnected"] for each in devices] == [False, False]


def test_when_it_comes_back_it_is_there_again_and_nobody_is_away(ana):
    from_host(ana, PHONE, toy(), now=NOW)
    sweep(NOW + SILENT)
    assert from_host(ana, PHONE, toy(), now=NOW + 2 * SILENT) == {ana.pk}
    row = collection(Performer).find_one({"_id": ana.pk})
    assert ([each["isConnected"] for each in row["devices"]], row["devices_away_at"]) == ([True], None)


def test_the_task_of_the_beat_asks_who_holds_her_devices(ana):
    from ground import clock
    from lovense import tasks

    long_ago = clock.now() - 2 * SILENT
    from_page(ana, toy(), now=long_ago)
    pages.take(ana.pk, page_id="page", channel="channel", slot="web-0", now=clock.now())
    tasks.sweep_devices()
    assert states() == {"toy-1": ("connected", "")}
    pages.release(ana.pk, channel="channel", now=clock.now())
    collection(Device).update_many({}, {"$set": {"last_seen_at": long_ago}})
    tasks.sweep_devices()
    assert states() == {"toy-1": ("disconnected", "no_news")}


def test_the_silent_ones_are_found_by_an_index_among_many_that_are_heard(ana):
    fill(Device, lambda n: {"_id": f"x.{n}", "performer_id": "x", "status": "connected", "last_seen_at": NOW})
    from_host(ana, PHONE, toy(), now=NOW - SILENT)
    with recorded() as plans:
        assert sweep(NOW) == {ana.pk}
    assert scans(plans) == []
    assert max(plan.examined for plan in plans) < 50
