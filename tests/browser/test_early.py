"""What is pressed and typed before HTMX is there, as on a slow connection: it is done afterwards, once. Until
then a link is a link: `test_menu_page.py`."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

HTMX = "**/vendor/htmx.min.js"
NOT_READY = "The page was not ready: nothing was done. Try again."
COUNTING = """field => {
  window.heard = 0;
  field.form.addEventListener("change", () => window.heard++);
}"""


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


@pytest.fixture
def posted(live):
    asked = []
    live.on("request", lambda request: asked.append((request.method, request.url.rpartition("/")[2])))
    return lambda: [name for method, name in asked if method == "POST"]


def settled(page):
    """HTMX is there, and has asked for what it was told."""
    page.wait_for_load_state()
    page.evaluate("() => new Promise(requestAnimationFrame)")


def by_the_button(page):
    page.locator("#stop").click()


def by_two_escapes(page):
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")


@pytest.mark.parametrize("stop", [by_the_button, by_two_escapes])
def test_what_was_pressed_before_a_stop_is_not_done_after_it(live, the_stage, posted, stop):
    with late(live, the_stage.url):
        live.evaluate("() => import('/static/js/stopbar.js').then(() => null)")  # its script is there
        live.locator("#rehearse").click()
        stop(live)
    expect(live.locator("#region-stop")).to_contain_text("Stopped")
    assert posted() == ["stop"]


def test_what_was_pressed_is_not_done_once_she_presses_elsewhere(live, the_stage, posted):
    with late(live, the_stage.url):
        live.locator("#rehearse").click()
        live.locator("#region-queue").click(position={"x": 1, "y": 1})
    settled(live)
    assert posted() == []


def test_where_it_never_comes_that_is_said_all_the_same(live, the_stage):
    live.clock.install()
    with late(live, the_stage.url):
        live.locator("#rehearse").click()
        live.clock.fast_forward(2900)
        expect(live.locator("[data-told]")).to_be_empty()
        live.clock.fast_forward(100)
        expect(live.locator("[data-told]")).to_have_text(NOT_READY)
    settled(live)
    expect(live.locator("#rehearse")).to_have_text("Rehearse")


def test_what_a_script_has_heard_it_does_not_hear_again(live, the_stage):
    with late(live, f"{the_stage.url}/preferences/noticing"):
        sound = live.locator("#noticeSound")
        sound.evaluate(COUNTING)
        sound.click()
    settled(live)
    assert live.evaluate("window.heard") == 1


def test_what_a_form_around_it_listens_for_is_asked(live, the_stage):
    with late(live, f"{the_stage.url}/menu"):
        live.get_by_label("Tokens", exact=True).fill("50")
    expect(live.locator("#answer")).not_to_be_empty()


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
