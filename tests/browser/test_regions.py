"""The regions of a page, which are fetched again while she works in them: what she does there is kept."""

from datetime import datetime

import pytest
from playwright.sync_api import expect

from tests.browser.stage import CONNECTED, pause
from tests.browser.wire import Server

NEWS = "topic => document.body.dispatchEvent(new CustomEvent(`news-${topic}`))"

UNFORESEEN = "button => { button.setAttribute('hx-vals', 'minutes: 7'); button.click(); }"
KEPT = "element => element.isKept === true"  # it is the same element, and not one that reads the same


def test_focus_what_was_typed_and_the_caret_survive_a_swap(live, the_stage):
    live.goto(f"{the_stage.url}/menu")
    live.get_by_role("switch", name="Fireworks").press("Enter")
    expect(live.locator(".draft")).to_contain_text("1 change")
    note = live.get_by_label("Tokens", exact=True)
    note.fill("1234567890")
    note.evaluate("field => { field.setSelectionRange(3, 8); field.isKept = true; }")
    live.get_by_role("switch", name="Soft wave").evaluate("button => button.click()")
    expect(live.locator(".draft")).to_contain_text("2 changes")
    expect(note).to_be_focused()
    expect(note).to_have_value("1234567890")
    assert note.evaluate("field => [field.selectionStart, field.selectionEnd]") == [3, 8]
    assert note.evaluate(KEPT)


def test_a_button_keeps_its_place_in_the_page_when_a_row_comes_before_it(live, the_stage, ana):
    the_stage.tip(ana, 60)
    button = live.get_by_role("button", name="Remove: Soft wave, 60 tokens")
    button.focus()
    button.evaluate("button => (button.isKept = true)")
    the_stage.tip(ana, 70)
    expect(live.locator("#region-queue .queue")).to_contain_text("2 waiting")
    live.get_by_role("button", name="Move up: Soft wave, 70 tokens").evaluate("up => up.click()")
    expect(live.locator(".queue__who").first).to_contain_text("70 tokens")
    expect(button).to_be_focused()
    assert button.evaluate(KEPT)


# From how far each row came to its place, said before anything is painted.
_MOVED = """window.moved = [];
document.addEventListener("htmx:after:swap", () => {
    for (const row of document.querySelectorAll(".queue__rows > li")) {
        const from = row.getAnimations().map((each) => each.effect.getKeyframes()[0].transform);
        window.moved.push(...from.map((way) => [row.id, way.startsWith("translateY(-") ? -1 : 1]));
    }
});"""

# The next swap ends one way and begins another.
_ARRIVED = """async () => {
    const rows = [...document.querySelectorAll(".queue__rows > li")];
    const under = () => rows.flatMap((row) => row.getAnimations());
    while (under().length) await Promise.allSettled(under().map((each) => each.finished));
}"""


def test_a_row_whose_place_changes_goes_there_unless_she_wants_no_motion(live, the_stage, ana):
    the_stage.tip(ana, 60)
    row = live.locator(".queue__rows > li")
    expect(row).to_have_count(1)
    first = row.get_attribute("id")
    the_stage.tip(ana, 70)
    expect(row).to_have_count(2)
    live.evaluate(_MOVED)
    live.get_by_role("button", name="Play next: Soft wave, 70 tokens").click()
    expect(live.locator(".queue__who").first).to_contain_text("70 tokens")
    assert [first, -1] in live.evaluate("window.moved")
    live.emulate_media(reduced_motion="reduce")
    live.evaluate(_ARRIVED)
    live.evaluate("window.moved = []")
    live.get_by_role("button", name="Play next: Soft wave, 60 tokens").click()
    expect(live.locator(".queue__who").first).to_contain_text("60 tokens")
    assert live.evaluate("window.moved") == []


def test_a_refusal_that_nobody_foresaw_is_said_and_the_page_stays(live, complaints):
    live.locator("#pause-for [name=minutes]").first.evaluate(UNFORESEEN)
    expect(live.locator("[data-told]")).to_contain_text("must be one of 5, 15, 60, or empty")
    expect(live.locator("[data-told]")).to_have_attribute("data-tone", "bad")
    assert [text for text in complaints if "400" not in text] == []
    complaints.clear()


# --- when they are fetched ---------------------------------------------------------------------------------


VISIBLE = """isVisible => {
  Object.defineProperty(document, "hidden", { value: !isVisible, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


# Beats come by the clock of the world, which this page's has left.
WITHOUT_BEATS = """const Plain = WebSocket;
window.WebSocket = class extends Plain {
  constructor(address) { super(address.replace("beats=1", "beats=0")); }
};"""


@pytest.fixture
def looks(live):
    """The addresses at which the page has asked what has changed; its clock can be put forward."""
    live.add_init_script(WITHOUT_BEATS)
    asked = []
    live.on("request", lambda request: asked.append(request.url) if request.url.endswith("?stamps") else None)
    live.clock.install()
    live.reload()
    return asked


def settle(page):
    """Until what is asked for is answered: as long as a few rounds to the server take."""
    page.evaluate("async () => { for (let n = 0; n < 30; n++) await fetch('/healthz'); }")
    expect(page.locator(".htmx-request")).to_have_count(0)
    page.evaluate("fetch('/healthz')")


def connected(page):
    expect(page.locator("[data-socket]")).to_have_text(CONNECTED)
    settle(page)


def forward(page, seconds, *, times=1):
    for _ in range(times):
        page.clock.fast_forward(seconds * 1000)
        settle(page)


def test_with_an_open_socket_the_page_looks_every_half_minute(live, looks):
    connected(live)
    looks.clear()
    forward(live, 15)
    assert looks == []
    forward(live, 16)
    assert len(looks) == 1
    forward(live, 31, times=2)
    assert len(looks) == 3


def test_news_that_was_lost_costs_one_look(live):
    """Of a Redis that was away nobody knows what it would have told."""
    ways, asked = [], []

    def between(way):
        way.connect_to_server()
        ways.append(way)

    live.route_web_socket("**/ws/performer*", between)
    live.reload()
    connected(live)
    live.on("request", lambda request: asked.append(request.url))
    ways[-1].send('{"type":"news","topic":"*"}')
    settle(live)
    assert [url for url in asked if "/healthz" not in url] == [f"{live.url}?stamps"]


def test_a_look_at_what_is_unchanged_fetches_no_region(live, looks):
    connected(live)
    forward(live, 31)  # brings what this page itself has changed by being there
    fetched = []
    live.on("request", lambda request: fetched.append(request.url) if "region=" in request.url else None)
    looks.clear()
    forward(live, 31, times=2)
    assert looks
    assert fetched == []


def test_without_a_socket_it_looks_every_five_seconds(live, looks):
    live.route_web_socket("**/ws/performer*", lambda socket: socket.close())
    live.reload()
    expect(live.locator("[data-socket]")).not_to_have_text(CONNECTED)
    settle(live)
    looks.clear()
    forward(live, 6, times=4)
    assert len(looks) >= 4


def test_a_hidden_page_does_not_look_and_looks_once_on_return(live, looks):
    connected(live)
    looks.clear()
    live.evaluate(VISIBLE, False)
    forward(live, 60, times=5)
    assert looks == []
    live.evaluate(VISIBLE, True)
    settle(live)
    assert len(looks) == 1


PAUSED = """async () => {
  const { attributes } = document.body;
  const headers = JSON.parse(attributes["hx-headers:inherited"].value);
  await fetch("/live/pause", { method: "POST", body: new URLSearchParams({ minutes: "5" }), headers });
}"""


def test_what_has_changed_without_news_is_found_by_looking(live, looks):
    """News that is lost, as where Redis was away for a moment."""
    Server(live)
    live.reload()
    connected(live)
    live.evaluate(PAUSED)
    expect(live.locator("#now-title")).to_have_text("Off air")
    forward(live, 31)
    expect(live.locator("#now-title")).to_have_text("Paused")


# --- what cannot be had ------------------------------------------------------------------------------------


def test_what_cannot_be_had_stays_says_as_of_when_it_is_and_is_asked_for_again(live, complaints):
    feed = live.locator("#region-feed")
    live.clock.set_fixed_time(datetime.fromisoformat("2026-11-29T21:04:10").astimezone())
    with live.expect_response("**/?region=feed"):
        live.evaluate(NEWS, "tips")
    settle(live)
    live.clock.set_fixed_time(datetime.fromisoformat("2026-11-29T21:09:00").astimezone())
    live.route("**/?region=feed", lambda route: route.abort())
    live.evaluate(NEWS, "tips")
    expect(feed.locator("[data-as-of]")).to_have_text("as of 21:04:10")
    expect(feed).to_contain_text("No tips yet")
    live.unroute("**/?region=feed")
    expect(feed.locator("[data-as-of]")).to_have_count(0)  # without news
    complaints.clear()  # the fetches that were refused


def test_a_session_that_ends_is_said_once_and_nothing_that_was_typed_is_lost(
    live, the_stage, ana, context, complaints
):
    live.goto(f"{the_stage.url}/menu")
    live.get_by_label("Tokens", exact=True).fill("60")
    context.clear_cookies()
    live.evaluate(NEWS, "menu")
    expect(live.locator("#session")).to_contain_text("You are logged out")
    live.evaluate(NEWS, "menu")
    settle(live)
    expect(live.locator("#session .notice")).to_have_count(1)
    expect(live.locator("#region-menu")).to_contain_text("Fireworks")
    expect(live.get_by_label("Password")).to_have_count(0)
    expect(live.get_by_label("Tokens", exact=True)).to_have_value("60")
    the_stage.log_in(context.new_page(), ana.name)
    live.evaluate(NEWS, "menu")
    expect(live.locator("#session")).to_be_empty()
    complaints.clear()  # what was refused meanwhile


# --- over the wire -----------------------------------------------------------------------------------------

TWICE = """async () => {
  const found = [];
  for (const _ of [1, 2]) {
    performance.clearResourceTimings();
    const answer = await fetch("/?region=queue", { headers: { "HX-Request": "true" } });
    const text = await answer.text();
    const all = performance.getEntriesByType("resource");
    const entry = all.find(({ name }) => name.endsWith("/?region=queue"));
    found.push([text.length, entry.transferSize]);
  }
  return found;
}"""


def test_an_unchanged_region_comes_from_the_browser_itself(live):
    (length, first), (again, second) = live.evaluate(TWICE)
    assert length == again > 1000
    assert first > 1000 or first == 300  # the page may have had it already
    assert second == 300  # what a browser reports of a 304


FLOW = """() => {
  window.fetched = [];
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => fetched.push(ctx.target.id));
  const say = (flows) => document.body.dispatchEvent(new CustomEvent("news-tips", { detail: { flows } }));
  for (const _ of Array(20)) say(true);
  const before = fetched.length;
  say(false);
  return [before, fetched.length];
}"""


def test_a_burst_that_flows_is_gathered_and_what_a_person_did_is_not(live):
    settle(live)
    live.evaluate("document.body.dispatchEvent(new CustomEvent('news-tips', { detail: { flows: true } }))")
    settle(live)
    before, after = live.evaluate(FLOW)
    assert (before, after) == (0, 1)
    # What was gathered comes in the end.
    live.evaluate("async () => { while (fetched.length < 2) await new Promise(requestAnimationFrame); }")


def test_what_is_done_on_one_page_is_seen_on_another_without_looking(live, open_another):
    other = open_another()
    pause(live, "5 min")
    expect(other.locator("#now-title")).to_have_text("Paused")
    other.locator("#bar-resume").click()
    expect(live.locator("#now-title")).to_have_text("Off air")
