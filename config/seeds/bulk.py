"""A past in bulk: entries of the journal, worked out by the pen's own rules and unfolded by its own
sections, so that books, log, queue and activations agree. Nobody else may settle meanwhile."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from ground.journal import journal
from ground.journal.journal import Entry
from ground.journal.models import JournalEntry
from ground.mongodb.collections import Document, collection
from ledger.books import posting
from ledger.books.memory import Books
from lovense.lane import projection as lane_projection
from lovense.rows import ActivationRow
from lovense.sending.acknowledgement import Ack
from tips.intake import payloads
from tips.log import daily_heads, emission, eventlog
from tips.models import EventConsumer
from tips.rows import RequestRow
from tips.settlement import projection, record, rounds
from tips.settlement.rounds import Head, Settled


class Bulk:
    """Where books, log and journal stand, in memory: what the next entry begins from. `pairs`: who
    tips whom."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        journal.catch_up()
        self._books = Books()
        names = {name for pair in pairs for name in record.accounts_of(*pair)}
        self._books.learn(posting.states(names))
        end = eventlog.head()
        self._head = Head(end["sequence"], end["digest"])
        self._number = journal.last()

    @property
    def sequence(self) -> int:
        """Of the last event of the log."""
        return self._head.sequence

    def after_turns(self) -> None:
        """The journal goes on behind what was decided from the rows meanwhile."""
        self._number = journal.last()

    def settle(self, body: bytes, delivery_id: str, *, position: int, at: datetime) -> Settled:
        """The tip that this delivery tells of, its tokens moved and its event chained."""
        message = payloads.parse(body)
        call = payloads.as_call(
            payloads.PAYMENTS, delivery_id, body, message, position=position, received_at=at
        )
        order = message.order
        assert isinstance(order, payloads.TipOrder)
        return rounds.settle(call, order, self._move, self._head, now=at)

    def _move(self, group: Any, moment: datetime) -> Any:
        row = self._books.move(group, now=moment)
        return row, posting.entries(row)

    def entry(
        self,
        tips: list[Settled],
        starts: Sequence[ActivationRow] = (),
        ends: Iterable[Ack] = (),
        *,
        at: datetime,
        by: str,
    ) -> Entry:
        """With what the pages made of these tips, where that is known; the others wait."""
        self._number += 1
        document = {"_id": self._number, "by": by, "at": at, **rounds.written(tips)}
        if starts:
            ended = [lane_projection.end(ack) for ack in ends]
            document |= {"mark": mark(by, at), "starts": list(starts), "ends": ended}
        return Entry(document, {projection.SETTLED: tips})


def mark(by: str, at: datetime) -> Document:
    """Of a claim."""
    return {"status": "claimed", "claimed_by": by, "lease_until": at, "claimed_at": at}


def claimed(request: RequestRow, *, by: str, at: datetime) -> Any:
    """As it is while its first attempt is decided."""
    return {**request, **mark(by, at), "attempts": 1}


def keep(entries: Sequence[Entry]) -> None:
    collection(JournalEntry).insert_many([entry.document for entry in entries])
    journal.unfold(entries)


def tell_consumers(now: datetime) -> None:
    """They have heard of it all, and every day has its head: nothing of it is still to do."""
    standing = {"position": eventlog.length(), "errors": [], "retry_at": None, "updated_at": now}
    for name in emission.CONSUMERS:
        collection(EventConsumer).update_one({"_id": name}, {"$set": standing}, upsert=True)
    daily_heads.keep(now=now)
