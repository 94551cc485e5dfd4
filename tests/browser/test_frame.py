"""What stands around every page of hers: STOP, which nothing covers and which keys reach; one document
through all pages; and what a press says when nobody hears it."""

import os
import random
import re

import pytest
from playwright.sync_api import expect

from tests.browser import axe
from tests.browser.stage import CONNECTED, pause
from tests.browser.test_live_page import switch_on
from tests.browser.wire import Server

RUNS = int(os.environ.get("RUNS", "12"))
ADDRESSES = {"Live": "/", "Devices": "/devices", "Menu": "/menu", "Patterns": "/patterns"}
ADDRESSES |= {"History": "/history", "Statistics": "/statistics"}
SIZES = ((1440, 900), (820, 1180), (360, 780))
# What opens something over a page, and what of it is there at all depends on the page.
OPENERS = "main [aria-haspopup=dialog]:not(:disabled), #bar-pause, .menu-button, .menu [popovertarget]"
# Where a finger may come down on the STOP that is meant: in its middle and its corners.
COVERED = """() => {
    const all = [...document.querySelectorAll("[data-stop] button")].filter((one) => one.checkVisibility());
    const stop = (document.querySelector("dialog:popover-open [data-stop] button") ?? all[0]);
    const { left, top, width, height } = stop.getBoundingClientRect();
    const places = [[0.5, 0.5], [0.02, 0.1], [0.98, 0.1], [0.02, 0.9], [0.98, 0.9]];
    const at = places.map(([x, y]) => [left + x * width, top + y * height]);
    const covered = at.filter(([x, y]) => !document.elementFromPoint(x, y)?.closest("[data-stop]"));
    return { covered, box: [left, top, width, height].map(Math.round), middle: at[0] };
}"""
SCROLLED = """async () => {
    for (let n = 0; n < 300 && scrollY === 0; n++) await new Promise((done) => requestAnimationFrame(done));
    return scrollY;
}"""
CLOSE = "() => document.querySelectorAll(':popover-open').forEach((one) => one.hidePopover())"
# With each opened in turn, whatever of it is out of sight.
EACH_OPEN = f"""async (openers) => {{
    const look = {COVERED}, close = {CLOSE}, found = [];
    for (let n = 0; n < document.querySelectorAll(openers).length; n++) {{
        const opener = document.querySelectorAll(openers)[n];
        opener.click();
        while (!document.querySelector(":popover-open"))
            await new Promise((done) => requestAnimationFrame(done));
        const {{ covered, box }} = look();
        found.push([opener.outerHTML.slice(0, 120), covered, box]);
        close();
    }}
    return found;
}}"""


class Presses:
    """Her presses, as the other end of the page's socket hears them; each is answered."""

    def __init__(self, page):
        self.page, self.server = page, Server(page)
        page.route("**/live/stop", lambda route: route.fulfill(status=204))

    @property
    def count(self):
        return sum(said["type"] == "stop" for said in self.server.said)

    def answered(self):
        """Until a press has been heard that was not answered yet."""
        self.server.wait_for(lambda: self.count > 0)
        self.server.said.clear()
        self.server.stop_epoch += 1
        self.server.say("lovense.stop", stopEpoch=self.server.stop_epoch)
        expect(self.page.locator("[data-stop-words]")).to_be_empty()


@pytest.fixture
def presses(live):
    made = Presses(live)
    live.reload()
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    return made


# --- STOP, by the mouse -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ADDRESSES)
def test_nothing_of_ours_covers_stop_and_its_place_is_the_same(live, the_stage, ana, name):
    switch_on(live)
    expect(live.locator("#region-devices")).to_contain_text("90 %")
    pause(live, "1 h")
    the_stage.tip(ana, 50)
    expect(live.locator("#region-queue .queue")).to_contain_text("1 waiting")
    live.locator("#bar-resume").click()
    live.get_by_role("switch").uncheck()
    made = Presses(live)
    live.goto(f"{the_stage.url}{ADDRESSES[name]}")
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    for width, height in SIZES:
        live.set_viewport_size({"width": width, "height": height})
        seen = live.evaluate(COVERED)
        assert (seen["covered"], seen["box"][2] >= (360 if width > 400 else 250)) == ([], True)
        assert seen["box"][3] == (64 if width > 400 else 68)
        opened = live.evaluate(EACH_OPEN, OPENERS)
        assert [each for each in opened if each[1:] != [[], seen["box"]]] == []
    for opener in live.locator(OPENERS).all():  # in the narrowest
        opener.evaluate("button => button.click()")
        live.locator(":popover-open").first.wait_for()
        live.mouse.click(*live.evaluate(COVERED)["middle"])
        made.answered()
        live.evaluate(CLOSE)


def test_it_stays_where_it_is_while_its_record_is_shown(live):
    before = {}
    for width, height in SIZES:
        live.set_viewport_size({"width": width, "height": height})
        before[width] = live.evaluate(COVERED)["box"]
        pause, (_, top, _, tall) = live.locator("#bar-pause").bounding_box(), before[width]
        assert top <= round(pause["y"]) <= round(pause["y"] + pause["height"]) <= top + tall  # beside it
    live.get_by_role("button", name="STOP").click()
    expect(live.locator("#region-stop")).to_contain_text("Stopped")
    for width, height in SIZES:
        live.set_viewport_size({"width": width, "height": height})
        seen = live.evaluate(COVERED)
        assert (seen["covered"], seen["box"]) == ([], before[width])
        live.locator("#resume-ask").click()
        seen = live.evaluate(COVERED)
        assert (seen["covered"], seen["box"]) == ([], before[width])
        live.get_by_role("button", name="Stay stopped").click()


def test_what_was_said_is_over_the_strip_and_an_error_stays_until_it_is_closed(live):
    say = (
        "tone => document.dispatchEvent(new CustomEvent('said', {detail: {text: 'Nothing was done.', tone}}))"
    )
    for width, height in SIZES:
        live.set_viewport_size({"width": width, "height": height})
        live.evaluate(say, "bad")
        strip, toast = (live.locator(one).bounding_box() for one in (".strip", ".toast"))
        assert toast["y"] >= 0
        assert toast["y"] + toast["height"] <= strip["y"] + strip["height"]
        assert live.evaluate(COVERED)["covered"] == []
    live.get_by_role("button", name="Close what is said").click()
    expect(live.locator("[data-told]")).to_be_empty()
    live.evaluate(say, "good")
    expect(live.locator("[data-told]")).to_be_empty()


# --- STOP, by keys ------------------------------------------------------------------------------------------


def test_escape_twice_stops_while_she_types_in_a_dialog_and_once_closes_it(live, presses, the_stage):
    live.goto(f"{the_stage.url}/menu")
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    live.locator("#add").click()
    live.get_by_label("Title").press_sequentially("Half a word")
    live.keyboard.press("Escape")
    expect(live.get_by_role("dialog")).to_be_hidden()
    expect(live.locator("#add")).to_be_focused()
    assert presses.count == 0
    live.keyboard.press("Escape")
    presses.answered()


def test_two_escapes_that_are_far_apart_or_of_an_input_method_are_no_press(live, presses):
    live.keyboard.press("Escape")
    live.wait_for_timeout(1100)
    live.keyboard.press("Escape")
    composed = "() => dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', isComposing: true}))"
    live.evaluate(composed)
    live.evaluate(composed)
    live.evaluate("new Promise((done) => requestAnimationFrame(done))")
    assert presses.count == 0


def test_space_that_is_held_stops_and_its_release_presses_nothing(live, presses):
    live.locator("#order").focus()
    live.keyboard.down("Space")
    presses.answered()
    live.keyboard.up("Space")
    expect(live.locator("#orders")).to_be_hidden()
    live.keyboard.press("Space")  # a short one is a press of the button
    expect(live.locator("#orders")).to_be_visible()
    assert presses.count == 0


def test_space_that_is_held_in_a_field_is_text(live, presses, the_stage):
    live.goto(f"{the_stage.url}/menu")
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    live.get_by_label("Tokens", exact=True).focus()
    live.keyboard.down("Space")
    live.wait_for_timeout(900)
    live.keyboard.up("Space")
    assert presses.count == 0


def test_a_second_press_presses_again(live, presses):
    for _ in range(3):
        live.get_by_role("button", name="STOP").click()
        presses.answered()


def test_resume_that_is_held_needs_no_second_press(live):
    live.get_by_role("button", name="STOP").click()
    expect(live.locator("#region-stop")).to_contain_text("Stopped")
    box = live.locator("#resume-ask").bounding_box()
    live.mouse.move(box["x"] + 20, box["y"] + 20)
    live.mouse.down()
    expect(live.locator("#region-stop")).not_to_contain_text("Stopped")
    live.mouse.up()
    expect(live.locator("#bar-pause")).to_be_visible()
    expect(live.locator(":popover-open")).to_have_count(0)


# --- keys ---------------------------------------------------------------------------------------------------


def test_keys_pause_resume_and_change_the_page_and_not_while_she_types(live, the_stage):
    live.keyboard.press("p")
    expect(live.locator("#bar-resume")).to_be_visible()
    live.keyboard.press("Shift+P")
    expect(live.locator("#bar-pause")).to_be_visible()
    for key, name in (("d", "Devices"), ("p", "Patterns"), ("m", "Menu")):
        live.keyboard.press("g")
        live.keyboard.press(key)
        expect(live).to_have_title(re.compile(f"^{name}"))
    expect(live.locator("#bar-pause")).to_be_visible()  # the P of a sequence is not the one that pauses
    live.get_by_label("Tokens", exact=True).press_sequentially("gp?")
    expect(live.get_by_role("heading", name="Menu", level=1)).to_be_attached()
    live.locator("h1").focus()
    live.keyboard.press("?")
    expect(live.get_by_role("dialog", name="Keys")).to_be_visible()
    live.keyboard.press("p")
    live.keyboard.press("Escape")
    expect(live.get_by_role("dialog", name="Keys")).to_be_hidden()
    expect(live.locator("#bar-pause")).to_be_visible()


def test_what_plays_is_skipped_by_a_key(live, the_stage, ana):
    switch_on(live)
    the_stage.tip(ana, 500)
    expect(live.locator("#skip")).to_be_enabled()
    live.keyboard.press("Shift+S")
    expect(live.locator("#region-feed")).to_contain_text("was ended after")


def test_the_palette_finds_what_is_on_the_page_and_what_is_elsewhere_and_stop_is_in_it(live, the_stage, ana):
    switch_on(live)
    the_stage.tip(ana, 25, name="marguerite")
    expect(live.locator("#region-feed")).to_contain_text("marguerite")
    live.keyboard.press("Control+k")
    palette = live.get_by_role("dialog", name="Find")
    for words in ("Devices", "Pause until I resume", "Keys"):
        expect(palette.get_by_role("option", name=words)).to_be_visible()
    assert live.evaluate(COVERED)["covered"] == []
    assert axe.findings(live) == []
    live.keyboard.type("dev")
    live.keyboard.press("Enter")  # at once: what is on the page is not waited for
    here(live, "Devices")
    live.keyboard.press("/")
    live.keyboard.type("marg")
    expect(palette.get_by_role("option", name="marguerite")).to_be_visible()
    live.keyboard.press("Enter")
    expect(live.locator("h1")).to_contain_text("marguerite")
    expect(palette).to_be_hidden()
    assert (
        live.evaluate("document.querySelector('#holder')") is not None
    )  # in the document that began as Live


AWAKE = """() => {
    document.body.dataset.locks = 0;
    navigator.wakeLock.request = async () => {
        if (window.refuses) throw new DOMException("no", "NotAllowedError");
        document.body.dataset.locks++;
        window.lock = { released: false, release: async () => { window.lock.released = true; } };
        return window.lock;
    };
}"""


def test_the_screen_stays_on_while_she_is_on_air_and_what_it_cannot_is_said(live):
    live.evaluate(AWAKE)
    switch_on(live)
    expect(live.locator("body")).to_have_attribute("data-locks", "1")
    live.evaluate("window.lock.released = true")  # as a browser does when its page is hidden
    live.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(live.locator("body")).to_have_attribute("data-locks", "2")
    expect(live.locator("[data-sleeps]")).to_be_hidden()
    live.evaluate("window.refuses = window.lock.released = true")
    live.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(live.locator("[data-sleeps]")).to_be_visible()
    live.locator("#end-show").click()
    expect(live.locator("[data-sleeps]")).to_be_hidden()


# --- one document -------------------------------------------------------------------------------------------


def go(page, name):
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name).first.click()
    here(page, name)


def here(page, name):
    expect(page).to_have_title(re.compile(f"^{name}"))
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator(".rail [aria-current=page]")).to_contain_text(name)
    assert page.evaluate("location.pathname") == ADDRESSES[name]


def test_devices_socket_and_lease_go_on_through_every_page_while_tips_play(live, the_stage, ana):
    """`RUNS=200 pytest …`: as many changes of page."""
    switch_on(live)
    sockets, chance, past = [], random.Random(7), ["Live"]
    live.on("websocket", lambda socket: sockets.append(socket.url))
    live.evaluate("document.documentElement.isKept = true")
    tips = 3 + RUNS // 12
    for _ in range(tips):
        the_stage.tip(ana, 100)
    for _ in range(RUNS):
        if len(past) > 1 and chance.random() < 0.3:
            past.pop()
            live.go_back()
            here(live, past[-1])
        else:
            past.append(chance.choice([name for name in ADDRESSES if name != past[-1]]))
            go(live, past[-1])
    if past[-1] != "Live":
        go(live, "Live")
    whole = live.locator("#region-feed [data-word]", has_text="Completed")
    expect(whole).to_have_count(tips, timeout=tips * 15_000)
    expect(live.locator("#region-feed [data-word]")).to_have_count(tips)  # none was shortened
    expect(live.locator("[data-virtual-words]")).to_contain_text("Ready")
    assert live.evaluate("document.documentElement.isKept") is True
    assert sockets == []


def test_back_and_forward_bring_back_where_she_was(live):
    live.set_viewport_size({"width": 820, "height": 500})
    go(live, "Menu")
    live.evaluate("scrollTo(0, 400)")
    go(live, "Patterns")
    assert live.evaluate("scrollY") == 0
    live.go_back()
    here(live, "Menu")
    assert live.evaluate(SCROLLED) == 400
    live.go_forward()
    here(live, "Patterns")


def test_what_a_page_does_by_itself_ends_when_it_is_left_and_begins_again(live):
    """The recorder of Patterns listens once, however often she came."""
    for _ in range(3):
        go(live, "Patterns")
        go(live, "Devices")
    go(live, "Patterns")
    live.get_by_role("link", name="Record one…").press("Enter")
    expect(live.get_by_label("Recording field")).to_be_focused()
    live.keyboard.press("Escape")
    go(live, "Menu")
    expect(live.get_by_role("dialog")).to_be_hidden()
    live.locator("#add").click()
    expect(live.get_by_label("Title")).to_be_focused()


def test_a_document_that_began_elsewhere_loads_live_as_one_of_its_own(live, the_stage):
    live.goto(f"{the_stage.url}/menu")
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    live.evaluate("document.documentElement.isKept = true")
    live.get_by_role("link", name="Live", exact=True).click()
    expect(live.get_by_role("switch", name="Virtual device")).to_be_enabled()
    assert live.evaluate("document.documentElement.isKept") is None
    go(live, "Menu")
    live.reload()  # begins as the menu, with the entry of Live behind it
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    live.go_back()
    expect(live.get_by_role("switch", name="Virtual device")).to_be_enabled()


def test_leaving_the_document_while_it_holds_devices_asks_once(live, the_stage):
    asked = []
    live.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    live.goto(f"{the_stage.url}/menu")
    live.goto(the_stage.url)
    assert asked == []  # it held none
    switch_on(live)
    go(live, "Menu")
    assert asked == []
    live.reload()
    assert asked == ["beforeunload"]


def test_a_session_that_has_ended_is_said_and_the_page_stays(live, context, complaints):
    context.clear_cookies()
    live.get_by_role("link", name="Menu", exact=True).click()
    expect(live.locator("#session")).to_contain_text("You are logged out")
    expect(live.locator("#region-queue")).to_contain_text("No tips waiting")
    assert live.evaluate("location.pathname") == "/"
    complaints.clear()  # what was refused


# --- lost and found -----------------------------------------------------------------------------------------


def test_without_the_network_a_press_does_nothing_and_says_so(live, context, complaints):
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    context.set_offline(True)
    expect(live.locator("[data-socket]")).not_to_have_text(CONNECTED, timeout=2_000)
    pause(live, "5 min")
    expect(live.locator("[data-told]")).to_have_text("Not connected: nothing was done.")
    context.set_offline(False)
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    expect(live.locator("#bar-pause")).to_be_visible()  # it was not kept for later
    live.locator("#pause-for").get_by_role("button", name="5 min", exact=True).click()
    expect(live.locator("#bar-resume")).to_be_visible()
    complaints.clear()  # what could not be fetched meanwhile


# --- what is drawn ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "opener"), [("Live", "#bar-pause"), ("Menu", "#add"), ("Patterns", "#record")]
)
def test_axe_finds_nothing_while_something_is_open(live, the_stage, name, opener):
    live.goto(f"{the_stage.url}{ADDRESSES[name]}")
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    live.emulate_media(reduced_motion="reduce")
    live.locator(opener).click()
    live.locator(":popover-open").wait_for()
    for width, theme in ((1440, "light"), (360, "dark")):
        live.set_viewport_size({"width": width, "height": 900})
        live.emulate_media(color_scheme=theme)
        assert axe.findings(live) == []


def test_axe_finds_nothing_while_it_is_stopped(live):
    live.get_by_role("button", name="STOP").click()
    live.locator("#resume-ask").click()
    for width, theme in ((1440, "dark"), (360, "light")):
        live.set_viewport_size({"width": width, "height": 900})
        live.emulate_media(color_scheme=theme, reduced_motion="reduce")
        assert axe.findings(live) == []


@pytest.mark.parametrize("name", ADDRESSES)
def test_no_page_is_moved_sideways_at_320_pixels(live, the_stage, name):
    live.goto(f"{the_stage.url}{ADDRESSES[name]}")
    live.set_viewport_size({"width": 320, "height": 640})
    assert live.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert live.evaluate(COVERED)["covered"] == []


def test_the_frame_adds_no_scroll_of_its_own(live):
    live.set_viewport_size({"width": 1440, "height": 900})
    live.evaluate("document.querySelector('#content').replaceChildren()")
    assert live.evaluate("document.documentElement.scrollHeight") == 900
