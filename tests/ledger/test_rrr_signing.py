"""RRR's webhook signatures: what each scheme proves, and that everything else is refused with a reason and
never with a crash."""

import hashlib
import hmac
import string
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.inbox.signing import BadSignature
from ledger.rrr import signing
from ledger.rrr.signing import (
    KEY_ID,
    NONCE,
    SIGNATURE,
    TENANT,
    TIMESTAMP,
    SignedNotice,
    secrets_of,
    signed_headers,
)
from tests.factories import NOW

OLD, NEW, STRANGE = b"o" * 32, b"n" * 32, b"s" * 32
SECRETS = {"k1": OLD, "k2": NEW}
BODY = b'{"event_id":"e1"}'
TARGET = "/api/webhooks/rrr?v=1"


def headers(secret=NEW, key_id="k2", *, target=TARGET, now=NOW, body=BODY, method="POST", **replaced):
    signed = signed_headers(
        secret,
        key_id=key_id,
        tenant="acme",
        method=method,
        target=target,
        now=now,
        nonce="nonce-0001",
        body=body,
    )
    return signed | {"X-RRR-" + name.replace("_", "-"): value for name, value in replaced.items()}


def check(given_headers, *, secrets=SECRETS, body=BODY, target=TARGET, method="POST", now=NOW):
    return signing.verify_request(
        secrets, given_headers, method=method, target=target, body=body, now=now, tolerance_seconds=300
    )


def refused(given_headers, **more):
    with pytest.raises(BadSignature) as caught:
        check(given_headers, **more)
    return str(caught.value)


# --- scheme 2 ----------------------------------------------------------------------------------------------


def test_a_good_call_tells_its_envelope():
    assert check(headers()) == SignedNotice("acme", "k2", NOW, "nonce-0001")


def test_the_signed_string_is_the_documented_one():
    text = f"POST\n{TARGET}\n2026-01-03T04:15:00.000Z\nnonce-0001\n{hashlib.sha256(BODY).hexdigest()}"
    assert headers()[SIGNATURE] == hmac.new(NEW, text.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(("key_id", "secret"), [("k1", OLD), ("k2", NEW)])
def test_during_rotation_either_secret_proves_a_call(key_id, secret):
    assert check(headers(secret, key_id)).key_id == key_id


def test_header_names_are_of_any_case():
    assert check({name.lower(): value for name, value in headers().items()})
    assert check({name.upper(): value for name, value in headers().items()})


@pytest.mark.parametrize("seconds", [-300, 300])
def test_the_window_includes_its_edges(seconds):
    assert check(headers(), now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-301, 301, 10**8])
def test_a_time_outside_the_window_is_refused(seconds):
    assert "outside the tolerated window" in refused(headers(), now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "written", ["2026-01-03T04:15:00Z", "2026-01-03T05:15:00+01:00", "2026-01-03T04:15:00.123456Z"]
)
def test_a_time_is_signed_as_it_is_written(written):
    signature = signing.sign_request(
        NEW, method="POST", target=TARGET, timestamp=written, nonce="nonce-0001", body=BODY
    )
    assert check(headers(Timestamp=written, Signature=signature)).nonce == "nonce-0001"
    assert "matches no active secret" in refused(headers(Timestamp=written.replace("04:15:00Z", "04:15:01Z")))


@pytest.mark.parametrize(
    "stamp", ["", "1767413700", "2026-01-03", "2026-01-03T04:15:00", "yesterday", "2026-01-03T04:15:00Z\n"]
)
def test_a_time_is_rfc_3339(stamp):
    assert refused(headers(Timestamp=stamp)).startswith(TIMESTAMP)


@pytest.mark.parametrize(
    "secrets", [{}, {"k1": NEW}, {"k2": OLD}, {"k2": b""}], ids=["none", "other id", "other", "empty"]
)
def test_without_the_named_secret_no_call_is_accepted(secrets):
    assert "matches no active secret" in refused(headers(), secrets=secrets)


def test_an_empty_secret_proves_nothing():
    assert "matches no active secret" in refused(headers(b""), secrets={"k2": b""})
    assert "matches no active secret" in refused(headers(b"", "unknown"))


@pytest.mark.parametrize("name", [SIGNATURE, TENANT, KEY_ID, TIMESTAMP, NONCE])
def test_a_missing_header_is_named(name):
    without = headers()
    del without[name]
    assert refused(without).startswith(name)


@pytest.mark.parametrize("nonce", ["", "short", "with space", "new\nline-0001", "é" * 8, "x" * 129])
def test_a_nonce_is_printable_ascii_of_a_stated_length(nonce):
    assert refused(headers(Nonce=nonce)).startswith(NONCE)


@pytest.mark.parametrize("name", ["Tenant", "Key_Id"])
@pytest.mark.parametrize("value", ["", "a b", "a/b", "a\n", "é", "x" * 65])
def test_tenants_and_key_ids_are_plain_names(name, value):
    assert "missing or malformed" in refused(headers(**{name: value}))


@pytest.mark.parametrize(
    "changed",
    [
        {"body": BODY + b" "},
        {"body": b""},
        {"target": "/api/webhooks/rrr"},
        {"target": "/api/webhooks/rrr?v=2"},
        {"method": "PUT"},
    ],
    ids=["body", "no body", "query", "other query", "method"],
)
def test_what_was_signed_cannot_be_altered(changed):
    assert "matches no active secret" in refused(headers(), **changed)


@pytest.mark.parametrize(
    "changed", [{"Nonce": "nonce-0002"}, {"Timestamp": "2026-01-03T04:15:01.000Z"}, {"Key_Id": "k1"}]
)
def test_an_altered_envelope_is_refused(changed):
    assert "matches no active secret" in refused(headers(**changed))


@pytest.mark.parametrize(
    "signature", ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "é" * 64, "sha256=" + "0" * 64, "0" * 64 + "\n"]
)
def test_a_signature_is_64_lower_case_hexadecimal_digits(signature):
    assert refused(headers(Signature=signature)).startswith(SIGNATURE)


anything = st.text(max_size=80) | st.text(string.printable, max_size=80)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(signing.HEADERS), anything), st.binary(max_size=40))
def test_no_header_and_no_body_does_anything_but_be_refused(hostile, body):
    with pytest.raises(BadSignature):
        check(headers(STRANGE) | hostile, body=body)
    with pytest.raises(BadSignature):
        signing.verify_body([OLD, NEW], headers(STRANGE) | hostile, body)


# --- scheme 1 ----------------------------------------------------------------------------------------------


def body_only(secret=NEW, body=BODY):
    return {SIGNATURE: signing.sign_body(secret, body)}


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_scheme_1_covers_the_raw_body_under_either_secret(secret):
    signing.verify_body([OLD, NEW], body_only(secret), BODY)
    assert body_only(secret)[SIGNATURE] == hmac.new(secret, BODY, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("secrets", "given_headers", "body"),
    [
        ([], body_only(), BODY),
        ([OLD], body_only(), BODY),
        ([OLD, NEW], body_only(STRANGE), BODY),
        ([OLD, NEW], body_only(), BODY + b"\n"),
        ([OLD, NEW], {}, BODY),
        ([OLD, NEW], {SIGNATURE: body_only()[SIGNATURE].upper()}, BODY),
    ],
    ids=["no secret", "rotated out", "stranger", "other body", "no signature", "upper case"],
)
def test_scheme_1_refuses_everything_else(secrets, given_headers, body):
    with pytest.raises(BadSignature):
        signing.verify_body(secrets, given_headers, body)


# --- secrets -----------------------------------------------------------------------------------------------


def test_secrets_are_named_by_their_key_ids():
    assert secrets_of([f"k1:{'o' * 32}", f"k2:{'n:' * 16}"]) == {"k1": OLD, "k2": b"n:" * 16}
    assert secrets_of([]) == {}


@pytest.mark.parametrize(
    "words", [["no-colon"], [":" + "x" * 32], ["k1:short"], ["k 1:" + "x" * 32], ["k1:" + "x" * 32] * 2]
)
def test_a_word_that_is_no_secret_is_refused_without_being_repeated(words):
    with pytest.raises(ValueError, match="an RRR webhook secret") as caught:
        secrets_of(words)
    assert "xxxx" not in str(caught.value)
    assert "short" not in str(caught.value)
