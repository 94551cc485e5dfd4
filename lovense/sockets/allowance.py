"""How much a page may ask of this process: beyond it, the page is read more slowly, and nothing of
it is lost."""

PER_SECOND, BURST = 2_000, 4_000
# What a message costs. Acknowledgements share their writes; everything else is work of its own: 20
# a second.
ACK, OTHER = 1, 100


class Allowance:
    """PER_SECOND, after a burst of BURST."""

    def __init__(self, at: float) -> None:
        self._left, self._at = float(BURST), at

    def take(self, cost: int, at: float) -> float:
        """How many seconds to wait before the page is read again."""
        self._left = min(BURST, self._left + (at - self._at) * PER_SECOND) - cost
        self._at = at
        return max(0.0, -self._left / PER_SECOND)
