"""Ending a show, and beginning the next one: what a person does about it."""

from dataclasses import dataclass
from datetime import datetime

from pymongo.client_session import ClientSession

from ground import clock
from ground.audit import log as audit_log
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from lovense.models import PageLease
from lovense.rows import PageLeaseRow, ShowRow
from lovense.sending import groups, handover
from lovense.shows import keeping, onair, sums
from tips.rows import Statement


@dataclass(frozen=True, slots=True)
class EndedShow:
    """`show`: the last one that is over, with its sums; None: she has never been on air. `is_new`
    False: it was over before."""

    show: ShowRow | None
    is_new: bool


def end(*, performer_id: str, by: str, now: datetime) -> EndedShow:
    """Her devices are stopped by whoever holds them, and let go; nobody takes them until she begins
    again. What plays ends, and the rest of it is owed. Said again, it changes nothing.

    1. The end, with its entry in the audit log. 2. Who holds the devices is told. 3. The show and
    its sums are written, which a round would have done anyway."""
    is_new = transactions.run(lambda session: _ended(performer_id, by, now, session))
    handover.tell_to_go(performer_id)
    if is_new:
        for row in keeping.leases_of([performer_id]):
            keeping.keep(row, now=now)
    show = next(iter(onair.ended(performer_id)), None)
    if show is not None and is_new:
        show["sums"] = sums.keep(show, now=now)
    _tell(performer_id)
    return EndedShow(show, is_new)


def _ended(performer_id: str, by: str, now: datetime, session: ClientSession) -> bool:
    """The wish that asks its holder to go is one for no page."""
    row: PageLeaseRow | None = collection(PageLease).find_one(
        {"_id": performer_id}, session=session
    )
    if row is None or (on_air := onair.of_lease(row, now)) is None:
        return False
    rests: Statement = {"off_air_at": now, "off_air_by": by[:64], "is_resting": True}
    leave: Statement = {"wanted_by": None, "wanted_at": now, "show_look_at": now}
    collection(PageLease).update_one(
        {"_id": performer_id}, {"$set": rests | leave}, session=session
    )
    about: Statement = {"before": {"on_air_since": clock.iso(on_air["since"])}}
    about["after"] = {"off_air_at": clock.iso(now)}
    audit_log.record(
        action="end_show", by=by, now=now, session=session, **_place(performer_id), **about
    )
    return True


def begin(*, performer_id: str, by: str, now: datetime) -> bool:
    """Whoever may hold her devices takes them, within a second: the server where she has chosen it,
    else the page that waits for longest. False: nothing kept them from it."""
    is_new = transactions.run(lambda session: _begun(performer_id, by, now, session))
    if is_new:
        _tell(performer_id)
    return is_new


def _begun(performer_id: str, by: str, now: datetime, session: ClientSession) -> bool:
    rests = {"_id": performer_id, "is_resting": True}
    awake = {"$set": {"is_resting": False}}
    if not collection(PageLease).update_one(rests, awake, session=session).modified_count:
        return False
    audit_log.record(action="begin_show", by=by, now=now, session=session, **_place(performer_id))
    return True


def _place(performer_id: str) -> Statement:
    return {"kind": "performer", "target": performer_id, "lane": performer_id}


def _tell(performer_id: str) -> None:
    for topic in (keeping.TOPIC, "devices"):
        groups.news.at_once([performer_id], topic)
