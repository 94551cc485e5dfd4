"""While MongoDB does not answer, every door says so with 503: in the one shape under /api, as a page else."""

import pytest
from django.test import Client
from pymongo.errors import AutoReconnect, DuplicateKeyError, OperationFailure, ServerSelectionTimeoutError

from adminpanel.staff import enrol
from config import commandline
from ground.mongodb.away import is_away
from ground.mongodb.collections import client
from ground.people import Role
from tests.factories import PASSWORD
from tests.pages import inline_code

pytestmark = pytest.mark.django_db

TIP = "507f1f77bcf86cd799439011"
COMMANDS = ["find", "aggregate", "count", "insert", "update", "delete", "findAndModify", "getMore"]


@pytest.fixture
def staff(db):
    """A member of staff who is logged in: (browser, token)."""
    enrolled = enrol(username="root", role=Role.ADMIN, password="")
    browser = Client(raise_request_exception=False)
    browser.force_login(enrolled.user)
    return browser, enrolled.token


@pytest.fixture
def away(staff):
    """The connection breaks whatever is asked."""
    data = {"failCommands": COMMANDS, "closeConnection": True}
    client().admin.command({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data})
    yield
    client().admin.command({"configureFailPoint": "failCommand", "mode": "off"})


@pytest.mark.parametrize(
    "path",
    [
        f"/api/tips/{TIP}",
        "/api/tips/events",
        "/api/tips/events?projection=queue",
        "/api/performance-queue/dlq",
        "/api/performance-queue/health",
        "/api/performance-queue/metrics",
        "/api/performance-queue",
        "/api/performance-queue/status/x",
    ],
)
@pytest.mark.parametrize("by", ["session", "token"])
def test_doors_of_the_api_answer_503(staff, away, path, by):
    browser, token = staff
    if by == "token":
        browser = Client(raise_request_exception=False, headers={"Authorization": f"Token {token}"})
    answer = browser.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/json")
    assert answer.json()["error"]["code"] == "unavailable"
    assert answer["X-Request-ID"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/staff/tips",
        f"/staff/tips/{TIP}",
        "/staff/queue",
        "/staff/dead-letters",
        f"/staff/dead-letters/{TIP}",
        "/staff/emissions",
        "/staff/reconciliation",
        "/admin/",
        "/admin/tips/tip/",
    ],
)
def test_pages_answer_503(staff, away, path):
    answer = staff[0].get(path)
    assert answer.status_code == 503
    assert "Not available just now" in answer.content.decode()
    assert inline_code(answer.content.decode()) == []


def test_who_logs_in_meanwhile_is_told(staff, away):
    answer = Client(raise_request_exception=False).post("/login", {"username": "root", "password": PASSWORD})
    assert answer.status_code == 503


def test_an_error_that_would_come_again_is_no_outage():
    assert is_away(AutoReconnect("gone"))
    assert is_away(OperationFailure("x", 251, {"errorLabels": ["TransientTransactionError"]}))
    for ours in (DuplicateKeyError("x", 11000), OperationFailure("bad $regex", 51091), ValueError("x")):
        assert not is_away(ours)
    wrapped = RuntimeError()
    wrapped.__cause__ = AutoReconnect("gone")
    assert is_away(wrapped)


# --- commands ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ServerSelectionTimeoutError("mongodb://user:secret@h"), "MongoDB does not answer"),
        (ConnectionRefusedError("x"), None),
    ],
)
def test_an_operator_gets_a_sentence_where_a_trace_would_say_no_more(error, sentence):
    def fails():
        raise error

    with pytest.raises(SystemExit if sentence else type(error)) as ended:
        commandline.run(fails)
    if sentence:
        assert str(ended.value.code).startswith(sentence)
        assert "secret" not in str(ended.value.code)
