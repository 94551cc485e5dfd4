"""The form in which the performer names and limits one device: what its fields hold, what was typed
into them, and what is wrong with it. What may be chosen is decided by `lovense/devices/choices.py`
alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.http import QueryDict

from ground.json.fields import Fields, Malformed
from lovense.devices import choices
from lovense.devices.choices import Choice
from lovense.devices.readings import LONGEST_NICKNAME
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, SHORTEST_RUN_SECONDS
from lovense.page import levelpreview
from lovense.page.keptdevice import KeptDevice, ShownFunction
from lovense.rows import Json
from lovense.timeline import FULL_SCALE

NICKNAME, SECONDS, SCALE = "nickname", "maximumSeconds", "scalePercent"
LEAD = "leadMs"
_LABELS = {
    NICKNAME: "Nickname",
    SECONDS: "Longest run",
    SCALE: "Strength",
    LEAD: "Answers later",
    "cap": "Strongest level",
    "floor": "Weakest level",
}


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
    becomes: int | None  # level 12 of 20, as it is told; None: that cannot be said

    @property
    def cap_label(self) -> str:
        return f"Strongest level, 1 to {self.function.top}"

    @property
    def floor_label(self) -> str:
        return f"Weakest level that you feel, 0 to {self.function.floor_top}"


class DeviceForm:
    """`typed` is what was sent, None before that; `wrong` all that is wrong with it."""

    asked, longest_nickname = levelpreview.ASKED, LONGEST_NICKNAME

    def __init__(
        self, device: KeptDevice, typed: QueryDict | None = None, wrong: Sequence[Malformed] = ()
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
    def scale_hint(self) -> str:
        return f"Of what is asked of it: {choices.WEAKEST_SCALE} to {FULL_SCALE}."

    @property
    def seconds_hint(self) -> str:
        return (
            f"{SHORTEST_RUN_SECONDS} to {LONGEST_ITEM_SECONDS}. Empty: no limit of its own; the "
            "limits of your account and of the platform bind anyway."
        )

    @property
    def lead_hint(self) -> str:
        return (
            f"0 to {choices.LONGEST_LEAD_MS}. The others wait so long for it, so that all of them "
            "move together."
        )

    @property
    def errors(self) -> list[tuple[str, str]]:
        """All that is wrong, each with the field that it stands beside; or with none."""
        named = {NICKNAME: NICKNAME, SECONDS: SECONDS, SCALE: SCALE, LEAD: LEAD}
        for each in self.functions:
            name = each.function.name
            named |= {_path(name, part): f"{part}-{name}" for part in ("cap", "floor")}
        return [
            (named[wrong.field], f"{_LABELS[named[wrong.field].partition('-')[0]]} {wrong.rule}.")
            if wrong.field in named
            else ("", f"{wrong}.")
            for wrong in self._wrong
        ]

    def _function(self, function: ShownFunction) -> FormFunction:
        moves = f"moves-{function.name}"
        is_on = function.is_on if self._typed is None else moves in self._typed
        cap = self._level(function.name, "cap", function.cap)
        floor = self._level(function.name, "floor", function.floor)
        becomes = self._becomes(function, cap.value, floor.value) if is_on else 0
        return FormFunction(function, moves, is_on, cap, floor, becomes)

    def _becomes(self, function: ShownFunction, cap: str, floor: str) -> int | None:
        """None while what is typed is out of its range."""
        scale, strongest, weakest = (_whole(each) for each in (self.scale.value, cap, floor))
        if not (isinstance(scale, int) and isinstance(strongest, int) and isinstance(weakest, int)):
            return None
        ranges = ((scale, choices.WEAKEST_SCALE, FULL_SCALE), (strongest, 1, function.top))
        if any(not low <= value <= top for value, low, top in ranges):
            return None
        return levelpreview.becomes(
            function.name, scale=scale, floor=min(weakest, function.floor_top), cap=strongest
        )

    def _level(self, function: str, part: str, level: int) -> FormField:
        return self._field(f"{part}-{function}", str(level), _path(function, part))

    def _field(self, name: str, value: str, path: str) -> FormField:
        """`path` is what a refusal calls it."""
        if self._typed is not None:
            value = self._typed.get(name, "")
        wrong = next((each for each in self._wrong if each.field == path), None)
        return FormField(name, value, _sentence(wrong))


def _path(function: str, part: str) -> str:
    return f"functions.{function}.{part}"


def _sentence(wrong: Malformed | None) -> str:
    return f"{wrong.rule[0].upper()}{wrong.rule[1:]}." if wrong else ""


def wrong_with(said: Json) -> list[Malformed]:
    """All that is wrong with such a body, each part read for itself."""
    found = []
    for part in _parts(said):
        try:
            Choice(Fields(part, ""))
        except Malformed as wrong:
            found.append(wrong)
    return found


def _parts(said: Json) -> Iterator[Json]:
    for name, value in said.items():
        if name != "functions":
            yield {name: value}
    for function, chosen in said["functions"].items():
        for name, value in chosen.items():
            yield {"functions": {function: {name: value}}}


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
