"""What a tip would be answered now: the same amount in the same kind of show, by the menu, the
limits and the gates of this moment. It says nothing of what happened. Nothing is written."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adminpanel.tip.story import shown_gate
from lovense.deciding import foresight
from lovense.menus.matching import PUBLIC
from lovense.models import Performer
from tips.models import Tip


@dataclass(frozen=True, slots=True)
class AnswerOfNow:
    """`sentence`: what would play, or why nothing would. `menu` is its version, 0 where none is
    published."""

    sentence: str
    tone: str
    menu: str
    no: list[dict[str, Any]]
    passed: list[dict[str, Any]]


def of(tip: Tip, *, now: datetime) -> AnswerOfNow:
    if not Performer.objects.filter(pk=tip.performer_id).exists():
        return AnswerOfNow("Nothing: this performer is not enrolled.", "idle", "0", [], [])
    seen = foresight.read(tip.performer_id, version=None, is_draft=False, now=now)
    found = seen.of(tip.total, tip.stream_type or PUBLIC)
    gates = [shown_gate(dict(row)) for row in found.gates]
    no = [gate for gate in gates if gate["tone"] != "good"]
    passed = [gate for gate in gates if gate["tone"] == "good"]
    tone = "good" if _plays(found) else "idle"
    return AnswerOfNow(_sentence(found, no), tone, found.version, no, passed)


def _plays(found: foresight.Foresight) -> bool:
    return found.outlook is not None and not found.reason


def _sentence(found: foresight.Foresight, no: list[dict[str, Any]]) -> str:
    if found.outlook is None or found.reason:
        why = f"The gate \u201c{no[0]['name']}\u201d says no." if no else found.found.text
        return f"Nothing would play now. {why}"
    item, seconds = found.outlook.item, found.outlook.promised_seconds
    return f"“{item['title']}” would play for {seconds} s now."
