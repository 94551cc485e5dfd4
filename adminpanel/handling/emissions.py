"""What staff do about the consumers of the event log: hand what one of them could not take to it
again, with a reason and for what was seen. Each event leaves an entry in the audit log."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from adminpanel.handling import marks
from adminpanel.people.deeds import Deed, DeedTarget, Outdated
from tips.log import emission


def target(consumer: str) -> DeedTarget:
    return DeedTarget("consumer", consumer)


def retry(consumer: str, *, seen: int, most: int, deed: Deed) -> tuple[int, int]:
    """The oldest, `most` of them; how many it took, and how many failed again. `seen`: how many
    there were."""
    present = emission.count_dead(consumer=consumer)
    if present != seen:
        raise Outdated(f"{present} are dead now; nothing was retried.", present)
    return _retried(islice(emission.dead(consumer=consumer), most), deed)


def mark_of(row: Mapping[str, Any]) -> str:
    """As it was shown: when it failed last."""
    return f"{row['_id']} {row['errors'][-1]['at']}"


def retry_marked(said: Sequence[str], *, deed: Deed) -> tuple[int, int]:
    """Raises Outdated where one of them is not as it was shown."""
    seen = marks.read(said)
    found = _found(seen)
    marks.check_as_shown(len(found), of=len(seen))
    return _retried(found, deed)


def still(said: Sequence[str]) -> list[str]:
    """Of these marks those whose emission is as it was shown."""
    return [mark_of(row) for row in _found(marks.keyed(said))]


def _found(seen: Mapping[str, str]) -> list[Mapping[str, Any]]:
    dead = emission.dead_among([*seen])
    return [row for row in dead if mark_of(row) == f"{row['_id']} {seen[row['_id']]}"]


def _retried(rows: Iterable[Mapping[str, Any]], deed: Deed) -> tuple[int, int]:
    keys = [row["_id"] for row in rows]
    taken = [emission.retry(key, by=deed.by, why=deed.why, now=deed.now) for key in keys]
    return taken.count(True), taken.count(False)
