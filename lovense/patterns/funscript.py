"""Scripts of strokes (`.funscript`): where something is at which moment. Pure.

The speed of a stroke becomes a strength: FULL_SPEED % of the whole way in a second is strength 20,
slower ones in proportion, rounded up, so that what moves still moves. Which way it goes is not
kept, so `inverted` changes nothing; `range` makes every way shorter, and so slower."""

import itertools

from ground.json.fields import Fields, Malformed
from lovense.patterns.recording import LATEST_MS, PatternChange
from lovense.timeline import TOP

FULL_SPEED = 400  # % of the way in a second
MOST_ACTIONS = 30_000
FARTHEST = 100  # % of the way
SPEED = PatternChange(
    "speed_is_strength",
    f"The speed of each stroke became the strength: {FULL_SPEED} % of the way in a second is 20.",
)
INVERTED = PatternChange("direction_is_lost", "It is inverted, which changes no speed.")


def samples_of(script: Fields, path: str = "") -> tuple[list[tuple[int, int]], list[PatternChange]]:
    """Moment and strength, and what is not as it came. Fields that others have added are passed
    over. `path` prefixes the names in errors. Raises Malformed with the place of the action."""
    reach = script.integer("range", minimum=1, maximum=FARTHEST, default=FARTHEST)
    changes = [SPEED, INVERTED] if script.flag("inverted") else [SPEED]
    actions = _actions(script, path)
    found: list[tuple[int, int]] = []
    for (at, pos), (until, to) in itertools.pairwise(actions):
        if until > at:
            found.append((at, _strength(abs(to - pos) * reach, until - at)))
    found.append((actions[-1][0], 0))
    if len(found) == 1:
        raise Malformed(f"{path}actions", "must not all be at one moment")
    return found, changes


def _actions(script: Fields, path: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for each in script.objects("actions", maximum=MOST_ACTIONS):
        least = found[-1][0] if found else 0
        at = each.integer("at", minimum=least, maximum=LATEST_MS)
        found.append((at, each.integer("pos", minimum=0, maximum=FARTHEST)))
    if len(found) < 2:
        raise Malformed(f"{path}actions", "must hold at least two actions")
    return found


def _strength(way: int, ms: int) -> int:
    """`way` in % of `range` in %: hundredths of a percent."""
    return min(TOP, -(-way * TOP * 1000 // (ms * FULL_SPEED * FARTHEST)))
