"""Fixtures of the devices' tests: ana with a menu and a page, what reaches a page, faults of the server,
threads at once."""

import json
import uuid
from datetime import timedelta

import msgpack
import pytest

from ground.hops import doorbell
from ground.mongodb.collections import collection
from lovense.models import Activation
from lovense.sending import groups
from tests.chain import Chain
from tests.factories import fund
from tests.ground.conftest import fail_command, in_threads, time_is_up
from tips.models import QueueRequest

__all__ = ["fail_command", "in_threads", "time_is_up"]

CHANNEL = "channel-1"  # of the page that Chain.hold() opens


@pytest.fixture(autouse=True, scope="session")
def _no_news_after_the_end():
    """News that is still to be told when the last test ends would be told to a Redis that is gone."""
    yield
    groups.news.soon.done().result(5)


@pytest.fixture
def chain(ana, bob):
    """Ana's tips: her menu is published, her page holds the devices, bob has tokens."""
    chain = Chain(ana)
    chain.publish_menu()
    chain.hold()
    fund(bob, 10_000)
    return chain


class Wire:
    """What is published to some channels, read as a web process would: nothing is waited for by the clock."""

    def __init__(self, *channels):
        self._pubsub = doorbell.connection().pubsub()
        self._pubsub.subscribe(*channels)
        for _ in channels:
            assert self._pubsub.get_message(timeout=20)["type"] == "subscribe"
        self._channel = channels[0]

    def raw(self):
        """(channel, bytes) of everything published so far."""
        end = uuid.uuid4().bytes
        doorbell.connection().publish(self._channel, end)
        found = []
        while True:
            message = self._pubsub.get_message(timeout=20)
            if message["data"] == end:
                return found
            found.append((message["channel"].decode(), message["data"]))

    def commands(self):
        """The `lovense.activate` messages published since the last look."""
        return self._of(groups.PAGE_ACTIVATE)

    def stops(self):
        """The `lovense.stop` messages published since the last look."""
        return self._of(groups.PAGE_STOP)

    def _of(self, kind):
        messages = [msgpack.unpackb(data) for _, data in self.raw()]
        return [json.loads(message["text"]) for message in messages if message["type"] == kind]

    def close(self):
        self._pubsub.close()


@pytest.fixture
def wire():
    """What reaches ana's page."""
    wire = Wire(CHANNEL)
    yield wire
    wire.close()


def activation_of(tip_id):
    return collection(Activation).find_one({"tip_id": tip_id})


def request_of(tip_id):
    return collection(QueueRequest).find_one({"idempotency_key": tip_id})


def state(tip_id):
    """How its activation stands, or None, and how its request does."""
    row = activation_of(tip_id)
    return row["status"] if row else None, request_of(tip_id)["status"]


def seconds(count):
    return timedelta(seconds=count)


def in_collection(model):
    """For `fail_command`: the commands on this model's collection only."""
    return {"namespace": f"{collection(model).database.name}.{model._meta.db_table}"}
