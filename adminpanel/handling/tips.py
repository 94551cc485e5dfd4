"""What staff do about a tip: ask its ledger again, hand its event to a consumer again, send its
request back. Each with a reason, once for what was seen, and with its entry in the audit log in the
transaction of the change. Nothing here decides about money: the ledger's answer does, as always."""

import logging

from pymongo.client_session import ClientSession

from adminpanel.people.deeds import Deed, DeedChange, DeedTarget, Outdated, recorded
from ground import clock
from ground.json.errors import Refusal
from ground.mongodb import transactions
from lovense.lane import deadletters, decisions
from lovense.lane.letter import Resolution
from tips.log import emission
from tips.models import Tip
from tips.rows import RequestRow
from tips.settlement import polling

log = logging.getLogger(__name__)


class StillDead(Refusal):
    """A consumer that fails again has not taken it."""

    code, status = "still_dead", 409

    def __init__(self, left: int) -> None:
        super().__init__("It failed again. The list of emissions names the error.")
        self.details = {"dead": left}


def target(tip: Tip) -> DeedTarget:
    return DeedTarget("tip", tip.tip_id, tip.performer_id)


def look_again(tip: Tip, *, seen: int, deed: Deed) -> None:
    """Has the ledger asked about this tip once more. `seen`: how often it was asked before."""

    def body(session: ClientSession) -> None:
        is_asked = polling.look_for_somebody(
            tip.tip_id, seen=seen, by=deed.by, now=deed.now, session=session
        )
        if not is_asked:
            words = "It is being asked already, or nothing is in doubt any more."
            raise Outdated(words, Tip.objects.get(pk=tip.pk).looks)
        change = DeedChange({"looks": seen}, {"next_look_at": clock.iso(deed.now)})
        recorded(deed, "look_again", target(tip), session, change)

    transactions.run(body)
    log.info("look_asked_for", extra={"tip_id": tip.tip_id, "error_code": tip.needs_reconciliation})


def retry_emissions(tip_id: str, *, seen: int, deed: Deed) -> None:
    """Hands the tip's event to every consumer again that could not take it. `seen`: how many."""
    keys = [row["_id"] for row in emission.dead(tip_id=tip_id)]
    if len(keys) != seen:
        raise Outdated(f"{len(keys)} consumers lack it now.", len(keys))
    taken = [emission.retry(key, by=deed.by, why=deed.why, now=deed.now) for key in keys]
    if not all(taken):
        raise StillDead(taken.count(False))


def replay(key: str, *, seen: str, deed: Deed) -> None:
    """Sends a dead request back into its queue. `seen`: the state of its letter."""
    _check_seen(key, seen)
    decisions.replay(key, by=deed.by, why=deed.why, now=deed.now)


def review(key: str, resolution: Resolution, *, seen: str, deed: Deed) -> None:
    """Notes what was decided about a dead request; deciding again replaces it."""
    _check_seen(key, seen)
    decisions.review(key, resolution=resolution, note=deed.why, by=deed.by, now=deed.now)


def _check_seen(key: str, seen: str) -> None:
    present = state_of(deadletters.find(key).request)
    if present != seen:
        raise Outdated("It is not as it was shown any more.", present)


def state_of(request: RequestRow) -> str:
    """When it died, and when somebody last decided about it."""
    review = request.get("review")
    moments = (request["finished_at"], review["at"] if review else None)
    return " ".join(clock.iso(moment) for moment in moments if moment)
