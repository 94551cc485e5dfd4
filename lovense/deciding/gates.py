"""The gates that a request passes on its way to a device, in the order they are asked. Pure: no
database, no clock."""

from datetime import datetime
from typing import Any

from django.conf import settings

from ground import clock
from lovense.bridges import OwnLevels, legs
from lovense.deciding import devicetest, standings
from lovense.deciding.activation import STOPPED, S, new_row
from lovense.deciding.promises import Promise, of_test, promised
from lovense.deciding.rules import Rules, is_paused, is_stopped, is_test
from lovense.devices import summary
from lovense.menus import draws, parts, vibration
from lovense.menus.draws import Draw
from lovense.menus.matching import SOLD_OUT, Closed
from lovense.menus.reading import PublishedMenu
from lovense.rows import (
    ActivationRow,
    AttemptRow,
    DeviceSummary,
    GateRow,
    Item,
    PerformerRow,
)
from tips.models import RequestType
from tips.rows import RequestRow

# What a tip is asked, in this order, each with its reason to say no. One without a reason writes
# down what was made sure of before. `docs/states.md` (Gates) shows the same table.
GATES = {
    "signature": "",
    "duplicate": "",
    "settled": "",
    "kill_switch": "kill_switch",
    "fresh": "too_late",
    "performer": "unknown_performer",
    "minimum": "below_minimum",
    "menu": "no_menu",
    "menu_match": "no_match",
    "device_online": "device_offline",
    "capability": "unsupported",
    "caps": "caps",
    "rate_limit": "rate_limit",
    "rested": "resting",
    "paused": "paused",
    "stop_epoch": STOPPED,
}
NONE_PUBLISHED = "none published: the platform's default reaction"
MOST_PASSED = 5  # that are named
ANSWERED = frozenset({"minimum", "menu", "menu_match"})  # why it is this item
ON_WISH = frozenset({"rested"})  # asked of those alone who want it
EXPIRES = frozenset({"too_late", "device_offline"})  # reasons that end a request as expired
# Reasons that make a request wait and never end it.
DELAYS = frozenset({"rate_limit", "resting", "paused", STOPPED})


class _Gates:
    """The decision record: each gate with what it saw, in the order asked; the first that fails
    ends the asking."""

    def __init__(self, now: datetime, performer: PerformerRow | None) -> None:
        self.rows: list[GateRow] = []
        self.reason, self.now = "", now
        self.version = performer["menu_version"] if performer else 0  # of the menu that decides
        self._at = clock.iso(now)

    def ask(self, gate: str, saw: Any, *, passed: bool, reason: str = "") -> bool:
        """`reason`: of a gate that has several to say no."""
        self.rows.append({"gate": gate, "passed": passed, "saw": saw, "at": self._at})
        if not passed:
            self.reason = reason or GATES[gate]
        return passed


def decide(
    request: RequestRow,
    rules: Rules,
    *,
    is_online: bool,
    now: datetime,
    before: ActivationRow | None = None,
) -> ActivationRow:
    """The activation row of a queue request: `dispatched` when every gate passed, else `skipped` or
    `expired` and why.

    `queued` when a limit, a pause or a stop makes it wait. `before`: its activation that was not
    played; its item is kept. The stop epoch is that of now: what was not played before a stop is
    not from before it."""
    row = new_row(request, now)
    performer = rules.performers.get(request["lane"])
    gates = _Gates(now, performer)
    levels = rules.own_levels_of(performer)
    if levels is not None and performer is not None:
        _hand_over(
            row, request, levels, gates, rules=rules, performer=performer, is_online=is_online
        )
        item = None
    else:
        item = _answering_item(request, rules, gates, is_online=is_online, before=before)
    if item is not None and performer is not None:
        _keep(row, _promise(request, item, rules, performer, gates))
        _note_item(row, request, item, gates.version)
    if performer is not None:
        row["stop_epoch"] = performer["stop_epoch"]
        _note_path(row, performer)
    if before is not None:
        row["attempts"], row["created_at"] = before["attempts"], before["created_at"]
        if _kept_item(before) is not None and levels is None:
            row["menu_version"] = before["menu_version"]
    if gates.reason in DELAYS:
        row["reason"] = gates.reason
    elif gates.reason:
        status = S.EXPIRED if gates.reason in EXPIRES else S.SKIPPED
        row["status"], row["reason"], row["finished_at"] = status.value, gates.reason, now
    else:
        row["status"], row["dispatched_at"] = S.DISPATCHED.value, now
        row["attempt"] = request["attempts"]
        row["attempts"] = [*row["attempts"], _attempt(request, now)]
    row["gates"] = gates.rows
    return row


def _attempt(request: RequestRow, now: datetime) -> AttemptRow:
    return {"attempt": request["attempts"], "at": now, "by": request["claimed_by"]}


def _answering_item(
    request: RequestRow,
    rules: Rules,
    gates: _Gates,
    *,
    is_online: bool,
    before: ActivationRow | None,
) -> Item | None:
    performer = rules.performers.get(request["lane"])
    if not _may_begin(request, rules, performer, gates):
        return None
    kept = request["payload"].get("item") or _kept_item(before)
    if kept and before is not None:
        gates.rows += [row for row in before["gates"] if row["gate"] in ANSWERED]
    if kept and rules.is_gone(request["lane"], kept):
        gates.ask("menu_match", f"{kept['title']}: none is left", passed=False, reason=SOLD_OUT)
        return None
    item = kept or _matching_item(request, rules, performer, gates)
    if item is None:
        return None
    is_able = (
        _may_test(request, item, performer, gates, is_online=is_online)
        if devicetest.is_one(request["payload"])
        else _is_able(item, performer, gates, is_online=is_online)
    )
    return item if is_able else None


def _kept_item(before: ActivationRow | None) -> Item | None:
    """That of an earlier attempt; not what levels that are not ours were to do."""
    return before["item"] if before and before.get("is_measured") is not False else None


def _may_begin(
    request: RequestRow, rules: Rules, performer: PerformerRow | None, gates: _Gates
) -> bool:
    enabled = rules.platform["enable_lovense"]
    return (
        _is_proven(request, gates)
        and gates.ask("kill_switch", enabled, passed=enabled)
        and (request["type"] != RequestType.TIP or _is_fresh(request, gates))
        and gates.ask("performer", request["lane"], passed=performer is not None)
    )


def _is_able(item: Item, performer: PerformerRow | None, gates: _Gates, *, is_online: bool) -> bool:
    """A device of hers is there, and can do it. Until her page has reported one, the page is all
    there is to know."""
    known = performer.get("devices") if performer else None
    devices = None if known is None else summary.among(known, parts.offsets(item))
    if not is_online or devices is None:
        saw = "a page holds the devices" if is_online else "no page"
        return gates.ask("device_online", saw, passed=is_online)
    functions = vibration.functions_of(item)
    able = summary.playing(devices, functions)
    named = able or summary.ready(devices)
    there = ", ".join(each["nickname"] for each in named)
    is_there = gates.ask("device_online", summary.words(devices), passed=bool(there))
    moved = ", ".join(functions) or summary.mains(named)
    saw = f"{moved}: {there if able else f'none of {there}'}"
    return is_there and gates.ask("capability", saw, passed=bool(able))


def _may_test(
    request: RequestRow,
    item: Item,
    performer: PerformerRow | None,
    gates: _Gates,
    *,
    is_online: bool,
) -> bool:
    """The very device is there, and has what is tested."""
    function = request["payload"]["function"]
    device = _tested(request, performer)
    named = summary.words([device]) if device else "no such device"
    is_there = device is not None and bool(summary.ready([device]))
    saw = named if is_online else "no page"
    if not gates.ask("device_online", saw, passed=is_online and is_there):
        return False
    may = device is not None and (
        devicetest.may_move(device, function)
        if function
        else bool(devicetest.moved_by(item, device))
    )
    saw = f"{function or item['title']}: {named if may else f'none of {named}'}"
    return gates.ask("capability", saw, passed=may)


def _tested(request: RequestRow, performer: PerformerRow | None) -> DeviceSummary | None:
    """The device that the request tests."""
    toy_id = request["payload"].get("device")
    devices = (performer.get("devices") if performer else None) or []
    return next((each for each in devices if each["toyId"] == toy_id), None)


def _is_proven(request: RequestRow, gates: _Gates) -> bool:
    if request["type"] != RequestType.TIP:
        return gates.ask("submitted", request.get("submitted_by") or "", passed=True)
    ledger = request["payload"]["ledger"]
    return (
        gates.ask("signature", "a signed delivery recorded this tip", passed=True)
        and gates.ask(
            "duplicate",
            f"first and only event of this tip, number {request['position']}",
            passed=True,
        )
        and gates.ask(
            "settled", f"{ledger['ledgerId']} posted at {ledger['postedAt']}", passed=True
        )
    )


def _is_fresh(request: RequestRow, gates: _Gates) -> bool:
    """Late is late, whoever was: the platform that told us, the ledger that posted or could not be
    asked, or we who had it in the inbox. It counts from the viewer's tip to its settlement."""
    event = request["payload"]
    settled_at = max(clock.parse(event["ledger"]["postedAt"]), clock.parse(event["eventTimestamp"]))
    tipped_at = request.get("tipped_at") or clock.parse(event["createdAt"])
    lateness = (settled_at - tipped_at).total_seconds()
    return gates.ask(
        "fresh",
        f"settled {lateness:.0f} s after the tip",
        passed=lateness <= settings.TIP_FRESH_SECONDS,
    )


def _matching_item(
    request: RequestRow, rules: Rules, performer: PerformerRow | None, gates: _Gates
) -> Item | None:
    amount = request["payload"]["amount"]
    if performer is None or not _is_enough(amount, rules, performer, gates):
        return None
    gates.version, why = rules.seen_by(request, performer)
    menu, usual = rules.menu_of(performer, gates.version), rules.default_item(performer)
    if menu is None:
        saw = f"version {gates.version}" if usual is None else NONE_PUBLISHED
        gates.ask("menu", saw, passed=usual is not None)
        return usual if usual and gates.ask("menu_match", usual["title"], passed=True) else None
    gates.ask("menu", f"version {gates.version}, {why}", passed=True)
    closed = rules.closed_of(performer, menu, gates.now)
    return _item_of(menu, request, closed, gates)


def _item_of(
    menu: PublishedMenu, request: RequestRow, closed: Closed, gates: _Gates
) -> Item | None:
    amount, show = request["payload"]["amount"], standings.show_of(request)
    found = menu.index.find(amount, show, closed)
    item, passed = found
    saw = item["title"] if item else f"nothing answers {amount}"
    if passed:
        saw += f" in a {show} show; passed over: {', '.join(map(str, passed[:MOST_PASSED]))}"
    if item is None and menu.reaction is not None:
        item, saw = menu.reaction, f"{saw}; her default reaction does"
    reason = "" if item else found.why_nothing
    gates.ask("menu_match", saw, passed=item is not None, reason=reason)
    return _drawn(item, menu, request) if item is not None and draws.is_random(item) else item


def _drawn(item: Item, menu: PublishedMenu, request: RequestRow) -> Item:
    """With what is drawn for this tip. Raises SecretMissing."""
    if menu.is_foreseen:
        return item
    draw = Draw(menu.key, request["idempotency_key"], item["itemId"])
    return draws.snapshot(item, menu.secret, draw)


def _note_path(row: ActivationRow, performer: PerformerRow) -> None:
    """By which path it is told and which types of toys, for statistics: devices come and go."""
    if row["commands"]:
        told = legs.told(row["commands"], performer.get("devices") or ())
        row["bridge"] = performer["bridge"]
        row["toy_types"] = sorted({each["type"] for each in told if "type" in each})


def _note_item(row: ActivationRow, request: RequestRow, item: Item, version: int) -> None:
    """With whose draw is in it, where that is this tip's own, of now or of an earlier attempt; what
    a request brings along was drawn for another."""
    row["item"], row["menu_version"] = item, version
    is_own = not request["payload"].get("item") and not row.get("is_rehearsal")
    if draws.DRAWN_BY in item and is_own:
        row["drawn_by"] = item[draws.DRAWN_BY]


def _is_enough(amount: int, rules: Rules, performer: PerformerRow | None, gates: _Gates) -> bool:
    minimum = rules.minimum_of(performer)
    return gates.ask("minimum", f"{amount} of at least {minimum}", passed=amount >= minimum)


# --- a path with levels of its own ---------------------------------------------------------------

OWN_LEVELS = "the extension's own levels decide"


def _hand_over(
    row: ActivationRow,
    request: RequestRow,
    levels: OwnLevels,
    gates: _Gates,
    *,
    rules: Rules,
    performer: PerformerRow,
    is_online: bool,
) -> None:
    """A tip, whole; what it will do is foreseen, and decided there. An earlier attempt's item binds
    nothing: it may be of another path."""
    amount = row["amount"]
    passed = (
        _may_begin(request, rules, performer, gates)
        and (request["type"] != RequestType.TIP or _is_enough(amount, rules, performer, gates))
        and gates.ask("menu", OWN_LEVELS, passed=True)
        and gates.ask("menu_match", OWN_LEVELS, passed=True)
        and _may_take(request, performer, gates, is_online=is_online)
    )
    if not passed:
        return
    item = levels.answer(performer, amount)
    seconds = item["durationSec"]
    foreseen = f"{item['title']}, {seconds} s" if seconds else item["title"]
    gates.ask("caps", f"{foreseen}; {OWN_LEVELS}", passed=True)
    _ask_when(request, performer, rules, gates)
    row["item"], row["promised_seconds"], row["is_measured"] = item, seconds, False
    row["commands"] = levels.hand_over(amount, row["tipper_name"], gates.now)


def _may_take(
    request: RequestRow, performer: PerformerRow, gates: _Gates, *, is_online: bool
) -> bool:
    """One of its toys is there, and it is a tip: nothing else can be handed over. Until a page has
    said anything of it, the page is all there is to know."""
    devices = performer.get("devices")
    there = is_online and (devices is None or bool(summary.ready(devices)))
    known = "a page holds the devices" if devices is None else summary.words(devices)
    saw = known if is_online else "no page"
    is_tip = request["type"] == RequestType.TIP
    told = "the extension is handed tips" + ("" if is_tip else ", and nothing else")
    return gates.ask("device_online", saw, passed=there) and gates.ask(
        "capability", told, passed=is_tip
    )


# --- what it promises, and when ------------------------------------------------------------------


def _keep(row: ActivationRow, promise: Promise) -> None:
    row["commands"], row["promised_seconds"] = promise.commands, promise.seconds
    if promise.notes:
        row["notes"] = list(promise.notes)


def _promise(
    request: RequestRow, item: Item, rules: Rules, performer: PerformerRow, gates: _Gates
) -> Promise:
    whose, device = performer["_id"], _tested(request, performer)
    caps = rules.caps_of_device(whose, device) if device else rules.caps_of_item(whose, item)
    try:
        promise = (
            of_test(request["payload"]["function"], item, device, caps)
            if device
            else promised(item, caps)
        )
    except vibration.NothingAllowed as nothing:
        gates.ask("caps", str(nothing), passed=False)
        return Promise([], 0)
    saw = f"{promise.seconds} s of at most {caps.seconds} s, intensity at most {caps.intensity}"
    gates.ask("caps", saw, passed=True)
    _ask_when(request, performer, rules, gates)
    return promise


def _ask_when(request: RequestRow, performer: PerformerRow, rules: Rules, gates: _Gates) -> None:
    if _is_in_time(performer["_id"], rules, gates) and _is_going_on(request, performer, gates):
        gates.ask("stop_epoch", performer["stop_epoch"], passed=not is_stopped(performer))


def _is_in_time(performer_id: str, rules: Rules, gates: _Gates) -> bool:
    """Neither too many starts in a minute, nor too long without a rest, where she wants one."""
    pace, rest = rules.paces.get(performer_id), rules.rests.get(performer_id)
    saw = f"{len(pace.starts)} of {pace.limit} in a minute" if pace and pace.limit else "no limit"
    if not gates.ask("rate_limit", saw, passed=pace is None or pace.is_open):
        return False
    if rest is None:
        return True
    saw = f"{rest.ran:.0f} of {rest.maximum} s without a rest"
    return gates.ask("rested", saw, passed=rest.is_open(gates.now))


def _is_going_on(request: RequestRow, performer: PerformerRow, gates: _Gates) -> bool:
    """A pause does not hold her tests, nor the one that she lets through."""
    is_held, until = is_paused(performer, gates.now), performer["paused_until"]
    is_let = is_test(request) or performer.get("plays_one") == request["_id"]
    end = clock.iso(until) if until else "she resumes"
    saw = f"paused until {end}" if is_held else "not paused"
    return gates.ask("paused", saw, passed=not is_held or is_let)
