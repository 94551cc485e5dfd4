"""A list as a file: what the query finds and nothing more, the columns of who asks, a part at a
time and in no memory. Before its first row an entry of the audit log says who took it, of what, and
how many rows there are."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any

from django.http import StreamingHttpResponse

from adminpanel.asking import plan
from adminpanel.asking.grammar import parse, printed
from adminpanel.asking.plan import ListPlan
from adminpanel.lists.columns import Column, RecordList
from ground.audit import log as audit_log
from ground.people import Role
from ground.sheets import MARK, Cell, written

MOST_ROWS = 1_000_000
AT_ONCE = 1_000
ID = "id"


class Form(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


TYPES = {Form.CSV: "text/csv; charset=utf-8", Form.JSONL: "application/jsonl; charset=utf-8"}
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Export:
    """`by` asks for `query`; `role` says which columns there are, `shown` those of the page."""

    records: RecordList
    query: str
    form: Form
    by: str
    role: Role
    now: datetime
    shown: Sequence[str] = ()
    has_mark: bool = False

    @property
    def file_name(self) -> str:
        return f"{self.records.name}.{self.form}"

    @property
    def columns(self) -> list[Column]:
        """Support gets what its page shows; who audits everything."""
        records, role = self.records, self.role
        is_of_page = role is Role.SUPPORT
        found = records.chosen(self.shown, role) if is_of_page else records.columns_for(role)
        return [each for each in found if not each.is_of_now]


def lines(export: Export) -> Iterator[str]:
    """Text of some lines at a time, recorded before there is any. What happens meanwhile is not in
    it: the rows are those of the moment it was asked for. Raises NotUnderstood."""
    listed = export.records.listed
    terms = parse(export.query, listed.keys)
    found = plan.made(listed, terms, now=export.now, is_of_now=True)
    _record(export, printed(terms, listed.keys), plan.count_every(found, most=MOST_ROWS))
    return _lines(export, found)


def answer(export: Export) -> StreamingHttpResponse:
    """As it is read."""
    told = StreamingHttpResponse(lines(export), content_type=TYPES[export.form])
    told["Content-Disposition"] = f'attachment; filename="{export.file_name}"'
    told["Cache-Control"] = "private, no-store"
    return told


def _lines(export: Export, found: ListPlan) -> Iterator[str]:
    """1. the head · 2. rows · 3. that they were not all."""
    if export.form is Form.CSV:
        names = [ID, *(column.name for column in export.columns)]
        yield (MARK if export.has_mark else "") + written([names])
    write, columns = _WRITERS[export.form], export.columns
    looked_at = plan.every(found, most=MOST_ROWS)
    while part := list(islice(looked_at, AT_ONCE)):
        yield "".join(write([_cells(export.records, row, columns) for row in part]))
    if plan.has_more(found, most=MOST_ROWS):
        yield "".join(write([{ID: f"Only the newest {MOST_ROWS} rows were looked through."}]))


def _record(export: Export, query: str, rows: int) -> None:
    told = {"query": query, "format": export.form.value, "rows": rows}
    audit_log.record(
        kind="export",
        action="export",
        by=export.by,
        target=export.records.name,
        after=told,
        now=export.now,
    )


def _cells(records: RecordList, row: Row, columns: Sequence[Column]) -> dict[str, Cell]:
    told = {column.name: column.text(row) for column in columns}
    return {ID: records.listed.name_of(row), **told}


def _csv(rows: Sequence[Mapping[str, Cell]]) -> Iterator[str]:
    yield written([list(row.values()) for row in rows])


def _json_lines(rows: Sequence[Mapping[str, Cell]]) -> Iterator[str]:
    return (f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


_WRITERS: dict[Form, Callable[[Sequence[Mapping[str, Cell]]], Iterator[str]]] = {
    Form.CSV: _csv,
    Form.JSONL: _json_lines,
}
