"""Lint: what of a menu will surprise somebody, before it is published. Pure.

Each finding has a code, a severity, its items, the smallest amount that shows it, a sentence, and,
where there is one, a fix: changes of the draft that make it go and bring no other
(`lovense/menus/fixes.py`). What an item does on her devices is asked of whoever knows them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from lovense.menus import parts, ruler
from lovense.menus.compiler import LOWERED, NOTES, SHORTENED
from lovense.menus.matching import SHOWS, Item, may_be_closed
from lovense.menus.ruler import Interval

ERROR, WARNING, NOTE = "error", "warning", "note"
GAP, OVERLAP, UNREACHABLE, INVERSION = "gap", "overlap", "unreachable", "price_inversion"
CANNOT, OVER_CAP, ALTERED = "device_cannot", "over_cap", "altered"
SAME_PRICE, STUCK = "same_price", "stuck"
CODES = (GAP, OVERLAP, UNREACHABLE, INVERSION, CANNOT, OVER_CAP, ALTERED, SAME_PRICE, STUCK)
_CAPS = (LOWERED, SHORTENED)
_OF_AMOUNTS, _OF_TWO = (GAP, STUCK), (OVERLAP, SAME_PRICE)
_RANK = {ERROR: 0, WARNING: 1, NOTE: 2}


class Look(NamedTuple):
    """What an item does on her devices. `able`: by toy the nickname of those that play it;
    `unable`: by nickname why not; `notes`: what is not as it was asked. Of what is drawn at random
    effect and seconds are means, `longest` the most seconds and `bounds` its ends in words."""

    effect: float
    seconds: int
    notes: tuple[str, ...]
    able: Mapping[str, str]
    unable: Mapping[str, str]
    longest: int | None = None
    bounds: str = ""

    @property
    def said(self) -> str:
        """How much it is, for people."""
        told = f"{self.effect:g} in {self.seconds} s"
        return f"{told} on average, {self.bounds}" if self.bounds else told

    @property
    def key(self) -> tuple[float, int]:
        """How it is compared: more of it, then longer."""
        return self.effect, self.seconds


Looker = Callable[[Item], Look]
FindingKey = tuple[str, str, int]


class MenuFinding(NamedTuple):
    """`items`: the ids of those it is about, the one to change first. `until`: where a range of
    amounts shows it, its end."""

    code: str
    severity: str
    items: tuple[str, ...]
    amount: int
    until: int | None
    text: str
    show: str = ""  # where it is of one show alone

    @property
    def key(self) -> FindingKey:
        """Two findings are the same when these are: of an item by the item, of two by both, of
        amounts by the first."""
        if self.code in _OF_AMOUNTS:
            return self.code, self.show, self.amount
        return self.code, ".".join(self.items if self.code in _OF_TWO else self.items[:1]), 0


@dataclass(frozen=True)
class Linted:
    """A menu that is looked at: whole items with their places. `least`: the smallest amount that is
    answered at all; `default`: what answers where no item does."""

    items: Sequence[Item]
    look: Looker
    least: int = 1
    default: Item | None = None
    looks: dict[int, tuple[Item, Look]] = field(default_factory=dict)

    @cached_property
    def found(self) -> list[MenuFinding]:
        """At each amount that shows it."""
        return [
            *self._same_prices(),
            *self._unreachable(),
            *self._overlaps(),
            *self._gaps(),
            *self._of_items(),
            *self._inversions(),
            *self._stuck(),
        ]

    @cached_property
    def findings(self) -> list[MenuFinding]:
        """Each once, at its smallest amount; the worst first, then by amount."""
        unique = {each.key: each for each in reversed(self.found)}
        return sorted(unique.values(), key=lambda each: (_RANK[each.severity], each.amount))

    def seen(self, item: Item) -> Look:
        """Asked once for an item, however often the menu around it is changed."""
        kept = self.looks.get(id(item))
        if kept is None:
            kept = self.looks[id(item)] = item, self.look(item)
        return kept[1]

    # --- what answers ----------------------------------------------------------------------------

    @cached_property
    def active(self) -> list[Item]:
        return [item for item in self.items if item.get("active", True)]

    @cached_property
    def shows(self) -> tuple[str, ...]:
        """One stands for all while no item is of some shows alone."""
        return SHOWS if any(item.get("shows") for item in self.active) else SHOWS[:1]

    @cached_property
    def answering(self) -> dict[str, list[Item]]:
        return {show: ruler.answering(self.items, show) for show in self.shows}

    @cached_property
    def swept(self) -> dict[str, list[ruler.Swept]]:
        return {show: ruler.swept(self.items, self.least, show=show) for show in self.shows}

    def intervals(self, show: str) -> list[Interval]:
        return [each.interval for each in self.swept[show]]

    @cached_property
    def joined(self) -> dict[str, list[Interval]]:
        """The ruler: by show the intervals, those that are answered alike as one."""
        return {show: ruler.joined(self.intervals(show), self.default) for show in self.shows}

    @cached_property
    def cheapest(self) -> dict[str, tuple[int, str]]:
        """By item the smallest amount that reaches it, in whichever show."""
        found: dict[str, tuple[int, str]] = {}
        for show in self.shows:
            for item_id, amount in ruler.cheapest(self.intervals(show)).items():
                found[item_id] = min(found.get(item_id, (amount, show)), (amount, show))
        return found

    def _in(self, show: str) -> str:
        return f" in a {show} show" if len(self.shows) > 1 else ""

    def _show(self, show: str) -> str:
        return show if len(self.shows) > 1 else ""

    # --- between items ---------------------------------------------------------------------------

    def _same_prices(self) -> Iterator[MenuFinding]:
        for show in self.shows:
            exact: dict[int, list[Item]] = {}
            for item in self.answering[show]:
                if item["minimum"] == item["maximum"]:
                    exact.setdefault(item["minimum"], []).append(item)
            for amount, items in exact.items():
                for late in items[1:]:
                    text = f"{_names(items[0], late)} both answer exactly {amount} tokens"
                    ids = late["itemId"], items[0]["itemId"]
                    text += f"{self._in(show)}; the second of them never does."
                    yield MenuFinding(
                        SAME_PRICE, ERROR, ids, amount, amount, text, self._show(show)
                    )

    @cached_property
    def doubled(self) -> set[str]:
        return {each.items[0] for each in self._same_prices()}

    def _unreachable(self) -> Iterator[MenuFinding]:
        for item in self.active:
            if item["itemId"] in self.cheapest or item["itemId"] in self.doubled:
                continue
            is_low = ruler.high_of(item) < self.least
            why = (
                f"tips below {self.least} do nothing"
                if is_low
                else "a narrower item, or one that stands before it, answers each of its amounts"
            )
            text = f"No amount reaches {_name(item)}: {why}."
            ids = (item["itemId"],)
            yield MenuFinding(UNREACHABLE, WARNING, ids, item["minimum"], item["maximum"], text)

    def _overlaps(self) -> Iterator[MenuFinding]:
        for show in self.shows:
            for (low, high, first), second in self.swept[show]:
                if first is None or second is None or not _are_as_wide(first, second):
                    continue
                text = (
                    f"{_names(first, second)} both answer {low} tokens{self._in(show)} and are as "
                    "wide: only their places in the menu decide."
                )
                ids = second["itemId"], first["itemId"]
                yield MenuFinding(OVERLAP, WARNING, ids, low, high, text, self._show(show))

    def _gaps(self) -> Iterator[MenuFinding]:
        for show in self.shows if self.default is None else ():
            largest = self._largest(show)
            for low, high, item in self.joined[show]:
                if item is None and high is not None and high < largest:
                    told = f"{low}" if low == high else f"{low} to {high}"
                    text = f"Nothing answers {told} tokens{self._in(show)}."
                    yield MenuFinding(GAP, WARNING, (), low, high, text, self._show(show))

    def _largest(self, show: str) -> int:
        """From which amount on no gap matters."""
        held = self.answering[show]
        return max((max(each["minimum"], each["maximum"] or 0) for each in held), default=0)

    def _inversions(self) -> Iterator[MenuFinding]:
        """Each against the best of what costs less."""
        for show in self.shows:
            best: Item | None = None
            most, told = (0.0, 0), ""  # of the best: how it is compared, and how it is said
            where, only = self._in(show), self._show(show)
            for low, high, item in self.joined[show]:
                look = self.seen(item) if item is not None else None
                if item is None or look is None or not look.effect:
                    continue
                if best is None or look.key >= most:
                    best, most, told = item, look.key, f"{_name(item)} {look.said}"
                    continue
                text = (
                    f"{low} tokens get less than a smaller amount{where}: {_name(item)} has an "
                    f"effect of {look.said}, {told}."
                )
                ids = item["itemId"], best["itemId"]
                yield MenuFinding(INVERSION, WARNING, ids, low, high, text, only)

    def _stuck(self) -> Iterator[MenuFinding]:
        """Amounts at which every item may be cooling down or sold out at once."""
        if self.default is not None or not any(map(may_be_closed, self.active)):
            return
        free = [item for item in self.items if not may_be_closed(item)]
        for show in self.shows:
            for low, high, item in ruler.intervals(free, self.least, show=show):
                answered = self._first_answered(show, low, high) if item is None else None
                if answered is not None:
                    its, amount = answered
                    text = (
                        f"At {amount} tokens{self._in(show)} everything can be cooling down or "
                        f"sold out at once, {_name(its)} too, and no default reaction is on."
                    )
                    ids = (its["itemId"],)
                    yield MenuFinding(STUCK, WARNING, ids, amount, high, text, self._show(show))

    def _first_answered(self, show: str, low: int, high: int | None) -> tuple[Item, int] | None:
        end = ruler.ENDLESS if high is None else high
        for begin, until, item in self.intervals(show):
            is_inside = begin <= end and (until is None or until >= low)
            if item is not None and is_inside:
                return item, max(low, begin)
        return None

    # --- of one item -----------------------------------------------------------------------------

    def _of_items(self) -> Iterator[MenuFinding]:
        for item in self.active:
            if item["itemId"] in self.cheapest:
                look = self.seen(item)
                if look.notes or look.unable:
                    amount, _ = self.cheapest[item["itemId"]]
                    yield from self._on_devices(item, look, amount)

    def _on_devices(self, item: Item, look: Look, amount: int) -> Iterator[MenuFinding]:
        ids, high = (item["itemId"],), item["maximum"]
        if look.unable:
            why = "; ".join(f"{name}: {reason}" for name, reason in look.unable.items())
            whose = f"{'Some' if look.able else 'None'} of the devices of {_name(item)}"
            text = f"{whose} can{'not' if look.able else ''} play it. {why}"
            severity = WARNING if look.able else ERROR
            yield MenuFinding(CANNOT, severity, ids, amount, high, text)
        if look.able and (cut := [note for note in look.notes if note in _CAPS]):
            text = f"{_name(item)} asks for more than a limit allows: {_cut(item, look, cut)}."
            yield MenuFinding(OVER_CAP, WARNING, ids, amount, high, text)
        if look.able and (other := [note for note in look.notes if note not in _CAPS]):
            told = " ".join(NOTES[note] for note in other)
            text = f"{_name(item)} will not play quite as it is asked. {told}"
            yield MenuFinding(ALTERED, NOTE, ids, amount, high, text)


def _cut(item: Item, look: Look, cut: Sequence[str]) -> str:
    told = []
    if SHORTENED in cut:
        played = look.seconds if look.longest is None else look.longest
        most = "up to " if look.longest is not None else ""
        told.append(f"{most}{parts.length_of(item)} s are asked, {most}{played} s are played")
    if LOWERED in cut:
        told.append(f"it is weaker than {item['intensity']} of 20")
    return ", and ".join(told)


def _are_as_wide(one: Item, other: Item) -> bool:
    """Ranges; two exact ones have a finding of their own."""
    if one["maximum"] is None or other["maximum"] is None:
        return one["maximum"] is other["maximum"]
    width: int = one["maximum"] - one["minimum"]
    return width > 0 and width == other["maximum"] - other["minimum"]


def _name(item: Item) -> str:
    return f"“{item['title']}”"


def _names(one: Item, other: Item) -> str:
    return f"{_name(one)} and {_name(other)}"
