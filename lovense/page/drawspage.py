"""What the page of a version's draws shows to anybody: the commitment and, once it is revealed, the
secret and each draw. Nothing is changed here."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ground.json.errors import Refusal
from ground.json.fields import Malformed
from lovense.deciding import revealing
from lovense.deciding.revealing import WAITS_FOR, CheckedDraw, DrawnVersion
from lovense.devices.heartbeats import CallRate
from lovense.devices.sources import source_of
from lovense.page.menuwords import pattern_words
from lovense.rows import Json

PER_SOURCE = 120  # calls of one address in a minute, its looks at the page included
AT_ONCE, LONGEST_TIP = 100, 64


class TooManyLooks(Refusal):
    """One address looks at most PER_SOURCE times a minute."""

    code, status = "too_many_requests", 429
    words = "Too many looks in this minute."

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.retry_after = seconds


LOOKS = CallRate(PER_SOURCE)


def let_in(peer: str, forwarded: str) -> None:
    """Raises TooManyLooks."""
    if seconds := LOOKS.take(source_of(peer, forwarded), time.monotonic()):
        raise TooManyLooks(seconds)


def after_in(query: str | None) -> str:
    """Raises Malformed."""
    after = query or ""
    if len(after) > LONGEST_TIP or not after.isprintable():
        raise Malformed("after", f"must be the tip of a draw, at most {LONGEST_TIP} characters")
    return after


def shown(version: DrawnVersion, after: str) -> list[CheckedDraw]:
    """The draws behind that one, at most AT_ONCE; none before they are revealed."""
    if version.secret is None:
        return []
    return revealing.checked(version, after=after, limit=AT_ONCE)


def next_of(found: Sequence[CheckedDraw]) -> str | None:
    return found[-1].tip if len(found) == AT_ONCE else None


class ShownDraw(NamedTuple):
    """A line of the page; `expected` only where it differs."""

    tip: str
    item_id: str
    title: str
    bounds: str
    got: str
    expected: str


class DrawsPage:
    def __init__(self, version: DrawnVersion, after: str, now: datetime) -> None:
        self.version, self.menu = version, version.menu
        self.key, self.commitment = version.menu["_id"], version.menu["commitment"]
        self.secret = version.secret.hex() if version.secret is not None else ""
        self.revealed_at, self.is_kept = version.revealed_at, version.is_kept
        self.waits_for = WAITS_FOR.get(version.waits_for(now), "")
        found = shown(version, after)
        self.draws = [_shown(each) for each in found]
        self.next = next_of(found)


def _shown(each: CheckedDraw) -> ShownDraw:
    bounds = revealing.bounds_words(each.random) if each.random else "nothing"
    expected = "" if each.is_right else _words(each.expected) or "nothing"
    return ShownDraw(each.tip, each.item_id, each.title, bounds, _words(each.kept), expected)


def _words(values: Json) -> str:
    pattern = pattern_words(str(values["pattern"])) if "pattern" in values else ""
    strength = f"strength {values['intensity']} of 20" if "intensity" in values else ""
    seconds = f"{values['durationSec']} s" if "durationSec" in values else ""
    return ", ".join(filter(None, (pattern, strength, seconds)))
