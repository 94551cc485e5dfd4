"""What staff do about many dead letters at once: those that they marked, or all that match. Each
letter is a transaction of its own with its entry in the audit log (`lovense/lane/decisions.py`);
for another state or another number than was shown nothing is done at all."""

from collections.abc import Mapping, Sequence

from adminpanel.handling import marks
from adminpanel.handling.tips import state_of
from adminpanel.people.deeds import Deed
from lovense.lane import deadletters, decisions
from lovense.lane.letter import DEAD, Letter, Resolution

Done = tuple[int, int]  # how many it was, and how many are left


def mark_of(letter: Letter) -> str:
    return f"{letter.request_id} {state_of(letter.request)}"


def replay_marked(said: Sequence[str], *, deed: Deed) -> Done:
    """Those of them stay that may not be sent back, or where somebody else was first."""
    letters = _as_marked(said)
    gone = decisions.replay_some(letters, by=deed.by, why=deed.why, now=deed.now)
    return gone, len(letters) - gone


def replay_all(cause: str, *, seen: int, deed: Deed) -> Done:
    return decisions.replay_group(cause=cause, expect=seen, by=deed.by, why=deed.why, now=deed.now)


def review_marked(said: Sequence[str], resolution: Resolution, *, deed: Deed) -> Done:
    letters = _as_marked(said)
    done = decisions.review_some(
        letters, resolution=resolution, note=deed.why, by=deed.by, now=deed.now
    )
    return done, len(letters) - done


def review_all(cause: str, resolution: Resolution, *, seen: int, deed: Deed) -> Done:
    return decisions.review_group(
        cause=cause,
        expect=seen,
        resolution=resolution,
        note=deed.why,
        by=deed.by,
        now=deed.now,
    )


def still(said: Sequence[str]) -> list[str]:
    """Of these marks those whose letter is as it was shown."""
    return [mark_of(letter) for letter in _found(marks.keyed(said))]


def _as_marked(said: Sequence[str]) -> list[Letter]:
    """Raises Outdated where one of them is not as it was shown."""
    seen = marks.read(said)
    found = _found(seen)
    marks.check_as_shown(len(found), of=len(seen))
    return found


def _found(seen: Mapping[str, str]) -> list[Letter]:
    dead = [letter for letter in deadletters.some([*seen]) if letter.status == DEAD]
    return [letter for letter in dead if state_of(letter.request) == seen[letter.request_id]]
