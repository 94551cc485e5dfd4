"""An audit log to look at, and who looks: what the tests of its page and of its file begin with."""

from datetime import timedelta

import pytest
from django.test import Client

from adminpanel.staff import enrol
from ground import clock
from ground.audit import log as audit_log
from ground.people import Role

PAGE = "/staff/audit"


@pytest.fixture
def staff():
    return {role: enrol(username=f"a-{role}", role=role, password="").user for role in Role}


@pytest.fixture
def seen(staff):
    """A client of each role."""
    made = {role: Client() for role in Role}
    for role, each in made.items():
        each.force_login(staff[role])
    return made


def record(number=0, **more):
    said = {"kind": "performer", "action": "pause", "by": "dina", "target": f"t-{number}"}
    audit_log.record(**{**said, "now": clock.now() - timedelta(minutes=number + 1), **more})


def shown(client, query="", **more):
    asked = client.get(PAGE, {"q": query, **more})
    assert asked.status_code == 200
    return asked.content.decode()


def post(client, what, **said):
    return client.post(f"/staff/lists/audit/{what}", said)
