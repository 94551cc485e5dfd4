"""Whether an item answers now, by what has happened: since when one cools down.

Before a run of such an item starts, its activation is noted on the item's row: whether it really
began is the activation's to say, whenever it is asked. So no end, refusal or death has to be told
to the item, and a row that nobody got to write after it counts nothing. Nothing is read or written
for menus whose items always answer."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pymongo import UpdateOne
from pymongo.write_concern import WriteConcern

from ground.mongodb.collections import collection
from lovense.deciding.activation import S
from lovense.menus import matching, reading
from lovense.menus.matching import COOLING_DOWN, Closed, Item
from lovense.menus.reading import PublishedMenu
from lovense.models import Activation, ItemState
from lovense.rows import ActivationRow, ItemStateRow
from tips.rows import RequestRow

RUNS_NOTED = 3  # the latest of an item: a lane has one at a time
_FAST = WriteConcern(1)  # followed by the majority write of the activation
_OF_A_RUN = ("status", "reason", "dispatched_at", "received_at", "started_at", "delivered_seconds")
_MAY_PLAY = frozenset({S.DISPATCHED, S.ACTIVATED, S.TIMEOUT, S.COMPLETED})


class Standing(NamedTuple):
    """Of one item. `since`: when its last run began."""

    since: datetime | None = None


Standings = Mapping[str, Standing]
"""Of one performer, by item id; an item that is not there has never run."""


class Asked(NamedTuple):
    """An amount that a menu is to answer."""

    performer_id: str
    menu: PublishedMenu
    amount: int
    show: str


def show_of(request: RequestRow) -> str:
    return matching.show_of((request["payload"].get("context") or {}).get("streamType"))


def closed(menu: PublishedMenu, standings: Standings, now: datetime) -> Closed:
    """Pure. The items that do not answer now."""
    found = {}
    for item_id, standing in standings.items():
        item = menu.limited.get(item_id)
        if item is not None and is_cooling(item, standing, now):
            found[item_id] = COOLING_DOWN
    return found


def is_cooling(item: Item, standing: Standing, now: datetime) -> bool:
    until = cooling_until(item, standing)
    return until is not None and now < until


def cooling_until(item: Item, standing: Standing) -> datetime | None:
    seconds = item.get("cooldownSec") or 0
    if standing.since is None or not seconds:
        return None
    return standing.since + timedelta(seconds=seconds)


# --- read ----------------------------------------------------------------------------------------


def read(asked: Iterable[Asked]) -> dict[str, dict[str, Standing]]:
    """By performer, of the items that may answer; of those who ask for none that is limited
    nothing is read."""
    found: dict[str, dict[str, Standing]] = {}
    keys = set[str]()
    for performer_id, menu, amount, show in asked:
        found.setdefault(performer_id, {})
        for item in menu.index.holding(amount, show) if menu.limited else ():
            if item["itemId"] in menu.limited:
                keys.add(key_of(performer_id, item["itemId"]))
    for row in _rows(keys):
        found[row["performer_id"]][row["item_id"]] = row["standing"]
    return found


def of_items(performer_id: str, items: Iterable[Item]) -> dict[str, Standing]:
    """Of those of these that do not always answer."""
    ids = [item["itemId"] for item in items if reading.may_be_closed(item)]
    rows = _rows(key_of(performer_id, item_id) for item_id in ids)
    return {row["item_id"]: row["standing"] for row in rows}


def _rows(keys: Iterable[str]) -> list[Any]:
    wanted = list(keys)
    states: list[Any] = list(collection(ItemState).find({"_id": {"$in": wanted}})) if wanted else []
    noted = [run for state in states for run in state.get("runs") or ()]
    runs = _runs(noted) if noted else {}
    for state in states:
        began = [runs[key] for key in state.get("runs") or () if key in runs]
        state["standing"] = Standing(_since(state, began))
    return states


def _runs(activation_ids: Sequence[str]) -> dict[str, datetime]:
    """When those of them began that did."""
    fields = dict.fromkeys(_OF_A_RUN, 1)
    rows = collection(Activation).find({"_id": {"$in": activation_ids}}, fields)
    return {row["_id"]: at for row in rows if (at := began(row)) is not None}


def _since(state: ItemStateRow, starts: Sequence[datetime]) -> datetime | None:
    reset_at = state.get("reset_at")
    counted = [at for at in starts if reset_at is None or at > reset_at]
    return max(counted, default=None)


def began(row: ActivationRow) -> datetime | None:
    """When something of it began to play; None: nothing has, as far as anybody has said. Of what is
    under way, or fell silent, it is taken for begun."""
    may_play = row["started_at"] or row["delivered_seconds"] or S(row["status"]) in _MAY_PLAY
    return (row["started_at"] or row["received_at"] or row["dispatched_at"]) if may_play else None


def key_of(performer_id: str, item_id: str) -> str:
    return f"{performer_id}.{item_id}"


# --- written -------------------------------------------------------------------------------------


def note(rows: Iterable[ActivationRow]) -> None:
    """Call it before these runs start. Noted again, one stands last."""
    updates = [
        _noting(row, row["item"])
        for row in rows
        if row["item"] is not None and row["item"].get("cooldownSec")
    ]
    if updates:
        collection(ItemState, _FAST).bulk_write(updates, ordered=False)


def _noting(row: ActivationRow, item: Item) -> UpdateOne:
    others = {
        "$filter": {
            "input": {"$ifNull": ["$runs", []]},
            "cond": {"$ne": ["$$this", row["_id"]]},
        }
    }
    runs = {"$slice": [{"$concatArrays": [others, [row["_id"]]]}, -RUNS_NOTED]}
    state = {"performer_id": row["performer_id"], "item_id": item["itemId"], "runs": runs}
    key = {"_id": key_of(row["performer_id"], item["itemId"])}
    return UpdateOne(key, [{"$set": state}], upsert=True)
