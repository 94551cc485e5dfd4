"""Overrides: what the platform has set for one performer, until a moment: stricter than what it has
set for all, and than what she has chosen, never looser.

All of them stand in her row, with one end and one reason. They bind from the moment that they are
saved until their end, by the time of whoever asks: one that has ended binds nothing, and nobody has
to take it away."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from pymongo.client_session import ClientSession

from ground import clock
from ground.audit import log as audit_log
from ground.journal import journal
from ground.json.errors import Refusal
from ground.json.fields import MAX_AMOUNT
from ground.mongodb.collections import collection
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL, SHORTEST_RUN_SECONDS
from lovense.models import Performer, PlatformSettings
from lovense.performers.preferences import NoSuchPerformer
from lovense.rows import Json, OverridesRow, PerformerRow
from tips.models import Mode
from tips.rows import Statement

LONGEST = timedelta(days=366)
MOST_RUNS = 600  # a minute; where the platform has no limit of its own
TOLD_EARLY = timedelta(seconds=6)  # two looks of a process at the limits of its pages
TIP, SECONDS, STRENGTH = "minimumTip", "maximumSeconds", "maximumIntensity"
RATE, MODE = "rateLimitPerMinute", "queueMode"
NAMES = (TIP, SECONDS, STRENGTH, RATE, MODE)


class InvalidOverride(Refusal):
    """An override is no looser than the platform's, and ends in the future."""

    code, status = "invalid", 422

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}.")
        self.details = {"field": field, "rule": rule}


class OverridesChanged(Refusal):
    """Who sets overrides has seen those there are."""

    code, status = "outdated", 409
    words = "Her overrides have changed meanwhile: nothing was written."

    def __init__(self, row: PerformerRow) -> None:
        super().__init__()
        self.details = {"present": told(row), "version": version_of(row)}


class OverrideWish(NamedTuple):
    """`limits` by their names at the wire, and until when; none: there is to be no override."""

    limits: Mapping[str, Any]
    until: datetime | None


# --- what binds ----------------------------------------------------------------------------------


def in_force(row: PerformerRow | None, at: datetime) -> OverridesRow | None:
    said = row.get("overrides") if row else None
    return said if said and said["limits"] and said["until"] > at else None


def bound(row: PerformerRow, at: datetime) -> PerformerRow:
    """Her row as it binds at that moment: of hers and the override the stricter."""
    said = in_force(row, at)
    if said is None:
        return row
    limits, stricter = said["limits"], dict[str, Any](row)
    if TIP in limits:
        stricter["minimum_tip"] = max(row["minimum_tip"] or 0, limits[TIP])
    if SECONDS in limits:
        own = row["maximum_seconds"] or LONGEST_ITEM_SECONDS
        stricter["maximum_seconds"] = min(own, limits[SECONDS])
    if STRENGTH in limits:
        stricter["maximum_intensity"] = min(row["maximum_intensity"], limits[STRENGTH])
    if MODE in limits:
        stricter["queue_mode"] = limits[MODE]
    return cast(PerformerRow, stricter)


def rate_of(row: PerformerRow | None, at: datetime) -> int | None:
    """How many runs may start in a minute; None: no override says."""
    said = in_force(row, at)
    return said["limits"].get(RATE) if said else None


# --- what there is -------------------------------------------------------------------------------


def version_of(row: PerformerRow) -> int:
    said = row.get("overrides")
    return said["version"] if said else 0


def told(row: PerformerRow) -> Json | None:
    """As the wire has them; None: there are none, or they were taken away."""
    said = row.get("overrides")
    if not said or not said["limits"]:
        return None
    times = {"until": clock.iso(said["until"]), "at": clock.iso(said["at"])}
    return {"limits": dict(said["limits"]), **times, "by": said["by"], "why": said["why"]}


def bounds(session: ClientSession | None = None) -> dict[str, tuple[int, int]]:
    """Of each number the least and the most that is no looser than the platform's."""
    row = collection(PlatformSettings).find_one({"_id": "platform"}, session=session) or {}
    return bounds_of(row)


def bounds_of(row: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Pure. `row`: the platform's settings; what it lacks is as usual."""
    fresh = PlatformSettings()
    tip, seconds, rate = (
        row.get(name, getattr(fresh, name))
        for name in ("minimum_tip", "maximum_seconds", "rate_limit_per_minute")
    )
    return {
        TIP: (tip, MAX_AMOUNT),
        SECONDS: (SHORTEST_RUN_SECONDS, seconds),
        STRENGTH: (1, MAXIMUM_LEVEL),
        RATE: (1, rate or MOST_RUNS),
    }


# --- written -------------------------------------------------------------------------------------


def change(
    *, performer_id: str, wish: OverrideWish, seen: int, by: str, why: str, now: datetime
) -> PerformerRow:
    """Her row with these overrides and no others. What is so already is left as it is. Raises
    NoSuchPerformer, OverridesChanged, InvalidOverride."""

    def body(session: ClientSession) -> PerformerRow:
        where = {"_id": performer_id}
        row: PerformerRow | None = collection(Performer).find_one(where, session=session)
        if row is None:
            raise NoSuchPerformer
        if seen != version_of(row):
            raise OverridesChanged(row)
        check(wish, bounds(session), now)
        if is_so(row, wish):
            return row
        made: OverridesRow = {
            "limits": dict(wish.limits),
            "until": wish.until or now,
            "at": now,
            "by": by,
            "why": why,
            "version": seen + 1,
        }
        after: PerformerRow = {**row, "overrides": made}
        collection(Performer).update_one(where, {"$set": {"overrides": made}}, session=session)
        place: Statement = {"target": performer_id, "lane": performer_id, "session": session}
        values: Statement = {"before": _kept(row), "after": _kept(after)}
        about: Statement = {"by": by, "why": why, "now": now}
        audit_log.record(kind="performer", action="set_overrides", **place, **values, **about)
        return after

    return journal.run(body, touched=journal.of_lane(performer_id), now=now)


def is_so(row: PerformerRow, wish: OverrideWish) -> bool:
    """Pure. Whether there is nothing to write."""
    said = row.get("overrides")
    if not said or not said["limits"]:
        return not wish.limits
    return said["limits"] == wish.limits and said["until"] == wish.until


def _kept(row: PerformerRow) -> Statement:
    said = told(row)
    return {**said["limits"], "until": said["until"]} if said else {}


def check(wish: OverrideWish, allowed: Mapping[str, tuple[int, int]], now: datetime) -> None:
    """Pure. `allowed`: the `bounds`. Raises InvalidOverride."""
    for name, value in wish.limits.items():
        _check_one(name, value, allowed)
    if not wish.limits:
        return
    if wish.until is None or wish.until <= now:
        raise InvalidOverride("until", "must be in the future")
    if wish.until > now + LONGEST:
        raise InvalidOverride("until", f"must be at most {LONGEST.days} days from now")


def _check_one(name: str, value: Any, allowed: Mapping[str, tuple[int, int]]) -> None:
    if name not in NAMES:
        field = name[:40] if name.isascii() and name.isprintable() else "limits"
        raise InvalidOverride(field, f"there is no such override, only {', '.join(NAMES)}")
    if name == MODE:
        if value != Mode.FIFO:
            rule = "must be fifo: nothing overtakes, and nothing is joined into a longer run"
            raise InvalidOverride(name, rule)
        return
    low, high = allowed[name]
    if type(value) is not int or not low <= value <= high:
        rule = f"must be a whole number from {low} to {high}, no looser than the platform's"
        raise InvalidOverride(name, rule)
