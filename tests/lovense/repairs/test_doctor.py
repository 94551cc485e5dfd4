"""The doctor: every step in its order, the first that fails by its code, and a test that moves one device."""

import pytest

from ground import clock
from ground.json.fields import Fields
from ground.mongodb.collections import collection
from lovense.devices import choices, hosts
from lovense.models import Device, Host, Performer
from lovense.sending import pages
from lovense.stopping import stop
from tests.chain import Chain
from tests.lovense.callers import Caller, _nobody_is_woken
from tests.lovense.devices import apps
from tests.lovense.devices.reports import from_page, toy
from tips.models import QueueRequest
from tips.queue import requests as queue

__all__ = ["_nobody_is_woken"]
pytestmark = pytest.mark.django_db

STEPS = ["paired", "reach", "toy", "function", "pulse", "moved"]


@pytest.fixture
def chain(ana):
    """Her app's toys are told by this server, which holds them."""
    now = clock.now()
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"bridge": "STANDARD_SERVER"}})
    made = Chain(ana, now=now)
    made.publish_menu()
    apps.opened(ana, now=now, expires_at=now + apps.FIFTEEN_MINUTES)
    apps.take(apps.call(apps.LUSH, apps.NORA), now=now)
    pages.take(ana.pk, page_id="server", channel="channel-1", slot="web-0", now=now)
    return made


class Doctor(Caller):
    def __init__(self, performer):
        super().__init__(performer.user, root="/api/lovense/devices")
        self.whose = performer.pk

    def __call__(self, body=None, toy_id="toy-1", **headers):
        answer = super().__call__("post", f"/{self.whose}.{toy_id}/diagnose", body, **headers)
        return answer.json() if answer.status_code == 200 else answer

    def says(self, *, moved):
        return super().__call__("put", f"/{self.whose}.toy-1", {"verified": {"Vibrate": moved}})


@pytest.fixture
def doctor(ana, chain):
    return Doctor(ana)


def failed(found):
    """The step that failed, and its code; all before it are well, all after it were not tried."""
    states = [each["state"] for each in found["steps"]]
    place = states.index("failed")
    assert states == ["ok"] * place + ["failed"] + ["skipped"] * (len(states) - place - 1)
    return found["steps"][place]["name"], found["steps"][place]["code"]


def states(found):
    return [each["state"] for each in found["steps"]]


def played(chain, found, stage="finished", **more):
    chain.now = clock.now()
    chain.dispatch()
    key = queue.find(found["requestId"])["idempotency_key"]
    chain.acknowledge(key, "started")
    chain.acknowledge(key, stage, **({"delivered_seconds": 2} if stage == "finished" else more))


def chosen(ana, **said):
    choice = choices.Choice(Fields(said, ""))
    about = {"performer_id": ana.pk, "device_id": f"{ana.pk}.toy-1", "by": "ana", "now": clock.now()}
    choices.change(**about, choice=choice)


def host(**said):
    collection(Host).update_one({"_id": apps.HOST}, {"$set": said})


def device(**said):
    collection(Device).update_one({"toy_id": "toy-1"}, {"$set": said})


FAULTS = {
    ("paired", "other_path"): lambda ana: collection(Performer).update_one(
        {}, {"$set": {"bridge": "SIMULATOR"}}
    ),
    ("paired", "not_paired"): lambda ana: host(unpaired_at=clock.now()),
    ("paired", "pairing_lost"): lambda ana: host(fault="pairing_lost"),
    ("reach", "operator_fault"): lambda ana: host(fault="operator_fault"),
    ("reach", "app_offline"): lambda ana: hosts.unreached(
        performer_id=ana.pk, host_id=apps.HOST, now=clock.now()
    ),
    ("reach", "no_news"): lambda ana: device(status="disconnected", reason="no_news"),
    ("reach", "no_page"): lambda ana: pages.release(ana.pk, channel="channel-1", now=clock.now()),
    ("toy", "reported"): lambda ana: device(status="disconnected", reason="reported"),
    ("toy", "missing"): lambda ana: device(status="disconnected", reason="missing"),
    ("toy", "switched_off"): lambda ana: chosen(ana, enabled=False),
    ("function", "function_off"): lambda ana: chosen(ana, functions={"Vibrate": {"isEnabled": False}}),
    ("pulse", "stopped"): lambda ana: stop.press(
        performer_id=ana.pk, by="ana", why="", through="api", now=clock.now()
    ),
}


@pytest.mark.parametrize("fault", FAULTS, ids="-".join)
def test_it_stops_at_the_first_step_that_fails_and_sends_nothing(doctor, ana, fault):
    FAULTS[fault](ana)
    found = doctor()
    assert failed(found) == fault
    assert (found["question"], found["requestId"]) == (False, None)
    assert [each["name"] for each in found["steps"]] == STEPS
    assert collection(QueueRequest).count_documents({}) == 0


def test_where_all_is_well_it_sends_one_gentle_test_and_asks_whether_it_moved(doctor, chain):
    found = doctor()
    assert states(found) == ["ok"] * 4 + ["waiting", "skipped"]
    row = queue.find(found["requestId"])
    assert (row["type"], row["payload"]["device"]) == ("lovense.test", "toy-1")
    assert row["payload"]["item"]["intensity"] == 5
    played(chain, found)
    after = doctor({"requestId": found["requestId"]})
    assert states(after) == ["ok"] * 5 + ["waiting"]
    assert after["question"] is True


@pytest.mark.parametrize(("moved", "end"), [(True, ("ok", "")), (False, ("failed", "did_not_move"))])
def test_what_she_answers_is_its_last_step(doctor, chain, moved, end):
    found = doctor()
    played(chain, found)
    assert doctor.says(moved=moved).status_code == 200
    after = doctor({"requestId": found["requestId"]})
    assert after["steps"][-1] == {"name": "moved", "state": end[0], "code": end[1]}
    assert after["question"] is False


def test_a_test_that_did_not_play_fails_by_its_own_code(doctor, chain):
    found = doctor()
    played(chain, found, "failed", code="pairing_lost")
    assert failed(doctor({"requestId": found["requestId"]})) == ("pulse", "pairing_lost")


def test_asked_again_while_it_waits_it_sends_no_second_test(doctor):
    first = doctor()
    assert doctor()["requestId"] == first["requestId"]
    assert collection(QueueRequest).count_documents({}) == 1


def test_asked_anew_after_it_has_played_it_tries_again(doctor, chain):
    first = doctor()
    played(chain, first)
    assert doctor()["requestId"] != first["requestId"]


def test_the_same_key_is_the_same_test(doctor, chain):
    first = doctor(**{"Idempotency-Key": "k"})
    played(chain, first)
    again = doctor(**{"Idempotency-Key": "k"})
    assert again["requestId"] == first["requestId"]
    assert again["question"] is True


@pytest.mark.parametrize("request_id", ["none", "0f3b9f5e-2c56-5e5b-9d0a-3c1e8a5f7b21"])
def test_what_is_no_test_of_this_device_is_refused(doctor, request_id):
    answer = doctor({"requestId": request_id})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == "requestId"


def test_the_test_of_another_device_or_performer_is_refused(doctor, carol):
    found = doctor()
    assert doctor({"requestId": found["requestId"]}, toy_id="toy-2").status_code == 400
    from_page(carol, toy(), now=clock.now())
    assert Doctor(carol)({"requestId": found["requestId"]}).status_code == 400


def test_an_unknown_field_is_refused(doctor):
    assert doctor({"strength": 20}).status_code == 400


def test_another_performers_device_is_not_there(doctor, carol):
    stranger = Doctor(carol)
    stranger.whose = doctor.whose
    assert stranger().status_code == 404


def test_a_virtual_device_has_three_steps(ana):
    chain = Chain(ana, now=clock.now())
    chain.publish_menu()
    chain.hold()
    doctor = Doctor(ana)
    found = doctor()
    assert [each["name"] for each in found["steps"]] == ["page", "toy", "pulse"]
    assert states(found) == ["ok", "ok", "waiting"]
    played(chain, found)
    after = doctor({"requestId": found["requestId"]})
    assert (states(after), after["question"]) == (["ok", "ok", "ok"], False)
    pages.release(ana.pk, channel="channel-1", now=clock.now())
    assert failed(doctor()) == ("page", "no_page")
