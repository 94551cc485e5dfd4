"""What has the focus is seen to have it, and nothing lies over it."""

import pytest
from playwright.sync_api import expect

OUTLINE = "field => getComputedStyle(field).outlineStyle"
UNDER = """field => {
    const buttons = document.querySelector("#over .confirm__buttons").getBoundingClientRect();
    return field.getBoundingClientRect().bottom - buttons.top;
}"""


def test_a_field_of_a_drawer_that_has_the_focus_is_not_under_its_buttons(live, the_stage):
    live.goto(f"{the_stage.url}/menu")
    live.locator("#add").press("Enter")
    expect(live.get_by_label("Title")).to_be_focused()
    for name in ("description", "cooldownSec", "stock"):
        field = live.locator(f"#over #{name}")
        field.evaluate("field => { field.closest('.ui-over__room').scrollTop = 0; field.focus(); }")
        assert field.evaluate(UNDER) <= 0, name


@pytest.mark.parametrize("name", ["from", "to"])
def test_each_part_of_a_date_shows_that_the_field_has_the_focus(live, the_stage, name):
    live.goto(f"{the_stage.url}/history")
    live.locator("summary").press("Enter")
    field = live.locator(f"#{name}")
    field.focus()
    for _ in range(3):
        assert field.evaluate(OUTLINE) == "solid"
        live.keyboard.press("Tab")
