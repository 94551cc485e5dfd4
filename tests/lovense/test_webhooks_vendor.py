"""The vendor's simulator and the real web process: a person scans, the app calls back in its dialect, and
goes on doing so."""

import pytest

from ground import clock
from ground.mongodb.collections import collection
from lovense import webhooks
from lovense.devices import hosts
from lovense.models import Device
from tests.live import server
from tests.lovense.devices.apps import HOST, host, opened, pairing
from tests.vendor import UID, UTOKEN
from tests.vendor import vendor as started

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("written_elsewhere")]

DIALECTS = ("android", "ios", "desktop")


@pytest.fixture
def vendor(db):
    """A phone whose callbacks reach a web process of ours; nobody has scanned anything."""
    with server() as web, started(callback_to=f"{web.url}{webhooks.PATH}") as made:
        yield made


def devices_of(performer):
    """What is kept of each toy, without when it was heard of and what only some dialects say."""
    rows = collection(Device).find({"performer_id": performer.pk})
    left_out = ("last_seen_at", "battery")
    return sorted(
        ({name: value for name, value in row.items() if name not in left_out} for row in rows),
        key=lambda row: row["_id"],
    )


def scan(vendor):
    return vendor.sim("scan", {"code": vendor.code(UID, UTOKEN)})


def test_every_dialect_leads_to_the_same_rows(vendor, ana):
    opened(ana, uid=UID, utoken=UTOKEN, now=clock.now())
    found = []
    for dialect in DIALECTS:
        vendor.sim("manners", {"dialect": dialect})
        answer = scan(vendor) if not found else vendor.sim("heartbeat", {})
        assert answer["callback"] == 200
        row = host()
        assert (row["toys_count"], row["protocol_version"], row["app_version"]) == (3, "101", "7.95.1")
        assert (row["ports"]["http"], row["is_address_refused"]) == (vendor.simulator.ports.http, False)
        found.append(devices_of(ana))
    assert pairing()["status"] == "connected"
    assert {row["toy_type"] for row in found[0]} == {"lush", "nora", "max"}
    assert found[0] == found[1] == found[2]
    assert {row["host_id"] for row in found[0]} == {HOST}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_toy_goes_and_comes_as_the_app_says(vendor, ana, dialect):
    opened(ana, uid=UID, utoken=UTOKEN, now=clock.now())
    vendor.sim("manners", {"dialect": dialect})
    scan(vendor)
    toy_id = vendor.toy_ids[0]
    seen = []
    for is_on in (False, True):
        vendor.sim(f"toys/{toy_id}", {"on": is_on})
        assert vendor.sim("heartbeat", {})["callback"] == 200
        seen.append({row["toy_id"]: row["status"] for row in devices_of(ana)}[toy_id])
    vendor.sim(f"toys/{toy_id}", method="DELETE")
    vendor.sim("heartbeat", {})
    seen.append({row["toy_id"]: row["reason"] for row in devices_of(ana)}[toy_id])
    assert seen == ["disconnected", "connected", "missing"]


def test_unpaired_the_app_calls_on_and_changes_nothing(vendor, ana):
    opened(ana, uid=UID, utoken=UTOKEN, now=clock.now())
    scan(vendor)
    hosts.unpair(performer_id=ana.pk, host_id=HOST, by="ana", now=clock.now())
    before = (host(), devices_of(ana))
    vendor.sim(f"toys/{vendor.toy_ids[0]}", {"on": False})
    assert vendor.sim("heartbeat", {})["callback"] == 200
    assert (host(), devices_of(ana)) == before
    opened(ana, uid="another", utoken=UTOKEN, _id="c" * 24, host_id="c" * 24, now=clock.now())
    assert vendor.sim("scan", {"code": vendor.code("another", UTOKEN)})["callback"] == 200
    assert {row["host_id"] for row in devices_of(ana)} == {HOST, "c" * 24}
