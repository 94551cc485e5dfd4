"""The door for apps: `POST /api/webhooks/lovense`, where each of them reports its toys.

Nothing is signed: a callback proves itself by the secret that its pairing gave it. Whatever is well
formed has one answer, the same bytes for hers and for nobody's, and what is not is refused before
anybody is looked for; so the door tells no stranger anything. `config/asgi.py` mounts `receive` in
front of Django; `lovense` is the same door as a plain view."""

import logging
import time
from collections.abc import Awaitable, Callable

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from pymongo.errors import PyMongoError

from ground import clock
from ground.hops import doorbell
from ground.hops.groupcommit import Overloaded
from ground.inbox import answers
from ground.json import errors
from ground.json.errors import Answer, Refusal
from lovense.devices import callbacks, heartbeats, hosts
from lovense.devices.callbacks import Callback
from lovense.devices.heartbeats import CallRate, Heard
from lovense.devices.register import TooManyAtOnce
from lovense.devices.sources import source_of
from lovense.sending import groups

log = logging.getLogger(__name__)

PATH = "/api/webhooks/lovense"
TAKEN: Answer = (200, {"result": True, "message": "success"})
PER_APP, PER_SOURCE = 120, 600  # callbacks in a minute
Store = Callable[[Callback], Awaitable[hosts.Until]]


class TooManyCallbacks(Refusal):
    """An app calls at most PER_APP times a minute, one address at most PER_SOURCE times."""

    code, status = "too_many_requests", 429
    words = "Too many callbacks in this minute."

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.retry_after = seconds


class Callers:
    """What this process remembers of whoever calls."""

    def __init__(self) -> None:
        self.apps, self.sources = CallRate(PER_APP), CallRate(PER_SOURCE)
        self.heard = Heard()

    def let_in(self, source: bytes, body: bytes, *, at: float) -> Callback | None:
        """What has to be written; None: it is answered without. Raises Refusal."""
        _check(self.sources.take(source, at))
        call = callbacks.read(body)
        if call is None:
            log.info("lovense_callback_unknown", extra={"count": 1, "error_code": "encrypted"})
            return None
        _check(self.apps.take(heartbeats.name_of(call), at))
        return None if self.heard.knows(call, clock.now()) else call


CALLERS = Callers()


def _check(seconds: int) -> None:
    if seconds:
        raise TooManyCallbacks(seconds)


def accept(calls: list[Callback]) -> list[hosts.Until]:
    """Makes durable what the apps say, and tells once for all of them; a tip may have waited for a
    device."""
    taken = hosts.take(calls, now=clock.now())
    if taken.news:
        groups.devices_changed(taken.news)
        doorbell.ring_soon("lovense.dispatch")
    if unknown := taken.until.count(None):
        log.info("lovense_callback_unknown", extra={"count": unknown, "error_code": "unknown"})
    return taken.until


async def receive(source: bytes, body: bytes, store: Store) -> Answer:
    """The door for the event loop; `store` is the group commit over `accept`. Raises Refusal."""
    call = CALLERS.let_in(source, body, at=time.monotonic())
    if call is None:
        return TAKEN
    try:
        return _taken(call, await store(call))
    except (PyMongoError, DatabaseError, Overloaded, TooManyAtOnce) as error:
        return answers.unavailable(error)


@csrf_exempt
@require_POST
def lovense(request: HttpRequest) -> JsonResponse:
    headers: dict[str, str] = {}
    try:
        limit = settings.LOVENSE_CALLBACK_MAX_BODY_BYTES
        body = answers.body_of(request, limit=limit)
        errors.check_size(len(body), limit)
        source = source_of(
            request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", "")
        )
        call = CALLERS.let_in(source, body, at=time.monotonic())
        status, content = TAKEN if call is None else _taken(call, accept([call])[0])
    except Refusal as why:
        (status, content), headers = answers.note(why.answer(), delivery_id=""), why.headers
    except (PyMongoError, DatabaseError, TooManyAtOnce) as error:
        status, content = answers.unavailable(error)
    return JsonResponse(content, status=status, headers=headers)


def _taken(call: Callback, until: hosts.Until) -> Answer:
    if until is not None:
        CALLERS.heard.note(call, until)
    return TAKEN
