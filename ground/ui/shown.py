"""What a page shows: states, numbers, lists, moments. The charts stand in `figures`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ground.ui import charts
from ground.ui.library import register

Shown = dict[str, Any]
MINUS = "\u2212"
SIGNS = {
    "good": "circle-check",
    "warn": "triangle-alert",
    "bad": "circle-x",
    "info": "info",
    "idle": "circle-minus",
    "accent": "circle-play",
}


def sign(tone: str) -> str:
    """The icon that says a tone to who does not see its colour."""
    return SIGNS.get(tone, SIGNS["idle"])


@register.inclusion_tag("ui/badge.html", name="ui_badge")
def badge(words: str, tone: str = "idle") -> Shown:
    return {"words": words, "tone": tone}


@register.inclusion_tag("ui/status.html", name="ui_status")
def status(words: str, tone: str = "good", href: str = "", link: str = "") -> Shown:
    """One quiet line: how it is, and where to go if it is not well."""
    return {"words": words, "tone": tone, "icon": sign(tone), "href": href, "link": link}


@register.inclusion_tag("ui/battery.html", name="ui_battery")
def battery(percent: int, name: str = "", *, charging: bool = False) -> Shown:
    kinds = ((15, "battery-warning"), (35, "battery-low"), (75, "battery-medium"))
    icon = next((kind for least, kind in kinds if percent <= least), "battery-full")
    tone = "warn" if percent <= 15 and not charging else ""
    icon = "battery-charging" if charging else icon
    return {"percent": percent, "name": name, "icon": icon, "tone": tone}


@register.inclusion_tag("ui/ring.html", name="ui_ring")
def ring(share: float, words: str, label: str, unit: str = "") -> Shown:
    """How much of a whole, around its number; `share` from 0 to 100."""
    drawn = charts.number(min(max(share, 0), 100))
    return {"share": drawn, "words": words, "label": label, "unit": unit}


@register.inclusion_tag("ui/meter.html", name="ui_meter")
def meter(value: int, top: int, label: str) -> Shown:
    """A level as it is now, in steps that can be counted."""
    pitch = 100 / top
    steps = [{"x": charts.number(place * pitch), "on": place < value} for place in range(top)]
    return {
        "value": value,
        "top": top,
        "label": label,
        "steps": steps,
        "width": charts.number(pitch * 0.72),
    }


@register.inclusion_tag("ui/countdown.html", name="ui_countdown")
def countdown(ends: datetime, seconds: int, left: int) -> Shown:
    """Seconds until what plays ends; `left` is what the page shows before its script runs."""
    return {"ends": ends, "seconds": seconds, "left": left}


@register.inclusion_tag("ui/age.html", name="ui_age")
def age(moment: datetime, words: str) -> Shown:
    return {"moment": moment, "words": words}


@register.inclusion_tag("ui/wave.html", name="ui_wave")
def wave(id: str, levels: Sequence[float], label: str, **other: Any) -> Shown:
    """The compiler's levels from 0 to `top` (1); `played` in percent, or `starts` and `ends`;
    `small`."""
    top = other.pop("top", 1)
    most = 24 if other.get("small") else 90
    played = other.pop("played", None)
    return {
        "id": id,
        "bars": charts.wave([level / top for level in levels], most),
        "label": label,
        "played": charts.number(played) if played is not None else "",
        **other,
    }


@register.inclusion_tag("ui/spark.html", name="ui_spark")
def spark(drawn: charts.Spark, label: str) -> Shown:
    """A waveform in a list of many: one path, as wide as it is long."""
    return {"drawn": drawn, "height": charts.SPARK_HEIGHT, "label": label}


@register.inclusion_tag("ui/table.html", name="ui_table")
def table(
    caption: str,
    head: Sequence[str],
    rows: Sequence[Sequence[Any]],
    numbers_from: int = 99,
    *,
    stacks: bool = False,
) -> Shown:
    """Text to the left; from a column on, numbers to the right. A cell is a text, or has `words`
    and `href`, or is a `moment`. `stacks`: where it is narrow each row is a list of its cells."""
    named = [list(zip(head, row, strict=False)) for row in rows]
    given = {"caption": caption, "head": head, "rows": named, "numbers_from": numbers_from}
    return given | {"stacks": stacks}


@register.inclusion_tag("ui/records.html", name="ui_records")
def records(
    id: str,
    caption: str,
    head: Sequence[Any],
    rows: Sequence[Any],
    *,
    marks: bool = True,
    form: str = "",
) -> Shown:
    """A long list, a slice of it. `head`: `label`, and `is_sorted` where the list is in its order;
    a row: `key`, `href` that opens it, `cells` (`ShownCell`), of which one has it, too, and
    `is_same_change` as the one above.
    `form`: which is told what is marked, by the `mark` of a row, of which some are so already."""
    given = {"id": id, "caption": caption, "head": head, "rows": rows}
    return given | {"marks": marks, "form": form}


@register.inclusion_tag("ui/pairs.html", name="ui_pairs")
def pairs(rows: Sequence[tuple[str, Any]]) -> Shown:
    return {"rows": rows}


@register.inclusion_tag("ui/timeline.html", name="ui_timeline")
def timeline(label: str, rows: Sequence[Mapping[str, Any]]) -> Shown:
    """What happened, in its order: `moment`, `tone`, `title`, `words`."""
    return {"label": label, "rows": [{**row, "icon": sign(str(row["tone"]))} for row in rows]}


@register.inclusion_tag("ui/stat.html", name="ui_stat")
def stat(
    label: str, value: str, unit: str = "", change: float | None = None, **other: Any
) -> Shown:
    """A number, and its change against the period before in percent; `is_good` says which way is
    welcome."""
    if change is None:
        return {"label": label, "value": value, "unit": unit}
    is_up = change >= 0
    return {
        "label": label,
        "value": value,
        "unit": unit,
        "change": f"{'+' if is_up else MINUS}{abs(change):g}",
        "icon": "trending-up" if is_up else "trending-down",
        "tone": "good" if is_up == other.get("up_is_good", True) else "warn",
        **other,
    }


@register.inclusion_tag("ui/diff.html", name="ui_diff")
def diff(label: str, rows: Sequence[Mapping[str, str]]) -> Shown:
    """Changes in words: `kind` (added, removed, changed), `title`, `before`, `after`."""
    icons = {"added": "plus", "removed": "minus", "changed": "pencil"}
    words = {"added": "Added", "removed": "Removed", "changed": "Changed"}
    return {
        "label": label,
        "rows": [{**row, "icon": icons[row["kind"]], "word": words[row["kind"]]} for row in rows],
    }


@register.inclusion_tag("ui/steps.html", name="ui_steps")
def steps(label: str, rows: Sequence[Mapping[str, str]]) -> Shown:
    """A way with an end: `state` (done, now, next), `title`, `words`."""
    return {"label": label, "rows": rows}


@register.inclusion_tag("ui/keys.html", name="ui_keys")
def keys(rows: Sequence[tuple[Sequence[str], str]]) -> Shown:
    """Keys, and what they do."""
    return {"rows": rows}


@register.inclusion_tag("ui/qr.html", name="ui_qr")
def qr(src: str, alt: str, code: str = "") -> Shown:
    """A code to scan, dark on white in any theme, and the same to be typed."""
    return {"src": src, "alt": alt, "code": code}


@register.inclusion_tag("ui/skeleton.html", name="ui_skeleton")
def skeleton(label: str, rows: int = 3) -> Shown:
    """While something is fetched, and only when that takes longer than 300 ms."""
    return {"label": label, "rows": range(rows)}


@register.inclusion_tag("ui/empty.html", name="ui_empty")
def empty(icon: str, words: str, **other: Any) -> Shown:
    """Icon, one sentence, one button (`href`, `link`)."""
    return {"icon": icon, "words": words, **other}


@register.inclusion_tag("ui/toast.html", name="ui_toast")
def toast(words: str, tone: str = "good", *, placed: bool = True) -> Shown:
    """What was done, for a moment; an error stays until it was read."""
    return {"words": words, "tone": tone, "icon": sign(tone), "placed": placed}


@register.inclusion_tag("ui/notice.html", name="ui_notice")
def notice(title: str, words: str = "", tone: str = "info", **other: Any) -> Shown:
    """What she should know, and at most one button (`button`, with `href`, or `name` and
    `value` in the page's form)."""
    return {"title": title, "words": words, "tone": tone, "icon": sign(tone), **other}
