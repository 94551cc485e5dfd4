"""The proof of the journal: its numbers have no gap up to the watermark, and what its entries carry
is in the rows. It changes nothing.

Entries come through a cursor, a few at a time. Unfolded rows are never edited, so nothing need
stand still meanwhile. The journal knows no content: each floor says what it misses (`Check`). Of an
entry that was trimmed only the number is left to be proven."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ground.journal import journal
from ground.journal.models import JournalEntry
from ground.mongodb.collections import Document, collection

AT_ONCE = 10  # entries; one may hold two hundred tips

# What of these entries is not in the rows of a floor, a line each.
Check = Callable[[Sequence[Document]], Iterator[str]]


@dataclass(slots=True)
class EntriesRead:
    """How much was read. `trimmed`: entries of which only number and keys are left."""

    entries: int = 0
    trimmed: int = 0


def size() -> int:
    return journal.unfolded()


def findings(
    checks: Sequence[Check],
    *,
    read: EntriesRead,
    progress: Callable[[int], object] = lambda entries: None,
) -> Iterator[str]:
    """Everything that does not agree. `read` and `progress` hear how many entries were read."""
    watermark = journal.unfolded()
    numbers = {"_id": {"$gt": 0, "$lte": watermark}}
    rows = collection(JournalEntry).find(numbers, batch_size=AT_ONCE).sort("_id", 1)
    number = 0
    while batch := list(islice(rows, AT_ONCE)):
        for row in batch:
            yield from _gap(number + 1, row["_id"] - 1)
            number = row["_id"]
            read.trimmed += journal.is_trimmed(row)
        for check in checks:
            yield from check(batch)
        read.entries += len(batch)
        progress(len(batch))
    yield from _gap(number + 1, watermark)


def _gap(first: int, last: int) -> Iterator[str]:
    if first == last:
        yield f"journal: entry {first} is missing"
    elif first < last:
        yield f"journal: entries {first} to {last} are missing"
