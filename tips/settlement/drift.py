"""Drift: what a ledger says today about the tips that were settled, beside what their events say.
Reports, never fixes.

A tip was settled because the ledger had posted its entries. It may have reversed them since, or
lost them, or we may have read them wrongly. What proved a tip (`tips/settlement/proof.py`) proves
it here too. One batch of tips and their events is in memory at a time; the ledger is asked by a few
threads."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from pymongo.errors import PyMongoError

from ground import clock
from ground.mongodb.collections import collection
from ledger.gateway import (
    Gateway,
    LedgerError,
    NeedsReconciliation,
    PostedEntry,
    Proof,
    performer_account,
    user_account,
)
from tips.log import eventlog
from tips.models import SettlementStatus, Tip
from tips.rows import EventRow, Payload, TipRow
from tips.settlement import proof

BATCH = 200
THREADS = 4  # a ledger behind a network is asked side by side, not hammered
MARGIN = timedelta(days=1)  # how much older than its tip a posting is searched for: clocks differ
_SETTLED = {"settlement_status": SettlementStatus.SETTLED.value}
_FIELDS = dict.fromkeys(
    ("source_ref", "total", "net", "tipper_id", "performer_id", "created_at", "happened_at"), 1
)

EntriesOrError = list[PostedEntry] | LedgerError


@dataclass(frozen=True, slots=True)
class Drift:
    """One settled tip, and how the ledger's answer differs from what is recorded of it."""

    tip_id: str
    problem: str

    def __str__(self) -> str:
        return f"tip {self.tip_id}: {self.problem}"


def size() -> int:
    """About how many tips there are to ask about."""
    return collection(Tip).estimated_document_count()


def findings(
    ledger: Gateway,
    *,
    sample: int | None = None,
    is_own: bool = True,
    progress: Callable[[int], object] = lambda tips: None,
) -> Iterator[Drift]:
    """Every difference, for all settled tips or a random sample.

    `is_own`: this ledger settled the tips, so that the ids in the events are its own; otherwise
    only amounts are compared."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="drift") as pool:
        tips = _settled(sample)
        while batch := list(islice(tips, BATCH)):
            logged = eventlog.of([tip["_id"] for tip in batch])
            for tip, answer in zip(
                batch, pool.map(lambda tip: _ask(ledger, tip), batch), strict=True
            ):
                yield from (
                    Drift(tip["_id"], problem)
                    for problem in _problems(tip, logged.get(tip["_id"]), answer, is_own=is_own)
                )
            progress(len(batch))


def _settled(sample: int | None) -> Iterator[TipRow]:
    if sample is None:
        return iter(collection(Tip).find(_SETTLED, _FIELDS, batch_size=BATCH))
    return iter(
        collection(Tip).aggregate(
            [{"$match": _SETTLED}, {"$sample": {"size": sample}}, {"$project": _FIELDS}]
        )
    )


def _ask(ledger: Gateway, tip: TipRow) -> EntriesOrError:
    accounts = (user_account(tip["tipper_id"]), performer_account(tip["performer_id"]))
    since = clock.before(min(tip["happened_at"], tip["created_at"]), MARGIN)
    try:
        return ledger.entries_for(tip["source_ref"], accounts=accounts, since=since)
    except LedgerError as error:
        return error
    except PyMongoError:
        raise  # our own database: no row can be read now
    # an answer that nobody foresaw: a report does not end at one row
    except Exception as error:
        unforeseen = LedgerError(str(error))
        unforeseen.code = type(error).__name__
        return unforeseen


def _problems(
    tip: TipRow, event: EventRow | None, answer: EntriesOrError, *, is_own: bool
) -> Iterator[str]:
    if event is None:
        yield "is settled and has no event"
    if isinstance(answer, LedgerError):
        yield f"the ledger gave no answer ({answer.code})"
        return
    try:
        found = proof.of(tip, answer)
    except NeedsReconciliation as needs:
        yield f"the ledger's entries need a person: {needs}"
        return
    if found is None:
        yield "the ledger has no posted entries of it"
    elif event is not None and is_own:
        yield from _references(event["payload"]["ledger"], found)


def _references(logged: Payload, found: Proof) -> Iterator[str]:
    today = {
        "ledgerId": found.ledger_id,
        "debitRef": found.debit_ref,
        "creditRef": found.credit_ref,
        "postedAt": clock.iso(found.posted_at),
    }
    for name, value in today.items():
        if logged[name] != value:
            yield f"its event says {name} {logged[name]}, the ledger says {value}"
