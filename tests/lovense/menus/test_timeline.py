"""Timelines against what they stand for: one level for each millisecond, in plain lists."""

import time
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lovense.timeline import TOP, Segment, Timeline, of_steps, ramp, steady

levels = st.integers(0, TOP)
few = st.integers(0, 40)


@st.composite
def timelines(draw, names=("v", "r")):
    """Pieces of up to 15 ms, some of them still, equal neighbours among them; the last may be cut."""
    length = draw(few)
    found = {}
    for name in draw(st.lists(st.sampled_from(names), unique=True)):
        at, track = 0, []
        for piece, level in draw(st.lists(st.tuples(st.integers(1, 15), levels), max_size=5)):
            track.append(Segment(at, at + piece, level))
            at += piece
        found[name] = tuple(track)
    return Timeline(length, found)


def plain(timeline):
    """Each function's level, millisecond by millisecond."""
    found = {name: [0] * timeline.length_ms for name in timeline.functions}
    for name, track in timeline.functions.items():
        for start, end, level in track:
            found[name][start:end] = [level] * (end - start)
    return found


def each(timeline, change):
    """The plain lists, each changed."""
    return {name: change(values) for name, values in plain(timeline).items()}


# --- what it is --------------------------------------------------------------------------------------------


@given(timelines())
def test_segments_lie_within_it_in_order_and_none_is_still_or_beside_an_equal_one(timeline):
    for track in timeline.functions.values():
        assert all(0 <= start < end <= timeline.length_ms for start, end, _ in track)
        assert all(1 <= level <= TOP for _, _, level in track)
        assert all(one.end <= other.start for one, other in pairwise(track))
        assert not any((one.end, one.level) == (other.start, other.level) for one, other in pairwise(track))


@pytest.mark.parametrize("level", [-1, 21])
def test_a_level_that_there_is_not_is_refused(level):
    with pytest.raises(ValueError, match="0 to 20"):
        steady(level, 5, "v")


def test_segments_that_overlap_and_a_negative_length_are_refused():
    with pytest.raises(ValueError, match="one after the other"):
        Timeline(9, {"v": (Segment(0, 5, 3), Segment(4, 9, 3))})
    with pytest.raises(ValueError, match="no negative length"):
        Timeline(-1)


def test_an_hour_of_one_level_is_one_segment():
    hour = of_steps([7] * 3600, 1000, ["v"])
    assert hour.functions == {"v": (Segment(0, 3_600_000, 7),)}


# --- reading -----------------------------------------------------------------------------------------------


@given(timelines(), st.integers(-2, 42))
def test_at_is_the_level_of_that_millisecond(timeline, ms):
    lists = plain(timeline)
    inside = 0 <= ms < timeline.length_ms
    assert timeline.at(ms) == {name: values[ms] if inside else 0 for name, values in lists.items()}


def longest(values):
    counted = Counter(values)
    return max(counted, key=lambda level: (counted[level], level))


@given(timelines(), st.integers(1, 50))
def test_a_sample_is_the_level_that_lasts_longest_and_the_higher_of_equals(timeline, step):
    def sampled(values):
        return tuple(longest(values[at : at + step]) for at in range(0, len(values), step))

    assert timeline.samples(step) == each(timeline, sampled)


@given(timelines())
def test_edges_are_where_a_level_changes(timeline):
    changes = {
        at
        for values in plain(timeline).values()
        for at in range(1, len(values))
        if values[at] != values[at - 1]
    }
    assert timeline.edges == sorted(changes)


@given(timelines())
def test_peak_and_effect_are_those_of_its_milliseconds(timeline):
    every = [level for values in plain(timeline).values() for level in values]
    assert timeline.peak == max(every, default=0)
    assert timeline.effect == pytest.approx(sum(every) / TOP / 1000)


@pytest.mark.parametrize("step", [0, -1])
def test_a_step_of_no_length_is_refused(step):
    with pytest.raises(ValueError, match="at least 1 ms"):
        steady(5, 10, "v").samples(step)


# --- making another ----------------------------------------------------------------------------------------


@given(timelines(), st.integers(1, 100))
def test_scaled_what_moved_still_moves(timeline, percent):
    assert plain(timeline.scaled(percent)) == each(
        timeline, lambda values: [-(-value * percent // 100) for value in values]
    )


@given(timelines(), levels)
def test_lowered_and_lifted_bound_what_moves(timeline, bound):
    assert plain(timeline.lowered(bound)) == each(
        timeline, lambda values: [min(one, bound) for one in values]
    )
    assert plain(timeline.lifted(bound)) == each(
        timeline, lambda values: [one and max(one, bound) for one in values]
    )


def test_one_function_is_changed_and_the_others_are_not():
    both = steady(20, 10, ("v", "r")).scaled(50, ["r"]).lowered(15, ["v"]).lifted(18, ["v"])
    assert both.at(0) == {"v": 18, "r": 10}


@given(timelines(names=("p",)))
def test_coarse_is_rounded_up_to_the_levels_that_there_are(timeline):
    def own(values):
        return [-(-value * 3 // TOP) for value in values]

    coarse = plain(timeline.coarse(3, timeline.functions))
    assert {name: own(values) for name, values in coarse.items()} == each(timeline, own)
    assert {level for values in coarse.values() for level in values} <= {0, 6, 13, 20}


@given(timelines(names=("v",)), levels)
def test_resting_fills_what_is_still(timeline, level):
    assert plain(timeline.resting(level, timeline.functions)) == each(
        timeline, lambda values: [value or level for value in values]
    )


@given(timelines(), st.integers(-3, 45), st.integers(-3, 45))
def test_cut_is_a_part_that_begins_at_0(timeline, start, end):
    assert plain(timeline.cut(start, end)) == each(
        timeline, lambda values: values[max(0, start) : max(0, end)]
    )


@given(timelines(), few)
def test_shifted_is_still_until_then_and_cut_again_it_is_the_same(timeline, by):
    later = timeline.shifted(by)
    assert plain(later) == each(timeline, lambda values: [0] * by + values)
    assert later.cut(by, later.length_ms) == timeline


@given(timelines(), few)
def test_lasting_is_cut_or_still_at_its_end(timeline, length):
    assert plain(timeline.lasting(length)) == each(timeline, lambda values: (values + [0] * 50)[:length])


@given(timelines(), timelines())
def test_joined_is_one_after_the_other(one, other):
    before, after = plain(one), plain(other)
    still = [0] * one.length_ms, [0] * other.length_ms
    assert plain(one.joined(other)) == {
        name: before.get(name, still[0]) + after.get(name, still[1]) for name in {**before, **after}
    }


@given(timelines(), timelines())
def test_beside_is_the_stronger_of_both(one, other):
    length = max(one.length_ms, other.length_ms)
    first, then = plain(one.lasting(length)), plain(other.lasting(length))
    still = [0] * length
    assert plain(one.beside(other)) == {
        name: [max(pair) for pair in zip(first.get(name, still), then.get(name, still), strict=True)]
        for name in {**first, **then}
    }


@given(timelines(), timelines(names=("share",)).filter(lambda found: found.functions))
def test_under_an_envelope_each_level_is_its_share(timeline, envelope):
    shares = (plain(envelope)["share"] + [0] * 50)[: timeline.length_ms]
    assert plain(timeline.under(envelope)) == each(
        timeline,
        lambda values: [-(-one * share // TOP) for one, share in zip(values, shares, strict=True)],
    )


@given(timelines(), st.integers(1, 4), st.integers(0, 9))
def test_repeated_has_a_pause_between_and_none_after_the_last(timeline, times, pause):
    def repeated(values):
        return (values + [0] * pause) * (times - 1) + values

    assert plain(timeline.repeated(times, pause)) == each(timeline, repeated)


@given(timelines(), st.integers(0, 90), st.integers(0, 90))
def test_looped_is_a_part_of_it_played_over_and_over(timeline, start, end):
    def looped(values):
        turns = values * 91 if values else [0] * 91
        return turns[start:end]

    assert plain(timeline.looped(start, end)) == each(timeline, looped)
    assert timeline.filled(end) == timeline.looped(0, end)


@given(timelines())
def test_only_leaves_the_others_out(timeline):
    names = [*timeline.functions][:1]
    assert plain(timeline.only(names)) == {name: plain(timeline)[name] for name in names}


@pytest.mark.parametrize(("times", "pause"), [(0, 0), (1, -1)])
def test_it_is_not_repeated_less_than_once_nor_shifted_to_before_its_beginning(times, pause):
    with pytest.raises(ValueError, match="at least once"):
        steady(5, 10, "v").repeated(times, pause)
    with pytest.raises(ValueError, match="before its beginning"):
        steady(5, 10, "v").shifted(-1)


@given(levels, levels, st.integers(0, 400))
def test_a_ramp_has_each_level_once_and_for_equally_long(first, last, ms):
    made = ramp(first, last, ms, ["v"])
    values = plain(made)["v"]
    assert len(values) == ms
    assert sorted(values, reverse=first > last) == values
    lasting = [values.count(level) for level in range(min(first, last), max(first, last) + 1)]
    assert max(lasting) - min(lasting) <= 1


# --- speed -------------------------------------------------------------------------------------------------


def test_an_hour_of_a_thousand_segments_is_read_in_one_pass():
    """Quadratic it took seconds; the bound is wide, for a machine that is busy."""
    hour = of_steps([1 + n % 19 for n in range(1000)], 3617, ["v"])
    began = time.process_time()
    samples = hour.samples(100)["v"]
    found = [hour.at(ms)["v"] for ms in range(0, hour.length_ms, 10_000)]
    assert time.process_time() - began < 1
    assert len(samples) == 36_170
    assert all(
        abs(samples[ms // 100] - level) <= 1
        for ms, level in zip(range(0, 10**7, 10_000), found, strict=False)
    )
