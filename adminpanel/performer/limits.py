"""Which limits bind a performer: of each the platform's, hers and that of an override, and which of
them is the strictest. Pure; what binds a decision is worked out in `lovense/deciding/rules.py`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lovense.deciding.rules import Rules
from lovense.menus.vibration import MAXIMUM_LEVEL
from lovense.performers import overrides
from lovense.performers.overrides import MODE, RATE, SECONDS, STRENGTH, TIP
from lovense.rows import OverridesRow

PLATFORM, HERS, OVERRIDE, PATH = "the platform’s", "hers", "the override", "her path"
NONE = "\u2013"
LABELS = {
    TIP: ("Minimum tip", "tokens"),
    SECONDS: ("Longest run", "s"),
    STRENGTH: ("Strength at most", ""),
    RATE: ("Runs a minute at most", ""),
    MODE: ("Queue mode", ""),
}


@dataclass(frozen=True, slots=True)
class BindingLimit:
    """`whose`: of those who set it, who binds; empty: nobody has."""

    name: str
    platform: Any
    hers: Any
    override: Any
    binds: Any
    whose: str

    @property
    def label(self) -> str:
        return LABELS[self.name][0]

    def said(self, value: Any) -> str:
        return NONE if value is None else f"{value} {LABELS[self.name][1]}".strip()

    @property
    def words(self) -> str:
        return self.said(self.binds)


def of(rules: Rules, performer_id: str) -> list[BindingLimit]:
    """`rules`: with her row, at the moment that is asked for."""
    row, platform = rules.performers[performer_id], rules.platform
    said = overrides.in_force(row, rules.at)
    over = said["limits"] if said else {}
    set_by: dict[str, tuple[Any, Any]] = {
        TIP: (platform["minimum_tip"], row["minimum_tip"]),
        SECONDS: (platform["maximum_seconds"], row["maximum_seconds"]),
        STRENGTH: (MAXIMUM_LEVEL, row["maximum_intensity"]),
        RATE: (platform["rate_limit_per_minute"] or None, None),
    }
    found = [
        _limit(name, (*both, over.get(name)), max if name == TIP else min)
        for name, both in set_by.items()
    ]
    return [*found, _mode(rules, performer_id, over.get(MODE))]


def said_of(override: OverridesRow | None) -> str:
    """What it limits, in a few words."""
    if override is None:
        return "none"
    told = ((*LABELS[name], value) for name, value in override["limits"].items())
    return ", ".join(f"{label} {value} {unit}".strip() for label, unit, value in told)


def _limit(
    name: str, values: tuple[Any, Any, Any], strictest: Callable[..., tuple[Any, str]]
) -> BindingLimit:
    """Of equal ones the first."""
    told = [(value, whose) for value, whose in _with_whose(values) if value is not None]
    binds = strictest(told, key=lambda each: each[0]) if told else (None, "")
    return BindingLimit(name, *values, *binds)


def _with_whose(values: tuple[Any, Any, Any]) -> Iterable[tuple[Any, str]]:
    return zip(values, (PLATFORM, HERS, OVERRIDE), strict=True)


def _mode(rules: Rules, performer_id: str, override: Any) -> BindingLimit:
    """The nearest to her that is set; a path that is told tip by tip joins none."""
    row = rules.performers[performer_id]
    values = (rules.platform["queue_mode"], row["queue_mode"], override)
    chosen, whose = [each for each in _with_whose(values) if each[0] is not None][-1]
    binds = rules.mode_of(performer_id).value
    return BindingLimit(MODE, *values, binds, whose if binds == chosen else PATH)
