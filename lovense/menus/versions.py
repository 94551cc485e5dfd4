"""Versions of a menu: publishing the draft, going back to an older content, and the history.

What is published is immutable, and the newest version is in force: going back publishes the old
content again. Each is one turn of her lane: the version, the mark that the one before it is
retired, her row that points to it, and the audit entry, all or none. Once is a unique index on the
key of the call (`menu_published_once`)."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import NamedTuple, cast

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from ground.audit import log as audit_log
from ground.journal import journal
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.menus import content, drafts, issuing, lint, publishing, reactions, seen
from lovense.menus.drafts import ChangedMeanwhile, Draft, Writing
from lovense.menus.lint import MenuFinding
from lovense.menus.matching import Item
from lovense.menus.publishing import FieldError, InvalidMenu, UnknownPerformer
from lovense.models import TipMenu
from lovense.rows import Json, MenuRow, PerformerRow

PUBLISHED_PER_HOUR, HOUR = seen.HISTORY_KEPT, timedelta(hours=1)
LONGEST_NOTE = 200
TRIES = 20  # of a publication that others overtake
LINTED = {lint.CANNOT: "devices", lint.SAME_PRICE: "minimum"}  # by code the field of an error
MOST_LISTED = 50


class NoSuchVersion(Refusal):
    """A version is one of hers."""

    code, status, words = "not_found", 404, "There is no such version of your menu."


class NotPublishable(Refusal):
    """What is published has an active item, breaks no rule of a menu, and has no error of the
    lint."""

    code, status = "invalid_menu", 422

    def __init__(self, errors: Sequence[FieldError], items: Sequence[Item]) -> None:
        super().__init__("; ".join(map(str, errors)) + ".")
        self.errors = list(errors)
        self.details = [asdict(each) | {"itemId": _id_of(each, items)} for each in errors]

    @classmethod
    def linted(cls, findings: Sequence[MenuFinding], items: Sequence[Item]) -> "NotPublishable":
        """Each with its code and the smallest amount that shows it."""
        places = {item["itemId"]: place for place, item in enumerate(items, start=1)}
        errors = [
            FieldError(places[each.items[0]], LINTED[each.code], each.text.rstrip("."))
            for each in findings
        ]
        made = cls(errors, items)
        for told, each in zip(made.details, findings, strict=True):
            told |= {"code": each.code, "amount": each.amount}
        return made


class PublishedTooOften(Refusal):
    """At most PUBLISHED_PER_HOUR versions within an hour."""

    code, status = "too_many_requests", 429
    words = f"A menu is published at most {PUBLISHED_PER_HOUR} times in an hour."

    def __init__(self, *, seconds: int) -> None:
        super().__init__()
        self.retry_after = seconds


class OtherPublication(Refusal):
    """An Idempotency-Key stands for one publication."""

    code, status = "idempotency_key_reused", 422
    words = "The key was used for another publication."


class Publication(NamedTuple):
    """What is asked. `key` is of the call: the same again is the same publication. `is_withdrawn`:
    the version in force was a mistake, and tips that were made while it was get this one.
    `errors`: what the lint has against a draft; None: it is not asked."""

    writing: Writing
    key: str
    note: str = ""
    is_withdrawn: bool = False
    errors: Callable[[Draft], Sequence[MenuFinding]] | None = None


class Published(NamedTuple):
    """The version that is in force, or was made by this call before."""

    menu: MenuRow
    is_new: bool


class _Chosen(NamedTuple):
    """`wanted`: what is to be published, as a draft would say it, and `texts` of the patterns of
    hers that it names; `ready`: its items as a version keeps them; `before`: what is in force."""

    draft: Draft
    wanted: Draft
    texts: Mapping[str, str]
    based_on: int | None
    ready: Sequence[Item] = ()
    before: MenuRow | None = None


class _Overtaken(Exception):
    """What was worked out is of a draft, a pattern or a version that is not so any more."""


Choose = Callable[[Draft], _Chosen]


# --- published -----------------------------------------------------------------------------------


def publish(asked: Publication) -> Published:
    """The draft. Raises ChangedMeanwhile, NotPublishable, PublishedTooOften, OtherPublication."""

    def chosen(draft: Draft) -> _Chosen:
        texts = publishing.texts_of(asked.writing.performer_id, draft.items)
        return _Chosen(draft, draft, texts, None)

    return _published(asked, "publish", chosen)


def roll_back(asked: Publication, version: int) -> Published:
    """To the content of that version. A draft without changes of its own follows. Raises
    NoSuchVersion, and what `publish` raises."""
    whose = asked.writing.performer_id

    def chosen(draft: Draft) -> _Chosen:
        menu = of(whose, version)
        reaction = menu.get("default_reaction")
        was = reaction or (draft.reaction and draft.reaction | {"active": False})
        wanted = draft._replace(items=content.listed(menu["items"]), reaction=was)
        return _Chosen(draft, wanted, menu.get("patterns") or {}, version)

    return _published(asked, f"roll_back {version}", chosen)


def _published(asked: Publication, what: str, choose: Choose) -> Published:
    """Worked out before her turn, so that nobody waits for it; in the turn it is only written, if
    all that it rests on is still so. Else it is worked out again."""
    writing, fingerprint = asked.writing, _fingerprint(asked, what)
    for _ in range(TRIES):
        if (earlier := _of_key(asked)) is not None:
            if earlier.get("fingerprint") != fingerprint:
                raise OtherPublication
            return Published(earlier, is_new=False)
        chosen = _worked_out(asked, choose)
        if chosen.before is not None and _says_it(chosen.before, chosen):
            return Published(chosen.before, is_new=False)
        if asked.errors is not None and (errors := asked.errors(chosen.wanted)):
            raise NotPublishable.linted(errors, chosen.wanted.items)
        body = partial(_put, asked, chosen, fingerprint)
        touched = journal.of_lane(writing.performer_id)
        # a key twice: the same call at the same moment was first, and now it is there
        with suppress(_Overtaken, DuplicateKeyError):
            return Published(journal.run(body, touched=touched, now=writing.now), is_new=True)
    raise ChangedMeanwhile(chosen.draft.revision, drafts.of(writing.performer_id))


def _worked_out(asked: Publication, choose: Choose) -> _Chosen:
    """What is asked for, as it was seen, and may be published. Raises ChangedMeanwhile,
    NotPublishable."""
    writing = asked.writing
    chosen = choose(drafts.of(writing.performer_id))
    if writing.seen not in (None, chosen.draft.revision):
        raise ChangedMeanwhile(writing.seen or 0, chosen.draft)
    ready = publishable(chosen.wanted, chosen.texts)
    return chosen._replace(ready=ready, before=drafts.in_force(writing.performer_id))


def _is_still_so(
    chosen: _Chosen, performer: PerformerRow, writing: Writing, session: ClientSession
) -> bool:
    """The version in force, the draft, and the patterns that it names."""
    number = chosen.before["version"] if chosen.before else 0
    if performer["menu_version"] != number:
        return False
    whose = writing.performer_id
    if drafts.revision_of(whose, session) != chosen.draft.revision:
        return False
    if chosen.based_on is not None or not chosen.texts:
        return True
    return publishing.texts_of(whose, chosen.wanted.items, session) == chosen.texts


def _says_it(menu: MenuRow, chosen: _Chosen) -> bool:
    """A version what is to be published. Items that are kept alike say the same; the others may
    still, if one is of an earlier release."""
    said = menu.get("patterns") or {}, menu.get("default_reaction"), len(menu["items"])
    texts, reaction = dict(chosen.texts), reactions.live(chosen.wanted.reaction)
    if said != (texts, reaction, len(chosen.ready)):
        return False
    pairs = zip(sorted(menu["items"], key=content.order_of), chosen.ready, strict=True)
    return all(was == now or content.whole(was) == content.whole(now) for was, now in pairs)


def said(menu: MenuRow) -> tuple[Sequence[Item], Json | None]:
    """What a version says: whole items in their order, with the texts of their patterns, and the
    default reaction; None: off."""
    return content.of_version(menu), menu.get("default_reaction")


def said_by(draft: Draft, texts: Mapping[str, str]) -> tuple[Sequence[Item], Json | None]:
    """What a draft says, in the same form; `texts` of the patterns of hers that it names."""
    return content.resolved(draft.items, texts), reactions.live(draft.reaction)


def publishable(draft: Draft, texts: Mapping[str, str]) -> list[Item]:
    """As a version keeps them; `texts` by the names of patterns of hers. Raises NotPublishable with
    all that is wrong."""
    items = draft.items
    if not any(item["active"] for item in items):
        _check_reaction(draft)
    missing = publishing.missing_patterns(items, texts)
    try:
        ready = publishing.validated(content.numbered(items))
    except InvalidMenu as wrong:
        raise NotPublishable([*missing, *wrong.errors], items) from None
    if missing:
        raise NotPublishable(missing, items)
    return ready


def _check_reaction(draft: Draft) -> None:
    """It may be all there is, where the platform does not require a menu."""
    rule = "a menu has at least one active item, or a default reaction"
    if reactions.is_required():
        rule = "a menu has at least one active item, since this site requires a menu"
    elif reactions.live(draft.reaction):
        return
    raise NotPublishable([FieldError(0, "items", rule)], draft.items)


def _id_of(error: FieldError, items: Sequence[Item]) -> str | None:
    return items[error.item - 1]["itemId"] if error.item else None


def _fingerprint(asked: Publication, what: str) -> str:
    withdrawn = ["withdraw"] if asked.is_withdrawn else []
    return _digest(json.dumps([what, asked.writing.seen, asked.note, *withdrawn]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _check_pace(performer: PerformerRow, writing: Writing) -> None:
    """The last but PUBLISHED_PER_HOUR - 1 is an hour old: by the history on her row, which keeps as
    many."""
    known = performer.get("menu_history") or []
    if len(known) < PUBLISHED_PER_HOUR:
        return
    left = known[-PUBLISHED_PER_HOUR]["at"] + HOUR - writing.now
    if left > timedelta(0):
        raise PublishedTooOften(seconds=int(left.total_seconds()) + 1)


def _row(asked: Publication, number: int, chosen: _Chosen, fingerprint: str) -> MenuRow:
    writing = asked.writing
    return {
        "_id": f"{writing.performer_id}.{number}",
        "performer_id": writing.performer_id,
        "version": number,
        "items": list(chosen.ready),
        "patterns": dict(chosen.texts),
        "default_reaction": reactions.live(chosen.wanted.reaction),
        "published_at": writing.now,
        "published_by": writing.by,
        "note": asked.note,
        "based_on": chosen.based_on,
        "retired_at": None,
        "publish_key": _digest(asked.key),
        "fingerprint": fingerprint,
    }


def _put(asked: Publication, chosen: _Chosen, fingerprint: str, session: ClientSession) -> MenuRow:
    """1. It may be written: nothing has changed, and it is not too often. 2. The version. 3. Her
    draft follows, where it had no changes of its own. 4. The audit entry."""
    writing = asked.writing
    performer = issuing.standing(writing.performer_id, session)
    if performer is None:
        raise UnknownPerformer(f"There is no performer {writing.performer_id!r}.")
    if not _is_still_so(chosen, performer, writing, session):
        raise _Overtaken
    _check_pace(performer, writing)
    menu = _row(asked, issuing.next_version(performer, session), chosen, fingerprint)
    menu = issuing.issue(performer, menu, is_withdrawn=asked.is_withdrawn, session=session)
    if chosen.based_on is not None and _is_unchanged(chosen.draft, chosen.before):
        drafts.follow(writing, chosen.draft, chosen.wanted, session)
    _audited(asked, chosen.before, menu, session)
    return menu


def _is_unchanged(draft: Draft, before: MenuRow | None) -> bool:
    """It says what was in force, whatever became of the patterns that it names."""
    items = content.listed(before["items"]) if before else []
    reaction = before.get("default_reaction") if before else None
    return (draft.items, reactions.live(draft.reaction)) == (items, reaction)


def _audited(
    asked: Publication, before: MenuRow | None, menu: MenuRow, session: ClientSession
) -> None:
    after: Json = {"version": menu["version"], "items": len(menu["items"])}
    if menu["based_on"] is not None:
        after["basedOn"] = menu["based_on"]
    if asked.is_withdrawn and before is not None:
        after["withdrawn"] = before["version"]
    audit_log.record(
        kind="menu",
        action="publish" if menu["based_on"] is None else "roll_back",
        by=asked.writing.by,
        target=asked.writing.performer_id,
        lane=asked.writing.performer_id,
        now=asked.writing.now,
        before={"version": before["version"], "items": len(before["items"])} if before else None,
        after=after,
        why=asked.note,
        session=session,
    )


# --- read ----------------------------------------------------------------------------------------


def of(performer_id: str, version: int) -> MenuRow:
    """Raises NoSuchVersion."""
    row = collection(TipMenu).find_one({"_id": f"{performer_id}.{version}"})
    if row is None:
        raise NoSuchVersion
    return cast("MenuRow", row)


def history(performer_id: str, *, before: int = 0) -> list[MenuRow]:
    """The newest first, at most MOST_LISTED; of those before a version, if one is named. Without
    their items."""
    hers: Json = {"performer_id": performer_id}
    if before:
        hers["version"] = {"$lt": before}
    rows = collection(TipMenu).find(hers, {"items": 0}).sort("version", -1)
    return list(rows.limit(MOST_LISTED))


def _of_key(asked: Publication) -> MenuRow | None:
    hers = {"performer_id": asked.writing.performer_id, "publish_key": _digest(asked.key)}
    found: MenuRow | None = collection(TipMenu).find_one(hers)
    return found
