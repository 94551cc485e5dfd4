"""The versions of a performer's menu, newest first, each with what it changed. Reads only: her last
versions in one look, with one more to compare with."""

from dataclasses import dataclass
from itertools import pairwise

from ground.mongodb.collections import collection
from lovense.menus import content, versions
from lovense.menus.parts import HerToys
from lovense.models import TipMenu
from lovense.page import menudiff
from lovense.page.menudiff import ShownMenuChange
from lovense.rows import Json, MenuRow

SHOWN = 5


@dataclass(frozen=True, slots=True)
class DiffedVersion:
    """`changes`: since the version before it; of the first one everything."""

    menu: MenuRow
    changes: list[ShownMenuChange]

    @property
    def words(self) -> str:
        number = len(self.changes)
        return f"{number} change{'' if number == 1 else 's'}" if number else "Nothing changed"


@dataclass(frozen=True, slots=True)
class MenuVersions:
    """`older`: the version before which there are more; 0: these are the first."""

    shown: list[DiffedVersion]
    older: int


def read(performer_id: str, toys: HerToys, *, before: int = 0) -> MenuVersions:
    hers: Json = {"performer_id": performer_id}
    if before:
        hers["version"] = {"$lt": before}
    newest_first = collection(TipMenu).find(hers).sort("version", -1)
    rows: list[MenuRow | None] = [*newest_first.limit(SHOWN + 1), None]
    shown = [
        DiffedVersion(new, _changes(old, new, toys))
        for new, old in pairwise(rows)
        if new is not None
    ][:SHOWN]
    has_more = len(rows) > SHOWN + 1
    return MenuVersions(shown, shown[-1].menu["version"] if has_more else 0)


def _changes(old: MenuRow | None, new: MenuRow, toys: HerToys) -> list[ShownMenuChange]:
    before, was = versions.said(old) if old else ([], None)
    after, now = versions.said(new)
    return menudiff.lines(content.diff(before, after, (was, now)), toys)
