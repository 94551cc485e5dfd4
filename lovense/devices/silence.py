"""Silence: a device of which nothing was heard for a while is disconnected, whatever was said
last."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from pymongo.client_session import ClientSession

from ground.mongodb import transactions
from ground.mongodb.collections import collection
from lovense.devices import changes, register
from lovense.devices.changes import NO_NEWS, Changed
from lovense.devices.summary import PAGE
from lovense.models import Device, DeviceStatus
from lovense.rows import DeviceRow

SILENT = timedelta(seconds=30)
SWEPT = 500  # rows in one round


def unheard(*, now: datetime) -> list[DeviceRow]:
    """Connected, and nothing was heard of them for SILENT; the longest first."""
    wanted = {"status": DeviceStatus.CONNECTED.value, "last_seen_at": {"$lte": now - SILENT}}
    return list(collection(Device).find(wanted).sort("last_seen_at", 1).limit(SWEPT))


def end(silent: Iterable[DeviceRow], *, holding: Collection[str], now: datetime) -> set[str]:
    """They are disconnected; the performers to whom that is news. What her page reported is heard
    of for as long as that page holds her devices: `holding` are the performers of whom that is
    so."""
    rows = list(silent)
    heard = [row["_id"] for row in rows if _is_heard(row, holding)]
    if heard:
        collection(Device).update_many({"_id": {"$in": heard}}, {"$set": {"last_seen_at": now}})
    lost = {row["performer_id"] for row in rows if not _is_heard(row, holding)}
    for performer_id in lost:
        _lose(performer_id, holding, now)
    return lost


def _is_heard(row: DeviceRow, holding: Collection[str]) -> bool:
    return row["host_id"] == PAGE and row["performer_id"] in holding


def _lose(performer_id: str, holding: Collection[str], now: datetime) -> None:
    """What has been heard of meanwhile stays."""

    def body(session: ClientSession) -> None:
        rows = register.rows_of(performer_id, session)
        lost = [
            Changed(row, changes.disconnected(row, NO_NEWS))
            for row in rows
            if row["status"] == DeviceStatus.CONNECTED
            and row["last_seen_at"] <= now - SILENT
            and not _is_heard(row, holding)
        ]
        register.keep(performer_id, rows, lost, now=now, session=session)

    transactions.run(body)
