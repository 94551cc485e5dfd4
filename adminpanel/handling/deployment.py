"""Whether no token here is money, so that staff may send samples.

Two things say so, and both must: the setting TEST_DEPLOYMENT, and a mark in the database. A web
process settles the mark before it takes its first call: *test* is written only where nothing has
ever arrived, and *live*, by a process that may hear of real money, over whatever stands there. What
is live never becomes a test, so no setting brings samples beside real money."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pymongo
from django.conf import settings
from django.core.checks import CheckMessage, Error
from pymongo.client_session import ClientSession

from adminpanel.models import DeploymentMark
from ground.inbox.models import WebhookDelivery
from ground.journal.models import JournalEntry
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from ledger.models import Posting
from tips.models import Tip

TEST, LIVE = "test", "live"
KEY = "deployment"
EMBEDDED = "embedded"
MOST_A_MINUTE = 6
SETTLE_SECONDS = 5.0  # a process waits for it
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HAS_PAST = (
    "Something had arrived in this database before it could be marked as a test’s, and nothing in "
    "a call says that its tokens were play money: no sample is ever sent here."
)
_ENDED = (
    "This database was served by a process that may have heard of real money, and is live from "
    "then on: no sample is ever sent here."
)
_REMEDY = (
    "For a test, start TEST_DEPLOYMENT=true on an empty database: another name in MONGODB_URI, or "
    'on this machine make seed ARGS="--data DIR".'
)
_ARRIVED = (WebhookDelivery, JournalEntry, Tip, Posting)


class NoTestDeployment(Refusal):
    """Samples are sent where no token is money, and nowhere else."""

    code, status = "no_test_deployment", 409


class TooManySamples(Refusal):
    """Of samples so many are sent in a minute."""

    code, status = "too_many_samples", 429
    words = f"At most {MOST_A_MINUTE} samples a minute: wait for the next one."

    def __init__(self, *, now: datetime) -> None:
        super().__init__()
        self.retry_after = 60 - now.second


def test_settings(app_configs: Any, **kwargs: Any) -> Iterator[CheckMessage]:
    """A process that could hear of real money does not start as a test."""
    if not settings.TEST_DEPLOYMENT:
        return
    if settings.LEDGER_GATEWAY != EMBEDDED or not settings.LEDGER_PLACES_TIPS:
        yield Error(
            "TEST_DEPLOYMENT=true stands beside a ledger that is not our own books.",
            hint="Samples would be tips of real people: LEDGER_GATEWAY=embedded, or no test.",
            id="adminpanel.E001",
        )
    if urlsplit(settings.RRR_API_BASE_URL.strip()).hostname not in (None, *_LOOPBACK):
        yield Error(
            "TEST_DEPLOYMENT=true stands beside RRR_API_BASE_URL, a ledger elsewhere.",
            hint="A test deployment knows no ledger but its own: leave RRR_API_BASE_URL out.",
            id="adminpanel.E002",
        )


def settle(*, now: datetime) -> None:
    """What a web process says before it takes its first call. May be repeated for ever."""
    with pymongo.timeout(SETTLE_SECONDS):
        _settle(now)


def _settle(now: datetime) -> None:
    marks = collection(DeploymentMark)
    if settings.TEST_DEPLOYMENT:
        if marks.find_one({"_id": KEY}) is None and not _has_past():
            first = {"kind": TEST, "at": now, "minute": None, "sent": 0}
            marks.update_one({"_id": KEY}, {"$setOnInsert": first}, upsert=True)
    elif _may_be_real() and kind() != LIVE:
        live = {"kind": LIVE, "at": now, "minute": None, "sent": 0}
        marks.update_one({"_id": KEY}, {"$set": live}, upsert=True)


def kind() -> str:
    """What this database was marked as; empty where nobody has."""
    row = collection(DeploymentMark).find_one({"_id": KEY}, {"kind": 1})
    return str(row["kind"]) if row else ""


def why_not() -> str:
    """Why no sample is sent here, and what helps; empty where one may be."""
    if not settings.TEST_DEPLOYMENT:
        return "Samples are for test deployments, and TEST_DEPLOYMENT is not set here."
    found = kind()
    return "" if found == TEST else f"{_ENDED if found else _HAS_PAST} {_REMEDY}"


def claim(*, now: datetime, session: ClientSession) -> None:
    """One of this minute's samples, in the transaction that says why. Raises NoTestDeployment,
    TooManySamples."""
    if reason := why_not():
        raise NoTestDeployment(reason)
    minute = now.replace(second=0, microsecond=0)
    this_minute = {"$and": [{"$eq": ["$minute", minute]}, {"$gt": ["$sent", 0]}]}
    sent = {"$cond": [this_minute, {"$add": ["$sent", 1]}, 1]}
    may = {"$or": [{"minute": {"$ne": minute}}, {"sent": {"$lt": MOST_A_MINUTE}}]}
    claimed = collection(DeploymentMark).update_one(
        {"_id": KEY, "kind": TEST, **may},
        [{"$set": {"sent": sent, "minute": minute}}],
        session=session,
    )
    if not claimed.modified_count:
        raise TooManySamples(now=now)


def _has_past() -> bool:
    return any(collection(each).find_one({}, {"_id": 1}) is not None for each in _ARRIVED)


def _may_be_real() -> bool:
    """Whoever knows the development secret may sign anything: what comes by it is no money."""
    is_ours = settings.LEDGER_GATEWAY == EMBEDDED and settings.DEBUG
    secrets = settings.PAYMENT_WEBHOOK_SECRETS
    return not is_ours or list(secrets) != [settings.PAYMENT_DEVELOPMENT_SECRET]
