"""Acknowledgements: what a page says about an activation, believed once, and what that ends.

Said again, or about what is not the page's own, it changes nothing. What has ended is over; only a
page that had been given up may still say that it finished."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from pymongo import UpdateOne
from pymongo.write_concern import WriteConcern

from ground.mongodb.collections import collection
from lovense.deciding import batch
from lovense.deciding.activation import (
    FINAL,
    LIVE,
    PREDECESSORS,
    STOPPED,
    TARGET,
    S,
    end_requests,
    froms,
    run_seconds,
)
from lovense.deciding.shortfall import TENTHS
from lovense.models import Activation
from lovense.sending import playedlegs, retries
from lovense.sending.playedlegs import PlayedLeg
from tips.models import RequestStatus
from tips.queue import claims
from tips.queue import requests as queue
from tips.rows import Statement

# Followed by a majority write of the queue: the journal is ordered, so one wait covers both.
_FAST = WriteConcern(1)
# What a device may say before it starts, and that passes by itself. Everything else that it says is
# final.
TEMPORARY = frozenset({"busy", "not_connected", "app_offline", "too_many_requests", "unreachable"})


@dataclass(frozen=True, slots=True)
class Ack:
    """What a page said about an activation of its own performer. `stage`: received, started,
    finished or failed."""

    performer_id: str
    activation_id: str
    attempt: int
    stage: str
    at: datetime
    delivered_seconds: float | None = None
    code: str = ""
    is_answer: bool = (
        False  # the socket it came from was sent this very activation: it is the performer's own
    )
    # of what its page has told in slices, where one of its devices fell short
    legs: tuple[PlayedLeg, ...] = ()

    @property
    def is_plain_end(self) -> bool:
        """Nothing but the end of what its socket was sent; a stop's is looked at more closely."""
        is_end = self.stage == "finished" and self.is_answer and self.code != STOPPED
        return is_end and not self.legs


_UNSEEN = 0.5 / TENTHS  # so little less than was promised is not owed
STAGES = ("received", "started", "finished", "failed")
ENDS = ("finished", "failed")


def acknowledge(acks: Sequence[Ack]) -> list[bool]:
    """Records acknowledgements and ends their requests. Repeats, and acknowledgements of what is
    not theirs, change nothing.

    True for an acknowledgement after which its activation is over, so that the lane's next request
    may start."""
    plain = [ack for ack in acks if ack.is_plain_end]
    if len(plain) == len(acks) and _finish_all(plain):
        queue.advance(
            [_request_id(ack) for ack in plain], RequestStatus.COMPLETED, now=plain[-1].at
        )
        return [True] * len(acks)
    refusals = [ack for ack in acks if ack.stage == "failed"]
    refused = {_who_about_what(ack) for ack in refusals if _is_refusal(ack)}
    told = [ack for ack in acks if _who_about_what(ack) not in refused]
    if told:
        # What a page has confirmed is never sent to another one, so it must outlive a failover.
        concern = _FAST if all(ack.stage in ENDS for ack in told) else None
        collection(Activation, concern).bulk_write(
            [update for ack in told for update in _updates_of(ack)], ordered=True
        )
    _extend([ack for ack in told if ack.stage not in ENDS])
    over = _end_requests([ack for ack in told if ack.stage in ENDS]) | refused
    return [ack.stage in ENDS and _who_about_what(ack) in over for ack in acks]


def _finish_all(acks: Sequence[Ack]) -> bool:
    """The plain case, one statement per distinct duration: every ack answers what was sent to its
    own socket, alone, and is the first.

    False when one of them was not; nothing is lost then, the careful way finds which.
    """
    alike: dict[float, list[str]] = {}
    for ack in acks:
        if ack.delivered_seconds is None:
            return False
        alike.setdefault(ack.delivered_seconds, []).append(ack.activation_id)
    moved = 0
    for seconds, ids in alike.items():
        changes = {
            "status": S.COMPLETED.value,
            "finished_at": acks[-1].at,
            "delivered_seconds": seconds,
            "reason": "",
        }
        alone: Statement = {
            "_id": {"$in": ids},
            "status": {"$in": [status.value for status in LIVE]},
            "members": None,
            "cancelled_at": None,
            "stopped_at": None,
            # What says more, owes some of it, or has owed it before goes the careful way.
            "attempts.is_replay": {"$ne": True},
            "promised_seconds": {"$gte": seconds, "$lt": seconds + _UNSEEN},
        }
        moved += collection(Activation, _FAST).update_many(alone, {"$set": changes}).modified_count
    return moved == len(acks)


def have_rows(acks: Sequence[Ack]) -> bool:
    """Whether everything that these are about is in the rows. Where it is not, its entry may wait
    to be unfolded, and what is said of it would be recorded nowhere."""
    ids = {ack.activation_id for ack in acks}
    return bool(collection(Activation).count_documents({"_id": {"$in": list(ids)}}) == len(ids))


def _is_refusal(ack: Ack) -> bool:
    """Its page has not begun it, and it plays later."""
    if ack.code == STOPPED:
        return retries.kept_back(
            ack.activation_id, ack.attempt, performer_id=ack.performer_id, now=ack.at
        )
    return ack.code in TEMPORARY and _refuse(ack)


def _refuse(ack: Ack) -> bool:
    """The device did not start, and may the next time: its run is known not to have played, so it
    may be tried again.

    The leader first: from then on nothing names its members as part of a run.
    """
    key = ack.activation_id.removesuffix(f".{TARGET}")
    mine = {
        "performer_id": ack.performer_id,
        "attempt": ack.attempt,
        "leader": None,
        "cancelled_at": None,
        "stopped_at": None,
    }
    is_refused = any(
        retries.refused(request, ack.code, now=ack.at, **mine) for request in claims.of_keys([key])
    )
    for member in claims.joined_to([key]) if is_refused else ():
        retries.refused(member, ack.code, now=ack.at, leader=ack.activation_id)
    return is_refused


def _request_id(ack: Ack) -> str:
    return queue.request_id(ack.activation_id.removesuffix(f".{TARGET}"))


def _updates_of(ack: Ack) -> list[UpdateOne]:
    mine: Statement = {"_id": ack.activation_id, "performer_id": ack.performer_id}
    if ack.stage == "received":
        return [
            UpdateOne(
                {**mine, "status": S.DISPATCHED.value, "received_at": None},
                {"$set": {"received_at": ack.at}},
            )
        ]
    if ack.stage == "started":
        changes: Statement = {"status": S.ACTIVATED.value, "started_at": ack.at}
        return [UpdateOne({**mine, "status": froms(S.ACTIVATED)}, {"$set": changes})]
    if ack.stage == "failed" and ack.code in TEMPORARY:
        mine["attempt"] = (
            ack.attempt
        )  # a refusal that comes late or twice says nothing about the next attempt
    end: Statement = {
        "finished_at": ack.at,
        "delivered_seconds": _delivered(ack),
        "owes_since": ack.at,
    }
    if ack.legs and ack.stage == "finished":
        legs = playedlegs.rows_of(ack.performer_id, ack.legs, code=ack.code)
        end["legs"] = {"$ifNull": ["$legs", {"$literal": legs}]}  # the server's own say more
    cancelled = {
        **mine,
        "status": froms(S.CANCELLED),
        "cancelled_at": {"$ne": None},
        **_short_of(ack),
    }
    stopped = {**mine, "status": froms(S.FAILED), **_short_of(ack)}
    if ack.code != STOPPED:
        stopped["stopped_at"] = {"$ne": None}
    status, reason = (S.COMPLETED, "") if ack.stage == "finished" else (S.FAILED, ack.code)
    ending: Statement = {**mine, "status": froms(status)}
    last: Statement = {**end, "status": status.value, "reason": {"$literal": reason}}
    if status is S.COMPLETED:
        ending["requeued_at"] = None  # of what plays again nothing is believed any more
        last["owes_since"] = _owes_since(ack)
    return [
        UpdateOne(
            cancelled, [{"$set": {**end, "status": S.CANCELLED.value, "reason": "cancelled"}}]
        ),
        UpdateOne(stopped, [{"$set": {**end, "status": S.FAILED.value, "reason": STOPPED}}]),
        UpdateOne(ending, [{"$set": last}]),
    ]


_PROMISED = {"$ifNull": ["$run_seconds", "$promised_seconds"]}


def _delivered(ack: Ack) -> Any:
    """No page has delivered more than its command promised."""
    said = ack.delivered_seconds
    return None if said is None else {"$min": [said, _PROMISED]}


def _owes_since(ack: Ack) -> Statement:
    """Of a finished one: where it is short, and where it had been given up, and so owed all."""
    said = -1 if ack.delivered_seconds is None else ack.delivered_seconds
    given_up = [status.value for status in PREDECESSORS[S.COMPLETED] & FINAL]
    is_replayed = {"$in": [True, {"$ifNull": ["$attempts.is_replay", []]}]}
    may_owe = {"$or": [{"$gt": [_PROMISED, said]}, {"$in": ["$status", given_up]}, is_replayed]}
    return {"$cond": [may_owe, ack.at, "$$REMOVE"]}


def _short_of(ack: Ack) -> Statement:
    """Cancelled, or stopped, is what did not play to its end. What had played all of it when it was
    told to end is completed."""
    if ack.stage != "finished" or ack.delivered_seconds is None:
        return {}
    return {"$expr": {"$gt": [_PROMISED, ack.delivered_seconds]}}


def _who_about_what(ack: Ack) -> tuple[str, str]:
    return ack.performer_id, ack.activation_id


def _end_requests(ends: Sequence[Ack]) -> set[tuple[str, str]]:
    """Ends the requests of activations that are over now; whether this call or an earlier one ended
    them is the same."""
    if not ends:
        return set()
    said, now = {_who_about_what(ack) for ack in ends}, max(ack.at for ack in ends)
    found = collection(Activation).find(
        {"_id": {"$in": [activation_id for _, activation_id in said]}}, {"commands": 0, "gates": 0}
    )
    over = [
        row
        for row in found
        if (row["performer_id"], row["_id"]) in said and S(row["status"]) in FINAL
    ]
    batch.ended(over, now=now)
    end_requests(over, now=now)
    return {(row["performer_id"], row["_id"]) for row in over}


def _extend(acks: Sequence[Ack]) -> None:
    """A page that has the command may take its promised time; the lease then covers it."""
    if not acks:
        return
    said, now = {_who_about_what(ack) for ack in acks}, max(ack.at for ack in acks)
    columns = (
        "request_id",
        "status",
        "promised_seconds",
        "run_seconds",
        "members",
        "performer_id",
        "received_at",
        "started_at",
    )
    found = list(
        collection(Activation).find(
            {"_id": {"$in": [activation_id for _, activation_id in said]}}, columns
        )
    )
    for row in found:
        began = (
            row["started_at"] or row["received_at"]
        )  # not the time of this ack: one said again must not buy more time
        if began is not None and (row["performer_id"], row["_id"]) in said:
            until = began + timedelta(seconds=run_seconds(row) + settings.FINISH_GRACE_SECONDS)
            is_live = S(row["status"]) in LIVE
            if not claims.extend(row["request_id"], until=until) and is_live:
                # Confirmed between two attempts: what plays has its turn, and holds its lane.
                claims.retake(row["request_id"], by=settings.STACK_SLOT, now=now, until=until)
    batch.started([row for row in found if row["started_at"] is not None])
