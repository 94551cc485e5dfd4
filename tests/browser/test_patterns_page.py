"""The page of patterns against the whole running system, by keyboard: one is written, drawn as it is typed,
corrected, saved, named in the menu, and tried."""

import re

import pytest
from playwright.sync_api import expect

CONNECTED = re.compile("^Connected$")
# What a thumb cannot hit, and what is wider than the screen.
_SMALL = """[...document.querySelectorAll("main button, main a.button, nav a, main .input")]
    .filter((one) => one.checkVisibility())
    .filter((one) => one.getBoundingClientRect().height < 44)
    .map((one) => one.outerHTML)"""
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def patterns(live, the_stage):
    """Her page of patterns, connected."""
    live.goto(f"{the_stage.url}/patterns")
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    return live


def pressed(page, name):
    page.get_by_role("button", name=name).press("Enter")


def test_a_pattern_is_written_drawn_and_named_in_the_menu_by_keyboard(patterns, the_stage):
    pressed(patterns, "Write a pattern")
    expect(patterns.get_by_label("Name")).to_be_focused()
    patterns.keyboard.type("Mine")
    patterns.keyboard.press("Tab")
    patterns.keyboard.press("ControlOrMeta+A")
    patterns.keyboard.type("5>15 3s\n21 2s")
    drawn = patterns.locator("#drawn")
    expect(drawn).to_contain_text("Line 2, column 1: found “21”, expected a strength from 0 to 20.")
    patterns.keyboard.press("ControlOrMeta+A")
    patterns.keyboard.type("5>15 3s\n20 2s")
    expect(drawn).to_contain_text("5 s, then again")
    expect(drawn.locator("path")).to_have_count(1)
    pressed(patterns, "Save")
    expect(patterns.locator("[data-told]")).to_contain_text("Mine is saved")
    expect(patterns.locator("#region-patterns .offer__title")).to_have_text(["Mine"])
    pressed(patterns, "Copy Heartbeat")
    expect(patterns.get_by_label("Name")).to_have_value("My heartbeat")
    patterns.keyboard.press("Escape")
    expect(patterns.get_by_role("button", name="Copy Heartbeat")).to_be_focused()
    patterns.goto(f"{the_stage.url}/menu")
    patterns.locator("[data-focus=change]").first.press("Enter")
    patterns.get_by_label("Pattern").select_option("Mine")
    pressed(patterns, "Save")
    expect(patterns.locator("#region-menu")).to_contain_text("Mine, strength")


def test_on_a_telephone_everything_fits_and_can_be_hit(patterns):
    patterns.set_viewport_size({"width": 360, "height": 780})
    assert patterns.evaluate(_WIDER) == 0
    assert patterns.evaluate(_SMALL) == []
    pressed(patterns, "Write a pattern")
    expect(patterns.get_by_label("Name")).to_be_focused()
    assert patterns.evaluate(_WIDER) == 0
    assert patterns.evaluate(_SMALL) == []
    patterns.get_by_role("button", name="STOP").click()
    expect(patterns.locator("#region-stop")).to_contain_text("Resume")
