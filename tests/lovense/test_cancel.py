"""Cancelling a request wherever it is on its way: it really is cancelled, or the answer says why it cannot be."""

import pytest

from lovense import controls
from tests.factories import NOW
from tests.lovense.conftest import activation_of, request_of

pytestmark = pytest.mark.django_db


def cancel(chain, tip_id, now=NOW, performer_id=True):
    who = chain.performer_id if performer_id is True else performer_id
    return controls.cancel(request_id=request_of(tip_id)["_id"], performer_id=who, by="ana", why="changed her mind", now=now)


def state(tip_id):
    row = activation_of(tip_id)
    return row["status"] if row else None, request_of(tip_id)["status"]


def test_a_pending_request(chain, bob, wire):
    tip_id = chain.settled(bob, 100)
    assert cancel(chain, tip_id).status == "cancelled"
    assert state(tip_id) == ("cancelled", "cancelled")
    chain.dispatch()
    assert wire.commands() == []


def test_a_dispatched_request(chain, bob, wire):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    assert cancel(chain, tip_id).status == "cancelling"
    assert state(tip_id) == ("dispatched", "claimed")
