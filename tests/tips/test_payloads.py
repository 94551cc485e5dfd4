"""What a platform may say about a tip: every field's rule by its refusal, and what makes two deliveries
equal."""

import json
from datetime import UTC, datetime

import pytest

from ground.json.fields import Malformed
from tests.tips.calls import ANA, AT, BOB, CAROL, body, purchase, tip, tip_id
from tips.intake import payloads
from tips.intake.payloads import TipOrder
from tips.intake.purchases import Purchase

COMPLETE = {
    "tipId": "507f1f77bcf86cd799439011",
    "sourceRef": "TIP_507f1f77bcf86cd799439011",
    "totalPrice": 100,
    "commission": 25,
    "studioCommission": 10,
    "tipper": {"userId": BOB, "username": "user123", "role": "user"},
    "recipient": {"performerId": ANA, "username": "performer456", "studioId": CAROL},
    "conversationId": "507f191e810c19729de860ed",
    "context": {
        "conversationType": "private",
        "streamType": "private",
        "customMessage": "Great performance!",
    },
    "isAnonymous": False,
    "createdAt": AT,
}


def parsed(data, kind="tip.succeeded"):
    return payloads.parse(body(kind, data))


def order(**changes):
    return parsed(tip(**changes)).order


def refusal(data, kind="tip.succeeded"):
    with pytest.raises(Malformed) as caught:
        parsed(data, kind)
    return caught.value.field, caught.value.rule


# --- what passes -------------------------------------------------------------------------------------------


def test_the_specifications_example_is_read_whole():
    assert parsed(COMPLETE).order == TipOrder(
        tip_id="507f1f77bcf86cd799439011",
        source_ref="TIP_507f1f77bcf86cd799439011",
        total=100,
        commission=25,
        studio_commission=10,
        tipper_id=BOB,
        tipper_username="user123",
        tipper_role="user",
        is_anonymous=False,
        performer_id=ANA,
        performer_username="performer456",
        studio_id=CAROL,
        conversation_id="507f191e810c19729de860ed",
        conversation_type="private",
        stream_type="private",
        message="Great performance!",
        happened_at=datetime(2026, 1, 3, 4, 15, tzinfo=UTC),
    )


def test_what_is_optional_has_its_default():
    data = tip() | {"tipper": {"userId": BOB}, "recipient": {"performerId": ANA}}
    read = parsed(data).order
    assert (read.source_ref, read.commission, read.studio_commission) == (f"TIP_{tip_id(1)}", None, 0)
    assert (read.tipper_username, read.tipper_role, read.performer_username, read.is_anonymous) == (
        "",
        "user",
        "",
        False,
    )
    assert {read.studio_id, read.conversation_id, read.conversation_type, read.stream_type, read.message} == {
        None
    }


def test_null_is_the_same_as_absent():
    nulls = dict.fromkeys(["sourceRef", "commission", "conversationId", "context", "isAnonymous"])
    assert (
        payloads.parse(body("tip.succeeded", COMPLETE | nulls)).order
        == parsed({name: value for name, value in COMPLETE.items() if name not in nulls}).order
    )


def test_unknown_fields_are_ignored_at_every_level():
    noisy = COMPLETE | {
        "x": [1, {"y": None}],
        "tipper": COMPLETE["tipper"] | {"ip": "::1"},
        "context": COMPLETE["context"] | {"z": 1},
    }
    content = json.dumps({"type": "tip.succeeded", "timestamp": AT, "data": noisy, "version": 9}).encode()
    assert payloads.parse(content) == parsed(COMPLETE)


@pytest.mark.parametrize("kind", ["tip.succeeded", "tip.cancelled", "tip.failed"])
def test_the_three_tip_events_share_their_shape(kind):
    message = parsed(COMPLETE, kind)
    assert (message.event_type, message.business_key) == (kind, COMPLETE["tipId"])
    assert message.answer == {"received": True, "tipId": COMPLETE["tipId"]}


def test_a_purchase():
    message = parsed(purchase(7, 500), "tokens.purchased")
    assert message.order == Purchase("p7", BOB, 500, datetime(2026, 1, 3, 4, 15, tzinfo=UTC))
    assert message.answer == {"received": True, "purchaseId": "p7"}


def test_an_unknown_type_is_no_order_and_its_data_is_not_read():
    message = payloads.parse(b'{"type":"survey.sent","data":7}')
    assert (message.order, message.business_key, message.answer) == (None, "", {"received": True})


# --- what is refused ---------------------------------------------------------------------------------------

NUMBER, TEXT, REQUIRED = "must be a whole number", "must be a string", "is required"
HEX = "must be 24 lower-case hexadecimal digits"
REFERENCE = "must be 1 to 120 letters, digits, '_', '-' or '.'"
RULES = [
    ("tipId", None, REQUIRED),
    ("tipId", 5, TEXT),
    ("tipId", "507F1F77BCF86CD799439011", HEX),
    ("sourceRef", "", REFERENCE),
    ("sourceRef", "a b", REFERENCE),
    ("sourceRef", "a:b", REFERENCE),
    ("totalPrice", None, REQUIRED),
    ("totalPrice", 0, f"must be between 1 and {2**53 - 1}"),
    ("totalPrice", -100, f"must be between 1 and {2**53 - 1}"),
    ("totalPrice", 2**53, f"must be between 1 and {2**53 - 1}"),
    ("totalPrice", 99.5, NUMBER),
    ("totalPrice", 100.5, NUMBER),
    ("totalPrice", "100", NUMBER),
    ("totalPrice", True, NUMBER),
    ("commission", 101, "must be between 0 and 100"),
    ("commission", -1, "must be between 0 and 100"),
    ("commission", 25.5, NUMBER),
    ("studioCommission", 101, "must be between 0 and 100"),
    ("tipper", None, REQUIRED),
    ("tipper", [], "must be an object"),
    ("tipper.userId", None, REQUIRED),
    ("tipper.userId", "bob", HEX),
    ("tipper.role", "admin", "must be one of user, performer"),
    ("recipient", None, REQUIRED),
    ("recipient.performerId", None, REQUIRED),
    ("recipient.performerId", "", HEX),
    ("recipient.username", 5, TEXT),
    ("recipient.studioId", "x", HEX),
    ("conversationId", "x", HEX),
    ("context", "private", "must be an object"),
    ("context.streamType", "secret", "must be one of public, group, private"),
    ("isAnonymous", "yes", "must be true or false"),
    ("isAnonymous", 1, "must be true or false"),
    ("createdAt", None, REQUIRED),
    ("createdAt", "yesterday", "must be an ISO 8601 time with its offset, as 2026-01-03T04:15:00Z"),
    ("createdAt", 1767413700, TEXT),
]


@pytest.mark.parametrize(
    ("path", "value", "rule"), RULES, ids=[f"{path}={str(value)[:20]!r}" for path, value, _ in RULES]
)
def test_a_broken_field_is_named_with_its_rule(path, value, rule):
    outer, _, inner = path.partition(".")
    broken = {inner: value} if inner else value
    data = COMPLETE | {outer: COMPLETE[outer] | broken if inner else broken}
    assert refusal(data) == (f"data.{path}", rule)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("purchaseId", None, REQUIRED),
        ("purchaseId", "a/b", REFERENCE),
        ("userId", "bob", HEX),
        ("tokens", 0, f"must be between 1 and {2**53 - 1}"),
        ("tokens", 1.5, NUMBER),
        ("createdAt", "", "must be an ISO 8601 time with its offset, as 2026-01-03T04:15:00Z"),
    ],
)
def test_a_purchases_broken_field_is_named_with_its_rule(field, value, rule):
    assert refusal(purchase() | {field: value}, "tokens.purchased") == (f"data.{field}", rule)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"{}", "type"),
        (b'{"type":5}', "type"),
        (b'{"type":"' + b"x" * 41 + b'"}', "type"),
        (b'{"type":"tip.succeeded"}', "timestamp"),
        (b'{"type":"tip.succeeded","timestamp":"x"}', "timestamp"),
        (b'{"type":"tip.succeeded","timestamp":"2026-01-03T04:15:00Z"}', "data"),
        (b'{"type":"tip.succeeded","timestamp":"2026-01-03T04:15:00Z","data":[]}', "data"),
    ],
)
def test_the_envelope_has_rules_too(content, field):
    with pytest.raises(Malformed) as caught:
        payloads.parse(content)
    assert caught.value.field == field


# --- what makes two deliveries equal -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"totalPrice": 101},
        {"commission": 24},
        {"commission": None},
        {"studioCommission": 11},
        {"sourceRef": "TIP_x"},
        {"tipper": COMPLETE["tipper"] | {"userId": CAROL}},
        {"recipient": COMPLETE["recipient"] | {"performerId": CAROL}},
    ],
)
def test_another_amount_party_or_reference_is_other_content(changed):
    assert parsed(COMPLETE | changed).fingerprint != parsed(COMPLETE).fingerprint


@pytest.mark.parametrize(
    "changed", [{"createdAt": "2025-01-01T00:00:00Z"}, {"context": None}, {"conversationId": None}]
)
def test_words_and_times_are_not_content(changed):
    assert parsed(COMPLETE | changed).fingerprint == parsed(COMPLETE).fingerprint


def test_no_setting_is_part_of_what_was_sent(settings):
    before = parsed(tip()).fingerprint
    settings.TIP_DEFAULT_COMMISSION = 30
    assert parsed(tip()).fingerprint == before


def test_the_same_tip_in_two_events_is_two_contents():
    assert parsed(COMPLETE, "tip.failed").fingerprint != parsed(COMPLETE).fingerprint


# --- references that are derived here ----------------------------------------------------------------------


@pytest.mark.parametrize("end", ["_COMMISSION", "_REVERSAL"])
@pytest.mark.parametrize("start", ["", f"TIP_{CAROL}", "x"])
def test_a_reference_that_is_derived_here_is_given_by_nobody(start, end):
    with pytest.raises(Malformed) as refused:
        parsed(tip(sourceRef=f"{start}{end}"))
    assert refused.value.field == "data.sourceRef"
    assert end in refused.value.rule
    bought = {"purchaseId": f"{start}{end}", "userId": CAROL, "tokens": 5, "createdAt": tip()["createdAt"]}
    with pytest.raises(Malformed) as refused:
        parsed(bought, "tokens.purchased")
    assert refused.value.field == "data.purchaseId"


@pytest.mark.parametrize("ref", ["X_COMMISSIONS", "COMMISSION", "x_commission", "A_REVERSAL_B"])
def test_others_are_references_like_any(ref):
    assert parsed(tip(sourceRef=ref)).order.source_ref == ref


def test_money_is_not_refused_for_its_decoration():
    words = {"customMessage": "m" * 501 + "\x00", "conversationType": "c" * 41}
    people = {
        "tipper": {"userId": CAROL, "username": "n" * 65},
        "recipient": {"performerId": CAROL, "username": "\u200b"},
    }
    read = parsed(tip() | people | {"context": words}).order
    assert (read.tipper_username, read.performer_username) == ("n" * 64, "")
    assert (read.message, read.conversation_type) == ("m" * 500, "c" * 40)
