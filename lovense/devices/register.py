"""The register of devices: what pages and apps report of toys, kept.

Rows that a decision sees are written in one transaction with their summary on the performer's row,
so no round asks the register. What only a person sees is written by itself."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from pymongo import DeleteOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError

from ground.mongodb import transactions, unique
from ground.mongodb.collections import Document, collection
from lovense.devices import changes, readings, summary
from lovense.devices.changes import Changed, ToyReport
from lovense.devices.readings import InvalidReport
from lovense.devices.summary import PAGE
from lovense.models import Device, Performer
from lovense.rows import DeviceRow

TRIES = 5  # of a report that another one of hers overtakes
# Whether a report still counts, asked in the transaction that writes it.
Standing = Callable[[ToyReport, ClientSession], bool]


class TooManyAtOnce(Exception):
    """Reports of one performer overtook each other again and again; the next one says the same."""


def report(performer_id: str, toys: Any, *, now: datetime) -> bool:
    """What a page says of the toys it holds, at most MAX_TOYS. Whether a person sees a difference.
    Raises InvalidReport."""
    if not isinstance(toys, list) or len(toys) > readings.MAX_TOYS:
        raise InvalidReport("toys", f"must be a list of at most {readings.MAX_TOYS}")
    said = ToyReport(performer_id, PAGE, readings.toys_of(toys).kept)
    return bool(record([said], now=now))


def _always(said: ToyReport, session: ClientSession) -> bool:
    return True


def record(reports: Sequence[ToyReport], *, now: datetime, stands: Standing = _always) -> set[str]:
    """Performers of whose devices a person sees a difference. A repeat changes nothing.

    `stands` is asked before anything is written that a decision sees: a device that comes, or comes
    back."""
    known = of_performers({each.performer_id for each in reports})
    light: list[Changed] = []
    news: set[str] = set()
    for each in reports:
        found = changes.planned(known[each.performer_id], each, now=now)
        if any(change.is_weighty for change in found):
            found = _recorded_whole(each, now, stands)
            known |= of_performers({each.performer_id})
        else:
            light += found
        if any(change.is_news for change in found):
            news.add(each.performer_id)
    _write(light, now=now)
    return news


def of_performers(performer_ids: Collection[str]) -> dict[str, list[DeviceRow]]:
    """All their rows, also of devices that are not theirs any more."""
    found: dict[str, list[DeviceRow]] = {each: [] for each in performer_ids}
    for row in collection(Device).find({"performer_id": {"$in": list(performer_ids)}}):
        found[row["performer_id"]].append(row)
    return found


def _recorded_whole(said: ToyReport, now: datetime, stands: Standing) -> list[Changed]:
    """What a decision sees, with its summary; again where another report of hers was first."""

    def body(session: ClientSession) -> list[Changed]:
        if not stands(said, session):
            return []
        rows = rows_of(said.performer_id, session)
        found = changes.planned(rows, said, now=now)
        keep(said.performer_id, rows, found, now=now, session=session)
        return found

    for _ in range(TRIES):
        try:
            return transactions.run(body)
        except BulkWriteError as error:
            unique.clashes(error)  # raises whatever else went wrong
    raise TooManyAtOnce


def rows_of(performer_id: str, session: ClientSession) -> list[DeviceRow]:
    return list(collection(Device).find({"performer_id": performer_id}, session=session))


def look_again(performer_id: str, *, now: datetime, session: ClientSession) -> None:
    """Another path may reach other devices: what is wrong with hers is asked anew."""
    wanted = {"performer_id": performer_id}
    collection(Device).update_many(wanted, {"$set": {"look_at": now}}, session=session)


def keep(
    performer_id: str,
    rows: Iterable[DeviceRow],
    changed: Iterable[Changed],
    *,
    now: datetime,
    session: ClientSession,
) -> None:
    """Writes the changed rows and what decisions must know of all of hers. In a transaction: what
    is read outside it may be old."""
    after = {row["_id"]: row for row in rows} | {each.after["_id"]: each.after for each in changed}
    _write(changed, _surplus(after.values()), now=now, session=session)
    performer = collection(Performer).find_one({"_id": performer_id}, session=session)
    if performer is not None and (said := summary.changes(performer, after.values(), now)):
        collection(Performer).update_one({"_id": performer_id}, {"$set": said}, session=session)


def _surplus(rows: Collection[DeviceRow]) -> list[DeviceRow]:
    """What is not hers any more, beyond MAX_ROWS; the longest gone first."""
    gone = [row for row in rows if not summary.is_kept(row)]
    gone.sort(key=lambda row: row["last_seen_at"])
    return gone[: max(0, len(rows) - changes.MAX_ROWS)]


def _write(
    changed: Iterable[Changed],
    surplus: Iterable[DeviceRow] = (),
    *,
    now: datetime,
    session: ClientSession | None = None,
) -> None:
    writes: list[UpdateOne | DeleteOne] = [
        UpdateOne(
            {"_id": each.after["_id"]}, {"$set": _said(each, now)}, upsert=each.before is None
        )
        for each in changed
    ]
    writes += [DeleteOne({"_id": row["_id"]}) for row in surplus]
    if writes:
        collection(Device).bulk_write(writes, ordered=False, session=session)


def _said(change: Changed, now: datetime) -> Document:
    """Only what is different: another report may write the rest at this moment. What is wrong with
    it is asked anew (`lovense/repairs/looking.py`)."""
    before, after = cast(Document, change.before or {}), cast(Document, change.after)
    marked: Document = {"look_at": now} if change.is_news else {}
    return marked | {
        name: value
        for name, value in after.items()
        if name != "_id" and (name not in before or before[name] != value)
    }
