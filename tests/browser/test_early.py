"""What is pressed and typed before HTMX is there, as on a slow connection: it is done afterwards, once. Until
then a link is a link: `test_menu_page.py`."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, Route, expect

HTMX = "**/vendor/htmx.min.js"
NOT_READY = "The page was not ready: nothing was done. Try again."


@contextmanager
def late(page: Page, path: str) -> Iterator[None]:
    """Her page as it stands while HTMX is on its way; it comes at the end."""
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route(HTMX, hold)
    with page.expect_request(HTMX):
        page.goto(path, wait_until="commit")
    yield
    for route in waiting:
        route.continue_()


def test_a_button_is_pressed_once(live, the_stage):
    asked = []
    live.on("request", lambda request: asked.append(request.method))
    with late(live, the_stage.url):
        live.locator("#rehearse").click()
    expect(live.locator("#rehearse")).to_have_text("End it")
    assert asked.count("POST") == 1


def test_what_is_typed_is_drawn(live, the_stage):
    with late(live, f"{the_stage.url}/patterns/add"):
        live.get_by_label("As text").fill("21 2s")
    expect(live.locator("#drawn")).to_contain_text("Line 1, column 1: found “21”")


def test_a_press_that_had_to_wait_too_long_is_not_done_and_that_is_said(live, the_stage):
    live.clock.install()
    with late(live, the_stage.url):
        live.locator("#rehearse").click()
        live.clock.fast_forward(3000)
    expect(live.locator("[data-told]")).to_have_text(NOT_READY)
    expect(live.locator("#rehearse")).to_have_text("Rehearse")
