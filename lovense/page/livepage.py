"""What the performer's live page shows: what plays, what waits and when it starts, what happened,
which devices there are.

Her own rows only, each part read once and only for the region that shows it. Nothing is changed
here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import QuerySet

from ground.mongodb.collections import collection
from lovense import bridges
from lovense.bridges import RunsIn
from lovense.deciding.rules import Rules, is_paused, is_stopped
from lovense.devices import choices, summary
from lovense.lane import eta
from lovense.lane.placing import MOST_SEEN
from lovense.models import Activation, ActivationStatus, PageLease, Performer
from lovense.owed import listing
from lovense.page import outcome, shownwords
from lovense.page.showndevice import ShownDevice
from lovense.rows import PageLeaseRow, ShowRow, StopAnswerRow
from lovense.shows import onair
from lovense.shows import summary as summary_of_show
from lovense.shows.onair import OnAir
from lovense.stopping import paths, presses
from lovense.stopping.presses import MOVING
from tips.models import Mode, QueueRequest, RequestStatus, RequestType
from tips.queue import ordering

QUEUE_SHOWN = 8
COUNTED_AT_MOST = 1000
FEED_SHOWN = 20
METER = range(20)
# One of them is shown where there is no room for all: its value and its word.
PARTS = [("queue", "Queue"), ("feed", "Feed"), ("devices", "Devices")]
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


def tokens(amount: int, kind: str, *, is_rehearsal: bool = False) -> str:
    """What was paid for it; or that nothing was."""
    if is_rehearsal:
        return f"{amount} tokens, rehearsal"
    return f"{amount} tokens" if kind == RequestType.TIP else _UNPAID.get(kind, "By hand")


class LivePage:
    """What the page shows. Each part is read once, and only when the region that shows it is
    rendered."""

    feed_shown = FEED_SHOWN

    def __init__(self, performer: Performer, now: datetime, *, shown: int = QUEUE_SHOWN) -> None:
        self._performer, self.now = performer, now
        self.performer_id = performer.performer_id
        self.shown = min(shown, MOST_SEEN)  # of the queue
        self.said = shownwords.of(performer)

    @cached_property
    def _lease(self) -> PageLeaseRow | None:
        return collection(PageLease).find_one({"_id": self.performer_id})

    @property
    def is_held(self) -> bool:
        return self._lease is not None and self._lease["expires_at"] > self.now

    @property
    def is_resting(self) -> bool:
        """She has ended her show; whoever still holds her devices is about to let them go."""
        return self._lease is not None and bool(self._lease.get("is_resting"))

    @property
    def on_air(self) -> OnAir | None:
        """Her show; None: she is off air."""
        return onair.of_lease(self._lease, self.now) if self._lease else None

    @cached_property
    def ended(self) -> ShowRow | None:
        """Her last show, until the next one begins or she puts it away."""
        return summary_of_show.in_sight(self._lease, now=self.now) if self._lease else None

    @property
    def rehearses(self) -> bool:
        return self._performer.rehearses_since is not None

    @property
    def is_told_by_server(self) -> bool:
        """No page of hers tells her toys."""
        bridge = bridges.find(self._performer.bridge)
        return bridge is not None and bridge.runs_in is RunsIn.SERVER

    @property
    def has_virtual_device(self) -> bool:
        """Where she rehearses, this page has one to switch on."""
        return self._performer.bridge == bridges.SIMULATOR

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
        mine = Activation.objects.filter(performer_id=self.performer_id)
        return mine.defer("attempts", "commands")

    # --- now playing and the queue ---------------------------------------------------------------
    @cached_property
    def in_flight(self) -> Activation | None:
        running = self._activations.filter(status__in=IN_FLIGHT, leader=None)
        return running.order_by("position").first()

    @cached_property
    def playing(self) -> Playing | None:
        found = self.in_flight
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
            who=self.said.who(found.tipper_name),
            tokens=tokens(
                found.amount,
                request["type"] if request else RequestType.TIP,
                is_rehearsal=bool(found.is_rehearsal),
            ),
            seconds=seconds,
            others=len(found.members or ()),
            ends_ms=int(ends.timestamp() * 1000) if ends else None,
            words=self.said.message(context.get("customMessage", "")),
            is_ending=outcome.is_ending(found),
            ended_by=found.cancelled_by or "Your stop",
            is_unmeasured=outcome.is_unmeasured(found),
        )

    @cached_property
    def waiting(self) -> int:
        """How many wait; counted no further than COUNTED_AT_MOST."""
        pending = {
            "status": RequestStatus.PENDING.value,
            "line": {"$in": ordering.lines([self.performer_id])},
        }
        return collection(QueueRequest).count_documents(pending, limit=COUNTED_AT_MOST)

    @property
    def waiting_words(self) -> str:
        return f"{self.waiting}{'+' if self.waiting == COUNTED_AT_MOST else ''}"

    @cached_property
    def starts(self) -> list[eta.Start]:
        """The first that wait, and at least so many as the seconds of are summed."""
        if not self.waiting:
            return []
        limit = max(self.shown, eta.EXACT)
        return eta.of_lane(self.performer_id, now=self.now, limit=limit, rules=self.rules)

    @property
    def let(self) -> str:
        """The request that she lets through while she has paused; empty: none."""
        is_paused_now = self.rules.is_paused(self.performer_id, self.now)
        return self.rules.let(self.performer_id) if is_paused_now else ""

    @cached_property
    def rules(self) -> Rules:
        return Rules.read([self.performer_id])

    @property
    def auto_connects(self) -> bool:
        """Whether a page that had the devices takes them again when it is opened."""
        return bool(self.rules.platform["auto_connect"])

    @property
    def mode(self) -> str:
        return self.rules.mode_of(self.performer_id)

    @property
    def modes(self) -> list[tuple[str, str, str]]:
        """Each mode with its name and what it means; what is handed over tip by tip has no
        batches."""
        return [each for each in MODES if each[0] != Mode.BATCH or not self.has_own_levels]

    @cached_property
    def pause(self) -> Pause | None:
        """A stop says more than the pause that came with it."""
        row = self.rules.performers[self.performer_id]
        since = row["paused_at"]
        if since is None or not is_paused(row, self.now) or is_stopped(row):
            return None
        return Pause(row["paused_by"], since, row["paused_until"])

    @property
    def stop_since(self) -> datetime | None:
        return self.rules.performers[self.performer_id].get("stopped_at")

    @cached_property
    def stop(self) -> Stop | None:
        row, since = self.rules.performers[self.performer_id], self.stop_since
        if since is None:
            return None
        said = presses.of_epoch(self.performer_id, row["stop_epoch"])
        toys = [
            (device.nickname, *_said_of(device.row["toy_id"], said))
            for device in self.devices
            if not device.is_away or any(each["toyId"] == device.row["toy_id"] for each in said)
        ]
        return Stop(row.get("stopped_by", ""), since, toys, paths.by_hand(row["bridge"]))

    # --- the feed --------------------------------------------------------------------------------
    @cached_property
    def latest(self) -> list[Activation]:
        return list(self._activations.order_by("-created_at", "-position")[:FEED_SHOWN])

    @cached_property
    def owed_words(self) -> str:
        """The chip's: how many runs owe something, wherever they stand."""
        count = len(listing.still_open(self.performer_id))
        if count >= listing.COUNTED:
            return f"Owed {listing.COUNTED - 1}+"
        return f"Owed {count}" if count else "Owed"

    @property
    def feed_kinds(self) -> list[tuple[str, str]]:
        """The chips: which rows are shown."""
        return [
            ("all", "All"),
            ("played", "Played"),
            ("not_played", "Not played"),
            ("owed", self.owed_words),
            ("test", "Tests"),
        ]

    # --- devices ---------------------------------------------------------------------------------
    @cached_property
    def devices(self) -> list[ShownDevice]:
        return [ShownDevice(row, self.now) for row in choices.of(self.performer_id).kept]

    @cached_property
    def is_away(self) -> bool:
        """A page holds her devices, and none of them can play."""
        return self.is_held and summary.is_away(self.rules.performers[self.performer_id])


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
