"""What every caller meets before a door of ours is reached, in the real server and in the application: the
bounds of a request in size and time, and that no caller's half can stop the others."""

import asyncio
import json
import re
import socket
import threading
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
import uvicorn
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from config import asgi, server
from config.asgi import application
from config.server import configuration
from ground import clock
from tests.factories import token_of

pytestmark = pytest.mark.django_db

PATIENCE_SECONDS = 5
FORM = (("content-type", "application/x-www-form-urlencoded"), ("host", "testserver"))


# --- the application ---------------------------------------------------------------------------------------


def scope_of(path, *, method="POST", headers=FORM, query=b""):
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": ("127.0.0.1", 5),
        "server": ("testserver", 80),
    }


class Call:
    """One request to the application: `parts` of its body arrive, and then nothing more unless `ends`."""

    def __init__(self, path, *parts, ends=True, **more):
        self.scope = scope_of(path, **more)
        self._messages = [
            {"type": "http.request", "body": part, "more_body": not ends or number < len(parts)}
            for number, part in enumerate(parts, start=1)
        ]
        self.sent = []

    async def receive(self):
        if self._messages:
            return self._messages.pop(0)
        await asyncio.Event().wait()

    async def send(self, message):
        self.sent.append(message)

    async def run(self):
        await application(self.scope, self.receive, self.send)
        return self

    @property
    def status(self):
        return self.sent[0]["status"]

    @property
    def headers(self):
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def content(self):
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    @property
    def error(self):
        found = json.loads(self.content)["error"]
        assert set(found) == {"code", "message", "details"}
        return found["code"]


@asynccontextmanager
async def half_sent(count, path):
    """So many callers who have the form's cookie, have begun a body and send no more of it."""
    headers = (*FORM, ("content-length", "300"), ("cookie", f"csrftoken={'x' * 32}"))
    async with asyncio.TaskGroup() as group:
        begun = [group.create_task(Call(path, b"u", ends=False, headers=headers).run()) for _ in range(count)]
        await asyncio.sleep(0)
        yield
        for task in begun:
            task.cancel()


@pytest.mark.parametrize("path", ["/login", "/logout", "/live/pause", "/readyz"])
async def test_half_sent_requests_hold_no_thread(db, path):
    async with asyncio.timeout(PATIENCE_SECONDS), half_sent(4 * asgi.HTTP_THREADS, path):
        page = await Call("/login", b"", method="GET").run()
    assert page.status == 200


async def test_a_body_that_does_not_arrive_in_time_is_refused(db, monkeypatch):
    monkeypatch.setattr(asgi, "BODY_SECONDS", 0.05)
    for door in ("/login", "/api/webhooks/payments"):
        late = await Call(door, b"u", ends=False).run()
        assert (late.status, late.error, late.headers["connection"]) == (408, "too_slow", "close")


async def test_a_caller_who_hangs_up_in_the_middle_is_not_acted_upon(db):
    called = Call("/api/tips", b'{"tipId":', ends=False)
    called._messages.append({"type": "http.disconnect"})
    assert (await called.run()).sent == []


async def test_probes_are_answered_while_every_thread_is_taken(db):
    release = threading.Event()
    try:
        for _ in range(2 * asgi.HTTP_THREADS):
            asgi._django.executor.submit(release.wait)
        async with asyncio.timeout(PATIENCE_SECONDS):
            found = [
                await Call(path, b"", method="GET").run() for path in ("/healthz", "/readyz", "/metrics")
            ]
    finally:
        release.set()
    assert [call.status for call in found] == [200, 503, 200]
    assert all(call.headers["x-request-id"] for call in found)


def long_answer(request):
    return StreamingHttpResponse(b"x" * 1000 for _ in range(100))


def failing(request):
    raise ZeroDivisionError


urlpatterns = [
    path("long", long_answer),
    path("short", lambda request: HttpResponse()),
    path("api/fails", failing),
]


async def test_who_does_not_read_his_answer_loses_its_thread(settings, monkeypatch):
    settings.ROOT_URLCONF = __name__
    monkeypatch.setattr(asgi, "SEND_SECONDS", 0.05)

    async def never(message):
        await asyncio.Event().wait()

    async with asyncio.timeout(2 * PATIENCE_SECONDS):
        async with asyncio.TaskGroup() as group:
            for _ in range(2 * asgi.HTTP_THREADS):
                call = Call("/long", b"", method="GET")
                call.send = never
                group.create_task(call.run())
        assert (await Call("/short", b"", method="GET").run()).status == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("host", ["10.0.12.7:8000", "lb.internal", "[::1]:8000", "a_b", "", None])
async def test_probes_are_answered_by_whatever_name_they_are_called(db, path, host):
    headers = () if host is None else (("host", host),)
    assert (await Call(path, b"", method="GET", headers=headers).run()).status in (200, 503)
    elsewhere = await Call("/api/tips", b"", method="GET", headers=headers).run()
    assert (host in ("[::1]:8000", None)) == (elsewhere.status == 401)


async def test_healthz_needs_no_thread_and_answers_head(db):
    head = await Call("/healthz", b"", method="HEAD").run()
    assert (head.status, head.headers["content-type"]) == (200, "application/json")
    assert (await Call("/healthz", b"").run()).status in (403, 405)


# --- bodies ------------------------------------------------------------------------------------------------


def as_ana(ana):
    return (("authorization", f"Token {token_of(ana.user)}"), ("content-type", "application/json"), FORM[1])


async def test_a_chunked_body_is_read_like_any_other(ana):
    headers = await asyncio.to_thread(as_ana, ana)
    said = clock.iso(clock.now() + timedelta(hours=1))
    until = json.dumps({"until": said}).encode()
    chunked = (*headers, ("transfer-encoding", "chunked"))
    path = "/api/performance-queue/pause"
    paused = await Call(path, until[:9], until[9:], b"", headers=chunked).run()
    assert paused.status == 200
    assert json.loads(paused.content)["paused"]["until"] == said
    wrong = await Call(path, b'{"untill":1}', headers=chunked).run()
    assert (wrong.status, wrong.error) == (400, "malformed")


@pytest.mark.parametrize("path", ["/api/tips", "/api/webhooks/payments", "/api/webhooks/rrr", "/login"])
async def test_an_encoded_body_is_refused_as_such(db, path):
    for encoding in ("gzip", "br", "GZIP", "deflate, gzip"):
        call = await Call(path, b"\x1f\x8b", headers=(*FORM, ("content-encoding", encoding))).run()
        assert (call.status, call.error) == (415, "unsupported_media_type")


async def test_a_body_that_is_too_long_is_not_read(db):
    for length in ("1048577", "9" * 30):
        declared = Call("/login", ends=False, headers=(*FORM, ("content-length", length)))
        assert (await declared.run()).status == 413
    chunked = await Call("/login", *[b"x" * 65_536] * 17, ends=False).run()
    assert (chunked.status, chunked.error) == (413, "too_large")


# --- the one shape of errors -------------------------------------------------------------------------------

DEEP = b'{"resolution":' + b"[" * 3000 + b"]" * 3000 + b"}"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api", 404),
        ("GET", "/api/nope", 404),
        ("GET", "/api/tips/", 404),
        ("POST", "/api/performance-queue/dlq/x/y/z", 404),
        ("GET", "/api/webhooks/payments", 405),
        ("PUT", "/api/webhooks/rrr", 405),
        ("DELETE", "/api/tips", 405),
        ("POST", "/api/docs", 405),
        ("POST", "/api/schema", 405),
        ("GET", "/api/%00", 404),
    ],
)
async def test_errors_under_api_have_one_shape(ana, method, path, status):
    headers = await asyncio.to_thread(as_ana, ana)
    call = await Call(path, b"", method=method, headers=headers).run()
    assert call.error
    assert call.headers["content-type"] == "application/json"
    assert int(call.headers["content-length"]) == len(call.content)
    assert call.status in (status, 403)
    assert (status == 405) <= ("allow" in call.headers or call.status == 403)


async def test_a_name_that_is_not_ours_is_refused_in_the_same_shape(db):
    call = await Call("/api/tips", b"", method="GET", headers=(("host", "elsewhere.example"),)).run()
    assert (call.status, call.error) == (400, "bad_request")


async def test_a_failure_of_ours_has_it_too(settings):
    settings.ROOT_URLCONF = __name__
    call = await Call("/api/fails", b"", method="GET").run()
    assert (call.status, call.error) == (500, "error")
    assert b"ZeroDivision" not in call.content


def staff_token():
    from tests.factories import UserFactory

    return token_of(UserFactory.create(username="root", is_staff=True, is_superuser=True))


REVIEW = "/api/performance-queue/dlq/x/review"


@pytest.mark.parametrize(
    ("path", "body", "rule"),
    [
        (REVIEW, DEEP, "must not be nested deeper than 32"),
        (REVIEW, b"[" * 3000, "must not be nested deeper than 32"),
        (REVIEW, b"\xef\xbb\xbf{}", "must be JSON without a byte order mark before it"),
        (REVIEW, b"\xff", "must be UTF-8"),
        (REVIEW, b"[]", "must be a JSON object"),
        (REVIEW, b'{"resolution":NaN}', "must not contain NaN"),
        ("/api/performance-queue/dlq/replay", b'{"expect":' + b"9" * 5000 + b"}", "must be JSON"),
    ],
)
async def test_what_no_parser_takes_is_the_callers_error(db, path, body, rule):
    token = await asyncio.to_thread(staff_token)
    headers = (("authorization", f"Token {token}"), ("content-type", "application/json"), FORM[1])
    call = await Call(path, body, headers=headers).run()
    assert (call.status, call.error) == (400, "malformed")
    assert json.loads(call.content)["error"]["details"] == {"field": "body", "rule": rule}


async def test_an_optional_field_is_absent_or_null(db):
    token = await asyncio.to_thread(staff_token)
    headers = (("authorization", f"Token {token}"), ("content-type", "application/json"), FORM[1])
    sent = {
        REVIEW: b'{"resolution":"refunded","note":null}',
        "/api/performance-queue/dlq/x/replay": b'{"why":null}',
        "/api/performance-queue/dlq/replay": b'{"cause":null,"expect":0}',
    }
    for door, body in sent.items():
        assert (await Call(door, body, headers=headers).run()).status in (200, 404)


async def test_a_query_beyond_ascii_is_no_failure_of_ours(db):
    call = await Call("/login", b"", method="GET", query=b"next=/\xff\xc3\xa4").run()
    assert call.status == 200


def test_no_header_takes_the_name_of_another():
    """To WSGI `X_Forwarded_Proto` and `X-Forwarded-Proto` are one."""
    given = (("x-forwarded-proto", "http"), ("x_forwarded_proto", "https"))
    assert asgi._plain(scope_of("/", headers=given), b"")["headers"][:1] == [(b"x-forwarded-proto", b"http")]
    assert b"https" not in dict(asgi._plain(scope_of("/", headers=given), b"")["headers"]).values()


# --- the server --------------------------------------------------------------------------------------------


@asynccontextmanager
async def served():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = uvicorn.Server(configuration())
        serving = asyncio.create_task(running.serve(sockets=[listener]))
        try:
            async with asyncio.timeout(4 * PATIENCE_SECONDS):
                yield listener.getsockname()[1]
        finally:
            running.should_exit = True
            await serving


async def said(port, *sent):
    """The answer to these bytes, up to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in sent:
            writer.write(part)
            await writer.drain()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
LONG, ENDLESS = b"x" * 40_000, b"x" * 700_000


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"a: " + LONG + b"\r\n\r\n",
        HEAD + b"".join(b"a%d: b\r\n" % number for number in range(4000)) + b"\r\n",
        HEAD + b"a: " + ENDLESS,
        HEAD + ENDLESS,
        b"GET /" + ENDLESS,
        b"GET /" + LONG + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na: " + ENDLESS,
        b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" + ENDLESS,
    ],
    ids=["one", "many", "unended", "a name", "a line", "an ended line", "a trailer", "a chunk's extension"],
)
async def test_a_head_without_end_is_refused(db, sent):
    async with served() as port:
        answer = await said(port, sent)
    assert re.match(rb"HTTP/1.1 431 ", answer)
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "too_large"


async def test_a_head_of_a_size_that_browsers_send_is_read(db):
    async with served() as port:
        answer = await said(port, HEAD + b"cookie: " + b"x" * 16_000 + b"\r\nconnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")


async def test_what_is_no_http_is_answered_in_our_shape(db):
    async with served() as port:
        answer = await said(port, b"GET \x01 HTTP/9\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "malformed"


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHo"])
async def test_a_head_that_does_not_arrive_in_time_ends_its_connection(db, monkeypatch, sent):
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.1)
    async with served() as port:
        assert await said(port, sent) == b""


async def test_the_bounds_hold_for_each_request_of_a_connection(db):
    """Twenty on one connection, together longer than one may be."""
    async with served() as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(20):
            answer = await client.get("/healthz", headers={"cookie": "x" * 3000})
            assert answer.status_code == 200


async def test_who_is_refused_for_a_long_body_reads_why(db):
    async with served() as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        answer = await client.post("/login", content=b"x" * 3_000_000)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
        assert (await client.get("/healthz")).status_code == 200
