"""Staff find a performer and set an override for her: what it does is read before it is saved."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.stage import STAFF
from tests.browser.test_axe import faults


@pytest.fixture
def hers(context, the_stage, cast):
    """The page of one of the cast, found by her name."""
    page = context.new_page()
    the_stage.log_in(page, STAFF)
    page.goto(f"{the_stage.url}/staff/find?q={next(cast).name}")
    return page


def test_an_override_is_typed_read_saved_and_ended(hers, complaints):
    expect(hers).to_have_url(re.compile(r"/staff/performers/[0-9a-f]{24}$"))
    hers.locator("summary", has_text="Set an override").press("Enter")
    hers.get_by_label("Longest run").fill("3")
    hers.get_by_label("Until (UTC)").fill("2020-01-01T12:00")
    hers.get_by_role("button", name="See what it does").press("Enter")
    expect(hers.get_by_text("Must be in the future", exact=True)).to_be_visible()
    assert "422" in complaints.pop()
    assert faults(hers) == {}
    hers.get_by_label("Until (UTC)").fill(
        hers.evaluate("new Date(Date.now() + 864e5).toISOString().slice(0, 16)")
    )
    hers.get_by_role("button", name="See what it does").press("Enter")
    expect(hers.get_by_text("Longest run: 3 s, now 30 s.")).to_be_visible()
    assert faults(hers) == {}
    hers.get_by_label("Why").fill("agreed with her")
    hers.get_by_role("button", name="Save").press("Enter")
    expect(hers.get_by_text("Saved. It binds from now on.")).to_be_visible()
    expect(hers.get_by_role("cell", name="the override")).to_be_visible()
    hers.locator("summary", has_text="End now").press("Enter")
    assert faults(hers) == {}
    hers.get_by_label("Why").fill("it is over")
    hers.get_by_role("button", name="End now").press("Enter")
    expect(hers.get_by_text("The override has ended.")).to_be_visible()
    expect(hers.get_by_role("cell", name="the override")).to_be_hidden()
