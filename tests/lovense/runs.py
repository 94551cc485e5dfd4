"""A performer who works in batches: her lane, what two people tip her, the rounds that make runs of it, and
what each request got."""

import pytest

from ground.mongodb.collections import collection
from lovense.deciding import activation, batch
from lovense.models import Performer
from lovense.sending import acknowledgement, dispatch, leases, pages
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW, Viewer, fund
from tests.lovense.conftest import CHANNEL, activation_of, seconds, state
from tips.models import Mode

EVE = Viewer("a" * 24, "eve")
WAVE, FIREWORKS = 50, 100  # tokens: 6 s and 10 s
T = NOW + seconds(1)  # the first tick after everything that came at NOW


@pytest.fixture
def lane(chain):
    """Ana works in batches, and her page holds."""
    set_mode(chain, Mode.BATCH)
    fund(EVE, 10_000)
    hold(chain, T)
    return chain


def set_mode(chain, mode):
    collection(Performer).update_one({"_id": chain.performer_id}, {"$set": {"queue_mode": mode}})


def hold(chain, now):
    assert pages.take(chain.performer_id, page_id="page-1", channel=CHANNEL, slot="web-0", now=now)


def tips(chain, viewer, amounts):
    return [chain.settled(viewer, amount) for amount in amounts]


def drain(now=T):
    while dispatch.drain(now=now, limit=100):
        pass


def sweep(now):
    return leases.expire(now=now, limit=100) + batch.heal(now=now, limit=100)


def play(chain, now):
    """A sweep, then a round with a page that is there."""
    sweep(now)
    hold(chain, now)
    drain(now)


def states(tip_ids):
    return [state(tip_id) for tip_id in tip_ids]


def delivered(tip_ids):
    return [activation_of(tip_id)["delivered_seconds"] for tip_id in tip_ids]


def members(tip_id):
    return [key.partition(".")[0] for key in activation_of(tip_id).get("members") or ()]


def ack(chain, tip_id, stage, *, at=T, attempt=1, **more):
    acknowledgement.acknowledge(
        [
            Ack(
                chain.performer_id,
                activation.activation_id(tip_id),
                attempt,
                stage,
                at,
                is_answer=True,
                **more,
            )
        ]
    )
