"""RRR over real sockets: every documented error, every shape of entries, and every way in which an answer can
be lost."""

import gc
import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.logging import AllowListFormatter
from ground import clock
from ledger import gateway
from ledger.gateway import LedgerError, NeedsReconciliation, Posted, read
from ledger.rrr import circuit, errors
from ledger.rrr import client as rrr_client
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
    RrrError,
    ServerFault,
    Unauthorized,
    Unexpected,
    Unreachable,
    Unreadable,
)
from ledger.rrr.gateway import InsideTransaction, LedgerRefused, RrrGateway
from ledger.rrr.simulator.simulator import CLIENT_SECRET
from ledger.rrr.token import TokenCache
from tests.factories import NOW
from tests.ground.conftest import in_threads
from tests.ledger.books import order
from tests.rrr import client_of, simulated

BOB, ANA = "507f191e810c19729de860ea", "507f191e810c19729de860eb"
ACCOUNTS = (f"user:{BOB}", f"performer:{ANA}")
LEDGER = f"/v1/members/{BOB}/ledger"
__all__ = ["in_threads"]


@pytest.fixture
def rrr():
    with simulated() as simulator:
        yield simulator


@pytest.fixture
def slept():
    return []


@pytest.fixture
def client(rrr, slept):
    return client_of(rrr, sleep=slept.append)


@pytest.fixture
def ledger(client):
    return RrrGateway(client)


def entries(ledger, source_ref="TIP_1"):
    return ledger.entries_for(source_ref, accounts=ACCOUNTS)


def post(rrr, source_ref="TIP_1", points=100, **more):
    return rrr.books.post(source_ref, payer=BOB, payee=ANA, points=points, **more)


def move(ledger, total=100):
    return ledger.transfer([[order("TIP_1", *ACCOUNTS, total)]], now=NOW)


def failing(ledger, kind=RrrError):
    with pytest.raises(kind) as caught:
        ledger.balance_of(f"user:{BOB}")
    return caught.value


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
        assert all(entered.acquire(timeout=5) for _ in others)
        release.set()
        assert all(isinstance(future.exception(), ServerFault) for future in (first, *others))
    assert len(calls) <= 2  # a thread that came in just after the first flight makes one of its own


@pytest.mark.parametrize(
    ("answer", "lifetime"),
    [({"access_token": "t0ken"}, 300), ({"access_token": "t0ken", "expires_in": 60}, 60)],
)
def test_a_token_without_a_lifetime_is_kept_for_a_while(rrr, monkeypatch, answer, lifetime):
    monkeypatch.setattr(
        "ledger.rrr.simulator.api._ROUTES", (("POST", _pattern("/oauth/token"), lambda *_: (200, answer)),)
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
        "ledger.rrr.simulator.api._ROUTES", (("POST", _pattern("/oauth/token"), lambda *_: (200, answer)),)
    )
    failing(RrrGateway(client_of(rrr)), Unreadable)


def _pattern(path):
    import re

    return re.compile(path)


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


# --- every shape of entries --------------------------------------------------------------------------------


def test_a_pair_is_found_in_both_members_ledgers(rrr, ledger):
    debit, credit = post(rrr)
    found = read(entries(ledger))
    assert (found.ledger_id, found.debit_ref, found.credit_ref) == (
        debit["entry_id"],
        debit["entry_id"],
        credit["entry_id"],
    )
    assert found.posted_at == clock.parse(debit["posted_at"])
    assert [entry.account for entry in entries(ledger)] == list(ACCOUNTS)


def test_a_single_entry_has_no_refs(rrr, ledger):
    (single,) = post(rrr, single=True)
    found = read(entries(ledger))
    assert (found.ledger_id, found.debit_ref, found.credit_ref) == (single["entry_id"], None, None)


@pytest.mark.parametrize("hours", [0.01, 1, 48])
def test_a_late_post_is_no_proof_until_it_is_posted(rrr, ledger, hours):
    seconds = hours * 3600
    (debit, _) = post(rrr, delay_seconds=seconds)
    assert [entry.posted_at for entry in entries(ledger)] == [None, None]
    assert read(entries(ledger)) is None
    rrr.books.advance(seconds - 20)
    assert read(entries(ledger)) is None
    rrr.books.advance(20)
    created = clock.parse(debit["created_at"])
    assert (
        timedelta(0)
        <= read(entries(ledger)).posted_at - created - timedelta(seconds=seconds)
        < timedelta(seconds=1)
    )


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(BOB, -5, "TRANSFER_OUT"), (ANA, 5, "TRANSFER_IN"), (ANA, 1, "ADJUST")], "too_many_entries"),
        ([(BOB, -5, "REDEEM"), (ANA, -5, "REDEEM")], "same_sign"),
        ([(ANA, 5, "EARN"), (ANA, 5, "EARN")], "same_sign"),
        ([(BOB, -5, "REVERSAL")], "reversed"),
    ],
)
def test_other_shapes_need_reconciliation(rrr, ledger, rows, reason):
    for member, points, kind in rows:
        rrr.books.add(member, points, source_ref="TIP_1", kind=kind)
    with pytest.raises(NeedsReconciliation) as caught:
        read(entries(ledger))
    assert caught.value.reason == reason


def test_a_reversal_is_seen_even_before_it_is_posted(rrr, ledger):
    post(rrr)
    rrr.books.reverse("TIP_1", delay_seconds=3600)
    with pytest.raises(NeedsReconciliation):
        read(entries(ledger))


def test_a_pair_posted_between_two_questions_is_not_taken_for_a_single_entry(rrr, ledger):
    rrr.books.add(BOB, 1000, source_ref=None)
    ledger.balance_of(f"user:{BOB}")  # the token, so that the next request is the tipper's ledger
    rrr.after_next(lambda: post(rrr))
    found = read(entries(ledger))
    assert found.debit_ref
    assert found.credit_ref


def test_one_person_on_both_sides_is_asked_once(rrr, ledger):
    rrr.books.add(BOB, -5, source_ref="TIP_1", kind="TRANSFER_OUT")
    rrr.books.add(BOB, 5, source_ref="TIP_1", kind="TRANSFER_IN")
    found = ledger.entries_for("TIP_1", accounts=(f"user:{BOB}", f"performer:{BOB}"))
    assert len(found) == 2
    assert rrr.count("GET", LEDGER) == 1


def test_an_unknown_member_has_no_entries_but_a_wrong_address_is_an_error(rrr, ledger):
    assert entries(ledger) == []
    rrr.faults.order("answer", status=404, code="ROUTE_NOT_FOUND")
    with pytest.raises(NotFound):
        entries(ledger)


def test_ids_are_quoted_in_addresses(rrr, ledger):
    rrr.books.add("../a b/%2F", 7, source_ref="TIP_1")
    assert ledger.balance_of("user:../a b/%2F") == 7
    assert len(ledger.entries_for("TIP_1", accounts=("user:../a b/%2F",))) == 1


# --- pages -------------------------------------------------------------------------------------------------


def test_every_page_is_read(rrr, ledger):
    rrr.books.page = 3
    for number in range(7):
        post(rrr, f"TIP_{number}", points=1)
    assert len(entries(ledger, "TIP_6")) == 2


def deaf(rrr):
    """A ledger that does not filter: it answers with all that the member has."""
    found = rrr.books.ledger
    rrr.books.ledger = lambda member, filters, cursor: found(member, filters={}, cursor=cursor)


def test_a_ledger_that_does_not_filter_is_filtered_on_our_side(rrr, ledger):
    deaf(rrr)
    rrr.books.page = 2
    for number in range(1, 12):
        post(rrr, f"TIP_{number}", points=1)
    assert [entry.source_ref for entry in entries(ledger)] == ["TIP_1", "TIP_1"]
    assert rrr.count("GET", LEDGER) > 5


def test_half_a_ledger_proves_nothing(rrr, ledger, monkeypatch):
    monkeypatch.setattr("ledger.rrr.gateway.MAX_PAGES", 3)
    deaf(rrr)
    rrr.books.page = 1
    for number in range(4):
        post(rrr, f"TIP_{number}", points=1)
    with pytest.raises(Unreadable) as caught:
        entries(ledger)
    assert not caught.value.permanent


def test_a_cursor_that_repeats_ends_the_reading(rrr, ledger):
    rrr.books.ledger = lambda member, filters, cursor: ([], 7)
    with pytest.raises(Unreadable):
        entries(ledger)
    assert rrr.count("GET", LEDGER) == 2


def test_since_narrows_what_is_asked_for(rrr, ledger):
    post(rrr)
    later = clock.now() + timedelta(hours=1)
    assert ledger.entries_for("TIP_1", accounts=ACCOUNTS, since=later) == []
    assert rrr.asked[-1].query == {"source_ref": "TIP_1", "from": clock.iso(later)}


# --- answers that are none ---------------------------------------------------------------------------------


def test_a_page_of_somebody_else_is_unreadable_and_temporary(rrr, ledger):
    rrr.faults.order("garbage")
    assert not failing(ledger, Unreadable).permanent


GOOD = {
    "entry_id": "e1",
    "member_id": BOB,
    "type": "TRANSFER_OUT",
    "points_delta": -5,
    "balance_after": 0,
    "source_ref": "TIP_1",
    "posted_at": "2026-01-03T04:15:00.000Z",
}


@pytest.mark.parametrize(
    "changed",
    [
        {"entry_id": None},
        {"entry_id": ""} | {"entry_id": 5},
        {"member_id": ANA},
        {"points_delta": "-5"},
        {"points_delta": -5.5},
        {"points_delta": True},
        {"points_delta": 2**60},
        {"balance_after": None},
        {"posted_at": "yesterday"},
        {"posted_at": 1767413700},
        {"posted_at": ""},
        {"type": None},
    ],
    ids=str,
)
def test_an_entry_that_is_none_is_never_a_proof(rrr, ledger, changed):
    rrr.books.ledger = lambda member, filters, cursor: ([GOOD | changed], None)
    with pytest.raises(Unreadable):
        ledger.entries_for("TIP_1", accounts=ACCOUNTS[:1])


def test_strange_rows_of_other_references_do_not_matter(rrr, ledger):
    rows = [{}, {"source_ref": None}, {"source_ref": ["TIP_1"]}, {"source_ref": 7}, GOOD]
    rrr.books.ledger = lambda member, filters, cursor: (rows, None)
    assert len(ledger.entries_for("TIP_1", accounts=ACCOUNTS[:1])) == 1


@pytest.mark.parametrize(
    "answer", [[], "text", None, {"next_cursor": None}, {"entries": {}}, {"entries": [1]}]
)
def test_a_ledger_without_its_shape_is_unreadable(rrr, ledger, monkeypatch, answer):
    monkeypatch.setattr("ledger.rrr.simulator.api._ledger", None)
    routes = (
        ("POST", _pattern("/oauth/token"), _token_route()),
        ("GET", _pattern("/v1/.*"), lambda *_: (200, answer)),
    )
    monkeypatch.setattr("ledger.rrr.simulator.api._ROUTES", routes)
    with pytest.raises(Unreadable):
        entries(ledger)
    failing(ledger, Unreadable)


def _token_route():
    from ledger.rrr.simulator import api

    return api._token


def test_an_endless_answer_is_cut_off(rrr, ledger, monkeypatch):
    monkeypatch.setattr(rrr_client, "MAX_ANSWER_BYTES", 1000)
    for number in range(10):
        post(rrr, f"TIP_{number}")
    deaf(rrr)
    with pytest.raises(Unreadable):
        entries(ledger)


def test_an_answer_that_drips_ends_at_the_deadline(rrr):
    asked = lambda: rrr.count("GET", f"/v1/members/{BOB}/balance")  # noqa: E731
    ledger = RrrGateway(client_of(rrr, clock=lambda: 10**6 * asked()))
    assert failing(ledger, Unreachable).code == "TOO_SLOW"


# --- transfers ---------------------------------------------------------------------------------------------


def test_a_transfer_inside_a_database_transaction_is_a_programming_error(ledger):
    with pytest.raises(InsideTransaction):
        ledger.transfer([[order("TIP_1", *ACCOUNTS, 5)]], now=NOW, session=object())


def test_a_late_transfer_is_not_posted_yet(rrr, ledger):
    rrr.books.add(BOB, 1000, source_ref=None)
    rrr.books.delay_seconds = 3600
    (result,) = move(ledger)
    assert read(result.entries) is None
    rrr.books.advance(3600)
    assert read(entries(ledger))
    assert read(move(ledger)[0].entries)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (422, "MEMBER_SUSPENDED", "ledger_member_suspended"),
        (404, "MEMBER_NOT_FOUND", "ledger_member_not_found"),
        (422, "INSUFFICIENT_FUNDS", "insufficient_funds"),
        (409, "IDEMPOTENCY_KEY_REUSE_MISMATCH", "source_ref_reused"),
        (409, "SOURCE_REF_REUSED", "source_ref_reused"),
    ],
)
def test_what_rrr_refuses_is_an_answer_about_that_group(rrr, ledger, status, code, reason):
    rrr.faults.order("answer", status=status, code=code)
    assert [result.reason for result in move(ledger)] == [reason]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 409, "code": "IN_PROGRESS"}, Conflict),
        ({"status": 403}, Forbidden),
        ({"status": 404, "code": "ROUTE_NOT_FOUND"}, NotFound),
        ({"status": 500, "times": 9}, ServerFault),
    ],
)
def test_what_says_nothing_about_the_group_is_raised(rrr, ledger, fault, kind):
    rrr.faults.order("answer", **fault)
    with pytest.raises(kind):
        move(ledger)


def test_a_person_cannot_pay_herself_there(ledger):
    (result,) = ledger.transfer([[order("TIP_1", f"user:{BOB}", f"performer:{BOB}", 5)]], now=NOW)
    assert isinstance(result, LedgerRefused)
    assert result.reason == "ledger_same_member"


def test_a_refusal_without_rrrs_word_is_raised(rrr, ledger, monkeypatch):
    routes = (
        ("POST", _pattern("/oauth/token"), _token_route()),
        ("POST", _pattern("/v1/.*"), lambda *_: (422, {})),
    )
    monkeypatch.setattr("ledger.rrr.simulator.api._ROUTES", routes)
    with pytest.raises(Invalid):
        move(ledger)


@pytest.mark.parametrize("group", [[], [order(f"T{number}", *ACCOUNTS, 1) for number in range(11)]])
def test_a_group_has_a_bound(ledger, group):
    with pytest.raises(ValueError, match="1 to 10"):
        ledger.transfer([group], now=NOW)


@pytest.mark.parametrize(
    "rows", [[], [GOOD], [GOOD, GOOD], [GOOD, GOOD | {"member_id": "x"}], [GOOD, GOOD | {"source_ref": "y"}]]
)
def test_a_transfer_without_its_two_entries_is_unreadable(rrr, ledger, rows):
    rrr.books.transfer = lambda orders, key: (True, rows)
    with pytest.raises(Unreadable):
        move(ledger)


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
        "ledger.rrr.simulator.api._ROUTES", (("POST", _pattern("/oauth/token"), lambda *_: (200, answer)),)
    )
    error = failing(RrrGateway(client_of(rrr)), Unreadable)
    assert "SECRET-TOKEN" not in f"{error!r} {error.message} {caplog.text}"


def test_a_failed_call_is_told_once_with_its_trace(rrr, ledger, caplog):
    rrr.faults.order("answer", status=500, times=ATTEMPTS)
    failing(ledger)
    (record,) = [record for record in caplog.records if record.msg == "rrr_call_failed"]
    assert record.trace_id == rrr.asked[-1].trace
    assert (record.error_code, record.attempts_count) == ("ServerFault", ATTEMPTS)


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
