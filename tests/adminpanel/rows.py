"""Rows of the queue in any number and any state, written past the rules: for what only counts them."""

from datetime import timedelta

from ground.mongodb.collections import collection
from tests.factories import NOW
from tips.models import Priority, QueueRequest, RequestType
from tips.queue import requests as queue

_FIRST = [0]


def rows(count, *, lane="507f191e810c19729de860eb", kind=RequestType.TIP, ago=timedelta(), **more):
    """So many requests, created that long ago; `more` is set on each."""
    start = _FIRST[0]
    _FIRST[0] += count
    made = [
        queue.new_row(f"{n:024x}", kind, {}, lane=lane, position=n, priority=Priority.HIGH, now=NOW - ago)
        | more
        for n in range(start, start + count)
    ]
    collection(QueueRequest).insert_many(made, ordered=False)
    return made


def ended(count, status="completed", *, ago=timedelta(), waited=timedelta(), lasted=timedelta(), **more):
    """Requests that ended that long ago, `lasted` after their start, for which they had `waited`."""
    began = NOW - ago - lasted
    times = {"finished_at": NOW - ago, "claimed_at": began} | more
    return rows(count, ago=NOW - (began - waited), status=status, **times)
