"""Dispatch: facts 4 and 5. One round starts the next request of every free lane whose devices have
a page.

A round is a value that goes through six steps; each visits another noun once:

1. `find`    which lanes have a page and something waiting, and what binds them
2. `claim`   the next request of each
3. `look`    what is known of these; a claim keeps every other worker out of its lane
4. `decide`  what becomes of each: pure, no database and no clock
5. `keep`    writes that in bulk: an activation is durable before anything is sent
6. `tell`    the pages

An attempt that the page has not confirmed is sent again under the same activation id, and the page
plays an id once; after `received` the outcome is the page's to tell, and is never repeated."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from pymongo.errors import PyMongoError

from lovense.deciding import activation, batch, gates, pace
from lovense.deciding.activation import Row, S
from lovense.deciding.rules import Rules
from lovense.sending import groups, pages, retries
from lovense.sending.messages import Deliver, messages
from tips.queue import claims


@dataclass(frozen=True, slots=True)
class FreeLanes:
    """Free lanes: the heads of their lines, the channels of their pages, and what binds them."""

    fronts: Mapping[str, Sequence[Row]]
    holders: Mapping[str, str]
    rules: Rules


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the decisions of a round rest on. `before`: activations of earlier attempts, by id;
    `windows`: who may join a run, by lane."""

    now: datetime
    rules: Rules
    before: Mapping[str, Row]
    windows: Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Decided:
    """What becomes of a claimed request. `before`: its activation of an earlier attempt, which is
    `row` itself where that is only sent again."""

    request: Row
    row: Row
    before: Row | None = None
    members: Sequence[batch.Member] = ()


@dataclass(frozen=True, slots=True)
class Undecidable:
    """A defect, or a row that nobody foresaw: it holds up its own lane only."""

    request: Row
    error: Exception


Sent = tuple[Row, Row]  # a request with its activation, which is to be sent now


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
    return lanes is not None and start(lanes, deliver, now=now, limit=len(lanes.holders))


def start(lanes: FreeLanes, deliver: Deliver, *, now: datetime, limit: int) -> bool:
    """True when there may be a next request to start: a tip ended without playing, or there were
    more lanes than the limit."""
    claimed = claim(lanes, now=now, limit=limit)
    if not claimed:
        return False
    seen = look(claimed, lanes.rules, now=now)
    sent = keep([decide(request, seen) for request in claimed], seen)
    tell(claimed, sent, lanes, deliver)
    return len(sent) < len(claimed) or len(claimed) == limit


# --- the steps -----------------------------------------------------------------------------------


def find(*, now: datetime, freed: Iterable[str] | None = None) -> FreeLanes | None:
    """Among all lanes, or among those just `freed`; None when there is nothing to start."""
    holders = pages.holders(now=now, among=freed)
    fronts = claims.fronts(holders, are_free=freed is not None) if holders else {}
    return FreeLanes(fronts, holders, Rules.read(fronts)) if fronts else None


def claim(lanes: FreeLanes, *, now: datetime, limit: int) -> list[Row]:
    """Nothing new starts where she has paused, nor while the deployment is being drained."""
    free = {
        lane: heads for lane, heads in lanes.fronts.items() if not lanes.rules.is_held(lane, now)
    }
    return claims.claim(
        free,
        by=settings.STACK_SLOT,
        now=now,
        lease_seconds=settings.RECEIVED_WINDOW_SECONDS,
        limit=limit,
        modes={lane: lanes.rules.mode_of(lane) for lane in free},
    )


def look(claimed: Sequence[Row], rules: Rules, *, now: datetime) -> Seen:
    paces = pace.read(
        (request["lane"] for request in claimed),
        limit=rules.platform["rate_limit_per_minute"],
        now=now,
    )
    before = activation.earlier(claimed)
    return Seen(now, replace(rules, paces=paces), before, batch.windows(claimed, rules))


def decide(request: Row, seen: Seen) -> Decided | Undecidable:
    """Pure."""
    before = seen.before.get(activation.activation_id(request["idempotency_key"]))
    if before is not None and before["status"] != S.QUEUED:
        return Decided(request, before, before)
    try:
        row = gates.decide(request, seen.rules, is_online=True, now=seen.now, before=before)
        window = seen.windows.get(request["lane"], ()) if row["status"] == S.DISPATCHED else ()
        members = batch.members(request, row, seen.rules, window, now=seen.now)
    except Exception as error:
        return Undecidable(request, error)
    return Decided(request, row, before, members)


def keep(found: Sequence[Decided | Undecidable], seen: Seen) -> list[Sent]:
    """Makes the decisions durable; what is to be sent now. What cannot be written is undecidable
    too, so it is tried one by one."""
    for one in found:
        if isinstance(one, Undecidable):
            retries.undecidable(one.request, one.error, now=seen.now)
    decided = [one for one in found if isinstance(one, Decided)]
    try:
        return _kept(decided, seen)
    except PyMongoError:
        raise
    except Exception as error:
        if len(decided) == 1:
            return keep([Undecidable(decided[0].request, error)], seen)
        return [pair for one in decided for pair in keep([one], seen)]


def _kept(decided: Sequence[Decided], seen: Seen) -> list[Sent]:
    """1. Gives back what a limit makes wait. 2. Counts the starts. 3. Takes the members into their
    runs. 4. Writes the activations, and ends the requests of those that are over."""
    fresh = [one for one in decided if one.row is not one.before]
    starts = [one for one in fresh if one.row["status"] == S.DISPATCHED]
    claims.delay(_delay(one, seen) for one in fresh if one.row["status"] == S.QUEUED)
    pace.count(
        [one.row["performer_id"] for one in starts],
        limit=seen.rules.platform["rate_limit_per_minute"],
        now=seen.now,
    )
    runs = [batch.BatchRun(one.request, one.row, one.members) for one in starts]
    rows = batch.gather(runs, seen.rules, now=seen.now) + [
        one.row for one in fresh if S(one.row["status"]) in activation.FINAL
    ]
    again = [(one.request, one.row) for one in decided if one.row is one.before]
    kept = activation.keep(rows, again, anew=seen.before.keys(), now=seen.now)
    found = [(one.request, kept.get(one.row["_id"])) for one in decided]
    return [(request, row) for request, row in found if row and activation.is_unconfirmed(row)]


def _delay(one: Decided, seen: Seen) -> claims.Delay:
    pace_of_hers = seen.rules.paces[one.row["performer_id"]]
    return claims.Delay(one.request["_id"], pace_of_hers.opens_at, one.row["reason"])


def tell(claimed: Sequence[Row], sent: Sequence[Sent], lanes: FreeLanes, deliver: Deliver) -> None:
    """The pages that hold the devices their commands, and all pages that their queue has moved."""
    deliver(messages(sent, lanes.rules, lanes.holders))
    groups.news.mark({request["lane"] for request in claimed}, "queue")
