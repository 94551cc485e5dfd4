"""Keeping what is owed: from each end that owes something follows one row, and what her policy
makes of it.

The end itself says that it may owe (`owes_since`), in the write that made it; so whoever dies
between the two loses nothing, and a round may be done again for ever. What an activation delivered
later, or when it was replayed, makes its row smaller in the same way."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from ground.json.errors import Refusal
from ground.mongodb import unique
from ground.mongodb.collections import collection
from lovense.deciding.activation import FINAL, S
from lovense.deciding.shortfall import is_dealt, lacking
from lovense.history import hours
from lovense.models import Activation, Owed, OwedPolicy, OwedState, Performer
from lovense.owed import choices, owing
from lovense.owed.choices import OwedChoice
from lovense.rows import ActivationRow, OwedRow
from lovense.sending import groups
from tips.models import EPOCH
from tips.rows import Statement

BY_ITSELF = "policy"  # who decides, where her policy does
_NEEDED = {"commands": 0, "gates": 0}


def drain(*, now: datetime, limit: int, performer_id: str | None = None) -> int:
    """Keeps what these ends owe, the oldest first; how many there were. Five steps: 1. the rows
    that are new; 2. those that were there, as they are now; 3. what her policy says; 4. their hours
    are counted again; 5. the mark goes."""
    found = _marked(performer_id, limit)
    ended = [row for row in found if S(row["status"]) in FINAL and is_dealt(row)]
    if not ended:
        return 0
    owing_now = _rows(ended, now)
    known = unique.insert(Owed, owing_now)
    new = {row["_id"] for row in owing_now} - {owing_now[clash.place]["_id"] for clash in known}
    _revise([row for row in ended if row["_id"] not in new], now)
    for each in _to_settle([row["_id"] for row in owing_now]):
        _follow_policy(each, now)
    hours.mark([(row["performer_id"], row["created_at"]) for row in ended], now=now)
    _unmark(ended)
    groups.news.mark({row["performer_id"] for row in owing_now}, "queue")
    return len(ended)


def _marked(performer_id: str | None, limit: int) -> list[ActivationRow]:
    wanted: Statement = {"owes_since": {"$gt": EPOCH}}
    if performer_id is not None:
        wanted["performer_id"] = performer_id
    found = collection(Activation).find(wanted, _NEEDED).hint("activation_owes")
    return list(found.sort("owes_since", 1).limit(limit))


def _rows(ended: Sequence[ActivationRow], now: datetime) -> list[OwedRow]:
    short = [row for row in ended if lacking(row)]
    if not short:
        return []
    names = list({row["performer_id"] for row in short})
    found = collection(Performer).find({"_id": {"$in": names}}, {"owed_policy": 1})
    policies = {row["_id"]: row.get("owed_policy") or OwedPolicy.REPORT.value for row in found}
    usual = OwedPolicy.REPORT.value
    return [owing.row_of(row, policies.get(row["performer_id"], usual), now=now) for row in short]


def _revise(ended: Sequence[ActivationRow], now: datetime) -> None:
    """What was kept of an earlier end, as the activation has ended now."""
    for row in ended:
        left = lacking(row)
        if not left:
            changes: Any = {"owed": 0, "waived": 0, "state": OwedState.DELIVERED.value}
            _change(row["_id"], owing.froms(OwedState.DELIVERED), changes | {"settled_at": now})
            continue
        cause = owing.cause_of(row).value
        _change(row["_id"], [OwedState.OPEN.value], {"owed": left, "cause": cause})
        _change(row["_id"], [OwedState.WAIVED.value], {"waived": left})


def _change(key: str, states: list[str], changes: Statement) -> None:
    collection(Owed).update_one({"_id": key, "state": {"$in": states}}, {"$set": changes})


def _to_settle(keys: list[str]) -> list[OwedRow]:
    """Those for which her policy asks for something, and nobody has decided."""
    if not keys:
        return []
    asks = {"$in": [OwedPolicy.REQUEUE.value, OwedPolicy.WAIVE.value]}
    wanted = {"_id": {"$in": keys}, "state": OwedState.OPEN.value, "policy": asks}
    return list(collection(Owed).find(wanted))


def _follow_policy(row: OwedRow, now: datetime) -> None:
    """What cannot be requeued stays open, for her to decide."""
    choice = OwedChoice(row["_id"], None, BY_ITSELF, now, owing.BY_PREFERENCE)
    with suppress(Refusal):  # somebody was faster
        if row["policy"] == OwedPolicy.WAIVE:
            choices.waive(choice)
        elif owing.is_requeued_by_itself(row):
            choices.requeue(choice)


def _unmark(ended: Sequence[ActivationRow]) -> None:
    """Not where it has ended anew since we looked: that end is looked at again."""
    alike: dict[datetime, list[str]] = {}
    for row in ended:
        since = row.get("owes_since")
        assert since is not None
        alike.setdefault(since, []).append(row["_id"])
    for since, keys in alike.items():
        seen = {"_id": {"$in": keys}, "owes_since": since}
        collection(Activation).update_many(seen, {"$unset": {"owes_since": ""}})
