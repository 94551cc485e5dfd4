"""Times: one form at the wire, one precision in the database."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground import clock

MOMENT = datetime(2026, 1, 3, 4, 15, 0, 120_000, tzinfo=UTC)


def test_now_is_utc_in_milliseconds():
    now = clock.now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=5)


def test_a_time_is_written_in_utc_with_milliseconds():
    assert clock.iso(MOMENT) == "2026-01-03T04:15:00.120Z"
    assert clock.iso(MOMENT.astimezone(timezone(timedelta(hours=2)))) == "2026-01-03T04:15:00.120Z"
    assert clock.iso(datetime(99, 1, 1, tzinfo=UTC)) == "0099-01-01T00:00:00.000Z"


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        clock.iso(MOMENT.replace(tzinfo=None))


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-03T04:15:00.12Z",
        "2026-01-03T04:15:00.120Z",
        "2026-01-03T04:15:00.120999Z",
        "2026-01-03T04:15:00.1203456Z",
        "2026-01-03T04:15:00.120456789Z",
        "2026-01-03T05:15:00.12099999999999999999999+01:00",
        "2026-01-03T06:15:00.120+02:00",
        "2026-01-02T23:15:00.120-05:00",
    ],
)
def test_one_moment_has_many_forms(written):
    assert clock.parse(written) == MOMENT
    assert clock.parse(written).tzinfo is UTC


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "now",
        "2026-01-03",
        "2026-01-03T04:15Z",
        "2026-01-03T04:15:00",
        "2026-01-03 04:15:00Z",
        "2026-01-03T04:15:00.Z",
        "2026-01-03T04:15:00,1Z",
        "2026-01-03T04:15:00z",
        "2026-01-03T04:15:00+0200",
        "2026-W01-3T04:15:00Z",
        "20260103T041500Z",
        "2026-02-30T04:15:00Z",
        "2026-01-03T24:15:00Z",
        "2026-01-03T04:15:60Z",
        "2026-01-03T04:15:00+25:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+02:00",
        "9999-12-31T23:59:59-02:00",
        "\u0662026-01-03T04:15:00Z",
        "2026-01-03T04:15:00Z\n",
        None,
        1_767_413_700,
        MOMENT,
    ],
)
def test_anything_else_is_a_value_error(wrong):
    with pytest.raises(ValueError, match=r"."):
        clock.parse(wrong)


@given(st.datetimes(timezones=st.just(UTC)))
def test_writing_and_reading_keeps_the_millisecond(moment):
    assert clock.parse(clock.iso(moment)) == clock.truncated(moment)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text):
    with contextlib.suppress(ValueError):
        assert clock.parse(text).tzinfo is UTC


def test_sums_stay_inside_the_calendar():
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    day = timedelta(days=1)
    assert clock.before(first, day) == clock.EARLIEST
    assert clock.after(last, day) == clock.LATEST
    now = datetime(2026, 1, 3, tzinfo=UTC)
    assert (clock.before(now, day), clock.after(now, day)) == (now - day, now + day)
