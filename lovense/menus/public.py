"""What everybody may know of a menu: titles, amounts, what each item does in words, how many are
left, and until when one cools down. Pure.

No id of a toy or an account, no name that she has given to a device or a pattern, and nothing of
who has tipped is in it. The order is that of her menu."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from lovense.menus import chance, draws, matching
from lovense.menus.matching import Item
from lovense.patterns.library import MINE
from lovense.rows import Json
from lovense.timeline import SECOND, Timeline

STRENGTHS = {2: "ultra low", 6: "low", 12: "medium", 17: "high", 20: "ultra high"}
NOTHING = "nothing at the moment"


class PublicDevice(NamedTuple):
    """What one device would play. `kind`: its type, as the vendor calls it."""

    kind: str
    timeline: Timeline


class ItemNow(NamedTuple):
    """What is known of an item now. `left` None: there is no end of it; `cooling_until` None: it
    answers. `commitment`: of its version, empty where nothing is drawn."""

    plays: Sequence[PublicDevice] = ()
    left: int | None = None
    cooling_until: datetime | None = None
    commitment: str = ""


@dataclass(frozen=True, slots=True)
class PublicItem:
    """`maximum` None: no end. `drawn`: of an item that is drawn its bounds and the commitment of
    its version; None: nothing is drawn."""

    title: str
    section: str
    minimum: int
    maximum: int | None
    does: str
    left: int | None
    cooling_until: datetime | None
    drawn: Json | None


@dataclass(frozen=True, slots=True)
class PublicMenu:
    """Of one show. `minimum`: smaller tips do nothing. `otherwise`: what answers where no item
    does; empty: nothing. `version` 0: none is published."""

    version: int
    show: str
    minimum: int
    items: list[PublicItem]
    otherwise: str = ""


def shown(item: Item, show: str, least: int) -> bool:
    """It can answer a tip of that show, now or later."""
    is_reached = item["maximum"] is None or item["maximum"] >= least
    is_active = bool(item.get("active", True)) and show in matching.shows_of(item)
    return is_active and is_reached


def item_of(item: Item, now: ItemNow, least: int) -> PublicItem:
    return PublicItem(
        title=item["title"],
        section=item.get("section", ""),
        minimum=max(item["minimum"], least),
        maximum=item["maximum"],
        does=item.get("description") or _does(item, now.plays),
        left=now.left,
        cooling_until=now.cooling_until,
        drawn=_drawn(item, now.commitment),
    )


def _does(item: Item, plays: Sequence[PublicDevice]) -> str:
    """Of what is drawn the most there may be."""
    found = words(plays)
    return f"up to {found}" if draws.is_random(item) and found != NOTHING else found


def words(plays: Sequence[PublicDevice]) -> str:
    """As `medium, 15 s, lush and nora`: the strongest that is reached, the longest, and what
    plays."""
    peak = max((each.timeline.peak for each in plays), default=0)
    if not peak:
        return NOTHING
    seconds = max(each.timeline.length_ms for each in plays) / SECOND
    found = [strength(peak), f"{seconds:g} s", _listed(each.kind for each in plays)]
    return ", ".join(filter(None, found))


def strength(level: int) -> str:
    """Of a level from 1 to 20."""
    return next(word for most, word in STRENGTHS.items() if level <= most)


def _listed(kinds: Iterable[str]) -> str:
    """Each once."""
    *others, last = list(dict.fromkeys(filter(None, kinds))) or [""]
    return f"{', '.join(others)} and {last}" if others else last


def _drawn(item: Item, commitment: str) -> Json | None:
    """The ends of what is drawn, how often each pattern, and what makes it checkable afterwards."""
    if not draws.is_random(item):
        return None
    spans = {field: chance.bounds_of(item, field)._asdict() for field in chance.LIMITS}
    weights = [
        {"pattern": "" if name.startswith(MINE) else name, "weight": weight}
        for name, weight in chance.weights_of(item).items()
    ]
    return {**spans, chance.PATTERNS: weights, "commitment": commitment}
