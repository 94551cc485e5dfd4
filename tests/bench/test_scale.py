"""The seeded past is one that the system could have had; and the ratios say what is slower."""

from typing import Any

import pytest

from bench import past
from bench.scale import EMPTY, SEEDED, ratios
from ground import clock
from ground.journal import journal
from ground.mongodb.collections import collection
from lovense.models import Activation
from tips.log import emission, eventlog
from tips.models import EventConsumer, QueueRequest, Tip, TipActivated


def row(database: str, name: str, *, rate: float = 100, p50: float = 5, p99: float = 20) -> dict[str, Any]:
    return {
        "database": database,
        "name": name,
        "tips_per_second": rate,
        "latency_ms": {"p50": p50, "p99": p99},
    }


def test_a_ratio_is_that_of_the_medians_and_says_how_many_times_slower() -> None:
    rows = [row(EMPTY, "max", rate=rate) for rate in (100, 120, 900)]
    rows += [row(SEEDED, "max", rate=rate) for rate in (60, 1, 70)]
    rows += [row(EMPTY, "latency"), row(SEEDED, "latency", p50=4, p99=25)]
    rate, p50, p99 = ratios(rows)
    assert (rate.empty, rate.seeded, rate.times, rate.is_within) == (120, 60, 2, False)
    assert (p50.times, p50.is_within) == (0.8, True)
    assert (p99.times, p99.is_within) == (1.25, False)


def test_tips_wait_only_for_performers_whose_pages_the_load_does_not_open() -> None:
    with pytest.raises(ValueError, match="50"):
        past.Size(tips=1, performers=past.ONLINE, waiting=1)


@pytest.mark.django_db
def test_a_seeded_past_is_consistent_and_leaves_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.messages.VIEWERS", 20)
    monkeypatch.setattr(past, "TIPS_PER_ENTRY", 25)
    written: list[int] = []
    past.write(past.Size(tips=330, performers=60, waiting=40), now=clock.now(), progress=written.append)
    assert sum(written) == 370
    assert past.problems() == []
    counted = [
        collection(model).count_documents({}) for model in (Tip, TipActivated, QueueRequest, Activation)
    ]
    assert counted == [370, 370, 370, 330]
    assert collection(QueueRequest).count_documents({"status": "completed"}) == 330
    assert (
        collection(Activation).count_documents({"status": "completed", "delivered_seconds": {"$gt": 0}})
        == 330
    )
    online = [past.messages.performer_id(number) for number in range(past.ONLINE)]
    waits = {"status": "pending"}
    assert collection(QueueRequest).count_documents(waits) == 40
    assert collection(QueueRequest).count_documents(waits | {"lane": {"$in": online}}) == 0
    assert journal.behind() == (0, None)
    assert {row["position"] for row in collection(EventConsumer).find()} == {370}
    assert not emission.drain(now=clock.now())


@pytest.mark.django_db
def test_a_past_that_was_changed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.messages.VIEWERS", 20)
    past.write(past.Size(tips=30, performers=51, waiting=1), now=clock.now(), progress=lambda count: None)
    assert eventlog.length() == 31
    collection(TipActivated).update_one({"sequence": 7}, {"$set": {"payload.amount": 1}})
    assert len(past.problems()) > 0
