"""Drift: for which amounts her extension does something else than her menu says. Pure, but for
`of`.

Both answer ranges of amounts, so an answer changes at their edges alone: between two of them one
amount stands for all. What is too small to be handed over is not looked at."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ground.json.fields import MAX_AMOUNT
from lovense.bridges import extension
from lovense.deciding.rules import Caps, Rules
from lovense.menus import matching, vibration
from lovense.menus.matching import MenuIndex
from lovense.menus.publishing import MAXIMUM_ORDER
from lovense.menus.reading import PublishedMenu
from lovense.menus.vibration import LEVEL_PATTERN
from lovense.rows import ExtensionLevel, ExtensionRow, Item

NOTHING, STILL = "nothing", "still"
STRENGTH, SECONDS, PATTERN = "strength", "seconds", "pattern"
DIFFERENCES = (NOTHING, STILL, STRENGTH, SECONDS, PATTERN)


@dataclass(frozen=True, slots=True)
class DriftAnswer:
    """What one of both does. `strength` and `seconds` None: that is not told."""

    title: str
    pattern: str
    strength: int | None
    seconds: int | None


@dataclass(frozen=True, slots=True)
class LevelDrift:
    """Amounts from `minimum` to `maximum` (None: and all above) for which both differ. An answer
    that is None is nothing."""

    minimum: int
    maximum: int | None
    differs: tuple[str, ...]
    menu: DriftAnswer | None
    extension: DriftAnswer | None


@dataclass(frozen=True, slots=True)
class DriftList:
    """`settings_at` None: her extension has not told its levels yet, and nothing is known."""

    settings_at: str | None
    unread: int
    minimum: int
    found: tuple[LevelDrift, ...]


def of(performer_id: str, rules: Rules) -> DriftList:
    """Hers, by what binds now and what her extension has told last."""
    performer = rules.performers[performer_id]
    told, minimum = performer.get("extension"), rules.minimum_of(performer)
    if told is None or told["settingsAt"] is None:
        return DriftList(None, 0, minimum, ())
    menu = rules.menu_of(performer)
    usual = rules.default_item(performer)
    index = answering_of(menu) if menu else MenuIndex([usual] if usual else [])
    found = tuple(between(index, told, minimum=minimum, caps=rules.caps_of(performer_id)))
    return DriftList(told["settingsAt"], told["unread"], minimum, found)


def answering_of(menu: PublishedMenu) -> MenuIndex:
    """The menu, with what answers where no item does as the last of its items."""
    last = menu.reaction and menu.reaction | {"order": MAXIMUM_ORDER + 1}
    return MenuIndex([*menu.items, last]) if last else menu.index


def words(found: DriftList) -> str:
    """For which amounts they differ, in one look; empty where they do not."""
    if len(found.found) > 1:
        return f"{len(found.found)} ranges of amounts"
    return f"{amounts(found.found[0])} tokens" if found.found else ""


def amounts(one: LevelDrift) -> str:
    if one.maximum is None:
        return f"{one.minimum} and more"
    return f"{one.minimum}" if one.maximum == one.minimum else f"{one.minimum} to {one.maximum}"


def between(
    menu: MenuIndex | Sequence[Item], told: ExtensionRow, *, minimum: int, caps: Caps
) -> Iterator[LevelDrift]:
    """In the order of the amounts; neighbours with the same answers are one."""
    index = matching.index_of(menu)
    last: LevelDrift | None = None
    for low, high in _ranges(_edges(index.items, told["levels"], minimum)):
        hers, ours = _of_item(matching.match(index, low), caps), extension.answering(told, low)
        theirs = _of_level(ours)
        differs = differences(hers, theirs, ours)
        if last and (last.differs, last.menu, last.extension) == (differs, hers, theirs):
            last = LevelDrift(last.minimum, high, differs, hers, theirs)
            continue
        if last and last.differs:
            yield last
        last = LevelDrift(low, high, differs, hers, theirs)
    if last and last.differs:
        yield last


def _edges(items: Iterable[Item], levels: Iterable[ExtensionLevel], minimum: int) -> list[int]:
    """Where an answer may change, from the smallest amount that is handed over."""
    edges = {minimum}
    for each in (*items, *levels):
        edges.add(int(each["minimum"]))
        if (maximum := each["maximum"]) is not None:
            edges.add(int(maximum) + 1)
    return sorted(edge for edge in edges if minimum <= edge <= MAX_AMOUNT)


def _ranges(edges: list[int]) -> Iterator[tuple[int, int | None]]:
    yield from ((low, after - 1) for low, after in pairwise(edges))
    yield edges[-1], None


def _of_item(item: Item | None, caps: Caps) -> DriftAnswer | None:
    """As every other path would play it, within her caps and the platform's."""
    if item is None:
        return None
    try:
        seconds = vibration.run_seconds(item["durationSec"], maximum_seconds=caps.seconds)
    except vibration.NothingAllowed:
        return None
    strength = min(item["intensity"], caps.intensity)
    return DriftAnswer(item["title"], item["pattern"], strength, seconds)


def _of_level(level: ExtensionLevel | None) -> DriftAnswer | None:
    if level is None:
        return None
    pattern = level["special"] or LEVEL_PATTERN
    title = extension.words(level)
    return DriftAnswer(title, pattern, level["vibration"], level["seconds"] or None)


def differences(
    menu: DriftAnswer | None, theirs: DriftAnswer | None, level: ExtensionLevel | None
) -> tuple[str, ...]:
    """How they differ. A level that does not move the toy is that, and nothing more is said."""
    if level is not None and level["vibration"] == 0 and not level["rotation"]:
        return (STILL,)
    if menu is None or theirs is None:
        return () if menu is theirs else (NOTHING,)
    is_stronger = theirs.strength is not None and theirs.strength != menu.strength
    found = {
        STRENGTH: is_stronger,
        SECONDS: theirs.seconds != menu.seconds,
        PATTERN: theirs.pattern != menu.pattern,
    }
    return tuple(name for name, differs in found.items() if differs)
