"""What the journal's entries say of tips, as rows: the tip, its event, its queue request.

An entry keeps what was received and what was logged; the rest of a tip's row follows from the two,
by the same function that the careful way uses."""

from collections.abc import Iterator, Sequence

from pymongo.client_session import ClientSession

from ground.journal import journal
from ground.journal.journal import Context, Entry
from ground.mongodb.collections import Document, collection
from tips.intake import payloads
from tips.intake.payloads import TipOrder
from tips.log import events
from tips.models import ArchivedTipActivated, ChainHead, QueueRequest, Tip, TipActivated
from tips.queue import requests as queue
from tips.rows import EventRow, RequestRow, TipRow
from tips.settlement import record
from tips.settlement.record import ReceivedAs
from tips.settlement.rounds import Settled

SETTLED = "settled"  # in an entry's memory: what its writer settled, in the order of its deliveries
REQUESTS = "requests"  # in the context: what became of requests since, by request id
NEW = "new"  # in the context: the ids of the requests whose rows these entries make


class Tips:
    def before(self, entries: Sequence[Entry], context: Context) -> None:
        """No tip is outside the transaction."""

    def write(
        self, entries: Sequence[Entry], context: Context, *, session: ClientSession | None
    ) -> None:
        context[NEW] = set()
        logged: list[EventRow] = []
        for entry in entries:
            logged += entry.document.get("events", ())
        if not logged:
            return
        later: dict[str, Document] = context.get(REQUESTS, {})
        tips: list[TipRow] = []
        requests: list[RequestRow] = []
        for entry in entries:
            made = _tips(entry)
            tips += made
            requests += _requests(entry, made)
        context[NEW] = {row["_id"] for row in requests}
        journal.insert(Tip, tips, session=session)
        journal.insert(TipActivated, logged, session=session)
        journal.insert(
            QueueRequest, [row | later.get(row["_id"], {}) for row in requests], session=session
        )
        _move_head(logged[-1], session)


def _tips(entry: Entry) -> list[TipRow]:
    settled: Sequence[Settled] | None = entry.memory.get(SETTLED)
    if settled:
        return [record.settled(each.tip, each.event) for each in settled]
    deliveries, events = entry.document.get("deliveries", ()), entry.document.get("events", ())
    return [
        record.settled_row(
            _order(delivery), ReceivedAs(delivery["_id"], delivery["received_at"]), event
        )
        for delivery, event in zip(deliveries, events, strict=True)
    ]


def _requests(entry: Entry, tips: Sequence[TipRow]) -> list[RequestRow]:
    """As they were when their tips had settled."""
    settled: Sequence[Settled] | None = entry.memory.get(SETTLED)
    if settled:
        return [each.request for each in settled]
    events = entry.document.get("events", ())
    return [
        queue.of_event(row, row["created_at"], queue.tipped_at(tip))
        for row, tip in zip(events, tips, strict=True)
    ]


def _order(delivery: Document) -> TipOrder:
    order = payloads.parse(bytes(delivery["body"])).order
    assert isinstance(order, TipOrder)
    return order


def _move_head(row: EventRow, session: ClientSession | None) -> None:
    """Forward only: outside a transaction it may be asked again."""
    end = {"sequence": row["sequence"], "digest": events.row_digest(row)}
    collection(ChainHead).update_one(
        {"_id": events.HEAD}, {"$set": end}, upsert=True, session=session
    )


# --- the proof -----------------------------------------------------------------------------------


def differences(entries: Sequence[Document]) -> Iterator[str]:
    """What these entries say of events and neither the log nor the archive does, a line each."""
    said = {row["_id"]: row for entry in entries for row in entry.get("events", ())}
    wanted = {"_id": {"$in": list(said)}}
    if not said:
        return
    # The archive second: an event is copied there before it leaves the log.
    kept = {row["_id"]: row for row in collection(TipActivated).find(wanted)}
    wanted = {"_id": {"$in": [key for key in said if key not in kept]}}
    archived = collection(ArchivedTipActivated).find(wanted, {"segment": 0})
    kept |= {row["_id"]: row for row in archived}
    for key, row in said.items():
        if key not in kept:
            yield f"event {key}: is in the journal and not in the log"
        elif kept[key] != row:
            yield f"event {key}: is another one in the journal"
