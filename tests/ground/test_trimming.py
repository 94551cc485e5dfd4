"""Of an entry that is a day old and unfolded, what "once" needs is kept; once a day, batch by batch, and from
wherever the last run ended."""

from datetime import timedelta

import pytest

from ground.journal import journal, tasks, trimming
from ground.journal.journal import KeyTaken
from ground.journal.models import JournalEntry, JournalState
from ground.mongodb.collections import collection
from tests.factories import NOW
from tests.ground.plans import recorded

pytestmark = pytest.mark.django_db

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
OLD = NOW - DAY - MINUTE


def write(first, last, at=OLD):
    """Entries with everything that the pen may put into one."""
    for number in range(first, last + 1):
        content = {name: [{"_id": number}] for name in ("deliveries", "postings", "events", "starts", "ends")}
        row = {"_id": number, "by": "web-0/a", "at": at, "keys": [f"k{number}"], "mark": {}, "paced": 30}
        journal.append(row | content)


@pytest.fixture
def nothing_to_write(monkeypatch):
    monkeypatch.setattr(journal, "_sections", {})


@pytest.fixture
def entries(nothing_to_write, monkeypatch):
    """Ten of them, trimmed three at a time."""
    monkeypatch.setattr(trimming, "AT_ONCE", 3)
    write(1, 10)
    journal.catch_up()


def whole():
    return [row["_id"] for row in collection(JournalEntry).find().sort("_id", 1) if "postings" in row]


def rows():
    return list(collection(JournalEntry).find().sort("_id", 1))


# --- once --------------------------------------------------------------------------------------------------


def test_number_writer_time_and_keys_are_kept_and_nothing_else(entries):
    assert trimming.trim(now=NOW) == 10
    assert rows() == [
        {"_id": number, "by": "web-0/a", "at": OLD, "keys": [f"k{number}"]} for number in range(1, 11)
    ]
    assert all(journal.is_trimmed(row) for row in rows())
    assert trimming.mark() == 10


def test_a_trimmed_key_is_still_taken_and_its_number_too(entries):
    trimming.trim(now=NOW)
    assert journal.known(["k4", "new"]) == {"k4"}
    assert journal.take_keys([["k4"]]) == [True]
    with pytest.raises(KeyTaken):
        journal.append({"_id": 11, "by": "test", "at": NOW, "keys": ["k7"]})
    assert (journal.last(), journal.unfolded()) == (10, 10)


def test_a_turn_keeps_what_it_touched_and_calls_of_the_inbox_their_keys(entries):
    journal.run(lambda session: None, touched=journal.of_lane("ana"), now=OLD)
    journal.take_keys([["inbox-key"]])
    before = collection(JournalEntry).find_one({"keys": "inbox-key"})
    trimming.trim(now=NOW)
    turn = collection(JournalEntry).find_one({"_id": 11})
    assert turn["touched"] == {"accounts": [], "lanes": ["ana"]}
    assert not journal.is_trimmed(turn), "it had no content"
    assert collection(JournalEntry).find_one({"keys": "inbox-key"}) == before


def test_what_is_younger_than_a_day_stays_whole(nothing_to_write):
    write(1, 3)
    write(4, 6, at=NOW - DAY)
    write(7, 7)  # of a machine whose clock is behind: it follows one that stays
    journal.catch_up()
    assert trimming.trim(now=NOW) == 3
    assert whole() == [4, 5, 6, 7]
    assert trimming.trim(now=NOW + DAY) == 4
    assert whole() == []


def test_what_is_not_unfolded_stays_whole_however_old_it_is(entries):
    write(11, 12)
    assert trimming.trim(now=NOW) == 10
    assert whole() == [11, 12]
    journal.catch_up()
    assert trimming.trim(now=NOW + DAY) == 2


def test_the_beats_task_trims(entries, monkeypatch):
    monkeypatch.setattr("ground.clock.now", lambda: NOW)
    tasks.trim()
    assert whole() == []


def test_an_empty_journal_has_nothing_to_trim(db):
    assert trimming.trim(now=NOW) == 0


# --- repeated ----------------------------------------------------------------------------------------------


def test_it_is_done_once_a_day(entries):
    assert trimming.trim(now=NOW) == 10
    write(11, 11)
    journal.catch_up()
    assert trimming.trim(now=NOW + MINUTE) == 0
    assert trimming.trim(now=NOW + DAY - MINUTE) == 0
    assert whole() == [11]
    assert trimming.trim(now=NOW + DAY) == 1


def test_a_run_ends_after_so_many_batches_and_the_next_beat_goes_on(entries, monkeypatch):
    monkeypatch.setattr(trimming, "BATCHES", 2)
    assert trimming.trim(now=NOW) == 6
    assert whole() == [7, 8, 9, 10]
    assert trimming.trim(now=NOW) == 4
    assert trimming.trim(now=NOW) == 0


def test_a_day_without_entries_reads_two_rows_and_every_batch_an_index(entries):
    with recorded(run=True) as plans:
        trimming.trim(now=NOW)
    assert [plan for plan in plans if not plan.is_indexed] == []
    assert max(plan.examined for plan in plans) <= trimming.AT_ONCE
    with recorded() as plans:
        trimming.trim(now=NOW + MINUTE)
    assert len(plans) == 1, "the beat asks one row"


# --- concurrent --------------------------------------------------------------------------------------------


def test_of_many_workers_one_trims(entries, in_threads):
    done = in_threads(lambda: trimming.trim(now=NOW), times=6)
    assert sorted(done) == [0, 0, 0, 0, 0, 10]
    assert (whole(), trimming.mark()) == ([], 10)


def test_the_pen_writes_on_meanwhile(entries, in_threads):
    works = [lambda: trimming.trim(now=NOW), lambda: write(11, 30, at=NOW), journal.catch_up]
    in_threads(lambda works=works: works.pop()(), times=3)
    assert whole() == list(range(11, 31))


# --- crashed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["_begin", "_trim_batch", "_move_mark", "_end"])
@pytest.mark.parametrize("is_after", [False, True])
def test_whoever_dies_in_a_run_is_followed_when_its_time_is_over(entries, monkeypatch, step, is_after):
    works = getattr(trimming, step)

    def dies(*args):
        if is_after:
            works(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(trimming, step, dies)
    with pytest.raises(KeyboardInterrupt):
        trimming.trim(now=NOW)
    monkeypatch.setattr(trimming, step, works)
    trimming.trim(now=NOW + trimming.LEASE)
    trimming.trim(now=NOW + DAY)
    assert (whole(), trimming.mark()) == ([], 10)
    assert len(rows()) == 10


def test_a_mark_only_moves_forward(entries):
    trimming.trim(now=NOW)
    trimming._move_mark(3)
    assert collection(JournalState).find_one({"_id": "trimmed"})["number"] == 10
