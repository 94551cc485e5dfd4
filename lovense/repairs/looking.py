"""Looking: what is wrong becomes a repair, what is not any more closes its own.

A write that changes a device or an app says so (`look_at`), and only their performers are looked
at. A round may be repeated for ever, and two at a time open nothing twice: that is an index. Who
reads what is old opens what is over; such a repair is looked at again before it is ever shown.

What comes and goes is one repair: it is the same where it begins again within AGAIN_WITHIN, and
once it has, it closes only after CALM without a spell, so that what is shown does not flicker."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from django.db.models import Model
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from ground.mongodb import unique
from ground.mongodb.collections import collection
from lovense.deciding import drift
from lovense.deciding.rules import Rules
from lovense.devices import register
from lovense.devices.summary import EXTENSION
from lovense.models import Device, Host, Performer, Repair, RepairKind
from lovense.repairs import finding
from lovense.repairs.finding import Hers, Trouble
from lovense.rows import HostRow, RepairRow
from tips.models import EPOCH
from tips.rows import Statement

SHOWN_AFTER = timedelta(seconds=10)
AGAIN_WITHIN = timedelta(seconds=30)
CALM = timedelta(seconds=10)
MAILED_AFTER = timedelta(minutes=2)  # at the soonest: `lovense/repairs/mailing.py`
LOOKED_EVERY = timedelta(minutes=10)  # what stays open: heals what no write has said
KEPT = timedelta(days=90)  # closed
_INDEXES: dict[type[Model], str] = {
    Performer: "performer_look",
    Device: "device_look",
    Host: "host_look",
    Repair: "repair_look",
}
# What is seen of it may change while it is open.
_SEEN = ("weight", "name", "reason", "host_id")


@dataclass(frozen=True, slots=True)
class Marks:
    """What asked for a look: of each collection the keys, by the moment that stood there."""

    performers: set[str] = field(default_factory=set)
    keys: dict[type[Model], dict[datetime, list[str]]] = field(default_factory=dict)
    most: int = 0  # of one collection


@dataclass(slots=True)
class Looked:
    """What is to be written of the repairs of some performers; `news`: who sees a difference."""

    opened: list[RepairRow] = field(default_factory=list)
    changes: list[UpdateOne] = field(default_factory=list)
    news: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class LookRound:
    """`has_more`: more asked for a look than one round takes."""

    news: set[str]
    has_more: bool


def look(*, now: datetime, limit: int) -> LookRound:
    """In four steps: 1. who asked for it; 2. what is open, and then what is wrong: so nothing is
    closed by what was read before it was opened; 3. the repairs; 4. the marks go."""
    marks = _marked(now, limit)
    if not marks.performers:
        return LookRound(set(), has_more=False)
    repairs = _repairs(marks.performers, now)
    looked = Looked()
    for performer_id, hers in _hers(marks.performers).items():
        _decide(looked, performer_id, hers, repairs.get(performer_id, []), now)
    _keep(looked)
    _unmark(marks)
    return LookRound(looked.news, has_more=marks.most >= limit)


# --- 1. who --------------------------------------------------------------------------------------


def _marked(now: datetime, limit: int) -> Marks:
    performers: set[str] = set()
    keys: dict[type[Model], dict[datetime, list[str]]] = {}
    most = 0
    for model, index in _INDEXES.items():
        wanted = {"look_at": {"$gt": EPOCH, "$lte": now}}
        rows = collection(model).find(wanted, {"performer_id": 1, "look_at": 1}).hint(index)
        found = list(rows.sort("look_at", 1).limit(limit))
        most = max(most, len(found))
        for row in found:
            performers.add(row.get("performer_id", row["_id"]))  # of her own row that is the key
            keys.setdefault(model, {}).setdefault(row["look_at"], []).append(row["_id"])
    return Marks(performers, keys, most)


# --- 2. what is ----------------------------------------------------------------------------------


def _repairs(performer_ids: Collection[str], now: datetime) -> dict[str, list[RepairRow]]:
    """Those that are open, and those that were a moment ago."""
    hers: Statement = {"performer_id": {"$in": list(performer_ids)}}
    found: dict[str, list[RepairRow]] = {}
    for wanted in ({"open_key": {"$gt": ""}}, {"closed_at": {"$gt": now - AGAIN_WITHIN}}):
        for row in collection(Repair).find(hers | wanted):
            found.setdefault(row["performer_id"], []).append(row)
    return found


def _hers(performer_ids: Collection[str]) -> dict[str, Hers | None]:
    """None: she is no performer any more."""
    wanted = list(performer_ids)
    needed = {"bridge": 1, "extension": 1}
    rows = collection(Performer).find({"_id": {"$in": wanted}}, needed).hint("_id_")
    performers = {row["_id"]: row for row in rows}
    drifts = _drifts([key for key, row in performers.items() if row["bridge"] == EXTENSION])
    devices = register.of_performers(performer_ids)
    hosts: dict[str, list[HostRow]] = {}
    for row in collection(Host).find({"performer_id": {"$in": wanted}}):
        hosts.setdefault(row["performer_id"], []).append(row)
    return {
        each: Hers(performers[each], devices[each], hosts.get(each, []), drifts.get(each, ""))
        if each in performers
        else None
        for each in performer_ids
    }


def _drifts(performer_ids: Sequence[str]) -> dict[str, str]:
    """Of those who hand tips to an extension: whether that differs from her menu, in words."""
    if not performer_ids:
        return {}
    rules = Rules.read(performer_ids)
    return {each: drift.words(drift.of(each, rules)) for each in performer_ids}


# --- 3. what is to be ----------------------------------------------------------------------------


def _decide(
    looked: Looked, performer_id: str, hers: Hers | None, rows: list[RepairRow], now: datetime
) -> None:
    """Pure. What is wrong has its open repair, or one that closed a moment ago, or a new one."""
    is_open = {row["open_key"]: row for row in rows if row["open_key"]}
    low = {key for key, row in is_open.items() if row["kind"] == RepairKind.LOW_BATTERY}
    found = finding.found(hers, low=low, now=now) if hers else {}
    for key, row in is_open.items():
        seen = found.pop(key, None)
        is_used = hers is not None and _is_used(hers, row)
        changes = _still(row, seen, now) if seen else _over(row, now, is_used=is_used)
        _change(looked, row, changes, is_news=_is_news(row, changes, now))
    closed = {row["key"]: row for row in sorted(rows, key=_closed_at) if not row["open_key"]}
    for key, seen in found.items():
        if (before := closed.get(key)) is None:
            looked.opened.append(_new(performer_id, seen, now))
        else:
            is_news = before["shown_at"] <= now
            _change(looked, before, _again(before, seen, now), is_news=is_news)


def _closed_at(row: RepairRow) -> datetime:
    return row["closed_at"] or EPOCH


def _is_used(hers: Hers, row: RepairRow) -> bool:
    return hers.is_used(device_id=row["device_id"], host_id=row["host_id"])


def _new(performer_id: str, seen: Trouble, now: datetime) -> RepairRow:
    return {
        "_id": f"{performer_id}.{seen.key}.{int(now.timestamp() * 1000)}",
        "performer_id": performer_id,
        "kind": seen.kind.value,
        "key": seen.key,
        "open_key": seen.key,
        "weight": seen.weight.value,
        "device_id": seen.device_id,
        "host_id": seen.host_id,
        "function": seen.function,
        "name": seen.name,
        "reason": seen.reason,
        "since": now,
        "shown_at": now + SHOWN_AFTER,
        "last_seen_at": now,
        "times": 1,
        "calm_at": None,
        "closed_at": None,
        "look_at": now + SHOWN_AFTER,
        "mail_at": now + MAILED_AFTER,
        "mailed_at": None,
        "expires_at": None,
    }


def _still(row: RepairRow, seen: Trouble, now: datetime) -> Statement:
    before = cast(dict[str, Any], row)
    said: Statement = {name: getattr(seen, name) for name in _SEEN}
    changes: Statement = {name: str(value) for name, value in said.items() if before[name] != value}
    if row["calm_at"] is not None:
        changes |= {"calm_at": None, "times": row["times"] + 1}
    changes["last_seen_at"] = now
    changes["look_at"] = _next_look(row, seen, now)
    return {name: value for name, value in changes.items() if before[name] != value}


def _next_look(row: RepairRow, seen: Trouble, now: datetime) -> datetime:
    if row["shown_at"] > now:
        return row["shown_at"]
    before = row["look_at"]
    is_due = before is None or before <= now or row["calm_at"] is not None
    look_at = now + LOOKED_EVERY if is_due or before is None else before
    return min(look_at, seen.until) if seen.until else look_at


def _over(row: RepairRow, now: datetime, *, is_used: bool) -> Statement:
    if row["times"] > 1 and is_used:
        if row["calm_at"] is None:
            return {"calm_at": now, "look_at": now + CALM}
        if now < row["calm_at"] + CALM:
            return {}
    closed: Statement = {"open_key": "", "closed_at": now, "calm_at": None, "look_at": None}
    return closed | {"expires_at": now + KEPT}


def _again(row: RepairRow, seen: Trouble, now: datetime) -> Statement:
    said: Statement = {name: str(getattr(seen, name)) for name in _SEEN}
    said |= {"open_key": row["key"], "closed_at": None, "expires_at": None}
    said |= {"times": row["times"] + 1, "last_seen_at": now}
    if row.get("mailed_at") is None:
        said["mail_at"] = now + MAILED_AFTER
    return said | {"look_at": _next_look(row, seen, now)}


def _is_news(row: RepairRow, changes: Statement, now: datetime) -> bool:
    """A page shows something else now."""
    was_shown = row["shown_at"] <= now
    is_due = row["look_at"] == row["shown_at"] and was_shown
    return was_shown and (is_due or bool(changes.keys() & {"open_key", *_SEEN}))


def _change(looked: Looked, row: RepairRow, changes: Statement, *, is_news: bool) -> None:
    """Where it stands as it was read: of two rounds one says what follows."""
    as_read = {name: row[name] for name in ("_id", "open_key", "times", "calm_at")}
    if changes:
        looked.changes.append(UpdateOne(as_read, {"$set": changes}))
    if is_news:
        looked.news.add(row["performer_id"])


# --- 4. written ----------------------------------------------------------------------------------


def _keep(looked: Looked) -> None:
    """What an index refuses was opened by another round meanwhile."""
    unique.insert(Repair, looked.opened)
    if not looked.changes:
        return
    try:
        collection(Repair).bulk_write(looked.changes, ordered=False)
    except BulkWriteError as error:
        unique.clashes(error)  # raises whatever else went wrong


def _unmark(marks: Marks) -> None:
    """Not where it has changed anew since we looked. A repair's own mark says when the next look
    is, and was written with what was seen."""
    for model, by_moment in marks.keys.items():
        if model is not Repair:
            collection(model).bulk_write([*_unmarkings(by_moment.items())], ordered=False)


def _unmarkings(found: Iterable[tuple[datetime, list[str]]]) -> Iterator[UpdateOne]:
    for look_at, keys in found:
        for key in keys:
            yield UpdateOne({"_id": key, "look_at": look_at}, {"$unset": {"look_at": ""}})
