"""Priority: where a lane goes by priority, a tip waits with that of the item which answers it.

It is set once, by the first look at a tip whose turn could come, and by the version that its viewer
saw; whether the item cools down or is sold out then is not asked. Where no item of that version has
a priority of its own nothing is read or written, and in the other modes nobody looks."""

from collections.abc import Iterable, Mapping, Sequence

from lovense.deciding import standings
from lovense.deciding.rules import MenuNotRead, Rules
from lovense.menus import matching
from tips.models import Mode, Priority
from tips.queue import claims
from tips.queue import priorities as places
from tips.rows import RequestRow

LOOKED_AT = 100  # tips of a lane by one look
LOOKS = 100  # until the turn is at one that was looked at: as many as may wait in a deployment

Fronts = Mapping[str, Sequence[RequestRow]]


def said_of(request: RequestRow, rules: Rules) -> Priority | None:
    """What its item says, where it is still to be set; HIGH, every tip's, where no item answers.
    None: nothing is to be set. Pure; `rules` know the version that its viewer saw."""
    performer = rules.performers.get(request["lane"])
    if performer is None or not places.is_open(request):
        return None
    try:
        menu = rules.menu_of(performer, rules.seen_by(request, performer).number)
    except MenuNotRead:  # what cannot be decided says so when it has its turn
        return None
    if menu is None or not menu.has_priorities:
        return None
    show = standings.show_of(request)
    item = menu.index.find(request["payload"].get("amount") or 0, show).item
    return Priority[(item or {}).get("priority", matching.USUAL_PRIORITY)]


def placed(waiting: Sequence[RequestRow], rules: Rules) -> list[RequestRow]:
    """These of one lane as they will wait once somebody has looked. Pure; writes nothing."""
    said = [(row, said_of(row, rules) if _counts(rules, row["lane"]) else None) for row in waiting]
    return [row if priority is None else places.placed(row, priority) for row, priority in said]


def ordered(fronts: Fronts, rules: Rules) -> Fronts:
    """The fronts of these free lanes, where all that could have the turn was looked at.

    1. Which lanes have one at which nobody has looked. 2. What it and those behind it say is set.
    3. Those lanes are read again."""
    for _ in range(LOOKS):
        lanes = _unseen(fronts, rules)
        if not lanes:
            break
        look(lanes, rules)
        fronts = {**fronts, **claims.fronts(lanes, are_free=True)}
    return fronts


def are_used(lane: str, rules: Rules) -> bool:
    """By the version in force. Of tips that saw an older one, each is looked at in its turn."""
    menu = rules.menu_of(rules.performers.get(lane))
    return menu is not None and menu.has_priorities and _counts(rules, lane)


def look(lanes: Iterable[str], rules: Rules) -> int:
    """At the first tips of each; how many were set."""
    rows = [
        row for lane in lanes if _counts(rules, lane) for row in places.first(lane, limit=LOOKED_AT)
    ]
    rules.read_menus(rows)
    said = {row["_id"]: said_of(row, rules) for row in rows}
    found = {key: priority for key, priority in said.items() if priority is not None}
    return places.set_once(found, rows)


def _unseen(fronts: Fronts, rules: Rules) -> list[str]:
    """Only a version that its viewer saw, and that is not the one of now, is read for it."""
    heads = {
        lane: [row for row in rows if places.is_open(row)]
        for lane, rows in fronts.items()
        if _counts(rules, lane)
    }
    rules.read_menus(row for rows in heads.values() for row in rows)
    return [
        lane for lane, rows in heads.items() if any(said_of(row, rules) is not None for row in rows)
    ]


def _counts(rules: Rules, lane: str) -> bool:
    return rules.mode_of(lane) is Mode.PRIORITY
