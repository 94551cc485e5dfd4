"""Ranges: what an item that leaves something to chance would do, from its least to its most and on
average. Pure; by the same look as any item (`lovense/deciding/outlook.py`).

Each of its patterns is looked at once, at its mean strength and seconds; so the weakest and the
strongest are known, and the ends are looked at with these."""

from collections.abc import Sequence
from typing import NamedTuple

from lovense.deciding import outlook
from lovense.deciding.outlook import Outlook
from lovense.deciding.rules import Rules
from lovense.menus import chance, draws
from lovense.menus.matching import Item
from lovense.rows import PerformerRow


class OutlookRange(NamedTuple):
    """`looks`: all that was looked at."""

    low: Outlook
    high: Outlook
    effect: float
    seconds: int
    looks: Sequence[Outlook]

    @property
    def words(self) -> str:
        """For people, its ends."""
        low, high = self.low, self.high
        return f"{_ends(low.effect, high.effect)} in {_ends(self.shortest, self.longest)} s"

    @property
    def shortest(self) -> int:
        return self.low.promised_seconds

    @property
    def longest(self) -> int:
        return self.high.promised_seconds


def _ends(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def of(rules: Rules, performer: PerformerRow, item: Item) -> OutlookRange | None:
    """None: it leaves nothing to chance."""
    if not draws.is_random(item):
        return None
    middle = [
        (outlook.of(rules, performer, each), weight) for each, weight in chance.at_middle(item)
    ]
    by_effect = sorted((each for each, _ in middle), key=lambda each: each.effect)
    ends = chance.at_ends(item, *(by_effect[at].item["pattern"] for at in (0, -1)))
    low, high = (outlook.of(rules, performer, each) for each in ends)
    weights = sum(weight for _, weight in middle)
    effect = sum(each.effect * weight for each, weight in middle) / weights
    seconds = sum(each.promised_seconds * weight for each, weight in middle) / weights
    looks = [low, *(each for each, _ in middle), high]
    return OutlookRange(low, high, round(effect, 3), round(seconds), looks)
