"""Who of the staff may do what: the table is asked by every door, and what has no row is closed."""

import itertools
import re

import pytest
from django.test import Client
from django.urls import get_resolver

from adminpanel import access
from adminpanel.staff import enrol
from config.settings import BASE_DIR
from ground.audit.models import AuditEntry
from ground.people import Role
from tests.factories import UserFactory, token_of

pytestmark = pytest.mark.django_db

OURS = re.compile(r"^(staff|api/admin/|api/performance-queue|api/tips/)")
# A performer asks these of her own lane, and a platform of its own tips: their own tests ask as those.
SHARED = re.compile(r"^(api/performance-queue(?!/(dlq|health|metrics))|api/tips/)")
METHODS = ("GET", "POST", "PUT", "DELETE")
KEY = "507f191e810c19729de860ff"


def routes():
    found = [each for each in get_resolver().url_patterns if hasattr(each, "name")]
    return {str(each.pattern): each.name for each in found if OURS.match(str(each.pattern))}


def client(user):
    made = Client(raise_request_exception=False)
    made.force_login(user)
    return made


def asked(made, route, method, **headers):
    path = "/" + re.sub(r"<\w+:\w+>", KEY, route)
    return made.generic(method, path, b"{}", "application/json", **headers).status_code


@pytest.fixture
def staff():
    return {role: enrol(username=f"a-{role}", role=role, password="").user for role in Role}


def test_every_route_of_the_staff_has_a_row_and_every_row_a_route():
    named = set(routes().values())
    assert named | {"admin"} == {rule.route for rule in access.RULES}


def test_a_route_without_a_row_is_closed_to_everybody():
    ways = itertools.product(Role, METHODS)
    assert not any(access.may(role, "staff-planted", method) for role, method in ways)


def test_each_role_gets_what_its_row_says_and_nothing_else(staff):
    """403 of a door, and 405 where nobody has a row: everything else has been let in. Of a lane what is
    asked may be looked at before who asks."""
    clients = {role: client(user) for role, user in staff.items()}
    for (route, name), (role, made) in itertools.product(routes().items(), clients.items()):
        for method in METHODS:
            may = access.may(role, name, method)
            got = asked(made, route, method)
            not_in = (403, 405) if may or not SHARED.match(route) else (400, 403, 405)
            assert (got not in not_in) is may, (route, method, role, got)


def test_nobody_else_comes_in(staff, ana):
    left = enrol(username="left", role=Role.ADMIN, password="").user
    left.is_active = False
    left.save()
    nobodys = UserFactory.create(username="nobody", is_staff=True)
    hers, theirs, nobody = client(ana.user), client(nobodys), Client()
    shown = {"HTTP_AUTHORIZATION": f"Token {token_of(left)}"}
    for route in [each for each in routes() if not SHARED.match(each)]:
        page = route.startswith("staff")
        for method in METHODS:
            assert asked(hers, route, method) in (403, 405), route
            assert asked(theirs, route, method) in (403, 405), route
            assert asked(nobody, route, method) in ((302, 405) if page else (401, 403, 405)), route
            assert page or asked(nobody, route, method, **shown) in (401, 405), route


def test_a_button_without_its_forms_token_is_refused(staff):
    made = Client(enforce_csrf_checks=True)
    made.force_login(staff[Role.ADMIN])
    pages = {route: name for route, name in routes().items() if route.startswith("staff")}
    buttons = [route for route, name in pages.items() if access.may(Role.ADMIN, name, "POST")]
    assert len(buttons) > 4
    assert {asked(made, route, "POST") for route in buttons} == {403}


def test_a_button_that_is_refused_is_recorded_and_a_look_is_not(staff):
    made = client(staff[Role.AUDITOR])
    made.post("/staff/emissions/notification/retry")
    made.put("/staff/tips")
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.target, entry.success) == ("a-auditor", "staff-retry-emissions", False)


def test_support_holds_a_lane_and_does_not_let_it_go_on(staff, ana):
    made = client(staff[Role.SUPPORT])
    said = {"data": {"performerId": ana.pk}, "content_type": "application/json"}
    assert made.post("/api/performance-queue/pause", **said).status_code == 200
    assert made.post("/api/performance-queue/resume", **said).status_code == 403


def test_the_document_shows_the_table_as_it_is():
    shown = (BASE_DIR / "docs/staff.md").read_text()
    assert access.matrix() in shown, access.matrix()
