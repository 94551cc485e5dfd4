"""Dead letters and dead emissions by keys alone: rows are marked, looked at again, and sent back; what comes
meanwhile waits, and no mark is lost."""

import pytest
from playwright.sync_api import expect

from tests.browser.stage import CONNECTED, STAFF
from tests.browser.test_regions import settle
from tests.browser.test_staff_tasks import _BURIED

REFRESH = "document.querySelector('#region-letters').dispatchEvent(new Event('fresh'))"


@pytest.fixture
def buried(the_stage, ana):
    def done(count, cause="busy"):
        for _ in range(count):
            the_stage.tip(ana, 100)
        code = _BURIED.format(lane=ana.performer_id).replace("busy", cause)
        the_stage.stack.manage("shell", "-v0", "-c", code)

    return done


@pytest.fixture
def letters(context, the_stage, buried):
    buried(4)
    page = context.new_page()
    the_stage.log_in(page, STAFF)
    page.goto(f"{the_stage.url}/staff/dead-letters?cause=busy")
    expect(page.locator("[data-socket]")).to_have_text(CONNECTED)
    settle(page)
    return page


def marked(page):
    return page.evaluate("[...document.querySelectorAll('[data-mark]:checked')].map((box) => box.value)")


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def test_a_range_is_marked_and_sent_back_by_keys(letters):
    before = letters.locator("tbody tr").count()
    press(letters, "j", "x", "j", "j", "Shift+X")
    expect(letters.locator("[data-marked]")).to_have_text("3 marked")
    press(letters, "b")
    expect(letters.get_by_label("The 3 marked")).to_be_focused()
    press(letters, "Escape")
    expect(letters.locator("tbody tr").nth(2)).to_be_focused()
    press(letters, "b", "Tab")
    while letters.evaluate("document.activeElement.name") != "reason":
        press(letters, "Tab")
    letters.keyboard.insert_text("her device answers again")
    press(letters, "Enter")
    expect(letters.get_by_role("status").filter(has_text="3 sent back.")).to_be_visible()
    assert letters.locator("tbody tr").count() == before - 3


def test_marks_are_taken_away_and_a_page_is_marked(letters):
    press(letters, "j", "x", "Escape")
    assert marked(letters) == []
    letters.get_by_label("Mark this page").check()
    rows = letters.locator("tbody tr").count()
    expect(letters.locator("[data-marked]")).to_have_text(f"{rows} marked")
    letters.locator("tbody input").first.uncheck()
    expect(letters.locator("[data-marked]")).to_have_text(f"{rows - 1} marked")


def test_what_comes_meanwhile_waits_and_takes_no_mark_away(letters, buried):
    press(letters, "j", "x", "j", "x")
    chosen = marked(letters)
    assert len(chosen) == 2
    buried(1)
    new = letters.get_by_role("button", name="1 new")
    expect(new).to_be_visible()
    assert marked(letters) == chosen
    rows = letters.locator("tbody tr")
    before = rows.count()
    new.press("Enter")
    expect(rows).to_have_count(before + 1)
    assert sorted(marked(letters)) == sorted(chosen)
    expect(letters.locator("[data-marked]")).to_have_text("2 marked")


def test_a_marked_one_that_another_admin_sent_back_is_told_and_others_stay_marked(
    letters, the_stage, complaints
):
    press(letters, "j", "x", "j", "x")
    first, second = marked(letters)
    key = first.partition(" ")[0]
    the_stage.stack.manage("dead_letters", "replay", key)
    with letters.expect_response(lambda answer: "/staff/dead-letters" in answer.url):
        letters.evaluate(REFRESH)
    expect(letters.locator("[data-marked]")).to_have_text("2 marked, 1 not on this page")
    press(letters, "b", "Tab")
    while letters.evaluate("document.activeElement.name") != "reason":
        press(letters, "Tab")
    letters.keyboard.insert_text("her device answers again")
    with letters.expect_response(lambda answer: answer.request.method == "POST") as said:
        press(letters, "Enter")
    assert said.value.status == 409
    refused = letters.get_by_role("alert").filter(has_text="1 of 2 marked has moved meanwhile")
    expect(refused).to_be_visible()
    assert marked(letters) == [second]
    complaints.clear()  # Chromium's own, of the 409


def test_a_refused_press_keeps_the_marks_of_what_is_not_on_the_page(letters, the_stage, complaints):
    press(letters, "j", "x", "j", "x")
    first, second = marked(letters)
    the_stage.stack.manage("dead_letters", "replay", first.partition(" ")[0])
    with letters.expect_response(lambda answer: "/staff/dead-letters" in answer.url):
        letters.evaluate(REFRESH)
    for status, said in ((422, "2 marked, 1 not on this page"), (409, "1 marked")):
        press(letters, "b", "Tab")
        while letters.evaluate("document.activeElement.name") != "reason":
            press(letters, "Tab")
        letters.keyboard.insert_text("" if status == 422 else "her device answers again")
        with letters.expect_response(lambda answer: answer.request.method == "POST") as answer:
            press(letters, "Enter")
        assert answer.value.status == status
        expect(letters.locator("[data-marked]")).to_have_text(said)
        expect(letters.locator("[data-socket]")).to_have_text(CONNECTED)
    assert marked(letters) == [second]
    press(letters, "j", "Escape")
    expect(letters.locator("[data-marked-bar]")).to_be_hidden()
    complaints.clear()  # Chromium's own, of both refusals


def test_marks_that_have_all_moved_never_turn_into_all_that_match(letters, the_stage, complaints):
    press(letters, "j", "x")
    the_stage.stack.manage("dead_letters", "replay", marked(letters)[0].partition(" ")[0])
    for status in (409, 422):
        press(letters, "b")
        letters.get_by_label("Why").fill("her device answers again")
        with letters.expect_response(lambda answer: answer.request.method == "POST") as said:
            press(letters, "Enter")
        assert said.value.status == status
        expect(letters.locator("[data-socket]")).to_have_text(CONNECTED)
        expect(letters.locator("[name=scope][value=marked]")).to_be_checked()
    complaints.clear()  # Chromium's own, of both refusals


def test_what_dies_while_the_page_is_open_can_be_marked_and_sent_back(context, the_stage, buried):
    page = context.new_page()
    the_stage.log_in(page, STAFF)
    page.goto(f"{the_stage.url}/staff/dead-letters?cause=worker_died")
    expect(page.locator("[data-socket]")).to_have_text(CONNECTED)
    settle(page)
    many = page.get_by_role("region", name="Many at once")
    expect(many).to_be_hidden()
    buried(1, "worker_died")
    expect(page.locator("[data-record]")).to_have_count(1)
    expect(many).to_be_visible()
    press(page, "j", "x", "b")
    expect(page.get_by_label("The 1 marked")).to_be_focused()
    page.get_by_label("Why").fill("her worker is well again")
    press(page, "Enter")
    expect(page.get_by_role("status").filter(has_text="1 sent back.")).to_be_visible()


DIED = """
from ground import clock
from ground.mongodb.collections import collection
from tips.log import emission
from tips.models import FailedEmission
error = [{{"at": clock.iso(clock.now()), "error": "OverflowError"}}]
rows = [emission._dead("analytics", f"{{n:024x}}", n, error, clock.now()) for n in range({first}, {end})]
collection(FailedEmission).insert_many(rows)
"""


@pytest.fixture
def died(the_stage):
    """`died(2)`: so many more events that one consumer could not take."""
    made = iter(range(1, 10_000))

    def done(count):
        first = next(made)
        for _ in range(count - 1):
            next(made)
        the_stage.stack.manage("shell", "-v0", "-c", DIED.format(first=first, end=first + count))

    yield done
    code = "from tips.models import FailedEmission; FailedEmission.objects.all().delete()"
    the_stage.stack.manage("shell", "-v0", "-c", code)


def test_emissions_follow_the_news_and_wait_while_one_is_marked(context, the_stage, ana, died):
    died(2)
    page = context.new_page()
    the_stage.log_in(page, STAFF)
    page.goto(f"{the_stage.url}/staff/emissions")
    expect(page.locator("[data-socket]")).to_have_text(CONNECTED)
    settle(page)
    rows = page.locator("#region-emissions [data-record]")
    expect(rows).to_have_count(2)
    died(1)
    the_stage.tip(ana, 100)  # the news
    expect(rows).to_have_count(3)
    press(page, "j", "x")
    expect(page.locator("[data-marked]")).to_have_text("1 marked")
    died(1)
    the_stage.tip(ana, 100)
    page.evaluate("document.querySelector('#region-emissions').dispatchEvent(new Event('tick'))")
    expect(rows).to_have_count(3)
    press(page, "Escape")
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    the_stage.tip(ana, 100)
    expect(rows).to_have_count(4)
