"""Revealing: when the secret of a version's draws is told, and whether each draw was as it had to
be.

A version is over when it has been retired, nothing waits that may still be decided by it, none of
its draws is under way, and WAIT has passed since the last of these. What is told never changes, so
a round may be done again for ever; whoever is first writes it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from django.conf import settings

from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.deciding.activation import LIVE, TARGET
from lovense.menus import chance, content, draws, seals
from lovense.menus.draws import RANDOM, Draw
from lovense.menus.seals import WAIT
from lovense.models import Activation, MenuSeal, TipMenu
from lovense.rows import ActivationRow, Item, Json, MenuRow, MenuSealRow
from tips.queue import counts

LOOK_AGAIN = timedelta(minutes=10)  # where something may still be drawn
READ_AT_ONCE = 500
IN_FORCE, ITS_DAY, ITS_TIPS = "retired", "day", "tips"
WAITS_FOR = {
    IN_FORCE: "It is in force: it has to be retired first.",
    ITS_DAY: "24 hours have to pass since it was retired.",
    ITS_TIPS: "Its last tip has to have ended, and 24 hours have to pass since then.",
}
_NEEDED = {"item": 1, "drawn_by": 1}


class NoSuchDraws(Refusal):
    """A version that leaves something to chance has draws."""

    code, status, words = "not_found", 404, "There is no such version that draws anything."


class CheckedDraw(NamedTuple):
    """What a tip got, and what it had to get. `random`: what the version leaves to chance; None: it
    has no such item. `tip`: the tip's id, or the key of what was submitted in its place."""

    tip: str
    item_id: str
    title: str
    random: Json | None
    kept: Json
    expected: Json

    @property
    def is_right(self) -> bool:
        return self.random is not None and self.kept == self.expected


class DrawnVersion(NamedTuple):
    """What anybody may know of it; `secret` None: not yet."""

    menu: MenuRow
    secret: bytes | None
    revealed_at: datetime | None

    @property
    def is_kept(self) -> bool:
        """The secret is the one of the commitment."""
        return self.secret is not None and is_secret_of(self.menu, self.secret)

    def waits_for(self, now: datetime) -> str:
        """A key of WAITS_FOR; empty: nothing, it is revealed."""
        retired_at = self.menu.get("retired_at")
        if self.secret is not None:
            return ""
        if retired_at is None:
            return IN_FORCE
        return ITS_DAY if now < retired_at + WAIT else ITS_TIPS


# --- the round -----------------------------------------------------------------------------------


def drain(*, now: datetime, limit: int) -> int:
    """At how many versions it has looked. Of each: 1. whether it is over; 2. told, or the time of
    the next look."""
    found = seals.due(now=now, limit=limit)
    for row in found:
        again = _not_before(row, now)
        if again is None:
            seals.reveal(row["_id"], now)
        else:
            seals.look_again(row, again)
    return len(found)


def _not_before(row: MenuSealRow, now: datetime) -> datetime | None:
    """When to look again; None: it is over. A tip that was made in its time is decided by it if it
    was settled within TIP_FRESH_SECONDS, and however long it waits then."""
    retired_at, key = row["retired_at"], row["_id"]
    assert retired_at is not None
    settled = retired_at + timedelta(seconds=settings.TIP_FRESH_SECONDS)
    if now < settled:
        return settled
    if counts.has_older(row["performer_id"], settled) or _is_under_way(key):
        return now + LOOK_AGAIN
    ended = _last_end(key)
    return ended + WAIT if ended is not None and now < ended + WAIT else None


def _is_under_way(key: str) -> bool:
    live = {"drawn_by": key, "finished_at": None, "status": {"$in": [each.value for each in LIVE]}}
    return collection(Activation).find_one(live, {"_id": 1}) is not None


def _last_end(key: str) -> datetime | None:
    found = collection(Activation).find({"drawn_by": key}, {"finished_at": 1})
    last = next(iter(found.sort("finished_at", -1).limit(1)), None)
    return cast("datetime | None", last and last.get("finished_at"))


# --- checked -------------------------------------------------------------------------------------


def of(key: str) -> DrawnVersion:
    """As anybody may know it. Raises NoSuchDraws."""
    told = seals.revealed([key]).get(key)
    return DrawnVersion(_menu(key), told and told.secret, told and told.at)


def sealed(key: str) -> DrawnVersion:
    """With its secret, also before it is revealed: for whoever may read the database anyway. Raises
    NoSuchDraws."""
    menu = _menu(key)
    row: Any = collection(MenuSeal).find_one({"_id": key})
    return DrawnVersion(menu, seals.secret_in(row or {"secret": ""}), None)


def _menu(key: str) -> MenuRow:
    row: Any = collection(TipMenu).find_one({"_id": key, "commitment": {"$gt": ""}})
    if row is None:
        raise NoSuchDraws
    return cast("MenuRow", row)


def is_secret_of(menu: MenuRow, secret: bytes) -> bool:
    return draws.commitment(secret) == menu["commitment"]


def checked(version: DrawnVersion, *, after: str = "", limit: int) -> list[CheckedDraw]:
    """The next draws behind that of the tip `after`, by the tips' ids."""
    assert version.secret is not None
    key, items = version.menu["_id"], _items(version.menu)
    wanted: Json = {"drawn_by": key}
    if after:
        wanted["_id"] = {"$gt": f"{after}.{TARGET}"}
    rows = collection(Activation).find(wanted, _NEEDED).sort("_id", 1).limit(limit)
    return [_checked(row, version.secret, key, items) for row in rows]


def all_checked(version: DrawnVersion) -> Iterator[CheckedDraw]:
    """Read READ_AT_ONCE at a time."""
    after = ""
    while found := checked(version, after=after, limit=READ_AT_ONCE):
        yield from found
        after = found[-1].tip


def count(key: str) -> int:
    return collection(Activation).count_documents({"drawn_by": key}, hint="activation_drawn")


def _items(menu: MenuRow) -> dict[str, Item]:
    return {item["itemId"]: item for item in content.listed(menu["items"])}


def _checked(row: ActivationRow, secret: bytes, key: str, items: dict[str, Item]) -> CheckedDraw:
    kept = row["item"] or {}
    tip, item_id = row["_id"].removesuffix(f".{TARGET}"), str(kept.get("itemId", ""))
    item = items.get(item_id)
    random = item[RANDOM] if item else None
    if item is None or random is None:
        return CheckedDraw(tip, item_id, str(kept.get("title", "")), None, {}, {})
    expected = draws.drawn(item, secret, Draw(key, tip, item_id))
    told = {field: kept.get(field) for field in expected}
    return CheckedDraw(tip, item_id, item["title"], random, told, expected)


def bounds_words(random: Json) -> str:
    """For people."""
    return ", ".join(chance.said(random))
