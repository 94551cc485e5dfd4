"""Turns: which waiting request of a lane is next. Pure, but for the names of the lines.

A lane has one line for each priority, and a line is first come, first served; so whatever a lane's
mode, its next request is the head of one of four lines, and a change of mode moves no row.

fifo      the request that settled first, whatever its priority
priority  the highest priority, where waiting counts too: AGEING of it are worth one point. So
          nobody starves: a request is overtaken only by those that came less than AGEING x
          (difference of their priorities) after it, at most 9.5 minutes
batch     as fifo, but once a second: what came before the last full second; its merging is in
          `lovense/deciding/batch.py`

What has been tried and waits for its next attempt goes first in every mode: its page may have it,
and it plays alone."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from tips.models import Mode, Priority
from tips.rows import RequestRow

AGEING = timedelta(seconds=30)
BATCH_SIZE = 100
TICK = timedelta(seconds=1)


def line(lane: str, priority: int) -> str:
    return f"{lane}/{priority}"


PRIORITIES = tuple(Priority.values)  # once: the enumeration makes them anew each time


def lines(lanes: Iterable[str]) -> list[str]:
    return [line(lane, priority) for lane in lanes for priority in PRIORITIES]


def usual_line(lane: str) -> str:
    """In which every tip waits, before anybody has looked at what answers it."""
    return line(lane, Priority.HIGH)


def lane_of(name: str) -> str:
    return name.rpartition("/")[0]


def candidates(rows: Iterable[RequestRow]) -> list[RequestRow]:
    """Of all that waits in a lane, what `next_of` chooses from: the head of each line, and whatever
    was tried."""
    heads: dict[str, RequestRow] = {}
    rows = sorted(rows, key=in_order)
    for row in rows:
        heads.setdefault(row["line"], row)
    return [row for row in rows if is_tried(row) or heads[row["line"]] is row]


def next_of(heads: Sequence[RequestRow], mode: Mode) -> RequestRow:
    """Of a lane's `candidates`, the one whose turn it is. Whether it may start is another
    question: `is_ready`."""
    return min(
        [row for row in heads if is_tried(row)] or heads,
        key=aged if mode is Mode.PRIORITY else in_order,
    )


def is_tried(row: RequestRow) -> bool:
    """It was claimed before, since it was submitted or a person sent it back; a limit's delay takes
    its attempt back."""
    return bool(row["attempts"] > (row.get("attempts_before") or 0))


def in_order(row: RequestRow) -> tuple[int, str]:
    return row["turn"], row["_id"]


def aged(row: RequestRow) -> tuple[datetime, int, str]:
    """What waits since t with priority p is due like what waits since t - p x AGEING with none: no
    order changes with time."""
    return row["waiting_since"] - AGEING * priority_of(row), row["turn"], row["_id"]


def priority_of(row: RequestRow) -> int:
    """That of its line: the one it was submitted with, or that of the request with which it changed
    places."""
    return priority_in(row["line"])


def priority_in(name: str) -> int:
    return int(name.rpartition("/")[2])


def overtakes_until(row: RequestRow, name: str) -> datetime:
    """Where priority counts: what waits in that line since before then has its turn before this
    request."""
    since: datetime = row["waiting_since"]
    return since + AGEING * (priority_in(name) - priority_of(row))


def is_ready(row: RequestRow, mode: Mode, now: datetime) -> bool:
    """Retries and limits hold a request back; as the next one it holds its whole lane, so that
    nothing overtakes it."""
    return bool(
        row["available_at"] < tick(now) if mode is Mode.BATCH else row["available_at"] <= now
    )


def tick(now: datetime) -> datetime:
    return now.replace(microsecond=0)
