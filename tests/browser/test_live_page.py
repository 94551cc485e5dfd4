"""From the signed tip to the light on the page and back: the live page against the whole running system."""

import re
import threading

from playwright.sync_api import expect

from tests.browser.stage import CONNECTED, PASSWORD, STAFF

# The meter of the virtual device, and the levels of the stage, which the compiler has worked out: each is lit
# for two seconds, so it is noted when it is.
LIGHTS = ["[data-meter] [data-on]", "st-level [data-on]"]
NOTE_WHAT_LIGHTS = """lights => {
  window.lit = new Set();
  const look = () => lights.filter((each) => document.querySelector(each)).map((it) => window.lit.add(it));
  new MutationObserver(look).observe(document.body, { subtree: true, attributes: true, childList: true });
}"""


def switch_on(page):
    page.get_by_role("switch", name="Virtual device in this page").check()
    expect(page.locator("[data-virtual-words]")).to_contain_text("Ready")


def first_verdict(page, word):
    expect(page.locator("#region-feed [data-word]").first).to_have_text(word, timeout=45_000)


def test_going_on_air_may_be_pressed_before_her_toys_are_ready(live):
    on_their_way = []

    def late(route):
        on_their_way.append(route)

    live.route("**/js/device*.js", late)
    live.reload()
    live.locator("#go-on-air").click()
    expect(live.locator("[data-told]")).to_have_text("Going on air.")
    assert on_their_way
    for route in on_their_way:
        route.continue_()
    expect(live.locator("[data-virtual-words]")).to_contain_text("Ready")


def test_nothing_is_heard_before_what_shows_it_is_there(live, the_stage, ana):
    on_their_way, sockets = [], []
    live.on("websocket", lambda socket: sockets.append(socket))  # noqa: PLW0108
    live.route("**/vendor/htmx*.js", lambda route: on_their_way.append(route))  # noqa: PLW0108
    with live.expect_request(re.compile(r"\?stamps")):  # all that is ours has been there for a while
        live.reload(wait_until="commit")
    assert not sockets
    for route in on_their_way:
        route.continue_()
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    the_stage.tip(ana, 50)
    expect(live.locator("#region-queue")).to_contain_text("Soft wave")


# --- the way of a tip --------------------------------------------------------------------------------------


def test_a_signed_tip_plays_on_the_page_and_ends_in_the_feed(live, the_stage, ana):
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED)
    switch_on(live)
    expect(live.locator("#region-devices")).to_contain_text("Held by a page")
    expect(live.locator("#region-devices")).to_contain_text("90 %")
    live.evaluate(NOTE_WHAT_LIGHTS, LIGHTS)
    the_stage.tip(ana, 50, context={"customMessage": "Great performance!"})
    expect(live.locator("#region-queue .stage")).to_contain_text("Soft wave")
    expect(live.locator("#region-queue .stage")).to_contain_text("Great performance!")
    expect(live.locator("[data-said]")).to_have_text("Now playing: Soft wave, 50 tokens from \u2068bob\u2069")
    expect(live.locator("#region-feed")).to_contain_text("“Soft wave” played for 2 s.", timeout=45_000)
    assert live.evaluate("[...window.lit].sort()") == LIGHTS
    first_verdict(live, "Completed")
    expect(live.locator("#region-queue .stage")).to_contain_text("Ready for the next tip")
    expect(live.locator("[data-meter] [data-on], st-level [data-on]")).to_have_count(0)
    live.get_by_role("button", name="Mute for this show: ").click()
    expect(live.locator("#region-devices")).to_contain_text("Muted for this show")
    the_stage.tip(ana, 50)
    expect(live.locator("#region-notices")).to_contain_text("1 tip waits for a device")
    live.get_by_role("button", name="Mute for this show: ").click()
    first_verdict(live, "Completed")
    expect(live.locator("#region-feed [data-word]", has_text="Completed")).to_have_count(2, timeout=45_000)


def test_tips_play_one_after_the_other_and_the_countdown_runs(live, the_stage, ana):
    switch_on(live)
    the_stage.tip(ana, 100, name="kim")
    the_stage.tip(ana, 50, isAnonymous=True)
    expect(live.locator("#region-queue .stage")).to_contain_text("Fireworks")
    expect(live.locator("#region-queue .queue")).to_contain_text("Anonymous")
    expect(live.locator("#region-queue .queue")).to_contain_text("1 waiting")
    expect(live.locator("[data-left]")).to_have_text("2")
    expect(live.locator("#region-queue .stage")).to_contain_text("Soft wave", timeout=45_000)
    first_verdict(live, "Completed")
    expect(live.locator("#region-feed [data-word]", has_text="Completed")).to_have_count(2, timeout=45_000)
    assert "bob" not in live.locator("main").inner_text()


def test_a_page_that_only_watches_holds_nothing_until_it_is_asked_to(live, the_stage, ana):
    the_stage.tip(ana, 50)
    expect(live.locator("#region-notices")).to_contain_text("1 tip waits for a page")
    expect(live.locator("#region-devices")).to_contain_text("No page holds them")
    switch_on(live)
    first_verdict(live, "Completed")
    expect(live.locator("#region-notices")).not_to_contain_text("waits")


def test_a_show_is_ended_and_begun_again_by_its_one_button(live):
    expect(live.get_by_role("switch")).to_be_enabled()
    live.get_by_role("button", name="Go on air").click()
    expect(live.locator("#now-title")).to_have_text("On air")
    live.get_by_role("button", name="End show").click()
    expect(live.locator("#now-title")).to_have_text("Off air")
    live.get_by_role("button", name="Go on air").click()
    expect(live.locator("#now-title")).to_have_text("On air", timeout=45_000)
    expect(live.locator("[data-virtual-words]")).to_contain_text("Ready")


def test_a_reload_in_the_middle_ends_the_run_and_never_plays_it_again(live, the_stage, ana):
    switch_on(live)
    the_stage.tip(ana, 100)
    expect(live.locator("[data-left]")).to_have_text("2")
    live.reload()
    first_verdict(live, "Shortened")
    expect(live.locator("[data-virtual-words]")).to_contain_text("Ready")
    expect(live.locator("#region-feed li")).to_have_count(1)


def test_the_switch_is_remembered_and_turning_it_off_stops_the_device(live, the_stage, ana):
    switch_on(live)
    live.reload()
    expect(live.get_by_role("switch")).to_be_checked()
    the_stage.tip(ana, 100)
    expect(live.locator("[data-meter] [data-on]").first).to_be_attached()
    live.get_by_role("switch").uncheck()
    expect(live.locator("[data-meter] [data-on]")).to_have_count(0)
    first_verdict(live, "Shortened")


# --- several pages -----------------------------------------------------------------------------------------


def test_of_two_pages_one_holds_the_devices_and_the_other_takes_over(live, open_another, the_stage, ana):
    switch_on(live)
    other = open_another()
    expect(other.locator("[data-virtual-words]")).to_contain_text("Another page holds the devices")
    the_stage.tip(ana, 50)
    expect(live.locator("[data-virtual-words]")).to_contain_text("Running")
    expect(other.locator("#region-queue .stage")).to_contain_text("Soft wave")
    expect(other.locator("[data-virtual-words]")).to_contain_text("stands by")
    first_verdict(other, "Completed")
    live.close()
    expect(other.locator("[data-virtual-words]")).to_contain_text("Ready", timeout=45_000)
    the_stage.tip(ana, 50)
    expect(other.locator("[data-virtual-words]")).to_contain_text("Running")


def test_a_page_takes_the_devices_from_another_one_which_stops_first(live, open_another, the_stage, ana):
    switch_on(live)
    other = open_another()
    button = other.get_by_role("button", name="Take the devices here")
    expect(live.get_by_role("button", name="Take the devices here")).to_be_hidden()
    the_stage.tip(ana, 500)
    expect(live.locator("[data-virtual-words]")).to_contain_text("Running")
    button.click()
    expect(other.locator("[data-virtual-words]")).to_contain_text("Ready", timeout=45_000)
    expect(button).to_be_hidden()
    expect(live.locator("[data-virtual-words]")).to_contain_text("Another page holds the devices")
    expect(live.locator("[data-meter] [data-on]")).to_have_count(0)
    first_verdict(other, "Shortened")
    the_stage.tip(ana, 50)
    expect(other.locator("[data-virtual-words]")).to_contain_text("Running")
    live.get_by_role("button", name="Take the devices here").click()
    expect(live.locator("[data-virtual-words]")).to_contain_text("Ready", timeout=45_000)


# --- when something fails ----------------------------------------------------------------------------------


def test_a_killed_web_process_is_survived_without_a_reload(live, the_stage, ana, complaints):
    switch_on(live)
    mark = the_stage.stack.kill("web-0")
    expect(live.locator("[data-socket]")).not_to_have_text(CONNECTED)
    the_stage.stack.wait_until_restarted("web-0", mark)
    expect(live.locator("[data-socket]")).to_have_text(CONNECTED, timeout=45_000)
    expect(live.locator("[data-virtual-words]")).to_contain_text("Ready", timeout=45_000)
    the_stage.tip(ana, 50)
    first_verdict(live, "Completed")
    complaints.clear()  # connections that were refused meanwhile


def test_a_region_that_cannot_be_fetched_is_marked_out_of_date_until_it_can(live, complaints):
    live.route("**/?region=feed", lambda route: route.abort())
    live.evaluate("document.body.dispatchEvent(new CustomEvent('news-tips'))")
    expect(live.locator("#region-feed")).to_have_attribute("data-stale", "")
    live.unroute("**/?region=feed")
    live.evaluate("document.body.dispatchEvent(new CustomEvent('news-tips'))")
    expect(live.locator("#region-feed")).not_to_have_attribute("data-stale", "")
    complaints.clear()  # the fetch that was refused


def test_a_page_whose_session_ended_says_so_and_stays(live, open_another, complaints):
    other = open_another()
    other.get_by_role("button", name=re.compile("^Account of")).click()
    other.get_by_role("button", name="Log out").click()
    expect(other.get_by_role("heading", name="Log in")).to_be_visible()
    live.evaluate("document.body.dispatchEvent(new CustomEvent('news-queue'))")
    expect(live.locator("#session")).to_contain_text("You are logged out")
    expect(live.locator("#region-queue")).to_contain_text("No tips waiting")
    expect(live.get_by_role("heading", name="Log in")).to_have_count(0)
    live.close()
    complaints.clear()  # what was refused, and goes on being refused


def test_a_wrong_password_is_said_beside_the_form(the_stage, context, ana):
    page = context.new_page()
    page.goto(f"{the_stage.url}/login")
    page.get_by_label("Username").fill(ana.name)
    page.get_by_label("Password").fill("not it")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("Not logged in")
    expect(page.get_by_label("Username")).to_have_value(ana.name)


# --- how it is used ----------------------------------------------------------------------------------------


def test_the_theme_is_kept_until_it_is_the_systems_own_again(live):
    theme = "document.documentElement.dataset.theme ?? 'system'"
    live.emulate_media(color_scheme="light")
    account = live.get_by_role("button", name=re.compile("^Account of"))
    account.click()
    live.get_by_role("button", name="Switch to the dark theme").click()
    live.reload()
    assert live.evaluate(theme) == "dark"
    account.click()
    live.get_by_role("button", name="Switch to the light theme").click()
    assert live.evaluate(theme) == "system"


def test_everything_is_reached_by_keyboard(live):
    live.keyboard.press("Tab")
    expect(live.get_by_role("link", name="Skip to the content")).to_be_focused()
    reached = []
    for _ in range(9):
        live.keyboard.press("Tab")
        reached.append(
            live.evaluate(
                "document.activeElement.getAttribute('aria-label') ?? "
                "document.activeElement.textContent.trim()"
            )
        )
    assert reached[:2] == ["Settled Tips", "Live"]
    assert live.evaluate("document.activeElement.matches('[role=switch]')") or any(
        "Account" in name for name in reached
    )
    live.get_by_role("switch").focus()
    live.keyboard.press("Space")
    expect(live.get_by_role("switch")).to_be_checked()


def test_nothing_is_cut_off_or_too_small_on_a_narrow_screen(live, the_stage, ana):
    switch_on(live)
    the_stage.tip(ana, 50, name="a_name_without_any_place_to_break_it_0123456789_0123456789")
    first_verdict(live, "Completed")
    for width in (360, 768, 1024, 1280, 1920):
        live.set_viewport_size({"width": width, "height": 800})
        assert live.evaluate("document.documentElement.scrollWidth") <= width
    live.set_viewport_size({"width": 360, "height": 800})
    small = """[...document.querySelectorAll("a, button, label.switch")]
        .filter((one) => one.checkVisibility() && !one.matches(".skip"))
        .filter((one) => one.getBoundingClientRect().height < 44)
        .map((one) => one.outerHTML)"""
    assert live.evaluate(small) == []


def test_a_page_without_scripts_shows_its_rows_and_says_what_it_cannot_do(chrome, the_stage, ana):
    context = chrome.new_context(java_script_enabled=False)
    page = context.new_page()
    the_stage.log_in_by_hand(page, ana.name)
    assert (
        "Scripts are off" in page.content()
    )  # Chromium leaves <noscript> unread when scripts are switched off from outside
    expect(page.get_by_text("No tips waiting")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Account of")).click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    context.close()


# --- staff -------------------------------------------------------------------------------------------------


def test_staff_finds_the_tip_and_reads_its_verdict(context, the_stage, ana):
    tip_id = the_stage.tip(ana, 50)
    page = context.new_page()
    page.goto(f"{the_stage.url}/staff/tips")
    page.get_by_label("Username").fill(STAFF)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Find an id or a name").fill(tip_id)
    page.keyboard.press("Enter")
    expect(page.locator(".tip__sentence")).to_contain_text("50 tokens from \u2068bob\u2069")
    expect(page.locator(".tip__facts > li")).to_have_count(6)
    for width in (360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


# --- the queue's buttons -----------------------------------------------------------------------------------


def test_a_paused_queue_keeps_what_comes_and_plays_it_when_resumed(live, the_stage, ana):
    switch_on(live)
    live.locator("#bar-pause").press("Enter")
    live.get_by_role("button", name="5 min", exact=True).press("Enter")
    expect(live.locator("#bar-resume")).to_be_focused()  # what was pressed is gone, and this has its place
    expect(live.locator("[data-told]")).to_have_text("Paused for 5 min.")
    expect(live.locator("#region-queue .stage")).to_contain_text(f"Paused by {ana.name}")
    the_stage.tip(ana, 50)
    expect(live.locator("#region-queue .queue")).to_contain_text("The queue goes on in 5 min")
    expect(live.locator("#now-title")).to_have_text("Paused")
    live.locator("#bar-resume").press("Enter")
    expect(live.locator("#bar-pause")).to_be_visible(timeout=45_000)
    expect(live.locator("[data-virtual-words]")).to_contain_text("Running", timeout=45_000)
    first_verdict(live, "Completed")


def test_what_plays_is_skipped_and_the_next_one_starts(live, the_stage, ana):
    switch_on(live)
    the_stage.tip(ana, 500)
    the_stage.tip(ana, 50)
    expect(live.locator("#region-queue .stage")).to_contain_text("Earthquake")
    live.get_by_role("button", name="Skip", exact=True).click()
    expect(live.locator("#region-feed")).to_contain_text("was ended after")
    expect(live.locator("#region-queue .stage")).to_contain_text("Soft wave")
    first_verdict(live, "Completed")


def test_what_waits_is_moved_by_keys_and_by_its_grip_and_a_late_page_sees_the_order_of_now(
    live, open_another, the_stage, ana, complaints
):
    for amount in (60, 70, 80):
        the_stage.tip(ana, amount)
        expect(live.locator("#region-queue")).to_contain_text(f"{amount} tokens")
    who = live.locator(".queue__who")
    seen = live.locator("[data-list]").get_attribute("data-order")
    live.get_by_role("button", name="Remove: Soft wave, 80 tokens").press("Alt+ArrowUp")
    expect(live.locator("[data-told]")).to_have_text("Moved.")
    expect(who).to_have_text([re.compile("60 tokens"), re.compile("80 tokens"), re.compile("70 tokens")])
    expect(live.get_by_role("button", name="Remove: Soft wave, 80 tokens")).to_be_focused()
    expect(live.locator("[data-list]")).not_to_have_attribute(
        "data-order", seen
    )  # it names what she sees now
    sixty = live.locator("[data-row]", has_text="60 tokens").get_attribute("data-row")
    first, last = (live.locator("[data-grip]").nth(place).bounding_box() for place in (0, 2))
    live.mouse.move(first["x"] + 9, first["y"] + 9)
    live.mouse.down()
    live.mouse.move(first["x"] + 9, last["y"] + last["height"], steps=8)
    live.mouse.up()
    expect(who).to_have_text([re.compile("80 tokens"), re.compile("70 tokens"), re.compile("60 tokens")])
    # the server has the last word
    expect(live.locator("[data-list]")).to_have_attribute("data-order", re.compile(f"{sixty}$"))
    late = open_another()
    late.route("**/?region=*", lambda route: None)  # what would tell it of what comes
    live.locator("[data-focus=remove]").last.press("Home")
    expect(who.first).to_contain_text("60 tokens")
    late.locator("[data-focus=remove]").nth(1).press("Alt+ArrowUp")
    expect(late.locator("[data-told]")).to_have_text("The order has changed meanwhile.")
    late.unroute("**/?region=*")  # what was held goes on
    expect(late.locator(".queue__who").first).to_contain_text("60 tokens")
    complaints.clear()  # what was refused
    expect(who.first).to_contain_text("60 tokens")


def test_removing_asks_first_and_clearing_says_how_many(live, the_stage, ana):
    for amount in (50, 60, 70):
        the_stage.tip(ana, amount)
    queue = live.locator("#region-queue .queue")
    expect(queue).to_contain_text("3 waiting")
    live.get_by_role("button", name="Remove: Soft wave, 60 tokens").click()
    dialog = live.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    live.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(live.get_by_role("button", name="Remove: Soft wave, 60 tokens")).to_be_focused()
    live.keyboard.press("Enter")
    dialog.get_by_role("button", name="Remove it").click()
    expect(queue).to_contain_text("2 waiting")
    expect(
        live.get_by_role("button", name="Remove: Soft wave, 70 tokens")
    ).to_be_focused()  # it has the place now
    live.get_by_role("button", name="Clear the queue").click()
    expect(dialog).to_contain_text("Remove all 2 that wait?")
    the_stage.tip(ana, 80)
    expect(queue).to_contain_text("3 waiting")
    dialog.get_by_role("button", name="Remove 2").click()
    expect(dialog).to_contain_text("Meanwhile the queue has changed")
    dialog.get_by_role("button", name="Remove 3").click()
    expect(live.get_by_text("No tips waiting")).to_be_visible()
    expect(dialog).to_be_hidden()
    live.set_viewport_size({"width": 360, "height": 800})
    assert live.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_button_pressed_while_its_region_is_being_fetched_is_not_lost(live):
    waiting, released = [], threading.Event()

    def hold(route):
        if released.is_set():
            route.continue_()
        else:
            waiting.append(route)

    live.route("**/?region=queue", hold)
    live.evaluate("document.body.dispatchEvent(new CustomEvent('news-queue'))")
    live.wait_for_function("document.querySelector('#region-queue').classList.contains('htmx-request')")
    live.locator("#order").click()
    live.locator("#mode-priority").click()
    live.evaluate("document.body.dispatchEvent(new CustomEvent('news-queue'))")
    expect(live.locator("[data-told]")).to_have_text("The order has changed.")
    released.set()
    for route in waiting:
        route.continue_()
    expect(live.locator("#order")).to_contain_text("By priority")


# --- the stop ----------------------------------------------------------------------------------------------


def stop_button(page):
    return page.get_by_role("button", name="STOP")


def resume(page):
    """In two presses, of which the first says what would play."""
    page.locator("#resume-ask").click()
    expect(page.locator("#resume-asks")).to_contain_text(re.compile("First plays|Nothing waits"))
    page.locator("#resume-all").click()
    expect(page.locator("#region-stop")).not_to_contain_text("Stopped")


def stopped(page):
    expect(page.locator("#region-stop")).to_contain_text("Stopped")


def test_one_press_stops_everything_and_a_resume_plays_what_waited(live, the_stage, ana):
    switch_on(live)
    the_stage.tip(ana, 500)
    the_stage.tip(ana, 50)
    expect(live.locator("[data-meter] [data-on]").first).to_be_attached()
    stop_button(live).click()
    expect(live.locator("[data-meter] [data-on]")).to_have_count(0)
    stopped(live)
    now = live.locator("#region-queue .stage")
    expect(now).to_contain_text("Stopped")
    expect(live.locator("#region-stop")).to_contain_text(re.compile("silent (after|within)"))
    expect(live.locator("#region-queue .queue")).to_contain_text("1 waiting")
    expect(live.locator("#region-feed [data-word]", has_text="Stopped")).to_have_count(1)
    resume(live)
    expect(now).to_contain_text("Soft wave")
    expect(live.locator("#region-feed [data-word]", has_text="Completed")).to_have_count(1)


def test_it_is_the_last_button_before_the_content_and_works_by_keyboard(live):
    live.locator("#content").focus()
    live.keyboard.press("Shift+Tab")
    expect(stop_button(live)).to_be_focused()
    assert live.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    live.keyboard.press("Enter")
    stopped(live)
    live.keyboard.press("Shift+Tab")
    expect(live.locator("#resume-ask")).to_be_focused()
    live.keyboard.press("Enter")
    expect(live.locator("#resume-all")).to_be_focused()
    live.keyboard.press("Enter")
    expect(live.locator("#region-stop")).not_to_contain_text("Stopped")


def test_another_page_of_hers_shows_it_and_may_resume(live, open_another):
    other = open_another()
    stop_button(other).click()
    stopped(live)
    resume(live)
    expect(other.locator("#region-stop")).not_to_contain_text("Stopped")


def test_what_shows_it_is_not_fetched_anew_as_often_as_it_is_told(live):
    """A button that is exchanged while it is pressed has not been pressed."""
    stop_button(live).click()
    stopped(live)
    live.evaluate("document.querySelector('#resume-ask').dataset.kept = ''")
    for _ in range(2):
        live.evaluate("document.body.dispatchEvent(new CustomEvent('news-queue'))")
        live.wait_for_load_state("networkidle")
    expect(live.locator("#resume-ask[data-kept]")).to_be_attached()


def test_it_is_there_while_a_question_is_open(live, the_stage, ana):
    the_stage.tip(ana, 50)
    live.get_by_role("button", name="Clear the queue").click()
    stop_button(live.get_by_role("dialog")).click()
    stopped(live)


BOXES = """() => ["main > :last-child", ".bottom", "#stop", ".bottom__button", ".rail"].map((one) => {
  const { top, bottom, left, right } = document.querySelector(one).getBoundingClientRect();
  return { top, bottom, left, right };
})"""


def test_it_covers_nothing_on_a_small_screen(live):
    live.set_viewport_size({"width": 360, "height": 640})
    for is_stopped in (False, True):
        if is_stopped:
            stop_button(live).click()
            stopped(live)
        live.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        last, bar, button, state, tabs = live.evaluate(BOXES)
        assert last["bottom"] <= bar["top"] + 1  # a page scrolls by whole pixels
        assert (round(bar["bottom"]), bar["left"], tabs["bottom"]) == (tabs["top"], 0, 640)
        assert bar["top"] <= button["top"] < button["bottom"] <= bar["bottom"]
        assert state["right"] <= button["left"]
        assert live.evaluate("document.documentElement.scrollWidth") <= 360


def test_it_works_without_a_script(chrome, the_stage, ana):
    context = chrome.new_context(java_script_enabled=False)
    page = context.new_page()
    the_stage.log_in(page, ana.name)
    stop_button(page).click()
    stopped(page)
    page.get_by_role("button", name="Resume…").click()
    page.get_by_role("button", name="Resume now").click()
    expect(page.locator("#region-stop")).not_to_contain_text("Stopped")
    context.close()
