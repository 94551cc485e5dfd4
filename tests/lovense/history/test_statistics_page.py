"""Her statistics: hers alone, a period beside the one before it, and the same numbers that her hours hold."""

import re
from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from lovense.deciding.gates import DELAYS, GATES
from lovense.history import daysums, hours
from lovense.models import Activation, PerformerHour
from lovense.page import outcome
from tests.factories import NOW
from tests.ground.plans import recorded
from tests.lovense.history.rows import add, row
from tests.pages import inline_code, unlabelled_fields

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _at_the_fixed_time(monkeypatch):
    monkeypatch.setattr("ground.clock.now", lambda: NOW)


@pytest.fixture
def page(client, ana):
    client.force_login(ana.user)

    def get(**query):
        count_all(ana)
        response = client.get("/statistics", query)
        assert response.status_code == 200
        return re.sub(r"[ \n]+", " ", response.content.decode())

    return get


def count_all(performer):
    daysums.count(performer.pk, hours.with_rows(performer.pk, NOW - 400 * DAY, NOW + DAY), now=NOW)


def stats(text):
    """By label the number, and the change against the period before."""
    found = re.findall(
        r'label">([^<]+)</p> <p class="ui-stat__value">([^<]+)(?:<small>[^<]*</small>)?</p>'
        r'(?: <p class="ui-stat__change"[^>]*><svg.*?</svg>([^&<]+)&nbsp;%)?',
        text,
    )
    return {label: (value, change) for label, value, change in found}


def table(text, caption):
    part = text[text.index(f'<caption class="hidden-text">{caption}</caption>') :]
    rows = re.findall(r"<tr>(.*?)</tr>", part[: part.index("</table>")])
    cells = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", each) for each in rows[1:]]
    return [[re.sub("[\u2068\u2069]", "", cell) for cell in each] for each in cells]


# --- whose they are ----------------------------------------------------------------------------------------


def test_an_anonymous_visitor_is_sent_to_the_login(client):
    assert client.get("/statistics")["Location"] == "/login?next=/statistics"


def test_a_stranger_sees_nothing_of_hers(client, ana, carol):
    add(ana, 1)
    count_all(ana)
    client.force_login(carol.user)
    assert "Nothing was tipped in this time" in client.get("/statistics").content.decode()


def test_nothing_of_it_is_inline_and_every_field_has_its_name(page, ana):
    add(ana, 1)
    text = page(period="7")
    assert inline_code(text) == []
    assert unlabelled_fields(text) == set()


# --- numbers -----------------------------------------------------------------------------------------------


def test_tonight_stands_beside_the_night_before(page, ana):
    add(ana, 1)
    add(ana, 2, amount=50)
    add(ana, 3, status="skipped", reason="no_match", item=None, promised_seconds=0, delivered_seconds=None)
    add(ana, 4, at=NOW - DAY)
    found = stats(page())
    assert found["Tips"] == ("3", "+200")
    assert found["Tokens"] == ("250", "+150")
    assert found["Played"] == ("2", "+100")
    assert found["Delivered"] == ("20", "+100")
    assert found["Owed"] == ("0", "")


def test_what_did_not_play_says_why_and_how_often(page, ana):
    for n in range(3):
        add(ana, n)
    add(ana, 4, status="skipped", reason="below_minimum", item=None, delivered_seconds=None)
    text = page()
    assert table(text, "Why tips did not play") == [["Below the minimum", "1", "25\u00a0%"]]
    assert "25\u00a0% of the tips did not play" in text


def test_each_item_says_what_it_brought(page, ana):
    add(ana, 1, item={"itemId": "w", "title": "Wave"}, amount=1000, delivered_seconds=4.0)
    add(ana, 2)
    add(ana, 3, item=None, status="skipped", reason="no_match", delivered_seconds=None, amount=7)
    assert table(page(), "What each item brought") == [
        ["Wave", "1", "1\u202f000", "4", "250"],
        ["Fireworks", "1", "100", "10", "10"],
        ["No effect", "1", "7", "0", "–"],
    ]


def test_tonight_has_a_point_an_hour_and_days_have_one_each(page, ana):
    add(ana, 1)
    add(ana, 2, at=NOW - DAY, amount=30)
    tonight = table(page(), "Tokens")
    assert len(tonight) == 24
    assert tonight[4] == ["04:00", "100", "30"]
    week = table(page(period="7"), "Tokens")
    assert len(week) == 7
    assert week[-1] == ["Sat 3 Jan", "100", "0"]
    assert week[-2] == ["Fri 2 Jan", "30", "0"]


def test_a_week_shows_when_and_a_night_does_not(page, ana):
    add(ana, 1)
    heat = page(period="7")
    assert "Tokens by weekday and hour" in heat
    saturday = heat[heat.index('<th scope="row">Sat</th>') :]
    assert re.findall(r'data-step="(\d)">([^<]+)<', saturday)[:6] == [
        *[("0", "0")] * 4,
        ("4", "100"),
        ("0", "0"),
    ]
    assert "Tokens by weekday and hour" not in page()


def test_days_and_hours_are_those_of_her_zone(page, ana, settings):
    settings.TIME_ZONE = "America/New_York"  # it is 23:15 of the day before there
    add(ana, 1)
    assert table(page(), "Tokens")[23] == ["23:00", "100", "0"]


def test_the_day_on_which_the_clocks_change_has_as_many_points_as_hours(page, ana, settings, monkeypatch):
    settings.TIME_ZONE = "America/New_York"
    add(ana, 1, at=NOW)
    for day, points in (("2025-11-02", 25), ("2025-03-09", 23)):
        text = page(**{"from": day, "to": day})
        assert "Nothing was tipped" in text
        add(ana, points, at=NOW.replace(year=2025, month=int(day[5:7]), day=int(day[8:]), hour=12))
        assert len(table(page(**{"from": day, "to": day}), "Tokens")) == points


# --- who ---------------------------------------------------------------------------------------------------


def test_names_stand_there_only_when_she_asks_and_never_of_who_is_anonymous(page, ana):
    add(ana, 1, tipper_name="kim", amount=10)
    add(ana, 2, tipper_name="kim", amount=20)
    add(ana, 3, amount=25)
    add(ana, 4, tipper_name="Anonymous", amount=9000)
    add(ana, 5, tipper_name="ana", tip_id=None, amount=0)
    assert "kim" not in page()
    assert table(page(tippers="1"), "Names, by tokens") == [["kim", "2", "30"], ["bob", "1", "25"]]


def test_who_tipped_in_another_time_is_not_among_them(page, ana):
    add(ana, 1)
    add(ana, 2, tipper_name="kim", at=NOW - DAY)
    assert [each[0] for each in table(page(tippers="1"), "Names, by tokens")] == ["bob"]


# --- what it is asked --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"period": "year"}, "must be one of tonight, show, 7, 30, 90"),
        ({"from": "2026-02-31"}, "must be a day"),
        ({"from": "0001-01-01"}, "must be from 2000-01-01"),
        ({"to": "9999-12-31"}, "must be from 2000-01-01"),
        ({"from": "2026-01-03", "to": "2026-01-01"}, "must not be after"),
        ({"from": "2027-01-01"}, "must not be later than today"),
        ({"from": "x" * 9000, "to": "\x00"}, "must be a day"),
    ],
)
def test_a_bad_value_stands_beside_its_field(page, ana, query, says):
    assert says.lower() in page(**query).lower()


def test_more_than_ninety_days_are_the_last_ninety_and_it_says_so(page, ana):
    add(ana, 1)
    add(ana, 2, at=NOW - 89 * DAY, amount=1)
    add(ana, 3, at=NOW - 91 * DAY, amount=1000)
    text = page(**{"from": "2024-12-01", "to": "2026-01-03"})
    assert "At most 90 days are shown at once" in text
    assert stats(text)["Tokens"] == ("101", "\u221290")
    assert len(table(text, "Tokens")) == 90


def test_every_reason_has_its_few_words():
    reasons = {reason for reason in GATES.values() if reason} - DELAYS
    assert reasons | {*outcome.WHY_NOT} <= {*outcome.BRIEFLY}


# --- what it costs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [{}, {"period": "90"}, {"period": "90", "tippers": "1"}])
def test_it_sends_as_many_commands_with_many_rows_as_with_few_and_reads_hers_by_an_index(client, ana, query):
    client.force_login(ana.user)
    add(ana, 1)
    count_all(ana)
    costs = []
    for many in (0, 2000):
        if many:
            rows = [row(n, ana.pk, at=NOW - n * timedelta(minutes=4)) for n in range(2, many)]
            collection(Activation).insert_many(rows)
            collection(PerformerHour).insert_many(
                [{"_id": f"{n:024x}/2026-01-03T04", "performer_id": "x", "cells": []} for n in range(2000)]
            )
            count_all(ana)
        with recorded(run=True) as plans:
            client.get("/statistics", query)
        costs.append([(plan.command, plan.collection) for plan in plans])
        assert not [plan for plan in plans if "COLLSCAN" in plan.stages]
    assert costs[0] == costs[1]
    assert len(costs[0]) <= 10
    reads = [plan for plan in plans if plan.collection in ("performer_hours", "performer_days")]
    assert len(reads) == (2 if query else 1)
    for read in reads:
        assert (read.indexes, "SORT" in read.stages) == (["_id_"], False)
        assert read.examined <= 181
