"""The page of the menu against the whole running system: from an empty draft to a published menu and back, by
keyboard; and two pages, of which one is late."""

import re

import pytest
from playwright.sync_api import expect

CONNECTED = re.compile("^Connected$")
# What a thumb cannot hit, and what is wider than the screen.
_SMALL = """[...document.querySelectorAll("main button, nav a, main .input")]
    .filter((one) => one.checkVisibility())
    .filter((one) => one.getBoundingClientRect().height < 44)
    .map((one) => one.outerHTML)"""
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def menu(live, the_stage):
    """Her page of the menu, connected; three items are published."""
    live.goto(f"{the_stage.url}/menu")
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    return live


def pressed(page, name):
    """By keyboard."""
    page.get_by_role("button", name=name).press("Enter")


def titles(page):
    return page.locator(".offer__title")


def test_a_menu_goes_from_empty_to_published_and_back_by_keyboard(menu):
    for left in (2, 1, 0):
        menu.locator("[data-focus=remove]").first.press("Enter")
        pressed(menu, "Remove it")
        expect(titles(menu)).to_have_count(left)
    pressed(menu, "Begin with five items")
    expect(titles(menu)).to_have_count(5)
    menu.get_by_label("Tokens", exact=True).fill("60")
    menu.get_by_label("Tokens", exact=True).press("Enter")
    expect(menu.locator("#answer")).to_contain_text("Pulse, strength 11 of 20, 12 s")
    menu.get_by_label("Note for your history").fill("My first")
    menu.keyboard.press("Enter")
    expect(menu.locator("[data-told]")).to_have_text("Published as version 2.")
    expect(menu.locator("#region-publish")).to_contain_text("Nothing to publish")
    expect(menu.locator("#region-history")).to_contain_text("My first")
    pressed(menu, "Go back to version 1")
    pressed(menu, "Publish it again")
    expect(menu.locator("#region-publish")).to_contain_text("Version 3 is in force")
    expect(titles(menu)).to_have_count(3)


def test_an_item_is_changed_in_its_form_and_the_focus_comes_back(menu):
    change = menu.get_by_role("button", name="Change \u2068Fireworks\u2069")
    change.press("Enter")
    expect(menu.get_by_label("Title")).to_be_focused()
    menu.get_by_label("Strength, 1 to 20").fill("30")
    menu.keyboard.press("Enter")
    expect(menu.locator("#confirm")).to_contain_text("Must be a whole number from 1 to 20.")
    expect(menu.get_by_label("Strength, 1 to 20")).to_be_focused()
    menu.get_by_label("Strength, 1 to 20").fill("12")
    menu.keyboard.press("Enter")
    expect(menu.locator("#region-menu")).to_contain_text("strength 12 of 20")
    expect(change).to_be_focused()
    down = menu.get_by_role("button", name="Move down: \u2068Fireworks\u2069")
    down.press("Enter")
    expect(titles(menu)).to_have_text(["Soft wave", "Earthquake, all the way up", "Fireworks"])
    expect(menu.get_by_role("button", name="Move down", disabled=True)).to_have_count(1)


def test_of_two_pages_the_late_one_is_told_and_keeps_what_was_typed(menu, context, the_stage):
    late = context.new_page()
    late.goto(f"{the_stage.url}/menu")
    expect(late.locator("[data-socket]")).to_have_text(CONNECTED)
    late.get_by_role("button", name="Change \u2068Fireworks\u2069").press("Enter")
    late.get_by_label("Title").fill("Late")
    menu.get_by_role("button", name="Move up: \u2068Fireworks\u2069").press("Enter")
    expect(titles(menu).first).to_have_text("Fireworks")
    late.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(late.locator("#confirm")).to_contain_text("The menu has changed on another page")
    expect(late.get_by_label("Title")).to_have_value("Late")
    pressed(late, "Save anyway")
    expect(titles(late)).to_have_text(["Late", "Soft wave", "Earthquake, all the way up"])


def test_on_a_telephone_everything_fits_and_can_be_hit(menu):
    menu.set_viewport_size({"width": 360, "height": 780})
    assert menu.evaluate(_WIDER) == 0
    assert menu.evaluate(_SMALL) == []
    menu.locator("[data-focus=change]").first.press("Enter")
    expect(menu.get_by_label("Title")).to_be_focused()
    assert menu.evaluate(_WIDER) == 0
    menu.get_by_role("button", name="STOP").click()
    expect(menu.locator("#region-stop")).to_contain_text("Resume")


def unanswered(route):
    """What another page does is seen here too late."""


def test_who_publishes_what_another_page_has_changed_is_told_and_keeps_the_note(menu, context, the_stage):
    menu.get_by_role("switch", name="Fireworks").press("Enter")
    expect(menu.locator("#region-publish")).to_contain_text("active: yes → no")
    menu.route("**/menu?*", unanswered)
    other = context.new_page()
    other.goto(f"{the_stage.url}/menu")
    expect(other.locator("[data-socket]")).to_have_text(CONNECTED)
    other.get_by_role("button", name="Move up: \u2068Fireworks\u2069").press("Enter")
    expect(titles(other).first).to_have_text("Fireworks")
    note = menu.get_by_label("Note for your history")
    note.fill("Mine")
    note.press("Enter")
    expect(menu.locator("[data-told]")).to_contain_text("has changed on another page")
    menu.unroute("**/menu?*")  # which lets go on what was asked meanwhile
    expect(titles(menu).first).to_have_text("Fireworks")
    expect(note).to_have_value("Mine")
    note.press("Enter")
    expect(menu.locator("#region-history")).to_contain_text("Mine")


def test_what_is_found_is_mended_and_a_menu_is_pasted_by_keyboard(menu):
    expect(menu.locator(".finding")).to_contain_text("Nothing answers 200 to 499 tokens.")
    menu.locator("[data-focus=fix]").press("Enter")
    expect(menu.locator("[data-told]")).to_have_text("Mended in your draft.")
    expect(menu.locator(".finding")).to_have_count(0)
    pressed(menu, "Import, export")
    expect(menu.get_by_label("Paste a menu")).to_be_focused()
    menu.keyboard.type("10-20 hello, 5 sec, low; 20-10 x; 21+ wave, 9 sec, strong")
    menu.get_by_role("button", name="See what it would be").press("Enter")
    expect(menu.get_by_role("dialog")).to_contain_text("2 taken, 1 refused")
    assert menu.evaluate(_WIDER) <= 0
    menu.get_by_role("button", name="Put it in the draft").press("Enter")
    expect(titles(menu)).to_have_count(2)
