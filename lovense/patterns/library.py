"""A performer's own patterns, as they are kept, and each change of them.

A write names the revision that it saw, and is refused where another was faster. Once is an index:
a name of hers, whatever its case (`pattern_name`), and each of her MOST places (`pattern_slot`).
What is published holds the texts it uses by value, so nothing here changes a published menu."""

import hashlib
import unicodedata
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from ground import ids, words
from ground.audit import log as audit_log
from ground.json.errors import Refusal
from ground.json.fields import MAX_AMOUNT, Fields, Malformed
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from lovense.models import Pattern
from lovense.patterns import reading
from lovense.patterns.imports import LONGEST_NAME
from lovense.patterns.reading import InvalidPattern
from lovense.rows import Json, PatternRow

MOST = 200  # of one performer
MINE = "my/"  # before the name of a pattern of hers, where an item names it
ATTEMPTS = 20  # writers of one performer's patterns at the same moment
LONGEST_KEY = 64
NAME_RULE = (
    f"must be 1 to {LONGEST_NAME} characters without control characters or signs that turn the "
    "line around"
)


class NoSuchPattern(Refusal):
    """A pattern is one of hers, and not archived."""

    code, status, words = "not_found", 404, "There is no such pattern of yours."


class TooManyPatterns(Refusal):
    """At most MOST are hers."""

    code, status = "too_many_patterns", 409
    words = f"You have {MOST} patterns: archive another one first."


class PatternNameTaken(Refusal):
    """Of her patterns each has a name of its own, whatever its case."""

    code, status, words = "name_taken", 409, "Another pattern of yours has this name."


class PatternChanged(Refusal):
    """A pattern is changed by whoever saw it as it is."""

    code, status = "changed_meanwhile", 409
    words = "The pattern has changed meanwhile: nothing was written."

    def __init__(self, seen: int, row: PatternRow) -> None:
        super().__init__()
        self.seen, self.row = seen, row
        about = {"patternId": row["_id"], "name": row["name"], "text": row["text"]}
        self.details = {"seen": seen, "revision": row["revision"], "pattern": about}


class WrongPattern(Refusal):
    """Its name and its text keep their rules."""

    code, status = "malformed", 400

    def __init__(self, errors: list[Json]) -> None:
        super().__init__("; ".join(f"{each['field']}: {each['rule']}" for each in errors) + ".")
        self.errors = errors
        self.details = {**errors[0], "errors": errors}


class WishedPattern(NamedTuple):
    """What one call says of a pattern; None: it stays."""

    name: str | None
    text: str | None


class PatternWriting(NamedTuple):
    """Who writes, and when."""

    performer_id: str
    by: str
    now: datetime


# --- read ----------------------------------------------------------------------------------------


def wish(body: Fields, *, is_new: bool) -> WishedPattern:
    """All that is wrong with it at once. Raises WrongPattern."""
    errors: list[Json] = []
    found: dict[str, str | None] = {"name": None, "text": None}
    for unknown in body.whole.keys() - {*found, "revision"}:
        shown = unknown if Fields.is_reference(unknown) else "body"
        errors.append({"field": shown, "rule": "there is no such field, only name, text, revision"})
    for field, check in (("name", _name), ("text", _text)):
        try:
            if is_new or field in body.whole:
                found[field] = check(body)
        except Malformed as wrong:
            errors.append({"field": wrong.field, "rule": wrong.rule})
        except InvalidPattern as wrong:
            errors.append({"field": "text", "rule": str(wrong), **wrong.details})
    if errors:
        raise WrongPattern(errors)
    return WishedPattern(found["name"], found["text"])


def seen_of(body: Fields) -> int:
    return body.integer("revision", minimum=1, maximum=MAX_AMOUNT)


def _name(body: Fields) -> str:
    said = body.text("name", maximum=LONGEST_NAME).strip()
    if not said or words.cleaned(said, maximum=LONGEST_NAME) != said:
        raise Malformed("name", NAME_RULE)
    return said


def _text(body: Fields) -> str:
    said = body.raw("text")
    if not isinstance(said, str):
        raise Malformed("text", "must be a string")
    text = said.replace("\r\n", "\n")
    reading.read(text)
    return text


def of(performer_id: str) -> list[PatternRow]:
    """Those that are not archived, by name."""
    rows: list[PatternRow] = list(collection(Pattern).find(_hers(performer_id)))
    return sorted(rows, key=lambda row: row["name_key"])


def revisions(performer_id: str) -> list[tuple[str, int]]:
    """Of those that are not archived: it differs when anything of one does."""
    rows = collection(Pattern).find(_hers(performer_id), {"revision": 1})
    return sorted((row["_id"], row["revision"]) for row in rows)


def owned(performer_id: str, pattern_id: str, session: ClientSession | None = None) -> PatternRow:
    """Raises NoSuchPattern."""
    wanted = {"_id": pattern_id, **_hers(performer_id)}
    found: PatternRow | None = collection(Pattern).find_one(wanted, session=session)
    if found is None:
        raise NoSuchPattern
    return found


def texts(
    performer_id: str, names: Iterable[str], session: ClientSession | None = None
) -> dict[str, str]:
    """Of the patterns of hers that items name (`my/…`), by those very names; what is not there is
    left out."""
    wanted = {name: name_key(name.removeprefix(MINE)) for name in names if name.startswith(MINE)}
    if not wanted:
        return {}
    hers = {"performer_id": performer_id, "name_key": {"$in": sorted({*wanted.values()})}}
    rows = collection(Pattern).find(hers, session=session)
    found = {row["name_key"]: row["text"] for row in rows}
    return {name: found[key] for name, key in wanted.items() if key in found}


def is_mine(name: str) -> bool:
    """It may name a pattern of hers; whether there is one is another question."""
    own = name.removeprefix(MINE)
    is_name = own == own.strip() and words.cleaned(own, maximum=LONGEST_NAME) == own
    return name.startswith(MINE) and bool(own) and is_name


def _hers(performer_id: str) -> Json:
    return {"performer_id": performer_id, "name_key": {"$gt": ""}}


def name_key(name: str) -> str:
    """Two names are the same when these are. What becomes too long is not cut, or two that differ
    at the end would be the same."""
    key = unicodedata.normalize("NFKC", name).casefold().strip()
    return key if len(key) <= LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()


# --- written -------------------------------------------------------------------------------------


def add(writing: PatternWriting, wished: WishedPattern) -> PatternRow:
    """Raises TooManyPatterns, PatternNameTaken."""
    name, text = wished.name or "", wished.text or ""

    def body(session: ClientSession) -> PatternRow:
        row: PatternRow = {
            "_id": ids.fresh(),
            "performer_id": writing.performer_id,
            "name": name,
            "name_key": name_key(name),
            "slot": _free_slot(writing.performer_id, session),
            "text": text,
            "revision": 1,
            "changed_at": writing.now,
            "archived_at": None,
        }
        _check_name(row, session)
        collection(Pattern).insert_one(row, session=session)
        _audited(writing, "add", None, row, session)
        return row

    return _tried(body)


def change(
    writing: PatternWriting, pattern_id: str, wished: WishedPattern, *, seen: int
) -> PatternRow:
    """Raises NoSuchPattern, PatternChanged, PatternNameTaken."""

    def body(session: ClientSession) -> PatternRow:
        row = _as_seen(writing, pattern_id, seen, session)
        name = row["name"] if wished.name is None else wished.name
        text = row["text"] if wished.text is None else wished.text
        if (name, text) == (row["name"], row["text"]):
            return row
        after: PatternRow = {**row, "name": name, "name_key": name_key(name), "text": text}
        _check_name(after, session)
        return _kept(writing, "change", row, after, session)

    return _tried(body)


def archive(writing: PatternWriting, pattern_id: str, *, seen: int) -> None:
    """Raises NoSuchPattern, PatternChanged."""

    def body(session: ClientSession) -> PatternRow:
        row = _as_seen(writing, pattern_id, seen, session)
        after: PatternRow = {**row, "name_key": "", "slot": 0, "archived_at": writing.now}
        return _kept(writing, "archive", row, after, session)

    _tried(body)


def _tried(body: Callable[[ClientSession], PatternRow]) -> PatternRow:
    """Again where another took the name or the place at the same moment: now it is seen."""
    for _ in range(ATTEMPTS - 1):
        try:
            return transactions.run(body)
        except DuplicateKeyError:
            continue
    return transactions.run(body)


def _free_slot(performer_id: str, session: ClientSession) -> int:
    held = collection(Pattern).find(_hers(performer_id), {"slot": 1}, session=session)
    taken = {row["slot"] for row in held}
    free = next((slot for slot in range(1, MOST + 1) if slot not in taken), None)
    if free is None:
        raise TooManyPatterns
    return free


def _check_name(row: PatternRow, session: ClientSession) -> None:
    alike = {"performer_id": row["performer_id"], "name_key": row["name_key"]}
    other = {**alike, "_id": {"$ne": row["_id"]}}
    if collection(Pattern).find_one(other, {"_id": 1}, session=session):
        raise PatternNameTaken


def _as_seen(
    writing: PatternWriting, pattern_id: str, seen: int, session: ClientSession
) -> PatternRow:
    row = owned(writing.performer_id, pattern_id, session)
    if row["revision"] != seen:
        raise PatternChanged(seen, row)
    return row


def _kept(
    writing: PatternWriting,
    action: str,
    before: PatternRow,
    after: PatternRow,
    session: ClientSession,
) -> PatternRow:
    """Guarded by the revision that was read."""
    after = {**after, "revision": before["revision"] + 1, "changed_at": writing.now}
    as_read = {"_id": before["_id"], "revision": before["revision"]}
    collection(Pattern).replace_one(as_read, after, session=session)
    _audited(writing, action, before, after, session)
    return after


def _audited(
    writing: PatternWriting,
    action: str,
    before: PatternRow | None,
    after: PatternRow,
    session: ClientSession,
) -> None:
    audit_log.record(
        kind="pattern",
        action=action,
        by=writing.by,
        target=after["_id"],
        lane=writing.performer_id,
        now=writing.now,
        before=_told(before, after) if before else None,
        after=_told(after, before),
        session=session,
    )


def _told(row: PatternRow, other: PatternRow | None) -> Json:
    """What is different."""
    told: Json = {"revision": row["revision"], "name": row["name"]}
    if other is None or row["text"] != other["text"]:
        told["text"] = row["text"]
    if row["archived_at"]:
        told["archived"] = True
    return told
