"""The past of `demo --keep`: written by the product's own rules, so it is as provable as anybody's."""

from collections import Counter
from datetime import timedelta

import pytest

from adminpanel.models import TipHour
from config.demo import past
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from ledger.books import reconcile
from lovense.models import Activation, Device, Performer
from tests.config.test_demo import demonstration, ended, read_until
from tests.factories import NOW
from tips.log import eventlog
from tips.models import Tip, TipActivated

DAYS = 4


@pytest.fixture
def written(db, monkeypatch):
    """Four days in which everything happens at least now and then."""
    monkeypatch.setattr(past, "STORIES", dict.fromkeys(past.STORIES, 1))
    return past.make(now=NOW, days=DAYS)


def statuses(model):
    return Counter(row["status"] for row in collection(model).find({}, {"status": 1}))


def test_every_kind_of_end_is_in_it_and_all_of_it_is_proven(written):
    assert collection(Performer).count_documents({"menu_version": 1}) == len(past.PERFORMERS) == 3
    assert collection(Device).count_documents({}) == 3
    assert written == len(list(past.script(now=NOW, days=DAYS))) > 40
    ended = statuses(Activation)
    assert set(ended) == {"completed", "skipped", "failed", "timeout", "dead"}
    assert statuses(WebhookDelivery)["conflict"] > 0
    assert statuses(WebhookDelivery)["duplicate"] > 0
    settled = collection(TipActivated).count_documents({})
    assert sum(ended.values()) == settled - past.STILL_WAITING
    assert {"failed", "cancelled"} <= {
        row["settlement_status"] for row in collection(Tip).find({}, {"settlement_status": 1})
    }
    assert [str(finding) for finding in reconcile.findings()] == []
    assert eventlog.verify() == settled
    assert sum(row["tips"] for row in collection(TipHour).find()) == settled


def test_each_lies_at_its_own_moment(written):
    first = NOW - timedelta(days=DAYS + 1)
    for row in collection(Tip).find():
        assert first <= row["created_at"] <= NOW
        assert row["created_at"] - row["happened_at"] <= timedelta(seconds=1)
    assert collection(Tip).count_documents({"created_at": {"$gte": NOW - timedelta(minutes=1)}}) == 3


def test_it_stays_up_with_its_past_and_its_data_outlives_it(tmp_path):
    process = demonstration("--keep", "--days", "2", "--data", str(tmp_path))
    said = "".join(read_until(process, "ready http://"))
    assert "2 days of tips" in said
    assert [name for _, name in past.PERFORMERS if f"{name} / " in said] == ["ana", "mia", "zoe"]
    ended(process, with_code=0)
    assert list((tmp_path / "data" / "mongod").glob("*.wt"))


def test_the_same_past_is_not_written_twice(written):
    assert (past.exists(), past.is_empty()) == (True, False)


def test_a_past_is_for_an_empty_database(db):
    assert (past.is_empty(), past.exists()) == (True, False)
