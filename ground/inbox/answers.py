"""What the doors for signed calls have in common: the limit, and the answer to what was stored or
could not be."""

import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from ground.inbox.inbox import Acceptance
from ground.json.errors import Answer, check_encoding, error

log = logging.getLogger(__name__)


def body_of(request: HttpRequest, *, limit: int | None = None) -> bytes:
    """The raw body, read no further than one byte past the limit that `check_size` then refuses."""
    check_encoding(request.headers.get("Content-Encoding", ""))
    return request.read((settings.WEBHOOK_MAX_BODY_BYTES if limit is None else limit) + 1)


def answer(outcome: Acceptance, body: Mapping[str, Any], *, first: int) -> Answer:
    """`first` is the status of the first time; a repeat has the same body."""
    if outcome is Acceptance.CONFLICT:
        return 409, error(
            "conflict",
            "Another content was received under this id; the first one stands.",
            dict(body),
        )
    return (first if outcome is Acceptance.NEW else 200), dict(body)


def note(given: Answer, *, delivery_id: str, tip_id: str = "") -> Answer:
    """Leaves a line about a call that was refused, by which the sender's support can find it: no
    word of its body, and nothing of it that looks like anything but an id."""
    status, body = given
    if status >= 400:
        failure = body["error"]
        about = failure["details"] or {}
        log.info(
            "delivery_refused",
            extra={
                "delivery_id": delivery_id,
                "tip_id": tip_id or about.get("tipId", ""),
                "error_code": failure["code"],
                "field": about.get("field", ""),
            },
        )
    return given


def unavailable(failure: Exception) -> Answer:
    log.warning("delivery_not_stored", extra={"error_code": type(failure).__name__})
    return 503, error("unavailable", "The delivery could not be stored; send it again.")
