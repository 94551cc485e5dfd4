"""What one transaction writes about tips, and what a round of them reports (`Drained`).

Whoever settles or ends a tip from rows does it through here: `batch.py` for transfers that we
place, `polling.py` for those that a ledger is asked about. So a tip's row, the event log and the
queue say the same, whichever it was."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from ground.mongodb import transactions
from ground.mongodb.collections import collection
from ledger.gateway import PostedEntry
from tips.log import events
from tips.models import ChainHead, SettlementStatus, Tip, TipActivated, TipStatus
from tips.queue import requests as queue
from tips.rows import EventRow, HeadRow, Payload, TipRow
from tips.settlement.record import ENDED_AS, PREDECESSORS, SETTLED, event_of

# A tip that is settled or has ended waits neither for tokens nor for the ledger, and no doubt about
# it is left.
_NOTHING_AWAITED = {
    "funding_until": None,
    "next_look_at": None,
    "look_error": "",
    "needs_reconciliation": "",
}


@dataclass(slots=True)
class Drained:
    """What one drain did: rows handled, and the performers whose queues grew."""

    handled: int = 0
    performers: set[str] = field(default_factory=set)
    is_looking: bool = False  # tips were recorded for which the ledger is to be asked
    accounts: frozenset[str] = field(default=frozenset(), compare=False)  # that may have moved


def together(parts: Sequence[Drained]) -> Drained:
    performers = set().union(*(part.performers for part in parts))
    handled = sum(part.handled for part in parts)
    return Drained(handled, performers, any(part.is_looking for part in parts))


class Writes:
    """Rows recorded and changed, and for every settled one its event and its request: collected
    first, written at the end. Holds no state outside the transaction, so the transaction may run it
    again."""

    def __init__(self, session: ClientSession, now: datetime) -> None:
        self.session, self.now = session, now
        self._new: dict[str, TipRow] = {}
        self._changed: list[UpdateOne] = []
        self._payloads: list[Payload] = []
        self._tipped_at: dict[str, datetime] = {}

    def record(self, tip: TipRow) -> None:
        self._new[tip["_id"]] = tip

    def settle(
        self,
        tip: TipRow,
        entries: Sequence[PostedEntry],
        *,
        look_at: datetime | None = None,
    ) -> None:
        """`settled` is the effect of the proof: without posted entries of this source_ref there is
        none. `look_at`: a look that is still to come, since the ledger had news meanwhile."""
        payload, posted_at = event_of(tip, entries, self.now)
        self._payloads.append(payload)
        self._tipped_at[tip["_id"]] = queue.tipped_at(tip)
        settled = {"settlement_status": SETTLED, "settled_at": posted_at}
        self.change(tip, **settled, **_NOTHING_AWAITED | {"next_look_at": look_at})

    def end(
        self,
        tip: TipRow,
        status: TipStatus,
        reason: str,
        *,
        look_at: datetime | None = None,
    ) -> None:
        ended = {"status": status.value, "settlement_status": ENDED_AS[status]}
        why = {"failure_reason": reason, "ended_at": self.now}
        self.change(tip, **ended, **why, **_NOTHING_AWAITED | {"next_look_at": look_at})

    def change(self, tip: TipRow, **changes: Any) -> None:
        """Guarded by the state from which it may happen: another worker may have been first."""
        before = tip["settlement_status"]
        tip.update(cast(TipRow, changes))
        if tip["_id"] in self._new:
            return
        to = changes.get("settlement_status")
        froms = [status.value for status in PREDECESSORS[SettlementStatus(to)]] if to else [before]
        guard = {"_id": tip["_id"], "settlement_status": {"$in": froms}}
        self._changed.append(UpdateOne(guard, {"$set": changes}))

    def write(self) -> set[str]:
        """All of it; the performers whose queues grew."""
        if self._new:
            collection(Tip).insert_many(list(self._new.values()), session=self.session)
        if self._changed:
            collection(Tip).bulk_write(self._changed, session=self.session)
        if self._payloads:
            queue.submit_tips(
                self._log(), tipped_at=self._tipped_at, now=self.now, session=self.session
            )
        return {payload["performerId"] for payload in self._payloads}

    def _log(self) -> list[EventRow]:
        """Where this process ended the chain is where it most likely still ends; the guard of the
        update says if it is not."""
        return (_head and self._append(_head)) or self._append(self._read_head(), is_certain=True)

    def _read_head(self) -> HeadRow:
        head: HeadRow | None = collection(ChainHead).find_one(
            {"_id": events.HEAD}, {"sequence": 1, "digest": 1}, session=self.session
        )
        return head or {"_id": events.HEAD, "sequence": 0, "digest": events.GENESIS}

    def _append(self, head: HeadRow, *, is_certain: bool = False) -> list[EventRow]:
        """Nothing, when another process has moved the head."""
        rows, digest = events.chain(
            self._payloads, sequence=head["sequence"], previous=head["digest"], now=self.now
        )
        length = head["sequence"] + len(rows)
        end: HeadRow = {"_id": events.HEAD, "sequence": length, "digest": digest}
        changes = {"sequence": length, "digest": digest}
        moved = collection(ChainHead).update_one(
            head, {"$set": changes}, upsert=is_certain, session=self.session
        )
        if not moved.matched_count and not is_certain:
            return []
        collection(TipActivated).insert_many(rows, session=self.session)
        transactions.after_commit(lambda: _remember(end))
        return rows


_head: HeadRow | None = None  # of the event log, as this process left it


def _remember(head: HeadRow) -> None:
    global _head
    _head = head
