"""Of a run that was told in slices: why it fell short."""

import pytest

from lovense.owed import owing


def leg(delivered, *states):
    return {"delivered": delivered, "slices": [{"state": state} for state in states]}


@pytest.mark.parametrize(
    ("legs", "cause"),
    [
        ([leg(5.0, "accepted", "unknown")], "unknown"),
        ([leg(5.0, "missed", "accepted", "unknown")], "unknown"),
        ([leg(5.0, "accepted", "missed")], "missed"),
        ([leg(5.0, "accepted", "refused")], "disconnect"),
        ([leg(0.0, "unknown"), leg(5.0, "accepted", "refused")], "disconnect"),
    ],
)
def test_the_device_that_played_longest_says_why(legs, cause):
    row = {"status": "completed", "reason": "", "delivered_seconds": 5.0, "legs": legs}
    assert owing.cause_of(row) == cause
