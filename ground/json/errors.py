"""The one shape of an error, and the one limit of a body. What a door answers is decided
elsewhere."""

from typing import Any

from django.conf import settings

Answer = tuple[int, dict[str, Any]]


class Refusal(Exception):
    """A call that is answered without being stored."""

    def __init__(self, status: int, code: str, message: str, details: Any = None) -> None:
        super().__init__(code)
        self.answer: Answer = (status, error(code, message, details))


def error(code: str, message: str, details: Any = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "details": details}}


def check_size(body: bytes) -> None:
    if len(body) > settings.WEBHOOK_MAX_BODY_BYTES:
        raise Refusal(
            413, "too_large", f"The body must be at most {settings.WEBHOOK_MAX_BODY_BYTES} bytes."
        )
