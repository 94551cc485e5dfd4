"""What staff types becomes terms and the same text again; what is no query is refused with its place, and
whatever is typed costs one pass."""

import random
import time
from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adminpanel.asking import grammar, kinds, plan
from adminpanel.asking.grammar import LONGEST, MOST_TERMS, MOST_VALUES, WORDS, NotUnderstood, Term
from adminpanel.asking.kinds import Ago, Key, Name, OneOf, Shaped, Truth
from tests.properties import EXAMPLES

KEYS = {
    key.name: key
    for key in (
        Key("actor", Name(64, "an account"), "Who did it"),
        Key("action", Shaped("[a-z][a-z_]{0,39}", ("pause",)), "What was done"),
        Key("tip", Shaped("[0-9a-f]{24}", ("24 digits",)), "A tip"),
        Key("success", Truth(), "Whether it was done"),
        Key("has", OneOf(("before", "after")), "What it says"),
        *plan.TIMES,
    )
}
NOW = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
FUZZED = max(100_000, EXAMPLES)


def parsed(text):
    return grammar.parse(text, KEYS)


def refused(text):
    with pytest.raises(NotUnderstood) as caught:
        parsed(text)
    return caught.value


# --- what is understood ------------------------------------------------------------------------------------


def test_a_comma_is_or_a_space_is_and_and_a_minus_is_not():
    assert parsed('actor:dina action:pause,resume  -success:false "exact words"') == (
        Term("actor", ("dina",)),
        Term("action", ("pause", "resume")),
        Term("success", (False,), is_not=True),
        Term(WORDS, ("exact words",)),
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("since:2h", Ago(2, "h")),
        ("since:2026-11-27", date(2026, 11, 27)),
        ("since:2026-11-27T09:05", datetime(2026, 11, 27, 9, 5, tzinfo=UTC)),
        ("before:2026-11-27t09:05:07z", datetime(2026, 11, 27, 9, 5, 7, tzinfo=UTC)),
        ("on:today", "today"),
        ("on:2026-11-27", date(2026, 11, 27)),
        ("archive:yes", "yes"),
        ("success:TRUE", True),
        ("tip:507F191E810C19729DE860EA", "507f191e810c19729de860ea"),
        ('actor:"dina d"', "dina d"),
        ('actor:"a \\"b\\" \\\\"', 'a "b" \\'),
        ("actor:$where", "$where"),
        ("actor:.*", ".*"),
        ("ACTOR:dina", "dina"),
    ],
)
def test_a_value_is_of_its_keys_kind(text, value):
    (term,) = parsed(text)
    assert term.values == (value,)


def test_nothing_asks_for_nothing():
    assert parsed("") == parsed(" \t\n\u00a0") == ()


def test_times_are_counted_from_now_and_days_begin_at_midnight():
    assert kinds.moment_of(Ago(2, "h"), NOW) == datetime(2026, 11, 28, 10, 30, tzinfo=UTC)
    assert kinds.moment_of(date(2026, 11, 27), NOW) == datetime(2026, 11, 27, tzinfo=UTC)
    assert kinds.moment_of(Ago(9999, "w"), NOW).year == 1970  # where the calendar begins
    begin, end = kinds.day_of("yesterday", NOW)
    assert (begin, end) == (datetime(2026, 11, 27, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC))


# --- what is not -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at", "found"),
    [
        ('actor:dina "no end', 11, "a quote that is not closed"),
        ('actor:"no end', 6, "a quote that is not closed"),
        ("actor:a colour:red", 8, "the key “colour”"),
        ("since:tomorrow", 6, "“tomorrow”"),
        ("since:2026-02-30", 6, "“2026-02-30”"),
        ("since:0000-01-01", 6, "“0000-01-01”"),
        ("since:9999-12-31", 6, "“9999-12-31”"),
        ("since:٣h", 6, "“٣h”"),
        ("tip:xyz", 4, "“xyz”"),
        ("tip:507f191e810c19729de860ea,xyz", 29, "“xyz”"),
        ("$where", 0, "“$where”"),
        ('{"$gt":""}', 0, "“{"),
        (".*", 0, "“.*”"),
        ("dina", 0, "“dina”"),
        ("actor:", 6, "no value of actor"),
        ("actor:a,", 8, "no value of actor"),
        ("actor:a,,b", 8, "no value of actor"),
        ('actor:""', 6, "no value of actor"),
        ('actor:a"b"', 7, "right after a value"),
        ('"a""b"', 3, "right after a value"),
        ('""', 0, "no words"),
        ("-", 1, "nothing"),
        ("--actor:a", 1, "“-actor:a”"),
        ("-since:2h", 0, "a minus before since"),
        ("since:1h,2h", 8, "one value more"),
        ("actor:a\0b", 7, "a character that is not seen"),
        ("actor:\ud800", 6, "a character that is not seen"),
        ("success:maybe", 8, "“maybe”"),
        (f"actor:{'a' * 65}", 6, "which is no value of actor"),
        (f"actor:{'a' * 300}", 6, "a longer value"),
        ("a" * 4096, LONGEST, "a longer text"),
        ("actor:a " * 10_000, LONGEST, "a longer text"),
        ("actor:a " * (MOST_TERMS + 1), 8 * MOST_TERMS, "more terms"),
        (f"actor:{','.join('a' * (MOST_VALUES + 1))}", 5 + 2 * MOST_VALUES, "one value more"),
    ],
)
def test_what_is_no_query_is_refused_with_its_place_and_what_is_possible(text, at, found):
    wrong = refused(text)
    assert (wrong.at, found in wrong.found) == (at, True), str(wrong)
    assert wrong.possible
    assert str(at + 1) in str(wrong)


def test_an_unknown_key_is_answered_with_those_there_are():
    assert refused("colour:red").possible == (*KEYS, '"exact words"')
    assert refused("has:colour").possible == ("before", "after")


# --- text and terms are one --------------------------------------------------------------------------------

SEEN = st.characters(exclude_categories=("Cc", "Cs"))
TEXTS = st.text(SEEN, min_size=1, max_size=60).filter(str.strip)
DATES = st.dates(date(1970, 1, 1), date(9998, 12, 31))
MOMENTS = st.integers(0, int(datetime(9998, 1, 1, tzinfo=UTC).timestamp())).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
VALUES = {
    "actor": TEXTS,
    "action": st.from_regex(r"\A[a-z][a-z_]{0,39}\Z"),
    "tip": st.from_regex(r"\A[0-9a-f]{24}\Z"),
    "success": st.booleans(),
    "has": st.sampled_from(["before", "after"]),
    "since": st.builds(Ago, st.integers(1, 9999), st.sampled_from("mhdw")) | DATES | MOMENTS,
    "before": MOMENTS,
    "on": st.sampled_from(["today", "yesterday"]) | DATES,
    "archive": st.just("yes"),
    WORDS: TEXTS,
}


@st.composite
def terms(draw):
    name = draw(st.sampled_from(sorted(VALUES)))
    key = KEYS.get(name)
    is_single = name == WORDS or key.is_single
    values = draw(st.lists(VALUES[name], min_size=1, max_size=1 if is_single else 4))
    return Term(name, tuple(values), is_not=draw(st.booleans()) if not (key and key.is_single) else False)


@settings(max_examples=EXAMPLES)
@given(st.lists(terms(), max_size=6))
def test_what_is_printed_is_understood_as_the_same(query):
    assert parsed(grammar.printed(query, KEYS)) == tuple(query)


@settings(max_examples=EXAMPLES)
@given(st.text(max_size=300))
def test_what_is_understood_is_printed_as_the_same(text):
    """And printing that again changes nothing."""
    try:
        found = parsed(text)
    except NotUnderstood:
        assert 0 <= refused(text).at <= len(text)
        return
    printed = grammar.printed(found, KEYS)
    assert parsed(printed) == found
    assert grammar.printed(parsed(printed), KEYS) == printed


def test_nothing_that_is_typed_is_an_exception_of_another_kind():
    """Pieces of queries in any order, and characters of any kind."""
    drawn = random.Random(7)
    pieces = [
        *(f"{name}:" for name in KEYS),
        '"',
        "\\",
        ",",
        "-",
        " ",
        "2h",
        "today",
        "true",
        "a",
        "é",
        "\0",
        "$ne",
    ]
    pieces += [
        "507f191e810c19729de860ea",
        "2026-11-28",
        "2026-11-28T12:00",
        "{",
        "}",
        "\u2028",
        "\ud83d",
        "٣",
    ]
    understood = 0
    for _ in range(FUZZED):
        text = "".join(drawn.choices(pieces, k=drawn.randrange(12)))
        try:
            found = parsed(text)
        except NotUnderstood:
            continue
        understood += 1
        assert parsed(grammar.printed(found, KEYS)) == found
    assert understood > FUZZED // 200  # or nothing was tried


@pytest.mark.parametrize("piece", ["actor:a,", '"', "\\", "-", " ", "a", 'actor:"\\"', "actor:a "])
def test_a_text_ten_times_as_long_takes_no_more_than_its_share(monkeypatch, piece):
    """Without its limit of length, which would hide it."""
    for limit in ("LONGEST", "LONGEST_VALUE", "MOST_TERMS", "MOST_VALUES"):
        monkeypatch.setattr(grammar, limit, 10**9)

    def took(count):
        text, best = piece * count, 10.0
        for _ in range(5):
            start = time.perf_counter()
            with suppress(NotUnderstood):
                parsed(text)
            best = min(best, time.perf_counter() - start)
        return best

    assert took(20_000) < 30 * took(2_000) + 0.001  # linear is ten, square a hundred


# --- chips -------------------------------------------------------------------------------------------------


def test_without_one_term_is_what_a_chip_leaves():
    query = parsed("actor:dina success:false since:2h")
    assert grammar.printed(grammar.without(query, 1), KEYS) == "actor:dina since:2h"
