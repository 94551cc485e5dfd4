"""How a performer stands: who she is, whether she is on air, what holds and limits her, with what,
and what has been of her lately. Each part is read once, and no more of it than is shown. Nothing
of her viewers is read but amounts and ids: no name, no message."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.urls import reverse

from adminpanel.performer import limits, menus
from adminpanel.performer.limits import BindingLimit
from adminpanel.performer.menus import MenuVersions
from ground.mongodb.collections import collection
from lovense.deciding.rules import Rules, is_paused, is_stopped
from lovense.deciding.shortfall import TENTHS
from lovense.devices import choices, hosts, naming, summary
from lovense.models import PageLease
from lovense.owed import listing as owed
from lovense.page import shownshow
from lovense.page.devicespage import PATHS
from lovense.performers import loggedin, overrides
from lovense.repairs import listing as repairs
from lovense.repairs import words
from lovense.rows import DeviceRow, HostRow, OverridesRow, PageLeaseRow, PerformerRow, ShowRow
from lovense.shows import onair
from lovense.shows.onair import OnAir
from tips.models import RequestType, Tip
from tips.queue import claims, counts
from tips.rows import RequestRow

COUNTED = 1_000  # of what waits
DEVICES_SHOWN, HOSTS_SHOWN, REPAIRS_SHOWN, SHOWS_SHOWN, TIPS_SHOWN = 30, 10, 20, 5, 5
NONE = "\u2013"
KEY_SHOWN = 20  # of the key of a delivery
UNPAID: dict[str, str] = {RequestType.TEST: "A test", RequestType.OWED: "Owed seconds"}


class LinkedWords(NamedTuple):
    """A cell that leads somewhere."""

    words: str
    href: str


class StandingSaid(NamedTuple):
    """The whole of it in one sentence."""

    words: str
    tone: str


SWITCHED_OFF = StandingSaid("The kill switch is on: nothing plays for anybody.", "bad")
STOPPED = StandingSaid("Stopped: nothing starts until she resumes.", "bad")
PAUSED = StandingSaid("Paused: what waits keeps its place.", "warn")
DRAINING = StandingSaid("The platform is being drained: nothing new starts.", "warn")
OFF_AIR = StandingSaid("Off air: nobody holds her devices.", "idle")
AWAY = StandingSaid("On air, but none of her devices can play.", "warn")
OPEN = StandingSaid("On air, and her queue is open.", "good")


@dataclass(frozen=True)
class OpenRepair:
    """`wrong`: as she reads it."""

    wrong: str
    weight: str
    since: datetime

    @property
    def tone(self) -> str:
        return "warn" if self.weight == "mild" else "bad"


class PerformerStanding:
    """`before`: of her menus those before that version."""

    counted, devices_shown = COUNTED, DEVICES_SHOWN

    def __init__(self, row: PerformerRow, rules: Rules, now: datetime, *, before: int) -> None:
        self.row, self.rules, self.now, self._before = row, rules, now, before
        self.performer_id = row["_id"]

    # --- who she is ------------------------------------------------------------------------------

    @cached_property
    def user(self) -> User:
        return User.objects.only("username", "is_active", "last_login").get(pk=self.row["user_id"])

    @cached_property
    def log_ins(self) -> int:
        return len(loggedin.of(str(self.row["user_id"]), here="", now=self.now))

    @property
    def path(self) -> str:
        return PATHS.get(self.row["bridge"], (self.row["bridge"], ""))[0]

    # --- on air, and her lane --------------------------------------------------------------------

    @cached_property
    def on_air(self) -> OnAir | None:
        lease: PageLeaseRow | None = collection(PageLease).find_one({"_id": self.performer_id})
        return onair.of_lease(lease, self.now) if lease else None

    @property
    def is_stopped(self) -> bool:
        return is_stopped(self.row)

    @property
    def is_paused(self) -> bool:
        return is_paused(self.row, self.now)

    @property
    def said(self) -> StandingSaid:
        """What holds her most, and else whether she plays."""
        return next(said for is_so, said in self._held() if is_so)

    def _held(self) -> Iterator[tuple[bool, StandingSaid]]:
        platform = self.rules.platform
        yield not platform["enable_lovense"], SWITCHED_OFF
        yield self.is_stopped, STOPPED
        yield self.is_paused, PAUSED
        yield bool(platform["is_draining"]), DRAINING
        yield self.on_air is None, OFF_AIR
        yield summary.is_away(self.row), AWAY
        yield True, OPEN

    @cached_property
    def waiting(self) -> int:
        return counts.depth_of(self.performer_id, limit=COUNTED + 1)

    @cached_property
    def playing(self) -> LinkedWords | None:
        claimed = claims.claimed(self.performer_id)
        return _played(claimed) if claimed else None

    # --- what limits her -------------------------------------------------------------------------

    @cached_property
    def limits(self) -> list[BindingLimit]:
        return limits.of(self.rules, self.performer_id)

    @property
    def limit_rows(self) -> list[list[str]]:
        return [
            [each.label, each.words, each.whose, *map(each.said, _set(each))]
            for each in self.limits
        ]

    @property
    def override(self) -> OverridesRow | None:
        return overrides.in_force(self.row, self.now)

    # --- with what -------------------------------------------------------------------------------

    @cached_property
    def devices(self) -> list[DeviceRow]:
        return choices.of(self.performer_id).kept

    @cached_property
    def _hosts(self) -> list[HostRow]:
        return hosts.of(self.performer_id)

    @property
    def device_count(self) -> int:
        return len(self.devices)

    @property
    def device_rows(self) -> list[list[Any]]:
        return [_device(row) for row in self.devices[:DEVICES_SHOWN]]

    @property
    def host_rows(self) -> list[list[Any]]:
        return [_host(row) for row in self._hosts[:HOSTS_SHOWN]]

    @cached_property
    def repairs(self) -> list[OpenRepair]:
        found = repairs.shown(self.performer_id, now=self.now)[:REPAIRS_SHOWN]
        return [OpenRepair(words.of(row).wrong, row["weight"], row["since"]) for row in found]

    @cached_property
    def menus(self) -> MenuVersions:
        toys = naming.of_rows(self.devices)
        return menus.read(self.performer_id, toys, before=self._before)

    # --- what has been of her --------------------------------------------------------------------

    @cached_property
    def owed(self) -> tuple[int, float]:
        """How many runs owe something that nobody has decided, and how many seconds."""
        found = owed.still_open(self.performer_id)
        return len(found), sum(tenths for _, tenths in found) / TENTHS

    @property
    def owed_words(self) -> str:
        runs, seconds = self.owed
        if not runs:
            return "Nothing"
        least = "at least " if runs == owed.COUNTED else ""
        return f"{least}{seconds:g} s of {runs} run{'' if runs == 1 else 's'}"

    @cached_property
    def show_rows(self) -> list[list[Any]]:
        return [_show(row) for row in onair.ended(self.performer_id, limit=SHOWS_SHOWN)]

    @cached_property
    def tip_rows(self) -> list[list[Any]]:
        """Her last ones, with the delivery that told of each."""
        told = {"total": 1, "settlement_status": 1, "created_at": 1, "delivery": 1}
        found = collection(Tip).find({"performer_id": self.performer_id}, told)
        newest = found.sort([("created_at", -1), ("_id", -1)]).hint("tip_by_performer")
        return [_tip(row) for row in newest.limit(TIPS_SHOWN)]


def read(performer_id: str, *, now: datetime, before: int = 0) -> PerformerStanding | None:
    rules = rules_of(performer_id, now=now)
    if rules is None:
        return None
    return PerformerStanding(rules.performers[performer_id], rules, now, before=before)


def rules_of(performer_id: str, *, now: datetime) -> Rules | None:
    """The platform's settings and her row, at that moment."""
    rules = Rules.without_menus([performer_id])
    rules.at = now
    return rules if performer_id in rules.performers else None


# --- how each part is told -----------------------------------------------------------------------


def _played(claimed: RequestRow) -> LinkedWords:
    if claimed["type"] != RequestType.TIP:
        return LinkedWords(UNPAID.get(claimed["type"], "By hand"), "")
    tip_id, amount = claimed["payload"]["tipId"], claimed["payload"]["amount"]
    return LinkedWords(f"A tip of {amount} tokens", reverse("staff-tip", args=[tip_id]))


def _set(limit: BindingLimit) -> Sequence[Any]:
    return limit.platform, limit.hers, limit.override


def _device(row: DeviceRow) -> list[Any]:
    """Its nickname, and never its id."""
    state = row["status"].capitalize() if row["is_enabled"] else "Switched off by her"
    battery = NONE if row["battery"] is None else f"{row['battery']} %"
    longest = f"{row['maximum_seconds']} s" if row["maximum_seconds"] else NONE
    by = "App" if row["host_id"] else "Her page"
    functions = ", ".join(each["name"] for each in row["functions"]) or NONE
    return [row["nickname"], row["toy_type"], state, battery, functions, longest, by, _at(row)]


def _host(row: HostRow) -> list[Any]:
    """What the app is, and never where."""
    app = f"{row['app_type'] or 'App'} {row['app_version']}".strip()
    return [
        app,
        row["platform"] or NONE,
        str(row["toys_count"]),
        row.get("fault") or NONE,
        _at(row),
    ]


class ToldMoment(NamedTuple):
    """As `ui_table` writes it."""

    moment: datetime


def _at(row: DeviceRow | HostRow) -> ToldMoment:
    return ToldMoment(row["last_seen_at"])


def _show(row: ShowRow) -> list[Any]:
    sums, began = row["sums"], ToldMoment(row["began_at"])
    told = [NONE] * 5
    if sums:
        seconds = (sums["delivered"] / TENTHS, sums["owed"] / TENTHS)
        whole = (sums["tips"], sums["tokens"], sums["played"])
        told = [*map(str, whole), *(f"{each:g}" for each in seconds)]
    return [began, shownshow.lasted(row), *told]


def _tip(row: dict[str, Any]) -> list[Any]:
    key = row["delivery"]
    return [
        ToldMoment(row["created_at"]),
        LinkedWords(f"{row['total']} tokens", reverse("staff-tip", args=[row["_id"]])),
        row["settlement_status"].capitalize(),
        LinkedWords(f"{key[:KEY_SHOWN]}…", reverse("staff-delivery", args=[key])),
    ]
