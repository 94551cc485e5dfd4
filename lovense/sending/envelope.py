"""The messages about one activation: `lovense.activate` for one attempt of it,
`lovense.stop` to end it (docs/sockets.md)."""

from collections.abc import Sequence

import orjson

from ground import clock
from lovense import bridges
from lovense.bridges import RunsIn, legs
from lovense.deciding.activation import TARGET, run_seconds
from lovense.menus import parts
from lovense.menus.compiler import DRAWING, STEPS
from lovense.menus.matching import DEFAULT_ITEM
from lovense.menus.vibration import VibrationKind, kind_of, parts_of
from lovense.rows import ActivationRow, Command, DeviceSummary, Item, Json, PerformerRow
from tips.models import RequestType
from tips.rows import RequestRow

EVENT_NAME, STOP = "lovense.activate", "lovense.stop"
RELEASE = "lovense.release"  # its toys first, then the devices are another page's
_LEDGER_KEYS = ("ledgerId", "sourceRef", "debitRef", "creditRef", "status")


def text(
    activation: ActivationRow,
    request: RequestRow,
    performer: PerformerRow,
    *,
    lease: int,
    is_confirmed: bool = False,
) -> str:
    """The message as JSON text; `durationSec` is the run time in seconds, that of its `members`
    included. `lease`: the number of the lease of the page for which it is made.

    `confirmed` asks a page for what it remembers: one that does not remember the activation leaves
    it alone."""
    made = message(activation, request, performer) | {"lease": lease}
    made |= _legs(activation, performer)
    return orjson.dumps(made | {"confirmed": True} if is_confirmed else made).decode()


def stop(activation: ActivationRow, performer: PerformerRow, *, is_confirmed: bool) -> str:
    """Ends this run and no other. `confirmed`: a page that does not remember it says nothing of it,
    since another has it."""
    made = {
        "type": STOP,
        "stopEpoch": performer["stop_epoch"],
        "activationIds": [activation["_id"]],
    }
    return orjson.dumps(made | {"confirmed": True} if is_confirmed else made).decode()


def message(activation: ActivationRow, request: RequestRow, performer: PerformerRow) -> Json:
    """Built from the rows of the activation, its queue request and its performer."""
    event, item, sent_at = request["payload"], activation["item"], activation["dispatched_at"]
    assert item is not None  # it was dispatched
    assert sent_at is not None
    return {
        "type": EVENT_NAME,
        "eventName": EVENT_NAME,
        "eventId": activation["event_id"],
        "tipId": activation["tip_id"],
        "activationId": activation["_id"],
        "attempt": activation["attempt"],
        "stopEpoch": activation["stop_epoch"],
        "durationSec": run_seconds(activation),
        "timestamp": clock.iso(sent_at),
        "ledger": {key: event["ledger"][key] for key in _LEDGER_KEYS}
        if "ledger" in event
        else None,
        "model": {
            "modelId": performer["_id"],
            "modelDisplayName": performer["display_name"],
            "lovenseMode": performer["bridge"],
        },
        "tipper": {"username": activation["tipper_name"]},
        "transaction": {"currency": "TOKENS", "amount": activation["amount"]},
        "item": {
            "itemType": _item_type(request, activation),
            "itemId": item["itemId"],
            "itemName": item["title"],
            "descriptionPublic": item.get("description", ""),
            "vibration": _vibration(item, activation, performer),
        },
        "commands": [_sent(each) for each in activation["commands"]],
        "routing": {"targets": _targets(activation, performer)},
        **({"members": activation["members"]} if activation.get("members") else {}),
    }


def _targets(activation: ActivationRow, performer: PerformerRow) -> list[Json]:
    """Each device that is told something, where there are several; else whoever is there."""
    devices = performer.get("devices") or ()
    told = _told(activation, devices) if len(devices) > 1 else []
    if len(told) < 2:
        return [{"target": TARGET}]
    return [{"target": each["toyId"], "nickname": each["nickname"]} for each in told]


def _told(activation: ActivationRow, devices: Sequence[DeviceSummary]) -> list[DeviceSummary]:
    return legs.told(activation["commands"], devices)[: legs.MAX_LEGS]


def _legs(activation: ActivationRow, performer: PerformerRow) -> Json:
    """Where her page tells her toys itself, in slices: what it tells which, and when."""
    bridge = bridges.find(performer["bridge"])
    if bridge is None or bridge.runs_in is not RunsIn.PAGE or not bridge.lease_seconds:
        return {}
    commands, devices = activation["commands"], performer.get("devices") or []
    seconds = run_seconds(activation)
    wished = parts.offsets(activation["item"] or {})
    made = legs.for_page(bridge, commands, devices, seconds=seconds, offsets=wished)
    return {"legs": made}


def _item_type(request: RequestRow, activation: ActivationRow) -> str:
    """Who answered a tip: the performer's menu, a default reaction, hers or the platform's, or
    levels that are not ours."""
    if request["type"] != RequestType.TIP:
        return str(request["type"])
    if activation.get("is_measured") is False:
        return str(activation["item"]["itemId"]) if activation["item"] else ""
    is_usual = activation["item"] is not None and activation["item"]["itemId"] == DEFAULT_ITEM
    return DEFAULT_ITEM if is_usual else "tip_menu"


def _vibration(item: Item, activation: ActivationRow, performer: PerformerRow) -> Json:
    """As the item says it; for real devices, for several, and where it has functions, loops or
    ramps, as they are told it: without a strength of its own a preset is one, with it a pattern."""
    kind = kind_of(item["pattern"])
    said: Json = {
        "type": kind.value,
        "strength": item["intensity"],
        "durationSec": run_seconds(activation),
        "presetName": item["pattern"] if kind is VibrationKind.PRESET else None,
        "pattern": None,
    }
    if kind is VibrationKind.PATTERN:
        return said | _compiled(activation["commands"]) | {"type": kind.value}
    is_rehearsal = performer["bridge"] == bridges.SIMULATOR
    is_plain = not parts_of(item)
    if is_rehearsal and is_plain and len(performer.get("devices") or ()) < 2:
        return said
    return said | _compiled(activation["commands"])


def _sent(command: Command) -> Command:
    """Without what only slices take their parts of."""
    if DRAWING not in command and STEPS not in command:
        return command
    return {name: value for name, value in command.items() if name not in (DRAWING, STEPS)}


def _compiled(commands: Sequence[Command]) -> Json:
    patterns = [each["strength"] for each in commands if each["command"] == "Pattern"]
    if patterns:
        return {"type": "PATTERN", "pattern": patterns[0]}
    is_preset = any(each["command"] == "Preset" for each in commands)
    return {"type": "PRESET" if is_preset else "LEVEL"}
