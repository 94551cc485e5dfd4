"""The control door: what a person orders, and what it says to an order that cannot be carried out."""

import contextlib
import itertools
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.vendor import UID
from tests.vendor import vendor as started

LEVEL = {"command": "Function", "action": "Vibrate:5", "timeSec": 0, "apiVer": 1}


def test_a_toy_is_added_renamed_charged_and_removed(vendor):
    added = vendor.sim("toys", {"type": "Solace Pro", "nickname": "Night"})
    own = added["id"]
    assert (added["type"], added["battery"], added["on"]) == ("solacepro", 100, True)
    changed = vendor.sim(f"toys/{own}", {"nickname": "Day", "battery": 12.5, "drain": 5})
    assert (changed["nickname"], changed["battery"]) == ("Day", 12.5)
    assert own in vendor.lan(command="GetToys").json()["data"]["toys"]
    vendor.sim(f"toys/{own}", method="DELETE")
    assert own not in vendor.toy_ids


def test_a_battery_drains_by_the_minute_of_movement_and_ends_the_toy():
    from lovense.vendor_simulator.world import Manners

    with started(manners=Manners(types=["lush"], drain=50)) as made:
        made.lan(**LEVEL)
        made.advance(60)
        (toy,) = made.state()["phones"][0]["toys"]
        assert toy["battery"] == pytest.approx(50, abs=1)
        made.advance(62)
        (toy,) = made.state()["phones"][0]["toys"]
        assert (toy["on"], toy["levels"]) == (False, {"Vibrate": 0})
        assert made.levels() == [5, 0]


def test_unsafe_traits_are_switched_on_and_off(vendor):
    own = vendor.sim("toys", {"type": "solace", "traits": {"zero_is_full_speed": True}})["id"]
    zero = {"command": "Function", "action": "Thrusting:0", "timeSec": 60, "toy": own, "apiVer": 1}
    vendor.lan(**zero)
    assert vendor.levels("Thrusting") == [20]
    vendor.sim(f"toys/{own}", {"traits": {}})
    vendor.lan(**zero)
    assert vendor.levels("Thrusting") == [20, 0]


def test_reset_is_a_new_beginning_and_what_played_is_silent(vendor):
    vendor.pair()
    vendor.command(**LEVEL)
    vendor.sim("faults", {"faults": ["code:507*0"]})
    vendor.sim("app", {"inFront": False})
    state = vendor.sim("reset")
    assert vendor.levels() == [5, 5, 5, 0, 0, 0]
    assert (state["faults"], len(state["phones"]), state["phones"][0]["uid"]) == ([], 1, None)
    assert vendor.command(**LEVEL)["code"] == 503
    assert vendor.lan(**LEVEL).json()["code"] == 200


def test_what_was_late_before_a_reset_never_arrives(vendor):
    vendor.sim("faults", {"faults": ["late:5"]})
    vendor.lan(**LEVEL)
    vendor.sim("reset")
    vendor.advance(10)
    assert vendor.commands() == []


def test_state_says_where_everything_is(vendor):
    vendor.pair()
    state = vendor.state()
    assert f":{state['phonePort']}" in vendor.simulator.phone_url
    assert state["phones"][0]["uid"] == UID
    assert [toy["type"] for toy in state["phones"][0]["toys"]] == ["lush", "nora", "max"]


def test_one_more_phone_has_the_usual_toys_those_that_are_named_or_none(vendor):
    phones = [vendor.sim("phones", said) for said in ({}, {"toys": ["edge"]}, {"toys": []})]
    types = [[toy["type"] for toy in phone["toys"]] for phone in phones]
    assert types == [["lush", "nora", "max"], ["edge"], []]


def test_the_authority_of_the_certificate_can_be_fetched(vendor):
    answer = vendor.get(f"{vendor.simulator.url}/sim/authority.pem")
    assert answer.content == vendor.simulator.certificate.authority
    assert answer.headers["x-spki-sha256"] == vendor.simulator.certificate.spki


def test_without_https_there_is_no_certificate():
    with started(has_https=False) as made:
        assert made.get(f"{made.simulator.url}/sim/authority.pem").status_code == 404
        assert made.lan(**LEVEL).json()["code"] == 200


def test_latency_passes_before_the_toys_move(vendor):
    vendor.sim("manners", {"latencyMs": 150, "jitterMs": 0})
    before = vendor.state()["now"]
    vendor.lan(**LEVEL)
    assert vendor.commands()[0]["at"] - before >= 150


# --- orders that cannot be carried out ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("scan", {}, 400, "code"),
        ("scan", {"code": 5}, 400, "code"),
        ("scan", {"code": "x" * 65}, 400, "code"),
        ("app", {}, 400, "inFront"),
        ("app", {"inFront": "yes"}, 400, "inFront"),
        ("app", {"inFront": False, "phone": "phone-9"}, 404, None),
        ("app", {"inFront": False, "phone": 5}, 400, "phone"),
        ("network", {"online": 1}, 400, "online"),
        ("heartbeat", {}, 409, None),
        ("phones", {"toys": "lush"}, 400, "toys"),
        ("phones", {"toys": [5]}, 400, "type"),
        ("phones", {"toys": ["lush"] * 17}, 400, "toys"),
        ("toys", {}, 400, "type"),
        ("toys", {"type": ""}, 400, "type"),
        ("toys", {"type": "lush", "nickname": None}, 400, "nickname"),
        ("toys", {"type": "lush", "traits": {"flies": True}}, 400, "traits"),
        ("toys", {"type": "lush", "traits": {"zero_is_full_speed": 1}}, 400, "traits"),
        ("toys", {"type": "lush", "traits": []}, 400, "traits"),
        ("toys/unknown", {"on": True}, 404, None),
        ("toys/own", {"battery": 101}, 400, "battery"),
        ("toys/own", {"battery": True}, 400, "battery"),
        ("toys/own", {"nickname": "x", "on": "no"}, 400, "on"),
        ("faults", {"faults": ["code:507", "nonsense"]}, 400, "faults"),
        ("faults", {"faults": "code:507"}, 400, "faults"),
        ("faults", {"faults": [5]}, 400, "faults"),
        ("faults", {"faults": ["html"] * 101}, 400, "faults"),
        ("manners", {"cors": "some"}, 400, "cors"),
        ("manners", {"dialect": ["ios"]}, 400, "dialect"),
        ("manners", {"qr": "svg"}, 400, "qr"),
        ("manners", {"latencyMs": -1}, 400, "latencyMs"),
        ("manners", {"callbackTo": "http://192.0.2.1/"}, 400, "callbackTo"),
        ("clock", {"advanceSeconds": 10**9}, 400, "advanceSeconds"),
        ("clock", {"advanceSeconds": "5"}, 400, "advanceSeconds"),
        ("extension", {"ready": "soon"}, 400, "ready"),
        ("extension", {"shape": "round"}, 400, "shape"),
        ("extension", {"lateMs": -1}, 400, "lateMs"),
        ("nothing", {}, 404, None),
    ],
)
def test_an_order_that_cannot_be_carried_out_changes_nothing(vendor, path, body, status, field):
    before = vendor.state()
    path = path.replace("own", vendor.toy_ids[0])
    answer = httpx.post(f"{vendor.simulator.url}/sim/{path}", json=body, trust_env=False)
    assert (answer.status_code, answer.json()["error"]["details"].get("field")) == (status, field)
    assert vendor.state() | {"now": 0} == before | {"now": 0}


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "http://example.com/",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",
        "http://user@127.0.0.1/",
        "http://0.0.0.0/",
        "http://[::/",
        "http://127.0.0.1:99999/",
        "ftp://127.0.0.1/",
        "127.0.0.1:8000",
    ],
)
def test_callbacks_go_to_this_machine_only(vendor, url):
    answer = httpx.post(f"{vendor.simulator.url}/sim/manners", json={"callbackTo": url}, trust_env=False)
    assert answer.status_code == 400


def test_a_body_that_is_no_object_is_no_order(vendor):
    for body in (b"[]", b"{", b"\xff", b"[" * 60_000):
        answer = httpx.post(f"{vendor.simulator.url}/sim/reset", content=body, trust_env=False)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")


def test_a_phone_holds_sixteen_toys(vendor):
    for _ in range(13):
        vendor.sim("toys", {"type": "lush"})
    answer = httpx.post(f"{vendor.simulator.url}/sim/toys", json={"type": "lush"}, trust_env=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_toys")


@pytest.mark.parametrize("query", ["kind=storm", "since=x", "since=-1", f"since={'9' * 99}"])
def test_a_journal_is_asked_for_properly(vendor, query):
    answer = vendor.get(f"{vendor.simulator.url}/sim/journal?{query}")
    assert answer.status_code == 400


def test_many_callers_at_once_are_each_answered_and_no_toys_time_goes_back(vendor):
    """Commands by both ways, while the clock is moved, an app comes and goes, and toys are switched."""
    vendor.pair()
    own = vendor.toy_ids[0]
    steps = [
        lambda n: vendor.command(**LEVEL | {"action": f"Vibrate:{n % 20}", "timeSec": 2}),
        lambda n: vendor.lan(command="Pattern", rule="V:1;F:v;S:101#", strength="1;9", timeSec=3, apiVer=2),
        lambda n: vendor.advance(0.7),
        lambda n: vendor.sim("app", {"inFront": n % 2 == 0}),
        lambda n: vendor.sim(f"toys/{own}", {"on": n % 3 != 0}),
        lambda n: vendor.sim("faults", {"faults": ["late:1"]}),
    ]

    def work(step):
        for number in range(25):
            with contextlib.suppress(httpx.HTTPError):  # the app is in the background
                step(number)

    with ThreadPoolExecutor(len(steps)) as callers:
        list(callers.map(work, steps))
    vendor.sim("app", {"inFront": True})
    vendor.sim("faults", method="DELETE")
    vendor.advance(3600)
    assert vendor.lan(command="Function", action="Stop", timeSec=0, apiVer=1).json()["code"] == 200
    moments = {}
    for line in vendor.simulator.journal.lines("level"):
        moments.setdefault((line["toy"], line["function"]), []).append((line["at"], line["level"]))
    assert moments
    for seen in moments.values():
        assert [at for at, _ in seen] == sorted(at for at, _ in seen)
        assert all(before[1] != after[1] for before, after in itertools.pairwise(seen))
        assert seen[-1][1] == 0


def test_after_it_has_ended_everybody_is_refused():
    with started() as made:
        urls = (made.simulator.url, made.simulator.phone_url, made.simulator.phone_https_url)
    for url in urls:
        with pytest.raises(httpx.ConnectError):
            httpx.get(url, trust_env=False)
    made.simulator.stop()  # a second time does nothing
