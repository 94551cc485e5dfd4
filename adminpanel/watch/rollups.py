"""Roll-ups: how much was tipped in each hour (UTC, of settlement), in all and for each performer. A
consumer of the event log.

The increments and the consumer's position are written in one transaction, so every event counts
once; a sum over the log gives the same numbers. No other transaction writes these rows, so
settlement never waits for them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import models
from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from adminpanel.models import PerformerTipHour, TipHour
from ground import clock
from ground.mongodb.collections import collection
from tips.log.emission import Consumer, Envelope
from tips.rows import Payload

Sums = dict[str, int]


def hour_of(payload: Payload) -> datetime:
    return clock.parse(payload["settlement"]["settledAt"]).replace(
        minute=0, second=0, microsecond=0
    )


def count(envelopes: Sequence[Envelope], *, now: datetime, session: ClientSession) -> None:
    hours: dict[datetime, Sums] = defaultdict(_none)
    performers: dict[tuple[str, datetime], Sums] = defaultdict(_none)
    for envelope in envelopes:
        payload = envelope["data"]
        hour = hour_of(payload)
        _add(hours[hour], payload)
        _add(performers[payload["performerId"], hour], payload)
    _write(
        TipHour, [_increment(_key(hour), sums, hour=hour) for hour, sums in hours.items()], session
    )
    _write(
        PerformerTipHour,
        [
            _increment(f"{who}/{_key(hour)}", sums, performer_id=who, hour=hour)
            for (who, hour), sums in performers.items()
        ],
        session,
    )


def _none() -> Sums:
    return {"tips": 0, "tokens": 0, "net": 0}


def _add(sums: Sums, payload: Payload) -> None:
    sums["tips"] += 1
    sums["tokens"] += payload["amount"]
    sums["net"] += payload["netPrice"]


def _key(hour: datetime) -> str:
    return hour.strftime("%Y-%m-%dT%H")


def _increment(key: str, sums: Sums, **names: Any) -> UpdateOne:
    return UpdateOne({"_id": key}, {"$inc": sums, "$setOnInsert": names}, upsert=True)


def _write(model: type[models.Model], increments: list[UpdateOne], session: ClientSession) -> None:
    collection(model).bulk_write(increments, ordered=False, session=session)


ANALYTICS = Consumer(
    "analytics", reads=("performerId", "amount", "netPrice", "settlement.settledAt"), record=count
)
