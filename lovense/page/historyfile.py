"""Her history as CSV, for spreadsheets: the rows that the same address shows, all of them, a part
at a time. Nothing is changed here.

Cells that a spreadsheet would take for formulas are guarded, and the file begins with the mark by
which spreadsheets know UTF-8."""

from collections.abc import Iterator, Mapping
from itertools import islice
from zoneinfo import ZoneInfo

from ground.sheets import MARK, Cell, written
from lovense.deciding.shortfall import TENTHS
from lovense.history import browsing
from lovense.models import Activation, OwedState, Performer
from lovense.owed import listing
from lovense.page import days, historyform, historypage, outcome, shownshow
from lovense.rows import OwedRow

MOST_ROWS = 200_000
AT_ONCE = 500
COLUMNS = (
    *("day", "time", "viewer", "kind", "tokens", "item", "outcome", "what became of it"),
    *("seconds promised", "seconds delivered", "seconds owed", "run"),
)


def lines(performer: Performer, query: Mapping[str, str]) -> Iterator[str]:
    """Text of some lines at a time. At most MOST_ROWS rows are looked through; where there are more
    of them, the last line says so."""
    zone = days.zone_of(performer)
    wanted = shownshow.narrowed(historyform.read(query, zone), performer.performer_id).filter
    yield MARK + written([COLUMNS])
    found = browsing.every(performer.performer_id, wanted, most=MOST_ROWS)
    while part := list(islice(found, AT_ONCE)):
        owed = listing.of([row.pk for row in part if outcome.may_owe(row)])
        yield written([_cells(row, owed.get(row.pk), zone) for row in part])
    if browsing.has_more(performer.performer_id, wanted, most=MOST_ROWS):
        yield written([[f"Only your newest {MOST_ROWS} were looked through: ask for fewer days."]])


def _cells(row: Activation, owed: OwedRow | None, zone: ZoneInfo) -> list[Cell]:
    local, became = row.created_at.astimezone(zone), outcome.of(row)
    delivered: Cell = "" if row.delivered_seconds is None else row.delivered_seconds
    is_open = owed is not None and owed["state"] == OwedState.OPEN
    return [
        f"{local:%Y-%m-%d}",
        f"{local:%H:%M:%S}",
        row.tipper_name,
        "Tip" if row.tip_id else historypage.kind_of(row),
        row.amount,
        row.item["title"] if row.item else "",
        became.word,
        became.text,
        row.promised_seconds,
        delivered,
        owed["owed"] / TENTHS if owed is not None and is_open else 0,
        row.pk,
    ]
