"""Latencies as counts in buckets: what any number of hours took is read from the sums of their
counts. Pure.

Four buckets an octave, from a millisecond to 4 h 39 min: a percentile is told by the middle of its
bucket, which is right to 2^(1/8) - 1, less than 9.1 %.

All counts of one kind are one whole number, WIDTH bits to each bucket, so that many are added up at
the cost of one; a row keeps its bytes, the lowest first."""

from collections.abc import Iterable, Iterator
from math import ceil, log2

STEPS = 4  # of an octave
OCTAVES = 24
LAST = STEPS * OCTAVES  # all that took longer
WIDTH = 32  # bits: no count of runs comes near 4 000 000 000
WORST_ERROR = 2 ** (1 / (2 * STEPS)) - 1
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_MASK = (1 << WIDTH) - 1


def bucket_of(milliseconds: float) -> int:
    """Bucket n holds what took more than 2^((n - 1) / 4) and at most 2^(n / 4) ms; 0 all that took
    no longer than one."""
    return min(ceil(STEPS * log2(max(milliseconds, 1))), LAST)


def middle_of(bucket: int) -> float:
    """In ms, as far below as above."""
    return float(2 ** ((bucket - 0.5) / STEPS)) if bucket else 1.0


def one(milliseconds: float) -> int:
    """The counts of one that took so long."""
    return 1 << (WIDTH * bucket_of(milliseconds))


def kept(counts: int) -> bytes:
    """As a row keeps them."""
    return counts.to_bytes((counts.bit_length() + 7) // 8, "little")


def read(said: bytes) -> int:
    return int.from_bytes(said, "little")


def together(many: Iterable[bytes]) -> int:
    return sum(map(read, many))


def each(counts: int) -> Iterator[tuple[int, int]]:
    """Those buckets that hold something, in their order, each with how much."""
    bucket = 0
    while counts:
        if count := counts & _MASK:
            yield bucket, count
        counts >>= WIDTH
        bucket += 1


def percentile(counts: int, share: float) -> float | None:
    """In ms; None: nothing was counted."""
    found = list(each(counts))
    whole, seen = sum(count for _, count in found), 0
    for bucket, count in found:
        seen += count
        if seen >= share * whole:
            return middle_of(bucket)
    return None
