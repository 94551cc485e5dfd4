"""Watches how strong the toys of one phone are, and writes every change into the journal at its own
moment: at once when something happened to a toy, and by the agenda when a step or an end is due."""

import math

from lovense.rows import Json
from lovense.simulator.toys import Toys
from lovense.vendor_simulator.agenda import Agenda
from lovense.vendor_simulator.journal import Journal, level_line


class LevelWatch:
    """Asked under the agenda's lock."""

    def __init__(self, phone: str, toys: Toys, agenda: Agenda, lines: Journal) -> None:
        self._phone, self._toys, self._agenda, self._lines = phone, toys, agenda, lines
        self._known: dict[tuple[str, str], int] = {}
        self._until, self._planned = 0, math.inf

    def settle(self, at: int) -> int:
        """Up to this moment everything is written down; the moment, which never goes back."""
        at = max(at, self._until)
        found = [line for toy_id in self._toys.ids for line in self._changes(toy_id, at)]
        for line in sorted(found, key=lambda line: int(line["at"])):
            self._lines.write(line)
        self._until = at
        self._plan()
        return at

    def _changes(self, toy_id: str, at: int) -> list[Json]:
        toy, moment = self._toys[toy_id], float(self._until)
        found: list[Json] = []
        while (moment := toy.next_change(moment)) <= at:
            found += self._new(toy_id, math.ceil(moment))
        return found + self._new(toy_id, at)

    def _new(self, toy_id: str, at: int) -> list[Json]:
        levels = self._toys[toy_id].levels(at)
        changed = {
            function: level
            for function, level in levels.items()
            if level != self._known.get((toy_id, function), 0)
        }
        self._known |= {(toy_id, function): level for function, level in changed.items()}
        return [
            level_line(at=at, phone=self._phone, toy=toy_id, function=function, level=level)
            for function, level in changed.items()
        ]

    def _plan(self) -> None:
        """The agenda asks again at the next change; what became needless meanwhile asks in vain."""
        following = min((toy.next_change(self._until) for toy in self._toys), default=math.inf)
        if following < self._planned:
            self._planned = following
            self._agenda.at(math.ceil(following), self._due)

    def _due(self, moment: int) -> None:
        self._planned = math.inf
        self.settle(moment)
