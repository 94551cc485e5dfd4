"""What holds other things: cards, lists, and what comes over a page. Block tags: what stands
between `{% card %}` and `{% endcard %}` is their content.

A dialog and a drawer are never modal: they fill the window, and their bottom edge is the STOP bar,
because a modal one would make every STOP behind it dead. They are popovers, so a button opens them
without a script."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from ground.ui.library import register


def _rendered(file: str, content: str, **shown: Any) -> SafeString:
    return render_to_string(f"ui/{file}.html", {"content": content, **shown})


@register.simple_block_tag
def card(content: str, title: str = "", note: str = "", **other: Any) -> SafeString:
    """`id` makes the title its name; `raised` is for the one raised thing of a page; `flush` for
    a list or a table that reaches the edges."""
    return _rendered("card", content, title=title, note=note, **other)


@register.simple_block_tag
def rows(content: str, label: str = "") -> SafeString:
    """One list; each of its rows is a `{% row %}`."""
    return _rendered("rows", content, label=label)


@register.simple_block_tag
def row(content: str, title: str, **other: Any) -> SafeString:
    """`words`, `icon`, `tone`, `place`, `href` of the title; the content stands at its end: a time,
    or buttons."""
    return _rendered("row", content, title=title, **other)


@register.simple_block_tag
def dialog(
    content: str, id: str, title: str = "", *, stop: str = "", token: str = "", holds: str = ""
) -> SafeString:
    """`stop` is where its STOP bar posts to, with the page's `token`: every dialog of a performer
    has one. `holds` is the id of what a script fills it with, whose title says its name."""
    return _rendered("dialog", content, id=id, title=title, stop=stop, token=token, holds=holds)


@register.simple_block_tag
def drawer(content: str, id: str, title: str, *, stop: str = "", token: str = "") -> SafeString:
    return _rendered("drawer", content, id=id, title=title, stop=stop, token=token)


@register.simple_block_tag
def stopbar(content: str, action: str, token: str, label: str = "Stop", id: str = "") -> SafeString:
    """The bottom edge of a page; the content stands beside its button."""
    return _rendered("stopbar", content, action=action, token=token, label=label, id=id)


@register.inclusion_tag("ui/stopbar.html", name="ui_stopbar")
def bare_stopbar(action: str, token: str, label: str = "Stop") -> dict[str, Any]:
    """The same with nothing beside it, as in a dialog."""
    return {"action": action, "token": token, "label": label}


@register.inclusion_tag("ui/menu.html", name="ui_menu")
def menu(id: str, words: str, items: Sequence[Mapping[str, Any]], icon: str = "") -> dict[str, Any]:
    """A button and what it offers: `words`, `icon`, `href` or `name` and `value`, `danger`."""
    return {"id": id, "words": words, "items": items, "icon": icon}
