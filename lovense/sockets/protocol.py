"""What a page may say, and in which bounds; written down for its makers in docs/sockets.md.

This room is the socket from the inside: what a page says, what it is told, and which pages are open
in this process. Nothing here waits for a socket, and no word of one page can cost another page's.
"""

from typing import Any

import orjson

from ground import clock
from ground.json.errors import Refusal, error
from lovense.bridges.extensionreport import STATES as EXTENSION_STATES
from lovense.bridges.extensionreport import ExtensionReport
from lovense.devices.readings import LONGEST_ID, MAX_TOYS
from lovense.rows import Json
from lovense.sending import acknowledgement
from lovense.sending.playedlegs import PlayedLeg
from lovense.stopping.presses import Still, StillToy

MAX_MESSAGE = 65_536
MAX_ATTEMPT = 2**31 - 1  # whatever is longer than 8 bytes would fail the write of a whole group
MAX_ID, MAX_CODE, MAX_SECONDS = 80, 40, 3600
MAX_EPOCH, MAX_MS = 2**53 - 1, 600_000


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
    told = _listed(data, "legs") if data.get("legs") is not None else []
    return acknowledgement.Ack(
        performer_id,
        activation_id,
        attempt,
        stage,
        clock.now(),
        seconds,
        (code or "")[:MAX_CODE],
        activation_id == forwarded,
        tuple(map(_leg, told)),
    )


def _leg(told: object) -> PlayedLeg:
    """Of one device of a run."""
    if not isinstance(told, dict) or not _is_id(told.get("toyId")):
        raise MessageRefused("legs", "each needs the id of a toy")
    promised, seconds, code = told.get("promised"), told.get("deliveredSeconds"), told.get("code")
    if type(promised) is not int or not 0 <= promised <= MAX_SECONDS:
        raise MessageRefused("legs", f"promised must be whole seconds from 0 to {MAX_SECONDS}")
    if type(seconds) not in (int, float) or not 0 <= float(seconds or 0) <= MAX_SECONDS:
        raise MessageRefused("legs", f"deliveredSeconds must be between 0 and {MAX_SECONDS}")
    if not isinstance(code, str | None):
        raise MessageRefused("legs", "code must be a string")
    offset = told.get("offsetMs") or 0
    if type(offset) is not int or not 0 <= offset <= MAX_MS:
        raise MessageRefused("legs", f"offsetMs must be between 0 and {MAX_MS}")
    return PlayedLeg(told["toyId"], promised, float(seconds or 0), (code or "")[:MAX_CODE], offset)


def is_stop(text: str | None) -> bool:
    """Whether it is the message that overtakes all others; cheap for those that are not."""
    if not text or len(text) > MAX_MESSAGE or '"stop"' not in text:
        return False
    try:
        return bool(parsed(text)["type"] == "stop")
    except MessageRefused:
        return False


def stopped(data: Json) -> Still:
    """What a page says of its toys after a stop."""
    epoch, toy_ids = data.get("stopEpoch"), _listed(data, "toyIds")
    if type(epoch) is not int or not 0 <= epoch <= MAX_EPOCH:
        raise MessageRefused("stopEpoch", "must be the epoch that was sent")
    if not all(_is_id(each) for each in toy_ids):
        raise MessageRefused("toyIds", "must be ids of toys")
    toys = _listed(data, "toys") if data.get("toys") is not None else []
    told = {each.toy_id: each for each in map(_still, toys)}
    return Still(epoch, tuple(told.get(toy_id) or StillToy(toy_id) for toy_id in toy_ids))


def _listed(data: Json, name: str) -> list[Any]:
    found = data.get(name)
    if not isinstance(found, list) or len(found) > MAX_TOYS:
        raise MessageRefused(name, f"must be a list of at most {MAX_TOYS}")
    return found


def _is_id(found: object) -> bool:
    return isinstance(found, str) and 0 < len(found) <= LONGEST_ID


def _still(toy: object) -> StillToy:
    if not isinstance(toy, dict) or not _is_id(toy.get("id")):
        raise MessageRefused("toys", "each needs the id of a toy")
    ms, answer = toy.get("ms"), toy.get("answer")
    if ms is not None and (type(ms) not in (int, float) or not 0 <= ms <= MAX_MS):
        raise MessageRefused("toys", f"ms must be between 0 and {MAX_MS}")
    if not isinstance(answer, str | None):
        raise MessageRefused("toys", "answer must be a string")
    return StillToy(toy["id"], ms, (answer or "")[:MAX_CODE])


def released(data: Json) -> int:
    """The number of the lease that it lets go."""
    lease = data.get("lease")
    if type(lease) is not int or not 0 < lease <= MAX_EPOCH:
        raise MessageRefused("lease", "must be the number of the lease that it was asked for")
    return lease


def refused(why: Refusal) -> Json:
    """The answer to what a rule says no to."""
    return {"type": "error", **error(why.code, str(why), why.details)}


def extension(data: Json) -> ExtensionReport:
    """What a page says of her Cam Extension; what that says itself may have any shape."""
    state, version = data.get("state"), data.get("version")
    if state not in EXTENSION_STATES:
        raise MessageRefused("state", f"must be one of {', '.join(EXTENSION_STATES)}")
    if not isinstance(version, str | None):
        raise MessageRefused("version", "must be a string")
    return ExtensionReport(state, data.get("toys"), data.get("settings"), version or "")


def refusal(refused: Exception, field: str, rule: str) -> Json:
    """The answer to a message that was not understood; nothing was changed."""
    details = {"field": field, "rule": rule}
    return {
        "type": "error",
        "error": {"code": "malformed", "message": str(refused), "details": details},
    }
