"""What of viewers' own words stands on her pages: their names, their messages, and never a word
that she has chosen not to see. What is kept, and her file of it, is as it came. Pure."""

import re
from typing import NamedTuple

from lovense.models import Performer
from lovense.performers import sections
from tips.log.events import ANONYMOUS

SOMEONE, HIDDEN = "Someone", "•••"


class ShownWords(NamedTuple):
    """Her choice; `never` finds what is hidden, None: nothing is."""

    names: bool
    messages: bool
    never: re.Pattern[str] | None

    def who(self, name: str) -> str:
        """A name with a hidden word in it is none at all."""
        is_hidden = not self.names and name != ANONYMOUS
        return SOMEONE if is_hidden or (self.never and self.never.search(name)) else name

    def message(self, text: str) -> str:
        if not self.messages:
            return ""
        return self.never.sub(HIDDEN, text) if self.never else text


def of(performer: Performer) -> ShownWords:
    choices = performer.page_choices
    hidden = sections.chosen(choices, "hiddenWords")
    return ShownWords(
        sections.chosen(choices, "showsNames"),
        sections.chosen(choices, "showsMessages"),
        _finding(hidden) if hidden else None,
    )


def _finding(hidden: list[str]) -> re.Pattern[str]:
    """Whole words, in whatever case; the longest first, of those that begin alike."""
    longest = sorted(hidden, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)
