"""Where it happens: a stack with DEBUG=false, a browser, performers with a virtual device, tips."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bench.hands.checks import WalkReport
from config.stack.processes import BASE_DIR
from tests.browser import stage
from tests.browser.stage import Actress, Stage
from tests.flows import stack as stacks
from tests.flows.stack import Stack
from tests.vendor import Vendor, vendor

EYES = (Path(__file__).parent / "eyes.js").read_text()
PATIENCE_MS = 20_000
WINDOW, TELEPHONE = (1440, 900), (360, 780)
LONG, SHORT, SOFT = 500, 100, 50  # of the menu: for 30, 4 and 2 seconds
# Of production what it cannot be without, and what the walks need: a virtual device, as many starts
# a minute as there are, and tips that wait for as long as a walk takes.
PRODUCTION: dict[str, Any] = {
    "DEBUG": "false",
    "SECRET_KEY": "a-key-of-the-hands-alone-and-of-nobody-else-0123456789",
    "PAYMENT_WEBHOOK_SECRETS": "whsec_ZGV2ZWxvcG1lbnQtb25seS13ZWJob29rLXNlY3JldCE=",
    "LOVENSE_BRIDGES": "SIMULATOR,STANDARD_SERVER,STANDARD_LAN,EXTENSION",
    "LOVENSE_DEVELOPER_TOKEN": "development-only-lovense-developer-token",
    "TIP_FRESH_SECONDS": "36000",
}
_TOKENS = """
import json
from rest_framework.authtoken.models import Token
print(json.dumps(dict(Token.objects.values_list("user__username", "key"))))
"""
stacks.START_SECONDS = 400.0  # a machine that others use only takes longer
NAMES = [f"performer-{number}" for number in range(1, 31)]


@dataclass(frozen=True)
class Her:
    """One performer: her browser, and her own program beside it."""

    scene: "WalkScene"
    actress: Actress
    context: BrowserContext
    api: httpx.Client

    @property
    def name(self) -> str:
        return self.actress.name

    def tip(self, *amounts: int) -> None:
        for amount in amounts:
            self.scene.stage.tip(self.actress, amount)

    def call(self, path: str, method: str = "POST", **more: Any) -> Any:
        answer = self.api.request(method, path, **more)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def open(
        self, *, path: str = "/", on_air: bool = False, size: tuple[int, int] = WINDOW
    ) -> Page:
        """Her page, connected; `on_air`: its virtual device has her devices."""
        page = self.context.new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        self.scene.stage.log_in(page, self.name)
        if path != "/":
            page.goto(self.scene.url + path)
        expect(page.locator("[data-socket]")).to_have_text("Connected")
        if on_air:
            page.locator("#go-on-air").click()
            expect(page.locator("[data-virtual-words]")).to_contain_text("Ready")
        return page


class WalkScene:
    """`with WalkScene(report) as scene`: up inside the block, gone after it."""

    def __init__(self, report: WalkReport) -> None:
        self.report, self._rooms = report, ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as rooms:
            directory = Path(rooms.enter_context(tempfile.TemporaryDirectory(prefix="hands-")))
            self.cloud: Vendor = rooms.enter_context(vendor())
            settings = PRODUCTION | {"LOVENSE_API_BASE_URL": self.cloud.simulator.url}
            collect(settings)
            self.stack = rooms.enter_context(Stack(directory, **settings))
            callback = f"{self.stack.url}/api/webhooks/lovense"
            self.cloud.sim("manners", {"callbackTo": callback})
            self.stack.manage("set_platform", "rateLimitPerMinute", "0")
            self.stage = Stage(self.stack)
            self._cast = iter(self.stage.prepare(*NAMES))
            told = self.stack.manage("shell", "-v0", "-c", _TOKENS)
            self.tokens: dict[str, str] = json.loads(told[told.index("{") :])
            self.chrome: Browser = rooms.enter_context(stage.browser())
            self._rooms = rooms.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._rooms.close()

    @property
    def url(self) -> str:
        return self.stack.url

    @contextmanager
    def her(self, *, whose: Her | None = None, **context: Any) -> Iterator[Her]:
        """A performer whom nobody has seen, or another browser of one."""
        actress = whose.actress if whose else next(self._cast)
        opened = self.chrome.new_context(**context)
        opened.set_default_timeout(PATIENCE_MS)
        opened.add_init_script(EYES)
        headers = {"Authorization": f"Token {self.tokens[actress.name]}"}
        api = httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=20)
        try:
            yield Her(self, actress, opened, api)
        finally:
            api.close()
            opened.close()


def collect(settings: dict[str, Any]) -> None:
    """What the proxy, or the web process, serves of scripts and styles in production."""
    command = (sys.executable, "manage.py", "collectstatic", "--no-input", "-v0")
    subprocess.run(command, cwd=BASE_DIR, env={**os.environ, **settings}, check=True)
