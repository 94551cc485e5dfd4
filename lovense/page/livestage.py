"""The stage of the live page: what plays, or what holds it, as its template reads it. Reads nothing
itself: each part is the page's own, read once."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, TypedDict

from lovense.devices import summary
from lovense.lane import eta
from lovense.lane.eta import Start
from lovense.menus import parts
from lovense.models import Activation
from lovense.page import livesummary, livewave
from lovense.page.livepage import LivePage, tokens
from lovense.page.livesummary import LiveSummary
from lovense.page.livewave import STAGE_BARS, Bars
from lovense.rows import LegRow
from tips.models import RequestType

LegState = Literal["plays", "later", "away", "ended"]
MS = 1000
HELD = {"resting": "Resting", "rate_limit": "At the limit"}


class LiveLeg(TypedDict):
    """A device of the run. `in_seconds`: of one that begins later, from now; else 0."""

    nickname: str
    state: LegState
    in_seconds: float


class LiveRun(TypedDict):
    """What plays, or is about to: the whole run, with what joined it. `heading`: Now playing,
    Starting or Ending. `bars`: at most STAGE_BARS levels from 0 to 20. `levels`: what each device
    is told, as static/js/ui/level.js reads it; empty while `began` is None. `promised_seconds`: of
    the whole run. `began`, `ends`, and the same in ms since the epoch, are None until a device has
    said that it has started. `others`: how many more it is for. `message`: the viewer's own words,
    unsafe as they came. `is_unmeasured`: handed over to levels that are not ours."""

    request_id: str
    heading: str
    title: str
    who: str
    tokens: str
    message: str
    others: int
    bars: Bars
    levels: str
    promised_seconds: int
    began: datetime | None
    began_ms: int | None
    ends: datetime | None
    ends_ms: int | None
    legs: list[LiveLeg]
    is_ending: bool
    ended_by: str
    is_rehearsal: bool
    is_unmeasured: bool


class LiveNext(TypedDict):
    """What comes after it; `starts_in`: seconds from now, None where nobody can know."""

    request_id: str
    title: str
    who: str
    tokens: str
    starts_in: float | None


class LiveLast(TypedDict):
    """What played last, where nothing plays."""

    title: str
    who: str
    tokens: str
    at: datetime


class LiveStage(TypedDict):
    """`eyebrow`: Now playing, Starting, Ending, Stopped, Paused, Resting, At the limit, Draining,
    Switched off, Off air or On air: what holds all that waits comes before what merely plays
    nothing. `until`: of a pause, a rest or a limit that ends by itself. `since`: she is on air
    since then; None: off air. `rehearses`: a viewer of her own making may send her something.
    `summary`: of the show that is over, until she puts it away."""

    eyebrow: str
    run: LiveRun | None
    next: LiveNext | None
    last: LiveLast | None
    until: datetime | None
    since: datetime | None
    is_held: bool
    rehearses: bool
    summary: LiveSummary | None


def of(live: LivePage) -> LiveStage:
    """Of the region that shows what plays."""
    run = _run(live)
    eyebrow, until = (run["heading"], None) if run else _idle(live)
    on_air = live.on_air
    return {
        "eyebrow": eyebrow,
        "run": run,
        "next": next_of(live),
        "last": None if run else _last(live),
        "until": until,
        "since": on_air["since"] if on_air else None,
        "is_held": live.is_held,
        "rehearses": live.rehearses,
        "summary": livesummary.of(live.ended) if live.ended and not run else None,
    }


def _idle(live: LivePage) -> tuple[str, datetime | None]:
    """What holds all that waits; the heaviest first."""
    platform, pause = live.rules.platform, live.pause
    holds = {
        "Stopped": live.stop_since is not None,
        "Switched off": not platform["enable_lovense"],
        "Draining": bool(platform["is_draining"]),
        "Paused": pause is not None,
        "Off air": not live.is_held or live.is_resting,
    }
    if held := next((name for name, is_so in holds.items() if is_so), ""):
        return held, pause.until if pause and held == "Paused" else None
    first = next(iter(live.starts), None)
    if first is not None and first.held_by in HELD:
        return HELD[first.held_by], first.foreseen.at
    return "On air", None


def _run(live: LivePage) -> LiveRun | None:
    playing, row = live.playing, live.in_flight
    if playing is None or row is None:
        return None
    began = row.started_at
    return {
        "request_id": playing.request_id,
        "heading": playing.heading,
        "title": playing.title,
        "who": playing.who,
        "tokens": playing.tokens,
        "message": playing.words,
        "others": playing.others,
        "bars": _bars(live, row, playing.seconds),
        "levels": _levels(live, row, playing.seconds) if began else "",
        "promised_seconds": playing.seconds,
        "began": began,
        "began_ms": int(began.timestamp() * MS) if began else None,
        "ends": began + timedelta(seconds=playing.seconds) if began else None,
        "ends_ms": playing.ends_ms,
        "legs": _legs(live, row),
        "is_ending": playing.is_ending,
        "ended_by": playing.ended_by,
        "is_rehearsal": bool(row.is_rehearsal),
        "is_unmeasured": playing.is_unmeasured,
    }


def _bars(live: LivePage, row: Activation, seconds: int) -> Bars:
    if row.item is None or row.is_measured is False:
        return livewave.NOTHING
    caps = live.rules.caps_of_item(live.performer_id, row.item)
    if row.members:
        return livewave.of_run(row.item, seconds, caps, bars=STAGE_BARS)
    return livewave.of_item(row.item, caps, bars=STAGE_BARS)


def _levels(live: LivePage, row: Activation, seconds: int) -> str:
    """Of whom its legs say that it has ended, or was away, nothing plays."""
    if row.item is None or row.is_measured is False:
        return ""
    caps = live.rules.caps_of_item(live.performer_id, row.item)
    shares = livewave.of_devices(row.item, caps, seconds=seconds if row.members else 0)
    legs: Sequence[LegRow] = row.legs or ()
    late = {leg["toyId"]: leg["offsetMs"] for leg in legs} or parts.offsets(row.item)
    return json.dumps(
        {
            "shares": [
                {"toys": each.toys, "step": each.step_ms, "bars": each.bars} for each in shares
            ],
            "late": {toy_id: ms for toy_id, ms in dict(late).items() if ms},
            "silent": [leg["toyId"] for leg in legs if leg["outcome"]],
        }
    )


def _legs(live: LivePage, row: Activation) -> list[LiveLeg]:
    """As the run itself says, where each of its devices is told for itself; else as they are."""
    if row.legs:
        return [_leg(each, row.legs_began_at, live.now) for each in row.legs]
    known = live.rules.performers[live.performer_id].get("devices") or []
    here = {each["toyId"] for each in summary.ready(known)}
    return [
        {
            "nickname": each["nickname"],
            "state": "plays" if each["toyId"] in here else "away",
            "in_seconds": 0.0,
        }
        for each in known
        if each["isEnabled"]
    ]


def _leg(leg: LegRow, began: datetime | None, now: datetime) -> LiveLeg:
    late = leg["offsetMs"] / MS - ((now - began).total_seconds() if began else 0.0)
    state: LegState = "later" if late > 0 else "plays"
    if leg["outcome"]:
        state = "away" if leg["outcome"] == "away" else "ended"
    in_seconds = round(late, 1) if state == "later" else 0.0
    return {"nickname": leg["nickname"], "state": state, "in_seconds": in_seconds}


def next_of(live: LivePage) -> LiveNext | None:
    """The first that will do something."""
    found: Start | None = next(
        (each for each in live.starts if each.decision["status"] in eta.PLAYS), None
    )
    if found is None or found.decision["item"] is None:
        return None
    row = found.decision
    return {
        "request_id": found.request["_id"],
        "title": (row["item"] or {})["title"],
        "who": live.said.who(row["tipper_name"]),
        "tokens": _tokens_of(found),
        "starts_in": found.foreseen.seconds(live.now),
    }


def _tokens_of(start: Start) -> str:
    row = start.decision
    is_rehearsal = bool(row.get("is_rehearsal"))
    return tokens(row["amount"], start.request["type"], is_rehearsal=is_rehearsal)


def _last(live: LivePage) -> LiveLast | None:
    row = next((row for row in live.latest if row.started_at and row.item and row.tip_id), None)
    if row is None or row.item is None or row.started_at is None:
        return None
    return {
        "title": row.item["title"],
        "who": live.said.who(row.tipper_name),
        "tokens": tokens(row.amount, RequestType.TIP),
        "at": row.started_at,
    }
