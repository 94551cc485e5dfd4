"""What a report changes in the register. Pure.

A report is all that one host says of its toys: what it does not name is not there. It changes what
is reported and never what she has decided."""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lovense.devices import draining, toytable
from lovense.devices.readings import LONGEST_NICKNAME, ToyReading
from lovense.devices.summary import PAGE, is_kept, of_device
from lovense.models import DeviceStatus
from lovense.rows import DeviceRow, FunctionRow
from lovense.timeline import FULL_SCALE

MAX_DEVICES = 16  # of a performer; what her pages reported and is away gives way to what comes
MAX_ROWS = 64  # of a performer, with those that are not hers any more
LONGEST_KEY = 64  # of a nickname, as it is compared
QUIET = timedelta(seconds=10)  # so long a report without news writes nothing
MISSING, NO_NEWS, REPORTED = "missing", "no_news", "reported"
APP_OFFLINE = "app_offline"  # the vendor's cloud does not reach its app


@dataclass(frozen=True, slots=True)
class ToyReport:
    """All the toys of one host, or of her page."""

    performer_id: str
    host_id: str
    toys: tuple[ToyReading, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A row before and after; `before` None: it is new."""

    before: DeviceRow | None
    after: DeviceRow

    @property
    def is_weighty(self) -> bool:
        """A decision would see the difference."""
        if self.before is None or is_kept(self.before) != is_kept(self.after):
            return True
        if self.before["host_id"] != self.after["host_id"]:  # another path reaches it
            return True
        return of_device(self.before) != of_device(self.after)

    @property
    def is_news(self) -> bool:
        """A person would see the difference."""
        return self.before is None or {**self.before, "last_seen_at": None} != {
            **self.after,
            "last_seen_at": None,
        }


def planned(known: Sequence[DeviceRow], report: ToyReport, *, now: datetime) -> list[Changed]:
    """The rows that are to be written."""
    by_toy = {row["toy_id"]: row for row in known}
    found: list[Changed] = []
    taken = {row["nickname_key"] for row in known if row["nickname_key"]}
    room = MAX_DEVICES - sum(map(is_kept, known))
    for toy in report.toys:
        row = by_toy.get(toy.toy_id)
        if row is None and room <= 0:
            if (gone := _giving_way(known, found)) is None:
                continue
            found.append(Changed(gone, unpaired(gone, now)))
            room += 1
        if (after := _after(row, toy, report, taken, now)) is not None:
            room -= row is None
            taken.add(after["nickname_key"])
            found.append(Changed(row, after))
    named = {toy.toy_id for toy in report.toys}
    found += [
        Changed(row, disconnected(row, MISSING))
        for row in known
        if row["host_id"] == report.host_id and row["toy_id"] not in named and _is_here(row)
    ]
    return [change for change in found if _is_due(change, now)]


def _is_here(row: DeviceRow) -> bool:
    return is_kept(row) and row["status"] == DeviceStatus.CONNECTED


def _is_due(change: Changed, now: datetime) -> bool:
    if change.before is None or change.is_news:
        return True
    return now - change.before["last_seen_at"] >= QUIET


def _after(
    row: DeviceRow | None, toy: ToyReading, report: ToyReport, taken: Iterable[str], now: datetime
) -> DeviceRow | None:
    """None: this report says nothing of this toy that counts."""
    if row is None:
        return _seen(named(_new(toy, report, now), taken), toy, report, now)
    if row["removed_at"] is not None:
        return None
    is_another = report.host_id not in (PAGE, row["host_id"])
    if is_another and is_kept(row) and row["host_id"] != PAGE and not toy.is_connected:
        return None  # it belongs to the host that reported it connected last
    return _seen(named(row, taken), toy, report, now)


def named(row: DeviceRow, taken: Iterable[str]) -> DeviceRow:
    """It comes back under the nickname it had, unless another has that now."""
    if row["nickname_key"]:
        return row
    nickname = free_nickname(row["nickname"], taken)
    return {**row, "nickname": nickname, "nickname_key": nickname_key(nickname)}


def _seen(row: DeviceRow, toy: ToyReading, report: ToyReport, now: datetime) -> DeviceRow:
    status = DeviceStatus.CONNECTED if toy.is_connected else DeviceStatus.DISCONNECTED
    functions, unsupported = _functions(row, toy)
    points = draining.added(row.get("battery_points", ()), toy.battery, now=now)
    after: DeviceRow = {
        **row,
        "host_id": report.host_id or row["host_id"],
        "name": toy.name,
        "toy_type": toy.toy_type,
        "status": status.value,
        "reason": "" if toy.is_connected else REPORTED,
        "battery": row["battery"] if toy.battery is None else toy.battery,
        "firmware": toy.firmware or row["firmware"],
        "functions": functions,
        "unsupported": unsupported,
        "last_seen_at": now,
        "first_connected_at": row["first_connected_at"] or (now if toy.is_connected else None),
        "last_connected_at": _connected_at(row, toy, now),
        "unpaired_at": None,
    }
    if points:
        after["battery_points"] = points
    return after


def _connected_at(row: DeviceRow, toy: ToyReading, now: datetime) -> datetime | None:
    """When it last became connected: while it stays so, that is no news."""
    was = row["status"] == DeviceStatus.CONNECTED and row["last_connected_at"] is not None
    return row["last_connected_at"] if was or not toy.is_connected else now


def _functions(row: DeviceRow, toy: ToyReading) -> tuple[list[FunctionRow], list[str]]:
    """What the toy says itself, now or before; else what its type is known for."""
    if toy.words is not None and toy.words.known:
        told: list[FunctionRow] = [
            {"name": name, "source": "gettoys"} for name in _in_order(toy.words.known)
        ]
        return told, list(toy.words.unsupported)
    if row["toy_type"] == toy.toy_type and any(
        each["source"] == "gettoys" for each in row["functions"]
    ):
        return row["functions"], row["unsupported"]
    kind = toytable.of(toy.toy_type)
    source = "default" if kind.source == "default" else "table"
    return [{"name": name, "source": source} for name in _in_order(kind.functions)], []


def _in_order(names: Iterable[str]) -> list[str]:
    places = list(toytable.TOPS)
    return sorted(names, key=places.index)


def disconnected(row: DeviceRow, reason: str) -> DeviceRow:
    """When it was last heard of stays."""
    return {**row, "status": DeviceStatus.DISCONNECTED.value, "reason": reason}


def unpaired(row: DeviceRow, now: datetime) -> DeviceRow:
    """Her nickname stays with it, and is free for another meanwhile."""
    return {**disconnected(row, MISSING), "unpaired_at": now, "nickname_key": ""}


def _giving_way(known: Iterable[DeviceRow], found: Iterable[Changed]) -> DeviceRow | None:
    """Of what her pages reported, and is away, what was not heard of for longest."""
    gone = {change.after["_id"] for change in found}
    away = [
        row
        for row in known
        if is_kept(row)
        and row["host_id"] == PAGE
        and row["status"] != DeviceStatus.CONNECTED
        and row["_id"] not in gone
    ]
    return min(away, key=lambda row: row["last_seen_at"], default=None)


def _new(toy: ToyReading, report: ToyReport, now: datetime) -> DeviceRow:
    return {
        "_id": f"{report.performer_id}.{toy.toy_id}",
        "performer_id": report.performer_id,
        "toy_id": toy.toy_id,
        "host_id": report.host_id,
        "name": toy.name,
        "toy_type": toy.toy_type,
        "status": DeviceStatus.DISCONNECTED.value,
        "reason": "",
        "battery": None,
        "firmware": "",
        "functions": [],
        "unsupported": [],
        "last_seen_at": now,
        "first_connected_at": None,
        "last_connected_at": None,
        "nickname": _proposed(toy),
        "nickname_key": "",
        "is_enabled": True,
        "choices": {},
        "maximum_seconds": None,
        "scale_percent": FULL_SCALE,
        "lead_ms": 0,
        "tests": {},
        "removed_at": None,
        "unpaired_at": None,
    }


# --- nicknames -----------------------------------------------------------------------------------


def nickname_key(nickname: str) -> str:
    """Two nicknames are the same when these are. A letter may unfold into many: what becomes too
    long is not cut, or two that differ at the end would be the same."""
    key = unicodedata.normalize("NFKC", nickname).casefold()
    return key if len(key) <= LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()


def _proposed(toy: ToyReading) -> str:
    """Her own name for it in the vendor's app; else its type, as a name is written."""
    typed = toy.name.title() if toy.name == toy.name.lower() else toy.name
    return (toy.nickname or typed)[:LONGEST_NICKNAME].strip()


def free_nickname(wanted: str, taken: Iterable[str]) -> str:
    """ "Lush", or "Lush 2" where there is one."""
    known = set(taken)
    return next(name for name in _numbered(wanted) if nickname_key(name) not in known)


def _numbered(wanted: str) -> Iterator[str]:
    yield wanted
    number = 2
    while True:
        yield f"{wanted[: LONGEST_NICKNAME - len(str(number)) - 1]} {number}"
        number += 1
