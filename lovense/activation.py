"""Activations: which gates a settled tip passed on its way to a device, what it became, and how it ended.

One activation per (tip, target): its key is `<idempotency key>.<target>`. Every settled tip gets one, also the tip that
does nothing, so that every tip ends with one verdict that a person can read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from pymongo import UpdateOne
from pymongo.write_concern import WriteConcern

from ledger import clock
from ledger.database import collection
from lovense import menus, vibration
from lovense.models import Activation, ActivationStatus, Performer, PlatformSettings, TipMenu
from lovense.platform import ROW
from tips import queue
from tips.models import RequestStatus

S = ActivationStatus
Row = dict[str, Any]
TARGET = "all"
MENUS_KEPT = 1000  # published menus are immutable, so a cached one is never stale

# To which status an activation may move, and from where. `docs/states.md` shows the same table. A late acknowledgement is
# believed (timeout, dead -> completed); nothing that has ended is ever played again. `queued` is an activation that is being
# decided and not stored yet; nothing cancels one.
PREDECESSORS: dict[S, frozenset[S]] = {
    S.QUEUED: frozenset(),
    S.DISPATCHED: frozenset({S.QUEUED, S.DISPATCHED}),
    S.ACTIVATED: frozenset({S.DISPATCHED}),
    S.COMPLETED: frozenset({S.DISPATCHED, S.ACTIVATED, S.TIMEOUT, S.DEAD}),
    S.FAILED: frozenset({S.DISPATCHED, S.ACTIVATED}),
    S.TIMEOUT: frozenset({S.DISPATCHED, S.ACTIVATED}),
    S.SKIPPED: frozenset({S.QUEUED}),
    S.EXPIRED: frozenset({S.QUEUED}),
    S.CANCELLED: frozenset(),
    S.DEAD: frozenset({S.DISPATCHED}),
}
LIVE = frozenset({S.QUEUED, S.DISPATCHED, S.ACTIVATED})
FINAL = frozenset(S) - LIVE
# Followed by a majority write of the queue: the journal is ordered, so one wait covers both.
_FAST = WriteConcern(1)


def activation_id(idempotency_key: str) -> str:
    return f"{idempotency_key}.{TARGET}"


def froms(to: S) -> dict[str, list[str]]:
    """The filter of a guarded move to this status."""
    return {"$in": [status.value for status in PREDECESSORS[to]]}


# --- deciding ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Rules:
    """What binds one batch of decisions, read once for all of its rows."""

    platform: Mapping[str, Any]
    performers: dict[str, Row]
    menus: dict[str, Row] = field(default_factory=dict)

    @classmethod
    def read(cls, performer_ids: Iterable[str]) -> "Rules":
        platform = collection(PlatformSettings).find_one({"_id": ROW}) or _default_platform()
        performers = {row["_id"]: row for row in collection(Performer).find({"_id": {"$in": list(performer_ids)}})}
        return cls(platform, performers, _menus(performers.values()))

    def menu_of(self, performer: Row | None) -> Row | None:
        return self.menus.get(_menu_key(performer)) if performer else None


@lru_cache(maxsize=1)
def _default_platform() -> Row:
    return {str(f.column): f.get_default() for f in PlatformSettings._meta.concrete_fields}


_menu_cache: dict[str, Row] = {}


def _menu_key(performer: Row) -> str:
    return f"{performer['_id']}.{performer['menu_version']}"


def _menus(performers: Iterable[Row]) -> dict[str, Row]:
    global _menu_cache
    known = _menu_cache  # replaced as a whole, so that another thread never sees it half filled or just emptied
    wanted = [_menu_key(row) for row in performers if row["menu_version"]]
    missing = [key for key in wanted if key not in known]
    if missing:
        kept = known if len(known) < MENUS_KEPT else {key: known[key] for key in wanted if key in known}
        known = kept | {row["_id"]: row for row in collection(TipMenu).find({"_id": {"$in": missing}})}
        _menu_cache = known
    return {key: known[key] for key in wanted if key in known}


class _Gates:
    """The decision record: each gate with what it saw, in the order asked; the first that fails ends the asking."""

    def __init__(self, now: datetime) -> None:
        self.rows: list[Row] = []
        self.reason = ""
        self._at = clock.iso(now)

    def ask(self, gate: str, passed: bool, saw: Any, reason: str = "") -> bool:
        self.rows.append({"gate": gate, "passed": passed, "saw": saw, "at": self._at})
        if not passed:
            self.reason = reason or gate
        return passed


def decide(request: Row, rules: Rules, *, is_online: bool, now: datetime) -> Row:
    """The activation row of a queue request: `dispatched` when every gate passed, else `skipped` or `expired` and why."""
    gates = _Gates(now)
    row = _new_row(request, now)
    performer = rules.performers.get(request["lane"])
    item = _answering_item(request, rules, performer, gates, is_online)
    if item is not None and performer is not None:
        row.update(_promise(item, rules, performer, gates))
        row.update(item=item, menu_version=performer["menu_version"], stop_epoch=performer["stop_epoch"])
    if gates.reason:
        status = S.EXPIRED if gates.reason in {"too_late", "device_offline"} else S.SKIPPED
        row.update(status=status.value, reason=gates.reason, finished_at=now)
    else:
        row.update(status=S.DISPATCHED.value, dispatched_at=now, attempt=request["attempts"])
        row["attempts"] = [{"attempt": request["attempts"], "at": now, "by": request["claimed_by"]}]
    row["gates"] = gates.rows
    return row


def _answering_item(request: Row, rules: Rules, performer: Row | None, gates: _Gates, is_online: bool) -> Row | None:
    event, platform = request["payload"], rules.platform
    ledger, amount = event["ledger"], event["amount"]
    minimum = max(platform["minimum_tip"], (performer or {}).get("minimum_tip") or 0)
    # Late is late whether the ledger posted late or could not be asked for long.
    settled_at = max(clock.parse(ledger["postedAt"]), clock.parse(event["eventTimestamp"]))
    lateness = (settled_at - clock.parse(event["createdAt"])).total_seconds()
    menu = rules.menu_of(performer)
    item = menus.match(menu["items"], amount) if menu else None
    passed = (
        gates.ask("signature", True, "a signed delivery recorded this tip")
        and gates.ask("duplicate", True, f"first and only event of this tip, number {request['position']}")
        and gates.ask("settled", True, f"{ledger['ledgerId']} posted at {ledger['postedAt']}")
        and gates.ask("kill_switch", platform["enable_lovense"], platform["enable_lovense"])
        and gates.ask("fresh", lateness <= settings.TIP_FRESH_SECONDS, f"settled {lateness:.0f} s after the tip", "too_late")
        and gates.ask("performer", performer is not None, request["lane"], "unknown_performer")
        and gates.ask("minimum", amount >= minimum, f"{amount} of at least {minimum}", "below_minimum")
        and gates.ask("menu", menu is not None, f"version {performer['menu_version'] if performer else 0}", "no_menu")
        and gates.ask("menu_match", item is not None, item["title"] if item else f"nothing answers {amount}", "no_match")
        and gates.ask("device_online", is_online, "a page holds the devices" if is_online else "no page", "device_offline")
    )
    return item if passed else None


def _promise(item: Row, rules: Rules, performer: Row, gates: _Gates) -> Row:
    seconds = min(rules.platform["maximum_seconds"], performer["maximum_seconds"] or rules.platform["maximum_seconds"])
    caps = (seconds, performer["maximum_intensity"])
    try:
        commands, promised = _compiled(item["pattern"], item["intensity"], item["durationSec"], *caps)
    except vibration.NothingAllowed as nothing:
        gates.ask("caps", False, str(nothing), "caps")
        return {}
    gates.ask("caps", True, f"{promised} s of at most {caps[0]} s, intensity at most {caps[1]}")
    gates.ask("stop_epoch", True, performer["stop_epoch"])
    return {"commands": commands, "promised_seconds": promised}


@lru_cache(maxsize=4096)
def _compiled(pattern: str, intensity: int, seconds: int, longest: int, strongest: int) -> tuple[list[Row], int]:
    item = {"pattern": pattern, "intensity": intensity, "durationSec": seconds}
    return vibration.compile_item(item, maximum_seconds=longest, maximum_intensity=strongest)


def _new_row(request: Row, now: datetime) -> Row:
    event = request["payload"]
    return {
        "_id": activation_id(request["idempotency_key"]),
        "performer_id": request["lane"],
        "tip_id": event["tipId"],
        "event_id": event["eventId"],
        "request_id": request["_id"],
        "position": request["position"],
        "amount": event["amount"],
        "tipper_name": event["tipper"]["username"] or "Anonymous",
        "status": S.QUEUED.value,
        "reason": "",
        "gates": [],
        "item": None,
        "menu_version": 0,
        "commands": [],
        "promised_seconds": 0,
        "delivered_seconds": None,
        "stop_epoch": 0,
        "attempt": 0,
        "attempts": [],
        "created_at": now,
        "dispatched_at": None,
        "received_at": None,
        "started_at": None,
        "finished_at": None,
    }


# --- acknowledgements ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ack:
    """What a page said about an activation of its own performer. `stage`: received, started, finished or failed."""

    performer_id: str
    activation_id: str
    attempt: int
    stage: str
    at: datetime
    delivered_seconds: float | None = None
    code: str = ""
    is_answer: bool = False  # the socket it came from was sent this very activation: it is the performer's own


STAGES = ("received", "started", "finished", "failed")
ENDS = ("finished", "failed")


def acknowledge(acks: Sequence[Ack]) -> list[bool]:
    """Records acknowledgements and ends their requests. Repeats, and acknowledgements of what is not theirs, change nothing.

    True for an acknowledgement after which its activation is over, so that the lane's next request may start.
    """
    plain = [ack for ack in acks if ack.stage == "finished" and ack.is_answer]
    if len(plain) == len(acks) and _finish_all(plain):
        queue.advance([_request_id(ack) for ack in plain], RequestStatus.COMPLETED, now=plain[-1].at)
        return [True] * len(acks)
    collection(Activation, _FAST).bulk_write([_update_of(ack) for ack in acks], ordered=True)
    _extend([ack for ack in acks if ack.stage not in ENDS])
    over = _end_requests([ack for ack in acks if ack.stage in ENDS])
    return [ack.stage in ENDS and _who_about_what(ack) in over for ack in acks]


def _finish_all(acks: Sequence[Ack]) -> bool:
    """The plain case, one statement per distinct duration: every ack answers what was sent to its own socket and is the first.

    False when one of them was not; nothing is lost then, the careful way finds which.
    """
    alike: dict[float | None, list[str]] = {}
    for ack in acks:
        alike.setdefault(ack.delivered_seconds, []).append(ack.activation_id)
    moved = 0
    for seconds, ids in alike.items():
        changes = {"status": S.COMPLETED.value, "finished_at": acks[-1].at, "delivered_seconds": seconds, "reason": ""}
        moved += (
            collection(Activation, _FAST)
            .update_many({"_id": {"$in": ids}, "status": froms(S.COMPLETED)}, {"$set": changes})
            .modified_count
        )
    return moved == len(acks)


def _request_id(ack: Ack) -> str:
    return queue.request_id(ack.activation_id.removesuffix(f".{TARGET}"))


def _update_of(ack: Ack) -> UpdateOne:
    mine = {"_id": ack.activation_id, "performer_id": ack.performer_id}
    if ack.stage == "received":
        return UpdateOne({**mine, "status": S.DISPATCHED.value, "received_at": None}, {"$set": {"received_at": ack.at}})
    if ack.stage == "started":
        changes: Row = {"status": S.ACTIVATED.value, "started_at": ack.at}
        return UpdateOne({**mine, "status": froms(S.ACTIVATED)}, {"$set": changes})
    if ack.stage == "finished":
        changes = {"status": S.COMPLETED.value, "finished_at": ack.at, "delivered_seconds": ack.delivered_seconds, "reason": ""}
        return UpdateOne({**mine, "status": froms(S.COMPLETED)}, {"$set": changes})
    changes = {"status": S.FAILED.value, "finished_at": ack.at, "delivered_seconds": ack.delivered_seconds, "reason": ack.code}
    return UpdateOne({**mine, "status": froms(S.FAILED)}, {"$set": changes})


def _who_about_what(ack: Ack) -> tuple[str, str]:
    return ack.performer_id, ack.activation_id


def _end_requests(ends: Sequence[Ack]) -> set[tuple[str, str]]:
    """Ends the requests of activations that are over now; whether this call or an earlier one ended them is the same."""
    if not ends:
        return set()
    said = {_who_about_what(ack) for ack in ends}
    wanted = {"_id": {"$in": [activation_id for _, activation_id in said]}}
    found = collection(Activation).find(wanted, {"status": 1, "request_id": 1, "performer_id": 1})
    over = [row for row in found if (row["performer_id"], row["_id"]) in said and S(row["status"]) in FINAL]
    end_requests(over, now=max(ack.at for ack in ends))
    return {(row["performer_id"], row["_id"]) for row in over}


def end_requests(activations: Iterable[Row], *, now: datetime) -> None:
    """Moves the requests of finished activations to the status that their verdict means."""
    groups: dict[RequestStatus, list[str]] = {}
    for row in activations:
        groups.setdefault(REQUEST_STATUS.get(S(row["status"]), RequestStatus.COMPLETED), []).append(row["request_id"])
    for status, request_ids in groups.items():
        queue.advance(request_ids, status, now=now)


# A skipped or expired tip is a request that has been answered: completed. Only what went wrong is not.
REQUEST_STATUS = {S.FAILED: RequestStatus.FAILED, S.TIMEOUT: RequestStatus.FAILED, S.DEAD: RequestStatus.DEAD}


def _extend(acks: Sequence[Ack]) -> None:
    """A page that has the command may take its promised time; the lease then covers it."""
    if not acks:
        return
    said = {_who_about_what(ack) for ack in acks}
    columns = ("request_id", "promised_seconds", "performer_id", "received_at", "started_at")
    for row in collection(Activation).find({"_id": {"$in": [activation_id for _, activation_id in said]}}, columns):
        began = row["started_at"] or row["received_at"]  # not the time of this ack: one said again must not buy more time
        if began is not None and (row["performer_id"], row["_id"]) in said:
            seconds = row["promised_seconds"] + settings.FINISH_GRACE_SECONDS
            queue.extend(row["request_id"], until=began + timedelta(seconds=seconds))
