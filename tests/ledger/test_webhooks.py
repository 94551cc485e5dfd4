"""The door of the ledger, as a plain Django view and on bare ASGI: who gets in, and once."""

import asyncio
import json
from collections import Counter
from datetime import timedelta

import pytest
from django.test import RequestFactory

from ground import clock
from ground.inbox.models import WebhookDelivery, WebhookNonce
from ground.mongodb.collections import collection
from ledger import webhooks
from ledger.rrr import events as rrr_events
from ledger.rrr import signing as rrr_signing
from tests import hostile
from tests.ledger.notices import (
    DATA,
    NEW,
    OLD,
    STRANGE,
    _secrets,
    body,
    code_of,
    headers,
    nonces_kept,
    over_asgi,
    post,
    stored,
    through_asgi,
    through_django,
)
from tests.tips import calls

__all__ = ["_secrets", "post"]
pytestmark = pytest.mark.django_db

ERROR = 8000


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
