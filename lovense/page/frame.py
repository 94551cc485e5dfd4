"""What stands around every page of hers: where else she can go, how her show stands, what is to be
mended, and the record of her stop with what a resume would play.

Her own rows only, each part read once and only for the region that shows it. Nothing is changed
here."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import ClassVar

from django.urls import reverse

from lovense.devices import changes
from lovense.models import Performer, RepairWeight
from lovense.page import livestage, ownlook
from lovense.page.livepage import LivePage, Pause, Stop
from lovense.page.ownlook import OwnLook
from lovense.page.showndevice import ShownDevice
from lovense.repairs import listing, words
from lovense.shows.onair import OnAir

# Where she can go, in its order: the name of the page's address, its icon, its word, its key. A
# page that is not here is in no navigation.
PAGES = (
    ("live", "radio", "Live", "L"),
    ("devices", "plug", "Devices", "D"),
    ("menu", "list-ordered", "Menu", "M"),
    ("patterns", "waves", "Patterns", "P"),
    ("history", "history", "History", "H"),
    ("statistics", "chart-column", "Statistics", "S"),
    ("preferences", "sliders-horizontal", "Preferences", ","),
)
MORE = frozenset({"patterns", "statistics", "preferences"})  # where a phone has no room for a tab
# For how long what plays to its end is followed by nothing: as the page sends it, and in words.
PAUSES: dict[str, tuple[timedelta | None, str]] = {
    "5": (timedelta(minutes=5), "5 min"),
    "15": (timedelta(minutes=15), "15 min"),
    "60": (timedelta(minutes=60), "1 h"),
    "": (None, "Until I resume"),
}
KEYS = (
    (("Esc", "Esc"), "STOP, also while you type; twice within a second"),
    (("Space",), "STOP, when it is held for a moment outside a field"),
    (("P",), "pauses until you resume"),
    (("Shift", "P"), "resumes after a pause"),
    (("Shift", "S"), "skips what plays, on Live"),
    (("Alt", "↑"), "moves the row that has the focus up, with ↓ down"),
    (("Home",), "plays that row next, on Live"),
    (("Delete",), "asks to remove that row"),
    (("A",), "adds an item, on Menu"),
    (("D",), "duplicates the item that has the focus"),
    (("Shift", "T"), "tests it"),
    *((("G", key), f"goes to {word}") for _, _, word, key in PAGES),
    (("/",), "finds a page, a device, an item, a tip; Ctrl or ⌘ and K, too"),
    (("?",), "shows these keys"),
)
DEVICES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class ToMend:
    """The worst of her open repairs, and where it is mended; `count`: how many are open."""

    wrong: str
    tone: str
    href: str
    count: int


class FramePage:
    """What the frame of one page shows. `live` is what her live page knows: it is shared with that
    page, so that neither reads anything twice."""

    pages, more = PAGES, MORE
    pauses_when = (("after", "After this one"), ("now", "Now"))
    TONES: ClassVar = {
        RepairWeight.URGENT.value: "bad",
        RepairWeight.SERIOUS.value: "warn",
        RepairWeight.MILD.value: "info",
    }

    def __init__(self, performer: Performer, live: LivePage) -> None:
        self._performer, self._live = performer, live

    @property
    def look(self) -> OwnLook:
        return ownlook.of(self._performer)

    @property
    def keys(self) -> list[tuple[tuple[str, ...], str]]:
        """Those that do something here."""
        key = self.look.stop_key
        own = [((key,), "STOP, your own key, also while you type")] if key else []
        usual = KEYS[:1] if self.look.keys else KEYS
        return [usual[0], *own, *usual[1:]]

    @property
    def pauses(self) -> list[tuple[str, str]]:
        return [(minutes, words) for minutes, (_, words) in PAUSES.items()]

    # --- how her show stands ---------------------------------------------------------------------
    @property
    def on_air(self) -> OnAir | None:
        """Her show; None: she is off air."""
        return self._live.on_air

    @cached_property
    def devices(self) -> list[ShownDevice]:
        """Those that may play, the first few of them; what is away or low comes first, since it
        is what a narrow strip has room for."""
        enabled = [device for device in self._live.devices if device.is_enabled]
        shown = [device for device in enabled if device.row["reason"] != changes.MISSING]
        shown.sort(key=lambda device: not (device.is_away or device.is_low))
        return shown[:DEVICES_SHOWN]

    @cached_property
    def to_mend(self) -> ToMend | None:
        found = listing.shown(self._performer.performer_id, now=self._live.now)
        if not found:
            return None
        worst, advice = found[0], words.of(found[0])
        where = f"{reverse('devices')}#{'drift' if advice.button == words.COMPARE else 'mend'}"
        href = reverse("live") if advice.button == words.LIVE else where
        return ToMend(advice.wrong, self.TONES[worst["weight"]], href, len(found))

    # --- what holds it ---------------------------------------------------------------------------
    @property
    def stop(self) -> Stop | None:
        return self._live.stop if self._performer.stopped_at else None

    @cached_property
    def pause(self) -> Pause | None:
        """As her row says it, which this request has read already."""
        since, until = self._performer.paused_at, self._performer.paused_until
        if since is None or self._performer.stopped_at or is_over(until, self._live.now):
            return None
        return Pause(self._performer.paused_by, since, until)

    @property
    def after_resume(self) -> str:
        """What plays when she resumes, in a sentence."""
        found = livestage.next_of(self._live)
        if found is None:
            return "Nothing waits. The next tip that is settled plays by itself."
        return f"First plays {found['title']}, {found['tokens']} from {found['who']}."


def is_over(until: datetime | None, now: datetime) -> bool:
    return until is not None and until <= now
