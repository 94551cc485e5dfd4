"""What production serves in place of `static/`, and what a visit costs with it."""

import gzip
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from django.core.management import call_command
from django.test import override_settings
from playwright.sync_api import Page, Request, Response, Route

STATIC = "/static/"
EMPTY = (204, 302, 304)
_FRAME = "new Promise(requestAnimationFrame)"


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
    under_way: set[Request] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("request", self._asked)
        for ended in ("requestfinished", "requestfailed"):
            self.page.on(ended, self._ended)
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.on("response", self._answered)

    def _asked(self, request: Request) -> None:
        self.asked.append(request.url)
        self.under_way.add(request)

    def _ended(self, request: Request) -> None:
        self.under_way.discard(request)

    def _answered(self, answer: Response) -> None:
        self.answers.append(answer)

    def begin(self) -> None:
        self.asked.clear()
        self.answers.clear()

    def settle(self) -> None:
        """Waits for what was asked for, and for what that asks for: of a change within one document
        the browser tells no end."""
        for _ in range(2):
            self.page.evaluate(_FRAME)
            while self.under_way:
                self.page.evaluate(_FRAME)

    @property
    def elsewhere(self) -> list[str]:
        here = urlsplit(self.site).netloc
        return [url for url in self.asked if urlsplit(url).netloc != here]

    @property
    def weights(self) -> dict[str, int]:
        """By address the packed bytes of each answer that has any; of one that came often, all of them."""
        found = Counter[str]()
        for answer in self.answers:
            if answer.status not in EMPTY:
                found[answer.url.removeprefix(self.site)] += packed(answer.body())
        return dict(found)
