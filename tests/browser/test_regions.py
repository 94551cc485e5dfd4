"""The regions of a page, which are fetched again while she works in them: what she does there is kept."""

from playwright.sync_api import expect

NEWS = "topic => document.body.dispatchEvent(new CustomEvent(`news-${topic}`))"

UNFORESEEN = "button => { button.setAttribute('hx-vals', 'minutes: 7'); button.click(); }"
KEPT = "element => element.isKept === true"  # it is the same element, and not one that reads the same


def test_focus_what_was_typed_and_the_caret_survive_a_swap(live, the_stage):
    live.goto(f"{the_stage.url}/menu")
    live.get_by_role("switch", name="Fireworks").press("Enter")
    note = live.get_by_label("Note for your history")
    note.fill("My first menu")
    note.evaluate("field => { field.setSelectionRange(3, 8); field.isKept = true; }")
    live.get_by_role("switch", name="Soft wave").evaluate("button => button.click()")
    expect(live.locator("#region-publish .changes li")).to_have_count(2)
    expect(note).to_be_focused()
    expect(note).to_have_value("My first menu")
    assert note.evaluate("field => [field.selectionStart, field.selectionEnd]") == [3, 8]
    assert note.evaluate(KEPT)


def test_a_button_keeps_its_place_in_the_page_when_a_row_comes_before_it(live, the_stage, ana):
    the_stage.tip(ana, 60)
    button = live.get_by_role("button", name="Remove: Soft wave, 60 tokens")
    button.focus()
    button.evaluate("button => (button.isKept = true)")
    the_stage.tip(ana, 70)
    expect(live.locator("#region-queue .queue")).to_contain_text("2 waiting")
    live.get_by_role("button", name="Move up: Soft wave, 70 tokens").evaluate("up => up.click()")
    expect(live.locator(".queue .who").first).to_contain_text("70 tokens")
    expect(button).to_be_focused()
    assert button.evaluate(KEPT)


def test_a_refusal_that_nobody_foresaw_is_said_and_the_page_stays(live, complaints):
    live.locator("#pause-5").evaluate(UNFORESEEN)
    expect(live.locator("[data-told]")).to_have_text("That is not possible here. Nothing was changed.")
    expect(live.locator("[data-told]")).to_have_attribute("data-tone", "bad")
    assert [text for text in complaints if "400" not in text] == []
    complaints.clear()
