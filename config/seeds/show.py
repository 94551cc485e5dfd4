"""A believable evening of one performer, in one of its states: what came before it is written
(`past`), what is decided now goes by signed calls and the rules that serve. Always the same for the
same seed and moment.

It may be said again, with another state: her past is written once, and her show goes on from what
there is."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from config.seeds import cast, doors, trouble
from config.seeds.past import (
    BY,
    PAGE,
    PLAYS_AFTER,
    PastWriter,
    Progress,
    Seeded,
    SeededRun,
    body_of,
    calm,
    count_hours,
    hold,
    press_stop,
)
from config.seeds.script import MINUTE, SECOND, SeededShow, SeededTip, evenings, tips
from ground import ids
from ground.journal import journal
from ground.json.fields import Fields
from ground.mongodb.collections import collection
from lovense.bridges import choosing
from lovense.devices.summary import SIMULATOR
from lovense.lane import controls
from lovense.menus import drafts, publishing, versions, wishes
from lovense.menus.drafts import Writing
from lovense.menus.versions import Publication
from lovense.models import Owed, OwedState, Performer
from lovense.owed import choices as owed_choices
from lovense.owed import keeping as owed
from lovense.owed.choices import OwedChoice
from lovense.patterns import library
from lovense.patterns.library import PatternWriting
from lovense.performers import enrolment
from lovense.shows import ending
from lovense.stopping import presses, stop
from lovense.stopping.presses import Still, StillToy
from tips.log import daily_heads, emission

SHOWS, PAST_TIPS, TONIGHTS_TIPS = 3, 400, 30
DAYS = 6  # to the first show
ON_AIR_FOR = 50 * MINUTE
CALM_FOR = 3 * MINUTE  # nothing was tipped for so long before now
DAY = timedelta(days=1)
GREAT, SMALL = 760, (25, 150, 69, 320, 12, 110)  # amounts
LIMIT = 500


class HasAPast(Exception):
    """Who has had shows is not new any more."""


@dataclass(frozen=True, slots=True)
class Evening:
    """What is asked for."""

    name: str
    state: str
    seed: int
    now: datetime


def make(evening: Evening, *, progress: Progress = lambda tips: None) -> str:
    """Her performer id. 1. She is a performer. 2. Her past. 3. Tonight, in its state. 4. Who
    listens to the event log has heard of it."""
    with ids.drawn_from(random.Random(f"{evening.seed}/{evening.name}/{journal.last()}")):
        performer_id = _enrolled(evening)
        her = Seeded(performer_id, evening.name, _prefix(performer_id, evening))
        if evening.state == "first-run":
            if her.known():
                raise HasAPast(f"{evening.name} has had shows: name another one with --performer.")
            return performer_id
        _past(her, evening, progress)
        calm(her, evening.now)
        TONIGHT[evening.state](her, evening)
        while emission.drain(now=evening.now):
            pass
        daily_heads.keep(now=evening.now)
        count_hours(performer_id, evening.now - DAY, evening.now)
    return performer_id


def _enrolled(evening: Evening) -> str:
    """Whoever has this name already, or a new performer."""
    known = Performer.objects.filter(user__username=evening.name).first()
    own_id = known.pk if known else cast.performer_id(evening.name)
    began = evening.now - (DAYS + 1) * DAY
    enrolment.enrol(performer_id=own_id, username=evening.name, password="", now=began)
    return own_id


def _prefix(performer_id: str, evening: Evening) -> str:
    return cast.prefix_of_tips(performer_id, f"show-{evening.seed}")


# --- what came before ----------------------------------------------------------------------------


def _past(her: Seeded, evening: Evening, progress: Progress) -> None:
    """Her first menu, her shows under it, and the menu of tonight, an hour before she began."""
    now, began = evening.now, evening.now - (DAYS + 1) * DAY
    if her.known():
        progress(PAST_TIPS)
        return
    choosing.change(performer_id=her.performer_id, changes={"bridge": SIMULATOR}, by=BY, now=began)
    for name, text in cast.PATTERNS.items():
        wished = library.wish(Fields({"name": name, "text": text}, ""), is_new=True)
        library.add(PatternWriting(her.performer_id, her.name, began), wished)
    doors.fund(at=began)
    publishing.publish(her.performer_id, cast.FIRST_MENU, began)
    chance = random.Random(evening.seed)
    writer = PastWriter(her, progress)
    for show in evenings(now=now, days=DAYS, count=PAST_TIPS, every=DAYS // SHOWS):
        writer.write(show, tips(show, chance))
    _decide_about_owed(her, now - DAY / 8)
    _publish(her, now - ON_AIR_FOR - 60 * MINUTE)


def _publish(her: Seeded, now: datetime) -> None:
    """The menu of tonight, and then a draft of two changes."""
    writing = Writing(her.performer_id, drafts.of(her.performer_id).revision, her.name, now)
    known = {item["title"]: item["itemId"] for item in drafts.of(her.performer_id).items}
    items = [wishes.new(dict(item)) for item in cast.MENU]
    kept = [item | {"itemId": known.get(item["title"], item["itemId"])} for item in items]
    draft = drafts.replace(writing, kept)
    asked = writing._replace(seen=draft.revision)
    versions.publish(Publication(asked, "tonight", "For tonight"))
    draft = drafts.of(her.performer_id)
    for title, changes in (("Storm", {"durationSec": 22}), ("Soft wave", {"intensity": 9})):
        item = next(each for each in draft.items if each["title"] == title)
        wish = wishes.read(Fields(changes, ""), item)
        draft = drafts.change(writing._replace(seen=draft.revision), item["itemId"], wish)


def _decide_about_owed(her: Seeded, now: datetime) -> None:
    """Some of what is owed she has waived."""
    hers = {"performer_id": her.performer_id, "state": OwedState.OPEN.value}
    rows = list(collection(Owed).find(hers).sort("_id", 1))
    for row in rows[::3]:
        choice = OwedChoice(row["_id"], her.performer_id, her.name, now, "Settled in the chat")
        owed_choices.waive(choice)


# --- tonight -------------------------------------------------------------------------------------


def _off_air(her: Seeded, evening: Evening) -> None:
    """Her last show was yesterday."""


def _on_air(her: Seeded, evening: Evening) -> None:
    """For a while, and everything that was tipped has been played."""
    show = _tonight(her, evening)
    chance = random.Random(f"tonight/{evening.seed}")
    PastWriter(her).write(show, tips(show, chance), is_over=False)
    ending.begin(performer_id=her.performer_id, by=BY, now=evening.now)
    hold(her.performer_id, evening.now)


def _tonight(her: Seeded, evening: Evening) -> SeededShow:
    begins = evening.now - ON_AIR_FOR
    return SeededShow(begins, evening.now - CALM_FOR, PAST_TIPS, TONIGHTS_TIPS)


def _busy(her: Seeded, evening: Evening) -> None:
    """One tip plays, and some wait."""
    _on_air(her, evening)
    run = _playing(her, evening.now - 6 * SECOND)
    _tipped(her, _waiting(run.tip.number + 1, evening))


def _playing(her: Seeded, at: datetime) -> SeededRun:
    """The strongest of her items, from then on."""
    message = cast.MESSAGES[0]
    tip = SeededTip(next(_numbers(her)), at - 3 * SECOND, "kim", GREAT, message=message)
    _tipped(her, [tip])
    run = SeededRun(her, tip, at)
    if (row := run.start()) is not None and row["status"] == "dispatched":
        run.begun()
    return run


def _waiting(first: int, evening: Evening) -> list[SeededTip]:
    """The last ones, some of them anonymous or with a message."""
    chance = random.Random(f"waiting/{evening.seed}")
    names = chance.sample(cast.VIEWERS, len(SMALL))
    return [
        SeededTip(
            first + place,
            evening.now - (len(SMALL) - place) * SECOND / 2,
            name,
            amount,
            message=cast.MESSAGES[place] if place % 3 == 1 else "",
            is_anonymous=place == 2,
        )
        for place, (name, amount) in enumerate(zip(names, SMALL, strict=True))
    ]


def _numbers(her: Seeded) -> "count[int]":
    """That no tip of hers has yet."""
    known = her.known()
    return count(1 + max(int(key[len(her.prefix) :], 16) for key in known))


def _tipped(her: Seeded, some: list[SeededTip]) -> None:
    """Signed, at its moment, and settled."""
    for tip in some:
        doors.deliver(f"{her.prefix}-{tip.number}", body_of(her, tip), at=tip.at)
    doors.settle(at=some[-1].at)


def _paused(her: Seeded, evening: Evening) -> None:
    """For a quarter of an hour; what was tipped since waits."""
    _on_air(her, evening)
    since = evening.now - 2 * MINUTE
    until = since + 15 * MINUTE
    controls.pause(performer_id=her.performer_id, by=her.name, why="", until=until, now=since)
    _tipped(her, _waiting(next(_numbers(her)), evening))


def _stopped(her: Seeded, evening: Evening) -> None:
    """She pressed STOP while a tip played; her page has stopped her toys."""
    _on_air(her, evening)
    run = _playing(her, evening.now - 6 * SECOND)
    _tipped(her, _waiting(run.tip.number + 1, evening))
    pressed = evening.now - 2 * SECOND
    press_stop(her, pressed)
    silent_ms = (84.0, 61.0, 117.0)
    still = [StillToy(toy["id"], ms) for toy, ms in zip(cast.TOYS, silent_ms, strict=True)]
    said = Still(stop.state_of(her.performer_id).epoch, tuple(still))
    answered = pressed + PLAYS_AFTER / 2
    presses.answered(said, performer_id=her.performer_id, page_id=PAGE, now=answered)
    run.say("finished", answered, 3.8, code="stopped")
    owed.drain(now=evening.now, limit=LIMIT, performer_id=her.performer_id)


def _trouble(her: Seeded, evening: Evening) -> None:
    """On air, and everything that can be wrong is."""
    _on_air(her, evening)
    trouble.make(her.performer_id, by=her.name, now=evening.now)


def _after(her: Seeded, evening: Evening) -> None:
    """She ended her show a moment ago."""
    _on_air(her, evening)
    ending.end(performer_id=her.performer_id, by=her.name, now=evening.now)


TONIGHT: dict[str, Callable[[Seeded, Evening], None]] = {
    "off-air": _off_air,
    "on-air": _on_air,
    "busy": _busy,
    "paused": _paused,
    "stopped": _stopped,
    "trouble": _trouble,
    "after": _after,
}
