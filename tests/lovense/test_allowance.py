"""How much a page may ask: acknowledgements as fast as anything plays, the rest now and then."""

import pytest

from lovense.sockets.allowance import ACK, BURST, OTHER, PER_SECOND, Allowance


def test_a_burst_is_free_and_then_it_is_read_as_fast_as_its_rate():
    allowance = Allowance(0.0)
    waits = [allowance.take(OTHER, 0.0) for _ in range(BURST // OTHER + 2)]
    assert waits[:-2] == [0.0] * (BURST // OTHER)
    assert waits[-2:] == pytest.approx([OTHER / PER_SECOND, 2 * OTHER / PER_SECOND])


def test_it_comes_back_with_time_and_never_beyond_a_burst():
    allowance = Allowance(0.0)
    allowance.take(BURST, 0.0)
    assert allowance.take(ACK, 0.5) == 0.0
    allowance.take(BURST, 3600.0)
    assert allowance.take(OTHER, 3600.0) == pytest.approx(OTHER / PER_SECOND)


def test_acknowledgements_of_a_busy_page_never_wait():
    allowance = Allowance(0.0)
    assert not any(allowance.take(ACK, second / 1000) for second in range(20_000))
