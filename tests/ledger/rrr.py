"""The gateway to RRR in front of a simulator on a real socket: two members, what they pay each other, what is
asked, and answers that the simulator would not give."""

import re

import pytest

from ledger.rrr.errors import RrrError
from ledger.rrr.gateway import RrrGateway
from ledger.rrr.simulator import api
from tests.factories import NOW
from tests.ledger.books import order
from tests.rrr import client_of, simulated

BOB, ANA = "507f191e810c19729de860ea", "507f191e810c19729de860eb"
ACCOUNTS = (f"user:{BOB}", f"performer:{ANA}")
LEDGER = f"/v1/members/{BOB}/ledger"


@pytest.fixture
def rrr():
    with simulated() as simulator:
        yield simulator


@pytest.fixture
def slept():
    return []


@pytest.fixture
def client(rrr, slept):
    return client_of(rrr, sleep=slept.append)


@pytest.fixture
def ledger(client):
    return RrrGateway(client)


def entries(ledger, source_ref="TIP_1"):
    return ledger.entries_for(source_ref, accounts=ACCOUNTS)


def post(rrr, source_ref="TIP_1", points=100, **more):
    return rrr.books.post(source_ref, payer=BOB, payee=ANA, points=points, **more)


def move(ledger, total=100):
    return ledger.transfer([[order("TIP_1", *ACCOUNTS, total)]], now=NOW)


def failing(ledger, kind=RrrError):
    with pytest.raises(kind) as caught:
        ledger.balance_of(f"user:{BOB}")
    return caught.value


# --- answers that the simulator would not give -------------------------------------------------------------

GOOD = {
    "entry_id": "e1",
    "member_id": BOB,
    "type": "TRANSFER_OUT",
    "points_delta": -5,
    "balance_after": 0,
    "source_ref": "TIP_1",
    "posted_at": "2026-01-03T04:15:00.000Z",
}


def pattern(path):
    return re.compile(path)


def token_route():
    return api._token
