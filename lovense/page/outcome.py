"""What became of a tip, in words that a person can read: one word, a tone for its badge, one
sentence. Decides nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lovense.deciding.activation import FINAL, STOPPED
from lovense.deciding.shortfall import fell_short, is_short
from lovense.menus.matching import DEFAULT_ITEM
from lovense.models import Activation, ActivationStatus
from lovense.rows import LegRow

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
    S.SKIPPED: ("No effect", "idle"),
    S.EXPIRED: ("Expired", "warn"),
    S.CANCELLED: ("Cancelled", "idle"),
    S.DEAD: ("Not played", "bad"),
}

_LIVE: dict[S, str] = {
    S.QUEUED: "The device could not take it then; waits to be tried again.",
    S.DISPATCHED: "Handed over to the page; waiting for its confirmation.",
    S.ACTIVATED: "Playing.",
}
# By the reasons of `lovense/deciding/gates.py`.
WHY_NOT: dict[str, str] = {
    "kill_switch": "activations are switched off for the whole platform",
    "too_late": "{saw}, which is too late",
    "unknown_performer": "this performer is not enrolled",
    "below_minimum": "below the minimum ({saw} tokens)",
    "no_menu": "no tip menu is published",
    "no_match": "no menu item answers {amount} tokens",
    "sold_out": "what answers {amount} tokens is sold out",
    "cooling_down": "what answers {amount} tokens was cooling down",
    "other_show": "only in another show an item of the menu answers {amount} tokens",
    "device_offline": "no device could play for as long as the tip could wait ({saw})",
    "unsupported": "no device that is there can play it ({saw})",
    "caps": "the limits leave no run that the device accepts",
}
# The same, and how else a tip did not play, in a few words: beside a number.
BRIEFLY: dict[str, str] = {
    "kill_switch": "Devices were switched off",
    "too_late": "Paid too late",
    "unknown_performer": "Not enrolled",
    "below_minimum": "Below the minimum",
    "no_menu": "No published menu",
    "no_match": "No item answers it",
    "sold_out": "Sold out",
    "cooling_down": "Cooling down",
    "other_show": "Of another show",
    "device_offline": "No device was there",
    "unsupported": "No device could play it",
    "caps": "Beyond the limits",
    STOPPED: "Your stop",
    S.CANCELLED.value: "Removed, or skipped",
    S.TIMEOUT.value: "Not confirmed",
    S.DEAD.value: "Refused every time",
    S.FAILED.value: "Failed",
}
# What a failure's code means where it is not the device's own word.
_WHY_FAILED = {
    "pairing_lost": "Lovense does not know the app any more: it has to be paired again.",
    "operator_fault": "Lovense refuses this site's own key: its operator has to mend that.",
    "unsupported": "The device cannot do it.",
    "bad_command": "Lovense refused the command itself: a defect of this site.",
    "handed_over_before": "It may have been handed over to the extension before, so it was not "
    "handed over again.",
}
_HOW_SHORT = {
    "away": "was away",
    "unsupported": "cannot do it",
    "stopped": "was stopped",
    "unknown": "did not answer",
}
_SILENT = "The page confirmed it and then fell silent: whether it played to the end is not known."
_DEAD: dict[str, str] = {
    "not_received": "Handed over several times, and no page ever confirmed it: nothing played.",
    "worker_died": "Every worker that took it died before it handed anything over: nothing played.",
    "undecidable": "It could not be decided what it should do: nothing played.",
}


def of(activation: Activation) -> Outcome:
    status = S(activation.status)
    word, tone = _WORDS[status]
    if status in (S.DISPATCHED, S.ACTIVATED) and is_ending(activation):
        word, tone = "Ending", "warn"
    if status is S.FAILED and activation.reason == STOPPED:
        word, tone = "Stopped", "warn"
    if status is S.COMPLETED and _is_short(activation):
        word, tone = "Shortened", "warn"
    elif is_partial(activation):
        word, tone = "Partial", "warn"
    if status is S.COMPLETED and is_unmeasured(activation) and _is_unknown(activation):
        word = "Handed over"
    return Outcome(word, tone, _text(activation, status))


def is_ending(activation: Activation) -> bool:
    """Somebody has ended it, and its page has not said yet that it has."""
    return activation.cancelled_at is not None or activation.stopped_at is not None


def is_partial(activation: Activation) -> bool:
    """All of it has played, and not on all of its devices."""
    is_completed = S(activation.status) is S.COMPLETED
    return is_completed and not _is_short(activation) and bool(fell_short(activation.legs))


def is_unmeasured(activation: Activation) -> bool:
    """It was handed over to her extension, whose own levels decide."""
    return activation.is_measured is False


def may_owe(activation: Activation) -> bool:
    """It had promised something, is over, and has not delivered all of it."""
    is_over = S(activation.status) in FINAL and bool(activation.promised_seconds)
    return is_over and is_short(activation.promised_seconds, activation.delivered_seconds)


def _is_unknown(activation: Activation) -> bool:
    return activation.delivered_seconds is None


def _text(activation: Activation, status: S) -> str:
    if status in _LIVE:
        return _under_way(activation, status)
    return _ENDED[status](activation)


def _under_way(activation: Activation, status: S) -> str:
    if status is S.QUEUED and activation.reason == STOPPED:
        return "STOP came before it was handed over; it waits until the queue is resumed."
    if is_ending(activation):
        return "Being ended: its page is told to, and has not answered yet."
    if status is S.ACTIVATED and is_unmeasured(activation):
        return f"{title(activation)} was handed over to the extension{_foreseen(activation)}."
    if status is S.ACTIVATED:
        return (
            f"{title(activation)} is playing, {activation.promised_seconds} "
            f"s{_together(activation)}."
        )
    return _LIVE[status]


def _foreseen(activation: Activation) -> str:
    seconds = activation.promised_seconds
    return f", for {seconds} s" if seconds else ", for a time that it has not told"


_BEYOND_REACH = "it cannot be stopped from here, and may have played all of it."


def _failed(activation: Activation) -> str:
    if activation.reason == STOPPED and is_unmeasured(activation):
        was = "was" if activation.started_at else "may have been"
        return f"It {was} with the extension when STOP was pressed: {_BEYOND_REACH}"
    if activation.reason == STOPPED and activation.delivered_seconds:
        return (
            f"STOP ended {title(activation)} after "
            f"{activation.delivered_seconds:g} of {activation.promised_seconds} s promised."
        )
    if activation.reason == STOPPED:
        return "STOP ended it."
    if is_unmeasured(activation) and activation.reason == "bad_command":
        return _WHY_FAILED["handed_over_before"]  # she has another path now, which cannot take it
    if activation.reason in _WHY_FAILED:
        return _WHY_FAILED[activation.reason]
    return f"The page reported a failure: {_code(activation)}."


def _dead(activation: Activation) -> str:
    return _DEAD.get(
        activation.reason,
        f"The device refused it every time ({_code(activation)}): nothing played.",
    )


def _answered_with_nothing(activation: Activation) -> str:
    return f"Did nothing: {why_not(activation.reason, activation.amount, activation.gates)}."


def _cancelled(activation: Activation) -> str:
    if is_unmeasured(activation) and activation.started_at is not None:
        return f"It was with the extension when it was ended: {_BEYOND_REACH}"
    if activation.dispatched_at is None:
        return "Taken out of the queue before it was handed over: nothing played."
    if activation.reason == "not_confirmed":
        return "Ended early; no page said how much of it had played."
    if not activation.delivered_seconds:
        return "Ended before it played."
    return (
        f"{title(activation)} was ended after {activation.delivered_seconds:g} of "
        f"{activation.promised_seconds} s promised."
    )


def _together(activation: Activation) -> str:
    """Its run is also that of others: what they were promised together."""
    if activation.members:
        return f" of a run of {activation.run_seconds} s for {len(activation.members) + 1} requests"
    return " as part of a longer run" if activation.leader else ""


def by_whom(activation: Activation) -> str:
    """Who wanted it ended and why, for staff; empty when nobody did."""
    if activation.cancelled_at is None:
        return ""
    why = f": {activation.cancelled_why}" if activation.cancelled_why else ""
    return f"{activation.cancelled_at:%H:%M:%S} UTC by {activation.cancelled_by}{why}"


def title(activation: Activation) -> str:
    if activation.item and activation.item.get("itemId") == DEFAULT_ITEM:
        return "The default reaction"
    return f"“{activation.item['title']}”" if activation.item else "Nothing"


def _played(activation: Activation) -> str:
    promised = activation.promised_seconds
    if is_unmeasured(activation) and _is_unknown(activation):
        return (
            f"{title(activation)} was handed over to the extension{_foreseen(activation)}; "
            "what it played was not measured."
        )
    if activation.delivered_seconds is None:
        return f"{title(activation)} played, {promised} s promised."
    if _is_short(activation):
        return (
            f"{title(activation)} played for {activation.delivered_seconds:g} of {promised} s "
            f"promised.{_fell_short(activation)}"
        )
    return f"{title(activation)} played for {promised} s.{_fell_short(activation)}"


def _fell_short(activation: Activation) -> str:
    """The devices that did not play all of it, where it was told to each of them."""
    return "".join(
        f" {leg['nickname']} {_HOW_SHORT[leg['outcome']]}: {leg['delivered'] or 0:g} of "
        f"{leg['promised']} s."
        for leg in fell_short(activation.legs)
    )


def how_short(leg: LegRow) -> str:
    """Why this device of a run has not played all of its part; empty where it has."""
    return _HOW_SHORT.get(leg["outcome"], "")


def _is_short(activation: Activation) -> bool:
    return (
        activation.delivered_seconds is not None
        and activation.delivered_seconds < activation.promised_seconds
    )


def _code(activation: Activation) -> str:
    return activation.reason.replace("_", " ") or "no code given"


def briefly(reason: str) -> str:
    return BRIEFLY.get(reason, reason.replace("_", " ").capitalize())


def why_not(reason: str, amount: int, gates: Sequence[Mapping[str, Any]]) -> str:
    """Why a settled tip does nothing: the clause of the gate that said no, with what it saw."""
    if reason in WHY_NOT:
        return WHY_NOT[reason].format(saw=gates[-1]["saw"] if gates else "", amount=amount)
    return reason.replace("_", " ") or "no reason was recorded"


_ENDED: dict[S, Callable[[Activation], str]] = {
    S.COMPLETED: _played,
    S.FAILED: _failed,
    S.TIMEOUT: lambda activation: _SILENT,
    S.SKIPPED: _answered_with_nothing,
    S.EXPIRED: _answered_with_nothing,
    S.CANCELLED: _cancelled,
    S.DEAD: _dead,
}
