"""What is tipped in a seeded show, and what becomes of each. Pure: the same for the same chance."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from config.seeds import cast

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
# What becomes of a tip, and how often in a hundred. What stands in PLAIN is worked out in bulk, the
# rest goes step by step.
STORIES: Mapping[str, int] = {
    "played": 820,
    "shortened": 20,
    "below_minimum": 30,
    "no_match": 20,
    "too_late": 10,
    "offline": 10,
    "failed": 20,
    "silent": 10,
    "dead": 10,
    "cancelled": 15,
    "skipped": 20,
    "stopped": 15,
}
PLAIN = frozenset({"played", "shortened", "below_minimum", "no_match", "too_late", "offline"})
NOBODYS, TOO_SMALL = 1_200, 5  # amounts
MOST_A_SHOW, SHORTEST = 400, 42 * MINUTE
BEGINS = time(20, 4, tzinfo=UTC)
EARLIER = timedelta(hours=4)
ANONYMOUS, WITH_MESSAGE, PRIVATE = 0.06, 0.12, 0.04  # shares


@dataclass(frozen=True, slots=True)
class SeededTip:
    """One tip that is made at `at`, the `number`-th of its performer."""

    number: int
    at: datetime
    viewer: str
    amount: int
    story: str = "played"
    message: str = ""
    show: str = "public"
    is_anonymous: bool = False


@dataclass(frozen=True, slots=True)
class SeededShow:
    """`first`: the number of its first tip."""

    begins: datetime
    ends: datetime
    first: int
    count: int


def tips(
    show: SeededShow, chance: random.Random, stories: Mapping[str, int] = STORIES
) -> Iterator[SeededTip]:
    """In the order of time. Each story comes once in a show of a hundred tips or more."""
    seconds = (show.ends - show.begins - 2 * MINUTE) / SECOND
    moments = sorted(chance.uniform(0, seconds) for _ in range(show.count))
    names, weights = list(stories), list(stories.values())
    told = chance.choices(names, weights, k=show.count)
    if show.count >= 100:
        places = chance.sample(range(show.count), len(names))
        for place, name in zip(places, names, strict=True):
            told[place] = name
    for place, (moment, story) in enumerate(zip(moments, told, strict=True)):
        at = show.begins + MINUTE + round(moment * 1000) * SECOND / 1000
        yield tip(show.first + place, at, story, chance)


def tip(number: int, at: datetime, story: str, chance: random.Random) -> SeededTip:
    """By chance, but for its moment and what becomes of it."""
    amount = chance.choice(cast.AMOUNTS)
    amount = {"below_minimum": TOO_SMALL, "no_match": NOBODYS}.get(story, amount)
    return SeededTip(
        number,
        at,
        chance.choice(cast.VIEWERS),
        amount,
        story,
        message=chance.choice(cast.MESSAGES) if chance.random() < WITH_MESSAGE else "",
        show="private" if chance.random() < PRIVATE else "public",
        is_anonymous=chance.random() < ANONYMOUS,
    )


def evenings(*, now: datetime, days: int, count: int, every: int = 1) -> Iterator[SeededShow]:
    """As many tips, spread over evenings of the days before, the oldest first. Each lasts as long
    as its tips need, at most MOST_A_SHOW, and the last is over some hours before now."""
    dates = range(days, 0, -every)
    shares = [count * (n + 1) // len(dates) - count * n // len(dates) for n in range(len(dates))]
    first = 0
    for day, share in zip(dates, shares, strict=True):
        if share:
            date = (now - EARLIER - timedelta(days=day)).date()
            begins = datetime.combine(date, BEGINS)
            lasts = max(SHORTEST, share * MINUTE + 2 * MINUTE)
            yield SeededShow(begins, begins + lasts, first, share)
        first += share
