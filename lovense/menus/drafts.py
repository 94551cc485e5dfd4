"""The draft of a menu: what a performer is working on, and each change of it.

A write names the revision that it saw, and is refused where another was faster: two open pages
never overwrite each other. Until her first change her draft is the menu in force, at revision 0.
Each change is written in one transaction with its entry in the audit log."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from ground.audit import log as audit_log
from ground.json.errors import Refusal
from ground.json.fields import Malformed
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from lovense.menus import content, fixes, showcopies, wishes
from lovense.menus.matching import Item
from lovense.menus.parts import HerToys
from lovense.menus.publishing import MAXIMUM_ITEMS
from lovense.menus.wishes import WishedItem
from lovense.models import MenuDraft, Performer, TipMenu
from lovense.rows import Json, MenuRow

Edit = Callable[[Sequence[Item]], list[Item]]
"""The items as they are to be, from what they are."""
Change = Callable[["Draft", ClientSession], "Draft"]
"""The draft as it is to be."""


class NoSuchItem(Refusal):
    """An item is one of her draft's."""

    code, status, words = "not_found", 404, "There is no such item."


class TooManyItems(Refusal):
    """A menu has at most MAXIMUM_ITEMS."""

    code, status = "too_many_items", 409
    words = f"A menu has at most {MAXIMUM_ITEMS} items: remove another one first."


class DraftHasItems(Refusal):
    """A template fills an empty draft, and takes the place of nothing unless that is said."""

    code, status = "has_items", 409
    words = "Your menu has items already: nothing was filled in."


class ChangedMeanwhile(Refusal):
    """A draft is changed by whoever saw it as it is."""

    code, status = "changed_meanwhile", 409
    words = "The menu has changed meanwhile: nothing was written."

    def __init__(self, seen: int, draft: "Draft", item_id: str = "") -> None:
        super().__init__()
        self.seen, self.draft = seen, draft
        self.details = {
            "seen": seen,
            "revision": draft.revision,
            "item": draft.find(item_id),
            "itemIds": [item["itemId"] for item in draft.items],
        }


class NothingToUndo(Refusal):
    """The last change of a draft can be undone; before the first there is none."""

    code, status = "nothing_to_undo", 409
    words = "There is no change to undo."


class NothingPublished(Refusal):
    """What was never published has nothing to go back to."""

    code, status = "nothing_published", 409
    words = "You have not published a menu yet: there is nothing to go back to."


class Draft(NamedTuple):
    """A draft as it is now: whole items in their order, and her default reaction; None: as it
    comes."""

    revision: int
    items: list[Item]
    reaction: Json | None = None

    def find(self, item_id: str) -> Item | None:
        return next((item for item in self.items if item["itemId"] == item_id), None)

    def owned(self, item_id: str) -> Item:
        """Raises NoSuchItem."""
        if (item := self.find(item_id)) is None:
            raise NoSuchItem
        return item


class Writing(NamedTuple):
    """Who writes, when, and the revision that was seen; None: whichever it is, which is for what
    overwrites nothing."""

    performer_id: str
    seen: int | None
    by: str
    now: datetime


# --- read ----------------------------------------------------------------------------------------


def of(performer_id: str, session: ClientSession | None = None) -> Draft:
    hers, but = {"_id": performer_id}, {"before": 0}
    row = collection(MenuDraft).find_one(hers, but, session=session)
    if row is not None:
        return Draft(row["revision"], _whole(row["items"]), row.get("default_reaction"))
    menu = in_force(performer_id, session)
    return of_version(menu) if menu else Draft(0, [])


def revision_of(performer_id: str, session: ClientSession) -> int:
    """0: she has not changed anything yet."""
    wanted = {"_id": performer_id}
    row = collection(MenuDraft).find_one(wanted, {"revision": 1}, session=session)
    return int(row["revision"]) if row else 0


def _whole(items: Sequence[Item]) -> list[Item]:
    """What is usual is not kept."""
    return [content.whole(item) for item in items]


def last_action(performer_id: str) -> str:
    """Of the change that `undo` undoes; empty: there is none."""
    hers, said = {"_id": performer_id}, {"before.action": 1}
    row = collection(MenuDraft).find_one(hers, said)
    return str(row["before"]["action"]) if row and row.get("before") else ""


def of_version(menu: MenuRow) -> Draft:
    """What it says, as a draft that nobody has changed."""
    return Draft(0, content.listed(menu["items"]), menu.get("default_reaction"))


def in_force(performer_id: str, session: ClientSession | None = None) -> MenuRow | None:
    """What she published last; None: nothing yet."""
    hers = {"_id": performer_id}
    performer = collection(Performer).find_one(hers, {"menu_version": 1}, session=session)
    if performer is None or not performer["menu_version"]:
        return None
    key = f"{performer_id}.{performer['menu_version']}"
    found: MenuRow | None = collection(TipMenu).find_one({"_id": key}, session=session)
    return found


# --- written -------------------------------------------------------------------------------------


def add(writing: Writing, wish: WishedItem) -> Draft:
    """At its place; at the end, if it names none. Raises TooManyItems, ChangedMeanwhile."""

    def added(items: Sequence[Item]) -> list[Item]:
        if len(items) >= MAXIMUM_ITEMS:
            raise TooManyItems
        return _placed(items, wish.item, wish.place or len(items) + 1)

    return _written(writing, "add", added, wish.item["itemId"])


def change(writing: Writing, item_id: str, wish: WishedItem) -> Draft:
    """Raises NoSuchItem, ChangedMeanwhile."""

    def changed(items: Sequence[Item]) -> list[Item]:
        place = wish.place or _place(items, item_id) + 1
        return _placed(_without(items, item_id), wish.item, place)

    return _written(writing, "change", changed, item_id)


def remove(writing: Writing, item_id: str) -> Draft:
    """Raises NoSuchItem, ChangedMeanwhile."""
    return _written(writing, "remove", lambda items: _without(items, item_id), item_id)


def move(writing: Writing, item_id: str, *, is_up: bool) -> Draft:
    """Past the next item of its section, that way; the last one there stays. Raises NoSuchItem,
    ChangedMeanwhile."""

    def moved(items: Sequence[Item]) -> list[Item]:
        place = _place(items, item_id)
        item = items[place]
        alike = [at for at, each in enumerate(items) if each["section"] == item["section"]]
        beyond = [at for at in alike if (at < place if is_up else at > place)]
        if not beyond:
            return list(items)
        to = max(beyond) if is_up else min(beyond)
        return _placed(_without(items, item_id), item, to + 1)

    return _written(writing, "reorder", moved, item_id)


def place(writing: Writing, item_id: str, *, before: str, section: str) -> Draft:
    """Before another item; where `before` is empty, as the last one of that section. It belongs to
    the section in which it stands then. Raises NoSuchItem, ChangedMeanwhile."""

    def placed(items: Sequence[Item]) -> list[Item]:
        item, others = items[_place(items, item_id)], _without(items, item_id)
        if before:
            to = _place(others, before)
            return _placed(others, item | {"section": others[to]["section"]}, to + 1)
        ends = [at for at, each in enumerate(others, start=1) if each["section"] == section]
        if not ends:  # of a section that has gone meanwhile, it would be alone
            return list(items)
        return _placed(others, item | {"section": section}, ends[-1] + 1)

    return _written(writing, "reorder", placed, item_id)


def reorder(writing: Writing, item_ids: Sequence[str]) -> Draft:
    """`item_ids`: all of them, as they are to stand. Raises Malformed, ChangedMeanwhile."""

    def reordered(items: Sequence[Item]) -> list[Item]:
        known = {item["itemId"]: item for item in items}
        _check_all(item_ids, known)
        return [known[item_id] for item_id in item_ids]

    return _written(writing, "reorder", reordered)


def fill(writing: Writing, template: Sequence[Json]) -> Draft:
    """An empty draft, with new items. Raises DraftHasItems, ChangedMeanwhile."""

    def filled(items: Sequence[Item]) -> list[Item]:
        if items:
            raise DraftHasItems
        return [wishes.new(each) for each in template]

    return _written(writing, "fill", filled)


def start(writing: Writing, items: Sequence[Item], *, replaces: bool) -> Draft:
    """With these; where there are others they give way only if that is said. Raises DraftHasItems,
    ChangedMeanwhile."""

    def started(before: Sequence[Item]) -> list[Item]:
        if before and not replaces:
            raise DraftHasItems
        return list(items)

    return _written(writing, "start", started)


def copy_show(writing: Writing, source: str, target: str, *, replaces: bool) -> Draft:
    """Of what answers in one show copies for another. Raises ShowHasItems, SamePriceInShow,
    TooManyItems, ChangedMeanwhile."""

    def copied(items: Sequence[Item]) -> list[Item]:
        after = showcopies.copied(items, source, target, replaces=replaces)
        if len(after) > MAXIMUM_ITEMS:
            raise TooManyItems
        return after

    return _written(writing, "copy_show", copied)


def patch(writing: Writing, changes: fixes.Patch, toys: HerToys | None = None) -> Draft:
    """All of these changes, or none. Raises NoSuchItem, InvalidChange, TooManyItems,
    ChangedMeanwhile."""

    def patched(items: Sequence[Item]) -> list[Item]:
        try:
            after = fixes.applied(items, changes, toys)
        except ValueError:
            raise NoSuchItem from None
        if len(after) > MAXIMUM_ITEMS:
            raise TooManyItems
        return after

    return _written(writing, "patch", patched)


def replace(writing: Writing, items: Sequence[Item], reaction: Json | None = None) -> Draft:
    """By these, whole; without a reaction, hers stays. Raises ChangedMeanwhile."""

    def replaced(draft: Draft, _session: ClientSession) -> Draft:
        return draft._replace(items=list(items), reaction=reaction or draft.reaction)

    return _changed(writing, "import", replaced)


def react(writing: Writing, reaction: Json) -> Draft:
    """By this, where no item answers. Raises ChangedMeanwhile."""
    return _changed(
        writing, "default_reaction", lambda draft, _session: draft._replace(reaction=reaction)
    )


def discard(writing: Writing) -> Draft:
    """What is in force again. Raises NothingPublished, ChangedMeanwhile."""

    def discarded(draft: Draft, session: ClientSession) -> Draft:
        menu = in_force(writing.performer_id, session)
        if menu is None:
            raise NothingPublished
        return of_version(menu)._replace(revision=draft.revision)

    return _changed(writing, "discard", discarded)


def undo(writing: Writing) -> Draft:
    """What it was before the last change, whoever made it; a second time, that change again. Raises
    NothingToUndo, ChangedMeanwhile."""

    def undone(draft: Draft, session: ClientSession) -> Draft:
        hers = {"_id": writing.performer_id}
        row = collection(MenuDraft).find_one(hers, {"before": 1}, session=session)
        if row is None or not row.get("before"):
            raise NothingToUndo
        was = row["before"]
        return draft._replace(items=_whole(was["items"]), reaction=was["default_reaction"])

    return _changed(writing, "undo", undone)


def follow(writing: Writing, draft: Draft, after: Draft, session: ClientSession) -> None:
    """The draft takes over what this one says, in a transaction of somebody else."""
    _keep(writing, draft, after, session)


def _check_all(item_ids: Sequence[str], known: dict[str, Item]) -> None:
    missing = [item_id for item_id in known if item_id not in set(item_ids)]
    if missing:
        raise Malformed("itemIds", f"must name every item; missing: {', '.join(missing)}")
    foreign = [item_id for item_id in item_ids if item_id not in known]
    if foreign:
        raise Malformed("itemIds", f"must name items of this menu alone: {', '.join(foreign)}")
    if len(item_ids) != len(known):
        raise Malformed("itemIds", "must name every item once")


def _place(items: Sequence[Item], item_id: str) -> int:
    for place, item in enumerate(items):
        if item["itemId"] == item_id:
            return place
    raise NoSuchItem


def _without(items: Sequence[Item], item_id: str) -> list[Item]:
    place = _place(items, item_id)
    return [*items[:place], *items[place + 1 :]]


def _placed(items: Sequence[Item], item: Item, place: int) -> list[Item]:
    return [*items[: place - 1], item, *items[place - 1 :]]


def _written(writing: Writing, action: str, edit: Edit, item_id: str = "") -> Draft:
    """Its items."""

    def edited(draft: Draft, _session: ClientSession) -> Draft:
        return draft._replace(items=edit(draft.items))

    return _changed(writing, action, edited, item_id)


def _changed(writing: Writing, action: str, change: Change, item_id: str = "") -> Draft:
    def body(session: ClientSession) -> Draft:
        draft = of(writing.performer_id, session)
        if writing.seen not in (None, draft.revision):
            raise ChangedMeanwhile(writing.seen or 0, draft, item_id)
        wanted = change(draft, session)
        if wanted == draft:
            return draft
        after = _keep(writing, draft, wanted, session, action)
        target = item_id or writing.performer_id
        _audited(writing, action, target, (draft, after), session)
        return after

    try:
        return transactions.run(body)
    except DuplicateKeyError:  # another was first to make the row: now it is there
        return transactions.run(body)


def _keep(
    writing: Writing, draft: Draft, wanted: Draft, session: ClientSession, action: str = "follow"
) -> Draft:
    """Guarded by the revision that was read."""
    items = [content.bare(item) for item in draft.items]
    was = {"action": action, "items": items, "default_reaction": draft.reaction}
    after = wanted._replace(revision=draft.revision + 1)
    items = [content.bare(item) for item in after.items]
    said = {"items": items, "default_reaction": after.reaction, "before": was}
    collection(MenuDraft).update_one(
        {"_id": writing.performer_id, "revision": draft.revision},
        {"$set": said | {"revision": after.revision, "changed_at": writing.now}},
        upsert=not draft.revision,
        session=session,
    )
    return after


def _audited(
    writing: Writing,
    action: str,
    target: str,
    step: tuple[Draft, Draft],
    session: ClientSession,
) -> None:
    before, after = step
    audit_log.record(
        kind="menu",
        action=action,
        by=writing.by,
        target=target,
        lane=writing.performer_id,
        now=writing.now,
        before=_told(before, after),
        after=_told(after, before),
        session=session,
    )


def _told(draft: Draft, other: Draft) -> Json:
    """What is different: by item its fields, and the order where others changed their places."""
    known = {item["itemId"]: item for item in other.items}
    items = {item["itemId"]: _news(item, known.get(item["itemId"])) for item in draft.items}
    told: Json = {"revision": draft.revision}
    if changed := {item_id: news for item_id, news in items.items() if news}:
        told["items"] = changed
    if content.diff(draft.items, other.items).moved:
        told["itemIds"] = list(items)
    if draft.reaction != other.reaction:
        told["defaultReaction"] = draft.reaction
    return told


def _news(item: Item, other: Item | None) -> Json:
    return {name: item[name] for name in content.FIELDS if not other or item[name] != other[name]}
