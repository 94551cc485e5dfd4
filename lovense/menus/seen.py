"""Which version of her menu a viewer saw: the one in force when the tip was made. Pure.

It follows from the short history on her row, so that no decision asks for more. A version that she
has withdrawn is nobody's: who saw it gets the next one."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from lovense.rows import MenuHistoryRow, PerformerRow

HISTORY_KEPT = 20  # versions


class SeenVersion(NamedTuple):
    """A version, and why it is that one. 0: none was published."""

    number: int
    why: str


def of(performer: PerformerRow, at: datetime | None) -> SeenVersion:
    """By a tip that was made then; None: by what is decided by the menu of now."""
    now, history = performer["menu_version"], performer.get("menu_history")
    if at is None or not now:
        return SeenVersion(now, "in force now")
    if not history or (last := history[-1])["version"] != now:  # a revision that kept none
        return SeenVersion(now, "in force now; what was at the tip is not known")
    if last["at"] <= at:
        return SeenVersion(now, "in force at the tip")
    return _earlier(history, at)


def _earlier(history: Sequence[MenuHistoryRow], at: datetime) -> SeenVersion:
    place = bisect_right(history, at, key=lambda each: each["at"]) - 1
    if place < 0:
        found = history[0]
        is_first = len(history) < HISTORY_KEPT and found["version"] == 1
        why = "the first: none was in force at the tip" if is_first else "the oldest that is known"
    else:
        found, why = history[place], f"in force at the tip; version {history[-1]['version']} is now"
    if not found.get("withdrawn"):
        return SeenVersion(found["version"], why)
    follows = (each for each in history[max(place, 0) :] if not each.get("withdrawn"))
    was = f"version {found['version']}, which was in force at the tip and is withdrawn"
    return SeenVersion(next(follows)["version"], f"the next after {was}")


def after(
    history: Sequence[MenuHistoryRow], version: int, now: datetime, *, is_withdrawn: bool
) -> list[MenuHistoryRow]:
    """With a further version, which is in force from now on, and no earlier than those before it
    were; the last one withdrawn."""
    known = list(history)
    if known and is_withdrawn:
        known[-1] = {**known[-1], "withdrawn": True}
    at = max([now, *(each["at"] for each in known[-1:])])
    return [*known, MenuHistoryRow(version=version, at=at)][-HISTORY_KEPT:]
