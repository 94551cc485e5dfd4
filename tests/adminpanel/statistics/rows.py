"""An evening of three months: tips of several performers by every path, on all kinds of toys, and what became
of each; with brute sums over them."""

from datetime import timedelta
from random import Random

from ground.mongodb.collections import collection
from lovense.history import counting, daysums, facets, hours, platform
from lovense.models import Activation
from tests.factories import NOW
from tests.lovense.history.rows import row
from tips.models import QueueRequest, Tip

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Few hours with much in them, at both ends of the periods too.
AGO = (
    *(n * DAY for n in (0, 1, 2, 6, 7, 13, 14, 29, 30, 59, 60, 89, 90, 95)),
    5 * HOUR,
    28 * HOUR,
    49 * HOUR,
)
ITEMS = (
    {"itemId": "a", "title": "A", "pattern": "level"},
    {"itemId": "b", "title": "B", "pattern": "wave"},
    {"itemId": "c", "title": "C", "pattern": "tickle of hers"},
    {"itemId": "d", "title": "D", "pattern": "pulse", "drawnBy": "x"},
    {"itemId": "default_reaction", "title": "Usual", "pattern": "level"},
    None,
)
TOYS = (["lush"], ["nora"], ["lush", "nora"], ["made up"], [], None)
BRIDGES = ("SIMULATOR", "STANDARD_LAN", "STANDARD_SERVER", "EXTENSION", None)
ENDS = (
    {"status": "completed"},
    {"status": "completed", "delivered_seconds": 4.0},
    {"status": "failed", "delivered_seconds": 0.0},
    {"status": "skipped", "reason": "no_match", "delivered_seconds": None, "promised_seconds": 0},
    {"status": "expired", "reason": "device_offline", "delivered_seconds": None},
    {"status": "dispatched", "delivered_seconds": None, "finished_at": None},
)


def made(n, performer_id, random):
    """One activation, its request and its tip."""
    at = NOW - random.choice(AGO) - random.random() * HOUR
    amount, wait, lag = random.randint(1, 900), random.lognormvariate(5, 2), random.lognormvariate(4, 2)
    sent = random.random() < 0.9
    one = row(
        n,
        performer_id,
        at=at,
        amount=amount,
        item=random.choice(ITEMS),
        toy_types=random.choice(TOYS),
        bridge=random.choice(BRIDGES),
        dispatched_at=at if sent else None,
        started_at=at + timedelta(milliseconds=lag) if sent else None,
        is_measured=random.choice((None, None, False)),
        **random.choice(ENDS),
    )
    came = {
        "_id": one["request_id"],
        "created_at": at - timedelta(milliseconds=wait),
        "idempotency_key": str(n),
    }
    return one, came | {"lane": performer_id}, {"_id": one["tip_id"], "net": amount * 3 // 4}


def fill(performer_ids, count, seed=1):
    random = Random(seed)
    found = [made(n, random.choice(performer_ids), random) for n in range(count)]
    for model, rows in zip((Activation, QueueRequest, Tip), zip(*found, strict=True), strict=True):
        collection(model).insert_many([dict(each) for each in rows])
    return found


def count_all(performer_ids, now=NOW):
    for performer_id in performer_ids:
        held = hours.with_rows(performer_id, NOW - 200 * DAY, NOW + HOUR)
        daysums.count(performer_id, held, now=now)
    platform.run(now=now, limit=10_000)


def waiting_since():
    """The oldest hour that was counted anew and that no sum of all performers holds yet; None: none is."""
    return min([*platform.unadded(100), *platform.unsummed(100)], default=None)


def facets_of(one):
    return dict(zip(facets.NAMES, facets.of(one, counting.outcome_of(one)), strict=True))


def chosen(found, since, until, where):
    """Those activations of these that lie there and have these words."""
    return [
        each
        for each in found
        if since <= each[0]["created_at"] < until and where.items() <= facets_of(each[0]).items()
    ]


def waits(found):
    """In ms, sorted: until it was sent, and from there to the start."""
    told = [(one, came) for one, came, _ in found if one["dispatched_at"]]
    sent = [1000 * (one["dispatched_at"] - came["created_at"]).total_seconds() for one, came in told]
    started = [1000 * (one["started_at"] - one["dispatched_at"]).total_seconds() for one, _ in told]
    return sorted(sent), sorted(started)
