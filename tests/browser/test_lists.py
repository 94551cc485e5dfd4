"""A list of the staff's, by keys alone: what is typed is completed, rows are gone through, looked at, marked;
and what is new waits while somebody is busy with it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.stage import STAFF

_RECORD = """
from datetime import timedelta
from ground import clock
from ground.audit import log
for number in range({count}):
    log.record(kind="performer", action={action!r}, by="night-shift", target=f"t-{{number}}",
        now=clock.now() - timedelta(minutes=number), before={{"mode": "fifo"}}, after={{"mode": "batch"}})
"""
SOON = "for (const list of document.querySelectorAll('st-records')) list.look()"


@pytest.fixture(scope="package")
def record(the_stage):
    def done(action, count=1):
        the_stage.stack.manage("shell", "-v0", "-c", _RECORD.format(action=action, count=count))

    done("pause", 12)
    return done


@pytest.fixture
def audit(context, the_stage, cast, record):
    page = context.new_page()
    the_stage.log_in(page, STAFF)
    page.goto(f"{the_stage.url}/staff/audit?q=actor:night-shift")
    return page


def test_what_is_typed_is_completed_by_keys_and_asked(audit, the_stage):
    audit.goto(f"{the_stage.url}/staff/audit")
    field = audit.get_by_role("combobox")
    field.press_sequentially("actor:ni")
    expect(audit.get_by_role("option", name="actor:night-shift")).to_be_visible()
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value("actor:night-shift ")
    field.press_sequentially("-success:f")
    expect(audit.get_by_role("option", name="-success:false")).to_be_visible()
    field.press("ArrowDown")
    field.press("Enter")
    expect(audit.get_by_role("option", name="actor:")).to_be_visible()
    field.press("Escape")
    expect(audit.get_by_role("listbox")).to_be_hidden()
    expect(field).to_have_value("actor:night-shift -success:false ")
    field.press("Enter")
    expect(audit.get_by_label("Without actor:night-shift")).to_be_visible()
    expect(audit).to_have_url(re.compile(r"q=actor%3Anight-shift"))
    audit.get_by_role("combobox").press("End")
    expect(audit.get_by_role("listbox")).to_be_visible()
    audit.get_by_role("combobox").press("Escape")
    expect(audit.get_by_role("listbox")).to_be_hidden()
    audit.get_by_role("combobox").press("Escape")
    expect(audit.get_by_role("combobox")).to_have_value("")


def test_rows_are_gone_through_looked_at_marked_and_opened_by_keys(audit):
    for key in ("j", "j", "k", "ArrowDown", "x", "j", "j", "Shift+X"):
        audit.keyboard.press(key)
    expect(audit.locator("[data-marked]")).to_have_text("3 marked")
    row = audit.evaluate("document.activeElement.dataset.record")
    audit.keyboard.press("Enter")
    drawer = audit.locator("#peek")
    expect(drawer).to_contain_text("What changed")
    expect(drawer).to_be_visible()
    audit.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    assert audit.evaluate("document.activeElement.dataset.record") == row
    audit.keyboard.press("Escape")
    expect(audit.locator("[data-marked]")).to_be_hidden()
    audit.keyboard.press("o")
    expect(audit).to_have_url(re.compile(f"/staff/audit/{row}"))


def test_what_is_new_waits_while_somebody_is_busy_and_comes_when_nobody_is(audit, record):
    audit.keyboard.press("j")
    audit.keyboard.press("x")
    record("resume")
    audit.evaluate(SOON)
    new = audit.get_by_role("button", name="1 new")
    expect(new).to_be_visible()
    expect(audit.locator("tbody")).not_to_contain_text("Resume")
    new.press("Enter")
    expect(audit.locator("tbody")).to_contain_text("Resume")
    audit.evaluate("document.activeElement.blur()")
    audit.evaluate("for (const box of document.querySelectorAll('[data-mark]:checked')) box.checked = false")
    record("skip")
    audit.evaluate(SOON)
    expect(audit.locator("tbody")).to_contain_text("Skip")
