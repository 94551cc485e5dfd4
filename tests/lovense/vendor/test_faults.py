"""Faults to order: what is answered, what was done, and what the journal says of it."""

import time

import httpx
import pytest

from lovense.vendor_simulator import faults
from lovense.vendor_simulator.faults import InvalidFault, PlannedFault

LEVEL = {"command": "Function", "action": "Vibrate:5", "timeSec": 60, "apiVer": 1}
STOP = {"command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1}
MOVED, STILL = [5, 5, 5], []


@pytest.fixture
def told(vendor):
    """`told(fault)`: the answer by the cloud to a command with this fault; None: none came."""
    vendor.pair()

    def order(fault, **body):
        vendor.sim("faults", {"faults": [fault]})
        url = f"{vendor.simulator.url}/api/lan/v2/command"
        whole = {"token": vendor.simulator.manners.developer_token, "uid": "uid-of-ana", **(body or LEVEL)}
        try:
            return httpx.post(url, json=whole, trust_env=False)
        except httpx.HTTPError:
            return None

    return order


@pytest.mark.parametrize("code", [400, 404, 501, 502, 503, 507])
def test_a_code_is_answered_and_nothing_done(vendor, told, code):
    answer = told(f"code:{code}")
    assert (answer.status_code, answer.json()["code"], answer.json()["result"]) == (200, code, False)
    assert vendor.levels() == STILL
    assert vendor.commands()[-1]["fault"] == f"code:{code}"
    assert told_next(vendor)["code"] == 200


def told_next(vendor):
    return vendor.command(**LEVEL)


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 500, 506])
def test_the_phone_answers_a_code_that_was_ordered(vendor, code):
    vendor.sim("faults", {"faults": [f"code:{code}"]})
    assert vendor.lan(**LEVEL).json()["code"] == code
    assert vendor.levels() == STILL


@pytest.mark.parametrize(
    ("fault", "status", "start"), [("http:502", 502, "<!doc"), ("html", 200, "<!doc"), ("empty", 200, "")]
)
def test_what_is_no_answer_was_not_done(vendor, told, fault, status, start):
    answer = told(fault)
    assert answer.status_code == status
    assert answer.text.startswith(start)
    assert (vendor.levels(), vendor.commands()[-1]["answer"]) == (STILL, {})


def test_a_connection_dropped_before_has_done_nothing(vendor, told):
    assert told("drop-before") is None
    assert vendor.levels() == STILL


def test_a_connection_dropped_after_has_done_it(vendor, told):
    assert told("drop-after") is None
    assert vendor.levels() == MOVED
    assert vendor.commands()[-1]["answer"]["code"] == 200


def test_a_slow_answer_has_been_done_before_it_comes(vendor, told):
    began = time.monotonic()
    assert told("slow:0.4").json()["code"] == 200
    assert time.monotonic() - began >= 0.4
    assert vendor.levels() == MOVED


def test_a_late_command_is_answered_now_and_done_later(vendor, told):
    assert told("late:5").json()["code"] == 200
    assert (vendor.levels(), vendor.commands()) == (STILL, [])
    now = vendor.advance(5)
    assert vendor.levels() == MOVED
    (line,) = vendor.commands()
    assert line["fault"] == "late:5"
    assert line["at"] <= now


def test_a_command_that_comes_late_starts_the_toys_after_a_stop(vendor, told):
    told("late:5")
    vendor.command(**STOP)
    vendor.advance(5)
    assert vendor.levels() == MOVED


def test_a_late_command_never_reaches_an_app_that_is_gone(vendor, told):
    told("late:5")
    vendor.sim("network", {"online": False})
    vendor.advance(5)
    assert vendor.levels() == STILL
    assert vendor.commands()[-1]["answer"]["code"] == 507


def test_a_late_command_that_would_be_refused_is_refused_now_too(vendor, told):
    assert told("late:5", command="Dance").json()["code"] == 400


def test_a_duplicate_is_told_twice(vendor, told):
    assert told("duplicate").json()["code"] == 200
    assert [line["fault"] for line in vendor.commands()] == ["duplicate", "duplicate"]


def test_a_lost_stop_is_answered_and_not_done_and_other_commands_pass(vendor, told):
    assert told("stop-lost*2").json()["code"] == 200
    assert vendor.levels() == MOVED
    for _ in range(2):
        assert vendor.command(**STOP)["code"] == 200
        assert vendor.levels() == MOVED
    vendor.command(**STOP)
    assert vendor.levels() == [*MOVED, 0, 0, 0]
    assert [line.get("fault") for line in vendor.commands()] == [None, "stop-lost", "stop-lost", None]


def test_faults_come_in_their_order_and_so_often(vendor):
    vendor.pair()
    vendor.sim("faults", {"faults": ["code:507*2", "code:501"]})
    assert [vendor.command(**LEVEL)["code"] for _ in range(4)] == [507, 507, 501, 200]


def test_times_0_means_always_until_it_is_taken_back(vendor):
    vendor.sim("faults", {"faults": ["code:506*0"]})
    assert {vendor.lan(**LEVEL).json()["code"] for _ in range(5)} == {506}
    vendor.sim("faults", method="DELETE")
    assert vendor.lan(**LEVEL).json()["code"] == 200


def test_lists_have_faults_of_their_own(vendor):
    vendor.sim("faults", {"faults": ["code:506", "list/code:500"]})
    assert vendor.lan(command="GetToys").json()["code"] == 500
    assert vendor.lan(command="GetToys").json()["code"] == 200
    assert vendor.lan(**LEVEL).json()["code"] == 506


@pytest.mark.parametrize("place", ["qr", "token"])
def test_questions_have_faults_of_their_own(vendor, place):
    path = {"qr": "/api/lan/getQrCode", "token": "/api/basicApi/getToken"}[place]
    said = {"token": vendor.simulator.manners.developer_token, "uid": "u", "v": 2}
    vendor.sim("faults", {"faults": [f"{place}/code:502", f"{place}/http:429"]})
    assert vendor.cloud(path, **said)["code"] == 502
    refused = httpx.post(vendor.simulator.url + path, json=said, trust_env=False)
    assert refused.status_code == 429
    assert vendor.cloud(path, **said)["code"] == 0


def test_the_image_has_faults_of_its_own(vendor):
    said = {"token": vendor.simulator.manners.developer_token, "uid": "u", "v": 2}
    image = vendor.cloud("/api/lan/getQrCode", **said)["data"]["qr"]
    vendor.sim("faults", {"faults": ["image/html"]})
    assert vendor.get(image).headers["content-type"] == "text/html"
    assert vendor.get(image).headers["content-type"] == "image/png"


def test_cut_connections_are_a_fault_of_every_place(vendor):
    vendor.sim("faults", {"faults": ["qr/drop-before"]})
    with pytest.raises(httpx.HTTPError):
        vendor.code()
    assert vendor.code()


# --- how they are written ----------------------------------------------------------------------------------


def test_faults_are_read_as_they_are_written():
    assert faults.parse("code:507*3, slow:0.5 ,stop-lost*2,qr/http:429*0") == [
        PlannedFault("code", 507, 3),
        PlannedFault("slow", 0.5),
        PlannedFault("stop-lost", 0, 2),
        PlannedFault("http", 429, faults.FOR_EVER, "qr"),
    ]
    assert faults.parse("") == []


@pytest.mark.parametrize(
    "text",
    [
        "code", "code:5", "code:x", "http:99", "slow", "slow:-1", "slow:99999", "html:5", "unknown",
        "late:5*x", "elsewhere/html", "qr/late:5", "qr/stop-lost", "*3", "code:507*", "code:٥٠٧", "x" * 1000,
    ],
)  # fmt: skip
def test_what_is_no_fault_is_refused(text):
    with pytest.raises(InvalidFault):
        faults.parse_one(text)
