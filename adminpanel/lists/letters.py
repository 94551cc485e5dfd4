"""Dead letters as rows of a table: what each was, what it died of, what was decided about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from adminpanel.lists.columns import EMPTY
from adminpanel.lists.performers import names_of, whose
from ground.ui.cells import ShownCell
from lovense.lane.letter import Letter


@dataclass(frozen=True, slots=True)
class LetterHead:
    label: str
    is_sorted: bool = False


@dataclass(frozen=True, slots=True)
class LetterRow:
    """As `ui_records` shows it; `mark`: what the form is told of one that is marked."""

    key: str
    href: str
    cells: list[ShownCell]
    mark: str
    is_marked: bool
    is_same_change: bool = False


HEAD = (
    LetterHead("Died", is_sorted=True),
    LetterHead("Tip"),
    LetterHead("Cause"),
    LetterHead("Decided"),
    LetterHead("Would play"),
    LetterHead("Sent back"),
    LetterHead("Performer"),
    LetterHead("Id"),
)


def rows(letters: Sequence[Letter], marks: Sequence[str], marked: Sequence[str]) -> list[LetterRow]:
    """`marks`: of each letter; `marked`: which of them are marked already."""
    names = names_of(letter.request["lane"] for letter in letters)
    return [
        LetterRow(
            letter.request_id,
            address := reverse("staff-dead-letter", args=[letter.request_id]),
            [*_what(letter, address), whose(letter.request["lane"], names), _id(letter)],
            mark,
            mark in marked,
        )
        for letter, mark in zip(letters, marks, strict=True)
    ]


def _what(letter: Letter, address: str) -> list[ShownCell]:
    return [
        ShownCell(EMPTY, moment=letter.request["finished_at"]),
        ShownCell(f"{letter.amount} tokens from {letter.who}", href=address),
        ShownCell(letter.words),
        _decided(letter),
        ShownCell(f"{letter.activation['promised_seconds']} s" if letter.activation else EMPTY),
        ShownCell(f"{letter.replays} times" if letter.replays else EMPTY),
    ]


def _decided(letter: Letter) -> ShownCell:
    if letter.review is None:
        return ShownCell("Nothing yet", tone="warn")
    return ShownCell(letter.review["resolution"].capitalize(), tone="idle")


def _id(letter: Letter) -> ShownCell:
    said = letter.tip_id or letter.request_id
    return ShownCell(said, copies=said, is_code=True)
