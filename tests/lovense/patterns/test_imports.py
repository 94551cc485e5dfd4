"""What comes in: samples, our files, scripts of strokes. What was changed is said, and nothing else is."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.json.errors import Refusal
from ground.json.fields import Fields, Malformed
from lovense.patterns import imports, reading, recording, score
from lovense.patterns.reading import InvalidPattern
from lovense.patterns.score import MAIN
from tests.properties import EXAMPLES


def read(**body):
    return imports.read(Fields(body, ""))


def sampled(*pairs):
    return read(samples=[{"ms": ms, "level": level} for ms, level in pairs])


def scripted(*actions, **more):
    return read(funscript={"actions": [{"at": at, "pos": pos} for at, pos in actions]} | more)


def codes(imported):
    return [change.code for change in imported.changes]


def track(imported):
    return [tuple(each) for each in reading.drawn(imported.text).functions[MAIN]]


# --- samples -----------------------------------------------------------------------------------------------


def test_a_level_holds_until_the_next_sample_and_the_last_one_is_the_end():
    found = sampled((0, 5), (500, 5), (1000, 0), (1500, 9), (2000, 3))
    assert found.text == "5 1s, 0 0.5s, 9 0.5s\n"
    assert codes(found) == []


def test_what_is_before_the_first_sample_is_left_out_and_said():
    found = sampled((700, 5), (1700, 0))
    assert found.text == "5 1s\n"
    assert codes(found) == ["begins_at_0"]


def test_what_is_too_long_is_cut_and_said():
    found = sampled((0, 5), (400_000, 0))
    assert found.text == "5 300s\n"
    assert codes(found) == ["cut_at_300_s"]


def test_what_is_too_fine_is_within_one_level_and_then_on_a_grid():
    fine = sampled(*((n * 50, 10 + n % 2) for n in range(2000)))
    assert codes(fine) == ["simplified"]
    finer = sampled(*((n * 50, 4 + n % 15) for n in range(6000)))
    assert codes(finer) == ["simplified", "coarser"]
    assert "every" in finer.changes[1].text


SAMPLES = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 20)), min_size=2, max_size=600)


@settings(max_examples=max(100, EXAMPLES // 5), deadline=None)
@given(SAMPLES)
def test_whatever_is_recorded_becomes_a_pattern_as_it_was_where_nothing_is_said(drawn):
    moments = [0]
    for gap, _ in drawn[1:]:
        moments.append(moments[-1] + gap)
    found = sampled(*zip(moments, [level for _, level in drawn], strict=True))
    timeline = reading.drawn(found.text)
    assert len(found.text) <= score.LONGEST_TEXT
    if "coarser" in codes(found):
        return
    off = 1 if codes(found) else 0
    for at, (_, level) in zip(moments[:-1], drawn[:-1], strict=True):
        played = timeline.at(at)[MAIN]
        assert abs(played - level) <= off
        assert bool(played) == bool(level)


def test_the_coarsest_grid_is_enough_for_the_longest_and_wildest_pattern():
    samples = [(n * 50, 1 + 19 * (n % 2)) for n in range(6001)]
    found = recording.simplified(samples)
    assert found.score.size.ms <= score.LONGEST_MS


# --- files -------------------------------------------------------------------------------------------------


def test_what_is_written_as_a_file_comes_in_the_same():
    file = imports.written("Tide", "# mine\n3>16 4s\n")
    found = imports.read_file(json.dumps(file).encode())
    assert (found.name, found.text, found.changes) == ("Tide", "# mine\n3>16 4s\n", [])
    assert read(pattern=file) == found


def test_a_file_may_be_the_text_itself_or_samples():
    assert imports.read_file(b"10 2s").text == "10 2s"
    samples = [{"ms": 0, "level": 3}, {"ms": 1000, "level": 0}]
    assert imports.read_file(json.dumps(samples).encode()).text == "3 1s\n"
    assert imports.read_file(json.dumps({"samples": samples}).encode()).text == "3 1s\n"


# --- scripts -----------------------------------------------------------------------------------------------


def test_the_speed_of_a_stroke_is_its_strength():
    found = scripted((0, 0), (500, 100), (1500, 0), (2000, 0), (2250, 100))
    assert track(found) == [(0, 500, 10), (500, 1500, 5), (2000, 2250, 20)]
    assert codes(found) == ["speed_is_strength"]


def test_a_slow_stroke_still_moves_and_a_shorter_range_is_slower():
    assert track(scripted((0, 0), (10_000, 1))) == [(0, 10_000, 1)]
    assert track(scripted((0, 0), (500, 100), range=50)) == [(0, 500, 5)]


def test_inverted_is_said_and_changes_no_strength():
    plain, turned = scripted((0, 0), (500, 80)), scripted((0, 0), (500, 80), inverted=True)
    assert plain.text == turned.text
    assert codes(turned) == ["speed_is_strength", "direction_is_lost"]


def test_what_others_have_added_to_a_script_is_passed_over():
    found = scripted((0, 0), (500, 80), version="1.0", metadata={"creator": "x"}, rawActions=[1])
    assert track(found) == [(0, 500, 8)]


def test_a_file_with_actions_is_a_script():
    content = json.dumps({"actions": [{"at": 0, "pos": 0}, {"at": 1000, "pos": 100}]}).encode()
    assert imports.read_file(content).text == "5 1s\n"


# --- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"samples": [], "funscript": {}}, "body"),
        ({"sample": []}, "sample"),
        ({"samples": []}, "samples"),
        ({"samples": [{"ms": 0, "level": 3}]}, "samples"),
        ({"samples": [{"ms": 5, "level": 3}, {"ms": 5, "level": 3}]}, "samples[1].ms"),
        ({"samples": [{"ms": 0, "level": 21}, {"ms": 5, "level": 3}]}, "samples[0].level"),
        ({"samples": [{"ms": 0, "level": True}, {"ms": 5, "level": 3}]}, "samples[0].level"),
        ({"samples": [{"ms": 0, "level": 1, "x": 1}, {"ms": 5, "level": 3}]}, "samples[0].x"),
        ({"samples": [{"ms": n, "level": 1} for n in range(6001)]}, "samples"),
        ({"pattern": {"format": "pattern/2", "text": "1 1s"}}, "pattern.format"),
        ({"pattern": {"format": "pattern/1"}}, "pattern.text"),
        ({"funscript": {"actions": []}}, "funscript.actions"),
        ({"funscript": {}}, "funscript.actions"),
        ({"funscript": {"actions": [{"at": 0, "pos": 0}, {"at": 0, "pos": 9}]}}, "funscript.actions"),
        ({"funscript": {"actions": [{"at": 9, "pos": 0}, {"at": 8, "pos": 9}]}}, "funscript.actions[1].at"),
        (
            {"funscript": {"actions": [{"at": 0, "pos": 101}, {"at": 8, "pos": 9}]}},
            "funscript.actions[0].pos",
        ),
        ({"funscript": {"range": 0, "actions": []}}, "funscript.range"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_its_place(body, field):
    with pytest.raises(Malformed) as refused:
        read(**body)
    assert refused.value.field == field


def test_the_text_of_a_file_is_refused_as_any_text():
    with pytest.raises(InvalidPattern) as refused:
        read(pattern={"format": "pattern/1", "text": "1 1s\n21 2s"})
    assert (refused.value.line, refused.value.column) == (2, 1)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04zip",
        b"\xff\xfe1\x00",
        b"[" * 5000 + b"]" * 5000,
        b"{" * 5000,
        b"[{}",
        b"null",
        b'{"a":NaN}',
    ],
    ids=repr,
)
def test_a_file_of_another_kind_is_refused(content):
    with pytest.raises(Refusal) as refused:
        imports.read_file(content)
    assert refused.value.status == 400


@given(st.binary(max_size=200))
def test_any_file_is_taken_in_or_refused(content):
    with contextlib.suppress(Malformed, InvalidPattern):
        assert reading.read(imports.read_file(content).text)
