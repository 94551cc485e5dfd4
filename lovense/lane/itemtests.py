"""The test of an item of her draft: what it would do, on her devices, within her caps, and for no
longer than LONGEST_TEST."""

from datetime import datetime

from lovense.lane import submissions
from lovense.lane.submissions import Submission, Submitted
from lovense.menus import content, parts
from lovense.menus.matching import Item
from tips.models import Priority, RequestType

LONGEST_TEST = 10  # s


def ask(
    *, performer_id: str, item: Item, account: str, name: str, key: str, now: datetime
) -> Submitted:
    """Once per key. Raises what `submissions.submit` raises."""
    short = parts.shortened(item, LONGEST_TEST)
    plays = content.bare(short | {"minimum": 1, "maximum": None, "active": True, "order": 1})
    wish = Submission(RequestType.TEST, 0, plays, Priority.NORMAL)
    whose = {"lane": performer_id, "account": account, "name": name}
    return submissions.submit(wish, **whose, key=key, now=now)
