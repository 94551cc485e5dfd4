"""Starts: who is told first, who waits for whom, and what a path can keep of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lovense.bridges import slices, starts

LEADS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2000), min_size=1)
STEPS = st.sampled_from([1, 1000])
SECONDS = st.integers(2, 60)


def test_the_one_that_answers_last_is_told_first_and_the_others_wait_the_difference():
    assert starts.asked({"a": 0, "b": 350, "c": 100}, {}) == {"a": 350, "b": 0, "c": 250}


def test_a_wish_comes_on_top():
    assert starts.asked({"a": 0, "b": 350}, {"b": 500}) == {"a": 350, "b": 500}


@pytest.mark.parametrize("lead", [0, 350, 2000])
def test_where_all_are_alike_or_alone_nobody_waits(lead):
    assert set(starts.asked({"a": lead, "b": lead}, {}).values()) == {0}
    assert starts.asked({"a": lead}, {}) == {"a": 0}


@pytest.mark.parametrize(
    ("asked", "step", "seconds", "kept"),
    [
        (350, 1, 10, 350),
        (350, 1000, 10, 0),
        (500, 1000, 10, 1000),
        (1499, 1000, 10, 1000),
        (1500, 1000, 10, 2000),
        (1350, 1, 3, 1350),
        (1350, 1, 2, 350),
        (2000, 1000, 3, 1000),
        (2000, 1000, 2, 0),
    ],
)
def test_a_path_keeps_its_steps_and_leaves_two_seconds_to_play(asked, step, seconds, kept):
    assert starts.kept(asked, step_ms=step, seconds=seconds) == kept


@given(LEADS)
def test_whatever_the_leads_somebody_begins_with_the_run_and_all_move_together(leads):
    found = starts.asked(leads, {})
    assert min(found.values()) == 0
    assert {start + leads[key] for key, start in found.items()} == {max(leads.values())}


@given(st.integers(0, 2000), STEPS, SECONDS, st.integers(2, 9))
def test_whatever_is_asked_each_device_plays_lawful_slices_within_a_second_of_the_run(
    asked, step, seconds, lease
):
    kept = starts.kept(asked, step_ms=step, seconds=seconds)
    windows, rest = starts.later(slices.windows(seconds, lease), kept)
    assert windows
    assert 0 <= rest < starts.SECOND
    assert (step == 1) or rest == 0
    assert windows[-1].until == seconds
    assert all(2 <= each.run_seconds <= lease + slices.HEAD_START_SECONDS for each in windows)
    assert windows[-1].until - windows[0].start == seconds - kept // starts.SECOND
