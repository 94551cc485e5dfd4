"""Staff take something that needs a look, note what was done and close it, by keyboard."""

import re

from playwright.sync_api import expect

from tests.browser.stage import STAFF
from tests.browser.test_axe import faults

_ROUND = """
from adminpanel.doubt import keeping
from ground import clock
keeping.keep(now=clock.now())
"""


def says(page, act, why, answer):
    page.locator("summary", has_text=act).press("Enter")
    page.get_by_role("textbox", name="Why").locator("visible=true").fill(why)
    page.keyboard.press("Enter")
    expect(page.get_by_text(answer)).to_be_visible()


def test_a_conflict_is_taken_noted_closed_and_still_found(context, the_stage, ana):
    tip_id = the_stage.tip(ana, 25)
    data = {"tipId": tip_id, "totalPrice": 900, "tipper": {"userId": "5" * 24, "username": "bob"}}
    data |= {"recipient": {"performerId": ana.performer_id, "username": ana.name}}
    data["createdAt"] = "2026-01-03T04:15:00.000Z"
    assert the_stage.send("tip.succeeded", data).status_code == 409
    the_stage.stack.manage("shell", "-v0", "-c", _ROUND)
    page = context.new_page()
    the_stage.log_in(page, STAFF)
    page.goto(f"{the_stage.url}/staff/reconciliation")
    assert faults(page) == {}
    page.get_by_role("link", name=re.compile("^Other content")).first.press("Enter")
    expect(page.locator("h1")).to_have_text("Conflict")
    says(page, "Assign to me", "I look into it", "It is assigned to you.")
    says(page, "Note", "The platform was asked", "It is noted.")
    assert faults(page) == {}
    page.get_by_role("link", name="All of them").press("Enter")
    row = page.locator("tr", has_text="The platform was asked")
    expect(row).to_contain_text(STAFF)
    assert faults(page) == {}
    row.get_by_role("link").first.press("Enter")
    says(page, "Close", "It was sent twice", "It is closed.")
    page.goto(f"{the_stage.url}/staff/reconciliation")
    expect(page.get_by_text("The platform was asked")).to_be_hidden()
    page.get_by_role("link", name="Solved", exact=True).press("Enter")
    expect(page.locator("tr", has_text="The platform was asked")).to_contain_text("Closed")
