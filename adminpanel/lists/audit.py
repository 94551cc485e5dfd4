"""The audit log as a list: its keys, its columns, and what an entry says changed."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bson import ObjectId
from django.urls import reverse

from adminpanel.asking import plan, values
from adminpanel.asking.kinds import (
    Key,
    Name,
    NoSuchValue,
    OneOf,
    Shaped,
    Statement,
    Truth,
    is_one_of,
)
from adminpanel.lists.columns import (
    EMPTY,
    Column,
    RecordList,
    Row,
    ShippedView,
    moments,
    says,
    text_of,
)
from adminpanel.lists.performers import names_of, performers_named, whose
from ground.audit import log as audit_log
from ground.audit.log import LONGEST_ACTOR
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from ground.people import Role
from ground.ui.cells import ShownCell
from lovense.deciding.activation import activation_id
from tips.models import QueueRequest

NAME = "audit"
SHORT_HASH, HASH = 12, 64
LONGEST_SHOWN = 300
TOGETHER = 50  # entries of one change that are shown
BECAME = " \u2192 "


# --- what may be asked ---------------------------------------------------------------------------


def _about_tips(tips: Sequence[str]) -> Statement:
    """Its request and its activation are it, too."""
    waited = collection(QueueRequest).find({"idempotency_key": {"$in": list(tips)}}, {"_id": 1})
    found = [*tips, *map(activation_id, tips), *(row["_id"] for row in waited)]
    return {"target": {"$in": found}}


def _of_performers(names: Sequence[str]) -> Statement:
    return {"lane": {"$in": performers_named(names)}}


def _from_addresses(hashes: Sequence[str]) -> Statement:
    """What is shown of a hash is its beginning."""
    return {"hashed_ip": {"$in": [_whole(begins) for begins in hashes]}}


def _whole(begins: str) -> str:
    if len(begins) == HASH:
        return begins
    index = "audit_by_address"
    found = list(values.known(LISTED, "hashed_ip", begins=begins, index=index, most=2))
    if len(found) != 1:
        raise NoSuchValue("no address whose hash begins so, or several")
    return found[0]


_HAS: dict[str, Statement] = {
    "before": {"before": {"$ne": None}},
    "after": {"after": {"$ne": None}},
    "reason": {"why": {"$gt": ""}},
    "address": {"hashed_ip": {"$ne": None}},
}


def _has(parts: Sequence[str]) -> Statement:
    return {"$or": [_HAS[part] for part in parts]}


def _words(words: Sequence[str]) -> Statement:
    """In the reason, however it is written."""
    return {"why": {"$regex": re.escape(words[0]), "$options": "i"}}


_WORD = Shaped("[a-z][a-z0-9_]{0,39}", ("pause", "stop"))
_KINDS = Shaped("[a-z][a-z0-9_]{0,19}", ("performer", "request"))
_TIP = Shaped("[0-9a-f]{24}", ("24 digits from 0 to 9 and a to f",))
_ADDRESS = Shaped("[0-9a-f]{12,64}", ("12 to 64 digits of an address's hash",))
_ACCOUNT = Name(150, "an account", kept=LONGEST_ACTOR)
# The more an index usually narrows, the further to the front.
KEYS: tuple[Key, ...] = (
    Key(
        "target", Name(80, "its id"), "What it was done to", is_one_of("target"), "audit_by_target"
    ),
    Key("tip", _TIP, "All about a tip", _about_tips, "audit_by_target"),
    Key("address", _ADDRESS, "From one address", _from_addresses, "audit_by_address"),
    Key("performer", Name(150, "her name"), "Whose queue", _of_performers, "audit_by_lane"),
    Key("actor", _ACCOUNT, "Who did it", is_one_of("actor"), "audit_by_actor"),
    Key("action", _WORD, "What was done", is_one_of("action"), "audit_by_action"),
    Key("type", _KINDS, "To what kind of thing", is_one_of("type"), "audit_by_type"),
    Key("success", Truth(), "Whether it was done", is_one_of("success"), "audit_by_success"),
    Key("has", OneOf(tuple(_HAS)), "Entries that say it", _has),
    *plan.TIMES,
)
LISTED = plan.Listed(
    name=NAME,
    model=AuditEntry,
    keys={key.name: key for key in KEYS},
    moment="at",
    by_time="audit_by_time",
    words=_words,
)
# Of these keys the values that occur are offered while one types.
OFFERED = {"actor": "audit_by_actor", "action": "audit_by_action", "type": "audit_by_type"}


# --- what is shown -------------------------------------------------------------------------------


def _who(row: Row, seen: Any) -> ShownCell:
    return ShownCell(row["actor"], copies=row["actor"])


def _did(row: Row, seen: Any) -> ShownCell:
    return ShownCell(action_words(row), href=address_of(row))


def _outcome(row: Row, seen: Any) -> ShownCell:
    return ShownCell("Done", tone="good") if row["success"] else ShownCell("Refused", tone="bad")


def _what(row: Row, seen: Any) -> ShownCell:
    return ShownCell(row["target"], copies=row["target"], is_code=True)


def _whose(row: Row, seen: Mapping[str, str]) -> ShownCell:
    return whose(row.get("lane") or "", seen)


def _changed(row: Row, seen: Any) -> ShownCell:
    return ShownCell("; ".join(change_words(each) for each in changes(row)[:3]) or EMPTY)


def _before(row: Row, seen: Any) -> ShownCell:
    return ShownCell(_json("before")(row)[:LONGEST_SHOWN] or EMPTY)


def _from(row: Row, seen: Any) -> ShownCell:
    hashed = row.get("hashed_ip") or ""
    return ShownCell(hashed[:SHORT_HASH] or EMPTY, copies=hashed[:SHORT_HASH], is_code=True)


def _json(field: str) -> Any:
    def text(row: Row) -> str:
        value = row.get(field)
        return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)

    return text


AUDITS = frozenset({Role.ADMIN, Role.AUDITOR})
COLUMNS = (
    moments("at"),
    Column("actor", "Who", _who, text_of("actor")),
    Column("action", "Did what", _did, text_of("action")),
    Column("success", "Outcome", _outcome, lambda row: "done" if row["success"] else "refused"),
    Column("after", "Change", _changed, _json("after")),
    says("why", "Reason", text_of("why")),
    Column("lane", "Performer", _whose, text_of("lane")),
    Column("target", "To", _what, text_of("target"), is_shown=False),
    says("type", "Kind", text_of("type"), is_shown=False),
    Column("before", "Before", _before, _json("before"), is_shown=False),
    Column("address", "Address", _from, text_of("hashed_ip"), is_shown=False, roles=AUDITS),
)
VIEWS = (
    ShippedView("today", "Today", "on:today"),
    ShippedView("stops", "Stops", "action:stop"),
    ShippedView("settings", "Settings changed", "type:platform"),
    ShippedView("refused", "Refused", "success:false"),
    ShippedView("mine", "What I did", "actor:{me}"),
)


def _names(rows: Sequence[Row]) -> dict[str, str]:
    return names_of(row.get("lane") for row in rows)


def address_of(row: Row) -> str:
    return reverse("staff-audit-entry", args=[str(row["_id"])])


RECORDS = RecordList(
    listed=LISTED,
    nouns=("entry", "entries"),
    columns=COLUMNS,
    views=VIEWS,
    look_up=_names,
    opens=address_of,
    change=lambda row: (row["actor"], row["at"]),
)


# --- one entry -----------------------------------------------------------------------------------


def action_words(row: Row) -> str:
    return str(row["action"]).replace("_", " ").capitalize()


def changes(row: Row) -> list[dict[str, str]]:
    """What is different, as `ui_diff` shows it; a value that is the same on both sides is left
    out."""
    before, after = row.get("before") or {}, row.get("after") or {}
    names = list(dict.fromkeys([*before, *after]))
    return [_change(name, before, after) for name in names if before.get(name) != after.get(name)]


def _change(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    kind = "changed" if name in before and name in after else "added"
    kind = kind if name in after else "removed"
    told = {"kind": kind, "title": name.replace("_", " ")}
    said = {side: _said(value[name]) for side, value in _sides(before, after) if name in value}
    return told | said


def _sides(*both: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return zip(("before", "after"), both, strict=True)


def _said(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}\u2026"


def change_words(change: Mapping[str, str]) -> str:
    both = [change[side] for side in ("before", "after") if side in change]
    return f"{change['title']}: {BECAME.join(both)}"


def entry(entry_id: str) -> dict[str, Any] | None:
    return audit_log.entry(ObjectId(entry_id)) if ObjectId.is_valid(entry_id) else None


def together(row: Row) -> list[dict[str, Any]]:
    """The entries of one change: of one moment and one account, itself among them."""
    return audit_log.of_change(by=row["actor"], at=row["at"], limit=TOGETHER)


def same_address(row: Row) -> int:
    """How many others came from there, counted as far as lists are."""
    hashed = row.get("hashed_ip")
    return audit_log.count_from(hashed, limit=plan.COUNTED + 2) - 1 if hashed else 0


def shown(row: Row) -> dict[str, Any]:
    """An entry in its parts, as its page reads it."""
    hashed = str(row.get("hashed_ip") or "")
    return {
        "id": str(row["_id"]),
        "href": address_of(row),
        "words": action_words(row),
        "changes": changes(row),
        "address": hashed[:SHORT_HASH],
        "performer": _names([row]).get(row.get("lane", ""), ""),
        **{
            name: row.get(name)
            for name in ("actor", "type", "target", "lane", "why", "at", "success")
        },
    }
