"""Items that do not always answer, of lanes that live in memory: what the rows say of them is read
once with the lane, and every start of the lane is folded into it, in the lane's order.

What a start takes becomes durable with its entry, and a row when that is unfolded. Whoever changes
any of it from the rows (a refill, a reset, a run that is started from its rows) takes a turn of the
journal: an entry that was worked out without knowing of it is refused, and the lane is read
again."""

from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from lovense.deciding import standings, stock
from lovense.deciding.rules import MenuNotRead, Rules
from lovense.deciding.standings import ItemStanding
from lovense.menus.matching import Item, may_be_closed
from lovense.menus.reading import PublishedMenu
from lovense.rows import ActivationRow, PerformerRow, StockPieceRow
from lovense.sending.acknowledgement import Ack
from tips.rows import RequestRow


class KnownItems(NamedTuple):
    """Of one lane. `menus`: the keys of the versions of which every item is known."""

    menus: frozenset[str] = frozenset()
    standings: Mapping[str, ItemStanding] = {}


class ItemTaken(NamedTuple):
    """What a start takes; no piece: there is no end of them."""

    item: Item | None = None
    piece: StockPieceRow | None = None


ALL_ANSWER = KnownItems()  # of a menu whose items always do
NOTHING = ItemTaken()


def read(waiting: Mapping[str, Sequence[RequestRow]], rules: Rules) -> dict[str, KnownItems]:
    """By lane, for the menu of now and those that the viewers of what waits saw. What became of
    pieces is written down, so that it need not be asked again."""
    menus = {lane: found for lane, rows in waiting.items() if (found := _menus(lane, rows, rules))}
    known = standings.of_menus(menus)
    for each in known.values():
        for standing in each.values():
            if standing.shelf is not None and standing.shelf.ended:
                stock.settle(standing.shelf.ended)
    return {
        lane: KnownItems(
            frozenset(menu.key for menu in menus[lane]),
            {item_id: _settled(standing) for item_id, standing in each.items()},
        )
        for lane, each in known.items()
    }


def _menus(lane: str, rows: Sequence[RequestRow], rules: Rules) -> list[PublishedMenu]:
    """The one of now first; none where nobody of these has an item that does not always answer."""
    performer = rules.performers.get(lane)
    now = rules.menu_of(performer)
    if performer is None or now is None:
        return []
    seen = {rules.seen_by(row, performer).number for row in rows} - {now.version}
    found = [now, *(menu for n in sorted(seen) if (menu := _read(n, performer, rules)))]
    return found if any(menu.limited for menu in found) else []


def _read(version: int, performer: PerformerRow, rules: Rules) -> PublishedMenu | None:
    """One that is not there answers nothing: whoever saw it is decided from the rows."""
    with suppress(MenuNotRead):
        return rules.menu_of(performer, version)
    return None


def _settled(standing: ItemStanding) -> ItemStanding:
    shelf = standing.shelf
    return standing._replace(shelf=shelf.settled()) if shelf else standing


def taken(
    row: ActivationRow, known: MutableMapping[str, ItemStanding], *, now: datetime
) -> ItemTaken | None:
    """Folds a start into what is known. None: there are only pieces that were given back, and one
    of those is taken from the rows."""
    item = row["item"]
    standing = known.get(item["itemId"]) if item else None
    if item is None or standing is None or row.get("is_rehearsal"):
        return NOTHING
    piece, shelf = None, standing.shelf
    if shelf is not None and item.get("stock") is not None:
        if not shelf.has_new:
            return None
        piece = stock.next_piece(shelf, row["_id"], performer_id=row["performer_id"], now=now)
        standing = standing._replace(shelf=shelf.without_next())
    if item.get("cooldownSec"):
        standing = standing._replace(since=now)
    known[item["itemId"]] = standing
    return ItemTaken(item, piece)


def playing(row: ActivationRow) -> Item | None:
    """The item of a run that was started before the lane was read."""
    item = row["item"]
    return item if item is not None and may_be_closed(item) else None


def ended(item: Item, known: MutableMapping[str, ItemStanding], ack: Ack) -> None:
    """Folds the plain end of its run: nobody has said here when it began to play, but no later than
    this. What was reset meanwhile has no begin."""
    standing = known.get(item["itemId"])
    if standing is not None and standing.since is not None:
        latest = ack.at - timedelta(seconds=ack.delivered_seconds or 0)
        known[item["itemId"]] = standing._replace(since=max(standing.since, latest))
