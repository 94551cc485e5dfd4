"""Versions of the vendor's app, and what an app may be asked since which. Pure."""

LISTS_SINCE = (7, 71, 0)  # one command for a list of toys


def takes_lists(version: str) -> bool:
    """One whose version nobody can read is asked as the oldest."""
    found = _numbers(version)
    return found is not None and found >= LISTS_SINCE


def is_old(version: str) -> bool:
    """It is known to take no lists."""
    found = _numbers(version)
    return found is not None and found < LISTS_SINCE


def _numbers(version: str) -> tuple[int, ...] | None:
    words = version.split(".")[:3]
    if not all(word.isascii() and word.isdigit() for word in words):
        return None
    return tuple(int(word) for word in words)
