"""Dispatch: facts 4 and 5. One round starts the next request of every free lane whose devices have
a page.

A round is a value that goes through six steps; each visits another noun once:

1. `find`    which lanes have a page and something waiting, and who holds them
2. `claim`   the next request of each
3. `look`    what is known of these, and what binds them now; a claim keeps every other worker out
             of its lane
4. `decide`  what becomes of each: pure, no database and no clock
5. `keep`    writes that in bulk: an activation is durable before anything is sent
6. `tell`    the pages

Claiming is what a pause prevents, and rules are read again after it. So a round that had read them
before the pause gives its claim back, and what is not given back was claimed before she paused.

An attempt that the page has not confirmed is sent again under the same activation id, and the page
plays an id once; after `received` the outcome is the page's to tell, and is never repeated."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import bson
from django.conf import settings

from ground.journal import journal
from lovense.deciding import activation, batch, gates, pace, priorities, rest, standings, stock
from lovense.deciding.activation import S
from lovense.deciding.rules import Rules
from lovense.deciding.stock import Shelf
from lovense.rows import ActivationRow
from lovense.sending import groups, pages
from lovense.sending.messages import Deliver, Message, messages
from tips.queue import claims
from tips.rows import RequestRow

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FreeLanes:
    """The heads of their lines, the pages that hold their devices, and what bound them before they
    were claimed."""

    fronts: Mapping[str, Sequence[RequestRow]]
    holders: Mapping[str, pages.Holder]
    rules: Rules


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the decisions of a round rest on. `before`: activations of earlier attempts, by id;
    `windows`: who may join a run, by lane."""

    now: datetime
    rules: Rules
    before: Mapping[str, ActivationRow]
    windows: Mapping[str, Sequence[RequestRow]]


@dataclass(frozen=True, slots=True)
class Decided:
    """What becomes of a claimed request: its activation, or its claim given back.

    `before`: its activation of an earlier attempt, which is the outcome itself where that is only
    sent again. `error`: why it could not be decided."""

    request: RequestRow
    outcome: ActivationRow | claims.GivenBack
    before: ActivationRow | None = None
    members: Sequence[batch.Member] = ()
    error: Exception | None = None


Sent = tuple[RequestRow, ActivationRow]  # a request with its activation, which is to be sent now


def drain(*, now: datetime, limit: int) -> bool:
    """One round over the free lanes, at most `limit` of them; True when there may be a next request
    to start."""
    lanes = find(now=now)
    return lanes is not None and start(lanes, groups.publish, now=now, limit=limit)


def drain_freed(performer_ids: Iterable[str], *, now: datetime, deliver: Deliver) -> bool:
    """The same round for lanes that an acknowledgement has just freed, by the process that holds
    their pages.

    Who holds the devices is asked again: this process may have stood still. `deliver` takes what
    `groups.publish` takes."""
    lanes = find(now=now, freed=performer_ids)
    return lanes is not None and start(lanes, deliver, now=now, limit=claims.MAX_CLAIMS)


def start(lanes: FreeLanes, deliver: Deliver, *, now: datetime, limit: int) -> bool:
    """True when there may be a next request to start: a tip ended without playing, or there were
    more lanes than the limit."""
    claimed = claim(lanes, now=now, limit=limit)
    if not claimed:
        return False
    seen = look(claimed, now=now)
    decided = [decide(request, seen) for request in claimed]
    sent = keep(decided, seen)
    tell(decided, messages(sent, seen.rules, lanes.holders), deliver)
    return len(sent) < len(claimed) or len(claimed) == limit


# --- the steps -----------------------------------------------------------------------------------


def find(*, now: datetime, freed: Iterable[str] | None = None) -> FreeLanes | None:
    """Among all lanes, or among those just `freed`; None when there is nothing to start. Where a
    lane goes by priority, what could be next was looked at."""
    holders = pages.holders(now=now, among=freed)
    fronts = claims.fronts(holders, are_free=freed is not None) if holders else {}
    if not fronts:
        return None
    rules = Rules.read(fronts, at=now)
    return FreeLanes(_with_let(priorities.ordered(fronts, rules), rules, now), holders, rules)


def _with_let(
    fronts: Mapping[str, Sequence[RequestRow]], rules: Rules, now: datetime
) -> Mapping[str, Sequence[RequestRow]]:
    """With what she lets through while she has paused, wherever it stands by now. Without a command
    where nobody does."""
    let = {rules.let(lane) for lane in fronts if rules.let(lane) and rules.is_paused(lane, now)}
    here = {row["_id"] for rows in fronts.values() for row in rows}
    found = claims.waiting(let - here) if let - here else []
    return {**fronts, **{row["lane"]: [*fronts[row["lane"]], row] for row in found}}


def claim(lanes: FreeLanes, *, now: datetime, limit: int) -> list[RequestRow]:
    """Nothing new starts where she has paused, but for her tests, or pressed stop, nor while the
    deployment is being drained."""
    ready = {lane: lanes.rules.startable(heads, now) for lane, heads in lanes.fronts.items()}
    free = {lane: heads for lane, heads in ready.items() if heads}
    return claims.claim(
        free,
        by=settings.STACK_SLOT,
        now=now,
        lease_seconds=settings.RECEIVED_WINDOW_SECONDS,
        limit=limit,
        modes={lane: lanes.rules.mode_of(lane) for lane in free},
    )


def look(claimed: Sequence[RequestRow], *, now: datetime) -> Seen:
    """What binds them is read here, not before: whoever pauses from now on finds them claimed."""
    lanes = [request["lane"] for request in claimed]
    rules = Rules.read(lanes, claimed, at=now)
    rules.paces = pace.read(rules.limits_of(lanes), now=now)
    rules.rests = rest.read(rules.performers.values(), now=now)
    # What starts in a pause was let through alone.
    leading = [each for each in claimed if not rules.is_paused(each["lane"], now)]
    windows = batch.windows(leading, rules)
    mates = [request for window in windows.values() for request in window]
    rules.read_menus(mates)
    asked = [*claimed, *mates]
    if limited := rules.limited_lanes(asked):
        _come_to_rest(limited, now)
    rules.read_standings(asked)
    return Seen(now, rules, activation.earlier(claimed), windows)


def _come_to_rest(lanes: frozenset[str], now: datetime) -> None:
    """A turn in which nothing is written: from here on all that these lanes took in memory is in
    the rows, and nothing more is. They are claimed, so who reads them anew starts nothing."""
    journal.run(lambda session: None, touched=journal.Touched(lanes=lanes), now=now)


def decide(request: RequestRow, seen: Seen) -> Decided:
    """Pure. One that cannot be decided holds up its own lane only."""
    before = seen.before.get(activation.activation_id(request["idempotency_key"]))
    if not seen.rules.may_start(request, seen.now) and activation.may_wait(before):
        return Decided(request, claims.untouched(request), before)
    if before is not None and before["status"] != S.QUEUED:
        return Decided(request, before, before)
    try:
        return _decided(request, before, seen)
    except Exception as error:
        outcome = activation.undecidable(request, error, before=before, now=seen.now)
        return Decided(request, outcome, before, error=error)


def _decided(request: RequestRow, before: ActivationRow | None, seen: Seen) -> Decided:
    rules = seen.rules
    asked = partial(gates.decide, rules=rules, is_online=True, now=seen.now)
    row = asked(request, before=before)
    if row["status"] == S.QUEUED:
        return Decided(request, _delayed(request, row["reason"], rules), before)
    window = seen.windows.get(request["lane"], ()) if row["status"] == S.DISPATCHED else ()
    mates = batch.mates(request, window)
    rows = (asked(claims.as_joined(request, mate)) for mate in mates)
    members = batch.fitting(row, zip(mates, rows, strict=True), rules)
    for each in (row, *(member.row for member in members)):
        bson.encode(each)  # what cannot be written must not reach the others' statement
    return Decided(request, row, before, members)


def _delayed(request: RequestRow, reason: str, rules: Rules) -> claims.GivenBack:
    """Only a limit says when it is open again; what she holds waits for her."""
    lane = request["lane"]
    if reason == "rate_limit":
        until = rules.paces[lane].opens_at
    elif reason == "resting":
        until = rules.rests[lane].opens_at
    else:
        return claims.untouched(request)
    return claims.GivenBack(request["_id"], until, limit=reason, claim=request["claimed_by"])


def keep(decided: Sequence[Decided], seen: Seen) -> list[Sent]:
    """Makes the decisions durable; what is to be sent now.

    1. Takes a piece of each item that has only so many. 2. Gives back what waits. 3. Counts the
    starts, and notes them on items that cool down. 4. Takes the members into their runs. 5. Writes
    the activations, and ends the requests of those that are over."""
    rules, now = seen.rules, seen.now
    decided = [_with_piece(one, seen) for one in decided]
    back = [one.outcome for one in decided if isinstance(one.outcome, claims.GivenBack)]
    rest = [(one, one.outcome) for one in decided if not isinstance(one.outcome, claims.GivenBack)]
    fresh = [(one, row) for one, row in rest if row is not one.before]
    starts = [(one, row) for one, row in fresh if row["status"] == S.DISPATCHED]
    claims.give_back(back, now=now)
    started = [one.request["lane"] for one, _ in starts]
    pace.count(started, limit=rules.paced(started), now=now)
    standings.note(row for _, row in starts)
    runs = [batch.BatchRun(one.request, row, one.members) for one, row in starts]
    rows = batch.gather(runs, rules)
    rows += [row for _, row in fresh if row["status"] != S.DISPATCHED]
    again = [(one.request, row) for one, row in rest if row is one.before]
    kept = activation.keep(rows, again, anew=seen.before.keys(), now=now)
    found = [(one.request, kept.get(row["_id"])) for one, row in rest]
    return [(request, row) for request, row in found if row and activation.is_unconfirmed(row)]


def _with_piece(one: Decided, seen: Seen) -> Decided:
    """Where others were faster, it is decided again without that item."""
    rules, now = seen.rules, seen.now
    while (shelf := _shelf(one, rules)) is not None:
        row = one.outcome
        assert not isinstance(row, claims.GivenBack)
        if stock.take(shelf, row["_id"], performer_id=row["performer_id"], now=now):
            break
        rules.sold_out(row)
        one = decide(one.request, seen)
    return one


def _shelf(one: Decided, rules: Rules) -> Shelf | None:
    """Of what is to start now; a rehearsal leaves all pieces where they are."""
    row = one.outcome
    if isinstance(row, claims.GivenBack) or row is one.before or row["status"] != S.DISPATCHED:
        return None
    if row.get("is_rehearsal"):
        return None
    return rules.shelf_of(row)


def tell(decided: Sequence[Decided], commands: Iterable[Message], deliver: Deliver) -> None:
    """The pages that hold the devices their commands, all pages that their queue has moved, and the
    log what could not be decided."""
    deliver(commands)
    groups.news.mark({one.request["lane"] for one in decided}, "queue")
    for one in decided:
        if one.error is not None:
            said = {
                "tip_id": one.request["payload"].get("tipId"),
                "error_code": type(one.error).__name__,
            }
            log.error("dispatch_failed", extra=said, exc_info=one.error)
