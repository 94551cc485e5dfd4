"""What a run looks like: the compiler's levels over its time, as bars. Pure.

Drawn from the very timeline that plays (lovense/deciding/outlook.py); of several devices the
strongest at each moment."""

from lovense.deciding import outlook
from lovense.deciding.rules import Rules
from lovense.menus.compiler import Compiled
from lovense.menus.matching import Item
from lovense.rows import PerformerRow
from lovense.timeline import SECOND, TOP, Timeline

STAGE_BARS, ROW_BARS = 90, 24


def bars(
    rules: Rules, performer: PerformerRow, item: Item, *, count: int, seconds: int = 0
) -> list[float]:
    """At most `count` levels from 0 to 1; none where her extension decides what plays. `seconds`:
    of the whole run, where it is the item over and over."""
    if rules.own_levels_of(performer) is not None:
        return []
    seen = outlook.of(rules, performer, item)
    drawn = [
        (each.offset_ms, _whole(each.found.timeline, seconds))
        for each in seen.plays
        if isinstance(each.found, Compiled)
    ]
    return _columns(drawn, count)


def _whole(timeline: Timeline, seconds: int) -> Timeline:
    run_ms = seconds * SECOND
    return timeline.filled(run_ms) if run_ms > timeline.length_ms > 0 else timeline


def _columns(drawn: list[tuple[int, Timeline]], count: int) -> list[float]:
    """Each as high as what is strongest in it."""
    length_ms = max((offset + each.length_ms for offset, each in drawn), default=0)
    step_ms = -(-length_ms // count)
    peaks = [0] * (-(-length_ms // step_ms) if step_ms else 0)
    for offset, timeline in drawn:
        for track in timeline.functions.values():
            for start, end, level in track:
                for column in range((offset + start) // step_ms, (offset + end - 1) // step_ms + 1):
                    peaks[column] = max(peaks[column], level)
    return [round(peak / TOP, 2) for peak in peaks]
