"""TipActivated: byte for byte the examples of both projections, canonical bytes, the rules of its build, and
the chain that names damage."""

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.gateway import Proof
from tests.factories import NOW
from tests.tips.calls import ANA, BOB, CAROL
from tips.log import events
from tips.log.events import GENESIS, Balance, BrokenChain, InvalidEvent

GOLDEN = Path(__file__).parent.parent / "golden"
TIP = "507f1f77bcf86cd799439011"


def row(**changes):
    """The row of `tips` that both examples describe."""
    return {
        "_id": TIP,
        "type": "tip",
        "total": 100,
        "net": 75,
        "commission": 25,
        "studio_commission": 10,
        "tipper_id": BOB,
        "tipper_username": "user123",
        "tipper_role": "user",
        "is_anonymous": False,
        "performer_id": ANA,
        "performer_username": "performer456",
        "studio_id": CAROL,
        "conversation_id": "507f191e810c19729de860ed",
        "conversation_type": "private",
        "stream_type": "private",
        "message": "Great performance!",
        "source_ref": f"TIP_{TIP}",
        "created_at": NOW,
    } | changes


def built(tip=None, *, proof=None, now=NOW, **more):
    given_more = {"source": Balance(500, 400), "recipient": Balance(1000, 1075)} | more
    return events.build(tip or row(), proof or Proof("d", "d", "c", NOW), now=now, **given_more)


def golden(name):
    return (GOLDEN / name).read_text(encoding="utf-8")


def pretty(value):
    return json.dumps(value, indent=2) + "\n"


# --- the two examples --------------------------------------------------------------------------------------


def test_the_queues_projection_is_its_example_byte_for_byte():
    payload = built(settlement_id="batch_20260103_001")
    assert pretty(events.as_queue_spec(payload)) == golden("queue_spec.json")


def test_the_ledgers_projection_is_its_example_byte_for_byte():
    posted_at = datetime(2025, 12, 23, 18, tzinfo=UTC)
    proof = Proof("rrr_entry_abc123", "rrr_entry_debit456", "rrr_entry_credit789", posted_at)
    payload = built(row(conversation_id=CAROL, created_at=posted_at), proof=proof)
    assert pretty(events.as_ledger_spec(payload)) == golden("ledger_spec.json")


def test_one_stored_payload_gives_both_projections():
    payload = built()
    both = {**events.as_queue_spec(payload), **events.as_ledger_spec(payload)}
    assert set(payload) - set(both) == {"eventId", "eventName"}
    assert set(both) - set(payload) == {"processed"}


def test_the_processing_flags_are_merged_on_read_and_never_stored():
    payload = built()
    before = copy.deepcopy(payload)
    merged = events.as_queue_spec(
        payload, processed=True, processed_at=NOW + timedelta(seconds=2), error="no device"
    )
    assert (merged["processed"], merged["processedAt"]) == (True, "2026-01-03T04:15:02.000Z")
    assert merged["processingError"] == "no device"
    assert payload == before


def test_what_is_not_known_is_left_out_and_a_single_entrys_refs_are_null():
    bare = row(conversation_id=None, studio_id=None, conversation_type=None, stream_type=None, message=None)
    payload = built(bare, proof=Proof("only", None, None, NOW), source=None, recipient=None)
    ledger = events.as_ledger_spec(payload)
    assert "conversationId" not in ledger
    assert (ledger["ledger"]["ledgerId"], ledger["ledger"]["debitRef"], ledger["ledger"]["creditRef"]) == (
        "only",
        None,
        None,
    )
    queue = events.as_queue_spec(payload)
    assert set(queue["ledger"]) == {"transactionId"}
    assert "studioId" not in queue["recipient"]
    assert queue["context"] == {}


def test_an_anonymous_tipper_has_no_name_in_any_part_of_the_event():
    assert "user123" not in json.dumps(built(row(is_anonymous=True)))
    assert built(row(is_anonymous=True))["tipper"]["username"] == "Anonymous"


def test_every_event_has_its_own_id_and_our_time():
    first, second = built(), built(now=NOW + timedelta(milliseconds=1500))
    assert first["eventId"] != second["eventId"]
    assert second["eventTimestamp"] == "2026-01-03T04:15:01.500Z"


def test_the_envelope_names_its_channel():
    payload = built()
    assert events.envelope(payload) == {
        "channel": "TIP_ACTIVATED_CHANNEL",
        "eventName": "TipActivated",
        "data": payload,
    }


# --- the rules of the build --------------------------------------------------------------------------------


def changed(path, value):
    payload = built()
    *outer, last = path.split(".")
    part = payload
    for name in outer:
        part = part[name]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return payload


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("amount", 99, "amount = totalPrice"),
        ("totalPrice", 101, "amount = totalPrice"),
        ("userId", CAROL, "userId = tipper.userId"),
        ("tipper.userId", CAROL, "userId = tipper.userId"),
        ("performerId", CAROL, "performerId = recipient.performerId"),
        ("recipient.performerId", CAROL, "performerId = recipient.performerId"),
        ("tipId", CAROL, "tipId = idempotencyKey = ledger.transactionId"),
        ("idempotencyKey", CAROL, "tipId = idempotencyKey = ledger.transactionId"),
        ("ledger.transactionId", CAROL, "tipId = idempotencyKey = ledger.transactionId"),
        ("ledger.status", "PENDING", "SETTLED"),
        ("settlement.status", "settled", "SETTLED"),
        ("settlement.settledAt", "2026-01-03T04:15:00.001Z", "settlement.settledAt = ledger.postedAt"),
        ("ledger.postedAt", "2026-01-03T04:15:00.001Z", "settlement.settledAt = ledger.postedAt"),
        ("ledger.debitRef", None, "both refs or none"),
        ("ledger.creditRef", None, "both refs or none"),
        ("eventType", "TipCancelled", "eventType = eventName"),
        ("eventName", ..., "eventType = eventName"),
        ("netPrice", -1, "only change may be negative"),
        ("commission", -1, "only change may be negative"),
        ("studioCommission", -1, "only change may be negative"),
        ("ledger.sourceBalance.after", -1, "only change may be negative"),
        ("ledger.recipientBalance.before", -1, "only change may be negative"),
    ],
)
def test_a_broken_identity_is_refused_and_named(path, value, rule):
    with pytest.raises(InvalidEvent, match=rule):
        events.check(changed(path, value))


@pytest.mark.parametrize("value", [..., None, ""])
@pytest.mark.parametrize(
    "path",
    [
        *(
            "tipId",
            "idempotencyKey",
            "eventId",
            "eventTimestamp",
            "createdAt",
            "userId",
            "performerId",
            "amount",
            "totalPrice",
        ),
        *(
            "tipper.userId",
            "recipient.performerId",
            "ledger.transactionId",
            "ledger.ledgerId",
            "ledger.sourceRef",
        ),
        *("ledger.status", "ledger.postedAt", "settlement.status", "settlement.settledAt"),
    ],
)
def test_a_field_that_a_projection_requires_is_required(path, value):
    with pytest.raises(InvalidEvent, match=f"^{path} is required$"):
        events.check(changed(path, value))


def test_both_sides_of_an_amount_are_positive():
    payload = built() | {"amount": 0, "totalPrice": 0}
    with pytest.raises(InvalidEvent, match="> 0"):
        events.check(payload)


def test_an_event_that_breaks_a_rule_is_never_built():
    with pytest.raises(InvalidEvent):
        built(source=Balance(50, -50))


# --- canonical bytes ---------------------------------------------------------------------------------------

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=5)
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(values)
def test_canonical_bytes_are_what_any_language_gives(value):
    expected = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert events.canonical(value) == expected.encode("utf-8")


def test_the_order_of_keys_does_not_change_the_digest():
    assert events.digest({"a": 1, "b": {"c": 2, "d": 3}}) == events.digest({"b": {"d": 3, "c": 2}, "a": 1})
    assert events.digest({"a": 1}) != events.digest({"a": "1"})


# --- the chain ---------------------------------------------------------------------------------------------


@pytest.fixture
def log():
    """Five rows and the head after them, appended in two batches."""
    tips = [row(_id=f"{number:024x}", source_ref=f"TIP_{number}") for number in range(1, 6)]
    first, digest = events.chain([built(tip) for tip in tips[:2]], sequence=0, previous=GENESIS, now=NOW)
    second, digest = events.chain([built(tip) for tip in tips[2:]], sequence=2, previous=digest, now=NOW)
    return first + second, digest


def broken(rows, head, sequence=5):
    with pytest.raises(BrokenChain) as caught:
        events.verify(rows, head_sequence=sequence, head_digest=head)
    assert str(caught.value).startswith(f"row {caught.value.sequence}: ")
    return caught.value.sequence, str(caught.value).partition(": ")[2]


def test_an_untouched_log_is_verified(log):
    rows, head = log
    assert events.verify(rows, head_sequence=5, head_digest=head) == 5
    assert [found["sequence"] for found in rows] == [1, 2, 3, 4, 5]
    assert rows[0]["previous_hash"] == GENESIS


def test_an_empty_log_is_verified():
    assert events.verify([], head_sequence=0, head_digest=GENESIS) == 0


def test_a_changed_byte_of_a_payload_is_named(log):
    rows, head = log
    rows[2]["payload"]["tipper"]["username"] = "user124"
    assert broken(rows, head) == (3, "its payload was changed")


def test_a_changed_payload_with_its_hash_made_good_is_found_by_the_next_row(log):
    rows, head = log
    rows[2]["payload"]["netPrice"] = 76
    rows[2]["payload_hash"] = events.digest(rows[2]["payload"])
    assert broken(rows, head) == (4, "the row before it, or its previous_hash, was changed")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("_id", "0" * 24),
        ("event_id", "x"),
        ("ledger_id", "x"),
        ("source_ref", "TIP_x"),
        ("posted_at", NOW + timedelta(milliseconds=1)),
        ("created_at", NOW + timedelta(milliseconds=1)),
    ],
)
def test_a_changed_column_is_named(log, column, value):
    rows, head = log
    rows[2][column] = value
    assert broken(rows, head) == (3, "its columns and its payload disagree")


def test_a_changed_hash_is_named(log):
    rows, head = log
    rows[2]["payload_hash"] = "0" * 64
    assert broken(rows, head) == (3, "its payload was changed")


def test_a_changed_link_is_named(log):
    rows, head = log
    rows[2]["previous_hash"] = "0" * 64
    assert broken(rows, head) == (3, "the row before it, or its previous_hash, was changed")


@pytest.mark.parametrize("place", range(4))
def test_a_removed_row_is_named(log, place):
    rows, head = log
    del rows[place]
    assert broken(rows, head) == (place + 1, "is missing")


def test_a_removed_last_row_is_found_by_the_head(log):
    rows, head = log
    assert broken(rows[:-1], head) == (4, "the chain's head says row 5 with another digest")


def test_swapped_rows_are_found(log):
    rows, head = log
    rows[1], rows[2] = rows[2] | {"sequence": 2}, rows[1] | {"sequence": 3}
    assert broken(rows, head)[0] == 2


def test_rows_out_of_order_are_found(log):
    rows, head = log
    rows[1], rows[2] = rows[2], rows[1]
    assert broken(rows, head) == (2, "is missing")


def test_an_added_column_is_found_by_the_next_row(log):
    rows, head = log
    rows[2]["note"] = "x"
    assert broken(rows, head)[0] == 4


@pytest.mark.parametrize(("sequence", "digest"), [(5, "0" * 64), (4, None), (6, None)])
def test_a_changed_head_is_found(log, sequence, digest):
    rows, head = log
    assert broken(rows, digest or head, sequence)[0] == 5


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("payload", None),
        ("payload", ...),
        ("payload", {}),
        ("payload", {"x": b"1"}),
        ("created_at", None),
        ("event_id", ...),
    ],
)
def test_a_row_that_cannot_even_be_read_is_named(log, column, value):
    rows, head = log
    if value is ...:
        del rows[2][column]
    else:
        rows[2][column] = value
    assert broken(rows, head)[0] == 3
