"""The audit log: who did what, when and why, and what it was before. Append-only; its entries are
written here only.

An entry is written in the transaction of the change that it tells of, so there is never one without
the other. A refusal changes nothing and is written alone. The log keeps account names and keys,
never addresses (hashed only) nor anything that names a viewer."""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from bson import ObjectId
from django.conf import settings
from pymongo.client_session import ClientSession

from ground.audit.models import AuditEntry
from ground.mongodb import unique
from ground.mongodb.collections import collection

LONGEST_WHY, LONGEST_ACTOR, LONGEST_TARGET = 200, 64, 80

_address: ContextVar[str] = ContextVar("address", default="")


@contextmanager
def coming_from(address: str) -> Iterator[None]:
    """Inside, entries carry the hash of this address: the door knows whom it answers, the rules do
    not."""
    token = _address.set(address)
    try:
        yield
    finally:
        _address.reset(token)


def hashed(address: str) -> str | None:
    """Tells whether two entries came from one address, and not which address that was."""
    return (
        hmac.digest(settings.SECRET_KEY.encode(), address.encode(), "sha256").hex()
        if address
        else None
    )


def record(
    *,
    kind: str,
    action: str,
    by: str,
    target: str,
    now: datetime,
    lane: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    why: str = "",
    success: bool = True,
    session: ClientSession | None = None,
) -> None:
    """One entry. Give it the session of the change's transaction. Times in `before` and `after` are
    text (`clock.iso`)."""
    told: dict[str, Any] = {
        "lane": lane,
        "before": before,
        "after": after,
        "why": why,
        "success": success,
    }
    row = written(kind=kind, action=action, by=by, target=target, now=now, **told)
    collection(AuditEntry).insert_one(row, session=session)


def written(
    *,
    kind: str,
    action: str,
    by: str,
    target: str,
    now: datetime,
    lane: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    why: str = "",
    success: bool = True,
) -> dict[str, Any]:
    """An entry as it is kept, from the address that is told of here."""
    return {
        "type": kind,
        "action": action,
        "actor": by[:LONGEST_ACTOR],
        "target": target[:LONGEST_TARGET],
        "lane": lane[:LONGEST_TARGET],
        "before": before,
        "after": after,
        "why": why[:LONGEST_WHY],
        "at": now,
        "hashed_ip": hashed(_address.get()),
        "success": success,
    }


def keep_past(entries: Sequence[dict[str, Any]]) -> None:
    """For a made-up past alone (`config/seeds`): entries with keys of their own, those that are
    there stay as they are."""
    unique.insert(AuditEntry, entries)


def of(*targets: str, limit: int) -> list[dict[str, Any]]:
    """What was done to this, or to any of these, the newest first."""
    wanted = {"target": {"$in": [target[:LONGEST_TARGET] for target in targets]}}
    return list(collection(AuditEntry).find(wanted).sort([("at", -1), ("_id", -1)]).limit(limit))


def of_lane(lane: str, *, limit: int) -> list[dict[str, Any]]:
    """What was done to this performer's queue, and to what waits or plays in it, the newest
    first."""
    return list(
        collection(AuditEntry).find({"lane": lane}).sort([("at", -1), ("_id", -1)]).limit(limit)
    )


def done_to(target: str, action: str, *, limit: int) -> list[dict[str, Any]]:
    """How this was done to it, the newest first: what was refused is left out by the index."""
    wanted = {"target": target, "action": action, "success": True}
    found = collection(AuditEntry).find(wanted).sort([("at", -1), ("_id", -1)])
    return list(found.hint("audit_by_target").limit(limit))


def entry(key: ObjectId) -> dict[str, Any] | None:
    return collection(AuditEntry).find_one({"_id": key})


def of_change(*, by: str, at: datetime, limit: int) -> list[dict[str, Any]]:
    """What was written in one moment by one account, in its order: one change may leave several
    entries."""
    found = collection(AuditEntry).find({"actor": by, "at": at}).sort("_id", 1)
    return list(found.hint("audit_by_actor").limit(limit))


def count_from(hashed_ip: str, *, limit: int) -> int:
    """How many came from this address, counted no further than that."""
    where = {"hashed_ip": hashed_ip}
    return collection(AuditEntry).count_documents(where, hint="audit_by_address", limit=limit)
