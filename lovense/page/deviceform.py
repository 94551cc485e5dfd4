"""The form in which the performer names and limits one device: what its fields hold, what was typed
into them, and what is wrong with it. What may be chosen is decided by `lovense/devices/choices.py`
alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import QueryDict

from ground.json.fields import Malformed
from lovense.page.devicespage import KeptDevice, ShownFunction
from lovense.rows import Json

NICKNAME, SECONDS, SCALE = "nickname", "maximumSeconds", "scalePercent"
LEAD = "leadMs"


@dataclass(frozen=True, slots=True)
class FormField:
    """`name` is its name in the form and its id; `error` the sentence beside it, or empty."""

    name: str
    value: str
    error: str


@dataclass(frozen=True, slots=True)
class FormFunction:
    """The fields of a function that is hers to choose."""

    function: ShownFunction
    moves: str  # the name of its check box
    is_on: bool
    cap: FormField
    floor: FormField


class DeviceForm:
    """`typed` is what was sent, None before that; `wrong` why it was refused."""

    def __init__(
        self, device: KeptDevice, typed: QueryDict | None = None, wrong: Malformed | None = None
    ) -> None:
        self.device, self._typed, self._wrong = device, typed, wrong

    @property
    def nickname(self) -> FormField:
        return self._field(NICKNAME, self.device.nickname, NICKNAME)

    @property
    def seconds(self) -> FormField:
        return self._field(SECONDS, str(self.device.maximum_seconds or ""), SECONDS)

    @property
    def scale(self) -> FormField:
        return self._field(SCALE, str(self.device.scale_percent), SCALE)

    @property
    def lead(self) -> FormField:
        return self._field(LEAD, str(self.device.lead_ms), LEAD)

    @property
    def functions(self) -> list[FormFunction]:
        return [self._function(each) for each in self.device.functions if each.may_choose]

    @property
    def others(self) -> list[ShownFunction]:
        """What is not hers to choose here, and why."""
        return [each for each in self.device.functions if not each.may_choose]

    @property
    def error(self) -> str:
        """What belongs to no field of the form."""
        names = {NICKNAME, SECONDS, SCALE, LEAD}
        for each in self.functions:
            names |= {_path(each.function.name, part) for part in ("cap", "floor")}
        return "" if self._wrong is None or self._wrong.field in names else str(self._wrong)

    def _function(self, function: ShownFunction) -> FormFunction:
        moves = f"moves-{function.name}"
        is_on = function.is_on if self._typed is None else moves in self._typed
        cap = self._level(function.name, "cap", function.cap)
        floor = self._level(function.name, "floor", function.floor)
        return FormFunction(function, moves, is_on, cap, floor)

    def _level(self, function: str, part: str, level: int) -> FormField:
        return self._field(f"{part}-{function}", str(level), _path(function, part))

    def _field(self, name: str, value: str, path: str) -> FormField:
        """`path` is what a refusal calls it."""
        if self._typed is not None:
            value = self._typed.get(name, "")
        is_wrong = self._wrong is not None and self._wrong.field == path
        return FormField(name, value, _sentence(self._wrong) if is_wrong else "")


def _path(function: str, part: str) -> str:
    return f"functions.{function}.{part}"


def _sentence(wrong: Malformed | None) -> str:
    return f"{wrong.rule[0].upper()}{wrong.rule[1:]}." if wrong else ""


def body(typed: QueryDict) -> Json:
    """What was typed, as the body of the REST call that chooses the same."""
    named: Json = {name: _whole(typed.get(name, "")) for name in (SCALE, LEAD) if name in typed}
    return named | {
        NICKNAME: typed.get(NICKNAME, ""),
        SECONDS: _whole(typed.get(SECONDS, "")) if typed.get(SECONDS) else None,
        "functions": dict(_functions(typed)),
    }


def _functions(typed: QueryDict) -> Iterator[tuple[str, Json]]:
    for name in typed.getlist("function"):
        cap = _whole(typed.get(f"cap-{name}", ""))
        floor = (
            {"floor": _whole(typed.get(f"floor-{name}", ""))} if f"floor-{name}" in typed else {}
        )
        yield name, {"isEnabled": f"moves-{name}" in typed, "cap": cap} | floor


def _whole(text: str) -> int | str:
    """What is no number is refused by the rule that wants one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text
