"""Performers as a list of the staff's: its keys, its columns, and how each stands now."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from django.urls import reverse

from adminpanel.asking import plan
from adminpanel.asking.kinds import Key, Name, NoSuchValue, OneOf, Statement
from adminpanel.lists.columns import (
    EMPTY,
    Column,
    RecordList,
    Row,
    ShippedView,
    copied,
    moments,
    of_now,
    says,
    shows,
    text_of,
)
from ground import clock
from ground.mongodb.collections import collection
from ground.ui.cells import ShownCell
from lovense.deciding.rules import is_paused, is_stopped
from lovense.models import Performer
from lovense.page.devicespage import PATHS
from lovense.performers import overrides
from lovense.rows import PageLeaseRow, PerformerRow
from lovense.shows import keeping, onair
from tips.models import EPOCH

NAME = "performers"
MOST_BEGIN_SO = 50  # names that a beginning may stand for
LONGEST_NAME = 64
ANY_END = "*"


# --- what may be asked ---------------------------------------------------------------------------


def _called(names: Sequence[str]) -> Statement:
    """By the whole name, or how it begins: `an*`."""
    found = list(dict.fromkeys(each for name in names for each in _beginning(name)))
    if len(found) > MOST_BEGIN_SO:
        raise NoSuchValue(f"more than {MOST_BEGIN_SO} names begin so")
    return {"display_name": found[0] if len(found) == 1 else {"$in": found}}


def _beginning(name: str) -> list[str]:
    if not name.endswith(ANY_END):
        return [name]
    begins = name.removesuffix(ANY_END)
    where = {"display_name": {"$gte": begins, "$lt": f"{begins}\U0010ffff"}}
    rows = collection(Performer).find(where, {"display_name": 1, "_id": 0})
    known = rows.hint("performer_by_name").limit(MOST_BEGIN_SO + 1)
    return [row["display_name"] for row in known] or [begins]


def _paths(names: Sequence[str]) -> Statement:
    return {"bridge": {"$in": [name.upper() for name in names]}}


def _paused(values: Sequence[str]) -> Statement:
    still = [{"paused_until": None}, {"paused_until": {"$gt": clock.now()}}]
    return {"paused_at": {"$gt": EPOCH}, "$or": still}


def _stopped(values: Sequence[str]) -> Statement:
    return {"stopped_at": {"$gt": EPOCH}}


def _menus(values: Sequence[str]) -> Statement:
    return {"menu_version": 0}


def _words(words: Sequence[str]) -> Statement:
    raise NoSuchValue("performers are found by name:, whole or with * at its end")


def _yes(name: str, says: str, where: Any, index: str) -> Key:
    return Key(name, OneOf(("yes",)), says, where, index, may_be_negated=False, is_single=True)


KEYS: tuple[Key, ...] = (
    Key(
        "name",
        Name(LONGEST_NAME + 1, "ana, or an*"),
        "What she is called: whole, or how it begins",
        _called,
        "performer_by_name",
    ),
    _yes("stopped", "Held by a stop", _stopped, "performer_by_stop"),
    _yes("paused", "Paused now", _paused, "performer_by_pause"),
    Key("menu", OneOf(("none",)), "Who never published one", _menus, "performer_menu"),
    Key(
        "bridge",
        OneOf(tuple(name.lower() for name in PATHS)),
        "How her devices are reached",
        _paths,
        "performer_bridge",
    ),
    *plan.TIMES,
)
LISTED = plan.Listed(
    name=NAME,
    model=Performer,
    keys={key.name: key for key in KEYS},
    moment="created_at",
    by_time="performer_by_time",
    words=_words,
    key_of=str,
    leaves_out=("menu_history", "page_choices", "preference_versions", "extension"),
    back=None,
)


# --- what is shown -------------------------------------------------------------------------------


class _Seen(NamedTuple):
    """Of a slice: who holds the devices of each, at this moment."""

    leases: Mapping[str, PageLeaseRow]
    now: datetime


def _look_up(rows: Sequence[Row]) -> _Seen:
    found = keeping.leases_of(row["_id"] for row in rows)
    return _Seen({lease["_id"]: lease for lease in found}, clock.now())


def _who(row: Row, seen: _Seen) -> ShownCell:
    return ShownCell(row["display_name"], href=address_of(row))


def _air(row: Row, seen: _Seen) -> ShownCell:
    lease = seen.leases.get(row["_id"])
    is_on = lease is not None and onair.of_lease(lease, seen.now) is not None
    return ShownCell("On air", tone="good") if is_on else ShownCell("Off air", tone="idle")


def _queue(row: Row, seen: _Seen) -> ShownCell:
    hers = cast("PerformerRow", row)
    if is_stopped(hers):
        return ShownCell("Stopped", tone="bad")
    is_held = is_paused(hers, seen.now)
    return ShownCell("Paused", tone="warn") if is_held else ShownCell("Open", tone="good")


def _devices(row: Row) -> str:
    known = row.get("devices") or ()
    return f"{sum(each['isConnected'] for each in known)} of {len(known)}" if known else ""


def _override(row: Row, seen: _Seen) -> ShownCell:
    said = overrides.in_force(cast("PerformerRow", row), seen.now)
    return ShownCell(EMPTY, moment=said["until"] if said else None)


def _menu(row: Row) -> str:
    return f"Version {row['menu_version']}" if row["menu_version"] else "None"


def _path(row: Row) -> str:
    """As she reads it."""
    return PATHS.get(row["bridge"], (row["bridge"], ""))[0]


COLUMNS = (
    Column("name", "Performer", _who, text_of("display_name")),
    of_now("air", "On air", _air),
    of_now("queue", "Queue", _queue),
    says("devices", "Connected", _devices),
    of_now("override", "Override until", _override),
    Column("menu", "Menu", shows(_menu), lambda row: row["menu_version"]),
    Column("bridge", "Reached by", shows(_path), text_of("bridge")),
    Column("performer", "Id", copied(text_of("_id")), text_of("_id")),
    moments("created_at", "Enrolled"),
)
VIEWS = (
    ShippedView("stopped", "Stopped", "stopped:yes"),
    ShippedView("paused", "Paused", "paused:yes"),
    ShippedView("menuless", "Without a menu", "menu:none"),
)


def address_of(row: Row) -> str:
    return reverse("staff-performer", args=[row["_id"]])


RECORDS = RecordList(
    listed=LISTED,
    nouns=("performer", "performers"),
    columns=COLUMNS,
    views=VIEWS,
    look_up=_look_up,
    opens=address_of,
)
