"""RRR's tokens are fetched once and replaced in time, and neither they nor any other secret are told to
anybody."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from config.logging import AllowListFormatter
from ledger.rrr.client import ATTEMPTS
from ledger.rrr.errors import RrrError, ServerFault, Unauthorized, Unreadable
from ledger.rrr.gateway import RrrGateway
from ledger.rrr.simulator.simulator import CLIENT_SECRET
from ledger.rrr.token import TokenCache
from tests.ledger.rrr import ANA, BOB, client, failing, ledger, pattern, post, rrr, slept
from tests.rrr import client_of

__all__ = ["client", "ledger", "rrr", "slept"]


# --- tokens ------------------------------------------------------------------------------------------------


def tokens(rrr):
    return rrr.count("POST", "/oauth/token")


def test_fifty_threads_fetch_one_token(rrr, ledger, in_threads):
    post(rrr)
    rrr.faults.order("slow", path="/oauth/token", seconds=0.05)
    found = in_threads(lambda: ledger.balance_of(f"performer:{ANA}"), times=50, workers=50)
    assert found == [100] * 50
    assert tokens(rrr) == 1


def test_a_token_that_ends_early_is_replaced_once_for_fifty_threads(rrr, ledger, in_threads):
    ledger.balance_of(f"user:{BOB}")
    rrr.tokens.expire()
    assert in_threads(lambda: ledger.balance_of(f"user:{BOB}"), times=50, workers=50) == [0] * 50
    assert tokens(rrr) == 2


def test_a_token_is_replaced_before_it_ends(rrr):
    moments = [0.0]
    ledger = RrrGateway(client_of(rrr, clock=lambda: moments[0]))
    for moment, fetched in ((0.0, 1), (3569.0, 1), (3571.0, 2)):
        moments[0] = moment
        ledger.balance_of(f"user:{BOB}")
        assert tokens(rrr) == fetched


def test_a_token_that_ends_while_it_is_used_is_not_noticed(rrr, ledger, slept):
    post(rrr)
    ledger.balance_of(f"user:{BOB}")
    rrr.faults.order("expire_token")
    assert ledger.balance_of(f"performer:{ANA}") == 100
    assert tokens(rrr) == 2
    assert slept == []


def test_wrong_credentials_are_permanent_and_tried_once(rrr, slept):
    ledger = RrrGateway(client_of(rrr, client_secret="another secret", sleep=slept.append))
    error = failing(ledger, Unauthorized)
    assert (error.permanent, error.code) == (True, "INVALID_CLIENT")
    assert tokens(rrr) == 1
    assert slept == []
    assert not ledger.health()


def test_credentials_of_any_letters_arrive(rrr):
    from ledger.rrr.simulator.tokens import Tokens

    rrr.client_id = "our shop"
    rrr.tokens = Tokens(client_id="our shop", client_secret="a:b c+d%é")
    assert (
        RrrGateway(client_of(rrr, client_id="our shop", client_secret="a:b c+d%é")).balance_of(f"user:{BOB}")
        == 0
    )


def test_those_who_wait_for_a_token_share_its_failure(rrr, in_threads):
    fetching, release, entered, calls = threading.Event(), threading.Event(), threading.Semaphore(0), []

    def fetch():
        calls.append(1)
        fetching.set()
        release.wait(5)
        raise ServerFault(status=500)

    def wait_for_it():
        entered.release()
        return cache.get(lambda: 0.0)

    cache = TokenCache(fetch)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(cache.get, lambda: 0.0)
        fetching.wait(5)
        others = [pool.submit(wait_for_it) for _ in range(7)]
        assert all(entered.acquire(timeout=20) for _ in others)
        release.set()
        assert all(isinstance(future.exception(), ServerFault) for future in (first, *others))
    assert len(calls) <= 2  # a thread that came in just after the first flight makes one of its own


@pytest.mark.parametrize(
    ("answer", "lifetime"),
    [({"access_token": "t0ken"}, 300), ({"access_token": "t0ken", "expires_in": 60}, 60)],
)
def test_a_token_without_a_lifetime_is_kept_for_a_while(rrr, monkeypatch, answer, lifetime):
    monkeypatch.setattr(
        "ledger.rrr.simulator.api._ROUTES", (("POST", pattern("/oauth/token"), lambda *_: (200, answer)),)
    )
    assert client_of(rrr)._fetch_token() == ("t0ken", lifetime)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"access_token": 5},
        {"access_token": ""},
        {"access_token": "two\nlines"},
        {"access_token": "é"},
        {"access_token": "t", "expires_in": 0},
        {"access_token": "t", "expires_in": "60"},
        {"access_token": "t" * 5000},
    ],
)
def test_what_is_no_token_is_unreadable_before_it_becomes_a_header(rrr, monkeypatch, answer):
    monkeypatch.setattr(
        "ledger.rrr.simulator.api._ROUTES", (("POST", pattern("/oauth/token"), lambda *_: (200, answer)),)
    )
    failing(RrrGateway(client_of(rrr)), Unreadable)


# --- secrets -----------------------------------------------------------------------------------------------


def every_failure(rrr):
    """Provokes each kind of error once; their texts and what their tracebacks' frames would print are
    collected."""
    texts = []
    for fault in (
        [
            {"kind": "answer", "status": status, "times": 9}
            for status in (302, 401, 403, 404, 409, 422, 429, 500)
        ]
        + [{"kind": kind, "times": 9} for kind in ("drop", "lose_answer", "garbage")]
        + [
            {"kind": "answer", "status": status, "times": 9, "path": "/oauth"}
            for status in (400, 401, 429, 500)
        ]
        + [{"kind": kind, "times": 9, "path": "/oauth"} for kind in ("drop", "garbage")]
    ):
        rrr.faults.clear()
        rrr.faults.order(**fault)
        try:
            RrrGateway(client_of(rrr)).balance_of(f"user:{BOB}")
        except RrrError as error:
            texts += [
                str(error),
                repr(error),
                repr(error.__cause__),
                repr(error.__context__) if not error.__suppress_context__ else "",
            ]
    return texts


def test_no_secret_is_in_any_log_line_or_error(rrr, caplog):
    caplog.set_level(logging.DEBUG)
    texts = every_failure(rrr)
    assert len(texts) > 40
    lines = [AllowListFormatter().format(record) for record in caplog.records]
    assert any("rrr_call_failed" in line for line in lines)
    ours = [repr(record.__dict__) for record in caplog.records if record.name.startswith("ledger")]
    secrets = [CLIENT_SECRET, *rrr.tokens._good, "Bearer", "Basic"]
    for text in (*texts, *lines, *ours, repr(client_of(rrr))):
        assert not [secret for secret in secrets if secret in text]
        assert BOB not in text


def test_a_token_that_no_header_can_carry_is_not_quoted_by_the_library(rrr, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    answer = {"access_token": "SECRET-TOKEN\nX-Evil: 1", "expires_in": 60}
    monkeypatch.setattr(
        "ledger.rrr.simulator.api._ROUTES", (("POST", pattern("/oauth/token"), lambda *_: (200, answer)),)
    )
    error = failing(RrrGateway(client_of(rrr)), Unreadable)
    assert "SECRET-TOKEN" not in f"{error!r} {error.message} {caplog.text}"


def test_a_failed_call_is_told_once_with_its_trace(rrr, ledger, caplog):
    rrr.faults.order("answer", status=500, times=ATTEMPTS)
    failing(ledger)
    (record,) = [record for record in caplog.records if record.msg == "rrr_call_failed"]
    assert record.trace_id == rrr.asked[-1].trace
    assert (record.error_code, record.attempts_count) == ("ServerFault", ATTEMPTS)
