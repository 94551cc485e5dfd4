"""What is answered to a call that is not done: the one shape of an error, the root of all refusals,
and the one limit of a body.

Refusal            what a caller hears; each leaf is a broken rule and knows its code and status
├─ TooLarge        413, here; and Encoded, 415, DatabaseAway, 503
├─ Malformed       400, `ground/json/fields.py`: names the field and the rule
├─ BadSignature    401, `ground/inbox/signing.py`
└─ …               beside the rule that is broken: `lovense/lane`, `tips/intake`

A rule raises its refusal and knows no door. A door has one `except Refusal as why` and answers
`why.answer()`; of the REST doors that is `config/requests.api_error`."""

from typing import Any, ClassVar

from django.conf import settings

Answer = tuple[int, dict[str, Any]]


class Refusal(Exception):
    """A rule says no. The docstring of a leaf states the rule; its text is for the caller."""

    code: ClassVar[str] = "refused"  # a stable word for programs
    status: ClassVar[int] = 409
    words: ClassVar[str] = ""  # the sentence for people, where it is always the same
    details: Any = None  # what is wrong where, as JSON
    retry_after: int | None = None  # seconds after which the same call may be taken

    def __str__(self) -> str:
        return super().__str__() or self.words or self.code.replace("_", " ")

    @property
    def message(self) -> str:
        """One sentence for people."""
        return str(self)

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}

    def answer(self) -> Answer:
        return self.status, error(self.code, self.message, self.details)


class TooLarge(Refusal):
    """A body has at most so many bytes as its door takes: WEBHOOK_MAX_BODY_BYTES, if no other."""

    code, status = "too_large", 413


class Encoded(Refusal):
    """A body is sent as it is."""

    code, status = "unsupported_media_type", 415
    words = "The body must be sent without a Content-Encoding."


class DatabaseAway(Refusal):
    """Nothing is known to be done while the database does not answer."""

    code, status = "unavailable", 503
    words = "The database did not answer; try again."


def error(code: str, message: str, details: Any = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "details": details}}


def check_size(length: int, limit: int | None = None) -> None:
    limit = settings.WEBHOOK_MAX_BODY_BYTES if limit is None else limit
    if length > limit:
        raise TooLarge(f"The body must be at most {limit} bytes.")


def check_encoding(named: str) -> None:
    """`Content-Encoding`: bodies are read, and signatures proven, as they stand."""
    if named.strip().lower() not in ("", "identity"):
        raise Encoded
