"""Outcomes: what an answer to a command means, whatever the HTTP status and the content type. Pure;
`tests/golden/outcomes.json` is the table.

A code is believed, as a number or as text. What is no answer of the vendor's is *unknown*: it may
have been done, and is never told again."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

TOO_MANY_REQUESTS = 429


class CallOutcome(StrEnum):
    ACCEPTED = "accepted"  # by the app; nobody says that anything moved
    APP_OFFLINE = "app_offline"
    NOT_CONNECTED = "not_connected"
    TOY_GONE = "toy_gone"
    NOT_SENT = "not_sent"  # no connection: nothing has left this machine
    TOO_MANY_REQUESTS = "too_many_requests"
    PAIRING_LOST = "pairing_lost"
    OPERATOR_FAULT = "operator_fault"
    UNSUPPORTED = "unsupported"
    BAD_COMMAND = "bad_command"
    UNKNOWN = "unknown"


# Known not to have been done, and passes by itself: the next attempt, or the next slice, may go
# well.
PASSING = frozenset(
    {
        CallOutcome.APP_OFFLINE,
        CallOutcome.NOT_CONNECTED,
        CallOutcome.TOY_GONE,
        CallOutcome.NOT_SENT,
        CallOutcome.TOO_MANY_REQUESTS,
    }
)
# Nothing more of this run is told after these.
LASTING = frozenset(CallOutcome) - PASSING - {CallOutcome.ACCEPTED, CallOutcome.UNKNOWN}

# The vendor's code lists, of the cloud and of the app's local server.
_CODES = {
    200: CallOutcome.ACCEPTED,
    400: CallOutcome.BAD_COMMAND,
    401: CallOutcome.TOY_GONE,
    402: CallOutcome.NOT_CONNECTED,
    403: CallOutcome.UNSUPPORTED,
    404: CallOutcome.BAD_COMMAND,
    TOO_MANY_REQUESTS: CallOutcome.TOO_MANY_REQUESTS,
    501: CallOutcome.OPERATOR_FAULT,
    502: CallOutcome.OPERATOR_FAULT,
    503: CallOutcome.PAIRING_LOST,
    507: CallOutcome.APP_OFFLINE,
}
LONGEST_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """As it came over the wire."""

    status: int
    body: bytes


def outcome_of(answer: CallAnswer) -> CallOutcome:
    code = _code(answer.body)
    if code is not None:
        return _CODES.get(code, CallOutcome.UNKNOWN)
    if answer.status == TOO_MANY_REQUESTS:
        return CallOutcome.TOO_MANY_REQUESTS
    return CallOutcome.UNKNOWN


def _code(body: bytes) -> int | None:
    try:
        found: Any = json.loads(body) if len(body) <= LONGEST_ANSWER else None
    except (ValueError, RecursionError):
        return None
    code = found.get("code") if isinstance(found, dict) else None
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) <= 4:
        return int(code)
    return code if type(code) is int else None
