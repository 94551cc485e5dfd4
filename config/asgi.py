"""The roof of a web process: one port, three doors.

The webhooks of payment systems and of the ledger are answered on bare ASGI with grouped writes;
sockets go to Channels; every other request goes to Django's WSGI handler in a thread pool, which
costs a fraction of its ASGI one (platform notes, section 6)."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from pymongo.errors import PyMongoError

from config.requests import request_id_of
from ground.hops.groupcommit import GroupCommit
from ground.inbox.inbox import Acceptance, Call
from ground.json.errors import Answer
from ground.mongodb import abandoned
from ledger import webhooks as ledger_webhooks
from lovense.consumers import PerformerConsumer
from lovense.sockets.process import sockets
from tips import webhooks

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = dict[str, str]
Webhook = Callable[[Scope, Headers, bytes], Awaitable[Answer]]

HTTP_THREADS = 8

_django = WSGIMiddleware(get_wsgi_application(), workers=HTTP_THREADS)  # type: ignore[arg-type]
_performer = PerformerConsumer.as_asgi()
_store: GroupCommit[Call, Acceptance] = GroupCommit(webhooks.accept, name="inbox")
_store_notice: GroupCommit[ledger_webhooks.Proven, Acceptance | None] = GroupCommit(
    ledger_webhooks.accept, name="notices"
)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        webhook = _WEBHOOKS.get(scope["path"]) if scope["method"] == "POST" else None
        if webhook:
            await _signed(webhook, scope, receive, send)
        else:
            await _django(scope, receive, send)  # type: ignore[arg-type]
    elif scope["type"] == "websocket":
        await _socket(scope, receive, send)
    else:
        await _lifespan(receive, send)


async def _payments(scope: Scope, headers: Headers, body: bytes) -> Answer:
    return await webhooks.receive(headers, body, _store)


async def _rrr(scope: Scope, headers: Headers, body: bytes) -> Answer:
    query = scope["query_string"]
    target = (scope.get("raw_path") or scope["path"].encode()) + (b"?" + query if query else b"")
    return await ledger_webhooks.receive(headers, target.decode("latin-1"), body, _store_notice)


_WEBHOOKS = {webhooks.PATH: _payments, ledger_webhooks.PATH: _rrr}


async def _signed(webhook: Webhook, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    status, answer = await webhook(scope, headers, await _body(receive))
    content = orjson.dumps(answer)
    trace = request_id_of(headers.get("x-request-id")).encode()
    head = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(content)),
        (b"x-request-id", trace),
    ]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": content})


async def _body(receive: Receive) -> bytes:
    """The body, read no further than one byte past the limit that the door then refuses."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body") and len(body) <= settings.WEBHOOK_MAX_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
    return body


async def _socket(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/ws/performer":
        await _performer(scope, receive, send)
    else:
        await receive()
        await send({"type": "websocket.close", "code": 4404})


def _end_orphans() -> None:
    """REST settles in this process: what its predecessor left open when it was killed must not hold
    up settlement."""
    with contextlib.suppress(PyMongoError):  # then the server ends it, later
        abandoned.end(settings.STACK_SLOT)


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await asyncio.to_thread(_end_orphans)
    ticker = asyncio.create_task(sockets.run())
    await send({"type": "lifespan.startup.complete"})
    await receive()
    ticker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ticker
    await send({"type": "lifespan.shutdown.complete"})
