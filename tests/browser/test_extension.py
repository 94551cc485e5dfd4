"""Her tips handed to the vendor's extension by her Live page: a real browser, the simulator's own script, and
a server that the test plays. What counts is what the script was called with."""

import contextlib
from itertools import pairwise

import pytest
from playwright.sync_api import Error, expect

from tests.browser.extension import AGES_AGO, SITE, ExtensionServer
from tests.browser.test_lan import choose
from tests.browser.wire import FASTER, LOOK_MS, LOOKS, words

READY = "Ready. The next settled tip is handed to the extension."
LEVELS = {"levels": {"level1": {"min": 1, "max": 999, "time": 1, "vLevel": 5, "rLevel": 0}}, "special": {}}
# Five seconds of the page pass in one of ours, for its timers as well.
FASTER_TIMERS = """
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (said, ...more) {
  return post.call(this, "ms" in said ? { ...said, ms: said.ms / 5 } : said, ...more);
};"""
THROWING = """() => {
  window.times = 0;
  CamExtension.prototype.receiveTip = () => { window.times += 1; throw new Error("gone"); };
}"""
# All that its pages remember, but that it is switched on.
FORGET = """Object.keys(localStorage).filter((key) => key !== 'extension').forEach(
  (key) => localStorage.removeItem(key))"""


@pytest.fixture(scope="module")
def her_state(chrome, the_stage, cast):
    """She is logged in, and has chosen the extension; the site has its name at Lovense."""
    the_stage.stack.manage("set_platform", "cam_site_name", SITE)
    context = chrome.new_context()
    page = context.new_page()
    the_stage.log_in(page, next(cast).name)
    choose(page, the_stage, "EXTENSION")
    yield context.storage_state()
    context.close()


@pytest.fixture
def page(chrome, her_state):
    context = chrome.new_context(storage_state=her_state, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def opened(page, the_stage, cloud):
    """`opened()`: her Live page with the extension, holding the devices of a server of ours."""
    cloud.sim("reset")

    def open_it(said=READY, **extension):
        cloud.sim("extension", {"ready": "now", "shape": "plain", "settings": LEVELS} | extension)
        made = ExtensionServer(page, cloud)
        page.goto(the_stage.url)
        page.get_by_role("switch").check()
        words(made).to_contain_text(said)
        return made

    return open_it


@pytest.fixture
def server(opened):
    made = opened()
    made.has_told(lambda said: said["toys"] and said.get("settings"))
    return made


def come_back(page):
    """She returns to the page, as the browser tells it."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


# --- loading, ready, toys ----------------------------------------------------------------------------------


def test_it_is_loaded_under_the_sites_name_and_hers_and_tells_toys_and_levels(server):
    server.has_told(lambda said: said.get("version"))
    (made,) = server.calls("construct")
    assert (made["websiteName"], made["modelName"].startswith("performer-")) == (SITE, True)
    states = [said["state"] for said in server.reports()]
    assert (states[0], states[-1]) == ("loading", "ready")
    told = server.reports()[-1]
    assert [toy["type"] for toy in told["toys"]] == ["lush", "nora", "max"]
    assert (told["settings"], told["version"]) == (LEVELS, "30.4.4")
    expect(server.page.get_by_label("Toys of the extension").get_by_role("listitem")).to_have_count(3)


def test_a_page_that_only_watches_loads_no_script(page, the_stage, cloud):
    cloud.sim("reset")
    server = ExtensionServer(page, cloud)
    server.holder = False
    page.goto(the_stage.url)
    page.get_by_role("switch").check()
    words(server).to_contain_text("Another page holds")
    assert page.evaluate("typeof window.CamExtension") == "undefined"
    assert (server.calls("construct"), server.reports()) == ([], [])
    server.hand("a.all", 50)
    server.say("lovense.stop", stopEpoch=1)
    server.wait_for(lambda: any(said["type"] == "stopped" for said in server.said))
    assert (server.tips(), server.stages("a.all")) == ([], [])


def test_an_extension_that_is_ready_twice_is_asked_and_handed_a_tip_once(opened):
    server = opened(ready="twice")
    server.hand("a.all", 50)
    assert server.end("a.all") == ("finished", 1, "")
    assert (server.tips(), len(server.calls("construct"))) == ([(50, "bob")], 1)


def test_one_that_never_binds_is_silent_after_ten_seconds_and_tried_again_when_she_returns(
    opened, page, cloud
):
    page.add_init_script(FASTER + FASTER_TIMERS)
    server = opened("Waiting for the extension", ready="never")
    server.hand("a.all", 50)
    assert server.end("a.all") == ("failed", None, "unreachable")
    words(server).to_contain_text("does not answer")
    causes = server.page.locator("[data-causes]")
    expect(causes).to_contain_text(SITE)
    assert [said["state"] for said in server.reports()] == ["loading", "silent"]
    assert len(server.constructed()) == 2
    cloud.sim("extension", {"ready": "now"})
    # She returns again and again, also while the one before may still be binding.
    server.wait_for(lambda: (come_back(server.page), len(server.calls("construct")) == 3)[1])
    words(server).to_contain_text(READY)
    expect(causes).to_be_hidden()
    gaps = [after - before for before, after in pairwise(server.constructed())]
    assert all(gap > 1_100 for gap in gaps), gaps  # seven of its seconds; ours come in between
    assert server.tips() == []


def test_one_that_binds_late_is_listened_to_once(opened):
    server = opened("Waiting for the extension", ready="late", lateMs=1000)
    words(server).to_contain_text(READY)
    assert "silent" not in [said["state"] for said in server.reports()]
    server.has_told(lambda said: said["toys"])
    server.hand("a.all", 50)
    assert server.end("a.all") == ("finished", 1, "")
    assert server.tips() == [(50, "bob")]


def test_a_script_that_does_not_come_is_silent_and_nothing_is_handed_over(page, the_stage, cloud):
    cloud.sim("reset")
    page.route("**/broadcast.js", lambda route: route.abort())
    server = ExtensionServer(page, cloud)
    page.goto(the_stage.url)
    page.get_by_role("switch").check()
    words(server).to_contain_text("does not answer")
    server.hand("a.all", 50)
    assert server.end("a.all") == ("failed", None, "unreachable")
    page.unroute("**/broadcast.js")
    come_back(page)
    words(server).to_contain_text(READY)


def test_without_the_sites_name_nothing_is_constructed(opened):
    server = opened()
    server.site = ""
    server.page.reload()
    words(server).to_contain_text("cam_site_name")
    assert len(server.calls("construct")) == 1


# --- odd shapes --------------------------------------------------------------------------------------------


def test_odd_shapes_are_read_all_the_same(opened):
    server = opened(shape="odd")
    told = server.has_told(lambda said: said["toys"] and said.get("settings"))
    assert len(told["toys"]) == 3
    server.hand("a.all", 50)
    assert server.end("a.all") == ("finished", 1, "")


@pytest.mark.parametrize("shape", ["broken", "throws"])
def test_an_extension_that_tells_nothing_readable_gets_no_tip(opened, shape):
    server = opened("names no toy that is connected", shape=shape)
    server.hand("a.all", 50)
    assert server.end("a.all") == ("failed", None, "unreachable")
    assert server.tips() == []


def test_what_a_call_throws_says_nothing_about_what_it_did(server, cloud):
    server.page.evaluate(THROWING)
    server.hand("a.all", 50, seconds=0)
    assert server.end("a.all") == ("finished", None, "unknown")
    for attempt in (1, 2):
        server.hand("a.all", 50, attempt=attempt)
    server.wait_for(lambda: server.stages("a.all").count("finished") == 3)
    assert server.page.evaluate("window.times") == 1


# --- a tip -------------------------------------------------------------------------------------------------


def test_a_tip_is_handed_over_once_and_its_beginning_and_end_are_the_extensions(server):
    server.hand("a.all", 50, name="Anonymous")
    assert server.end("a.all") == ("finished", 1, "")
    assert server.stages("a.all") == ["received", "started", "finished"]
    assert server.tips() == [(50, "Anonymous")]
    told = [line for line in server.vendor.commands() if line["via"] == "extension"]
    assert told[-1]["body"]["action"].startswith("Vibrate:5")
    server.hand("a.all", 50, attempt=2, confirmed=True)
    server.wait_for(lambda: server.stages("a.all").count("finished") == 2)
    assert server.tips() == [(50, "Anonymous")]


def test_an_amount_of_which_nothing_is_told_is_handed_over_and_ends_unmeasured(server):
    server.hand("a.all", 7777, seconds=0)
    assert server.end("a.all") == ("finished", None, "")
    assert server.stages("a.all") == ["received", "started", "finished"]
    assert server.tips() == [(7777, "bob")]


def test_two_tips_alike_are_told_from_each_other_by_their_place(server):
    """The first one still runs in the extension when the second is handed over."""
    server.hand("a.all", 50, seconds=0)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    server.hand("b.all", 50)
    server.wait_for(lambda: "started" in server.stages("b.all"))
    assert server.end("b.all") == ("finished", 1, "")
    assert (server.tips(), server.end("a.all")[:2]) == ([(50, "bob")] * 2, ("finished", None))


def test_what_she_changes_in_it_is_told(server, cloud):
    changed = {"levels": {"level1": {"min": 1, "max": 5, "time": 3, "vLevel": 20, "rLevel": 0}}}
    cloud.sim("extension", {"settings": changed})
    assert server.has_told(lambda said: said.get("settings") == changed)["state"] == "ready"


def test_a_toy_that_goes_is_told_and_tips_wait_for_one(server, cloud):
    for toy_id in cloud.toy_ids:
        cloud.sim(f"toys/{toy_id}", {"on": False})
    words(server).to_contain_text("names no toy that is connected")
    server.hand("a.all", 50)
    assert server.end("a.all") == ("failed", None, "unreachable")
    assert server.tips() == []


# --- never twice -------------------------------------------------------------------------------------------


def test_a_reload_never_hands_the_same_activation_over_again(server):
    server.hand("a.all", 50, seconds=20)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    server.page.reload()
    words(server).to_contain_text(READY)
    server.said.clear()
    server.hand("a.all", 50, seconds=20, attempt=2)
    assert server.end("a.all")[:2] == ("finished", None)
    assert server.tips() == [(50, "bob")]


def test_a_page_whose_memory_is_lost_does_not_know_and_hands_nothing_over(server, the_stage):
    server.hand("a.all", 50, seconds=20)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    decided_at = server.page.evaluate("new Date().toISOString()")
    server.page.goto(f"{the_stage.url}/healthz")
    server.page.evaluate(FORGET)
    server.page.goto(the_stage.url)
    words(server).to_contain_text(READY)
    server.said.clear()
    server.hand("a.all", 50, seconds=20, attempt=2, decided_at=AGES_AGO)
    assert server.end("a.all") == ("failed", None, "handed_over_before")
    server.hand("b.all", 51, decided_at=decided_at)
    assert server.end("b.all")[2] == "handed_over_before"
    assert server.tips() == [(50, "bob")]


def test_a_memory_that_is_lost_under_an_open_page_hands_nothing_over_twice(server):
    server.hand("a.all", 50)
    assert server.end("a.all")[0] == "finished"
    server.page.evaluate(FORGET)
    server.said.clear()
    server.hand("a.all", 50, attempt=2)
    assert server.end("a.all") == ("failed", None, "handed_over_before")
    assert server.tips() == [(50, "bob")]


def test_a_page_that_is_killed_has_handed_it_over_once(server, page):
    server.hand("a.all", 50, seconds=20)
    server.wait_for(lambda: "started" in server.stages("a.all") and server.tips())
    with contextlib.suppress(Error):
        page.goto("chrome://crash", timeout=1000)
    assert server.tips() == [(50, "bob")]


# --- her stop ----------------------------------------------------------------------------------------------


def test_her_stop_ends_the_run_hands_nothing_more_over_and_claims_no_silence(server):
    server.hand("a.all", 50, seconds=20)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    server.say("lovense.stop", stopEpoch=1)
    server.wait_for(lambda: any(said["type"] == "stopped" for said in server.said))
    assert server.end("a.all") == ("finished", None, "stopped")
    told = next(said for said in server.said if said["type"] == "stopped")
    assert {(toy["ms"], toy["answer"]) for toy in told["toys"]} == {(None, "moving")}
    server.hand("b.all", 50)
    assert server.end("b.all") == ("failed", None, "stopped")
    assert server.tips() == [(50, "bob")]


def test_a_page_whose_path_has_changed_is_loaded_anew_without_the_script(server):
    with server.page.expect_navigation():
        server.say("limits", bridge="SIMULATOR", devices=None, maximumIntensity=20, maximumSeconds=30)


# --- the whole system --------------------------------------------------------------------------------------


def until_its_levels_are_known(page, the_stage):
    """Its toys are there a moment before."""
    for _ in range(LOOKS):
        if page.request.get(f"{the_stage.url}/api/lovense/drift").json()["settingsAt"]:
            return
        page.wait_for_timeout(LOOK_MS)
    raise AssertionError("the extension's levels did not come")


def test_a_tip_moves_the_toys_of_her_extension_and_stop_reaches_them_over_the_cloud(
    context, her_state, the_stage, cast, cloud
):
    """No part is played by the test but the tipper and her own hand. Her app has the same toys."""
    cloud.sim("reset")
    settings = {"levels": {"level1": {"min": 1, "max": 999, "time": 2, "vLevel": 5}}}
    cloud.sim("extension", {"ready": "now", "settings": settings})
    actress, page = next(cast), context.new_page()
    the_stage.log_in(page, actress.name)
    page.goto(f"{the_stage.url}/devices/pair")
    page.get_by_role("button", name="Get a code").click()
    cloud.sim("scan", {"code": page.locator(".ui-qr__code").inner_text(timeout=45_000)})
    expect(page.locator(".walk__toy")).to_have_count(3, timeout=45_000)
    page.goto(f"{the_stage.url}/devices")
    page.get_by_role("button", name="Choose: The Lovense extension").click()
    expect(page.locator("[data-chosen]")).to_contain_text("extension")
    page.goto(the_stage.url)
    page.get_by_role("switch").check()
    expect(page.locator("[data-virtual-words]")).to_contain_text(READY)
    until_its_levels_are_known(page, the_stage)
    before = len(cloud.simulator.journal.lines("extension"))
    the_stage.tip(actress, 150, isAnonymous=True)
    expect(page.locator("#region-feed")).to_contain_text("Completed", timeout=45_000)
    (line,) = cloud.simulator.journal.lines("extension")[before:]
    assert (line["call"], line["amount"], line["tipperName"]) == ("receiveTip", 150, "Anonymous")
    cloud.sim("extension", {"shape": "mute"})
    page.reload()
    expect(page.locator("[data-virtual-words]")).to_contain_text(READY)
    the_stage.tip(actress, 152)
    expect(page.locator("#region-feed")).to_contain_text("Handed over", timeout=45_000)
    the_stage.stack.manage("verify_seconds")  # nothing is owed, and all adds up
    settings["levels"]["level1"]["time"] = 60
    cloud.sim("extension", {"shape": "plain", "settings": settings})
    page.get_by_role("link", name="Devices").first.click()  # it says how much is to be mended, too
    expect(page.locator("#drift")).to_contain_text("other", timeout=45_000)
    page.goto(the_stage.url)
    expect(page.locator("[data-virtual-words]")).to_contain_text(READY)
    the_stage.tip(actress, 151)
    expect(page.locator("#region-queue")).to_contain_text("Now playing", timeout=45_000)
    page.get_by_role("button", name="STOP").click()
    expect(page.locator("#region-queue")).to_contain_text("cannot be stopped from here", timeout=45_000)
    stops = cloud.simulator.journal
    stops.wait_for(lambda line: line.get("via") == "cloud" and line["body"].get("action") == "Stop")
    assert set(cloud.levels()[-3:]) == {0}
