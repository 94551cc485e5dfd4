"""A pattern, written as text: what is read from it again is the same. Pure."""

from collections.abc import Iterable

from lovense.patterns.reading import SECOND
from lovense.patterns.score import Loop, Move, Part, Score

WIDTH = 72  # characters of a line, about


def written(score: Score, about: str = "") -> str:
    """In lines; `about` becomes a comment before it."""
    lines = [f"# {about}"] if about else []
    line = ""
    for part in map(_part, score.parts):
        if line and len(line) + len(part) > WIDTH:
            lines.append(f"{line},")
            line = ""
        line = f"{line}, {part}" if line else part
    return "\n".join([*lines, line]) + "\n"


def _part(part: Part) -> str:
    if isinstance(part, Loop):
        return f"({_joined(part.parts)}) x {part.times}"
    moves = [_move(each) for each in part.moves]
    said = f"{{{', '.join(moves)}}}" if part.moves[0].function else moves[0]
    return f"{said} {seconds(part.ms)}s"


def _joined(parts: Iterable[Part]) -> str:
    return ", ".join(map(_part, parts))


def _move(move: Move) -> str:
    level = f"{move.first}" if move.first == move.last else f"{move.first}>{move.last}"
    return f"{move.function} {level}".strip()


def seconds(ms: int) -> str:
    whole, rest = divmod(ms, SECOND)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".")
