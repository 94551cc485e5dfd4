"""A show begins when her devices are taken, and ends ten minutes after they were let go for good; whoever
looks, how often, and whenever."""

from collections import Counter

import pytest
from pymongo.errors import DuplicateKeyError, PyMongoError

from ground.mongodb.collections import collection
from lovense.models import PageLease, Show
from lovense.shows import keeping, onair
from tests.factories import NOW
from tests.lovense.conftest import in_collection
from tests.lovense.shows.stage import ANA, GAP, LIMIT, MINUTE, hold, keep, let_go, shows, take

pytestmark = pytest.mark.django_db
ERROR = 8000


def on_air(at):
    return onair.current(ANA, now=at)


# --- once --------------------------------------------------------------------------------------------------


def test_it_begins_when_a_page_takes_the_devices_and_ends_ten_minutes_after_it_let_go():
    take()
    keep(NOW)
    assert shows() == [(0, None, True)]
    hold(until=NOW + 30 * MINUTE)
    let_go(at=NOW + 30 * MINUTE)
    keep(NOW + (30 + GAP) * MINUTE - MINUTE / 60)
    assert shows() == [(0, None, True)]
    keep(NOW + (30 + GAP) * MINUTE)
    assert shows() == [(0, 30 + GAP, False)]


def test_it_begins_also_where_the_server_takes_them():
    take("server/web-0", is_server=True)
    keep(NOW)
    assert shows() == [(0, None, True)]


@pytest.mark.parametrize("page", ["page-1", "page-2"])
def test_who_takes_them_within_ten_minutes_goes_on_with_the_same_show(page):
    take()
    let_go(at=NOW + MINUTE)
    take(page, at=NOW + GAP * MINUTE)
    let_go(page, at=NOW + 20 * MINUTE)
    keep(NOW + 25 * MINUTE)
    assert shows() == [(0, None, True)]
    assert on_air(NOW + 25 * MINUTE) == {"since": NOW, "is_held": False, "ends_at": NOW + (20 + GAP) * MINUTE}


def test_who_takes_them_after_ten_minutes_begins_another():
    take()
    let_go(at=NOW + MINUTE)
    take(at=NOW + (1 + GAP) * MINUTE)
    keep(NOW + 20 * MINUTE)
    assert shows() == [(0, 1 + GAP, False), (1 + GAP, None, True)]


def test_a_page_that_dies_without_a_word_ends_it_by_its_lease():
    take()
    gone_at = collection(PageLease).find_one()["expires_at"]
    keep(NOW)
    keep(NOW + 60 * MINUTE)
    assert collection(Show).find_one()["ended_at"] == gone_at + GAP * MINUTE


def test_whether_she_is_on_air_needs_no_round():
    assert on_air(NOW) is None
    take()
    assert on_air(NOW) == {"since": NOW, "is_held": True, "ends_at": None}
    let_go(at=NOW + MINUTE)
    assert on_air(NOW + GAP * MINUTE) is not None
    assert on_air(NOW + (1 + GAP) * MINUTE) is None


def test_two_performers_have_a_show_each():
    take()
    take(who="507f191e810c19729de860ec")
    keep(NOW)
    assert Counter(row["performer_id"] for row in collection(Show).find()) == {
        ANA: 1,
        "507f191e810c19729de860ec": 1,
    }


# --- repeated ----------------------------------------------------------------------------------------------


def test_a_second_look_changes_nothing():
    take()
    keep(NOW)
    before = list(collection(Show).find())
    for row in keeping.leases_of([ANA]):
        assert keeping.keep(row, now=NOW) is False
    let_go(at=NOW + MINUTE)
    row = keeping.leases_of([ANA])[0]
    assert list(collection(Show).find()) == before
    over = NOW + (1 + GAP) * MINUTE
    assert [keeping.keep(row, now=over) for _ in range(3)] == [True, False, False]
    assert shows() == [(0, 1 + GAP, False)]


def test_a_lease_whose_show_is_over_is_looked_at_no_more():
    take()
    let_go(at=NOW)
    assert keeping.drain(now=NOW, limit=LIMIT) == 1
    assert keeping.drain(now=NOW + GAP * MINUTE - MINUTE / 60, limit=LIMIT) == 0
    assert keeping.drain(now=NOW + GAP * MINUTE, limit=LIMIT) == 1
    assert keeping.drain(now=NOW + 999 * MINUTE, limit=LIMIT) == 0


def test_the_first_end_that_is_written_counts():
    take()
    keep(NOW)
    let_go(at=NOW + MINUTE)
    row = keeping.leases_of([ANA])[0]
    keeping.keep(row, now=NOW + 30 * MINUTE)
    row["expires_at"] = NOW + 5 * MINUTE
    keeping.keep(row, now=NOW + 30 * MINUTE)
    assert shows() == [(0, 1 + GAP, False)]


# --- concurrent --------------------------------------------------------------------------------------------


def test_eight_rounds_at_once_write_one_show(in_threads):
    take()
    in_threads(lambda: keeping.drain(now=NOW, limit=LIMIT), times=8)
    let_go(at=NOW + MINUTE)
    over = NOW + 20 * MINUTE
    in_threads(lambda: keeping.drain(now=over, limit=LIMIT), times=8)
    assert shows() == [(0, 1 + GAP, False)]


def test_no_performer_has_two_open_shows():
    take()
    keep(NOW)
    another = {"_id": f"{ANA}.1", "performer_id": ANA, "began_at": NOW, "is_open": True}
    with pytest.raises(DuplicateKeyError):
        collection(Show).insert_one(another)


def test_what_is_taken_anew_while_a_round_writes_is_looked_at_again():
    take()
    let_go(at=NOW)
    seen = keeping.leases_of([ANA])[0]
    later = NOW + 2 * GAP * MINUTE
    take(at=later)
    keeping.keep(seen, now=later)  # as it was before
    keep(later)
    assert shows() == [(0, GAP, False), (2 * GAP, None, True)]


# --- crashed -----------------------------------------------------------------------------------------------


def test_what_happened_while_no_round_ran_is_found_on_the_row():
    for begins in (0, 20, 40):
        take(at=NOW + begins * MINUTE)
        let_go(at=NOW + (begins + 5) * MINUTE)
    keep(NOW + 90 * MINUTE)
    assert shows() == [(0, 15, False), (20, 35, False), (40, 55, False)]


@pytest.mark.parametrize("command", ["insert", "update"])
def test_a_round_that_dies_is_done_again(fail_command, command):
    take()
    model = Show if command == "insert" else PageLease
    fail_command(command, errorCode=ERROR, **in_collection(model))
    with pytest.raises(PyMongoError):
        keeping.drain(now=NOW, limit=LIMIT)
    assert keeping.drain(now=NOW, limit=LIMIT) == 1
    assert shows() == [(0, None, True)]


def test_an_end_whose_round_dies_is_written_by_the_next(fail_command):
    take()
    keep(NOW)
    let_go(at=NOW)
    over = NOW + GAP * MINUTE
    fail_command("update", errorCode=ERROR, **in_collection(Show))
    with pytest.raises(PyMongoError):
        keeping.drain(now=over, limit=LIMIT)
    keep(over)
    assert shows() == [(0, GAP, False)]


def test_an_open_show_that_no_row_remembers_ends_where_the_next_one_begins():
    take()
    keep(NOW)
    collection(PageLease).delete_many({})
    take(at=NOW + 90 * MINUTE)
    keep(NOW + 90 * MINUTE)
    assert shows() == [(0, 90, False), (90, None, True)]


def test_a_lease_of_an_earlier_release_has_a_show_from_when_it_is_next_taken():
    take()
    gone = dict.fromkeys(
        ("on_air_since", "off_air_at", "off_air_by", "is_resting", "aired", "show_look_at"), ""
    )
    collection(PageLease).update_one({}, {"$unset": gone})
    keep(NOW)
    assert (shows(), on_air(NOW)) == ([], None)
    take(at=NOW + MINUTE)
    keep(NOW + MINUTE)
    assert shows() == [(1, None, True)]
