"""Four tasks of the staff, from the page one has open to the answer, by keys alone; how many it took."""

import csv
import io
import re
from contextlib import ExitStack

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import PASSWORD, STAFF
from tests.browser.test_live_page import switch_on

SUPPORT, AUDITOR = "sue", "otto"
_MORE_STAFF = """
from adminpanel import staff
from ground.people import Role
for name, role in {{{support!r}: Role.SUPPORT, {auditor!r}: Role.AUDITOR}}.items():
    staff.enrol(username=name, role=role, password={password!r})
"""
_BURIED = """
from ground import clock
from ground.mongodb.collections import collection
from lovense.sending import retries
from tips.models import QueueRequest
for row in list(collection(QueueRequest).find({{"status": "pending", "lane": {lane!r}}})):
    retries._give_up(row, "busy", now=clock.now())
"""
_SAYS = "e => e && (e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || '').trim()"
MOST_STOPS = 120
MOST_LOOKS = 60


class Keys:
    """A page that nobody touches but by its keys; `pressed` counts them, what is typed aside."""

    def __init__(self, page: Page) -> None:
        self.page, self.pressed = page, 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed += 1

    def type(self, text: str) -> None:
        """Or pastes."""
        self.page.keyboard.insert_text(text)

    def to(self, words: str) -> None:
        """Goes on from stop to stop until one says this."""
        for _ in range(MOST_STOPS):
            self.press("Tab")
            said = self.page.evaluate(f"({_SAYS})(document.activeElement)")
            if said and re.fullmatch(words, said):
                return
        raise AssertionError(f"no stop says {words}")


@pytest.fixture
def at(the_stage, chrome, cast):
    """A window of somebody's own."""
    with ExitStack() as windows:

        def opened(name: str, address: str) -> Keys:
            page = windows.enter_context(chrome.new_context()).new_page()
            the_stage.log_in(page, name)
            page.goto(f"{the_stage.url}{address}")
            return Keys(page)

        yield opened


@pytest.fixture(scope="module", autouse=True)
def _more_staff(the_stage, cast):
    before = _MORE_STAFF.format(support=SUPPORT, auditor=AUDITOR, password=PASSWORD)
    the_stage.admit([SUPPORT, AUDITOR, STAFF], before=before)


def test_support_says_why_a_tip_did_nothing_three_keys_after_the_paste(at, the_stage, ana, live):
    switch_on(live)
    tip_id = the_stage.tip(ana, 300)  # no item answers it
    keys = at(SUPPORT, "/staff/queue")
    keys.press("/")
    keys.type(tip_id)
    keys.pressed = 0
    keys.press("Enter")
    expect(keys.page).to_have_url(re.compile(f"/staff/tips/{tip_id}$"))
    assert keys.pressed <= 3
    verdict = keys.page.locator(".tip__sentence")
    for _ in range(MOST_LOOKS):  # its turn comes a moment after it was taken
        if "its turn" not in verdict.inner_text():
            break
        keys.page.reload()
    expect(verdict).to_contain_text("no menu item answers 300 tokens")


def test_an_admin_sends_back_all_that_died_of_one_cause(at, the_stage, ana):
    for _ in range(3):
        the_stage.tip(ana, 100)
    the_stage.stack.manage("shell", "-v0", "-c", _BURIED.format(lane=ana.performer_id))
    keys = at(STAFF, "/staff/dead-letters")
    keys.to("The device was busy")
    keys.press("Enter")
    expect(keys.page).to_have_url(re.compile("cause=busy"))
    keys.to("Send back .*")
    keys.press("Enter")
    expect(
        keys.page.get_by_text(re.compile(r"Sending all back will play \d+ requests? of \d+ performers?"))
    ).to_be_visible()
    keys.to("Why.*")
    keys.type("her device answers again")
    keys.press("Enter")
    expect(keys.page.get_by_text(re.compile(r"\d+ sent back\. None is left\.")).first).to_be_visible()
    assert keys.pressed < MOST_STOPS


def test_an_auditor_exports_what_was_asked_of_the_audit_log(at, the_stage):
    keys = at(AUDITOR, "/staff/audit")
    keys.to("Ask .*|.*audit.*")
    keys.type("success:true")
    keys.press("Enter")
    expect(keys.page).to_have_url(re.compile("q=success"))
    keys.to("File")
    keys.press("Enter")
    with keys.page.expect_download() as begun:
        keys.to("CSV.*")
        keys.press("Enter")
    rows = list(csv.reader(io.StringIO(begun.value.path().read_text(encoding="utf-8-sig"))))
    assert len(rows) > 1
    assert keys.pressed < MOST_STOPS


def test_an_admin_lowers_a_cap_and_puts_it_back(at, the_stage):
    keys = at(STAFF, "/staff/settings/maximum_seconds")
    before = keys.page.locator(".pairs strong").first.inner_text()
    keys.to("New value.*")
    keys.type("25")
    keys.press("Enter")
    expect(keys.page.get_by_role("heading", name="What it does")).to_be_visible()
    keys.to("Why.*")
    keys.type("a calmer evening")
    keys.press("Enter")
    expect(keys.page.locator(".pairs strong").first).to_have_text("25 s")
    keys.to(f"Put back {re.escape(before)}")
    keys.press("Enter")
    expect(keys.page.get_by_role("heading", name="What it does")).to_be_visible()
    keys.to("Why.*")
    keys.type("as before")
    keys.press("Enter")
    expect(keys.page.locator(".pairs strong").first).to_have_text(before)
    assert keys.pressed < 2 * MOST_STOPS
