"""What the performer's live page shows: what plays, what waits and when it starts, what happened,
which devices there are.

Her own rows only, each part read once and only for the region that shows it. Nothing is changed
here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.db.models import QuerySet

from ground.mongodb.collections import collection
from lovense import bridges
from lovense.bridges import RunsIn, extension
from lovense.deciding import drift
from lovense.deciding.activation import STOPPED
from lovense.deciding.rules import Rules, is_paused, is_stopped
from lovense.devices import choices, summary
from lovense.lane import eta
from lovense.menus.vibration import MAXIMUM_LEVEL
from lovense.models import Activation, ActivationStatus, PageLease, Performer
from lovense.page import outcome
from lovense.page.outcome import Outcome
from lovense.page.showndevice import ShownDevice
from lovense.rows import StopAnswerRow
from lovense.stopping import paths, presses
from lovense.stopping.presses import MOVING
from tips.models import Mode, QueueRequest, RequestStatus, RequestType
from tips.queue import ordering

REGIONS = frozenset({"queue", "devices", "notices", "feed", "stop"})
QUEUE_SHOWN = 8
COUNTED_AT_MOST = 1000
FEED_SHOWN = 20
TROUBLE_SHOWN_FOR = timedelta(minutes=10)
METER = range(20)

MODES: list[tuple[str, str, str]] = [
    (Mode.FIFO, "In order", "What settled first plays first"),
    (
        Mode.PRIORITY,
        "By priority",
        "The highest priority first; waiting counts too, so nobody waits for ever",
    ),
    (Mode.BATCH, "In batches", "The same item by the same person plays as one longer run"),
]
WAITS_FOR = {
    "draining": "waits for the update to end",
    "stopped": "waits until you resume",
    "paused": "waits until you resume",
    "no_page": "waits for a page",
    "no_device": "waits for a device",
}

IN_FLIGHT = [ActivationStatus.DISPATCHED, ActivationStatus.ACTIVATED]
TROUBLE = {ActivationStatus.FAILED, ActivationStatus.TIMEOUT, ActivationStatus.DEAD}


@dataclass(frozen=True, slots=True)
class Playing:
    """The run in flight. `ends_ms` is null until the page says that it has started; `others` play
    as part of it."""

    request_id: str
    title: str
    who: str
    tokens: str
    seconds: int
    others: int
    ends_ms: int | None
    words: str
    is_ending: bool
    ended_by: str
    is_unmeasured: bool = False

    @property
    def ring(self) -> str:
        """What stands under the seconds; of what nobody knows, instead of them."""
        return "with the extension" if self.is_unmeasured and not self.seconds else ""

    @property
    def heading(self) -> str:
        if self.is_ending:
            return "Ending"
        return "Now playing" if self.ends_ms else "Starting"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request of the queue; `what` is the pipeline's own answer, were it its turn now: a title,
    or nothing and `why`.

    `starts_at` is null when nobody can know; then `words` say what it waits for.
    """

    request_id: str
    what: str
    why: str
    who: str
    tokens: str
    came_at: datetime
    starts_at: datetime | None
    words: str
    is_joining: bool
    may_move: bool


@dataclass(frozen=True, slots=True)
class FeedLine:
    """One line of the feed."""

    at: datetime
    who: str
    tokens: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Notice:
    """`since` and `until` are times that the page says in the reader's own clock."""

    tone: str
    title: str
    text: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Her stop, which holds until she resumes. `toys`: each with what was said of it; it is
    `is_still` when a page says so."""

    by: str
    since: datetime
    toys: list[tuple[str, str, bool]]
    by_hand: str = ""  # what it does not reach, and how she stops it herself


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that holds her queue now."""

    by: str
    since: datetime
    until: datetime | None


_UNPAID: dict[str, str] = {RequestType.TEST: "Test", RequestType.OWED: "Owed"}


def tokens(amount: int, kind: str) -> str:
    """What was paid for it; or that nothing was."""
    return f"{amount} tokens" if kind == RequestType.TIP else _UNPAID.get(kind, "By hand")


class LivePage:
    """What the page shows. Each part is read once, and only when the region that shows it is
    rendered."""

    feed_shown = FEED_SHOWN

    def __init__(self, performer: Performer, now: datetime) -> None:
        self._performer, self._now = performer, now
        self._id = performer.performer_id

    @cached_property
    def is_held(self) -> bool:
        return PageLease.objects.filter(pk=self._id, expires_at__gt=self._now).exists()

    @property
    def is_told_by_server(self) -> bool:
        """No page of hers tells her toys."""
        bridge = bridges.find(self._performer.bridge)
        return bridge is not None and bridge.runs_in is RunsIn.SERVER

    @property
    def has_own_levels(self) -> bool:
        """Her tips are handed to an extension, which has toys and levels of its own."""
        return bridges.own_levels(self._performer.bridge) is not None

    @property
    def holder(self) -> str:
        """Who holds her devices now, as a badge says it."""
        if self.is_told_by_server:
            return "Told by this server" if self.is_held else "Not told at the moment"
        return "Held by a page" if self.is_held else "No page holds them"

    @property
    def _activations(self) -> QuerySet[Activation]:
        return Activation.objects.filter(performer_id=self._id).defer("attempts", "commands")

    # --- now playing and the queue ---------------------------------------------------------------
    @cached_property
    def playing(self) -> Playing | None:
        found = (
            self._activations.filter(status__in=IN_FLIGHT, leader=None).order_by("position").first()
        )
        if found is None:
            return None
        request = collection(QueueRequest).find_one(
            {"_id": found.request_id}, {"payload.context": 1, "type": 1}
        )
        seconds = found.run_seconds or found.promised_seconds
        ends = found.started_at + timedelta(seconds=seconds) if found.started_at else None
        context = (request["payload"].get("context") if request else None) or {}
        return Playing(
            request_id=found.request_id,
            title=found.item["title"] if found.item else "",
            who=found.tipper_name,
            tokens=tokens(found.amount, request["type"] if request else RequestType.TIP),
            seconds=seconds,
            others=len(found.members or ()),
            ends_ms=int(ends.timestamp() * 1000) if ends else None,
            words=context.get("customMessage", ""),
            is_ending=outcome.is_ending(found),
            ended_by=found.cancelled_by or "Your stop",
            is_unmeasured=outcome.is_unmeasured(found),
        )

    @cached_property
    def waiting(self) -> int:
        """How many wait; counted no further than COUNTED_AT_MOST."""
        pending = {
            "status": RequestStatus.PENDING.value,
            "line": {"$in": ordering.lines([self._id])},
        }
        return collection(QueueRequest).count_documents(pending, limit=COUNTED_AT_MOST)

    @property
    def waiting_words(self) -> str:
        return f"{self.waiting}{'+' if self.waiting == COUNTED_AT_MOST else ''}"

    @cached_property
    def queue(self) -> list[Waiting]:
        return [self._shown(start, place) for place, start in enumerate(self._starts)]

    @cached_property
    def _starts(self) -> list[eta.Start]:
        if not self.waiting:
            return []
        return eta.of_lane(self._id, now=self._now, limit=QUEUE_SHOWN, rules=self._rules)

    def _shown(self, start: eta.Start, place: int) -> Waiting:
        request, row = start.request, start.decision
        plays = row["item"] if row["status"] in eta.PLAYS else None
        return Waiting(
            request_id=request["_id"],
            what=plays["title"] if plays else "Nothing",
            why="" if plays else outcome.why_not(row["reason"], row["amount"], row["gates"]),
            who=row["tipper_name"],
            tokens=tokens(row["amount"], request["type"]),
            came_at=request["created_at"],
            starts_at=start.foreseen.at,
            words=WAITS_FOR.get(start.foreseen.why, ""),
            is_joining=bool(start.leader),
            may_move=place > 0 and not self._starts[place - 1].request["attempts"],
        )

    @property
    def more(self) -> int:
        return max(0, self.waiting - len(self.queue))

    @cached_property
    def _rules(self) -> Rules:
        return Rules.read([self._id])

    @property
    def auto_connects(self) -> bool:
        """Whether a page that had the devices takes them again when it is opened."""
        return bool(self._rules.platform["auto_connect"])

    @property
    def mode(self) -> str:
        return self._rules.mode_of(self._id)

    @property
    def modes(self) -> list[tuple[str, str, str]]:
        """Each mode with its name and what it means; what is handed over tip by tip has no
        batches."""
        return [each for each in MODES if each[0] != Mode.BATCH or not self.has_own_levels]

    @cached_property
    def pause(self) -> Pause | None:
        """A stop says more than the pause that came with it."""
        row = self._rules.performers[self._id]
        since = row["paused_at"]
        if since is None or not is_paused(row, self._now) or is_stopped(row):
            return None
        return Pause(row["paused_by"], since, row["paused_until"])

    @cached_property
    def stop(self) -> Stop | None:
        row = self._rules.performers[self._id]
        since = row.get("stopped_at")
        if since is None:
            return None
        said = presses.of_epoch(self._id, row["stop_epoch"])
        toys = [
            (device.nickname, *_said_of(device.row["toy_id"], said))
            for device in self.devices
            if not device.is_away or any(each["toyId"] == device.row["toy_id"] for each in said)
        ]
        return Stop(row.get("stopped_by", ""), since, toys, paths.by_hand(row["bridge"]))

    # --- the feed --------------------------------------------------------------------------------
    @cached_property
    def _latest(self) -> list[Activation]:
        return list(self._activations.order_by("-position")[:FEED_SHOWN])

    @property
    def feed(self) -> list[FeedLine]:
        return [
            FeedLine(
                row.created_at,
                row.tipper_name,
                f"{row.amount} tokens" if row.tip_id else "",
                outcome.of(row),
            )
            for row in self._latest
        ]

    # --- devices ---------------------------------------------------------------------------------
    @cached_property
    def devices(self) -> list[ShownDevice]:
        return [ShownDevice(row, self._now) for row in choices.of(self._id).kept]

    @cached_property
    def is_away(self) -> bool:
        """A page holds her devices, and none of them can play."""
        return self.is_held and summary.is_away(self._rules.performers[self._id])

    # --- notices ---------------------------------------------------------------------------------
    @property
    def notices(self) -> list[Notice]:
        return [
            *self._set_up_notices(),
            *self._held_notices(),
            *self._queue_notices(),
            *self._device_notices(),
            *self._trouble_notices(),
        ]

    def _set_up_notices(self) -> Iterator[Notice]:
        if not self._rules.platform["enable_lovense"]:
            text = (
                "The platform has switched activations off. Tips are still recorded, and "
                "marked as skipped."
            )
            yield Notice("warn", "Devices are switched off", text)
        if self.has_own_levels:
            yield from self._extension_notices()
        elif not self._performer.menu_version:
            yield self._without_menu()

    def _extension_notices(self) -> Iterator[Notice]:
        if not self._rules.platform["cam_site_name"]:
            text = "Its operator has taken it away, so no tip reaches your extension."
            yield Notice("bad", "This site has no name at Lovense", text)
        told = self._rules.performers[self._id].get("extension")
        if self.is_held and told and told["state"] == extension.SILENT:
            text = "No tip reaches it; they wait. What to check stands beside its switch."
            yield Notice("bad", "The extension does not answer", text)
        if said := drift.words(drift.of(self._id, self._rules)):
            text = f"They differ for {said}: compare them on the page of your devices."
            yield Notice("info", "Your extension decides, not your menu", text)

    def _without_menu(self) -> Notice:
        if self._rules.platform["require_tip_menu"]:
            text = "Settled tips do nothing until a tip menu is published."
            return Notice("warn", "No published menu", text)
        text = (
            "Until a tip menu is published, every settled tip gets the platform's default "
            f"reaction: intensity {self._rules.platform['default_intensity']} of {MAXIMUM_LEVEL} "
            f"for {self._rules.platform['default_seconds']} s, within your limits."
        )
        return Notice("info", "No published menu", text)

    def _held_notices(self) -> Iterator[Notice]:
        if self._rules.platform["is_draining"]:
            text = (
                "The platform is about to be updated, so nothing new starts. What waits is "
                "kept, and plays afterwards."
            )
            yield Notice("warn", "Starting again soon", text)
        if self.stop:
            text = f"Nothing starts, tests neither; tips wait. Stopped by {self.stop.by}."
            text = f"{self.stop.by_hand} {text}".strip()
            yield Notice("bad", "Stopped", text, since=self.stop.since)
        if self.pause:
            text = f"Nothing new starts; tips wait. Paused by {self.pause.by}."
            yield Notice("warn", "Paused", text, since=self.pause.since, until=self.pause.until)
        first = next(iter(self._starts), None)
        if first and first.foreseen.at and first.held_by:
            limit = self._rules.platform["rate_limit_per_minute"]
            title = {
                "rate_limit": f"At the limit: {limit} per minute",
                "resting": "Resting, as you chose",
            }[first.held_by]
            yield Notice("info", title, "The next one starts", until=first.foreseen.at)

    def _queue_notices(self) -> Iterator[Notice]:
        if not self.waiting or (self.is_held and not self.is_away):
            return
        what = "device" if self.is_held else "page"
        wait = "tip waits" if self.waiting == 1 else "tips wait"
        limit = f"A tip expires after {settings.TIP_FRESH_SECONDS // 60} min without a {what}."
        text = {
            "page": "Open the page that has your devices, or switch the virtual device on.",
            "device": "Switch a device on, or allow one to play.",
        }[what]
        if what == "device" and self.has_own_levels:
            text = "Your extension is not ready, or names no toy that is connected."
        yield Notice("warn", f"{self.waiting_words} {wait} for a {what}", f"{text} {limit}")

    def _device_notices(self) -> Iterator[Notice]:
        is_shown = self.is_held and not self.has_own_levels  # whose toys are not these
        for device in self.devices if is_shown else []:
            if not device.is_enabled:
                continue
            if device.is_away:
                yield Notice(
                    "bad",
                    f"{device.nickname}: {device.words.lower()}",
                    "Check that it is switched on and near.",
                )
            elif device.is_low:
                tone = "bad" if device.is_empty else "warn"
                yield Notice(tone, f"{device.nickname}: battery low", f"{device.battery} % left.")
            elif device.is_back:
                yield Notice("good", f"{device.nickname} is back", "It plays again.")

    def _trouble_notices(self) -> Iterator[Notice]:
        since = self._now - TROUBLE_SHOWN_FOR
        found = [
            row
            for row in self._latest
            if row.status in TROUBLE
            and row.reason != STOPPED  # as she wished
            and row.finished_at
            and row.finished_at >= since
        ]
        if found:
            told = outcome.of(found[0])
            others = f" {len(found) - 1} more in the last minutes." if len(found) > 1 else ""
            what = f"A tip of {found[0].amount} tokens" if found[0].tip_id else "A test"
            yield Notice("bad", f"{what}: {told.word.lower()}", told.text + others)


def _said_of(toy_id: str, said: Sequence[StopAnswerRow]) -> tuple[str, bool]:
    """What the first page said of this toy that had something to say."""
    answers = [each for each in said if each["toyId"] == toy_id]
    told = next((each for each in answers if each["ms"] is not None), None)
    if told is not None and told["ms"] is not None:
        took = f"after {told['ms']:.0f}" if told["ms"] >= 1 else "within 1"
        return f"silent {took} ms", True
    if any(each["answer"] == MOVING for each in answers):
        return "still moving: switch it off by hand", False
    return ("silent", True) if answers else ("not answered yet", False)
