"""What a page, an app or the vendor says of toys, in all its dialects, as one kind of value. Pure.

Nothing is decided here, and nothing that is merely odd is refused: a status or a battery that
cannot be read is "not connected" and "unknown"."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ground.json.fields import Malformed
from lovense.devices import toytable
from lovense.devices.toytable import FunctionWords

MAX_TOYS = 16  # of one report; of a longer one the first are kept and the rest are counted
LONGEST_ID, LONGEST_NAME, LONGEST_TYPE, LONGEST_FIRMWARE = 64, 64, 32, 32
LONGEST_NICKNAME = 32
_CONNECTED = frozenset({"1", "true", "on", "online", "connected"})
_BATTERY = re.compile(r"s?(\d{1,4}(?:\.\d{1,6})?)\s?%?", re.ASCII)  # 88, "88", "88%", "s80", "88.6"


class InvalidReport(Malformed):
    """A report of toys breaks a rule; `field` and `rule` say which."""


@dataclass(frozen=True, slots=True)
class ToyReading:
    """One toy as it was reported. `words`: what it says it can do; None where nothing is said."""

    toy_id: str
    name: str
    nickname: str  # hers, in the vendor's app
    toy_type: str
    is_connected: bool
    battery: int | None
    firmware: str
    words: FunctionWords | None


@dataclass(frozen=True, slots=True)
class ReportedToys:
    """Of one report: those that were kept, and how many it named."""

    kept: tuple[ToyReading, ...]
    count: int

    @property
    def connected(self) -> int:
        return sum(toy.is_connected for toy in self.kept)


def status_of(value: Any) -> bool:
    """Whether it is connected: 1, "1", true, "true", on, online, connected, in whatever case; all
    else is not."""
    if isinstance(value, bool | int | float):
        return value == 1
    return isinstance(value, str) and value.strip().lower() in _CONNECTED


def battery_of(value: Any) -> int | None:
    """0 to 100 from 88, "88", "88%", "s80", 88.6; None for what is none of these."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        found = _BATTERY.fullmatch(value.strip().lower())
        value = float(found[1]) if found else None
    if not isinstance(value, int | float) or (isinstance(value, float) and math.isnan(value)):
        return None
    return int(max(0, min(100, value)))


def toys_of(value: Any, field: str = "toys") -> ReportedToys:
    """From a list, a map by id, or either as JSON text; an empty text or null is no toy. Raises
    InvalidReport."""
    if isinstance(value, str):
        value = _parsed(value, field)
    if value is None:
        value = []
    if isinstance(value, Mapping):
        told = [(toy, key) for key, toy in value.items()]
    elif isinstance(value, list):
        told = [(toy, "") for toy in value]
    else:
        raise InvalidReport(field, "must be a list or an object")
    # A refusal names a toy by its place: its id is nobody's business but hers.
    read = (_reading(f"{field}[{n}]", *each) for n, each in enumerate(told[:MAX_TOYS]))
    kept = {toy.toy_id: toy for toy in read}
    return ReportedToys(tuple(kept.values()), len(told))


def _parsed(text: str, field: str) -> Any:
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidReport(field, "must be JSON where it is text") from None


def _reading(field: str, toy: Any, key: str) -> ToyReading:
    if not isinstance(toy, Mapping):
        raise InvalidReport(field, "must be an object")
    toy_id = toy.get("id") or key
    if not isinstance(toy_id, str) or not _is_id(toy_id):
        raise InvalidReport(f"{field}.id", f"must be 1 to {LONGEST_ID} printable characters")
    if "/" in toy_id:  # it is part of the addresses under which its device is changed
        raise InvalidReport(f"{field}.id", "must not contain a slash")
    # The callback's `name` is the type; a page and the Socket API name both.
    toy_type = _text(toy.get("toyType"), LONGEST_TYPE) or _text(toy.get("type"), LONGEST_TYPE)
    name = _text(toy.get("name"), LONGEST_NAME)
    firmware = toy.get("fVersion", toy.get("version"))
    return ToyReading(
        toy_id=toy_id,
        name=name or toy_id,
        nickname=_text(toy.get("nickName", toy.get("nickname")), LONGEST_NICKNAME),
        toy_type=toy_type or name.lower()[:LONGEST_TYPE],
        is_connected=status_of(toy.get("status", toy.get("connected"))),
        battery=battery_of(toy.get("battery")),
        firmware=_text(firmware, LONGEST_FIRMWARE),
        words=_words(toy),
    )


def _is_id(text: str) -> bool:
    return 1 <= len(text) <= LONGEST_ID and text.isprintable()


def _text(value: Any, longest: int) -> str:
    """What is no text, or number, is none; what cannot be shown is left out."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    shown = "".join(letter for letter in str(value)[: 2 * longest] if letter.isprintable())
    return shown.strip()[:longest]


def _words(toy: Mapping[str, Any]) -> FunctionWords | None:
    """`shortFunctionNames` may hold full names, and the other way round."""
    told: list[Any] = []
    for field in ("fullFunctionNames", "shortFunctionNames"):
        if isinstance(words := toy.get(field), Iterable) and not isinstance(words, str | Mapping):
            told += words
    return toytable.read_functions(told) if told else None
