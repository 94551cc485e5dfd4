"""When a tip that came at this moment would start: by the queue's own estimate, behind all that
waits. Nothing is written, and nothing waits for it."""

from dataclasses import replace
from typing import cast

from lovense.deciding import foresight, priorities
from lovense.deciding.foresight import Foresight, Foresights
from lovense.deciding.gates import decide
from lovense.lane import eta
from lovense.lane.eta import Foreseen
from tips.queue import ordering
from tips.rows import RequestRow

LAST = 2**62  # the turn of what comes after everything


def expected_start(menu: Foresights, seen: Foresight) -> Foreseen | None:
    """What waits is decided by the menu in force, the tip by this one. None: nothing would play."""
    if seen.outlook is None:  # no item, or one of a pattern that is gone
        return None
    whose = menu.performer["_id"]
    rules = replace(eta.as_if_nothing_held(whose, menu.rules), paces={}, rests={})
    request = _at_the_end(menu, seen)
    decision = decide(request, rules, is_online=True, now=menu.now)
    if decision["status"] not in eta.PLAYS:
        return None
    (request,) = priorities.placed([request], rules)
    lane = eta.read(whose, now=menu.now)
    lane.before[request["_id"]] = decision
    starts = eta.foresee(replace(lane, waiting=[*lane.waiting, request]), now=menu.now)
    found = (start.foreseen for start in starts if start.request["_id"] == request["_id"])
    return next(found, None) or eta.estimate(request, lane, starts)


def _at_the_end(menu: Foresights, seen: Foresight) -> RequestRow:
    lane = menu.performer["_id"]
    place = {
        "line": ordering.usual_line(lane),
        "turn": LAST,
        "waiting_since": menu.now,
        "available_at": menu.now,
        "attempts": 0,
    }
    asked = foresight.tip_of(menu.performer, seen.amount, seen.show, menu.now)
    return cast("RequestRow", {**asked, **place})
