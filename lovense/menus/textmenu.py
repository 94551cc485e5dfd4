"""Text menus, as people have them: `10-20 title`, one a line or separated by `;`. Pure.

Every line is answered, none is dropped in silence: taken, taken with a note of what is supposed, or
refused and why. What is written here is read as it was."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ground import words
from lovense.menus import report, wishes
from lovense.menus.matching import Item
from lovense.menus.publishing import MAXIMUM_AMOUNT, MAXIMUM_ITEMS, MAXIMUM_TITLE
from lovense.menus.report import MOST_LINES, ImportedLine
from lovense.menus.vibration import LEVEL_PATTERN, PATTERNS
from lovense.menus.wishes import InvalidItem
from lovense.rows import Json

LONGEST_LINE = 1000
SUPPOSED_STRENGTH, SUPPOSED_SECONDS = 10, 10
STRENGTHS = {
    **{"ultra low": 2, "very low": 3, "low": 5, "soft": 5, "gentle": 5, "light": 5},
    **{"medium": 10, "mid": 10, "very high": 18, "ultra high": 20, "high": 15, "strong": 15},
    **{"hard": 15, "maximum": 20, "max": 20, "full": 20},
}
_ONES = "one two three four five six seven eight nine ten eleven twelve"
NUMBERS = {word: number for number, word in enumerate(_ONES.split(), start=1)} | {
    **{"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60}
}
_GROUPED = re.compile(r"[0-9]{1,3}([.,'])[0-9]{3}(?:\1[0-9]{3})*(?![0-9])")
_SPACED = re.compile(r"[0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3})+(?![0-9])")
_DIGITS = re.compile(r"[0-9]+")
_UNIT = r"\s*-?\s*(?P<unit>s|secs?|seconds?|m|mins?|minutes?)\b"
_TOKENS = re.compile(r"\s*(?:tokens?|tks?|tkns?)\b", re.IGNORECASE)
_TO = re.compile(r"\s*(?:-|\u2013|\u2014|\bto\b)\s*(?=[0-9])", re.IGNORECASE)
_UP = re.compile(r"\s*(?:\+|(?:and|or) (?:more|up)\b)", re.IGNORECASE)
_MARKS = re.compile(r"[\s\-\u2013\u2014:=>|.)]+")
_AFTER_UNIT = re.compile(_UNIT, re.IGNORECASE)
_SECONDS = re.compile(rf"\b(?P<count>[0-9]{{1,4}}|{'|'.join(NUMBERS)}){_UNIT}", re.IGNORECASE)
_LEVEL = re.compile(r"\b(?:strength|level|intensity)\s*:?\s*([0-9]{1,2})\b", re.IGNORECASE)
_WORDS = re.compile(rf"\b({'|'.join(sorted(STRENGTHS, key=len, reverse=True))})\b", re.IGNORECASE)
_SHIPPED = "|".join(name for name in PATTERNS if name != LEVEL_PATTERN)
_SHAPE = re.compile(rf"\b({_SHIPPED})s?\b", re.IGNORECASE)
_HERS = re.compile(r"(?<!\S)my/([^,;()]+)", re.IGNORECASE)
_WRITTEN = re.compile(
    rf"\s*\((?:(?P<pattern>{LEVEL_PATTERN}|{_SHIPPED}|my/[^;]+), )?strength [0-9]+, [0-9]+ s\)$"
)


class Unread(Exception):
    """A line begins with an amount that can be read in one way alone."""


class Amounts(NamedTuple):
    """`high` None: no end; `end`: where in the line they are over."""

    low: int
    high: int | None
    end: int


def read(text: str) -> list[ImportedLine]:
    """In their order; an empty line is none."""
    found, taken = list[ImportedLine](), dict[tuple[int, int | None], int]()
    for number, line in _lines(text):
        if len(found) == MOST_LINES:
            return [*found, report.refused(number, line, report.TOO_MANY)]
        found.append(_read(number, line, taken))
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    pieces = re.split(r"[;\r\n]+", text)
    return ((n, line.strip()) for n, line in enumerate(filter(str.strip, pieces), start=1))


def _read(number: int, line: str, taken: dict[tuple[int, int | None], int]) -> ImportedLine:
    """`taken`: by amounts the line that has them."""
    if len(taken) >= MAXIMUM_ITEMS:
        return report.refused(number, line, f"A menu has at most {MAXIMUM_ITEMS} items.")
    if len(line) > LONGEST_LINE:
        return report.refused(number, line, f"A line has at most {LONGEST_LINE} characters.")
    try:
        low, high, end = _amounts(line)
    except Unread as why:
        return report.refused(number, line, str(why))
    if (low, high) in taken:
        return report.refused(number, line, f"Line {taken[low, high]} has these tokens already.")
    said, notes = _said(line[end:])
    try:
        item = wishes.new(said | {"minimum": low, "maximum": high})
    except InvalidItem as wrong:
        return report.broken(number, line, wrong.errors)
    taken[low, high] = number
    return report.taken(number, line, item, notes)


# --- amounts -------------------------------------------------------------------------------------


def _amounts(line: str) -> Amounts:
    begin = re.match(r"(?:[*\u2022]|-\s)?\s*", line)
    place = begin.end() if begin else 0
    if re.match(r"[-\u2212]\s*[0-9]", line[place:]):
        raise Unread("An amount is not below 1.")
    low, place = _number(line, place)
    place = _past(_TOKENS, line, place)
    if up := _UP.match(line, place):
        return Amounts(low, None, _past(_TOKENS, line, up.end()))
    to = _TO.match(line, place)
    if to is None:
        return Amounts(low, low, place)
    high, end = _number(line, to.end())
    if _AFTER_UNIT.match(line, end):  # "10 - 5 sec": how long, and not up to where
        return Amounts(low, low, place)
    if high < low:
        raise Unread(f"It ends below where it begins: {low} to {high}.")
    return Amounts(low, high, _past(_TOKENS, line, end))


def _past(pattern: "re.Pattern[str]", line: str, place: int) -> int:
    found = pattern.match(line, place)
    return found.end() if found else place


def _number(line: str, place: int) -> tuple[int, int]:
    """An amount and where it ends. Thousands may be set apart where that can mean nothing else."""
    spaced = _SPACED.match(line, place)
    if spaced and not _is_over(line, spaced.end()):
        raise Unread(f"{spaced[0]} may be one number or two: write it without the space.")
    found = spaced or _GROUPED.match(line, place) or _DIGITS.match(line, place)
    if found is None:
        raise Unread("It does not begin with an amount of tokens.")
    if re.match(r"[.,'][0-9]", line[found.end() :]):
        raise Unread("An amount is a whole number of tokens.")
    digits = re.sub(r"[^0-9]", "", found[0])
    if len(digits) > len(str(MAXIMUM_AMOUNT)) or not 1 <= int(digits) <= MAXIMUM_AMOUNT:
        raise Unread(f"An amount goes from 1 to {MAXIMUM_AMOUNT}.")
    return int(digits), found.end()


def _is_over(line: str, place: int) -> bool:
    """What follows shows that the number is over."""
    rest = line[place:]
    is_marked = bool(re.match(r"\s*[-\u2013\u2014:=+|]", rest)) or not rest.strip()
    return is_marked or bool(_TOKENS.match(rest))


# --- what it does --------------------------------------------------------------------------------


def _said(rest: str) -> tuple[Json, list[str]]:
    """What the words say of an item, and notes of what is supposed."""
    rest = rest[_past(_MARKS, rest, 0) :].strip()
    notes: list[str] = []
    strength, seconds = _strength(rest), _seconds(rest)
    if strength is None:
        notes.append(f"no strength is said, {SUPPOSED_STRENGTH} of 20 is supposed")
    if seconds is None:
        notes.append(f"no seconds are said, {SUPPOSED_SECONDS} are supposed")
    said: Json = {
        "pattern": _pattern(rest),
        "intensity": strength or SUPPOSED_STRENGTH,
        "durationSec": SUPPOSED_SECONDS if seconds is None else seconds,
    }
    return said | {"title": _title(rest, said, notes)}, notes


def _pattern(text: str) -> str:
    """As it was written; else one of hers by `my/` and its name, or a shipped one by its word."""
    written = _WRITTEN.search(text)
    if written and written["pattern"]:
        return written["pattern"]
    if hers := _HERS.search(text):
        return f"my/{hers[1].strip()}"
    shape = _SHAPE.search(text)
    return shape[1].lower() if shape else LEVEL_PATTERN


def _title(rest: str, said: Mapping[str, object], notes: list[str]) -> str:
    title = words.cleaned(_WRITTEN.sub("", rest), maximum=LONGEST_LINE)
    if not title:
        notes.append("it has no title, what it does is one")
        return f"{str(said['pattern']).title()} for {said['durationSec']} s"
    if len(title) > MAXIMUM_TITLE:
        notes.append(f"its title is cut to {MAXIMUM_TITLE} characters")
    return title[:MAXIMUM_TITLE].strip()


def _strength(text: str) -> int | None:
    told = _last(_LEVEL, text)
    if told is not None and 1 <= int(told[1]) <= 20:
        return int(told[1])
    named = _WORDS.search(text)
    return STRENGTHS[named[1].lower()] if named else None


def _seconds(text: str) -> int | None:
    told = _last(_SECONDS, text)
    if told is None:
        return None
    count = NUMBERS.get(told["count"].lower()) or int(told["count"])
    return count * (60 if told["unit"].lower().startswith("m") else 1)


def _last(pattern: "re.Pattern[str]", text: str) -> "re.Match[str] | None":
    return max(pattern.finditer(text), key=lambda found: found.start(), default=None)


# --- written -------------------------------------------------------------------------------------


def written(items: Iterable[Item]) -> str:
    """A line for each active item; what a line cannot say, as its devices, is left out."""
    return "".join(f"{_line(item)}\n" for item in items if item["active"])


def _line(item: Item) -> str:
    low, high = item["minimum"], item["maximum"]
    amounts = f"{low}+" if high is None else f"{low}" if low == high else f"{low}-{high}"
    title = re.sub(r"\s*;\s*", ", ", item["title"])
    what = f"{item['pattern']}, strength {item['intensity']}, {item['durationSec']} s"
    return f"{amounts} - {title} ({what})"
