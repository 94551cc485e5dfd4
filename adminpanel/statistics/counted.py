"""What statistics are made of: the sums of a period and of the one before it. Reads roll-ups
alone."""

from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from adminpanel.models import PerformerTipHour, TipHour
from adminpanel.statistics.asked import StatisticsAsked
from ground.mongodb.collections import collection
from lovense.history import latencies, ranking, spans
from lovense.history.counting import PLAYED, UNDER_WAY
from lovense.history.facets import FacetSums, Places
from lovense.history.platform import key_of
from lovense.history.ranking import Ranking
from lovense.history.spans import Parts


class Took(NamedTuple):
    """Milliseconds, right to `latencies.WORST_ERROR`; None: nothing was counted."""

    p50: float | None
    p95: float | None
    p99: float | None


def took(counts: int) -> Took:
    return Took(*(latencies.percentile(counts, share) for share in latencies.PERCENTILES.values()))


class Numbers:
    """Of some places together. Seconds are in tenths."""

    def __init__(self, found: Places) -> None:
        self._found = found

    @cached_property
    def sums(self) -> FacetSums:
        return spans.total(self._found)

    @cached_property
    def by_outcome(self) -> dict[str, int]:
        parted = spans.by(self._found, spans.OUTCOME)
        return {word: spans.total(of)["tips"] for word, of in parted.items()}

    @property
    def played(self) -> int:
        return self.by_outcome.get(PLAYED, 0)

    @property
    def over(self) -> int:
        """Of how many it is known what they became."""
        return self.sums["tips"] - self.by_outcome.get(UNDER_WAY, 0)

    @property
    def not_played(self) -> list[tuple[str, int]]:
        """Why not, the most common reason first."""
        left = {PLAYED, UNDER_WAY}
        found = [(why, tips) for why, tips in self.by_outcome.items() if tips and why not in left]
        return sorted(found, key=lambda each: (-each[1], each[0]))

    @property
    def commission(self) -> int:
        return self.sums["tokens"] - self.sums["net"]

    @property
    def sent(self) -> Took:
        """From its settlement until it was sent."""
        return took(self.sums.sent)

    @property
    def started(self) -> Took:
        """From there until it started."""
        return took(self.sums.started)


class SettledSums(NamedTuple):
    """By the hour of settlement; all else is counted in the hour in which a tip's turn came."""

    tips: int
    tokens: int


class Counted:
    """What was asked, counted. Read once each, when it is asked for."""

    def __init__(self, asked: StatisticsAsked) -> None:
        self.asked = asked

    @cached_property
    def parts(self) -> Parts:
        period = self.asked.period
        return spans.read(period.since, period.until, performer_id=self.asked.performer_id)

    @cached_property
    def before_parts(self) -> Parts:
        """Of those that have the words that were chosen, by what became of them."""
        whose, chosen = self.asked.performer_id, self.asked.chosen
        return spans.outcomes(*self.asked.period.before, chosen=chosen, performer_id=whose)

    @cached_property
    def found(self) -> Places:
        return spans.places(self.parts, self.asked.chosen)

    @cached_property
    def now(self) -> Numbers:
        return Numbers(self.found)

    @cached_property
    def before(self) -> Numbers:
        return Numbers(spans.places(self.before_parts, self.asked.chosen))

    def by(self, name: str) -> list[tuple[str, Numbers]]:
        """By the word of one facet, those with the most tips first."""
        found = [(word, Numbers(of)) for word, of in spans.by(self.found, name).items()]
        return sorted(found, key=lambda each: (-each[1].sums["tips"], each[0]))

    def ranked(self, most: int) -> Ranking:
        """Performers by tokens; whatever facet is asked for, of all their tips."""
        return ranking.top(self.asked.period.since, self.asked.period.until, most=most)

    def settled(self, since: datetime, until: datetime) -> SettledSums:
        whose, first, last = self.asked.performer_id, key_of(since), key_of(until)
        model = PerformerTipHour if whose else TipHour
        begins = f"{whose}/" if whose else ""
        keys = {"$gte": f"{begins}{first}", "$lt": f"{begins}{last}"}
        rows = list(collection(model).find({"_id": keys}, {"_id": 0, "tips": 1, "tokens": 1}))
        return SettledSums(sum(row["tips"] for row in rows), sum(row["tokens"] for row in rows))
