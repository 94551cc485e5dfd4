"""The page's virtual device and her caps of now, and what stops its toys when nobody else could: the twin of
`tests/lovense/test_virtual_device_limits.py`."""

import pytest

from tests.browser.wire import words

STILL = """async () => {
  const { Player } = await import("/static/js/player.js");
  const player = new Player(["lush"]);
  const bounds = player.bounds({ epoch: 0, isStopped: false });
  const told = [{ command: "Function", action: "Vibrate:9", timeSec: 60 }];
  player.begin(told, performance.now(), 0, bounds);
  const moved = player.strongest(performance.now());
  player.stop();
  return [moved, player.strongest(performance.now())];
}"""


def limits(*, devices=None, intensity=20, seconds=3600):
    return {"devices": devices, "maximumIntensity": intensity, "maximumSeconds": seconds}


def device_of_hers(functions, *, toy_id="virtual-1", is_enabled=True, seconds=None):
    about = {"toyId": toy_id, "nickname": "Lush", "isConnected": True, "isEnabled": is_enabled}
    return about | {"functions": functions, "maximumSeconds": seconds}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (limits(intensity=9), 9),
        (limits(devices=[device_of_hers({"Vibrate": 7})]), 7),
        (limits(devices=[device_of_hers({})]), 0),
        (limits(devices=[device_of_hers({"Vibrate": 7}, is_enabled=False)]), 0),
    ],
)
def test_a_lower_cap_binds_at_once_what_plays_and_a_higher_one_raises_nothing(server, told, expected):
    server.activate("a.all", seconds=600)
    words(server).to_contain_text("Running at level 12 of 20")
    server.say("limits", **told)
    words(server).to_contain_text(f"Running at level {expected} of 20")
    server.say("limits", **limits())
    server.say("lovense.stop", activationIds=["none.all"])  # it has heard of both
    server.wait_for(lambda: server.stages("none.all") == ["failed"])
    words(server).to_contain_text(f"Running at level {expected} of 20")


def test_what_begins_keeps_the_caps_of_the_snapshot(server):
    caps = limits(devices=[device_of_hers({"Vibrate": 8}, seconds=4)], intensity=6)
    server.say("snapshot", performerId="0" * 24, holder=True, stopEpoch=0, **caps)
    server.activate("a.all", seconds=600)
    server.wait_for(lambda: "started" in server.stages("a.all"))
    words(server).to_contain_text("Running at level 6 of 20")
    server.wait_for(lambda: "finished" in server.stages("a.all"))
    assert server.said[-1]["deliveredSeconds"] == 4


def test_what_plays_ends_where_it_has_had_her_seconds_of_now(server):
    server.activate("a.all", seconds=600)
    words(server).to_contain_text("Running")
    server.say("limits", **limits(seconds=10))
    server.wait_for(lambda: "finished" in server.stages("a.all"))
    assert 10 <= server.said[-1]["deliveredSeconds"] < 500


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"command": "Function", "action": "Vibrate:5", "timeSec": 0}, "bad_command"),
        ({"command": "Function", "action": "All:5", "timeSec": 5}, "bad_command"),
        ({"command": "Function", "action": "Vibrate:5", "timeSec": 5, "toy": "z"}, "unsupported"),
        ({"command": "Preset", "name": "pulse", "timeSec": 5}, "unsupported"),
    ],
)
def test_what_is_unlawful_is_refused(server, command, code):
    server.say("limits", **limits(devices=[device_of_hers({"Vibrate": 19})]))
    server.activate("a.all", commands=[command])
    server.wait_for(lambda: server.stages("a.all") == ["failed"])
    assert server.said[-1]["code"] == code


def test_a_page_that_goes_away_stops_what_it_plays(server):
    server.activate("a.all", seconds=600)
    words(server).to_contain_text("Running")
    server.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    server.wait_for(lambda: "finished" in server.stages("a.all"))
    assert server.said[-1]["deliveredSeconds"] < 600


def test_a_stop_reaches_every_toy_also_where_no_run_is_known(server):
    assert server.page.evaluate(STILL) == [9, 0]
