"""Marks: rows of a list that somebody chose, each as it was shown to her. A mark is the key of the
row, a space, and what was shown of it; for another state nothing is done to any of them."""

from collections.abc import Collection, Iterable

from adminpanel.people.deeds import Outdated, WrongField
from ground.json.errors import Refusal

FIELD = "mark"
MOST = 500  # what does more is a command's


class TooManyMarked(Refusal):
    """More at once are a command's."""

    code, status = "too_many", 422

    def __init__(self) -> None:
        super().__init__(f"At most {MOST} are marked at once.")
        self.details = {"most": MOST}


def keyed(marks: Iterable[str]) -> dict[str, str]:
    return {key: shown for key, _, shown in (mark.partition(" ") for mark in marks)}


def read(marks: Iterable[str]) -> dict[str, str]:
    """By key what was shown. Raises WrongField where nothing is marked, and TooManyMarked."""
    seen = keyed(marks)
    if not seen:
        raise WrongField(FIELD, "Nothing is marked. Mark what it is about.")
    if len(seen) > MOST:
        raise TooManyMarked
    return seen


def away(said: Iterable[str], shown: Collection[str]) -> list[str]:
    """Of these marks, each once, those of rows that are not among those shown, by their keys."""
    return [mark for mark in dict.fromkeys(said) if mark.partition(" ")[0] not in shown]


def check_as_shown(number: int, *, of: int) -> None:
    """`number`: how many still are. Raises Outdated where one is not."""
    moved = of - number
    if moved:
        which = f"{moved} of {of} marked" if of > 1 else "It"
        verb = "has" if moved == 1 else "have"
        raise Outdated(f"{which} {verb} moved meanwhile; nothing was done.", number)
