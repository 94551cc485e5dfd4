"""Days of statistics are the sums of their hours: however they are cut, a span holds what its hours hold."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pymongo.errors import PyMongoError

from ground.mongodb.collections import collection
from lovense.history import daysums, hours, tallies
from lovense.models import PerformerDay, PerformerHour
from lovense.page import days
from tests.factories import NOW
from tests.lovense.conftest import in_collection
from tests.lovense.history.rows import add

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
WHO = "507f191e810c19729de860eb"


def cell(item, outcome, tokens, title=""):
    sums = dict.fromkeys(daysums.SUMMED, 1)
    return {"item": item, "title": title, "outcome": outcome, **sums, "tokens": tokens}


# --- pure --------------------------------------------------------------------------------------------------

moments = some.integers(0, 24 * 40).map(lambda hour: BEGIN + hour * HOUR)


@given(moments, moments)
def test_a_cut_has_each_hour_once(one, other):
    since, until = min(one, other), max(one, other)
    found = tallies.cut(since, until)
    inside = [found.first + n * HOUR for n in range(int((found.last - found.first) / HOUR))]
    assert sorted([*inside, *found.ends]) == [since + n * HOUR for n in range(int((until - since) / HOUR))]
    assert found.first == since or found.first.hour == found.last.hour == 0
    assert len(found.ends) <= 46


def test_cells_of_one_item_and_outcome_are_one_by_the_title_that_it_had_last():
    cells = [cell("a", "played", 5, "Old"), cell("a", "failed", 1), cell("a", "played", 7, "New")]
    assert [(each["title"], each["outcome"], each["tokens"]) for each in daysums.added(cells)] == [
        ("", "failed", 1),
        ("New", "played", 12),
    ]
    assert cells[0]["tokens"] == 5


# --- on the database ---------------------------------------------------------------------------------------

db = pytest.mark.django_db


def write(hour, *cells):
    key = hours.key_of(WHO, hour)
    row = {"performer_id": WHO, "hour": hour, "cells": list(cells), "unsummed_since": hour}
    collection(PerformerHour).update_one({"_id": key}, {"$set": row}, upsert=True)


def sums(counted):
    """By item and outcome, whatever it was read from."""
    return {(each["item"], each["outcome"]): each["tokens"] for each in daysums.added(counted.cells)}


@db
@settings(max_examples=20, deadline=None)
@given(
    held=some.dictionaries(
        moments, some.tuples(some.sampled_from("ab"), some.integers(1, 9)), min_size=1, max_size=12
    ),
    since=some.integers(0, 24 * 20),
    length=some.integers(72, 24 * 20),
)
def test_days_and_the_hours_at_their_ends_are_what_all_hours_are(held, since, length):
    for model in (PerformerHour, PerformerDay):
        collection(model).delete_many({})
    for hour, (item, tokens) in held.items():
        write(hour, cell(item, "played", tokens))
        daysums.keep(WHO, daysums.floor(hour))
    before, begin = BEGIN + since * HOUR, BEGIN + (since + length) * HOUR
    end = begin + length * HOUR
    now, old = tallies.both(WHO, before=before, since=begin, until=end)
    for found, (first, last) in ((now, (begin, end)), (old, (before, begin))):
        whole = tallies.of_hours(hours.between(WHO, first, last))
        assert found.tokens == whole.tokens
        assert sum(sums(found).values()) == sum(sums(whole).values())
    assert sums(now) == sums(tallies.of_hours(hours.between(WHO, begin, end)))


@db
def test_half_an_hour_belongs_to_the_day_before():
    write(BEGIN, cell("a", "played", 3))
    half = timedelta(minutes=30)
    now, old = tallies.both(WHO, before=BEGIN - DAY + half, since=BEGIN + half, until=BEGIN + DAY + half)
    assert (sums(now), sums(old)) == ({}, {("a", "played"): 3})


@db
def test_many_that_count_hours_of_one_day_at_once_leave_it_whole(in_threads):
    places = iter(range(8))

    def one():
        n = next(places)
        write(BEGIN + n * HOUR, cell("a", "played", n + 1))
        while not daysums.keep(WHO, BEGIN):  # the next round, at once
            pass

    in_threads(one, times=8)
    [day] = collection(PerformerDay).find()
    assert day["tokens"][:9] == [*range(1, 9), 0]
    assert not hours.unsettled(limit=9)


@db
def test_an_hour_whose_day_was_not_written_says_so_until_it_is(ana, fail_command):
    add(ana, 1)
    fail_command("insert", errorCode=8000, **in_collection(PerformerDay))
    with pytest.raises(PyMongoError):
        daysums.count(ana.pk, [hours.floor(NOW)], now=NOW)
    assert hours.unsettled(limit=9) == [(ana.pk, hours.floor(NOW))]
    daysums.count(ana.pk, [hours.floor(NOW)], now=NOW)
    assert hours.unsettled(limit=9) == []
    assert collection(PerformerDay).find_one()["tokens"][NOW.hour] == 100


# --- in her zone: pure -------------------------------------------------------------------------------------

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Adelaide", "Pacific/Apia")


@given(
    some.sampled_from(ZONES),
    some.dictionaries(
        some.integers(0, 800).map(lambda day: datetime(2025, 1, 1, tzinfo=UTC) + day * DAY),
        some.lists(some.integers(0, 9), min_size=24, max_size=24),
        max_size=20,
    ),
)
def test_days_of_utc_are_told_in_her_zone_as_each_of_their_hours_is(name, counted):
    zone = ZoneInfo(name)
    by_day, by_weekday = Counter(), [[0] * 24 for _ in range(7)]
    for day, counts in counted.items():
        for n, count in enumerate(counts):
            local = (day + n * HOUR).astimezone(zone)
            by_day[local.date()] += count
            by_weekday[local.weekday()][local.hour] += count
    assert +days.sums(counted, zone) == +by_day
    assert days.by_weekday(counted, zone) == by_weekday
