"""What is pressed and typed before HTMX is there, as on a slow connection: it is done afterwards, once. Until
then a link is a link: `test_menu_page.py`."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.stage import STAFF

HTMX = "**/vendor/htmx.min.js"
MODULES = "**/js/frame.js"  # and HTMX, which comes after it
NOT_READY = "The page was not ready: nothing was done. Try again."
WATCHING = """() => {
  const words = () => document.querySelector("[data-stop-words]").textContent;
  addEventListener("keydown", (event) => console.log(event.defaultPrevented, words()));
}"""
COUNTING = """field => {
  window.heard = 0;
  field.form.addEventListener("change", () => window.heard++);
}"""


@contextmanager
def late(page: Page, path: str, what: str = HTMX) -> Iterator[None]:
    """Her page as it stands while HTMX, or another script, is on its way; it comes at the end."""
    waiting: list[Route] = []
    is_over = False

    def hold(route: Route) -> None:
        route.continue_() if is_over else waiting.append(route)

    page.route(what, hold)
    with page.expect_request(what):
        page.goto(path, wait_until="commit")
    yield
    is_over = True
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


def by_two_escapes_on_the_button(page):
    page.locator("#rehearse").focus()
    by_two_escapes(page)


@pytest.mark.parametrize("stop", [by_the_button, by_two_escapes, by_two_escapes_on_the_button])
def test_what_was_pressed_before_a_stop_is_not_done_after_it(live, the_stage, posted, stop):
    with late(live, the_stage.url):
        live.evaluate("() => import('/static/js/stopbar.js').then(() => null)")  # its script is there
        live.locator("#rehearse").click()
        stop(live)
    expect(live.locator("#region-stop")).to_contain_text("Stopped")
    assert posted() == ["stop"]


@pytest.mark.parametrize("stop", [by_the_button, by_two_escapes])
def test_a_stop_needs_no_script_of_its_own(live, the_stage, posted, stop):
    """The form goes by itself; the answer to it is the page, which comes with nothing but its HTML, too."""
    with late(live, the_stage.url, MODULES):
        live.locator("#rehearse").click()
        stop(live)
        expect(live.locator("#region-stop")).to_contain_text("Stopped")
        expect(live.locator("[data-stop-words]")).to_be_empty()
    settled(live)
    assert posted() == ["stop"]


def test_a_stop_that_is_on_its_way_by_itself_is_not_broken_off_and_said(live, the_stage, posted):
    waiting = []

    def hold(route):
        waiting.append(route)

    live.route("**/live/stop", hold)
    said = []
    live.on("console", lambda message: said.append(message.text))
    with late(live, the_stage.url, MODULES):
        live.locator("#rehearse").click()
        live.evaluate(WATCHING)
        with live.expect_request("**/live/stop"):
            by_two_escapes(live)
        by_two_escapes(live)  # nothing breaks it off
    assert said == ["false ", *3 * ["true Stopping…"]]
    assert posted() == ["stop"]
    [stop] = waiting
    stop.continue_()
    expect(live.locator("#region-stop")).to_contain_text("Stopped")
    assert posted() == ["stop"]


def test_of_two_escapes_one_may_be_heard_before_its_script_is_there(live, the_stage, posted):
    left = []
    live.on("request", lambda asked: asked.is_navigation_request() and left.append(asked.method))
    with late(live, the_stage.url, MODULES):
        expect(live.locator("#stop")).to_be_visible()
        live.keyboard.press("Escape")
        live.evaluate("() => import('/static/js/stopbar.js').then(() => null)")
        live.keyboard.press("Escape")
    expect(live.locator("#region-stop")).to_contain_text("Stopped")
    assert posted() == ["stop"]
    assert left == ["GET"]  # the script has sent it


def test_any_key_ends_what_waits(live, the_stage, posted):
    with late(live, the_stage.url):
        live.locator("#rehearse").click()
        live.keyboard.press("ArrowDown")
    settled(live)
    assert posted() == []


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_the_key_that_presses_the_button_does_not(live, the_stage, posted, key):
    with late(live, the_stage.url):
        live.locator("#rehearse").press(key)
    expect(live.locator("#rehearse")).to_have_text("End it")
    assert len(posted()) == 1


def test_a_stop_from_elsewhere_is_told_to_what_waits(live, open_another):
    live.evaluate("() => document.addEventListener('stopping', () => (window.isStopping = true))")
    open_another().locator("#stop").click()
    live.wait_for_function("() => window.isStopping")


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


def test_what_is_ticked_before_its_script_comes_is_counted(live, the_stage):
    with late(live, f"{the_stage.url}/menu", MODULES):
        live.locator("[name=item]").first.check()
        expect(live.locator("[data-chosen]")).to_have_text("Those that are ticked")
    expect(live.locator("[data-chosen]")).to_have_text("1 chosen")


@pytest.fixture
def desk(context, the_stage, cast):
    page = context.new_page()
    the_stage.log_in(page, STAFF)
    return page


def test_what_is_asked_before_its_script_comes_is_completed(desk, the_stage):
    with late(desk, f"{the_stage.url}/staff/audit", "**/js/lists.js"):
        desk.locator("#asked").press_sequentially("actor:di")
    expect(desk.get_by_role("option", name="actor:dina")).to_be_visible()


def test_a_slider_that_is_moved_before_its_script_comes_says_where_it_is(desk, the_stage):
    with late(desk, f"{the_stage.url}/staff/style", "**/js/ui/all.js"):
        slider = desk.locator("st-range input").first
        slider.press("End")
    most = slider.get_attribute("max")
    expect(desk.locator("st-range output").first).to_contain_text(most)


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
