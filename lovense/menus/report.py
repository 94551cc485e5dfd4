"""Report of an import: every line is answered. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lovense.menus.matching import Item
from lovense.menus.publishing import FieldError

TAKEN, NOTED, REFUSED = "taken", "noted", "refused"
MOST_LINES = 5000
TOO_MANY = f"At most {MOST_LINES} lines are read; this one and what follows is not."
SHOWN = 120  # characters of a line that are said again


class ImportedLine(NamedTuple):
    """`number` from 1; `said` the line itself; `why` of what is taken with a note, or refused."""

    number: int
    said: str
    outcome: str
    why: str
    item: Item | None


def taken(number: int, said: str, item: Item, notes: Sequence[str] = ()) -> ImportedLine:
    why = f"{'; '.join(notes)}." if notes else ""
    return ImportedLine(number, said[:SHOWN], NOTED if notes else TAKEN, why, item)


def refused(number: int, said: str, why: str) -> ImportedLine:
    return ImportedLine(number, said[:SHOWN], REFUSED, why, None)


def broken(number: int, said: str, errors: Iterable[FieldError]) -> ImportedLine:
    rules = "; ".join(f"{each.field} {each.rule}" for each in errors)
    return refused(number, said, f"{rules}.")


def items_of(lines: Iterable[ImportedLine]) -> list[Item]:
    return [each.item for each in lines if each.item is not None]
