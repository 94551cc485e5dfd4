"""A device that is hers with all that its pages show: what it may do and how strongly, why nothing
is sent to it, how its tests went, and the app that has it. Nothing is decided here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from ground import clock
from lovense import bridges
from lovense.devices import changes, draining, summary, toytable
from lovense.page.showndevice import ShownDevice
from lovense.page.showntest import ShownTest
from lovense.rows import DeviceRow, FunctionRow, HostRow

# Who says that a device has a function.
SOURCES = {
    "verified": "you tested it",
    "gettoys": "it says so itself",
    "table": "known of its type",
    "default": "assumed, its type is not known",
}
WHY_AWAY = {
    changes.REPORTED: "Its app does not reach it. Switch it on and keep it near the phone.",
    changes.MISSING: "Its app does not list it any more. Connect it in the Lovense app.",
    changes.APP_OFFLINE: "Lovense does not reach its app. Open it on your phone, with internet.",
    changes.NO_NEWS: "Its app has fallen silent. Open the Lovense app, and keep the phone awake.",
}
NOT_THIS_WAY = "Virtual devices play while you rehearse, and not now."
BY_EXTENSION = "Nothing is sent to it from here: your extension decides what moves."
WHY_A_PAGE_LACKS_IT = {
    changes.REPORTED: "The page that has it says that it is not connected.",
    changes.MISSING: "The page does not have it any more.",
    changes.NO_NEWS: "The page that had it is closed. Open the Live page.",
}
APPS = {"remote": "Lovense Remote", "connect": "Lovense Connect"}
MINUTE = timedelta(minutes=1)
ROUND_TO = 5  # minutes
SYSTEMS = {"android": "Android", "ios": "iOS", "pc": "a PC", "windows": "Windows", "mac": "a Mac"}


@dataclass(frozen=True, slots=True)
class ShownFunction:
    """A function of a device: whether and how strongly it may move, and who says that it has it.
    `may_choose` is false of what is not hers to switch here, `is_untried` says that a test comes
    first."""

    name: str
    words: str
    source: str
    is_on: bool
    may_choose: bool
    is_untried: bool
    cap: int
    top: int
    floor: int
    floor_top: int


@dataclass(frozen=True, slots=True)
class ShownResult:
    """What the last test of its main function came to. `at`: when she said so."""

    tone: str
    words: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LastPlayed:
    """What a device played last."""

    title: str
    at: datetime


class ShownHost:
    """An app that she paired. `names`: of its toys among her devices."""

    def __init__(self, row: HostRow, names: Sequence[str]) -> None:
        self.host_id, self.version = row["_id"], row["app_version"]
        self.last_seen_at = row["last_seen_at"]
        app, system = APPS.get(row["app_type"].lower(), "Lovense app"), row["platform"].lower()
        self.words = f"{app} on {SYSTEMS[system]}" if system in SYSTEMS else app
        count = row["toys_count"]
        self.toys, self.names = "1 toy" if count == 1 else f"{count} toys", ", ".join(names)

    @property
    def called(self) -> str:
        """Apart from another one on such a phone."""
        return f"{self.words} (\u2068{self.names}\u2069)" if self.names else self.words


class KeptDevice(ShownDevice):
    """A device of hers, with all that its page shows."""

    def __init__(
        self,
        row: DeviceRow,
        now: datetime,
        host: ShownHost | None,
        bridge: str,
        *,
        tests: Sequence[ShownTest],
        last_played: LastPlayed | None = None,
    ) -> None:
        super().__init__(row, now)
        self.tests, self.last_played = tests, last_played
        self.host = host
        self.is_of_page = row["host_id"] == summary.PAGE
        self.is_reached = summary.is_reached(row, bridge)
        self.is_by_extension = bridges.own_levels(bridge) is not None
        self.is_virtual = self.is_of_page and bridge == summary.SIMULATOR
        self.firmware = row["firmware"]
        self.maximum_seconds, self.unsupported = row["maximum_seconds"], row["unsupported"]
        self.scale_percent = summary.scale_of(row)
        self.lead_ms = summary.lead_of(row)

    @property
    def kind(self) -> str:
        """The vendor writes types in small letters."""
        name = self.row["name"]
        return name if name != name.lower() else name.title()

    @property
    def is_able(self) -> bool:
        """At least one of its functions may move."""
        return any(each.is_on for each in self.functions)

    @property
    def is_ready(self) -> bool:
        """It is told what is to be played."""
        return self.may_test and self.is_able

    @property
    def main_test(self) -> str:
        """The function that its own button tests; empty where there is none to test now."""
        name = summary.main_of(self.row)
        is_on = summary.is_function_enabled(self.row, name)
        return name if self.may_test and is_on else ""

    @property
    def lasts(self) -> str:
        """How long its battery lasts, if it drains as it did; empty: nobody can say."""
        left = draining.left(self.row.get("battery_points", ()), now=self._now)
        if left is None or self.is_away:
            return ""
        minutes = max(ROUND_TO, round(left / MINUTE / ROUND_TO) * ROUND_TO)
        hours = f"{minutes // 60} h " if minutes >= 60 else ""
        return f"about {hours}{minutes % 60} min left"

    @property
    def result(self) -> ShownResult | None:
        """None: it was never tested, or she is asked now."""
        main = summary.main_of(self.row)
        asked = next((test for test in self.tests if test.function == main), None)
        if asked is not None:
            return ShownResult("warn", f"Not reached. {asked.why}") if asked.why else None
        choice = self.row["choices"].get(main, {})
        if "deniedAt" in choice:
            return ShownResult("bad", "Did not move", clock.parse(choice["deniedAt"]))
        if "verifiedAt" in choice:
            return ShownResult("good", "Moved", clock.parse(choice["verifiedAt"]))
        return None

    @property
    def may_test(self) -> bool:
        is_on = self.is_enabled and not self.is_muted
        return self.is_reached and is_on and not self.is_away

    @property
    def is_testing(self) -> bool:
        return any(test.is_open for test in self.tests)

    @property
    def tone(self) -> str:
        if self.is_away:
            return "warn" if self.is_enabled else "idle"
        return "good"

    @property
    def why_silent(self) -> str:
        """Why nothing is sent to it, and what helps; empty where something is."""
        if self.is_by_extension:
            return BY_EXTENSION
        if not self.is_enabled:
            return "Switched off: nothing is sent to it."
        if self.is_muted:
            return "Muted for this show, on Live: nothing is sent to it."
        if self.is_away:
            known = WHY_A_PAGE_LACKS_IT if self.is_of_page else WHY_AWAY
            return known.get(changes.NO_NEWS if self.is_silent else self.row["reason"], "")
        if not self.is_reached:
            return NOT_THIS_WAY if self.is_of_page else "Not moved while you rehearse."
        return "" if self.is_able else "Nothing that it can do may move."

    @cached_property
    def functions(self) -> list[ShownFunction]:
        return [self._function(each) for each in self.row["functions"]]

    def _function(self, function: FunctionRow) -> ShownFunction:
        name = function["name"]
        top, cap = toytable.TOPS[name], summary.cap_of(self.row, name)
        is_on, floor = summary.is_function_enabled(self.row, name), summary.floor_of(self.row, name)
        is_untried = summary.is_untried(self.row, name) and not summary.is_verified(self.row, name)
        is_used = name not in toytable.NOT_USED
        strength = f"{f'{min(floor, cap)} to ' if floor else 'up to '}{cap} of {top}"
        off = "Off until tested" if is_untried else "off" if is_used else "not used"
        return ShownFunction(
            name=name,
            words=strength if is_on else off,
            source=SOURCES[summary.source_of(self.row, function)],
            is_on=is_on,
            may_choose=is_used and not is_untried,
            is_untried=is_untried,
            cap=cap,
            top=top,
            floor=floor,
            floor_top=min(summary.STRONGEST_FLOOR, top),
        )
