"""Whether an item answers now, by what has happened: since when one cools down, and how many are
left.

Before a run of such an item starts, its activation is noted on the item's row: whether it really
began is the activation's to say, whenever it is asked. So no end, refusal or death has to be told
to the item, and a row that nobody got to write after it counts nothing. Nothing is read or written
for menus whose items always answer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.write_concern import WriteConcern

from ground.mongodb.collections import collection
from lovense.deciding import stock
from lovense.deciding.activation import S
from lovense.deciding.stock import Shelf
from lovense.menus import matching
from lovense.menus.matching import COOLING_DOWN, SOLD_OUT, Closed, Item
from lovense.menus.reading import PublishedMenu
from lovense.models import Activation, ItemState
from lovense.rows import ActivationRow, ItemStateRow
from tips.rows import RequestRow

RUNS_NOTED = 3  # the latest of an item: a lane has one at a time
_FAST = WriteConcern(1)  # followed by the majority write of the activation
_OF_A_RUN = ("status", "reason", "dispatched_at", "received_at", "started_at", "delivered_seconds")
_MAY_PLAY = frozenset({S.DISPATCHED, S.ACTIVATED, S.TIMEOUT, S.COMPLETED})


class ItemStanding(NamedTuple):
    """Of one item. `since`: when its last run began; `shelf`: its pieces, where there are only so
    many."""

    since: datetime | None = None
    shelf: Shelf | None = None


Standings = Mapping[str, ItemStanding]
"""Of one performer, by item id."""


class AskedAmount(NamedTuple):
    """An amount that a menu is to answer. `menu_now` says how many pieces there are; `activation`:
    whose it would be."""

    performer_id: str
    menu: PublishedMenu
    amount: int
    show: str
    menu_now: PublishedMenu | None = None
    activation: str = ""


def show_of(request: RequestRow) -> str:
    context = request["payload"].get("context")
    return matching.show_of(context.get("streamType")) if context else matching.PUBLIC


class _ClosedNow(Mapping[str, str]):
    """Worked out for the items that are asked about alone: hundreds may be known."""

    def __init__(self, menu: PublishedMenu, standings: Standings, now: datetime) -> None:
        self._menu, self._standings, self._now = menu, standings, now

    def __getitem__(self, item_id: str) -> str:
        if why := self._why(item_id):
            return why
        raise KeyError(item_id)

    def __contains__(self, item_id: object) -> bool:
        return bool(self._why(item_id))

    def __iter__(self) -> Iterator[str]:
        return filter(self._why, self._standings)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _why(self, item_id: Any) -> str:
        standing, item = self._standings.get(item_id), self._menu.limited.get(item_id)
        if standing is None or item is None:
            return ""
        if is_cooling(item, standing, self._now):
            return COOLING_DOWN
        return SOLD_OUT if standing.shelf is not None and not standing.shelf.left else ""


def closed(menu: PublishedMenu, standings: Standings, now: datetime) -> Closed:
    """Pure. The items that do not answer now."""
    return _ClosedNow(menu, standings, now)


def is_cooling(item: Item, standing: ItemStanding, now: datetime) -> bool:
    until = cooling_until(item, standing)
    return until is not None and now < until


def cooling_until(item: Item, standing: ItemStanding) -> datetime | None:
    seconds = item.get("cooldownSec") or 0
    if standing.since is None or not seconds:
        return None
    return standing.since + timedelta(seconds=seconds)


# --- read ----------------------------------------------------------------------------------------


def read(asked: Iterable[AskedAmount]) -> dict[str, dict[str, ItemStanding]]:
    """By performer, of the items that may answer; of those who ask for none that is limited
    nothing is read."""
    found: dict[str, dict[str, ItemStanding]] = {}
    wanted: dict[str, _WantedStanding] = {}
    for one in asked:
        found.setdefault(one.performer_id, {})
        for item in one.menu.index.holding(one.amount, one.show):
            if item["itemId"] in one.menu.limited:
                pieces = pieces_of(item, one.menu_now)
                wish = _WantedStanding(one.performer_id, item, pieces, one.activation)
                wanted[key_of(one.performer_id, item["itemId"])] = wish
    for key, standing in _read(wanted).items():
        found[wanted[key].performer_id][wanted[key].item["itemId"]] = standing
    return found


def of_items(performer_id: str, items: Iterable[Item]) -> dict[str, ItemStanding]:
    """Of those of these that do not always answer."""
    wanted = {
        key_of(performer_id, item["itemId"]): _WantedStanding(performer_id, item, item.get("stock"))
        for item in items
        if matching.may_be_closed(item)
    }
    return {wanted[key].item["itemId"]: standing for key, standing in _read(wanted).items()}


def of_menus(asked: Mapping[str, Sequence[PublishedMenu]]) -> dict[str, dict[str, ItemStanding]]:
    """By performer, of all items of these versions that do not always answer; the first of them is
    the one of now. Without a command where all of them do."""
    wanted: dict[str, _WantedStanding] = {}
    for performer_id, (now, *others) in asked.items():
        items = {item["itemId"]: item for item in now.items}
        for menu in (*others, now):
            for item_id, item in menu.limited.items():
                stock_of = items.get(item_id, item).get("stock")
                pieces = None if item.get("stock") is None else stock_of
                known = wanted.get(key_of(performer_id, item_id))
                if known is None or known.pieces is None:
                    wish = _WantedStanding(performer_id, item, pieces)
                    wanted[key_of(performer_id, item_id)] = wish
    found: dict[str, dict[str, ItemStanding]] = {performer_id: {} for performer_id in asked}
    for key, standing in _read(wanted).items():
        found[wanted[key].performer_id][wanted[key].item["itemId"]] = standing
    return found


def pieces_of(item: Item, now: PublishedMenu | None) -> int | None:
    """How many there are of an item: as many as the menu of now says, if it has it. None: no
    end."""
    pieces: int | None = item.get("stock")
    if pieces is None or now is None:
        return pieces
    of_now = (each for each in now.items if each["itemId"] == item["itemId"])
    pieces = next(of_now, item).get("stock")
    return pieces


class _WantedStanding(NamedTuple):
    performer_id: str
    item: Item
    pieces: int | None
    activation: str = ""


def _read(wanted: Mapping[str, _WantedStanding]) -> dict[str, ItemStanding]:
    if not wanted:
        return {}
    rows = collection(ItemState).find({"_id": {"$in": list(wanted)}})
    states: dict[str, ItemStateRow] = {row["_id"]: row for row in rows}
    noted = [run for state in states.values() for run in state.get("runs") or ()]
    runs = _runs(noted) if noted else {}
    shelves = stock.shelves(
        {
            key: stock.WantedPieces(one.item, one.pieces, _refill(states.get(key)), one.activation)
            for key, one in wanted.items()
            if one.pieces is not None
        }
    )
    return {key: ItemStanding(_since(states.get(key), runs), shelves.get(key)) for key in wanted}


def _refill(state: ItemStateRow | None) -> int:
    return (state.get("refill") or 1) if state else 1


def _runs(activation_ids: Sequence[str]) -> dict[str, datetime]:
    """When those of them began that did."""
    fields = dict.fromkeys(_OF_A_RUN, 1)
    rows = collection(Activation).find({"_id": {"$in": activation_ids}}, fields)
    return {row["_id"]: at for row in rows if (at := began(row)) is not None}


def _since(state: ItemStateRow | None, runs: Mapping[str, datetime]) -> datetime | None:
    if state is None:
        return None
    starts = [runs[key] for key in state.get("runs") or () if key in runs]
    reset_at = state.get("reset_at")
    return max((at for at in starts if reset_at is None or at > reset_at), default=None)


def began(row: ActivationRow) -> datetime | None:
    """When something of it began to play; None: nothing has, as far as anybody has said. Of what is
    under way, or fell silent, it is taken for begun."""
    may_play = row["started_at"] or row["delivered_seconds"] or S(row["status"]) in _MAY_PLAY
    return (row["started_at"] or row["received_at"] or row["dispatched_at"]) if may_play else None


def key_of(performer_id: str, item_id: str) -> str:
    return f"{performer_id}.{item_id}"


# --- written -------------------------------------------------------------------------------------


def note(rows: Iterable[ActivationRow], session: ClientSession | None = None) -> None:
    """Call it before these runs start, or with what starts them. Noted again, one stands last."""
    runs: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        item = row["item"]
        if item is not None and item.get("cooldownSec") and not row.get("is_rehearsal"):
            runs.setdefault((row["performer_id"], item["itemId"]), []).append(row["_id"])
    updates = [_noting(*key, each[-RUNS_NOTED:]) for key, each in runs.items()]
    if updates:
        concern = None if session else _FAST
        collection(ItemState, concern).bulk_write(updates, ordered=False, session=session)


def _noting(performer_id: str, item_id: str, runs: Sequence[str]) -> UpdateOne:
    others = {
        "$filter": {
            "input": {"$ifNull": ["$runs", []]},
            "cond": {"$not": {"$in": ["$$this", list(runs)]}},
        }
    }
    noted = {"$slice": [{"$concatArrays": [others, list(runs)]}, -RUNS_NOTED]}
    state = {"performer_id": performer_id, "item_id": item_id, "runs": noted}
    return UpdateOne({"_id": key_of(performer_id, item_id)}, [{"$set": state}], upsert=True)
