"""Issuing: the one place that writes a version of a menu. Its callers decide what is in it, and
give the transaction."""

from typing import Any

from pymongo.client_session import ClientSession

from ground.mongodb.collections import collection
from lovense.menus import seals, seen
from lovense.models import Performer, TipMenu
from lovense.rows import Json, MenuHistoryRow, MenuRow, PerformerRow


def next_version(performer: PerformerRow, session: ClientSession) -> int:
    """After all that there are, also one of a process that died before it counted."""
    hers = {"performer_id": performer["_id"]}
    number = {"_id": 0, "version": 1}  # which the index holds: no version is read, they are large
    newest = collection(TipMenu).find(hers, number, session=session).sort("version", -1).limit(1)
    return 1 + max([performer["menu_version"], *(int(row["version"]) for row in newest)])


def standing(performer_id: str, session: ClientSession | None = None) -> PerformerRow | None:
    """What her row says of her menus."""
    wanted = {"menu_version": 1, "menu_history": 1}
    found: PerformerRow | None = collection(Performer).find_one(
        {"_id": performer_id}, wanted, session=session
    )
    return found


def issue(
    performer: PerformerRow, menu: MenuRow, *, is_withdrawn: bool = False, session: ClientSession
) -> MenuRow:
    """1. The version, sealed where it leaves something to chance; it is returned as it was written.
    2. The one before it is retired; withdrawn too, where it was a mistake. 3. Her row points
    to the version, and keeps since when."""
    menus, now = collection(TipMenu), menu["published_at"]
    menu = seals.seal(menu, session)
    menus.insert_one(menu, session=session)
    history = _history(performer, session)
    if performer["menu_version"]:
        in_force = {"_id": f"{performer['_id']}.{performer['menu_version']}", "retired_at": None}
        ended: Json = {"retired_at": now} | ({"withdrawn_at": now} if is_withdrawn else {})
        of_it = {"commitment": 1}
        before = menus.find_one_and_update(in_force, {"$set": ended}, of_it, session=session)
        if before and before.get("commitment"):
            seals.retire(before["_id"], now, session)
    changes: Json = {
        "menu_version": menu["version"],
        "menu_history": seen.after(history, menu["version"], now, is_withdrawn=is_withdrawn),
        "look_at": now,
    }
    older = {"_id": performer["_id"], "menu_version": {"$lt": menu["version"]}}
    collection(Performer).update_one(older, {"$set": changes}, session=session)
    return menu


def _history(performer: PerformerRow, session: ClientSession) -> list[MenuHistoryRow]:
    """Hers, with the version in force; of a revision that kept none, that one alone."""
    number, known = performer["menu_version"], performer.get("menu_history") or []
    if not number or (known and known[-1]["version"] == number):
        return known
    of_it: Any = {"_id": f"{performer['_id']}.{number}"}
    row = collection(TipMenu).find_one(of_it, {"published_at": 1}, session=session)
    return [MenuHistoryRow(version=number, at=row["published_at"])] if row else []
