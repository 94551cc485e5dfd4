"""What is under way when she presses stop: what was sent is over, what had not been sent goes back
and waits.

What was sent ends when its page answers, or when its lease does; it is never played again and never
retried. What a worker is deciding at this moment is taken from it: the row of its activation says
so, and that worker's own write finds it."""

from datetime import datetime

from pymongo.client_session import ClientSession

from ground.mongodb.collections import collection
from lovense.deciding.activation import IN_FLIGHT, STOPPED, S, activation_id, new_row
from lovense.models import Activation
from lovense.sending import retries
from tips.queue import claims
from tips.rows import RequestRow


def end(performer_id: str, epoch: int, *, now: datetime, session: ClientSession) -> None:
    """All of it, up to this epoch. May be done again."""
    _mark(performer_id, now, session)
    request = claims.claimed(performer_id, session=session)
    if request is not None and _take_back(request, epoch, now, session):
        claims.give_back([retries.spared(request, now)], now=now, session=session)


def _mark(performer_id: str, now: datetime, session: ClientSession) -> None:
    """A run with all its members, and what of its slices has not been told.

    Members whose leader was not written yet belong to no run that was sent: they are disbanded as
    any that lost their leader."""
    unmarked = {"status": {"$in": IN_FLIGHT}, "stopped_at": None}
    rows = list(
        collection(Activation).find(
            {"performer_id": performer_id, "leader": None, **unmarked},
            {"members": 1, "legs.toyId": 1},
            session=session,
        )
    )
    _mark_slices([row["_id"] for row in rows if row.get("legs")], session)
    keys = [key for row in rows for key in (row["_id"], *(row.get("members") or ()))]
    if keys:
        collection(Activation).update_many(
            {"_id": {"$in": keys}, **unmarked}, {"$set": {"stopped_at": now}}, session=session
        )


def _mark_slices(keys: list[str], session: ClientSession) -> None:
    if keys:
        collection(Activation).update_many(
            {"_id": {"$in": keys}},
            {"$set": {"legs.$[].slices.$[planned].state": STOPPED}},
            array_filters=[{"planned.state": "planned"}],
            session=session,
        )


def _take_back(request: RequestRow, epoch: int, now: datetime, session: ClientSession) -> bool:
    """Whether it had not been sent."""
    key = activation_id(request["idempotency_key"])
    row = collection(Activation).find_one({"_id": key}, {"status": 1}, session=session)
    waits = {"stop_epoch": epoch, "reason": STOPPED}
    if row is None:
        collection(Activation).insert_one(new_row(request, now) | waits, session=session)
        return True
    if row["status"] == S.QUEUED:
        collection(Activation).update_one({"_id": key}, {"$set": waits}, session=session)
        return True
    return False
