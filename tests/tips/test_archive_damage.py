"""Damage to the log or its archive is named and not tidied, and nothing is deleted on its strength."""

import pytest

from ground.mongodb.collections import collection
from tests.tips.calls import tip_id
from tests.tips.segments import archived, hot, log, refused, run, small, states
from tips.log import archive, events
from tips.models import (
    ArchivedQueueRequest,
    ArchivedTipActivated,
    ArchiveManifest,
    SegmentState,
    TipActivated,
)
from tips.queue import requests as queue

__all__ = ["log", "small"]
pytestmark = pytest.mark.django_db


def test_a_changed_row_of_the_archive_is_named_by_the_chain_and_by_its_manifest(log):
    run(limit=6)
    archived(5, **{"payload.amount": 1})
    assert refused("verify_event_log") == "The event log is broken at row 5: its payload was changed."
    assert "segment events/00000002: its rows do not give the manifest's sha256" in refused(
        "archive_events", "--verify"
    )


def test_a_removed_row_of_the_archive_is_named(log):
    run(limit=6)
    collection(ArchivedTipActivated).delete_one({"_id": tip_id(2)})
    assert refused("verify_event_log") == "The event log is broken at row 2: is missing."
    assert "segment events/00000001 has 2 rows, its manifest says 3" in refused("archive_events", "--verify")


def test_a_changed_row_of_the_hot_log_is_named_after_an_intact_archive(log):
    run(limit=6)
    collection(TipActivated).update_one({"_id": tip_id(8)}, {"$set": {"event_id": "x"}})
    assert (
        refused("verify_event_log")
        == "The event log is broken at row 8: its columns and its payload disagree."
    )


def test_a_row_of_the_archive_beyond_the_head_is_found(log):
    run()
    row = collection(ArchivedTipActivated).find_one({"_id": tip_id(8)}) | {"_id": tip_id(9), "sequence": 9}
    collection(ArchivedTipActivated).insert_one(row)
    assert refused("verify_event_log") == "The event log is broken at row 9: lies beyond the chain's head."


def test_a_changed_request_of_the_archive_is_named(log):
    run()
    collection(ArchivedQueueRequest).update_one(
        {"_id": queue.request_id(tip_id(1))}, {"$set": {"attempts": 9}}
    )
    assert "segment requests/00000001: its rows do not give the manifest's sha256" in refused(
        "archive_events", "--verify"
    )


@pytest.mark.parametrize("name", ["sha256", "last_digest", "first_digest", "last_position", "first_position"])
def test_a_changed_manifest_is_named(log, name):
    run()
    wrong = 99 if name.endswith("position") else "0" * 64
    collection(ArchiveManifest).update_one({"_id": "events/00000002"}, {"$set": {name: wrong}})
    assert f"segment events/00000002: its rows do not give the manifest's {name}" in refused(
        "archive_events", "--verify"
    )


def test_a_removed_manifest_leaves_a_gap(log):
    run()
    collection(ArchiveManifest).delete_one({"_id": "events/00000002"})
    assert "segment events/00000003 does not follow the one before it" in refused(
        "archive_events", "--verify"
    )


def test_a_broken_log_is_not_archived_from_there_on(log):
    collection(TipActivated).update_one({"_id": tip_id(5)}, {"$set": {"event_id": "x"}})
    with pytest.raises(events.BrokenChain, match="row 5"):
        run()
    assert states() == {"events/00000001": "deleted"}
    assert hot()[0] == [tip_id(number) for number in range(4, 9)]
    assert len(hot()[1]) == 8


@pytest.mark.parametrize("state", [SegmentState.COPIED, SegmentState.VERIFIED])
def test_nothing_is_deleted_on_the_strength_of_a_damaged_copy(log, monkeypatch, state):
    """The copy rots between two runs: the originals stay, and the run says which segment it is."""
    monkeypatch.setattr(archive, "_finish", lambda manifest, time: None)
    run(limit=3)
    collection(ArchiveManifest).update_one({}, {"$set": {"state": state.value}})
    archived(2, payload_hash="0" * 64)
    monkeypatch.undo()
    for _ in range(2):
        with pytest.raises(archive.SegmentDamaged, match="events/00000001"):
            run()
    assert len(hot()[0]) == 8
    assert states() == {"events/00000001": state.value}
