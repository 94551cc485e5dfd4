"""Presses of stop, and what was still after them."""

from datetime import datetime
from typing import TypedDict


class StopAnswerRow(TypedDict):
    """What one page said of one toy after a press: how long it took to be still, or that it is
    not. `toyId` is empty where the page holds none."""

    page: str
    toyId: str
    ms: float | None
    answer: str
    at: datetime


class StopPressRow(TypedDict):
    """A row of `stop_presses`."""

    _id: str
    performer_id: str
    epoch: int
    at: datetime
    by: str
    why: str
    through: str
    answers: list[StopAnswerRow]
