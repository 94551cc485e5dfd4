"""The virtual device of the page against a socket that misbehaves: it plays an activation once, whatever is
sent how often."""

from playwright.sync_api import expect

from tests.browser.wire import Server, level, words


def test_it_takes_the_devices_again_by_itself_unless_the_platform_says_not_to(server, the_stage):
    server.page.reload()
    words(server).to_contain_text("Ready")
    the_stage.stack.manage("set_platform", "auto_connect", "false")
    try:
        server.page.reload()
        words(server).to_contain_text("This page only watches")
        server.wait_for(lambda: "watch=1" in server.addresses[-1])
        server.page.get_by_role("switch").check()
        words(server).to_contain_text("Ready")
    finally:
        the_stage.stack.manage("set_platform", "auto_connect", "true")


def test_it_says_who_it_is_and_which_toys_it_has(server):
    server.wait_for(lambda: any(said["type"] == "devices" for said in server.said))
    (toy,) = next(said["toys"] for said in server.said if said["type"] == "devices")
    assert (toy["name"], toy["status"], toy["battery"]) == ("Virtual device", 1, 90)
    assert "watch=1" in server.addresses[0]
    assert "page=" in server.addresses[-1]


def test_it_acknowledges_each_stage_once_and_delivers_what_it_promised(server):
    server.activate("a.all")
    server.wait_for(lambda: "finished" in server.stages("a.all"))
    assert server.stages("a.all") == ["received", "started", "finished"]
    assert server.said[-1] == {
        "type": "ack", "activationId": "a.all", "attempt": 1, "stage": "finished", "deliveredSeconds": 2,
    }  # fmt: skip


def test_a_repeat_is_acknowledged_again_and_not_played(server):
    server.activate("a.all")
    server.wait_for(lambda: "finished" in server.stages("a.all"))
    server.activate("a.all", attempt=2)
    server.wait_for(lambda: len(server.stages("a.all")) == 4)
    assert server.stages("a.all")[3:] == ["finished"]
    assert (server.said[-1]["attempt"], server.said[-1]["deliveredSeconds"]) == (2, 2)


def test_a_repeat_in_the_middle_does_not_start_it_again(server):
    server.activate("a.all", seconds=10)
    words(server).to_contain_text("Running at level 12")
    server.activate("a.all", seconds=10, attempt=2)
    server.wait_for(lambda: "finished" in server.stages("a.all"))
    assert server.stages("a.all") == ["received", "started", "received", "started", "finished"]
    assert server.said[-1]["attempt"] == 2


def test_a_reload_is_remembered_across_pages(server):
    server.activate("a.all", seconds=600)
    words(server).to_contain_text("Running")
    server.page.reload()
    words(server).to_contain_text("Ready")
    server.said.clear()
    server.activate("a.all", seconds=600, attempt=2)
    server.wait_for(lambda: server.stages("a.all") != [])
    assert server.stages("a.all") == ["finished"]
    assert 0 <= server.said[-1]["deliveredSeconds"] < 600


def test_what_another_browser_has_confirmed_is_left_alone(server):
    fields = {"attempt": 1, "stopEpoch": 0, "durationSec": 2, "commands": level(2)}
    server.say("lovense.activate", activationId="theirs.all", confirmed=True, **fields)
    server.activate("ours.all")
    server.wait_for(lambda: "finished" in server.stages("ours.all"))
    assert server.stages("theirs.all") == []


def test_a_stop_ends_what_runs_and_refuses_what_was_decided_before_it(server):
    server.activate("a.all", seconds=600)
    words(server).to_contain_text("Running")
    server.say("lovense.stop", stopEpoch=1)
    server.wait_for(lambda: any(said["type"] == "stopped" for said in server.said))
    (stopped,) = [said for said in server.said if said["type"] == "stopped"]
    ((toy,), ended) = stopped.pop("toys"), server.said[-2]
    assert stopped == {"type": "stopped", "stopEpoch": 1, "toyIds": ["virtual-1"]}
    assert (toy["id"], toy["answer"], toy["ms"] >= 0) == ("virtual-1", "still", True)
    assert (ended["stage"], ended["code"]) == ("finished", "stopped")
    assert server.stages("a.all") == ["received", "started", "finished"]
    server.activate("b.all", epoch=0)
    server.wait_for(lambda: server.stages("b.all") != [])
    assert (server.stages("b.all"), server.said[-1]["code"]) == (["failed"], "stopped")
    server.activate("c.all", epoch=1)
    server.wait_for(lambda: "finished" in server.stages("c.all"))


def test_a_stop_that_names_activations_ends_these_and_they_never_play_again(server):
    server.activate("a.all", seconds=600, members=["b.all"])
    words(server).to_contain_text("Running")
    server.say("lovense.stop", stopEpoch=0, activationIds=["theirs.all"], confirmed=True)
    server.say("lovense.stop", stopEpoch=0, activationIds=["a.all", "late.all"])
    server.wait_for(lambda: server.stages("late.all") != [])
    assert server.stages("a.all") == ["received", "started", "finished"]
    assert not any(said["type"] == "stopped" for said in server.said)
    for activation_id in ("late.all", "theirs.all", "b.all"):
        server.activate(activation_id)
    server.wait_for(lambda: server.stages("b.all") != [])
    ends = [
        (said["activationId"], said["stage"], said["code"], said["attempt"])
        for said in server.said
        if said.get("code")
    ]
    assert ends == [
        ("late.all", "failed", "cancelled", 0),
        ("late.all", "failed", "cancelled", 1),
        ("theirs.all", "failed", "cancelled", 1),
        ("b.all", "finished", "interrupted", 1),
    ]
    server.activate("next.all")
    server.wait_for(lambda: "finished" in server.stages("next.all"))


def test_a_page_that_does_not_hold_the_devices_plays_nothing(server):
    server.holder = False
    server.page.reload()
    words(server).to_contain_text("Another page holds the devices")
    server.activate("a.all")
    server.activate("b.all")
    server.say("snapshot", performerId="0" * 24, holder=True, stopEpoch=0)
    words(server).to_contain_text("Ready")
    assert server.stages("a.all") == server.stages("b.all") == []


def test_a_page_that_lost_the_devices_stops_what_it_plays(server):
    server.activate("a.all", seconds=600)
    words(server).to_contain_text("Running")
    server.say("snapshot", performerId="0" * 24, holder=False, stopEpoch=0)
    words(server).to_contain_text("Another page holds the devices")
    assert server.stages("a.all") == ["received", "started", "finished"]


def test_without_a_socket_for_five_seconds_the_device_stops_however_often_it_tries(server):
    server.activate("a.all", seconds=3600)
    words(server).to_contain_text("Running")
    server.page.route_web_socket("**/ws/performer*", lambda socket: socket.close())
    server.socket.close()
    words(server).not_to_contain_text("Running", timeout=9_000)


def test_a_server_of_which_nothing_is_heard_is_said_to_be_away_and_the_device_stops(server):
    """Of a way that is cut nobody tells: the socket stays open."""
    socket = server.page.locator("[data-socket]")
    server.activate("a.all", seconds=3600)
    words(server).to_contain_text("Running")
    server.say("beat")
    expect(socket).to_have_text("No answer")
    server.say("beat")
    expect(socket).to_have_text("Connected")
    server.page.route_web_socket(
        "**/ws/performer*", lambda socket: None
    )  # takes what comes, and says nothing
    server.say("beat")
    expect(socket).to_have_text("Reconnecting")
    words(server).not_to_contain_text("Running", timeout=9_000)


def test_it_remembers_a_bounded_number_of_activations(server):
    old = [[f"old-{number}", {"stage": "finished"}] for number in range(500)]
    server.page.evaluate("(old) => localStorage.setItem('activations', JSON.stringify(old))", old)
    server.activate("a.all", seconds=2)
    server.wait_for(lambda: "finished" in server.stages("a.all"))
    kept = server.page.evaluate("JSON.parse(localStorage.getItem('activations')).map(([id]) => id)")
    assert (len(kept), kept[0], kept[-1]) == (500, "old-1", "a.all")


def test_a_message_it_cannot_read_changes_nothing(server):
    for text in ("", "[]", "null", "{", '{"type": "unknown"}', '{"type": "news", "topic": "__proto__"}'):
        server.socket.send(text)
    server.activate("a.all")
    server.wait_for(lambda: "finished" in server.stages("a.all"))


def test_a_duplicated_tab_gets_an_id_of_its_own(server, context):
    own = server.page.evaluate("sessionStorage.getItem('page-id')")
    copy = context.new_page()
    copy.add_init_script(f"sessionStorage.setItem('page-id', {own!r})")
    copy.goto(server.page.url)
    expect(copy.get_by_role("switch")).to_be_enabled()
    assert copy.evaluate("sessionStorage.getItem('page-id')") != own
    server.page.reload()
    expect(server.page.get_by_role("switch")).to_be_enabled()
    assert server.page.evaluate("sessionStorage.getItem('page-id')") == own


def test_it_plays_what_the_commands_say_and_not_what_the_message_promises(server):
    server.activate("a.all", seconds=3600, commands=level(3))
    server.wait_for(lambda: "finished" in server.stages("a.all"))
    assert server.said[-1]["deliveredSeconds"] == 3


def test_the_meter_follows_the_commands(server):
    steps = {"command": "Pattern", "rule": "V:1;F:v;S:90000#", "strength": "7;20", "timeSec": 600}
    server.activate("a.all", seconds=600, commands=[steps])
    words(server).to_contain_text("Running at level 7 of 20")
    expect(server.page.locator("[data-meter] [data-on]")).to_have_count(7)
    server.say("lovense.stop", stopEpoch=0, activationIds=["a.all"])
    words(server).to_contain_text("Ready")
    expect(server.page.locator("[data-meter] [data-on]")).to_have_count(0)


def test_several_toys_are_held_and_each_plays_what_it_can(server):
    server.page.evaluate("localStorage.setItem('virtual-toys', 'lush, nora,max')")
    server.page.reload()
    words(server).to_contain_text("Ready")
    server.wait_for(lambda: len(server.said[-1].get("toys", [])) == 3)
    assert [(toy["id"], toy["toyType"]) for toy in server.said[-1]["toys"]] == [
        ("virtual-1", "lush"),
        ("virtual-2", "nora"),
        ("virtual-3", "max"),
    ]
    pump = [{"command": "Function", "action": "Pump:3", "timeSec": 600}]
    server.activate("a.all", seconds=600, commands=pump)
    words(server).to_contain_text("Running at level 20 of 20")
    server.say("lovense.stop", stopEpoch=1)
    server.wait_for(lambda: any(said["type"] == "stopped" for said in server.said))
    assert server.said[-1]["toyIds"] == ["virtual-1", "virtual-2", "virtual-3"]


def test_what_no_toy_can_do_is_refused_and_the_same_attempt_refused_again(server):
    rotate = [{"command": "Function", "action": "Rotate:5", "timeSec": 2}]
    for _ in range(2):
        server.activate("a.all", commands=rotate)
    server.wait_for(lambda: len(server.stages("a.all")) == 2)
    assert [(said["stage"], said["code"]) for said in server.said[-2:]] == [("failed", "unsupported")] * 2
    server.activate("a.all", attempt=2)
    server.wait_for(lambda: "finished" in server.stages("a.all"))


# --- her stop on this page ---------------------------------------------------------------------------------


def stops(server):
    return sum(said["type"] == "stop" for said in server.said)


def press(server):
    server.page.get_by_role("button", name="STOP").click()


def test_a_press_ends_what_plays_here_at_once_and_is_said_until_it_is_answered(server, complaints):
    server.page.route("**/live/stop", lambda route: route.abort())  # only the socket is heard here
    server.activate("a.all", seconds=600)
    words(server).to_contain_text("Running")
    press(server)
    expect(server.page.locator("[data-meter] [data-on]")).to_have_count(0)
    server.wait_for(lambda: stops(server) >= 1)
    assert server.stages("a.all") == ["received", "started", "finished"]
    server.activate("b.all")
    server.say("lovense.stop")
    server.wait_for(lambda: any(said["type"] == "stopped" for said in server.said))
    server.wait_for(lambda: stops(server) >= 2)  # a word without an epoch is no answer
    assert server.stages("b.all") == ["failed"]  # it waits, and comes again
    server.say("lovense.stop", stopEpoch=1)
    expect(server.page.locator("[data-stop-words]")).to_be_empty()
    server.activate("b.all", epoch=1)
    server.wait_for(lambda: "finished" in server.stages("b.all"))
    complaints.clear()  # of the calls that were broken off


def test_a_press_without_a_socket_goes_over_http_and_is_recorded(server):
    server.page.route_web_socket("**/ws/performer*", lambda socket: socket.close())
    server.socket.close()
    expect(server.page.locator("[data-socket]")).not_to_have_text("Connected")
    press(server)
    expect(server.page.locator("#region-stop")).to_contain_text("Stopped")


def test_a_press_that_nobody_answers_says_so_and_is_pressed_again(server, complaints):
    server.page.route("**/live/stop", lambda route: route.abort())
    press(server)
    expect(server.page.locator("[data-stop-words]")).to_contain_text("Nobody has answered yet")
    expect(server.page.locator("#region-stop")).not_to_contain_text("Stopped")
    server.page.unroute("**/live/stop")
    expect(server.page.locator("#region-stop")).to_contain_text("Stopped")
    complaints.clear()


def test_a_stop_that_came_while_there_was_no_socket_ends_what_plays(server):
    server.activate("a.all", seconds=600)
    words(server).to_contain_text("Running")
    server.stop_epoch = 3
    server.socket.close()
    server.wait_for(lambda: "finished" in server.stages("a.all"))
    ended = next(said for said in server.said if said.get("stage") == "finished")
    assert ended["code"] == "stopped"


def test_a_page_that_only_watches_answers_a_stop_with_no_toys(live):
    made = Server(live)
    live.reload()
    made.wait_for(lambda: made.socket is not None)
    expect(live.locator("[data-socket]")).to_have_text("Connected")
    made.say("lovense.stop", stopEpoch=1)
    made.wait_for(lambda: any(said["type"] == "stopped" for said in made.said))
    assert {"type": "stopped", "stopEpoch": 1, "toyIds": []} in made.said
