"""Hosts: apps that are hers. Whose callback it is, what it changes, and how a host is hers no more.

A callback is proven by the secret that its pairing gave to the app; the first one makes the host.
No answer and no error tells whether anybody was found. What has changed is written in an order in
which whatever is lost with this process is done again by the next heartbeat."""

import hmac
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, cast

from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from ground import clock
from ground.audit import log as audit_log
from ground.journal import journal
from ground.mongodb import transactions
from ground.mongodb.collections import Document, collection
from lovense.devices import changes, pairing, register
from lovense.devices.addresses import Address
from lovense.devices.callbacks import Callback
from lovense.devices.changes import QUIET, Changed, ToyReport
from lovense.models import DeviceStatus, Host, Pairing
from lovense.models import PairingStatus as P
from lovense.rows import DeviceRow, HostRow, Json, PairingRow

Proof = TypeVar("Proof", HostRow, PairingRow)
# How long the same again is no news; None: the callback was nobody's.
Until = datetime | None
NOBODY = "0" * 64  # compared with where there is nobody: that takes as long, and never matches
BY_APP = "the app"  # who paired it, in the audit log
# What is forgotten with a pairing: what proves a callback, and where the app was.
_FORGOTTEN: Document = {"uid": "", "utoken_hash": "", "content": "", "domain": "", "ports": {}}
_UNREPORTED: Document = {
    "app_type": "",
    "app_version": "",
    "platform": "",
    "protocol_version": "",
    "domain": "",
    "ports": {},
    "is_address_refused": False,
    "toys_count": 0,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of callbacks, one by one, and the performers who see a difference."""

    until: list[Until]
    news: set[str]


@dataclass(frozen=True, slots=True)
class _Known:
    """Whoever has one of the callbacks' uids."""

    hosts: Mapping[str, HostRow]
    pairings: Mapping[str, PairingRow]


def take(calls: Sequence[Callback], *, now: datetime) -> Taken:
    """What these callbacks say is durable when this returns. In three steps:

    1. the pairings that they complete, each with its host;
    2. the devices;
    3. what is kept of the hosts, by which a repeat is known."""
    known, news = _look({call.uid for call in calls}), set[str]()
    until: list[Until] = []
    heard: dict[str, tuple[HostRow, Callback]] = {}
    for call in calls:
        host = _whose(call, known, news, now)
        is_repeat = host is not None and _is_repeat(host, call, now)
        if host is not None and not is_repeat:
            heard[host["_id"]] = (host, call)  # the last one says all
        until.append(host and (host["last_seen_at"] if is_repeat else now) + QUIET)
    news |= _record_devices(heard.values(), now)
    news |= _keep(heard.values(), now)
    return Taken(until, news)


def _look(uids: set[str]) -> _Known:
    """Two reads, however many callbacks there are; the pairings first. One that is completed in
    between is not missed: its host is there by then."""
    wanted = {"uid": {"$in": list(uids)}}
    pairings = {row["uid"]: row for row in collection(Pairing).find(wanted, {"image": 0})}
    return _Known({row["uid"]: row for row in collection(Host).find(wanted)}, pairings)


def _whose(call: Callback, known: _Known, news: set[str], now: datetime) -> HostRow | None:
    """Its host, made or paired again where the call completes a pairing."""
    opened = _proven(known.pairings.get(call.uid), call)
    host = _proven(known.hosts.get(call.uid), call)
    if opened is None or opened["expires_at"] <= now or opened["status"] not in pairing.OPEN:
        return host
    if opened["status"] == P.SCANNED and not call.toys.connected:
        return host
    news.add(opened["performer_id"])
    return _completed(opened, call, now)


def _proven(row: Proof | None, call: Callback) -> Proof | None:
    kept = NOBODY if row is None else row["utoken_hash"]
    return row if hmac.compare_digest(kept, call.utoken_hash) else None


def _is_repeat(host: HostRow, call: Callback, now: datetime) -> bool:
    return host["content"] == call.content and now - host["last_seen_at"] < QUIET


# --- 1. pairings ---------------------------------------------------------------------------------


def _completed(opened: PairingRow, call: Callback, now: datetime) -> HostRow | None:
    """None: the pairing has ended meanwhile, or its host is unpaired again."""

    def body(session: ClientSession) -> HostRow | None:
        if pairing.advance(opened["_id"], P.SCANNED, now=now, session=session):
            _make(opened, now, session)
        wanted = {"_id": opened["host_id"], "performer_id": opened["performer_id"]}
        host = _proven(collection(Host).find_one(wanted, session=session), call)
        if host is not None and (count := call.toys.connected):
            to = P.CONNECTED
            pairing.advance(opened["_id"], to, now=now, session=session, toys_count=count)
        return host

    return transactions.run(body)


def _make(opened: PairingRow, now: datetime, session: ClientSession) -> None:
    """The host of this pairing is hers from now on, under the pairing's secrets alone."""
    host_id, performer_id = opened["host_id"], opened["performer_id"]
    proof = {"uid": opened["uid"], "utoken_hash": opened["utoken_hash"], "content": ""}
    said = proof | {"paired_at": now, "last_seen_at": now, "unpaired_at": None}
    said |= {"fault": "", "look_at": now}
    collection(Host).update_one(
        {"_id": host_id, "performer_id": performer_id},
        {"$set": said, "$setOnInsert": _UNREPORTED},
        upsert=True,
        session=session,
    )
    audit_log.record(
        kind="host",
        action="pair",
        by=BY_APP,
        target=host_id,
        lane=performer_id,
        now=now,
        after={"pairedAt": clock.iso(now)},
        session=session,
    )


# --- 2. devices ----------------------------------------------------------------------------------


def _record_devices(heard: Iterable[tuple[HostRow, Callback]], now: datetime) -> set[str]:
    """One report of a performer at a time: each is held against what the one before has left."""
    rounds: list[dict[str, ToyReport]] = []
    for host, call in heard:
        whose = host["performer_id"]
        free = next((each for each in rounds if whose not in each), None)
        if free is None:
            rounds.append(free := {})
        free[whose] = ToyReport(whose, host["_id"], call.toys.kept)
    news: set[str] = set()
    for each in rounds:
        news |= register.record(list(each.values()), now=now, stands=_is_paired)
    return news


def _is_paired(said: ToyReport, session: ClientSession) -> bool:
    """Written, not only read, so that of a report and an unpairing at the same moment one waits for
    the other; and with something new, since a write that changes nothing is none to the server.
    What was said last is not known again before all of it is kept."""
    wanted = {"_id": said.host_id, "unpaired_at": None}
    being_written = {"$set": {"content": secrets.token_hex(8)}}
    return bool(collection(Host).update_one(wanted, being_written, session=session).matched_count)


# --- 3. hosts ------------------------------------------------------------------------------------


def _keep(heard: Iterable[tuple[HostRow, Callback]], now: datetime) -> set[str]:
    """The performers for whom a host says something else than before."""
    news: set[str] = set()
    writes: list[UpdateOne] = []
    for host, call in heard:
        said = _differences(host, call)
        if said:
            news.add(host["performer_id"])
            said["look_at"] = now
        # Not where it was unpaired meanwhile, or paired under another token.
        wanted = {"_id": host["_id"], "utoken_hash": call.utoken_hash}
        said |= {"content": call.content, "last_seen_at": now}
        writes.append(UpdateOne(wanted, {"$set": said}))
    if writes:
        collection(Host).bulk_write(writes, ordered=False)
    return news


def _differences(host: HostRow, call: Callback) -> Document:
    before = cast(Document, host)
    said = {
        "app_type": call.app.type,
        "app_version": call.app.version,
        "platform": call.app.platform,
        "protocol_version": call.app.protocol,
        "domain": call.address.domain,
        "ports": call.address.ports,
        "is_address_refused": call.address.is_refused,
        "toys_count": call.toys.count,
    }
    return {name: value for name, value in said.items() if before[name] != value}


# --- hers ----------------------------------------------------------------------------------------


def of(performer_id: str) -> list[HostRow]:
    """Those that are paired, in the order in which they were."""
    rows = collection(Host).find({"performer_id": performer_id, "unpaired_at": None})
    return sorted(rows, key=lambda row: (row["paired_at"], row["_id"]))


def address_of(host: HostRow) -> Address:
    """For her own page, and for nobody and nothing else."""
    return Address(host["domain"], host["ports"], host["is_address_refused"])


def addresses_of(performer_ids: Collection[str]) -> dict[str, list[Json]]:
    """By performer the apps of hers that have said where they are, as her own pages are told; no
    read where nobody is asked for."""
    found: dict[str, list[Json]] = {performer_id: [] for performer_id in performer_ids}
    if not found:
        return found
    wanted = {"performer_id": {"$in": sorted(found)}, "unpaired_at": None, "domain": {"$gt": ""}}
    fields = {"performer_id": 1, "domain": 1, "ports": 1, "is_address_refused": 1}
    for host in collection(Host).find(wanted, fields).sort("_id"):
        where = address_of(host)
        if not where.is_refused:
            said: Json = {"id": host["_id"], "domain": where.domain, "ports": where.ports}
            found[host["performer_id"]].append(said)
    return found


def unpair(*, performer_id: str, host_id: str, by: str, now: datetime) -> HostRow:
    """What proved its callbacks is forgotten, its devices are not hers any more, a pairing that
    would bring it back is over. Again, it changes nothing. Raises NoSuchHost."""

    def body(session: ClientSession) -> HostRow:
        host = _owned(performer_id, host_id, session)
        if host["unpaired_at"] is not None:
            return host
        gone: Document = _FORGOTTEN | {"unpaired_at": now, "fault": "", "look_at": now}
        collection(Host).update_one({"_id": host_id}, {"$set": gone}, session=session)
        _cancel_pairing(performer_id, host_id, now, session)
        rows = register.rows_of(performer_id, session)
        lost = [Changed(row, changes.unpaired(row, now)) for row in rows if _is_on(row, host_id)]
        register.keep(performer_id, rows, lost, now=now, session=session)
        _audit_unpairing(host, lost, by=by, now=now, session=session)
        return cast(HostRow, {**host, **gone})

    return journal.run(body, touched=journal.of_lane(performer_id), now=now)


def unreached(*, performer_id: str, host_id: str, now: datetime) -> bool:
    """The vendor's cloud says that this app is offline, which outranks what it reported before: its
    devices are away until it calls back. Whether that is news."""

    def body(session: ClientSession) -> bool:
        rows = register.rows_of(performer_id, session)
        lost = [
            Changed(row, changes.disconnected(row, changes.APP_OFFLINE))
            for row in rows
            if _is_on(row, host_id) and row["status"] == DeviceStatus.CONNECTED
        ]
        register.keep(performer_id, rows, lost, now=now, session=session)
        # What it says next is no repeat.
        wanted = {"_id": host_id, "performer_id": performer_id}
        collection(Host).update_one(wanted, {"$set": {"content": ""}}, session=session)
        return bool(lost)

    return transactions.run(body)


def faulted(*, performer_id: str, host_id: str, fault: str, now: datetime) -> bool:
    """What the vendor's cloud says of every command to this app; empty: it takes them. Whether that
    is news."""
    known: Document = {"_id": host_id, "performer_id": performer_id, "unpaired_at": None}
    known["fault"] = {"$nin": [fault]} if fault else {"$gt": ""}
    said = {"$set": {"fault": fault, "look_at": now}}
    return bool(collection(Host).update_one(known, said).modified_count)


def _owned(performer_id: str, host_id: str, session: ClientSession) -> HostRow:
    wanted = {"_id": host_id, "performer_id": performer_id}
    host: HostRow | None = collection(Host).find_one(wanted, session=session)
    if host is None:
        raise pairing.NoSuchHost
    return host


def _is_on(row: DeviceRow, host_id: str) -> bool:
    """Also what she has removed: restored, it would be a toy of an app that is not hers."""
    return row["host_id"] == host_id and row["unpaired_at"] is None


def _cancel_pairing(performer_id: str, host_id: str, now: datetime, session: ClientSession) -> None:
    wanted = {"open_for": performer_id, "host_id": host_id}
    found = collection(Pairing).find_one(wanted, {"_id": 1}, session=session)
    if found is not None:
        pairing.advance(found["_id"], P.CANCELLED, now=now, session=session)


def _audit_unpairing(
    host: HostRow, lost: Sequence[Changed], *, by: str, now: datetime, session: ClientSession
) -> None:
    audit_log.record(
        kind="host",
        action="unpair",
        by=by,
        target=host["_id"],
        lane=host["performer_id"],
        now=now,
        before={"pairedAt": clock.iso(host["paired_at"]), "devices": len(lost)},
        after={"unpairedAt": clock.iso(now), "devices": 0},
        session=session,
    )
