"""What she does to an item that does not answer now: its cooldown ends, it is filled up, or pieces
of which nobody knows what became are given back. Each is one transaction with its entry in the
audit log, and takes a turn of her lane."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from pymongo.client_session import ClientSession

from ground.audit import log as audit_log
from ground.journal import journal
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.deciding import standings, stock
from lovense.deciding.stock import Shelf
from lovense.menus import drafts
from lovense.menus.drafts import NoSuchItem
from lovense.menus.matching import Item
from lovense.models import ItemState
from lovense.rows import Json

T = TypeVar("T")


class Who(NamedTuple):
    performer_id: str
    by: str
    now: datetime


def items_of(performer_id: str, item_id: str = "") -> list[Item]:
    """Of her draft, and of the menu in force; where both have it, as it is in force. One of them by
    its id. Raises NoSuchItem."""
    menu = drafts.in_force(performer_id)
    found = {item["itemId"]: item for item in drafts.of(performer_id).items}
    found |= {item["itemId"]: item for item in (menu["items"] if menu else ())}
    if item_id and item_id not in found:
        raise NoSuchItem
    return [found[item_id]] if item_id else list(found.values())


def cooldowns(performer_id: str, item_id: str = "", *, by: str, now: datetime) -> list[str]:
    """Of one item, or of all: the ids of those that cooled down, and do not any more. Raises
    NoSuchItem."""
    items = items_of(performer_id, item_id)

    def body(session: ClientSession) -> list[str]:
        cooling = _cooling(performer_id, items, now)
        if cooling:
            _reset(performer_id, cooling, by, now, session)
        return cooling

    return _in_turn(body, performer_id, now)


def _in_turn(body: Callable[[ClientSession], T], performer_id: str, now: datetime) -> T:
    """Of her lane: all that it has taken in memory is in the rows, and it is read again after."""
    return journal.run(body, touched=journal.of_lane(performer_id), now=now)


def _cooling(performer_id: str, items: Sequence[Item], now: datetime) -> list[str]:
    known = standings.of_items(performer_id, items)
    return [
        item["itemId"]
        for item in items
        if item["itemId"] in known and standings.is_cooling(item, known[item["itemId"]], now)
    ]


def _reset(
    performer_id: str, item_ids: Sequence[str], by: str, now: datetime, session: ClientSession
) -> None:
    keys = [standings.key_of(performer_id, item_id) for item_id in item_ids]
    hers = {"_id": {"$in": keys}}
    collection(ItemState).update_many(hers, {"$set": {"reset_at": now}}, session=session)
    target = item_ids[0] if len(item_ids) == 1 else performer_id
    told: Json = {"before": {"coolingDown": list(item_ids)}, "after": {"coolingDown": []}}
    _audited("reset_cooldown", target, Who(performer_id, by, now), told, session)


def _audited(action: str, target: str, who: Who, told: Json, session: ClientSession) -> None:
    audit_log.record(
        kind="menu",
        action=action,
        by=who.by,
        target=target,
        lane=who.performer_id,
        now=who.now,
        session=session,
        **told,
    )


# --- stock ---------------------------------------------------------------------------------------


class NoStock(Refusal):
    """Of an item that is filled up there are only so many."""

    code, status = "no_stock", 409
    words = "There is no end of this item: it has no stock to fill up."


def shelf_of(performer_id: str, item_id: str) -> Shelf:
    """Its pieces, as the menu in force says, else her draft. Raises NoSuchItem, NoStock."""
    standing = standings.of_items(performer_id, items_of(performer_id, item_id)).get(item_id)
    if standing is None or standing.shelf is None:
        raise NoStock
    return standing.shelf


def restock(performer_id: str, item_id: str, *, by: str, now: datetime) -> Shelf:
    """As many are there again as the item has. Raises NoSuchItem, NoStock."""

    def body(session: ClientSession) -> None:
        shelf = shelf_of(performer_id, item_id)
        refilled = {"$add": [{"$ifNull": ["$refill", 1]}, 1]}
        state = {"performer_id": performer_id, "item_id": item_id, "refill": refilled}
        key = {"_id": shelf.key}
        collection(ItemState).update_one(key, [{"$set": state}], upsert=True, session=session)
        told: Json = {"before": {"left": shelf.left}, "after": {"left": shelf.pieces}}
        _audited("restock", item_id, Who(performer_id, by, now), told, session)

    _in_turn(body, performer_id, now)
    return shelf_of(performer_id, item_id)


def give_back(performer_id: str, item_id: str, *, by: str, now: datetime) -> Shelf:
    """The pieces of which nobody knows whether they played. Raises NoSuchItem, NoStock."""
    shelf = shelf_of(performer_id, item_id)
    stock.settle(shelf.ended)

    def body(session: ClientSession) -> None:
        if given := stock.give_back(shelf, session):
            told: Json = {"before": {"unknown": given}, "after": {"unknown": 0}}
            _audited("give_back", item_id, Who(performer_id, by, now), told, session)

    _in_turn(body, performer_id, now)
    return shelf_of(performer_id, item_id)
