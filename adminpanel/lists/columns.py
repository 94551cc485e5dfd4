"""How a list of the staff's is declared: its columns, what each shows, what a file says instead,
who may see it. One declaration makes the page, the file and the command. No row is read here."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from adminpanel.asking.plan import Listed
from ground import clock
from ground.people import EVERYBODY, Role
from ground.sheets import Cell
from ground.ui.cells import ShownCell

Row = Mapping[str, Any]
EMPTY = "\u2013"


@dataclass(frozen=True, slots=True)
class Column:
    """`cell` is given the row and what was looked up for the whole slice; `text` is what a file
    says. `is_sorted`: the list is in the order of it, by an index; `is_of_now`: it tells of the
    moment, from other rows, and is in no file."""

    name: str
    label: str
    cell: Callable[[Row, Any], ShownCell]
    text: Callable[[Row], Cell]
    is_shown: bool = True
    is_sorted: bool = False
    is_of_now: bool = False
    roles: frozenset[Role] = EVERYBODY


class ShippedView(NamedTuple):
    """A view that everybody has; `{me}` in its query is who looks. `calm`: what it says where it is
    empty, which is as it should be."""

    key: str
    name: str
    query: str
    calm: str = ""


@dataclass(frozen=True)
class RecordList:
    """`nouns`: of one row, of several; `look_up`: read once for a slice and given to its cells;
    `opens`: the address of a row; `change`: what is the same of rows that came together; `first`:
    the view that is shown where nothing is asked and nobody chose another."""

    listed: Listed
    nouns: tuple[str, str]
    columns: Sequence[Column]
    views: Sequence[ShippedView]
    look_up: Callable[[Sequence[Row]], Any]
    opens: Callable[[Row], str]
    change: Callable[[Row], object] = itemgetter("_id")
    first: str = ""

    @property
    def name(self) -> str:
        return self.listed.name

    def columns_for(self, role: Role | None) -> list[Column]:
        return [each for each in self.columns if role in each.roles]

    def chosen(self, names: Collection[str], role: Role | None) -> list[Column]:
        """Those that a person chose, in the list's order; what is usual where none is left."""
        able = self.columns_for(role)
        found = [each for each in able if each.name in names]
        return found or [each for each in able if each.is_shown]


# --- what many columns say -----------------------------------------------------------------------


def text_of(field: str) -> Callable[[Row], str]:
    return lambda row: str(row.get(field) or "")


def shows(words: Callable[[Row], str], *, is_code: bool = False) -> Callable[[Row, Any], ShownCell]:
    return lambda row, seen: ShownCell(words(row) or EMPTY, is_code=is_code)


def copied(words: Callable[[Row], str]) -> Callable[[Row, Any], ShownCell]:
    """An id."""
    return lambda row, seen: ShownCell(words(row) or EMPTY, copies=words(row), is_code=True)


def says(name: str, label: str, words: Callable[[Row], str], *, is_shown: bool = True) -> Column:
    """The same words on the page and in a file."""
    return Column(name, label, shows(words), words, is_shown)


def of_now(name: str, label: str, cell: Callable[[Row, Any], ShownCell]) -> Column:
    return Column(name, label, cell, lambda row: "", is_of_now=True)


def moments(field: str, label: str = "When") -> Column:
    """The column that orders the list."""
    return Column("at", label, when(field), when_text(field), is_sorted=True)


def when(field: str) -> Callable[[Row, Any], ShownCell]:
    """How long ago, on the page; nothing yet: EMPTY."""
    return lambda row, seen: ShownCell(EMPTY, moment=row.get(field))


def when_text(field: str) -> Callable[[Row], Cell]:
    """In a file, in UTC."""
    return lambda row: clock.iso(row[field]) if row.get(field) else ""
