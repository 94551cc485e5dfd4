"""Every page, in both themes and three widths, and read otherwise than usual: axe finds nothing, nothing is
cut off, and none is wider than its window. In all states of a show `make screenshots` looks at them."""

import hashlib

import pytest
from playwright.sync_api import expect

from tests.browser import axe, reflow
from tests.browser.camera import SIZES, THEMES
from tests.browser.stage import CONNECTED, STAFF

HERS = ("/", "/devices", "/devices/pair", "/menu", "/menu/versions", "/menu/import", "/patterns", "/history")
HERS += ("/history?from=2026-02-31", "/statistics", "/preferences/limits", "/preferences/noticing")
HERS += ("/preferences/look", "/account", "/welcome/start", "/welcome/rehearsal")
# What a page shows in between it shows in one of these, in the same colours.
EDGES = (SIZES[0], SIZES[-1])
# What comes over her pages, by what opens it.
OVER = (
    ("/", "Control+k"),
    ("/", "?"),
    ("/menu", "Fireworks"),
    ("/menu", "Begin anew…"),
    ("/patterns", "Record one…"),
)
OF_STAFF = (
    "/staff/tips",
    "/staff/deliveries",
    "/staff/devices",
    "/staff/statistics?period=30d",
    "/staff/performers",
    "/staff/performers?q=name:per*+menu:none",
    "/staff/find?q=performer-1",  # her page
    "/staff/queue",
    "/staff/audit",
    "/staff/audit?q=actor:a+colour:red",
    "/staff/dead-letters",
    "/staff/reconciliation",
    "/staff/emissions",
    "/staff/access",
    "/staff/access/performers?q=performer-1",
    "/staff/access/clients",
    "/staff/access/log-ins",
    "/staff/account",
    "/staff/style",
    "/api/docs",
    "/api/docs?q=tips",
    "/",  # is not for this account
)
# Of Django's admin the start, and of its lists those with a search, with the longest values, and of accounts.
RECORDS = ("", "tips/tip/", "inbox/webhookdelivery/", "auth/user/")
_COVERED = """() => {
    const stop = document.querySelector(":popover-open [data-kind=stop]").getBoundingClientRect();
    const places = [[0.5, 0.5], [0.02, 0.1], [0.98, 0.1], [0.02, 0.9], [0.98, 0.9]];
    return places.filter(([x, y]) => !document
        .elementFromPoint(stop.left + x * stop.width, stop.top + y * stop.height)
        .closest("[data-kind=stop]"));
}"""
# Of the page of components the group of what is open: another test looks at the others in every way.
_ALONE = """() => document.querySelectorAll(".style__group:not(:has(:popover-open))")
    .forEach((group) => group.remove())"""


def faults(page):
    """Of a page that is loaded once: by width and theme, and by how else it is read. What is scaled or
    coloured by a transition is looked at when it has ended."""
    found = {}
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES if (width, height) in EDGES else THEMES[:1]:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            found[f"{width} {theme}"] = axe.findings(page, colours_alone=theme != THEMES[0])
        found[f"{width}"] = reflow.findings(page)
    found |= reflow.otherwise(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    return {where: said for where, said in found.items() if said}


@pytest.fixture(scope="module")
def hers(chrome, the_stage, cast):
    """One page for all of hers: what is looked at leaves nothing behind."""
    with chrome.new_context() as opened:
        page = opened.new_page()
        the_stage.log_in(page, next(cast).name)
        yield page


@pytest.fixture(scope="module")
def staff(chrome, the_stage, cast):
    """A page of somebody of the staff, who is enrolled with the cast and has no page at the start."""
    with chrome.new_context() as opened:
        page = opened.new_page()
        the_stage.log_in(page, STAFF)
        yield page


def test_axe_is_the_one_that_its_licence_names():
    licence = (axe.AXE.parent / "axe.LICENSE").read_text()
    assert "axe-core 4.14.1" in licence
    assert hashlib.sha256(axe.AXE.read_bytes()).hexdigest() in licence


def test_planted_faults_are_found(context, the_stage):
    page = context.new_page()
    page.goto(f"{the_stage.url}/login")
    page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert any(said.startswith("button-name") for said in axe.findings(page))
    assert reflow.findings(page) == []
    page.evaluate("document.querySelector('h1').style.cssText = 'width: 24px; overflow: hidden; height: 1lh'")
    assert any("px cut" in said for said in reflow.findings(page))
    page.evaluate("document.querySelector('h1').style.cssText = 'width: 3000px'")
    assert any("too wide" in said for said in reflow.findings(page))


def test_the_page_to_log_in(context, the_stage):
    page = context.new_page()
    page.goto(f"{the_stage.url}/login")
    assert faults(page) == {}


def at(page, the_stage, address):
    page.goto(f"{the_stage.url}{address}")
    page.locator("[data-socket]", has_text=CONNECTED).wait_for()


@pytest.mark.parametrize("address", HERS)
def test_hers(hers, the_stage, address):
    at(hers, the_stage, address)
    assert faults(hers) == {}


@pytest.mark.parametrize(("address", "opened"), OVER)
def test_what_comes_over_hers(hers, the_stage, address, opened):
    at(hers, the_stage, address)
    if opened in ("Control+k", "?"):
        hers.keyboard.press(opened)
    else:
        hers.get_by_role("link", name=opened, exact=True).press("Enter")
    expect(hers.get_by_role("dialog")).to_be_visible()
    assert faults(hers) == {}


@pytest.mark.parametrize("address", OF_STAFF)
def test_of_the_staff(staff, the_stage, address):
    staff.goto(f"{the_stage.url}{address}")
    assert faults(staff) == {}


@pytest.fixture(scope="module")
def tipped(the_stage, cast):
    """Somebody was, so that there is a tip, and what it came in."""
    return the_stage.tip(next(cast), 150)


@pytest.mark.parametrize("records", RECORDS)
def test_of_djangos_admin_a_list_and_a_row(staff, the_stage, tipped, records):
    staff.goto(f"{the_stage.url}/admin/{records}")
    assert faults(staff) == {}
    if records:
        staff.locator("#result_list th a").first.click()
        staff.locator(".readonly").first.wait_for()
        assert faults(staff) == {}


@pytest.mark.parametrize("opened", ["Clear…", "Change…", "More"])
def test_what_comes_over_a_page(staff, the_stage, opened):
    page = staff
    page.goto(f"{the_stage.url}/staff/style")
    page.get_by_role("button", name=opened).first.click()
    page.locator(":popover-open").wait_for()
    assert axe.findings(page) == []
    page.evaluate(_ALONE)
    assert faults(page) == {}
    if opened != "More":
        assert page.evaluate(_COVERED) == []
    page.keyboard.press("Escape")
    assert page.locator(":popover-open").count() == 0
    assert page.evaluate("document.activeElement.textContent.trim()") == opened


def test_a_dialog_keeps_the_focus_and_its_stop_is_reached_by_tab(staff, the_stage):
    page = staff
    page.goto(f"{the_stage.url}/staff/style")
    page.get_by_role("button", name="Clear…").first.click()
    words = []
    for _ in range(4):
        words.append(page.evaluate("document.activeElement.textContent.trim().split(/\\s+/)[0]"))
        page.keyboard.press("Tab")
    assert words == ["Keep", "Remove", "STOP", "Keep"]


def test_a_chart_is_read_by_arrow_keys_and_a_level_is_drawn_by_them(staff, the_stage):
    page = staff
    page.goto(f"{the_stage.url}/staff/style")
    cursor = page.get_by_label("Cursor of light: tokens per hour")
    cursor.press("End")
    cursor.press("ArrowLeft")
    cursor.press("ArrowLeft")
    assert cursor.get_attribute("aria-valuetext") == "21:00: 420"
    pad = page.get_by_role("slider", name="Drawing pad: strength, 4 s").first
    pad.press("ArrowRight")
    pad.press("ArrowUp")
    assert pad.get_attribute("aria-valuetext").startswith("0.1 s: ")
    before = int(pad.get_attribute("aria-valuenow"))
    pad.press("ArrowDown")
    assert int(pad.get_attribute("aria-valuenow")) == before - 1


def test_only_the_fonts_and_styles_of_a_page_are_fetched_and_from_here(context, the_stage):
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(the_stage.url)))
    page.goto(f"{the_stage.url}/login")
    page.evaluate("document.fonts.ready")
    assert [url for url in asked if not url.startswith("/")] == []
    assert [url for url in asked if url.endswith((".woff2", ".css"))] == [
        "/static/fonts/figtree-latin.woff2",
        "/static/css/bare.css",
        "/static/css/tokens.css",  # in production these are in it
        "/static/css/base.css",
    ]


# As Django writes the numbers of twenty pages.
_MANY_PAGES = """() => {
    const pages = document.querySelector(".paginator");
    for (let number = 20; number; number--) {
        const link = Object.assign(document.createElement("a"), { href: `?p=${number}`, text: number });
        pages.prepend(link, " ");
    }
}"""


def test_a_list_of_djangos_admin_is_no_wider_than_a_narrow_window(staff, the_stage):
    staff.goto(f"{the_stage.url}/admin/tips/tip/")
    for width, height in (reflow.NARROW, (360, 780)):
        staff.set_viewport_size({"width": width, "height": height})
        assert reflow.findings(staff) == []
    staff.evaluate(_MANY_PAGES)
    staff.set_viewport_size({"width": reflow.NARROW[0], "height": reflow.NARROW[1]})
    assert reflow.findings(staff) == []
