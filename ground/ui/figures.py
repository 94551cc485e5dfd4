"""The charts as tags: geometry from `charts`, and the same numbers as a table one press away."""

from collections.abc import Sequence
from typing import Any

from ground.ui import charts
from ground.ui.library import register

Shown = dict[str, Any]


@register.inclusion_tag("ui/bars.html", name="ui_bars")
def bars(id: str, title: str, points: Sequence[tuple[str, float]], unit: str = "") -> Shown:
    chart = charts.bars([charts.Point(label, value) for label, value in points])
    return {"id": id, "title": title, "unit": unit, "chart": chart}


@register.inclusion_tag("ui/lines.html", name="ui_lines")
def lines(
    id: str,
    title: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[float]]],
    unit: str = "",
) -> Shown:
    chart = charts.lines(labels, series)
    values = [curve.values for curve in chart.curves]
    rows = [list(row) for row in zip(chart.labels, *values, strict=False)]
    return {"id": id, "title": title, "unit": unit, "chart": chart, "rows": rows}


@register.inclusion_tag("ui/heat.html", name="ui_heat")
def heat(
    caption: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]]
) -> Shown:
    cells = charts.heat([values for _, values in rows])
    named = [(name, found) for (name, _), found in zip(rows, cells, strict=True)]
    return {"caption": caption, "columns": columns, "rows": named, "steps": range(5)}


ENDLESS = 3  # so many times its beginning is drawn of a range without an end


@register.inclusion_tag("ui/ruler.html", name="ui_ruler")
def ruler(
    id: str,
    title: str,
    ranges: Sequence[tuple[int, int | None, str, str]],
    marks: Sequence[tuple[int, str]] = (),
) -> Shown:
    """What each amount does, along a logarithmic axis, with what was found as marks on it. A range
    without words is a gap; its fourth value, or nothing, is the address of a dialog in which
    something for it is made. None: no end."""
    ends = [(low, low * ENDLESS if high is None else high) for low, high, _, _ in ranges]
    lowest = min((low for low, _ in ends), default=1)
    highest = max((high for _, high in ends), default=10)
    drawn = [(low, high, each[2]) for (low, high), each in zip(ends, ranges, strict=True)]
    spans, ticks = charts.coverage(drawn, lowest=lowest, highest=highest + 1)
    place, told = charts.log_place(lowest, highest + 1), dict(marks)
    found = [charts.Tick(charts.number(place(amount)), said) for amount, said in marks]
    rows = [
        (_amounts(low, high), words, told.get(low, ""), way) for low, high, words, way in ranges
    ]
    return {"id": id, "title": title, "spans": spans, "ticks": ticks, "marks": found, "rows": rows}


def _amounts(low: int, high: int | None) -> str:
    if high is None:
        return f"{charts.words(low)}+"
    return charts.words(low) if low == high else f"{charts.words(low)}\u2013{charts.words(high)}"
