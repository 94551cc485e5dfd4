"""Rest: after so many running seconds without one, the next start waits. It delays, it never drops;
no priority, item, retry or person passes it.

Nothing is written for it: how long her devices have run follows from her latest activations, so
whatever dies, nobody forgets a second."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from ground.mongodb.collections import collection
from lovense.deciding.activation import run_seconds
from lovense.menus.vibration import SHORTEST_RUN_SECONDS
from lovense.models import Activation
from lovense.rows import ActivationRow, PerformerRow

USUAL = 60  # seconds of rest, where she has chosen none


class DeviceRun(NamedTuple):
    """Her devices ran, or run, from then to then."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Rest:
    """`ran`: the seconds since her last rest; `until`: when the last of them ends."""

    maximum: int
    pause: timedelta
    ran: float = 0.0
    until: datetime | None = None

    def is_open(self, at: datetime) -> bool:
        return self.until is None or self.ran < self.maximum or self.opens_at <= at

    @property
    def opens_at(self) -> datetime:
        """When the next run may start, where it may not now."""
        assert self.until is not None
        return self.until + self.pause

    def after(self, run: DeviceRun) -> "Rest":
        """With a further run, which begins no earlier than those before."""
        has_rested = self.until is not None and run.begin - self.until >= self.pause
        ran = 0.0 if has_rested else self.ran
        end = run.end if self.until is None else max(run.end, self.until)
        return replace(self, ran=ran + (run.end - run.begin).total_seconds(), until=end)


def is_asked(performer: PerformerRow) -> bool:
    """She has said after how long she wants to rest."""
    return bool(performer.get("maximum_continuous_seconds"))


def read(performers: Iterable[PerformerRow], *, now: datetime) -> dict[str, Rest]:
    """Of those who have asked for it; for the others nothing is read."""
    return {row["_id"]: _of(row, now) for row in performers if is_asked(row)}


def _of(performer: PerformerRow, now: datetime) -> Rest:
    maximum = performer.get("maximum_continuous_seconds") or 0
    rest = Rest(maximum, timedelta(seconds=performer.get("rest_seconds") or USUAL))
    for run in _runs(performer["_id"], maximum, now):
        rest = rest.after(run)
    return rest


def _runs(performer_id: str, maximum: int, now: datetime) -> Sequence[DeviceRun]:
    """The latest, in their order: each lasts at least the vendor's shortest, so no more of them are
    needed to reach the maximum."""
    latest = {"performer_id": performer_id, "dispatched_at": {"$type": "date"}, "leader": None}
    most = maximum // SHORTEST_RUN_SECONDS + 1
    rows = (
        collection(Activation).find(latest).sort([("created_at", -1), ("position", -1)]).limit(most)
    )
    return sorted(run for row in rows if (run := _run(row, now)) is not None)


def _run(row: ActivationRow, now: datetime) -> DeviceRun | None:
    """None: it is known that nothing moved. What nobody knows counts as promised."""
    begin = row["started_at"] or row["received_at"] or row["dispatched_at"]
    assert begin is not None
    delivered = row.get("run_delivered") or row["delivered_seconds"]
    if row["finished_at"] is None:
        seconds: float = run_seconds(row)
    elif delivered is None and row["received_at"] is None and row["started_at"] is None:
        return None
    else:
        seconds = run_seconds(row) if delivered is None else delivered
    return DeviceRun(begin, begin + timedelta(seconds=seconds)) if seconds else None
