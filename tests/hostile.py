"""What nobody well-meaning sends: strategies for bodies and headers, for every door that takes signed
calls."""

import json

from hypothesis import strategies as st

MEGABYTE = 2**20

printable = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=60)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
# Each has brought a parser down somewhere.
NASTY = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"NaN",
    b'{"a":NaN,"b":Infinity}',
    b'{"a":1,"a":2}',
    b'{"type":"\\ud800"}',
    b'{"type":"\\u0000"}',
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    '{"type":"tip.succeeded","été":"☃"}'.encode(),
    b"[" * 60_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"type":' + b"9" * 60_000 + b"}",
    b'{"data":{"totalPrice":1e400}}',
    b'{"data":{"totalPrice":' + b"9" * 4_000 + b"}}",
]


def mutated(good, fields):
    """A good JSON object with a few of its fields replaced by anything."""
    changes = st.dictionaries(st.sampled_from(fields), json_values, min_size=1, max_size=3)
    return changes.map(lambda changed: json.dumps(good | changed).encode())


def bodies(*more):
    return st.one_of(
        st.binary(max_size=200),
        json_values.map(lambda value: json.dumps(value).encode()),
        st.sampled_from(NASTY),
        *more,
    )


def headers(names):
    return st.dictionaries(st.sampled_from(names), printable, max_size=len(names))


@st.composite
def damaged(draw, call):
    """A good call, as (headers, target, body), with one thing of it altered."""
    given, target, body = call
    part = draw(st.sampled_from(["body", "target", *given]))
    if part == "body":
        return given, target, draw(_altered(body, st.binary(max_size=30)))
    if part == "target":
        return given, draw(_altered(target, printable)), body
    without = {name: value for name, value in given.items() if name != part}
    return (
        without | draw(_altered(given[part], printable).map(lambda value: {part: value}) | st.just({})),
        target,
        body,
    )


def _altered(value, anything):
    """Something else: cut, grown, one place changed, or anything at all."""
    places = st.integers(0, max(len(value) - 1, 0))
    grown = anything.map(lambda more: value + more)
    cut = places.map(lambda place: value[:place])
    changed = st.tuples(places, anything).map(
        lambda both: value[: both[0]] + both[1][:1] + value[both[0] + 1 :]
    )
    return st.one_of(grown, cut, changed, anything).filter(lambda other: other != value)
