"""Ana at the controls of her queue: who she is there, a worker's round, what it plays, and the entries that
are left."""

from datetime import timedelta

import pytest

from ground.audit import log as audit_log
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.sending import acknowledgement, dispatch, pages
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW
from tests.lovense.conftest import CHANNEL

HOUR = timedelta(hours=1)


@pytest.fixture
def who(chain):
    """Ana, at her queue."""
    return {"performer_id": chain.performer_id, "by": "ana", "now": NOW}


def drain(chain, now=NOW):
    pages.take(chain.performer_id, page_id="page-1", channel=CHANNEL, slot="web-0", now=now)
    while dispatch.drain(now=now, limit=9):
        pass


def finish(chain, tip_id, at=NOW, **more):
    acknowledgement.acknowledge([Ack(chain.performer_id, activation_id(tip_id), 1, "finished", at, **more)])


def played(chain, wire, now=NOW):
    """Plays until nothing starts any more; the tips in the order in which they were sent."""
    order = []
    while True:
        drain(chain, now)
        commands = wire.commands()
        if not commands:
            return order
        order += [command["tipId"] for command in commands]
        finish(chain, order[-1], now, delivered_seconds=10)


def entries(target):
    return [
        (entry["action"], entry["before"], entry["after"])
        for entry in reversed(audit_log.of(target, limit=99))
    ]


def actions():
    return [entry["action"] for entry in collection(AuditEntry).find().sort("_id")]
