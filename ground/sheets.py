"""Tables as CSV (RFC 4180) for spreadsheets: what a cell may be, and how lines are written."""

import csv
import io
from collections.abc import Iterable, Sequence

# What a spreadsheet takes for a formula; and the guard itself, so that it can be taken away again.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
MARK = "\ufeff"  # by which spreadsheets know UTF-8
Cell = str | int | float


def guarded(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def written(rows: Iterable[Sequence[Cell]]) -> str:
    """Lines of guarded cells."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\r\n")
    writer.writerows([guarded(c) if isinstance(c, str) else c for c in row] for row in rows)
    return made.getvalue()
