"""Roll-ups: whatever happened on the way, they are the sums over the event log."""

import random
from collections import Counter, defaultdict
from datetime import timedelta

import pytest

from adminpanel.models import PerformerTipHour, TipHour
from adminpanel.watch import rollups
from ground.mongodb.collections import collection
from tests.factories import NOW
from tests.tips import calls
from tests.tips.calls import ANA, CAROL, tip_id
from tests.tips.conftest import in_threads
from tips.log import archive, emission
from tips.models import ArchivedTipActivated, EventConsumer, TipActivated

__all__ = ["in_threads"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def evening():
    """Forty tips of two performers over four hours, a few of them at a time."""
    draw = random.Random(7)
    calls.bought(10**6)
    for number in range(1, 41):
        calls.succeeded(
            number, draw.randint(1, 500), recipient={"performerId": draw.choice([ANA, CAROL])}, commission=30
        )
        if number % 4 == 0:
            calls.settle(NOW + timedelta(minutes=6 * number))


def folded():
    """The sums that follow from the log alone."""
    sums = defaultdict(Counter)
    for model in (TipActivated, ArchivedTipActivated):
        for row in collection(model).find():
            payload, hour = row["payload"], f"{row['posted_at']:%Y-%m-%dT%H}"
            for key in (hour, f"{payload['performerId']}/{hour}"):
                sums[key] += Counter(tips=1, tokens=payload["amount"], net=payload["netPrice"])
    return {key: dict(found) for key, found in sums.items()}


def stored():
    rows = [row for model in (TipHour, PerformerTipHour) for row in collection(model).find()]
    return {row["_id"]: {name: row[name] for name in ("tips", "tokens", "net")} for row in rows}


def drain(limit=7):
    while emission.drain(now=NOW, limit=limit):
        pass


def test_they_are_the_sums_over_the_log(evening):
    drain()
    assert stored() == folded()
    assert len([key for key in stored() if "/" not in key]) == 5
    row = PerformerTipHour.objects.get(pk=f"{ANA}/2026-01-03T06")
    assert (row.performer_id, row.hour) == (ANA, NOW.replace(hour=6, minute=0))
    assert 0 < row.net < row.tokens


def test_draining_again_changes_nothing(evening):
    drain()
    drain()
    assert stored() == folded()


def test_many_that_drain_at_once_count_each_tip_once(evening, in_threads):
    in_threads(lambda: drain(limit=3), times=8)
    drain()
    assert stored() == folded()


def test_archived_events_count_too(evening):
    archive.run(before=NOW + timedelta(hours=2), time=lambda: NOW)
    drain()
    assert stored() == folded()
    assert sum(sums["tips"] for key, sums in stored().items() if "/" not in key) == 40


def test_a_dead_event_counts_once_it_is_retried_and_only_once(evening, monkeypatch):
    """As if the number of one tip had been too large to be added: its own attempts fail, the others are
    counted."""
    add = rollups._add

    def refuse(sums, payload):
        if (
            payload["amount"] == bad["payload"]["amount"]
            and payload["performerId"] == bad["payload"]["performerId"]
        ):
            raise OverflowError
        add(sums, payload)

    bad = collection(TipActivated).find_one({"_id": tip_id(5)})
    monkeypatch.setattr(rollups, "_add", refuse)
    for seconds in (0, 1, 5, 21, 85):
        while emission.drain(now=NOW + timedelta(seconds=seconds), limit=7):
            pass
    assert collection(EventConsumer).find_one({"_id": "analytics"})["position"] == 40
    (dead,) = emission.dead(consumer="analytics")
    assert dead["tip_id"] == tip_id(5)
    assert stored() != folded()
    monkeypatch.setattr(rollups, "_add", add)
    for minutes in (2, 3):
        assert emission.retry(dead["_id"], by="dina", now=NOW + timedelta(minutes=minutes))
        assert stored() == folded()
