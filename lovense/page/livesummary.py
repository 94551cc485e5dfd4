"""The summary of the show that is over, as the stage of the live page shows it: from its row alone,
whose sums are worked out elsewhere (`lovense/shows/sums.py`). Pure."""

from datetime import datetime, timedelta
from typing import TypedDict

from ground.ui import charts
from lovense.deciding.shortfall import TENTHS
from lovense.history import browsing
from lovense.page.shownshow import NONE, best_words, history_of, length
from lovense.rows import ShowRow, ShowSums
from lovense.shows import summary

Fact = tuple[str, str]  # its name, and what it was


class LiveSummary(TypedDict):
    """`facts` is empty while the sums are worked out. `owed` is the address of what is owed of it,
    empty where nothing is; `is_whole` False: there were more tips than are read."""

    number: str
    began: datetime
    ended: datetime
    lasted: str
    facts: list[Fact]
    tips: str
    owed: str
    is_whole: bool


def of(row: ShowRow) -> LiveSummary:
    """Of one that is over."""
    ended = row["ended_at"] or row["began_at"]
    sums, number = row["sums"], summary.number_of(row)
    return {
        "number": number,
        "began": row["began_at"],
        "ended": ended,
        "lasted": length(ended - row["began_at"]),
        "facts": _facts(sums) if sums else [],
        "tips": history_of(number),
        "owed": history_of(number, outcome=browsing.OWES) if sums and sums["owed"] else "",
        "is_whole": sums is None or sums["is_whole"],
    }


def _facts(sums: ShowSums) -> list[Fact]:
    wait = sums["longest_wait"]
    return [
        ("Tips", charts.words(sums["tips"])),
        ("Tokens", charts.words(sums["tokens"])),
        ("Played", f"{charts.words(sums['played'])} of {charts.words(sums['tips'])}"),
        ("Owed", f"{charts.words(sums['owed'] / TENTHS)}\u00a0s"),
        ("Best item", best_words(sums["best"])),
        ("Longest wait", NONE if wait is None else length(timedelta(seconds=wait))),
    ]
