"""What a page may say, and in which bounds; written down for its makers in docs/sockets.md.

This room is the socket from the inside: what a page says, what it is told, and which pages are open
in this process. Nothing here waits for a socket, and no word of one page can cost another page's.
"""

import orjson

from ground import clock
from lovense.rows import Json
from lovense.sending import acknowledgement

MAX_MESSAGE = 65_536
MAX_ATTEMPT = 2**31 - 1  # whatever is longer than 8 bytes would fail the write of a whole group
MAX_ID, MAX_CODE, MAX_SECONDS = 80, 40, 3600


class MessageRefused(Exception):
    """A message of the page breaks a rule of docs/sockets.md."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule = field, rule


def parsed(text: str | None) -> Json:
    if not text or len(text) > MAX_MESSAGE:
        raise MessageRefused("message", f"must be text of at most {MAX_MESSAGE} characters")
    try:
        # Refuses NaN and half characters: the database would refuse them for a whole group.
        data = orjson.loads(text)
    except ValueError:
        raise MessageRefused("message", "must be JSON") from None
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise MessageRefused("type", "is required")
    return data


def ack(data: Json, performer_id: str, forwarded: str) -> acknowledgement.Ack:
    """`forwarded`: the activation that this page was last sent. What is optional may also be
    null."""
    activation_id, attempt, stage = data.get("activationId"), data.get("attempt"), data.get("stage")
    if not isinstance(activation_id, str) or len(activation_id) > MAX_ID:
        raise MessageRefused("activationId", "must be the id that was sent")
    if type(attempt) is not int or not 0 <= attempt <= MAX_ATTEMPT:
        raise MessageRefused("attempt", "must be the attempt that was sent")
    if stage not in acknowledgement.STAGES:
        raise MessageRefused("stage", f"must be one of {', '.join(acknowledgement.STAGES)}")
    seconds, code = data.get("deliveredSeconds"), data.get("code")
    if seconds is not None and (
        type(seconds) not in (int, float) or not 0 <= seconds <= MAX_SECONDS
    ):
        raise MessageRefused("deliveredSeconds", f"must be between 0 and {MAX_SECONDS}")
    if not isinstance(code, str | None):
        raise MessageRefused("code", "must be a string")
    return acknowledgement.Ack(
        performer_id,
        activation_id,
        attempt,
        stage,
        clock.now(),
        seconds,
        (code or "")[:MAX_CODE],
        activation_id == forwarded,
    )


def refusal(refused: Exception, field: str, rule: str) -> Json:
    """The answer to a message that was not understood; nothing was changed."""
    details = {"field": field, "rule": rule}
    return {
        "type": "error",
        "error": {"code": "malformed", "message": str(refused), "details": details},
    }
