"""The process that holds the pen is killed right after its n-th write, for every n of a shift; the next one
finds every call that was answered, and goes on in order."""

import asyncio
import os
import signal

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from pymongo import AsyncMongoClient

from ground import clock
from ground.journal import journal
from ground.journal.models import JournalState
from ground.mongodb import abandoned
from ground.mongodb.collections import collection
from lovense.models import Activation, StockPiece
from tests.flows import proof
from tests.flows.nursery import SLOT, SURVIVED
from tests.pen.conftest import purchase, tip
from tests.pen.shift import Notes, Shift
from tests.pen.test_menus import RARE, offered

pytestmark = pytest.mark.django_db(transaction=True)
MOST_WRITES = 60
PATIENCE = 15.0


def time_passes():
    """As its next process begins, and as its promise ends."""
    abandoned.end(SLOT)
    collection(JournalState).update_one({"_id": journal.WRITER}, {"$set": {"until": clock.now()}})


async def proven(tip_ids, skipped):
    uri = os.environ["MONGODB_URI"]
    async with AsyncMongoClient(uri, tz_aware=True) as client:
        database = client[connection.settings_dict["NAME"]]
        while not await proof.is_over(database, [*tip_ids, *skipped]):
            await asyncio.sleep(0.02)
        await proof.of_facts(database, tip_ids, verdicts=["completed"])
        await proof.of_facts(database, skipped, verdicts=["skipped"])
        await proof.of_the_chain(database)
        await proof.of_the_books(database)
        log = await database.tip_activated_event_log.find().sort("sequence", 1).to_list()
        journalled = await database.journal.find({"_id": {"$lte": journal.LARGEST}}).to_list()
    assert sorted(row["_id"] for row in journalled) == list(range(1, len(journalled) + 1))
    return [row["_id"] for row in log]


async def test_a_death_after_any_write_of_the_pen_changes_nothing_in_the_end(
    stage, bob, limited, nursery, written_elsewhere, tmp_path
):
    await limited(0)
    played, skipped, told, seen = [], [], [], set()
    notes = Notes(str(tmp_path / "notes"))
    for last in range(1, MOST_WRITES):
        three = [tip(stage.performer_id, bob) for _ in range(2)]
        nothing = tip(stage.performer_id, bob, 1)
        bodies = [three[0][1], three[1][1], purchase(bob), three[0][1], nothing[1]]
        calls = [[body.decode(), f"msg_{last}_{place}"] for place, body in enumerate(bodies)]
        played += [tip_id for tip_id, _ in three]
        skipped.append(nothing[0])
        given = {
            "performer_id": stage.performer_id,
            "calls": calls,
            "path": str(tmp_path / "notes"),
            "count": len(played),
        }
        status, writes = await sync_to_async(nursery)("write", last=last, **given)
        assert status in (SURVIVED, -signal.SIGKILL)
        seen.update(writes)
        await sync_to_async(time_passes)()
        async with asyncio.timeout(PATIENCE), Shift(stage.performer_id, notes) as shift:
            for body, delivery in calls:  # the sender's retries
                await shift.post(body, delivery)
            await shift.played(len(played))
            log = await proven(played, skipped)
        told += [*(tip_id for tip_id, _ in three), nothing[0]]
        assert log == told
        assert notes.of("played") == [f"{tip_id}.all" for tip_id in played]
        if status == SURVIVED:
            break
    assert status == SURVIVED
    assert {"insert journal", "commitTransaction", "update journal_state"} <= seen


LASTS, PIECES = range(4, 28, 3), 14


async def test_a_death_after_any_write_of_the_pen_sells_no_piece_twice_and_loses_none(
    stage, bob, limited, nursery, written_elsewhere, tmp_path
):
    await limited(0)
    await sync_to_async(offered)(stage.performer_id, stock=PIECES)
    played, seen, notes = [], [], Notes(str(tmp_path / "notes"))
    for last in LASTS:
        tips = [tip(stage.performer_id, bob) for _ in range(2)]
        calls = [[body.decode(), f"msg_{last}_{place}"] for place, (_, body) in enumerate(tips)]
        played += [f"{tip_id}.all" for tip_id, _ in tips]
        given = {"performer_id": stage.performer_id, "calls": calls, "path": str(tmp_path / "notes")}
        _, writes = await sync_to_async(nursery)("write", last=last, **given, count=len(played))
        seen += writes
        await sync_to_async(time_passes)()
        async with asyncio.timeout(PATIENCE), Shift(stage.performer_id, notes) as shift:
            for body, delivery in calls:
                await shift.post(body, delivery)
            await shift.played(len(played))
        taken, sold = await sync_to_async(both)()
        assert taken == sold == set(played[:PIECES])
        assert notes.of("played") == played
    assert {"insert journal", "insert stock_pieces"} <= set(seen)


def both():
    """The activations that have a piece, and those that play what there are so few of."""
    pieces = list(collection(StockPiece).find())
    assert sorted(piece["number"] for piece in pieces) == list(range(1, 1 + len(pieces)))
    sold = collection(Activation).find({"item.title": RARE}, {"_id": 1})
    return {piece["activation"] for piece in pieces}, {row["_id"] for row in sold}
