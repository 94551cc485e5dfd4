"""What the Cam Extension says of itself on her page, kept on her row as it was read: its state, its
toys, its levels. A decision needs no other row."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from pymongo.client_session import ClientSession

from ground import clock
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from lovense.bridges import extensionlevels
from lovense.devices import readings, summary
from lovense.devices.readings import InvalidReport, ToyReading
from lovense.models import Performer
from lovense.rows import ExtensionRow, ExtensionToy, Json, PerformerRow

LOADING, READY, SILENT = "loading", "ready", "silent"
STATES = (LOADING, READY, SILENT)
LONGEST_VERSION = 16


@dataclass(frozen=True, slots=True)
class ExtensionReport:
    """As her page passes it on, unread. `settings` None: nothing new is said of them."""

    state: str
    toys: Any = None
    settings: Any = None
    version: str = ""


def report(performer_id: str, said: ExtensionReport, *, now: datetime) -> bool:
    """What her page says of her extension, kept. Whether something of it is new; of a performer on
    another path nothing is."""

    def body(session: ClientSession) -> bool:
        row = collection(Performer).find_one({"_id": performer_id}, session=session)
        if row is None or row["bridge"] != summary.EXTENSION:
            return False
        before = row.get("extension")
        after = _after(before, said, now)
        if before is not None and _without_times(before) == _without_times(after):
            return False
        hers = cast(PerformerRow, row | {"extension": after})
        changes = {"extension": after, "look_at": now} | summary.changes(hers, (), now)
        collection(Performer).update_one({"_id": performer_id}, {"$set": changes}, session=session)
        return True

    return transactions.run(body)


def _without_times(row: ExtensionRow) -> Json:
    return {name: value for name, value in row.items() if name not in ("at", "settingsAt")}


def _after(before: ExtensionRow | None, said: ExtensionReport, now: datetime) -> ExtensionRow:
    """Its levels stay known while it is away; its toys do not."""
    at = clock.iso(now)
    if said.settings is not None:
        levels, unread = extensionlevels.read(said.settings)
        settings_at: str | None = at
    else:
        levels = before["levels"] if before else []
        unread = before["unread"] if before else 0
        settings_at = before["settingsAt"] if before else None
    return {
        "state": said.state,
        "at": at,
        "toys": [_toy(toy) for toy in toys(said.toys)] if said.state == READY else [],
        "version": said.version[:LONGEST_VERSION],
        "levels": levels,
        "unread": unread,
        "settingsAt": settings_at,
    }


def toys(value: Any) -> Iterator[ToyReading]:
    """Each by itself: one that cannot be read takes nothing from the others."""
    for toy in _listed(value)[: readings.MAX_TOYS]:
        try:
            yield from readings.toys_of([toy]).kept
        except InvalidReport:
            continue


def _listed(value: Any) -> list[Any]:
    value = extensionlevels.parsed(value)
    if isinstance(value, Mapping):
        return [value] if "id" in value else list(value.values())
    return value if isinstance(value, list) else []


def _toy(toy: ToyReading) -> ExtensionToy:
    name = toy.nickname or toy.name
    shown = name.title() if name == name.lower() else name
    return {
        "id": toy.toy_id,
        "name": shown,
        "isConnected": toy.is_connected,
        "battery": toy.battery,
    }
