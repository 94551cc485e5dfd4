"""The limit per minute: it delays, it never drops. At most `limit` runs of a performer start in any
60 seconds.

The burst shape: so many may start one right after the other; then each further one when the oldest
of them is 60 seconds ago. The times are kept with each start and before it, so a crash counts one
too many and never one too few. Without a limit nothing is kept: one that follows counts from then
on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo import UpdateOne
from pymongo.write_concern import WriteConcern

from ground.mongodb.collections import collection
from lovense.models import LanePace

WINDOW = timedelta(seconds=60)
_FAST = WriteConcern(1)  # followed by the majority write of the activation


@dataclass(frozen=True, slots=True)
class Pace:
    """The starts of one performer within the window, the oldest first. A limit of 0 means none."""

    limit: int
    starts: tuple[datetime, ...] = ()

    @property
    def is_open(self) -> bool:
        return not self.limit or len(self.starts) < self.limit

    @property
    def opens_at(self) -> datetime:
        """When the next run may start, where it may not now."""
        return self.starts[len(self.starts) - self.limit] + WINDOW

    def at(self, now: datetime) -> "Pace":
        """Without the starts that the window has left behind."""
        return (
            self
            if not self.starts
            else Pace(self.limit, tuple(start for start in self.starts if start > now - WINDOW))
        )

    def after(self, start: datetime) -> "Pace":
        """The pace at the moment of a further start: for foreseeing."""
        return Pace(self.limit, (*(at for at in self.starts if at > start - WINDOW), start))


def read(limits: Mapping[str, int], *, now: datetime) -> dict[str, Pace]:
    """Of each of these performers, with her limit; nothing is read where there is none."""
    wanted = [performer_id for performer_id, limit in limits.items() if limit]
    rows = list(collection(LanePace).find({"_id": {"$in": wanted}})) if wanted else []
    starts = {
        row["_id"]: tuple(sorted(at for at in row["starts"] if at > now - WINDOW)) for row in rows
    }
    return {whose: Pace(limit, starts.get(whose, ())) for whose, limit in limits.items()}


def count(
    performer_ids: Iterable[str], *, limit: int, now: datetime, is_named: bool = False
) -> None:
    """Call it before the runs start. All starts within the window are kept: the limit may be raised
    before it is over. `is_named`: the moment names the start, which may be counted again."""
    recent = {
        "$filter": {
            "input": {"$ifNull": ["$starts", []]},
            "cond": {"$gt": ["$$this", now - WINDOW]},
        }
    }
    added = "$setUnion" if is_named else "$concatArrays"
    add = [{"$set": {"starts": {added: [recent, [now]]}}}]
    updates = (
        [UpdateOne({"_id": performer_id}, add, upsert=True) for performer_id in performer_ids]
        if limit
        else []
    )
    if updates:
        collection(LanePace, _FAST).bulk_write(updates, ordered=False)
