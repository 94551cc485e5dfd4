"""What she decides of a device in two places at once: all of it holds, once, within its limits."""

import pytest

from ground.audit.models import AuditEntry
from ground.json.fields import Fields
from ground.mongodb.collections import collection
from lovense.devices import changes, choices
from lovense.devices.choices import Choice, TooManyDevices
from lovense.models import Device
from tests.factories import NOW
from tests.ground.conftest import in_threads
from tests.lovense.devices.reports import from_host, toy

__all__ = ["in_threads"]
pytestmark = pytest.mark.django_db

PHONE = "a" * 24


@pytest.fixture
def lush(ana):
    from_host(ana, PHONE, toy(), now=NOW)
    return {"performer_id": ana.pk, "device_id": f"{ana.pk}.toy-1", "by": "ana", "now": NOW}


def actions():
    return sorted(row["action"] for row in collection(AuditEntry).find())


def test_two_fields_changed_at_once_both_hold(in_threads, lush):
    turns = iter([{"nickname": "Red"}, {"maximumSeconds": 9}])
    in_threads(lambda: choices.change(**lush, choice=Choice(Fields(next(turns), ""))), times=2, workers=2)
    row = choices.owned(lush["performer_id"], lush["device_id"])
    assert (row["nickname"], row["maximum_seconds"]) == ("Red", 9)
    assert actions() == ["change", "change"]


def test_the_same_said_at_once_is_written_once(in_threads, lush):
    choice = Choice(Fields({"nickname": "Red", "functions": {"Vibrate": {"cap": 5}}}, ""))
    in_threads(lambda: choices.change(**lush, choice=choice), times=4, workers=4)
    assert actions() == ["change"]
    in_threads(lambda: choices.remove(**lush), times=4, workers=4)
    in_threads(lambda: choices.restore(**lush), times=4, workers=4)
    assert actions() == ["change", "remove", "restore"]


def test_a_change_and_a_report_at_once_lose_nothing_of_each_other(in_threads, ana, lush):
    choice = Choice(Fields({"nickname": "Red"}, ""))
    works = iter(
        [
            lambda: choices.change(**lush, choice=choice),
            lambda: from_host(ana, PHONE, toy(status=0, battery=7), now=NOW),
        ]
    )

    def one():
        return next(works)()

    in_threads(one, times=2, workers=2)
    row = choices.owned(ana.pk, lush["device_id"])
    assert (row["nickname"], row["status"], row["battery"]) == ("Red", "disconnected", 7)


def test_of_two_that_are_restored_at_once_one_takes_the_last_place(in_threads, ana, lush):
    from_host(ana, PHONE, *(toy(f"toy-{n}") for n in range(1, changes.MAX_DEVICES + 1)), now=NOW)
    gone = [lush, lush | {"device_id": f"{ana.pk}.toy-2"}]
    for each in gone:
        choices.remove(**each)
    from_host(ana, "b" * 24, toy("other"), now=NOW)
    turns = iter(gone)

    def restore():
        try:
            return choices.restore(**next(turns))["removed_at"]
        except TooManyDevices as full:
            return full.code

    assert sorted(map(str, in_threads(restore, times=2, workers=2))) == ["None", "too_many_devices"]
    kept = collection(Device).count_documents({"removed_at": None, "unpaired_at": None})
    assert kept == changes.MAX_DEVICES
