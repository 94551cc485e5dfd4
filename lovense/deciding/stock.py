"""Stock: of some items there are only so many. A piece is a row, and that it is taken once is its
key and the unique index on the activation that took it.

A piece is taken before the command leaves. What became of it follows from its activation, whenever
it is asked: it is given back where it is known that nothing played, and kept where that is not
known, until she gives it back. So no end has to be told to a piece."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError
from pymongo.write_concern import WriteConcern

from ground.mongodb.collections import collection
from lovense.deciding.activation import LIVE, STOPPED, S
from lovense.menus.matching import Item
from lovense.models import Activation, StockPiece
from lovense.rows import ActivationRow, StockPieceRow
from tips.rows import Statement

TAKEN, PLAYED, UNKNOWN, FREE = "taken", "played", "unknown", "free"  # states of a piece
UNDER_WAY, NOTHING = "under_way", "nothing"  # what became of one, beside PLAYED and UNKNOWN
TRIES = 50  # pieces that others took since we looked
_FAST = WriteConcern(1)  # followed by the majority write of the activation
_OF_A_RUN = (
    *("status", "reason", "dispatched_at", "started_at", "delivered_seconds"),
    "item.itemId",
)


class Shelf(NamedTuple):
    """The pieces of an item since its last refill. `newest`: the highest number that was taken;
    `free`: how many were given back; `unknown`: how many are kept since nobody knows whether they
    played; `ended`: by activation what became of the pieces of those that are over, where that is
    not written yet; `own`: whether who asks has one already."""

    key: str
    refill: int
    pieces: int
    newest: int = 0
    free: int = 0
    unknown: int = 0
    ended: Mapping[str, str] = {}
    own: bool = False

    @property
    def left(self) -> int:
        returned = sum(1 for became in self.ended.values() if became == NOTHING)
        return max(0, self.pieces - self.newest + self.free + returned + self.own)

    @property
    def has_new(self) -> bool:
        """A piece that nobody ever had."""
        return self.newest < self.pieces

    def settled(self) -> "Shelf":
        """As it is once what has ended is written."""
        returned = sum(1 for became in self.ended.values() if became == NOTHING)
        return self._replace(free=self.free + returned, ended={})

    def without_next(self) -> "Shelf":
        return self._replace(newest=self.newest + 1)


class WantedPieces(NamedTuple):
    """Of which item how many there are, since which refill; `activation` is who asks."""

    item: Item
    pieces: int
    refill: int = 1
    activation: str = ""


# --- what became of one --------------------------------------------------------------------------


def became(row: ActivationRow | None, item_id: str) -> str:
    """Pure. Of the piece that this activation took for this item. Without a row it is being
    decided."""
    if row is None:
        return UNDER_WAY
    if row["item"] is None or row["item"]["itemId"] != item_id:
        return NOTHING  # it was decided otherwise
    status = S(row["status"])
    if status in LIVE:
        return UNDER_WAY
    if status is S.COMPLETED or row["started_at"] or row["delivered_seconds"]:
        return PLAYED
    return NOTHING if _is_known(row, status) else UNKNOWN


def _is_known(row: ActivationRow, status: S) -> bool:
    """Of one that has ended and not begun: that nothing played."""
    if row["dispatched_at"] is None or status in (S.SKIPPED, S.EXPIRED):
        return True
    if status is S.DEAD:
        return row["reason"] != "not_received"
    if row["delivered_seconds"] == 0:
        return True
    return status is S.FAILED and row["reason"] != STOPPED


# --- read ----------------------------------------------------------------------------------------


def shelves(wanted: Mapping[str, WantedPieces]) -> dict[str, Shelf]:
    """By item."""
    if not wanted:
        return {}
    keys = list(wanted)
    not_played = {"item": {"$in": keys}, "state": {"$in": [TAKEN, UNKNOWN, FREE]}}
    pieces = list(collection(StockPiece).find(not_played))
    runs = _runs([piece["activation"] for piece in pieces if piece["state"] == TAKEN])
    newest = _newest(wanted)
    return {
        key: _shelf(key, each, newest.get(key, 0), _hers(pieces, key, each), runs)
        for key, each in wanted.items()
    }


def _hers(pieces: Iterable[StockPieceRow], key: str, wanted: WantedPieces) -> list[StockPieceRow]:
    mine = key, wanted.refill
    return [piece for piece in pieces if (piece["item"], piece["refill"]) == mine]


def _newest(wanted: Mapping[str, WantedPieces]) -> dict[str, int]:
    """Read from the index alone."""
    refills = [{"item": key, "refill": each.refill} for key, each in wanted.items()]
    highest = {"_id": "$item", "number": {"$max": "$number"}}
    rows = collection(StockPiece).aggregate([{"$match": {"$or": refills}}, {"$group": highest}])
    return {row["_id"]: row["number"] for row in rows}


def _shelf(
    key: str,
    wanted: WantedPieces,
    newest: int,
    pieces: Sequence[StockPieceRow],
    runs: Mapping[str, ActivationRow],
) -> Shelf:
    fates = {
        piece["activation"]: became(runs.get(piece["activation"]), wanted.item["itemId"])
        for piece in pieces
        if piece["state"] == TAKEN
    }
    unknown = sum(1 for fate in fates.values() if fate == UNKNOWN)
    return Shelf(
        key,
        wanted.refill,
        wanted.pieces,
        newest,
        free=sum(1 for piece in pieces if piece["state"] == FREE),
        unknown=unknown + sum(1 for piece in pieces if piece["state"] == UNKNOWN),
        ended={activation: fate for activation, fate in fates.items() if fate != UNDER_WAY},
        own=fates.get(wanted.activation) == UNDER_WAY,
    )


def _runs(activation_ids: Sequence[str]) -> dict[str, ActivationRow]:
    if not activation_ids:
        return {}
    fields = dict.fromkeys(_OF_A_RUN, 1)
    rows: Iterable[Any] = collection(Activation).find(
        {"_id": {"$in": list(activation_ids)}}, fields
    )
    return {row["_id"]: row | {"item": row.get("item")} for row in rows}


# --- taken ---------------------------------------------------------------------------------------


def next_piece(shelf: Shelf, activation: str, *, performer_id: str, now: datetime) -> StockPieceRow:
    """Pure. The first that nobody ever had, as this activation takes it."""
    number = shelf.newest + 1
    return {
        "_id": f"{shelf.key}.{shelf.refill}.{number}",
        "performer_id": performer_id,
        "item": shelf.key,
        "refill": shelf.refill,
        "number": number,
        "state": TAKEN,
        "activation": activation,
        "taken_at": now,
    }


def take(shelf: Shelf, activation: str, *, performer_id: str, now: datetime) -> bool:
    """Whether a piece is this activation's, now or already. False: none is left.

    1. What has ended is written. 2. One that was given back. 3. A new one. 4. Its own."""
    settle(shelf.ended)
    try:
        return (
            _take_free(shelf, activation, now)
            or _take_new(shelf, activation, performer_id, now)
            or _keep_own(shelf, activation)
        )
    except DuplicateKeyError:  # it has one: of this item, or of what it was to be before
        if _keep_own(shelf, activation):
            return True
        _free({"activation": activation})
        return take(shelf._replace(ended={}), activation, performer_id=performer_id, now=now)


def _take_free(shelf: Shelf, activation: str, now: datetime) -> bool:
    if not shelf.free and NOTHING not in shelf.ended.values():
        return False
    within = {"number": {"$lte": shelf.pieces}, "state": FREE}
    changes = {"state": TAKEN, "activation": activation, "taken_at": now}
    found = collection(StockPiece).find_one_and_update(
        {"item": shelf.key, "refill": shelf.refill} | within,
        {"$set": changes},
        sort=[("number", 1)],
    )
    return found is not None


def _take_new(shelf: Shelf, activation: str, performer_id: str, now: datetime) -> bool:
    last = min(shelf.pieces, shelf.newest + TRIES)
    for number in range(shelf.newest + 1, last + 1):
        before = shelf._replace(newest=number - 1)
        piece = next_piece(before, activation, performer_id=performer_id, now=now)
        try:
            collection(StockPiece, _FAST).insert_one(piece)
        except DuplicateKeyError as taken:
            if "activation" in (taken.details or {}).get("keyPattern", {}):
                raise
            continue
        return True
    return False


def _keep_own(shelf: Shelf, activation: str) -> bool:
    own = {"activation": activation, "item": shelf.key}
    changes = {"$set": {"state": TAKEN}}
    return bool(collection(StockPiece).update_one(own, changes).matched_count)


def settle(ended: Mapping[str, str]) -> None:
    """Writes by activation what became of its piece; may be done again for ever."""
    updates = [_settling(activation, fate) for activation, fate in ended.items()]
    if updates:
        collection(StockPiece).bulk_write(updates, ordered=False)


def _settling(activation: str, fate: str) -> UpdateOne:
    """It may be another's by now: guarded by whose it was."""
    changes = {"state": FREE, "activation": ""} if fate == NOTHING else {"state": fate}
    return UpdateOne({"activation": activation, "state": TAKEN}, {"$set": changes})


def played(activation_ids: Sequence[str], session: ClientSession | None) -> None:
    """The pieces of these, whose runs have ended as they should."""
    taken = {"activation": {"$in": list(activation_ids)}, "state": TAKEN}
    collection(StockPiece).update_many(taken, {"$set": {"state": PLAYED}}, session=session)


def _free(which: Statement, **more: Any) -> int:
    """Gives them back; how many."""
    changes = {"$set": {"state": FREE, "activation": ""}}
    return int(collection(StockPiece).update_many(which, changes, **more).modified_count)


# --- by hand -------------------------------------------------------------------------------------


def give_back(shelf: Shelf, session: ClientSession) -> int:
    """Those of which nobody knows whether they played; how many."""
    return _free({"item": shelf.key, "refill": shelf.refill, "state": UNKNOWN}, session=session)
