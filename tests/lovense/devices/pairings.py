"""Pairings as the tests of them open and end them, and the fixtures that they share."""

import pytest

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.devices import pairing
from lovense.models import Host, Pairing
from tests.factories import NOW
from tests.lovense.devices.clouds import RogueCloud, pointed


@pytest.fixture
def simulated(settings):
    with pointed(settings) as made:
        yield made


@pytest.fixture
def rogue(settings):
    with RogueCloud() as made:
        settings.LOVENSE_API_BASE_URL = made.url
        made.introduces(qrcode="x")
        yield made


def pair(performer, *, host_id=None, key="", now=NOW):
    return pairing.pair(performer_id=performer.pk, host_id=host_id, key=key, by="ana", now=now)


def cancel(performer, pairing_id, *, now=NOW):
    pairing.cancel(performer_id=performer.pk, pairing_id=pairing_id, by="ana", now=now)


def rows():
    return list(collection(Pairing).find().sort("opened_at", 1))


def statuses():
    return sorted(row["status"] for row in rows())


def told():
    """The audit log's entries of pairings."""
    found = collection(AuditEntry).find({"type": "pairing"}).sort("_id", 1)
    return [(row["action"], row["target"]) for row in found]


def host(performer, number, *, unpaired_at=None):
    """A host as a callback leaves it."""
    row = {
        "_id": f"{number:024x}",
        "performer_id": performer.pk,
        "uid": "" if unpaired_at else f"uid-{number}",
        "utoken_hash": "" if unpaired_at else "0" * 64,
        "paired_at": NOW,
        "last_seen_at": NOW,
        "unpaired_at": unpaired_at,
    }
    collection(Host).insert_one(row)
    return row
