"""The door of the ledger, as a plain Django view and on bare ASGI: who gets in, once, and that a call only
makes us look."""

import asyncio
import itertools
import json
from collections import Counter
from datetime import timedelta

import bson
import httpx
import pytest
from celery import current_app
from django.test import RequestFactory
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pymongo.errors import PyMongoError

from config.asgi import application
from ground import clock
from ground.hops import doorbell
from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery, WebhookNonce
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from ledger import signals, tasks, webhooks
from ledger.rrr import events as rrr_events
from ledger.rrr import signing as rrr_signing
from tests import hostile, services
from tests.factories import NOW
from tests.remote import SECOND, remote
from tests.tips import calls
from tests.tips.conftest import proven
from tips.settlement import polling

__all__ = ["proven", "remote"]
pytestmark = pytest.mark.django_db

OLD, NEW, STRANGE = "o" * 32, "n" * 32, "s" * 32
DATA = {"source_ref": "TIP_1", "member_id": "m1"}
ERROR = 8000
_nonces = itertools.count(1)


@pytest.fixture(autouse=True)
def _secrets(settings):
    settings.RRR_WEBHOOK_SECRETS = [f"k1:{OLD}", f"k2:{NEW}"]
    settings.RRR_WEBHOOK_SCHEME1 = False


def body(event_id="evt_1", event_type="POINTS_POSTED", data=None):
    return json.dumps(
        {"event_id": event_id, "event_type": event_type, "data": DATA if data is None else data}
    ).encode()


def headers(
    content,
    *,
    secret=NEW,
    key_id="k2",
    tenant="acme",
    nonce="",
    seconds=0,
    target=webhooks.PATH,
    method="POST",
):
    return rrr_signing.signed_headers(
        secret.encode(),
        key_id=key_id,
        tenant=tenant,
        method=method,
        target=target,
        now=clock.now() + timedelta(seconds=seconds),
        nonce=nonce or f"nonce-{next(_nonces):08}",
        body=content,
    )


def through_django(content, given, target=webhooks.PATH):
    answer = webhooks.rrr(
        RequestFactory().post(target, content, content_type="application/json", headers=given)
    )
    return answer.status_code, json.loads(answer.content)


async def over_asgi(content, given, target=webhooks.PATH):
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        answer = await http.post(target, content=content, headers=given)
    assert answer.headers["x-request-id"]
    return answer.status_code, answer.json()


def through_asgi(content, given, target=webhooks.PATH):
    return asyncio.run(over_asgi(content, given, target))


@pytest.fixture(params=[through_django, through_asgi], ids=["django", "asgi"])
def post(request):
    """One call to the door: (status, JSON). Every test that takes it runs once through each door."""
    return request.param


def stored():
    """(key, status) of every delivery."""
    return sorted((row["_id"], row["status"]) for row in collection(WebhookDelivery).find())


def nonces_kept():
    return collection(WebhookNonce).count_documents({})


def code_of(answer):
    assert set(answer[1]["error"]) == {"code", "message", "details"}
    return answer[0], answer[1]["error"]["code"]


# --- accepted ----------------------------------------------------------------------------------------------


def test_a_good_call_is_200_and_every_repeat_has_the_same_body(post):
    content = body()
    answers = [post(content, headers(content)) for _ in range(3)]
    assert answers == [(200, {"received": True, "eventId": "evt_1"})] * 3
    assert stored() == [("rrr/evt_1", "received")]


def test_both_doors_are_one():
    content = body()
    assert through_django(content, headers(content)) == through_asgi(content, headers(content))
    assert stored() == [("rrr/evt_1", "received")]


@pytest.mark.parametrize(("key_id", "secret"), [("k1", OLD), ("k2", NEW)])
def test_either_of_two_active_secrets_is_accepted(post, key_id, secret):
    content = body()
    assert post(content, headers(content, key_id=key_id, secret=secret))[0] == 200


def test_the_query_is_part_of_what_is_signed(post):
    content, target = body(), f"{webhooks.PATH}?tenant=acme&n=%2F"
    assert post(content, headers(content, target=target), target)[0] == 200


def test_the_raw_bytes_are_kept(post):
    content = (
        '{ "event_id":"evt_1",\n"event_type" : "POINTS_POSTED", "data":{"source_ref":"TIP_1","note":"é☃"}}'
    ).encode()
    assert post(content, headers(content))[0] == 200
    assert bytes(collection(WebhookDelivery).find_one()["body"]) == content


@pytest.mark.parametrize("event_type", sorted(rrr_events.POSTED | rrr_events.REVERSED))
def test_four_types_act(event_type):
    content = body(event_type=event_type)
    through_django(content, headers(content))
    assert stored() == [("rrr/evt_1", "received")]


@pytest.mark.parametrize(
    "content",
    [
        body(event_type="MEMBER_CREATED"),
        b'{"event_id":"evt_1","event_type":"MEMBER_CREATED"}',
        body(data={}),
        body(data={"source_ref": "no reference of ours"}),
    ],
)
def test_what_does_not_act_is_stored_and_ignored(content):
    assert through_django(content, headers(content)) == (200, {"received": True, "eventId": "evt_1"})
    assert stored() == [("rrr/evt_1", "ignored")]


def test_what_else_a_repeat_says_does_not_matter(post):
    first, second = body(data=DATA | {"at": 1}), body(data=DATA | {"at": 2})
    assert [post(content, headers(content))[0] for content in (first, second)] == [200, 200]
    assert stored() == [("rrr/evt_1", "received")]


def test_other_references_under_the_same_event_id_are_a_conflict_and_the_first_stands(post):
    first, second = body(), body(data={"source_ref": "TIP_2"})
    post(first, headers(first))
    assert code_of(post(second, headers(second))) == (409, "conflict")
    assert [status for _, status in stored()] == ["received", "conflict"]


# --- refused: nothing is stored ----------------------------------------------------------------------------


def call(content=None, *, sent=None, to=webhooks.PATH, without="", replaced=(), **signing):
    """(body, headers, target) of a signed call; then something else is sent, a header replaced, or one left
    out."""
    content = body() if content is None else content
    given = headers(content, **signing) | dict(replaced)
    return (
        content if sent is None else sent,
        {name: value for name, value in given.items() if name != without},
        to,
    )


def signature(content=None, **signing):
    return headers(body() if content is None else content, **signing)[rrr_signing.SIGNATURE]


UNPROVEN = {
    "no headers": lambda: (body(), {}, webhooks.PATH),
    **{f"no {name}": lambda name=name: call(without=name) for name in rrr_signing.HEADERS},
    "wrong length": lambda: call(replaced={rrr_signing.SIGNATURE: signature()[:-2]}),
    "upper case": lambda: call(replaced={rrr_signing.SIGNATURE: "A" * 64}),
    "not hexadecimal": lambda: call(replaced={rrr_signing.SIGNATURE: "g" * 64}),
    "wrong key": lambda: call(secret=STRANGE),
    "the other key's name": lambda: call(key_id="k1"),
    "unknown key": lambda: call(key_id="k3", secret=STRANGE),
    "old": lambda: call(seconds=-301),
    "future": lambda: call(seconds=302),
    "no zone": lambda: call(replaced={rrr_signing.TIMESTAMP: "2026-01-03T04:15:00"}),
    "altered body": lambda: call(sent=body() + b" "),
    "re-serialised body": lambda: call(sent=json.dumps(json.loads(body()), separators=(",", ":")).encode()),
    "altered path": lambda: call(target="/api/webhooks/payments"),
    "altered query": lambda: call(to=f"{webhooks.PATH}?x=1"),
    "signed with a query": lambda: call(target=f"{webhooks.PATH}?x=1"),
    "altered method": lambda: call(method="PUT"),
    "altered nonce": lambda: call(replaced={rrr_signing.NONCE: "another-nonce"}),
    "scheme 1": lambda: (
        body(),
        {rrr_signing.SIGNATURE: rrr_signing.sign_body(NEW.encode(), body())},
        webhooks.PATH,
    ),
    "a payment's signature": lambda: (body(), calls.signed(body()), webhooks.PATH),
    "unsigned nonsense": lambda: (b"\xff", {}, webhooks.PATH),
}


@pytest.mark.parametrize("name", list(UNPROVEN))
def test_an_unproven_call_is_401_and_nothing_is_stored(post, name):
    assert code_of(post(*UNPROVEN[name]())) == (401, "bad_signature")
    assert (stored(), nonces_kept()) == ([], 0)


def test_a_secret_that_was_rotated_out_proves_nothing(post, settings):
    content = body()
    settings.RRR_WEBHOOK_SECRETS = [f"k2:{NEW}"]
    assert code_of(post(content, headers(content, key_id="k1", secret=OLD))) == (401, "bad_signature")


@pytest.mark.parametrize("scheme_1", [False, True])
def test_without_a_secret_everything_is_refused(post, settings, scheme_1):
    settings.RRR_WEBHOOK_SECRETS, settings.RRR_WEBHOOK_SCHEME1 = [], scheme_1
    content = body()
    assert code_of(post(content, headers(content))) == (401, "bad_signature")
    unkeyed = {rrr_signing.SIGNATURE: rrr_signing.sign_body(b"", content)}
    assert code_of(post(content, unkeyed)) == (401, "bad_signature")


MALFORMED = {
    "empty": (b"", "body"),
    "not an object": (b"[]", "body"),
    "not UTF-8": (b"\xff\xfe", "body"),
    "duplicate keys": (b'{"event_id":"a","event_id":"b"}', "body"),
    "NaN": (b'{"event_id":NaN}', "body"),
    "a number too long": (b'{"event_id":' + b"9" * 60_000 + b"}", "body"),
    "nested deeply": (b'{"data":' * 5_000 + b"1" + b"}" * 5_000, "body"),
    "nothing": (b"{}", "event_id"),
    "a huge event id": (body("x" * 121), "event_id"),
    "an event id with a space": (body("a b"), "event_id"),
    "a number for an event id": (body(7), "event_id"),
    "no type": (b'{"event_id":"e"}', "event_type"),
    "no data": (b'{"event_id":"e","event_type":"POINTS_POSTED"}', "data"),
    "data of another kind": (body(data=[1]), "data"),
}


@pytest.mark.parametrize("name", list(MALFORMED))
def test_a_malformed_body_is_400_with_its_field_and_nothing_is_stored(post, name):
    content, field = MALFORMED[name]
    answer = post(content, headers(content))
    assert code_of(answer) == (400, "malformed")
    assert answer[1]["error"]["details"]["field"] == field
    assert (stored(), nonces_kept()) == ([], 0)


@pytest.mark.parametrize("size", [65_537, hostile.MEGABYTE, 3 * hostile.MEGABYTE])
@pytest.mark.parametrize("is_signed", [False, True])
def test_a_body_that_is_too_large_is_413_and_nothing_is_stored(post, size, is_signed):
    content = b" " * size
    assert code_of(post(content, headers(content) if is_signed else {})) == (413, "too_large")
    assert stored() == []


def test_only_post():
    assert webhooks.rrr(RequestFactory().get(webhooks.PATH)).status_code == 405


def test_when_it_cannot_be_stored_the_very_same_call_may_come_again(post, fail_command):
    content = body()
    given = headers(content)
    fail_command("insert", errorCode=ERROR)
    assert code_of(post(content, given)) == (503, "unavailable")
    assert (stored(), nonces_kept()) == ([], 0)
    assert post(content, given)[0] == 200


# --- scheme 1, where it is allowed -------------------------------------------------------------------------


@pytest.fixture
def _scheme_1(settings):
    settings.RRR_WEBHOOK_SCHEME1 = True


def plain(content, secret=NEW):
    return {rrr_signing.SIGNATURE: rrr_signing.sign_body(secret.encode(), content)}


@pytest.mark.usefixtures("_scheme_1")
@pytest.mark.parametrize("secret", [OLD, NEW])
def test_scheme_1_is_accepted_by_setting(post, secret):
    content = body()
    assert [post(content, plain(content, secret)) for _ in range(2)] == [
        (200, {"received": True, "eventId": "evt_1"})
    ] * 2
    assert stored() == [("rrr/evt_1", "received")]


@pytest.mark.usefixtures("_scheme_1")
@pytest.mark.parametrize(
    "attempt",
    [
        lambda content: (content, plain(content, STRANGE)),
        lambda content: (content + b" ", plain(content)),
        lambda content: (content, {}),
        # A call that names anything of scheme 2 is not read as one of scheme 1, which promises less.
        lambda content: (content, plain(content) | {rrr_signing.TENANT: "acme"}),
        lambda content: (content, headers(content, seconds=-301) | plain(content)),
    ],
)
def test_scheme_1_refuses_everything_else(post, attempt):
    assert code_of(post(*attempt(body()))) == (401, "bad_signature")
    assert stored() == []


@pytest.mark.usefixtures("_scheme_1")
def test_scheme_2_is_accepted_beside_scheme_1(post):
    content = body()
    assert post(content, headers(content))[0] == 200


# --- once --------------------------------------------------------------------------------------------------


def test_a_replayed_call_is_401_and_stores_nothing_more(post):
    content = body()
    given = headers(content)
    assert post(content, given)[0] == 200
    before = stored()
    for _ in range(2):
        assert code_of(post(content, given)) == (401, "bad_signature")
    assert stored() == before


def test_a_nonce_is_used_once_per_tenant(post):
    first, second = body("evt_1"), body("evt_2")
    post(first, headers(first, nonce="the-same-one"))
    assert code_of(post(second, headers(second, nonce="the-same-one", key_id="k1", secret=OLD))) == (
        401,
        "bad_signature",
    )
    assert stored() == [("rrr/evt_1", "received")]
    assert post(second, headers(second, nonce="the-same-one", tenant="other"))[0] == 200


def test_a_replay_under_another_tenant_is_a_replay(post):
    """The tenant is not covered by the signature."""
    content = body()
    given = headers(content)
    post(content, given)
    assert code_of(post(content, given | {rrr_signing.TENANT: "other"})) == (401, "bad_signature")


def test_nonces_are_forgotten_when_their_time_can_no_longer_be_right(db):
    content = body()
    through_django(content, headers(content, seconds=299))
    (index,) = [found for found in collection(WebhookNonce).list_indexes() if "expireAfterSeconds" in found]
    assert (index["expireAfterSeconds"], list(index["key"])) == (0, ["expires_at"])
    assert collection(WebhookNonce).find_one()["expires_at"] >= clock.now() + timedelta(seconds=600)


def test_of_fifty_equal_calls_at_once_one_is_taken(in_threads):
    content = body()
    given = headers(content)
    answers = in_threads(lambda: through_django(content, given), times=50, workers=50)
    assert Counter(status for status, _ in answers)[200] >= 1
    assert {status for status, _ in answers} <= {200, 401}
    assert stored() == [("rrr/evt_1", "received")]


async def test_of_equal_calls_in_one_group_one_is_taken():
    content = body()
    given = headers(content)
    answers = await asyncio.gather(*(over_asgi(content, given) for _ in range(20)))
    assert Counter(status for status, _ in answers) == {200: 1, 401: 19}


async def test_of_two_hundred_calls_at_once_each_has_its_own_answer():
    contents = [body(f"evt_{number}") for number in range(100)] * 2
    answers = await asyncio.gather(*(over_asgi(content, headers(content)) for content in contents))
    for content, answer in zip(contents, answers, strict=True):
        assert answer == (200, {"received": True, "eventId": json.loads(content)["event_id"]})
    assert len(stored()) == 100


# --- a call only makes us look -----------------------------------------------------------------------------


@pytest.fixture
def heard():
    """(signal, references) of every announcement."""
    found = []

    def posted(sender, *, source_refs, **kwargs):
        found.append(("posted", source_refs))

    def taken_back(sender, *, source_refs, **kwargs):
        found.append(("reversed", source_refs))

    signals.entries_posted.connect(posted)
    signals.entries_reversed.connect(taken_back)
    yield found
    signals.entries_posted.disconnect(posted)
    signals.entries_reversed.disconnect(taken_back)


def send(event_id, event_type, data):
    content = body(event_id, event_type, data)
    assert through_django(content, headers(content))[0] == 200


def test_what_was_posted_and_what_was_taken_back_is_announced_once(heard):
    send("e1", "POINTS_POSTED", {"source_ref": "TIP_1"})
    send(
        "e2",
        "TRANSFER_COMPLETED",
        {"transfer": {"entries": [{"source_ref": "TIP_2"}, {"source_ref": "TIP_2"}]}},
    )
    send("e3", "TRANSFER_REVERSED", {"entry": {"source_ref": "TIP_3"}})
    send("e4", "MEMBER_CREATED", {"source_ref": "TIP_4"})
    tasks.announce()
    tasks.announce()
    assert heard == [("posted", {"TIP_1", "TIP_2"}), ("reversed", {"TIP_3"})]
    assert dict(stored()) == {
        "rrr/e1": "processed",
        "rrr/e2": "processed",
        "rrr/e3": "processed",
        "rrr/e4": "ignored",
    }


def test_an_announcement_that_fails_is_made_again(heard):
    def broken(sender, **kwargs):
        raise RuntimeError

    send("e1", "POINTS_POSTED", DATA)
    signals.entries_posted.connect(broken)
    try:
        tasks.announce()
    finally:
        signals.entries_posted.disconnect(broken)
    assert stored() == [("rrr/e1", "received")]
    heard.clear()
    tasks.announce()
    assert heard == []  # its next attempt is still to come
    its_turn()
    tasks.announce()
    assert (heard, stored()) == ([("posted", {"TIP_1"})], [("rrr/e1", "processed")])


def its_turn():
    collection(WebhookDelivery).update_many({}, {"$set": {"retry_at": None}})


def test_a_notice_whose_announcement_fails_holds_up_no_other_and_is_set_aside_in_the_end(heard):
    def broken(sender, *, source_refs, **kwargs):
        if "TIP_2" in source_refs:
            raise RuntimeError

    for number in (1, 2, 3):
        send(f"e{number}", "POINTS_POSTED", {"source_ref": f"TIP_{number}"})
    signals.entries_posted.connect(broken)
    try:
        for _ in range(inbox.MAX_ATTEMPTS):
            tasks.announce()
            its_turn()
    finally:
        signals.entries_posted.disconnect(broken)
    assert stored() == [("rrr/e1", "processed"), ("rrr/e2", "set_aside"), ("rrr/e3", "processed")]
    assert {ref for _, refs in heard for ref in refs} >= {"TIP_1", "TIP_3"}


def test_while_the_database_is_away_no_attempt_is_counted(heard, fail_command):
    send("e1", "POINTS_POSTED", {"source_ref": "TIP_1"})
    fail_command("update", errorCode=ERROR)
    with pytest.raises(PyMongoError):
        tasks.announce()
    assert collection(WebhookDelivery).find_one({})["attempts"] == 0


@pytest.mark.parametrize("notices", [1, 3])
def test_every_reference_is_announced_however_many_there_are(heard, notices):
    names = [f"R{number}" for number in range(1998)]
    each = len(names) // notices
    for number in range(notices):
        part = names[number * each : (number + 1) * each]
        send(f"e{number}", "POINTS_POSTED", {"e": [{"source_ref": name} for name in part]})
    tasks.announce()
    assert {ref for _, refs in heard for ref in refs} == set(names)
    assert {status for _, status in stored()} == {"processed"}


def test_a_notice_that_can_no_longer_be_read_holds_up_nobody(heard):
    send("e1", "POINTS_POSTED", DATA)
    collection(WebhookDelivery).update_one({}, {"$set": {"body": b"{"}})
    send("e2", "POINTS_POSTED", DATA)
    tasks.announce()
    assert heard == [("posted", {"TIP_1"})]
    assert collection(WebhookDelivery).find_one({"_id": "rrr/e1"})["attempts"] == 1


def test_a_notice_settles_the_tip_that_it_names_and_only_by_the_ledgers_answer(remote, proven):
    calls.succeeded(1, 100)
    calls.settle(NOW)
    source_ref = f"TIP_{calls.tip_id(1)}"
    send("e1", "POINTS_POSTED", {"source_ref": source_ref})
    tasks.announce()
    assert calls.found(1)["settlement_status"] == "pending"  # it says so; the ledger does not
    remote.post(source_ref, calls.BOB, calls.ANA, 100)
    send("e2", "POINTS_POSTED", {"source_ref": source_ref})
    tasks.announce()
    polling.drain(now=clock.now() + SECOND, limit=9)
    assert calls.state(1) == ("success", "settled", "")
    assert calls.events() == [1]


def test_settlement_leaves_the_ledgers_notices_alone(remote, heard):
    send("e1", "POINTS_POSTED", DATA)
    assert calls.settle().handled == 0
    assert stored() == [("rrr/e1", "received")]


def test_the_announcement_is_rung_for_what_is_new_and_not_for_repeats(post):
    content = body()
    queue = current_app.conf.task_default_queue
    doorbell._soon.done().result()  # it rings on a thread of its own: what another test asked for is over
    doorbell.answered("ledger.announce")
    before = doorbell.connection().llen(queue)
    for _ in range(3):
        post(content, headers(content))
        doorbell._soon.done().result()
        doorbell.answered("ledger.announce")
    assert doorbell.connection().llen(queue) == before + 1


def test_without_redis_calls_are_accepted_all_the_same(post):
    services.running.redis.stop()
    try:
        content = body()
        assert [post(content, headers(content))[0] for _ in range(2)] == [200, 200]
    finally:
        services.running.redis.start()


# --- hostile calls -----------------------------------------------------------------------------------------

bounded = hypothesis(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
few = hypothesis(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
GOOD = {"event_id": "evt_1", "event_type": "POINTS_POSTED", "data": DATA}
bodies = hostile.bodies(
    hostile.mutated(GOOD, list(GOOD)), hostile.json_values.map(lambda value: body(data=value))
)
HEADERS = rrr_signing.HEADERS
STORABLE = {"key": str, "event_type": str, "subject": str, "fingerprint": str, "body": bytes}


def read(given_headers, content, target=webhooks.PATH):
    """The pure door: what it lets in, or the status of its refusal."""
    try:
        return webhooks.read_call(given_headers, target, content)
    except Refusal as refusal:
        return refusal.answer()[0]


@bounded
@given(hostile.headers(HEADERS), bodies, st.booleans())
def test_no_header_opens_the_door_whatever_is_behind_it(settings, given_headers, content, scheme_1):
    settings.RRR_WEBHOOK_SCHEME1 = scheme_1
    assert read(given_headers, content) == 401


@bounded
@given(st.data())
def test_a_good_call_with_anything_altered_is_refused(data):
    content = body()
    given_headers = headers(content)
    altered, target, sent = data.draw(hostile.damaged((given_headers, webhooks.PATH, content)))
    # The tenant is covered by nothing: another well-formed one is let in here and is a replay at the store.
    named = altered.get(rrr_signing.TENANT, "")
    if (
        altered | {rrr_signing.TENANT: "acme"} == given_headers
        and (target, sent) == (webhooks.PATH, content)
        and named
    ):
        assert (
            read(altered, sent, target) == 401
            or named.replace("-", "a").replace(".", "a").replace("_", "a").isalnum()
        )
    else:
        assert read(altered, sent, target) == 401


@bounded
@given(bodies)
def test_a_signed_body_is_let_in_as_something_that_can_be_stored_or_is_400(content):
    found = read(headers(content), content)
    if isinstance(found, int):
        assert found == 400
    else:
        made = found[0].call
        assert all(isinstance(getattr(made, name), kind) for name, kind in STORABLE.items())
        assert (len(made.key) <= 300, len(made.subject) <= 130, len(made.event_type) <= 40) == (
            True,
            True,
            True,
        )
        bson.encode({name: getattr(made, name) for name in STORABLE})


@few
@given(hostile.headers(HEADERS), bodies)
def test_over_asgi_an_unproven_call_is_401(given_headers, content):
    assert code_of(asyncio.run(raw(given_headers, content))) == (401, "bad_signature")


@few
@given(bodies)
def test_over_asgi_signed_nonsense_is_400_or_a_call_like_any_other(content):
    before = len(stored())
    status, _ = asyncio.run(raw(headers(content), content))
    assert status in (200, 400, 409)
    assert len(stored()) - before in ((0,) if status == 400 else (0, 1))


async def raw(given_headers, content):
    """The bare application: header bytes that no client would send."""
    sent, pieces = [], [content[:50], content[50:]]

    async def receive():
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send_back(message):
        sent.append(message)

    names = [(name.lower().encode(), value.encode("latin-1")) for name, value in given_headers.items()]
    scope = {"type": "http", "method": "POST", "path": webhooks.PATH, "headers": names, "query_string": b""}
    await application(scope, receive, send_back)
    return sent[0]["status"], json.loads(sent[1]["body"])


def test_one_megabyte_is_never_read(db):
    """Beyond its limit a body is refused as it comes in, not when it is complete."""
    taken = []

    async def receive():
        taken.append(1)
        return {"type": "http.request", "body": b" " * 65_000, "more_body": True}

    async def ignore(message):
        pass

    scope = {"type": "http", "method": "POST", "path": webhooks.PATH, "headers": [], "query_string": b""}
    asyncio.run(application(scope, receive, ignore))
    assert len(taken) == 2
