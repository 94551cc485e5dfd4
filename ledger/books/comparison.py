"""Two databases side by side, row by row in the order of their keys: one row of each in memory,
whatever their size.

A row's `shown` part is what must be equal; keys and times that the server itself gives are left out
of it."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import models
from pymongo.database import Database

from ground.mongodb.collections import Document
from ledger.models import Account, Posting

BATCH = 1000
Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows of one kind, wherever a database keeps them, and what of them must be equal."""

    name: str
    places: tuple[type[models.Model], ...]
    shown: Callable[[Document], Document]


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not the same in both."""

    subject: str
    problem: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem}"


def without(*names: str) -> Callable[[Document], Document]:
    return lambda row: {name: value for name, value in row.items() if name not in names}


def _posting(row: Document) -> Document:
    """Its legs by their place, so that a difference names the one that differs."""
    return {**without("posted_at")(row), "legs": dict(enumerate(row["legs"]))}


BOOKS = (
    Kind("account", (Account,), without("created_at")),
    Kind("posting", (Posting,), _posting),
)


def size(database: Database[Document], kind: Kind) -> int:
    """About how many rows there are to compare."""
    return sum(database[place._meta.db_table].estimated_document_count() for place in kind.places)


def differences(
    kind: Kind, one: Database[Document], other: Database[Document], *, progress: Progress
) -> Iterator[Difference]:
    """What the other has not as the one has it."""
    both = heapq.merge(_keyed(kind, one, 0), _keyed(kind, other, 1), key=itemgetter(0, 1))
    for key, found in groupby(both, key=itemgetter(0)):
        sides = {side: kind.shown(row) for _, side, row in found}
        problem = _problem(sides.get(0), sides.get(1))
        if problem:
            yield Difference(f"{kind.name} {key}", problem)
        progress(1)


def _keyed(
    kind: Kind, database: Database[Document], side: int
) -> Iterator[tuple[str, int, Document]]:
    cursors = [
        database[place._meta.db_table].find({}, batch_size=BATCH).sort("_id", 1)
        for place in kind.places
    ]
    return ((str(row["_id"]), side, row) for row in heapq.merge(*cursors, key=itemgetter("_id")))


def _problem(first: Document | None, second: Document | None) -> str:
    if first is None or second is None:
        return "is not there" if second is None else "should not be there"
    return "; ".join(_differing("", first, second))


def _differing(path: str, first: Any, second: Any) -> Iterator[str]:
    if isinstance(first, dict) and isinstance(second, dict):
        for name in sorted(first.keys() | second.keys()):
            yield from _differing(
                f"{path}.{name}" if path else name, first.get(name), second.get(name)
            )
    elif first != second:
        yield f"{path} is {second!r}, not {first!r}"
