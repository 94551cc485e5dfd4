"""What a person works with: buttons, fields, switches, filters, ways through a long list."""

from collections.abc import Mapping, Sequence
from typing import Any

from ground.ui.library import register

Shown = dict[str, Any]
KINDS = ("main", "plain", "quiet", "danger", "stop")
FIELDS = ("text", "number", "date", "datetime-local", "select", "area", "password", "search")


class NoSuchKind(ValueError):
    """A page asks for a component in a kind that the design does not have."""


def _checked(kind: str, kinds: Sequence[str]) -> str:
    if kind not in kinds:
        raise NoSuchKind(f"{kind!r} is none of {', '.join(kinds)}.")
    return kind


@register.inclusion_tag("ui/button.html", name="ui_button")
def button(words: str = "", kind: str = "plain", **other: Any) -> Shown:
    """`icon`, `after` (an icon), `label` (for one without words), `href`, `type`, `name`,
    `value`, `id`, `popover`, `pressed`, `disabled`, `busy`, `wide`, `key` (shown beside it),
    `shortcut` (a key that presses it), `focus` (its kind, for where the focus goes when it goes),
    `hold` (what is pressed when it is held), `posts` (an address, with the page's `form` by its
    id), `asks` (an address whose answer fills the page's dialog; without scripts, a page), `of_row`
    (a key that presses it while the focus is in its row)."""
    return {"words": words, "kind": _checked(kind, KINDS), **other}


@register.inclusion_tag("ui/field.html", name="ui_field")
def field(name: str, label: str, kind: str = "text", **other: Any) -> Shown:
    """`value`, `unit`, `hint`, `error`, `options` (pairs), `rows`, `maximum`, `required`,
    `disabled`, `autocomplete`, `id`."""
    own = other.pop("id", "") or name
    hints = {"hint": other.get("hint"), "error": other.get("error")}
    described = " ".join(f"{own}-{what}" for what, said in hints.items() if said)
    return {
        "name": name,
        "label": label,
        "kind": _checked(kind, FIELDS),
        "id": own,
        "described": described,
        **other,
    }


@register.inclusion_tag("ui/range.html", name="ui_range")
def level(name: str, label: str, value: int, low: int, high: int, **other: Any) -> Shown:
    """A slider with its number beside it; `unit`, `hint`, `disabled`."""
    return {"name": name, "label": label, "value": value, "low": low, "high": high, **other}


@register.inclusion_tag("ui/switch.html", name="ui_switch")
def switch(name: str, label: str, *, on: bool = False, **other: Any) -> Shown:
    return {"name": name, "label": label, "on": on, **other}


@register.inclusion_tag("ui/drop.html", name="ui_drop")
def drop(name: str, label: str, **other: Any) -> Shown:
    """A field for a file, chosen or dropped; `accept`, `hint`, `error`, `disabled`."""
    return {"name": name, "label": label, **other}


@register.inclusion_tag("ui/picker.html", name="ui_picker")
def picker(name: str, label: str, report: Sequence[Mapping[str, str]] = (), **other: Any) -> Shown:
    """A file, and what each of its lines became: `tone`, `word`, `words`."""
    return {"name": name, "label": label, "report": report, **other}


@register.inclusion_tag("ui/segmented.html", name="ui_segmented")
def segmented(name: str, label: str, options: Sequence[tuple[str, str]], chosen: str = "") -> Shown:
    return {"name": name, "label": label, "options": options, "chosen": chosen}


@register.inclusion_tag("ui/chips.html", name="ui_chips")
def chips(label: str, options: Sequence[Mapping[str, Any]]) -> Shown:
    """Filters that stand in the address: `href`, `words`, `count`, `on`."""
    return {"label": label, "options": options}


@register.inclusion_tag("ui/tabs.html", name="ui_tabs")
def tabs(label: str, options: Sequence[Mapping[str, Any]]) -> Shown:
    """Pages of one thing, as links: `href`, `words`, `count`, `on`."""
    return {"label": label, "options": options}


@register.inclusion_tag("ui/search.html", name="ui_search")
def search(name: str, label: str, **other: Any) -> Shown:
    """`action`, `value`, `placeholder`."""
    return {"name": name, "label": label, **other}


@register.inclusion_tag("ui/pager.html", name="ui_pager")
def pager(label: str, newer: str = "", older: str = "", words: str = "") -> Shown:
    """Keyset: there is a before and an after, and no number of pages."""
    return {"label": label, "newer": newer, "older": older, "words": words}


@register.inclusion_tag("ui/copy.html", name="ui_copy")
def copy(value: str, label: str = "Copy") -> Shown:
    """An id: shortened in the middle, whole when it has the focus and in the clipboard."""
    head, tail = (value[:6], value[-6:]) if len(value) > 16 else (value, "")
    return {"value": value, "head": head, "tail": tail, "label": label}


@register.inclusion_tag("ui/pad.html", name="ui_pad")
def pad(name: str, label: str, levels: Sequence[int], top: int = 20) -> Shown:
    """Levels in steps of 0.1 s, drawn by pointer, touch or arrow keys."""
    pitch = 100 / max(len(levels), 1)
    columns = [
        {"x": f"{place * pitch:.2f}", "y": f"{100 - 100 * level / top:.2f}", "level": level}
        for place, level in enumerate(levels)
    ]
    return {
        "name": name,
        "label": label,
        "columns": columns,
        "width": f"{pitch * 0.8:.2f}",
        "top": top,
        "value": " ".join(str(level) for level in levels),
    }
