"""What the vendor's cloud answers to a command becomes a repair, and is gone when it takes one again."""

import pytest

from ground import clock
from ground.mongodb.collections import collection
from lovense.models import Host
from lovense.repairs import looking
from tests.lovense.devices import apps
from tests.lovense.repairs.stage import rows
from tests.lovense.runner.stage import _nothing_runs_on, ended, hers, phone, play, running, tipped, told
from tests.lovense.sockets import chain, until
from tests.vendor import UID

__all__ = ["_nothing_runs_on", "chain", "hers", "phone"]
pytestmark = pytest.mark.django_db


def fault():
    return (apps.host() or {}).get("fault", "")


def open_kinds():
    looking.look(now=clock.now(), limit=200)
    return [row["kind"] for row in rows() if row["open_key"]]


@pytest.mark.parametrize(
    ("code", "kind"),
    [("503", "pairing_lost"), ("501", "operator_fault"), ("507", "app_offline")],
)
async def test_what_keeps_commands_from_an_app_is_found(chain, bob, hers, phone, code, kind):
    await play(hers, 2)
    phone.sim("faults", {"faults": [f"code:{code}"]})
    async with running():
        await tipped(chain, bob)
        await until(lambda: kind in open_kinds())


async def test_a_command_that_is_taken_ends_the_fault(chain, bob, hers, phone):
    await play(hers, 2)
    phone.sim("faults", {"faults": ["code:501"]})
    async with running():
        await ended(await tipped(chain, bob))
        await until(lambda: fault() == "operator_fault")
        assert open_kinds() == ["operator_fault"]
        await ended(await tipped(chain, bob))
        await until(lambda: fault() == "")
        assert open_kinds() == []


async def test_an_app_that_was_paired_again_is_told_under_its_new_secrets(chain, bob, hers, phone):
    """Its server page had read the old ones."""
    await play(hers, 2)
    collection(Host).update_one({}, {"$set": {"uid": "gone"}})
    async with running():
        await ended(await tipped(chain, bob))
        assert fault() == "pairing_lost"
        collection(Host).update_one({}, {"$set": {"uid": UID}})
        found = await ended(await tipped(chain, bob))
    assert found["status"] == "completed"
    assert told(phone)
