"""The product's own steps, one by one, with everything that they need as JSON."""

from typing import Any

from django.conf import settings
from django.test import RequestFactory

from adminpanel.watch.recounting import Recounter
from ground import clock
from lovense.deciding import batch
from lovense.devices import callbacks, hosts, pairing
from lovense.sending import acknowledgement, dispatch, leases
from lovense.sending.acknowledgement import Ack
from lovense.stopping import stop
from tests.factories import NOW
from tests.pen import shift
from tips import webhooks
from tips.intake.simulator import PATH
from tips.log import emission
from tips.settlement import polling, settlement

LIMIT = 100


def accept(body: str, headers: dict[str, str]) -> int:
    """Fact 1, through the door; the status of the answer."""
    request = RequestFactory().post(PATH, body.encode(), content_type="application/json", headers=headers)
    return webhooks.payments(request).status_code


def settle(now: str, limit: int = LIMIT) -> None:
    """Facts 2 and 3."""
    settlement.drain(now=clock.parse(now), limit=limit)


def end_grace(now: str, limit: int = LIMIT) -> None:
    """Fact 3 for tips whose tokens came late, or never."""
    settlement.end_grace(now=clock.parse(now), limit=limit)


def look(now: str, limit: int = LIMIT) -> None:
    """Fact 3 for tips in a ledger that is not our own books."""
    polling.drain(now=clock.parse(now), limit=limit)


def send(now: str) -> None:
    """Facts 4 and 5."""
    dispatch.drain(now=clock.parse(now), limit=LIMIT)


def acknowledge(
    now: str, performer_id: str, activation_id: str, attempt: int, stage: str, **more: Any
) -> None:
    """Fact 6, or what comes before it."""
    acknowledgement.acknowledge([Ack(performer_id, activation_id, attempt, stage, clock.parse(now), **more)])


def heal(now: str) -> None:
    leases.expire(now=clock.parse(now), limit=LIMIT)
    batch.heal(now=clock.parse(now), limit=LIMIT)


def press(now: str, performer_id: str) -> None:
    """Her stop."""
    who = {"performer_id": performer_id, "by": "ana", "now": clock.parse(now)}
    stop.press(**who, why="", through="api")


def resume(now: str, performer_id: str) -> None:
    """Its end."""
    stop.resume(performer_id=performer_id, by="ana", now=clock.parse(now))


def emit(now: str) -> None:
    """The event log's consumers take what is new, until nothing is."""
    while emission.drain(now=clock.parse(now), limit=LIMIT):
        pass


def call_back(now: str, body: str) -> None:
    """An app reports its toys; the first time, it completes its pairing."""
    call = callbacks.read(body.encode())
    assert call is not None
    hosts.take([call], now=clock.parse(now))


def write(performer_id: str, calls: list[list[str]], path: str, count: int) -> None:
    """All facts, by the process that holds the pen."""
    shift.work(performer_id, calls, path, count)


def open_pairing(performer_id: str, cloud: str, key: str) -> None:
    """How an app becomes hers begins."""
    settings.LOVENSE_API_BASE_URL = cloud
    pairing.pair(performer_id=performer_id, host_id=None, key=key, by="ana", now=NOW)


def recount(now: str) -> None:
    """The hours of statistics."""
    Recounter().run(now=clock.parse(now), limit=LIMIT)


STEPS = (
    recount,
    *(accept, settle, end_grace, look, send, acknowledge, heal, press, resume, emit, write),
    *(open_pairing, call_back),
)
HOPS = {step.__name__: step for step in STEPS}
