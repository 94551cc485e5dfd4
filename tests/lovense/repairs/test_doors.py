"""What she has to mend, over REST: hers alone, in words, and as the API's description says."""

import pytest

from ground import clock
from ground.mongodb.collections import collection
from lovense.models import Performer, PlatformSettings, RepairKind
from lovense.repairs import listing, looking, preflight, words
from lovense.sending import pages
from tests.chain import Chain
from tests.lovense.callers import Caller, _nobody_is_woken
from tests.lovense.devices import apps
from tests.lovense.devices.reports import from_page, toy
from tests.lovense.repairs.stage import SECOND, SHOWN

__all__ = ["_nobody_is_woken"]
pytestmark = pytest.mark.django_db

ROOT = "/api/lovense"


def caller(performer):
    return Caller(performer.user, root=ROOT)


def away(performer, **more):
    """Her virtual lush has been away for long enough to be shown."""
    then = clock.now() - 2 * SHOWN
    from_page(performer, toy(battery=80), now=then - SECOND)
    from_page(performer, toy(status=0, **more), now=then)
    looking.look(now=then, limit=200)


def repairs(performer, query=""):
    answer = caller(performer)("get", f"/repairs{query}")
    assert answer.status_code == 200
    return answer.json()["repairs"]


def test_each_says_what_is_wrong_what_to_do_and_what_button_helps(ana):
    away(ana)
    (found,) = repairs(ana)
    assert found["wrong"] == "Lush is not connected."
    assert found["todo"] == "Connect it on the page that has it. Or play without it."
    assert found["button"] == {"name": "switch_off", "words": "Switch off"}
    assert (found["deviceId"], found["hostId"], found["closedAt"]) == (f"{ana.pk}.toy-1", None, None)


def test_what_is_closed_is_listed_where_it_was_ever_shown(ana):
    away(ana)
    from_page(ana, toy(), now=clock.now())
    looking.look(now=clock.now(), limit=200)
    assert repairs(ana) == []
    assert [each["kind"] for each in repairs(ana, "?closed=1")] == ["device_lost"]
    now = clock.now()
    from_page(ana, toy(battery=5), now=now)
    looking.look(now=now, limit=200)
    from_page(ana, toy(battery=80), now=now + SECOND)
    looking.look(now=now + SECOND, limit=200)
    assert len(listing.closed(ana.pk)) == 1


def test_another_performer_sees_none_of_it(ana, carol, dina):
    away(ana)
    assert repairs(carol) == []
    assert repairs(carol, "?closed=1") == []
    assert caller(carol)("post", f"/devices/{ana.pk}.toy-1/diagnose").status_code == 404
    for path in ("/repairs", "/preflight"):
        assert Caller(dina, root=ROOT)("get", path).status_code == 403
        assert Caller(root=ROOT)("get", path).status_code == 401


def test_a_query_that_is_none_is_refused(ana):
    assert caller(ana)("get", "/repairs?closed=x").status_code == 400


@pytest.mark.parametrize("kind", RepairKind.values)
def test_every_kind_has_its_words_and_a_button(kind):
    row = {"kind": kind, "name": "Lush", "function": "Vibrate", "reason": "", "host_id": apps.HOST}
    advice = words.of(row)
    assert advice.wrong.endswith(".")
    assert advice.todo.endswith(".")
    assert "{" not in advice.wrong + advice.todo
    assert advice.label


def test_what_moves_hardware_is_tested_again_and_the_rest_switched_on_first():
    row = {"kind": "function_failed", "name": "Gravity", "reason": "", "host_id": ""}
    assert words.of(row | {"function": "Thrusting"}).button == "test"
    assert words.of(row | {"function": "Vibrate"}).button == "change"


# --- preflight ---------------------------------------------------------------------------------------------


@pytest.fixture
def ready(ana):
    """Everything is as it should be, for a rehearsal."""
    chain = Chain(ana, now=clock.now())
    chain.publish_menu()
    chain.hold()
    return ana


def checked(performer):
    answer = caller(performer)("get", "/preflight")
    assert answer.status_code == 200
    found = {each["name"]: each["state"] for each in answer.json()["checks"]}
    assert list(found) == list(preflight.CHECKS)
    return answer.json()["isReady"], {name: state for name, state in found.items() if state != "ok"}


def change(model, **said):
    key = "platform" if model is PlatformSettings else None
    wanted = {"_id": key} if key else {}
    collection(model).update_one(wanted, {"$set": said}, upsert=bool(key))


def test_all_is_ready_for_a_rehearsal(ready):
    assert checked(ready) == (True, {"bridge": "warn"})


FAULTS = {
    "unheld": (lambda ana: pages.release(ana.pk, channel="channel-1", now=clock.now()), "holder", "bad"),
    "unknown path": (lambda ana: change(Performer, bridge="GONE"), "bridge", "bad"),
    "away": (lambda ana: from_page(ana, toy(status=0), now=clock.now()), "devices", "bad"),
    "one away": (lambda ana: from_page(ana, toy(), toy("x", status=0), now=clock.now()), "devices", "warn"),
    "low": (lambda ana: from_page(ana, toy(battery=20), now=clock.now()), "battery", "warn"),
    "empty": (lambda ana: from_page(ana, toy(battery=10), now=clock.now()), "battery", "bad"),
    "no menu": (lambda ana: change(Performer, menu_version=0), "menu", "warn"),
    "paused": (lambda ana: change(Performer, paused_at=clock.now()), "queue", "warn"),
    "stopped": (lambda ana: change(Performer, stopped_at=clock.now()), "stop", "bad"),
    "kill switch": (lambda ana: change(PlatformSettings, enable_lovense=False), "queue", "bad"),
    "draining": (lambda ana: change(PlatformSettings, is_draining=True), "queue", "warn"),
    "no strength": (lambda ana: change(Performer, maximum_intensity=0), "caps", "bad"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_check_says_what_is_not_as_it_should_be(ready, fault):
    provoke, name, state = FAULTS[fault]
    provoke(ready)
    is_ready, found = checked(ready)
    assert found[name] == state
    assert is_ready is (state == "warn")


def test_a_required_menu_that_is_missing_is_bad(ready):
    change(Performer, menu_version=0)
    change(PlatformSettings, require_tip_menu=True)
    assert checked(ready)[1]["menu"] == "bad"


def test_nothing_that_may_vibrate_is_bad(ready):
    from ground.json.fields import Fields
    from lovense.devices import choices

    choice = choices.Choice(Fields({"functions": {"Vibrate": {"isEnabled": False}}}, ""))
    about = {"performer_id": ready.pk, "device_id": f"{ready.pk}.toy-1", "by": "ana"}
    choices.change(**about, choice=choice, now=clock.now())
    assert checked(ready)[1]["caps"] == "bad"


def test_a_preflight_changes_nothing(ready):
    before = collection(Performer).find_one()
    checked(ready)
    assert collection(Performer).find_one() == before
