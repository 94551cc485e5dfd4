"""A past to look at: three performers with menus, and a month of tips. Each went the product's own
way (accepted, settled, decided, sent, acknowledged), with the moment of it as an argument.

It is written while nothing else runs on the database: what serves would settle it now. Always the
same past, written once; the last few tips are left waiting for a page."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from config.demo.show import MENU, PERFORMER, PERFORMER_ID, SECOND_PERFORMER
from ground import clock
from ground.inbox import inbox
from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.devices import register
from lovense.menus import publishing
from lovense.models import Activation
from lovense.performers import enrolment
from lovense.sending import acknowledgement, dispatch, leases, pages
from lovense.sending.acknowledgement import Ack
from tips.intake import payloads, simulator
from tips.log import daily_heads, emission
from tips.models import Tip
from tips.queue.claims import MAX_ATTEMPTS
from tips.settlement import settlement

DAYS = 30
SEED = 20
LIMIT = 200
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
SHOW_BEGINS, SHOW_MINUTES = time(19, tzinfo=UTC), 120
TIPS_A_SHOW = (4, 9)
FIRST_TIP = 0x66DE00000000000000000000
TOKENS_A_MONTH = 60_000
STILL_WAITING = 3

PERFORMERS = (
    (PERFORMER_ID, PERFORMER),
    SECOND_PERFORMER,
    ("507f191e810c19729de860d2", "zoe"),
)
VIEWERS = tuple(
    (f"507f191e810c19729de86{number:03x}", name)
    for number, name in enumerate(("bob", "eve", "max", "lea", "tom", "kim", "ivo", "sam"), 0x300)
)
POOR = ("507f191e810c19729de862ff", "paul")
AMOUNTS = (20, 25, 30, 50, 50, 50, 75, 100, 100, 150, 200, 250, 400, 500, 1000)

# What becomes of a tip, and how often: most are played, and everything else happens too.
STORIES = {
    "played": 80,
    "shortened": 4,
    "too_small": 4,
    "failed": 2,
    "refused": 1,
    "silent": 1,
    "unfunded": 2,
    "cancelled": 1,
    "repeated": 3,
    "contradicted": 1,
    "anonymous": 5,
}

Progress = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class PastTip:
    """One tip of the past."""

    number: int
    at: datetime
    performer: tuple[str, str]
    viewer: tuple[str, str]
    amount: int
    story: str

    @property
    def tip_id(self) -> str:
        return f"{FIRST_TIP + self.number:024x}"


def exists() -> bool:
    return collection(Tip).find_one({"_id": f"{FIRST_TIP:024x}"}, {"_id": 1}) is not None


def is_empty() -> bool:
    """Nobody has tipped here: a past would not mix with anybody's own."""
    return collection(Tip).find_one({}, {"_id": 1}) is None


def make(*, now: datetime, days: int = DAYS, progress: Progress = lambda done, all: None) -> int:
    """1. The performers and their menus. 2. The viewers' tokens. 3. One tip after the other, at its
    moment. 4. What the event log's consumers make of it. How many tips that were."""
    scenes = list(script(now=now, days=days))
    began = scenes[0].at - DAY
    for performer_id, name in PERFORMERS:
        enrolment.enrol(performer_id=performer_id, username=name, password="", now=began)
        publishing.publish(performer_id, MENU, began)
    _fund(now=began)
    for number, scene in enumerate(scenes[:-STILL_WAITING], start=1):
        live(scene)
        progress(number, len(scenes))
    for scene in scenes[-STILL_WAITING:]:
        _deliver(scene, at=scene.at)
        settlement.drain(now=scene.at, limit=LIMIT)
    progress(len(scenes), len(scenes))
    while emission.drain(now=now):
        pass
    daily_heads.keep(now=now)
    return len(scenes)


def script(*, now: datetime, days: int) -> Iterator[PastTip]:
    """Every evening each performer has a show. The last tips come in the minute before `now`."""
    chance, number = random.Random(SEED), 0
    for day in range(days, 0, -1):
        begins = datetime.combine((now - day * DAY).date(), SHOW_BEGINS)
        for minute in sorted(chance.sample(range(SHOW_MINUTES), TIPS_A_SHOW[1] * len(PERFORMERS))):
            performer = chance.choice(PERFORMERS)
            if chance.random() < TIPS_A_SHOW[0] / TIPS_A_SHOW[1]:
                yield _scene(number, begins + minute * MINUTE, performer, chance)
                number += 1
    for left in range(STILL_WAITING, 0, -1):
        at = now - 10 * left * SECOND
        yield PastTip(number, at, PERFORMERS[1], VIEWERS[left], 50 * left, "played")
        number += 1


def _scene(number: int, at: datetime, performer: tuple[str, str], chance: random.Random) -> PastTip:
    story = chance.choices(list(STORIES), list(STORIES.values()))[0]
    viewer = POOR if story == "unfunded" else chance.choice(VIEWERS)
    amount = 5 if story == "too_small" else chance.choice(AMOUNTS)
    return PastTip(number, at, performer, viewer, amount, story)


# --- what happens --------------------------------------------------------------------------------


def live(scene: PastTip) -> None:
    """One tip, from its delivery to its end."""
    performer_id, now = scene.performer[0], scene.at
    _hold(performer_id, now)
    if scene.story == "cancelled":
        _deliver(scene, at=now, kind="tip.cancelled")
    _deliver(scene, at=now)
    if scene.story == "repeated":
        _deliver(scene, at=now + SECOND)
    if scene.story == "contradicted":
        _deliver(scene, at=now + SECOND, amount=scene.amount + 1)
    settlement.drain(now=now, limit=LIMIT)
    if scene.story == "unfunded":
        settlement.end_grace(now=now + 2 * MINUTE, limit=LIMIT)
    dispatch.drain(now=now + SECOND / 10, limit=LIMIT)
    row = collection(Activation).find_one({"_id": activation_id(scene.tip_id)})
    if row is not None and row["status"] == "dispatched":
        ENDS.get(scene.story, _play)(scene, float(row["promised_seconds"]))


def _play(scene: PastTip, promised: float, share: float = 1.0) -> None:
    seconds = promised * share
    _say(scene, "received", SECOND / 5)
    _say(scene, "started", SECOND / 4)
    _say(scene, "finished", SECOND / 4 + seconds * SECOND, seconds)


def _shorten(scene: PastTip, promised: float) -> None:
    _play(scene, promised, share=0.5)


def _fail(scene: PastTip, promised: float) -> None:
    _say(scene, "received", SECOND / 5)
    _say(scene, "failed", SECOND, code="toy_error")


def _refuse(scene: PastTip, promised: float) -> None:
    """Until it is a dead letter."""
    for attempt in range(1, MAX_ATTEMPTS + 1):
        later = attempt * 8 * SECOND  # longer than any pause before the next attempt
        _say(scene, "failed", later - 7 * SECOND, code="busy", attempt=attempt)
        _hold(scene.performer[0], scene.at + later)
        dispatch.drain(now=scene.at + later, limit=LIMIT)


def _fall_silent(scene: PastTip, promised: float) -> None:
    _say(scene, "received", SECOND / 5)
    leases.expire(now=scene.at + MINUTE, limit=LIMIT)


ENDS = {"shortened": _shorten, "failed": _fail, "refused": _refuse, "silent": _fall_silent}


# --- who says what -------------------------------------------------------------------------------


def _fund(*, now: datetime) -> None:
    for user_id, name in VIEWERS:
        bought = simulator.purchase(f"past-{name}", user_id=user_id, tokens=TOKENS_A_MONTH)
        bought["createdAt"] = clock.iso(now)
        _accept(simulator.body("tokens.purchased", bought), f"past-{name}", at=now)
    settlement.drain(now=now, limit=LIMIT)


def _deliver(
    scene: PastTip, *, at: datetime, kind: str = "tip.succeeded", amount: int | None = None
) -> None:
    user_id, name = scene.viewer
    performer_id, performer = scene.performer
    data = simulator.tip(
        scene.tip_id,
        scene.amount if amount is None else amount,
        tipper_id=user_id,
        performer_id=performer_id,
        tipper={"userId": user_id, "username": name},
        recipient={"performerId": performer_id, "username": performer},
        createdAt=clock.iso(scene.at),
        isAnonymous=scene.story == "anonymous",
    )
    _accept(simulator.body(kind, data), f"past-{scene.number}-{at:%H%M%S}-{kind}", at=at)


def _accept(content: bytes, message_id: str, *, at: datetime) -> None:
    call = payloads.as_call(
        payloads.PAYMENTS,
        message_id,
        content,
        payloads.parse(content),
        position=int(at.timestamp() * 1e9),
        received_at=at,
    )
    inbox.accept([call])


def _hold(performer_id: str, now: datetime) -> None:
    pages.take(performer_id, page_id="past", channel="past", slot="past", now=now)
    toy = {"id": "past", "name": "Lush", "toyType": "lush", "status": 1, "battery": 80}
    register.report(performer_id, [toy], now=now)


def _say(
    scene: PastTip,
    stage: str,
    later: timedelta,
    delivered_seconds: float | None = None,
    *,
    code: str = "",
    attempt: int = 1,
) -> None:
    key, at = activation_id(scene.tip_id), scene.at + later
    ack = Ack(
        scene.performer[0], key, attempt, stage, at, delivered_seconds=delivered_seconds, code=code
    )
    acknowledgement.acknowledge([ack])
