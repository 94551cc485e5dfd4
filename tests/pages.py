"""What every page must be: HTML that a strict content security policy lets work, and that names what it
shows."""

from html.parser import HTMLParser

_ALLOWED_SCRIPT = {"src", "type", "defer"}


class _Inline(HTMLParser):
    """Everything that `script-src 'self'; style-src 'self'` would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.labels: set[str] = set()
        self.fields: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "style" or "style" in values:
            self.found.append(f"<{tag} style>")
        if tag == "script" and ("src" not in values or not set(values) <= _ALLOWED_SCRIPT):
            self.found.append("<script> with code")
        self.found += [f"<{tag} {name}>" for name in values if name.startswith(("on", "hx-on", "hx-vars"))]
        for name in ("src", "href", "action"):
            if (values.get(name) or "").split(":")[0] in {"javascript", "http", "https", "data"}:
                self.found.append(f"<{tag} {name}={values[name]}>")
        if tag == "label":
            self.labels.add(values.get("for") or "")
        if tag == "input" and values.get("type") not in {"hidden", "checkbox"}:
            self.fields |= set() if values.get("aria-label") else {values.get("id") or ""}


def inline_code(html: str) -> list[str]:
    parser = _Inline()
    parser.feed(html)
    return parser.found


def unlabelled_fields(html: str) -> set[str]:
    parser = _Inline()
    parser.feed(html)
    return parser.fields - parser.labels
