"""How a question is answered: by the index that finds the fewest, and a bounded look at the rest.
What is answered says how far it looked. Reads only.

Rows are in the order of time, and a slice goes on from a row; nothing is skipped over or counted
to its end. A place is the key of a row, signed: one that was made up, or is of another list, or of
a row that is gone, begins anew and says so."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from bson import ObjectId
from bson.errors import InvalidId
from django.core.signing import BadSignature, Signer
from django.db.models import Model
from pymongo.collection import Collection

from adminpanel.asking.grammar import WORDS, NotUnderstood, Term
from adminpanel.asking.kinds import (
    Day,
    Key,
    Moment,
    NoSuchValue,
    OneOf,
    Statement,
    day_of,
    moment_of,
)
from ground import clock
from ground.mongodb.collections import collection
from tips.models import EPOCH

PAGE, MOST_ON_A_PAGE = 50, 200
# How many rows a question reads to find those of one page: the first time, so that it is answered
# at once, and whenever one goes on from there. By the keys of an index, where they tell what is
# asked; else by documents, which cost more.
NEAR, LOOKED_AT = 2_000, 50_000
NEAR_IN_FULL, LOOKED_AT_IN_FULL = 150, 5_000
COUNTED = 1_000  # more than these are "more than"
BACK = timedelta(days=90)  # without a bound of its own a question goes no further
READ_AT_ONCE = 1_000
NEWEST, OLDEST = -1, 1
SEPARATOR = "/"
SINCE, BEFORE, ON, ARCHIVE = "since", "before", "on", "archive"


def _of_time(name: str, kind: Any, says: str) -> Key:
    return Key(name, kind, says, may_be_negated=False, is_single=True)


# Of every list.
TIMES = (
    _of_time(SINCE, Moment(), "Not before then"),
    _of_time(BEFORE, Moment(), "Before then"),
    _of_time(ON, Day(), "On that day"),
    _of_time(ARCHIVE, OneOf(("yes",)), "However old it is"),
)


@dataclass(frozen=True)
class Listed:
    """What is asked: the rows of a model. `moment` is what orders them, `by_time` the index of it
    alone, `words` finds exact words, `key_of` reads a row's key from a text, `leaves_out` are
    columns that no list shows. `named_by`: fields that name a row where its key is shown to
    nobody, and whose moment moves; `only`: which rows are part of it; `back`: a question without a
    bound of its own goes no further; None: it goes to the first row."""

    name: str
    model: type[Model]
    keys: Mapping[str, Key]
    moment: str
    by_time: str
    words: Any
    key_of: Callable[[str], Any] = ObjectId
    leaves_out: tuple[str, ...] = ()
    named_by: tuple[str, ...] = ()
    only: Statement = field(default_factory=dict)
    back: timedelta | None = BACK

    def name_of(self, row: Mapping[str, Any]) -> str:
        """As it is told to people."""
        return SEPARATOR.join(str(row[each]) for each in self.named_by or ("_id",))

    def where_named(self, name: str) -> Statement:
        """Raises InvalidId or ValueError where it is the name of no row."""
        if not self.named_by:
            return {"_id": self.key_of(name)}
        return dict(zip(self.named_by, name.split(SEPARATOR, len(self.named_by) - 1), strict=True))

    @property
    def shape_of_a_place(self) -> dict[str, int]:
        return dict.fromkeys((self.moment, *self.named_by), 1)

    @property
    def fields(self) -> dict[str, int] | None:
        return dict.fromkeys(self.leaves_out, 0) or None


class ListPlace(NamedTuple):
    """Where a row stands among the others."""

    moment: datetime
    key: Any
    name: str


@dataclass(frozen=True, slots=True)
class ListPlan:
    """`where` is answered by `index`, in the order of time, each of the `ways` into it apart;
    `rest` is looked at. `since`: no older ones are among them; `is_bounded`: because nothing was
    said of it."""

    listed: Listed
    index: str
    where: Statement
    ways: tuple[Statement, ...]
    rest: tuple[Statement, ...]
    since: datetime | None
    is_bounded: bool

    @property
    def rows(self) -> Collection[Any]:
        return collection(self.listed.model)

    @property
    def reaches(self) -> tuple[int, int]:
        """How far is looked, the first time and then."""
        meta = self.listed.model._meta
        columns = {field.name: field.column for field in meta.fields}
        index = next(each for each in meta.indexes if each.name == self.index)
        told = {columns[name] for name, _ in index.fields_orders}
        if _asked_of(self.rest) <= told:
            return min(NEAR, LOOKED_AT), LOOKED_AT
        return NEAR_IN_FULL, LOOKED_AT_IN_FULL


def _asked_of(said: Any) -> set[str]:
    """The columns that statements name."""
    if isinstance(said, Mapping):
        named = {name for name in said if not name.startswith("$")}
        return named.union(*(_asked_of(said[name]) for name in said if name.startswith("$")))
    return set[str]().union(*map(_asked_of, said)) if isinstance(said, list | tuple) else set()


class Slice(NamedTuple):
    """Newest first. `newer` and `older` are places, empty at an end. `gave_up`: the last row that
    was looked at, where more may be found behind it, or, where the look went towards the newest
    (`is_back`), before it; `is_lost`: the place that was asked for is none."""

    rows: list[dict[str, Any]]
    newer: str = ""
    older: str = ""
    gave_up: ListPlace | None = None
    is_lost: bool = False
    is_back: bool = False


# --- the plan ------------------------------------------------------------------------------------


def made(
    listed: Listed, terms: Sequence[Term], *, now: datetime, is_of_now: bool = False
) -> ListPlan:
    """`is_of_now`: without what comes later. Raises NotUnderstood where a value names nothing."""
    since, until, is_bounded = _bounds(listed, terms, now)
    until = min(until or now, now) if is_of_now else until
    time = _time(listed, since, until)
    asked = [term for term in terms if not _is_of_time(term)]
    statements = {place: _statement(listed, term) for place, term in enumerate(asked)}
    able = {
        place: ways
        for place, term in enumerate(asked)
        if (ways := _ways(listed, term, statements[place]))
    }
    first = _most_selective(listed, asked, able, time)
    index, ways = (
        (listed.by_time, ({},))
        if first is None
        else (listed.keys[asked[first].key].index, able[first])
    )
    rest = tuple(said for place, said in statements.items() if place != first)
    return ListPlan(listed, index, {**listed.only, **time}, ways, rest, since, is_bounded)


def _is_of_time(term: Term) -> bool:
    return term.key in {key.name for key in TIMES}


def _bounds(
    listed: Listed, terms: Sequence[Term], now: datetime
) -> tuple[datetime | None, datetime | None, bool]:
    since, until = list[datetime](), list[datetime]()
    for term in terms:
        value: Any = term.values[0]
        if term.key == SINCE:
            since.append(moment_of(value, now))
        elif term.key == BEFORE:
            until.append(moment_of(value, now))
        elif term.key == ON:
            begin, end = day_of(value, now)
            since.append(begin)
            until.append(end)
    if listed.back and not since and all(term.key != ARCHIVE for term in terms):
        return clock.before(min([now, *until]), listed.back), min(until, default=None), True
    return max(since, default=None), min(until, default=None), False


def _time(listed: Listed, since: datetime | None, until: datetime | None) -> Statement:
    bounds = {"$gte": since, "$lt": until}
    said = {name: bound for name, bound in bounds.items() if bound}
    if not said and listed.back:  # with no bound at all the index's keys would tell nothing
        said = {"$gte": EPOCH}
    return {listed.moment: said} if said else {}


def _statement(listed: Listed, term: Term) -> Statement:
    where: Any = listed.words if term.key == WORDS else listed.keys[term.key].where
    try:
        found: Statement = where(term.values)
    except NoSuchValue as nothing:
        raise NotUnderstood(term.at, str(nothing), ("another value",)) from None
    return {"$nor": [found]} if term.is_not else found


def _ways(listed: Listed, term: Term, said: Statement) -> tuple[Statement, ...]:
    if term.key == WORDS:
        return ()
    return listed.keys[term.key].ways(said, term.values, is_not=term.is_not)


def _most_selective(
    listed: Listed,
    terms: Sequence[Term],
    able: Mapping[int, Sequence[Statement]],
    time: Statement,
) -> int | None:
    """Of those that an index answers the one that finds the fewest, counted no further than it
    matters; of like ones the first of the list's keys."""
    order = list(listed.keys)
    places = sorted(able, key=lambda place: order.index(terms[place].key))
    if len(places) < 2:
        return places[0] if places else None

    def found(place: int) -> int:
        where = {"$or": [{**listed.only, **way, **time} for way in able[place]]}
        index = listed.keys[terms[place].key].index
        return collection(listed.model).count_documents(where, hint=index, limit=COUNTED + 1)

    return min(places, key=found)


# --- a slice -------------------------------------------------------------------------------------


def slice_of(plan: ListPlan, *, after: str = "", before: str = "", limit: int = PAGE) -> Slice:
    """The newest, or those that follow a place, or that come before one."""
    place = _read(plan.listed, after or before)
    is_lost = bool(after or before) and place is None
    if place is not None and not after:
        if found := _newer(plan, place, limit):
            return found
        place = None
    reaches = plan.reaches if after or before else plan.reaches[:1]
    return _older(plan, place, limit, reaches)._replace(is_lost=is_lost)


def _newer(plan: ListPlan, place: ListPlace, limit: int) -> Slice | None:
    """None: there are none, or, where nothing has to be looked at, not as many as a slice has."""
    end = _end(plan, place, OLDEST, reach=plan.reaches[1])
    found = _found(plan, place, OLDEST, limit, end)
    rows = found[:limit][::-1]
    if len(found) > limit:
        return Slice(rows, _written(plan.listed, rows[0]), _written(plan.listed, rows[-1]))
    if end is None and not (rows and plan.rest):
        return None
    newer = cursor_of(plan.listed, end) if end else ""
    older = _written(plan.listed, rows[-1]) if rows else newer
    return Slice(rows, newer, older, gave_up=end, is_back=True)


def _older(plan: ListPlan, place: ListPlace | None, limit: int, reaches: Sequence[int]) -> Slice:
    for reach in reaches:
        end = _end(plan, place, NEWEST, reach=reach)
        rows = _found(plan, place, NEWEST, limit, end)
        if end is None or len(rows) > limit:
            break
    newer = _before(plan, place, rows) if place else ""
    if len(rows) > limit:
        return Slice(rows[:limit], newer, _written(plan.listed, rows[limit - 1]))
    return Slice(rows, newer, gave_up=end)


def _before(plan: ListPlan, place: ListPlace, rows: Sequence[Mapping[str, Any]]) -> str:
    """The way back from what follows a place, which is itself on the way."""
    if rows:
        return _written(plan.listed, rows[0])
    behind = _keys(plan, _from(plan, place, NEWEST, is_past=True), NEWEST, limit=1)
    return cursor_of(plan.listed, behind[0] if behind else place)


class CountedRows(NamedTuple):
    """`is_all`: nothing is behind those that were looked at."""

    number: int
    is_all: bool


def count(plan: ListPlan) -> CountedRows:
    """How many there are, as far as the first slice looks; COUNTED + 1: more than those."""
    end = _end(plan, None, NEWEST, reach=plan.reaches[0])
    where = _within(plan, None, NEWEST, end)
    found = plan.rows.count_documents(where, hint=plan.index, limit=COUNTED + 1)
    return CountedRows(found, end is None)


def newer_than(plan: ListPlan, cursor: str) -> int:
    """How many have come since, of those that a first look finds; no cursor: all of these."""
    place = _read(plan.listed, cursor)
    if cursor and place is None:
        return 0
    last = _end(plan, None, NEWEST, reach=plan.reaches[0])
    where = _all(plan, *_beyond(plan, place, OLDEST), *_up_to(plan, last, NEWEST), *plan.rest)
    return plan.rows.count_documents(where, hint=plan.index, limit=MOST_ON_A_PAGE)


def every(plan: ListPlan, *, most: int) -> Iterator[dict[str, Any]]:
    """Of the newest so many rows those that are asked for: for a file, which takes its time and no
    memory."""
    shown = [{"$project": plan.listed.fields}] if plan.listed.fields else []
    return iter(
        plan.rows.aggregate(
            [*_looked_at(plan, most), *shown], hint=plan.index, batchSize=READ_AT_ONCE
        )
    )


def count_every(plan: ListPlan, *, most: int) -> int:
    counted = plan.rows.aggregate([*_looked_at(plan, most), {"$count": "rows"}], hint=plan.index)
    return next((int(found["rows"]) for found in counted), 0)


def has_more(plan: ListPlan, *, most: int) -> bool:
    """Whether there are more rows than `every` looks at."""
    return plan.rows.count_documents(_all(plan), hint=plan.index, limit=most + 1) > most


def cursor_of(listed: Listed, place: ListPlace) -> str:
    moved = f"{clock.iso(place.moment)} " if listed.named_by else ""
    return _signer(listed).sign(f"{moved}{place.name}")


# --- the statements ------------------------------------------------------------------------------


def _found(
    plan: ListPlan, place: ListPlace | None, way: int, limit: int, end: ListPlace | None
) -> list[dict[str, Any]]:
    where = _within(plan, place, way, end)
    found = plan.rows.find(where, plan.listed.fields).sort(_order(plan, way)).hint(plan.index)
    return list(found.limit(limit + 1))


def _end(plan: ListPlan, place: ListPlace | None, way: int, *, reach: int) -> ListPlace | None:
    """The last of so many rows that are looked at, and of all of its moment, where there are more
    behind it: told by the index's keys alone. None where nothing has to be looked at."""
    if not plan.rest:
        return None
    near = {"skip": reach - 1, "limit": 2}
    rows = _keys(plan, _from(plan, place, way), way, **near)
    if place and rows and rows[0].moment == place.moment:  # as many of one moment
        rows = _keys(plan, _from(plan, place, way, is_past=True), way, **near)
    if len(rows) < 2 or rows[0].moment != rows[1].moment:
        return rows[0] if len(rows) == 2 else None
    last = _keys(plan, _all(plan, {plan.listed.moment: rows[0].moment}), -way, limit=1)[0]
    return last if _keys(plan, _from(plan, last, way, is_past=True), way, limit=1) else None


def _keys(plan: ListPlan, where: Statement, way: int, **how: int) -> list[ListPlace]:
    found = plan.rows.find(where, plan.listed.shape_of_a_place, hint=plan.index, **how)
    return [place_of(plan.listed, row) for row in found.sort(_order(plan, way))]


def _within(plan: ListPlan, place: ListPlace | None, way: int, end: ListPlace | None) -> Statement:
    """Beyond the place, up to the end, and what has to be looked at."""
    return _all(plan, *_beyond(plan, place, way), *_up_to(plan, end, way), *plan.rest)


def _up_to(plan: ListPlan, end: ListPlace | None, way: int) -> list[Statement]:
    than = "$gte" if way == NEWEST else "$lte"
    return [{plan.listed.moment: {than: end.moment}}] if end else []


def _from(plan: ListPlan, place: ListPlace | None, way: int, *, is_past: bool = False) -> Statement:
    """From the moment of the place on, whatever else is of that moment, or past all of it: keys
    alone tell it."""
    than = f"{'$lt' if way == NEWEST else '$gt'}{'' if is_past else 'e'}"
    return _all(plan, {plan.listed.moment: {than: place.moment}} if place else {})


def _beyond(plan: ListPlan, place: ListPlace | None, way: int) -> list[Statement]:
    """Of the rows of that very moment those behind it: the index is entered at the moment."""
    if place is None:
        return []
    moment, than = plan.listed.moment, "$lt" if way == NEWEST else "$gt"
    behind = [{moment: {than: place.moment}}, {moment: place.moment, "_id": {than: place.key}}]
    return [{moment: {f"{than}e": place.moment}}, {"$or": behind}]


def _all(plan: ListPlan, *parts: Statement) -> Statement:
    """All of it of each way into the index, so that each is read in order and from its keys."""
    found = [{"$and": [{**plan.where, **way}, *parts]} for way in plan.ways]
    return found[0] if len(found) == 1 else {"$or": found}


def _looked_at(plan: ListPlan, most: int) -> list[Statement]:
    order: Statement = {"$sort": dict(_order(plan, NEWEST))}
    rest = [{"$match": {"$and": list(plan.rest)}}] if plan.rest else []
    return [{"$match": _all(plan)}, order, {"$limit": most}, *rest]


def _order(plan: ListPlan, way: int) -> list[tuple[str, int]]:
    return [(plan.listed.moment, way), ("_id", way)]


# --- places --------------------------------------------------------------------------------------


def _read(listed: Listed, cursor: str) -> ListPlace | None:
    """None: it is none of this list, or its row is gone."""
    if not cursor:
        return None
    try:
        said = _signer(listed).unsign(cursor)
        moment, _, name = said.partition(" ") if listed.named_by else ("", "", said)
        named, at = listed.where_named(name), clock.parse(moment) if moment else None
    except (BadSignature, InvalidId, ValueError):
        return None
    row = collection(listed.model).find_one(named, listed.shape_of_a_place)
    found = place_of(listed, row) if row else None
    return found._replace(moment=at) if found and at else found


def _written(listed: Listed, row: Mapping[str, Any]) -> str:
    return cursor_of(listed, place_of(listed, row))


def place_of(listed: Listed, row: Mapping[str, Any]) -> ListPlace:
    return ListPlace(row[listed.moment], row["_id"], listed.name_of(row))


def _signer(listed: Listed) -> Signer:
    return Signer(salt=f"place.{listed.name}")
