"""A list as its page shows it: what was asked in text and in chips, a slice of rows, what was
counted, how far was looked, and the views. Made of an address; nothing is changed here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils.http import urlencode

from adminpanel.asking import grammar, plan
from adminpanel.asking.grammar import NotUnderstood, Term
from adminpanel.asking.plan import ARCHIVE, COUNTED, CountedRows, ListPlan, Slice
from adminpanel.lists import saved
from adminpanel.lists.columns import Column, RecordList, Row
from ground.people import Role
from ground.ui.cells import ShownCell
from ground.ui.charts import words

_NOT_YET = Slice([])


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: the account's key and name, and its role."""

    owner: str
    name: str
    role: Role | None


@dataclass(frozen=True, slots=True)
class ShownProblem:
    """The text around what was not understood, and what is possible."""

    before: str
    here: str
    after: str
    words: str
    possible: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class ShownRow:
    key: str
    href: str
    cells: list[ShownCell]
    is_same_change: bool  # as the row above


@dataclass(frozen=True)
class ListPage:
    """`home`: the address of the list; `asked`: what the address says behind it."""

    records: RecordList
    asked: Mapping[str, str]
    viewer: Viewer
    home: str
    now: datetime
    limit: int = plan.PAGE

    # --- what is asked ---------------------------------------------------------------------------

    @cached_property
    def _choice(self) -> dict[str, Any]:
        return saved.choice(self.viewer.owner, self.records.name)

    @cached_property
    def _first(self) -> dict[str, Any]:
        """The view that this person sees where nothing is asked."""
        found = [] if "q" in self.asked or not self._first_key else self._views
        return next((one for one in found if one["key"] == self._first_key), {})

    @property
    def _first_key(self) -> str:
        return str(self._choice["first_view"] or self.records.first)

    @cached_property
    def query(self) -> str:
        return str(self._first.get("query", self.asked.get("q", "")))

    @cached_property
    def _understood(self) -> tuple[ListPlan | None, tuple[Term, ...], NotUnderstood | None]:
        listed = self.records.listed
        try:
            terms = grammar.parse(self.query, listed.keys)
            return plan.made(listed, terms, now=self.now), terms, None
        except NotUnderstood as wrong:
            return None, (), wrong

    @cached_property
    def plan(self) -> ListPlan | None:
        return self._understood[0]

    @cached_property
    def problem(self) -> ShownProblem | None:
        wrong = self._understood[2]
        if wrong is None:
            return None
        text, at = self.query, wrong.at
        end = at + len(text[at:].split(maxsplit=1)[0]) if text[at:].strip() else len(text)
        here = text[at : max(end, at + 1)][:60]
        sides = text[max(at - 60, 0) : at], text[at + len(here) :][:60]
        return ShownProblem(sides[0], here, sides[1], wrong.found, wrong.possible, at + 1)

    @property
    def chips(self) -> list[dict[str, str]]:
        """Each term, and the address without it."""
        terms, keys = self._understood[1], self.records.listed.keys
        return [
            {
                "words": grammar.printed_term(term, keys),
                "href": self.href(q=grammar.printed(grammar.without(terms, place), keys)),
            }
            for place, term in enumerate(terms)
        ]

    # --- columns ---------------------------------------------------------------------------------

    @cached_property
    def _names(self) -> list[str]:
        said = self.asked.get("columns", "")
        named = said.split(",") if said else self._first.get("columns") or self._choice["columns"]
        return list(named)

    @cached_property
    def columns(self) -> list[Column]:
        return self.records.chosen(self._names, self.viewer.role)

    @property
    def column_names(self) -> str:
        return ",".join(column.name for column in self.columns)

    @property
    def all_columns(self) -> list[tuple[Column, bool]]:
        return [(each, each in self.columns) for each in self.records.columns_for(self.viewer.role)]

    # --- rows ------------------------------------------------------------------------------------

    @cached_property
    def slice(self) -> Slice:
        if self.plan is None:
            return _NOT_YET
        place = {name: self.asked.get(name, "") for name in ("after", "before")}
        return plan.slice_of(self.plan, **place, limit=self.limit)

    @property
    def rows(self) -> Iterator[ShownRow]:
        found, above = self.slice.rows, None
        seen = self.records.look_up(found) if found else None
        for row in found:
            change = self.records.change(row)
            yield self._row(row, seen, is_same_change=change == above)
            above = change

    def _row(self, row: Row, seen: Any, *, is_same_change: bool) -> ShownRow:
        cells = [column.cell(row, seen) for column in self.columns]
        key = self.records.listed.name_of(row)
        return ShownRow(key, self.records.opens(row), cells, is_same_change)

    @cached_property
    def count_words(self) -> str:
        if self.plan is None:
            return ""
        found = self._count
        if found.number > COUNTED:
            return f"more than {words(COUNTED)} {self.records.nouns[1]}"
        if not (found.number or found.is_all):
            return f"No {self.records.nouns[1]} so far"
        least = "" if found.is_all else "at least "
        return f"{least}{words(found.number)} {self.records.nouns[found.number != 1]}"

    @property
    def empty_words(self) -> str:
        """Of a place that is empty as it should be, its own words; else that nothing matches."""
        calm = {view.query: view.calm for view in self.records.views if view.calm}
        usual = f"No {self.records.nouns[0]} matches. Take a term away, or look further back."
        return calm.get(self.query.strip(), usual)

    @property
    def _count(self) -> CountedRows:
        """What is on the page, where that is all; else it is counted, as far as one looks at first,
        where looking is needed."""
        assert self.plan is not None
        first, looked = not (self.asked.get("after") or self.asked.get("before")), self.slice
        shown = len(looked.rows)
        if first and not looked.older:
            return CountedRows(shown, looked.gave_up is None)
        found = plan.count(self.plan)
        return found._replace(number=max(found.number, shown))

    # --- how far, and on from there --------------------------------------------------------------

    @property
    def is_newest(self) -> bool:
        return not self.slice.newer

    @property
    def newer(self) -> str:
        return self.href(before=self.slice.newer) if self.slice.newer else ""

    @property
    def older(self) -> str:
        return self.href(after=self.slice.older) if self.slice.older else ""

    @property
    def gave_up(self) -> dict[str, Any] | None:
        end, is_back = self.slice.gave_up, self.slice.is_back
        if end is None:
            return None
        on = plan.cursor_of(self.records.listed, end)
        return {
            "title": f"Looked {'on' if is_back else 'back'} to {_moment(end.moment)}",
            "words": f"More may be found {'after' if is_back else 'behind'} it.",
            "href": self.href(before=on) if is_back else self.href(after=on),
        }

    @property
    def bound(self) -> dict[str, str] | None:
        """Where a question without a bound of its own ends."""
        if self.plan is None or not self.plan.is_bounded or self.plan.since is None:
            return None
        wider = f"{self.query} {ARCHIVE}:yes".strip()
        return {"words": _moment(self.plan.since), "href": self.href(q=wider)}

    @property
    def news(self) -> str:
        """Asks how many are newer than these; of none, than the last that was looked at."""
        if self.plan is None or not self.is_newest:
            return ""
        listed, looked = self.records.listed, self.slice
        top = plan.place_of(listed, looked.rows[0]) if looked.rows else looked.gave_up
        return self.href(since=plan.cursor_of(listed, top) if top else "", at="/news")

    @property
    def files(self) -> list[dict[str, str]]:
        def to(form: str, **more: str) -> str:
            return self.href(format=form, **more, at="/export")

        return [
            {"words": "CSV", "icon": "download", "href": to("csv")},
            {"words": "CSV for Excel", "icon": "download", "href": to("csv", mark="1")},
            {"words": "JSON lines", "icon": "download", "href": to("jsonl")},
        ]

    def href(self, *, at: str = "", **changes: str) -> str:
        """This list with other values; what only says where in it one was is left out."""
        kept = {"q": self.query, "columns": self.asked.get("columns", "")}
        said = {name: value for name, value in {**kept, **changes}.items() if value or name == "q"}
        return f"{self.home}{at}?{urlencode(said)}"

    # --- views -----------------------------------------------------------------------------------

    @cached_property
    def _views(self) -> list[dict[str, Any]]:
        shipped = [
            {"key": each.key, "name": each.name, "query": each.query.format(me=self.viewer.name)}
            for each in self.records.views
        ]
        kept = saved.views(self.viewer.owner, self.records.name)
        return [*shipped, *({**row, "key": row["_id"]} for row in kept)]

    @cached_property
    def views(self) -> list[dict[str, Any]]:
        """As chips: where each leads, and whether it is shown now."""
        return [self._view(view) for view in self._views]

    def _view(self, view: Mapping[str, Any]) -> dict[str, Any]:
        named: Sequence[str] = view.get("columns") or ()
        columns = ",".join(named)
        is_on = view["query"] == self.query and (not columns or columns == self.column_names)
        return {
            "key": view["key"],
            "words": view["name"],
            "href": f"{self.home}?{urlencode({'q': view['query'], **_if('columns', columns)})}",
            "on": is_on,
            "is_mine": view.get("owner") == self.viewer.owner,
            "is_shared": bool(view.get("is_shared")),
            "is_first": view["key"] == self._first_key,
        }


def _if(name: str, value: str) -> dict[str, str]:
    return {name: value} if value else {}


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%b} {moment:%H:%M} UTC"
