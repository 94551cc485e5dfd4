"""What needs a person's look as a list of the staff's: its keys, its columns, and of each row what
was found in words."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from adminpanel.asking import plan
from adminpanel.asking.kinds import (
    Key,
    Name,
    NoSuchValue,
    OneOf,
    Shaped,
    Statement,
    is_one_of,
)
from adminpanel.doubt.keeping import DoubtKind, DoubtState
from adminpanel.lists.columns import (
    Column,
    RecordList,
    Row,
    ShippedView,
    moments,
    of_now,
    says,
    shows,
    text_of,
    when,
    when_text,
)
from adminpanel.models import ReconciliationItem
from adminpanel.watch import reconciliation
from ground import clock
from ground.ui.cells import ShownCell

NAME = "reconciliation"
LONGEST_NAME = 64
KINDS = {
    DoubtKind.TIP: "Tip",
    DoubtKind.ASIDE: "Delivery set aside",
    DoubtKind.CONFLICT: "Conflict",
    DoubtKind.ROW: "Row refused",
}
_WORDS = {
    DoubtKind.TIP: reconciliation.words,
    DoubtKind.ASIDE: reconciliation.of_aside,
    DoubtKind.CONFLICT: reconciliation.of_conflict,
    DoubtKind.ROW: reconciliation.of_row,
}


def told(row: Row) -> tuple[str, str]:
    """What was found, and what to do."""
    return _WORDS[DoubtKind(row["kind"])](row["code"])


def _words(words: Sequence[str]) -> Statement:
    raise NoSuchValue("notes are not searched")


_CODE = Shaped("[A-Za-z][A-Za-z0-9_]{0,59}", ("not_posted", "reversed"))
_TIP = Shaped("[0-9a-f]{24}", ("507f191e810c19729de860ea",))
KEYS: tuple[Key, ...] = (
    Key("tip", _TIP, "Of one tip", is_one_of("tip_id"), "item_by_tip"),
    Key(
        "assigned",
        Name(LONGEST_NAME, "dina"),
        "Who has it",
        is_one_of("assigned_to"),
        "item_by_person",
    ),
    Key(
        "state",
        OneOf(tuple(state.value for state in DoubtState)),
        "Whether it is solved",
        is_one_of("state"),
        "item_by_state",
    ),
    Key("kind", OneOf(tuple(kind.value for kind in DoubtKind)), "What it is", is_one_of("kind")),
    Key("code", _CODE, "What was found", is_one_of("code")),
    *plan.TIMES,
)
LISTED = plan.Listed(
    name=NAME,
    model=ReconciliationItem,
    keys={key.name: key for key in KEYS},
    moment="since",
    by_time="item_by_time",
    words=_words,
    key_of=str,
    back=None,
)


# --- what is shown -------------------------------------------------------------------------------


def _found(row: Row, seen: datetime) -> ShownCell:
    return ShownCell(told(row)[0], href=address_of(row))


def _state(row: Row, seen: datetime) -> ShownCell:
    if row["state"] == DoubtState.OPEN:
        return ShownCell("Open", tone="warn")
    return ShownCell("Closed" if row["closed_by"] else "Solved", tone="good")


def _age(row: Row, seen: datetime) -> ShownCell:
    return ShownCell(age((row["solved_at"] or seen) - row["since"]))


def age(length: timedelta) -> str:
    """How long it has needed a look: of a solved one, until it was solved."""
    minutes = max(0, length // timedelta(minutes=1))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def _about(row: Row, seen: datetime) -> ShownCell:
    said = row["tip_id"] or row["about"]
    return ShownCell(said, copies=said, is_code=True)


def _kind(row: Row) -> str:
    return KINDS[DoubtKind(row["kind"])]


COLUMNS = (
    moments("since", "Since"),
    of_now("age", "Age", _age),
    Column("state", "State", _state, text_of("state")),
    Column("found", "What was found", _found, lambda row: told(row)[0]),
    Column("kind", "Kind", shows(_kind), text_of("kind")),
    says("assigned", "Assigned to", text_of("assigned_to")),
    says("note", "Note", text_of("note")),
    Column("about", "About", _about, lambda row: row["tip_id"] or row["about"]),
    says("code", "Code", text_of("code"), is_shown=False),
    Column("solved", "Solved", when("solved_at"), when_text("solved_at"), is_shown=False),
)
VIEWS = (
    ShippedView(
        "open",
        "Open",
        "state:open",
        "Nothing is open: the ledger, the platform and we agree.",
    ),
    ShippedView("mine", "Mine", "assigned:{me} state:open"),
    ShippedView("solved", "Solved", "state:solved"),
)


def address_of(row: Row) -> str:
    return reverse("staff-reconciliation-item", args=[row["_id"]])


def _now(rows: Sequence[Row]) -> Any:
    return clock.now()


RECORDS = RecordList(
    listed=LISTED,
    nouns=("item", "items"),
    columns=COLUMNS,
    views=VIEWS,
    look_up=_now,
    opens=address_of,
    first="open",
)
