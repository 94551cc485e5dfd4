"""What staff do about a delivery: have it processed again, or look at its whole body. Each with a
reason and an entry in the audit log."""

from pymongo.client_session import ClientSession

from adminpanel.people.deeds import Deed, DeedChange, DeedTarget, Outdated, recorded
from ground.inbox import inbox
from ground.inbox.models import DeliveryRow, DeliveryStatus
from ground.mongodb import transactions

LEDGER = "rrr"
_ASIDE, _RECEIVED = DeliveryStatus.SET_ASIDE.value, DeliveryStatus.RECEIVED.value


def target(key: str) -> DeedTarget:
    return DeedTarget("delivery", key)


def process_again(row: DeliveryRow, *, seen: int, deed: Deed) -> str:
    """A delivery that lies aside is handed out as if it had just come, to the drain that all pass:
    the hop of it. `seen`: how often it had failed."""

    def body(session: ClientSession) -> None:
        if not inbox.hand_out_again(row["_id"], seen=seen, session=session):
            present = inbox.find(row["_id"])
            raise Outdated("It does not lie aside any more.", present and present["status"])
        change = DeedChange({"status": _ASIDE, "attempts": seen}, {"status": _RECEIVED})
        recorded(deed, "process_again", target(row["_id"]), session, change)

    transactions.run(body)
    return "ledger.announce" if row["source"] == LEDGER else "tips.settle"


def look_into(row: DeliveryRow, *, deed: Deed) -> None:
    """That somebody looks at what a payment system said, with its names."""
    transactions.run(lambda session: recorded(deed, "look_into_body", target(row["_id"]), session))
