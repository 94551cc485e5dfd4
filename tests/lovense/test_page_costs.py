"""What a page and a region of hers ask of the database: so many commands, as the driver's listener counts
them, however long her history is."""

import pytest

from lovense.history import daysums, hours
from lovense.models import Activation
from tests.commands import RECORDER
from tests.factories import NOW
from tests.lovense.history.rows import MINUTE, fill
from tests.lovense.live_page import chain

__all__ = ["chain"]
pytestmark = pytest.mark.django_db
FEW, MANY = 20, 10_000
HTMX = {"HX-Request": "true"}
# By address. Of each, three are the session, who she is, and her row.
PAGES = {
    "/": 20,
    "/history": 8,
    "/history?name=nobody": 9,
    "/statistics": 7,
    "/statistics?period=90": 8,
    "/menu": 16,
    "/menu/versions": 9,
    "/patterns": 8,
    "/devices": 10,
    "/preferences/limits": 8,
    "/account": 11,
}
REGIONS = {
    "/?region=strip": 6,
    "/?region=stop": 3,
    "/?region=queue": 14,
    "/?region=feed": 8,
    "/?region=devices": 5,
    "/?region=rehearsal": 3,
    "/?region=notices": 8,
    "/menu?region=menu": 13,
    "/menu?region=ruler": 9,
    "/patterns?region=patterns": 5,
    "/devices?region=devices": 7,
}


@pytest.fixture
def commands(client, ana, chain):
    """`commands(address)`: how many it takes; the first time more is read, and kept."""
    client.force_login(ana.user)

    def asked(address, headers=None):
        client.get(address, headers=headers)
        RECORDER.commands = []
        try:
            assert client.get(address, headers=headers).status_code == 200
            return len(RECORDER.commands)
        finally:
            RECORDER.commands = None

    return asked


def have(performer, count):
    Activation.objects.filter(performer_id=performer.pk).delete()
    fill(performer, count)
    daysums.count(performer.pk, hours.with_rows(performer.pk, NOW - count * MINUTE, NOW), now=NOW)


def test_a_page_takes_as_many_commands_however_long_her_history_is(commands, ana):
    found = []
    for count in (FEW, MANY):
        have(ana, count)
        found.append({address: commands(address) for address in PAGES})
    assert found == [PAGES, PAGES]


def test_a_region_takes_as_many_commands_however_long_her_history_is(commands, ana):
    found = []
    for count in (FEW, MANY):
        have(ana, count)
        found.append({address: commands(address, HTMX) for address in REGIONS})
    assert found == [REGIONS, REGIONS]
