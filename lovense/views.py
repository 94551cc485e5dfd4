"""The performer's live page: what plays, what waits, what happened, and which devices there are. Her own rows only.

One view answers the page or, to HTMX, one region of it by name. Nothing is changed here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ledger import clock
from ledger.database import collection
from lovense import outcome
from lovense.activation import Row, Rules, decide
from lovense.models import Activation, ActivationStatus, Device, DeviceStatus, PageLease, Performer
from lovense.outcome import Outcome
from tips import queue, turns
from tips.models import QueueRequest, RequestStatus

REGIONS = frozenset({"queue", "devices", "notices", "feed"})
QUEUE_SHOWN = 8
COUNTED_AT_MOST = 1000
FEED_SHOWN = 20
DEVICES_SHOWN = 16
# A device that has said nothing for this long is not shown as connected.
NEWS_EXPECTED = timedelta(seconds=30)
TROUBLE_SHOWN_FOR = timedelta(minutes=10)
LOW_BATTERY = 20
METER = range(20)

IN_FLIGHT = [ActivationStatus.DISPATCHED, ActivationStatus.ACTIVATED]
TROUBLE = {ActivationStatus.FAILED, ActivationStatus.TIMEOUT, ActivationStatus.DEAD}


@never_cache
@require_safe
@login_required
def live(request: HttpRequest) -> HttpResponse:
    performer = Performer.objects.filter(user_id=request.user.pk).first()
    if performer is None:
        return _not_a_performer(request)
    region = request.GET.get("region", "")
    is_region = bool(request.htmx) and region in REGIONS  # type: ignore[attr-defined]
    context = {"live": LivePage(performer, clock.now()), "performer": performer, "bars": METER, "region": region}
    return render(request, "lovense/live.html", context | {"layout": "lovense/_region.html" if is_region else "base.html"})


def _not_a_performer(request: HttpRequest) -> HttpResponse:
    if isinstance(request.user, User) and request.user.is_staff:
        return redirect("staff-tips")
    raise PermissionDenied


@dataclass(frozen=True, slots=True)
class Playing:
    """The activation in flight. `ends_ms` is null until the page says that it has started."""

    title: str
    who: str
    amount: int
    seconds: int
    ends_ms: int | None
    words: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A settled tip of the queue; `what` is the pipeline's own answer, were it its turn now: a title, or nothing and `why`."""

    what: str
    why: str
    who: str
    amount: int
    when: str


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the feed."""

    at: datetime
    who: str
    amount: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Notice:
    tone: str
    title: str
    text: str


class LivePage:
    """What the page shows. Each part is read once, and only when the region that shows it is rendered."""

    feed_shown = FEED_SHOWN

    def __init__(self, performer: Performer, now: datetime) -> None:
        self._performer, self._now = performer, now
        self._id = performer.performer_id

    @cached_property
    def is_held(self) -> bool:
        return PageLease.objects.filter(pk=self._id, expires_at__gt=self._now).exists()

    @property
    def _activations(self) -> QuerySet[Activation]:
        return Activation.objects.filter(performer_id=self._id).defer("attempts", "commands")

    # --- now playing and the queue ---------------------------------------------------------------------------------------
    @cached_property
    def playing(self) -> Playing | None:
        found = self._activations.filter(status__in=IN_FLIGHT).order_by("position").first()
        if found is None:
            return None
        request = collection(QueueRequest).find_one({"_id": found.request_id}, {"payload.context": 1})
        ends = found.started_at + timedelta(seconds=found.promised_seconds) if found.started_at else None
        return Playing(
            title=found.item["title"] if found.item else "",
            who=found.tipper_name,
            amount=found.amount,
            seconds=found.promised_seconds,
            ends_ms=int(ends.timestamp() * 1000) if ends else None,
            words=request["payload"]["context"].get("customMessage", "") if request else "",
        )

    @property
    def _pending(self) -> Row:
        return {"status": RequestStatus.PENDING.value, "line": {"$in": turns.lines([self._id])}}

    @cached_property
    def waiting(self) -> int:
        """How many wait; counted no further than COUNTED_AT_MOST."""
        return collection(QueueRequest).count_documents(self._pending, limit=COUNTED_AT_MOST)

    @property
    def waiting_words(self) -> str:
        return f"{self.waiting}{'+' if self.waiting == COUNTED_AT_MOST else ''}"

    @cached_property
    def queue(self) -> list[Waiting]:
        found = queue.waiting_in(self._id, limit=QUEUE_SHOWN)
        return list(self._foreseen(found)) if found else []

    @property
    def more(self) -> int:
        return max(0, self.waiting - len(self.queue))

    @cached_property
    def _rules(self) -> Rules:
        return Rules.read([self._id])

    def _foreseen(self, requests: list[Row]) -> Iterator[Waiting]:
        seconds = self._seconds_left
        for place, request in enumerate(requests):
            row = decide(request, self._rules, is_online=True, now=self._now)
            why = outcome.why_not(row["reason"], row["amount"], row["gates"]) if row["reason"] else ""
            what = "Nothing" if why else row["item"]["title"]
            yield Waiting(what, why, row["tipper_name"], row["amount"], self._when(place, seconds))
            seconds += row["promised_seconds"]

    @property
    def _seconds_left(self) -> int:
        if self.playing is None:
            return 0
        if self.playing.ends_ms is None:
            return self.playing.seconds
        return max(0, round(self.playing.ends_ms / 1000 - self._now.timestamp()))

    def _when(self, place: int, seconds: int) -> str:
        if not self.is_held:
            return "waiting"
        if place == 0:
            return "next"
        return f"in about {seconds} s" if seconds < 100 else f"in about {round(seconds / 60)} min"

    # --- the feed --------------------------------------------------------------------------------------------------------
    @cached_property
    def _latest(self) -> list[Activation]:
        return list(self._activations.order_by("-position")[:FEED_SHOWN])

    @property
    def feed(self) -> list[Told]:
        return [Told(row.created_at, row.tipper_name, row.amount, outcome.of(row)) for row in self._latest]

    # --- devices ---------------------------------------------------------------------------------------------------------
    @cached_property
    def devices(self) -> list["ShownDevice"]:
        found = sorted(Device.objects.filter(performer_id=self._id)[:DEVICES_SHOWN], key=lambda device: device.name)
        return [ShownDevice(device, is_news_due=self._now - device.last_seen_at > NEWS_EXPECTED) for device in found]

    # --- notices ---------------------------------------------------------------------------------------------------------
    @property
    def notices(self) -> list[Notice]:
        return [*self._set_up_notices(), *self._queue_notices(), *self._device_notices(), *self._trouble_notices()]

    def _set_up_notices(self) -> Iterator[Notice]:
        if not self._rules.platform["enable_lovense"]:
            text = "The platform has switched activations off. Tips are still recorded, and marked as skipped."
            yield Notice("warn", "Devices are switched off", text)
        if not self._performer.menu_version:
            yield Notice("warn", "No published menu", "Settled tips do nothing until a tip menu is published.")

    def _queue_notices(self) -> Iterator[Notice]:
        if self.waiting and not self.is_held:
            wait = "tip waits" if self.waiting == 1 else "tips wait"
            limit = f"A tip expires after {settings.TIP_FRESH_SECONDS // 60} min without a page."
            text = f"Open the page that has your devices, or switch the virtual device on. {limit}"
            yield Notice("warn", f"{self.waiting_words} {wait} for a page", text)

    def _device_notices(self) -> Iterator[Notice]:
        for device in self.devices if self.is_held else []:
            if device.is_away:
                yield Notice("bad", f"{device.name}: {device.words.lower()}", "Check that it is switched on and near.")
            elif device.battery is not None and device.battery <= LOW_BATTERY:
                yield Notice("warn", f"{device.name}: battery low", f"{device.battery} % left.")

    def _trouble_notices(self) -> Iterator[Notice]:
        since = self._now - TROUBLE_SHOWN_FOR
        found = [row for row in self._latest if row.status in TROUBLE and row.finished_at and row.finished_at >= since]
        if found:
            told = outcome.of(found[0])
            others = f" {len(found) - 1} more in the last minutes." if len(found) > 1 else ""
            yield Notice("bad", f"A tip of {found[0].amount} tokens: {told.word.lower()}", told.text + others)


class ShownDevice:
    """A device as a person reads it."""

    _WORDS = {DeviceStatus.CONNECTED: "Connected", DeviceStatus.DISCONNECTED: "Disconnected", DeviceStatus.ERROR: "Error"}
    BATTERY_WIDTH = 17.8  # of the full bar inside its outline, in the drawing's units

    def __init__(self, device: Device, *, is_news_due: bool) -> None:
        self.name, self.battery, self.last_seen_at = device.name, device.battery, device.last_seen_at
        self.is_away = is_news_due or device.status != DeviceStatus.CONNECTED
        self.words = "No news" if is_news_due else self._WORDS[DeviceStatus(device.status)]

    @property
    def battery_width(self) -> str:
        return f"{self.BATTERY_WIDTH * (self.battery or 0) / 100:.1f}"

    @property
    def battery_tone(self) -> str:
        return "bad" if self.battery is not None and self.battery <= LOW_BATTERY else ""
