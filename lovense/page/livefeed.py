"""The feed of the live page: what became of the latest, as its template reads it. Beside the page's
own rows it reads what they owe, in one look-up."""

from datetime import datetime
from typing import Literal, TypedDict

from lovense.deciding.activation import OWED_KEY
from lovense.deciding.shortfall import TENTHS
from lovense.models import Activation, ActivationStatus
from lovense.owed import listing
from lovense.page import outcome
from lovense.page.livepage import LivePage, tokens
from lovense.page.shownwords import ShownWords
from tips.models import RequestType

S = ActivationStatus
FeedKind = Literal["played", "not_played", "owed", "test"]
_PLAYS = frozenset({S.DISPATCHED, S.ACTIVATED, S.COMPLETED, S.TIMEOUT})


class LiveFeedRow(TypedDict):
    """`kind`: of which chip it is. `at`: when it was decided. `word`, `tone` and `text`: what
    became of it, as everywhere. `owed`: seconds that are open, to a tenth. `is_under_way`: it may
    change yet. `stops`: the gates that said no, each with what it saw; `passed`: how many said yes.
    `promised` and `delivered`: seconds."""

    activation_id: str
    kind: FeedKind
    at: datetime
    who: str
    tokens: str
    title: str
    word: str
    tone: str
    text: str
    owed: float
    ended: datetime | None
    promised: int
    delivered: float | None
    stops: list[tuple[str, str]]
    passed: int
    is_under_way: bool
    is_rehearsal: bool


def of(live: LivePage) -> list[LiveFeedRow]:
    """Of the region that shows the feed; the newest first."""
    owed = listing.of([row.activation_id for row in live.latest])
    return [
        _row(row, live.said, owed[key]["owed"] if (key := row.activation_id) in owed else 0)
        for row in live.latest
    ]


def _row(row: Activation, shown: ShownWords, owed: int) -> LiveFeedRow:
    said, is_rehearsal = outcome.of(row), bool(row.is_rehearsal)
    return {
        "activation_id": row.activation_id,
        "kind": _kind(row, owed),
        "at": row.created_at,
        "who": shown.who(row.tipper_name),
        "tokens": tokens(row.amount, _type(row), is_rehearsal=is_rehearsal),
        "title": row.item["title"] if row.item else "",
        "word": said.word,
        "tone": said.tone,
        "text": said.text,
        "owed": owed / TENTHS,
        "ended": row.finished_at,
        "promised": row.promised_seconds,
        "delivered": row.delivered_seconds,
        "stops": [(each["gate"], str(each["saw"])) for each in row.gates if not each["passed"]],
        "passed": sum(each["passed"] for each in row.gates),
        "is_under_way": row.finished_at is None,
        "is_rehearsal": is_rehearsal,
    }


def _is_made_good(row: Activation) -> bool:
    return row.activation_id.startswith(OWED_KEY)


def _type(row: Activation) -> str:
    if row.tip_id is not None:
        return RequestType.TIP
    if _is_made_good(row):
        return RequestType.OWED
    is_manual = row.activation_id.startswith("manual-")
    return RequestType.MANUAL if is_manual else RequestType.TEST


def _kind(row: Activation, owed: int) -> FeedKind:
    if _type(row) == RequestType.TEST:
        return "test"
    if owed:
        return "owed"
    has_played = row.started_at or row.delivered_seconds or S(row.status) in _PLAYS
    return "played" if has_played else "not_played"
