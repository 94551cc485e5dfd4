"""Log-ins that failed. One row for an account, an address and a cause in a day, so that no flood
makes many; of a name that is no account nothing is kept but that: somebody may have typed her
password into that field. An address is kept as its hash.

Of staff each is an entry of the audit log, too. Whoever is refused because of too many tries is
told of once in the window in which they count, so that this cannot flood it either."""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from pymongo import ReturnDocument

from adminpanel.models import FailedLogIn
from adminpanel.people.deeds import ACCOUNT
from ground.audit import log as audit_log
from ground.mongodb.collections import collection

KEPT = timedelta(days=30)
MOST_KEPT, SHOWN = 5_000, 200
LOG_IN = "log_in"


class Cause(StrEnum):
    PASSWORD = "password"  # noqa: S105
    CODE = "code"
    CODE_USED = "code used before"
    TOO_MANY = "too many tries"
    DISABLED = "disabled account"


class FailedTries(NamedTuple):
    """`is_staff` is what the account is now."""

    account: str
    origin: str  # the beginning of the hash of the address: tells two apart, and no more
    cause: str
    times: int
    first_at: datetime
    last_at: datetime


def failed(
    username: str, cause: Cause, *, address: str, now: datetime, is_told: bool = True
) -> None:
    """`username` as it was typed. `is_told`: whether the audit log hears of it."""
    user = User.objects.filter(username=username[:150]).first() if username else None
    if user is not None and not user.is_active and cause is Cause.PASSWORD:
        cause = Cause.DISABLED
    name = user.get_username() if user else ""
    _count(name, cause, audit_log.hashed(address), now)
    if is_told and user is not None and user.is_staff:
        with audit_log.coming_from(address):
            _record(name, cause, now)


def succeeded(user: User, *, now: datetime) -> None:
    """Of staff who need no second factor; where one was proved, that wrote the entry."""
    name = user.get_username()
    audit_log.record(kind=ACCOUNT, action=LOG_IN, by=name, target=name, now=now)


def _record(name: str, cause: Cause, now: datetime) -> None:
    entry: dict[str, Any] = {"kind": ACCOUNT, "action": LOG_IN, "by": name, "target": name}
    audit_log.record(**entry, now=now, why=cause.value, success=False)


def _count(name: str, cause: Cause, hashed_ip: str | None, now: datetime) -> None:
    rows = collection(FailedLogIn)
    parts = (now.date().isoformat(), name, hashed_ip or "", cause.value)
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    fixed = {"account": name, "hashed_ip": hashed_ip, "cause": cause.value, "first_at": now}
    change = {
        "$inc": {"count": 1},
        "$max": {"last_at": now, "expires_at": now + KEPT},
        "$setOnInsert": fixed,
    }
    row = rows.find_one_and_update(
        {"_id": key}, change, upsert=True, return_document=ReturnDocument.AFTER
    )
    if row is not None and row["count"] == 1 and rows.estimated_document_count() > MOST_KEPT:
        rows.find_one_and_delete({}, sort=[("last_at", 1)])


def newest(*, limit: int = SHOWN) -> list[FailedTries]:
    rows = collection(FailedLogIn).find().sort("last_at", -1).limit(limit)
    return [
        FailedTries(
            row["account"],
            (row["hashed_ip"] or "")[:8],
            row["cause"],
            row["count"],
            row["first_at"],
            row["last_at"],
        )
        for row in rows
    ]
