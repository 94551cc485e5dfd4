"""The policy of a document is that of the page it began with: in each path to her devices all her pages come
into a document that began as Live, and none of them wants anything that it refuses."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_lan import choose

PATHS = ("SIMULATOR", "STANDARD_SERVER", "STANDARD_LAN", "EXTENSION")
REFUSED = """() => {
    window.refused = [];
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        window.refused.push(`${violatedDirective} ${blockedURI}`));
}"""
PAGES = ("devices", "menu", "patterns", "history", "statistics", "preferences")
# From a page of the first level to those behind it.
BEHIND = {
    "devices": ("Pair a device",),
    "menu": ("Versions", "Import, export"),
    "history": ("Played", "Owed"),
    "statistics": ("30 days",),
    "preferences": ("Noticing", "Look"),
}
DIALOGS = {"menu": "Fireworks", "patterns": "Record one…"}


@pytest.mark.parametrize("path", PATHS)
def test_no_page_that_comes_into_a_live_document_is_refused_anything(live, the_stage, path):
    if path == "EXTENSION":
        the_stage.stack.manage("set_platform", "cam_site_name", "My Cam Site")
    live.goto(f"{the_stage.url}/devices")  # Live would be loaded anew by itself
    choose(live, the_stage, path)
    live.goto(the_stage.url)
    live.locator("[data-socket]", has_text=re.compile("^Connected$")).wait_for()
    live.evaluate(REFUSED)
    for name in PAGES:
        shown(live, name)
        for words in BEHIND.get(name, ()):
            live.locator("main").get_by_role("link", name=words, exact=True).first.press("Enter")
            expect(live.locator("h1")).to_be_focused()
            shown(live, name)
        if name in DIALOGS:
            live.locator("main").get_by_role("link", name=DIALOGS[name]).first.press("Enter")
            expect(live.get_by_role("dialog")).to_be_visible()
            live.keyboard.press("Escape")
    assert live.evaluate("window.refused") == []


def shown(page, name):
    """By the rail, in the same document."""
    page.locator(f".rail__page[data-to={name}]").click()
    expect(page.locator(f"main[data-page^={name}]")).to_be_visible()


def test_what_the_policy_refuses_would_be_seen(live, complaints):
    live.evaluate(REFUSED)
    live.evaluate("document.body.setAttribute('style', 'color: red')")
    live.wait_for_function("window.refused.length > 0")
    assert live.evaluate("window.refused")[0].startswith("style-src")
    complaints.clear()
