"""Ana's tips that end short: how each end is made, the round that keeps what it owes, and what is kept."""

from ground import clock
from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.lane import controls
from lovense.models import Activation, Owed, Performer
from lovense.owed import choices, keeping, listing
from lovense.owed.choices import OwedChoice
from lovense.sending import acknowledgement, dispatch, leases
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW
from tests.lovense.conftest import request_of, seconds
from tests.lovense.rounds import hold
from tests.lovense.stopping.presses import press
from tips.models import QueueRequest

LATER = NOW + seconds(60)


def set_policy(chain, policy):
    collection(Performer).update_one({"_id": chain.performer_id}, {"$set": {"owed_policy": policy}})


def playing(chain, bob, amount=100, **more):
    """A tip of 10 s that its page has begun."""
    tip_id = chain.settled(bob, amount, **more)
    chain.dispatch()
    for stage in ("received", "started"):
        chain.acknowledge(tip_id, stage)
    return tip_id


def shortened(chain, bob, delivered=3.2, **more):
    """Its page has said that it finished sooner."""
    tip_id = playing(chain, bob, **more)
    chain.acknowledge(tip_id, "finished", delivered_seconds=delivered)
    return tip_id


def keep(now=NOW):
    return keeping.drain(now=now, limit=100)


def kept(chain, bob, delivered=3.2, **more):
    tip_id = shortened(chain, bob, delivered, **more)
    keep(clock.now() if more else NOW)
    return tip_id


def owed_of(tip_id):
    """What is kept of it, or None."""
    return collection(Owed).find_one({"_id": activation_id(tip_id)})


def sums(tip_id):
    """(state, cause, owed, requeued, waived) in seconds."""
    row = owed_of(tip_id)
    return row and (
        row["state"],
        row["cause"],
        *(row[name] / 10 for name in ("owed", "requeued", "waived")),
    )


def choice(tip_id, **more):
    told = {"performer_id": None, "by": "ana", "now": NOW} | more
    return OwedChoice(activation_id(tip_id), **told)


def requeue(tip_id, **more):
    return choices.requeue(choice(tip_id), **more)


def waive(tip_id, why="agreed"):
    return choices.waive(choice(tip_id, why=why))


def request_for(tip_id):
    """The request as which it plays, or None."""
    return request_of(f"owed-{activation_id(tip_id)}")


def adds_up():
    """Every promise: delivered, owed, requeued or waived; and no end waits to be kept."""
    waiting = collection(Activation).count_documents({"owes_since": {"$ne": None}})
    return not waiting and list(listing.differences()) == []


# --- how it ends -------------------------------------------------------------------------------------------


def stop_and_answer(chain, tip_id):
    press(chain.performer)
    chain.acknowledge(tip_id, "failed", code="stopped", delivered_seconds=4)


def stop_unheard(chain, tip_id):
    press(chain.performer)
    expire(tip_id)


def expire(tip_id):
    collection(QueueRequest).update_one({"idempotency_key": tip_id}, {"$set": {"lease_until": NOW}})
    leases.expire(now=LATER, limit=9)


def skip_and_answer(chain, tip_id):
    controls.skip(performer_id=chain.performer_id, by="ana", why="", now=NOW)
    chain.acknowledge(tip_id, "finished", delivered_seconds=4)


def cancel_and_answer(chain, tip_id):
    request = request_of(tip_id)["_id"]
    controls.cancel(request_id=request, performer_id=None, by="dina", why="", now=NOW)
    chain.acknowledge(tip_id, "finished", delivered_seconds=4)


def cancel_unheard(chain, tip_id):
    request = request_of(tip_id)["_id"]
    controls.cancel(request_id=request, performer_id=None, by="dina", why="", now=NOW)
    expire(tip_id)


def says(stage, **more):
    return lambda chain, tip_id: chain.acknowledge(tip_id, stage, **more)


def fall_silent(chain, tip_id):
    expire(tip_id)


ENDS = {
    "stop": (stop_and_answer, "stop", 6.0),
    "stop unheard": (stop_unheard, "unknown", 10.0),
    "skip": (skip_and_answer, "skip", 6.0),
    "cancel": (cancel_and_answer, "cancel", 6.0),
    "cancel unheard": (cancel_unheard, "unknown", 10.0),
    "page lost": (says("finished", delivered_seconds=0, code="interrupted"), "disconnect", 10.0),
    "plain and short": (says("finished", delivered_seconds=3.2, is_answer=True), "disconnect", 6.8),
    "without seconds": (says("finished", is_answer=True), "unknown", 10.0),
    "failed": (says("failed", code="toy_error", delivered_seconds=2.5), "disconnect", 7.5),
    "failed without seconds": (says("failed", code="toy_error"), "unknown", 10.0),
    "silence": (fall_silent, "timeout", 10.0),
}


def dead(chain, bob):
    """Its device refused every attempt."""
    tip_id = chain.settled(bob, 100)
    now = NOW
    for attempt in range(1, 5):
        now += seconds(9)
        hold(chain.performer_id, now=now)
        dispatch.drain(now=now, limit=9)
        key = activation_id(tip_id)
        acknowledgement.acknowledge([Ack(chain.performer_id, key, attempt, "failed", now, code="busy")])
    return tip_id
