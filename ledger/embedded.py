"""The embedded gateway: our own double-entry books answer the four questions."""

from collections.abc import Sequence
from datetime import datetime

from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from ledger import gateway, posting
from ledger.database import client, collection
from ledger.models import Account, Entry


class EmbeddedGateway:
    def transfer(self, groups: Sequence[gateway.Group], *, now: datetime, session: ClientSession) -> list[gateway.Result]:
        return posting.post(groups, now=now, session=session)

    def entries_for(self, source_ref: str) -> list[gateway.PostedEntry]:
        # Entry keys are `<source_ref>:<side>`; ';' follows ':' in ASCII, so this range is exactly the source_ref's own.
        found = collection(Entry).find({"_id": {"$gte": f"{source_ref}:", "$lt": f"{source_ref};"}})
        return [
            gateway.PostedEntry(
                row["_id"], row["account"], row["source_ref"], row["points_delta"], row["balance_after"], row["posted_at"]
            )
            for row in found
        ]

    def balance_of(self, account: str) -> int:
        row = collection(Account).find_one({"_id": account}, {"balance": 1})
        return int(row["balance"]) if row else 0

    def health(self) -> bool:
        try:
            return bool(client().admin.command("ping")["ok"])
        except PyMongoError:
            return False
