"""The vendor's cloud: pairing codes, commands by uid, and every refusal as a code in the body."""

import struct
import zlib

import httpx
import pytest
import segno

from lovense.vendor_simulator.world import DEVELOPER_TOKEN
from tests.vendor import UID

LEVEL = {"command": "Function", "action": "Vibrate:5", "timeSec": 5, "apiVer": 1}
OFFLINE = {"result": False, "code": 507, "message": "Lovense APP is offline"}


def test_a_pairing_is_an_image_and_a_code_of_six(vendor):
    said = {"token": DEVELOPER_TOKEN, "uid": UID, "uname": "ana", "utoken": "secret", "v": 2}
    answer = vendor.cloud("/api/lan/getQrCode", **said)
    assert (answer["code"], answer["result"], answer["message"]) == (0, True, "Success")
    assert len(answer["data"]["code"]) == 6
    image = vendor.get(answer["data"]["qr"])
    assert image.headers["content-type"] == "image/png"
    assert image.content.startswith(b"\x89PNG\r\n\x1a\n")


def test_the_older_form_without_v_has_the_image_in_its_message(vendor):
    answer = vendor.cloud("/api/lan/getQrCode", token=DEVELOPER_TOKEN, uid=UID)
    assert set(answer) == {"code", "message", "result"}
    assert vendor.get(answer["message"]).status_code == 200


def test_the_picture_says_the_code(vendor):
    said = {"token": DEVELOPER_TOKEN, "uid": UID, "v": 2}
    data = vendor.cloud("/api/lan/getQrCode", **said)["data"]
    width, height, rows = pixels(vendor.get(data["qr"]).content)
    cells = [[rows[8 * (y + 4) + 4][8 * (x + 4) + 4] for x in range(21)] for y in range(21)]
    assert (width, height) == (232, 232)
    assert cells == [list(row) for row in segno.make(data["code"], error="m", micro=False).matrix]


def pixels(png):
    """Width, height, and 1 for each dark pixel of each row: of a picture of one bit a pixel, black or
    white."""
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    assert (depth, colour) == (1, 0)
    packed, rest = b"", png[8:]
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        packed += rest[8 : 8 + length] if rest[4:8] == b"IDAT" else b""
        rest = rest[12 + length :]
    line = 1 + (width + 7) // 8
    raw = zlib.decompress(packed)
    rows, above = [], bytes(line - 1)
    for y in range(height):
        kind, *row = raw[line * y : line * (y + 1)]
        assert kind in (0, 2), "as it is, or beside the row above"
        above = bytes((byte + up * (kind == 2)) % 256 for byte, up in zip(row, above, strict=True))
        rows.append([1 - int(bit) for bit in "".join(f"{byte:08b}" for byte in above)[:width]])
    return width, height, rows


def test_what_the_picture_says_is_told_only_where_that_is_chosen(vendor):
    said = {"token": DEVELOPER_TOKEN, "uid": UID, "v": 2}
    assert set(vendor.cloud("/api/lan/getQrCode", **said)["data"]) == {"qr", "code"}
    assert vendor.sim("manners", {"qr": "text"})["qr"] == "text"
    data = vendor.cloud("/api/lan/getQrCode", **said)["data"]
    assert data["qrcode"] == data["code"]


def test_a_form_is_read_like_json(vendor):
    form = {"token": DEVELOPER_TOKEN, "uid": UID, "v": "2"}
    url = f"{vendor.simulator.url}/api/lan/getQrCode"
    assert httpx.post(url, data=form, trust_env=False).json()["data"]["code"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"uid": UID}, 501),
        ({"token": "another", "uid": UID}, 501),
        ({"token": 5, "uid": UID}, 501),
        ({"token": DEVELOPER_TOKEN}, 404),
        ({"token": DEVELOPER_TOKEN, "uid": 5}, 404),
        ({"token": DEVELOPER_TOKEN, "uid": "x" * 257}, 404),
        ({"token": DEVELOPER_TOKEN, "uid": UID, "utoken": ["x"]}, 404),
    ],
)
def test_what_is_no_question_for_a_pairing_gets_its_code(vendor, said, code):
    answer = vendor.cloud("/api/lan/getQrCode", **said)
    assert (answer["result"], answer["code"]) == (False, code)


def test_an_image_of_no_pairing_is_not_found(vendor):
    assert vendor.get(f"{vendor.simulator.url}/qr/ABCDEF.png").status_code == 404
    assert httpx.post(f"{vendor.simulator.url}/qr/{vendor.code()}.png", trust_env=False).status_code == 404


def test_a_token_of_the_socket_api_is_given_to_whoever_has_ours(vendor):
    answer = vendor.cloud("/api/basicApi/getToken", token=DEVELOPER_TOKEN, uid=UID, utoken="secret")
    assert answer["code"] == 0
    assert len(answer["data"]["authToken"]) > 20
    assert vendor.cloud("/api/basicApi/getToken", token="another", uid=UID)["code"] == 501
    assert vendor.cloud("/api/basicApi/getToken", token=DEVELOPER_TOKEN)["code"] == 404


# --- commands ----------------------------------------------------------------------------------------------


def test_a_command_by_uid_moves_the_toys_of_her_phone(vendor):
    vendor.pair()
    assert vendor.command(**LEVEL) == {"result": True, "code": 200, "message": "Success"}
    assert vendor.levels() == [5, 5, 5]
    vendor.command(command="Function", action="Stop", timeSec=0, apiVer=1)
    assert vendor.levels() == [5, 5, 5, 0, 0, 0]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"token": "another"}, 501),
        ({"uid": "nobody's"}, 503),
        ({"uid": ""}, 503),
        ({"uid": 5}, 503),
        ({"command": "Dance"}, 400),
        ({"timeSec": "5"}, 404),
        ({"action": "Wobble:5"}, 400),
    ],
)
def test_what_the_cloud_does_not_take_gets_its_code_under_200(vendor, said, code):
    vendor.pair()
    answer = vendor.command(**LEVEL | said)
    assert (answer["result"], answer["code"]) == (False, code)
    assert vendor.levels() == []


@pytest.mark.parametrize("said", [{"toy": "unknown"}, {"action": "Suction:5"}])
def test_the_cloud_says_that_the_app_took_it_and_nothing_of_the_toy(vendor, said):
    vendor.pair()
    assert vendor.command(**LEVEL | said)["code"] == 200
    assert vendor.levels() == []


def test_a_uid_that_was_asked_for_and_never_scanned_is_no_uid_yet(vendor):
    vendor.code()
    assert vendor.command(**LEVEL)["code"] == 503


@pytest.mark.parametrize(
    ("path", "gone", "back"),
    [
        ("network", {"online": False}, {"online": True}),
        ("app", {"inFront": False}, {"inFront": True}),
    ],
)
def test_an_app_that_cannot_be_reached_is_offline_and_what_it_plays_goes_on(vendor, path, gone, back):
    vendor.pair()
    vendor.command(**LEVEL)
    vendor.sim(path, gone)
    assert vendor.command(command="Function", action="Stop", timeSec=0, apiVer=1) == OFFLINE
    assert vendor.levels() == [5, 5, 5]
    vendor.sim(path, back)
    assert vendor.command(command="Function", action="Stop", timeSec=0, apiVer=1)["code"] == 200


def test_a_list_of_uids_reaches_every_phone_and_forgets_the_toy(vendor):
    vendor.pair("first")
    vendor.pair("second")
    vendor.command(**LEVEL | {"uid": "first,second", "toy": vendor.toy_ids[0]})
    assert [line["phone"] for line in vendor.commands()] == ["phone-1", "phone-2"]
    assert vendor.levels() == [5] * 6


def test_get_toys_by_cloud_answers_as_the_app_does(vendor):
    vendor.pair()
    answer = vendor.command(command="GetToys")
    assert (answer["result"], answer["code"]) == (True, 200)
    assert '"name":"nora"' in answer["data"]["toys"]


def test_secrets_of_a_command_are_in_no_line_of_the_journal(vendor):
    vendor.pair()
    vendor.command(**LEVEL | {"utoken": "utoken-in-a-command"})
    vendor.command(**LEVEL | {"token": "wrong-developer-token"})
    written = str(vendor.simulator.journal.lines())
    for secret in (DEVELOPER_TOKEN, "wrong-developer-token", "utoken-in-a-command"):
        assert secret not in written


# --- careless callers --------------------------------------------------------------------------------------

BODIES = [
    b"",
    b"null",
    b"[]",
    b"{",
    b'"text"',
    b"[" * 60_000,
    b'{"a":' * 10_000,
    b'{"command":NaN}',
    b'{"command":"Function","action":"Vibrate:5","timeSec":1e999}',
    b"1" * 5_000,
    b"\xff\xfe",
    b'{"command":"\\ud800","uid":"\\ud800","token":"\\ud800"}',
    b'{"timeSec":' + b"9" * 4_000 + b"}",
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:30]))
@pytest.mark.parametrize(
    "path",
    ["/api/lan/getQrCode", "/api/lan/v2/command", "/api/basicApi/getToken", "/extension/play", "/nothing"],
)
def test_nothing_that_is_sent_makes_the_cloud_fail(vendor, path, body):
    for content_type in ("application/json", "application/x-www-form-urlencoded"):
        headers = {"Content-Type": content_type}
        answer = httpx.post(vendor.simulator.url + path, content=body, headers=headers, trust_env=False)
        assert answer.status_code in (200, 404)
        assert answer.json().get("code") not in (200, 500)


def test_a_name_that_is_no_text_for_utf8_does_no_harm(vendor, door):
    vendor.sim("manners", {"callbackTo": door.url})
    own = vendor.toy_ids[0]
    body = b'{"nickname":"\\ud800"}'
    assert (
        httpx.post(f"{vendor.simulator.url}/sim/toys/{own}", content=body, trust_env=False).status_code == 200
    )
    assert vendor.pair()["callback"] == 200
    assert door.next()["toys"][own]["nickName"] == "\ud800"
    vendor.command(command="GetToys")


def raw(vendor, text):
    """The first line of what is answered to these bytes."""
    import socket

    with socket.create_connection(
        ("127.0.0.1", int(vendor.simulator.url.rpartition(":")[2])), 5
    ) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").readline().decode().strip()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"POST /sim/reset HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /sim/reset HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /sim/reset HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{}", 400),
        (b"POST /sim/reset HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 65537\r\n\r\n", 413),
        (b"POST /sim/reset HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999\r\n\r\n", 413),
        (b"POST /sim/reset HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"GET x://[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"DANCE / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 405),
        (b"PUT /sim/state HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
        (b"GET /sim/state HTTP/1.1\r\n\r\n", 403),
        (b"GET /sim/state HTTP/1.1\r\nHost: rebound.example.com\r\n\r\n", 403),
        (b"GET /sim/state HTTP/1.1\r\nHost: 127.0.0.1.example.com\r\n\r\n", 403),
        (b"POST /sim/reset HTTP/1.1\r\nHost: localhost:1\r\nOrigin: https://example.com\r\n\r\n", 403),
        (b"POST /sim/reset HTTP/1.1\r\nHost: localhost:1\r\nOrigin: null\r\n\r\n", 403),
        (b"POST /sim/reset HTTP/1.1\r\nHost: localhost:1\r\nOrigin: http://localhost:8000\r\n\r\n", 200),
        (b"GET /sim/state HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200),
    ],
)
def test_what_is_no_call_of_this_machine_is_refused_by_its_fault(vendor, text, status):
    assert raw(vendor, text).split()[1] == str(status)


def test_what_is_no_http_at_all_is_refused_and_the_next_call_is_answered(vendor):
    assert "refused" in raw(vendor, b"\x16\x03\x01\x00\x05hello\r\n\r\n")
    assert vendor.state()["phones"]
