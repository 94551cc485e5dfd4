"""Played legs: what a page says of each device of a run that it has told itself, kept as the server
keeps what it tells. Said where one of them fell short."""

from collections.abc import Sequence
from dataclasses import dataclass

from ground.mongodb.collections import collection
from lovense.deciding.activation import STOPPED
from lovense.deciding.shortfall import PLAYED, is_short
from lovense.models import Performer
from lovense.rows import LegRow

AWAY = "away"
# Of these codes the outcome is the word itself, or another one; every other one is a device's that
# was not there.
OUTCOMES = {"unknown": "unknown", "unsupported": "unsupported", "bad_command": "unsupported"}


@dataclass(frozen=True, slots=True)
class PlayedLeg:
    """`code`: what became last of what it was told, where it fell short."""

    toy_id: str
    promised: int
    delivered: float
    code: str = ""
    offset_ms: int = 0


def rows_of(performer_id: str, legs: Sequence[PlayedLeg], *, code: str) -> list[LegRow]:
    """`code`: why the run ended, as its page says."""
    found = collection(Performer).find_one({"_id": performer_id}, {"devices": 1}) or {}
    names = {each["toyId"]: each["nickname"] for each in found.get("devices") or ()}
    return [_row(leg, names.get(leg.toy_id, leg.toy_id), code) for leg in legs]


def _row(leg: PlayedLeg, nickname: str, code: str) -> LegRow:
    outcome = _outcome(leg, code)
    return {
        "toyId": leg.toy_id,
        "nickname": nickname,
        "hostId": "",
        "offsetMs": leg.offset_ms,
        "commands": [],
        "promised": leg.promised,
        "delivered": min(leg.delivered, float(leg.promised)),
        "outcome": outcome,
        "code": "" if outcome == PLAYED else leg.code,
        "slices": [],
    }


def _outcome(leg: PlayedLeg, code: str) -> str:
    if not is_short(leg.promised, leg.delivered):
        return PLAYED
    return STOPPED if code == STOPPED else OUTCOMES.get(leg.code, AWAY)
