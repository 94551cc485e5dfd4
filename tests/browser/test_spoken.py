"""What a screen reader is given of Live, Menu and a dialog: kept beside the tests, so that a change of it is
seen. `SPOKEN=write` writes the files anew; what is read aloud wrongly is not kept, but mended."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.stage import CONNECTED

GOLDEN = Path(__file__).parent.parent / "golden" / "spoken"
# What differs each time: times of day, how long ago, and ids in addresses.
_MOMENTS = ((r"\b\d\d:\d\d(:\d\d)?\b", "HH:MM"), (r"\b\d+ (s|min) ago\b", "AGO"), (r"\b[0-9a-f]{24}\b", "ID"))


def spoken(part):
    said = part.aria_snapshot()
    for pattern, word in _MOMENTS:
        said = re.sub(pattern, word, said)
    return said + "\n"


def kept(name, said):
    file = GOLDEN / f"{name}.yaml"
    if os.environ.get("SPOKEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(said)
    return file.read_text()


@pytest.fixture
def menu(live, the_stage):
    live.goto(f"{the_stage.url}/menu")
    live.locator("[data-socket]", has_text=CONNECTED).wait_for()
    return live


def test_live_before_she_goes_on_air(live):
    expect(live.get_by_role("switch")).to_be_enabled()
    said = spoken(live.locator("main"))
    assert said == kept("live", said)


def test_her_menu_with_three_items(menu):
    said = spoken(menu.locator("main"))
    assert said == kept("menu", said)


def test_a_question_with_its_stop(menu):
    menu.locator("[data-focus=change]").first.press("Delete")
    expect(menu.get_by_role("dialog")).to_be_visible()
    said = spoken(menu.get_by_role("dialog"))
    assert said == kept("dialog", said)
