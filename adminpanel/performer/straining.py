"""Her page as somebody else may see it: the bytes of hers without what can be pressed, typed into,
opened or run. Pure.

What stays is listed, not what goes: an element of a kind that nobody has named here goes with all
that is in it, so a control that is built tomorrow is gone as well."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urlsplit

# Of the document, of text, of lists and tables, of drawings; and what CSS alone opens or switches
# (of inputs: radios).
SHOWN = frozenset(
    (
        *("html", "head", "meta", "title", "link", "body", "header", "nav", "main", "section"),
        *("aside", "div", "span", "p", "h1", "h2", "h3", "h4", "ul", "ol", "li", "dl", "dt", "dd"),
        *("a", "time", "strong", "b", "i", "em", "small", "q", "bdi", "br", "code", "kbd"),
        *("table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption"),
        *("svg", "use", "g", "path", "rect", "line", "circle", "polyline", "clippath"),
        *("st-wave", "st-copy", "st-reorder"),
        *("details", "summary", "fieldset", "legend", "label", "input"),
    )
)
VOID = frozenset({"br", "input", "link", "meta"})
# Whatever has one of these is a control, or is about the browser that it was written for.
OF_CONTROLS = frozenset({"popover", "hx-preserve", "aria-haspopup", "data-socket", "data-controls"})
OF_CONTROL_CLASSES = frozenset({"js-only", "button", "ui-button"})
# What scripts and forms read is taken off whatever stays.
_READ_BY_SCRIPTS = re.compile(
    r"hx-|on|form|data-(key|row-key|tags|place|order)$"
    r"|(accesskey|autofocus|contenteditable|http-equiv|ping|target)$|xlink:"
)
_ATTRIBUTE = re.compile(r"""[\s/]*([^\s=<>/"']+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>]+))?""")
_OF_RUN = re.compile(r"/[^/]+")

Attributes = dict[str, str]


class ScreenAddresses(NamedTuple):
    """Where her Live page and her History are, and where they are read only."""

    live: str
    history: str
    seen_live: str
    seen_history: str

    def led(self, href: str) -> str:
        """Where a link leads; empty: nowhere, since what it leads to is not shown."""
        said = urlsplit(href)
        path = said.path
        if said.scheme or said.netloc:
            return ""
        rest = href.removeprefix(path)
        if not path and rest[:1] in ("?", "#"):
            return href
        if path == self.live:
            return self.seen_live + rest
        below = path.removeprefix(self.history) if path.startswith(self.history) else "?"
        return self.seen_history + below + rest if not below or _OF_RUN.fullmatch(below) else ""


def strained(html: str, addresses: ScreenAddresses, *, head: str, frame: str) -> str:
    """`head` is put at the end of the page's, `frame` after its first link: the way past it."""
    strainer = _Strainer(addresses, head, frame)
    strainer.feed(html)
    strainer.close()
    return "".join(strainer.kept)


class _Strainer(HTMLParser):
    """`_gone`: the kind of the element that is being left out, and how many of it are open."""

    def __init__(self, addresses: ScreenAddresses, head: str, frame: str) -> None:
        super().__init__(convert_charrefs=False)
        self.kept: list[str] = []
        self._addresses, self._head, self._frame = addresses, head, frame
        self._gone, self._depth = "", 0
        self._written: dict[str, str] = {}  # of kinds with capitals

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._gone:
            self._depth += tag == self._gone
        elif (raw := self._opening(tag, attrs)) is not None:
            self.kept.append(raw)
            self._written[tag] = raw[1 : 1 + len(tag)]
        elif tag not in VOID:
            self._gone, self._depth = tag, 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._gone and (raw := self._opening(tag, attrs)) is not None:
            self.kept.append(raw)

    def handle_endtag(self, tag: str) -> None:
        if self._gone:
            self._depth -= tag == self._gone
            self._gone = self._gone if self._depth else ""
            return
        self.kept += [self._head] if tag == "head" else []
        self._keep(f"</{self._written.get(tag, tag)}>")
        if tag == "a":
            self.kept.append(self._frame)
            self._frame = ""

    def _opening(self, tag: str, attrs: list[tuple[str, str | None]]) -> str | None:
        """As it is kept; None: it is not."""
        said = {name: value or "" for name, value in attrs}
        if _is_control(tag, said):
            return None
        changed: dict[str, str] = {name: "" for name in said if _READ_BY_SCRIPTS.match(name)}
        if tag == "a" and "href" in said:
            changed["href"] = self._addresses.led(said["href"])
            if not changed["href"] and _looks_pressed(said):
                return None
        return _with(self.get_starttag_text() or "", changed)

    def _keep(self, text: str) -> None:
        if not self._gone:
            self.kept.append(text)

    def handle_data(self, data: str) -> None:
        self._keep(data)

    def handle_entityref(self, name: str) -> None:
        self._keep(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._keep(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._keep(f"<!{decl}>")


def _is_control(tag: str, said: Attributes) -> bool:
    if tag not in SHOWN or OF_CONTROLS & said.keys():
        return True
    if tag == "input":
        return said.get("type") != "radio"
    return tag != "a" and _looks_pressed(said)


def _looks_pressed(said: Attributes) -> bool:
    return bool(OF_CONTROL_CLASSES & set(said.get("class", "").split()))


def _with(raw: str, changed: Mapping[str, str]) -> str:
    """With these attributes changed or, where they have no value, without them."""
    return _ATTRIBUTE.sub(lambda found: _changed(found, changed), raw) if changed else raw


def _changed(found: re.Match[str], changed: Mapping[str, str]) -> str:
    name = found[1].lower()
    if name not in changed:
        return found[0]
    value = changed[name].replace("&", "&amp;").replace('"', "&quot;")
    return f' {name}="{value}"' if value else ""
