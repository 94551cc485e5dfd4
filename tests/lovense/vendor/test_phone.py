"""The app's local server on a phone: commands over http and https, and what a browser may read."""

import httpx
import pytest

from tests.vendor import vendor as started

LEVEL = {"command": "Function", "action": "Vibrate:5", "timeSec": 5, "apiVer": 1}
STOP = {"command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1}


def test_a_command_over_http_moves_the_toys(vendor):
    assert vendor.lan(**LEVEL).json() == {"code": 200, "type": "ok"}
    assert vendor.levels() == [5, 5, 5]


def test_a_command_over_https_is_answered_under_a_certificate_of_its_own(vendor):
    assert vendor.lan_https(**LEVEL).json() == {"code": 200, "type": "ok"}
    assert vendor.commands()[0]["via"] == "https"
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE"):
        httpx.post(f"{vendor.simulator.phone_https_url}/command", json=LEVEL, trust_env=False)


def test_one_who_dawdles_over_the_handshake_keeps_nobody_waiting(vendor):
    import socket

    with socket.create_connection(("127.0.0.1", vendor.simulator.ports.https)):
        assert vendor.lan_https(**LEVEL).json()["code"] == 200


def test_another_start_makes_another_certificate(vendor):
    with started() as other:
        assert other.simulator.certificate.authority != vendor.simulator.certificate.authority


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"command": "Dance"}, 400),
        ({"toy": "unknown"}, 401),
        ({"action": "Suction:5"}, 403),
        ({"action": "Vibrate"}, 404),
    ],
)
def test_what_the_app_does_not_take_gets_its_code_under_200(vendor, said, code):
    answer = vendor.lan(**LEVEL | said)
    assert (answer.status_code, answer.json()["code"]) == (200, code)


def test_a_toy_that_is_off_answers_402(vendor):
    own = vendor.toy_ids[0]
    vendor.sim(f"toys/{own}", {"on": False})
    assert vendor.lan(**LEVEL | {"toy": own}).json()["code"] == 402


def test_what_is_no_command_gets_400_whatever_it_is(vendor):
    for body in (b"", b"[]", b"{", b"[" * 60_000, b"\xff", b'{"command":Infinity}'):
        url = f"{vendor.simulator.phone_url}/command"
        answer = httpx.post(url, content=body, trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (200, 400)


def test_other_addresses_and_methods_are_not_there(vendor):
    url = vendor.simulator.phone_url
    assert httpx.post(f"{url}/sim/reset", trust_env=False).status_code == 404
    assert httpx.get(f"{url}/command", trust_env=False).status_code == 405


# --- which phone -------------------------------------------------------------------------------------------


def test_each_phone_answers_under_the_name_of_its_callback(vendor):
    vendor.pair("first")
    vendor.pair("second")
    (first, second) = (phone["domain"] for phone in vendor.state()["phones"])
    url = f"{vendor.simulator.phone_url}/command"
    for host in (second, second.replace("-", ".").replace(".lovense", ".lovense"), f"{first}:8792"):
        assert httpx.post(url, json=LEVEL, headers={"Host": host}, trust_env=False).json()["code"] == 200
    assert [line["phone"] for line in vendor.commands()] == ["phone-2", "phone-2", "phone-1"]


@pytest.mark.parametrize(
    "host", ["10-0-0-1.lovense.club", "rebound.example.com", "x.192-168-1-44.lovense.club"]
)
def test_another_name_is_nobodys(vendor, host):
    url = f"{vendor.simulator.phone_url}/command"
    assert httpx.post(url, json=LEVEL, headers={"Host": host}, trust_env=False).status_code == 403
    assert vendor.levels() == []


# --- reach -------------------------------------------------------------------------------------------------


def test_an_app_in_the_background_refuses_connections_and_plays_on(vendor):
    vendor.lan(**LEVEL)
    vendor.sim("app", {"inFront": False})
    for url in (vendor.simulator.phone_url, vendor.simulator.phone_https_url):
        with pytest.raises(httpx.ConnectError):
            httpx.post(f"{url}/command", json=STOP, trust_env=False)
    assert vendor.levels() == [5, 5, 5]
    vendor.sim("app", {"inFront": True})
    assert vendor.lan(**STOP).json()["code"] == 200
    assert vendor.lan_https(**STOP).json()["code"] == 200


def test_an_app_in_the_background_cuts_its_call_while_another_one_is_in_front(vendor):
    vendor.pair("first")
    vendor.pair("second")
    vendor.sim("app", {"inFront": False, "phone": "phone-1"})
    with pytest.raises(httpx.HTTPError):
        vendor.lan(**LEVEL)
    host = vendor.state()["phones"][1]["domain"]
    url = f"{vendor.simulator.phone_url}/command"
    assert httpx.post(url, json=LEVEL, headers={"Host": host}, trust_env=False).json()["code"] == 200


def test_a_phone_without_network_answers_nothing(vendor):
    vendor.sim("network", {"online": False})
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{vendor.simulator.phone_url}/command", json=LEVEL, trust_env=False, timeout=0.3)
    vendor.sim("network", {"online": True})
    assert vendor.lan(**LEVEL).json()["code"] == 200
    assert len(vendor.commands()) == 1


# --- what a browser may read -------------------------------------------------------------------------------


def preflight(vendor):
    headers = {
        "Origin": "http://127.0.0.1:8000",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-platform",
        "Access-Control-Request-Private-Network": "true",
    }
    return httpx.options(f"{vendor.simulator.phone_url}/command", headers=headers, trust_env=False)


def test_with_full_cors_the_preflight_and_the_answer_may_be_read(vendor):
    told = preflight(vendor)
    assert told.status_code == 204
    assert told.headers["access-control-allow-origin"] == "*"
    assert "X-platform" in told.headers["access-control-allow-headers"]
    assert told.headers["access-control-allow-private-network"] == "true"
    assert vendor.lan(**LEVEL).headers["access-control-allow-origin"] == "*"


def test_with_simple_cors_only_the_answer_may_be_read(vendor):
    vendor.sim("manners", {"cors": "simple"})
    assert preflight(vendor).status_code == 405
    assert "access-control-allow-headers" not in preflight(vendor).headers
    assert vendor.lan(**LEVEL).headers["access-control-allow-origin"] == "*"


def test_without_cors_nothing_may_be_read(vendor):
    vendor.sim("manners", {"cors": "none"})
    assert "access-control-allow-origin" not in preflight(vendor).headers
    assert "access-control-allow-origin" not in vendor.lan(**LEVEL).headers


@pytest.mark.parametrize(
    ("dialect", "content_type", "is_text"),
    [
        ("android", "text/plain; charset=utf-8", True),
        ("ios", "application/json", True),
        ("desktop", "text/html; charset=utf-8", False),
    ],
)
def test_content_type_and_lists_are_the_dialects(vendor, dialect, content_type, is_text):
    vendor.sim("manners", {"dialect": dialect})
    answer = vendor.lan(command="GetToys")
    assert answer.headers["content-type"] == content_type
    assert isinstance(answer.json()["data"]["toys"], str) == is_text
    assert vendor.lan(command="GetToyName").json()["data"] == ["lush", "nora", "max"]
