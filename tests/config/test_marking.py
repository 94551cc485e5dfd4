"""A web process says of which kind its deployment is before anything that could be money reaches it."""

import json
import subprocess
import time

import httpx
import pytest
from django.db import connection

from adminpanel.handling import deployment
from config import marking
from config.stack.processes import PYTHON
from ground.mongodb.collections import client
from tests import live
from tests.factories import NOW

pytestmark = pytest.mark.django_db
CALL = "/api/webhooks/payments"
REAL = {"PAYMENT_WEBHOOK_SECRETS": "whsec_dGhlLXByb2R1Y3Rpb24tc2VjcmV0LW9mLWEtdGVzdA=="}


@pytest.fixture
def unmarkable(written_elsewhere):
    """The row of the mark can be neither read nor written, and all others can."""
    rows = f"{connection.settings_dict['NAME']}.deployment_marks"
    data = {"failCommands": ["find", "update"], "namespace": rows, "errorCode": 13}
    client().admin.command({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data})
    yield
    client().admin.command({"configureFailPoint": "failCommand", "mode": "off"})


def codes(url, *, until=401):
    """Of calls without a signature, until they are looked at."""
    found, ends = [], time.monotonic() + 20
    while until not in found:
        found.append(httpx.post(f"{url}{CALL}", content=b"{}", timeout=20).status_code)
        assert time.monotonic() < ends
    return set(found)


def mark_of(url):
    return httpx.get(f"{url}/readyz", timeout=20).json()["mark"]


def test_until_it_is_marked_nothing_is_taken_that_could_be_money(unmarkable):
    with live.server(**REAL) as served:
        assert httpx.get(f"{served.url}/login", timeout=20).status_code == 200
        for path in marking.MONEY:
            answer = httpx.post(f"{served.url}{path}", content=b"{}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        assert httpx.post(f"{served.url}/api/lovense/stop").status_code == 401
        assert not mark_of(served.url), "a proxy sends it to another one"
        client().admin.command({"configureFailPoint": "failCommand", "mode": "off"})
        assert codes(served.url) <= {401, 503}
        assert mark_of(served.url)
        assert deployment.kind() == "live"


def test_a_server_of_http_alone_marks_as_well(settings, written_elsewhere):
    settings.TEST_DEPLOYMENT = True
    deployment.settle(now=NOW)
    environment = live.environment() | REAL
    told = subprocess.run(
        [PYTHON, "-c", "import config.wsgi"], env=environment, check=False, capture_output=True
    )
    assert (told.returncode, told.stderr) == (0, b"")
    assert deployment.kind() == "live"


CALLS = """
import io, json
from wsgiref.util import setup_testing_defaults
from config.wsgi import application
from ground.mongodb.collections import client
said = []
def call(method, path):
    told = {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO()}
    setup_testing_defaults(told)
    body = b"".join(application(told, lambda status, headers: said.append(status[:3])))
    return json.loads(body)
for path in ("/api/webhooks/payments", "/api/webhooks/rrr", "/api/tips", "/api/lovense/stop"):
    call("POST", path)
said.append(call("GET", "/readyz")["mark"])
client().admin.command({"configureFailPoint": "failCommand", "mode": "off"})
call("POST", "/api/webhooks/payments")
said.append(call("GET", "/readyz")["mark"])
print(json.dumps(said))
"""


def test_one_that_cannot_mark_starts_and_takes_no_money_until_it_can(unmarkable):
    """Some servers end, all of them, with a worker that does not boot."""
    told = subprocess.run(
        [PYTHON, "-c", CALLS], env=live.environment() | REAL, check=False, capture_output=True
    )
    assert told.returncode == 0, told.stderr.decode()[-500:]
    assert json.loads(told.stdout.splitlines()[-1]) == [
        *("503", "503", "503", "401"),
        *("503", False),
        *("401", "503", True),
    ]
    assert deployment.kind() == "live"
