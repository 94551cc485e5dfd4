"""Latencies as counts in buckets: what any number of hours took is read from the sums of their
counts. Pure.

Four buckets an octave, from a millisecond to 4 h 39 min, and only those that hold something: a
percentile is told by the middle of its bucket, which is right to 2^(1/8) - 1, less than 9.1 %."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import ceil, log2

STEPS = 4  # of an octave
OCTAVES = 24
LAST = STEPS * OCTAVES  # all that took longer
WORST_ERROR = 2 ** (1 / (2 * STEPS)) - 1
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def bucket_of(milliseconds: float) -> int:
    """Bucket n holds what took more than 2^((n - 1) / 4) and at most 2^(n / 4) ms; 0 all that took
    no longer than one."""
    return min(ceil(STEPS * log2(max(milliseconds, 1))), LAST)


def middle_of(bucket: int) -> float:
    """In ms, as far below as above."""
    return float(2 ** ((bucket - 0.5) / STEPS)) if bucket else 1.0


def flat(counts: Mapping[int, int]) -> list[int]:
    """As a row keeps them: bucket, count, bucket, count."""
    return [n for bucket in sorted(counts) for n in (bucket, counts[bucket])]


def add(counts: Counter[int], kept: Sequence[int]) -> None:
    """What a row keeps, to these."""
    for bucket, count in zip(kept[::2], kept[1::2], strict=True):
        counts[bucket] += count


def together(kept: Iterable[Sequence[int]]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for each in kept:
        add(counts, each)
    return counts


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """In ms; None: nothing was counted."""
    whole, seen = sum(counts.values()), 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= share * whole:
            return middle_of(bucket)
    return None
