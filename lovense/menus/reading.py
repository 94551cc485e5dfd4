"""Published versions as decisions use them, and those that a process keeps. A version is never
changed, so one that is kept is never stale; nothing is written here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from ground.mongodb.collections import collection
from lovense.menus import content, reactions, seals
from lovense.menus.matching import Item, MenuIndex, has_priority, may_be_closed
from lovense.models import TipMenu
from lovense.rows import MenuRow

# A menu counts as one item more than it has. What one reading asks for is kept whatever it has.
MENU_ITEMS_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class PublishedMenu:
    """A version, its index, and what answers where no item does; None: nothing. `limited`: by id
    the items that do not always answer. `has_priorities`: some item does not wait as every tip.
    `secret`: of its draws; None: nothing can be drawn. `is_foreseen`: nothing is to be drawn, it is
    looked at with each item at its highest."""

    key: str
    version: int
    index: MenuIndex = field(compare=False)  # the key says what is in it
    reaction: Item | None = None
    limited: Mapping[str, Item] = field(default_factory=dict)
    has_priorities: bool = False
    secret: bytes | None = field(default=None, repr=False, compare=False)
    is_foreseen: bool = False

    @property
    def items(self) -> Sequence[Item]:
        return self.index.items

    @property
    def weight(self) -> int:
        return len(self.items) + 1


def of_row(row: MenuRow | Mapping[str, Any], secret: bytes | None = None) -> PublishedMenu:
    reaction = reactions.item_of(row.get("default_reaction"))
    items = content.resolved(row["items"], row.get("patterns") or {})
    return PublishedMenu(
        row["_id"],
        row["version"],
        MenuIndex(items),
        reaction,
        limited(items),
        any(map(has_priority, items)),
        secret,
    )


def limited(items: Iterable[Item]) -> dict[str, Item]:
    return {item["itemId"]: item for item in items if may_be_closed(item)}


_kept: dict[str, PublishedMenu] = {}


def read(keys: Iterable[str]) -> dict[str, PublishedMenu]:
    """Those of these that there are, with the secrets of their draws; without a command where all
    of them are kept."""
    global _kept
    # replaced as a whole, so that another thread never sees it half filled or just emptied
    known, wanted = _kept, list(dict.fromkeys(keys))
    missing = [key for key in wanted if key not in known]
    found = {key: known[key] for key in wanted if key in known}
    if missing:
        rows = list(collection(TipMenu).find({"_id": {"$in": missing}}))
        secrets = seals.secrets_of(
            {row["_id"]: row["commitment"] for row in rows if row.get("commitment")}
        )
        found |= {row["_id"]: of_row(row, secrets.get(row["_id"])) for row in rows}
        _kept = within_bounds(found, known)
    return found


def within_bounds(
    first: Mapping[str, PublishedMenu], others: dict[str, PublishedMenu]
) -> dict[str, PublishedMenu]:
    """The first ones, and of the others the newest for which there is room."""
    room = MENU_ITEMS_KEPT - sum(menu.weight for menu in first.values())
    kept = dict[str, PublishedMenu]()
    for key, menu in reversed(others.items()):
        if key in first:
            continue
        room -= menu.weight
        if room < 0:
            break
        kept[key] = menu
    return dict(chain(reversed(kept.items()), first.items()))
