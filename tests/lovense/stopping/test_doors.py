"""Every door of her stop: over REST, on her page with and without script, by command; and the kill switch,
which tells all pages."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from ground import clock
from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from lovense.lane import controls
from lovense.models import StopPress
from lovense.sending import groups
from lovense.stopping import halts, presses
from lovense.stopping.presses import Still, StillToy
from tests.config.test_openapi import SCHEMA, breaches, json_of
from tests.factories import NOW, token_of
from tests.lovense.callers import TEST, _nobody_is_woken, admin, chain, hers, nobody, strangers
from tests.lovense.conftest import Wire
from tests.lovense.stopping.presses import actions_on, press, presses_of, row_of

__all__ = ["_nobody_is_woken", "admin", "chain", "hers", "nobody", "strangers"]
pytestmark = pytest.mark.django_db

ROOT = "/api/lovense"


def asked(method, path, *, of=None, body=None, **more):
    """With a token; checked against the API's description."""
    headers = {"Authorization": f"Token {token_of(of.user)}"} if of else {}
    content = b"" if body is None else json.dumps(body).encode()
    answer = Client().generic(
        method.upper(), ROOT + path, content, "application/json", headers=headers | more
    )
    described = SCHEMA["paths"][ROOT + path.partition("?")[0]][method]["responses"]
    assert breaches(json_of(described[str(answer.status_code)])["schema"], answer.json()) == []
    return answer


# --- over REST ---------------------------------------------------------------------------------------------


def test_a_press_over_rest_answers_with_the_epoch_and_when(ana):
    answer = asked("post", "/stop", of=ana)
    assert answer.status_code == 200
    assert answer.json() == {"stopEpoch": 1, "stoppedAt": clock.iso(row_of(ana)["stopped_at"])}
    again = asked("post", "/stop", of=ana, body={"why": "too strong"})
    assert again.json()["stopEpoch"] == 2
    kept = presses_of(ana)
    assert [(each["why"], each["through"], each["by"]) for each in kept] == [
        ("", "api", "ana"),
        ("too strong", "api", "ana"),
    ]


def test_a_resume_over_rest_lifts_it_and_wakes_the_dispatch(ana):
    asked("post", "/stop", of=ana)
    for _ in range(2):
        answer = asked("post", "/resume", of=ana)
        assert (answer.status_code, answer.json()) == (200, {"stopEpoch": 1})
    assert row_of(ana)["stopped_at"] is None
    assert actions_on(ana.performer_id) == ["stop", "resume"]


def test_presses_are_listed_the_newest_first_with_what_pages_said(ana, carol, monkeypatch):
    for number in range(3):
        press(ana, NOW + timedelta(seconds=number), why=f"number {number + 1}")
    press(carol)
    still = Still(2, (StillToy("toy-1", 84.0, "still"),))
    presses.answered(still, performer_id=ana.performer_id, page_id="desk", now=NOW)
    empty = Still(3, ())
    presses.answered(empty, performer_id=ana.performer_id, page_id="phone", now=NOW)
    answer = asked("get", "/stops", of=ana).json()
    assert [each["stopEpoch"] for each in answer["stops"]] == [3, 2, 1]
    assert (answer["stops"][0]["why"], answer["next"]) == ("number 3", None)
    assert [(each["page"], each["toyId"], each["ms"]) for each in answer["stops"][0]["answers"]] == [
        ("phone", "", None)
    ]
    monkeypatch.setattr(presses, "SHOWN", 2)
    first = asked("get", "/stops", of=ana).json()
    assert ([each["stopEpoch"] for each in first["stops"]], first["next"]) == ([3, 2], 2)
    rest = asked("get", "/stops?before=2", of=ana).json()
    assert ([each["stopEpoch"] for each in rest["stops"]], rest["next"]) == ([1], None)
    assert [each["stopEpoch"] for each in asked("get", "/stops", of=carol).json()["stops"]] == [1]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"why": 5}', ""),
        (b'{"why": "' + b"x" * 300 + b'"}', "x" * 200),
        (b'{"why": "enough", "performerId": "507f191e810c19729de860ec"}', "enough"),
        (b"no json", ""),
        (b"[1]", ""),
        (b"\xff", ""),
        (b"x" * 100_000, ""),
    ],
)
def test_whatever_is_wrong_with_its_body_it_is_a_press_of_hers(ana, body, why):
    headers = {"Authorization": f"Token {token_of(ana.user)}"}
    for kind in ("application/json", "text/plain"):
        answer = Client().post(f"{ROOT}/stop", body, kind, headers=headers)
        assert answer.status_code == 200
    assert [each["why"] for each in presses_of(ana)] == [why, ""]


@pytest.mark.parametrize("before", ["-1", "x", "1.5", "9" * 16])
def test_a_cursor_that_is_none_is_refused(ana, before):
    assert asked("get", f"/stops?before={before}", of=ana).status_code == 400


@pytest.mark.parametrize(("method", "path"), [("post", "/stop"), ("post", "/resume"), ("get", "/stops")])
def test_it_is_hers_alone(ana, dina, method, path):
    assert asked(method, path).status_code == 401
    token = {"Authorization": f"Token {token_of(dina)}"}
    assert asked(method, path, **token).status_code == 403
    assert row_of(ana)["stop_epoch"] == 0


def test_a_session_needs_its_csrf_token(ana):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana.user)
    assert client.post(f"{ROOT}/stop").status_code == 403
    client.get("/")
    headers = {"X-CSRFToken": client.cookies["csrftoken"].value}
    answer = client.post(f"{ROOT}/stop", b"", "application/json", headers=headers)
    assert answer.status_code == 200


def test_no_press_is_one_too_many(ana):
    assert {asked("post", "/stop", of=ana).status_code for _ in range(80)} == {200}
    assert row_of(ana)["stop_epoch"] == 80


def test_it_works_while_the_deployment_is_drained(ana):
    controls.set_draining(is_on=True, by="dina", why="", now=NOW)
    assert asked("post", "/stop", of=ana).status_code == 200
    assert asked("post", "/resume", of=ana).status_code == 200


def test_while_the_database_does_not_answer_it_says_so_and_pages_were_told(ana, fail_command):
    wire = Wire(groups.pages_of(ana.performer_id))
    fail_command("findAndModify", times=1, errorCode=8000)
    answer = asked("post", "/stop", of=ana)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    halts._thread.submit(int).result(5)
    assert halted(wire) == [None]
    wire.close()


def halted(wire):
    import msgpack

    messages = [msgpack.unpackb(data) for _, data in wire.raw()]
    return [message["epoch"] for message in messages if message["type"] == groups.PAGE_HALT]


def test_pages_of_other_processes_are_told_before_and_after_it_is_recorded(ana):
    wire = Wire(groups.pages_of(ana.performer_id))
    asked("post", "/stop", of=ana)
    halts._thread.submit(int).result(5)
    assert halted(wire) == [None, 1]
    wire.close()


def test_a_redis_that_does_not_answer_holds_nothing_up(ana, monkeypatch):
    import redis

    from ground.hops import doorbell

    gone = redis.Redis.from_url("redis://127.0.0.1:1/0", socket_timeout=1, socket_connect_timeout=1)
    monkeypatch.setattr(doorbell, "connection", lambda: gone)
    assert asked("post", "/stop", of=ana).status_code == 200
    assert row_of(ana)["stop_epoch"] == 1


def test_a_test_is_refused_while_she_is_stopped(ana, chain, hers):
    press(ana)
    answer = hers("post", "/submit", TEST)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "stopped")
    lane = hers("get", "").json()
    assert (lane["stopped"]["by"], lane["stopped"]["why"]) == ("ana", "too strong")
    asked("post", "/resume", of=ana)
    assert hers("post", "/submit", TEST).status_code == 201
    assert hers("get", "").json()["stopped"] is None


def test_staff_may_resume_the_queue_and_not_her(ana, chain, admin):
    press(ana)
    answer = admin("post", "/resume", {"performerId": ana.performer_id})
    assert answer.status_code == 200
    assert (answer.json()["paused"], answer.json()["stopped"] is None) == (None, False)


# --- on her page -------------------------------------------------------------------------------------------


@pytest.fixture
def client(ana):
    client = Client()
    client.force_login(ana.user)
    return client


def test_the_form_works_without_a_script_and_leads_back(client, ana):
    answer = client.post("/live/stop")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert presses_of(ana)[0]["through"] == "page"
    page = client.get("/").content.decode()
    assert 'action="/live/resume-all"' in page
    answer = client.post("/live/resume-all")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert row_of(ana)["stopped_at"] is None


def test_with_htmx_it_answers_as_the_other_buttons(client, ana):
    for path, words in (("stop", "Stopped."), ("resume-all", "What waited plays on.")):
        answer = client.post(f"/live/{path}", headers={"HX-Request": "true"})
        assert answer.status_code == 204
        assert json.loads(answer["HX-Trigger"])["said"]["text"].startswith(words)


@pytest.mark.parametrize("path", ["/live/stop", "/live/resume-all"])
def test_her_forms_are_hers_and_are_posted(client, ana, dina, path):
    assert client.get(path).status_code == 405
    assert Client().post(path).status_code == 302
    staff = Client()
    staff.force_login(dina)
    assert staff.post(path).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana.user)
    assert strict.post(path).status_code == 403
    assert presses_of(ana) == []


def test_the_page_says_since_when_and_what_each_device_has_answered(client, ana, chain):
    press(ana)
    region = client.get("/?region=stop", headers={"HX-Request": "true"}).content.decode()
    assert "Stopped" in region
    assert "not answered yet" in region
    for epoch, toy, words in (
        (1, StillToy("toy-1"), "silent<"),
        (2, StillToy("toy-1", None, "moving"), "switch it off by hand"),
        (3, StillToy("toy-1", 84.2, "still"), "silent after 84 ms"),
        (4, StillToy("toy-1", 0.3, "still"), "silent within 1 ms"),
    ):
        said = Still(epoch, (toy,))
        presses.answered(said, performer_id=ana.performer_id, page_id="desk", now=NOW)
        region = client.get("/?region=stop", headers={"HX-Request": "true"}).content.decode()
        assert words in region
        press(ana)
    stage = client.get("/?region=queue", headers={"HX-Request": "true"}).content.decode()
    assert "Everything is stopped" in stage
    notices = client.get("/?region=notices", headers={"HX-Request": "true"}).content.decode()
    assert "Paused" not in notices


def test_a_page_of_somebody_who_is_not_stopped_has_the_button_and_no_resume(client):
    page = client.get("/").content.decode()
    assert 'action="/live/stop"' in page
    assert "resume-all" not in page


# --- by command --------------------------------------------------------------------------------------------


def test_the_command_presses_it_for_her(ana, capsys):
    call_command("stop_performer", ana.performer_id, "--why", "she called", "--by", "dina")
    assert "stopped under epoch 1" in capsys.readouterr().out
    (kept,) = presses_of(ana)
    assert (kept["by"], kept["why"], kept["through"]) == ("dina", "she called", "command")


def test_the_command_says_who_is_not_enrolled(ana):
    with pytest.raises(CommandError, match="There is no such performer"):
        call_command("stop_performer", "0" * 24)
    assert collection(StopPress).count_documents({}) == 0


# --- the kill switch ---------------------------------------------------------------------------------------


def test_the_kill_switch_tells_all_pages_that_hold_devices(ana, chain, carol):
    hers, theirs = (Wire(groups.pages_of(who.performer_id)) for who in (ana, carol))
    call_command("set_platform", "enable_lovense", "false")
    halts._thread.submit(int).result(5)
    assert (halted(hers), halted(theirs)) == ([None], [])
    call_command("set_platform", "enable_lovense", "true")
    halts._thread.submit(int).result(5)
    assert halted(hers) == []
    assert row_of(ana)["stopped_at"] is None
    for wire in (hers, theirs):
        wire.close()


# --- who did it --------------------------------------------------------------------------------------------


def test_the_audit_log_says_who_stopped_and_resumed_and_from_where(ana):
    asked("post", "/stop", of=ana)
    asked("post", "/resume", of=ana)
    entries = audit_log.of(ana.performer_id, limit=9)
    assert [entry["action"] for entry in entries] == ["resume", "stop"]
    assert all(entry["hashed_ip"] for entry in entries)
