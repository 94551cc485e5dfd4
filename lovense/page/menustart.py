"""The dialogs through which whole menus come in: what there is to begin with, and what a text that
was pasted would be. Nothing is decided here."""

from collections.abc import Sequence

from ground.json.errors import Refusal
from lovense.menus import report
from lovense.menus.content import MenuDiff
from lovense.menus.drafts import Draft
from lovense.menus.matching import SHOWS
from lovense.menus.report import ImportedLine
from lovense.menus.shipped import TEMPLATES, Template

MOST_LINES = 200
TONES = {report.TAKEN: "good", report.NOTED: "info", report.REFUSED: "bad"}


class StartForm:
    """`levels`: those of her extension, each answered; `why`: nothing was begun."""

    shows = SHOWS

    def __init__(self, draft: Draft, levels: Sequence[ImportedLine], why: Refusal | None) -> None:
        self.revision, self.has_items = draft.revision, bool(draft.items)
        self.levels = sum(each.item is not None for each in levels)
        self.left_out = len(levels) - self.levels
        self.why = str(why) if why else ""

    @property
    def templates(self) -> list[Template]:
        return list(TEMPLATES.values())


class ShownLine:
    """A line of what was pasted, and what becomes of it."""

    def __init__(self, line: ImportedLine) -> None:
        self.number, self.said, self.why = line.number, line.said, line.why
        self.word, self.tone = line.outcome.title(), TONES[line.outcome]


class ImportForm:
    """`lines` None: nothing was pasted yet, or it could not be read, and `why`."""

    def __init__(
        self,
        revision: int,
        text: str = "",
        lines: Sequence[ImportedLine] | None = None,
        differs: MenuDiff | None = None,
        *,
        why: str = "",
    ) -> None:
        self.revision, self.text, self.why, self._lines = revision, text, why, lines or ()
        self.is_read, self.differs = lines is not None, differs

    @property
    def lines(self) -> list[ShownLine]:
        """What is refused first: it is what she has to look at."""
        order = (report.REFUSED, report.NOTED, report.TAKEN)
        found = sorted(self._lines, key=lambda line: (order.index(line.outcome), line.number))
        return [ShownLine(each) for each in found[:MOST_LINES]]

    @property
    def more(self) -> int:
        return max(0, len(self._lines) - MOST_LINES)

    @property
    def taken(self) -> int:
        return sum(each.item is not None for each in self._lines)

    @property
    def refused(self) -> int:
        return len(self._lines) - self.taken

    @property
    def gone(self) -> int:
        """Items of the draft that would not be there any more."""
        return len(self.differs.removed) if self.differs else 0
