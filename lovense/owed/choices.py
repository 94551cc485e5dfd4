"""What she decides about seconds that an activation of hers owes: they play after all, or are
waived.

Either is one transaction with its entry in the audit log. The activation is marked in the one that
requeues, so that neither a late word of its page nor a replay plays the same seconds twice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pymongo.client_session import ClientSession

from ground.audit import log as audit_log
from ground.journal import journal
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.deciding.activation import FINAL, S
from lovense.deciding.shortfall import TENTHS, lacking
from lovense.deciding.turns import next_turn
from lovense.history import hours
from lovense.models import Activation, Owed, OwedCause, OwedState
from lovense.owed import owing
from lovense.rows import ActivationRow, Json, OwedRow
from lovense.sending import groups
from tips.log import eventlog
from tips.models import QueueRequest
from tips.rows import RequestRow, Statement

T = TypeVar("T")


class NothingOwed(Refusal):
    """It owes nothing; or it is another performer's, which is told to nobody."""

    code, status, words = "not_found", 404, "Not found."


class TooShort(Refusal):
    """No device runs for less than two seconds."""

    code, status = "too_short", 409
    words = "Less than 2 s are owed, and no device runs for less; they can be waived."


class UnknownOutcome(Refusal):
    """What may have played is played again only by somebody who knows that it may have."""

    code, status = "unknown_outcome", 409
    words = "How much of it has played is not known; requeue it with isConfirmed if it is to play."


class AlreadyDecided(Refusal):
    """What is requeued, waived or delivered is owed no more."""

    code, status = "already_decided", 409

    def __init__(self, state: str) -> None:
        super().__init__(f"It is {state}.")
        self.details = {"state": state}


class UnderWay(Refusal):
    """A person has sent it back into the queue: it is decided how it ends."""

    code, status = "under_way", 409
    words = "It plays again already; what it owes is known when that has ended."


@dataclass(frozen=True, slots=True)
class OwedChoice:
    """Whose row it is about, and who decides. `performer_id` None: whoever's."""

    activation_id: str
    performer_id: str | None
    by: str
    now: datetime
    why: str = ""


@dataclass(frozen=True, slots=True)
class Requeued:
    """`is_new` is False where it was requeued before."""

    owed: OwedRow
    is_new: bool


def requeue(choice: OwedChoice, *, is_confirmed: bool = False) -> Requeued:
    """Puts them into her queue, once. Raises NothingOwed, TooShort, UnknownOutcome, AlreadyDecided,
    UnderWay."""

    def body(session: ClientSession) -> Requeued:
        row, activation = _seen(choice, session)
        if row["state"] == OwedState.REQUEUED:
            return Requeued(row, is_new=False)
        _check_open(row, activation, OwedState.REQUEUED)
        owed = lacking(activation)
        if row["cause"] == OwedCause.UNKNOWN and not is_confirmed:
            raise UnknownOutcome
        if owed < owing.LEAST_REQUEUED:
            raise TooShort
        request = _queued(activation, owing.whole_seconds(owed), choice, session)
        again = owing.whole_seconds(owed) * TENTHS
        changes: Statement = {"requeued": again, "waived": owed - again, "owed": 0}
        changes["requeued_as"] = request["_id"]
        if owed > again:
            changes["why"] = owing.ROUNDING
        changes["state"] = OwedState.REQUEUED.value
        return Requeued(_move(row, activation, changes, choice, session), is_new=True)

    return _in_turn(body, choice)


def waive(choice: OwedChoice) -> OwedRow:
    """They are owed no more, for a reason that is kept. Raises NothingOwed, AlreadyDecided,
    UnderWay."""

    def body(session: ClientSession) -> OwedRow:
        row, activation = _seen(choice, session)
        if row["state"] == OwedState.WAIVED:
            return row
        _check_open(row, activation, OwedState.WAIVED)
        changes: Statement = {"waived": lacking(activation), "owed": 0}
        changes["why"] = choice.why[: audit_log.LONGEST_WHY]
        changes["state"] = OwedState.WAIVED.value
        return _move(row, activation, changes, choice, session)

    return _in_turn(body, choice)


def owed(choice: OwedChoice) -> OwedRow:
    """What it is about. Raises NothingOwed, also for what another performer owes."""
    known: OwedRow | None = collection(Owed).find_one({"_id": choice.activation_id})
    if known is None or choice.performer_id not in (None, known["performer_id"]):
        raise NothingOwed
    return known


def _in_turn(body: Callable[[ClientSession], T], choice: OwedChoice) -> T:
    """What is nobody's takes no turn."""
    lane = owed(choice)["performer_id"]
    result = journal.run(body, touched=journal.of_lane(lane), now=choice.now)
    groups.news.at_once([lane], "queue")
    return result


def _seen(choice: OwedChoice, session: ClientSession) -> tuple[OwedRow, ActivationRow]:
    key = {"_id": choice.activation_id}
    row = collection(Owed).find_one(key, session=session)
    activation = collection(Activation).find_one(key, session=session)
    if row is None or activation is None:
        raise NothingOwed
    return row, activation


def _check_open(row: OwedRow, activation: ActivationRow, to: OwedState) -> None:
    if row["state"] not in owing.froms(to):
        raise AlreadyDecided(row["state"])
    if S(activation["status"]) not in FINAL:
        raise UnderWay
    if not lacking(activation):  # a late word of its page, which its row does not know of yet
        raise AlreadyDecided(OwedState.DELIVERED.value)


def _queued(
    activation: ActivationRow, seconds: int, choice: OwedChoice, session: ClientSession
) -> RequestRow:
    """In its lane after all that waits already; and its first run is not believed any more."""
    lane, position = activation["performer_id"], eventlog.length()
    row = owing.request_of(activation, seconds, position=position, now=choice.now)
    row["turn"], row["submitted_by"] = next_turn(lane, position), choice.by[:64]
    collection(QueueRequest).insert_one(row, session=session)
    marked = {"$set": {"requeued_at": choice.now}}
    collection(Activation).update_one({"_id": activation["_id"]}, marked, session=session)
    return row


def _move(
    row: OwedRow,
    activation: ActivationRow,
    changes: Statement,
    choice: OwedChoice,
    session: ClientSession,
) -> OwedRow:
    """The hour that it counts in is counted again."""
    to = OwedState(changes["state"])
    changes |= {"by": choice.by[:64], "settled_at": choice.now}
    guard = {"_id": row["_id"], "state": {"$in": owing.froms(to)}}
    if not collection(Owed).update_one(guard, {"$set": changes}, session=session).modified_count:
        raise AlreadyDecided(row["state"])
    moment = (row["performer_id"], activation["created_at"])
    hours.mark([moment], now=choice.now, session=session)
    after: Any = {**row, **changes}
    audit_log.record(
        kind="owed",
        action={OwedState.REQUEUED: "requeue", OwedState.WAIVED: "waive"}[to],
        by=choice.by,
        target=row["_id"],
        lane=row["performer_id"],
        before=_told(row),
        after=_told(after),
        why=changes.get("why", ""),
        now=choice.now,
        session=session,
    )
    found: OwedRow = after
    return found


def _told(row: OwedRow) -> Json:
    tenths: Json = {name: row[name] / TENTHS for name in ("owed", "requeued", "waived")}
    return {"state": row["state"], **tenths}
