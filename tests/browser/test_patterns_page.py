"""The page of patterns against the whole running system, by keyboard: one is written, drawn as it is typed,
corrected, saved, named in the menu, and tried."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.stage import CONNECTED

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


def opened(page, name):
    page.get_by_role("link", name=name).press("Enter")


def test_a_pattern_is_written_drawn_and_named_in_the_menu_by_keyboard(patterns, the_stage):
    opened(patterns, "Draw or write one")
    text = patterns.get_by_label("As text")
    patterns.get_by_label("Name").fill("Mine")
    text.focus()
    patterns.keyboard.press("ControlOrMeta+A")
    patterns.keyboard.type("5>15 3s\n21 2s")
    drawn = patterns.locator("#drawn")
    expect(drawn).to_contain_text("Line 2, column 1: found “21”, expected a strength from 0 to 20.")
    patterns.keyboard.press("ControlOrMeta+A")
    patterns.keyboard.type("5>15 3s\n20 2s")
    expect(drawn).to_contain_text("5 s, then again")
    expect(drawn.locator("path")).to_have_count(1)
    pad = patterns.get_by_role("slider", name="Draw it")
    expect(pad.locator("rect")).to_have_count(50)
    pad.press("ArrowDown")
    expect(text).to_have_value(re.compile("^4 0.1s, 5 "))
    pressed(patterns, "Save")
    expect(patterns.locator("#region-patterns .shelf__title")).to_have_text(["Mine"])
    opened(patterns, "Copy Heartbeat")
    expect(patterns.get_by_label("Name")).to_have_value("My heartbeat")
    patterns.goto(f"{the_stage.url}/menu")
    patterns.locator("[data-focus=change]").first.press("Enter")
    patterns.get_by_label("Pattern", exact=True).select_option("Mine")
    pressed(patterns, "Save")
    expect(patterns.locator("#region-menu")).to_contain_text("Mine, strength")


def test_on_a_telephone_everything_fits_and_can_be_hit(patterns):
    patterns.set_viewport_size({"width": 360, "height": 780})
    assert patterns.evaluate(_WIDER) == 0
    assert patterns.evaluate(_SMALL) == []
    opened(patterns, "Draw or write one")
    expect(patterns.get_by_label("As text")).to_be_visible()
    assert patterns.evaluate(_WIDER) == 0
    assert patterns.evaluate(_SMALL) == []
    patterns.get_by_role("button", name="STOP").click()
    expect(patterns.locator("#region-stop")).to_contain_text("Resume")


def held(page, ms):
    """The key of the field is held for so long."""
    page.keyboard.down("Space")
    page.wait_for_timeout(ms)
    page.keyboard.up("Space")


def test_a_pattern_is_recorded_by_tapping_a_key_seen_and_then_saved(patterns):
    opened(patterns, "Record one…")
    expect(patterns.get_by_label("Recording field")).to_be_focused()
    held(patterns, 400)
    expect(patterns.locator("[data-recorder-badge]")).to_have_text("Recording")
    patterns.keyboard.press("ArrowUp")
    patterns.keyboard.press("ArrowUp")
    held(patterns, 300)
    patterns.keyboard.press("Enter")
    expect(patterns.locator("[data-recorder-badge]")).to_have_text("Recorded")
    look = patterns.get_by_role("button", name="Look at it")
    expect(look).to_be_focused()
    samples = json.loads(patterns.locator("[name=samples]").input_value())
    assert [each["level"] for each in samples] == [10, 0, 12, 0, 0]
    assert samples[0]["ms"] == 0
    assert samples[1]["ms"] >= 350
    patterns.keyboard.press("Enter")
    expect(patterns.get_by_label("As text")).to_have_value(re.compile("^10 .*12 "))
    expect(patterns.locator("#confirm")).to_contain_text("Nothing is saved yet")
    expect(patterns.locator("#region-patterns")).to_contain_text("You have none yet")
    patterns.keyboard.type("Tapped")
    pressed(patterns, "Save")
    expect(patterns.locator("#region-patterns .shelf__title")).to_have_text(["Tapped"])


def test_a_recording_is_drawn_with_a_finger_on_a_telephone_and_can_be_done_again(patterns):
    patterns.set_viewport_size({"width": 360, "height": 780})
    patterns.get_by_role("link", name="Record one…").click()
    box = patterns.get_by_label("Recording field").bounding_box()
    middle = box["x"] + box["width"] / 2
    patterns.mouse.move(middle, box["y"] + 2)
    patterns.mouse.down()
    patterns.mouse.move(middle, box["y"] + box["height"] - 2)
    patterns.mouse.up()
    patterns.get_by_role("button", name="End").click()
    levels = [each["level"] for each in json.loads(patterns.locator("[name=samples]").input_value())]
    assert (levels[0], levels[-1]) == (20, 0)
    assert 1 in levels
    assert patterns.evaluate(_WIDER) == 0
    assert patterns.evaluate(_SMALL) == []
    patterns.get_by_role("button", name="Record again").click()
    expect(patterns.locator("[data-recorder-badge]")).to_have_text("Ready")
    expect(patterns.locator("[name=samples]")).to_have_value("")
    patterns.keyboard.press("Escape")
    expect(patterns.get_by_role("link", name="Record one…")).to_be_focused()
