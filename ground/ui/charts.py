"""Geometry of the charts: data in, shapes out, no I/O. Places are percent of the drawing, so that
it fills whatever room it has; a path has a box of its own, 1000 by 100, stretched over the drawing.

Nothing draws more than MOST_POINTS: more values are binned, each bin as its mean."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

MOST_POINTS = 2_000
BAR_SHARE = 2 / 3
TICKS = 3
HEAT_STEPS = 5
HIGHEST_NAME, LOWEST_NAME, NAME_APART = 8.0, 96.0, 11.0  # of curves, in percent
PLOT_WIDTH, PLOT_HEIGHT = 1000, 100
SPARK_PITCH, SPARK_HEIGHT = 4, 24


@dataclass(frozen=True)
class Point:
    label: str
    value: float


@dataclass(frozen=True)
class Bar:
    x: str
    y: str
    width: str
    height: str
    label: str
    value: str


@dataclass(frozen=True)
class Tick:
    """A line across the drawing, and what it stands for."""

    place: str
    words: str


@dataclass(frozen=True)
class PlottedLine:
    name: str
    number: int  # which of the five colours
    path: str
    name_place: str
    values: list[str]


@dataclass(frozen=True)
class Chart:
    labels: list[str]
    bars: list[Bar]
    curves: list[PlottedLine]
    ticks: list[Tick]
    first: str
    last: str


@dataclass(frozen=True)
class Cell:
    step: int
    value: str


@dataclass(frozen=True)
class RulerStretch:
    """What a range of amounts does, on the ruler."""

    x: str
    width: str
    number: int
    words: str


@dataclass(frozen=True)
class Spark:
    """A small drawing: a path in a box `width` by SPARK_HEIGHT."""

    path: str
    width: int


def number(value: float) -> str:
    """As an SVG attribute wants it, in any language: short, with a point."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def words(value: float) -> str:
    """As a person reads it: thousands apart by a narrow space that does not break."""
    if not math.isfinite(value):
        return "\u2013"
    rounded = round(value, 1)
    return f"{rounded:,.{0 if rounded == int(rounded) else 1}f}".replace(",", "\u202f")


def binned(values: Sequence[float], most: int = MOST_POINTS) -> list[float]:
    if len(values) <= most:
        return list(values)
    size = math.ceil(len(values) / most)
    parts = [values[at : at + size] for at in range(0, len(values), size)]
    return [sum(part) / len(part) for part in parts]


def binned_points(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    if len(points) <= most:
        return list(points)
    size = math.ceil(len(points) / most)
    means = binned([point.value for point in points], most)
    firsts = [points[at].label for at in range(0, len(points), size)]
    return [Point(label, mean) for label, mean in zip(firsts, means, strict=True)]


def ceiling(values: Sequence[float]) -> float:
    """The round number that the drawing goes up to: 1, 2 or 5 of some power of ten."""
    highest = max((value for value in values if math.isfinite(value)), default=0.0)
    if highest <= 0:
        return 1.0
    power: float = 10 ** math.floor(math.log10(highest))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= highest)


def _ticks(top: float, count: int = TICKS) -> list[Tick]:
    shares = [step / (count - 1) for step in range(count)]
    return [Tick(number(100 - 100 * share), words(top * share)) for share in shares]


def _kept(value: float, top: float) -> float:
    """Within the drawing, also what is no number."""
    return min(max(value, 0.0), top) if math.isfinite(value) else 0.0


def bars(points: Sequence[Point]) -> Chart:
    """One bar a point, two thirds of its place wide."""
    shown = binned_points(points)
    top = ceiling([point.value for point in shown])
    pitch = 100 / max(len(shown), 1)
    drawn = []
    for place, point in enumerate(shown):
        height = 100 * _kept(point.value, top) / top
        x = place * pitch + pitch * (1 - BAR_SHARE) / 2
        said = point.label, words(point.value)
        drawn.append(_bar((x, 100 - height, pitch * BAR_SHARE, height), *said))
    return _chart([point.label for point in shown], top, bars=drawn)


def _bar(box: tuple[float, float, float, float], label: str, value: str) -> Bar:
    x, y, width, height = (number(each) for each in box)
    return Bar(x, y, width, height, label, value)


def lines(labels: Sequence[str], series: Sequence[tuple[str, Sequence[float]]]) -> Chart:
    """One curve a series, at most five, each with its name at its end."""
    size = math.ceil(max(len(labels), 1) / MOST_POINTS)
    kept = [(name, binned(values)) for name, values in series[:5]]
    top = ceiling([value for _, values in kept for value in values])
    places = apart([_end(values, top) for _, values in kept])
    curves = [
        PlottedLine(
            name, n, path(values, top), number(places[n - 1]), [words(each) for each in values]
        )
        for n, (name, values) in enumerate(kept, 1)
    ]
    return _chart(list(labels[::size]), top, curves=curves)


def _chart(
    labels: list[str],
    top: float,
    *,
    bars: list[Bar] | None = None,
    curves: list[PlottedLine] | None = None,
) -> Chart:
    ends = (labels[0], labels[-1]) if labels else ("", "")
    return Chart(labels, bars or [], curves or [], _ticks(top), *ends)


def path(values: Sequence[float], top: float) -> str:
    """A line through all values, from the left edge to the right one."""
    step = PLOT_WIDTH / max(len(values) - 1, 1)
    places = [
        f"{number(place * step)} {number(PLOT_HEIGHT * (1 - _kept(value, top) / top))}"
        for place, value in enumerate(values)
    ]
    return f"M{'L'.join(places)}" if places else ""


def _end(values: Sequence[float], top: float) -> float:
    """Where the name of a curve belongs: at its last value."""
    return 100 - 100 * (_kept(values[-1], top) / top if values else 0.0)


def apart(places: Sequence[float]) -> list[float]:
    """The same, so far from each other that names can be read, and inside the drawing: each as near
    to its place as the ones above it, and then the ones below it, let it."""
    order, kept = sorted(range(len(places)), key=lambda n: places[n]), list(places)
    for rank, n in enumerate(order):
        above = kept[order[rank - 1]] + NAME_APART if rank else HIGHEST_NAME
        kept[n] = max(kept[n], above)
    lowest = LOWEST_NAME
    for n in reversed(order):
        kept[n] = min(kept[n], lowest)
        lowest = kept[n] - NAME_APART
    return kept


def heat(rows: Sequence[Sequence[float]]) -> list[list[Cell]]:
    """Five steps from nothing to the highest; nothing at all is a step of its own, the lowest."""
    highest = max((value for row in rows for value in row), default=0.0)
    return [[Cell(_step(value, highest), words(value)) for value in row] for row in rows]


def _step(value: float, highest: float) -> int:
    if value <= 0 or highest <= 0:
        return 0
    return max(1, math.ceil((HEAT_STEPS - 1) * min(value / highest, 1)))


def wave(levels: Sequence[float], most: int = 90) -> list[Bar]:
    """Levels from 0 to 1 as bars around the middle; what is nothing is still a dot."""
    shown = binned(levels, most)
    pitch = 100 / max(len(shown), 1)
    drawn = []
    for place, level in enumerate(shown):
        height = 4 + 96 * _kept(level, 1)
        x = place * pitch + pitch * (1 - BAR_SHARE) / 2
        drawn.append(_bar((x, 50 - height / 2, pitch * BAR_SHARE, height), "", words(level)))
    return drawn


def spark(levels: Sequence[float]) -> Spark:
    """Levels from 0 to 1 as strokes around the middle, each two thirds of its place wide: one path,
    for a list of many of them."""
    drawn, pitch = list[str](), SPARK_PITCH
    for place, level in enumerate(levels):
        height = (SPARK_HEIGHT - pitch) * _kept(level, 1)
        top = number((SPARK_HEIGHT - height) / 2)
        drawn.append(f"M{number((place + 0.5) * pitch)} {top}v{number(height)}")
    return Spark("".join(drawn), round(len(levels) * pitch))


def trend(values: Sequence[float | None]) -> str:
    """A line through the values, open where one is not known: a path in the box of all paths. A
    single value between two gaps is a dot."""
    top = ceiling([value for value in values if value is not None])
    step, drawn, is_down = PLOT_WIDTH / max(len(values) - 1, 1), list[str](), False
    for place, value in enumerate(values):
        if value is not None:
            x, y = number(place * step), number(PLOT_HEIGHT * (1 - _kept(value, top) / top))
            drawn.append(f"L{x} {y}" if is_down else f"M{x} {y}h0")
        is_down = value is not None
    return "".join(drawn)


def log_place(lowest: float, highest: float) -> Callable[[float], float]:
    """The place of an amount in percent, equal steps for equal factors."""
    low, high = math.log(max(lowest, 1)), math.log(max(highest, lowest + 1, 2))
    return lambda amount: 100 * (math.log(max(amount, 1)) - low) / (high - low)


def coverage(
    ranges: Sequence[tuple[int, int, str]], *, lowest: int, highest: int
) -> tuple[list[RulerStretch], list[Tick]]:
    """Ranges of amounts (from, up to, words) along a logarithmic axis, with its ticks; what has
    the same words has the same colour."""
    place = log_place(lowest, highest)
    spans, colours = list[RulerStretch](), dict[str, int]()
    for low, high, said in ranges:
        colour = colours.setdefault(said, len(colours) % 5 + 1) if said else 0
        start, end = place(max(low, lowest)), place(min(high + 1, highest))
        geometry = number(start), number(max(end - start, 0.4))
        spans.append(RulerStretch(*geometry, colour, said))
    marks = [step * 10**power for power in range(7) for step in (1, 2, 5)]
    shown = [mark for mark in marks if lowest <= mark <= highest]
    return spans, [Tick(number(place(mark)), words(mark)) for mark in shown]
