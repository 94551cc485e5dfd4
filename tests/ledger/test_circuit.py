"""The circuit breaker: opens, half-opens, closes; time is an argument."""

import pytest

from ledger.rrr.circuit import (
    FAILURES,
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    PROBE_SECONDS,
    Circuit,
    NoTicket,
    State,
)


def fail(circuit, now, times=1):
    return [circuit.failed(circuit.enter(now), now) for _ in range(times)]


@pytest.fixture
def opened():
    """Open since the moment 0."""
    circuit = Circuit()
    fail(circuit, 0.0, FAILURES)
    return circuit


def refused(circuit, now):
    with pytest.raises(NoTicket) as caught:
        circuit.enter(now)
    return caught.value.seconds


def test_failures_in_a_row_open_it():
    circuit = Circuit()
    assert fail(circuit, 0.0, FAILURES) == [False] * (FAILURES - 1) + [True]
    assert circuit.state(0.0) is State.OPEN
    assert refused(circuit, 0.5) == FIRST_PAUSE_SECONDS - 0.5


def test_an_answer_between_failures_starts_the_count_again():
    circuit = Circuit()
    for _ in range(3):
        fail(circuit, 0.0, FAILURES - 1)
        assert not circuit.succeeded(circuit.enter(0.0))
    assert circuit.state(0.0) is State.CLOSED


def test_after_its_time_one_probe_may_call_and_nobody_else(opened):
    assert opened.state(FIRST_PAUSE_SECONDS) is State.HALF_OPEN
    opened.enter(FIRST_PAUSE_SECONDS)
    assert refused(opened, FIRST_PAUSE_SECONDS + 1) > 0


def test_of_fifty_threads_one_probes(opened, in_threads):
    def attempt():
        try:
            return opened.enter(FIRST_PAUSE_SECONDS)
        except NoTicket:
            return None

    assert sum(ticket is not None for ticket in in_threads(attempt, times=50, workers=10)) == 1


def test_a_probe_that_works_closes_it(opened):
    assert opened.succeeded(opened.enter(2.0))
    assert opened.state(2.0) is State.CLOSED
    assert fail(opened, 2.0, FAILURES)[-1]
    assert refused(opened, 2.0) == FIRST_PAUSE_SECONDS  # the pause begins anew


def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_a_bound(opened):
    now, pauses = 2.0, []
    for _ in range(7):
        assert fail(opened, now) == [True]
        pauses.append(refused(opened, now))
        now += pauses[-1]
    assert pauses == [4, 8, 16, 32, 60, 60, 60]
    assert pauses[-1] == LONGEST_PAUSE_SECONDS


def test_a_probe_that_never_reports_is_given_up(opened):
    lost = opened.enter(2.0)
    assert refused(opened, 2.0 + PROBE_SECONDS - 1) == 1
    second = opened.enter(2.0 + PROBE_SECONDS)
    assert not opened.failed(lost, 33.0)  # too late to speak for the second
    assert opened.succeeded(second)


def test_a_probe_that_says_nothing_makes_room_for_another(opened):
    opened.undecided(opened.enter(2.0))
    assert opened.state(2.0) is State.HALF_OPEN
    assert opened.succeeded(opened.enter(2.0))


def test_late_news_of_calls_that_began_before_counts_for_nothing():
    circuit = Circuit()
    early = [circuit.enter(0.0) for _ in range(3)]
    fail(circuit, 0.0, FAILURES)
    assert not circuit.succeeded(early[0])
    assert not circuit.failed(early[1], 1.0)
    assert refused(circuit, 0.0) == FIRST_PAUSE_SECONDS
    circuit.undecided(early[2])
    assert circuit.state(1.0) is State.OPEN


def test_a_pause_that_was_asked_for_is_kept_and_is_no_failure():
    circuit = Circuit()
    circuit.hold(120.0, 0.0)
    assert refused(circuit, 20.0) == 100.0
    circuit.hold(1.0, 20.0)
    assert refused(circuit, 20.0) == 100.0  # a shorter one does not end it
    assert circuit.succeeded(circuit.enter(120.0))
    assert not fail(circuit, 120.0)[0]
