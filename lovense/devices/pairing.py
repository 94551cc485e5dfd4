"""Pairing: how an app becomes hers. Its states, the one way from one to the next, and what she does
with it.

She opens it; the vendor gives a picture and a code, which she is shown; she scans, and her app
calls back with what it was given. The row is durable before the vendor is asked, and what could
prove a call is gone when it ends. Of what proves one only a hash is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from pymongo.client_session import ClientSession

from ground import clock
from ground.audit import log as audit_log
from ground.json.errors import Refusal
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from lovense.models import Host, Pairing
from lovense.models import PairingStatus as P
from lovense.rows import Json, PairingRow

MAX_HOSTS = 4
RECENT = timedelta(minutes=10)  # for so long she is shown how one ended
ENDED_AT_ONCE = 500  # in one round; the next round ends the rest

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
# What she is told. `scanned`: her app has called back, and none of its toys is connected.
_STEPS = {P.OPENED.value: "waiting", P.SHOWN.value: "waiting"}
STEPS = ("waiting", *(each.value for each in P if each.value not in _STEPS))


class NoSuchPairing(Refusal):
    """A pairing is one of hers."""

    code, status, words = "not_found", 404, "There is no such pairing."


class NoSuchHost(Refusal):
    """A host is one of hers, and paired."""

    code, status, words = "not_found", 404, "There is no such paired app."


class TooManyHosts(Refusal):
    """A performer has at most MAX_HOSTS apps."""

    code, status = "too_many_hosts", 409
    words = f"At most {MAX_HOSTS} apps can be paired. Unpair one of them first."


class PairingKeyReused(Refusal):
    """An idempotency key belongs to one content."""

    code, status = "idempotency_key_reused", 422
    words = "This Idempotency-Key was used to pair another app."


# --- opening -------------------------------------------------------------------------------------


def pair(*, performer_id: str, host_id: str | None, key: str, by: str, now: datetime) -> PairingRow:
    """A pairing and what she is shown of it: of a new app, or of a host of hers that is paired
    again. The same key, unless it is empty, is the same pairing.

    1. It is durable, and replaces the one that was open.
    2. The vendor is asked, unless it has answered before.
    3. Its answer is kept, with the hash of what it was given.

    Raises NoSuchHost, TooManyHosts, PairingKeyReused, and the vendor's VendorError
    (`lovense/devices/vendor.py`); then it is open all the same."""
    utoken = secrets.token_urlsafe(32)
    wish = _Wish(performer_id, host_id, key, by, now)
    row = _opened(wish, _hash(utoken))
    if row["status"] != P.OPENED:
        return row
    _introduce(row, utoken, now)
    return find(performer_id, row["_id"])


class _Wish(NamedTuple):
    """What one call asks for."""

    performer_id: str
    host_id: str | None
    key: str
    by: str
    now: datetime


def _opened(wish: _Wish, utoken_hash: str) -> PairingRow:
    """Two at once: of both inserts a unique index takes one, and the other one's transaction is
    run again."""

    def body(session: ClientSession) -> PairingRow:
        if wish.key and (known := _known(wish, session)):
            return known
        host_id, uid = _host(wish, session)
        made = _row(wish, host_id, uid, utoken_hash)
        _replace(wish, session)
        collection(Pairing).insert_one(made, session=session)
        after = {"hostId": host_id, "isNewHost": wish.host_id is None}
        _audited(made, "open", after, by=wish.by, now=wish.now, session=session)
        return made

    return transactions.run(body)


def _known(wish: _Wish, session: ClientSession) -> PairingRow | None:
    wanted = {"performer_id": wish.performer_id, "idempotency_key": wish.key}
    found: PairingRow | None = collection(Pairing).find_one(wanted, session=session)
    if found and wish.host_id not in (None, found["host_id"]):
        raise PairingKeyReused
    return found


def _row(wish: _Wish, host_id: str, uid: str, utoken_hash: str) -> PairingRow:
    return {
        "_id": secrets.token_hex(12),
        "performer_id": wish.performer_id,
        "host_id": host_id,
        "uid": uid,
        "utoken_hash": utoken_hash,
        "status": P.OPENED.value,
        "open_for": wish.performer_id,
        "idempotency_key": wish.key,
        "code": "",
        "image": None,
        "image_type": "",
        "toys_count": 0,
        "opened_at": wish.now,
        "shown_at": None,
        "scanned_at": None,
        "connected_at": None,
        "ended_at": None,
        "expires_at": wish.now + timedelta(seconds=settings.LOVENSE_PAIRING_SECONDS),
    }


def _host(wish: _Wish, session: ClientSession) -> tuple[str, str]:
    """The host that it makes or pairs again, and the uid by which the vendor knows it."""
    hers = {"performer_id": wish.performer_id, "unpaired_at": None}
    if wish.host_id is not None:
        found = collection(Host).find_one(hers | {"_id": wish.host_id}, session=session)
        if found is None:
            raise NoSuchHost
        return wish.host_id, found["uid"]
    if collection(Host).count_documents(hers, limit=MAX_HOSTS, session=session) == MAX_HOSTS:
        raise TooManyHosts
    return secrets.token_hex(12), secrets.token_urlsafe(32)


def _replace(wish: _Wish, session: ClientSession) -> None:
    wanted = {"open_for": wish.performer_id}
    is_open = collection(Pairing).find_one(wanted, {"_id": 1}, session=session)
    if is_open is not None:
        advance(is_open["_id"], P.REPLACED, now=wish.now, session=session)


def _introduce(row: PairingRow, utoken: str, now: datetime) -> None:
    """Of two answers the first counts: its code goes with the hash of its own token."""
    # The vendor's client brings an HTTP library with it, which no worker needs.
    from lovense.devices import vendor

    proof = _hash(utoken)
    try:
        told = vendor.from_settings().ask_for_code(uid=row["uid"], utoken=utoken)
    except vendor.VendorError as error:
        code = error.pairing_code
        if code:
            advance(row["_id"], P.SHOWN, now=now, utoken_hash=proof, code=code)
        error.details = {"pairingId": row["_id"], "code": code or None}
        raise
    shown: Json = told._asdict()
    advance(row["_id"], P.SHOWN, now=now, utoken_hash=proof, **shown)


def _hash(utoken: str) -> str:
    return hashlib.sha256(utoken.encode()).hexdigest()


# --- looking -------------------------------------------------------------------------------------


def find(performer_id: str, pairing_id: str) -> PairingRow:
    """Raises NoSuchPairing."""
    wanted = {"_id": pairing_id, "performer_id": performer_id}
    found: PairingRow | None = collection(Pairing).find_one(wanted)
    if found is None:
        raise NoSuchPairing
    return found


def current(performer_id: str, *, now: datetime | None = None) -> PairingRow | None:
    """The one that is open; else her last one, if it ended within RECENT."""
    rows = collection(Pairing)
    is_open: PairingRow | None = rows.find_one({"open_for": performer_id})
    if is_open is not None:
        return is_open
    last: PairingRow | None = rows.find_one(
        {"performer_id": performer_id}, sort=[("opened_at", -1)]
    )
    ended_at = last["ended_at"] if last else None
    return last if ended_at and ended_at > (now or clock.now()) - RECENT else None


def step_of(row: PairingRow) -> str:
    """Where it stands, in a word for programs: one of STEPS."""
    return _STEPS.get(row["status"], row["status"])


# --- ending --------------------------------------------------------------------------------------


def cancel(*, performer_id: str, pairing_id: str, by: str, now: datetime) -> None:
    """What has ended stays as it ended. Raises NoSuchPairing."""
    row = find(performer_id, pairing_id)

    def body(session: ClientSession) -> None:
        if advance(pairing_id, P.CANCELLED, now=now, session=session):
            _audited(row, "cancel", {"step": "cancelled"}, by=by, now=now, session=session)

    transactions.run(body)


def expire(*, now: datetime) -> set[str]:
    """Ends what is open beyond its time; the performers to whom that is news."""
    due = {"open_for": {"$gt": ""}, "expires_at": {"$lte": now}}
    found = collection(Pairing).find(due, {"performer_id": 1}).sort("expires_at", 1)
    rows = list(found.limit(ENDED_AT_ONCE))
    return {row["performer_id"] for row in rows if advance(row["_id"], P.EXPIRED, now=now)}


# --- from one state to the next ------------------------------------------------------------------


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


def _marks(to: P, now: datetime) -> Json:
    """When it got there; and, where it ends, nothing that proves a callback."""
    own = {f"{to.value}_at": now} if to in (P.SHOWN, P.SCANNED, P.CONNECTED) else {}
    if to not in FINAL:
        return own
    gone: Json = {"uid": "", "utoken_hash": "", "open_for": "", "image": None}
    return own | gone | {"ended_at": now}


def _audited(
    row: PairingRow,
    action: str,
    after: Json,
    *,
    by: str,
    now: datetime,
    session: ClientSession,
) -> None:
    audit_log.record(
        kind="pairing",
        action=action,
        by=by,
        target=row["_id"],
        lane=row["performer_id"],
        now=now,
        after=after,
        session=session,
    )
