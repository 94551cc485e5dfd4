"""Tests of a pattern: a performer plays one on one device of hers, for some seconds, before it is
in her menu. It waits in her queue like any test, all limits bind it, and nothing is charged."""

from dataclasses import dataclass
from datetime import datetime

from ground.json.fields import Fields
from lovense.devices import choices
from lovense.lane import devicetests, submissions
from lovense.lane.submissions import Submission, Submitted
from lovense.menus.vibration import LEVEL_PATTERN, MAXIMUM_LEVEL, SHORTEST_RUN_SECONDS, TEXT
from lovense.patterns.library import MINE
from lovense.rows import Item
from tips.models import Priority, RequestType

STRENGTH, SECONDS, LONGEST_SECONDS = 10, 5, 10


@dataclass(frozen=True, slots=True)
class AskedPattern:
    """What is played, by name and text, and on which device."""

    name: str
    text: str
    device_id: str
    strength: int = STRENGTH
    seconds: int = SECONDS

    @property
    def item(self) -> Item:
        item = submissions.item_of(self.name, LEVEL_PATTERN, self.strength, self.seconds)
        return item | {"pattern": MINE + self.name, TEXT: self.text}


def parse(body: Fields, *, name: str, text: str) -> AskedPattern:
    """Raises Malformed."""
    body.only("deviceId", "strength", "seconds")
    return AskedPattern(
        name,
        text,
        body.reference("deviceId"),
        body.integer("strength", minimum=1, maximum=MAXIMUM_LEVEL, default=STRENGTH),
        body.integer(
            "seconds", minimum=SHORTEST_RUN_SECONDS, maximum=LONGEST_SECONDS, default=SECONDS
        ),
    )


def ask(
    asked: AskedPattern, *, performer_id: str, account: str, by: str, key: str, now: datetime
) -> Submitted:
    """Puts it into her queue. The same key of an account is the same request.

    Raises NoSuchDevice, CannotTestHere, DeviceOffline and what `submissions.submit` raises."""
    row, key = choices.owned(performer_id, asked.device_id), f"pattern/{key}"
    if submissions.known(RequestType.TEST, account=account, key=key) is None:
        devicetests.check_reached(performer_id, row)
    test = Submission(
        type=RequestType.TEST,
        amount=0,
        item=asked.item,
        priority=Priority.CRITICAL,
        device=row["toy_id"],
    )
    return submissions.submit(test, lane=performer_id, account=account, name=by, key=key, now=now)
