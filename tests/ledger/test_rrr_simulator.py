"""The simulator as integrators use it: by its HTTP orders, its command, and the webhooks it signs."""

import json
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import httpx
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from ground import clock
from ledger.gateway import read
from ledger.rrr import signing
from ledger.rrr.errors import Conflict, Invalid, NotFound
from ledger.rrr.gateway import RrrGateway
from ledger.rrr.simulator import faults
from ledger.rrr.simulator.books import Broken
from ledger.rrr.simulator.faults import Fault
from tests.ledger.rrr import ACCOUNTS, ANA, BOB, rrr
from tests.rrr import WEBHOOK_KEY, WEBHOOK_SECRET, client_of

__all__ = ["rrr"]
POST = {"source_ref": "TIP_1", "from_member_id": BOB, "to_member_id": ANA, "points": 100}


@pytest.fixture
def order(rrr):
    """`order("posts", {...})`: an order over HTTP, its answer."""
    with httpx.Client(base_url=rrr.url + "/_simulator", trust_env=False) as http:

        def send(path, said=None, *, method="POST"):
            answer = http.request(method, f"/{path}", json=said)
            answer.raise_for_status()
            return answer.json()

        yield send


@pytest.fixture
def entries(rrr):
    ledger = RrrGateway(client_of(rrr))
    return lambda: ledger.entries_for("TIP_1", accounts=ACCOUNTS)


@pytest.fixture
def receiver():
    """A webhook door of a test: what it received, answered with `statuses` in turn, then 200."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.calls.append((self.path, dict(self.headers.items()), body))
            self.send_response(server.statuses.pop(0) if server.statuses else 200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Door)
    server.calls, server.statuses = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_address[1]}/api/webhooks/rrr?v=1"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def proven(path, headers, body):
    """The event of a call whose signature holds under the shared secret."""
    signing.verify_request(
        {WEBHOOK_KEY: WEBHOOK_SECRET.encode()},
        headers,
        method="POST",
        target=path,
        body=body,
        now=clock.now(),
        tolerance_seconds=300,
    )
    return json.loads(body)


# --- orders ------------------------------------------------------------------------------------------------


def test_a_post_is_ordered_and_the_clock_moves_it(order, entries):
    assert [row["type"] for row in order("posts", POST | {"delay_seconds": 600})["entries"]] == [
        "TRANSFER_OUT",
        "TRANSFER_IN",
    ]
    assert read(entries()) is None
    order("clock", {"advance_seconds": 600})
    assert read(entries()).debit_ref


def test_an_entry_is_as_rrr_gives_it(order):
    (debit, credit) = order("posts", POST)["entries"]
    assert list(debit) == [
        "entry_id",
        "member_id",
        "client_id",
        "type",
        "points_delta",
        "balance_after",
        "reason_code",
        "source_ref",
        "created_at",
        "posted_at",
        "actor",
    ]
    assert (debit["points_delta"], debit["balance_after"]) == (
        -100,
        0,
    )  # the points it lacked were given to it first
    assert (credit["points_delta"], credit["balance_after"]) == (100, 100)


def test_single_entries_odd_entries_and_reversals_are_ordered(order, entries):
    order("behaviour", {"single": True, "delay_seconds": 5})
    order("posts", POST)
    order("entries", {"member_id": ANA, "points_delta": 5, "source_ref": "TIP_1", "type": "EARN"})
    order("reversals", {"source_ref": "TIP_1"})
    assert sorted(entry.kind for entry in entries()) == ["EARN", "REDEEM", "REVERSAL", "REVERSAL"]


def test_faults_are_ordered_and_taken_back(rrr, order, entries):
    order("faults", {"kind": "answer", "status": 429, "retry_after": "1", "times": 2})
    order("faults", {"kind": "expire_token"})
    assert entries() == []
    asked = order("requests", method="GET")["requests"]
    assert len(asked) == len(rrr.asked)
    order("faults", {"kind": "drop", "times": 100})
    order("faults", method="DELETE")
    assert rrr.faults.take("/v1/") is None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("posts", {"source_ref": "TIP_1"}),
        ("posts", POST | {"points": "many"}),
        ("posts", POST | {"delay_seconds": 48 * 3600 + 1}),
        ("faults", {"kind": "earthquake"}),
        ("faults", {"kind": "slow", "no_such": 1}),
        ("webhooks", {"order": "sorted"}),
        ("clock", []),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(order, path, said):
    with pytest.raises(httpx.HTTPStatusError) as caught:
        order(path, said)
    assert caught.value.response.status_code == 422
    assert caught.value.response.json()["error"]["code"] == "INVALID"


@pytest.mark.parametrize("without", ["Authorization", "Idempotency-Key", "X-Client-Id", "X-Request-Trace"])
def test_a_request_without_one_of_the_four_headers_is_refused(rrr, without):
    client = client_of(rrr)
    headers = {
        "Authorization": f"Bearer {client._fetch_token()[0]}",
        "Idempotency-Key": "k",
        "X-Client-Id": rrr.client_id,
        "X-Request-Trace": "t",
    }
    rrr.books.post("TIP_1", payer=BOB, payee=ANA, points=1)
    url = f"{rrr.url}/v1/members/{BOB}/balance"
    assert httpx.get(url, headers=headers, trust_env=False).status_code == 200
    del headers[without]
    assert httpx.get(url, headers=headers, trust_env=False).status_code in (401, 403, 422)


TRANSFER = {"source_ref": "TIP_1", "from_member_id": BOB, "to_member_id": ANA, "points": 5}


@pytest.mark.parametrize(
    ("transfers", "code"),
    [
        ([], "INVALID"),
        ([TRANSFER] * 11, "INVALID"),
        ([TRANSFER | {"points": 0}], "INVALID"),
        ([TRANSFER | {"points": "5"}], "INVALID"),
        ([TRANSFER | {"source_ref": ""}], "INVALID"),
        ([{"points": 5}], "INVALID"),
        (None, "INVALID"),
        ([TRANSFER | {"to_member_id": BOB}], "SAME_MEMBER"),
        ([TRANSFER], "INSUFFICIENT_BALANCE"),
    ],
)
def test_a_transfer_that_breaks_a_rule_is_refused_with_its_code(rrr, transfers, code):
    with pytest.raises(Invalid) as caught:
        client_of(rrr).post("/v1/transfers", {"transfers": transfers}, key="k")
    assert caught.value.code == code


def test_a_reference_is_transferred_once_under_whatever_key(rrr):
    client = client_of(rrr)
    rrr.books.add(BOB, 10, source_ref=None)
    client.post("/v1/transfers", {"transfers": [TRANSFER]}, key="k")
    with pytest.raises(Conflict) as caught:
        client.post("/v1/transfers", {"transfers": [TRANSFER]}, key="another")
    assert caught.value.code == "SOURCE_REF_REUSED"


def test_nothing_else_is_played(rrr):
    with pytest.raises(NotFound) as caught:
        client_of(rrr).get("/v1/anything")
    assert caught.value.code == "ROUTE_NOT_FOUND"
    assert httpx.post(rrr.url + "/_simulator/clock", content=b"{", trust_env=False).status_code == 422
    with pytest.raises(Broken):
        rrr.books.reverse("TIP_9")


# --- webhooks ----------------------------------------------------------------------------------------------


def test_what_is_posted_is_told_by_a_signed_call(rrr, order, receiver):
    rrr.webhooks.url = receiver.url
    order("posts", POST | {"delay_seconds": 60})
    assert [event["event_type"] for event in rrr.webhooks.waiting()] == [
        "POINTS_POSTED"
    ]  # the tipper's own points
    order("clock", {"advance_seconds": 60})
    order("reversals", {"source_ref": "TIP_1"})
    assert order("webhooks")["statuses"] == [200] * 3
    events = [proven(*call) for call in receiver.calls]
    assert [event["event_type"] for event in events] == [
        "POINTS_POSTED",
        "TRANSFER_COMPLETED",
        "TRANSFER_REVERSED",
    ]
    assert {event["data"]["source_ref"] for event in events[1:]} == {"TIP_1"}
    assert all(set(event) == {"event_id", "event_type", "data"} for event in events)


def test_webhooks_come_twice_and_in_the_wrong_order_when_asked(rrr, order, receiver):
    for number in range(3):
        order("webhooks", {"event_type": "POINTS_POSTED", "event_id": f"e{number}", "send": False})
    order("webhooks", {"url": receiver.url, "copies": 2, "order": "reversed"})
    assert [proven(*call)["event_id"] for call in receiver.calls] == ["e2", "e2", "e1", "e1", "e0", "e0"]
    nonces = {call[1]["X-RRR-Nonce"] for call in receiver.calls}
    assert len(nonces) == 6


def test_what_was_not_taken_is_sent_again(rrr, order, receiver):
    receiver.statuses = [503, 500]
    order("webhooks", {"url": receiver.url, "event_type": "POINTS_POSTED", "data": {"source_ref": "TIP_1"}})
    assert order("webhooks")["statuses"] == [500]
    assert order("webhooks")["statuses"] == [200]
    assert order("webhooks") == {"statuses": [], "waiting": 0}
    assert len({proven(*call)["event_id"] for call in receiver.calls}) == 1


def test_a_place_where_nobody_listens_is_tried_again(rrr, order):
    order("webhooks", {"url": "http://127.0.0.1:9/", "event_type": "POINTS_POSTED", "send": False})
    assert order("webhooks") == {"statuses": [0], "waiting": 1}


def test_scheme_1_signs_the_body_alone(rrr, order, receiver):
    order("webhooks", {"url": receiver.url, "scheme": 1, "event_type": "POINTS_POSTED"})
    (_, headers, body) = receiver.calls[0]
    signing.verify_body([WEBHOOK_SECRET.encode()], headers, body)
    assert "X-RRR-Nonce" not in headers


def test_signed_calls_can_be_taken_without_a_socket(rrr):
    rrr.webhooks.copies, rrr.webhooks.order = 2, "shuffled"
    rrr.books.post("TIP_1", payer=BOB, payee=ANA, points=1)
    calls = rrr.webhooks.take(target="/api/webhooks/rrr")
    assert len(calls) == 4
    assert {proven("/api/webhooks/rrr", call.headers, call.body)["event_id"] for call in calls} == {
        c.event_id for c in calls
    }


# --- the command -------------------------------------------------------------------------------------------


def test_faults_of_the_command_line():
    assert faults.parse("slow:0.5*10, answer:503*3,drop,expire_token*0,answer") == [
        Fault("slow", times=10, seconds=0.5),
        Fault("answer", times=3, status=503),
        Fault("drop"),
        Fault("expire_token", times=faults.FOR_EVER),
        Fault("answer"),
    ]
    assert faults.parse("") == []


@pytest.mark.parametrize("text", ["earthquake", "slow:", "slow:fast", "drop*many", "Drop", "drop:1:2"])
def test_a_fault_that_is_none_is_refused(text):
    with pytest.raises(CommandError):
        call_command("rrr_simulator", "--faults", text)


def test_webhooks_need_a_secret(settings):
    settings.RRR_WEBHOOK_SECRETS = []
    with pytest.raises(CommandError, match="RRR_WEBHOOK_SECRETS"):
        call_command("rrr_simulator", "--webhooks-to", "http://127.0.0.1:9/")


def test_the_command_plays_rrr_until_it_is_interrupted(receiver):
    command = [
        "manage.py",
        "rrr_simulator",
        "--port",
        "0",
        "--delay-seconds",
        "0.1",
        "--faults",
        "answer:500*2,slow:0.01",
    ]
    command += ["--webhooks-to", receiver.url, "--copies", "2"]
    process = subprocess.Popen(
        [sys.executable, *command], cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    )
    try:
        url = process.stdout.readline().removeprefix("ready ").strip()
        with httpx.Client(base_url=url, trust_env=False) as http:
            http.post("/_simulator/posts", json=POST).raise_for_status()
            for _ in range(2000):  # until its own clock has posted and told
                if len(receiver.calls) >= 4:
                    break
                http.post("/_simulator/clock", json={})
        ledger = RrrGateway(client_of(SimpleNamespace(url=url)))
        assert read(ledger.entries_for("TIP_1", accounts=ACCOUNTS)).debit_ref
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.stdout.close()
    assert {json.loads(call[2])["event_type"] for call in receiver.calls} == {
        "POINTS_POSTED",
        "TRANSFER_COMPLETED",
    }
