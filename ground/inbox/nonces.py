"""Nonces: a proven call counts once. "Once" is the primary key of `webhook_nonces`; MongoDB forgets
them after their time.

They are looked for before a call is stored and kept after it: a call whose storing failed may come
again as it was, and one that was stored changes nothing when it comes again, so no moment in
between can lose or double anything."""

from collections.abc import Collection
from datetime import datetime

from ground.inbox.models import WebhookNonce
from ground.mongodb import unique
from ground.mongodb.collections import collection


def used(keys: Collection[str]) -> set[str]:
    """Which of these have been kept already."""
    if not keys:
        return set()
    return {
        row["_id"]
        for row in collection(WebhookNonce).find({"_id": {"$in": list(keys)}}, {"_id": 1})
    }


def keep(keys: Collection[str], *, until: datetime) -> set[str]:
    """Keeps them; those that somebody else kept at the same moment are returned."""
    wanted = list(keys)
    known = unique.insert(WebhookNonce, [{"_id": key, "expires_at": until} for key in wanted])
    return {wanted[clash.place] for clash in known}
