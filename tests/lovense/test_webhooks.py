"""The door for apps: one answer for everybody, a refusal that names its field, limits, and news of what has
changed."""

import asyncio
import json
import logging

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from config.logging import AllowListFormatter
from ground import clock
from ground.hops import doorbell
from lovense import webhooks
from lovense.devices import callbacks, hosts, register
from lovense.devices.sources import source_of
from lovense.models import PairingStatus
from lovense.sending import groups
from tests.ground.conftest import in_threads
from tests.ground.plans import recorded
from tests.lovense.callbacks import DOORS, SOMEBODY, _forgotten, over_asgi, post
from tests.lovense.devices.apps import (
    DOMAIN,
    HOST,
    LUSH,
    NORA,
    UID,
    UTOKEN,
    body,
    device,
    host,
    kept,
    opened,
    pairing,
)

__all__ = ["_forgotten", "in_threads", "post"]
pytestmark = pytest.mark.django_db

SUCCESS = {"result": True, "message": "success"}
OFF = {"status": 0}


@pytest.fixture
def open_pairing(ana):
    return opened(ana, now=clock.now())


@pytest.fixture
def lines():
    """What is written into the log meanwhile, as it is written there."""
    found = []

    class Keep(logging.Handler):
        def emit(self, record):
            found.append(AllowListFormatter().format(record))

    handler = Keep(logging.DEBUG)
    root = logging.getLogger()
    level, _ = root.level, root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield found
    root.removeHandler(handler)
    root.setLevel(level)


def events(lines):
    return [(line["event"], line.get("count"), line.get("error_code")) for line in map(json.loads, lines)]


# --- taken -------------------------------------------------------------------------------------------------


def test_a_callback_is_durable_when_it_is_answered(post, ana, open_pairing):
    answer = post(body(LUSH, NORA))
    assert (answer.status, json.loads(answer.content)) == (200, SUCCESS)
    assert (pairing()["status"], host()["toys_count"]) == (PairingStatus.CONNECTED, 2)
    assert device(ana)["status"] == device(ana, "toy-2")["status"] == "connected"


def test_whether_it_is_believed_no_answer_tells(post, ana, open_pairing, lines):
    """Byte for byte, and header for header, as far as they are ours."""
    good = post(body())
    hosts_paired = post(body(LUSH | OFF))
    silent = {
        "wrong token": post(body(utoken="wrong")),
        "unknown": post(body(uid="unknown")),
        "encrypted": post(b'{"message":"c2VjcmV0"}'),
    }
    opened(
        ana,
        uid="late",
        _id="c" * 24,
        open_for="",
        now=clock.now() - 2 * (open_pairing["expires_at"] - open_pairing["opened_at"]),
    )
    silent["expired"] = post(body(uid="late"))
    hosts.unpair(performer_id=ana.pk, host_id=HOST, by="ana", now=clock.now())
    silent["unpaired"] = post(body(toys=[]))
    before = kept()
    silent["unpaired again"] = post(body(NORA))
    assert kept() == before
    assert {(answer.status, answer.content) for answer in (good, hosts_paired, *silent.values())} == {
        (200, good.content)
    }
    names = {tuple(sorted(set(answer.headers) - {"x-request-id"})) for answer in (good, *silent.values())}
    assert len(names) == 1


def test_nobodys_callbacks_are_counted_without_a_word_of_them(post, open_pairing, lines):
    for content in (body(utoken="wrong"), body(uid="unknown"), b'{"message":"c2VjcmV0"}'):
        post(content)
    told = [event for event in events(lines) if event[0] == "lovense_callback_unknown"]
    assert told == [
        ("lovense_callback_unknown", 1, "unknown"),
        ("lovense_callback_unknown", 1, "unknown"),
        ("lovense_callback_unknown", 1, "encrypted"),
    ]


def test_no_line_of_the_log_holds_what_an_app_says(post, ana, open_pairing, lines):
    post(body(LUSH, NORA))
    post(body(toys={"toy-1": 5}))
    post(body(LUSH, domain="8-8-8-8.lovense.club"))
    post(body(utoken="wrong"))
    hosts.unpair(performer_id=ana.pk, host_id=HOST, by="ana", now=clock.now())
    secrets = (UID, UTOKEN, DOMAIN, "192-168", "8-8-8-8", "toy-1", "34567", open_pairing["utoken_hash"])
    assert [line for line in lines if any(secret in line for secret in secrets)] == []
    assert ("delivery_refused", None, "malformed") in events(lines)


# --- refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b"{}", "uid"),
        (body(uid=5), "uid"),
        (body(utoken=...), "utoken"),
        (body(version=[]), "version"),
        (body(httpPort={}), "httpPort"),
        (body(toys=5), "toys"),
        (body(toys={"toy-1": 5}), "toys[0]"),
        (body(toys={"\ud800": {}}), "toys[0].id"),
        (body(x=[[[[[[[[1]]]]]]]]), "body"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("known", [True, False])
def test_what_is_malformed_is_400_with_its_field_before_anybody_is_looked_for(
    post, open_pairing, content, field, known
):
    if not known:
        content = content.replace(UID.encode(), b"unknown")
    with recorded() as plans:
        answer = post(content)
    assert (answer.status, answer.code, answer.field) == (400, "malformed", field)
    assert plans == []


@pytest.mark.parametrize(("length", "status"), [(65_536, 200), (65_537, 413)])
def test_a_body_has_at_most_64_kib(post, open_pairing, length, status):
    padding = length - len(body(x=""))
    assert post(body(x="x" * padding)).status == status
    assert (host() is not None) is (status == 200)


def test_how_long_a_body_may_be_is_a_setting_of_this_door_alone(post, settings, open_pairing):
    settings.LOVENSE_CALLBACK_MAX_BODY_BYTES, settings.WEBHOOK_MAX_BODY_BYTES = 100, 10
    answer = post(body())
    assert (answer.status, answer.code, b"100 bytes" in answer.content) == (413, "too_large", True)
    settings.LOVENSE_CALLBACK_MAX_BODY_BYTES = 10_000
    assert post(body()).status == 200


def test_of_500_toys_16_are_kept_and_all_are_counted(post, ana, open_pairing):
    toys = [{"id": f"t{n}", "name": "lush", "status": 1} for n in range(500)]
    assert post(body(*toys)).status == 200
    assert host()["toys_count"] == 500
    assert [device(ana, f"t{n}") is not None for n in (0, 15, 16)] == [True, True, False]


def test_an_encoded_body_is_refused(post, open_pairing):
    assert post(body(), content_encoding="gzip").code == "unsupported_media_type"


@pytest.mark.parametrize("error", [ServerSelectionTimeoutError(), register.TooManyAtOnce()], ids=repr)
def test_what_could_not_be_stored_is_503_and_not_remembered(post, ana, open_pairing, monkeypatch, error):
    def failing(calls, *, now):
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(hosts, "take", failing)
        assert (post(body()).code, host()) == ("unavailable", None)
    assert (post(body()).status, host()["performer_id"]) == (200, ana.pk)


# --- heartbeats --------------------------------------------------------------------------------------------


def test_a_heartbeat_without_news_asks_nobody_anything(post, open_pairing):
    post(body())
    before = kept()
    with recorded() as plans:
        answers = [post(body()) for _ in range(5)]
    assert (plans, kept()) == ([], before)
    assert {answer.content for answer in answers} == {post(body()).content}


def test_another_token_content_or_uid_is_no_such_heartbeat(post, ana, open_pairing):
    post(body())
    for other in (body(utoken="wrong"), body(uid="other"), body(NORA)):
        with recorded() as plans:
            post(other)
        assert plans


def test_after_ten_seconds_it_is_written_when_it_was_last_heard_of(post, open_pairing, monkeypatch):
    post(body())
    first, later = host()["last_seen_at"], host()["last_seen_at"] + 1.05 * hosts.QUIET
    monkeypatch.setattr(clock, "now", lambda: later)
    post(body())
    assert first < host()["last_seen_at"] == later


def test_pairing_it_again_is_not_taken_for_a_heartbeat(post, ana, open_pairing):
    post(body())
    hosts.unpair(performer_id=ana.pk, host_id=HOST, by="ana", now=clock.now())
    post(body())  # this process has heard it a moment ago, and nothing comes back
    assert (host()["uid"], device(ana)["unpaired_at"] is None) == ("", False)
    opened(ana, uid="second", _id="c" * 24, host_id="c" * 24, now=clock.now())
    post(body(uid="second"))
    assert (host("c" * 24)["unpaired_at"], device(ana)["unpaired_at"]) == (None, None)


def test_the_same_app_under_a_new_token_is_not_taken_for_a_heartbeat(post, ana, open_pairing):
    post(body())
    opened(ana, utoken="second", _id="c" * 24, now=clock.now())
    post(body(utoken="second"))
    assert (pairing("c" * 24)["status"], host()["utoken_hash"]) == ("connected", callbacks.hashed("second"))


def test_nobodys_callback_is_asked_about_each_time(post, ana):
    """It may be hers a moment later."""
    post(body())
    opened(ana, now=clock.now())
    post(body())
    assert host() is not None


# --- how often ---------------------------------------------------------------------------------------------


def statuses(answers):
    found = [answer.status for answer in answers]
    return {status: found.count(status) for status in sorted(set(found))}


@pytest.mark.parametrize("known", [True, False])
def test_an_app_calls_at_most_120_times_a_minute(post, open_pairing, known, lines):
    content = body() if known else body(uid="unknown")
    answers = [post(content, x_forwarded_for="198.51.100.1", peer=("10.0.0.1", 1)) for _ in range(123)]
    assert statuses(answers) == {200: 120, 429: 3}
    last = answers[-1]
    assert (last.code, 1 <= int(last.headers["retry-after"]) <= 60) == ("too_many_requests", True)
    assert post(body(uid="another")).status == 200
    assert UID not in "".join(lines)


def test_a_source_calls_at_most_600_times_a_minute_whatever_it_says(open_pairing):
    callers = webhooks.Callers()
    source = source_of(*("203.0.113.7", ""))

    def call(n, at=0.0, source=source):
        try:
            return callers.let_in(source, b"{" if n % 2 else body(uid=f"u{n}"), at=at)
        except webhooks.TooManyCallbacks as why:
            return why.retry_after
        except webhooks.Refusal as why:
            return why.status

    answers = [call(n) for n in range(602)]
    assert (answers.count(60), answers.count(400), answers[599:]) == (2, 300, [400, 60, 60])
    assert call(1, source=b"another") == 400
    assert call(1, at=59.5) == 1
    assert call(1, at=60.0) == 400


@pytest.mark.parametrize(
    ("peer", "forwarded", "same_as"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("8.8.8.8", "198.51.100.1", "8.8.8.8"),  # no proxy of ours: his own word
        ("2a00::1", "198.51.100.1", "2a00::1"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("::1", "198.51.100.1", "198.51.100.1"),
        ("172.18.0.5", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "192.0.2.9, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "198.51.100.1, ", "127.0.0.1"),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("::ffff:203.0.113.7", "", "203.0.113.7"),
        ("2001:db9:1:2:3:4:5:6", "", "2001:db9:1:2::1"),
        ("", "198.51.100.1", "198.51.100.1"),
    ],
)
def test_whose_word_is_believed_about_where_a_call_comes_from(peer, forwarded, same_as):
    assert source_of(peer, forwarded) == source_of(same_as, "")


def test_two_callers_behind_the_proxy_are_two():
    proxied = {source_of("127.0.0.1", f"198.51.100.{n}") for n in range(9)}
    networks = {source_of(f"2001:db9:1:{n}::1", "") for n in range(9)}
    assert len(proxied | networks) == 18


# --- news --------------------------------------------------------------------------------------------------


@pytest.fixture
def told(monkeypatch):
    """Who is told of what, and which bells ring."""
    found = []
    monkeypatch.setattr(groups.news, "mark", lambda whom, topic: found.append((sorted(whom), topic)))
    monkeypatch.setattr(doorbell, "ring_soon", found.append)
    return found


def test_her_pages_hear_of_it_and_a_tip_that_waited_may_start(post, ana, open_pairing, told):
    post(body())
    assert told == [([ana.pk], "devices"), "lovense.repairs", "lovense.dispatch"]
    told.clear()
    post(body())
    post(body(uid="unknown"))
    assert told == []
    post(body(LUSH | OFF))
    assert told == [([ana.pk], "devices"), "lovense.repairs", "lovense.dispatch"]


# --- at once -----------------------------------------------------------------------------------------------


def has_one_host(performer):
    assert [row["performer_id"] for row in kept()["hosts"]] == [performer.pk]
    return (len(kept()["devices"]), pairing()["status"]) == (2, "connected")


async def test_first_callbacks_that_wait_for_one_write_make_one_host(ana, open_pairing):
    answers = await asyncio.gather(*(over_asgi(body(LUSH, NORA), {}, SOMEBODY) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert has_one_host(ana)


def test_first_callbacks_in_several_processes_make_one_host(ana, open_pairing, in_threads):
    post = DOORS["django"]
    assert in_threads(lambda: post(body(LUSH, NORA), {}, SOMEBODY).status, times=8, workers=4) == [200] * 8
    assert has_one_host(ana)
