"""`EXTENSION`: the vendor's Cam Extension on her Live page. It is handed a tip, whole, and nothing
else: what her toys do for it is set in the extension, by her.

So nothing of her menu, and none of her limits of strength and length, reaches her toys on this
path. What the extension says of itself is read here, once, in whatever shape it comes, and kept on
her row: a decision needs no other (https://developer.lovense.com/docs/cam-solutions)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from pymongo.client_session import ClientSession

from ground import clock
from ground.json.fields import MAX_AMOUNT
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from lovense.bridges import outcomes
from lovense.bridges.bridge import DeviceLeg, RunsIn
from lovense.bridges.outcomes import CallAnswer, CallOutcome
from lovense.bridges.slices import SliceWindow
from lovense.devices import readings, summary
from lovense.devices.readings import InvalidReport, ReportedToys, ToyReading
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL
from lovense.models import Performer
from lovense.rows import (
    Command,
    DeviceRow,
    ExtensionLevel,
    ExtensionRow,
    ExtensionToy,
    Item,
    Json,
    PerformerRow,
)

LOADING, READY, SILENT = "loading", "ready", "silent"
STATES = (LOADING, READY, SILENT)
HAND_OVER = "ReceiveTip"  # the one command that this path has
ITEM = "extension"
MAX_LEVELS, MAX_SPECIALS = 100, 40
LONGEST_NAME, LONGEST_VERSION = 32, 16
# Special commands that move nothing for a time that could be promised.
PAUSE, CLEAR, GIVE_CONTROL, RANDOM_TIME = "pause", "clear", "giveControl", "randomTime"
STILL = frozenset({PAUSE, CLEAR})
CANNOT_STOP = (
    "The extension cannot be stopped from here: press stop in the extension itself, or switch the "
    "toy off."
)


class ExtensionBridge:
    """Of a run it is told one thing, and nothing that is measured comes back."""

    can_stop = False
    lease_seconds = 0
    start_lag_ms = 0
    step_ms = 1000
    hold_seconds = 0
    runs_in = RunsIn.PAGE

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def own_levels(self) -> "ExtensionBridge":
        return self

    def capabilities(self, device: DeviceRow) -> dict[str, int]:
        """No function of a device can be told anything."""
        return {}

    def encode(self, leg: DeviceLeg, window: SliceWindow) -> list[Command]:
        """No device is told anything by itself."""
        return []

    def stop(self, toy_ids: Sequence[str]) -> list[Command]:
        """The extension has no call for it."""
        return []

    def read_status(self, payload: Json) -> ReportedToys:
        toys = tuple(_toys(payload.get("toys")))
        return ReportedToys(toys, len(toys))

    def outcome(self, answer: CallAnswer) -> CallOutcome:
        return outcomes.outcome_of(answer)

    def answer(self, performer: PerformerRow, amount: int) -> Item:
        """What is foreseen of it; `durationSec` 0: nobody knows."""
        found = answering(performer.get("extension"), amount)
        return _item(found) if found else _UNKNOWN | {"minimum": amount, "maximum": amount}

    def hand_over(self, amount: int, name: str, now: datetime) -> list[Command]:
        """`decidedAt`: a page whose memory is younger cannot know whether it has done it."""
        told = {"command": HAND_OVER, "amount": amount, "name": name}
        return [told | {"decidedAt": clock.iso(now)}]


def answering(told: ExtensionRow | None, amount: int) -> ExtensionLevel | None:
    """A special command by its exact amount, else the first level that contains it."""
    levels = told["levels"] if told else ()
    return next((each for each in levels if each["minimum"] <= amount <= each["maximum"]), None)


def words(level: ExtensionLevel) -> str:
    """As a person reads it."""
    name = level["special"] or level["name"].replace("level", "level ", 1)
    return f"Extension: {name}"


_UNKNOWN: Item = {
    "itemId": ITEM,
    "title": "Extension: no level known",
    "pattern": "level",
    "intensity": None,
    "durationSec": 0,
    "order": 0,
}


def _item(level: ExtensionLevel) -> Item:
    return _UNKNOWN | {
        "title": words(level),
        "minimum": level["minimum"],
        "maximum": level["maximum"],
        "intensity": level["vibration"],
        "durationSec": level["seconds"],
    }


# --- what it says of itself ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExtensionReport:
    """As her page passes it on, unread. `settings` None: nothing new is said of them."""

    state: str
    toys: Any = None
    settings: Any = None
    version: str = ""


def report(performer_id: str, said: ExtensionReport, *, now: datetime) -> bool:
    """What her page says of her extension, kept. Whether something of it is new; of a performer on
    another path nothing is."""

    def body(session: ClientSession) -> bool:
        row = collection(Performer).find_one({"_id": performer_id}, session=session)
        if row is None or row["bridge"] != summary.EXTENSION:
            return False
        before = row.get("extension")
        after = _after(before, said, now)
        if before is not None and _without_times(before) == _without_times(after):
            return False
        hers = cast(PerformerRow, row | {"extension": after})
        changes = {"extension": after, "look_at": now} | summary.changes(hers, (), now)
        collection(Performer).update_one({"_id": performer_id}, {"$set": changes}, session=session)
        return True

    return transactions.run(body)


def _without_times(row: ExtensionRow) -> Json:
    return {name: value for name, value in row.items() if name not in ("at", "settingsAt")}


def _after(before: ExtensionRow | None, said: ExtensionReport, now: datetime) -> ExtensionRow:
    """Its levels stay known while it is away; its toys do not."""
    at = clock.iso(now)
    if said.settings is not None:
        levels, unread = read_settings(said.settings)
        settings_at: str | None = at
    else:
        levels = before["levels"] if before else []
        unread = before["unread"] if before else 0
        settings_at = before["settingsAt"] if before else None
    return {
        "state": said.state,
        "at": at,
        "toys": [_toy(toy) for toy in _toys(said.toys)] if said.state == READY else [],
        "version": said.version[:LONGEST_VERSION],
        "levels": levels,
        "unread": unread,
        "settingsAt": settings_at,
    }


def _toys(value: Any) -> Iterator[ToyReading]:
    """Each by itself: one that cannot be read takes nothing from the others."""
    for toy in _listed(value)[: readings.MAX_TOYS]:
        try:
            yield from readings.toys_of([toy]).kept
        except InvalidReport:
            continue


def _listed(value: Any) -> list[Any]:
    value = _parsed(value)
    if isinstance(value, Mapping):
        return [value] if "id" in value else list(value.values())
    return value if isinstance(value, list) else []


def _toy(toy: ToyReading) -> ExtensionToy:
    name = toy.nickname or toy.name
    shown = name.title() if name == name.lower() else name
    return {
        "id": toy.toy_id,
        "name": shown,
        "isConnected": toy.is_connected,
        "battery": toy.battery,
    }


# --- its settings --------------------------------------------------------------------------------


def read_settings(value: Any) -> tuple[list[ExtensionLevel], int]:
    """Special commands, then levels, each in its order; and how many say nothing readable. What is
    switched off, or has no price, is not there."""
    value = _parsed(value)
    settings = value if isinstance(value, Mapping) else {}
    specials = [
        _special(name, each)
        for name, each in _named(settings.get("special"))[:MAX_SPECIALS]
        if _is_on(each)
    ]
    levels = [_level(name, each) for name, each in _named(settings.get("levels"))[:MAX_LEVELS]]
    found = [each for each in (*specials, *levels) if each is not None]
    return found, len(specials) + len(levels) - len(found) + (settings is not value)


def _named(value: Any) -> list[tuple[str, Any]]:
    """From a map, a list, or either as JSON text."""
    value = _parsed(value)
    if isinstance(value, Mapping):
        return [(str(name), each) for name, each in value.items()]
    told = enumerate(value, start=1) if isinstance(value, list) else ()
    return [(f"level{place}", each) for place, each in told]


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _level(name: str, value: Any) -> ExtensionLevel | None:
    if not isinstance(value, Mapping):
        return None
    low, high = _whole(value.get("min")), _whole(value.get("max"))
    if low is None or high is None or low > high:
        return None
    return {
        "name": _text(name),
        "special": "",
        "minimum": low,
        "maximum": high,
        "seconds": _whole(value.get("time"), LONGEST_ITEM_SECONDS) or 0,
        "vibration": _whole(value.get("vLevel"), MAXIMUM_LEVEL),
        "rotation": _whole(value.get("rLevel"), MAXIMUM_LEVEL) or 0,
    }


def _is_on(value: Any) -> bool:
    """What does not say that it is off, and has a price."""
    if not isinstance(value, Mapping):
        return True  # and is counted as unread
    off = (False, 0, "0", "", "false", "False")
    has_price = any(_price(value, name) for name in ("token", "tokens", "tokensBegin"))
    return value.get("enable", True) not in off and has_price


def _price(value: Mapping[str, Any], name: str) -> bool:
    return value.get(name) not in (None, "")


def _special(name: str, value: Any) -> ExtensionLevel | None:
    if not isinstance(value, Mapping):
        return None
    price = value.get("token", value.get("tokens"))
    low = _whole(value.get("tokensBegin", price))
    high = _whole(value.get("tokensEnd", low if price is None else price))
    if low is None or high is None or low > high:
        return None
    kind = _text(value.get("type") or name)
    is_timed = kind not in STILL and kind not in (GIVE_CONTROL, RANDOM_TIME)
    return {
        "name": _text(name),
        "special": kind,
        "minimum": low,
        "maximum": high,
        "seconds": (_whole(value.get("time"), LONGEST_ITEM_SECONDS) or 0) if is_timed else 0,
        "vibration": _strength(kind, value),
        "rotation": 0,
    }


def _strength(kind: str, value: Mapping[str, Any]) -> int | None:
    """A pattern has none of its own."""
    if kind in STILL:
        return 0
    return _whole(value.get("level"), MAXIMUM_LEVEL) if kind == RANDOM_TIME else None


def _whole(value: Any, most: int = MAX_AMOUNT) -> int | None:
    """A number or a text of one, cut to a whole one, and at most so much; None for anything
    else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
        return min(int(value if isinstance(value, int) else number), most) if number >= 0 else None
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    shown = "".join(letter for letter in str(value)[:LONGEST_NAME] if letter.isprintable())
    return shown.strip()
