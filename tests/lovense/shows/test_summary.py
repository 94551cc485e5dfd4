"""The summary of a show stays in her sight from its end until the next show, or until she puts it away."""

from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from lovense.models import PageLease, Show
from lovense.page import livesummary, shownshow
from lovense.shows import ending, summary
from lovense.shows.summary import ShowNotFound
from tests.factories import NOW
from tests.ground.plans import recorded, scans
from tests.lovense.shows.stage import ANA, MINUTE, hold, keep, take

END = NOW + 30 * MINUTE
NUMBER = str(int(NOW.timestamp() * 1000))
SUMS = {
    "tips": 14,
    "tokens": 1250,
    "played": 13,
    "promised": 1800,
    "delivered": 1755,
    "owed": 45,
    "best": {"title": "Fireworks", "times": 6, "tokens": 600},
    "longest_wait": 42,
    "is_whole": True,
}


def row(**more):
    return {
        "_id": f"{ANA}.{NUMBER}",
        "performer_id": ANA,
        "began_at": NOW,
        "ended_at": END,
        "is_open": False,
        "ended_by": "ana",
        "sums": SUMS,
        "look_at": None,
    } | more


# --- what it says: pure ------------------------------------------------------------------------------------


def test_it_says_what_was_tipped_what_played_and_what_is_owed():
    found = livesummary.of(row())
    assert found["facts"] == [
        ("Tips", "14"),
        ("Tokens", "1\u202f250"),
        ("Played", "13 of 14"),
        ("Owed", "4.5\u00a0s"),
        ("Best item", "Fireworks, 600\u00a0tokens"),
        ("Longest wait", "42\u00a0s"),
    ]
    assert (found["lasted"], found["is_whole"]) == ("30\u00a0min", True)
    assert found["tips"] == f"/history?show={NUMBER}"
    assert found["owed"] == f"/history?show={NUMBER}&outcome=owed"


def test_of_a_show_in_which_nothing_was_tipped_nothing_is_the_best():
    found = livesummary.of(
        row(sums=SUMS | {"tips": 0, "played": 0, "owed": 0, "best": None, "longest_wait": None})
    )
    assert dict(found["facts"]) | {"Tokens": ""} == {
        "Tips": "0",
        "Tokens": "",
        "Played": "0 of 0",
        "Owed": "0\u00a0s",
        "Best item": "–",
        "Longest wait": "–",
    }
    assert found["owed"] == ""


def test_while_the_sums_are_worked_out_there_are_none():
    assert livesummary.of(row(sums=None))["facts"] == []


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(), "0\u00a0s"),
        (timedelta(seconds=59.9), "59\u00a0s"),
        (timedelta(minutes=59, seconds=59), "59\u00a0min"),
        (timedelta(hours=26, minutes=5), "26\u00a0h 05\u00a0min"),
        (timedelta(seconds=-1), "0\u00a0s"),
    ],
)
def test_a_length_is_said_in_the_units_that_count(span, words):
    assert shownshow.length(span) == words


# --- as long as it is in sight -----------------------------------------------------------------------------

db = pytest.mark.django_db


def in_sight(at=END):
    lease = collection(PageLease).find_one({"_id": ANA})
    with recorded() as plans:
        found = summary.in_sight(lease, now=at)
    assert (len(plans) <= 1, scans(plans)) == (True, [])
    return found and summary.number_of(found)


@pytest.fixture
def over():
    """She has ended a show of half an hour."""
    take()
    keep(NOW)
    hold(until=END + MINUTE)
    assert in_sight(NOW) is None
    ending.end(performer_id=ANA, by="ana", now=END)


@db
def test_it_stays_until_the_next_show_begins(over):
    assert (in_sight(), in_sight(END + timedelta(days=1))) == (NUMBER, NUMBER)
    ending.begin(performer_id=ANA, by="ana", now=END + MINUTE)
    take(at=END + MINUTE)
    assert in_sight(END + MINUTE) is None


@db
def test_a_show_that_ended_by_itself_has_one_as_soon_as_it_is_written_down():
    take()
    keep(NOW)
    hold(until=END)
    later = END + 11 * MINUTE
    assert in_sight(later) is None
    keep(later)
    assert in_sight(later) == NUMBER


@db
def test_she_puts_it_away_once_and_the_first_moment_counts(over):
    def away(at):
        return summary.put_away(performer_id=ANA, number=NUMBER, now=at)

    assert [away(END + MINUTE), away(END + 2 * MINUTE)] == [True, False]
    assert in_sight() is None
    assert collection(Show).find_one()["put_away_at"] == END + MINUTE
    keep(END + 20 * MINUTE)  # worked out again, it stays away
    assert in_sight(END + 20 * MINUTE) is None


@db
@pytest.mark.parametrize("number", ["", "1", "x", "²", "-1", "9" * 17, f"{NUMBER} ", "$ne"])
def test_a_number_that_names_none_of_hers_is_not_found(over, number):
    with pytest.raises(ShowNotFound):
        summary.put_away(performer_id=ANA, number=number, now=END)


@db
def test_a_show_that_goes_on_or_is_anothers_is_not_put_away(over):
    with pytest.raises(ShowNotFound):
        summary.put_away(performer_id="somebody", number=NUMBER, now=END)
    collection(Show).update_one({}, {"$set": {"is_open": True}})
    with pytest.raises(ShowNotFound):
        summary.put_away(performer_id=ANA, number=NUMBER, now=END)
