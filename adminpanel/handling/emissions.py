"""What staff do about the consumers of the event log: hand what one of them could not take to it
again, with a reason and for what was seen. Each event leaves an entry in the audit log."""

from itertools import islice

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
    keys = [row["_id"] for row in islice(emission.dead(consumer=consumer), most)]
    taken = [emission.retry(key, by=deed.by, why=deed.why, now=deed.now) for key in keys]
    return taken.count(True), taken.count(False)
