"""What the performer's page of her patterns shows: hers, and those that are shipped, each drawn by
what plays it. Nothing is changed here."""

from functools import cached_property

from lovense.models import Performer
from lovense.page.patternform import DrawnText
from lovense.patterns import library, shipped
from lovense.patterns.library import MOST
from lovense.rows import PatternRow


class ShownPattern:
    """One of hers."""

    def __init__(self, row: PatternRow) -> None:
        self.pattern_id, self.name, self.revision = row["_id"], row["name"], row["revision"]
        self.drawn = DrawnText(row["text"])


class ShownShipped:
    def __init__(self, name: str) -> None:
        self.name, self.about = name, shipped.about(name)
        self.title = name.capitalize()
        self.drawn = DrawnText(shipped.TEXTS[name])


class PatternsPage:
    """What the page shows."""

    most = MOST

    def __init__(self, performer: Performer) -> None:
        self._id = performer.performer_id

    @cached_property
    def hers(self) -> list[ShownPattern]:
        return [ShownPattern(row) for row in library.of(self._id)]

    @property
    def shipped(self) -> list[ShownShipped]:
        return [ShownShipped(name) for name in shipped.NAMES]
