"""What she decides of a device: written with its audit entry, binding at once, refused with its field."""

import json

import pytest

from ground.audit.models import AuditEntry
from ground.json import fields
from ground.json.fields import Malformed
from ground.mongodb.collections import collection
from lovense.devices import choices
from lovense.devices.choices import Choice, NicknameTaken, NoSuchDevice
from lovense.devices.verification import NotVerified
from lovense.models import Performer
from tests.factories import NOW
from tests.ground.conftest import in_threads
from tests.lovense.devices.reports import from_page, toy

__all__ = ["in_threads"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def lush(ana):
    from_page(ana, toy(name="lush"), toy("toy-2", name="gravity"), now=NOW)
    return f"{ana.pk}.toy-1"


def chosen(**said):
    return Choice(fields.read(json.dumps(said).encode()))


def change(performer, device_id, **said):
    return choices.change(
        performer_id=performer.pk, device_id=device_id, choice=chosen(**said), by="ana", now=NOW
    )


def known(performer, toy_id="toy-1"):
    """As a decision knows it."""
    devices = collection(Performer).find_one({"_id": performer.pk})["devices"]
    return next((each for each in devices if each["toyId"] == toy_id), None)


def entries():
    return [
        (row["action"], row["before"], row["after"]) for row in collection(AuditEntry).find().sort("_id", 1)
    ]


def test_what_she_chooses_binds_the_next_decision_and_is_in_the_audit_log(ana, lush):
    change(ana, lush, nickname="Pinky", enabled=False, maximumSeconds=9, functions={"Vibrate": {"cap": 7}})
    assert known(ana) == {
        "toyId": "toy-1",
        "nickname": "Pinky",
        "isConnected": True,
        "type": "lush",
        "isEnabled": False,
        "functions": {"Vibrate": 7},
        "maximumSeconds": 9,
    }
    assert entries() == [
        (
            "change",
            {"nickname": "Lush", "is_enabled": True, "choices": {}, "maximum_seconds": None},
            {
                "nickname": "Pinky",
                "is_enabled": False,
                "choices": {"Vibrate": {"cap": 7}},
                "maximum_seconds": 9,
            },
        )
    ]


def test_what_is_so_already_is_left_as_it_is(ana, lush):
    change(ana, lush, nickname="Pinky")
    change(ana, lush, nickname="Pinky")
    assert len(entries()) == 1


def test_no_report_changes_what_she_has_chosen(ana, lush):
    change(ana, lush, nickname="Pinky", enabled=False, functions={"Vibrate": {"cap": 7}})
    from_page(ana, toy(name="nora", nickName="Theirs"), now=NOW)
    row = choices.owned(ana.pk, lush)
    assert (row["nickname"], row["is_enabled"], row["choices"]) == ("Pinky", False, {"Vibrate": {"cap": 7}})


def test_a_function_that_is_off_is_not_for_decisions(ana, lush):
    change(ana, lush, functions={"Vibrate": {"isEnabled": False}})
    assert known(ana)["functions"] == {}


def test_a_nickname_is_free_for_others_when_its_device_is_removed_and_comes_back_numbered(ana, lush):
    choices.remove(performer_id=ana.pk, device_id=lush, by="ana", now=NOW)
    assert known(ana) is None
    change(ana, f"{ana.pk}.toy-2", nickname="LUSH")
    choices.restore(performer_id=ana.pk, device_id=lush, by="ana", now=NOW)
    assert known(ana)["nickname"] == "Lush 2"


def test_a_removed_device_is_not_brought_back_by_a_report(ana, lush):
    choices.remove(performer_id=ana.pk, device_id=lush, by="ana", now=NOW)
    from_page(ana, toy(name="lush"), now=NOW)
    assert known(ana) is None


def test_removing_and_restoring_again_change_nothing(ana, lush):
    for _ in range(2):
        choices.remove(performer_id=ana.pk, device_id=lush, by="ana", now=NOW)
    for _ in range(2):
        choices.restore(performer_id=ana.pk, device_id=lush, by="ana", now=NOW)
    assert [action for action, _, _ in entries()] == ["remove", "restore"]


def test_a_removed_device_cannot_be_changed(ana, lush):
    choices.remove(performer_id=ana.pk, device_id=lush, by="ana", now=NOW)
    with pytest.raises(NoSuchDevice):
        change(ana, lush, nickname="Pinky")


def test_another_performers_device_does_not_exist(ana, carol, lush):
    with pytest.raises(NoSuchDevice):
        change(carol, lush, nickname="Mine")
    with pytest.raises(NoSuchDevice):
        choices.owned(carol.pk, lush)


def test_a_nickname_that_another_of_hers_has_is_refused_whatever_its_case(ana, lush):
    with pytest.raises(NicknameTaken) as refused:
        change(ana, lush, nickname="ＧRAVITY")
    assert (refused.value.field, refused.value.rule) == ("nickname", "is the name of another device of yours")
    assert entries() == []


def test_of_two_devices_that_take_one_nickname_at_once_one_has_it(ana, lush, in_threads):
    turns = iter([lush, f"{ana.pk}.toy-2"])

    def take():
        try:
            return change(ana, next(turns), nickname="Pinky")["nickname"]
        except NicknameTaken:
            return ""

    assert sorted(in_threads(take, times=2, workers=2)) == ["", "Pinky"]


REFUSED = [
    ({"nickname": ""}, "nickname"),
    ({"nickname": " "}, "nickname"),
    ({"nickname": "x" * 33}, "nickname"),
    ({"nickname": "a\x00"}, "nickname"),
    ({"nickname": "a\u202eb"}, "nickname"),
    ({"nickname": 5}, "nickname"),
    ({"enabled": "yes"}, "enabled"),
    ({"enabled": 1}, "enabled"),
    ({"maximumSeconds": 1}, "maximumSeconds"),
    ({"maximumSeconds": 3601}, "maximumSeconds"),
    ({"maximumSeconds": "5"}, "maximumSeconds"),
    ({"functions": {"Vibrate": {"cap": 21}}}, "functions.Vibrate.cap"),
    ({"functions": {"Vibrate": {"cap": -1}}}, "functions.Vibrate.cap"),
    ({"functions": {"Vibrate": {"cap": 0}}}, "functions.Vibrate.cap"),
    ({"functions": {"Vibrate": {"cap": "5"}}}, "functions.Vibrate.cap"),
    ({"functions": {"Vibrate": {"cap": 3.5}}}, "functions.Vibrate.cap"),
    ({"functions": {"Vibrate": {"cap": True}}}, "functions.Vibrate.cap"),
    ({"functions": {"Vibrate": 5}}, "functions.Vibrate"),
    ({"functions": {"Vibrate": {"scale": 0}}}, "functions.Vibrate.scale"),
    ({"functions": {"Dance": {}}}, "functions.Dance"),
    ({"functions": []}, "functions"),
    ({"functions": {"Rotate": {"cap": 5}}}, "functions.Rotate"),
    ({"toyId": "x"}, "toyId"),
]


@pytest.mark.parametrize(("said", "field"), REFUSED, ids=lambda each: repr(each)[:50])
def test_what_breaks_a_rule_is_refused_with_its_field_and_changes_nothing(ana, lush, said, field):
    before = choices.owned(ana.pk, lush)
    with pytest.raises(Malformed) as refused:
        change(ana, lush, **said)
    assert refused.value.field == field
    assert choices.owned(ana.pk, lush) == before


def test_what_moves_hardware_is_not_switched_on_by_a_word(ana, lush):
    with pytest.raises(NotVerified):
        change(ana, f"{ana.pk}.toy-2", functions={"Thrusting": {"isEnabled": True}})
    assert known(ana, "toy-2")["functions"] == {"Vibrate": 20}
