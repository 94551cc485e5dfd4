"""Of which kind its deployment is, a web process says before it takes what could be money: it tries
at its start, and again until it has. Everything else it serves meanwhile, a stop above all."""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import orjson

from adminpanel.handling import deployment
from adminpanel.watch import readiness
from ground import clock
from ground.json.errors import DatabaseAway
from ledger import webhooks as ledger_webhooks
from tips import webhooks

log = logging.getLogger(__name__)

MONEY = (webhooks.PATH, ledger_webhooks.PATH, "/api/tips")
"""What comes in by these may be somebody's money."""

Handler = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def attempt() -> bool:
    """Whether it is said now. Until then this process is not ready."""
    try:
        deployment.settle(now=clock.now())
    except Exception as error:  # whatever it is: a process that gave up would stay unmarked
        log.warning("deployment_not_marked", extra={"error_code": type(error).__name__})
        readiness.say_marked(is_marked=False)
        return False
    readiness.say_marked(is_marked=True)
    return True


def is_missing(method: str, path: str) -> bool:
    """Whether this call has to wait until it is said."""
    return method == "POST" and path in MONEY and not readiness.is_marked()


def guarded(handler: Handler) -> Handler:
    """Of a WSGI server, which has no loop to try again in: each call that could be money does."""

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if is_missing(environ["REQUEST_METHOD"], environ["PATH_INFO"]) and not attempt():
            return _refuse(start)
        return handler(environ, start)

    return application


def _refuse(start: Callable[..., Any]) -> list[bytes]:
    status, data = DatabaseAway().answer()
    start(f"{status} {HTTPStatus(status).phrase}", [("Content-Type", "application/json")])
    return [orjson.dumps(data)]
