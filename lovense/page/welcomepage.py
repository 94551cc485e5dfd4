"""What the first run shows: six screens, each with one thing to do, and how far she is, which
follows from what she has. Each part is read once, and only where it is shown. Nothing is changed
here."""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from django.urls import reverse

from ground.ui import charts
from lovense.devices import summary
from lovense.lane import firsttip
from lovense.lane.firsttip import FirstTip
from lovense.menus import drafts
from lovense.menus.shipped import TEMPLATES, Template
from lovense.menus.vibration import MAXIMUM_LEVEL
from lovense.models import Performer
from lovense.page import livechecks, outcome
from lovense.page.livechecks import LiveCheck
from lovense.page.livepage import LivePage
from lovense.rows import Json

START, DEVICE, MENU, LIMITS, REHEARSAL, READY = (
    *("start", "device", "menu", "limits", "rehearsal", "ready"),
)
TITLES: Mapping[str, str] = {
    START: "Welcome",
    DEVICE: "A device",
    MENU: "A menu",
    LIMITS: "Your limits",
    REHEARSAL: "Your first tip",
    READY: "Ready",
}
STEPS = tuple(TITLES)
# What is left to do, as a list says it.
LEFT = {DEVICE: "a device", MENU: "a menu", REHEARSAL: "a rehearsed tip"}
OFFERED = ("gentle", "five_steps", "low_medium_high")
TIP_STEPS = (
    "It is in your queue",
    "Your menu answers it",
    "Your device is told",
    "It plays",
    "It has played",
)


class OfferedLimits(NamedTuple):
    """`seconds` None: as long as the platform allows."""

    title: str
    text: str
    intensity: int
    seconds: int | None


LIMITS_OFFERED: Mapping[str, OfferedLimits] = {
    "low": OfferedLimits("Low", "At most strength 8 of 20, for 15\u00a0s a tip", 8, 15),
    "medium": OfferedLimits("Medium", "At most strength 14 of 20, for 30\u00a0s a tip", 14, 30),
    "all": OfferedLimits("All there is", "As much as this site allows", MAXIMUM_LEVEL, None),
}


class OfferedMenu(NamedTuple):
    """`earns`: what one of each item brings, and how long that plays."""

    name: str
    title: str
    text: str
    earns: str


def left(live: LivePage, performer: Performer) -> list[str]:
    """What is not there yet, of LEFT."""
    has = {
        DEVICE: bool(performer.devices) or live.has_own_levels,
        MENU: bool(performer.menu_version),
        REHEARSAL: live.has_own_levels or firsttip.is_done(live.latest),
    }
    return [name for name in LEFT if not has[name]]


class WelcomePage:
    def __init__(self, performer: Performer, live: LivePage, step: str) -> None:
        self._performer, self._live = performer, live
        self._id = performer.performer_id
        self._asked = step

    @cached_property
    def left(self) -> list[str]:
        return left(self._live, self._performer)

    @cached_property
    def step(self) -> str:
        """The one that is asked for, or the first that is not done; all of them: the beginning."""
        if self._asked:
            return self._asked
        if len(self.left) == len(LEFT):
            return START
        return self.left[0] if self.left else READY

    @property
    def address(self) -> str:
        """Of this screen, also where none was asked for: it stays, whatever comes meanwhile."""
        return step_url(self.step)

    @property
    def title(self) -> str:
        return TITLES[self.step]

    @property
    def template(self) -> str:
        return f"lovense/welcome/{self.step}.html"

    @property
    def number(self) -> int:
        return STEPS.index(self.step) + 1

    @property
    def place(self) -> str:
        return f"{self.number} of {len(STEPS)}"

    @property
    def is_done(self) -> bool:
        """What this screen asks for is there."""
        if self.step == LIMITS:
            chosen = self._performer
            return chosen.maximum_intensity < MAXIMUM_LEVEL or chosen.maximum_seconds is not None
        return self.step not in self.left

    @property
    def next(self) -> str:
        """The address of the screen after it."""
        return step_url(STEPS[min(STEPS.index(self.step) + 1, len(STEPS) - 1)])

    @property
    def shows_holder(self) -> bool:
        """Where she sees what her device does."""
        return self.step in (DEVICE, REHEARSAL)

    # --- a device --------------------------------------------------------------------------------
    @property
    def devices(self) -> str:
        """Those that can play now, in words; empty: none can."""
        ready = summary.ready(self._performer.devices or [])
        return summary.words(ready) if ready else ""

    # --- a menu ----------------------------------------------------------------------------------
    @cached_property
    def items(self) -> int:
        """Of her draft, which is the menu in force as long as she has changed nothing."""
        return len(drafts.of(self._id).items)

    @property
    def templates(self) -> list[OfferedMenu]:
        return [_offered(TEMPLATES[name]) for name in OFFERED]

    # --- limits ----------------------------------------------------------------------------------
    @property
    def limits(self) -> list[tuple[str, OfferedLimits, bool]]:
        """By name; whether it is chosen: the lowest, until she has chosen another one."""
        hers = (self._performer.maximum_intensity, self._performer.maximum_seconds)
        chosen = next(
            (n for n, each in LIMITS_OFFERED.items() if (each.intensity, each.seconds) == hers), ""
        )
        usual = chosen if self.is_done else "low"
        return [(name, each, name == usual) for name, each in LIMITS_OFFERED.items()]

    @property
    def limits_words(self) -> str:
        strength, seconds = self._performer.maximum_intensity, self._performer.maximum_seconds
        length = f", for {seconds}\u00a0s a tip" if seconds else ""
        return f"At most strength {strength} of {MAXIMUM_LEVEL}{length}."

    # --- the first tip ---------------------------------------------------------------------------
    @cached_property
    def amount(self) -> int:
        return firsttip.amount_of(self._id)

    @cached_property
    def tip(self) -> FirstTip | None:
        return firsttip.of(self._live.starts, self._live.latest)

    @property
    def is_under_way(self) -> bool:
        return self.tip is not None and not self.tip.is_over

    @property
    def has_played(self) -> bool:
        return self.tip is not None and self.tip.is_over and self.tip.has_played

    @property
    def tip_steps(self) -> list[dict[str, str]]:
        done = self.tip.done if self.tip else 0
        is_going = self.is_under_way
        return [
            {
                "title": title,
                "state": "done" if n < done else "now" if n == done and is_going else "next",
                "words": "",
            }
            for n, title in enumerate(TIP_STEPS)
        ]

    @property
    def tip_words(self) -> str:
        """What became of it, once it is over."""
        tip = self.tip
        return outcome.of(tip.activation).text if tip and tip.is_over and tip.activation else ""

    @property
    def tip_tone(self) -> str:
        tip = self.tip
        return outcome.of(tip.activation).tone if tip and tip.activation else "idle"

    @property
    def tip_title(self) -> str:
        item = self.tip.activation.item if self.tip and self.tip.activation else None
        return item["title"] if item else ""

    # --- ready -----------------------------------------------------------------------------------
    @property
    def checks(self) -> list[LiveCheck]:
        """But for what Live and the bottom edge say."""
        found = livechecks.of(self._live)
        return [each for each in found if each["name"] not in ("holder", "stop")]


def step_url(step: str) -> str:
    return reverse("welcome-step", args=[step])


def _offered(template: Template) -> OfferedMenu:
    tokens = sum(item["minimum"] for item in template.items)
    seconds = sum(item["durationSec"] for item in template.items)
    earns = f"One of each of its {len(template.items)} items: "
    earns += f"{charts.words(tokens)}\u00a0tokens for {seconds}\u00a0s."
    return OfferedMenu(template.name, template.title, template.text, earns)


def limits_of(name: str) -> Json:
    """As her row keeps them."""
    chosen = LIMITS_OFFERED[name]
    return {"maximum_intensity": chosen.intensity, "maximum_seconds": chosen.seconds}
