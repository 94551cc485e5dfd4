"""`manage.py prove books` holds the rows against the journal that they were unfolded from."""

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command

from adminpanel.watch import provers
from ground.journal import journal
from ground.journal.models import JournalEntry
from ground.mongodb.collections import collection
from ledger.models import Account, Posting
from tests.pen.conftest import post, running, tip, until
from tips.models import ArchivedTipActivated, TipActivated

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tips(stage, bob):
    """Three plain tips, each an entry or more, unfolded: their ids."""

    @async_to_sync
    async def play():
        async with running(stage.performer_id) as (pen, page):
            sent = [tip(stage.performer_id, bob) for _ in range(3)]
            for _, body in sent:
                await post(pen, body)
                page.finish(await page.next())
            await until(lambda: journal.behind() == (0, None))
        return [tip_id for tip_id, _ in sent]

    return play()


def prove(capsys):
    capsys.readouterr()
    try:
        call_command("prove", "books")
    except CommandError:
        return 1, capsys.readouterr().out.splitlines()
    return 0, capsys.readouterr().out.splitlines()


def with_postings():
    return list(collection(JournalEntry).find({"postings": {"$exists": True}}).sort("_id", 1))


def test_what_the_pen_wrote_is_in_the_rows(tips, capsys):
    assert len(with_postings()) == 3
    code, lines = prove(capsys)
    assert code == 0
    assert lines[-1] == f"books: {journal.unfolded()} entries of the journal read, their rows agree"


def lose_a_posting(tip_id):
    collection(Posting).delete_one({"_id": f"TIP_{tip_id}"})
    return f"posting TIP_{tip_id}: is in the journal and not in the books"


def change_a_posting(tip_id):
    collection(Posting).update_one({"_id": f"TIP_{tip_id}"}, {"$set": {"subject": "tip/other"}})
    return f"posting TIP_{tip_id}: is another one in the journal"


def lose_an_event(tip_id):
    collection(TipActivated).delete_one({"_id": tip_id})
    return f"event {tip_id}: is in the journal and not in the log"


def change_an_event(tip_id):
    collection(TipActivated).update_one({"_id": tip_id}, {"$set": {"payload.amount": 7}})
    return f"event {tip_id}: is another one in the journal"


def lose_an_entry(tip_id):
    number = collection(JournalEntry).find_one({"keys": tip_id})["_id"]
    collection(JournalEntry).delete_one({"_id": number})
    return f"journal: entry {number} is missing"


def lose_all_entries(tip_id):
    collection(JournalEntry).delete_many({"_id": {"$gt": 0}})
    return f"journal: entries 1 to {journal.unfolded()} are missing"


def set_an_account_back(tip_id):
    row = collection(Account).find_one({"_id": "platform:commission"})
    set_back = {"version": row["version"] - 1, "balance": row["balance"]}
    collection(Account).update_one({"_id": row["_id"]}, {"$set": set_back})
    return (
        f"account platform:commission: says {row['balance']} at version {row['version'] - 1}, "
        f"the journal left it with {row['balance']} at version {row['version']}"
    )


def change_a_balance(tip_id):
    row = collection(Account).find_one({"_id": "platform:commission"})
    collection(Account).update_one({"_id": row["_id"]}, {"$inc": {"balance": 5}})
    return (
        f"account platform:commission: says {row['balance'] + 5} at version {row['version']}, "
        f"the journal left it with {row['balance']} at version {row['version']}"
    )


@pytest.mark.parametrize(
    "damage",
    [
        lose_a_posting,
        change_a_posting,
        lose_an_event,
        change_an_event,
        lose_an_entry,
        lose_all_entries,
        set_an_account_back,
        change_a_balance,
    ],
)
def test_what_is_not_as_the_journal_says_is_named_and_left_as_it_is(tips, capsys, damage):
    finding = damage(tips[1])
    before = [list(collection(model).find().sort("_id", 1)) for model in (JournalEntry, Posting, Account)]
    code, lines = prove(capsys)
    assert code == 1
    assert f"books: {finding}" in lines
    assert lines[-1].endswith("The journal does not agree with its rows: 1 findings.")
    assert before == [
        list(collection(model).find().sort("_id", 1)) for model in (JournalEntry, Posting, Account)
    ]


def test_an_event_that_was_archived_is_there(tips, capsys):
    row = collection(TipActivated).find_one_and_delete({"_id": tips[0]})
    collection(ArchivedTipActivated).insert_one(row | {"segment": "events/1"})
    assert prove(capsys)[0] == 0
    collection(ArchivedTipActivated).update_one({}, {"$set": {"payload.amount": 7}})
    assert f"books: event {tips[0]}: is another one in the journal" in prove(capsys)[1]


def test_an_entry_that_is_not_unfolded_yet_is_nobodys_fault(tips, capsys):
    (first, *_) = with_postings()
    number = journal.last() + 1
    row = first["postings"][0] | {"_id": "TIP_new"}
    journal.append({"_id": number, "by": "test", "at": first["at"], "postings": [row]})
    assert prove(capsys)[0] == 0


def test_of_a_trimmed_entry_the_number_is_left_to_be_proven(tips, capsys):
    lose_a_posting(tips[1])
    kept = [{"$project": {name: 1 for name in journal.KEPT if name != "_id"}}]
    collection(JournalEntry).update_one({"keys": tips[1]}, kept)
    assert provers.journal().endswith("entries of the journal read, their rows agree; 1 of them trimmed")
    lose_an_entry(tips[1])
    assert prove(capsys)[0] == 1


def test_nothing_that_is_read_is_kept(tips, monkeypatch):
    """A few entries at a time, whatever their number: the proof sees no more of them at once."""
    from ground.journal import proof

    monkeypatch.setattr(proof, "AT_ONCE", 2)
    sizes, read = [], []
    seen = proof.EntriesRead()
    check = lambda entries: iter(sizes.append(len(entries)) or ())  # noqa: E731
    assert list(proof.findings([check], read=seen, progress=read.append)) == []
    assert (max(sizes), sum(sizes), sum(read)) == (2, seen.entries, seen.entries)
    assert seen.entries == proof.size() == journal.unfolded()
