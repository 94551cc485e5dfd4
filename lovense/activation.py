"""Activations: which gates a settled tip passed on its way to a device, what it became, and how it ended.

One activation per (tip, target): its key is `<idempotency key>.<target>`. Every settled tip gets one, also the tip that
does nothing, so that every tip ends with one verdict that a person can read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from pymongo.errors import BulkWriteError

from ledger import clock
from ledger.database import collection
from lovense import menus, vibration
from lovense.models import Activation, ActivationStatus, Performer, PlatformSettings, TipMenu
from lovense.pace import Pace
from lovense.platform import ROW
from lovense.vibration import LONGEST_ITEM_SECONDS
from tips import queue
from tips.models import Mode, RequestStatus, RequestType

S = ActivationStatus
Row = dict[str, Any]
TARGET = "all"
DUPLICATE_KEY = 11000
DELAYS = frozenset({"rate_limit"})  # gates that make a request wait and never end it
MENUS_KEPT = 1000  # published menus are immutable, so a cached one is never stale

# To which status an activation may move, and from where. `docs/states.md` shows the same table. A late acknowledgement is
# believed (timeout, dead -> completed); nothing that may have played is ever played again. `queued` is an activation that is
# being decided; it is stored only where the device has refused it, or a person has sent a dead one back into the queue.
PREDECESSORS: dict[S, frozenset[S]] = {
    S.QUEUED: frozenset({S.DISPATCHED, S.DEAD}),
    S.DISPATCHED: frozenset({S.QUEUED, S.DISPATCHED}),
    S.ACTIVATED: frozenset({S.DISPATCHED}),
    S.COMPLETED: frozenset({S.QUEUED, S.DISPATCHED, S.ACTIVATED, S.TIMEOUT, S.DEAD}),
    S.FAILED: frozenset({S.DISPATCHED, S.ACTIVATED}),
    S.TIMEOUT: frozenset({S.DISPATCHED, S.ACTIVATED}),
    S.SKIPPED: frozenset({S.QUEUED}),
    S.EXPIRED: frozenset({S.QUEUED}),
    S.CANCELLED: frozenset({S.QUEUED, S.DISPATCHED, S.ACTIVATED}),
    S.DEAD: frozenset({S.QUEUED, S.DISPATCHED}),
}
LIVE = frozenset({S.QUEUED, S.DISPATCHED, S.ACTIVATED})
FINAL = frozenset(S) - LIVE


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
    paces: dict[str, Pace] = field(default_factory=dict)

    @classmethod
    def read(cls, performer_ids: Iterable[str]) -> "Rules":
        platform = collection(PlatformSettings).find_one({"_id": ROW}) or _default_platform()
        performers = {row["_id"]: row for row in collection(Performer).find({"_id": {"$in": list(performer_ids)}})}
        return cls(platform, performers, _menus(performers.values()))

    def menu_of(self, performer: Row | None) -> Row | None:
        return self.menus.get(_menu_key(performer)) if performer else None

    def mode_of(self, lane: str) -> Mode:
        return Mode((self.performers.get(lane) or {}).get("queue_mode") or self.platform["queue_mode"])

    def is_held(self, lane: str, now: datetime) -> bool:
        """Nothing new starts: she has paused, or the deployment is being drained."""
        row = self.performers.get(lane)
        return bool(self.platform["is_draining"]) or (row is not None and is_paused(row, now))

    def maximum_seconds(self, lane: str) -> int:
        return int(min(self.platform["maximum_seconds"], self.performers[lane]["maximum_seconds"] or LONGEST_ITEM_SECONDS))


def is_paused(performer: Mapping[str, Any], now: datetime) -> bool:
    until = performer["paused_until"]
    return performer["paused_at"] is not None and (until is None or until > now)


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


def decide(request: Row, rules: Rules, *, is_online: bool, now: datetime, before: Row | None = None) -> Row:
    """The activation row of a queue request: `dispatched` when every gate passed, else `skipped` or `expired` and why.

    `queued` when a limit makes it wait. `before`: its activation that was not played; its item is kept, and its stop epoch.
    """
    gates = _Gates(now)
    row = new_row(request, now)
    performer = rules.performers.get(request["lane"])
    item = _answering_item(request, rules, gates, is_online=is_online, before=before)
    if item is not None and performer is not None:
        row.update(_promise(item, rules, performer, gates))
        row.update(item=item, menu_version=performer["menu_version"], stop_epoch=performer["stop_epoch"])
    if before is not None:
        row.update({key: before[key] for key in ("attempts", "created_at")})
        if before["stop_epoch"] is not None:
            row.update(stop_epoch=before["stop_epoch"], menu_version=before["menu_version"])
    if gates.reason in DELAYS:
        row.update(reason=gates.reason)
    elif gates.reason:
        status = S.EXPIRED if gates.reason in {"too_late", "device_offline"} else S.SKIPPED
        row.update(status=status.value, reason=gates.reason, finished_at=now)
    else:
        row.update(status=S.DISPATCHED.value, dispatched_at=now, attempt=request["attempts"])
        row["attempts"] = [*row["attempts"], {"attempt": request["attempts"], "at": now, "by": request["claimed_by"]}]
    row["gates"] = gates.rows
    return row


def _answering_item(request: Row, rules: Rules, gates: _Gates, *, is_online: bool, before: Row | None) -> Row | None:
    performer = rules.performers.get(request["lane"])
    enabled = rules.platform["enable_lovense"]
    passed = (
        _is_proven(request, gates)
        and gates.ask("kill_switch", enabled, enabled)
        and (request["type"] != RequestType.TIP or _is_fresh(request, gates))
        and gates.ask("performer", performer is not None, request["lane"], "unknown_performer")
    )
    if not passed:
        return None
    pinned = request["payload"].get("item") or (before or {}).get("item")
    item = pinned or _matching_item(request, rules, performer, gates)
    saw = "a page holds the devices" if is_online else "no page"
    return item if item is not None and gates.ask("device_online", is_online, saw, "device_offline") else None


def _is_proven(request: Row, gates: _Gates) -> bool:
    if request["type"] != RequestType.TIP:
        return gates.ask("submitted", True, request.get("submitted_by") or "")
    ledger = request["payload"]["ledger"]
    return (
        gates.ask("signature", True, "a signed delivery recorded this tip")
        and gates.ask("duplicate", True, f"first and only event of this tip, number {request['position']}")
        and gates.ask("settled", True, f"{ledger['ledgerId']} posted at {ledger['postedAt']}")
    )


def _is_fresh(request: Row, gates: _Gates) -> bool:
    """Late is late whether the ledger posted late or could not be asked for long."""
    event = request["payload"]
    settled_at = max(clock.parse(event["ledger"]["postedAt"]), clock.parse(event["eventTimestamp"]))
    lateness = (settled_at - clock.parse(event["createdAt"])).total_seconds()
    return gates.ask("fresh", lateness <= settings.TIP_FRESH_SECONDS, f"settled {lateness:.0f} s after the tip", "too_late")


def _matching_item(request: Row, rules: Rules, performer: Row | None, gates: _Gates) -> Row | None:
    amount, menu = request["payload"]["amount"], rules.menu_of(performer)
    minimum = max(rules.platform["minimum_tip"], (performer or {}).get("minimum_tip") or 0)
    item = menus.match(menu["items"], amount) if menu else None
    passed = (
        gates.ask("minimum", amount >= minimum, f"{amount} of at least {minimum}", "below_minimum")
        and gates.ask("menu", menu is not None, f"version {performer['menu_version'] if performer else 0}", "no_menu")
        and gates.ask("menu_match", item is not None, item["title"] if item else f"nothing answers {amount}", "no_match")
    )
    return item if passed else None


def _promise(item: Row, rules: Rules, performer: Row, gates: _Gates) -> Row:
    try:
        commands, promised = compiled(item, rules, performer["_id"])
    except vibration.NothingAllowed as nothing:
        gates.ask("caps", False, str(nothing), "caps")
        return {}
    seconds, strength = rules.maximum_seconds(performer["_id"]), performer["maximum_intensity"]
    gates.ask("caps", True, f"{promised} s of at most {seconds} s, intensity at most {strength}")
    pace = rules.paces.get(performer["_id"])
    is_open = pace is None or pace.is_open
    saw = f"{len(pace.starts)} of {pace.limit} in a minute" if pace and pace.limit else "no limit"
    if gates.ask("rate_limit", is_open, saw) and gates.ask("paused", True, "not paused"):
        gates.ask("stop_epoch", True, performer["stop_epoch"])
    return {"commands": commands, "promised_seconds": promised}


def compiled(item: Row, rules: Rules, performer_id: str) -> tuple[list[Row], int]:
    """The commands and the seconds they promise, within the caps of the platform and of the performer."""
    caps = (rules.maximum_seconds(performer_id), rules.performers[performer_id]["maximum_intensity"])
    return _compiled(item["pattern"], item["intensity"], item["durationSec"], *caps)


@lru_cache(maxsize=4096)
def _compiled(pattern: str, intensity: int, seconds: int, longest: int, strongest: int) -> tuple[list[Row], int]:
    item = {"pattern": pattern, "intensity": intensity, "durationSec": seconds}
    return vibration.compile_item(item, maximum_seconds=longest, maximum_intensity=strongest)


def new_row(request: Row, now: datetime) -> Row:
    event = request["payload"]
    return {
        "_id": activation_id(request["idempotency_key"]),
        "performer_id": request["lane"],
        "tip_id": event.get("tipId"),
        "event_id": event.get("eventId"),
        "request_id": request["_id"],
        "position": request["position"],
        "amount": event.get("amount") or 0,
        "tipper_name": (event.get("tipper") or {}).get("username") or "Anonymous",
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


def insert(rows: Sequence[Row]) -> set[str]:
    """Inserts new activations; returns those that are ours. A clash means that another worker decided this tip."""
    if not rows:
        return set()
    ids = {row["_id"] for row in rows}
    try:
        collection(Activation).insert_many(rows, ordered=False)
    except BulkWriteError as error:
        failures = error.details["writeErrors"]
        if any(failure["code"] != DUPLICATE_KEY for failure in failures):
            raise
        return ids - {rows[failure["index"]]["_id"] for failure in failures}
    return ids


# --- ending --------------------------------------------------------------------------------------------------------------


def end_requests(activations: Iterable[Row], *, now: datetime) -> None:
    """Moves the requests of finished activations to the status that their verdict means."""
    groups: dict[tuple[RequestStatus, str], list[str]] = {}
    for row in activations:
        status = REQUEST_STATUS.get(S(row["status"]), RequestStatus.COMPLETED)
        cause = row["reason"] if status in WITH_A_CAUSE else ""
        groups.setdefault((status, cause), []).append(row["request_id"])
    for (status, cause), request_ids in groups.items():
        queue.advance(request_ids, status, now=now, cause=cause)


# A skipped or expired tip is a request that has been answered: completed. Only what went wrong is not.
REQUEST_STATUS = {
    S.FAILED: RequestStatus.FAILED,
    S.TIMEOUT: RequestStatus.FAILED,
    S.DEAD: RequestStatus.DEAD,
    S.CANCELLED: RequestStatus.CANCELLED,
}
WITH_A_CAUSE = frozenset({RequestStatus.FAILED, RequestStatus.DEAD})


def run_seconds(row: Mapping[str, Any]) -> int:
    """How long its run takes on the device: its own seconds, and those of the activations that are part of it."""
    return int(row.get("run_seconds") or row["promised_seconds"])
