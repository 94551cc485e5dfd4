"""Standard Webhooks signatures: what is proven, and that everything else is refused with a reason and never
with a crash."""

import base64
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.inbox.signing import MAX_SIGNATURES, BadSignature, Signed, key_of, sign, verify

OLD, NEW, STRANGE = ("whsec_" + base64.b64encode(letter * 24).decode() for letter in (b"o", b"n", b"s"))
AT = 1_767_413_700
BODY = b'{"type":"tip.succeeded"}'


def headers(secret=NEW, *, message_id="msg_1", at=AT, body=BODY, **replaced):
    signed = {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": sign(secret, message_id, at, body),
    }
    return signed | {name.replace("_", "-"): value for name, value in replaced.items()}


def check(given_headers, *, body=BODY, secrets=(NEW,), now=AT, tolerance=300):
    return verify([key_of(secret) for secret in secrets], given_headers, body, now=now, tolerance=tolerance)


def refused(given_headers, **more):
    with pytest.raises(BadSignature) as caught:
        check(given_headers, **more)
    return str(caught.value)


# --- what is proven ----------------------------------------------------------------------------------------


def test_a_good_call_tells_its_id_and_its_time():
    assert check(headers()) == Signed("msg_1", AT)


def test_the_published_example_of_the_standard_has_our_signature():
    signature = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_may_lack_its_prefix():
    assert sign(NEW.removeprefix("whsec_"), "msg_1", AT, BODY) == sign(NEW, "msg_1", AT, BODY)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_during_rotation_either_secret_proves_a_call(secret):
    assert check(headers(secret), secrets=(NEW, OLD)) == Signed("msg_1", AT)


def test_after_rotation_the_old_secret_proves_nothing():
    assert "matches no active secret" in refused(headers(OLD))


def test_one_good_signature_among_several_is_enough():
    good = sign(NEW, "msg_1", AT, BODY)
    several = " ".join(["v1a,AAAA", "v2," + good[3:], sign(STRANGE, "msg_1", AT, BODY), "nonsense", good])
    assert check(headers(webhook_signature=several)) == Signed("msg_1", AT)


@pytest.mark.parametrize("between", [" ", ",", ", ", "  ", " ,  ".strip() + " "])
@pytest.mark.parametrize("good_is", ["first", "last"])
def test_a_header_that_came_in_several_lines_counts_as_a_whole(between, good_is):
    lines = [sign(NEW, "msg_1", AT, BODY), sign(STRANGE, "msg_1", AT, BODY)]
    joined = between.join(lines if good_is == "first" else reversed(lines))
    assert check(headers(webhook_signature=joined)) == Signed("msg_1", AT)


def test_ten_signatures_are_compared_and_eleven_are_refused():
    good, wrong = sign(NEW, "msg_1", AT, BODY), sign(STRANGE, "msg_1", AT, BODY)
    ten = " ".join([wrong] * (MAX_SIGNATURES - 1) + [good])
    assert check(headers(webhook_signature=ten))
    assert "too many" in refused(headers(webhook_signature=f"{wrong} {ten}"))


@pytest.mark.parametrize("seconds", [-300, 300])
def test_the_window_includes_its_edges(seconds):
    assert check(headers(), now=AT + seconds)


# --- what is refused ---------------------------------------------------------------------------------------


def test_without_a_secret_no_call_is_accepted():
    assert "matches no active secret" in refused(headers(), secrets=())


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(name):
    without = headers()
    del without[name]
    assert refused(without).startswith(name)


@pytest.mark.parametrize(("seconds", "kind"), [(301, "old"), (-301, "future"), (10**9, "ancient")])
def test_a_time_outside_the_window_is_refused(seconds, kind):
    assert "outside the tolerated window" in refused(headers(), now=AT + seconds)


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "now",
        "123.9",
        "-1",
        "+1767413700",
        " 1767413700",
        "1767413700 ",
        "1e9",
        "0x1",
        "١٧٦٧٤١٣٧٠٠",
        "9" * 13,
        "1_0",
    ],
)
def test_a_time_is_whole_seconds_in_ascii_digits(stamp):
    assert "must be whole seconds" in refused(headers(webhook_timestamp=stamp))


@pytest.mark.parametrize("message_id", ["", " ", "a b", "a\n", "é", "\x00", "a" * 256])
def test_an_id_is_printable_ascii_of_a_stated_length(message_id):
    assert "webhook-id is missing or malformed" in refused(headers(webhook_id=message_id))


@pytest.mark.parametrize(
    "changed",
    [{"webhook_id": "msg_2"}, {"webhook_timestamp": str(AT + 1)}, {"webhook_timestamp": f"0{AT}"}],
    ids=["id", "timestamp", "leading zero"],
)
def test_an_altered_envelope_is_refused(changed):
    assert "matches no active secret" in refused(headers(**changed))


@pytest.mark.parametrize("body", [BODY + b" ", BODY[:-1], b"", BODY.replace(b"tip", b"Tip")])
def test_an_altered_body_is_refused(body):
    assert "matches no active secret" in refused(headers(), body=body)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v1",
        "v1,",
        "v1,AAAA",  # too short
        "v1," + "A" * 88,  # too long
        "v1,é",
        "v1,\ud800",
        "v1,====",
        "v1,not base64!",
        sign(NEW, "msg_1", AT, BODY)[3:],  # no version
        sign(NEW, "msg_1", AT, BODY).replace("v1,", "v2,"),
        sign(NEW, "msg_1", AT, BODY) + "\n",
        sign(STRANGE, "msg_1", AT, BODY),
    ],
)
def test_a_signature_that_is_not_one_of_ours_is_refused(signature):
    assert "matches no active secret" in refused(headers(webhook_signature=signature))


anything = st.text(max_size=80) | st.text(string.printable, max_size=80)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), anything),
    st.binary(max_size=60),
)
def test_no_header_and_no_body_does_anything_but_be_refused(hostile, body):
    with pytest.raises(BadSignature):
        check(headers(STRANGE) | hostile, body=body)


# --- secrets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_!!", "whsec_é", "whsec_c2hvcnQ=", "whsec_" + base64.b64encode(b"x" * 65).decode()],
)
def test_a_secret_that_is_not_one_is_refused(secret):
    with pytest.raises(ValueError, match="a webhook secret"):
        key_of(secret)
