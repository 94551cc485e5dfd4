"""How long a battery lasts, from what was reported of it since it was last charged. Pure.

A point is kept where the percentage has changed, with the row that is written for that anyway."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from lovense.rows import BatteryPoint

MOST_POINTS = 20
FEWEST_POINTS = 3  # fewer say nothing of how it goes on
SHORTEST = timedelta(minutes=5)  # so long they have to span
LONGEST = timedelta(hours=12)  # what is further away nobody foresees
STILL = 3  # without news for so many times as long as a point took, it does not drain as it did


def added(
    points: Sequence[BatteryPoint], percent: int | None, *, now: datetime
) -> list[BatteryPoint]:
    """With what is reported now, the oldest first, at most MOST_POINTS. What has risen was charged,
    and what was before that says nothing."""
    if percent is None or (points and points[-1]["percent"] == percent):
        return list(points)
    point: BatteryPoint = {"at": now, "percent": percent}
    is_charged = bool(points) and percent > points[-1]["percent"]
    return [point] if is_charged else [*points[1 - MOST_POINTS :], point]


def left(points: Sequence[BatteryPoint], *, now: datetime) -> timedelta | None:
    """How long it lasts if it drains as it did; None: nobody can say."""
    if len(points) < FEWEST_POINTS:
        return None
    first, last = points[0], points[-1]
    took, drained = last["at"] - first["at"], first["percent"] - last["percent"]
    since = now - last["at"]
    if took < SHORTEST or drained <= 0 or since > STILL * took / (len(points) - 1):
        return None
    lasts = took * last["percent"] / drained - since
    return None if lasts > LONGEST else max(timedelta(), lasts)
