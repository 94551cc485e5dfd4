"""Pairing: a person scans, the app calls us back in its dialect, and goes on doing so."""

import json
import queue

import pytest

from tests.vendor import UID, UTOKEN
from tests.vendor import vendor as started


@pytest.fixture
def paired(vendor, door):
    """`paired(dialect)`: the first callback of that app, and its toys by their types."""

    def scan(dialect):
        vendor.sim("manners", {"dialect": dialect, "callbackTo": door.url})
        assert vendor.pair() == {"phone": "phone-1", "uid": UID, "callback": 200}
        body = door.next()
        toys = json.loads(body["toys"]) if isinstance(body["toys"], str) else body["toys"]
        return body, {toy["name"]: toy for toy in toys.values()}

    return scan


def test_a_scan_calls_back_with_what_the_pairing_said(vendor, paired):
    body, toys = paired("android")
    assert (body["uid"], body["utoken"]) == (UID, UTOKEN)
    assert body["domain"] == "192-168-1-44.lovense.club"
    assert body["httpPort"] == vendor.simulator.ports.http
    assert body["httpsPort"] == vendor.simulator.ports.https
    assert list(toys) == ["lush", "nora", "max"]
    assert [toy["id"] for toy in toys.values()] == vendor.toy_ids


def test_a_phone_without_https_names_no_port_for_it(door):
    with started(has_https=False, callback_to=door.url) as made:
        made.pair()
        body = door.next()
    assert {"httpPort", "httpsPort", "wssPort"} & body.keys() == {"httpPort"}


def test_the_dialect_of_android(paired):
    body, toys = paired("android")
    assert isinstance(body["toys"], dict)
    assert (toys["lush"]["status"], toys["lush"]["battery"]) == (1, 100)
    assert (type(body["wsPort"]), body["version"], body["platform"]) == (int, 101, "android")
    assert "appType" not in body


def test_the_dialect_of_ios(paired):
    body, toys = paired("ios")
    assert isinstance(body["toys"], str)
    assert (toys["lush"]["status"], toys["lush"]["battery"]) == ("1", "100")
    assert (type(body["wsPort"]), body["version"], body["platform"]) == (str, "101", "ios")
    assert body["appType"] == "remote"


def test_the_dialect_of_the_desktop(paired):
    body, toys = paired("desktop")
    assert isinstance(body["toys"], dict)
    assert [toy["status"] for toy in toys.values()] == ["on"] * 3
    assert toys["lush"]["battery"] is None
    assert "battery" not in toys["nora"]
    assert (type(body["wsPort"]), body["platform"]) == (str, "pc")


def test_an_app_on_her_own_pc_is_at_the_name_of_that_machine():
    from lovense.vendor_simulator.phones.dialects import DESKTOP
    from lovense.vendor_simulator.world import Manners

    with started(manners=Manners(dialect=DESKTOP)) as made:
        assert made.state()["phones"][0]["domain"] == "127-0-0-1.lovense.club"


@pytest.mark.parametrize(("dialect", "off"), [("android", 0), ("ios", "0"), ("desktop", "off")])
def test_a_toy_that_is_off_says_so_in_the_dialect(vendor, door, paired, dialect, off):
    paired(dialect)
    vendor.sim(f"toys/{vendor.toy_ids[0]}", {"on": False})
    vendor.sim("heartbeat", {})
    toys = door.next()["toys"]
    toys = json.loads(toys) if isinstance(toys, str) else toys
    assert toys[vendor.toy_ids[0]]["status"] == off


# --- codes -------------------------------------------------------------------------------------------------


def refused(vendor, code):
    import httpx

    answer = httpx.post(f"{vendor.simulator.url}/sim/scan", json={"code": code}, trust_env=False)
    return answer.status_code, answer.json()["error"]["code"]


def test_a_code_that_was_never_given_is_not_scanned(vendor):
    assert refused(vendor, "ABCDEF") == (404, "unknown_code")


def test_a_code_lives_four_hours(vendor):
    code = vendor.code()
    vendor.advance(4 * 3600 - 60)
    assert vendor.sim("scan", {"code": code.lower()})["uid"] == UID
    vendor.advance(61)
    assert refused(vendor, code) == (404, "unknown_code")


def test_the_same_numbers_are_drawn_again_under_the_same_start():
    seen = []
    for _ in range(2):
        with started() as made:
            seen.append((made.toy_ids, made.code()))
    assert seen[0] == seen[1]


def test_each_uid_gets_a_phone_and_a_second_scan_of_one_keeps_it(vendor):
    assert [vendor.pair(uid)["phone"] for uid in ("first", "second", "first")] == [
        "phone-1",
        "phone-2",
        "phone-1",
    ]


def test_of_two_phones_under_one_uid_the_last_one_scanned_gets_the_commands(vendor):
    vendor.pair()
    vendor.sim("phones", {"toys": ["hush"]})
    vendor.sim("scan", {"code": vendor.code(), "phone": "phone-2"})
    vendor.command(command="Function", action="Vibrate:5", timeSec=5, apiVer=1)
    assert [line["phone"] for line in vendor.commands()] == ["phone-2"]


def test_a_phone_that_is_paired_anew_forgets_whose_it_was(vendor):
    vendor.pair("first")
    vendor.sim("scan", {"code": vendor.code("second"), "phone": "phone-1"})
    level = {"command": "Function", "action": "Vibrate:5", "timeSec": 5, "apiVer": 1}
    assert vendor.command(**level, uid="first")["code"] == 503
    assert vendor.command(**level, uid="second")["code"] == 200


# --- heartbeats --------------------------------------------------------------------------------------------


def test_an_app_calls_back_every_heartbeat(vendor, door):
    vendor.sim("manners", {"callbackTo": door.url})
    vendor.pair()
    door.next()
    for _ in range(3):
        vendor.advance(10)
        assert door.next()["uid"] == UID


def test_a_clock_that_was_moved_on_owes_one_heartbeat(vendor, door):
    vendor.sim("manners", {"callbackTo": door.url})
    vendor.pair()
    door.next()
    vendor.advance(3600)
    door.next()
    with pytest.raises(queue.Empty):
        door.received.get_nowait()


def test_in_the_background_heartbeats_go_on_and_without_network_they_do_not(vendor, door):
    vendor.sim("manners", {"callbackTo": door.url})
    vendor.pair()
    door.next()
    vendor.sim("app", {"inFront": False})
    vendor.advance(10)
    door.next()
    vendor.sim("network", {"online": False})
    vendor.advance(60)
    vendor.sim("network", {"online": True})
    vendor.advance(10)
    door.next()
    assert door.received.empty()
    vendor.sim("app", {"inFront": True})
    door.next()  # back in front it says so at once


def test_a_door_that_refuses_is_counted_and_called_again(vendor, door):
    vendor.sim("manners", {"callbackTo": door.url})
    door.status = 503
    assert vendor.pair()["callback"] == 503
    vendor.advance(10)
    door.next(), door.next()
    assert vendor.state()["callbacks"]["503"] >= 1


def test_nobody_at_the_door_is_no_answer(vendor):
    vendor.sim("manners", {"callbackTo": "http://127.0.0.1:1/nobody"})
    assert vendor.pair()["callback"] == 0


def test_without_an_address_nothing_is_sent(vendor):
    assert vendor.pair()["callback"] == 0
    assert vendor.state()["callbacks"] == {}
