"""What each type of toy can do, as data; no database, no vendor call. The path that pairs a toy
often names its type only, and then this table is all there is.

Source: the vendor's file LovenseToySupportConfig.csv, version 1.5, 31 types. Where other sources
(protocol libraries, community lists) say otherwise, the vendor's row stands with confidence `low`.
`t`, `d` and `pos` move hardware, so a wrong row of theirs costs more than a toy that stays still.

Where the file marks a toy that only thrusts as vibrating too, its main function is the thrust."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

SOURCE, VERSION = "LovenseToySupportConfig.csv", "1.5"
HIGH, LOW, UNVERIFIED = "high", "low", "unverified"

# The vendor's letters (GetToys `shortFunctionNames`, `F:` of a pattern) and words
# (`fullFunctionNames`, `action`).
LETTERS: Mapping[str, str] = {
    "v": "Vibrate",
    "v1": "Vibrate1",
    "v2": "Vibrate2",
    "v3": "Vibrate3",
    "r": "Rotate",
    "p": "Pump",
    "t": "Thrusting",
    "f": "Fingering",
    "s": "Suction",
    "d": "Depth",
    "o": "Oscillate",
    "pos": "Position",
}
# From 0 to here. Stroke is no function of its own: it bounds the way of Thrusting, in percent.
TOPS: Mapping[str, int] = dict.fromkeys(LETTERS.values(), 20) | {
    "Pump": 3,
    "Depth": 3,
    "Position": 100,
    "Stroke": 100,
}
# A toy that thrusts may take level 0 for full speed: only a stop makes it still.
ZERO_MAY_MOVE = ("Thrusting", "Depth")
TRIAL_LEVEL = 3  # of 20: how hardware that she has not tried yet moves first
# Known, and never sent: a function and a command.
NOT_USED = ("Position", "PatternV2")
# One group excludes the other: a toy that is told where to stand must not be told to swing.
_EXCLUSIVE = (("Position",), ("Oscillate", "Thrusting"))
MAX_WORDS, LONGEST_WORD = 32, 32  # of one toy's report; what is beyond is not read


@dataclass(frozen=True, slots=True)
class ToyType:
    """A row: what a toy of this type can do. `type` is the lower-case name of the vendor's
    callback and of GetToys; `aliases` are other names for it."""

    type: str
    functions: tuple[str, ...]
    main_function: str
    aliases: tuple[str, ...] = ()
    confidence: str = HIGH
    source: str = SOURCE
    version: str = VERSION

    @property
    def range(self) -> dict[str, tuple[int, int]]:
        """By function: the lowest and the highest level."""
        return {function: (0, TOPS[function]) for function in self.functions}

    @property
    def letters(self) -> tuple[str, ...]:
        return tuple(letter for letter, name in LETTERS.items() if name in self.functions)

    @property
    def exclusive_groups(self) -> tuple[tuple[str, ...], ...]:
        """Functions of one group may play together, those of two never; empty where there is
        nothing to choose."""
        groups = [
            tuple(function for function in group if function in self.functions)
            for group in _EXCLUSIVE
        ]
        return tuple(groups) if all(groups) else ()


class FunctionWords(NamedTuple):
    """What a toy says of itself: functions that we know, and words that we do not."""

    known: tuple[str, ...]
    unsupported: tuple[str, ...]


def _row(
    name: str, letters: str, *, main: str = "v", aliases: tuple[str, ...] = (), sure: str = HIGH
) -> ToyType:
    functions = tuple(LETTERS[letter] for letter in letters.split())
    return ToyType(name, functions, LETTERS[main], aliases, sure)


_ROWS = (
    _row("ambi", "v"),
    _row("c20", "v"),
    _row("calor", "v", sure=LOW),
    _row("diamo", "v", sure=LOW),
    _row("dolce", "v v1 v2", aliases=("quake",)),
    _row("domi", "v"),
    _row("edge", "v v1 v2"),
    _row("exomoon", "v"),
    _row("ferri", "v"),
    _row("flexer", "v f", sure=LOW),
    _row("gemini", "v v1 v2"),
    _row("gravity", "v t"),
    _row("gush", "v"),
    _row("gush2", "o", main="o", sure=LOW),
    _row("hush", "v"),
    _row("hyphy", "v", sure=LOW),
    _row("lapis", "v v1 v2 v3", sure=LOW),
    _row("lush", "v"),
    _row("max", "v p"),
    _row("minixmachine", "v t", main="t", aliases=("mini xmachine",), sure=LOW),
    _row("mission", "v"),
    _row("mission2", "v"),
    _row("nora", "v r"),
    _row("osci", "v", sure=LOW),
    _row("qa01", "v v1 v2"),
    _row("ridge", "v r"),
    _row("solace", "t d", main="t", sure=LOW),
    _row("solacepro", "t pos", main="t", aliases=("solace pro",), sure=LOW),
    _row("tenera", "v s", sure=LOW),
    _row("vulse", "v", sure=LOW),
    _row("xmachine", "v t", main="t", aliases=("sex machine",), sure=LOW),
)
TABLE: Mapping[str, ToyType] = {row.type: row for row in _ROWS}
_BY_NAME = {name: row for row in _ROWS for name in (row.type, *row.aliases)}
_BY_WORD = dict(LETTERS) | {function.lower(): function for function in TOPS}


def names() -> Collection[str]:
    """Of all types that it has, and what else they are called."""
    return _BY_NAME.keys()


def of(name: str) -> ToyType:
    """The row of a toy's type or alias, in whatever case and with whatever spaces around it. A type
    that is not in the table vibrates, as far as anybody knows."""
    plain = " ".join(name.lower().split())
    known = _BY_NAME.get(plain) or _BY_NAME.get(plain.replace(" ", ""))
    return known or ToyType(
        plain, ("Vibrate",), "Vibrate", confidence=UNVERIFIED, source="default", version=""
    )


def read_functions(words: Iterable[Any]) -> FunctionWords:
    """Letters and full names, mixed as they come; each once, in the order in which it came. What is
    no word at all is left out."""
    known: dict[str, None] = {}
    unsupported: dict[str, None] = {}
    for word, _ in zip(words, range(MAX_WORDS), strict=False):
        if isinstance(word, str) and (function := _BY_WORD.get(word.strip().lower())):
            known[function] = None
        elif isinstance(word, str) and word.strip():
            unsupported[word.strip()[:LONGEST_WORD]] = None
    return FunctionWords(tuple(known), tuple(unsupported))
