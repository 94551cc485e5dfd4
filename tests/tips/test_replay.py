"""`manage.py replay_inbox`: what was sent, sent again, gives the same; and whatever is not the same is
found."""

import gc
import json
import random
import tracemalloc
from collections import Counter
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery
from ground.mongodb import collections
from ground.mongodb.collections import client, collection
from ledger.books import comparison
from ledger.models import Account, Posting
from tests.factories import NOW
from tests.live import environment
from tests.tips.calls import (
    BOB,
    CAROL,
    EVE,
    GRACE,
    SETTLED,
    body,
    bought,
    cancelled,
    failed,
    purchase,
    send,
    settle,
    state,
    succeeded,
    tip,
    tip_id,
)
from tips.intake import payloads
from tips.log import archive
from tips.models import ArchivedTipActivated, ChainHead, Tip, TipActivated
from tips.settlement import replay, settlement

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven")]

SECOND = timedelta(seconds=1)


@pytest.fixture
def target(db):
    """The address of a database that does not exist yet."""
    here = environment()["MONGODB_URI"]
    name = f"{collections.current().name}_replayed"
    client().drop_database(name)
    yield here.replace(f"/{collections.current().name}?", f"/{name}?")
    client().drop_database(name)


@pytest.fixture
def replayed(target, capsys):
    """Runs the command: (exit code, its lines)."""

    def run():
        try:
            call_command("replay_inbox", "--into", target)
        except CommandError as error:
            return error.returncode, [*capsys.readouterr().out.splitlines(), str(error)]
        return 0, capsys.readouterr().out.splitlines()

    return run


def there(target):
    """Everything in the database that was filled."""
    name = target.rpartition("/")[2].partition("?")[0]
    rows = client().get_database(name)
    return {
        model.__name__: list(rows[model._meta.db_table].find().sort("_id", 1))
        for model in (Tip, Account, WebhookDelivery)
    }


def by_rest(number, tokens, moment, key=""):
    """As `POST /api/tips` records it; settled by whoever comes first."""
    content = (
        b'{"type":"tip.succeeded","timestamp":"2026-01-03T04:15:00.000Z","data":%s}'
        % json.dumps(tip(number, tokens)).encode()
    )
    call = payloads.as_call(
        "rest", key or f"client/{number}", content, payloads.parse(content), position=moment, received_at=NOW
    )
    return inbox.accept([call])


# --- the same ----------------------------------------------------------------------------------------------


def history():
    """Everything that deliveries can do: paid, unpaid, repeated, contradicted, taken back, late, over either
    door."""
    bought(500)
    succeeded(1, 100)
    settle(NOW)
    succeeded(1, 100)  # repeated
    succeeded(1, 900)  # contradicted
    send("tip.succeeded", tip(1, 100), "msg_same")
    send("tokens.purchased", purchase(77, 50), "msg_same")  # another fact under a used delivery id
    send("tokens.purchased", purchase(77, 51), "msg_same")  # and other content under that
    cancelled(2, totalPrice=10)
    succeeded(2, 10)
    failed(2)  # of another amount
    failed(3)
    settle(NOW + SECOND)
    succeeded(4, 5000)  # never paid
    succeeded(5, 600)  # waits, is paid in time
    succeeded(6, 10, isAnonymous=True, commission=0, context={"streamType": "public"}, conversationId=BOB)
    settle(NOW + 2 * SECOND)
    bought(600)
    settle(NOW + 30 * SECOND)
    settlement.end_grace(now=NOW + 2 * SECOND + GRACE, limit=9)
    succeeded(7, 300, tipper=EVE)  # waits, is cancelled
    settle(NOW + 100 * SECOND)
    cancelled(7, tipper=EVE, totalPrice=300)
    cancelled(1)  # too late
    settle(NOW + 110 * SECOND)
    succeeded(8, 10, sourceRef="shared")
    succeeded(9, 10, sourceRef="shared")  # refused by the books
    by_rest(10, 20, 2**62)
    settle(NOW + 120 * SECOND)
    bought(2**53 - 1, user=CAROL)
    send("survey.sent", {"createdAt": "2026-01-03T04:15:00.000Z"})
    settle(NOW + 130 * SECOND)
    succeeded(11, 10)  # not processed yet


def test_a_history_of_everything_comes_out_the_same(replayed, target):
    history()
    states = Counter(row["settlement_status"] for row in collection(Tip).find())
    assert states == {"settled": 5, "cancelled": 2, "failed": 3}
    deliveries = collection(WebhookDelivery).count_documents({})
    assert replayed() == (0, [f"{deliveries} deliveries replayed, everything is the same"])
    copied = {row["subject"]: row["status"] for row in there(target)["WebhookDelivery"] if row["subject"]}
    assert copied == {
        row["subject"]: row["status"] for row in collection(WebhookDelivery).find() if row["subject"]
    }
    assert len(there(target)["Tip"]) == 10
    assert (
        replay.SCHEDULE not in client()[target.rpartition("/")[2].partition("?")[0]].list_collection_names()
    )


def test_nothing_comes_out_as_nothing(replayed):
    assert replayed() == (0, ["0 deliveries replayed, everything is the same"])


def test_the_original_is_not_touched(replayed, target):
    history()
    models = (WebhookDelivery, Account, Posting, Tip, TipActivated, ChainHead)
    before = [list(collection(model).find().sort("_id", 1)) for model in models]
    replayed()
    assert [list(collection(model).find().sort("_id", 1)) for model in models] == before
    assert User.objects.count() == 0
    assert collections.current().name in str(client().list_database_names())


def test_the_archive_is_the_beginning_of_the_log(replayed):
    history()
    assert archive.run(before=NOW + 50 * SECOND).moved["events"] == 3
    assert replayed()[0] == 0
    moved = collection(ArchivedTipActivated).find_one({"_id": tip_id(1)})
    collection(TipActivated).insert_one({name: value for name, value in moved.items() if name != "segment"})
    assert replayed()[0] == 1  # the database is not empty any more
    client().drop_database(f"{collections.current().name}_replayed")
    assert replayed()[0] == 0  # a row that is being archived is in both places
    collection(TipActivated).delete_one({"_id": tip_id(1)})


def test_tokens_that_came_just_before_the_end_of_grace_and_just_after(replayed):
    """The same deliveries, but another look in between: the outcome follows the moments of the original."""
    succeeded(1, 100)
    succeeded(2, 100, tipper=EVE)
    settle(NOW)
    bought(100)
    settle(NOW + 2 * GRACE)  # before anybody looked: it settles after all
    settlement.end_grace(now=NOW + 2 * GRACE + SECOND, limit=9)
    bought(100, user=EVE)
    settle(NOW + 2 * GRACE + 2 * SECOND)
    assert (state(1), state(2)) == (SETTLED, ("failed", "failed", "insufficient_funds"))
    assert replayed()[0] == 0


def test_what_the_last_look_settled_is_settled_by_a_look(replayed, settings):
    settings.DRAIN_LIMIT = 1
    for number in (1, 2):
        succeeded(number, 100)
    settle(NOW)
    bought(200)
    settle(NOW + SECOND)
    settlement.end_grace(now=NOW + GRACE, limit=9)
    assert (state(1), state(2)) == (SETTLED, SETTLED)
    assert replayed()[0] == 0


@pytest.mark.parametrize("rounds", ["one round", "four rounds"])
def test_which_deliveries_were_settled_together_decides_and_is_kept(replayed, rounds):
    """Tokens go first within a round, so the same deliveries end differently in one round or in four."""
    steps = [lambda: bought(100), lambda: succeeded(1, 200), lambda: succeeded(2, 100), lambda: bought(100)]
    for place, step in enumerate(steps):
        step()
        if rounds == "four rounds" or place == 3:
            settle(NOW + place * SECOND)
    assert [state(number) == SETTLED for number in (1, 2)] == (
        [True, False] if rounds == "one round" else [False, True]
    )
    assert replayed()[0] == 0


def test_a_round_that_began_first_and_ended_last_is_replayed_last(replayed):
    bought(500)
    settle(NOW - SECOND)
    succeeded(1, 100)
    settle(NOW + SECOND)
    succeeded(2, 100)
    settle(NOW)  # began earlier by its clock, and came later in the log
    succeeded(3, 100)
    settle(NOW + 2 * SECOND)
    assert [row["_id"] for row in collection(TipActivated).find().sort("sequence", 1)] == [
        tip_id(n) for n in (1, 2, 3)
    ]
    assert replayed()[0] == 0


@pytest.mark.parametrize("seed", range(3))
def test_any_history_comes_out_the_same(replayed, seed):
    choose, moment = random.Random(seed), NOW
    for _ in range(150):
        moment += timedelta(milliseconds=choose.randint(1, 20_000))
        number = choose.randint(1, 40)
        viewer = (BOB, EVE, CAROL)[number % 3]
        choose.choice(
            [
                lambda number=number, viewer=viewer: succeeded(number, 10 * number, tipper=viewer),
                lambda number=number, viewer=viewer: succeeded(number, 10 * number, tipper=viewer),
                lambda number=number, viewer=viewer: succeeded(number, 7, tipper=viewer),
                lambda number=number, viewer=viewer: cancelled(number, totalPrice=10 * number, tipper=viewer),
                lambda viewer=viewer: bought(choose.choice([50, 300]), user=viewer),
                lambda moment=moment: settle(moment, choose.choice([1, 5, 200])),
                lambda moment=moment: settle(moment, choose.choice([1, 5, 200])),
                lambda moment=moment: settlement.end_grace(now=moment, limit=99),
            ]
        )()
    assert replayed()[0] == 0


# --- not the same ------------------------------------------------------------------------------------------


@pytest.fixture
def small():
    bought(500)
    succeeded(1, 100)
    succeeded(2, 5000)
    settle(NOW)
    settlement.end_grace(now=NOW + GRACE, limit=9)


def change(model, key, **changes):
    collection(model).update_one({"_id": key}, {"$set": changes})


ONE, TWO = tip_id(1), tip_id(2)
PLANTED = {
    "a tip": (lambda: change(Tip, TWO, total=5001), f"tip {TWO}: total is 5000, not 5001"),
    "a balance": (
        lambda: change(Account, f"user:{BOB}", balance=401),
        f"account user:{BOB}: balance is 400, not 401",
    ),
    "a transfer": (
        lambda: change(Posting, f"TIP_{ONE}", subject="tip/x"),
        f"posting TIP_{ONE}: subject is 'tip/{ONE}', not 'tip/x'",
    ),
    "an entry": (
        lambda: change(Posting, f"TIP_{ONE}", **{"legs.1.balance": 76}),
        f"posting TIP_{ONE}: legs.1.balance is 100, not 76",
    ),
    "a posting that is not explained": (
        lambda: collection(Posting).insert_one({"_id": "X", "legs": [{"version": 9, "account": "a"}]}),
        "posting X: is not there",
    ),
    "a posting that is gone": (
        lambda: collection(Posting).delete_one({"_id": f"TIP_{ONE}"}),
        f"posting TIP_{ONE}: should not be there",
    ),
    "an event": (
        lambda: change(TipActivated, ONE, **{"payload.tipper.username": "eve"}),
        f"event {ONE}: payload.tipper.username is 'bob', not 'eve'",
    ),
}


@pytest.fixture
def unproven(monkeypatch):
    """These tests break what every other test must leave whole; here it is put right again."""
    kept = {model: list(collection(model).find()) for model in (Tip, Account, Posting, TipActivated)}
    yield
    for model, rows in kept.items():
        collection(model).delete_many({})
        if rows:
            collection(model).insert_many(rows)


@pytest.mark.parametrize("name", list(PLANTED))
def test_a_planted_difference_is_found(small, unproven, replayed, name):
    plant, line = PLANTED[name]
    plant()
    assert replayed() == (1, [line, "The replay differs in 1 places."])


def test_a_delivery_that_can_no_longer_be_read_is_named_and_the_rest_is_replayed(small, replayed):
    key = collection(WebhookDelivery).find_one(
        {"event_type": "tip.succeeded", "subject": f"tip.succeeded/{TWO}"}
    )["_id"]
    kept = collection(WebhookDelivery).find_one({"_id": key})["body"]
    change(WebhookDelivery, key, body=b"{}")
    code, lines = replayed()
    change(WebhookDelivery, key, body=kept)
    assert code == 1
    assert lines[:-1] == [
        f"delivery {key}: can no longer be read: type: is required",
        f"tip {TWO}: is not there",
    ]


def test_ids_and_times_of_the_server_are_no_difference(small, unproven, replayed):
    later = NOW + timedelta(days=9)
    change(Tip, ONE, created_at=later, delivery="payments/other")
    change(Account, f"user:{BOB}", created_at=later)
    change(TipActivated, ONE, event_id="other", previous_hash="other", **{"payload.eventId": "other"})
    assert replayed()[0] == 0


def test_an_original_that_works_on_is_not_judged(small, replayed, monkeypatch):
    feed = replay.feed

    def meanwhile(original, *, progress):
        yield from feed(original, progress=progress)
        original["webhook_deliveries"].insert_one({"_id": "payments/late", "subject": "late"})

    monkeypatch.setattr(replay, "feed", meanwhile)
    code, lines = replayed()
    assert (code, lines[-1]) == (
        1,
        "The original worked on meanwhile, so this proves nothing: replay a copy of it.",
    )


def test_only_an_empty_database_is_filled(small, replayed, target):
    assert replayed()[0] == 0
    code, lines = replayed()
    assert (code, lines) == (
        1,
        ["The database " + repr(f"{collections.current().name}_replayed") + " is not empty."],
    )


def test_the_original_itself_is_refused(small, target):
    before = list(collection(Tip).find())
    with pytest.raises(CommandError, match="is not empty"):
        call_command("replay_inbox", "--into", environment()["MONGODB_URI"])
    assert list(collection(Tip).find()) == before


@pytest.mark.parametrize(
    ("address", "why"), [("mongodb://127.0.0.1:1/", "names no database"), ("http://x/y", "Invalid URI")]
)
def test_an_address_that_cannot_be_meant_is_refused(db, address, why):
    with pytest.raises(CommandError, match=why):
        call_command("replay_inbox", "--into", address)
    assert collection(Tip).count_documents({}) == 0


def test_another_ledger_cannot_be_replayed(db, target, settings):
    settings.LEDGER_GATEWAY = "rrr"
    with pytest.raises(CommandError, match="Only the embedded ledger"):
        call_command("replay_inbox", "--into", target)


def test_afterwards_the_models_are_where_they_were(small, replayed):
    before = (collections.current().name, client())
    replayed()
    assert (collections.current().name, client()) == before
    assert Tip.objects.count() == 2
    assert succeeded(3, 10) == 202


# --- much of it --------------------------------------------------------------------------------------------


def test_memory_does_not_grow_with_the_inbox(replayed, monkeypatch, db):
    """Four times the deliveries, the same peak: pages of rows are in memory, never all of them."""
    monkeypatch.setattr(replay, "PAGE", 20)
    monkeypatch.setattr(inbox, "HISTORY_PAGE", 20)
    monkeypatch.setattr(comparison, "BATCH", 20)

    def fill(start, count):
        calls = []
        for number in range(start, start + count):
            data = (
                purchase(number, 50) if number % 2 else tip(number, 50, context={"customMessage": "x" * 400})
            )
            content = body("tokens.purchased" if number % 2 else "tip.succeeded", data)
            message = payloads.parse(content)
            calls.append(
                payloads.as_call("payments", f"m{number}", content, message, position=number, received_at=NOW)
            )
        inbox.accept(calls)
        moment = NOW + start * SECOND
        while settle(moment, 50).handled:
            moment += SECOND

    def peak():
        gc.collect()
        tracemalloc.start()
        assert replayed()[0] == 0
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        client().drop_database(f"{collections.current().name}_replayed")
        return reached

    fill(1, 100)
    peak()  # what is loaded once
    small = peak()
    fill(1001, 300)
    assert peak() < 1.3 * small
