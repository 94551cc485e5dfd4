"""A worker's rounds, whole, or only the second half of one, and what a page does meanwhile."""

from lovense.deciding.activation import activation_id
from lovense.sending import acknowledgement, dispatch, leases, pages
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW
from tests.lovense.conftest import CHANNEL

WINDOW = 10  # seconds in which a page confirms


def drain(now=NOW):
    return dispatch.drain(now=now, limit=100)


def expire(now):
    return leases.expire(now=now, limit=100)


def expire_offline(now):
    return leases.expire_offline(now=now, limit=100)


def record(claimed, *, now):
    """For each claimed request its activation if it is to be sent now, else None."""
    seen = dispatch.look(claimed, now=now)
    sent = dispatch.keep([dispatch.decide(request, seen) for request in claimed], seen)
    rows = {request["_id"]: row for request, row in sent}
    return [rows.get(request["_id"]) for request in claimed]


def hold(performer_id, channel=CHANNEL, *, now=NOW):
    """A page takes the devices; or keeps them, when it has them."""
    assert pages.take(performer_id, page_id="page-1", channel=channel, slot="web-0", now=now)


def acknowledge(tip_id, stage, performer_id, *, at, **more):
    acknowledgement.acknowledge([Ack(performer_id, activation_id(tip_id), 1, stage, at, **more)])
