"""`manage.py seed_show`: every state of an evening is one that the system could have come to, and proven."""

from datetime import timedelta

import pytest
from bson import ObjectId, json_util
from django.core.management import call_command
from django.core.management.base import CommandError

from adminpanel.watch import provers
from config.demo.options import STATES
from config.seeds import script, show
from config.seeds.show import Evening
from ground import clock
from ground.journal import journal
from ground.journal.models import JournalState
from ground.mongodb import collections
from ground.mongodb.collections import collection
from ledger.books import reconcile
from lovense.deciding.activation import FINAL
from lovense.menus import drafts, versions
from lovense.models import Activation, Device, Owed, Performer, Repair, RepairKind, Show
from lovense.shows import onair
from lovense.stopping import presses
from tests.factories import NOW
from tips.log import eventlog
from tips.models import QueueRequest, Tip

HOUR = timedelta(hours=1)
FEW = 48
# What is not hers but of the framework, and what can never be the same: passwords and tokens.
NOT_COMPARED = {"auth_user", "authtoken_token", "django_migrations", "django_content_type", "auth_permission"}


def seeded(state, *, name="ana", seed=7, now=NOW):
    return show.make(Evening(name, state, seed, now))


@pytest.fixture
def few(monkeypatch):
    """A small past in which everything happens at least now and then."""
    monkeypatch.setattr(show, "PAST_TIPS", FEW)
    monkeypatch.setattr(show, "TONIGHTS_TIPS", 4)
    for story in script.STORIES:
        monkeypatch.setitem(script.STORIES, story, 1)


def proven():
    assert [str(finding) for finding in reconcile.findings()] == []
    assert eventlog.verify() == collection(Tip).count_documents({"settlement_status": "settled"})
    assert "their seconds add up" in provers.seconds()


def waiting():
    return collection(QueueRequest).count_documents({"status": "pending"})


def playing():
    return collection(Activation).count_documents({"status": "activated"})


def rows_of(database):
    """Every row, by collection, without the keys that the driver makes."""
    names = sorted({*database.list_collection_names()} - NOT_COMPARED)
    return {name: [*map(told, database[name].find({}, {"user_id": 0}).sort("$natural", 1))] for name in names}


def told(row):
    """A key of the inbox says by the clock when it was taken."""
    if str(row["_id"]).startswith("inbox/"):
        row.pop("at")
    kept = {name: value for name, value in row.items() if not isinstance(value, ObjectId)}
    return json_util.dumps(kept, sort_keys=True)


# --- what is written ---------------------------------------------------------------------------------------


def test_the_past_is_of_three_shows_and_four_hundred_tips_with_every_outcome(db):
    her = seeded("off-air")
    rows = list(collection(Activation).find({"performer_id": her}))
    assert len(rows) == show.PAST_TIPS
    assert {row["status"] for row in rows} == {status.value for status in FINAL}
    shows = list(collection(Show).find({"is_open": False}))
    assert len(shows) == 3
    assert sum(row["sums"]["tips"] for row in shows) == show.PAST_TIPS
    assert {"open", "waived"} == {row["state"] for row in collection(Owed).find()}
    assert len(collection(Tip).distinct("tipper_id")) == 14
    assert len(versions.said(drafts.in_force(her))[0]) == 18
    assert collection(Device).count_documents({"performer_id": her}) == 3
    proven()


def test_each_state_is_what_it_says_and_provable_and_one_follows_the_other(db, few):
    her = seeded("off-air")
    assert onair.current(her, now=NOW) is None
    states = {"busy": 1, "stopped": 0, "paused": 0, "on-air": 0, "after": 0}
    for number, (state, plays) in enumerate(states.items(), start=1):
        now = NOW + number * HOUR
        seeded(state, now=now)
        row = Performer.objects.get(pk=her)
        held = (row.stopped_at is not None, row.paused_at is not None)
        assert held == (state == "stopped", state in {"stopped", "paused"})
        assert (onair.current(her, now=now) is None) == (state == "after")
        waits = len(show.SMALL) if state in {"busy", "stopped", "paused"} else 0
        assert (playing(), waiting()) == (plays, waits)
        proven()


def test_a_stop_says_after_how_long_each_device_was_still(db, few):
    her = seeded("stopped")
    epoch = Performer.objects.get(pk=her).stop_epoch
    assert len(presses.of_epoch(her, epoch)) == 3
    assert (
        collection(Activation).count_documents(
            {"performer_id": her, "reason": "stopped", "created_at": {"$gt": NOW - HOUR / 60}}
        )
        == 1
    )
    proven()


def test_in_trouble_there_is_a_repair_of_each_kind(db, few):
    her = seeded("trouble")
    assert set(collection(Repair).distinct("kind", {"performer_id": her})) == {*RepairKind.values}
    is_open = set(collection(Repair).distinct("kind", {"open_key": {"$gt": ""}}))
    assert is_open == {*RepairKind.values} - {RepairKind.EXTENSION_SILENT, RepairKind.DRIFT}
    proven()


def test_a_first_run_has_nothing_and_no_past_can_become_one(db, few):
    her = seeded("first-run")
    assert collection(Device).count_documents({}) == 0
    assert Performer.objects.get(pk=her).menu_version == 0
    seeded("off-air")
    with pytest.raises(show.HasAPast, match="--performer"):
        seeded("first-run")
    assert seeded("first-run", name="new") != her


# --- the same again ----------------------------------------------------------------------------------------


def test_the_same_seed_and_moment_give_the_same_bytes(db, few):
    database = collections.current()
    empty = {name: list(database[name].find()) for name in database.list_collection_names()}
    seeded("busy")
    first = rows_of(database)
    for name in database.list_collection_names():
        database[name].delete_many({})
        if rows := empty.get(name):
            database[name].insert_many(rows)
    seeded("busy")
    again = rows_of(database)
    for name, rows in first.items():
        assert sorted(rows) == sorted(again[name])
    assert len(first["tips"]) > FEW


def test_a_repeat_writes_no_tip_twice(db, few):
    seeded("on-air")
    count = collection(Tip).count_documents({})
    seeded("on-air")
    assert collection(Tip).count_documents({}) == count


# --- where it is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("argument", "value"), [("state", "asleep"), ("now", "yesterday"), ("seed", "x")])
def test_what_is_none_is_refused(argument, value):
    with pytest.raises(CommandError, match=argument):
        call_command("seed_show", f"--{argument}={value}")


def test_it_is_refused_in_production_and_beside_tips_of_others(db, settings):
    settings.DEBUG = True
    collection(Tip).insert_one({"_id": "6" * 24})
    refused("no seed has made")
    settings.DEBUG = False
    refused("DEBUG is false")


def test_it_is_refused_where_a_stack_serves_the_database(db, settings):
    settings.DEBUG = True
    until = clock.now() + HOUR
    collection(JournalState).update_one({"_id": journal.WRITER}, {"$set": {"until": until}}, upsert=True)
    refused("A stack serves this database")


def test_every_state_that_can_be_named_is_one():
    assert {*STATES} == {"first-run", *show.TONIGHT}


def refused(words):
    with pytest.raises(CommandError, match=words) as found:
        call_command("seed_show")
    assert found.value.returncode == 2
