"""Draws: which value of its bounds an item gets for one tip. Pure, and repeatable by anybody.

The secret of a version is made when it is published, and only its SHA-256, the commitment, is shown
then. A draw is HMAC-SHA256 of the version, the tip, the item and the field: so it is made once by
nature, and is the same in an estimate, a retry and on any process. `docs/menus.md` (Random draws)
has the format to the byte; `tests/golden/draws.json` has vectors for whoever writes it again."""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, count
from typing import NamedTuple

from ground import ids
from lovense.menus.matching import Item
from lovense.menus.vibration import TEXT
from lovense.rows import Json

SECRET_BYTES = 32
NUMBER_BYTES = 4  # of a digest that are one number
NUMBERS = 2 ** (8 * NUMBER_BYTES)

RANDOM = "random"
TEXTS = "patternTexts"  # of an item that is played: by name those of hers that may be drawn
DRAWN_BY = "drawnBy"  # of a snapshot: the key of the version that drew it
INTENSITY, SECONDS, PATTERN = "intensity", "durationSec", "pattern"
FIELDS = (INTENSITY, SECONDS, PATTERN)

Numbers = Callable[[str], Iterator[int]]
"""By field the numbers that are drawn for it, one after the other, for as long as they are
refused."""


class SecretMissing(LookupError):
    """What draws at random has the secret of its version."""


class Draw(NamedTuple):
    """Whose draw it is. `menu`: the key of the version, `<performer id>.<version>`; `tip`: the
    tip's id, or the key of what was submitted in a tip's place."""

    menu: str
    tip: str
    item: str

    def message(self, field: str, attempt: int = 0) -> bytes:
        """Five lines, each with its end. Raises ValueError for a name that is no line."""
        lines = [self.menu, self.tip, self.item, field, str(attempt)]
        if any("\n" in line for line in lines):
            raise ValueError("What a draw is of holds no line break.")
        return "".join(f"{line}\n" for line in lines).encode()

    def numbers(self, secret: bytes, field: str) -> Iterator[int]:
        for attempt in count():
            digest = hmac.digest(secret, self.message(field, attempt), "sha256")
            yield int.from_bytes(digest[:NUMBER_BYTES], "big")


def fresh_secret() -> bytes:
    return ids.random_bytes(SECRET_BYTES)


def commitment(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()


def below(span: int, numbers: Iterator[int]) -> int:
    """From 0 to `span` - 1, each as often: what lies beyond the last whole span is refused, and the
    next number is asked."""
    end = NUMBERS - NUMBERS % span
    return next(number for number in numbers if number < end) % span


def is_random(item: Item) -> bool:
    return bool(item.get(RANDOM))


def drawn(item: Item, secret: bytes, draw: Draw) -> Item:
    """The values that are drawn for it, by field."""
    return _drawn(item[RANDOM], lambda field: draw.numbers(secret, field))


def _drawn(random: Json, numbers: Numbers) -> Item:
    found: Item = {}
    for field in (INTENSITY, SECONDS):
        if bounds := random.get(field):
            low, high = bounds["from"], bounds["to"]
            found[field] = low + below(high - low + 1, numbers(field))
    if patterns := random.get("patterns"):
        found[PATTERN] = _pattern(patterns, numbers(PATTERN))
    return found


def _pattern(patterns: Sequence[Json], numbers: Iterator[int]) -> str:
    ends = list(accumulate(each["weight"] for each in patterns))
    place = below(ends[-1], numbers)
    chosen = next(each for each, end in zip(patterns, ends, strict=True) if place < end)
    return str(chosen["pattern"])


def played(item: Item, values: Item) -> Item:
    """As it plays with these values: with the text of the pattern, where that is one of hers."""
    texts = item.get(TEXTS) or {}
    plays = {name: value for name, value in item.items() if name not in (TEXT, TEXTS)}
    plays |= values
    name = plays[PATTERN]
    text = texts.get(name) or (item.get(TEXT) if name == item[PATTERN] else None)
    return plays | ({TEXT: text} if text else {})


def snapshot(item: Item, secret: bytes | None, draw: Draw) -> Item:
    """An item as an activation keeps and plays it. Raises SecretMissing."""
    if secret is None:
        raise SecretMissing(draw.menu)
    return played(item, drawn(item, secret, draw)) | {DRAWN_BY: draw.menu}
