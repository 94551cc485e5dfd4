"""The roof of a web process: one port, three doors.

The webhooks of payment systems and of the ledger, and the callbacks of apps, are answered on bare
ASGI with grouped writes; sockets go to Channels; every other request goes to Django's WSGI handler
in a thread pool, which costs a fraction of its ASGI one. A thread is given only to a request whose
whole body is here, and is taken back from whoever does not read his answer; probes have threads of
their own."""

import asyncio
import contextlib
import gc
import logging
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import orjson

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from config import commandline

commandline.check_combinations()

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from pymongo.errors import PyMongoError

from adminpanel import consumers as staff
from adminpanel.watch import readiness
from config import marking
from config.logging import trace_id
from config.pen.pen import Pen
from config.requests import PROBES, request_id_of
from config.server import WHOLE
from ground.hops.groupcommit import GroupCommit
from ground.inbox import answers
from ground.inbox.inbox import Acceptance
from ground.json.errors import Answer, DatabaseAway, Refusal, check_encoding, check_size
from ground.mongodb import abandoned
from ledger import webhooks as ledger_webhooks
from lovense import webhooks as lovense_webhooks
from lovense.consumers import PerformerConsumer
from lovense.devices.callbacks import Callback
from lovense.devices.hosts import Until
from lovense.devices.sources import source_of
from lovense.runner.runner import runner
from lovense.sending import writer
from lovense.sockets.process import sockets
from lovense.stopping import halts
from tips import webhooks

log = logging.getLogger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = dict[str, str]
Webhook = Callable[[Scope, Headers, bytes], Awaitable[Answer]]

HTTP_THREADS, PROBE_THREADS = 8, 2
BODY_SECONDS = 10.0
"""So long a whole body may take to arrive; ours are a few kilobytes."""
SEND_SECONDS = 60.0
"""So long all of an answer may wait for its reader."""
MARK_SECONDS, MARK_PAUSE_SECONDS = 3.0, 0.5
"""So long a start waits for the database to be marked, and between two tries."""

_wsgi = get_wsgi_application()
_django = WSGIMiddleware(_wsgi, workers=HTTP_THREADS)  # type: ignore[arg-type]
_probes = WSGIMiddleware(_wsgi, workers=PROBE_THREADS)  # type: ignore[arg-type]
_performer = PerformerConsumer.as_asgi()
_pen = Pen()
_store_notice: GroupCommit[ledger_webhooks.Proven, Acceptance | None] = GroupCommit(
    ledger_webhooks.accept, name="notices"
)
_store_callback: GroupCommit[Callback, Until] = GroupCommit(
    lovense_webhooks.accept, name="callbacks"
)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await _http(scope, receive, send)
    elif scope["type"] == "websocket":
        await _socket(scope, receive, send)
    else:
        await _lifespan(receive, send)


class TooSlow(Refusal):
    """A body arrives within BODY_SECONDS."""

    code, status = "too_slow", 408
    words = f"The body must arrive within {BODY_SECONDS:.0f} seconds."


class HungUp(Exception):
    """The caller went away before his request was complete: there is nobody to answer."""


async def _http(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/healthz" and scope["method"] in ("GET", "HEAD"):
        await _answer(
            scope, send, (200, {"ok": True})
        )  # by the loop itself, whatever its threads do
        return
    door = _DOORS.get(scope["path"]) if scope["method"] == "POST" else None
    headers = headers_of(scope)
    trace = trace_id.set(request_id_of(headers.get("x-request-id")))
    try:
        if marking.is_missing(scope["method"], scope["path"]):
            raise DatabaseAway
        if door:
            body = await body_of(scope, receive, limit=getattr(settings, door.limit))
            await _answer(scope, send, await door.webhook(scope, headers, body))
        else:
            await _to_django(scope, receive, send)
    except Refusal as why:
        if door:
            answers.note(why.answer(), delivery_id=headers.get("webhook-id", ""))
        await _answer(scope, send, why.answer(), why.headers)
    except HungUp:
        pass
    finally:
        trace_id.reset(trace)


async def _payments(scope: Scope, headers: Headers, body: bytes) -> Answer:
    return await webhooks.receive(headers, body, _pen.accept)


async def _rrr(scope: Scope, headers: Headers, body: bytes) -> Answer:
    query = scope["query_string"]
    target = (scope.get("raw_path") or scope["path"].encode()) + (b"?" + query if query else b"")
    return await ledger_webhooks.receive(headers, target.decode("latin-1"), body, _store_notice)


async def _lovense(scope: Scope, headers: Headers, body: bytes) -> Answer:
    peer = (scope.get("client") or ("",))[0]
    source = source_of(peer, headers.get("x-forwarded-for", ""))
    return await lovense_webhooks.receive(source, body, _store_callback)


class BareDoor(NamedTuple):
    """A webhook in front of Django, and the setting that bounds its bodies."""

    webhook: Webhook
    limit: str


_DOORS = {
    webhooks.PATH: BareDoor(_payments, "WEBHOOK_MAX_BODY_BYTES"),
    ledger_webhooks.PATH: BareDoor(_rrr, "WEBHOOK_MAX_BODY_BYTES"),
    lovense_webhooks.PATH: BareDoor(_lovense, "LOVENSE_CALLBACK_MAX_BODY_BYTES"),
}


async def _to_django(scope: Scope, receive: Receive, send: Send) -> None:
    """With the body that came, however it came: to Django a chunked body would be none."""
    body = await body_of(scope, receive, limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)

    async def again() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    door = _probes if scope["path"] in PROBES else _django
    await door(_plain(scope, body), again, _patient(send))  # type: ignore[arg-type]


_HOP = (b"transfer-encoding", b"content-length")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


def _plain(scope: Scope, body: bytes) -> Scope:
    """The request as WSGI can say it: the length of its body, an ASCII query, and no header whose
    name becomes another's there (`X_Forwarded_Proto`)."""
    kept = [
        (name, value) for name, value in scope["headers"] if name not in _HOP and b"_" not in name
    ]
    if body or len(kept) < len(scope["headers"]):
        kept.append((b"content-length", b"%d" % len(body)))
    query = _BEYOND_ASCII.sub(lambda found: b"%%%02X" % found[0][0], scope["query_string"])
    return scope | {"headers": kept, "query_string": query}


def _patient(send: Send) -> Send:
    """To somebody who has kept an answer waiting for SEND_SECONDS in all, nothing more is said."""
    left = SEND_SECONDS

    async def sending(message: dict[str, Any]) -> None:
        nonlocal left
        if left <= 0:
            return
        started = asyncio.get_running_loop().time()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await send(message)
        left -= asyncio.get_running_loop().time() - started

    return sending


async def _answer(
    scope: Scope, send: Send, answer: Answer, more: Mapping[str, str] | None = None
) -> None:
    """`more`: headers that only this answer has."""
    status, data = answer
    content = orjson.dumps(data)
    trace = trace_id.get() or request_id_of(headers_of(scope).get("x-request-id"))
    head = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(content)),
        (b"x-request-id", trace.encode()),
    ]
    head += [(name.lower().encode(), value.encode()) for name, value in (more or {}).items()]
    if status == 408:  # what is still on its way of it belongs to no request
        head.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": content})


def headers_of(scope: Scope) -> Headers:
    """By their names in lower case. A header that is given twice has both values, as HTTP says:
    none of them silently wins."""
    found: Headers = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


async def body_of(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """The whole body, with the length it declares or in chunks, before any thread is given to it.
    Raises Refusal when it is too long, too slow or encoded, HungUp when its end never came."""
    for name, value in scope["headers"]:
        if name == b"content-encoding":
            check_encoding(value.decode("latin-1"))
        elif name == b"content-length":
            check_size(int(value[:18]), limit)
    try:
        if scope.get(WHOLE):
            return await _collected(receive, limit)
        async with asyncio.timeout(BODY_SECONDS):
            return await _collected(receive, limit)
    except TimeoutError:
        raise TooSlow from None


async def _collected(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    more, length = True, 0
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        parts.append(message.get("body", b""))
        more, length = message.get("more_body", False), length + len(parts[-1])
        check_size(length, limit)
    return b"".join(parts)


async def _socket(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/ws/performer":
        await _performer(scope, receive, send)
    elif scope["path"] == "/ws/admin":
        await staff.news(scope, receive, send)
    else:
        await receive()
        await send({"type": "websocket.close", "code": 4404})


def _end_orphans() -> None:
    """REST settles in this process: what its predecessor left open when it was killed must not hold
    up settlement."""
    with contextlib.suppress(PyMongoError):  # then the server ends it, later
        abandoned.end(settings.STACK_SLOT)


def _spare_the_collector() -> None:
    """What is loaded by now stays for ever: the collector need not walk through it again and again,
    and what comes with calls is nearly all freed by its count."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


async def _mark_database() -> None:
    while not await asyncio.to_thread(marking.attempt):
        await asyncio.sleep(MARK_PAUSE_SECONDS)


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await asyncio.to_thread(_end_orphans)
    readiness.say_marked(is_marked=False)
    marked = asyncio.create_task(_mark_database())
    await asyncio.wait([marked], timeout=MARK_SECONDS)
    _pen.deliver, _pen.pages_here = sockets.deliver, sockets.holdings
    writer.use(_pen)
    halts.use(runner)
    pulse = readiness.Pulse(
        settings.STACK_SLOT, of=readiness.WEB, seconds=readiness.WEB_PULSE_SECONDS
    )
    pulse.start()
    running = _pen.run(), sockets.run(), runner.run()
    tickers = [marked, *(asyncio.create_task(work) for work in running)]
    _spare_the_collector()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    for ticker in tickers:
        ticker.cancel()
    await asyncio.gather(*tickers, return_exceptions=True)
    await asyncio.to_thread(pulse.stop)
    await send({"type": "lifespan.shutdown.complete"})
