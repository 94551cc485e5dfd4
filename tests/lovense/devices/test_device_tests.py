"""The test of one device: what is taken, what plays on that device alone, and that what moves hardware moves
by itself only after she has seen such a test and said so."""

from datetime import timedelta

import pytest

from ground import clock
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.lane import submissions
from lovense.models import Activation, Device, Performer
from lovense.stopping import stop
from tests.chain import Chain
from tests.factories import fund
from tests.lovense.callers import Caller, _nobody_is_woken
from tests.lovense.devices.reports import from_page, toy
from tips.models import QueueRequest
from tips.queue import requests as queue

__all__ = ["_nobody_is_woken"]
pytestmark = pytest.mark.django_db

ROOT = "/api/lovense/devices"
WORDS = ["Vibrate", "Thrusting", "Depth"]
STROKES = ["Thrusting", "Stroke"]


@pytest.fixture
def chain(ana, bob):
    """Her page holds four toys at this very time: the doors have their own clock."""
    made = Chain(ana, now=clock.now())
    made.publish_menu()
    made.hold()
    fund(bob, 10_000)
    report(ana)
    return made


def report(performer, **first):
    toys = [
        toy(**first),
        toy("toy-2", name="gravity", fullFunctionNames=WORDS),
        toy("toy-3", name="solacepro"),
        toy("toy-4", name="xmachine", fullFunctionNames=STROKES),
    ]
    from_page(performer, *toys, now=clock.now())


class Her(Caller):
    """Ana with her token."""

    def __init__(self, performer):
        super().__init__(performer.user, root=ROOT)
        self.whose = performer.pk

    def test(self, toy_id="toy-1", body=None, **headers):
        return self("post", f"/{self.whose}.{toy_id}/test", body, **headers)

    def put(self, toy_id, **said):
        return self("put", f"/{self.whose}.{toy_id}", said)

    def function(self, toy_id, name):
        devices = self("get", "").json()["devices"]
        (found,) = [each for each in devices if each["toyId"] == toy_id]
        return next(each for each in found["functions"] if each["name"] == name)


@pytest.fixture
def hers(ana, chain):
    return Her(ana)


def row_of(answer):
    return queue.find(answer.json()["requestId"])


def activation_of(answer):
    return collection(Activation).find_one({"request_id": answer.json()["requestId"]})


def dispatched(chain, answer):
    """Its activation when its turn has come."""
    chain.now = clock.now()
    chain.dispatch()
    return activation_of(answer)


def played(chain, answer, stage="finished", **more):
    """To its end, as its page says."""
    dispatched(chain, answer)
    key = row_of(answer)["idempotency_key"]
    chain.acknowledge(key, "started")
    chain.acknowledge(key, stage, **({"delivered_seconds": 2} if stage == "finished" else more))


def action(chain, hers, toy_id="toy-1", **body):
    """The only command of its activation: the action and the seconds, and to whom."""
    row = dispatched(chain, hers.test(toy_id, body))
    (command,) = row["commands"]
    chain.acknowledge(queue.find(row["request_id"])["idempotency_key"], "finished", delivered_seconds=2)
    assert command["command"] == "Function"
    assert command["toy"] == [toy_id]
    return command["action"], command["timeSec"]


def verified(chain, hers, toy_id="toy-2", function="Thrusting"):
    played(chain, hers.test(toy_id, {"function": function}))
    said = {"verified": {function: True}, "functions": {function: {"isEnabled": True}}}
    answer = hers.put(toy_id, **said)
    assert answer.status_code == 200
    return answer


# --- asking ------------------------------------------------------------------------------------------------


def test_a_test_is_a_request_of_its_own_kind_that_costs_nothing(hers):
    answer = hers.test()
    assert answer.status_code == 202
    row = row_of(answer)
    assert (row["type"], row["priority"], row["status"]) == ("lovense.test", 20, "pending")
    assert row["payload"] == {
        "amount": 0,
        "tipper": {"username": "ana"},
        "userId": "",
        "item": {**row["payload"]["item"], "title": "Test", "intensity": 5, "durationSec": 2},
        "device": "toy-1",
        "function": "Vibrate",
    }


BAD = [
    *(({"strength": bad}, "strength") for bad in (0, 21, -1, "5", 3.5, True, None)),
    *(({"seconds": bad}, "seconds") for bad in (0, 1, 6, "2", 2.5, True, None)),
    *(({"function": bad}, "function") for bad in ("Rotate", "Dance", 5, None)),
    ({"amount": 100}, "amount"),
]


@pytest.mark.parametrize(("said", "field"), BAD, ids=lambda each: repr(each)[:40])
def test_what_is_refused_names_its_field_and_puts_nothing_into_the_queue(hers, said, field):
    answer = hers.test("toy-1", said)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == field
    assert collection(QueueRequest).count_documents({}) == 0


def test_what_is_never_sent_is_not_tested(hers):
    answer = hers.test("toy-3", {"function": "Position"})
    assert answer.json()["error"]["details"] == {"field": "function", "rule": "is never sent"}


def test_another_performers_device_is_not_there(hers, carol):
    stranger = Caller(carol.user, root=ROOT)
    assert stranger("post", f"/{hers.whose}.toy-1/test").status_code == 404
    assert stranger("put", f"/{hers.whose}.toy-1", {"verified": {"Vibrate": True}}).status_code == 404


def test_the_same_key_is_the_same_request_and_another_body_is_refused(hers, ana):
    first = hers.test("toy-1", {"strength": 4}, **{"Idempotency-Key": "k 1"})
    report(ana, status=0)  # a repeat is answered, also when the device has gone
    again = hers.test("toy-1", {"strength": 4}, **{"Idempotency-Key": "k 1"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert collection(QueueRequest).count_documents({}) == 1
    report(ana)
    other = hers.test("toy-1", {"strength": 5}, **{"Idempotency-Key": "k 1"})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")


def test_a_stop_refuses_it_and_a_pause_does_not(hers, ana, chain):
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"paused_at": chain.now}})
    assert dispatched(chain, hers.test())["status"] == "dispatched"
    stop.press(performer_id=ana.pk, by="ana", why="", through="api", now=clock.now())
    answer = hers.test()
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "stopped")


def test_a_device_that_is_away_or_switched_off_is_not_tested(hers, ana):
    report(ana, status=0)
    answer = hers.test()
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "device_offline")
    assert answer.json()["error"]["message"] == "Lush is disconnected: it cannot be tested now."
    hers.put("toy-2", enabled=False)
    assert "Gravity is switched off" in hers.test("toy-2").json()["error"]["message"]


def test_a_function_that_she_switched_off_is_not_tested(hers):
    hers.put("toy-1", functions={"Vibrate": {"isEnabled": False}})
    answer = hers.test()
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "function_off")


def test_too_many_say_when_the_next_one_is_taken(hers, monkeypatch):
    monkeypatch.setattr(submissions, "LIMIT", 1)
    assert hers.test().status_code == 202
    answer = hers.test()
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_requests")
    assert answer.json()["error"]["details"]["resetAt"]
    assert 1 <= int(answer["Retry-After"]) <= 60


# --- playing -----------------------------------------------------------------------------------------------


def test_it_plays_on_that_device_alone_and_says_what_the_gates_saw(hers, chain):
    row = dispatched(chain, hers.test("toy-2", {"strength": 7, "seconds": 4}))
    assert row["commands"] == [
        {"command": "Function", "action": "Vibrate:7", "timeSec": 4, "toy": ["toy-2"], "apiVer": 1}
    ]
    gates = {gate["gate"]: gate["saw"] for gate in row["gates"]}
    assert (gates["device_online"], gates["capability"]) == ("Gravity", "Vibrate: Gravity")


def test_every_limit_binds_it_and_so_do_scale_and_floor(hers, chain):
    hers.put("toy-1", scalePercent=50, functions={"Vibrate": {"cap": 8, "floor": 3}})
    assert action(chain, hers, strength=11) == ("Vibrate:6", 2)
    assert action(chain, hers, strength=1) == ("Vibrate:3", 2)
    assert action(chain, hers, strength=20) == ("Vibrate:8", 2)
    hers.put("toy-1", functions={"Vibrate": {"cap": 2}})
    assert action(chain, hers, strength=1) == ("Vibrate:2", 2)  # never above a cap, whatever the floor
    hers.put("toy-1", maximumSeconds=3)
    assert action(chain, hers, strength=1, seconds=5) == ("Vibrate:2", 3)


def test_her_own_limit_binds_it(hers, chain, ana):
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"maximum_intensity": 4}})
    assert action(chain, hers, strength=20) == ("Vibrate:4", 2)
    assert action(chain, hers, "toy-2", function="Thrusting") == ("Thrusting:3", 2)
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"maximum_intensity": 2}})
    assert action(chain, hers, "toy-2", function="Thrusting") == ("Thrusting:2", 2)


def test_a_device_that_goes_before_its_turn_ends_the_test_while_others_are_there(hers, chain, ana):
    answer = hers.test()
    report(ana, status=0)
    row = dispatched(chain, answer)
    assert (row["status"], row["reason"]) == ("expired", "device_offline")


def test_a_function_that_is_switched_off_before_its_turn_is_not_moved(hers, chain):
    answer = hers.test()
    hers.put("toy-1", functions={"Vibrate": {"isEnabled": False}})
    row = dispatched(chain, answer)
    assert (row["status"], row["reason"]) == ("skipped", "unsupported")


def test_two_tests_are_never_one_longer_run(hers, chain, ana):
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"queue_mode": "batch"}})
    answers = [hers.test("toy-2", {"function": "Thrusting"}) for _ in range(2)]
    chain.dispatch(later=timedelta(seconds=2))
    assert activation_of(answers[0])["commands"][0]["timeSec"] == 2
    assert activation_of(answers[1]) is None


# --- what moves hardware -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("strength", "seconds"), [(1, 2), (20, 5)])
def test_the_first_test_is_weak_and_short_whatever_is_asked(hers, chain, strength, seconds):
    asked = {"function": "Thrusting", "strength": strength, "seconds": seconds}
    hers.put("toy-2", scalePercent=10, functions={"Thrusting": {"floor": 20}})
    assert action(chain, hers, "toy-2", **asked) == ("Thrusting:3", 2)


def test_its_cap_binds_the_first_test_too(hers, chain):
    hers.put("toy-2", functions={"Thrusting": {"cap": 2}})
    assert action(chain, hers, "toy-2", function="Thrusting") == ("Thrusting:2", 2)


def test_a_depth_is_as_gentle_in_its_own_range(hers, chain):
    assert action(chain, hers, "toy-2", function="Depth") == ("Depth:1", 2)


def test_a_stroke_is_tested_with_a_thrust_and_as_short_as_the_vendor_takes_it(hers, chain):
    assert action(chain, hers, "toy-4", function="Stroke") == ("Stroke:0-20,Thrusting:3", 2)
    hers.put("toy-4", functions={"Stroke": {"cap": 19}})
    row = dispatched(chain, hers.test("toy-4", {"function": "Stroke"}))
    assert (row["status"], row["reason"]) == ("skipped", "caps")


def test_once_enabled_a_test_still_starts_no_stronger_than_five(hers, chain):
    verified(chain, hers)
    assert action(chain, hers, "toy-2", function="Thrusting", strength=20, seconds=4) == ("Thrusting:5", 4)
    assert action(chain, hers, "toy-2", function="Thrusting", strength=4) == ("Thrusting:4", 2)
    hers.put("toy-2", functions={"Thrusting": {"floor": 12}})
    assert action(chain, hers, "toy-2", function="Thrusting", strength=4) == ("Thrusting:5", 2)


def test_without_a_function_the_main_one_of_its_type_is_tested(hers, chain):
    assert action(chain, hers, "toy-4") == ("Thrusting:3", 2)
    assert action(chain, hers, "toy-1") == ("Vibrate:5", 2)


def test_it_is_enabled_by_a_test_and_her_word_after_it(hers, chain):
    assert hers.function("toy-2", "Thrusting")["source"] == "gettoys"
    found = verified(chain, hers).json()["functions"][1]
    assert (found["name"], found["isEnabled"], found["source"]) == ("Thrusting", True, "verified")
    (entry,) = collection(AuditEntry).find({"type": "device"})
    assert entry["before"] == {"choices": {}}
    assert set(entry["after"]["choices"]["Thrusting"]) == {"verifiedAt", "isEnabled"}


ENABLE = {"functions": {"Thrusting": {"isEnabled": True}}}
CONFIRM = {"verified": {"Thrusting": True}}


def refused(hers, said):
    before = [collection(model).find_one({"_id": f"{hers.whose}.toy-2"}) for model in (Device,)]
    answer = hers.put("toy-2", **said)
    after = [collection(model).find_one({"_id": f"{hers.whose}.toy-2"}) for model in (Device,)]
    error = answer.json().get("error", {})
    return (answer.status_code, error.get("code")) == (409, "not_verified") and before == after


def test_neither_her_word_without_a_test_nor_a_test_without_her_word_enables_it(hers, chain):
    assert refused(hers, ENABLE)
    assert refused(hers, CONFIRM)
    assert refused(hers, CONFIRM | ENABLE)
    played(chain, hers.test("toy-2", {"function": "Thrusting"}))
    assert refused(hers, ENABLE)
    assert hers.put("toy-2", **CONFIRM).status_code == 200
    assert hers.function("toy-2", "Thrusting")["isEnabled"] is False
    assert hers.put("toy-2", **ENABLE).status_code == 200


def test_a_test_that_waits_plays_failed_or_was_another_functions_counts_for_nothing(hers, chain):
    answer = hers.test("toy-2", {"function": "Thrusting"})
    assert refused(hers, CONFIRM)
    dispatched(chain, answer)
    assert refused(hers, CONFIRM)
    played(chain, answer, "failed", code="unsupported")
    assert activation_of(answer)["status"] == "failed"
    assert refused(hers, CONFIRM)
    played(chain, hers.test("toy-2", {"function": "Depth"}))
    played(chain, hers.test("toy-4", {"function": "Thrusting"}))
    assert refused(hers, CONFIRM)


def test_a_test_counts_for_ten_minutes(hers, chain):
    answer = hers.test("toy-2", {"function": "Thrusting"})
    played(chain, answer)
    ended = collection(Activation).update_one
    ended(
        {"request_id": answer.json()["requestId"]},
        {"$set": {"finished_at": clock.now() - timedelta(minutes=10)}},
    )
    assert refused(hers, CONFIRM)
    ended(
        {"request_id": answer.json()["requestId"]},
        {"$set": {"finished_at": clock.now() - timedelta(minutes=9, seconds=50)}},
    )
    assert hers.put("toy-2", **CONFIRM).status_code == 200


def test_no_switches_it_off_and_uses_up_its_test(hers, chain):
    verified(chain, hers)
    answer = hers.put("toy-2", verified={"Thrusting": False})
    found = answer.json()["functions"][1]
    assert (found["isEnabled"], found["source"]) == (False, "gettoys")
    assert refused(hers, ENABLE)
    played(chain, hers.test("toy-2", {"function": "Thrusting"}))
    hers.put("toy-2", verified={"Thrusting": False})
    assert refused(hers, CONFIRM)


def test_what_is_verified_may_be_switched_off_and_on_again(hers, chain):
    verified(chain, hers)
    hers.put("toy-2", functions={"Thrusting": {"isEnabled": False}})
    assert hers.put("toy-2", **ENABLE).status_code == 200
    before = collection(AuditEntry).count_documents({})
    assert hers.put("toy-2", **CONFIRM).status_code == 200
    assert collection(AuditEntry).count_documents({}) == before  # it is so already


def test_what_moves_no_hardware_is_verified_by_her_word_alone(hers):
    answer = hers.put("toy-1", verified={"Vibrate": True})
    assert answer.json()["functions"][0]["source"] == "verified"
    off = hers.put("toy-1", verified={"Vibrate": False}).json()["functions"][0]
    assert (off["isEnabled"], off["source"]) == (False, "table")
    found = collection(AuditEntry).find({"type": "device"}).sort("_id", 1)
    actions = [(row["actor"], row["action"]) for row in found]
    assert actions == [("ana", "change")] * 2


def test_what_is_never_sent_is_never_verified(hers):
    answer = hers.put("toy-3", verified={"Position": True})
    assert answer.json()["error"]["details"]["field"] == "verified.Position"


def test_a_report_in_between_forgets_neither_the_test_nor_her_word(hers, chain, ana):
    answer = hers.test("toy-2", {"function": "Thrusting"})
    report(ana)
    played(chain, answer)
    assert hers.put("toy-2", **CONFIRM).status_code == 200
    report(ana)
    assert hers.function("toy-2", "Thrusting")["source"] == "verified"


def test_a_row_from_before_there_were_tests_is_tested_and_verified_like_any(hers, chain, ana):
    fields = dict.fromkeys(("tests", "scale_percent", "lead_ms"), "")
    collection(Device).update_many({}, {"$unset": fields})
    collection(Performer).update_one({"_id": ana.pk}, {"$unset": {"devices.1.untried": ""}})
    verified(chain, hers)
    assert hers.put("toy-2", scalePercent=60, leadMs=120).json()["scalePercent"] == 60
    entry = collection(AuditEntry).find().sort("_id", -1)[0]
    assert entry["after"] == {"scale_percent": 60, "lead_ms": 120}
