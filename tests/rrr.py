"""RRR for tests: the simulator on a real socket, and our client and gateway in front of it."""

from contextlib import contextmanager

import pytest

from ledger import gateway
from ledger.rrr.client import RrrClient
from ledger.rrr.simulator import Simulator
from ledger.rrr.simulator.simulator import CLIENT_ID, CLIENT_SECRET
from ledger.rrr.simulator.webhooks import Webhooks

WEBHOOK_KEY, WEBHOOK_SECRET = "test-key", "test-only-rrr-webhook-secret"


def client_of(simulator, **more):
    """A client that does not wait: its pauses go into the list `slept`."""
    given = {
        "base_url": simulator.url,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "connect_timeout": 2.0,
        "read_timeout": 5.0,
        "sleep": lambda seconds: None,
    }
    return RrrClient(**given | more)


@contextmanager
def simulated():
    webhooks = Webhooks(key_id=WEBHOOK_KEY, secret=WEBHOOK_SECRET.encode())
    with Simulator(webhooks=webhooks) as simulator:
        yield simulator


@pytest.fixture
def rrr(settings):
    """RRR is this process's ledger: `gateway.current()` asks the simulator that this returns."""
    with simulated() as simulator:
        settings.LEDGER_GATEWAY, settings.LEDGER_PLACES_TIPS = "rrr", False
        settings.RRR_API_BASE_URL = simulator.url
        settings.RRR_CLIENT_ID, settings.RRR_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
        settings.RRR_WEBHOOK_SECRETS = [f"{WEBHOOK_KEY}:{WEBHOOK_SECRET}"]
        gateway.current.cache_clear()
        yield simulator
    gateway.current.cache_clear()
