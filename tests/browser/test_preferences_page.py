"""Her preferences in a window that began as Live: saved and refused without leaving the document, taken over
at once, and nothing fetched over what she types."""

import re

import httpx
import pytest
from playwright.sync_api import expect

ROOT = "document.documentElement.dataset"
MARK = "window.isStillTheSame = true"


def opened(page, section):
    """In the same document, as a link goes there."""
    page.get_by_role("navigation", name="Sections").get_by_role("link", name=section, exact=True).click()
    expect(page.get_by_role("heading", name=section, level=2)).to_be_visible()


def save(page):
    page.locator("#content").get_by_role("button", name="Save").click()


@pytest.fixture
def hers(live, complaints):
    """The first section, reached by its keys from Live."""
    live.evaluate(MARK)
    live.keyboard.press("g")
    live.keyboard.press(",")
    expect(live.get_by_role("heading", name="Limits")).to_be_visible()
    yield live
    assert live.evaluate("window.isStillTheSame")
    complaints[:] = [said for said in complaints if not re.search(r" (409|422) ", said)]


def test_a_section_is_saved_refused_and_changed_elsewhere_in_one_document(hers, the_stage, context):
    seconds, strength = hers.get_by_label("Longest run"), hers.get_by_label("Strongest level")
    strength.fill("77")
    seconds.fill("9")
    save(hers)
    expect(hers.get_by_role("alert").filter(has_text="Nothing was saved")).to_be_focused()
    expect(strength).to_have_value("77")
    strength.fill("7")
    save(hers)
    expect(hers.get_by_text("Limits: saved.")).to_be_visible()
    expect(hers.get_by_role("heading", name="Preferences")).to_be_focused()
    strength.fill("9")
    put(the_stage, context, {"maximumIntensity": 5})
    save(hers)
    expect(hers.get_by_role("alert").filter(has_text="Changed on another page")).to_be_focused()
    expect(hers.locator(".preferences__theirs")).to_have_text("Now it is 5. What you chose stands above.")
    expect(strength).to_have_value("9")
    save(hers)
    expect(hers.get_by_text("Limits: saved.")).to_be_visible()
    put(the_stage, context, {"maximumIntensity": 6})
    expect(strength).to_have_value("6")  # nothing is typed here: it is as the other one has it


def put(the_stage, context, body):
    """As another page of hers does."""
    cookies = {each["name"]: each["value"] for each in context.cookies()}
    headers = {"X-CSRFToken": cookies["csrftoken"], "Referer": the_stage.url}
    about = {"json": body, "cookies": cookies, "headers": headers, "trust_env": False}
    answer = httpx.put(f"{the_stage.url}/api/lovense/preferences", **about)
    assert answer.status_code == 200


def test_how_she_has_her_pages_is_so_at_once_and_her_keys_are_hers(hers):
    opened(hers, "Look")
    hers.get_by_role("radio", name="Dark").check()
    hers.get_by_label("Time zone").select_option("Pacific/Kiritimati")
    hers.get_by_role("radio", name="9:04 pm").check()
    save(hers)
    expect(hers.locator("html[data-theme=dark][data-clock='12']")).to_have_count(1)
    assert hers.evaluate(f"{ROOT}.zone") == "Pacific/Kiritimati"
    opened(hers, "Noticing")
    hers.get_by_label("Title of the tab").check()
    hers.get_by_role("button", name="Try it").click()
    expect(hers).to_have_title(re.compile("^⚠ Lush: battery low · "))
    opened(hers, "Keys")
    hers.get_by_role("switch", name=re.compile("^Keys")).uncheck()
    hers.get_by_label("One more key for STOP").select_option("F8")
    save(hers)
    expect(hers.locator("html[data-keys=off][data-stop-key=F8]")).to_have_count(1)
    hers.locator("h1").focus()
    hers.keyboard.press("g")
    hers.keyboard.press("l")
    hers.keyboard.press("F8")
    expect(hers.locator("#region-stop")).to_contain_text("Stopped")
    expect(hers.get_by_role("heading", name="Preferences")).to_be_visible()
