"""By which clock somebody of the staff reads times: UTC until she chooses that of her device. What
the server writes is UTC for everybody; a page is told of the choice, and its script does the
rest.

It is kept for the person; her session has it from the log-in on, so that no page asks for it."""

from collections.abc import MutableMapping
from typing import Any

from adminpanel.models import FrameChoice
from ground.mongodb.collections import collection

_KEPT = "has_local_times"  # in the session


def are_local(session: MutableMapping[str, Any]) -> bool:
    return bool(session.get(_KEPT))


def recall(session: MutableMapping[str, Any], account: str) -> None:
    """At a log-in."""
    found = collection(FrameChoice).find_one({"_id": account})
    if found and found["has_local_times"]:
        session[_KEPT] = True


def choose(session: MutableMapping[str, Any], account: str, *, is_local: bool) -> None:
    """Her own business: no entry of the audit log tells of it."""
    chosen = {"$set": {"has_local_times": is_local}}
    collection(FrameChoice).update_one({"_id": account}, chosen, upsert=True)
    session[_KEPT] = is_local
