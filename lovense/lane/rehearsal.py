"""Rehearsal: a viewer of her own making sends her what she chooses, through the very queue, gates
and devices that tips go through. It is a test that her menu answers like a tip, and that a pause
holds like a tip; no tokens move, no piece of stock is taken, no item cools down and nothing is
owed, and each activation says that it was a rehearsal."""

from collections.abc import Sequence
from datetime import datetime
from itertools import cycle, islice

from pymongo.client_session import ClientSession

from ground.audit import log as audit_log
from ground.json.errors import Refusal
from ground.json.fields import MAX_AMOUNT, Malformed
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from lovense.deciding.rules import Rules
from lovense.lane import submissions
from lovense.lane.devicetests import CannotTestHere
from lovense.lane.submissions import Submission, Submitted
from lovense.models import Performer
from lovense.performers.preferences import NoSuchPerformer
from lovense.rows import PerformerRow
from lovense.sending import groups
from tips.models import Priority, RequestType
from tips.rows import Statement

VIEWER = "Rehearsal"
SHOW = 12  # tips of a small show


class NotRehearsing(Refusal):
    """Only while she rehearses something is sent to her."""

    code, status, words = "not_rehearsing", 409, "Switch rehearsal on first."


class InvalidRehearsal(Malformed):
    """An amount is one that a viewer could tip."""


def switch(*, performer_id: str, is_on: bool, by: str, now: datetime) -> bool:
    """Whether that is new. What waits of a rehearsal stays, and plays."""
    is_new = transactions.run(
        lambda session: _switched(performer_id, by, now, session, is_on=is_on)
    )
    for topic in ("queue", "preferences") if is_new else ():
        groups.news.at_once([performer_id], topic)
    return is_new


def _switched(
    performer_id: str, by: str, now: datetime, session: ClientSession, *, is_on: bool
) -> bool:
    row: PerformerRow | None = collection(Performer).find_one(
        {"_id": performer_id}, session=session
    )
    if row is None:
        raise NoSuchPerformer
    was_on = row.get("rehearses_since") is not None
    if was_on == is_on:
        return False
    changes: Statement = {"rehearses_since": now if is_on else None}
    collection(Performer).update_one({"_id": performer_id}, {"$set": changes}, session=session)
    place: Statement = {"kind": "performer", "target": performer_id, "lane": performer_id}
    said: Statement = {"before": {"rehearses": was_on}, "after": {"rehearses": is_on}}
    audit_log.record(action="rehearse", by=by, now=now, session=session, **place, **said)
    return True


def send(
    amounts: Sequence[int], *, performer_id: str, account: str, by: str, key: str, now: datetime
) -> list[Submitted]:
    """Puts them into her queue, in this order. The same key of an account is the same viewer's
    tips.

    Raises InvalidRehearsal, NotRehearsing, CannotTestHere and what `submissions.submit` raises;
    those before that one are in the queue then."""
    if not all(1 <= amount <= MAX_AMOUNT for amount in amounts):
        raise InvalidRehearsal("amount", f"must be between 1 and {MAX_AMOUNT}")
    _check(Rules.read([performer_id]), performer_id)
    whose = {"lane": performer_id, "account": account, "name": by}
    return [
        submissions.submit(_tip(amount), **whose, key=f"rehearsal/{key}/{n}", now=now)
        for n, amount in enumerate(amounts)
    ]


def small_show(performer_id: str) -> list[int]:
    """Twelve amounts: what her menu asks for, from the least on and over again; without a menu the
    least that a viewer may tip."""
    rules = Rules.read([performer_id])
    performer = rules.performers.get(performer_id)
    least = rules.minimum_of(performer)
    menu = rules.menu_of(performer)
    asked = {max(least, item["minimum"]) for item in menu.items} if menu else set()
    return list(islice(cycle(sorted(asked or {max(1, least)})), SHOW))


def _check(rules: Rules, performer_id: str) -> None:
    performer = rules.performers.get(performer_id)
    if performer is None:
        raise NoSuchPerformer
    if performer.get("rehearses_since") is None:
        raise NotRehearsing
    if rules.own_levels_of(performer) is not None:
        raise CannotTestHere


def _tip(amount: int) -> Submission:
    return Submission(RequestType.TEST, amount, None, Priority.NORMAL, viewer=VIEWER)
