"""The gates that a request passes on its way to a device, in the order they are asked. Pure: no
database, no clock."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings

from ground import clock
from lovense.deciding.activation import Row, S, new_row
from lovense.deciding.rules import Rules
from lovense.menus import matching, vibration
from tips.models import RequestType

DELAYS = frozenset({"rate_limit"})  # gates that make a request wait and never end it


class _Gates:
    """The decision record: each gate with what it saw, in the order asked; the first that fails
    ends the asking."""

    def __init__(self, now: datetime) -> None:
        self.rows: list[Row] = []
        self.reason = ""
        self._at = clock.iso(now)

    def ask(self, gate: str, passed: bool, saw: Any, reason: str = "") -> bool:
        self.rows.append({"gate": gate, "passed": passed, "saw": saw, "at": self._at})
        if not passed:
            self.reason = reason or gate
        return passed


def decide(
    request: Row, rules: Rules, *, is_online: bool, now: datetime, before: Row | None = None
) -> Row:
    """The activation row of a queue request: `dispatched` when every gate passed, else `skipped` or
    `expired` and why.

    `queued` when a limit makes it wait. `before`: its activation that was not played; its item is
    kept, and its stop epoch."""
    gates = _Gates(now)
    row = new_row(request, now)
    performer = rules.performers.get(request["lane"])
    item = _answering_item(request, rules, gates, is_online=is_online, before=before)
    if item is not None and performer is not None:
        row.update(_promise(item, rules, performer, gates))
        row.update(
            item=item, menu_version=performer["menu_version"], stop_epoch=performer["stop_epoch"]
        )
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
        row["attempts"] = [
            *row["attempts"],
            {"attempt": request["attempts"], "at": now, "by": request["claimed_by"]},
        ]
    row["gates"] = gates.rows
    return row


def _answering_item(
    request: Row, rules: Rules, gates: _Gates, *, is_online: bool, before: Row | None
) -> Row | None:
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
    return (
        item
        if item is not None and gates.ask("device_online", is_online, saw, "device_offline")
        else None
    )


def _is_proven(request: Row, gates: _Gates) -> bool:
    if request["type"] != RequestType.TIP:
        return gates.ask("submitted", True, request.get("submitted_by") or "")
    ledger = request["payload"]["ledger"]
    return (
        gates.ask("signature", True, "a signed delivery recorded this tip")
        and gates.ask(
            "duplicate", True, f"first and only event of this tip, number {request['position']}"
        )
        and gates.ask("settled", True, f"{ledger['ledgerId']} posted at {ledger['postedAt']}")
    )


def _is_fresh(request: Row, gates: _Gates) -> bool:
    """Late is late, whoever was: the platform that told us, the ledger that posted or could not be
    asked, or we who had it in the inbox. It counts from the viewer's tip to its settlement."""
    event = request["payload"]
    settled_at = max(clock.parse(event["ledger"]["postedAt"]), clock.parse(event["eventTimestamp"]))
    tipped_at = request.get("tipped_at") or clock.parse(event["createdAt"])
    lateness = (settled_at - tipped_at).total_seconds()
    return gates.ask(
        "fresh",
        lateness <= settings.TIP_FRESH_SECONDS,
        f"settled {lateness:.0f} s after the tip",
        "too_late",
    )


def _matching_item(request: Row, rules: Rules, performer: Row | None, gates: _Gates) -> Row | None:
    amount, menu = request["payload"]["amount"], rules.menu_of(performer)
    minimum = max(rules.platform["minimum_tip"], (performer or {}).get("minimum_tip") or 0)
    item = matching.match(menu["items"], amount) if menu else rules.default_item(performer)
    answers = (
        f"version {performer['menu_version'] if performer else 0}"
        if menu or item is None
        else "none published: the platform's default reaction"
    )
    passed = (
        gates.ask("minimum", amount >= minimum, f"{amount} of at least {minimum}", "below_minimum")
        and gates.ask("menu", menu is not None or item is not None, answers, "no_menu")
        and gates.ask(
            "menu_match",
            item is not None,
            item["title"] if item else f"nothing answers {amount}",
            "no_match",
        )
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
    """The commands and the seconds they promise, within the caps of the platform and of the
    performer."""
    caps = (
        rules.maximum_seconds(performer_id),
        rules.performers[performer_id]["maximum_intensity"],
    )
    return _compiled(item["pattern"], item["intensity"], item["durationSec"], *caps)


@lru_cache(maxsize=4096)
def _compiled(
    pattern: str, intensity: int, seconds: int, longest: int, strongest: int
) -> tuple[list[Row], int]:
    item = {"pattern": pattern, "intensity": intensity, "durationSec": seconds}
    return vibration.compile_item(item, maximum_seconds=longest, maximum_intensity=strongest)
