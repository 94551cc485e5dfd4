"""How somebody of the staff has a list: saved questions, her columns, what she sees first. Nothing
else follows from it; what is shared with everybody leaves an entry in the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from adminpanel.models import ListChoice, SavedView
from ground.audit import log as audit_log
from ground.json.errors import Refusal
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from ground.words import cleaned

MOST_VIEWS = 50  # a person
MOST_SHARED = 50  # of a list that are shown
LONGEST_NAME, LONGEST_KEY = 40, 30
ATTEMPTS = 10  # each of them was overtaken by another view of the same person


class TooManyViews(Refusal):
    """A person keeps at most so many."""

    words: ClassVar[str] = f"You have {MOST_VIEWS} views already. Remove one first."


class Unnamed(Refusal):
    """A view has a name of letters that are seen."""

    words: ClassVar[str] = "A view needs a name."


class NoSuchView(Refusal):
    """There is none of this person's that is called so."""

    status = 404
    words: ClassVar[str] = "There is no such view of yours."


class OnlyAdminsShare(Refusal):
    """What everybody sees is an administrator's to change."""

    status = 403
    words: ClassVar[str] = "Only an administrator shares a view."


@dataclass(frozen=True, slots=True)
class ViewWish:
    """Whose view of which list, and who asks."""

    owner: str
    list_name: str
    by: str
    now: datetime
    may_share: bool = False


# --- views ---------------------------------------------------------------------------------------


def views(owner: str, list_name: str) -> list[dict[str, Any]]:
    """Hers by name, then what others share."""
    rows = collection(SavedView)
    hers = list(
        rows.find({"owner": owner, "list_name": list_name}).sort("name", 1).limit(MOST_VIEWS)
    )
    shared = rows.find({"list_name": list_name, "is_shared": True}).sort("name", 1)
    others = [row for row in shared.limit(MOST_SHARED) if row["owner"] != owner]
    return hers + others


def save(
    wish: ViewWish, *, name: str, query: str, columns: Sequence[str] = (), is_shared: bool = False
) -> str:
    """The key of the view. One of hers that is called so becomes this one, so a repeat changes
    nothing. Raises Unnamed, TooManyViews, OnlyAdminsShare."""
    called = cleaned(name[:LONGEST_NAME], maximum=LONGEST_NAME)
    if not called:
        raise Unnamed
    said = {"query": query, "columns": list(columns), "is_shared": is_shared}

    def body(session: ClientSession) -> str:
        return _written(wish, called, said, session)

    for _ in range(ATTEMPTS):
        try:
            return transactions.run(body)
        except DuplicateKeyError:  # another one took the place, or the name, at the same time
            continue
    return transactions.run(body)


def _written(wish: ViewWish, name: str, said: dict[str, Any], session: ClientSession) -> str:
    rows = collection(SavedView)
    hers = list(rows.find({"owner": wish.owner}, session=session))
    was = next(
        (row for row in hers if (row["list_name"], row["name"]) == (wish.list_name, name)), None
    )
    if was and all(was[field] == value for field, value in said.items()):
        return str(was["_id"])
    _check_may_share(wish, said, was)
    stamp = {"saved_by": wish.by, "saved_at": wish.now}
    if was:
        rows.update_one({"_id": was["_id"]}, {"$set": said | stamp}, session=session)
        key = str(was["_id"])
    else:
        key = _free(wish.owner, {row["_id"] for row in hers})
        place = {"_id": key, "owner": wish.owner, "list_name": wish.list_name, "name": name}
        rows.insert_one(place | said | stamp, session=session)
    _tell(wish, "save_view", key, was, {"name": name} | said, session=session)
    return key


def _free(owner: str, taken: set[str]) -> str:
    for place in range(MOST_VIEWS):
        if (key := f"{owner}/{place}") not in taken:
            return key
    raise TooManyViews


def forget(wish: ViewWish, key: str) -> None:
    """Raises NoSuchView where it is not hers, or gone."""

    def body(session: ClientSession) -> None:
        where = {"_id": key, "owner": wish.owner, "list_name": wish.list_name}
        was = collection(SavedView).find_one_and_delete(where, session=session)
        if was is None:
            raise NoSuchView
        _check_may_share(wish, {}, was)
        _tell(wish, "remove_view", key, was, None, session=session)

    transactions.run(body)


def _check_may_share(wish: ViewWish, said: dict[str, Any], was: dict[str, Any] | None) -> None:
    is_everybodys = said.get("is_shared") or (was and was["is_shared"])
    if is_everybodys and not wish.may_share:
        raise OnlyAdminsShare


def _tell(
    wish: ViewWish,
    action: str,
    key: str,
    was: dict[str, Any] | None,
    after: dict[str, Any] | None,
    *,
    session: ClientSession,
) -> None:
    """Her own are her own business."""
    before = (
        {name: was[name] for name in ("name", "query", "columns", "is_shared")} if was else None
    )
    if not any(side and side["is_shared"] for side in (before, after)):
        return
    about: dict[str, Any] = {
        "kind": "view",
        "action": action,
        "target": key,
        "by": wish.by,
        "now": wish.now,
    }
    audit_log.record(**about, before=before, after=after, session=session)


# --- columns, and what is seen first -------------------------------------------------------------


def choice(owner: str, list_name: str) -> dict[str, Any]:
    usual: dict[str, Any] = {"columns": [], "first_view": ""}
    return collection(ListChoice).find_one({"_id": f"{owner}/{list_name}"}) or usual


def choose(
    owner: str, list_name: str, *, columns: Sequence[str] | None = None, first: str | None = None
) -> None:
    """None: stays as it is."""
    asked = {"columns": columns if columns is None else list(columns), "first_view": first}
    said = {name: value for name, value in asked.items() if value is not None}
    usual = {"columns": [], "first_view": ""}
    left = {name: value for name, value in usual.items() if name not in said}
    key = {"_id": f"{owner}/{list_name}"}
    collection(ListChoice).update_one(key, {"$set": said, "$setOnInsert": left}, upsert=True)
