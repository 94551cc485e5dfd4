"""The text of patterns: read, printed, refused with the place, and never in more than linear time."""

import contextlib
import itertools
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lovense.devices import toytable
from lovense.menus.vibration import SHAPES
from lovense.patterns import funscript, reading, recording, score, shipped, writing
from lovense.patterns.reading import InvalidPattern, Reader
from lovense.patterns.score import FUNCTIONS, MAIN, Loop, Move, PatternStep, Score
from lovense.timeline import Segment
from tests import properties

# --- what is read ------------------------------------------------------------------------------------------


def track(text, name=MAIN):
    return [tuple(each) for each in reading.drawn(text).functions[name]]


def test_a_level_lasts_its_seconds():
    assert track("10 2s") == [(0, 2000, 10)]


def test_a_ramp_goes_through_every_level_in_equal_steps():
    assert track("5>8 2s") == [(0, 500, 5), (500, 1000, 6), (1000, 1500, 7), (1500, 2000, 8)]
    assert [level for *_, level in track("8>5 2s")] == [8, 7, 6, 5]


def test_a_pause_is_a_level_of_0_and_counts_for_the_length():
    assert reading.drawn("4 1s, 0 0.5s").length_ms == 1500
    assert track("0 0.5s, 4 1s") == [(500, 1500, 4)]


def test_a_loop_plays_what_is_in_it_so_many_times():
    assert track("(20 0.2s, 0 0.2s) x 3") == [(0, 200, 20), (400, 600, 20), (800, 1000, 20)]
    assert reading.drawn("(20 0.2s, 0 0.2s) x10").length_ms == 4000


def test_functions_have_their_own_strengths_and_one_that_is_not_named_is_still():
    text = "{vibrate 10, rotate 5} 2s, {rotate 1>2} 2s"
    assert track(text, "Vibrate") == [(0, 2000, 10)]
    assert track(text, "Rotate") == [(0, 2000, 5), (2000, 3000, 1), (3000, 4000, 2)]


def test_a_step_without_a_name_moves_all_that_the_pattern_names():
    text = "{vibrate 10} 1s, 3 1s, {rotate 7} 1s"
    assert track(text, "Vibrate") == [(0, 1000, 10), (1000, 2000, 3)]
    assert track(text, "Rotate") == [(1000, 2000, 3), (2000, 3000, 7)]


@pytest.mark.parametrize(
    "text",
    [
        "10 1s, 5 1s",
        "10 1s\n5 1s",
        "10 1s,\n\n 5\t1 s , ",
        "# first\n10 1s # strong\r\n  5 1s\n\n",
        "\n10 1s\n,5 1s\n",
    ],
)
def test_steps_are_parted_by_a_comma_or_a_line_break_and_comments_say_nothing(text):
    assert track(text) == [(0, 1000, 10), (1000, 2000, 5)]


def test_words_may_be_written_large():
    assert reading.read("{Vibrate 3} 1s").functions == ("Vibrate",)


def test_functions_are_those_of_the_vendor_that_may_be_sent():
    assert set(FUNCTIONS.values()) == set(toytable.TOPS) - {"Stroke", *toytable.NOT_USED}


def test_the_longest_pattern_is_read():
    assert reading.drawn("(10 1s, 0 1s) x 150").length_ms == score.LONGEST_MS
    assert reading.read("(10 0.1s, 0 0.1s) x 500").size.segments == score.MOST_SEGMENTS
    assert reading.read("((((1 1s) x 2) x 2) x 2) x 2").size.ms == 16000


# --- what the page of the documentation says ---------------------------------------------------------------

DOCUMENT = (Path(__file__).parents[3] / "docs" / "patterns.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```pattern\n(.*?)```", DOCUMENT, re.DOTALL)


def test_there_are_twelve_examples_and_each_is_read():
    assert len(EXAMPLES) == 12
    assert all(reading.read(each).parts for each in EXAMPLES)


def test_every_function_every_shipped_name_and_every_change_is_documented():
    words = {*FUNCTIONS, *shipped.NAMES, *recording.CHANGES, funscript.SPEED.code, funscript.INVERTED.code}
    assert [word for word in words if not re.search(rf"\b{word}\b", DOCUMENT)] == []


# --- what is shipped ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", shipped.NAMES)
def test_what_is_shipped_can_be_read_reaches_full_strength_and_says_what_it_is(name):
    assert shipped.drawn(name).peak == 20  # the strength of an item is its strongest moment
    assert shipped.about(name)
    assert len(shipped.TEXTS[name]) <= score.LONGEST_TEXT


def test_presets_are_drawn_as_the_compiler_draws_them():
    assert {name: shipped.drawn(name).functions[MAIN] for name in shipped.PRESETS} == {
        name: shape.once((MAIN,)).functions[MAIN] for name, shape in SHAPES.items()
    }


def test_there_are_eight_more_than_the_presets():
    assert len(shipped.NAMES) >= len(shipped.PRESETS) + 8


# --- what is refused ---------------------------------------------------------------------------------------

REFUSED = {
    "": (1, 1, "the end", "a strength"),
    "# nothing": (1, 10, "the end", "a strength"),
    "10": (1, 3, "the end", "how long"),
    "10 2": (1, 5, "the end", "“s”"),
    "21 2s": (1, 1, "“21”", "a strength from 0 to 20"),
    "-1 2s": (1, 1, "“-”", "a step"),
    "1.5 2s": (1, 1, "“1.5”", "a strength"),
    "10 0s": (1, 4, "“0”", "more than 0"),
    "10 0.000s": (1, 4, "“0.000”", "more than 0"),
    "10 0.0001s": (1, 4, "“0.0001”", "three decimals"),
    "10 1e9s": (1, 5, "“e9s”", "“s”"),
    "10 301s": (1, 1, "301 s", "at most 300 s"),
    "10 300s, 1 1s": (1, 10, "301 s", "at most 300 s"),
    "10 2s 5 1s": (1, 7, "“5”", "a comma or a line break"),
    "10 2s,, 5 1s": (1, 7, "“,”", "a strength"),
    "10 2s\n5 x": (2, 3, "“x”", "how long"),
    "(10 2s": (1, 7, "the end", "“)”"),
    "(10 2s x 3": (1, 8, "“x”", "a comma"),
    "10 2s)": (1, 6, "“)”", "a step or a loop"),
    "()": (1, 2, "“)”", "a strength"),
    "(10 2s)": (1, 8, "the end", "“x”"),
    "(10 2s) x": (1, 10, "the end", "a whole number"),
    "(10 2s) x 0": (1, 11, "“0”", "a whole number from 1"),
    "(10 2s) x 1.5": (1, 11, "“1.5”", "a whole number"),
    "(10 2s) x 1000000000": (1, 9, "2e+09 s", "at most 300 s"),
    "{vibrate 1, rotate 1} 0.1s, (3 0.1s) x 600": (1, 1, "1202 levels", "at most 1000"),
    "(10 0.001s) x 1001": (1, 13, "1001 levels", "at most 1000"),
    "((((((1 1s) x 9) x 9) x 9) x 9) x 9) x 9": (1, 5, "“(”", "at most 4 loops"),
    "{vibrate 10 2s": (1, 13, "“2”", "“}”"),
    "{} 2s": (1, 2, "“}”", "a function"),
    "{position 10} 2s": (1, 2, "“position”", "a function"),
    "{rotate 1, rotate 2} 2s": (1, 12, "“rotate”", "each function once"),
    "\uff11\uff10 2s": (1, 1, "U+FF11", "a step"),
    "10\u00a02s": (1, 3, "U+00A0", "a step"),
    "10 2s\x00": (1, 6, "U+0000", "a step"),
    "10 2s # \u202etxt": (1, 7, "such a one", "a comment without"),
    "5 > 3": (1, 6, "the end", "how long"),
}


@pytest.mark.parametrize("text", REFUSED, ids=repr)
def test_a_text_that_breaks_a_rule_is_answered_with_its_place(text):
    with pytest.raises(InvalidPattern) as refused:
        reading.read(text)
    line, column, found, expected = REFUSED[text]
    why = refused.value
    assert (why.line, why.column) == (line, column), str(why)
    assert why.found.startswith(found)
    assert expected in why.expected
    assert why.details == {"line": line, "column": column, "found": why.found, "expected": why.expected}


def test_what_is_too_long_is_not_read_at_all():
    reader = Reader("(" * 100_000)
    with pytest.raises(
        InvalidPattern, match="Line 1, column 4001: found 100000 characters, expected at most 4000"
    ):
        reader.read()
    assert reader.looks == 0


def test_what_is_found_is_shown_in_short():
    with pytest.raises(InvalidPattern) as refused:
        reading.read("abcdefghijklmnopqrstuvwxyz" * 50)
    assert len(refused.value.found) < 30


# --- properties --------------------------------------------------------------------------------------------


def drawn_score(seed):
    """A pattern within all limits, of whatever is allowed in one."""
    chance = random.Random(seed)
    while True:
        found = Score(tuple(part(chance, score.DEEPEST) for _ in range(chance.randint(1, 6))))
        is_short = len(writing.written(found)) <= score.LONGEST_TEXT
        if is_short and found.size.ms <= score.LONGEST_MS and found.size.segments <= score.MOST_SEGMENTS:
            return found


def part(chance, depth):
    if depth and chance.random() < 0.4:
        inner = tuple(part(chance, depth - 1) for _ in range(chance.randint(1, 3)))
        return Loop(inner, chance.randint(1, 4))
    names = chance.sample([*FUNCTIONS], chance.choice([0, 0, 1, 2, 3])) or [""]
    moves = tuple(Move(chance.randint(0, 20), chance.choice([0, 5, 20]), name) for name in names)
    return PatternStep(moves, chance.choice([1, 50, 120, 999, 1000, 2500]))


SCORES = st.integers(0, 2**64).map(drawn_score)


@settings(max_examples=properties.EXAMPLES, deadline=None)
@given(SCORES)
def test_what_is_printed_is_read_as_the_same(pattern):
    assert reading.read(writing.written(pattern, "About it")) == pattern


@settings(max_examples=properties.EXAMPLES, deadline=None)
@given(SCORES)
def test_a_timeline_is_as_long_and_no_larger_than_was_measured(pattern):
    drawn = score.timeline(pattern)
    assert drawn.length_ms == pattern.size.ms
    assert sum(map(len, drawn.functions.values())) <= pattern.size.segments
    assert all(isinstance(each, Segment) for track in drawn.functions.values() for each in track)


SIGNS = st.text(alphabet="0123456789.,>(){}x s\nevibrate#\t１", max_size=120)
TOKENS = st.lists(
    st.sampled_from(
        ["10", "2s", "0.5s", "(", ")", "x", "3", ",", "\n", "{", "}", "rotate", ">", "#", "x9", "1e9"]
    ),
    max_size=60,
).map(" ".join)


def tried(text):
    """What was read, or why it was not."""
    try:
        return reading.read(text), None
    except InvalidPattern as why:
        return None, why


@settings(max_examples=properties.EXAMPLES, deadline=None)
@given(st.one_of(st.text(max_size=200), SIGNS, TOKENS))
def test_any_text_is_read_or_refused_with_a_place_inside_of_it(text):
    found, why = tried(text)
    if why is None:
        assert reading.read(writing.written(found)) == found
    else:
        lines = text.split("\n")
        assert 1 <= why.line <= len(lines)
        assert 1 <= why.column <= len(lines[why.line - 1]) + 1


WORST = {
    "steps": "1 0.1s,",
    "breaks": "\n",
    "open loops": "(",
    "small loops": "(1 .1s)x1,",
    "loops": "(1 0.01s) x 1, ",
    "functions": "{vibrate 1>2,rotate 2} 0.01s,",
    "comments": "#,\n",
    "spaces": " ",
    "digits": "1",
}


@pytest.mark.parametrize("unit", WORST.values(), ids=WORST)
def test_twice_the_text_is_looked_at_no_more_than_twice(unit):
    def looks(length):
        reader = Reader("".join(itertools.islice(itertools.cycle(unit), length)))
        with contextlib.suppress(InvalidPattern):
            reader.read()
        return reader.looks

    assert looks(4000) <= 2.1 * looks(2000) + 10
    assert looks(4000) <= 2 * 4000
