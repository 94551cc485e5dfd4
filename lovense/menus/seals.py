"""Seals: the secret of each version that leaves something to chance, in a collection of its own, so
that nothing that shows a version can show it by accident.

It is made with the version and in its transaction; whoever decides reads it with the version, once.
To anybody else it is told when it has been revealed, which is one guarded write."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from pymongo.client_session import ClientSession

from ground.mongodb.collections import collection
from lovense.menus import draws
from lovense.models import MenuSeal
from lovense.rows import Item, Json, MenuRow, MenuSealRow
from tips.models import EPOCH

WAIT = timedelta(hours=24)  # after a version has been retired, and after its last tip has ended


class RevealedSeal(NamedTuple):
    """What anybody may know of a version that is over."""

    secret: bytes
    at: datetime


# --- made and retired ----------------------------------------------------------------------------


def leaves_to_chance(items: Iterable[Item]) -> bool:
    return any(map(draws.is_random, items))


def seal(menu: MenuRow, session: ClientSession) -> MenuRow:
    """The version, with the commitment to a secret that is kept here; as it is, where it leaves
    nothing to chance."""
    if not leaves_to_chance(menu["items"]):
        return menu
    secret = draws.fresh_secret()
    row = MenuSealRow(
        _id=menu["_id"],
        performer_id=menu["performer_id"],
        secret=secret.hex(),
        retired_at=None,
        look_at=None,
        revealed_at=None,
    )
    collection(MenuSeal).insert_one(row, session=session)
    return {**menu, "commitment": draws.commitment(secret)}


def retire(key: str, at: datetime, session: ClientSession) -> None:
    """From WAIT after then on it is looked whether the version is over."""
    changes: Json = {"retired_at": at, "look_at": at + WAIT}
    guard = {"_id": key, "retired_at": None}
    collection(MenuSeal).update_one(guard, {"$set": changes}, session=session)


# --- for whoever decides -------------------------------------------------------------------------


def secrets_of(commitments: Mapping[str, str]) -> dict[str, bytes]:
    """By version the secret that its commitment is to; one that is not there, or is another, is
    left out, and nothing is drawn with it."""
    if not commitments:
        return {}
    rows = collection(MenuSeal).find({"_id": {"$in": list(commitments)}}, {"secret": 1})
    found = {row["_id"]: secret_in(row) for row in rows}
    return {
        key: secret for key, secret in found.items() if draws.commitment(secret) == commitments[key]
    }


def secret_in(row: Mapping[str, object]) -> bytes:
    """What is no secret at all is an empty one, which is nobody's."""
    try:
        return bytes.fromhex(str(row["secret"]))
    except ValueError:
        return b""


# --- revealed ------------------------------------------------------------------------------------


def due(*, now: datetime, limit: int) -> list[MenuSealRow]:
    """Those at which it is time to look, the longest waiting first."""
    waiting = {"look_at": {"$gt": EPOCH, "$lte": now}}
    rows = collection(MenuSeal).find(waiting, {"secret": 0}).sort("look_at", 1).limit(limit)
    return cast("list[MenuSealRow]", list(rows))


def look_again(row: MenuSealRow, at: datetime) -> None:
    guard = {"_id": row["_id"], "look_at": row["look_at"]}
    collection(MenuSeal).update_one(guard, {"$set": {"look_at": at}})


def reveal(key: str, now: datetime) -> bool:
    """Whether it was this call that did it: once and for all."""
    guard = {"_id": key, "retired_at": {"$gt": EPOCH}, "revealed_at": None}
    changes: Json = {"revealed_at": now, "look_at": None}
    return bool(collection(MenuSeal).update_one(guard, {"$set": changes}).modified_count)


def revealed(keys: Collection[str]) -> dict[str, RevealedSeal]:
    """Of these versions those whose secret anybody may know; no other is read."""
    told = {"_id": {"$in": list(keys)}, "revealed_at": {"$gt": EPOCH}}
    rows: Sequence[MenuSealRow] = list(collection(MenuSeal).find(told))
    return {
        row["_id"]: RevealedSeal(secret_in(row), at)
        for row in rows
        if (at := row["revealed_at"]) is not None
    }
