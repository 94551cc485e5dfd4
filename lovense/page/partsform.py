"""The fields of an item's form that say which devices play it, which of their functions, and how
often; what may be said is decided by `lovense/menus/parts.py` alone."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.http import QueryDict

from lovense.menus import parts
from lovense.menus.parts import HerToys
from lovense.rows import Json
from lovense.timeline import FULL_SCALE

NUMBERS = {
    "loops": "Times",
    "pauseSec": "Pause, s",
    "rampInSec": "Rise, s",
    "rampOutSec": "Fade, s",
}
FUNCTION, DEVICE, OFFSET = "function.", "device.", "offset."
MOST_FIELDS = 64  # of each kind that are read


class PartField(NamedTuple):
    """`name` is its name in the form and its id."""

    name: str
    label: str
    value: str
    error: str = ""


class DeviceField(NamedTuple):
    """A box for the device, and how much later it starts."""

    name: str
    label: str
    is_on: bool
    offset: PartField


class PartsForm:
    """`typed` is what was sent, None before that."""

    full_scale, longest_offset = FULL_SCALE, parts.LONGEST_OFFSET

    def __init__(
        self,
        item: Mapping[str, Any],
        toys: HerToys,
        typed: QueryDict | None,
        errors: dict[str, str],
    ) -> None:
        self._item, self._toys, self._errors = item, toys, errors
        self._typed = _shown(item) if typed is None else typed

    @property
    def is_open(self) -> bool:
        """Something is not usual, or wrong."""
        is_said = any(self._item[name] != usual for name, usual in parts.USUAL.items())
        return is_said or any(name in self._errors for name in parts.FIELDS)

    @property
    def numbers(self) -> list[PartField]:
        return [
            PartField(name, label, self._typed.get(name, ""), self._errors.get(name, ""))
            for name, label in NUMBERS.items()
        ]

    @property
    def functions(self) -> list[PartField]:
        names = dict.fromkeys((*self._item["functions"], *sorted(self._toys.functions)))
        return [
            PartField(FUNCTION + name, name, self._typed.get(FUNCTION + name, "")) for name in names
        ]

    @property
    def functions_error(self) -> str:
        return self._errors.get("functions", "")

    @property
    def devices(self) -> list[DeviceField]:
        known = dict(self._toys.nicknames)
        gone = {toy_id: parts.GONE for toy_id in parts.offsets(self._item) if toy_id not in known}
        return [self._device(toy_id, label) for toy_id, label in (known | gone).items()]

    def _device(self, toy_id: str, label: str) -> DeviceField:
        name, value = OFFSET + toy_id, self._typed.get(OFFSET + toy_id, "")
        is_on = DEVICE + toy_id in self._typed
        return DeviceField(DEVICE + toy_id, label, is_on, PartField(name, label, value))

    @property
    def devices_error(self) -> str:
        return self._errors.get("devices", "")


def _shown(item: Mapping[str, Any]) -> dict[str, str]:
    """As the form would send it."""
    found = {name: str(item[name]) for name in NUMBERS}
    found |= {FUNCTION + name: str(scale) for name, scale in item["functions"].items()}
    for toy_id, offset in parts.offsets(item).items():
        found |= {DEVICE + toy_id: "1", OFFSET + toy_id: str(offset) if offset else ""}
    return found


def body(typed: QueryDict) -> Json:
    """What was typed, as the body of the REST call that says the same."""
    said: Json = {
        name: whole(text) if (text := typed.get(name, "").strip()) else parts.USUAL[name]
        for name in NUMBERS
        if name in typed
    }
    if not any(name in typed for name in NUMBERS):
        return said  # a form without these fields
    said["functions"] = {
        name: whole(scale) for name, scale in _named(typed, FUNCTION).items() if scale
    }
    said["devices"] = [
        {"device": toy_id, "offsetMs": whole(typed.get(OFFSET + toy_id, "").strip() or "0")}
        for toy_id in _named(typed, DEVICE)
    ]
    return said


def _named(typed: QueryDict, prefix: str) -> dict[str, str]:
    names = [name for name in typed if name.startswith(prefix)][:MOST_FIELDS]
    return {name.removeprefix(prefix): typed.get(name, "").strip() for name in names}


def whole(text: str) -> int | str:
    """What is no number is refused by the rule that wants one."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else text
