"""What the device's floor takes from the event log: every settled tip without a verdict has its
request, and her pages are told.

The request is written in the transaction that logs the event, so normally there is nothing to do. A
tip that has its verdict never comes back, whatever became of its request."""

import logging
from collections.abc import Sequence
from datetime import datetime

from pymongo.client_session import ClientSession

from ground.mongodb.collections import collection
from lovense.deciding.activation import FINAL, activation_id
from lovense.models import Activation
from lovense.sending import groups
from tips.log.emission import Consumer, Envelope
from tips.queue import lost

log = logging.getLogger(__name__)

_OVER = [status.value for status in FINAL]


def ensure_requests(
    envelopes: Sequence[Envelope], *, now: datetime, session: ClientSession
) -> None:
    tip_ids = [envelope["data"]["tipId"] for envelope in envelopes]
    if restored := lost.ensure(tip_ids, over=_with_verdict, now=now, session=session):
        log.warning("requests_restored", extra={"count": len(restored)})


def _with_verdict(tip_ids: Sequence[str]) -> set[str]:
    wanted = {
        "_id": {"$in": [activation_id(tip_id) for tip_id in tip_ids]},
        "status": {"$in": _OVER},
    }
    return {row["tip_id"] for row in collection(Activation).find(wanted, {"tip_id": 1})}


def tell_pages(envelopes: Sequence[Envelope]) -> None:
    groups.news.mark({envelope["data"]["performerId"] for envelope in envelopes}, "tips")


ACTIVATION = Consumer("activation", reads=("tipId",), record=ensure_requests)
NOTIFICATION = Consumer("notification", reads=("performerId",), announce=tell_pages)
