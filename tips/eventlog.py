"""The stored event log, verified. Rows are only ever added, so it may be walked while tips go on settling."""

from collections.abc import Callable
from typing import Any

from ledger.database import collection
from tips import events
from tips.models import ChainHead, TipActivated


def length() -> int:
    return int(_head()["sequence"])


def verify(*, progress: Callable[[int], object] = lambda rows: None) -> int:
    """How many rows are proven, up to the chain's head of this moment; raises events.BrokenChain at the first bad one."""
    head, log = _head(), collection(TipActivated)
    rows = log.find({"sequence": {"$lte": head["sequence"]}}).sort("sequence", 1)
    count = events.verify(rows, head_sequence=head["sequence"], head_digest=head["digest"], progress=progress)
    # The head moves in the transaction that appends: read after a row, it is never behind it.
    last = log.find_one({"sequence": {"$gt": head["sequence"]}}, sort=[("sequence", -1)])
    if last is not None and last["sequence"] > (now := _head())["sequence"]:
        raise events.BrokenChain(now["sequence"] + 1, "lies beyond the chain's head")
    return count


def _head() -> dict[str, Any]:
    return collection(ChainHead).find_one({"_id": events.HEAD}) or {"sequence": 0, "digest": events.GENESIS}
