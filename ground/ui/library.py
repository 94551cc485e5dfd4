"""What every page is made of: the components of `templates/ui`, as tags of one library, `ui`.

A tag says what is shown, a file of `templates/ui` how. Nothing here reads a row, knows a tip or a
toy, or decides anything."""

from functools import cache
from typing import Any

from django.core.signals import setting_changed
from django.template import Library
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = Library()


@register.simple_tag(name="ui_icon")
@cache
def icon(name: str) -> SafeString:
    """One of `tools/icons.txt`. By itself it says nothing: the words stand beside it, or in the
    label of its button. It has no file, for there are forty in a page."""
    sprite = static("img/icons.svg")
    return format_html(
        '<svg class="ui-icon" aria-hidden="true"><use href="{}#{}"/></svg>', sprite, name
    )


def _forget(**told: Any) -> None:
    """In tests: where the sprite is depends on settings."""
    icon.cache_clear()


setting_changed.connect(_forget)
