"""Her toys told by her page over her own network: a real browser, the phone's https under its own name, and a
server that the test plays. What counts is the phone's journal."""

import contextlib
import json
import os
import random
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Error, expect

from tests.browser import stage
from tests.browser.lan import LEVEL, PATTERN, LanServer, served
from tests.browser.wire import words

BASE = Path(__file__).parents[2]
READY = "3 toys answer"
PRESSES = 4
FAULTS = [["late:1"], ["duplicate"], ["stop-lost*2"], [], ["slow:1"], ["drop-after"]]
RUNS = pytest.mark.parametrize("run", range(int(os.environ.get("RUNS", "1"))))  # 25 make a hundred presses
OUTCOMES = """async (lines) => {
  const { outcomeOf } = await import("/static/js/outcomes.js");
  return lines.map(outcomeOf);
}"""
# What the browser says of the permission, and who is asked.
PERMISSION = """
window.leave = {{ state: '{state}' }};
navigator.permissions.query = async ({{ name }}) => {{
  if (name !== 'local-network') throw new TypeError(name);
  return window.leave;
}};
"""


@pytest.fixture(scope="module")
def her_browser(chrome, cloud):
    """It finds the phone by its name, and trusts no other certificate than the phone's."""
    more = [
        "--host-resolver-rules=MAP *.lovense.club 127.0.0.1",
        f"--ignore-certificate-errors-spki-list={cloud.simulator.certificate.spki}",
        f"--disable-features={','.join((*stage.LEFT_OUT, 'LocalNetworkAccessChecks'))}",
    ]
    opened = chrome.browser_type.launch(executable_path=stage.chromium(), args=[*stage.ARGUMENTS, *more])
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def her_state(her_browser, the_stage, cast):
    """She is logged in, and has chosen her own network."""
    context = her_browser.new_context()
    page = context.new_page()
    the_stage.log_in(page, next(cast).name)
    choose(page, the_stage, "STANDARD_LAN")
    yield context.storage_state()
    context.close()


@pytest.fixture(scope="module")
def outcomes(chrome):
    """What the page's own table makes of answers."""
    with served(chrome, "http://outcomes.test") as page:
        yield lambda lines: page.evaluate(OUTCOMES, lines)


def choose(page, the_stage, bridge):
    (token,) = [each["value"] for each in page.context.cookies() if each["name"] == "csrftoken"]
    headers = {"X-CSRFToken": token, "Referer": the_stage.url, "HX-Request": "true"}
    answer = page.request.post(f"{the_stage.url}/devices/path", form={"bridge": bridge}, headers=headers)
    assert answer.ok


@pytest.fixture
def page(her_browser, her_state):
    context = her_browser.new_context(storage_state=her_state)
    context.grant_permissions(["local-network-access"])
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def opened(page, the_stage, cloud):
    """`opened()`: her live page, holding the devices of a server of ours."""
    cloud.sim("reset")
    cloud.sim("manners", {"cors": "full"})

    def open_it(said=READY):
        made = LanServer(page, cloud)
        page.goto(the_stage.url)
        page.get_by_role("switch").check()
        words(made).to_contain_text(said)
        return made

    return open_it


@pytest.fixture
def server(opened):
    return opened()


def lush(server):
    return server.vendor.toy_ids[0]


def still_after(server, began):
    """Seconds from that moment until the first toy was still, by the journal."""
    lines = server.vendor.simulator.journal.lines("level")
    hers = [line for line in lines if line["toy"] == lush(server) and line["function"] == "Vibrate"]
    assert hers[-1]["level"] == 0, hers
    return hers[-1]["at"] / 1000 - began


def moving(server):
    lines = server.vendor.simulator.journal.lines("level")
    last = {(line["toy"], line["function"]): line["level"] for line in lines}
    return {toy for (toy, _), level in last.items() if level}


def stopped_at(server, epoch):
    return any((said["type"], said.get("stopEpoch")) == ("stopped", epoch) for said in server.said)


# --- runs --------------------------------------------------------------------------------------------------


def test_a_level_moves_two_toys_at_once_and_is_acknowledged(server):
    server.run("a.all", LEVEL, seconds=2, toys=2)
    assert server.end("a.all") == ("finished", 2, "")
    assert server.stages("a.all") == ["received", "started", "finished"]
    assert sorted(server.told()) == sorted((toy, "Vibrate:12", 2) for toy in server.vendor.toy_ids[:2])
    assert server.stops() == []  # it has played to its end
    assert all(said["type"] != "devices" for said in server.said)
    assert {line["via"] for line in server.commands} == {"https"}


def test_a_pattern_goes_on_where_it_is_over_several_slices_each_told_once_and_in_time(server):
    server.run("a.all", PATTERN, seconds=5)
    assert server.end("a.all") == ("finished", 5, "")
    assert server.told() == [
        (lush(server), "1;2;3;4;5;6;7;8;9;10", 3),
        (lush(server), "5;6;7;8;9;10;1;2;3;4", 3),
    ]
    assert 1900 <= server.moments()[1] <= 2600
    server.run("a.all", PATTERN, seconds=5, attempt=2)
    server.wait_for(lambda: len(server.stages("a.all")) == 4)
    assert (server.stages("a.all")[-1], len(server.told())) == ("finished", 2)


def test_what_is_stronger_or_longer_than_binds_is_lowered_by_the_last_hop(server):
    server.say("limits", **server.limits | {"maximumIntensity": 6})
    server.run("a.all", LEVEL, seconds=2)
    assert server.end("a.all") == ("finished", 2, "")
    assert server.told() == [(lush(server), "Vibrate:6", 2)]


def test_a_run_that_is_skipped_ends_and_the_next_one_is_not_touched(server):
    server.run("a.all", LEVEL, seconds=20)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    server.say("lovense.stop", stopEpoch=0, activationIds=["a.all"])
    assert server.end("a.all")[0] == "finished"
    server.run("b.all", LEVEL, seconds=2)
    assert server.end("b.all") == ("finished", 2, "")
    assert server.stops() == [lush(server)]


# --- her stop ----------------------------------------------------------------------------------------------


def test_her_stop_ends_it_and_says_how_long_each_toy_took(server):
    server.run("a.all", LEVEL, seconds=20, toys=2)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    server.say("lovense.stop", stopEpoch=1)
    server.wait_for(lambda: any(said["type"] == "stopped" for said in server.said))
    assert server.end("a.all")[2] == "stopped"
    told = next(said for said in server.said if said["type"] == "stopped")
    assert (told["stopEpoch"], told["toyIds"]) == (1, server.vendor.toy_ids)
    assert all(toy["answer"] == "accepted" and 0 <= toy["ms"] < 3000 for toy in told["toys"])
    assert None in server.stops()  # the whole app, also toys of which nobody here knows
    assert set(server.vendor.levels(toy=lush(server))[-1:]) == {0}


def test_a_page_that_only_watches_stops_her_apps_too(server):
    server.holder = False
    server.snapshot()
    words(server).to_contain_text("Another page holds")
    server.say("lovense.stop", stopEpoch=1)
    server.wait_for(lambda: any(said["type"] == "stopped" for said in server.said))
    assert server.stops() == [None]


def test_a_stop_that_reaches_no_app_is_said_to_have_reached_none(server):
    server.vendor.sim("app", {"inFront": False})
    server.say("lovense.stop", stopEpoch=1)
    server.wait_for(lambda: any(said["type"] == "stopped" for said in server.said))
    told = next(said for said in server.said if said["type"] == "stopped")
    assert {(toy["ms"], toy["answer"]) for toy in told["toys"]} == {(None, "unreachable")}


@RUNS
def test_presses_in_random_moments_leave_every_toy_still(server, run):
    """After a press nothing that moves is issued, and what was under way is followed by a stop."""
    rng = random.Random(17 + run)
    for epoch in range(PRESSES):
        server.vendor.sim("faults", method="DELETE")
        server.vendor.sim("faults", {"faults": rng.choice(FAULTS)})
        server.run(f"{epoch}.all", LEVEL, seconds=20, toys=2, epoch=epoch)
        server.page.wait_for_timeout(rng.choice((0, 50, 300, 800)))
        server.say("lovense.stop", stopEpoch=epoch + 1)
        server.wait_for(lambda epoch=epoch: stopped_at(server, epoch + 1))
        told = len(server.told())
        server.page.wait_for_timeout(1500)
        assert len(server.told()) <= told + 2  # one a toy, which was under way
        server.wait_for(lambda: not moving(server))
        assert all(code == "stopped" or not seconds for _, seconds, code in [server.end(f"{epoch}.all")])


def test_a_page_whose_path_has_changed_is_loaded_anew(server):
    """Another path's page may call others than this one."""
    server.run("a.all", LEVEL, seconds=20)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    with server.page.expect_navigation():
        server.say("limits", **server.limits | {"bridge": "STANDARD_SERVER"})
    words(server).to_contain_text(READY)
    assert set(server.stops()) == {lush(server)}


# --- what goes wrong ---------------------------------------------------------------------------------------


def test_a_first_piece_that_is_refused_fails_and_may_come_again(server):
    codes = {"code:507": "app_offline", "code:402": "not_connected", "code:403": "unsupported"}
    for attempt, (fault, code) in enumerate(codes.items(), start=1):
        server.vendor.sim("faults", {"faults": [fault]})
        for _ in range(2):  # the same attempt is refused again, and not told again
            server.run("a.all", LEVEL, seconds=2, attempt=attempt)
        server.wait_for(lambda: len(server.stages("a.all")) == 3 * attempt)  # noqa: B023
        assert server.end("a.all") == ("failed", None, code)
    assert (len(server.told()), server.stops()) == (3, [])
    server.run("a.all", LEVEL, seconds=2, attempt=4)
    server.wait_for(lambda: "finished" in server.stages("a.all"))


def test_a_device_that_cannot_go_on_ends_its_run_and_is_told_to_stop(server):
    server.run("a.all", LEVEL, seconds=20)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    server.vendor.sim("faults", {"faults": ["code:403"]})
    stage, delivered, code = server.end("a.all")
    assert (stage, 2 <= delivered < 6, code) == ("finished", True, "unsupported")
    server.wait_for(server.stops)
    assert server.stops() == [lush(server)]


def test_an_answer_that_does_not_come_is_unknown_and_only_what_follows_is_told(server):
    server.vendor.sim("faults", {"faults": ["slow:5"]})
    server.run("a.all", LEVEL, seconds=5)
    assert server.end("a.all") == ("finished", 2, "unknown")
    assert [seconds for _, _, seconds in server.told()] == [3, 3]


def test_a_connection_that_breaks_is_unknown_and_never_told_again(server):
    """But for the browser itself, which tells it once more at once where the app closed a connection that was
    open already."""
    for fault in ("drop-before", "drop-after"):
        before = len(server.told())
        server.vendor.sim("faults", {"faults": [f"{fault}*2"]})
        server.run(f"{fault}.all", LEVEL, seconds=2)
        assert server.end(f"{fault}.all") == ("finished", 0, "unknown")
        assert server.stages(f"{fault}.all") == ["received", "started", "finished"]
        assert len(server.told()) - before <= 2
        server.vendor.sim("faults", method="DELETE")


def test_an_app_that_cannot_take_the_header_is_told_without_it(opened, cloud):
    cloud.sim("manners", {"cors": "simple"})
    server = opened()
    server.run("a.all", LEVEL, seconds=2)
    assert server.end("a.all") == ("finished", 2, "")


def test_an_app_that_a_page_cannot_hear_is_told_nothing_that_moves(page, the_stage, cloud):
    cloud.sim("reset")
    cloud.sim("manners", {"cors": "none"})
    server = LanServer(page, cloud)
    page.goto(the_stage.url)
    page.get_by_role("switch").check()
    words(server).to_contain_text("does not answer")
    expect(page.locator("[data-instead]")).to_contain_text("this server tell your toys")
    server.run("a.all", LEVEL, seconds=2)
    assert server.end("a.all") == ("failed", None, "unreachable")
    assert server.told() == []


def test_an_app_in_the_background_is_unreachable_and_told_nothing(page, the_stage, cloud):
    cloud.sim("reset")
    cloud.sim("manners", {"cors": "full"})
    cloud.sim("app", {"inFront": False})
    server = LanServer(page, cloud)
    page.goto(the_stage.url)
    page.get_by_role("switch").check()
    words(server).to_contain_text("does not answer")
    server.run("a.all", LEVEL, seconds=2)
    assert server.end("a.all") == ("failed", None, "unreachable")
    assert server.told() == []


# --- dead man ----------------------------------------------------------------------------------------------


def test_a_reload_stops_its_toys_and_repeats_nothing(server):
    server.run("a.all", LEVEL, seconds=20)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    server.page.reload()
    words(server).to_contain_text(READY)
    server.wait_for(server.stops)
    server.said.clear()
    server.run("a.all", LEVEL, seconds=20, attempt=2, confirmed=True)
    stage, delivered, _ = server.end("a.all")
    assert (stage, delivered < 20, len(server.told())) == ("finished", True, 1)


def test_a_page_that_is_killed_leaves_a_toy_that_is_silent_within_its_lease_and_a_second(server):
    server.run("a.all", LEVEL, seconds=30)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    began = time.time()
    with contextlib.suppress(Error):
        server.page.goto("chrome://crash", timeout=1000)
    count = len(server.told())
    still = {"toy": lush(server), "function": "Vibrate", "level": 0}
    server.vendor.simulator.journal.wait_for(lambda line: still.items() <= line.items(), seconds=8)
    assert (still_after(server, began) <= 5.2, server.stops()) == (True, [])
    assert len(server.told()) == count == 1


def test_a_page_that_loses_its_lease_stops_its_toys_at_once(server):
    server.run("a.all", LEVEL, seconds=20)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    began = time.time()
    server.holder = False
    server.snapshot()
    server.wait_for(server.stops)
    assert still_after(server, began) < 2
    assert server.stops() == [lush(server)]


def test_without_a_socket_nothing_more_is_told_and_after_five_seconds_it_stops(server):
    server.run("a.all", LEVEL, seconds=30)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    server.page.route_web_socket("**/ws/performer*", lambda socket: socket.close())
    began = time.time()
    server.socket.close()
    server.page.wait_for_timeout(5600)
    assert still_after(server, began) <= 5.5
    assert (len(server.told()), server.stops()) == (1, [lush(server)])


# --- another page takes the devices -----------------------------------------------------------------------


def released(server):
    return [said["lease"] for said in server.said if said["type"] == "released"]


def test_a_page_that_is_to_let_go_stops_its_toys_and_says_so_after_that(server):
    server.run("a.all", LEVEL, seconds=20, toys=2)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    for _ in range(2):  # said again, it is answered once
        server.say("lovense.release", lease=1)
    server.wait_for(lambda: released(server))
    assert set(server.stops()) == set(server.vendor.toy_ids[:2])
    assert set(server.vendor.levels(toy=lush(server))[-1:]) == {0}
    assert server.end("a.all")[0] == "finished"
    assert [said["type"] for said in server.said][-2:] == ["ack", "released"]
    server.run("b.all", LEVEL, seconds=2)  # it is another page's by now
    server.wait_for(lambda: words(server).to_contain_text("Another page takes") is None)
    assert (server.stages("b.all"), released(server)) == ([], [1])


def test_a_page_whose_app_does_not_take_the_stop_does_not_say_that_it_has_let_go(server):
    server.run("a.all", LEVEL, seconds=20)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    server.vendor.sim("faults", {"faults": ["code:507*4"]})
    server.say("lovense.release", lease=1)
    server.wait_for(lambda: len(server.stops()) >= 1 and server.end("a.all")[0] == "finished")
    server.snapshot(holder=False, lease=0)  # its lease is over
    words(server).to_contain_text("Another page holds")
    assert released(server) == []
    expect(server.page.get_by_role("button", name="Take the devices here")).to_be_visible()


def test_a_press_says_that_this_page_wants_the_devices(server):
    server.holder = False
    server.snapshot()
    button = server.page.get_by_role("button", name="Take the devices here")
    button.click()
    expect(button).to_be_hidden()
    words(server).to_contain_text("The other page stops its toys")
    server.wait_for(lambda: {"type": "take"} in server.said)
    server.holder = True
    server.snapshot(lease=2)
    words(server).to_contain_text(READY)


# --- devices that begin at different moments ----------------------------------------------------------------


def test_a_device_that_answers_later_is_told_first_and_each_plays_all_of_it(server):
    server.leads = {"nora": 400}
    server.run("a.all", LEVEL, seconds=3, toys=2)
    assert server.end("a.all") == ("finished", 3, "")
    quick, slow = server.vendor.toy_ids[:2]
    assert server.told() == [(slow, "Vibrate:12", 3), (quick, "Vibrate:12", 3)]
    assert 50 <= server.moments()[1] <= 2000  # 400 between two sendings, less what the first was on its way
    assert server.stops() == []


def test_a_toy_that_is_away_at_first_joins_later_and_the_page_says_what_each_has_played(server):
    away, there = server.vendor.toy_ids[:2]
    server.vendor.sim(f"toys/{away}", {"on": False})
    server.run("a.all", LEVEL, seconds=5, toys=2)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    server.vendor.sim(f"toys/{away}", {"on": True})
    assert server.end("a.all") == ("finished", 5, "")
    (said,) = [said["legs"] for said in server.said if "legs" in said]
    found = {leg["toyId"]: (leg["promised"], leg["deliveredSeconds"], leg["code"]) for leg in said}
    assert found == {away: (5, 2, ""), there: (5, 5, "")}


# --- the browser's leave -----------------------------------------------------------------------------------


def test_her_browser_is_asked_by_a_press_and_by_nothing_else(opened, page):
    page.add_init_script(PERMISSION.format(state="prompt"))
    server = opened("Your browser has to let this page reach")
    assert server.commands == []
    button = page.get_by_role("button", name="Let this page reach my network")
    button.click()
    words(server).to_contain_text(READY)
    expect(button).to_be_hidden()


def test_a_browser_that_refuses_is_said_to(opened, page):
    page.add_init_script(PERMISSION.format(state="denied"))
    server = opened("Your browser does not let this page reach")
    server.run("a.all", LEVEL, seconds=2)
    assert server.end("a.all") == ("failed", None, "unreachable")
    assert server.commands == []
    page.evaluate("window.leave.state = 'granted'; window.leave.onchange()")
    words(server).to_contain_text(READY)


# --- the whole system --------------------------------------------------------------------------------------


def test_a_tip_moves_the_toys_of_a_paired_app_by_her_own_page(her_browser, the_stage, cast, cloud):
    """No part is played by the test but the phone, the tipper and her own hand."""
    cloud.sim("reset")
    actress, context = next(cast), her_browser.new_context()
    context.grant_permissions(["local-network-access"])
    page, before = context.new_page(), len(cloud.commands())
    the_stage.log_in(page, actress.name)
    page.goto(f"{the_stage.url}/devices/pair")
    page.get_by_role("button", name="Get a code").click()
    cloud.sim("scan", {"code": page.locator(".ui-qr__code").inner_text(timeout=45_000)})
    expect(page.locator(".walk__toy")).to_have_count(3, timeout=45_000)
    page.goto(f"{the_stage.url}/devices")
    page.get_by_role("button", name="Choose: This page, over your own network").click()
    expect(page.locator("[data-chosen]")).to_contain_text("your own network")
    page.goto(the_stage.url)
    page.get_by_role("switch").check()
    expect(page.locator("[data-virtual-words]")).to_contain_text("3 toys answer", timeout=45_000)
    the_stage.tip(actress, 150)
    expect(page.locator("#region-feed")).to_contain_text("Completed", timeout=45_000)
    moving = [line for line in cloud.commands()[before:] if line["body"].get("timeSec")]
    assert {line["via"] for line in moving} == {"https"}
    assert {line["toy"] for line in moving} == set(cloud.toy_ids)
    assert all("violation" not in line for line in moving)
    assert actress.performer_id not in json.dumps(cloud.commands()[before:])
    asked = by_the_bare_address(page)
    page.reload()
    expect(page.locator("[data-virtual-words]")).to_contain_text("Ready. 1 toy answers", timeout=45_000)
    assert asked[0].startswith("http://192.168.")
    context.close()


def by_the_bare_address(page):
    """Her network does not know the vendor's names any more; what is called instead."""
    asked, body = [], {"code": 200, "data": {"toys": {"a": {"id": "a", "status": "1"}}}}

    def answered(route):
        asked.append(route.request.url)
        route.fulfill(
            json=body, headers={"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
        )

    page.route(re.compile(r"https://.*\.lovense\.club:"), lambda route: route.abort())
    page.route(re.compile(r"http://192\.168\."), answered)
    return asked


def test_what_an_answer_means_is_the_same_in_both_languages(outcomes):
    lines = json.loads((BASE / "tests/golden/outcomes.json").read_text(encoding="utf-8"))
    found = zip(lines, outcomes(lines), strict=True)
    assert [(line["says"], one) for line, one in found if one != line["outcome"]] == []
