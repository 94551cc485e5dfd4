"""What Lovense's journal says of the second performer's toys, beside what her tips promised. Pure,
but for the reading."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from config.demo.toys import PromisedRun
from lovense.menus.vibration import FUNCTION
from lovense.rows import Json

TOLERANCE_SECONDS = 1.0
_ZERO = re.compile(r":0(?!\d)")  # to some toys level 0 is full speed

Lines = Sequence[Json]
Names = Mapping[str, str]


def read(file: Path, *, phone: str) -> list[Json]:
    """The lines of one phone; a last one that is being written is left out."""
    text = file.read_text(encoding="ascii")
    lines = map(json.loads, text[: text.rfind("\n") + 1].splitlines())
    return [line for line in lines if line["phone"] in (phone, None)]


def is_silent(lines: Lines) -> bool:
    return not any(_last_levels(lines).values())


def differences(lines: Lines, runs: Sequence[PromisedRun], toys: Names) -> list[str]:
    """`toys`: their names, by id."""
    told = [line for line in lines if line["kind"] == "command"]
    return [
        *_broken_limits(told),
        *_wrong_calls([line for line in told if not _is_stop(line)], runs, toys),
        *_wrong_moves(lines, runs, toys),
        *_still_moving(lines, toys),
    ]


# --- what was told -------------------------------------------------------------------------------


def _broken_limits(told: Lines) -> Iterator[str]:
    for line in told:
        if "violation" in line:
            yield f"Lovense was told what breaks its limits: {line['violation']}."
        if _ZERO.search(str(line["body"].get("action", ""))):
            yield f"Lovense was told {line['body']['action']}, and 0 is no way to stop a toy."


def _wrong_calls(told: Lines, runs: Sequence[PromisedRun], toys: Names) -> Iterator[str]:
    """Every slice once to every toy, and nothing else."""
    for run in runs:
        for number, call in enumerate(run.calls, start=1):
            heard = [toy for line in told if _says(line, call) for toy in _toys_of(line)]
            for toy, name in toys.items():
                if (count := heard.count(toy)) != 1:
                    yield f"{name} was told slice {number} of “{run.title}” {count} times."
    calls = [call for run in runs for call in run.calls]
    for line in told:
        if not any(_says(line, call) for call in calls):
            yield f"Lovense was told what no tip of hers promises: {_words(line)}."


def _says(line: Json, call: Json) -> bool:
    return all(line["body"].get(name) == value for name, value in call.items())


def _words(line: Json) -> str:
    return json.dumps({name: value for name, value in line["body"].items() if name != "uid"})


def _is_stop(line: Json) -> bool:
    return bool(line["body"].get("action") == "Stop")


def _toys_of(line: Json) -> list[str]:
    """Those that it names."""
    named = line["toy"]
    return named if isinstance(named, list) else [named]


# --- what moved ----------------------------------------------------------------------------------


def _wrong_moves(lines: Lines, runs: Sequence[PromisedRun], toys: Names) -> Iterator[str]:
    levels, begins = _levels(lines), [_began(lines, run) for run in runs]
    for run, begin, end in zip(runs, begins, [*begins[1:], math.inf], strict=True):
        for toy, name in toys.items():
            seconds, level = _moved(levels, toy, begin, end)
            if abs(seconds - run.seconds) > TOLERANCE_SECONDS:
                yield f"{name} moved {seconds:.1f} s for “{run.title}”, should be {run.seconds}."
            elif level != run.level:
                yield f"{name} moved at level {level} for “{run.title}”, should be {run.level}."
    for line in levels:
        if line["function"] != FUNCTION and line["level"]:
            name = toys.get(line["toy"], line["toy"])
            yield f"{line['function']} of {name} moved, which no tip promises."


def _began(lines: Lines, run: PromisedRun) -> float:
    """When its first call came; never, where none did."""
    told = (line for line in lines if line["kind"] == "command" and _says(line, run.calls[0]))
    return next((line["at"] for line in told), math.inf)


def _moved(levels: Lines, toy: str, begin: float, end: float) -> tuple[float, int]:
    """For how many seconds it moved from one moment to the other, and how strong at most. A run may
    take over what a run before it has not quite ended."""
    own = [line for line in levels if line["toy"] == toy and line["function"] == FUNCTION]
    ends = [line["at"] for line in (*own[1:], *own[-1:])]  # of each: when the next one begins
    seconds, top = 0.0, 0
    for line, until in zip(own, ends, strict=True):
        if line["level"] and begin <= line["at"] < end:
            seconds += (min(until, end) - line["at"]) / 1000
            top = max(top, line["level"])
    return seconds, top


def _still_moving(lines: Lines, toys: Names) -> Iterator[str]:
    for (toy, function), level in _last_levels(lines).items():
        if level:
            yield f"{toys.get(toy, toy)} is not silent at the end: {function} is at {level}."


def _last_levels(lines: Lines) -> dict[tuple[str, str], int]:
    return {(line["toy"], line["function"]): line["level"] for line in _levels(lines)}


def _levels(lines: Lines) -> list[Json]:
    return [line for line in lines if line["kind"] == "level"]
