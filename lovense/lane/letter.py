"""A dead letter: one request that was given up, what it died of, its history, and whether it may go
back into the queue.

Only `dead` goes back: it is known not to have played. A `failed` one may have played, or its device
has said no for good. Whoever lists letters and whoever decides about one need the same answer, so
it is given here, of rows that somebody else has read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ground.json.errors import Refusal
from lovense.rows import ActivationRow, GateRow
from tips.models import RequestStatus, RequestType
from tips.queue import requests as queue
from tips.rows import RequestRow, Review

DEAD = RequestStatus.DEAD.value


class Resolution(StrEnum):
    """What a person decided about a dead letter."""

    REPLAYED = "replayed"  # it played in another way: by hand, at another time
    REFUNDED = "refunded"
    WAIVED = "waived"
    DUPLICATE = "duplicate"
    OTHER = "other"


class NotDead(Refusal):
    """Only what is known not to have played goes back."""

    code, status = "not_dead", 409

    def __init__(self, status: str) -> None:
        super().__init__(_WHY_NOT.get(status, f"It is {status}."))


class ReviewedMeanwhile(Refusal):
    """Of two who decide about one letter at once the second has not seen what the first said."""

    code, status = "reviewed_meanwhile", 409
    words = "Somebody else has just decided about it."


class Archived(Refusal):
    """The archive's rows are what their manifests say, for ever."""

    code, status = "archived", 409

    def __init__(self) -> None:
        super().__init__(
            "It ended more than 90 days ago and is in the archive: there it can be read, and "
            "nothing can be changed."
        )


class SettledOtherwise(Refusal):
    """A viewer who was given the tokens back is not given the run as well."""

    code, status = "settled_otherwise", 409

    def __init__(self, review: Mapping[str, Any]) -> None:
        super().__init__(
            f"{review['by']} has reviewed it as {review['resolution']}, so it does not play any "
            f"more. To send it back, review it as {Resolution.OTHER} first."
        )


class PlaysAsOwed(Refusal):
    """What it owed was requeued: it is not given twice."""

    code, status = "settled_otherwise", 409
    words = "What it owed has been requeued, so it plays as a request of its own."


_WHY_NOT = {
    "failed": "It failed: the device said so, or fell silent after it had begun. It may have "
    "played, so it is never sent again.",
    "pending": "It is waiting in the queue already.",
    "claimed": "It is under way already.",
    "joined": "It is under way already, as part of another one's run.",
    "completed": "It has completed: a page finished it after all.",
    "cancelled": "It was cancelled.",
}


# What they died of, as a person reads it.
CAUSES = {
    "not_received": "No page confirmed it",
    "busy": "The device was busy",
    "not_connected": "The device was not connected",
    "app_offline": "The device's app was offline",
    "too_many_requests": "The device's vendor had too many requests",
    "unreachable": "The device's vendor could not be reached",
    "worker_died": "Its worker died, every time",
    "undecidable": "It could not be decided: a defect",
}


def words(cause: str) -> str:
    """A code that is new here speaks for itself."""
    return CAUSES.get(cause) or cause.replace("_", " ").capitalize() or "No cause was recorded"


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of a letter's history."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead request with its activation, as both are stored."""

    request: RequestRow
    activation: ActivationRow | None = None
    is_archived: bool = False

    @property
    def request_id(self) -> str:
        return str(self.request["_id"])

    @property
    def status(self) -> str:
        return str(self.request["status"])

    @property
    def cause(self) -> str:
        return self.request.get("cause") or ""

    @property
    def words(self) -> str:
        return words(self.cause)

    @property
    def tip_id(self) -> str:
        """Empty for a test, or what was played by hand."""
        is_of_tip = self.request["type"] == RequestType.TIP
        return str(self.request["idempotency_key"]) if is_of_tip else ""

    @property
    def amount(self) -> int:
        return int(self.request["payload"].get("amount") or 0)

    @property
    def who(self) -> str:
        return (self.request["payload"].get("tipper") or {}).get("username") or "Anonymous"

    @property
    def reviewed_at(self) -> datetime | None:
        review = self.request.get("review")
        return review["at"] if review else None

    @property
    def replays(self) -> int:
        return self.request.get("replays") or 0

    @property
    def review(self) -> Review | None:
        return self.request.get("review")

    @property
    def gates(self) -> list[GateRow]:
        return self.activation["gates"] if self.activation else []

    @property
    def history(self) -> list[HistoryLine]:
        """The attempts of the activation and the errors of the request, in the order in which they
        happened."""
        attempts = self.activation.get("attempts", []) if self.activation else []
        lines = [
            HistoryLine(one["at"], f"attempt {one['attempt']}: handed over to the page")
            for one in attempts
            if not one.get("is_replay")
        ]
        lines += [HistoryLine(one["at"], one["error"]) for one in self.request["errors"]]
        if ended_at := self.request["finished_at"]:
            text = f"{self.status}: {self.cause.replace('_', ' ')}".rstrip(": ")
            lines.append(HistoryLine(ended_at, text))
        return sorted(lines, key=lambda line: line.at)

    @property
    def refusal(self) -> Refusal | None:
        """Why it cannot be sent back; None when it can."""
        if self.is_archived:
            return Archived()
        if self.status != DEAD:
            return NotDead(self.status)
        if self.review and self.review["resolution"] in queue.SETTLED_OTHERWISE:
            return SettledOtherwise(self.review)
        if self.activation and self.activation.get("requeued_at"):
            return PlaysAsOwed()
        return None
