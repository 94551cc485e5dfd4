"""Statistics are the sums over the rows, whatever is asked; percentiles are as right as they say; and
counting again changes nothing."""

from collections import Counter
from math import ceil
from random import Random

import bson
import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as some
from pymongo.errors import PyMongoError

from adminpanel.statistics import asked as asking
from adminpanel.statistics.counted import Counted
from ground.mongodb.collections import collection
from lovense.deciding.shortfall import promise, tenths
from lovense.history import (
    counting,
    daysums,
    facets,
    hours,
    latencies,
    platform,
    ranking,
    spans,
    summing,
)
from lovense.management.commands import recount_hours
from lovense.models import Activation, ActivationDay, ActivationHour, PerformerDay, PerformerHour
from tests.adminpanel.statistics.rows import (
    DAY,
    HOUR,
    chosen,
    count_all,
    facets_of,
    fill,
    waiting_since,
    waits,
)
from tests.factories import NOW, PerformerFactory
from tests.ground.plans import recorded, scans
from tests.lovense.conftest import in_collection
from tests.lovense.history.rows import add, row

db = pytest.mark.django_db
ROLLED = (PerformerHour, PerformerDay, ActivationHour, ActivationDay)
KEPT = (
    "_id",
    "facets",
    "minutes",
    "by_hour",
    "busiest",
    "cells",
    "outcomes",
    "tokens",
    "sum_tips",
    "sum_net",
)


@pytest.fixture
def performers(ana, carol):
    return [ana.pk, carol.pk, PerformerFactory.create(user__username="dora").pk]


@pytest.fixture
def history(performers):
    found = fill(performers, 700)
    count_all(performers)
    return found


def rolled():
    """What is kept, without when and how often."""
    return [list(collection(model).find({}, dict.fromkeys(KEPT, 1)).sort("_id", 1)) for model in ROLLED]


def asked(**query):
    return asking.read(query, NOW)


def questions(history, performers):
    """Fifty, at random: a period, words of some facets that there are, and at times a performer."""
    random = Random(3)
    for _ in range(50):
        some_of = facets_of(random.choice(history)[0])
        named = random.sample(sorted(some_of), random.randint(0, 3))
        said = {name: some_of[name] or "none" for name in named}
        whose = {"performer": random.choice(performers)} if random.random() < 0.3 else {}
        days = {"period": f"{random.choice((1, 2, 7, 30, 90))}d"}
        yield {**said, **whose, **days}


@db
def test_whatever_is_asked_it_is_the_sum_over_the_rows(history, performers):
    seen = 0
    for query in questions(history, performers):
        question = asked(**query)
        mine = [
            each
            for each in history
            if each[0]["performer_id"] == query.get("performer", each[0]["performer_id"])
        ]
        found, period = Counted(question), question.period
        for numbers, (since, until) in (
            (found.now, (period.since, period.until)),
            (found.before, period.before),
        ):
            rows = chosen(mine, since, until, question.chosen)
            seen += len(rows)
            over = [one for one, _, _ in rows if counting.outcome_of(one) != counting.UNDER_WAY]
            assert numbers.sums["tips"] == len(rows), query
            assert numbers.sums["tokens"] == sum(one["amount"] for one, _, _ in rows)
            assert numbers.sums["net"] == sum(tip["net"] for _, _, tip in rows)
            assert numbers.over == len(over)
            assert numbers.played == sum(counting.outcome_of(one) == counting.PLAYED for one in over)
            assert numbers.sums["delivered"] == sum(
                min(promise(one), tenths(one["delivered_seconds"])) for one, _, _ in rows
            )
    assert seen > 1000


@db
def test_percentiles_are_as_right_as_they_say(history):
    for query in (
        {"period": "90d"},
        {"period": "30d", "bridge": "STANDARD_LAN"},
        {"period": "90d", "kind": "LEVEL"},
    ):
        question = asked(**query)
        found = Counted(question).now
        rows = chosen(history, question.period.since, question.period.until, question.chosen)
        for told, exact in zip((found.sent, found.started), waits(rows), strict=True):
            assert len(exact) > 20
            for share, said in zip((0.5, 0.95, 0.99), told, strict=True):
                right = exact[ceil(share * len(exact)) - 1]
                assert (
                    said / (1 + latencies.WORST_ERROR) <= max(right, 1) <= said * (1 + latencies.WORST_ERROR)
                )


@given(some.floats(1, 2**24, exclude_max=True))
def test_a_bucket_is_told_by_a_middle_that_is_right_to_a_tenth(milliseconds):
    told = latencies.middle_of(latencies.bucket_of(milliseconds))
    assert max(told / milliseconds, milliseconds / told) <= 1 + latencies.WORST_ERROR + 1e-9
    assert latencies.WORST_ERROR <= 0.1


@given(some.lists(some.integers(0, 10**9)))
def test_parts_that_are_added_are_as_if_counted_at_once(all_of):
    counts = sum(map(latencies.one, all_of))
    halves = [latencies.kept(sum(map(latencies.one, part))) for part in (all_of[::2], all_of[1::2])]
    assert latencies.together(halves) == counts
    assert dict(latencies.each(counts)) == Counter(map(latencies.bucket_of, all_of))


@db
def test_who_was_tipped_most_is_the_sum_over_the_rows_too(history, performers):
    for query in ({"period": "90d"}, {"period": "2d"}, {"period": "30d"}):
        question = asked(**query)
        rows = chosen(history, question.period.since, question.period.until, {})
        tokens = {
            whose: sum(one["amount"] for one, _, _ in rows if one["performer_id"] == whose)
            for whose in performers
        }
        found = {each.performer_id: each.sums["tokens"] for each in Counted(question).ranked(10).rows}
        assert found == {whose: count for whose, count in tokens.items() if count}
        assert list(found.values()) == sorted(found.values(), reverse=True)


def test_what_is_counted_anew_unasked_is_all_that_a_page_may_ask_for():
    for now in (NOW, NOW.replace(hour=0, minute=0), NOW.replace(hour=23, minute=59)):
        assert now - recount_hours.USUAL <= asking.read({"period": "90d"}, now).period.before[0]


@db
def test_of_very_many_performers_those_count_who_were_tipped_most_in_a_day(history, monkeypatch):
    whole = Counted(asked(period="90d")).ranked(2)
    monkeypatch.setattr(ranking, "WHOLE", 0)
    assert Counted(asked(period="90d")).ranked(2).rows == whole.rows
    monkeypatch.setattr(ranking, "CUT", 0)
    with recorded(run=True) as plans:
        cut = Counted(asked(period="90d")).ranked(1)
    assert (whole.of_each, cut.of_each, len(cut.rows)) == (0, 1, 1)
    assert scans(plans) == []
    assert max(plan.documents for plan in plans) == 0


def test_a_day_keeps_so_many_places_apart_and_of_the_others_what_they_became(monkeypatch):
    monkeypatch.setattr(facets, "MOST_PLACES", 2)
    tips = {("lush", "n0"): 5, ("nora", "n1"): 4, ("max", "n2"): 1, ("edge", "n3"): 2}
    places = {}
    for number, ((device, pattern), count) in enumerate(tips.items()):
        sums = places[(device, "", "", pattern, "busy" if number % 2 else "played")] = facets.FacetSums()
        for _ in range(count):
            sums.count((1, 10, 9, 0, 0, 0), 100.0, None)
    kept = {tuple(cell["of"]): cell["sums"][:2] for cell in facets.cells(places)}
    assert kept == {
        ("lush", "", "", "n0", "played"): [5, 50],
        ("nora", "", "", "n1", "busy"): [4, 40],
        ("others", "others", "others", "others", "played"): [1, 10],
        ("others", "others", "others", "others", "busy"): [2, 20],
    }
    assert facets.cells(facets.together(facets.cells(places))) == facets.cells(places)


def test_a_day_with_as_many_places_as_it_keeps_is_far_smaller_than_a_document_may_be():
    widest = (1 << latencies.WIDTH * (latencies.LAST + 1)) - 1
    places = {}
    for number in range(facets.MOST_PLACES + 100):  # a hundred outcomes of others beside them
        sums = facets.FacetSums()
        sums.sums, sums.sent, sums.started = [2**62] * 6, widest, widest
        places[(*["x" * 40] * 4, f"{number:040}")] = sums
    assert len(bson.encode({"facets": facets.cells(places)})) < 2_000_000


@db
def test_the_busiest_minutes_of_a_time_are_those_of_all_its_minutes(history):
    question = asked(period="90d")
    minutes = {}
    for one, _, _ in chosen(history, question.period.since, question.period.until, {}):
        at = one["created_at"].replace(second=0, microsecond=0)
        minutes[at] = minutes.get(at, 0) + 1
    found = spans.busiest(Counted(question).parts)
    assert [each["tips"] for each in found] == sorted(minutes.values(), reverse=True)[:10]
    assert all(minutes[each["at"]] == each["tips"] for each in found)


@db
def test_tests_count_nowhere(ana):
    fill([ana.pk], 20)
    collection(Activation).update_many({}, {"$set": {"tip_id": None}})
    count_all([ana.pk])
    assert Counted(asked(period="90d")).now.sums["tips"] == 0


# --- repeated, concurrent, crashed -------------------------------------------------------------------------


@db
def test_counting_all_of_it_again_changes_nothing(history, performers, monkeypatch):
    before = rolled()
    count_all(performers, NOW + DAY)
    assert rolled() == before
    monkeypatch.setattr("ground.clock.now", lambda: NOW + DAY)
    call_command("recount_hours", "--from", "2025-09-01", "--to", "2026-01-04")
    assert rolled() == before


@db
def test_an_hour_that_changed_is_summed_again_and_no_other(history):
    revisions = {row["_id"]: row["revision"] for row in collection(ActivationHour).find()}
    one = history[0][0]
    hour = hours.floor(one["created_at"])
    daysums.count(one["performer_id"], [hour], now=NOW + HOUR)
    assert waiting_since() == hour
    platform.run(now=NOW + HOUR, limit=1000)
    found = collection(ActivationHour).find()
    assert [row["_id"] for row in found if row["revision"] != revisions[row["_id"]]] == [
        platform.key_of(hour)
    ]
    assert waiting_since() is None


@db
def test_many_that_count_an_hour_of_different_performers_at_once_leave_it_whole(in_threads, performers):
    for n, performer_id in enumerate(performers):
        collection(Activation).insert_many([row(10 * n + k, performer_id, at=NOW) for k in range(n + 1)])
    places = iter(performers)

    def one():
        daysums.count(next(places), [hours.floor(NOW)], now=NOW)
        platform.run(now=NOW, limit=9)

    in_threads(one, times=len(performers))
    while waiting_since():  # the next round, at once
        platform.run(now=NOW, limit=9)
    assert Counted(asked(period="1d")).now.sums["tips"] == 6


@db
def test_what_is_counted_again_at_one_moment_while_an_hour_is_summed_is_not_lost(ana):
    hour = hours.floor(NOW)
    add(ana, 1)
    daysums.count(ana.pk, [hour], now=NOW)
    read = platform.held(hour)
    add(ana, 2)
    daysums.count(ana.pk, [hour], now=NOW)
    summing.settle(PerformerHour, platform.UNADDED, read)  # by whoever read before
    assert waiting_since() == hour
    platform.run(now=NOW, limit=9)
    assert Counted(asked(period="1d")).now.sums["tips"] == 2


@db
def test_a_round_without_time_leaves_what_it_has_not_summed_marked(ana):
    add(ana, 1)
    daysums.count(ana.pk, [hours.floor(NOW)], now=NOW)
    assert not platform.run(now=NOW, limit=9, is_over=lambda: True)
    assert waiting_since() == hours.floor(NOW)
    assert platform.run(now=NOW, limit=9)


@db
@pytest.mark.parametrize(
    ("model", "what"), [(ActivationHour, "insert"), (ActivationDay, "insert"), (PerformerHour, "update")]
)
def test_an_hour_that_could_not_be_summed_waits_until_it_is(ana, fail_command, model, what):
    add(ana, 1)
    daysums.count(ana.pk, [hours.floor(NOW)], now=NOW)
    fail_command(what, errorCode=8000, **in_collection(model))
    with pytest.raises(PyMongoError):
        platform.run(now=NOW, limit=9)
    assert waiting_since() == hours.floor(NOW)
    platform.run(now=NOW, limit=9)
    assert waiting_since() is None
    assert Counted(asked(period="1d")).now.sums["tips"] == 1


@db
def test_it_reads_roll_ups_alone_and_by_their_keys(history):
    for query in (
        {"period": "90d"},
        {"period": "1d"},
        {"period": "90d", "performer": history[0][0]["performer_id"]},
    ):
        with recorded(run=True) as plans:
            found = Counted(asked(**query))
            assert found.now.sums["tips"] >= 0
            assert found.before.sums["tips"] >= 0
            found.ranked(20)
            found.settled(found.asked.period.since, found.asked.period.until)
        assert scans(plans) == []
        names = {plan.collection for plan in plans}
        others = {"tip_hours", "performer_tip_hours", "performers"}  # of the last how many there are
        assert names <= {model._meta.db_table for model in ROLLED} | others
        assert len(plans) <= 12
