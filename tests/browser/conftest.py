"""One stack and one browser for these tests, closed after them: Playwright keeps an event loop in the thread
it runs in."""

import os
from collections.abc import Callable, Iterator
from itertools import chain, count, islice

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.browser import stage
from tests.browser.stage import CONNECTED, Actress, Stage
from tests.browser.wire import FASTER, Server
from tests.flows.stack import Stack
from tests.vendor import Vendor, vendor

NAMES = (f"performer-{number}" for number in count(1))
# One test alone needs few of them, and what starts a process for the next ones costs as much as many.
FIRST, MORE = 8, 60
# What Chromium says of a page that was left before its socket was open.
LEFT = "WebSocket is closed before the connection is established"
# What comes is waited for; a slow machine only takes longer.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="package")
def chrome() -> Iterator[Browser]:
    if stage.chromium() is None:
        missing = "Chromium is missing: install it, or name it in CHROMIUM"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with stage.browser() as opened:
        yield opened


@pytest.fixture(scope="package")
def cloud() -> Iterator[Vendor]:
    """The vendor's cloud and phones, which the stack asks and which call it back."""
    with vendor() as made:
        yield made


@pytest.fixture(scope="package")
def the_stage(chrome: Browser, cloud: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory, address = tmp_path_factory.mktemp("stack"), cloud.simulator.url
    with Stack(directory, DEBUG="true", LOVENSE_API_BASE_URL=address) as stack:
        cloud.sim("manners", {"callbackTo": f"{stack.url}/api/webhooks/lovense"})
        yield Stage(stack)


@pytest.fixture(scope="package")
def cast(the_stage: Stage) -> Iterator[Actress]:
    first = the_stage.prepare(*islice(NAMES, FIRST))
    more = (the_stage.enrol(*islice(NAMES, MORE)) for _ in count())
    return chain(first, chain.from_iterable(more))


@pytest.fixture
def ana(cast: Iterator[Actress]) -> Actress:
    """A performer whom no other test has seen."""
    return next(cast)


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about; the test fails if anything is left in it at the end."""
    return []


@pytest.fixture
def context(chrome: Browser, complaints: list[str]) -> Iterator[BrowserContext]:
    opened = chrome.new_context(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(30_000)

    def heard(said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"} and LEFT not in said.text:
            complaints.append(said.text)

    opened.on("console", heard)
    opened.on("weberror", lambda error: complaints.append(str(error.error)))
    yield opened
    opened.close()
    assert complaints == []


@pytest.fixture
def live(the_stage: Stage, context: BrowserContext, ana: Actress) -> Page:
    """Her live page, logged in and connected."""
    page = context.new_page()
    the_stage.log_in(page, ana.name)
    page.locator("[data-socket]", has_text=CONNECTED).wait_for()
    return page


@pytest.fixture
def open_another(context: BrowserContext, the_stage: Stage) -> Callable[[], Page]:
    """Another tab of the same browser."""

    def opened() -> Page:
        page = context.new_page()
        page.goto(the_stage.url)
        page.locator("[data-socket]", has_text=CONNECTED).wait_for()
        return page

    return opened


@pytest.fixture
def server(the_stage: Stage, context: BrowserContext, ana: Actress) -> Server:
    """Her live page with the virtual device on, holding the devices of a server of ours."""
    page = context.new_page()
    made = Server(page)
    page.add_init_script(FASTER)
    the_stage.log_in(page, ana.name)
    page.get_by_role("switch").check()
    expect(page.locator("[data-virtual-words]")).to_contain_text("Ready")
    return made
