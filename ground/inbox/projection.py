"""What the journal's entries say of deliveries, as rows of the inbox. A delivery that was settled
at once has its row only now; one that had waited here is marked."""

from collections.abc import Sequence

from pymongo.client_session import ClientSession

from ground.inbox.inbox import Call
from ground.inbox.models import DeliveryStatus, WebhookDelivery
from ground.journal import journal
from ground.journal.journal import Context, Entry
from ground.mongodb.collections import Document

_PROCESSED = DeliveryStatus.PROCESSED.value


def written(call: Call) -> Document:
    """The delivery as an entry carries it."""
    return {
        "_id": call.key,
        "source": call.source,
        "event_type": call.event_type,
        "subject": call.subject,
        "fingerprint": call.fingerprint,
        "body": call.body,
        "position": call.position,
        "received_at": call.received_at,
    }


class Deliveries:
    def before(self, entries: Sequence[Entry], context: Context) -> None:
        """Nothing of the inbox is outside the transaction."""

    def write(
        self, entries: Sequence[Entry], context: Context, *, session: ClientSession | None
    ) -> None:
        rows = [
            delivery
            | {
                "repeats": None,
                "status": _PROCESSED,
                "processed_at": entry.document["at"],
                "attempts": 0,
                "error": "",
            }
            for entry in entries
            for delivery in entry.document.get("deliveries", ())
        ]
        journal.insert(WebhookDelivery, rows, session=session, are_large=True)
