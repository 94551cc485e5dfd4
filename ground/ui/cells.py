"""What stands hundreds of times in one page: moments, signs, and the cells of long lists. They have
no file of `templates/ui`: to fill it in for each was most of what such a page cost."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from ground.ui.library import icon, register
from ground.ui.shown import sign


@dataclass(frozen=True, slots=True)
class ShownCell:
    """`words`, perhaps a link, a tone with its sign; or a moment instead; `copies`: what a press
    copies."""

    words: str
    href: str = ""
    tone: str = ""
    moment: datetime | None = None
    copies: str = ""
    is_code: bool = False


# How a moment is written; `static/js/when.js` has the same.
_SHAPES = {
    "exact": "{0:%Y-%m-%d %H:%M:%S} UTC",
    "minute": "{0.day} {0:%b %Y, %H:%M} UTC",
    "day": "{0.day} {0:%b %Y}",
    "clock": "{0:%H:%M:%S} UTC",
    "fact": "{0:%H:%M:%S}.{1:03d} UTC",
}
_TOLD = '<time class="ui-when" datetime="{}" data-when="{}">{}</time>'
_AGO = (
    '<time class="ui-when" datetime="{}" data-when="{}" data-ago>'
    '<span class="ui-when__ago" aria-hidden="true"></span>'
    '<span class="ui-when__exact">{}</span></time>'
)
_COPY = (
    '<button type="button" class="ui-records__copy" tabindex="-1" data-copies="{}" '
    'aria-label="Copy {}">{}</button>'
)


@register.simple_tag(name="ui_when")
def when(moment: datetime, shape: str = "exact", *, ago: bool = False) -> SafeString:
    """A moment in UTC; `ago`: in a list. A script writes it by the clock of whoever reads, and of
    those in lists how long ago it was: what the server says is the same a minute later."""
    words = _SHAPES[shape].format(moment, moment.microsecond // 1000)
    return format_html(_AGO if ago else _TOLD, moment.isoformat(), shape, words)


@register.simple_tag(name="ui_sign")
def signed(tone: str) -> SafeString:
    """The sign alone, where the words stand elsewhere in the same row."""
    return format_html('<span class="ui-sign" data-tone="{}">{}</span>', tone, icon(sign(tone)))


@register.simple_tag(name="ui_cells")
def cells(shown: Iterable[ShownCell], opens: str) -> SafeString:
    """Of one row; `opens`: its address."""
    return mark_safe("".join(_cell(each, opens) for each in shown))  # noqa: S308 each is escaped


def _cell(shown: ShownCell, opens: str) -> SafeString:
    parts = mark_safe("".join(_parts(shown, opens)))  # noqa: S308 each is escaped
    if shown.tone:
        return format_html('<td data-tone="{}">{}</td>', shown.tone, parts)
    return format_html("<td>{}</td>", parts)


def _parts(shown: ShownCell, opens: str) -> Iterator[SafeString]:
    if shown.tone:
        yield signed(shown.tone)
    if shown.href:
        mark = SafeString(" data-opens" if shown.href == opens else "")
        yield format_html('<a{} href="{}">{}</a>', mark, shown.href, shown.words)
    elif shown.moment:
        yield when(shown.moment, ago=True)
    else:
        yield format_html("<code>{}</code>" if shown.is_code else "<bdi>{}</bdi>", shown.words)
    if shown.copies:
        yield format_html(_COPY, shown.copies, shown.copies, icon("copy"))
