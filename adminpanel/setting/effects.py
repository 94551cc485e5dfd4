"""What a setting will do before it is saved, in sentences: whom it concerns, counted by an
index and no further than 1000. Reads only."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ground.mongodb.collections import Document, collection
from lovense.deciding.platform import DRAIN, SWITCH, SettingValue
from lovense.lane import controls
from lovense.menus.draws import SECONDS
from lovense.models import PageLease, Performer, PlatformSettings, TipMenu
from tips.models import Mode

COUNTED = 1_000  # more than these are "more than"
MODES = {
    Mode.FIFO: "in the order in which tips were settled",
    Mode.PRIORITY: "by priority",
    Mode.BATCH: "with the same item by the same tipper joined",
}


class Wanted(NamedTuple):
    """A setting's value now, and the one it is to have."""

    now: Any
    then: Any
    row: PlatformSettings
    at: datetime


def of(field: str, then: SettingValue, row: PlatformSettings, *, at: datetime) -> list[str]:
    """`row`: the settings now."""
    wanted = Wanted(getattr(row, field), then, row, at)
    if wanted.now == then and type(wanted.now) is type(then):
        return ["It is so already: nothing changes."]
    return _SAYS[field](wanted)


# --- what each does ------------------------------------------------------------------------------


def _switch(wanted: Wanted) -> list[str]:
    on_air = _on_air(wanted.at)
    if wanted.then:
        return [f"{on_air} on air can be tipped again, and what is settled from now on plays."]
    runs = _runs()
    return [
        f"{runs} {'ends' if runs == '1 run' else 'end'} now.",
        f"{on_air} on air: their tips settle, and do nothing until activations are on again.",
    ]


def _drain(wanted: Wanted) -> list[str]:
    if not wanted.then:
        return ["What waits starts at once, in its order."]
    runs = _runs()
    plays = "plays to its end" if runs == "1 run" else "play to their end"
    return [f"{runs} {plays}; nothing new starts.", "No tip is lost: all of them wait."]


def _longest(wanted: Wanted) -> list[str]:
    if wanted.then > wanted.now:
        return [f"Runs of more than {wanted.now} s are played up to {wanted.then} s."]
    return [_longer_items(wanted.then), "What plays now keeps its length."]


def _longer_items(seconds: int) -> str:
    """Of the menus in force: their keys by an index, and each by its key."""
    published: Document = {"menu_version": {"$gt": 0}}
    found = collection(Performer).find(published, {"menu_version": 1}).hint("performer_menu")
    rows = list(found.limit(COUNTED + 1))
    keys = [f"{row['_id']}.{row['menu_version']}" for row in rows[:COUNTED]]
    longer: Document = {"_id": {"$in": keys}, f"items.{SECONDS}": {"$gt": seconds}}
    number = collection(TipMenu).count_documents(longer, hint="_id_")
    whom, have = _performers(number), "has" if number == 1 else "have"
    among = f" of the first {COUNTED} that were looked at" if len(rows) > COUNTED else ""
    return f"{whom}{among} {have} items longer than {seconds} s: they are cut."


def _minimum(wanted: Wanted) -> list[str]:
    if wanted.then < wanted.now:
        number = _count({"minimum_tip": {"$lt": wanted.now, "$gte": wanted.then}}, _MINIMUM)
        return [
            f"Tips from {wanted.then} tokens up do something where no higher minimum is set.",
            f"{_performers(number)} chose a lower minimum, which holds again.",
        ]
    number = _count({"minimum_tip": {"$gte": 1, "$lt": wanted.then}}, _MINIMUM)
    chose = "has chosen" if number == 1 else "have chosen"
    return [
        f"Tips below {wanted.then} tokens do nothing, whatever a menu says.",
        f"{_performers(number)} {chose} a lower minimum: this one binds instead.",
    ]


def _rate(wanted: Wanted) -> list[str]:
    on_air = _on_air(wanted.at)
    if not wanted.then:
        return [f"{on_air} on air start runs without a limit."]
    return [f"{on_air} on air start at most {wanted.then} runs a minute; the others wait."]


def _mode(wanted: Wanted) -> list[str]:
    number = _count({"queue_mode": None}, "performer_mode")
    plays = "has" if number == 1 else "have"
    how = MODES[Mode(wanted.then)]
    return [f"{_performers(number)} {plays} chosen no mode: what waits for them plays {how}."]


def _menu(wanted: Wanted) -> list[str]:
    number, what = _unpublished(), "nothing plays for them any more"
    what = what if wanted.then else "their tips get the default reaction"
    return [f"{_performers(number)} never published a menu: {what}."]


def _reaction(wanted: Wanted) -> list[str]:
    if wanted.row.require_tip_menu:
        return ["Nobody now: a menu is required."]
    who = _performers(_unpublished())
    return [f"{who} never published a menu: this answers their tips, within their caps."]


def _connect(wanted: Wanted) -> list[str]:
    number = _count({"auto_connect": None}, "performer_connect")
    how = "by themselves" if wanted.then else "only after a press"
    return [f"{_performers(number)} did not choose: their pages take the devices {how}."]


def _site(wanted: Wanted) -> list[str]:
    number = _count({"bridge": "EXTENSION"}, "performer_bridge")
    told = "their pages are told this name" if wanted.then else "their devices are not found"
    return [f"{_performers(number)} chose the extension: {told} when they are opened again."]


_MINIMUM = "performer_minimum"
_SAYS: Mapping[str, Callable[[Wanted], list[str]]] = {
    SWITCH: _switch,
    DRAIN: _drain,
    "maximum_seconds": _longest,
    "minimum_tip": _minimum,
    "rate_limit_per_minute": _rate,
    "queue_mode": _mode,
    "require_tip_menu": _menu,
    "default_intensity": _reaction,
    "default_seconds": _reaction,
    "auto_connect": _connect,
    "cam_site_name": _site,
}


# --- counted -------------------------------------------------------------------------------------


def _count(where: Document, index: str) -> int:
    return collection(Performer).count_documents(where, hint=index, limit=COUNTED + 1)


def _unpublished() -> int:
    return _count({"menu_version": 0}, "performer_menu")


def _on_air(now: datetime) -> str:
    held = {"expires_at": {"$gt": now}}
    return _performers(collection(PageLease).count_documents(held, limit=COUNTED + 1))


def _runs() -> str:
    number = controls.under_way()
    return f"{number} run{'' if number == 1 else 's'}"


def _performers(number: int) -> str:
    if number > COUNTED:
        return f"More than {COUNTED} performers"
    return f"{number} performer{'' if number == 1 else 's'}"
