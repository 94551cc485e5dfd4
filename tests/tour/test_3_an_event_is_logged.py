"""Chapter 3: the event is logged, and a request waits in ana's queue.

Now the tip is *settled*: its posting in the ledger proves that it is paid. In the very transaction of chapter
2, two more rows are written, and so they exist exactly when the tokens have moved:

* one **TipActivated** event in `tip_activated_event_log`, whose key is the tip's id. It says everything that
  anybody may ever need, never changes, and carries the hash of the row before it: who alters a row breaks the
  chain for all to see.
* one **request** in `queue_requests`, in ana's lane, with the event as its payload.

The tip now belongs to the queue. Who else wants to know of it (roll-ups, ana's open pages, the safeguard that
puts a lost request back) reads the log at a pace of its own, and cannot hold up the tip.

To read: `tips/log/events.py` (what is in the event), `tips/log/emission.py` (who reads it)."""

from itertools import count

from ground.mongodb import abandoned
from ground.mongodb.collections import collection
from tests.flows.nursery import SLOT, SURVIVED
from tests.tour.conftest import MOMENT
from tips.log import eventlog
from tips.models import QueueRequest, Tip, TipActivated


def facts_of(tip_id):
    """How many tips, events and requests there are of it."""
    return (
        collection(Tip).count_documents({"_id": tip_id}),
        collection(TipActivated).count_documents({"_id": tip_id}),
        collection(QueueRequest).count_documents({"idempotency_key": tip_id}),
    )


def test_once_the_event_tells_all_of_it_and_the_request_carries_it(chain, bob):
    tip_id = chain.settled(bob, 50)
    event = collection(TipActivated).find_one({"_id": tip_id})
    request = collection(QueueRequest).find_one({"idempotency_key": tip_id})
    assert event["payload"]["ledger"]["sourceRef"] == f"TIP_{tip_id}"
    assert (event["payload"]["amount"], event["sequence"]) == (50, 1)
    assert (request["lane"], request["status"]) == (chain.performer_id, "pending")
    assert request["payload"] == event["payload"]
    assert eventlog.verify() == 1


def test_repeated_a_tip_that_is_delivered_again_is_one_event(chain, bob):
    tip_id = chain.settled(bob, 50)
    chain.deliver(bob, 50, tip_id=tip_id)
    chain.settle()
    assert facts_of(tip_id) == (1, 1, 1)


def test_killed_after_any_write_there_is_all_of_it_or_nothing(chain, bob, nursery, successor):
    for last in count(1):
        tip_id = chain.deliver(bob, 50)
        status, writes = nursery("settle", last=last, now=MOMENT)
        assert status != SURVIVED
        abandoned.end(SLOT)
        is_committed = "commitTransaction" in writes
        assert facts_of(tip_id) == ((1, 1, 1) if is_committed else (0, 0, 0))
        chain.settle()  # the next round finds what this one has not done
        assert facts_of(tip_id) == (1, 1, 1)
        if is_committed:
            break
    assert last > 3
    assert eventlog.verify() == last
