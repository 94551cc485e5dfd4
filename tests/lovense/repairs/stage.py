"""Ana's app and toys with something wrong with them, and what a look at her makes of it."""

from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from lovense.models import Device, Host, Performer, Repair
from lovense.repairs import listing, looking
from tests.factories import NOW
from tests.lovense.devices import apps

SECOND = timedelta(seconds=1)
SHOWN = looking.SHOWN_AFTER
LIMIT = 200


@pytest.fixture
def hers(ana):
    """She has paired an app with a lush and a nora; nothing is wrong."""
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"bridge": "STANDARD_SERVER"}})
    apps.opened(ana)
    says(now=NOW)
    look(NOW)
    return ana


def says(lush=None, nora=None, *, now, **more):
    """Her app calls back; what is said of a toy beside its id and name."""
    lush = apps.LUSH | {"battery": 80} | (lush or {})
    nora = apps.NORA | {"battery": 80} | (nora or {})
    apps.take(apps.call(lush, nora, **more), now=now)


def look(now, limit=LIMIT):
    return looking.look(now=now, limit=limit)


def rows(**wanted):
    return list(collection(Repair).find(wanted).sort("since", 1))


def kinds(performer, now):
    """What her page shows."""
    return [row["kind"] for row in listing.shown(performer.pk, now=now)]


def marks():
    """What still asks for a look, beside the repairs themselves."""
    return sum(collection(model).count_documents({"look_at": {"$ne": None}}) for model in (Device, Host))
