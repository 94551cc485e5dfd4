"""What the page of a tip draws to scale: the six facts on one line of time, and of each activation
what was promised over what was delivered. Geometry alone, in percent of the drawing, as SVG's
attributes want it; it asks no database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adminpanel.tip.timeline import FactOfTip
from ground.ui.charts import number
from lovense.models import Activation

THINNEST = 0.6  # percent: what took no time is still seen


@dataclass(frozen=True, slots=True)
class FactLine:
    """A fact, and the stretch of the time line that it took since the one before. `is_open`: it has
    not happened, and the stretch ends now."""

    fact: FactOfTip
    x: str = ""
    width: str = ""
    is_open: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True)
class RunSlice:
    """A stretch of a run, in percent of the longest of its activation."""

    x: str
    width: str
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """A line of what an activation was to do or did: `kind` is promised, delivered or leg."""

    name: str
    kind: str
    words: str
    slices: Sequence[RunSlice]


# --- the six facts -------------------------------------------------------------------------------


def waterfall(facts: Sequence[FactOfTip], *, now: datetime) -> tuple[list[FactLine], str]:
    """The facts with their stretches, and how long the whole line is, in words."""
    happened = [fact.at for fact in facts if fact.at]
    if not happened:
        return [FactLine(fact) for fact in facts], ""
    waiting = next((fact for fact in facts if fact.state == "waiting"), None)
    first, last = min(happened), max(happened)
    end = max(last, now) if waiting else last
    lines, before = [], first
    for fact in facts:
        until = fact.at or (end if fact is waiting else None)
        if until is None:
            lines.append(FactLine(fact))
            continue
        begin, until = min(before, until), max(before, until)
        x, width = _stretch(begin - first, until - begin, end - first)
        is_open = fact.at is None
        words = lasted(until - begin) if fact.number > 1 or is_open else ""
        lines.append(FactLine(fact, x, width, is_open, words))
        before = until
    return lines, lasted(end - first)


def _stretch(begin: timedelta, length: timedelta, whole: timedelta) -> tuple[str, str]:
    if not whole:
        return "0", number(THINNEST)
    width = max(100 * (length / whole), THINNEST)
    return number(min(100 * (begin / whole), 100 - width)), number(width)


def lasted(length: timedelta) -> str:
    """As a person reads it: two units at most."""
    milliseconds = round(length / timedelta(milliseconds=1))
    if milliseconds < 10_000:
        return f"{milliseconds} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    units = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    left, parts = int(seconds), list[tuple[int, str]]()
    for size, unit in units:
        count, left = divmod(left, size)
        parts.append((count, unit))
    found = next(place for place, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[found : found + 2] if count)


# --- what it promised, and what it did -----------------------------------------------------------


def run(row: Activation) -> list[RunLine]:
    """Empty where nothing was promised."""
    if not row.promised_seconds:
        return []
    delivered = row.delivered_seconds or 0.0
    legs = row.legs or []
    ends = [float(slice_["until"]) for leg in legs for slice_ in leg["slices"]]
    whole = max([float(row.promised_seconds), delivered, *ends])
    lines = [_line("Promised", "promised", row.promised_seconds, whole)]
    if row.delivered_seconds is not None:
        lines.append(_line("Delivered", "delivered", delivered, whole))
    for leg in legs:
        slices = [
            RunSlice(
                *_part(slice_["start"], slice_["until"], whole),
                slice_["state"],
                f"{slice_['start']}\u2013{slice_['until']} s {slice_['state']}",
            )
            for slice_ in leg["slices"]
        ]
        had = "\u2013" if leg["delivered"] is None else f"{leg['delivered']:g}"
        ended = " ".join(filter(None, (leg["outcome"] or "not over", leg["code"])))
        lines.append(
            RunLine(leg["nickname"], "leg", f"{had} of {leg['promised']} s, {ended}", slices)
        )
    return lines


def _line(name: str, kind: str, seconds: float, whole: float) -> RunLine:
    return RunLine(
        name, kind, f"{seconds:g} s", [RunSlice(*_part(0, seconds, whole), kind, f"{seconds:g} s")]
    )


def _part(start: float, until: float, whole: float) -> tuple[str, str]:
    return number(100 * start / whole), number(100 * (until - start) / whole)
