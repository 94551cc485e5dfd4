"""Pairing: how an app becomes hers. Its states, and the one way from one to the next.

She opens it; the vendor gives a picture and a code, which she is shown; she scans, and her app
calls back with what it was given. What could prove such a call is gone when it ends."""

from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession

from ground.mongodb.collections import collection
from lovense.models import Pairing
from lovense.models import PairingStatus as P

OPEN = frozenset({P.OPENED, P.SHOWN, P.SCANNED})
FINAL = frozenset({P.CONNECTED, P.EXPIRED, P.REPLACED, P.CANCELLED})
# A callback may come before the vendor's answer has reached us.
PREDECESSORS: dict[P, frozenset[P]] = {
    P.SHOWN: frozenset({P.OPENED}),
    P.SCANNED: frozenset({P.OPENED, P.SHOWN}),
    P.CONNECTED: OPEN,
    P.EXPIRED: OPEN,
    P.REPLACED: OPEN,
    P.CANCELLED: OPEN,
}


def advance(
    pairing_id: str,
    to: P,
    *,
    now: datetime,
    session: ClientSession | None = None,
    **changes: Any,
) -> bool:
    """Whether this moved it; False: it was not where it could be moved from, another was first."""
    wanted = {"_id": pairing_id, "status": {"$in": [each.value for each in PREDECESSORS[to]]}}
    told = {"status": to.value, **_marks(to, now), **changes}
    done = collection(Pairing).update_one(wanted, {"$set": told}, session=session)
    return bool(done.modified_count)


def _marks(to: P, now: datetime) -> dict[str, Any]:
    """When it got there; and, where it ends, nothing that proves a callback."""
    own = {f"{to.value}_at": now} if to in (P.SHOWN, P.SCANNED, P.CONNECTED) else {}
    if to not in FINAL:
        return own
    gone: dict[str, Any] = {"uid": "", "utoken_hash": "", "open_for": "", "image": None}
    return own | gone | {"ended_at": now}
