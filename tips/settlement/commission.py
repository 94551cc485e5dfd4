"""The split of a tip: a pure function whose parts always sum to the total."""


def split(total: int, commission: int) -> tuple[int, int]:
    """(net, cut) in tokens for a commission in whole percent: the platform's cut rounds down. 100
    at 25 gives (75, 25)."""
    cut = total * commission // 100
    return total - cut, cut
