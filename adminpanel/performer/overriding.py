"""An override as staff type it: from a form a wish, and of what is in force the form. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ground import clock
from lovense.performers import overrides
from lovense.performers.overrides import MODE, NAMES, InvalidOverride, OverrideWish
from lovense.rows import PerformerRow

UNTIL = "until"
TYPED = (*NAMES, UNTIL)
LONGEST_TYPED = 40
# A form says minutes; what was set over REST may have seconds, and keeps them.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,16}", re.ASCII)


def wish_of(typed: Mapping[str, str]) -> OverrideWish:
    """Of a form, in which what is empty is not limited. Raises InvalidOverride."""
    said = {name: typed.get(name, "").strip() for name in NAMES}
    limits = {name: _value(name, text) for name, text in said.items() if text}
    if not limits:
        raise InvalidOverride("limits", "one of them must be set; End now takes an override away")
    return OverrideWish(limits, _moment(typed.get(UNTIL, "").strip()))


def _value(name: str, text: str) -> Any:
    """What is no number stays a text, and the rule refuses it."""
    return int(text) if name != MODE and _WHOLE.fullmatch(text) else text


def _moment(text: str) -> datetime:
    found = _MOMENT.fullmatch(text)
    try:
        return clock.parse(f"{text}{'' if found[1] else ':00'}Z" if found else "")
    except ValueError:
        raise InvalidOverride(UNTIL, "must be a moment, as 2026-01-10T12:00") from None


def as_typed(row: PerformerRow, now: datetime) -> dict[str, str]:
    """What is in force, as the form has it."""
    said = overrides.in_force(row, now)
    if said is None:
        return {}
    limits = {name: str(value) for name, value in said["limits"].items()}
    return {**limits, UNTIL: clock.iso(said["until"]).removesuffix("Z").removesuffix(":00.000")}
