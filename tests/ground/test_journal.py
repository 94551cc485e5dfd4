"""The journal: numbers without gaps, keys that happen once, and rows that follow in whole steps."""

from datetime import timedelta

import pytest

from ground.journal import journal
from ground.journal.journal import Entry, KeyTaken, NotAtRest, NumberTaken, Overtaken, Touched
from ground.journal.models import JournalEntry, JournalRefusal, JournalState
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from ledger.models import Account
from tests import commands
from tests.factories import NOW

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def entry(number, **more):
    return {"_id": number, "by": "test", "at": NOW, **more}


class Accounts:
    """A section of the test's own: the names of an entry, as accounts."""

    def __init__(self):
        self.seen = []

    def before(self, entries, context):
        self.seen.append([each.number for each in entries])

    def write(self, entries, context, *, session):
        rows = [
            {"_id": name, "balance": 0, "version": each.number, "created_at": NOW}
            for each in entries
            for name in each.document.get("names", ())
        ]
        journal.insert(Account, rows, session=session)


@pytest.fixture
def section(monkeypatch):
    made = Accounts()
    monkeypatch.setattr(journal, "_sections", {"accounts": made})
    return made


def names():
    return sorted(row["_id"] for row in collection(Account).find())


# --- once --------------------------------------------------------------------------------------------------


def test_an_entry_is_unfolded_once_and_the_watermark_follows(section):
    journal.append(entry(1, names=["a"]))
    journal.append(entry(2, names=["b"]))
    assert journal.behind() == (2, NOW)
    assert journal.catch_up() == journal.unfolded() == 2
    assert names() == ["a", "b"]
    assert journal.behind() == (0, None)


def test_an_empty_journal_is_at_rest():
    assert (journal.last(), journal.unfolded(), journal.catch_up()) == (0, 0, 0)


# --- repeated ----------------------------------------------------------------------------------------------


def test_a_number_is_taken_once():
    journal.append(entry(1))
    with pytest.raises(NumberTaken):
        journal.append(entry(1))


def test_a_key_is_taken_once_whatever_the_number():
    journal.append(entry(1, keys=["x", "y"]))
    with pytest.raises(KeyTaken):
        journal.append(entry(2, keys=["z", "x"]))
    assert journal.last() == 1
    assert journal.known(["x", "z"]) == {"x"}


def test_what_goes_into_the_inbox_takes_its_keys_too():
    assert journal.take_keys([["x", "d1"], ["y", "d2"]]) == [False, False]
    assert journal.take_keys([["x", "d3"]]) == [True]
    with pytest.raises(KeyTaken):  # also the key that came beside a known one
        journal.append(entry(1, keys=["d3"]))
    journal.append(entry(1, keys=["free"]))
    assert journal.take_keys([["free"]]) == [True]


def test_unfolding_again_is_refused_and_changes_nothing(section):
    journal.append(entry(1, names=["a"]))
    journal.catch_up()
    with pytest.raises(Overtaken):
        journal.unfold([Entry(entry(1, names=["a"]))])
    assert names() == ["a"]


# --- turns -------------------------------------------------------------------------------------------------


def test_a_writer_that_begins_reads_none_of_all_the_entries_there_are():
    commands.RECORDER.commands = heard = []
    try:
        assert journal.touched_since(0, journal.MOST_TOLD + 1) == journal.EVERYTHING
    finally:
        commands.RECORDER.commands = None
    assert heard == []


def test_a_turn_may_say_afterwards_what_it_touched():
    told = Touched(frozenset({"user:1"}), frozenset({"ana"}))
    assert journal.run(lambda session: told, touched=lambda result: result, now=NOW) is told
    assert journal.touched_since(0, 1) == told


def test_a_turn_of_an_earlier_release_touched_all_books_or_none():
    for number, books in ((1, False), (2, True)):
        journal.append(entry(number, touched={"books": books, "lanes": ["ana"]}))
    assert journal.touched_since(0, 1) == Touched(lanes=frozenset({"ana"}))
    assert journal.touched_since(1, 2) == Touched(None, frozenset({"ana"}))


def test_a_turn_is_an_entry_of_its_own_and_says_what_it_touched():
    journal.append(entry(1))
    result = journal.run(lambda session: "done", touched=journal.of_lane("ana"), now=NOW)
    assert result == "done"
    assert journal.last() == journal.unfolded() == 2
    assert journal.touched_since(1, 2) == Touched(lanes=frozenset({"ana"}))


def test_a_turn_begins_where_every_entry_is_unfolded(section):
    journal.append(entry(1, names=["a"]))
    seen = journal.run(lambda session: names(), touched=Touched(), now=NOW)
    assert seen == ["a"]


def test_a_turn_that_fails_takes_no_number():
    def fails(session):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        journal.run(fails, touched=Touched(), now=NOW)
    assert (journal.last(), journal.unfolded()) == (0, 0)


def test_where_entries_are_behind_a_turn_says_so_and_writes_nothing():
    journal.append(entry(1))
    with pytest.raises(NotAtRest):
        transactions.run(lambda session: journal._in_turn(lambda s: None, Touched(), NOW, session))
    assert journal.unfolded() == 0


def test_another_writers_entry_touches_everything():
    journal.append(entry(1))
    assert journal.touched_since(0, 1) == journal.EVERYTHING
    assert journal.touched_since(1, 1) == Touched()


# --- concurrent --------------------------------------------------------------------------------------------


def test_of_many_writers_one_has_each_number(in_threads):
    def write():
        try:
            journal.append(entry(1))
        except NumberTaken:
            return 0
        return 1

    assert sum(in_threads(write, times=8)) == 1


def test_turns_and_unfolding_at_once_lose_nothing(section, in_threads):
    for number in range(1, 6):
        journal.append(entry(number, names=[f"n{number}"]))
    works = [journal.catch_up] * 2 + [lambda: journal.run(lambda s: None, touched=Touched(), now=NOW)] * 6
    in_threads(lambda works=works: works.pop()(), times=8)
    assert names() == [f"n{number}" for number in range(1, 6)]
    assert journal.last() == journal.unfolded() == 11


# --- crashed -----------------------------------------------------------------------------------------------


def test_whoever_dies_in_the_middle_of_an_unfolding_leaves_all_or_nothing(section, monkeypatch):
    journal.append(entry(1, names=["a"]))
    write = section.write

    def dies(entries, context, *, session):
        write(entries, context, session=session)
        raise KeyboardInterrupt

    monkeypatch.setattr(section, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        journal.catch_up()
    assert (names(), journal.unfolded()) == ([], 0)
    monkeypatch.setattr(section, "write", write)
    journal.catch_up()
    assert (names(), journal.unfolded()) == (["a"], 1)


def test_a_row_that_an_index_refuses_holds_up_nobody_and_is_kept_for_a_person(section):
    from tips.models import TipActivated

    def write(entries, context, *, session):
        rows = [{"_id": f"{each.number}", "sequence": min(each.number, 2)} for each in entries]
        journal.insert(TipActivated, rows, session=session)

    section.write = write
    for number in (1, 2, 3, 4):
        journal.append(entry(number))
    assert journal.catch_up() == 4
    assert {row["_id"] for row in collection(TipActivated).find()} == {"1", "2"}
    assert journal.refused(limit=10) == 2
    assert {row["_id"] for row in collection(JournalRefusal).find()} == {
        "tip_activated_event_log/3",
        "tip_activated_event_log/4",
    }


# --- who writes --------------------------------------------------------------------------------------------


def test_one_holds_the_pen_until_it_lays_it_down_or_its_time_is_over():
    assert journal.take_pen("a", now=NOW, until=NOW + SECOND)
    assert not journal.take_pen("b", now=NOW, until=NOW + SECOND)
    assert journal.take_pen("a", now=NOW, until=NOW + 2 * SECOND)
    assert journal.has_writer(now=NOW)
    assert journal.take_pen("b", now=NOW + 2 * SECOND, until=NOW + 3 * SECOND)
    journal.lay_down_pen("a", now=NOW)  # not its own any more
    assert journal.has_writer(now=NOW + 2 * SECOND)
    journal.lay_down_pen("b", now=NOW + 2 * SECOND)
    assert not journal.has_writer(now=NOW + 2 * SECOND)


def test_the_index_of_the_keys_is_what_once_means():
    indexes = collection(JournalEntry).index_information()
    assert indexes["journal_keys"]["unique"]
    assert collection(JournalState).find_one({"_id": journal.UNFOLDED}) == {"_id": "unfolded", "number": 0}
