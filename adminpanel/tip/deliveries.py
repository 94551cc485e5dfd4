"""The deliveries of one tip: those that count, those that repeat them, and in which fields one
contradicts another.

What a body says of people is never told from here: of the fields that are compared only ids,
amounts, references and times are shown, of others that they differ. Whole bodies are shown by
`adminpanel/handling/bodies.py`, to whom it may."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from adminpanel.lists.deliveries import PROVED_BY
from adminpanel.tip.story import Story, subjects
from ground.inbox import inbox
from ground.inbox.models import DeliveryStatus
from tips.rows import Payload

REPEATS_SHOWN = 50
MOST_DIFFERENCES, LONGEST_SHOWN, DEEPEST = 20, 120, 6
_SHOWN = frozenset(
    {
        *("type", "timestamp", "data.tipId", "data.sourceRef", "data.totalPrice", "data.createdAt"),
        *("data.commission", "data.studioCommission", "data.recipient.performerId"),
        *("data.recipient.studioId", "data.conversationId", "data.isAnonymous"),
        *("data.context.streamType", "data.context.conversationType"),
    }
)
_OF_THE_VIEWER = "data.tipper.userId"


@dataclass(frozen=True, slots=True)
class Repeat:
    """A delivery of this tip that changed nothing. `differences`: of a conflict, as `ui_diff` shows
    them."""

    key: str
    status: str
    received_at: Any
    proved_by: str
    differences: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Repeats:
    """`is_complete` is false when there are more than are shown."""

    rows: list[Repeat]
    is_complete: bool = True


def repeats(found: Story) -> Repeats:
    """Duplicates and conflicts keep the subject that they repeat."""
    rows = inbox.repeats_of(subjects(found.tip_id), limit=REPEATS_SHOWN + 1)
    first = {row.subject: row.body for row in found.deliveries}
    shown = [
        Repeat(
            row["_id"],
            row["status"],
            row["received_at"],
            PROVED_BY.get(row["source"], row["source"]),
            _compared(first.get(row["repeats"]), row, is_masked=found.is_anonymous),
        )
        for row in rows[:REPEATS_SHOWN]
    ]
    return Repeats(shown, is_complete=len(rows) <= REPEATS_SHOWN)


def _compared(first: Any, row: Mapping[str, Any], *, is_masked: bool) -> list[dict[str, str]]:
    if row["status"] != DeliveryStatus.CONFLICT or first is None:
        return []
    return differences(bytes(first), bytes(row["body"]), is_masked=is_masked)


def differences(first: bytes, other: bytes, *, is_masked: bool) -> list[dict[str, str]]:
    """The fields in which the two differ: what the first says, and what the other does."""
    one, two = _fields(first), _fields(other)
    shown = _SHOWN if is_masked else _SHOWN | {_OF_THE_VIEWER}
    names = [name for name in dict.fromkeys([*one, *two]) if one.get(name) != two.get(name)]
    told = [_difference(name, one, two, is_shown=name in shown) for name in names]
    # A field that nobody expects may itself be somebody's words.
    return sorted(told, key=lambda each: each["title"] == _OTHERS)[:MOST_DIFFERENCES]


_OTHERS = "another field"


def _difference(name: str, one: Payload, two: Payload, *, is_shown: bool) -> dict[str, str]:
    kind = "changed" if name in one and name in two else "added" if name in two else "removed"
    if not is_shown:
        return {"kind": kind, "title": _OTHERS}
    said = {side: _said(of[name]) for side, of in (("before", one), ("after", two)) if name in of}
    return {"kind": kind, "title": name.removeprefix("data.")} | said


def _said(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:LONGEST_SHOWN] or "nothing"


def _fields(body: bytes) -> Payload:
    """By dotted name. A delivery that was taken is JSON; one that is none has no fields."""
    try:
        return dict(_leaves("", json.loads(body), DEEPEST))
    except (ValueError, RecursionError):
        return {}


def _leaves(name: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict) or not depth:
        yield name, value
        return
    for key, inner in value.items():
        yield from _leaves(f"{name}.{key}" if name else key, inner, depth - 1)
