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


class Newcomer:
    """Who has the keys alone."""

    def __init__(self, page):
        self.page = page

    def log_in(self):
        self.page.keyboard.type(NEWCOMER)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/welcome")

    def sees(self, title):
        """The screen that has the focus, and what it asks for stands above the bar."""
        expect(self.page.locator("h1")).to_have_text(title)
        expect(self.page.locator("h1")).to_be_focused()
        fits = "document.querySelector('.welcome__do').getBoundingClientRect().bottom"
        assert self.page.evaluate(f"{fits} <= document.querySelector('.bottom').getBoundingClientRect().top")

    def press(self, role, name):
        button = self.page.get_by_role(role, name=name)
        expect(button).to_be_enabled()
        for _ in range(40):
            if button.evaluate("element => element === document.activeElement"):
                return self.page.keyboard.press("Enter")
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{name} is not reached")


def test_a_newcomer_comes_from_the_login_to_a_rehearsed_tip_by_keyboard(the_stage, context):
    the_stage.stack.manage("shell", "-v0", "-c", _ENROL)
    page = context.new_page()
    page.set_viewport_size({"width": 360, "height": 780})
    her, step = Newcomer(page), page.locator("#region-step")
    page.goto(the_stage.url)
    began = time.monotonic()
    her.log_in()
    page.evaluate("window.isTheSame = true")
    her.press("link", "Begin")
    her.sees("A device")
    her.press("button", "Use a virtual device")
    expect(step).to_contain_text("can play")
    her.press("link", "Go on")
    her.sees("A menu")
    her.press("button", "Publish this menu")
    her.sees("Your limits")
    her.press("button", "Keep these limits")
    her.sees("Your first tip")
    her.press("button", "Send yourself 25")
    expect(step).to_contain_text("played for 8", timeout=45_000)
    expect(page.locator(".ui-steps [data-state=done]")).to_have_count(5)
    seconds = time.monotonic() - began
    her.press("link", "Go on")
    her.sees("Ready")
    her.press("link", "Go to Live")
    expect(page.locator("#now-title")).to_have_text("On air")
    expect(page.locator("[data-virtual-words]")).to_contain_text("Ready")
    assert page.evaluate("window.isTheSame")
    assert seconds < MOST_SECONDS
    page.close(run_before_unload=False)
