"""How much of its promise an activation has not delivered. Pure; seconds count in whole tenths.

Whatever was handed over to a device, ended, and delivered less than it had promised owes the rest.
What a gate refused, or a limit kept until it was too late, had promised nothing yet."""

from collections.abc import Sequence

from lovense.models import ActivationStatus
from lovense.rows import ActivationRow, LegRow

S = ActivationStatus
TENTHS = 10  # of a second
PLAYED = "played"  # how a device of a run has ended that played all of its part
_FINAL = frozenset({S.COMPLETED, S.FAILED, S.TIMEOUT, S.CANCELLED, S.DEAD})


def tenths(seconds: float | None) -> int:
    return round((seconds or 0) * TENTHS)


def is_short(promised: int, delivered: float | None) -> bool:
    """Less than was promised, to a tenth of a second; or nobody knows how much."""
    return delivered is None or tenths(delivered) < promised * TENTHS


def promise(row: ActivationRow) -> int:
    """What it owes or has delivered: nothing, unless it was handed over and has ended; and nothing
    of what nobody measures, since neither is known, or of a rehearsal, which nobody has paid."""
    if row.get("is_measured") is False or row.get("is_rehearsal"):
        return 0
    was_sent = any(not attempt.get("is_replay") for attempt in row["attempts"])
    return row["promised_seconds"] * TENTHS if was_sent and S(row["status"]) in _FINAL else 0


def lacking(row: ActivationRow) -> int:
    """Of its promise, what it has not delivered."""
    return max(0, promise(row) - tenths(row["delivered_seconds"]))


def fell_short(legs: Sequence[LegRow] | None) -> list[LegRow]:
    """Of its devices, those that ended with less than they were to play."""
    return [leg for leg in legs or () if leg["outcome"] and leg["outcome"] != PLAYED]


def has_owed(row: ActivationRow) -> bool:
    """It was over before: given up, or a dead letter that a person sent back."""
    was_replayed = any(attempt.get("is_replay") for attempt in row["attempts"])
    return was_replayed or S(row["status"]) in _FINAL


def is_dealt(row: ActivationRow) -> bool:
    """What a leader has delivered is its own share once its run was dealt out."""
    is_run = bool(row.get("members")) and row["delivered_seconds"] is not None
    return not is_run or row.get("run_delivered") is not None
