"""Starts: how long after the beginning of a run each of its devices is told. Pure.

A device that answers later than the others is told before them: what she has set for it, its lead,
is what the others wait. A wish for one device comes on top."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lovense.bridges.slices import SliceWindow, shifted

SECOND = 1000  # ms
SHORTEST_SECONDS = 2  # what a device that starts later still plays


class LegStart(NamedTuple):
    """In ms of the run: when it is to be told, and when its path tells it."""

    asked: int
    kept: int


def asked(leads: Mapping[str, int], offsets: Mapping[str, int]) -> dict[str, int]:
    """By device, from the leads of all that play: the largest one is told first."""
    most = max(leads.values(), default=0)
    return {key: offsets.get(key, 0) + most - lead for key, lead in leads.items()}


def kept(start: int, *, step_ms: int, seconds: int) -> int:
    """To the steps of its path, half of one up; and no later than that something is left to play:
    then only the part of a second is kept."""
    rounded = (start + step_ms // 2) // step_ms * step_ms
    whole, rest = divmod(rounded, SECOND)
    return min(whole, max(0, seconds - SHORTEST_SECONDS)) * SECOND + rest


def of(
    leads: Mapping[str, int], offsets: Mapping[str, int], *, step_ms: int, seconds: int
) -> dict[str, LegStart]:
    """By device, in a run of so many seconds on a path of such steps."""
    return {
        key: LegStart(start, kept(start, step_ms=step_ms, seconds=seconds))
        for key, start in asked(leads, offsets).items()
    }


class ShiftedWindows(NamedTuple):
    """The windows of a device that starts later, and by how many ms all of them come later than
    whole seconds of the run."""

    windows: tuple[SliceWindow, ...]
    rest_ms: int


def later(windows: Sequence[SliceWindow], start_ms: int) -> ShiftedWindows:
    """By whole seconds it plays less, and ends with the others; the rest moves all of it."""
    whole, rest = divmod(start_ms, SECOND)
    return ShiftedWindows(shifted(windows, whole), rest)
