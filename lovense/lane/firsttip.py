"""The first tip: one that she sends herself, as a rehearsal, and the five steps that it takes.
Moves no tokens, and leaves the switch of the rehearsal as it was."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from lovense.deciding.rules import Rules
from lovense.lane import rehearsal
from lovense.lane.eta import Start
from lovense.lane.submissions import Submitted
from lovense.models import Activation, ActivationStatus

AMOUNT = 25


class FirstTip(NamedTuple):
    """How far it is: of the five steps those that are done, what answered it, and why it did
    nothing, where it did."""

    done: int
    activation: Activation | None
    is_over: bool

    @property
    def has_played(self) -> bool:
        return self.activation is not None and _began(self.activation) is not None


STEPS = 5
UNDER_WAY = (ActivationStatus.QUEUED, ActivationStatus.DISPATCHED, ActivationStatus.ACTIVATED)


def amount_of(performer_id: str) -> int:
    """AMOUNT, where her menu answers that; else the least that does something."""
    rules = Rules.read([performer_id])
    performer = rules.performers.get(performer_id)
    menu, least = rules.menu_of(performer), rules.minimum_of(performer)
    if menu is None or any(_answers(item["minimum"], item["maximum"]) for item in menu.items):
        return max(AMOUNT, least)
    return rehearsal.small_show(performer_id)[0]


def _answers(low: int, high: int | None) -> bool:
    return low <= AMOUNT and (high is None or high >= AMOUNT)


def send(*, performer_id: str, account: str, by: str, key: str, now: datetime) -> list[Submitted]:
    """Three steps: 1. the rehearsal is switched on, unless it is; 2. the tip; 3. it is switched off
    again. Raises what `rehearsal.send` raises."""
    is_new = rehearsal.switch(performer_id=performer_id, is_on=True, by=by, now=now)
    try:
        return rehearsal.send(
            [amount_of(performer_id)],
            performer_id=performer_id,
            account=account,
            by=by,
            key=key,
            now=now,
        )
    finally:
        if is_new:
            rehearsal.switch(performer_id=performer_id, is_on=False, by=by, now=now)


def of(starts: Sequence[Start], latest: Sequence[Activation]) -> FirstTip | None:
    """Pure. The newest of her rehearsed tips among those that wait and that were; None: there is
    none."""
    if any(each.decision.get("is_rehearsal") for each in starts):
        return FirstTip(1, None, is_over=False)
    row = next((row for row in latest if row.is_rehearsal), None)
    if row is None:
        return None
    began = _began(row)
    reached = (row.dispatched_at, began, row.finished_at if began else None)
    done = 2 + sum(moment is not None for moment in reached) if row.item else 1
    return FirstTip(done, row, row.status not in UNDER_WAY)


def is_done(latest: Sequence[Activation]) -> bool:
    """Pure. Whether something that was tipped, or rehearsed, has played: among her latest."""
    return any(_began(row) and (row.is_rehearsal or row.tip_id) for row in latest)


def _began(row: Activation) -> datetime | None:
    """Who says at once that it has played, has not said before that it started."""
    return row.started_at or (row.finished_at if row.delivered_seconds else None)
