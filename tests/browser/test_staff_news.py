"""Pages of staff: what has changed is there at once, nothing is asked while nothing changes, and a socket
that is away is said and costs no place."""

import pytest
from playwright.sync_api import expect

from tests.browser.stage import CONNECTED, STAFF
from tests.browser.test_regions import settle


@pytest.fixture
def staff(context, the_stage, cast):
    page = context.new_page()
    the_stage.log_in(page, STAFF)
    return page


def opened(page, address):
    """What it asks for from now on, beside what it asked as it was opened."""
    asked = []
    page.goto(address)
    expect(page.locator("[data-socket]")).to_have_text(CONNECTED)
    settle(page)
    page.on("request", lambda request: asked.append(request.url) if "/staff" in request.url else None)
    return asked


def test_a_tip_that_waits_is_on_the_page_of_the_queue_without_being_asked_for(staff, the_stage, ana):
    """What is waited for comes sooner than a page looks by itself."""
    asked = opened(staff, f"{the_stage.url}/staff/queue")
    waiting = staff.locator("#region-queue dl div", has_text="Waiting").locator("dd")
    before = waiting.inner_text()
    the_stage.tip(ana, 60)
    expect(waiting).not_to_have_text(before)
    assert asked


def test_a_tip_is_in_the_sums_of_the_overview(staff, the_stage, ana):
    opened(staff, f"{the_stage.url}/staff")
    tips = staff.locator("#region-overview dl", has_text="Commission").locator("dd").first
    before = int(tips.inner_text())
    the_stage.tip(ana, 60)
    expect(tips).to_have_text(str(before + 1))


def test_a_list_whose_rows_show_how_each_is_now_is_fetched_again_and_says_who_asks(staff, the_stage, ana):
    """Every look of it by itself is marked, so that it is no use of a session."""
    asked = []
    staff.goto(f"{the_stage.url}/staff/performers?q=name:{ana.name}")
    expect(staff.locator("[data-socket]")).to_have_text(CONNECTED)
    settle(staff)
    staff.on("request", lambda request: asked.append(request) if "/staff/performers" in request.url else None)
    the_stage.stack.manage("stop_performer", ana.performer_id, "--why", "she asked for it")
    the_stage.tip(ana, 60)
    expect(staff.locator("#region-records")).to_contain_text("Stopped")
    assert asked
    assert {request.headers.get("hx-request") for request in asked} == {"true"}


def nothing_changes(way):
    """Whatever else the platform does: a minute of it is counted every minute."""
    told = []

    def first(message):
        told.append(message)
        if len(told) == 1:
            way.send(message)

    way.connect_to_server().on_message(first)


@pytest.mark.parametrize("path", ["/staff", "/staff/queue", "/staff/dead-letters", "/staff/audit"])
def test_a_page_asks_for_nothing_while_nothing_changes_and_looks_every_half_minute(staff, the_stage, path):
    staff.route_web_socket("**/ws/admin*", nothing_changes)
    staff.clock.install()
    asked = opened(staff, the_stage.url + path)
    staff.clock.fast_forward(25_000)
    settle(staff)
    assert asked == []
    staff.clock.fast_forward(6_000)
    settle(staff)
    assert 0 < len(asked) <= 2  # the region, and the strip


def test_a_list_says_what_is_new_as_soon_as_it_is(staff, the_stage, ana):
    staff.goto(f"{the_stage.url}/staff/tips?q=performer:{ana.name}")
    expect(staff.locator("[data-socket]")).to_have_text(CONNECTED)
    staff.get_by_role("button", name="Hold").click()
    the_stage.tip(ana, 60)
    expect(staff.locator("[data-new]")).to_have_text("1 new")


def test_a_socket_that_is_away_is_said_without_anything_giving_way(staff, the_stage):
    opened(staff, f"{the_stage.url}/staff/queue")
    place = staff.locator("h1").bounding_box()
    expect(staff.locator("[data-socket]")).to_be_hidden()
    staff.route_web_socket("**/ws/admin*", lambda socket: socket.close())
    staff.evaluate("dispatchEvent(new Event('offline'))")
    expect(staff.locator("[data-socket]")).to_be_visible()
    expect(staff.locator("[data-socket]")).to_have_text("Not connected")
    assert staff.locator("h1").bounding_box() == place
    with staff.expect_request("**/staff/queue"):  # every five seconds
        pass
    staff.unroute_all()
    staff.reload()
    expect(staff.locator("[data-socket]")).to_be_hidden()
