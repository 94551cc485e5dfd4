"""Ana on and off air: her page takes the devices and lets them go, and a round looks at it."""

from datetime import timedelta

from ground.mongodb.collections import collection
from lovense.models import PageLease, Show
from lovense.sending import pages
from lovense.sending.pages import SHOW_GAP
from lovense.shows import keeping, sums
from tests.factories import NOW

MINUTE = timedelta(minutes=1)
ANA = "507f191e810c19729de860eb"  # whom the factories make first
LIMIT = 100


def take(page="page-1", *, at=NOW, who=ANA, **more):
    return pages.take(who, page_id=page, channel=f"channel-{page}", slot="web-0", now=at, **more)


def let_go(page="page-1", *, at, who=ANA):
    pages.release(who, channel=f"channel-{page}", now=at)


def hold(*, until, who=ANA):
    """As if it had been renewed until then."""
    collection(PageLease).update_one({"_id": who}, {"$set": {"expires_at": until}})


def keep(at):
    return keeping.drain(now=at, limit=LIMIT) + sums.drain(now=at, limit=LIMIT)


def shows(who=ANA):
    """(when it began, when it ended, whether it is open), in minutes from NOW, the oldest first."""
    found = collection(Show).find({"performer_id": who}).sort("began_at", 1)
    return [(_minutes(row["began_at"]), _minutes(row["ended_at"]), row["is_open"]) for row in found]


def _minutes(at):
    return None if at is None else (at - NOW) / MINUTE


GAP = SHOW_GAP / MINUTE
