"""A tip whose transfers somebody else posts: recorded, posted, looked at; and what the looks found."""

from datetime import timedelta

from ledger.gateway import LedgerError, performer_account, user_account
from tests.factories import NOW
from tests.tips.calls import ANA, BOB, found, settle, succeeded, tip_id
from tips.settlement import polling

PATIENCE = timedelta(hours=48)
VIEWER, HERS = user_account(BOB), performer_account(ANA)


class TooBusy(LedgerError):
    """The answer of a ledger that does not answer."""

    code = "rate_limited"


def ref(number=1):
    return f"TIP_{tip_id(number)}"


def recorded(number=1, tokens=100, **more):
    succeeded(number, tokens, **more)
    return settle()


def posted(remote, number=1, tokens=100, **more):
    remote.post(ref(number), BOB, ANA, tokens, **more)


def look(now=NOW, limit=200):
    return polling.drain(now=now, limit=limit)


def doubt(number=1):
    return found(number)["needs_reconciliation"]


def heard(now):
    """The doubt after the ledger's news of the tip have been looked at."""
    polling.look_again([ref()], now=now, settled_too=True)
    look(now)
    return doubt()
