"""What became of a tip, in words that a person can read: one word, a tone for its badge, one sentence. Decides nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lovense.models import Activation, ActivationStatus

S = ActivationStatus


@dataclass(frozen=True, slots=True)
class Outcome:
    """`tone` is one of good, warn, bad, info, idle; `text` is a whole sentence."""

    word: str
    tone: str
    text: str


_WORDS: dict[S, tuple[str, str]] = {
    S.QUEUED: ("Queued", "info"),
    S.DISPATCHED: ("Starting", "accent"),
    S.ACTIVATED: ("Playing", "accent"),
    S.COMPLETED: ("Completed", "good"),
    S.FAILED: ("Failed", "bad"),
    S.TIMEOUT: ("Unconfirmed", "bad"),
    S.SKIPPED: ("Skipped", "idle"),
    S.EXPIRED: ("Expired", "warn"),
    S.CANCELLED: ("Cancelled", "idle"),
    S.DEAD: ("Not played", "bad"),
}

_LIVE_AND_LOST: dict[S, str] = {
    S.QUEUED: "Waits for its turn.",
    S.DISPATCHED: "Sent to the page; waiting for its confirmation.",
    S.TIMEOUT: "The page confirmed it and then fell silent: whether it played to the end is not known.",
    S.CANCELLED: "Cancelled before it ended.",
    S.DEAD: "Sent several times, and no page ever confirmed it: nothing played.",
}


def of(activation: Activation) -> Outcome:
    status = S(activation.status)
    word, tone = _WORDS[status]
    if status is S.COMPLETED and _is_short(activation):
        word, tone = "Shortened", "warn"
    return Outcome(word, tone, _text(activation, status))


def _text(activation: Activation, status: S) -> str:
    if status is S.COMPLETED:
        return _played(activation)
    if status is S.ACTIVATED:
        return f"{title(activation)} is playing, {activation.promised_seconds} s."
    if status is S.FAILED:
        return (
            "The performer's stop ended it."
            if activation.reason == "stopped"
            else f"The page reported a failure: {_code(activation)}."
        )
    if status in (S.SKIPPED, S.EXPIRED):
        return f"Did nothing: {why_not(activation.reason, activation.amount, activation.gates)}."
    return _LIVE_AND_LOST[status]


def title(activation: Activation) -> str:
    return f"“{activation.item['title']}”" if activation.item else "Nothing"


def _played(activation: Activation) -> str:
    promised = activation.promised_seconds
    if activation.delivered_seconds is None:
        return f"{title(activation)} played, {promised} s promised."
    if _is_short(activation):
        return f"{title(activation)} played for {activation.delivered_seconds:g} of {promised} s promised."
    return f"{title(activation)} played for {promised} s."


def _is_short(activation: Activation) -> bool:
    return activation.delivered_seconds is not None and activation.delivered_seconds < activation.promised_seconds


def _code(activation: Activation) -> str:
    return activation.reason.replace("_", " ") or "no code given"


def why_not(reason: str, amount: int, gates: Sequence[Mapping[str, Any]]) -> str:
    """Why a settled tip does nothing: the clause of the gate that said no, with what it saw."""
    saw = gates[-1]["saw"] if gates else ""
    clauses = {
        "kill_switch": "activations are switched off for the whole platform",
        "below_minimum": f"below the minimum ({saw} tokens)",
        "no_menu": "no tip menu is published",
        "no_match": f"no menu item answers {amount} tokens",
        "unknown_performer": "this performer is not enrolled",
        "caps": "the limits leave no run that the device accepts",
        "too_late": f"{saw}, which is too late",
        "device_offline": "no page held the devices for as long as the tip could wait",
    }
    return clauses.get(reason, reason.replace("_", " ") or "no reason was recorded")
