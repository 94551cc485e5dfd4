"""A newcomer at the keyboard: from the log-in to a tip that she has sent herself, on a small screen, and all
of it in one document."""

import time

from playwright.sync_api import expect

from tests.browser.stage import PASSWORD

NEWCOMER = "newcomer"
_ENROL = f"""
from ground import clock
from lovense.performers import enrolment
enrolment.enrol(performer_id="5" * 24, username="{NEWCOMER}", password="{PASSWORD}", now=clock.now())
"""
MOST_SECONDS = 60


def test_a_newcomer_comes_from_the_login_to_a_rehearsed_tip_by_keyboard(the_stage, context):
    the_stage.stack.manage("shell", "-v0", "-c", _ENROL)
    page = context.new_page()
    page.set_viewport_size({"width": 360, "height": 780})

    def screen(title):
        """Which has the focus, and what it asks for stands above the bar."""
        expect(page.locator("h1")).to_have_text(title)
        expect(page.locator("h1")).to_be_focused()
        fits = "document.querySelector('.welcome__do').getBoundingClientRect().bottom"
        assert page.evaluate(f"{fits} <= document.querySelector('.bottom').getBoundingClientRect().top")

    def press(role, name):
        """By the keys alone."""
        button = page.get_by_role(role, name=name)
        expect(button).to_be_enabled()
        for _ in range(40):
            if button.evaluate("element => element === document.activeElement"):
                return page.keyboard.press("Enter")
            page.keyboard.press("Tab")
        raise AssertionError(f"{name} is not reached")

    page.goto(the_stage.url)
    began = time.monotonic()
    page.keyboard.type(NEWCOMER)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/welcome")
    page.evaluate("window.isTheSame = true")
    press("link", "Begin")
    screen("A device")
    press("button", "Use a virtual device")
    expect(page.locator("#region-step")).to_contain_text("can play")
    press("link", "Go on")
    screen("A menu")
    press("button", "Publish this menu")
    screen("Your limits")
    press("button", "Keep these limits")
    screen("Your first tip")
    press("button", "Send yourself 25")
    expect(page.locator("#region-step")).to_contain_text("played for 8", timeout=45_000)
    expect(page.locator(".ui-steps [data-state=done]")).to_have_count(5)
    seconds = time.monotonic() - began
    press("link", "Go on")
    screen("Ready")
    press("link", "Go to Live")
    expect(page.locator("#now-title")).to_have_text("On air")
    expect(page.locator("[data-virtual-words]")).to_contain_text("Ready")
    assert page.evaluate("window.isTheSame")
    assert seconds < MOST_SECONDS
    page.close(run_before_unload=False)
