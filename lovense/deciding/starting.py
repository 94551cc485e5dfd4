"""What a draft may start from: a template, an older version, the levels of her extension. Each
gives whole items; of the levels each one is answered."""

from collections.abc import Iterator
from typing import Any

from ground.mongodb.collections import collection
from lovense.devices import naming
from lovense.menus import content, report, shipped, versions, wishes
from lovense.menus.report import ImportedLine
from lovense.menus.wishes import InvalidItem
from lovense.models import Performer
from lovense.rows import ExtensionLevel


def of_template(name: str) -> list[ImportedLine]:
    """With ids of their own."""
    offers = shipped.TEMPLATES[name].items
    return [report.taken(n, "", wishes.new(each)) for n, each in enumerate(offers, start=1)]


def of_version(performer_id: str, version: int) -> list[ImportedLine]:
    """As it was; an item keeps its id. Raises NoSuchVersion."""
    items = content.listed(versions.of(performer_id, version)["items"])
    return [report.taken(n, "", item) for n, item in enumerate(items, start=1)]


def of_extension(performer_id: str) -> list[ImportedLine]:
    return list(_of_levels(performer_id))


def _of_levels(performer_id: str) -> Iterator[ImportedLine]:
    toys, levels = naming.of(performer_id), extension_levels(performer_id)
    for number, each in enumerate(shipped.of_levels(levels, toys.functions), start=1):
        if each.item is None:
            yield report.refused(number, each.name, each.note)
            continue
        try:
            item = wishes.new(each.item)
        except InvalidItem as wrong:
            yield report.broken(number, each.name, wrong.errors)
        else:
            yield report.taken(number, each.name, item, [each.note] if each.note else [])


def extension_levels(performer_id: str) -> list[ExtensionLevel]:
    """Those that her page has told of it; none where it has not."""
    row: Any = collection(Performer).find_one({"_id": performer_id}, {"extension": 1})
    told = (row or {}).get("extension") or {}
    return list(told.get("levels", ()))
