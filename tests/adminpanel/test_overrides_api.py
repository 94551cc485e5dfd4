"""What the platform sets for one performer, over REST: by an admin, with a reason and the version that was
seen, and never looser."""

import json

import pytest
from rest_framework.test import APIClient

from ground import clock
from ground.audit import log as audit_log
from lovense.performers import overrides, preferences
from tests.adminpanel.people.conftest import ada, sam
from tests.lovense.test_overrides import ALL, DAY

__all__ = ["ada", "sam"]
pytestmark = pytest.mark.django_db
WHY = "agreed with her"


@pytest.fixture
def admin(ada):
    made = APIClient()
    made.force_authenticate(ada)
    return made


def put(client, whose, limits=ALL, *, days=1, version=0, **more):
    until = clock.iso(clock.now() + days * DAY) if days else None
    body = {"limits": limits, "until": until, "version": version, "reason": WHY} | more
    return client.put(f"/api/admin/lovense/performers/{whose}/overrides", body, format="json")


def kept(ana):
    return overrides.told(preferences.of(ana.pk))


def entries(ana):
    return [(row["action"], row["success"]) for row in audit_log.of(ana.pk, limit=9)]


def test_they_are_set_and_taken_away_by_who_has_seen_them(admin, ana):
    answer = put(admin, ana.pk)
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert answer.json()["overrides"] == kept(ana)
    assert (kept(ana)["limits"], kept(ana)["by"], kept(ana)["why"]) == (ALL, "ada", WHY)
    late = put(admin, ana.pk, {"maximumSeconds": 9})
    assert (late.status_code, late.json()["error"]["details"]) == (409, {"present": kept(ana), "version": 1})
    assert put(admin, ana.pk, {}, days=0, version=1).json() == {"version": 2, "overrides": None}
    assert entries(ana) == [("set_overrides", True), ("set_overrides", False), ("set_overrides", True)]


@pytest.mark.parametrize(
    ("limits", "more", "status"),
    [
        ({"maximumSeconds": 31}, {}, 422),
        ({"minimumTip": 1}, {}, 422),
        ({"strength": 1}, {}, 422),
        (ALL, {"days": -1}, 422),
        (ALL, {"days": 0}, 422),
        (ALL, {"until": "tomorrow"}, 422),
        (ALL, {"until": 5}, 422),
        (ALL, {"reason": "no"}, 422),
        (ALL, {"reason": None}, 422),
        (ALL, {"reason": "abc\x00d"}, 422),
        (ALL, {"version": "0"}, 400),
        (ALL, {"other": 1}, 400),
        ([], {}, 400),
    ],
)
def test_what_is_looser_past_or_unsaid_is_refused_and_recorded(admin, ana, limits, more, status):
    assert put(admin, ana.pk, limits, **more).status_code == status
    assert kept(ana) is None
    assert entries(ana) == [("set_overrides", False)]


@pytest.mark.parametrize(
    ("limits", "reason", "field"),
    [(ALL, "abc\ud800", "reason"), ({"\ud800": 1}, WHY, "limits")],
)
def test_what_cannot_be_kept_is_refused_with_its_field(admin, ana, limits, reason, field):
    until = clock.iso(clock.now() + DAY)
    body = json.dumps({"limits": limits, "until": until, "version": 0, "reason": reason})
    path = f"/api/admin/lovense/performers/{ana.pk}/overrides"
    answer = admin.put(path, body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, field)
    assert kept(ana) is None


def test_only_an_admin_sets_them_and_only_for_a_performer(admin, sam, ana):
    other = APIClient()
    other.force_authenticate(sam)
    assert put(other, ana.pk).status_code == 403
    assert put(admin, "f" * 24).status_code == 404
    assert kept(ana) is None
