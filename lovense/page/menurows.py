"""The rows of a menu's page: an item as a person reads it, with what it plays as a picture of its
real length, and what the lint says beside it. Reads nothing itself: each part is the page's own,
read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ground import clock
from ground.ui import charts
from lovense.deciding import standings
from lovense.deciding.linting import Linter
from lovense.deciding.standings import ItemStanding
from lovense.menus import content, parts, publishing
from lovense.menus.draws import RANDOM
from lovense.menus.lint import Linted
from lovense.menus.matching import USUAL_PRIORITY, Item
from lovense.menus.parts import HerToys
from lovense.page import livewave, menuwords
from lovense.page.menulooks import ShownFinding

MOST_BARS, LEAST_BARS = 24, 4

Badges = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Around:
    """What is known around the items of a page: `findings`, `problems` and `standings` by item."""

    performer_id: str
    linter: Linter
    linted: Linted
    toys: HerToys
    problems: Mapping[str, Sequence[str]] = field(default_factory=dict)
    findings: Mapping[str, list[ShownFinding]] = field(default_factory=dict)
    standings: Mapping[str, ItemStanding] = field(default_factory=dict)

    @property
    def longest(self) -> int:
        """Of all items, in seconds: the picture of that one is as wide as there is room."""
        return max((self.seconds(item) for item in self.linted.items), default=0)

    def seconds(self, item: Item) -> int:
        """That it really plays, within the limits of now."""
        look = self.linted.seen(item)
        return look.seconds if look.longest is None else look.longest


class ShownItem:
    """One row. `spark`: the picture, as wide against `MOST_BARS` as it is long against the longest
    item; None: it plays nothing, or its pattern is not there."""

    def __init__(self, item: Item, around: Around, longest: int) -> None:
        item_id = self.item_id = item["itemId"]
        self.title, self.section, self.description = (
            item[name] for name in ("title", "section", "description")
        )
        self.is_active, self.amount = item["active"], menuwords.amounts(item)
        self.price = menuwords.price(item["minimum"], item["maximum"])
        self.words = f"{menuwords.patterns(item)}, strength {menuwords.strength(item)} of 20"
        self.more = parts.words(item, around.toys.nicknames)
        self.badges = badges(item)
        seconds = around.seconds(item)
        self.seconds = menuwords.drawn_seconds(item) if item.get(RANDOM) else str(seconds)
        self.spark = spark(item, around, seconds, longest)
        self.findings = around.findings.get(item_id, [])
        told = {each.text for each in self.findings}
        self.problems = [each for each in around.problems.get(item_id, ()) if each not in told]
        standing = around.standings.get(item_id)
        until = standing and standings.cooling_until(item, standing)
        self.cooling_until = until if until and until > clock.now() else None
        self.shelf = standing.shelf if standing else None


@dataclass(frozen=True, slots=True)
class ShownSection:
    name: str
    items: list[ShownItem]


def sections(items: Sequence[Item], around: Around) -> list[ShownSection]:
    longest = around.longest
    return [
        ShownSection(name, [ShownItem(item, around, longest) for item in found])
        for name, found in content.sections(items).items()
    ]


def badges(item: Item) -> Badges:
    """What is not usual of it, a word each."""
    found: Badges = [(f"{show} only", "info") for show in item["shows"][:1]]
    if len(item["shows"]) > 1:
        found = [(" and ".join(item["shows"]), "info")]
    if item["cooldownSec"]:
        found.append((f"cooldown {item['cooldownSec']}\u00a0s", "idle"))
    if item["stock"] is not None:
        found.append((f"{item['stock']} pieces", "idle"))
    if item[RANDOM]:
        found.append(("random", "accent"))
    if item["priority"] != USUAL_PRIORITY:
        found.append((f"{item['priority'].lower()} priority", "idle"))
    return found


def spark(item: Item, around: Around, seconds: int, longest: int) -> charts.Spark | None:
    (played,) = content.resolved([item], around.linter.texts)
    if not seconds or publishing.is_gone(played):
        return None
    bars = max(LEAST_BARS, round(MOST_BARS * seconds / max(longest, 1)))
    caps = around.linter.rules.caps_of_item(around.performer_id, played)
    levels = livewave.of_item(played, caps, bars=bars)
    return charts.spark([level / 20 for level in levels]) if levels else None
