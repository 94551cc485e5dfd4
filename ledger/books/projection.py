"""What the journal's entries say of money, as postings and accounts."""

from collections.abc import Sequence

from pymongo.client_session import ClientSession

from ground.journal import journal
from ground.journal.journal import Context, Entry
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
