"""Dead letters in ana's lane: how one comes about, what dina decides about it, and the entries that are
left."""

import pytest

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.deciding.activation import activation_id
from lovense.lane import decisions
from lovense.lane.letter import Resolution
from lovense.sending import retries
from tests.chain import Chain
from tests.factories import NOW
from tests.lovense.conftest import seconds

LATER = NOW + seconds(60)


@pytest.fixture
def chain(chain: Chain):
    """Without a limit per minute: these tests start many."""
    platform.change(key="rate_limit_per_minute", value="0", by="dina", now=NOW)
    return chain


def bury(chain, viewer, cause="not_received", *, later=0):
    """A tip that was sent once and given up; its id."""
    tip_id = chain.settled(viewer, 100)
    chain.dispatch()
    retries.bury(activation_id(tip_id), cause, now=NOW + seconds(later))
    return tip_id


def replay(tip_id, now=LATER):
    return decisions.replay(tip_id, by="dina", now=now)


def replay_all(expect, cause="", **more):
    return decisions.replay_group(cause=cause, expect=expect, by="dina", now=LATER, **more)


def review_all(expect, cause="", resolution=Resolution.REFUNDED, **more):
    said = {"resolution": resolution, "note": "asked for", "by": "dina", "now": LATER}
    return decisions.review_group(cause=cause, expect=expect, **said, **more)


def review(tip_id, resolution=Resolution.REFUNDED, note=""):
    return decisions.review(tip_id, resolution=resolution, note=note, by="dina", now=LATER)


def told():
    return [
        (
            row["type"],
            row["action"],
            row["actor"],
            row["target"],
            row["lane"],
            row["before"],
            row["after"],
            row["why"],
        )
        for row in collection(AuditEntry).find({"type": "request"}).sort("_id", 1)
    ]
