"""What she does to an item that does not answer now: it answers again at once. Each is one
transaction with its entry in the audit log."""

from collections.abc import Sequence
from datetime import datetime

from pymongo.client_session import ClientSession

from ground.audit import log as audit_log
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from lovense.deciding import standings
from lovense.menus import drafts
from lovense.menus.drafts import NoSuchItem
from lovense.menus.matching import Item
from lovense.models import ItemState


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
    cooling = _cooling(performer_id, items_of(performer_id, item_id), now)
    if cooling:
        transactions.run(lambda session: _reset(performer_id, cooling, by, now, session))
    return cooling


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
    audit_log.record(
        kind="menu",
        action="reset_cooldown",
        by=by,
        target=item_ids[0] if len(item_ids) == 1 else performer_id,
        lane=performer_id,
        now=now,
        before={"coolingDown": list(item_ids)},
        after={"coolingDown": []},
        session=session,
    )
