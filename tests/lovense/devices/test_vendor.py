"""The vendor's cloud is asked for a code: what is shown of its answer, what is refused, and what nobody gets
to see."""

import json
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import segno

from config.logging import AllowListFormatter
from lovense.devices import pictures, vendor
from lovense.devices.vendor import Introduction, OperatorFault, VendorAway
from lovense.vendor_simulator.doors import picture
from lovense.vendor_simulator.world import DEVELOPER_TOKEN
from tests.lovense.devices.clouds import CODE, JPEG, PNG, RogueCloud, pointed, unshown
from tests.vendor import PATIENCE_SECONDS, UID, UTOKEN


def ask():
    return vendor.from_settings().ask_for_code(uid=UID, utoken=UTOKEN)


@pytest.fixture
def simulated(settings):
    with pointed(settings) as made:
        yield made


@pytest.fixture
def rogue(settings):
    with RogueCloud() as made:
        settings.LOVENSE_API_BASE_URL = made.url
        yield made


@pytest.fixture
def elsewhere():
    """A server that nobody may be sent to."""
    with RogueCloud() as made:
        made.shows()
        yield made


# --- what is shown -----------------------------------------------------------------------------------------


def test_a_code_and_its_picture(simulated):
    told = ask()
    assert simulated.sim("scan", {"code": told.code})["uid"] == UID
    assert (told.image, told.image_type) == (picture.png(told.code), "image/png")


def test_each_answer_is_one_of_its_own(simulated):
    assert ask().code != ask().code


def test_what_the_picture_says_is_drawn_here_where_it_is_known(simulated):
    simulated.sim("manners", {"qr": "text"})
    told = ask()
    assert told.image_type == "image/svg+xml"
    assert told.image == pictures.drawn(told.code)
    assert told.image.startswith(b"<svg ")
    assert not any(word in told.image for word in (b"<script", b"href", b"style", b" on"))


def test_a_drawn_picture_has_every_dark_cell_of_the_code(rogue):
    text = "https://example.org/" + "x" * 492
    rogue.introduces(qrcode=text)
    assert ask() == Introduction(CODE, pictures.drawn(text), "image/svg+xml")
    dark = sum(map(sum, segno.make(text, error="m", micro=False).matrix))
    rows = pictures.drawn(text).decode().partition('class="qrline"')[2]
    drawn = sum(int(part.partition("m")[0].partition('"')[0]) for part in rows.split("h")[1:])
    assert drawn == dark


def test_the_older_form_has_its_address_in_the_message(rogue):
    rogue.says(code=0, result=True, message=f"{rogue.url}/qr.png")
    rogue.shows(JPEG, "image/jpeg; charset=binary")
    assert ask() == Introduction("", JPEG, "image/jpeg")


def test_what_is_asked_is_what_the_vendor_documents(rogue):
    rogue.introduces(qrcode="x")
    ask()
    ((path, body),) = rogue.asked
    assert path == "/api/lan/getQrCode"
    assert json.loads(body) == {"token": DEVELOPER_TOKEN, "uid": UID, "utoken": UTOKEN, "v": 2}


@pytest.mark.parametrize("code", [0, "0"])
def test_a_code_may_be_a_number_or_a_text(rogue, code):
    rogue.says(code=code, result=True, data={"qrcode": "x", "code": CODE})
    assert ask().code == CODE


@pytest.mark.parametrize("code", [None, 5, "", "A B", "x" * 17, "<b>", "é12345", ["QX7K2A"]])
def test_a_code_that_cannot_be_one_is_not_shown(rogue, code):
    rogue.introduces(qrcode="x", code=code)
    assert ask().code == ""


# --- pictures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "found"),
    [
        (PNG, "image/png", "image/png"),
        (JPEG, "IMAGE/JPEG", "image/jpeg"),
        (JPEG, "image/jpg", "image/jpeg"),
        (PNG + bytes(pictures.MAX_BYTES - len(PNG)), "image/png", "image/png"),
    ],
)
def test_a_picture_is_a_png_or_a_jpeg(rogue, body, kind, found):
    rogue.introduces(f"{rogue.url}/qr.png")
    rogue.shows(body, kind)
    assert ask() == Introduction(CODE, body, found)


HTML = b"<!doctype html><script>alert(1)</script>"


@pytest.mark.parametrize(
    "shown",
    [
        {"body": HTML, "kind": "text/html"},
        {"body": HTML, "kind": "image/png"},
        {"body": PNG, "kind": "text/html"},
        {"body": PNG, "kind": ""},
        {"body": b"<svg xmlns='http://www.w3.org/2000/svg'/>", "kind": "image/svg+xml"},
        {"body": b"GIF89a", "kind": "image/gif"},
        {"body": b"", "kind": "image/png"},
        {"body": PNG, "status": 404},
        {"body": PNG, "status": 500},
        {"body": PNG, "status": 206},
        {"body": PNG + bytes(pictures.MAX_BYTES), "kind": "image/png"},
        {"body": PNG + bytes(4 * 1024 * 1024)},
        {"body": b"\x1f\x8b" + PNG, "Content-Encoding": "gzip"},
    ],
    ids=lambda shown: f"{shown.get('kind', 'image/png')} {len(shown['body'])} {shown.get('status', 200)}",
)
def test_what_is_no_picture_is_not_shown_and_the_code_is(rogue, shown):
    rogue.introduces(f"{rogue.url}/qr.png")
    rogue.shows(**shown)
    with unshown(code=CODE):
        ask()
    assert rogue.pictures_asked == ["/qr.png"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(rogue, elsewhere, status):
    rogue.introduces(f"{rogue.url}/qr.png")
    for target in (f"{elsewhere.url}/qr.png", f"{rogue.url}/other.png"):
        rogue.shows(b"", status=status, Location=target)
        rogue.shows(path="/other.png")
        with unshown(code=CODE):
            ask()
    assert elsewhere.asked == []
    assert set(rogue.pictures_asked) == {"/qr.png"}


def hostile_addresses(rogue, elsewhere):
    port = rogue.url.rpartition(":")[2]
    return [
        f"{elsewhere.url}/qr.png",
        f"http://localhost:{port}/qr.png",
        f"http://a@127.0.0.1:{port}/qr.png",
        f"http://a:b@127.0.0.1:{port}/qr.png",
        f"https://127.0.0.1:{port}/qr.png",
        f"http://127.0.0.1:{port}@{elsewhere.url.removeprefix('http://')}/qr.png",
        f"http://2130706433:{port}/qr.png",
        f"http://127.1:{port}/qr.png",
        f"http://127.0.0.1.:{port}/qr.png",
        f"//127.0.0.1:{port}/qr.png",
        "/qr.png",
        "qr.png",
        "http://apps.lovense-api.com/qr.png",
        "https://apps.lovense-api.com.example.org/qr.png",
        "https://apps.lovense-api.com:8443/qr.png",
        "https://apps.lovense-api.com./qr.png",
        "https://user@apps.lovense-api.com/qr.png",
        "https://example.org/apps.lovense-api.com/qr.png",
        "https://example.org#@apps.lovense-api.com/qr.png",
        "https://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "data:image/png;base64,iVBORw0KGgo=",
        "javascript:alert(1)",
        "http://[::1",
        "https://\x00/",
        "https://apps.lovense-api.com/" + "x" * 2048,
        "https://" + "x" * 300,
        "",
        None,
        17,
        [f"{rogue.url}/qr.png"],
    ]


def test_no_picture_is_fetched_from_anywhere_else(rogue, elsewhere, monkeypatch):
    opened = []
    connect = httpx.AsyncClient.stream
    monkeypatch.setattr(
        httpx.AsyncClient, "stream", lambda *given, **more: opened.append(given) or connect(*given, **more)
    )
    rogue.shows()
    for address in hostile_addresses(rogue, elsewhere):
        rogue.introduces(address)
        with unshown(code=CODE):
            ask()
    assert len(opened) == len(rogue.asked), "one question each, and nothing else"
    assert (rogue.pictures_asked, elsewhere.asked) == ([], [])


@pytest.mark.parametrize("host", ["apps.lovense-api.com", "APPS.lovense-api.com", "test2.lovense.com"])
@pytest.mark.parametrize("port", ["", ":443"])
def test_the_hosts_of_the_settings_are_asked(settings, host, port):
    found = pictures.address(
        f"https://{host}{port}/a/qr.png?x=1", hosts=settings.LOVENSE_QR_HOSTS, cloud="https://example.org"
    )
    assert found is not None
    assert (found.scheme, found.host, found.port) == ("https", host.lower(), None)


@pytest.mark.parametrize(
    "cloud", ["https://api.lovense-api.com", "http://api.lovense-api.com", "http://10.0.0.1"]
)
def test_only_a_cloud_on_this_machine_shows_pictures_of_its_own(cloud):
    assert pictures.address(f"{cloud}/qr.png", hosts=[], cloud=cloud) is None


@pytest.mark.parametrize("text", ["", "x" * 513, "a\nb", "\ud800", 5, None, ["x"]])
def test_what_cannot_be_drawn_is_fetched(rogue, text):
    rogue.introduces(f"{rogue.url}/qr.png", qrcode=text)
    rogue.shows()
    assert ask().image == PNG


# --- what is no success ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["http:500", "http:502", "http:503", "code:500", "code:507", "drop-before"])
def test_a_vendor_that_is_away_is_tried_later(simulated, fault):
    simulated.sim("faults", {"faults": [f"qr/{fault}"]})
    with pytest.raises(VendorAway) as away:
        ask()
    assert (away.value.status, away.value.code, away.value.retry_after) == (503, "try_later", 10)
    assert ask().code, "and nothing is left of it"


def test_nobody_there_is_tried_later(settings):
    settings.LOVENSE_API_BASE_URL = "http://127.0.0.1:1"
    with pytest.raises(VendorAway):
        ask()


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7), ("0", 1), ("100000", 300), ("", 60), ("-5", 60), ("Wed, 21 Oct 2026 07:28:00 GMT", 60)],
)
def test_too_many_questions_say_when_to_ask_again(rogue, said, seconds):
    rogue.says(429, {"Retry-After": said})
    with pytest.raises(VendorAway) as away:
        ask()
    assert away.value.headers == {"Retry-After": str(seconds)}


def test_too_many_questions_may_be_a_code_of_the_body(rogue):
    rogue.says(code="429", result=False)
    with pytest.raises(VendorAway) as away:
        ask()
    assert away.value.retry_after == 60


@pytest.mark.parametrize("fault", ["code:501", "code:502", "code:401", "code:403", "http:401", "http:403"])
def test_a_token_that_is_refused_is_the_operators_matter(simulated, fault, caplog):
    simulated.sim("faults", {"faults": [f"qr/{fault}"]})
    with pytest.raises(OperatorFault) as refused:
        ask()
    assert (refused.value.status, refused.value.code) == (503, "operator_fault")
    (line,) = [each for each in caplog.records if each.msg == "lovense_operator_fault"]
    assert (line.levelname, line.error_code) == ("ERROR", fault.partition(":")[2])


def test_another_token_than_the_vendors_is_refused(simulated, settings):
    settings.LOVENSE_DEVELOPER_TOKEN = "another"
    with pytest.raises(OperatorFault):
        ask()


def test_without_a_token_nobody_is_asked(rogue, settings):
    settings.LOVENSE_DEVELOPER_TOKEN = ""
    with pytest.raises(OperatorFault):
        ask()
    assert rogue.asked == []


@pytest.mark.parametrize("fault", ["html", "empty", "code:400", "code:404", "http:404"])
def test_what_is_no_answer_to_the_question_cannot_be_shown(simulated, fault):
    simulated.sim("faults", {"faults": [f"qr/{fault}"]})
    with unshown():
        ask()


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b"{}",
        b'{"code":0}',
        b'{"code":0,"result":false,"data":{"qrcode":"x","code":"QX7K2A"}}',
        b'{"code":0,"result":"true","data":{"qrcode":"x"}}',
        b'{"code":false,"result":true,"data":{"qrcode":"x"}}',
        b'{"code":0,"result":true}',
        b'{"code":0,"result":true,"data":[]}',
        b'{"code":0,"result":true,"data":"x"}',
        b'{"code":0,"result":true,"message":"Success"}',
        b'{"code":-1,"result":true}',
        b'{"code":0,"code":0,"result":true,"data":{"qrcode":"x"}}',
        b"[" * 30_000,
        b"\xff\xfe",
        b" " * (vendor.MAX_ANSWER_BYTES + 1),
    ],
    ids=lambda body: body[:40],
)
def test_an_answer_of_another_shape_is_none(rogue, body):
    rogue.answers[vendor.PATH] = (200, {}, body)
    with unshown():
        ask()


# --- in time -----------------------------------------------------------------------------------------------


def test_an_answer_that_never_comes_is_given_up(simulated, settings):
    settings.LOVENSE_READ_TIMEOUT_SECONDS = 0.1
    simulated.sim("faults", {"faults": ["qr/slow:30"]})
    with pytest.raises(VendorAway) as away:
        ask()
    assert away.value.kind == "ReadTimeout"


@pytest.mark.parametrize("place", ["answer", "headers", "picture"])
def test_an_answer_that_trickles_is_given_up(rogue, monkeypatch, place):
    """Each byte comes in time, and the whole would take a minute."""
    monkeypatch.setattr(vendor, "DEADLINE_SECONDS", 0.3)
    rogue.pause = 0.05
    rogue.introduces(f"{rogue.url}/qr.png")
    rogue.shows([PNG] + [b"x"] * 1200)
    if place == "answer":
        rogue.answers[vendor.PATH] = (200, {}, [b" "] * 1200)
    if place == "headers":
        rogue.answers[vendor.PATH] = (100, {}, [b"HTTP/1.1 200 OK\r\nX: "] + [b"x"] * 1200)
    begun = time.monotonic()
    with unshown(code=CODE) if place == "picture" else pytest.raises(VendorAway):
        ask()
    assert time.monotonic() - begun < PATIENCE_SECONDS


def test_a_name_that_is_looked_up_for_ever_holds_nobody(settings, monkeypatch):
    settings.LOVENSE_API_BASE_URL, settings.LOVENSE_CONNECT_TIMEOUT_SECONDS = "https://vendor.example", 0.1
    found, is_over = threading.Event(), threading.Event()

    def look_up(*given, **more):
        found.wait(PATIENCE_SECONDS)
        is_over.set()
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(VendorAway):
        ask()
    assert not is_over.is_set()
    found.set()
    assert is_over.wait(PATIENCE_SECONDS)


def test_two_are_asked_for_at_once_and_others_try_again(rogue):
    rogue.introduces(qrcode="x")
    rogue.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask) for _ in range(2)]
        for _ in asked:
            assert rogue.arrived.acquire(timeout=PATIENCE_SECONDS)
        with pytest.raises(VendorAway) as busy:
            ask()
        assert busy.value.retry_after == vendor.BUSY_SECONDS
        rogue.gate.set()
        assert [each.result().code for each in asked] == [CODE] * 2
    assert ask().code == CODE
    assert len(rogue.asked) == 3


def test_who_fails_holds_no_place(rogue):
    rogue.says(500)
    for _ in range(2 * vendor.AT_ONCE):
        with pytest.raises(VendorAway) as away:
            ask()
        assert away.value.kind == "500"


# --- secrets -----------------------------------------------------------------------------------------------


def test_neither_token_nor_uid_nor_utoken_leaves_in_an_error_or_a_line(simulated, rogue, settings, caplog):
    """Whatever goes wrong, on whichever way."""
    secrets = (DEVELOPER_TOKEN, UID, UTOKEN)
    caplog.set_level(logging.DEBUG)
    caplog.handler.setFormatter(AllowListFormatter())
    echo = {"message": " ".join(secrets), "data": {"qr": f"https://{UID}/{UTOKEN}"}}
    told = []
    for url, answer in (
        ("http://127.0.0.1:1", None),
        (rogue.url, {"code": 501} | echo),
        (rogue.url, {"code": 0, "result": True} | echo),
        (rogue.url, {"code": 404} | echo),
        (simulated.simulator.url, None),
    ):
        settings.LOVENSE_API_BASE_URL = url
        if answer:
            rogue.says(**answer)
        cloud = vendor.from_settings()
        try:
            told.append(repr(cloud.ask_for_code(uid=UID, utoken=UTOKEN)))
        except vendor.VendorError as error:
            logging.getLogger("lovense.tests").exception("planted")
            told += [str(error), repr(error), repr(error.answer()), repr(error.__cause__)]
        told.append(repr(cloud))
    told.append(caplog.text)
    assert len(told) > 15
    assert "vendor_call_failed" in caplog.text
    assert [text for text in told for secret in secrets if secret in text] == []
