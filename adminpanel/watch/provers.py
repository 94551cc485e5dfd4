"""The five proofs as a terminal runs them: each reads everything it is about, shows how far it is,
and gives one sentence, or raises NotProven with what does not agree.

None changes anything; a replay writes into another database. What is compared with what is decided
by the rules: `ledger/books/reconcile.py`, `ground/journal/proof.py`, `tips/log/eventlog.py`,
`tips/settlement/drift.py`, `lovense/owed/listing.py`, `tips/settlement/replay.py`."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from django.conf import settings
from django.core.management import call_command
from pymongo.errors import InvalidURI, OperationFailure
from tqdm import tqdm

from ground.inbox import inbox
from ground.journal import proof as journal_proof
from ground.mongodb import collections
from ledger import gateway
from ledger.books import projection as books_projection
from ledger.books import reconcile
from lovense.owed import listing as owed
from tips.log import daily_heads, eventlog
from tips.log.events import BrokenChain
from tips.settlement import drift, replay
from tips.settlement import projection as tips_projection

MOST = 1000  # findings shown; one cause shows many times
MOST_SAMPLED = 1_000_000
SNAPSHOT_TOO_OLD = 239
REPLAYED = ("inbox", "journal", "ledger", "tips")  # apps: what happens to a device is not replayed

Head = tuple[int, str]  # a row of the event log and its digest


class NotProven(Exception):
    """Something does not agree. `findings`: a line each, one more than MOST where there are more
    than that."""

    def __init__(self, verdict: str, findings: Sequence[str] = ()) -> None:
        super().__init__(verdict)
        self.findings = list(findings)


class Untried(Exception):
    """It could not be tried; the text says why."""


class NotForThis(Untried):
    """It is not a proof of a deployment like this one."""


# --- the proofs ----------------------------------------------------------------------------------


def books() -> str:
    """Two entries per transfer, versions without gaps, balances that fold."""
    try:
        with _bar("books", reconcile.size(), "rows") as bar:
            found = _lines(reconcile.findings(progress=bar.update))
    except OperationFailure as error:
        if error.code != SNAPSHOT_TOO_OLD:
            raise
        longer = "give mongod a larger minSnapshotHistoryWindowInSeconds"
        raise Untried(
            f"The books take longer to read than the server keeps one moment of them: {longer}."
        ) from None
    if found:
        raise NotProven(f"The books do not agree: {counted(found)}.", found)
    return f"{reconcile.size()} rows read, the books agree"


CHECKS = (books_projection.differences, tips_projection.differences)


def journal() -> str:
    """Numbers without gaps, and every posting and event of an entry in its rows."""
    read = journal_proof.EntriesRead()
    with _bar("journal", journal_proof.size(), "entries") as bar:
        found = _lines(journal_proof.findings(CHECKS, read=read, progress=bar.update))
    if found:
        raise NotProven(f"The journal does not agree with its rows: {counted(found)}.", found)
    trimmed = f"; {read.trimmed} of them trimmed" if read.trimmed else ""
    return f"{read.entries} entries of the journal read, their rows agree{trimmed}"


def books_and_journal() -> str:
    """Both are read, whatever the first one gives."""
    said, verdicts, found = [], [], []
    for prove in (books, journal):
        try:
            said.append(prove())
        except NotProven as why:
            verdicts.append(str(why))
            found += why.findings
    if verdicts:
        raise NotProven(" ".join(verdicts), found)
    return "\n".join(said)


def log(noted: Sequence[Head] = ()) -> str:
    """The hash chain, past every daily head and every head that was noted elsewhere."""
    try:
        kept = daily_heads.kept(*noted)
        with _bar("log", eventlog.length(), "rows") as bar:
            rows = eventlog.verify(kept=kept, progress=bar.update)
    except BrokenChain as broken:
        raise NotProven(f"The event log is broken at {broken}.") from None
    except daily_heads.Contradiction as contradiction:
        raise NotProven(
            f"The heads that were kept contradict each other: {contradiction}."
        ) from None
    return (
        f"{rows} rows verified, {daily_heads.count()} daily heads agree\n"
        f"head {rows}:{eventlog.digest_of(rows)}"
    )


def proof(name: str = "", sample: int | None = None) -> str:
    """What proved the settled tips, asked of the ledger today; all of them, or so many drawn at
    random."""
    is_own = name in ("", settings.LEDGER_GATEWAY)
    ledger = gateway.current() if is_own else gateway.named(name)
    size, asked = drift.size(), 0
    with _bar("proof", min(size, sample or size), "tips") as bar:

        def count(tips: int) -> None:
            nonlocal asked
            asked += tips
            bar.update(tips)

        found = _lines(drift.findings(ledger, sample=sample, is_own=is_own, progress=count))
    if found:
        raise NotProven(f"The ledger does not agree: {counted(found)}.", found)
    return f"{asked} settled tips agree with the ledger"


def seconds() -> str:
    """Of every activation that has ended: promised = delivered + owed + requeued + waived."""
    read = 0
    with _bar("seconds", owed.size(), "activations") as bar:

        def count(rows: int) -> None:
            nonlocal read
            read += rows
            bar.update(rows)

        found = _lines(owed.differences(progress=count))
    if found:
        raise NotProven(f"The seconds do not add up: {counted(found)}.", found)
    return f"{read} activations read, their seconds add up"


def replayed(into: str = "") -> str:
    """What was sent, sent again into an empty database; without its address, into one that is gone
    afterwards."""
    original = collections.current()
    try:
        with collections.pointed_at(into) if into else collections.scratch() as target:
            replay.check(target)
            return _replay(original, target)
    except replay.NotOurs as other:
        raise NotForThis(str(other)) from None
    except (collections.NoDatabaseNamed, InvalidURI, replay.NotEmpty) as refusal:
        raise Untried(str(refusal)) from None


def _replay(original: Any, target: Any) -> str:
    for app in REPLAYED:
        call_command("migrate", app, verbosity=0)  # the indexes are the rules' definition of "once"
    before, shown, count = replay.standing(original), [], 0
    with _bar("replay", replay.size(original), "rows") as bar:
        fed = replay.feed(original, progress=bar.update)
        compared = replay.differences(original, target, progress=bar.update)
        for count, difference in enumerate(chain(fed, compared), 1):
            if count <= MOST:
                shown.append(str(difference))
    if replay.standing(original) != before:
        raise NotProven(
            "The original worked on meanwhile, so this proves nothing: replay a copy of it.", shown
        )
    if count:
        raise NotProven(f"The replay differs in {count} places.", shown)
    return f"{inbox.size(original)} deliveries replayed, everything is the same"


# --- what they have in common --------------------------------------------------------------------


def counted(findings: Sequence[str]) -> str:
    more = "more than " if len(findings) > MOST else ""
    return f"{more}{min(len(findings), MOST)} findings"


def _lines(findings: Iterator[object]) -> list[str]:
    return [str(finding) for finding in islice(findings, MOST + 1)]


def _bar(name: str, total: int, unit: str) -> Any:
    # disable=None: the bar is drawn on a terminal only
    return tqdm(desc=name, total=total, unit=f" {unit}", disable=None, leave=False)


# --- their options -------------------------------------------------------------------------------


def head(written: str) -> Head:
    """A head as `log` prints it."""
    sequence, _, digest = written.partition(":")
    if not (sequence.isascii() and sequence.isdigit() and len(digest) == 64):
        raise ArgumentTypeError("must be a head as this command prints it, NUMBER:DIGEST")
    return int(sequence), digest


def sample(written: str) -> int:
    if not (written.isascii() and written.isdigit() and 0 < int(written) <= MOST_SAMPLED):
        raise ArgumentTypeError(f"must be a whole number from 1 to {MOST_SAMPLED}")
    return int(written)


Proof = Callable[[dict[str, Any]], str]
# In the order of what depends on what: a tip's proof is worth what the books are worth.
PROOFS: dict[str, Proof] = {
    "books": lambda options: books_and_journal(),
    "log": lambda options: log(options["noted"]),
    "proof": lambda options: proof(options["gateway"] or "", options["sample"]),
    "seconds": lambda options: seconds(),
    "replay": lambda options: replayed(options["into"]),
}
