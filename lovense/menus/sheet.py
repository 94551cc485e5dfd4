"""A menu as CSV, for spreadsheets: a line an item, a column a field. Pure.

Texts and words stand as they are, everything else as JSON. A cell that a spreadsheet would take
for a formula has an apostrophe before it, which is taken away again; so what comes back is what was
written. A word may also come as JSON."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ground import sheets
from ground.json import fields
from ground.json.fields import Malformed
from lovense.menus import content, report, transfer
from lovense.menus.matching import Item
from lovense.menus.parts import HerToys
from lovense.menus.publishing import MAXIMUM_ITEMS
from lovense.menus.report import MOST_LINES, ImportedLine
from lovense.menus.wishes import InvalidItem
from lovense.rows import Json

COLUMNS = (transfer.ID, *content.FIELDS)
TEXTS = frozenset({transfer.ID, "title", "description", "section", "pattern"})
WORDS = frozenset({"priority"})
LONGEST_CELL = 10_000
OTHER_ENCODING = "must be UTF-8: it looks like UTF-16. Save it as “CSV UTF-8”"


def decoded(file: bytes) -> str:
    """Of a file as it was saved. Raises Malformed."""
    if file[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in file[:1000]:
        raise Malformed("file", OTHER_ENCODING)
    try:
        return file.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Malformed("file", "must be UTF-8 text") from None


def written(items: Iterable[Item]) -> str:
    """As RFC 4180 has it."""
    return sheets.written(
        [COLUMNS, *([_cell(name, item[name]) for name in COLUMNS] for item in items)]
    )


def _cell(name: str, value: object) -> str:
    return str(value) if name in TEXTS | WORDS else json.dumps(value, ensure_ascii=False)


def read(text: str, toys: HerToys | None = None) -> list[ImportedLine]:
    """Each line after the first, which names the columns, is answered. Raises Malformed for what is
    no such sheet."""
    if "\x00" in text:
        raise Malformed("csv", OTHER_ENCODING)
    rows = _rows(text.removeprefix(sheets.MARK))
    names = [name.strip() for name in next(rows, [])]
    _check_columns(names)
    found, ids = list[ImportedLine](), set[str]()
    for number, row in enumerate(rows, start=2):
        if len(found) == MOST_LINES:
            return [*found, report.refused(number, ",".join(row), report.TOO_MANY)]
        if any(cell.strip() for cell in row):
            found.append(_line(number, names, row, ids, toys))
    return found


def _rows(text: str) -> Iterator[list[str]]:
    """Separated by commas; by semicolons where the first line has no comma."""
    first = text.partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    csv.field_size_limit(LONGEST_CELL)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as wrong:
        raise Malformed("csv", f"must be CSV: {wrong}") from None


def _check_columns(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or len(set(names)) != len(names) or "title" not in names:
        told = f"; not {', '.join(unknown[:5])}" if unknown else ""
        rule = f"must begin with a line of columns, each once: {', '.join(COLUMNS)}{told}"
        raise Malformed("csv", rule)


def _line(
    number: int, names: Sequence[str], row: Sequence[str], ids: set[str], toys: HerToys | None
) -> ImportedLine:
    said = ",".join(row)
    if len(ids) >= MAXIMUM_ITEMS:
        return report.refused(number, said, f"A menu has at most {MAXIMUM_ITEMS} items.")
    if len(row) > len(names):
        return report.refused(number, said, f"It has {len(row)} cells for {len(names)} columns.")
    try:
        item = transfer.item_of(_said(dict(zip(names, row, strict=False))), ids, toys)
    except InvalidItem as wrong:
        return report.broken(number, said, wrong.errors)
    except Malformed as wrong:
        return report.refused(number, said, f"{wrong.field} {wrong.rule}.")
    ids.add(item[transfer.ID])
    return report.taken(number, said, item)


def _said(cells: Mapping[str, str]) -> Json:
    """An empty cell is what is usual; of the maximum no end."""
    said: Json = {"maximum": None}
    for name, cell in cells.items():
        text = cell[1:] if cell.startswith("'") and cell[1:].startswith(sheets.FORMULA) else cell
        if name in TEXTS:
            said |= {name: text} if text or name not in ("pattern", transfer.ID) else {}
        elif text.strip():
            said[name] = _value(name, text.strip())
    return said


def _value(name: str, text: str) -> object:
    if text.lower() in ("true", "false"):  # as spreadsheets write them
        return text.lower() == "true"
    if name in WORDS and text.isalpha():
        return text.upper()
    try:
        found = fields.read(f'{{"cell":{text}}}'.encode()).whole
    except Malformed:
        found = {}
    if found.keys() != {"cell"}:
        raise Malformed(name, "must be JSON, as 10, true or a list")
    return found["cell"]
