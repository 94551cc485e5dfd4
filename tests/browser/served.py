"""What production serves in place of `static/`, and what a visit costs with it."""

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from django.core.management import call_command
from django.test import override_settings
from playwright.sync_api import Page, Response, Route

STATIC = "/static/"
# Read by the browser for its own tab; Playwright is not told of it.
_ICON = re.compile(r'<link rel="icon" href="(?P<url>[^"]+)"')


def collect(to: Path) -> None:
    storages = {"staticfiles": {"BACKEND": "config.static.ServedFiles"}}
    with override_settings(STATIC_ROOT=to, STORAGES=storages, DEBUG=False):
        call_command("collectstatic", interactive=False, verbosity=0)


def serve(page: Page, collected: Path) -> None:
    """To a page of a stack for development the files of production."""

    def answer(route: Route) -> None:
        route.fulfill(path=collected / urlsplit(route.request.url).path.removeprefix(STATIC))

    page.route(f"**{STATIC}**", answer)


def packed(content: bytes) -> int:
    """As a proxy sends it; what is packed already does not get smaller."""
    return min(len(content), len(gzip.compress(content, 6)))


@dataclass
class Visit:
    """What a page asks for from now on: by address the packed bytes, and what it asks of others."""

    page: Page
    site: str
    asked: list[str] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.on("response", lambda answer: self.answers.append(answer))

    def begin(self) -> None:
        self.asked.clear()
        self.answers.clear()

    @property
    def elsewhere(self) -> list[str]:
        here = urlsplit(self.site).netloc
        return [url for url in self.asked if urlsplit(url).netloc != here]

    @property
    def requests(self) -> int:
        return len(self.asked) + bool(self._icon())

    def weights(self, size_of: Callable[[str], int]) -> dict[str, int]:
        """`size_of`: of the icon, by its address."""
        found = {answer.url: packed(answer.body()) for answer in self.answers if answer.status == 200}
        icon = self._icon()
        return found | ({icon: size_of(icon)} if icon else {})

    def _icon(self) -> str:
        """Where a whole document was asked for, its icon is, too."""
        documents = [each for each in self.answers if each.request.resource_type == "document"]
        named = [_ICON.search(each.text()) for each in documents if each.status == 200]
        return next((found["url"] for found in named if found), "")
