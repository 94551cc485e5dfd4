"""Apps as tests meet them: an open pairing, what the app says when it calls back, and what was kept of it."""

import json
from datetime import timedelta

from ground.mongodb.collections import collection
from lovense.devices import callbacks, hosts
from lovense.models import Device, Host, Pairing
from tests.factories import NOW

UID, UTOKEN = "uid-of-ana", "utoken-of-ana"
HOST, PAIRING = "a" * 24, "b" * 24
FIFTEEN_MINUTES = timedelta(minutes=15)
DOMAIN = "192-168-1-44.lovense.club"
PORTS = {"httpPort": 34567, "httpsPort": 34568, "wsPort": 34567, "wssPort": 34568}
LUSH, NORA = {"id": "toy-1", "name": "lush", "status": 1}, {"id": "toy-2", "name": "nora", "status": 1}


def opened(performer, *, uid=UID, utoken=UTOKEN, now=NOW, **more):
    """A pairing of hers, as it stands while she is shown the picture; the row."""
    row = {
        "_id": PAIRING,
        "performer_id": performer.pk,
        "host_id": HOST,
        "uid": uid,
        "utoken_hash": callbacks.hashed(utoken),
        "status": "shown",
        "open_for": performer.pk,
        "idempotency_key": "",
        "code": "ABC123",
        "image": b"png",
        "image_type": "image/png",
        "toys_count": 0,
        "opened_at": now,
        "shown_at": now,
        "scanned_at": None,
        "connected_at": None,
        "ended_at": None,
        "expires_at": now + FIFTEEN_MINUTES,
    } | more
    collection(Pairing).insert_one(row)
    return row


def said(*toys, **more):
    """The body of a callback as Python has it; a value of `...` leaves a field out."""
    body = {
        "uid": UID,
        "utoken": UTOKEN,
        "domain": DOMAIN,
        **PORTS,
        "appVersion": "7.95.1",
        "platform": "android",
        "version": 101,
        "toys": {toy["id"]: toy for toy in toys or (LUSH,)},
    } | more
    return {name: value for name, value in body.items() if value is not ...}


def body(*toys, **more):
    return json.dumps(said(*toys, **more)).encode()


def call(*toys, **more):
    return callbacks.read(body(*toys, **more))


def take(*calls, now=NOW):
    """All in one round; what the rule says of each."""
    return hosts.take(calls, now=now)


def host(host_id=HOST):
    return collection(Host).find_one({"_id": host_id})


def pairing(pairing_id=PAIRING):
    return collection(Pairing).find_one({"_id": pairing_id})


def device(performer, toy_id="toy-1"):
    return collection(Device).find_one({"_id": f"{performer.pk}.{toy_id}"})


def kept():
    """Everything that a callback may change, by collection and key."""
    return {
        model._meta.db_table: sorted(collection(model).find(), key=lambda row: row["_id"])
        for model in (Pairing, Host, Device)
    }
