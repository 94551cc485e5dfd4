"""What the journal's entries say of money, as postings and accounts."""

from collections.abc import Iterator, Mapping, Sequence

from pymongo.client_session import ClientSession

from ground.journal import journal
from ground.journal.journal import Context, Entry
from ground.mongodb.collections import Document, collection
from ledger.books import posting
from ledger.books.memory import PostingRow, State
from ledger.models import Posting


class Postings:
    def before(self, entries: Sequence[Entry], context: Context) -> None:
        """No money moves outside the transaction."""

    def write(
        self, entries: Sequence[Entry], context: Context, *, session: ClientSession | None
    ) -> None:
        rows: list[PostingRow] = [
            row for entry in entries for row in entry.document.get("postings", ())
        ]
        if not rows:
            return
        moved: dict[str, State] = {
            leg["account"]: (leg["balance"], leg["version"]) for row in rows for leg in row["legs"]
        }
        now = entries[-1].document["at"]
        if session is not None:
            posting.keep(rows, moved, now=now, session=session)
        else:
            journal.insert(Posting, rows, session=None)
            posting.set_forward(moved, now=now)


# --- the proof -----------------------------------------------------------------------------------


def differences(entries: Sequence[Document]) -> Iterator[str]:
    """What these entries say of money and the books do not, a line each."""
    said = {row["_id"]: row for entry in entries for row in entry.get("postings", ())}
    if not said:
        return
    kept = {row["_id"]: row for row in collection(Posting).find({"_id": {"$in": list(said)}})}
    for key, row in said.items():
        if key not in kept:
            yield f"posting {key}: is in the journal and not in the books"
        elif kept[key] != row:
            yield f"posting {key}: is another one in the journal"
    yield from _fallen_back(said)


def _fallen_back(said: Mapping[str, PostingRow]) -> Iterator[str]:
    """Accounts whose rows are not as far as these postings, or stand elsewhere after the same."""
    left: dict[str, State] = {
        leg["account"]: (leg["balance"], leg["version"])
        for row in said.values()
        for leg in row["legs"]
    }
    for account, (balance, version) in posting.states(left).items():
        folded, at = left[account]
        if version < at or (version == at and balance != folded):
            says = f"says {balance} at version {version}"
            yield f"account {account}: {says}, the journal left it with {folded} at version {at}"
