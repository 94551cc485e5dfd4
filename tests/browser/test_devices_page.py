"""The page of devices against the whole running system and the vendor's simulator: a pairing from the press
of a button to the toys in the list, and what she does with them."""

import re
import uuid

import pytest
from playwright.sync_api import expect

from tests.browser import axe
from tests.browser.stage import CONNECTED

# The open pairings end in so many seconds.
_SHORTEN = """
from datetime import timedelta
from ground import clock
from ground.mongodb.collections import collection
from lovense.models import Pairing
over = clock.now() + timedelta(seconds={seconds})
collection(Pairing).update_many({{"open_for": {performer!r}}}, {{"$set": {{"expires_at": over}}}})
"""


@pytest.fixture
def pairing(live, the_stage, cloud):
    """Her page on which an app is paired, connected; the vendor has a phone with three toys and remembers
    nobody."""
    cloud.sim("reset")
    live.goto(f"{the_stage.url}/devices/pair")
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    return live


@pytest.fixture
def devices(pairing, cloud, the_stage):
    """Her page of devices, with the three toys of that phone."""
    paired(pairing, cloud)
    pairing.get_by_role("link", name="Done").click()
    expect(pairing.locator("[data-socket]")).to_have_text(CONNECTED)
    expect(pairing.locator(".toy")).to_have_count(3)
    return pairing


def stands_at(page, step):
    expect(page.locator(f"#region-pairing [data-step={step}]")).to_be_visible(timeout=45_000)


def shown_code(page):
    """As she reads it: with its picture, which is not there any more once the code has led to an app."""
    stands_at(page, "waiting")
    expect(page.locator(".ui-qr img")).to_have_js_property("complete", True)
    return page.locator(".ui-qr__code").inner_text()


def paired(page, cloud):
    """All the way; three toys are found."""
    page.get_by_role("button", name="Get a code").click()
    cloud.sim("scan", {"code": shown_code(page)})
    expect(page.locator(".walk__toy")).to_have_count(3, timeout=45_000)


def button(page, name, nickname):
    return page.get_by_role("button", name=f"{name} \u2068{nickname}\u2069")


def toggle(page, nickname):
    return page.get_by_role("switch", name=f"Plays: \u2068{nickname}\u2069")


# --- pairing -----------------------------------------------------------------------------------------------


def test_a_pairing_goes_from_the_picture_to_toys_that_are_named_without_a_reload(pairing, cloud):
    mark = uuid.uuid4().hex
    pairing.evaluate(f"window.mark = '{mark}'")
    pairing.get_by_role("button", name="Get a code").focus()
    pairing.keyboard.press("Enter")
    code = shown_code(pairing)
    picture = pairing.locator(".ui-qr img")
    assert picture.evaluate("picture => picture.naturalWidth") > 20
    assert picture.evaluate("picture => picture.clientWidth") >= 240
    expect(pairing.locator("[data-expires]")).to_have_text(re.compile(r"^1[45] min \d\d s$"))
    expect(pairing.locator("#pair")).to_be_focused()
    expect(pairing.locator("[data-said]")).to_have_text("Waiting for the app to scan the code.")
    no_wider_than_the_screen(pairing)
    for toy_id in cloud.toy_ids:
        cloud.sim(f"toys/{toy_id}", {"on": False})
    assert cloud.sim("scan", {"code": code})["callback"] == 200
    stands_at(pairing, "scanned")
    expect(pairing.locator("[aria-current=step]")).to_contain_text("Your toys are found")
    expect(pairing.locator("#region-hosts")).to_contain_text("on Android")
    for toy_id in cloud.toy_ids:
        cloud.sim(f"toys/{toy_id}", {"on": True})
    cloud.sim("heartbeat", {})
    stands_at(pairing, "connected")
    expect(pairing.locator("#region-pairing")).to_contain_text("3 toys found.")
    expect(pairing.locator("[data-said]")).to_have_text("Paired: 3 toys found.")
    expect(pairing.locator("#region-pairing")).to_contain_text("Nothing moves them yet")
    name = pairing.get_by_label("Name of this Lush")
    name.fill("Pinky")
    cloud.sim(f"toys/{cloud.toy_ids[0]}", {"battery": 17})
    cloud.sim("heartbeat", {})
    pairing.evaluate("document.body.dispatchEvent(new CustomEvent('news-devices'))")
    expect(name).to_have_value("Pinky")  # what was typed outlives the report
    name.press("Enter")
    expect(pairing.locator("[data-told]")).to_have_text("Saved: Pinky.")
    expect(pairing.locator("#region-hosts")).to_contain_text("Pinky")
    no_wider_than_the_screen(pairing)
    assert pairing.evaluate("window.mark") == mark


def test_what_the_vendor_refuses_is_said_until_the_pairing_moves_on(pairing, cloud):
    cloud.sim("faults", {"faults": ["qr/code:501"]})
    pairing.get_by_role("button", name="Get a code").click()
    error = pairing.locator("#pairing-error")
    expect(error.get_by_role("alert")).to_contain_text("This site cannot ask Lovense")
    pairing.evaluate("document.body.dispatchEvent(new CustomEvent('news-devices'))")
    expect(pairing.get_by_role("button", name="Try again")).to_be_visible()
    expect(error.get_by_role("alert")).to_be_visible()
    pairing.get_by_role("button", name="Cancel").click()
    stands_at(pairing, "start")
    expect(error).to_be_empty()


def test_while_the_vendor_is_asked_it_says_so_and_a_second_press_asks_nobody(pairing, cloud):
    asked = []
    pairing.on(
        "request",
        lambda sent: asked.append(sent.url) if sent.method == "POST" and "/pair" in sent.url else None,
    )
    cloud.sim("faults", {"faults": ["qr/slow:1"]})
    press = pairing.get_by_role("button", name="Get a code")
    press.click()
    press.click()
    expect(pairing.locator("#pairing-asking")).to_be_visible()
    shown_code(pairing)
    expect(pairing.locator("#pairing-asking")).to_be_hidden()
    assert len(asked) == 1


def test_a_code_expires_before_her_eyes_and_a_new_one_is_a_press_away(pairing, the_stage, ana):
    pairing.get_by_role("button", name="Get a code").click()
    first = shown_code(pairing)
    shorten = _SHORTEN.format(seconds=3, performer=ana.performer_id)
    the_stage.stack.manage("shell", "-v0", "-c", shorten)
    pairing.evaluate("document.body.dispatchEvent(new CustomEvent('news-devices'))")
    stands_at(pairing, "expired")
    expect(pairing.locator("[data-said]")).to_have_text("The code has expired.")
    pairing.get_by_role("button", name="Get a new code").click()
    assert shown_code(pairing) != first


def test_an_app_is_unpaired_and_paired_again_with_its_toys_as_they_were(devices, cloud, the_stage):
    toggle(devices, "Lush").click()
    expect(toggle(devices, "Lush")).not_to_be_checked()
    devices.goto(f"{the_stage.url}/devices/pair")
    expect(devices.locator("[data-socket]")).to_have_text(CONNECTED)
    devices.get_by_role("button", name=re.compile("^Unpair: ")).click()
    devices.get_by_role("dialog").get_by_role("button", name="Unpair it").click()
    expect(devices.locator("#region-hosts")).to_contain_text("None.")
    devices.get_by_role("button", name="Pair another app").click()
    phone = cloud.state()["phones"][0]["phone"]
    cloud.sim("scan", {"code": shown_code(devices), "phone": phone})
    expect(devices.locator(".walk__toy")).to_have_count(3, timeout=45_000)
    devices.goto(f"{the_stage.url}/devices")
    expect(toggle(devices, "Lush")).not_to_be_checked()


def test_a_code_is_shown_where_she_is_taken_to(pairing, cloud):
    paired(pairing, cloud)
    pairing.set_viewport_size({"width": 360, "height": 780})
    again = pairing.get_by_role("button", name=re.compile("^Pair again: "))
    again.scroll_into_view_if_needed()
    expect(pairing.locator("#pairing-title")).not_to_be_in_viewport()
    again.click()
    expect(pairing.locator("#pairing-title")).to_be_in_viewport()
    expect(pairing.locator(".ui-qr img")).to_be_in_viewport()


# --- her devices -------------------------------------------------------------------------------------------


def test_a_device_is_named_and_limited_by_keyboard_while_reports_come_in(devices, cloud, complaints):
    devices.get_by_role("link", name="Nora", exact=True).focus()
    devices.keyboard.press("Enter")
    expect(devices.locator("h1")).to_have_text("Nora")
    expect(devices.locator("[data-socket]")).to_have_text(CONNECTED)
    name = devices.get_by_label("Nickname")
    name.fill("lush")
    devices.get_by_label("Strength").fill("50")
    expect(devices.locator("#becomes")).to_contain_text("6 of 20")
    cloud.sim(f"toys/{cloud.toy_ids[1]}", {"battery": 17})
    cloud.sim("heartbeat", {})
    expect(devices.locator("#region-device")).to_contain_text("17 %")
    expect(name).to_have_value("lush")  # what was typed outlives the report
    name.press("Enter")
    expect(devices.locator("#device-form [role=alert]")).to_contain_text("is the name of another device")
    expect(devices.locator("#device-form [role=alert]")).to_be_focused()
    devices.keyboard.press("Tab")
    devices.keyboard.press("Enter")
    expect(devices.get_by_label("Nickname")).to_be_focused()
    devices.get_by_label("Nickname").fill("Red")
    devices.get_by_label("Strongest level, 1 to 20").first.fill("12")
    devices.keyboard.press("Enter")
    expect(devices.locator("[data-told]")).to_have_text("Saved.")
    expect(devices.locator("#region-device")).to_contain_text("up to 12 of 20")
    complaints.clear()  # the form that was refused
    assert axe.findings(devices) == []
    no_wider_than_the_screen(devices)


def test_another_page_of_hers_sees_what_is_switched_off(devices, cloud, open_another, the_stage):
    other = open_another()
    other.goto(f"{the_stage.url}/devices")
    expect(other.locator("[data-socket]")).to_have_text(CONNECTED)
    toggle(devices, "Max").focus()
    devices.keyboard.press("Space")
    expect(toggle(other, "Max")).not_to_be_checked()
    expect(toggle(devices, "Max")).to_be_focused()


def test_removing_asks_first_and_restoring_brings_it_back(devices, cloud, the_stage):
    devices.get_by_role("link", name="Max", exact=True).click()
    expect(devices.get_by_role("heading", name="Name and limits")).to_be_visible()
    expect(devices.locator("[data-socket]")).to_have_text(
        CONNECTED
    )  # before, the press leads to a page that asks
    dialog = devices.get_by_role("dialog")
    button(devices, "Remove", "Max").click()
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    devices.keyboard.press("Escape")
    expect(button(devices, "Remove", "Max")).to_be_focused()
    devices.keyboard.press("Enter")
    dialog.get_by_role("button", name="Remove it").click()
    expect(devices.get_by_role("heading", name="Removed")).to_be_visible()
    expect(devices.locator("#limits")).to_be_hidden()
    devices.get_by_role("link", name="Your devices").click()
    expect(devices.locator(".toy")).to_have_count(2)
    cloud.sim("heartbeat", {})
    button(devices, "Restore", "Max").click()
    expect(devices.locator(".toy")).to_have_count(3)
    expect(devices.get_by_role("heading", name="Removed")).to_be_hidden()


def test_a_toy_that_goes_says_why_without_a_reload(devices, cloud):
    cloud.sim(f"toys/{cloud.toy_ids[0]}", {"on": False})
    cloud.sim("heartbeat", {})
    expect(devices.locator("#region-devices")).to_contain_text("Its app does not reach it.")


# --- her tests ---------------------------------------------------------------------------------------------


@pytest.fixture
def virtual(live, the_stage, open_another):
    """Her page of devices, while another page of hers holds two virtual toys."""
    live.evaluate("localStorage.setItem('virtual-toys', 'gravity,lush')")
    live.reload()
    live.get_by_role("switch").check()
    expect(live.locator("#region-devices")).to_contain_text("Gravity")
    opened = open_another()
    opened.goto(f"{the_stage.url}/devices")
    expect(opened.locator("[data-socket]")).to_have_text(CONNECTED)
    return opened


THRUST = "Test at level 3 for 2 s: Thrusting of \u2068Gravity\u2069"


def test_what_thrusts_is_off_until_she_has_tested_it_and_said_so(virtual):
    virtual.get_by_role("link", name="Gravity", exact=True).click()
    expect(virtual.locator("[data-socket]")).to_have_text(CONNECTED)
    mark = uuid.uuid4().hex
    virtual.evaluate(f"window.mark = '{mark}'")
    region = virtual.locator("#region-device")
    expect(region).to_contain_text("Off until tested")
    virtual.get_by_role("button", name=THRUST).focus()
    virtual.keyboard.press("Enter")
    expect(region).to_contain_text("Testing Thrusting…")
    expect(virtual.get_by_role("button", name=THRUST)).to_be_focused()
    yes = virtual.get_by_role("button", name="It moved as expected: Thrusting of \u2068Gravity\u2069")
    expect(yes).to_be_visible()
    expect(virtual.locator("[data-said]")).to_have_text("Thrusting was tested. Did it move as expected?")
    no_wider_than_the_screen(virtual)
    yes.focus()
    virtual.keyboard.press("Enter")
    expect(region).not_to_contain_text("Off until tested")
    expect(region).to_contain_text("you tested it")
    assert virtual.evaluate("window.mark") == mark


def test_a_no_switches_it_off_and_the_feed_shows_a_test_that_cost_nothing(virtual, live):
    virtual.get_by_role("button", name="Test: Vibrate of \u2068Lush\u2069").click()
    expect(virtual.locator("#region-devices")).to_contain_text("Did it move?")
    virtual.get_by_role("button", name="No, switch it off: Vibrate of \u2068Lush\u2069").click()
    expect(virtual.locator("[data-told]")).to_have_text("Vibrate of Lush is switched off.")
    expect(virtual.locator("#region-devices")).to_contain_text("Nothing that it can do may move.")
    live.bring_to_front()
    expect(live.locator("#region-feed")).to_contain_text("Test")
    expect(live.locator("#region-feed")).not_to_contain_text("tokens")


# --- what is wrong -----------------------------------------------------------------------------------------


def test_what_is_wrong_comes_after_ten_seconds_and_goes_when_it_is_well(devices, cloud):
    devices.get_by_role("button", name="Choose: This server").click()
    card = devices.locator(".mend")
    for on in (False, True):
        cloud.sim(f"toys/{cloud.toy_ids[0]}", {"on": on})
        cloud.sim("heartbeat", {})
        if on:
            expect(card.filter(has_text="is not connected")).to_have_count(0, timeout=45_000)
        else:
            expect(card).to_contain_text("is not connected.", timeout=60_000)
            no_wider_than_the_screen(devices)


def test_the_fault_is_looked_for_step_by_step_and_what_was_closed_stays_closed(virtual):
    virtual.get_by_text("It does nothing").click()
    look = virtual.get_by_role("button", name="Find the fault: \u2068Lush\u2069")
    dialog = virtual.get_by_role("dialog")
    look.click()
    expect(dialog.locator("li[data-state=waiting]")).to_have_count(1)
    virtual.keyboard.press("Escape")
    expect(look).to_be_focused()
    expect(virtual.locator("#region-devices")).to_contain_text("Did it move?")
    expect(dialog).to_be_hidden()
    look.click()
    expect(dialog.locator("li[data-state=ok]")).to_have_count(3, timeout=45_000)
    virtual.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


# --- how it is used ----------------------------------------------------------------------------------------


def test_a_region_that_cannot_be_fetched_is_marked_out_of_date(devices, complaints):
    devices.route("**/devices?region=devices", lambda route: route.abort())
    devices.evaluate("document.body.dispatchEvent(new CustomEvent('news-devices'))")
    expect(devices.locator("#region-devices")).to_have_attribute("data-stale", "")
    devices.unroute("**/devices?region=devices")
    devices.evaluate("document.body.dispatchEvent(new CustomEvent('news-devices'))")
    expect(devices.locator("#region-devices")).not_to_have_attribute("data-stale", "")
    complaints.clear()  # the fetch that was refused


def test_nothing_is_cut_off_or_too_small_on_a_narrow_screen(devices, cloud, the_stage):
    devices.get_by_role("link", name="Nora", exact=True).click()
    expect(devices.locator("[data-socket]")).to_have_text(CONNECTED)  # before, a form is the browser's
    devices.get_by_label("Nickname").fill("W" * 32)
    devices.get_by_role("button", name="Save").click()
    expect(devices.locator("[data-told]")).to_have_text("Saved.")
    small = """[...document.querySelectorAll("main button, main summary, nav a, label.switch")]
        .filter((one) => one.checkVisibility())
        .filter((one) => one.getBoundingClientRect().height < 44)
        .map((one) => one.outerHTML)"""
    for address in ("/devices", "/devices/pair"):
        no_wider_than_the_screen(devices)
        assert devices.evaluate(small) == []
        devices.goto(f"{the_stage.url}{address}")
        expect(devices.locator("main")).to_contain_text("W" * 32)
    no_wider_than_the_screen(devices)
    assert devices.evaluate(small) == []


def no_wider_than_the_screen(page):
    for width in (1920, 1280, 1024, 768, 360):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_her_stop_is_on_this_page_too(devices):
    devices.get_by_role("button", name="STOP").click()
    expect(devices.locator("#region-stop")).to_contain_text("Stopped")
    devices.locator("#resume-ask").click()
    devices.locator("#resume-all").click()
    expect(devices.locator("#region-stop")).not_to_contain_text("Stopped")
