"""What a log line may contain: one JSON object with an event name and the allowed fields below.
Nothing else gets out.

    logger.info("tip_settled", extra={"tip_id": tip.tip_id, "lines_count": 2, "duration_ms": 3})

The message is a *name* (`words_like_this` or `dotted.words`), never a sentence with values. What
libraries write may be or hold a value, so only the place it came from is kept. Exceptions give
their types and places, never their words."""

import json
import logging
import logging.config
import re
import time
import traceback
from contextvars import ContextVar
from types import TracebackType
from typing import Any

# The id of the request or task this thread is working for; every line carries it.
trace_id: ContextVar[str] = ContextVar("trace_id", default="")

OURS = frozenset({"config", "ground", "ledger", "tips", "lovense", "adminpanel"})
IDS = frozenset({"tip_id", "source_ref", "event_id", "delivery_id", "request_id", "trace_id"})
WORDS = frozenset({"mode", "error_code", "field"})
DURATIONS = frozenset({"duration_ms", "duration_seconds"})

_EVENT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", re.ASCII)
_COUNT = re.compile(r"count|[a-z][a-z0-9_]*_count", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_.:/-]{1,200}", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,60}", re.ASCII)
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}
FRAMES_LIMIT = 12
CAUSES_LIMIT = 4


class AllowListFormatter(logging.Formatter):
    """One line of JSON per record, built only from what is allowed."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": event_name(record.name, record.msg),
            "logger": record.name,
        }
        if line["event"] == "text":
            line["where"] = f"{record.module}.{record.funcName}:{record.lineno}"
        if found := trace_id.get():
            line["trace_id"] = found
        line |= {
            name: value
            for name, value in record.__dict__.items()
            if name not in _STANDARD and is_allowed(name, value)
        }
        if record.exc_info and record.exc_info[1]:
            line["error"] = error_places(record.exc_info[1])
        return json.dumps(line, separators=(",", ":"))


def event_name(logger: str, message: object) -> str:
    """The message when it is a name that our code gave; "text" for anything that could be or hold a
    value."""
    is_ours = logger.partition(".")[0] in OURS
    return (
        message
        if is_ours and isinstance(message, str) and len(message) <= 80 and _EVENT.fullmatch(message)
        else "text"
    )


def is_allowed(name: str, value: object) -> bool:
    """May this field be written? Its name decides, and its value must look like what the name
    promises."""
    if name in IDS:
        return isinstance(value, str) and bool(_ID.fullmatch(value))
    if name in WORDS:
        return isinstance(value, str) and bool(_WORD.fullmatch(value))
    if name in DURATIONS:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if _COUNT.fullmatch(name):
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, bool)


def error_places(error: BaseException) -> list[dict[str, Any]]:
    """The error and its causes, outermost first: each its type and the innermost places it passed,
    without any value."""
    found: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and len(found) < CAUSES_LIMIT:
        kind = type(current)
        found.append(
            {"type": f"{kind.__module__}.{kind.__qualname__}", "at": _places(current.__traceback__)}
        )
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return found


def _places(start: TracebackType | None) -> list[str]:
    places = [
        f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_name}:{line}"
        for frame, line in traceback.walk_tb(start)
    ]
    return places[-FRAMES_LIMIT:]


def configure(settings: dict[str, Any]) -> None:
    """Called by Django with the LOGGING setting (`{"level": …}`): everything goes to standard error
    through the formatter."""
    quiet, rare = {"handlers": [], "propagate": True}, {"level": "WARNING"}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"lines": {"()": AllowListFormatter}},
            "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines"}},
            "root": {"handlers": ["lines"], "level": settings.get("level", "INFO")},
            # Django's own handlers would write sentences and send mails. Celery would write two
            # lines for each doorbell, and httpx one for each call.
            "loggers": {
                "django": quiet,
                "django.server": quiet,
                "py.warnings": quiet,
                "celery": rare,
                "httpx": rare,
            },
        }
    )
