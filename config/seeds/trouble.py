"""All that can be wrong with her devices: two apps of hers and an extension, with a repair of each
kind. Those of the extension are over, since only one path is hers at a time."""

import json
from datetime import datetime, timedelta

from config.seeds import cast
from config.seeds.cast import Json
from ground.json.fields import Fields
from ground.mongodb.collections import collection
from lovense.bridges import choosing, extensionreport
from lovense.bridges.extensionreport import ExtensionReport
from lovense.bridges.outcomes import CallOutcome
from lovense.deciding import platform
from lovense.devices import callbacks, choices, hosts
from lovense.devices.summary import EXTENSION
from lovense.models import Pairing, PairingStatus
from lovense.repairs import faults, looking

SERVER = "STANDARD_SERVER"
SITE = "A cam site"
LIMIT = 500
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
PHONE, TABLET = "phone", "tablet"
DOMAIN = "192-168-1-44.lovense.club"
LEVELS = {"level1": {"min": 3, "max": 9, "time": 2, "vLevel": 4, "rLevel": 0}}

PHONES_TOYS: tuple[Json, ...] = (
    {"id": "seed-gravity", "name": "gravity", "status": 1, "battery": 8},
    {"id": "seed-domi", "name": "domi", "status": 0, "battery": 64},
    {"id": "seed-max", "name": "max", "status": 1, "battery": 82},
)
TABLETS_TOYS: tuple[Json, ...] = (
    {"id": "seed-ferri", "name": "ferri", "status": 1, "battery": 55},
)


def make(performer_id: str, *, by: str, now: datetime) -> None:
    """1. Her extension falls silent, and then says another menu. 2. She takes the server's path,
    and pairs two apps. 3. What is wrong with them. 4. The looks that find it."""
    _extension(performer_id, by, now - HOUR)
    _choose(performer_id, SERVER, by, now - HOUR / 2)
    phone = _paired(performer_id, PHONE, PHONES_TOYS, now - HOUR / 2, appVersion="6.1.0")
    _look(now - HOUR / 2 + SECOND)
    tablet = _paired(performer_id, TABLET, TABLETS_TOYS, now - HOUR / 3, domain="example.com")
    faults.heard(
        performer_id=performer_id,
        host_id=phone,
        outcome=CallOutcome.PAIRING_LOST,
        now=now - 40 * SECOND,
    )
    faults.heard(
        performer_id=performer_id,
        host_id=tablet,
        outcome=CallOutcome.OPERATOR_FAULT,
        now=now - 40 * SECOND,
    )
    _call(performer_id, PHONE, PHONES_TOYS, now - 40 * SECOND, appVersion="6.1.0")
    _did_not_move(performer_id, "seed-max", by, now - 40 * SECOND)
    hosts.unreached(performer_id=performer_id, host_id=tablet, now=now - 40 * SECOND)
    _look(now - 30 * SECOND)
    _look(now)


def _look(now: datetime) -> None:
    while looking.look(now=now, limit=LIMIT).has_more:
        pass


def _choose(performer_id: str, bridge: str, by: str, now: datetime) -> None:
    choosing.change(performer_id=performer_id, changes={"bridge": bridge}, by=by, now=now)


def _extension(performer_id: str, by: str, now: datetime) -> None:
    platform.change(key="cam_site_name", value=SITE, by="seeds", now=now)
    _choose(performer_id, EXTENSION, by, now)
    said = ExtensionReport("ready", settings={"levels": LEVELS})
    extensionreport.report(performer_id, said, now=now)
    _look(now)
    _look(now + 15 * SECOND)
    extensionreport.report(performer_id, ExtensionReport("silent"), now=now + 60 * SECOND)
    _look(now + 60 * SECOND)
    _look(now + 75 * SECOND)


def _paired(performer_id: str, app: str, toys: tuple[Json, ...], now: datetime, **more: str) -> str:
    """The app's id. The code was shown and is scanned: the first call of the app makes it hers."""
    host_id = cast.secret_of(performer_id, app, "host")[:24]
    collection(Pairing).insert_one(
        {
            "_id": cast.secret_of(performer_id, app, "pairing")[:24],
            "performer_id": performer_id,
            "host_id": host_id,
            "uid": cast.secret_of(performer_id, app, "uid"),
            "utoken_hash": callbacks.hashed(cast.secret_of(performer_id, app, "token")),
            "status": PairingStatus.SHOWN.value,
            "open_for": performer_id,
            "idempotency_key": "",
            "code": "",
            "image": None,
            "image_type": "",
            "toys_count": 0,
            "opened_at": now,
            "shown_at": now,
            "scanned_at": None,
            "connected_at": None,
            "ended_at": None,
            "expires_at": now + HOUR / 4,
        }
    )
    _call(performer_id, app, toys, now, **more)
    return host_id


def _call(performer_id: str, app: str, toys: tuple[Json, ...], now: datetime, **more: str) -> None:
    """What the app says when it calls back."""
    said: Json = {
        "uid": cast.secret_of(performer_id, app, "uid"),
        "utoken": cast.secret_of(performer_id, app, "token"),
        "domain": DOMAIN,
        "httpsPort": 34568,
        "appVersion": "7.95.1",
        "appType": "remote",
        "platform": "android",
        "toys": {toy["id"]: toy for toy in toys},
    }
    heard = callbacks.read(json.dumps(said | more).encode())
    assert heard is not None
    hosts.take([heard], now=now)


def _did_not_move(performer_id: str, toy_id: str, by: str, now: datetime) -> None:
    """She has tried its first function, and says so."""
    key = f"{performer_id}.{toy_id}"
    said = choices.Choice(Fields({"verified": {"Vibrate": False}}, ""))
    choices.change(performer_id=performer_id, device_id=key, choice=said, by=by, now=now)
