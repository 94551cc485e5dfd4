"""Her history, a slice at a time: hers alone, newest first, by whatever is asked, and no further than
a search may read."""

from datetime import timedelta

import pytest
from bson import ObjectId

from ground.mongodb.collections import collection
from lovense.history import browsing
from lovense.history.browsing import PAGE, HistoryFilter
from lovense.models import Activation, Owed
from tests.factories import NOW
from tests.lovense.history.rows import MINUTE, add, fill, row

pytestmark = pytest.mark.django_db
ALL = HistoryFilter()


def slice_of(performer, wanted=ALL, **place):
    return browsing.slice_of(performer.pk, wanted, **place)


def keys(found):
    return [each.pk for each in found.rows]


# --- slices ------------------------------------------------------------------------------------------------


def test_one_goes_from_the_newest_to_the_oldest_and_back_and_meets_each_once(ana):
    all_of_them, found, slice_ = fill(ana, 70), [], slice_of(ana)
    found += [keys(slice_)]
    while slice_.older:
        slice_ = slice_of(ana, after=slice_.older)
        found += [keys(slice_)]
    assert [len(each) for each in found] == [PAGE, PAGE, 20]
    assert [key for each in found for key in each] == all_of_them
    middle = slice_of(ana, before=slice_.newer)
    assert keys(middle) == found[1]
    assert keys(slice_of(ana, before=middle.newer)) == found[0]


def test_rows_of_one_moment_are_told_apart_by_their_place_and_their_key(ana):
    rows = [row(n, ana.pk, at=NOW, position=n // 3) for n in range(70)]
    collection(Activation).insert_many(rows)
    first = slice_of(ana)
    second = slice_of(ana, after=first.older)
    third = slice_of(ana, after=second.older)
    met = [*keys(first), *keys(second), *keys(third)]
    assert (len(met), len(set(met))) == (70, 70)


def test_what_comes_meanwhile_moves_no_slice(ana):
    fill(ana, 60)
    first = slice_of(ana)
    add(ana, 999, at=NOW + MINUTE)
    assert keys(slice_of(ana, after=first.older))[0] == f"{PAGE:024x}.all"


def test_the_newest_slice_has_nothing_newer_and_the_last_nothing_older(ana):
    fill(ana, 3)
    found = slice_of(ana)
    assert (found.newer, found.older, found.gave_up) == ("", "", None)


def test_of_another_performer_nothing_is_found(ana, carol):
    fill(carol, 3)
    assert slice_of(ana).rows == []
    assert browsing.owned(ana.pk, f"{1:024x}.all") is None


@pytest.mark.parametrize("place", ["after", "before"])
def test_a_row_of_another_performer_is_no_place(ana, carol, place):
    fill(ana, 60)
    foreign = add(carol, 9000)
    assert keys(slice_of(ana, **{place: foreign})) == keys(slice_of(ana))
    assert keys(slice_of(ana, **{place: "nothing"})) == keys(slice_of(ana))


# --- what is asked -----------------------------------------------------------------------------------------


@pytest.fixture
def some(ana):
    """One of each kind: by a name, its key."""
    owed = add(ana, 3, delivered_seconds=3.2)
    waived = add(ana, 4, delivered_seconds=4.0)
    for key, state in ((owed, "open"), (waived, "waived")):
        collection(Owed).insert_one({"_id": key, "performer_id": ana.pk, "state": state})
    return {
        "played": add(ana, 1, tipper_name="Kim (the 1st)"),
        "skipped": add(ana, 2, status="skipped", reason="no_match", delivered_seconds=None, item=None),
        "owed": owed,
        "waived": waived,
        "stopped": add(ana, 5, status="failed", reason="stopped", delivered_seconds=0.0),
        "stopped_late": add(ana, 6, status="failed", reason="stopped", delivered_seconds=5.0),
        "test": add(ana, 7, tip_id=None, amount=0, item={"itemId": "wave", "title": "Wave"}),
        "requeued": add(ana, 8, _id="owed-1.all", tip_id=None, amount=0),
        "playing": add(ana, 9, status="activated", delivered_seconds=None, finished_at=None),
        "large": add(ana, 10, amount=5000, item={"itemId": "wave", "title": "Wave"}),
    }


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"outcome": "played"}, {"played", "owed", "waived", "stopped_late", "requeued", "large"}),
        ({"outcome": "not-played"}, {"skipped", "stopped"}),
        ({"outcome": "owed"}, {"owed"}),
        ({"outcome": "tests"}, {"test"}),
        ({"item": "wave"}, {"test", "large"}),
        ({"item": "wave", "outcome": "played"}, {"large"}),
        ({"at_least": 5000}, {"large"}),
        ({"at_least": 5001}, set()),
        ({"name": "kIM ("}, {"played"}),
        ({"name": "."}, set()),
        ({"since": NOW - 2 * MINUTE}, {"played", "skipped"}),
        ({"until": NOW - 9 * MINUTE}, {"large"}),
        ({"since": NOW - 4 * MINUTE, "until": NOW - 3 * MINUTE}, {"waived"}),
    ],
)
def test_what_is_asked_is_found_and_nothing_else(ana, some, asked, expected):
    names = {key: name for name, key in some.items()}
    assert {names[key] for key in keys(slice_of(ana, HistoryFilter(**asked)))} == expected


def test_who_is_anonymous_is_not_found_by_name(ana):
    add(ana, 1, tipper_name="Anonymous")
    assert slice_of(ana, HistoryFilter(name="bob")).rows == []


# --- how far a search goes ---------------------------------------------------------------------------------


@pytest.fixture
def _reads_thirty(monkeypatch):
    monkeypatch.setattr(browsing, "READ_AT_MOST", 30)


@pytest.mark.usefixtures("_reads_thirty")
def test_a_search_says_how_far_it_got_and_goes_on_from_there(ana):
    fill(ana, 70)
    late = add(ana, 500, tipper_name="zed")
    first = slice_of(ana, HistoryFilter(name="zed"))
    assert first.rows == []
    assert first.gave_up.activation_id == f"{29:024x}.all"
    second = slice_of(ana, HistoryFilter(name="zed"), after=first.gave_up.activation_id)
    third = slice_of(ana, HistoryFilter(name="zed"), after=second.gave_up.activation_id)
    assert (keys(third), third.gave_up) == ([late], None)


@pytest.mark.usefixtures("_reads_thirty")
def test_what_is_no_search_is_never_given_up(ana):
    fill(ana, 45)
    found = slice_of(ana, HistoryFilter(since=NOW - timedelta(days=9)))
    assert (len(found.rows), found.gave_up) == (PAGE, None)


def test_a_file_has_all_of_them_up_to_its_most(ana):
    fill(ana, 120)
    assert len(list(browsing.every(ana.pk, ALL, most=500))) == 120
    assert len(list(browsing.every(ana.pk, ALL, most=100))) == 100
    assert list(browsing.every(ana.pk, HistoryFilter(name=str(ObjectId())), most=100)) == []
    assert [browsing.has_more(ana.pk, ALL, most=most) for most in (119, 120)] == [True, False]
