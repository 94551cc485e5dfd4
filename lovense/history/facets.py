"""Facets: by which path, on which toys, of which kind, what a tip played and what it became, with
what it brought and how long it took; counted over the hours of a performer and of all of them.
Pure.

Every facet takes one of a few known words, whatever a page or an app reports, so that what an hour
keeps is small however much there was in it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter

from lovense.devices import toytable
from lovense.history import latencies
from lovense.menus import draws
from lovense.menus.matching import DEFAULT_ITEM
from lovense.menus.vibration import PATTERNS, VibrationKind, kind_of
from lovense.rows import ActivationRow, FacetCell, Item

NAMES = ("device", "bridge", "kind", "pattern", "outcome")
SUMMED = ("tips", "tokens", "net", "promised", "delivered", "owed")
NONE = ""  # nothing was told, or an older release did not keep it
SEVERAL, STRANGE = "several", "unknown"  # types of toys: in one run, or not in the toy table
OTHERS = "others"  # of whatever is rare where an hour or a day has very many places
MOST_PLACES = 200  # that an hour or a day keeps apart; with each outcome of the others beside them
OWN_PATTERN = "her own"
RANDOM, HANDED_OVER = "RANDOM", "EXTENSION"


def of(row: ActivationRow, outcome: str) -> tuple[str, ...]:
    """One word for each of NAMES."""
    item = row.get("item") or {}
    return (_device(row), row.get("bridge") or NONE, _kind(row, item), _pattern(item), outcome)


def _device(row: ActivationRow) -> str:
    """What was told to toys of which nobody said the type is of a strange one."""
    types = {_known(each) for each in row.get("toy_types") or ()}
    usual = STRANGE if row.get("bridge") else NONE
    return SEVERAL if len(types) > 1 else next(iter(types), usual)


def _known(toy_type: str) -> str:
    found = toytable.of(toy_type)
    return found.type if found.type in toytable.TABLE else STRANGE


def _kind(row: ActivationRow, item: Item) -> str:
    if row.get("is_measured") is False:
        return HANDED_OVER
    if item.get("itemId") == DEFAULT_ITEM:
        return DEFAULT_ITEM
    if draws.DRAWN_BY in item:
        return RANDOM
    return str(kind_of(item["pattern"]).value) if "pattern" in item else NONE


def _pattern(item: Item) -> str:
    pattern = item.get("pattern", NONE)
    if not pattern or kind_of(pattern) is VibrationKind.LEVEL:
        return NONE
    return pattern if pattern in PATTERNS else OWN_PATTERN


_SUMS, _SENT, _STARTED = map(itemgetter, ("sums", "sent", "started"))


# --- sums ----------------------------------------------------------------------------------------


class FacetSums:
    """Of one place among the facets: what it brought, and how long it took from the settlement to
    its being sent, and from there to its start, as counts."""

    __slots__ = ("sent", "started", "sums")

    def __init__(self) -> None:
        self.sums = [0] * len(SUMMED)
        self.sent, self.started = 0, 0

    def __getitem__(self, name: str) -> int:
        return self.sums[SUMMED.index(name)]

    @classmethod
    def of(cls, many: Sequence[FacetCell]) -> "FacetSums":
        """Of those of one place."""
        whole = cls()
        whole.sums = list(map(sum, zip(*map(_SUMS, many), strict=True)))
        whole.sent = latencies.together(map(_SENT, many))
        whole.started = latencies.together(map(_STARTED, many))
        return whole

    def join(self, other: "FacetSums") -> None:
        self.sums = [a + b for a, b in zip(self.sums, other.sums, strict=True)]
        self.sent += other.sent
        self.started += other.started

    def count(self, brought: Sequence[int], sent_ms: float | None, began_ms: float | None) -> None:
        """One more, in the order of SUMMED."""
        self.sums = [a + b for a, b in zip(self.sums, brought, strict=True)]
        if sent_ms is not None:
            self.sent += latencies.one(sent_ms)
        if began_ms is not None:
            self.started += latencies.one(began_ms)

    def cell(self, place: Sequence[str]) -> FacetCell:
        return FacetCell(
            of=list(place),
            sums=self.sums,
            sent=latencies.kept(self.sent),
            started=latencies.kept(self.started),
        )


Places = dict[tuple[str, ...], FacetSums]


def cells(places: Places) -> list[FacetCell]:
    kept = _bounded(places) if len(places) > MOST_PLACES else places
    return [kept[place].cell(place) for place in sorted(kept)]


def _bounded(places: Places) -> Places:
    """Those with the most tips as they are; of the others only what they became."""
    order = sorted(places, key=lambda place: (-places[place]["tips"], place))
    kept = {place: places[place] for place in order[:MOST_PLACES]}
    for place in order[MOST_PLACES:]:
        others = (*[OTHERS] * (len(NAMES) - 1), place[-1])
        kept.setdefault(others, FacetSums()).join(places[place])
    return kept


def together(many: Iterable[FacetCell]) -> Places:
    """Those of one place as one."""
    found: dict[tuple[str, ...], list[FacetCell]] = {}
    for cell in many:
        found.setdefault(tuple(cell["of"]), []).append(cell)
    return {place: FacetSums.of(each) for place, each in found.items()}


def added(many: Iterable[FacetCell]) -> list[FacetCell]:
    return cells(together(many))


def milliseconds(since: datetime | None, until: datetime | None) -> float | None:
    if since is None or until is None:
        return None
    return max(0.0, (until - since).total_seconds() * 1000)
