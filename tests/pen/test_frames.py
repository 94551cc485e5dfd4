"""What web processes say to each other comes out as it went in, and only where it was meant to."""

import pytest

from config.peers import frames
from lovense.sending.acknowledgement import Ack
from tests.pen.conftest import call_of, purchase, tip
from tips.intake import payloads

TO = "pen:web-0/0123abcd"
FRAME = {"from": ["web-1/4567cdef", 7], "here": [1]}


def there(frame, to=TO):
    return frames.opened(to, frames.sealed(to, frame))


@pytest.mark.parametrize("body", [lambda bob: tip("a" * 24, bob)[1], purchase], ids=["tip", "purchase"])
def test_a_call_and_its_order_arrive_as_they_were(bob, body):
    sent = body(bob)
    call, order = call_of(sent), payloads.parse(sent).order
    assert order is not None
    packed = there({"calls": [[1, frames.packed_call(call, order)]]})["calls"][0][1]
    assert frames.call(packed) == (call, order)


def test_a_call_that_orders_nothing_arrives_as_it_was():
    body = b'{"type":"stream.started","timestamp":"2026-01-03T04:15:00Z","data":{}}'
    call = call_of(body)
    assert call.is_ignored
    assert frames.call(there({"calls": [frames.packed_call(call, None)]})["calls"][0]) == (call, None)


@pytest.mark.parametrize("seconds", [None, 0, 9, 9.75])
def test_an_end_arrives_as_it_was(now, seconds):
    at = now.replace(microsecond=123_457)
    said = Ack("a" * 24, "tip.all", 2, "finished", at, seconds, "code", is_answer=True)
    heard = frames.ack(there({"acks": [frames.packed_ack(said)]})["acks"][0])
    assert heard == said
    assert type(heard.delivered_seconds) is type(seconds)


def test_what_was_said_to_another_process_is_not_for_us():
    assert there(FRAME) == FRAME
    assert frames.opened("pen:web-1/4567cdef", frames.sealed(TO, FRAME)) is None


def test_whatever_is_changed_on_its_way_is_refused():
    sealed = frames.sealed(TO, FRAME)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        assert frames.opened(TO, bytes(changed)) is None


@pytest.mark.parametrize("data", [b"", b"1", b"\x00" * 32, b"\xc1" * 100])
def test_what_nobody_has_proven_is_refused_unread(data):
    assert frames.opened(TO, data) is None


def test_what_was_proven_under_another_key_is_refused(settings):
    sealed = frames.sealed(TO, FRAME)
    settings.SECRET_KEY = "another-secret-key-of-another-deployment"
    assert frames.opened(TO, sealed) is None


def test_more_than_anybody_says_is_refused_before_it_is_read(monkeypatch):
    sealed = frames.sealed(TO, FRAME)
    monkeypatch.setattr(frames, "MOST_BYTES", len(sealed) - 1)
    assert frames.opened(TO, sealed) is None
