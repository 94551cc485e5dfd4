"""Times of the staff's lists: how long ago, the exact one on focus and for who does not see, by whose clock;
and a light that nobody refreshed."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.stage import STAFF

_RECORD = """
from datetime import timedelta
from ground import clock
from ground.audit import log
for back in (timedelta(minutes=3, seconds=5), timedelta(days=1), timedelta(days=400)):
    log.record(kind="performer", action="pause", by="of-times", target="t", now=clock.now() - back)
"""
EXACT = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$")
LIST = "/staff/audit?q=actor:of-times+archive:yes"


@pytest.fixture
def audit(chrome, complaints, the_stage, cast):
    with chrome.new_context(timezone_id="Asia/Kolkata") as context:
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        page = context.new_page()
        the_stage.log_in(page, STAFF)
        page.goto(f"{the_stage.url}{LIST}")
        yield page
    assert complaints == []


@pytest.fixture(scope="module", autouse=True)
def _recorded(the_stage, cast):
    the_stage.stack.manage("shell", "-v0", "-c", _RECORD)


def opacity(time):
    parts = (".ui-when__ago", ".ui-when__exact")
    return [time.locator(part).evaluate("e => getComputedStyle(e).opacity") for part in parts]


def test_a_list_says_how_long_ago_and_the_row_in_focus_says_when(audit):
    times = audit.locator("tbody time")
    expect(times.nth(0).locator(".ui-when__ago")).to_have_text(re.compile(r"^[34] min ago$"))
    expect(times.nth(1).locator(".ui-when__ago")).to_have_text(re.compile(r"^yesterday \d\d:\d\d$"))
    expect(times.nth(2).locator(".ui-when__ago")).to_have_text(re.compile(r"^\d+ [A-Z][a-z]{2} 20\d\d$"))
    assert opacity(times.nth(0)) == ["1", "0"]
    audit.keyboard.press("j")
    assert opacity(times.nth(0)) == ["0", "1"]
    expect(times.nth(0).locator(".ui-when__exact")).to_have_text(EXACT)
    assert opacity(times.nth(1)) == ["1", "0"]
    times.nth(1).hover()
    assert opacity(times.nth(1)) == ["0", "1"]


def size(time):
    return time.locator(".ui-when__exact").evaluate("e => e.getBoundingClientRect().width")


def test_where_no_row_takes_the_focus_its_list_does_once(audit, the_stage):
    audit.goto(f"{the_stage.url}/staff/account")
    listed = audit.get_by_role("list", name="Where she is logged in")
    time = listed.locator("time").first
    expect(time.locator(".ui-when__ago")).to_have_text(re.compile(" ago$"))
    assert (size(time), listed.locator("[tabindex]").count()) == (1, 0)
    told = listed.aria_snapshot()
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", told)
    seek(audit, listed)
    assert size(time) > 50
    expect(time.locator(".ui-when__ago")).to_be_hidden()


ALONE = """<p><time id="alone" datetime="2026-01-03T04:15:00Z" data-when="exact" data-ago>
  <span class="ui-when__ago"></span><span class="ui-when__exact"></span></time></p>"""


def test_what_takes_the_focus_has_a_name(audit, the_stage):
    """A list that has none is called as its heading says; a time outside of any takes no focus."""

    def bare(route):
        html = route.fetch().text().replace(' aria-label="Where she is logged in"', "")
        route.fulfill(body=html.replace("</main>", f"{ALONE}</main>"), content_type="text/html")

    audit.route("**/staff/account", bare)
    audit.goto(f"{the_stage.url}/staff/account")
    expect(audit.locator("#alone .ui-when__ago")).not_to_be_empty()
    listed = audit.locator("ul[tabindex='0']").first
    expect(listed).to_have_accessible_name("Where you are logged in")
    expect(audit.locator("#alone")).not_to_have_attribute("tabindex", "0")


def test_the_strip_says_exactly_when_it_looked_while_it_has_the_focus(audit):
    word = audit.locator("a.desk__word")
    time = word.locator("time")
    assert size(time) == 1
    seek(audit, word)
    assert size(time) > 50


def test_a_table_without_rows_to_go_through_says_it_while_it_has_the_focus(audit, the_stage, cast):
    ana = next(cast)
    the_stage.tip(ana, 50)
    audit.goto(f"{the_stage.url}/staff/performers/{ana.performer_id}")
    table = audit.get_by_role("region", name="Tips", exact=True)
    while not table.count():  # it is accepted, and not unfolded yet
        audit.reload()
    time = table.locator("time").first
    assert opacity(time) == ["1", "0"]
    seek(audit, table)
    assert opacity(time) == ["0", "1"]


def seek(page, wanted):
    """By Tab, from the beginning of the page."""
    page.locator("body").focus()
    for _ in range(100):
        page.keyboard.press("Tab")
        if wanted.evaluate("e => e === document.activeElement"):
            return
    pytest.fail("Tab does not reach it")


def test_who_does_not_see_is_told_the_exact_one(audit):
    told = audit.locator("tbody tr").first.aria_snapshot()
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", told)
    assert "min ago" not in told


def test_the_switch_turns_every_time_at_once_and_is_kept(audit):
    exact = audit.locator("tbody .ui-when__exact").first
    in_utc = exact.inner_text()
    account = audit.get_by_role("button", name="Account of")
    account.click()
    with audit.expect_response(lambda answer: answer.url.endswith("/staff/times")) as said:
        audit.get_by_role("button", name="Times by your clock").click()
    assert said.value.status == 204
    expect(exact).to_have_text(re.compile(r"\+05:30$"))
    moment = audit.evaluate(
        "words => Date.parse(words.replace(' ', 'T').replace(' ', ''))", exact.inner_text()
    )
    assert moment == audit.evaluate(
        "words => Date.parse(words.replace(' UTC', 'Z').replace(' ', 'T'))", in_utc
    )
    audit.reload()
    expect(exact).to_have_text(re.compile(r"\+05:30$"))
    audit.keyboard.press("j")
    audit.keyboard.press("Enter")
    expect(audit.locator("#peek time").first).to_have_text(re.compile(r"\+05:30$"))
    audit.keyboard.press("Escape")
    account.click()
    audit.get_by_role("button", name="Times in UTC").click()
    expect(exact).to_have_text(in_utc)


def test_without_a_script_a_list_is_in_utc(chrome, the_stage, cast):
    with chrome.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        the_stage.log_in(page, STAFF)
        page.goto(f"{the_stage.url}{LIST}")
        expect(page.locator("tbody time").first).to_have_text(EXACT)
        expect(page.get_by_role("button", name="Times by your clock")).to_be_hidden()


def test_a_light_that_nobody_refreshed_is_not_green(audit):
    """Also where nothing is fetched: its last look was an hour ago."""
    audit.route("**/staff/strip", lambda route: route.abort())
    audit.evaluate(
        """() => {
          const light = document.querySelector(".desk__word");
          light.dataset.goodFor = "150";
          light.querySelector(".badge").dataset.tone = "good";
          light.querySelector("time")?.remove();
          light.append(Object.assign(document.createElement("time"), { dateTime: "2026-01-03T04:15:00Z" }));
        }"""
    )
    light = audit.locator(".desk__word .badge")
    expect(light).to_have_text("Not known")
    expect(light).to_have_attribute("data-tone", "idle")
    expect(audit.locator(".desk__rate")).to_be_hidden()
