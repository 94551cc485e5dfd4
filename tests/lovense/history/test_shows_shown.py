"""Her shows in her history and her statistics: each show is a span of her own, and nobody else's."""

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from ground.mongodb.collections import collection
from lovense.history import hours
from lovense.models import Owed, PerformerHour, Show
from lovense.page import periods, shownshow
from lovense.page.days import Calendar
from lovense.shows import onair, sums
from tests.factories import NOW
from tests.ground.plans import recorded, scans
from tests.lovense.history.rows import add
from tests.lovense.history.test_history_page import runs
from tests.lovense.history.test_statistics_page import stats, table

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST, SECOND = NOW - 30 * HOUR, NOW - 3 * HOUR


@pytest.fixture(autouse=True)
def _at_the_fixed_time(monkeypatch):
    monkeypatch.setattr("ground.clock.now", lambda: NOW)


def number(began):
    return str(int(began.timestamp() * 1000))


def show(performer, began, ended):
    key = onair.show_key(performer.pk, began)
    row = {"performer_id": performer.pk, "began_at": began, "ended_at": ended, "ended_by": "ana"}
    collection(Show).insert_one({"_id": key, **row, "is_open": ended is None, "sums": None, "look_at": None})
    if ended:
        sums.keep(collection(Show).find_one({"_id": key}), now=NOW)


@pytest.fixture
def two(ana):
    """Two shows with tips before, in, between and after them."""
    at = [FIRST - HOUR, FIRST, FIRST + HOUR, FIRST + 2 * HOUR, SECOND, SECOND + HOUR, NOW - HOUR]
    for n, moment in enumerate(at, 1):
        add(ana, n, at=moment, amount=n, tipper_name=f"viewer {n}")
    show(ana, FIRST, FIRST + 2 * HOUR)
    show(ana, SECOND, SECOND + HOUR + timedelta(seconds=1))


@pytest.fixture
def get(client, ana):
    client.force_login(ana.user)

    def shown(path, **query):
        response = client.get(path, query)
        assert response.status_code == 200
        content = response.getvalue() if response.streaming else response.content
        return re.sub(r"[ \n]+", " ", content.decode())

    return shown


# --- history -----------------------------------------------------------------------------------------------


def test_history_of_a_show_has_what_was_decided_in_it(get, two):
    assert runs(get("/history", show=number(FIRST))) == [f"{n:024x}.all" for n in (3, 2)]
    assert runs(get("/history", show=number(SECOND))) == [f"{n:024x}.all" for n in (6, 5)]
    lines = get("/history.csv", show=number(FIRST))
    assert re.findall(r"viewer \d", lines) == ["viewer 3", "viewer 2"]


def test_a_show_and_other_questions_are_asked_together(get, two):
    assert "viewer 3" in get("/history", show=number(FIRST), at_least="3")
    assert "viewer 2" not in get("/history", show=number(FIRST), at_least="3")
    assert "Nothing of yours is like that" in get("/history", show=number(FIRST), **{"from": "2026-01-03"})


def test_of_a_show_that_goes_on_history_has_what_has_been(get, two, ana):
    show(ana, NOW - HOUR, None)
    assert len(runs(get("/history", show=number(NOW - HOUR)))) == 1


@pytest.mark.parametrize("asked", ["1", "x", "-5", "9" * 20, "²"])
def test_a_number_that_is_none_of_hers_stands_beside_its_field_and_the_rest_is_applied(get, two, asked):
    text = get("/history", show=asked, at_least="7")
    assert "Must be" in text
    assert "viewer 7" in text
    assert "viewer 6" not in text


def test_a_show_of_another_performer_is_none_of_hers(get, two, carol):
    began = NOW - 10 * HOUR
    show(carol, began, began + HOUR)
    assert shownshow.NOT_HERS.capitalize() in get("/history", show=number(began))
    assert "No show of yours" in get("/statistics", show=number(began))


def test_her_latest_shows_are_offered_and_the_one_that_is_asked_for_is_chosen(get, two):
    text = get("/history", show=number(FIRST))
    options = re.findall(r'<option value="(\d+)"( selected)?>([^<]+)<', text)
    assert options == [
        (number(SECOND), "", "Today, 01:15"),
        (number(FIRST), " selected", "Thu 1 Jan, 22:15"),
    ]


# --- statistics --------------------------------------------------------------------------------------------


def test_the_last_show_stands_beside_the_one_before_it(get, two):
    text = get("/statistics", period="show")
    found = stats(text)
    assert (found["Tips"], found["Tokens"]) == (("2", "+0"), ("11", "+120"))
    assert "Today, 01:15, 1\u00a0h 00\u00a0min" in text
    assert "Against the show before" in text
    assert table(text, "Tokens") == [["01:00", "5", "2"], ["02:00", "6", "3"]]
    assert f"/history?show={number(SECOND)}" in text


def test_any_show_has_its_numbers_and_the_first_has_none_before_it(get, two):
    text = get("/statistics", show=number(FIRST))
    assert stats(text)["Tokens"] == ("5", "")
    assert [line[2] for line in table(text, "Tokens")] == ["0", "0", "0"]


def test_shows_are_a_table_that_leads_to_each_of_them(get, two):
    collection(PerformerHour).insert_one(
        {"_id": hours.key_of("x", NOW), "performer_id": "x", "hour": NOW, "cells": []}
    )
    text = get("/statistics", period="show")
    second, first = table(text, "Your shows")
    assert [re.sub("<[^>]+>", "", cell) for cell in second] == [
        *("Today, 01:15", "1\u00a0h 00\u00a0min", "2", "11", "2", "0\u00a0s", "Fireworks"),
    ]
    assert f'href="/statistics?show={number(FIRST)}"' in first[0]


def test_without_a_show_it_is_tonight_and_it_says_so(get, ana):
    for asked in ({"period": "show"}, {"show": "1"}, {"show": "x" * 99}):
        text = get("/statistics", **asked)
        assert "No show of yours is over yet" in text
        assert 'aria-current="true">Tonight' in text


def test_days_that_are_asked_for_count_more_than_a_show():
    assert periods.asks_for_show({"show": "1", "from": "2026-01-01"}) is None


def test_what_is_decided_later_about_a_show_is_in_its_numbers(get, ana, two):
    add(ana, 20, at=SECOND, delivered_seconds=4.0, status="cancelled", reason="stopped", cancelled_by="stop")
    collection(Owed).insert_one(
        {"_id": f"{20:024x}.all", "performer_id": ana.pk, "state": "open", "owed": 60, "cause": "stop"}
    )
    sums.look_again(ana.pk, hours.floor(SECOND), now=NOW)
    assert sums.drain(now=NOW, limit=9) == 1
    assert stats(get("/statistics", period="show"))["Owed"][0] == "6"


def test_a_show_costs_few_commands_and_each_has_its_index(client, ana, two):
    client.force_login(ana.user)
    with recorded() as plans:
        client.get("/statistics", {"period": "show"})
    assert scans(plans) == []
    assert len(plans) <= 9


# --- words: pure -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (date(2026, 1, 2), "Today, 00:15"),
        (date(2026, 1, 3), "Yesterday, 00:15"),
        (date(2026, 1, 9), "Fri 2 Jan, 00:15"),
        (date(2027, 1, 9), "2 Jan 2026, 00:15"),
    ],
)
def test_a_show_is_named_by_when_it_began_in_her_zone(today, words):
    began = NOW.replace(day=1, hour=23, minute=15)
    assert shownshow.words({"began_at": began}, Calendar(ZoneInfo("Europe/Berlin"), "24", today)) == words


def test_a_time_of_day_is_told_by_her_clock():
    berlin, day = ZoneInfo("Europe/Berlin"), date(2026, 1, 2)
    for hour, of_day, of_twelve in ((23, "00", "12:15 am"), (9, "10", "10:15 am"), (11, "12", "12:15 pm")):
        at = NOW.replace(hour=hour, minute=15, second=7, microsecond=89_000)
        assert Calendar(berlin, "24", day).told(at) == f"{of_day}:15"
        assert Calendar(berlin, "24", day).exactly(at) == f"{of_day}:15:07.089"
        assert Calendar(berlin, "12", day).told(at) == of_twelve.replace(" ", "\u00a0")
