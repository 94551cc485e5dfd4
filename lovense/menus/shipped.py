"""Templates that are shipped: whole menus to begin with. Only data, and one that is made from the
levels of her extension; each performer gets items of her own."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from lovense.menus.publishing import MAXIMUM_TITLE
from lovense.menus.starter import STARTER
from lovense.menus.vibration import LEVEL_PATTERN, LONGEST_ITEM_SECONDS, SHAPES
from lovense.rows import ExtensionLevel, Json

Offers = tuple[Json, ...]


class Template(NamedTuple):
    """`name` for programs, `title` and `text` for people."""

    name: str
    title: str
    text: str
    items: Offers


def _tier(  # noqa: PLR0917
    title: str, low: int, high: int | None, strength: int, seconds: int, pattern: str = "level"
) -> Json:
    return {
        "title": title,
        "minimum": low,
        "maximum": high,
        "pattern": pattern,
        "intensity": strength,
        "durationSec": seconds,
    }


LUCKY: Json = {
    "intensity": {"from": 8, "to": 20},
    "durationSec": {"from": 10, "to": 30},
    "patterns": [
        {"pattern": "pulse", "weight": 3},
        {"pattern": "fireworks", "weight": 2},
        {"pattern": "earthquake", "weight": 1},
    ],
}

TEMPLATES: dict[str, Template] = {
    each.name: each
    for each in (
        Template(
            "five_steps",
            "Five steps",
            "From a little hello for 10 tokens to the most there is.",
            STARTER,
        ),
        Template(
            "gentle",
            "Gentle",
            "Low and long: nothing above strength 10.",
            (
                _tier("Whisper", 10, 29, 3, 8),
                _tier("Breeze", 30, 59, 5, 12, "wave"),
                _tier("Tide", 60, 119, 7, 20, "wave"),
                _tier("Swell", 120, 249, 9, 25, "wave"),
                _tier("Long swell", 250, None, 10, 30, "wave"),
            ),
        ),
        Template(
            "low_medium_high",
            "Low, medium, high",
            "Three strengths that viewers know from other menus, and one for the rest.",
            (
                _tier("Low", 10, 49, 5, 6),
                _tier("Medium", 50, 99, 10, 10),
                _tier("High", 100, 499, 16, 15),
                _tier("Ultra high", 500, None, 20, 30),
            ),
        ),
        Template(
            "special_amounts",
            "Special amounts",
            "Four amounts with a reaction of their own, and steps for all others.",
            (
                _tier("Tickle", 10, 54, 5, 5),
                _tier("Wave for 55", 55, 55, 9, 12, "wave"),
                _tier("Buzz", 56, 110, 11, 11),
                _tier("Pulse for 111", 111, 111, 16, 18, "pulse"),
                _tier("Strong buzz", 112, 221, 12, 13),
                _tier("Fireworks for 222", 222, 222, 20, 22, "fireworks"),
                _tier("Very strong buzz", 223, 443, 16, 20),
                _tier("Earthquake for 444", 444, 444, 20, 28, "earthquake"),
                _tier("All of it", 445, None, 20, 30),
            ),
        ),
        Template(
            "lucky_dip",
            "Lucky dip",
            "Steps, and one amount of which nobody knows what it does before it is drawn.",
            (
                _tier("Hello", 10, 49, 5, 6),
                _tier("Wave", 50, 76, 10, 12, "wave"),
                _tier("Lucky dip", 77, 77, 20, 30, "pulse") | {"random": LUCKY},
                _tier("Strong", 78, 299, 16, 20),
                _tier("All of it", 300, None, 20, 30),
            ),
        ),
        Template(
            "all_patterns",
            "All patterns",
            "Each shape once, a little longer each time.",
            (
                _tier("Level", 10, 24, 8, 6),
                _tier("Pulse", 25, 59, 14, 10, "pulse"),
                _tier("Wave", 60, 119, 16, 15, "wave"),
                _tier("Fireworks", 120, 299, 20, 20, "fireworks"),
                _tier("Earthquake", 300, None, 20, 30, "earthquake"),
            ),
        ),
    )
}


class TakenLevel(NamedTuple):
    """A level of the extension: its name, the item that it becomes, and what is said about that."""

    name: str
    item: Json | None
    note: str


SUPPOSED_SECONDS, SUPPOSED_STRENGTH = 10, 10


def of_levels(levels: Sequence[ExtensionLevel], functions: Collection[str]) -> list[TakenLevel]:
    """Each level is answered: taken, taken with a note, or not and why. `functions`: what her
    devices have."""
    return [_taken(each, functions) for each in levels]


def _taken(level: ExtensionLevel, functions: Collection[str]) -> TakenLevel:
    special, strength = level["special"], level["vibration"]
    name = special or level["name"].replace("level", "Level ", 1) or "Level"
    turned = level["rotation"] if "Rotate" in functions else 0
    if special and special not in SHAPES:
        return TakenLevel(name, None, f"{special} is done by the extension alone.")
    if strength == 0 and not turned:
        return TakenLevel(name, None, "It moves none of your devices.")
    strongest = max(SUPPOSED_STRENGTH if strength is None else strength, turned)
    seconds = min(level["seconds"] or SUPPOSED_SECONDS, LONGEST_ITEM_SECONDS)
    high = None if level["maximum"] is None else max(1, level["maximum"])
    shape = special or LEVEL_PATTERN
    item = _tier(
        name[:MAXIMUM_TITLE].title(), max(1, level["minimum"]), high, strongest, seconds, shape
    )
    if turned:
        item["functions"] = _shares({"Vibrate": strength or 0, "Rotate": turned}, strongest)
    return TakenLevel(name, item, "; ".join(_notes(level, turned)))


def _notes(level: ExtensionLevel, turned: int) -> Iterator[str]:
    if level["vibration"] is None:
        yield f"no strength is known, {SUPPOSED_STRENGTH} of 20 is supposed"
    if not level["seconds"]:
        yield f"no seconds are known, {SUPPOSED_SECONDS} are supposed"
    if level["rotation"] and not turned:
        yield "none of your devices rotates, so its rotation is left out"


def _shares(levels: Mapping[str, int], strongest: int) -> Json:
    """Each of the stronger one, in percent."""
    return {name: max(1, round(level * 100 / strongest)) for name, level in levels.items() if level}
