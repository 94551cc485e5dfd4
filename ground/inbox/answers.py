"""What the doors for signed calls have in common: the limit, the refusals, and the answer in the
one shape of an error."""

import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from ground.inbox.inbox import Acceptance
from ground.inbox.signing import BadSignature
from ground.json.errors import Answer, Refusal, error
from ground.json.fields import Malformed

log = logging.getLogger(__name__)


def body_of(request: HttpRequest) -> bytes:
    """The raw body, read no further than one byte past the limit that `check_size` then refuses."""
    return request.read(settings.WEBHOOK_MAX_BODY_BYTES + 1)


def unproven(bad: BadSignature) -> Refusal:
    return Refusal(401, "bad_signature", f"{bad}.")


def malformed(bad: Malformed) -> Refusal:
    return Refusal(400, "malformed", f"{bad}.", {"field": bad.field, "rule": bad.rule})


def answer(outcome: Acceptance, body: Mapping[str, Any], *, first: int) -> Answer:
    """`first` is the status of the first time; a repeat has the same body."""
    if outcome is Acceptance.CONFLICT:
        return 409, error(
            "conflict",
            "Another content was received under this id; the first one stands.",
            dict(body),
        )
    return (first if outcome is Acceptance.NEW else 200), dict(body)


def unavailable(failure: Exception) -> Answer:
    log.warning("delivery_not_stored", extra={"error_code": type(failure).__name__})
    return 503, error("unavailable", "The delivery could not be stored; send it again.")
