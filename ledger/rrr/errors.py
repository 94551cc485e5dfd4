"""What can go wrong between RRR and us: one tree, whose leaves know whether asking again may help.

An error's text holds its kind, the HTTP status and RRR's code: nothing of RRR's sentences, which
may name people or amounts. Those stay in `message` and `details` for whoever asks for them."""

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ledger.gateway import LedgerError

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,59}")
_SECONDS = re.compile(r"[0-9]{1,9}")
LONGEST_RETRY_AFTER = (
    300.0  # a ledger that says "tomorrow" is asked again sooner: its tips have 48 hours
)


class RrrError(LedgerError):
    """RRR answered with an error, or not at all. `code`, `message` and `details` are those of RRR's
    error body."""

    def __init__(
        self,
        *,
        status: int = 0,
        code: str = "",
        message: str = "",
        details: Any = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            " ".join(str(part) for part in (type(self).__name__, status, code) if part)
        )
        self.status, self.code, self.message, self.details, self.retry_after = (
            status,
            code,
            message,
            details,
            retry_after,
        )


class Unauthorized(RrrError):
    """401: our credentials, or a token fetched a moment ago, are not accepted."""

    permanent = True


class Forbidden(RrrError):
    """403: this client may not do that."""

    permanent = True


class NotFound(RrrError):
    """404. `code` tells RRR's own word from a page of whatever else answers at this address."""

    permanent = True


class Conflict(RrrError):
    """409: the key or the reference was used for something else."""

    permanent = True


class KeyReuseMismatch(Conflict):
    """409 `IDEMPOTENCY_KEY_REUSE_MISMATCH`: the same idempotency key came with another body."""


class Invalid(RrrError):
    """422: understood, and refused by a rule of RRR's."""

    permanent = True


class Unexpected(RrrError):
    """Any other status below 500, redirections included: nothing the contract speaks of."""

    permanent = True


class RateLimited(RrrError):
    """429: too many calls; `retry_after` when RRR named a time."""


class ServerFault(RrrError):
    """5xx."""


class Unreachable(RrrError):
    """No answer: refused, timed out, broken off. The work may have been done. `code` names the kind
    of failure."""


class Unreadable(RrrError):
    """An answer that is not what the contract says; `message` says where. It may be a proxy's, so
    it may pass."""


class CircuitOpen(RrrError):
    """Not asked at all: RRR failed several times in a row, or asked for a pause."""


_BY_STATUS: dict[int, type[RrrError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    429: RateLimited,
}
KEY_REUSE_MISMATCH = "IDEMPOTENCY_KEY_REUSE_MISMATCH"


def from_answer(status: int, body: bytes, *, retry_after: float | None = None) -> RrrError:
    """The leaf for an answer that is not 2xx, with what its `{"error": {…}}` says, if it says
    so."""
    said = _error_of(body)
    code = said.get("code")
    code = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
    kind = ServerFault if status >= 500 else _BY_STATUS.get(status, Unexpected)
    if kind is Conflict and code == KEY_REUSE_MISMATCH:
        kind = KeyReuseMismatch
    message = said.get("message")
    return kind(
        status=status,
        code=code,
        message=message if isinstance(message, str) else "",
        details=said.get("details"),
        retry_after=retry_after,
    )


def _error_of(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)["error"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def retry_after(header: str, *, now: datetime) -> float | None:
    """Seconds until the moment a `Retry-After` header names (seconds or an HTTP date), capped; None
    when it names none."""
    text = header.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:  # "-0000": UTC, says RFC 5322
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - now).total_seconds()), LONGEST_RETRY_AFTER)
