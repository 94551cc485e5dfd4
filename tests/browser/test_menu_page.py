"""The page of the menu against the whole running system: from an empty draft to a published menu and back, by
keyboard; rows that are moved; and two pages, of which one is late."""

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
_PASTE = """text => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}"""
WAVE, FIRE, QUAKE = "Soft wave", "Fireworks", "Earthquake, all the way up"


@pytest.fixture
def menu(live, the_stage):
    """Her page of the menu, connected; three items are published."""
    live.goto(f"{the_stage.url}/menu")
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    return live


def pressed(page, name):
    """By keyboard."""
    page.get_by_role("button", name=name).press("Enter")


def opened(page, name):
    page.get_by_role("link", name=name).press("Enter")


def titles(page):
    return page.locator(".offer__title")


def test_a_menu_goes_from_empty_to_published_and_back_by_keyboard(menu):
    for left in (2, 1, 0):
        titles(menu).first.press("Delete")
        pressed(menu, "Remove it")
        expect(titles(menu)).to_have_count(left)
    pressed(menu, "Begin with five items")
    expect(titles(menu)).to_have_count(5)
    menu.get_by_label("Tokens", exact=True).fill("60")
    expect(menu.locator("#answer")).to_contain_text("Pulse, strength 11 of 20, 12 s")
    opened(menu, "Publish…")
    menu.get_by_label("Note for your versions").fill("My first")
    menu.keyboard.press("Enter")
    expect(menu.locator("[data-told]")).to_have_text("Published as version 2.")
    expect(menu.locator(".draft")).to_contain_text("Nothing to publish")
    opened(menu, "Versions")
    expect(menu.locator("#region-versions")).to_contain_text("My first")
    expect(menu.locator("[data-socket]")).to_have_text(CONNECTED)
    opened(menu, "Go back to version 1")
    pressed(menu, "Publish it again")
    expect(menu.locator("#region-versions")).to_contain_text("Version 3")
    menu.get_by_role("main").get_by_role("link", name="Menu", exact=True).press("Enter")
    expect(titles(menu)).to_have_count(3)


def test_an_item_is_changed_in_its_drawer_drawn_as_it_is_typed_and_the_focus_comes_back(menu):
    change = menu.get_by_role("link", name=FIRE)
    change.press("Enter")
    expect(menu.get_by_label("Title")).to_be_focused()
    strength = menu.get_by_label("Strength, 1 to 20")
    strength.fill("30")
    expect(menu.locator("#item-drawn")).to_contain_text("Strength: must be a whole number from 1 to 20.")
    menu.keyboard.press("Enter")
    expect(strength).to_be_focused()
    expect(menu.locator("#confirm .field__error").last).to_contain_text("Must be a whole number")
    strength.fill("12")
    expect(menu.locator("#item-drawn path")).to_have_count(1)
    menu.keyboard.press("Enter")
    expect(menu.locator("#region-menu")).to_contain_text("strength 12 of 20")
    expect(change).to_be_focused()
    pressed(menu, "Undo")
    expect(menu.locator("#region-menu")).not_to_contain_text("strength 12 of 20")


def test_a_press_before_the_scripts_are_there_is_a_link_and_not_lost(menu):
    menu.route("**/js/frame*.js", lambda _: None)  # on their way
    with menu.expect_response(re.compile("/htmx.*js")):
        menu.reload(wait_until="commit")
    opened(menu, FIRE)
    expect(menu.get_by_label("Title")).to_be_visible()


def test_rows_are_moved_copied_and_tested_by_keys_and_by_their_grip(menu):
    menu.get_by_role("link", name=FIRE).press("Alt+ArrowUp")
    expect(titles(menu)).to_have_text([FIRE, WAVE, QUAKE])
    expect(menu.get_by_role("link", name=FIRE)).to_be_focused()
    expect(menu.locator(".draft")).to_contain_text("1 change")
    grips = menu.locator("[data-grip]")
    (x, y), (_, end) = (
        (box["x"] + 9, box["y"] + 20) for box in (grips.nth(at).bounding_box() for at in (0, 2))
    )
    menu.mouse.move(x, y)
    menu.mouse.down()
    menu.mouse.move(x, (y + end) / 2, steps=5)
    menu.mouse.move(x, end + 9, steps=5)
    menu.mouse.up()
    expect(titles(menu)).to_have_text([WAVE, QUAKE, FIRE])
    menu.reload()
    expect(titles(menu)).to_have_text([WAVE, QUAKE, FIRE])
    expect(menu.locator("[data-socket]")).to_have_text(CONNECTED)
    menu.get_by_role("link", name=QUAKE).press("d")
    expect(titles(menu)).to_have_text([WAVE, QUAKE, f"{QUAKE} copy", FIRE])
    menu.get_by_role("link", name=WAVE).press("Shift+T")
    expect(menu.locator("[data-told]")).to_contain_text("no page holds your devices")
    menu.keyboard.press("a")
    expect(menu.get_by_label("Title")).to_be_focused()


def test_of_two_pages_the_late_one_is_told_keeps_what_was_typed_and_sees_both(menu, context, the_stage):
    late = context.new_page()
    late.goto(f"{the_stage.url}/menu")
    expect(late.locator("[data-socket]")).to_have_text(CONNECTED)
    opened(late, FIRE)
    late.get_by_label("Title").fill("Late")
    opened(menu, FIRE)
    menu.get_by_label("Title").fill("Early")
    pressed(menu, "Save")
    expect(titles(menu)).to_have_text([WAVE, "Early", QUAKE])
    late.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(late.get_by_role("table", name="What you typed")).to_contain_text("Early")
    expect(late.get_by_label("Title")).to_have_value("Late")
    pressed(late, "Save anyway")
    expect(titles(late)).to_have_text([WAVE, "Late", QUAKE])


def test_on_a_telephone_everything_fits_and_can_be_hit(menu):
    menu.set_viewport_size({"width": 360, "height": 780})
    assert menu.evaluate(_WIDER) == 0
    assert menu.evaluate(_SMALL) == []
    titles(menu).first.press("Enter")
    expect(menu.get_by_label("Title")).to_be_focused()
    assert menu.evaluate(_WIDER) == 0
    menu.get_by_role("dialog").get_by_role("button", name="STOP").click()
    expect(menu.locator("#region-stop")).to_contain_text("Resume")


def test_what_is_found_is_fixed_several_are_changed_and_a_menu_is_pasted(menu):
    expect(menu.locator(".finding")).to_contain_text("Nothing answers 200 to 499 tokens.")
    menu.locator("[data-focus=fix]").press("Enter")
    expect(menu.locator("[data-told]")).to_contain_text("Fixed in your draft.")
    expect(menu.locator(".finding")).to_have_count(0)
    for name in (WAVE, QUAKE):
        menu.get_by_label(f"Choose \u2068{name}\u2069").check()
    expect(menu.locator("[data-chosen]")).to_have_text("2 chosen")
    pressed(menu, "Change them…")
    menu.get_by_label("Price").fill("-10")
    menu.get_by_role("dialog").get_by_role("button", name="Change them").press("Enter")
    expect(menu.locator("[data-told]")).to_have_text("2 items changed.")
    expect(menu.locator(".offer__price").last).to_contain_text("450")
    menu.evaluate(_PASTE, "10-20 hello, 5 sec, low; 20-10 x; 21+ wave, 9 sec, strong")
    expect(menu.locator("main")).to_contain_text("2 taken, 1 refused")
    assert menu.evaluate(_WIDER) <= 0
    menu.get_by_role("button", name="Put it in the draft").press("Enter")
    expect(titles(menu)).to_have_count(2)
