"""Staff see a performer's screen while she is on air: by keyboard, with nothing on it to press, and she is
not disturbed."""

import re

from playwright.sync_api import expect

from tests.browser.stage import CONNECTED, STAFF, pause
from tests.browser.test_axe import faults

ACTIVE = "document.activeElement.textContent.trim()"
PRESSED = "button, form, select, textarea, script, input:not([type=radio]), [popover], dialog"
WHY = "she asks what waits for her"


def on_air(page, the_stage, ana):
    """Her page holds the virtual device; her queue is paused, and two wait."""
    the_stage.log_in(page, ana.name)
    page.locator("[data-socket]", has_text=CONNECTED).wait_for()
    page.locator("[data-virtual-switch]").check()
    expect(page.get_by_text("Held by a page")).to_be_visible()
    pause(page, "Until I resume")
    for amount in (25, 150):
        the_stage.tip(ana, amount)
    expect(page.locator("[data-row]")).to_have_count(2)


def test_her_screen_is_opened_seen_and_left_by_keyboard(context, chrome, the_stage, ana, complaints):
    hers, sockets, asked = context.new_page(), [], []
    hers.on("websocket", lambda socket: sockets.append(socket.url))
    on_air(hers, the_stage, ana)
    opened = list(sockets)
    with chrome.new_context(viewport={"width": 1280, "height": 900}) as others:
        page = others.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        the_stage.log_in(page, STAFF)
        page.goto(f"{the_stage.url}/staff/find?q={ana.name}")
        page.get_by_role("link", name="Her screen, read only").press("Enter")
        expect(page.locator("h1")).to_have_text(f"The screen of {ana.name}")
        assert faults(page) == {}
        page.get_by_role("textbox", name="Why").fill(WHY)
        page.get_by_role("textbox", name="Why").press("Enter")
        expect(page).to_have_url(re.compile(r"/screen/live$"))
        page.on("request", lambda request: asked.append((request.method, request.url)))
        page.on("websocket", lambda socket: asked.append(("socket", socket.url)))

        expect(page.get_by_text("You see this performer’s screen")).to_be_visible()
        expect(page.get_by_text("Read only, as admin, since")).to_contain_text(WHY)
        expect(page.locator("[data-row]")).to_have_count(2)
        assert page.locator(PRESSED).count() == 0
        assert faults(page) == {}
        for key in ("Escape", "Escape", "p", "Shift+S", "Delete", "Control+k"):
            page.keyboard.press(key)

        reached = []
        for _ in range(30):
            page.keyboard.press("Tab")
            reached.append(page.evaluate(ACTIVE))
        for words in ("Look again", "Leave", "Skip to the content", "Live", "History"):
            assert words in reached, reached
        page.get_by_role("link", name="History", exact=True).press("Enter")
        expect(page).to_have_url(re.compile(r"/screen/history$"))
        expect(page.locator("h1")).to_have_text("History")
        assert faults(page) == {}
        assert {method for method, _ in asked} == {"GET"}
        page.get_by_role("link", name="Leave").press("Enter")
        expect(page).to_have_url(re.compile(r"/staff/performers/[0-9a-f]{24}$"))

    expect(hers.locator("[data-socket]")).to_have_text("Connected")
    expect(hers.get_by_text("Held by a page")).to_be_visible()
    expect(hers.locator("[data-row]")).to_have_count(2)
    assert sockets == opened, "her page has kept its socket"
    hers.goto(f"{the_stage.url}/account")
    seen = hers.locator("section", has_text="Who saw your screen").last
    expect(seen).to_contain_text(WHY)
    expect(seen).to_contain_text(STAFF)
    expect(seen).to_contain_text("Admin")
