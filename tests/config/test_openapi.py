"""The API's description: complete, without a warning, and true: what it gives as examples and what we answer
both match it."""

import json
import re

import pytest
from django.core.management import CommandError, call_command
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft7Validator
from rest_framework.decorators import api_view
from rest_framework.response import Response

from lovense import tasks
from tests.documents import our_routes
from tests.tips import calls
from tests.tips.calls import bought, settle, succeeded, tip
from tips import signals
from tips.intake import platforms

pytestmark = pytest.mark.django_db

NOT_DESCRIBED = {"/api/schema", "/api/docs"}
SCHEMA = SchemaGenerator().get_schema(request=None, public=True)


def operations():
    return [
        (f"{method.upper()} {address}", operation)
        for address, methods in SCHEMA["paths"].items()
        for method, operation in methods.items()
    ]


def json_of(place):
    return place.get("content", {}).get("application/json", {})


def pictures_of(place):
    return [kind for kind in place.get("content", {}) if kind.startswith("image/")]


def breaches(schema, value):
    """What of the value does not match; OpenAPI's `nullable` in the words of JSON Schema."""
    whole = json.loads(json.dumps({**schema, "components": SCHEMA["components"]}), object_hook=_nullable)
    return [error.message for error in Draft7Validator(whole).iter_errors(value)]


def _nullable(found):
    return {"anyOf": [found, {"type": "null"}]} if found.pop("nullable", False) else found


# --- complete ----------------------------------------------------------------------------------------------


def test_the_description_is_valid_and_without_a_warning(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))
    assert (tmp_path / "schema.yml").stat().st_size > 5000


@api_view(["GET"])
def unexplained(request):
    return Response({})


urlpatterns = [path("planted", unexplained)]


def test_a_planted_route_without_a_serializer_fails(tmp_path):
    with pytest.raises(CommandError):
        call_command(
            "spectacular", "--fail-on-warn", "--urlconf", __name__, "--file", str(tmp_path / "schema.yml")
        )


def test_every_route_of_the_api_is_described():
    described = {re.sub(r"{\w+}", "<>", address) for address in SCHEMA["paths"]}
    routed = {re.sub(r"<[^>]*>", "<>", route) for route in our_routes() if route.startswith("/api/")}
    assert described == routed - NOT_DESCRIBED


@pytest.mark.parametrize(("name", "operation"), operations(), ids=[name for name, _ in operations()])
def test_every_operation_says_what_it_takes_and_answers(name, operation):
    assert operation["summary"]
    assert operation["description"]
    assert len(operation["responses"]) > 3
    for status, response in operation["responses"].items():
        assert ("schema" in json_of(response)) == (
            status not in ("204", "304") and not pictures_of(response)
        ), status
        assert response["description"] or status == "200"
        if int(status) >= 400:
            assert json_of(response)["schema"] == {"$ref": "#/components/schemas/Error"}
    body = operation.get("requestBody")
    assert name.startswith(("POST", "PUT")) or not body
    if body:
        assert json_of(body)["examples"]
    answers = operation["responses"]
    if "204" not in answers and not pictures_of(answers.get("200", {})):
        assert any(json_of(response).get("examples") for response in answers.values())


@pytest.mark.parametrize(("name", "operation"), operations(), ids=[name for name, _ in operations()])
def test_every_example_matches_its_schema(name, operation):
    for place in (operation.get("requestBody", {}), *operation["responses"].values()):
        for example in json_of(place).get("examples", {}).values():
            assert breaches(json_of(place)["schema"], example["value"]) == []


def test_a_planted_example_that_does_not_match_is_caught():
    schema = {"$ref": "#/components/schemas/TipPlaced"}
    assert breaches(schema, {"tipId": "x"})


def test_the_docs_page_lists_every_operation(client):
    page = client.get("/api/docs").content.decode()
    for name, operation in operations():
        assert name in page
        assert operation["summary"] in page
    assert "POST /api/webhooks/payments" in page


# --- true: what we answer ----------------------------------------------------------------------------------


@pytest.fixture
def ask(client):
    """Checks an answer against the description of its operation; the answer's JSON."""
    headers = {"Authorization": f"Token {platforms.enrol(name='stage')}"}
    signals.requests_queued.disconnect(tasks.requests_queued)

    def call(method, address, url, body=None, **more):
        data = {"data": json.dumps(body), "content_type": "application/json"} if body else {}
        answer = getattr(client, method)(url, headers=headers | more, **data)
        described = SCHEMA["paths"][address][method]["responses"][str(answer.status_code)]
        assert breaches(json_of(described)["schema"], answer.json()) == []
        return answer.json()

    yield call
    signals.requests_queued.connect(tasks.requests_queued)


def test_what_a_placed_tip_is_answered_matches(ask):
    key = {"Idempotency-Key": "k"}
    ask("post", "/api/tips", "/api/tips", tip(1))
    ask("post", "/api/tips", "/api/tips", tip(1), **key)
    ask("post", "/api/tips", "/api/tips", tip(2), **key)
    bought(500)
    settle()
    ask("post", "/api/tips", "/api/tips", tip(1), **{"Idempotency-Key": "other"})
    ask("get", "/api/tips/{tip_id}", f"/api/tips/{calls.tip_id(1)}")
    ask("get", "/api/tips/{tip_id}", f"/api/tips/{calls.tip_id(9)}")


@pytest.mark.parametrize("query", ["", "?projection=queue", "?projection=ledger", "?limit=0"])
def test_what_the_feed_answers_matches(ask, query):
    bought(500)
    succeeded(1, 100, context={"streamType": "public"}, conversationId=calls.ANA)
    succeeded(2, 100, isAnonymous=True)
    settle()
    answer = ask("get", "/api/tips/events", f"/api/tips/events{query}")
    assert "error" in answer or len(answer["events"]) == 2


def test_what_the_webhook_answers_matches():
    described = SCHEMA["paths"]["/api/webhooks/payments"]["post"]["responses"]
    content = calls.body("tip.succeeded", tip())
    for headers in (calls.signed(content, "m"), calls.signed(content, "m"), {}):
        status, answer = calls.post(content, headers)
        assert breaches(json_of(described[str(status)])["schema"], answer) == []


def test_what_the_webhook_takes_matches():
    schema = json_of(SCHEMA["paths"]["/api/webhooks/payments"]["post"]["requestBody"])["schema"]
    for kind, data in (
        ("tip.succeeded", tip()),
        ("tip.cancelled", tip()),
        ("tokens.purchased", calls.purchase()),
    ):
        assert breaches(schema, json.loads(calls.body(kind, data))) == []
    assert breaches(schema, json.loads(calls.body("tip.succeeded", tip(tipId="x"))))
