"""Chapter 6: the page acknowledges, and the story ends.

The page says `received`, `started`, and `finished` with the seconds that it delivered. Each is a guarded
write: "completed, where it is dispatched or activated now". A write that matches nothing was a repeat, or
came late, and changes nothing. With the end of the activation its request ends, the lane is free, and the
next tip of chapter 4 has its turn.

A page that falls silent after `received` may have played: its tip ends as `timeout` and is never played
again, though a late `finished` is still believed. A page that *refused* before it started has not played, so
that is tried again, after 1, 2 and 4 seconds; then a person finds a *dead letter* with its whole history.

Every tip ends in one sentence, which is what the tip's page shows to support, with these six facts below it.

To read: `lovense/sending/acknowledgement.py`, `lovense/sending/leases.py` (who falls silent),
`adminpanel/tip/` (the story)."""

from ground import clock
from ground.mongodb.collections import collection
from lovense.models import Activation
from lovense.sending import resume
from tests.chain import SECOND
from tests.factories import NOW
from tests.flows.nursery import SURVIVED
from tips.models import QueueRequest


def ends_of(tip_id):
    activation = collection(Activation).find_one({"tip_id": tip_id})
    request = collection(QueueRequest).find_one({"idempotency_key": tip_id})
    return activation["status"], request["status"]


def started(chain, bob):
    """A tip that plays."""
    tip_id = chain.settled(bob, 50)
    chain.dispatch()
    chain.acknowledge(tip_id, "received", later=SECOND)
    chain.acknowledge(tip_id, "started", later=SECOND)
    return tip_id


def test_once_it_has_played_and_the_next_one_has_its_turn(chain, bob):
    first, second = started(chain, bob), chain.settled(bob, 60)
    chain.acknowledge(first, "finished", later=7 * SECOND, delivered_seconds=6)
    chain.now += 7 * SECOND
    chain.hold()
    chain.dispatch()
    assert ends_of(first) == ("completed", "completed")
    assert ends_of(second) == ("dispatched", "claimed")


def test_repeated_the_first_word_counts(chain, bob):
    tip_id = started(chain, bob)
    chain.acknowledge(tip_id, "finished", later=7 * SECOND, delivered_seconds=6)
    chain.acknowledge(tip_id, "finished", later=9 * SECOND, delivered_seconds=1)
    chain.acknowledge(tip_id, "failed", later=9 * SECOND, code="busy")
    activation = collection(Activation).find_one({"tip_id": tip_id})
    assert ends_of(tip_id) == ("completed", "completed")
    assert (activation["delivered_seconds"], activation["finished_at"]) == (6, NOW + 7 * SECOND)


def test_killed_between_its_two_writes_the_lane_is_freed_by_whoever_looks_next(
    chain, bob, nursery, successor
):
    tip_id = started(chain, bob)
    ack = {
        "now": clock.iso(NOW + 7 * SECOND),
        "performer_id": chain.performer_id,
        "activation_id": f"{tip_id}.all",
        "attempt": 1,
        "stage": "finished",
        "delivered_seconds": 6,
    }
    assert nursery("acknowledge", last=1, **ack)[0] != SURVIVED
    assert ends_of(tip_id) == ("completed", "claimed")
    resume.resume(chain.performer_id, now=NOW + 8 * SECOND)  # her page connects again
    assert ends_of(tip_id) == ("completed", "completed")
