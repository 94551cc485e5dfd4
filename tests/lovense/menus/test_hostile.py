"""Nothing that is sent to a door of menus, patterns and draws is our fault: each is asked whatever its
description allows and whatever it does not. `EXAMPLES=20000` asks more."""

import json
import re
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import hostile
from tests.config.test_openapi import SCHEMA, breaches, json_of
from tests.lovense.callers import Caller, _nobody_is_woken
from tests.lovense.menus.offers import added, published
from tests.lovense.patterns.written import saved
from tests.properties import EXAMPLES

__all__ = ["_nobody_is_woken"]
pytestmark = pytest.mark.django_db
DOORS = ("/api/lovense/tip-menu", "/api/lovense/patterns", "/api/public/draws")
OPERATIONS = {
    (method, path): operation
    for path, methods in SCHEMA["paths"].items()
    for method, operation in methods.items()
    if path.startswith(DOORS)
}
WORDS = st.text(max_size=20) | st.sampled_from(
    ["0", "-1", "1", "9" * 300, "1e9", "true", "null", "１", "%00", "\ud7ff", "draft", "published", "private"]
)


def good_bodies(operation):
    """Those of its examples."""
    said = json_of(operation.get("requestBody", {})).get("examples", {})
    return [each["value"] for each in said.values()]


def sent(operation):
    """A body of its kind with something else in it, or anything."""
    changed = [hostile.mutated(good, [*good, "version"]) for good in good_bodies(operation) if good]
    return st.just(b"") | hostile.bodies(*changed)


def queries(operation):
    names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
    return st.dictionaries(st.sampled_from([*names, "x"]), WORDS, max_size=3)


@st.composite
def calls(draw):
    method, path = draw(st.sampled_from(sorted(OPERATIONS)))
    operation = OPERATIONS[method, path]
    return method, path, draw(sent(operation)), draw(queries(operation)), draw(WORDS | st.none())


@pytest.fixture
def ask(ana):
    """The names in an address are those of what is hers, or that one."""
    (item,) = added(ana, "Mine").items
    published(ana, key="a")
    hers = {
        "item_id": item["itemId"],
        "pattern_id": str(saved(ana)["_id"]),
        "version": "1",
        "menu": f"{ana.pk}.1",
    }
    client, headers = Client(raise_request_exception=True), Caller(ana.user).headers

    def asked(method, path, content, query, name):
        named = re.sub(r"\{(\w+)\}", lambda found: quote(name or hers[found[1]], safe=""), path)
        told = "&".join(f"{quote(key)}={quote(value)}" for key, value in query.items())
        kind = "application/json"
        return client.generic(method.upper(), f"{named}?{told}", content, kind, headers=headers)

    return asked


def test_every_door_is_there():
    assert len(OPERATIONS) >= 35
    assert {path for _, path in OPERATIONS if path.startswith(DOORS[2])}


@settings(
    max_examples=max(100, EXAMPLES // 5),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(calls())
def test_whatever_is_asked_is_answered_as_described_and_never_with_a_500(ask, call):
    method, path, *more = call
    answer = ask(method, path, *more)
    if (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8"):
        return  # a name with a slash in it is another address
    described = OPERATIONS[method, path]["responses"][str(answer.status_code)]
    if told := json_of(described):
        assert breaches(told["schema"], json.loads(answer.content)) == []
