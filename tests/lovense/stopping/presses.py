"""Ana and her stop button: a press, a resume, what stands in her row and what plays meanwhile."""

import pytest

from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.models import Activation, Performer, StopPress
from lovense.sending import acknowledgement, dispatch, pages, resume
from lovense.sending.acknowledgement import Ack
from lovense.stopping import stop
from tests.factories import NOW
from tests.lovense.conftest import CHANNEL
from tips.models import QueueRequest

WHY = "too strong"


@pytest.fixture
def lane(chain):
    """Ana, her page holds, and her queue."""
    return chain


def press(performer, now=NOW, **more):
    told = {"by": "ana", "why": WHY, "through": "api"} | more
    return stop.press(performer_id=performer.performer_id, now=now, **told)


def lift(performer, now=NOW):
    return stop.resume(performer_id=performer.performer_id, by="ana", now=now)


def row_of(performer):
    return collection(Performer).find_one({"_id": performer.performer_id})


def presses_of(performer):
    return list(collection(StopPress).find({"performer_id": performer.performer_id}).sort("epoch", 1))


def hold(chain, now=NOW):
    assert pages.take(chain.performer_id, page_id="page-1", channel=CHANNEL, slot="web-0", now=now)


def drain(chain, now=NOW):
    """A worker's rounds, with a page that is there; the tips that are sent."""
    hold(chain, now)
    while dispatch.drain(now=now, limit=9):
        pass


def ack(chain, tip_id, stage, at=NOW, *, attempt=1, **more):
    key = activation_id(tip_id)
    acknowledgement.acknowledge([Ack(chain.performer_id, key, attempt, stage, at, **more)])


def told(chain, now=NOW):
    """What her page is told again: (activation, whether it is to end)."""
    found = resume.in_flight([chain.performer_id], before=now)
    return [(command.activation_id.partition(".")[0], command.is_stop) for command in found]


def actions_on(target):
    return [entry["action"] for entry in reversed(audit_log.of(target, limit=99))]


def everything():
    """All that a stop may write."""
    models = (Performer, StopPress, Activation, QueueRequest)
    return [list(collection(model).find().sort("_id", 1)) for model in models]
