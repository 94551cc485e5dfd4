"""Strict JSON from outside: each rule by its refusal, which names the field and the rule; and nothing else
ever escapes."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground import clock
from ground.json.fields import MAX_AMOUNT, Fields, Malformed, read


def refusal(work, *words, **more):
    with pytest.raises(Malformed) as caught:
        work(*words, **more)
    assert str(caught.value) == f"{caught.value.field}: {caught.value.rule}"
    return caught.value.field, caught.value.rule


def fields(**values):
    return read(json.dumps(values).encode())


TOO_DEEP = "must not be nested deeper than 32"

# --- the body ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "must be JSON"),
        (b"{", "must be JSON"),
        (b"{'a':1}", "must be JSON"),
        (b'{"a":1}x', "must be JSON"),
        (b'{"a":1,}', "must be JSON"),
        (b'{"a":+1}', "must be JSON"),
        (b'{"a":"\x01"}', "must be JSON"),
        (b'\xef\xbb\xbf{"a":1}', "must be JSON without a byte order mark before it"),
        (b'{"a":' + b"9" * 5000 + b"}", "must be JSON"),
        (b"[" * 30_000, TOO_DEEP),
        (b'{"a":' * 10_000, TOO_DEEP),
        (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", TOO_DEEP),
        (b'{"a":' * 975 + b"1" + b"}" * 975, TOO_DEEP),
        (b'{"a":"\\\\","b":' * 33 + b"1" + b"}" * 33, TOO_DEEP),
        (b'{"a":"' + b'\\"' * 30_000 + b"[" * 40, "must be JSON"),
        (b'{"a":"\xff"}', "must be UTF-8"),
        ('{"a":1}'.encode("utf-16"), "must be UTF-8"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"a"', "must be a JSON object"),
        (b"1", "must be a JSON object"),
        (b'{"a":NaN}', "must not contain NaN"),
        (b'{"a":Infinity}', "must not contain Infinity"),
        (b'{"a":[-Infinity]}', "must not contain -Infinity"),
        (b'{"a":1,"a":1}', "must not repeat a key of one object"),
        (b'{"a":{"b":1,"b":2}}', "must not repeat a key of one object"),
        (b'{"a":1,"\\u0061":2}', "must not repeat a key of one object"),
    ],
)
def test_a_body_that_is_not_one_json_object_is_refused(body, rule):
    assert refusal(read, body) == ("body", rule)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 31 + b"{}" + b"}" * 31,
        b'{"a":' + b"[" * 31 + b"]" * 31 + b"}",
        b'{"a":[' + b",".join([b"[{}]"] * 500) + b"]}",
        b'{"a":"' + b"[" * 500 + b'"}',
        b'{"a":"' + b'\\"[{' * 500 + b'"}',
    ],
    ids=["objects", "lists", "many beside each other", "in a text", "in a text with quotes"],
)
def test_what_is_nested_no_deeper_than_the_limit_is_read(body):
    assert read(body).whole == json.loads(body)


def test_what_is_refused_for_its_depth_does_not_depend_on_the_stack():
    """The process that reads it later stands elsewhere on its stack."""
    deep = b'{"a":' * 33 + b"1" + b"}" * 33

    def below(frames):
        return refusal(read, deep) if frames == 0 else below(frames - 1)

    assert below(0) == below(800) == ("body", TOO_DEEP)


def test_a_nested_field_is_named_by_its_path():
    assert refusal(fields(tipper={"userId": 5}).object("tipper").hex_id, "userId") == (
        "tipper.userId",
        "must be a string",
    )
    assert refusal(fields(a={"b": {}}).object("a").object("b").amount, "c") == ("a.b.c", "is required")


@pytest.mark.parametrize("value", [[], "x", 1, True])
def test_an_object_is_an_object(value):
    assert refusal(fields(a=value).object, "a") == ("a", "must be an object")
    assert refusal(fields(a=value).object_or_empty, "a") == ("a", "must be an object")


def test_an_absent_optional_object_is_empty_and_still_names_its_path():
    assert refusal(fields().object_or_empty("context").text, "message", maximum=5)[0] == "context.message"


# --- numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("written", "value"), [("100.0", 100), ("1e2", 100), ("1.00", 1), ("12.5E+1", 125)])
def test_a_whole_number_may_be_written_as_a_fraction(written, value):
    read_as = read(f'{{"n":{written}}}'.encode()).amount("n")
    assert (read_as, type(read_as)) == (value, int)


@pytest.mark.parametrize("written", ["9007199254740991.4", "1.0000000000000000001", "0.9999999999999999999"])
def test_a_fraction_is_never_rounded_to_a_whole_number(written):
    assert refusal(read(f'{{"n":{written}}}'.encode()).amount, "n")[0] == "n"


@pytest.mark.parametrize(
    "written", ["1.5", '"1"', "true", "false", "[1]", "{}", "1e400", "1e99999999999999999999"]
)
def test_an_amount_is_a_whole_number(written):
    assert refusal(read(f'{{"n":{written}}}'.encode()).amount, "n") == ("n", "must be a whole number")


@pytest.mark.parametrize("value", [0, -1, -(2**63), MAX_AMOUNT + 1, 10**30])
def test_an_amount_is_positive_and_held_exactly_by_every_reader(value):
    assert refusal(fields(n=value).amount, "n") == ("n", f"must be between 1 and {2**53 - 1}")


@pytest.mark.parametrize("value", [1, MAX_AMOUNT])
def test_the_smallest_and_the_largest_amount_pass(value):
    assert fields(n=value).amount("n") == value


def test_a_default_stands_for_an_absent_or_null_number_and_for_no_other():
    for absent in (fields(), fields(n=None)):
        assert absent.integer("n", minimum=0, maximum=9, default=7) == 7
    assert refusal(fields(n="").integer, "n", minimum=0, maximum=9, default=7) == (
        "n",
        "must be a whole number",
    )


# --- texts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1, True, [], {}])
def test_a_text_is_a_string(value):
    assert refusal(fields(t=value).text, "t", maximum=9) == ("t", "must be a string")


def test_a_text_has_a_length():
    assert fields(t="é" * 9).text("t", maximum=9) == "é" * 9
    assert refusal(fields(t="é" * 10).text, "t", maximum=9) == ("t", "must be at most 9 characters")


@pytest.mark.parametrize("written", [r"\u0000", r"a\u0000b", r"\ud800", r"\udfff x", r"\udc00\ud800"])
def test_a_text_holds_neither_nul_nor_half_a_character(written):
    body = f'{{"t":"{written}"}}'.encode()
    assert refusal(read(body).text, "t", maximum=40) == ("t", "must be text without NUL or lone surrogates")


def test_a_character_written_as_a_pair_is_whole():
    assert read(rb'{"t":"\ud83d\ude00\n"}').text("t", maximum=9) == "😀\n"


def test_optional_texts():
    assert fields().optional_text("t", maximum=5) is None
    assert fields(t=None).text_or("t", "x", maximum=5) == "x"
    assert fields(t="").text_or("t", "x", maximum=5) == ""


def test_a_choice_names_what_is_allowed():
    assert fields().choice("c", ("a", "b"), "a") == "a"
    assert refusal(fields(c="B").choice, "c", ("a", "b"), "a") == ("c", "must be one of a, b")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "507f1f77bcf86cd79943901",
        "507F1F77BCF86CD799439011",
        "507f1f77bcf86cd79943901g",
        "５07f1f77bcf86cd799439011",
    ],
)
def test_an_id_is_24_lower_case_hex_digits(value):
    assert refusal(fields(i=value).hex_id, "i") == ("i", "must be 24 lower-case hexadecimal digits")


@pytest.mark.parametrize("value", ["507f1f77bcf86cd799439011\n", "507f1f77bcf86cd7994390111"])
def test_an_id_has_no_tail(value):
    assert refusal(fields(i=value).hex_id, "i") == ("i", "must be at most 24 characters")


@pytest.mark.parametrize("value", ["", "a b", "a:b", "a/b", "é", "a\n", "$a;"])
def test_a_reference_has_few_characters(value):
    assert refusal(fields(r=value).reference, "r") == (
        "r",
        "must be 1 to 120 letters, digits, '_', '-' or '.'",
    )


def test_a_reference_has_a_default_and_a_length():
    assert fields().reference("r", "TIP_1") == "TIP_1"
    assert fields(r="a" * 120).reference("r") == "a" * 120
    assert refusal(fields(r="a" * 121).reference, "r") == ("r", "must be at most 120 characters")


# --- flags and times ---------------------------------------------------------------------------------------


def test_a_flag_is_true_false_or_absent():
    assert [fields(f=value).flag("f") for value in (True, False, None)] == [True, False, False]


@pytest.mark.parametrize("value", [0, 1, "true", [], {}])
def test_a_flag_is_nothing_else(value):
    assert refusal(fields(f=value).flag, "f") == ("f", "must be true or false")


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-03",
        "2026-01-03T04:15:00",
        "2026-01-03 04:15:00Z",
        "２026-01-03T04:15:00Z",
        "now",
        "",
    ],
)
def test_a_time_names_one_moment(value):
    assert refusal(fields(t=value).moment, "t") == (
        "t",
        "must be an ISO 8601 time with its offset, as 2026-01-03T04:15:00Z",
    )


@pytest.mark.parametrize(
    "value",
    [
        "2026-13-03T04:15:00Z",
        "2026-02-30T04:15:00Z",
        "2026-01-03T24:15:00Z",
        "2026-01-03T04:15:60Z",
        "2026-01-03T04:15:00+25:00",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_a_time_is_one_of_the_calendar(value):
    assert refusal(fields(t=value).moment, "t") == ("t", "must be a moment that the calendar has")


def test_a_time_keeps_its_milliseconds_and_loses_its_offset(now):
    assert fields(t="2026-01-03T05:15:00.0009+01:00").moment("t") == now


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("0001-01-01T00:00:00Z", "must not be before 1970-01-01T00:00:00Z"),
        ("1969-12-31T23:59:59.999Z", "must not be before 1970-01-01T00:00:00Z"),
        ("1970-01-01T00:00:00+00:01", "must not be before 1970-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999Z", "must be at most a day from now"),
    ],
)
def test_a_time_is_of_our_days(value, rule):
    assert refusal(fields(t=value).moment, "t") == ("t", rule)


def test_where_leaving_out_means_something_null_is_refused():
    given_ones = fields(name="", count=0, nothing=None)
    assert [given_ones.given(name) for name in ("name", "count", "other")] == [True, True, False]
    assert refusal(given_ones.given, "nothing") == ("nothing", "must not be null")
    inner = fields(part={"nothing": None}).object("part")
    assert refusal(inner.given, "nothing") == ("part.nothing", "must not be null")


def test_a_time_may_be_ahead_of_our_clock_by_so_much():
    day = timedelta(days=1)
    near, far = (clock.iso(clock.now() + day + timedelta(minutes=m)) for m in (-1, 1))
    assert fields(t=near).moment("t") == clock.parse(near)
    assert refusal(fields(t=far).moment, "t") == ("t", "must be at most a day from now")
    assert fields(t=far).moment("t", ahead=9 * day) == clock.parse(far)
    assert fields(t="1970-01-01T00:00:00Z").moment("t") == clock.EARLIEST


# --- anything at all ---------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
READERS = (
    lambda found: found.object("x"),
    lambda found: found.object_or_empty("x"),
    lambda found: found.amount("x"),
    lambda found: found.text("x", maximum=30),
    lambda found: found.optional_hex_id("x"),
    lambda found: found.reference("x"),
    lambda found: found.choice("x", ("a",), "a"),
    lambda found: found.flag("x"),
    lambda found: found.moment("x"),
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_fields_or_malformed(body):
    try:
        found = read(body)
    except Malformed:
        return
    assert isinstance(found, Fields)


@settings(max_examples=300, deadline=None)
@given(json_values, st.sampled_from(READERS))
def test_any_value_is_read_or_malformed_with_its_field_named(value, reader):
    try:
        found = read(json.dumps({"x": value}, allow_nan=True).encode())
        reader(found)
    except Malformed as refused:
        named = refused.field
    else:
        named = "x"
    assert named in ("x", "body")
