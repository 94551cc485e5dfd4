"""The live table: one line for each tip, drawn in place on a terminal; elsewhere each line is
printed once, when it is final."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import TextIO

from config.demo.facts import TipTimes
from config.demo.show import Scene
from lovense.facts import SIX

COLUMNS = " {mark} {tip:>5} {amount:>6}  {what:31}  {http:9} {facts}  {verdict}"
LEGEND = "   ms after the call until: " + " · ".join(f"{fact.number} {fact.word}" for fact in SIX)
OK, WRONG, OPEN = "✓", "✗", "·"
_GREEN, _RED, _DIM, _PLAIN = "\033[32m", "\033[31m", "\033[2m", "\033[0m"


def is_right(scene: Scene, trail: TipTimes) -> bool:
    return (
        scene.answers == scene.http
        and trail.verdict == scene.verdict
        and (not scene.item or trail.item == scene.item)
    )


def mark(scene: Scene, trail: TipTimes) -> str:
    if not scene.answers or len(scene.answers) < len(scene.http):
        return OPEN
    if is_right(scene, trail):
        return OK
    return WRONG if trail.is_over or scene.answers != scene.http else OPEN


def header() -> str:
    facts = " ".join(f"{fact.number:>5}" for fact in SIX)
    return COLUMNS.format(
        mark=" ",
        tip="tip",
        amount="tokens",
        what="what we try",
        http="HTTP",
        facts=facts,
        verdict="verdict",
    )


def line(scene: Scene, trail: TipTimes) -> str:
    found = mark(scene, trail)
    return COLUMNS.format(
        mark=found,
        tip=f"…{scene.tip_id[-4:]}",
        amount=scene.amount,
        what=scene.title,
        http=_counted(scene.answers),
        facts=" ".join(f"{_offset(moment, scene.sent_at):>5}" for moment in trail.times),
        verdict=f"{trail.verdict}, not {scene.verdict}" if found == WRONG else trail.verdict,
    )


def _offset(moment: datetime | None, sent_at: float) -> str:
    return "–" if moment is None else str(max(0, round((moment.timestamp() - sent_at) * 1000)))


def _counted(answers: Sequence[int]) -> str:
    """202 200 200 → "202 200×2"."""
    runs = [(status, len(list(group))) for status, group in groupby(answers)]
    return " ".join(f"{status}×{count}" if count > 1 else str(status) for status, count in runs)


class Table:
    def __init__(self, scenes: Sequence[Scene], out: TextIO = sys.stdout) -> None:
        self._scenes, self._out = scenes, out
        self._in_place = out.isatty()
        self._drawn = 0
        self._said: set[int] = set()

    def begin(self) -> None:
        if not self._in_place:
            self._print(f"{LEGEND}\n{header()}")

    def show(self, trails: Mapping[str, TipTimes], *, is_last: bool = False) -> None:
        if self._in_place:
            self._redraw(trails)
        else:
            self._append(trails, is_last=is_last)

    def _append(self, trails: Mapping[str, TipTimes], *, is_last: bool) -> None:
        for scene in self._scenes:
            trail = trails[scene.tip_id]
            if scene.number not in self._said and (is_last or mark(scene, trail) != OPEN):
                self._said.add(scene.number)
                self._print(line(scene, trail))

    def _redraw(self, trails: Mapping[str, TipTimes]) -> None:
        width, height = shutil.get_terminal_size((140, 40))
        lines = [LEGEND, header()] + [
            line(scene, trails[scene.tip_id]) for scene in self._scenes if scene.sent_at
        ]
        # A line that wraps, or a table taller than the screen, could not be drawn over.
        kept = [_coloured(text[: width - 1]) for text in lines[-(height - 2) :]]
        self._out.write(f"\033[{self._drawn}F" if self._drawn else "")
        self._out.write("".join(f"\033[2K{text}\n" for text in kept))
        self._out.flush()
        self._drawn = len(kept)

    def _print(self, text: str) -> None:
        self._out.write(text.rstrip() + "\n")
        self._out.flush()


def _coloured(text: str) -> str:
    colour = {OK: _GREEN, WRONG: _RED, OPEN: _DIM}.get(text[1:2])
    return f"{text[0]}{colour}{text[1]}{_PLAIN}{text[2:]}" if colour else f"{_DIM}{text}{_PLAIN}"
