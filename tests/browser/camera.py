"""Pictures of pages, in every size and theme and as people have them who see differently; their index, and
contact sheets on which many are looked at together."""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from itertools import islice
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from tests.browser import axe, reflow

SIZES = ((1440, 900), (820, 1180), (360, 780))
Theme = Literal["dark", "light"]
THEMES: tuple[Theme, ...] = ("dark", "light")
LOOKS = [f"{width}-{theme}" for width, _ in SIZES for theme in THEMES]
FORCED, LARGE, PRINTED = "forced-colors", "text-200", "print"
_ROWS, _LOOK_WIDTHS = 3, {"1440": 560, "820": 330, "360": 180}
_SHEET = """<!doctype html><meta charset="utf-8"><title>{title}</title><style>
body {{ background: #777; color: #fff; font: 14px system-ui; margin: 12px; width: max-content }}
section {{ margin: 0 0 16px }} h2 {{ font-size: 15px; margin: 0 0 6px }}
div {{ display: flex; gap: 8px; align-items: start }}
img {{ display: block; max-height: 620px; object-fit: cover; object-position: top }}
a {{ color: #fff; margin-right: 12px }}
</style>{body}"""


@dataclass
class Camera:
    """`taken`: of each picture's name the looks that there are of it. `complaints`: what axe says of
    what is taken, what is cut off, and what scrolls sideways, where it `asks`."""

    directory: Path
    asks: bool = True
    taken: dict[str, list[str]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)

    def take(self, page: Page, name: str) -> None:
        """The whole page, in every size and theme; without motion, so that no colour is caught half-way."""
        for size in SIZES:
            self._resize(page, size)
            page.evaluate("scrollTo(0, 0)")  # the whole page is taken with its bar where it stands
            for theme in THEMES:
                page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                self._keep(page, name, look := f"{size[0]}-{theme}")
                if self.asks:
                    said = axe.findings(page, colours_alone=theme != THEMES[0])
                    self._complain(name, look, said + reflow.findings(page))
        if self.asks:
            for look, said in reflow.otherwise(page).items():
                self._complain(name, look, said)

    def take_otherwise(self, page: Page, name: str) -> None:
        """In forced colours, and with text twice as large, where a narrow window has the most to lose; as
        narrow as one of 410 pixels then is."""
        self._resize(page, SIZES[-1])
        page.emulate_media(color_scheme="dark", forced_colors="active", reduced_motion="reduce")
        self._keep(page, name, FORCED)
        page.emulate_media(color_scheme="light", forced_colors="none", reduced_motion="reduce")
        self._resize(page, SIZES[1])
        with reflow.larger(page):
            self._keep(page, name, LARGE)

    def take_printed(self, page: Page, name: str) -> None:
        page.set_viewport_size({"width": 794, "height": 1123})  # A4
        page.emulate_media(media="print", color_scheme="light")
        self._keep(page, name, PRINTED)
        page.emulate_media(media="screen")

    def _complain(self, name: str, look: str, said: list[str]) -> None:
        for each in said:
            self.complaints.append(f"{name} {look}: {each}")

    def _resize(self, page: Page, size: tuple[int, int]) -> None:
        page.set_viewport_size({"width": size[0], "height": size[1]})

    def _keep(self, page: Page, name: str, look: str) -> None:
        page.screenshot(path=self.directory / f"{name}-{look}.png", full_page=True)
        looks = self.taken.setdefault(name, [])
        if look not in looks:
            looks.append(look)

    # --- looked at together ----------------------------------------------------------------------------

    def show(self, chrome: Browser) -> None:
        """`index.html`, and a sheet for every few pictures of one page: their names begin alike."""
        pages: dict[str, list[str]] = {}
        for name in self.taken:
            pages.setdefault(name.partition("-")[0], []).append(name)
        sheets: list[str] = []
        with chrome.new_context(viewport={"width": 2300, "height": 900}) as context:
            page = context.new_page()
            for title, names in pages.items():
                for number, some in enumerate(_parts(names), start=1):
                    sheet = f"sheet-{title}-{number}"
                    self._write(sheet, "".join(map(self._row, some)))
                    page.goto(f"file://{self.directory.resolve()}/{sheet}.html")
                    page.screenshot(path=self.directory / f"{sheet}.png", full_page=True)
                    sheets.append(sheet)
        links = (f'<a href="{sheet}.html">{escape(sheet)}</a>' for sheet in sheets)
        self._write("index", f"<p>{''.join(links)}</p>{''.join(map(self._row, self.taken))}")

    def _write(self, name: str, body: str) -> None:
        (self.directory / f"{name}.html").write_text(_SHEET.format(title=name, body=body))

    def _row(self, name: str) -> str:
        return f"<section><h2>{escape(name)}</h2><div>{''.join(self._pictures(name))}</div></section>"

    def _pictures(self, name: str) -> Iterator[str]:
        for look in self.taken[name]:
            source = escape(f"{name}-{look}.png")
            width = _LOOK_WIDTHS.get(look.partition("-")[0], 180)
            yield f'<a href="{source}"><img src="{source}" width="{width}" alt="{escape(look)}"></a>'


def _parts(names: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while some := list(islice(rest, _ROWS)):
        yield some


def webp(page: Page, path: Path, *, quality: int) -> None:
    """What the window shows, small enough to stand in a text."""
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": quality})
    path.write_bytes(base64.b64decode(taken["data"]))
