"""A log line holds an event name and allowed fields. Whatever else code passes, it does not get out."""

import json
import logging
import sys

import pytest

from config.logging import AllowListFormatter, configure, event_name, trace_id

SECRET = "ana@example.org 203.0.113.9 whsec_c2VjcmV0 9999"
TIP = "507f1f77bcf86cd799439011"


def line(message, *args, extra=None, error=None):
    record = logging.getLogger("tips.settlement.settlement").makeRecord(
        "tips.settlement.settlement",
        logging.INFO,
        "settlement.py",
        7,
        message,
        args,
        error,
        func="drain",
        extra=extra,
    )
    return json.loads(AllowListFormatter().format(record))


def test_an_event_with_allowed_fields():
    fields = {
        "tip_id": TIP,
        "source_ref": f"TIP_{TIP}",
        "event_id": "e-1",
        "request_id": "r-1",
        "mode": "fifo",
        "error_code": "E1",
    }
    numbers = {"count": 3, "rows_count": 4, "duration_ms": 1.5, "is_repeat": False}
    found = line("tip_settled", extra=fields | numbers)
    assert found.pop("time").endswith("Z")
    assert (
        found
        == {"level": "info", "event": "tip_settled", "logger": "tips.settlement.settlement"}
        | fields
        | numbers
    )


@pytest.mark.parametrize(
    "name",
    [
        "username",
        "email",
        "ip",
        "device_id",
        "user_id",
        "amount",
        "balance",
        "token",
        "secret",
        "body",
        "payload",
        "count_of",
        "tips",
        "url",
    ],
)
@pytest.mark.parametrize("value", [SECRET, 150, None, {"a": 1}, [1], 1.5, b"x"])
def test_any_other_field_is_left_out(name, value):
    assert name not in line("tip_settled", extra={name: value})


@pytest.mark.parametrize(
    "extra",
    [
        {"tip_id": SECRET},
        {"tip_id": 7},
        {"source_ref": "a" * 201},
        {"request_id": "a\nb"},
        {"mode": SECRET},
        {"error_code": "two words"},
        {"count": SECRET},
        {"count": True},
        {"duration_ms": "3"},
        {"duration_ms": True},
        {"trace_id": {"a": 1}},
    ],
)
def test_an_allowed_name_does_not_smuggle_another_kind_of_value(extra):
    (name,) = extra
    assert name not in line("tip_settled", extra=extra)


@pytest.mark.parametrize(
    "message",
    [
        f"tip of {SECRET}",
        "Two words",
        "user=ana",
        "%s",
        "a" * 81,
        "",
        "tip_settled\n",
        42,
        ValueError(SECRET),
        {"a": SECRET},
    ],
)
def test_a_sentence_is_only_a_place(message):
    found = line(message)
    assert found["event"] == "text"
    assert found["where"] == "settlement.drain:7"
    assert "ana" not in json.dumps(found)


def test_a_single_word_of_a_library_may_be_a_name_of_somebody():
    record = logging.LogRecord("celery.redirected", logging.WARNING, "log.py", 1, "ana", (), None)
    assert "ana" not in AllowListFormatter().format(record)


def test_arguments_of_a_library_are_left_out():
    assert SECRET not in json.dumps(line("connected to %s", SECRET))
    assert SECRET not in json.dumps(line("connected", SECRET))


def raised():
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as inner:
            raise ValueError(SECRET) from inner
    except ValueError:
        return sys.exc_info()


def test_an_error_is_its_types_and_places_without_words():
    found = line("settlement_failed", error=raised())
    outer, inner = found["error"]
    assert (outer["type"], inner["type"]) == ("builtins.ValueError", "builtins.KeyError")
    assert outer["at"][-1].startswith("tests.config.test_logging.raised:")
    assert SECRET not in json.dumps(found)


def test_a_long_chain_of_errors_is_cut():
    error = ValueError()
    for _ in range(9):
        error, error.__cause__ = ValueError(), error
    assert len(line("x", error=(ValueError, error, None))["error"]) == 4


def test_the_request_is_named_on_every_line():
    token = trace_id.set("req-1")
    try:
        assert line("tip_settled")["trace_id"] == "req-1"
    finally:
        trace_id.reset(token)
    assert "trace_id" not in line("tip_settled")


@pytest.mark.parametrize("floor", ["config", "adminpanel", "lovense", "tips", "ledger", "ground"])
def test_every_floor_gives_its_events_their_names(floor):
    assert event_name(f"{floor}.room.module", "something_happened") == "something_happened"


def test_every_logger_writes_through_the_formatter(capfd):
    before = logging.root.handlers[:], logging.root.level
    try:
        configure({"level": "INFO"})
        logging.getLogger("django.request").error("Internal Server Error: %s", f"/tips/{SECRET}")
        logging.getLogger("django.server").info('"GET /?q=%s HTTP/1.1" 200', SECRET)
        logging.getLogger("lovense.dispatch").warning("dispatch_late", extra={"count": 2})
    finally:
        logging.root.handlers[:], logging.root.level = before
    lines = [json.loads(written) for written in capfd.readouterr().err.splitlines()]
    assert [found["event"] for found in lines] == ["text", "text", "dispatch_late"]
    assert SECRET not in json.dumps(lines)
