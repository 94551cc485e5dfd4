"""RRR over real sockets: every documented error, what is asked again and when, and when nothing is asked."""

import gc
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.core.exceptions import ImproperlyConfigured

from ledger import gateway
from ledger.gateway import LedgerError, Posted
from ledger.rrr import circuit, errors
from ledger.rrr.client import ATTEMPTS, DEADLINE_SECONDS, LONGEST_PAUSE_SECONDS, LONGEST_WAIT_SECONDS
from ledger.rrr.errors import (
    LONGEST_RETRY_AFTER,
    CircuitOpen,
    Conflict,
    Forbidden,
    Invalid,
    KeyReuseMismatch,
    NotFound,
    RateLimited,
    ServerFault,
    Unauthorized,
    Unexpected,
    Unreachable,
)
from ledger.rrr.gateway import RrrGateway
from tests.factories import NOW
from tests.ledger.rrr import ACCOUNTS, ANA, BOB, client, failing, ledger, move, post, rrr, slept
from tests.rrr import client_of

__all__ = ["client", "ledger", "rrr", "slept"]


# --- every documented error --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "permanent", "tried"),
    [
        (401, Unauthorized, True, 2),  # once more with a new token
        (403, Forbidden, True, 1),
        (404, NotFound, True, 1),
        (409, Conflict, True, 1),
        (422, Invalid, True, 1),
        (429, RateLimited, False, ATTEMPTS),
        (500, ServerFault, False, ATTEMPTS),
        (502, ServerFault, False, ATTEMPTS),
        (503, ServerFault, False, ATTEMPTS),
        (302, Unexpected, True, 1),
        (400, Unexpected, True, 1),
        (418, Unexpected, True, 1),
    ],
)
def test_every_status_is_a_leaf_that_knows_whether_it_is_permanent(
    rrr, ledger, status, kind, permanent, tried
):
    rrr.faults.order("answer", status=status, code="SOME_CODE", times=50)
    error = failing(ledger)
    assert type(error) is kind
    assert isinstance(error, LedgerError)
    assert error.permanent is permanent
    assert (error.status, error.code, error.message, error.details) == (
        status,
        "SOME_CODE",
        "This failure was ordered.",
        {"ordered": True},
    )
    assert str(error) == f"{kind.__name__} {status} SOME_CODE"
    assert rrr.count("GET", f"/v1/members/{BOB}/balance") == tried


def test_a_reused_key_has_a_leaf_of_its_own(rrr, ledger):
    rrr.faults.order("answer", status=409, code="IDEMPOTENCY_KEY_REUSE_MISMATCH")
    assert isinstance(failing(ledger), KeyReuseMismatch)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"error":null}',
        b'{"error":"no"}',
        b'{"error":[]}',
        b"\xff",
        b'{"error":' * 5000,
        b'{"error":{"code":7,"message":[],"details":null}}',
        b'{"error":{"code":"two words, and more"}}',
    ],
)
def test_an_error_without_rrrs_body_is_the_same_leaf_without_a_code(body):
    error = errors.from_answer(404, body)
    assert type(error) is NotFound
    assert (error.code, error.message) == ("", "")


def test_a_place_where_nobody_listens_is_temporary(rrr, ledger):
    rrr.stop()
    error = failing(ledger, Unreachable)
    assert not error.permanent
    assert error.code == "ConnectError"


# --- repeats -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop"},
        {"kind": "answer", "status": 500},
        {"kind": "answer", "status": 429},
        {"kind": "lose_answer"},
    ],
)
def test_what_passes_is_not_noticed(rrr, ledger, slept, fault):
    post(rrr)
    rrr.faults.order(**fault, times=ATTEMPTS - 1)
    assert ledger.balance_of(f"performer:{ANA}") == 100
    assert len(slept) == ATTEMPTS - 1
    assert all(0 <= pause <= LONGEST_PAUSE_SECONDS for pause in slept)


def test_pauses_are_jittered_from_nothing_to_their_bound(rrr, client, slept):
    error = ServerFault(status=500)
    for attempt, bound in ((1, 0.4), (2, 0.8), (3, 1.6)):
        pauses = [client._pause(error, attempt, float("inf")) for _ in range(300)]
        assert 0 <= min(pauses) < bound / 4
        assert bound * 3 / 4 < max(pauses) <= bound
    assert client._pause(error, ATTEMPTS, float("inf")) is None


def test_repeats_end_at_the_deadline(rrr):
    moments = [0.0]
    client = client_of(
        rrr, clock=lambda: moments[0], sleep=lambda seconds: moments.append(moments.pop() + DEADLINE_SECONDS)
    )
    rrr.faults.order("answer", status=500, times=50)
    failing(RrrGateway(client), ServerFault)
    assert rrr.count("GET", f"/v1/members/{BOB}/balance") == 2  # the next pause would have ended beyond it


def test_an_answer_that_does_not_come_is_unreachable(rrr):
    client = client_of(rrr, read_timeout=0.05)
    ledger = RrrGateway(client)
    ledger.balance_of(f"user:{BOB}")  # a token, while all is well
    rrr.faults.order("slow", seconds=5, times=ATTEMPTS)
    assert failing(ledger, Unreachable).code == "ReadTimeout"


def test_what_was_lost_after_the_work_is_not_done_twice(rrr, ledger):
    rrr.books.add(BOB, 1000, source_ref=None)
    rrr.faults.order("lose_answer", path="/v1/transfers", times=2)
    (result,) = move(ledger)
    assert isinstance(result, Posted)
    assert [ledger.balance_of(account) for account in ACCOUNTS] == [900, 100]
    sent = [asked.idempotency_key for asked in rrr.asked if asked.path == "/v1/transfers"]
    assert sent == ["TIP_1"] * 3


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_waited_for(rrr, ledger, slept, status):
    rrr.faults.order("answer", status=status, retry_after="3")
    ledger.balance_of(f"user:{BOB}")
    assert len(slept) == 1
    assert 3 <= slept[0] <= 3.25


def test_retry_after_as_a_date_is_waited_for(rrr, ledger, slept):
    rrr.faults.order(
        "answer",
        status=429,
        retry_after=format_datetime(datetime.now(UTC) + timedelta(seconds=4), usegmt=True),
    )
    ledger.balance_of(f"user:{BOB}")
    assert 2 <= slept[0] <= 4.25


def test_a_longer_retry_after_is_handed_on_and_holds_everyone_back(rrr, ledger, client, slept):
    rrr.faults.order("answer", status=429, retry_after="60")
    assert failing(ledger, RateLimited).retry_after == 60
    assert slept == []
    refused = failing(ledger, CircuitOpen)
    assert 59 < refused.retry_after <= 60
    assert not refused.permanent
    assert rrr.count("GET", f"/v1/members/{BOB}/balance") == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        (" 7 ", 7),
        ("86400", LONGEST_RETRY_AFTER),
        ("Sat, 03 Jan 2026 04:15:09 GMT", 9),
        ("Sat, 03 Jan 2026 04:15:09 -0000", 9),
        ("Sat, 03 Jan 2026 04:14:00 GMT", 0),
        ("Sun, 04 Jan 2026 04:15:00 GMT", LONGEST_RETRY_AFTER),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 5000, None),
        ("Sat, 99 Jan 2026 04:15:09 GMT", None),
    ],
)
def test_the_forms_of_retry_after(header, seconds):
    assert errors.retry_after(header, now=NOW) == seconds
    assert LONGEST_WAIT_SECONDS < LONGEST_RETRY_AFTER


# --- the circuit around it ---------------------------------------------------------------------------------


def test_a_dead_ledger_is_not_hammered_and_a_living_one_is_found_again(rrr):
    moments = [1000.0]
    client = client_of(rrr, clock=lambda: moments[0])
    ledger = RrrGateway(client)
    rrr.faults.order("answer", status=503, times=10**6)
    for _ in range(20):
        failing(ledger)
    path = f"/v1/members/{BOB}/balance"
    assert rrr.count("GET", path) == circuit.FAILURES
    assert not ledger.health()
    moments[0] += 3
    failing(ledger, ServerFault)  # the probe
    failing(ledger, CircuitOpen)
    assert rrr.count("GET", path) == circuit.FAILURES + 1
    rrr.faults.clear()
    moments[0] += 5
    assert ledger.balance_of(f"user:{BOB}") == 0
    assert client.circuit.state(moments[0]) is circuit.State.CLOSED
    assert ledger.health()


def test_refusals_are_answers_and_do_not_open_it(rrr, client, ledger):
    rrr.faults.order("answer", status=403, times=50)
    for _ in range(20):
        failing(ledger, Forbidden)
    assert client.circuit.state(0) is circuit.State.CLOSED


def test_a_token_does_not_close_the_circuit_of_a_dead_ledger(rrr):
    moments = [1000.0]
    client = client_of(rrr, clock=lambda: moments[0])
    ledger = RrrGateway(client)
    rrr.faults.order("drop", times=10**6)
    failing(ledger)
    failing(ledger)
    moments[0] += 3
    assert ledger.health()  # it may be tried: whoever answers for it is there
    assert client.circuit.state(moments[0]) is circuit.State.HALF_OPEN
    failing(ledger, Unreachable)
    assert not ledger.health()


def test_health_asks_nobody_while_answers_come(rrr, ledger):
    ledger.balance_of(f"user:{BOB}")
    asked = len(rrr.asked)
    assert all(ledger.health() for _ in range(5))
    assert len(rrr.asked) == asked


# --- headers -----------------------------------------------------------------------------------------------


def test_every_request_says_who_asks_and_can_be_traced(rrr, ledger):
    ledger.balance_of(
        f"user:{BOB}"
    )  # the simulator answers 401, 403 or 422 to a request without one of the four headers
    ledger.balance_of(f"user:{BOB}")
    reads = [asked for asked in rrr.asked if asked.method == "GET"]
    assert len({asked.idempotency_key for asked in reads}) == 2  # under one key an old answer might come back
    assert len({asked.trace for asked in rrr.asked}) == 3


def test_repeats_of_one_question_have_one_trace(rrr, ledger):
    rrr.faults.order("answer", status=500, times=2)
    ledger.balance_of(f"user:{BOB}")
    assert Counter(asked.trace for asked in rrr.asked if asked.method == "GET").most_common(1)[0][1] == 3


# --- settings ----------------------------------------------------------------------------------------------


def test_without_its_settings_there_is_no_gateway(settings):
    settings.LEDGER_GATEWAY, settings.RRR_CLIENT_SECRET = "rrr", ""
    gateway.current.cache_clear()
    with pytest.raises(ImproperlyConfigured, match="needs RRR_CLIENT_SECRET"):
        gateway.current()
    gateway.current.cache_clear()


def test_connections_end_with_the_client(rrr):
    client = client_of(rrr)
    RrrGateway(client).balance_of(f"user:{BOB}")
    client.close()
    gc.collect()
    assert client._http.is_closed
