"""What activations come to, counted: by item and outcome, by facet, and by the minute in which the
turn of each came. Reads, beside the rows it is given, what of their tips is hers, how long they had
waited, and what is owed of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from ground.mongodb.collections import collection
from lovense.deciding.activation import LIVE, OWED_KEY, S
from lovense.deciding.shortfall import lacking, promise, tenths
from lovense.history import facets
from lovense.history.facets import FacetSums, Places
from lovense.models import Owed, OwedState
from lovense.models.hours import RANKED
from lovense.rows import ActivationRow, FacetCell, HourCell
from tips.models import Tip
from tips.queue import requests as queue

PLAYED, UNDER_WAY = "played", "under_way"
NEEDED = dict.fromkeys(
    (
        *("tip_id", "request_id", "amount", "status", "reason", "attempts", "is_measured"),
        *("promised_seconds", "delivered_seconds", "created_at", "dispatched_at", "started_at"),
        *("item.itemId", "item.title", "item.pattern", "item.drawnBy", "bridge", "toy_types"),
    ),
    1,
)


def is_test(row: ActivationRow) -> bool:
    """What no tip set off, and is not owed by one either; no statistic knows it."""
    return row["tip_id"] is None and not row["_id"].startswith(OWED_KEY)


def outcome_of(row: ActivationRow) -> str:
    """`played`: all or some of it was delivered. Else why not, as one stable word."""
    status = S(row["status"])
    if status in LIVE:
        return UNDER_WAY
    if status is S.COMPLETED or (row["delivered_seconds"] or 0) > 0:
        return PLAYED
    if status in (S.SKIPPED, S.EXPIRED) or row["reason"] == "stopped":
        return row["reason"]
    return status.value


class HourCounts:
    """Of the rows it was given so far, tests left out."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str], HourCell] = {}
        self._places: Places = {}
        self._minutes: Counter[int] = Counter()

    def add(self, given: Sequence[ActivationRow]) -> None:
        rows = [row for row in given if not is_test(row)]
        nets = _nets([row["tip_id"] for row in rows if row["tip_id"]])
        came = queue.came_at([row["request_id"] for row in rows if row["dispatched_at"]])
        owed = _owed([row["_id"] for row in rows if lacking(row)])
        for row in rows:
            brought = _brought(row, nets, owed)
            since = came.get(row["request_id"]) if row["tip_id"] else None
            self._count(row, brought, since)
            if row["tip_id"]:
                self._minutes[row["created_at"].minute] += 1

    def _count(self, row: ActivationRow, brought: Sequence[int], since: datetime | None) -> None:
        outcome = outcome_of(row)
        cell = _cell(self._cells, row.get("item") or {}, outcome)
        for name, count in zip(facets.SUMMED, brought, strict=True):
            cell[name] += count  # type: ignore[literal-required]
        wait = facets.milliseconds(since, row["started_at"] or row["dispatched_at"])
        if wait is not None:
            cell["waits"] += 1
            cell["waited_ms"] += round(wait)
        sent = row["dispatched_at"] if since else None
        place = self._places.setdefault(facets.of(row, outcome), FacetSums())
        place.count(
            brought,
            facets.milliseconds(since, sent),
            facets.milliseconds(sent, row["started_at"]),
        )

    @property
    def told(self) -> list[HourCell]:
        return [self._cells[key] for key in sorted(self._cells)]

    @property
    def facets(self) -> list[FacetCell]:
        return facets.cells(self._places)

    @property
    def minutes(self) -> list[int]:
        """Those with a tip: minute, tips, minute, tips."""
        return [n for minute in sorted(self._minutes) for n in (minute, self._minutes[minute])]

    @property
    def sums(self) -> dict[str, int]:
        return ranked(self.told)


def ranked(cells: Sequence[HourCell]) -> dict[str, int]:
    """What an hour or a day keeps of RANKED."""
    sums = Counter(dict.fromkeys(RANKED, 0))
    for cell in cells:
        sums.update({name: cell[name] for name in facets.SUMMED})  # type: ignore[literal-required]
        sums["over"] += cell["tips"] if cell["outcome"] != UNDER_WAY else 0
        sums["played"] += cell["tips"] if cell["outcome"] == PLAYED else 0
    return {f"sum_{name}": count for name, count in sums.items()}


def _brought(row: ActivationRow, nets: dict[str, int], owed: dict[str, int]) -> Sequence[int]:
    """In the order of `facets.SUMMED`; of what plays because it was owed, which had been promised
    before, its seconds alone."""
    promised, lacked = promise(row), owed.get(row["_id"], 0)
    delivered = min(promised, tenths(row["delivered_seconds"]))
    if not row["tip_id"]:
        return (0, 0, 0, 0, delivered, lacked)
    return (1, row["amount"], nets.get(row["tip_id"], 0), promised, delivered, lacked)


def _cell(cells: dict[tuple[str, str], HourCell], item: dict[str, str], outcome: str) -> HourCell:
    key = (item.get("itemId", ""), outcome)
    if key not in cells:
        cells[key] = HourCell(
            item=key[0],
            title="",
            outcome=outcome,
            tips=0,
            tokens=0,
            net=0,
            promised=0,
            delivered=0,
            owed=0,
            waits=0,
            waited_ms=0,
        )
    cells[key]["title"] = item.get("title", "") or cells[key]["title"]
    return cells[key]


def _nets(tip_ids: Sequence[str]) -> dict[str, int]:
    """What of each tip is hers, as it was recorded."""
    found = collection(Tip).find({"_id": {"$in": list(tip_ids)}}, {"net": 1}) if tip_ids else ()
    return {row["_id"]: row["net"] for row in found}


def _owed(keys: Sequence[str]) -> dict[str, int]:
    """In tenths, of what nobody has decided about."""
    wanted = {"_id": {"$in": list(keys)}, "state": OwedState.OPEN.value}
    found = collection(Owed).find(wanted, {"owed": 1}) if keys else ()
    return {row["_id"]: row["owed"] for row in found}


def each_of(minutes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Of what an hour keeps of its minutes: each with its tips."""
    return zip(minutes[::2], minutes[1::2], strict=True)
