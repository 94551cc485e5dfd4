"""A lane as one picture: what plays, what waits in which order, its mode, and what holds it. Only
reads."""

from dataclasses import dataclass
from datetime import datetime

from lovense.deciding.rules import Rules, is_paused, is_stopped
from lovense.lane import eta
from lovense.lane.eta import Foreseen, Start
from lovense.rows import Json, PerformerRow
from tips.models import Mode
from tips.queue import claims, counts
from tips.rows import RequestRow

COUNTED_AT_MOST = 1000
PLACES = 100  # of a lane, in which a request's own place is looked for


@dataclass(frozen=True, slots=True)
class Lane:
    """`paused` has since, until, by and why; None while she is not. So has `stopped`, but for the
    end. `is_counted_out`: there are no more than counted."""

    performer_id: str
    mode: Mode
    is_platform_mode: bool
    paused: Json | None
    stopped: Json | None
    is_draining: bool
    running: list[RequestRow]
    waiting: list[Start]
    waiting_count: int

    @property
    def is_counted_out(self) -> bool:
        return self.waiting_count < COUNTED_AT_MOST


def read(performer_id: str, *, limit: int, now: datetime) -> Lane:
    rules = Rules.read([performer_id])
    performer, mode = rules.performers[performer_id], rules.mode_of(performer_id)
    return Lane(
        performer_id=performer_id,
        mode=mode,
        is_platform_mode=performer["queue_mode"] is None,
        paused=_paused(performer) if is_paused(performer, now) else None,
        stopped=_stopped(performer) if is_stopped(performer) else None,
        is_draining=bool(rules.platform["is_draining"]),
        running=running(performer_id),
        waiting=eta.of_lane(performer_id, now=now, limit=limit, rules=rules),
        waiting_count=counts.depth_of(performer_id, limit=COUNTED_AT_MOST),
    )


def _paused(performer: PerformerRow) -> Json:
    return {
        "since": performer["paused_at"],
        "until": performer["paused_until"],
        "by": performer["paused_by"],
        "why": performer["paused_why"],
    }


def _stopped(performer: PerformerRow) -> Json:
    return {
        "since": performer["stopped_at"],
        "by": performer["stopped_by"],
        "why": performer["stopped_why"],
    }


def running(performer_id: str) -> list[RequestRow]:
    """The claimed request, and those that play as part of its run."""
    claimed = claims.claimed(performer_id)
    return [claimed, *claims.joined_to([claimed["idempotency_key"]])] if claimed else []


def outlook(request: RequestRow, *, now: datetime) -> tuple[int | None, Foreseen]:
    """Its place (1 is next; None when it does not wait, or not among the first PLACES of its lane),
    and when it will start."""
    starts = eta.of_lane(request["lane"], now=now, limit=PLACES)
    for place, start in enumerate(starts, start=1):
        if start.request["_id"] == request["_id"]:
            return place, start.foreseen
    return None, eta.of_request(request, now=now)
