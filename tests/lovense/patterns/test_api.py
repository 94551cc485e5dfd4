"""The REST doors of patterns: answers are as the description says, and what is wrong names its place."""

import json

import pytest
from django.test import Client

from ground import clock
from ground.mongodb.collections import collection
from lovense.models import Activation
from lovense.patterns import shipped
from tests.chain import Chain
from tests.factories import token_of
from tests.lovense.callers import Caller, _nobody_is_woken
from tests.lovense.devices.reports import from_page, toy
from tests.lovense.patterns.written import TIDE

__all__ = ["_nobody_is_woken"]
pytestmark = pytest.mark.django_db
ROOT = "/api/lovense/patterns"
SAMPLES = [{"ms": 0, "level": 5}, {"ms": 1000, "level": 0}]


@pytest.fixture
def hers(ana):
    return Caller(ana.user, root=ROOT)


@pytest.fixture
def strangers(carol):
    return Caller(carol.user, root=ROOT)


def saved(hers, name="Tide", text=TIDE):
    answer = hers("post", "", {"name": name, "text": text})
    assert answer.status_code == 201
    return answer.json()


def error(answer, status, code):
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    return answer.json()["error"]["details"]


def test_a_pattern_is_saved_changed_and_archived(hers):
    made = saved(hers)
    assert (made["item"], made["revision"]) == ("my/Tide", 1)
    path = f"/{made['patternId']}"
    changed = hers("put", path, {"revision": 1, "text": "5 1s"}).json()
    assert (changed["name"], changed["text"], changed["revision"]) == ("Tide", "5 1s", 2)
    assert [each["text"] for each in hers("get", "").json()["patterns"]] == ["5 1s"]
    details = error(hers("put", path, {"revision": 1, "name": "Late"}), 409, "changed_meanwhile")
    assert (details["seen"], details["revision"], details["pattern"]["text"]) == (1, 2, "5 1s")
    error(hers("delete", f"{path}?revision=1"), 409, "changed_meanwhile")
    assert hers("delete", f"{path}?revision=2").status_code == 204
    assert hers("get", "").json()["patterns"] == []
    error(hers("put", path, {"revision": 2, "name": "x"}), 404, "not_found")


def test_those_that_are_shipped_are_listed_with_their_texts(hers):
    assert [each["name"] for each in hers("get", "").json()["shipped"]] == list(shipped.NAMES)


def test_what_is_wrong_is_named_all_at_once_with_its_place(hers):
    details = error(hers("post", "", {"name": " ", "text": "10 2s\n21 1s"}), 400, "malformed")
    assert [each["field"] for each in details["errors"]] == ["name", "text"]
    about = details["errors"][1]
    assert (about["line"], about["column"], about["found"]) == (2, 1, "“21”")
    saved(hers)
    error(hers("post", "", {"name": "TIDE", "text": "1 1s"}), 409, "name_taken")


@pytest.mark.parametrize("field", ["performer_id", "slot", "archived_at", "patternId"])
def test_a_field_that_is_not_there_is_refused_by_its_name(hers, field):
    body = {"name": "x", "text": "1 1s", field: 1}
    assert error(hers("post", "", body), 400, "malformed")["field"] == field


@pytest.mark.parametrize("path", ["?revision=0", "?revision=x", "", "?revision=" + "9" * 300])
def test_a_revision_is_a_whole_number(hers, path):
    made = saved(hers)
    assert error(hers("delete", f"/{made['patternId']}{path}"), 400, "malformed")["field"] == "revision"


def test_a_text_is_drawn_without_being_saved(hers):
    found = hers("post", "/preview", {"text": "{vibrate 10, rotate 5} 2s"}).json()
    assert (found["lengthMs"], found["peak"]) == (2000, 10)
    assert [each["function"] for each in found["curves"]] == ["Vibrate", "Rotate"]
    details = error(hers("post", "/preview", {"text": "10 2s,\n (5 1s"}), 400, "invalid_pattern")
    assert (details["line"], details["column"], details["found"]) == (2, 7, "the end")
    assert hers("get", "").json()["patterns"] == []


@pytest.mark.parametrize("text", ["(" * 100_000, "(1 1s) x 1000000000", "１ 1s", "10 301s", "", None, 5])
def test_a_text_that_is_none_is_a_400(hers, text):
    answer = hers("post", "/preview", {"text": text})
    assert answer.status_code in (400, 413)


def test_an_import_says_what_it_changed_and_saves_nothing(hers):
    found = hers("post", "/import", {"samples": [{"ms": 700, "level": 5}, {"ms": 1700, "level": 0}]}).json()
    assert (found["text"], found["changes"][0]["code"]) == ("5 1s\n", "begins_at_0")
    assert hers("get", "").json()["patterns"] == []
    script = {"actions": [{"at": 0, "pos": 0}, {"at": 500, "pos": 101}]}
    details = error(hers("post", "/import", {"funscript": script}), 400, "malformed")
    assert details["field"] == "funscript.actions[1].pos"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"PK\x03\x04", 400),
        (b'{"samples":' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
        (b" " * 2**21, 413),
        (b"[1]", 400),
    ],
    ids=["zip", "deep", "large", "list"],
)
def test_a_body_of_another_kind_is_refused(ana, content, status):
    headers = {"Authorization": f"Token {token_of(ana.user)}"}
    answer = Client().post(f"{ROOT}/import", content, "application/json", headers=headers)
    assert answer.status_code == status


def test_a_file_comes_in_as_it_went_out(hers, ana):
    path = f"/{saved(hers)['patternId']}/export"
    file = hers("get", path).json()
    assert hers("post", "/import", {"pattern": file}).json()["text"] == TIDE
    headers = {"Authorization": f"Token {token_of(ana.user)}"}
    plain = Client().get(f"{ROOT}{path}?format=text", headers=headers)
    assert (plain.content.decode(), plain["Content-Type"]) == (TIDE, "text/plain; charset=utf-8")
    assert error(hers("get", f"{path}?format=csv"), 400, "malformed")["field"] == "format"


def test_another_performers_pattern_is_not_there(hers, strangers):
    path = f"/{saved(hers)['patternId']}"
    for method, more, body in (
        ("put", "", {"revision": 1, "name": "x"}),
        ("delete", "?revision=1", None),
        ("get", "/export", None),
        ("post", "/test", {"deviceId": "x"}),
    ):
        assert strangers(method, path + more, body).status_code == 404
    assert strangers("get", "").json()["patterns"] == []


# --- tests on a device -------------------------------------------------------------------------------------


@pytest.fixture
def chain(ana):
    made = Chain(ana, now=clock.now())
    made.publish_menu()
    made.hold()
    return made


def played_in_a_test(chain, hers, text, functions, **body):
    """What its device is told."""
    from_page(chain.performer, toy("toy-1", name="nora", fullFunctionNames=functions), now=clock.now())
    path = f"/{saved(hers, text=text)['patternId']}/test"
    said = {"deviceId": f"{chain.performer_id}.toy-1"} | body
    answer = hers("post", path, said, **{"Idempotency-Key": "one"})
    assert answer.status_code == 202
    assert hers("post", path, said, **{"Idempotency-Key": "one"}).json() == answer.json()
    chain.now = clock.now()
    chain.dispatch()
    return collection(Activation).find_one({"request_id": answer.json()["requestId"]})


def test_a_test_plays_the_pattern_on_one_device_within_its_seconds(chain, hers):
    row = played_in_a_test(chain, hers, "20 1s, 0 1s", ["Vibrate"], strength=20, seconds=8)
    (command,) = row["commands"]
    assert (command["strength"], command["timeSec"], command["toy"]) == ("20;0", 8, ["toy-1"])
    assert row["amount"] == 0


def test_a_test_plays_what_the_pattern_names(chain, hers):
    row = played_in_a_test(chain, hers, "{rotate 20} 1s, 0 1s", ["Vibrate", "Rotate"])
    assert [each["rule"] for each in row["commands"]] == ["V:1;F:r;S:1000#"]
    assert row["commands"][0]["timeSec"] == 5


def test_what_a_device_does_not_have_is_not_played(chain, hers):
    row = played_in_a_test(chain, hers, "{pump 20} 1s", ["Vibrate"])
    assert (row["status"], row["reason"], row["commands"]) == ("skipped", "unsupported", [])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "deviceId"),
        ({"deviceId": "x", "seconds": 11}, "seconds"),
        ({"deviceId": "x", "seconds": 1}, "seconds"),
        ({"deviceId": "x", "strength": 21}, "strength"),
        ({"deviceId": "x", "loops": 1}, "loops"),
    ],
)
def test_a_test_keeps_its_limits(hers, body, field):
    path = f"/{saved(hers)['patternId']}/test"
    assert error(hers("post", path, body), 400, "malformed")["field"] == field


def test_a_device_that_is_not_hers_is_not_there(hers, chain):
    path = f"/{saved(hers)['patternId']}/test"
    assert hers("post", path, {"deviceId": "none"}).status_code == 404


def test_json_is_described_also_for_what_a_menu_names(ana, hers):
    saved(hers)
    menu = Caller(ana.user, root="/api/lovense/tip-menu")
    item = {"title": "a", "minimum": 5, "maximum": 9, "intensity": 5, "durationSec": 5, "pattern": "my/Tide"}
    assert menu("post", "", item).json()["pattern"] == "my/Tide"
    refused = menu("post", "", item | {"pattern": "none"})
    assert "my/ and the name of a pattern of yours" in json.dumps(refused.json())
    assert menu("post", "/publish", {}).status_code == 201
    put = {"revision": 1, "text": "5 1s"}
    pattern_id = hers("get", "").json()["patterns"][0]["patternId"]
    hers("put", f"/{pattern_id}", put)
    assert menu("get", "").json()["isChanged"]
    (change,) = menu("get", "/diff").json()["changed"]
    assert [each["field"] for each in change["fields"]] == ["patternText"]
