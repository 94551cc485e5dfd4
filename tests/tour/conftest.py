"""What every chapter begins with: ana has published her menu, her page holds a device, and bob has bought
10 000 tokens. Time stands still at 2026-01-03 04:15 UTC unless a chapter says otherwise."""

import pytest

from ground import clock
from ground.mongodb import abandoned
from lovense.sending import leases
from tests.factories import NOW
from tests.flows.nursery import SLOT
from tests.lovense.conftest import chain, wire

__all__ = ["chain", "wire"]

MOMENT = clock.iso(NOW)


@pytest.fixture
def successor(written_elsewhere):
    """What a worker does first when it starts in the place of a killed one: it ends the transaction that the
    dead one left open, and looks at the requests that were in its hands."""

    def starts(*, later):
        abandoned.end(SLOT)
        leases.recover(SLOT, now=NOW + later)
        leases.expire(now=NOW + later, limit=100)

    return starts
