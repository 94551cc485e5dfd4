"""Where nothing is seeded: in production, on a database that is served, or where somebody else's
tips are."""

from datetime import datetime, timedelta

from django.conf import settings

from config.seeds import cast
from ground.journal import journal
from ground.journal.models import JournalState
from ground.mongodb.collections import collection
from tips.models import Tip

AHEAD = timedelta(days=1)  # of the clock: what comes from later than that is refused


class NotSeeded(Exception):
    """A made-up past belongs to no database in which anybody's tips are."""


def check(*, now: datetime, clock: datetime) -> None:
    if not settings.DEBUG:
        raise NotSeeded("DEBUG is false: a made-up past is for development.")
    if now > clock + AHEAD / 2:
        raise NotSeeded("--now must be at most twelve hours ahead of the clock.")
    if collection(JournalState).find_one({"_id": journal.UNFOLDED}) is None:
        raise NotSeeded("This database has no collections yet: run manage.py migrate first.")
    if journal.has_writer(now=clock):
        raise NotSeeded("A stack serves this database, and would decide by its own clock: end it.")
    others = {"$or": [{"_id": {"$lt": cast.MARK}}, {"_id": {"$gte": f"{cast.MARK}g"}}]}
    if collection(Tip).find_one(others, {"_id": 1}) is not None:
        raise NotSeeded("There are tips in this database that no seed has made; use another one.")
