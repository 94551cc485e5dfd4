"""Preferences: a performer's own limits and habits, in sections that each have a version. A limit
may only be stricter than the platform's; what she has not chosen is the platform's.

Written in one transaction with its entry in the audit log, where the section still is as it was
seen; no process goes on with what it remembers of her lane."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, cast

from pymongo.client_session import ClientSession

from ground.audit import log as audit_log
from ground.journal import journal
from ground.json.errors import Refusal
from ground.json.fields import MAX_AMOUNT, Fields, Malformed
from ground.mongodb.collections import collection
from lovense.models import Performer, PlatformSettings
from lovense.performers import sections
from lovense.performers.sections import OF_PAGES, PREFERENCES, SECTIONS
from lovense.rows import Json, PerformerRow
from tips.rows import Statement

# Neither a viewer's name nor an address stands in the audit log: only that they have changed.
_UNTOLD = frozenset({OF_PAGES + "hiddenWords", OF_PAGES + "noticeEmail"})
Seen = Mapping[str, int]
"""By section the version that whoever writes has seen."""


class NoSuchPerformer(Refusal):
    """Preferences are a performer's."""

    code, status, words = "not_found", 404, "There is no such performer."


class WrongPreference(NamedTuple):
    """By its name at the wire, with the rule that it breaks."""

    field: str
    rule: str


class InvalidPreferences(Refusal):
    """Every preference is known, within its limits, and no looser than the platform's."""

    code, status = "malformed", 400

    def __init__(self, errors: list[WrongPreference]) -> None:
        super().__init__("; ".join(f"{each.field}: {each.rule}" for each in errors) + ".")
        told: list[Json] = [{"field": each.field, "rule": each.rule} for each in errors]
        self.errors = errors
        self.details = {**told[0], "errors": told}


class SectionChanged(Refusal):
    """A section is changed by whoever saw it as it is."""

    code, status = "changed_meanwhile", 409
    words = "These preferences have changed meanwhile: nothing was written."

    def __init__(self, section: str, seen: int, row: PerformerRow) -> None:
        super().__init__()
        self.section, self.row = section, row
        self.details = {
            "section": section,
            "seen": seen,
            "version": sections.versions(row)[section],
            "now": sections.told(row, sections.names_of(section)),
        }


# --- read ----------------------------------------------------------------------------------------


def parse(body: Fields, row: PerformerRow | None = None) -> Statement:
    """Her row's fields that a call changes; what it does not name stays. Raises
    InvalidPreferences with all that is wrong, of her `row` also what is looser than the platform
    allows."""
    changes: Statement = {}
    wrong: list[WrongPreference] = []
    for name in body.whole:
        try:
            changes |= _read(body, name)
        except Malformed as why:
            wrong.append(WrongPreference(why.field, why.rule))
    if row is not None and (new := _new(row, changes)).keys() & set(PlatformCaps._fields):
        wrong += _looser(new, caps())
    if wrong:
        raise InvalidPreferences(wrong)
    return changes


def _new(row: PerformerRow, changes: Statement) -> Statement:
    """What is not so already."""
    return {each: v for each, v in changes.items() if sections.stored(row, each) != v}


def _read(body: Fields, name: str) -> Statement:
    if name not in PREFERENCES:
        Fields({name: None}, "").only(*PREFERENCES)
    one = PREFERENCES[name]
    value = one.read(body, name)
    is_usual = one.field.startswith(OF_PAGES) and value == one.usual
    return {one.field: None if is_usual else value}


def seen_in(body: Fields) -> dict[str, int]:
    """By section the version that was seen. Raises Malformed."""
    body.only(*SECTIONS)
    return {name: body.integer(name, minimum=0, maximum=MAX_AMOUNT) for name in body.whole}


def told(row: PerformerRow) -> Json:
    """As the wire has them."""
    return sections.told(row, PREFERENCES) | {"versions": sections.versions(row)}


def of(performer_id: str) -> PerformerRow:
    row: PerformerRow | None = collection(Performer).find_one({"_id": performer_id})
    if row is None:
        raise NoSuchPerformer
    return row


def for_page(performer_id: str) -> Json:
    """What her page is told of them, where it differs from what all pages are told."""
    chosen = of(performer_id).get("auto_connect")
    return {} if chosen is None else {"autoConnect": chosen}


# --- the platform's caps -------------------------------------------------------------------------


class PlatformCaps(NamedTuple):
    """What binds her in any case."""

    maximum_seconds: int
    minimum_tip: int


def caps(session: ClientSession | None = None) -> PlatformCaps:
    row = collection(PlatformSettings).find_one({}, session=session) or {}
    fresh = PlatformSettings()
    return PlatformCaps(*(row.get(name, getattr(fresh, name)) for name in PlatformCaps._fields))


def _looser(changes: Statement, bound: PlatformCaps) -> list[WrongPreference]:
    seconds, tip = changes.get("maximum_seconds"), changes.get("minimum_tip")
    wrong = []
    if seconds is not None and seconds > bound.maximum_seconds:
        rule = f"must be at most {bound.maximum_seconds}, as the platform allows"
        wrong.append(WrongPreference("maximumSeconds", rule))
    if tip is not None and tip < bound.minimum_tip:
        rule = f"must be at least {bound.minimum_tip}, as the platform asks"
        wrong.append(WrongPreference("minimumTip", rule))
    return wrong


# --- written -------------------------------------------------------------------------------------

Within = Callable[[PerformerRow, ClientSession], Statement]


def _nothing(row: PerformerRow, session: ClientSession) -> Statement:
    return {}


class _Writing(NamedTuple):
    performer_id: str
    by: str
    now: datetime


def change(
    *,
    performer_id: str,
    changes: Statement,
    by: str,
    now: datetime,
    seen: Seen | None = None,
    within: Within = _nothing,
) -> PerformerRow:
    """Her row as it is now. What is so already is left as it is. `seen`: None overwrites whatever
    there is. `within`: what else her row must say then, asked in the transaction that changes it.
    Raises InvalidPreferences, SectionChanged."""

    def body(session: ClientSession) -> PerformerRow:
        row = collection(Performer).find_one({"_id": performer_id}, session=session)
        if row is None:
            raise NoSuchPerformer
        new = _new(row, changes)
        if not new:
            return cast(PerformerRow, row)
        _check(row, new, seen or {}, session)
        wanted = sections.written(row, new) | {"preference_versions": _moved(row, new)}
        after = cast(PerformerRow, {**row, **wanted})
        _write(_Writing(performer_id, by, now), row, new, wanted, session)
        if follows := within(after, session):
            where = {"_id": performer_id}
            collection(Performer).update_one(where, {"$set": follows}, session=session)
        return after

    return journal.run(body, touched=journal.of_lane(performer_id), now=now)


def _check(row: PerformerRow, new: Statement, seen: Seen, session: ClientSession) -> None:
    versions = sections.versions(row)
    for section in sections.sections_of(new):
        if section in seen and seen[section] != versions[section]:
            raise SectionChanged(section, seen[section], row)
    if new.keys() & set(PlatformCaps._fields) and (wrong := _looser(new, caps(session))):
        raise InvalidPreferences(wrong)


def _moved(row: PerformerRow, new: Statement) -> dict[str, int]:
    versions = sections.versions(row)
    return versions | {each: versions[each] + 1 for each in sections.sections_of(new)}


def _write(
    writing: _Writing, row: PerformerRow, new: Statement, wanted: Statement, session: ClientSession
) -> None:
    """In two steps: 1. her row, where it has the versions that were read; 2. the audit log."""
    as_read = {
        "_id": writing.performer_id,
        "preference_versions": row.get("preference_versions"),
    }
    done = collection(Performer).update_one(as_read, {"$set": wanted}, session=session)
    if not done.matched_count:
        raise SectionChanged(sections.sections_of(new)[0], -1, row)
    audit_log.record(
        kind="performer",
        action="set_preferences",
        by=writing.by,
        target=writing.performer_id,
        lane=writing.performer_id,
        before={name: _kept(name, sections.stored(row, name)) for name in new},
        after={name: _kept(name, value) for name, value in new.items()},
        now=writing.now,
        session=session,
    )


def _kept(field: str, value: Any) -> Any:
    return bool(value) if field in _UNTOLD else value
