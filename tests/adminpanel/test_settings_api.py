"""The platform's settings over REST: read by a version, written by who has seen it, each value by its very
type, all of a call or none of it."""

import pytest
from rest_framework.test import APIClient

from ground.audit import log as audit_log
from lovense.deciding import platform
from lovense.deciding.platform import ROW
from tests.adminpanel.people.conftest import ada, sam

__all__ = ["ada", "sam"]
pytestmark = pytest.mark.django_db
ADDRESS = "/api/admin/lovense/settings"
WHY = "a quiet week"


@pytest.fixture
def admin(ada):
    made = APIClient()
    made.force_authenticate(ada)
    return made


def put(client, settings, *, tag='"0"', reason=WHY, **body):
    headers = {} if tag is None else {"HTTP_IF_MATCH": tag}
    return client.put(ADDRESS, {"settings": settings, "reason": reason, **body}, format="json", **headers)


def raw(client, body):
    return client.put(ADDRESS, body, content_type="application/json", HTTP_IF_MATCH='"0"')


def entries():
    return [(row["success"], row["after"]) for row in audit_log.of(ROW, limit=9)]


def test_they_are_read_with_their_version_and_written_by_who_has_seen_it(admin):
    read = admin.get(ADDRESS)
    assert (read["ETag"], read.json()["version"]) == ('"0"', 0)
    assert read.json()["settings"]["maxActivationDuration"] == {
        "value": 30,
        "default": 30,
        "rule": "must be a whole number from 2 to 3600",
        "changedBy": None,
        "changedAt": None,
        "why": None,
    }
    answer = put(admin, {"maxActivationDuration": 20, "queueMode": "batch"}, tag=read["ETag"])
    assert (answer.status_code, answer["ETag"]) == (200, '"1"')
    one = answer.json()["settings"]["maxActivationDuration"]
    assert (one["value"], one["changedBy"], one["why"]) == (20, "ada", WHY)
    assert (platform.current().maximum_seconds, platform.current().queue_mode) == (20, "batch")
    assert entries() == [(True, {"maximum_seconds": 20, "queue_mode": "batch"})]


def test_who_has_them_as_they_are_is_told_so_without_them(admin):
    tag = admin.get(ADDRESS)["ETag"]
    for known in (tag, f"W/{tag}", f'"9", {tag}', "*"):
        answer = admin.get(ADDRESS, HTTP_IF_NONE_MATCH=known)
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag), known
    put(admin, {"maxActivationDuration": 20}, tag=tag)
    for known in (tag, '"x"', "1", ""):
        assert admin.get(ADDRESS, HTTP_IF_NONE_MATCH=known).status_code == 200, known


def test_all_settings_are_told_by_their_names_at_the_wire(admin):
    assert set(admin.get(ADDRESS).json()["settings"]) == {*platform.ALIASES, "isDraining"}


@pytest.mark.parametrize(
    ("tag", "status"), [(None, 428), ("*", 412), ("0", 412), ('"x"', 412), ('W/"0"', 412)]
)
def test_without_the_version_that_was_seen_nothing_is_written(admin, tag, status):
    assert put(admin, {"maxActivationDuration": 20}, tag=tag).status_code == status
    assert platform.current().version == 0
    assert [success for success, _ in entries()] == [False]


def test_an_older_version_is_answered_with_both_values(admin):
    put(admin, {"maxActivationDuration": 20})
    answer = put(admin, {"maxActivationDuration": 25})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "outdated")
    assert answer.json()["error"]["details"] == {
        "present": {"maxActivationDuration": 20},
        "yours": {"maxActivationDuration": 25},
        "version": 1,
    }


@pytest.mark.parametrize(
    "value", ["0", "-1", "1e3", "31.5", "true", '"20"', "null", "[20]", "{}", "3601", "1" * 99]
)
def test_a_value_that_breaks_its_rule_is_answered_with_it(admin, value):
    answer = raw(admin, f'{{"settings": {{"maxActivationDuration": {value}}}, "reason": "{WHY}"}}')
    assert answer.status_code == 422
    assert answer.json()["error"]["details"] == {
        "field": "maxActivationDuration",
        "rule": "must be a whole number from 2 to 3600",
    }
    assert platform.current().version == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("enableLovense", 0), ("enableLovense", "false"), ("lovenseCamSiteName", 5), ("queueMode", 1)],
)
def test_no_type_is_taken_for_another(admin, name, value):
    assert put(admin, {name: value}).status_code == 422


@pytest.mark.parametrize(
    ("settings", "more", "status"),
    [
        ({"nothing": 1}, {}, 422),
        ({"version": 9}, {}, 422),
        ({}, {}, 422),
        ({"queueMode": "batch", "minimumTip": 0}, {}, 422),
        ({"queueMode": "batch"}, {"reason": "no"}, 422),
        ({"queueMode": "batch"}, {"reason": 5}, 422),
        ({"queueMode": "batch"}, {"reason": "abc\x00d"}, 422),
        ([], {}, 400),
        ({"queueMode": "batch"}, {"other": 1}, 400),
    ],
)
def test_of_a_call_all_is_written_or_nothing(admin, settings, more, status):
    assert put(admin, settings, **more).status_code == status
    assert (platform.current().queue_mode, platform.current().version) == ("fifo", 0)


def test_a_reason_that_cannot_be_kept_is_refused_with_its_field(admin):
    answer = raw(admin, r'{"settings": {"queueMode": "batch"}, "reason": "abc\ud800"}')
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, "reason")
    assert platform.current().version == 0


def test_the_second_press_of_the_kill_switch_is_204_and_leaves_no_entry(admin):
    assert put(admin, {"enableLovense": False}).status_code == 200
    again = put(admin, {"enableLovense": False})
    assert (again.status_code, again.content) == (204, b"")
    assert entries() == [(True, {"enable_lovense": False})]
    assert put(admin, {"enableLovense": True}).status_code == 409


def test_the_history_is_the_audit_log_of_the_settings_slice_by_slice(admin):
    for version, seconds in enumerate((20, 25, 30)):
        put(admin, {"maxActivationDuration": seconds}, tag=f'"{version}"')
    first = admin.get(f"{ADDRESS}/history", {"limit": 2}).json()
    assert [each["after"] for each in first["entries"]] == [{"maximum_seconds": 30}, {"maximum_seconds": 25}]
    rest = admin.get(f"{ADDRESS}/history", {"after": first["next"]}).json()
    assert [each["before"] for each in rest["entries"]] == [{"maximum_seconds": 30}]
    assert rest["next"] is None


def test_support_neither_reads_nor_writes_them(sam):
    made = APIClient()
    made.force_authenticate(sam)
    assert (made.get(ADDRESS).status_code, put(made, {"enableLovense": False}).status_code) == (403, 403)
