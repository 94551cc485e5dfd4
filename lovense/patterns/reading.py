"""The text of a pattern, read: `docs/patterns.md` has the grammar.

One pass: each word is looked at a bounded number of times, and nothing is unrolled. The first
broken rule is answered with its line and column, what was found and what was expected."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, NoReturn

from ground import words
from ground.json.errors import Refusal
from lovense.patterns import score
from lovense.patterns.score import (
    DEEPEST,
    FUNCTIONS,
    LONGEST_MS,
    LONGEST_TEXT,
    MOST_SEGMENTS,
    Loop,
    Move,
    Part,
    PatternStep,
    Score,
    ScoreSize,
)
from lovense.timeline import TOP, Timeline

SHOWN = 20  # characters of what was found
KEPT = 512  # texts, drawn: what is played again and again is worked out once
SECOND = 1000
LONGEST_NUMBER = 12  # digits
NUMBER, NAME, MARK, BREAK, END = "number", "name", "mark", "break", "end"
_WORDS = re.compile(
    r"(?P<space>[ \t\r]+)|(?P<comment>#[^\n]*)|(?P<break>\n)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<name>[A-Za-z][A-Za-z0-9]*)|(?P<mark>[,(){}>])"
)
_TIMES = re.compile(r"x([0-9]+)")  # `x10` without a space between is one word


class InvalidPattern(Refusal):
    """A text follows the grammar of patterns, and keeps their limits."""

    code, status = "invalid_pattern", 400

    def __init__(self, line: int, column: int, found: str, expected: str) -> None:
        super().__init__(f"Line {line}, column {column}: found {found}, expected {expected}.")
        self.line, self.column, self.found, self.expected = line, column, found, expected
        self.details = {"line": line, "column": column, "found": found, "expected": expected}


class Word(NamedTuple):
    kind: str
    text: str
    line: int
    column: int


def read(text: str) -> Score:
    """Raises InvalidPattern."""
    return Reader(text).read()


@lru_cache(maxsize=KEPT)
def drawn(text: str) -> Timeline:
    """What plays. Raises InvalidPattern."""
    return score.timeline(read(text))


# --- words ---------------------------------------------------------------------------------------


def _words(text: str) -> Iterator[Word]:
    line, begin, at = 1, 0, 0
    while at < len(text):
        found = _WORDS.match(text, at)
        column = at - begin + 1
        if found is None:
            raise InvalidPattern(line, column, _shown(text[at]), "a step, a loop or a comment")
        kind, said = str(found.lastgroup), found[0]
        if kind == "comment":
            _check_comment(said, line, column)
        elif kind != "space":
            yield Word(kind, said, line, column)
        at = found.end()
        if kind == BREAK:
            line, begin = line + 1, at
    yield Word(END, "", line, at - begin + 1)


def _check_comment(said: str, line: int, column: int) -> None:
    plain = said.replace("\t", " ").replace("\r", " ").strip()
    if words.cleaned(plain, maximum=len(plain)) != plain:
        expected = "a comment without control characters and signs that turn the line around"
        raise InvalidPattern(line, column, "such a one", expected)


def _shown(text: str) -> str:
    """As a person reads it: what cannot be seen is named by its number."""
    if not text.isascii() or not text.isprintable():
        text = " ".join(f"U+{ord(each):04X}" for each in text[:SHOWN])
        return text[: SHOWN * 2]
    return f"“{text[:SHOWN]}{'…' if len(text) > SHOWN else ''}”"


# --- the grammar ---------------------------------------------------------------------------------


class Reader:
    """One text. `looks`: how often a word was looked at; it grows no faster than the text."""

    def __init__(self, text: str) -> None:
        self._text, self.looks = text, 0
        self._left: Iterator[Word] = iter(())
        self._word = Word(END, "", 1, 1)

    def read(self) -> Score:
        if len(self._text) > LONGEST_TEXT:
            self._refuse_length()
        self._left = _words(self._text)
        self._next()
        parts, _ = self._parts(0)
        if self._word.kind != END:
            self._refuse("a step or a loop")
        found = Score(parts)
        self._check_size(found.size, Word(MARK, "", 1, 1))
        return found

    def _refuse_length(self) -> None:
        before = self._text[:LONGEST_TEXT]
        line, column = before.count("\n") + 1, LONGEST_TEXT - (before.rfind("\n") + 1) + 1
        found, expected = f"{len(self._text)} characters", f"at most {LONGEST_TEXT}"
        raise InvalidPattern(line, column, found, expected)

    def _parts(self, depth: int) -> tuple[tuple[Part, ...], ScoreSize]:
        """Those of one loop, or of the whole; each after a comma, a line break or both."""
        found: list[Part] = []
        total = ScoreSize(0, 0)
        self._breaks()
        while True:
            part, measured, begin = self._part(depth)
            found.append(part)
            total += measured
            self._check_size(total, begin)
            is_parted = self._separator()
            if self._word.kind == END or self._is(")"):
                return tuple(found), total
            if not is_parted:
                self._refuse("a comma or a line break between two steps")

    def _separator(self) -> bool:
        was_broken = self._breaks()
        if not self._is(","):
            return was_broken
        self._next()
        self._breaks()
        return True

    def _breaks(self) -> bool:
        is_one = self._word.kind == BREAK
        while self._word.kind == BREAK:
            self._next()
        return is_one

    def _part(self, depth: int) -> tuple[Part, ScoreSize, Word]:
        begin = self._word
        if self._is("("):
            loop, measured = self._loop(depth)
            return loop, measured, begin
        moves = self._named_moves() if self._is("{") else (self._move(""),)
        step = PatternStep(moves, self._length())
        return step, score.size([step]), begin

    def _loop(self, depth: int) -> tuple[Loop, ScoreSize]:
        if depth >= DEEPEST:
            self._refuse(f"at most {DEEPEST} loops within each other")
        self._next()
        parts, once = self._parts(depth + 1)
        self._take(")", "a step, or “)” at the end of the loop")
        begin = self._word
        times = self._times()
        self._check_size(once.times(times), begin)
        return Loop(parts, times), once.times(times)

    def _times(self) -> int:
        wanted = "“x” and how often the loop plays, as in x 10"
        found = _TIMES.fullmatch(self._word.text)
        if found:
            number = found[1]
        elif self._word.text == "x":
            self._next()
            number = self._word.text if self._word.kind == NUMBER else ""
        else:
            self._refuse(wanted)
        if not number.isdigit() or not int(number[:LONGEST_NUMBER]):
            self._refuse("a whole number from 1 on")
        if len(number) > LONGEST_NUMBER:
            self._refuse(f"a number of at most {LONGEST_NUMBER} digits")
        self._next()
        return int(number)

    def _named_moves(self) -> tuple[Move, ...]:
        self._next()
        found: list[Move] = []
        while True:
            name = self._function({move.function for move in found})
            found.append(self._move(name))
            if self._is("}"):
                self._next()
                return tuple(found)
            self._take(",", "“,” and another function, or “}”")

    def _function(self, taken: set[str]) -> str:
        name = self._word.text.lower()
        if self._word.kind != NAME or name not in FUNCTIONS:
            self._refuse(f"a function: {', '.join(FUNCTIONS)}")
        if name in taken:
            self._refuse("each function once")
        self._next()
        return name

    def _move(self, function: str) -> Move:
        first = self._level()
        if not self._is(">"):
            return Move(first, first, function)
        self._next()
        return Move(first, self._level(), function)

    def _level(self) -> int:
        word = self._word
        is_level = word.kind == NUMBER and word.text.isdigit() and len(word.text) <= 2
        if not is_level or int(word.text) > TOP:
            self._refuse(f"a strength from 0 to {TOP}")
        self._next()
        return int(word.text)

    def _length(self) -> int:
        word = self._word
        if word.kind != NUMBER:
            self._refuse("how long, in seconds, as in 2s or 0.5s")
        whole, _, part = word.text.partition(".")
        if len(whole) > LONGEST_NUMBER or len(part) > 3:
            self._refuse("seconds with at most three decimals")
        ms = int(whole) * SECOND + int(part.ljust(3, "0"))
        if not ms:
            self._refuse("more than 0 seconds")
        self._next()
        if self._word.text != "s":
            self._refuse("“s” after the seconds")
        self._next()
        return ms

    # --- what they have in common ----------------------------------------------------------------

    def _next(self) -> None:
        self.looks += 1
        self._word = next(self._left)

    def _is(self, mark: str) -> bool:
        self.looks += 1
        return self._word.kind == MARK and self._word.text == mark

    def _take(self, mark: str, expected: str) -> None:
        if not self._is(mark):
            self._refuse(expected)
        self._next()

    def _refuse(self, expected: str) -> NoReturn:
        word = self._word
        found = {END: "the end", BREAK: "a line break"}.get(word.kind) or _shown(word.text)
        raise InvalidPattern(word.line, word.column, found, expected)

    @staticmethod
    def _check_size(measured: ScoreSize, at: Word) -> None:
        """Of so much of it as was read, before anything is unrolled."""
        if measured.ms > LONGEST_MS:
            found, most = f"{measured.ms / SECOND:g} s", f"at most {LONGEST_MS // SECOND} s"
            raise InvalidPattern(at.line, at.column, found, most)
        if measured.segments > MOST_SEGMENTS:
            found, most = f"{measured.segments} levels", f"at most {MOST_SEGMENTS}"
            raise InvalidPattern(at.line, at.column, found, most)
