"""Patterns as a performer writes them."""

from lovense.patterns import library
from lovense.patterns.library import PatternWriting, WishedPattern
from tests.factories import NOW

TIDE = "3>16 4s\n16>3 4s\n"


def writing(performer, now=NOW):
    return PatternWriting(performer.pk, "ana", now)


def saved(performer, name="Tide", text=TIDE, now=NOW):
    return library.add(writing(performer, now), WishedPattern(name, text))


def rewritten(performer, row, now=NOW, **said):
    wish = WishedPattern(said.get("name"), said.get("text"))
    return library.change(writing(performer, now), row["_id"], wish, seen=row["revision"])


def names(performer):
    return [row["name"] for row in library.of(performer.pk)]
