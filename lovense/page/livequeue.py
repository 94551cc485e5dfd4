"""The queue of the live page: what waits, as its template reads it. Reads nothing itself: each part
is the page's own, read once."""

from datetime import datetime
from typing import TypedDict

from lovense.lane import eta
from lovense.lane.eta import Start
from lovense.page import livewave, outcome
from lovense.page.livepage import WAITS_FOR, LivePage, tokens
from lovense.page.livewave import ROW_BARS, Bars
from tips.queue import ordering

NO_EFFECT = "No effect"


class LiveRow(TypedDict):
    """One that waits. `title` is "No effect" where it will do nothing, and `why` says why, as a
    clause. `tokens`: "25 tokens", or what it is instead. `seconds`: promised, whole; 0 where it has
    no effect. `bars`: at most 24 levels from 0 to 20. `starts_at` and `starts_in` (seconds from
    now) are None where nobody can know; then `waits_for` says what for. `is_joining`: it plays as
    part of the run before it. `is_let`: she lets it through while she has paused. `is_tried`: it
    goes first and cannot be moved; `may_move_up`: what is before it can be overtaken."""

    place: int
    request_id: str
    title: str
    why: str
    who: str
    tokens: str
    came_at: datetime
    seconds: int
    bars: Bars
    starts_at: datetime | None
    starts_in: float | None
    waits_for: str
    is_joining: bool
    is_let: bool
    is_tried: bool
    is_rehearsal: bool
    may_move_up: bool


class LiveQueue(TypedDict):
    """`rows`: those that are shown; `order`: their ids, as `/live/requests/<id>/place` wants them.
    `waiting`: how many there are, counted up to 1000 (`words` says "1000+" then), `more`: how many
    of them are not shown. `seconds`: promised by the first 50, which are all where `is_whole`.
    `words`: "5 waiting, 42 s in all". `waits_for`: where all of them wait for one thing, it is said
    once, and no row says it."""

    rows: list[LiveRow]
    order: list[str]
    waiting: int
    more: int
    seconds: int
    is_whole: bool
    words: str
    waits_for: str
    mode: str


def of(live: LivePage) -> LiveQueue:
    """Of the region that shows the queue."""
    shared = _shared(live)
    rows = [_row(live, n, start, shared) for n, start in enumerate(live.starts[: live.shown])]
    seconds, is_whole = sum(map(_seconds, live.starts)), live.waiting <= len(live.starts)
    return {
        "rows": rows,
        "order": [row["request_id"] for row in rows],
        "waiting": live.waiting,
        "more": max(0, live.waiting - len(rows)),
        "seconds": seconds,
        "is_whole": is_whole,
        "words": _words(live, seconds, is_whole=is_whole),
        "waits_for": shared,
        "mode": live.mode,
    }


def _words(live: LivePage, seconds: int, *, is_whole: bool) -> str:
    if not live.waiting:
        return "Nothing waits"
    least = "" if is_whole else "more than "
    return f"{live.waiting_words} waiting, {least}{seconds} s in all"


def _shared(live: LivePage) -> str:
    why = {start.foreseen.why for start in live.starts}
    return WAITS_FOR.get(why.pop(), "") if len(why) == 1 else ""


def _plays(start: Start) -> bool:
    return start.decision["status"] in eta.PLAYS


def _seconds(start: Start) -> int:
    return start.decision["promised_seconds"] if _plays(start) else 0


def _row(live: LivePage, place: int, start: Start, shared: str) -> LiveRow:
    request, row, foreseen = start.request, start.decision, start.foreseen
    item = row["item"] if _plays(start) else None
    why = "" if item else outcome.why_not(row["reason"], row["amount"], row["gates"])
    return {
        "place": place + 1,
        "request_id": request["_id"],
        "title": item["title"] if item else NO_EFFECT,
        "why": why,
        "who": live.said.who(row["tipper_name"]),
        "tokens": tokens(row["amount"], request["type"], is_rehearsal=_is_rehearsal(start)),
        "came_at": request["created_at"],
        "seconds": _seconds(start),
        "bars": bars_of(live, start),
        "starts_at": foreseen.at,
        "starts_in": foreseen.seconds(live.now),
        "waits_for": "" if shared else WAITS_FOR.get(foreseen.why, ""),
        "is_joining": bool(start.leader),
        "is_let": live.let == request["_id"],
        "is_tried": ordering.is_tried(request),
        "is_rehearsal": _is_rehearsal(start),
        "may_move_up": place > 0 and not ordering.is_tried(live.starts[place - 1].request),
    }


def _is_rehearsal(start: Start) -> bool:
    return bool(start.decision.get("is_rehearsal"))


def bars_of(live: LivePage, start: Start) -> Bars:
    item = start.decision["item"] if _plays(start) else None
    if item is None or start.decision.get("is_measured") is False:
        return livewave.NOTHING
    caps = live.rules.caps_of_item(live.performer_id, item)
    return livewave.of_item(item, caps, bars=ROW_BARS)
