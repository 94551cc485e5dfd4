"""What is found for a few letters of hers: devices, items of the menu in force, and tips, by their
id or by whose they are.

Her own rows only, and few of each: the palette asks again with every letter, so of her tips only
the latest are looked at; the history searches all of them. Nothing is changed here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice
from urllib.parse import urlencode

from django.urls import reverse

from ground.words import cleaned
from lovense.deciding.activation import activation_id
from lovense.history import browsing
from lovense.history.browsing import HistoryFilter
from lovense.menus import reading
from lovense.models import Activation, Performer
from lovense.page import historyform, shownwords
from lovense.page.historypage import NAME_SHOWN, who_and_what
from lovense.page.livepage import LivePage
from lovense.page.menuwords import amounts

MOST_OF_EACH = 5
TIPS_READ = 500


@dataclass(frozen=True, slots=True)
class FoundThing:
    icon: str
    title: str
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class FoundKind:
    """What of one kind was found, under its name."""

    name: str
    found: list[FoundThing]


class FindPage:
    def __init__(self, performer: Performer, asked: str, now: datetime) -> None:
        self._performer, self._now = performer, now
        self.asked = cleaned(
            asked[: 4 * historyform.LONGEST_NAME], maximum=historyform.LONGEST_NAME
        )

    @cached_property
    def kinds(self) -> list[FoundKind]:
        """Those of which something was found."""
        if not self.asked:
            return []
        every = (("Devices", self._devices()), ("Menu", self._items()), ("Tips", self._tips()))
        kinds = [FoundKind(name, list(islice(found, MOST_OF_EACH))) for name, found in every]
        return [kind for kind in kinds if kind.found]

    def _devices(self) -> Iterator[FoundThing]:
        for device in LivePage(self._performer, self._now).devices:
            if self._is_in(f"{device.nickname} {device.row['toy_type']}"):
                where = reverse("devices-one", args=[device.device_id])
                yield FoundThing("plug", device.nickname, device.words, where)

    def _items(self) -> Iterator[FoundThing]:
        key = f"{self._performer.performer_id}.{self._performer.menu_version}"
        menu = reading.read([key]).get(key) if self._performer.menu_version else None
        for item in menu.items if menu else ():
            if self._is_in(f"{item['title']} {amounts(item)}"):
                where = f"{reverse('menu')}?{urlencode({'amount': item['minimum']})}#answer"
                yield FoundThing("list-ordered", item["title"], amounts(item), where)

    def _tips(self) -> Iterator[FoundThing]:
        rows = [row] if (row := self._named()) else self._of_viewers()
        said = shownwords.of(self._performer)
        for row in rows:
            title = who_and_what(row, said, most=NAME_SHOWN)
            item = row.item["title"] if row.item else "No effect"
            yield FoundThing("coins", title, item, reverse("history-run", args=[row.pk]))

    def _named(self) -> Activation | None:
        """By its own id, or by that of the tip that set it off."""
        whose = self._performer.performer_id
        if " " in self.asked:
            return None
        of_tip = activation_id(self.asked)
        return browsing.owned(whose, self.asked) or browsing.owned(whose, of_tip)

    def _of_viewers(self) -> Iterator[Activation]:
        wanted = HistoryFilter(name=self.asked)
        return browsing.every(self._performer.performer_id, wanted, most=TIPS_READ)

    def _is_in(self, text: str) -> bool:
        return self.asked.casefold() in text.casefold()

    @property
    def history(self) -> str:
        """Where all of her tips are searched for such a name."""
        return f"{reverse('history')}?{urlencode({'name': self.asked})}"
