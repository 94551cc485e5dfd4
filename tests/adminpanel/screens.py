"""Her page and the same page as staff see it, held against each other: by the kinds of controls there are,
named one by one, while the page leaves out whatever it does not know."""

import re
from html.parser import HTMLParser

from django.urls import reverse

PRESSED = {"button", "form", "select", "textarea", "script", "noscript", "dialog", "st-dialog", "st-level"}
CLOSED = {"popover", "hx-preserve", "data-socket", "data-controls"}  # and what is about this browser alone
DEAD = re.compile(r"hx-|data-(key|row-key|tags|place|order)$|target$")
_FRAME = re.compile(r'<aside class="screen".*?</aside>\n', re.S)
_SHEET = re.compile(r'  <link rel="stylesheet" href="[^"]*css/screen\.css">\n')
VOID = {"br", "input", "link", "meta"}
Attributes = list[tuple[str, str | None]]


def addresses(performer_id):
    """Where her pages are, and where they are read only."""
    seen = {
        name: reverse(f"staff-performer-screen-{name}", args=[performer_id]) for name in ("live", "history")
    }
    return {reverse("live"): seen["live"], reverse("history"): seen["history"]}


def unframed(html):
    """What staff are sent, without the frame; there is one."""
    without, frames = _FRAME.subn("", html)
    without, sheets = _SHEET.subn("", without)
    assert (frames, sheets) == (1, 1)
    return same_moment(without)


def same_moment(html):
    return re.sub(r'data-now="[\d.]+"', 'data-now=""', html)


def without_controls(html, performer_id):
    """Hers, without the controls."""
    stripped = _Stripped(addresses(performer_id))
    stripped.feed(same_moment(html))
    return "".join(stripped.kept)


def as_read(html):
    """The same without what is between attributes."""
    parser = _Stripped({}, strips=False)
    parser.feed(html)
    return "".join(parser.kept)


class _Stripped(HTMLParser):
    def __init__(self, led, *, strips=True) -> None:
        super().__init__(convert_charrefs=False)
        self.led, self.strips, self.kept, self.inside = led, strips, [], []

    def handle_starttag(self, tag, attrs):
        if self.strips and (self.inside or self.is_control(tag, dict(attrs))):
            self.inside += [] if tag in VOID else [tag]
        else:
            self.kept.append(f"<{tag}{self.attributes(tag, attrs)}>")

    def handle_startendtag(self, tag, attrs):
        if not self.inside:
            self.kept.append(f"<{tag}{self.attributes(tag, attrs)}/>")

    def handle_endtag(self, tag):
        if self.inside:
            assert self.inside.pop() == tag, "each is closed where it was opened"
        else:
            self.kept.append(f"</{tag}>")

    def handle_data(self, data):
        self.kept += [] if self.inside else [data]

    def handle_entityref(self, name):
        self.handle_data(f"&{name};")

    def handle_charref(self, name):
        self.handle_data(f"&#{name};")

    def is_control(self, tag, said):
        classes = set((said.get("class") or "").split())
        if tag in PRESSED or CLOSED & said.keys() or "js-only" in classes:
            return True
        if tag == "input":
            return said.get("type") != "radio"
        return (
            tag == "a" and bool({"button", "ui-button"} & classes) and not self.leads(said.get("href") or "")
        )

    def leads(self, href):
        """Of links those to Live and to History lead to the same; others lead nowhere."""
        if href[:1] in ("#", "?"):
            return href
        path, rest = re.fullmatch(r"([^?#]*)(.*)", href).groups()
        of_run = re.fullmatch(r"/history/([^/]+)", path)
        if of_run:
            return f"{self.led['/history']}/{of_run[1]}{rest}"
        return self.led[path] + rest if path in self.led else ""

    def attributes(self, tag, attrs):
        if self.strips:
            attrs = [(name, value) for name, value in attrs if not DEAD.match(name)]
            if tag == "a":
                attrs = [(name, self.leads(value) if name == "href" else value) for name, value in attrs]
                attrs = [(name, value) for name, value in attrs if name != "href" or value]
        return "".join(f" {name}={value!r}" for name, value in attrs)
