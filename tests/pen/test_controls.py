"""Controls in the same moment as tips and ends, in any order: nothing is lost, doubled or overtaken, one at a
time plays, and each control binds from its return on."""

import asyncio
import random

import pytest
from asgiref.sync import sync_to_async

from ground import clock
from ground.journal import journal
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.deciding.activation import FINAL
from lovense.lane import controls
from lovense.models import Activation
from lovense.sending import resume, retries, writer
from lovense.sending.acknowledgement import Ack
from lovense.sockets.process import Sockets
from lovense.stopping import stop
from tests.pen.conftest import call_of, post, running, tip, until
from tests.pen.shift import finished
from tips.models import QueueRequest, TipActivated
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = 60
OVER = [status.value for status in FINAL]


class Model:
    """What the test knows: what was sent, what the page was told, and what holds the queue."""

    def __init__(self, pen, page, rng):
        self.pen, self.page, self.rng = pen, page, rng
        self.performer_id = page.performer_id
        self.sockets = Sockets()
        self.sent, self.told, self.unwanted = [], [], set()
        self.playing = None
        self.is_held = self.is_stopped = False
        self.epoch, self.outdated = 0, []
        self.stays_in_order = True

    def who(self):
        return {"performer_id": self.performer_id, "by": "ana", "now": clock.now()}

    async def control(self, work, **given):
        try:
            return await sync_to_async(work)(**given)
        except Refusal:
            return None

    def look(self):
        """What the page has been sent; one at a time. What is from before a stop does not reach it."""
        while not self.page.heard.empty():
            said = self.page.heard.get_nowait()
            if said["stopEpoch"] < self.epoch:
                self.outdated.append(said)
                continue
            assert not self.is_stopped, "after a stop"
            together = [said["activationId"], *said.get("members", ())]
            tip_ids = [each.partition(".")[0] for each in together]
            if self.playing and self.playing["activationId"] == said["activationId"]:
                self.playing = said  # its next attempt
                continue
            assert self.playing is None, "two at a time"
            assert not self.unwanted & set(tip_ids), "cancelled, and played"
            self.playing = said
            self.told += tip_ids

    async def say(self, stage, **more):
        said = self.playing
        ack = Ack(self.performer_id, said["activationId"], said["attempt"], stage, clock.now(), **more)
        await self.sockets.acknowledge(ack)

    # --- steps ---------------------------------------------------------------------------------------------

    async def tip(self, viewer):
        tip_id, body = tip(self.performer_id, viewer)
        self.sent.append(tip_id)
        await post(self.pen, body)

    async def two_at_once(self, viewer):
        """The same call twice, and a control in the same moment."""
        tip_id, body = tip(self.performer_id, viewer)
        self.sent.append(tip_id)
        pause = sync_to_async(controls.resume)(performer_id=self.performer_id, by="ana", now=clock.now())
        self.is_held = False
        await asyncio.gather(post(self.pen, body), post(self.pen, body), pause)

    async def finish(self, viewer):
        if self.playing:
            said, self.playing = self.playing, None
            seconds = float(said["durationSec"])
            await self.sockets.acknowledge(finished(self.performer_id, said, seconds))

    async def confirm(self, viewer):
        if self.playing:
            await self.say("received")
            await self.say("started")

    async def refuse(self, viewer):
        if self.playing:
            self.stays_in_order = False
            await self.say("failed", code="busy")
            gone = 1 + len(self.playing.get("members", ()))
            del self.told[-gone:]
            self.playing = None

    async def pause(self, viewer):
        await self.control(controls.pause, why="", **self.who())
        self.is_held = True
        await self.nothing_starts()

    async def nothing_starts(self):
        until_now = clock.now()
        await asyncio.sleep(0.03)
        await self.pen.catch_up()
        later = {"performer_id": self.performer_id, "dispatched_at": {"$gt": until_now}}
        assert await sync_to_async(collection(Activation).count_documents)(later) == 0

    async def resume(self, viewer):
        await self.control(controls.resume, **self.who())
        self.is_held = False

    async def stop(self, viewer):
        """Pressed; her page ends what it plays, and its process keeps the rest from it."""
        self.look()
        pressed = sync_to_async(stop.press)
        state = await pressed(why="", through="api", **self.who())
        self.epoch, self.is_stopped = state.epoch, True
        await self.nothing_starts()
        if self.playing:
            await self.say("finished", delivered_seconds=0.5, code="stopped")
            self.playing = None
        self.look()
        await self.keep_back()

    async def keep_back(self):
        await self.pen.catch_up()
        outdated, self.outdated = self.outdated, []
        for said in outdated:
            about = said["activationId"], said["attempt"]
            who = {"performer_id": self.performer_id, "now": clock.now()}
            await sync_to_async(retries.kept_back)(*about, **who)
            self.pen.read_again([self.performer_id])

    async def resume_all(self, viewer):
        await sync_to_async(stop.resume)(**self.who())
        self.is_held = self.is_stopped = False

    async def skip(self, viewer):
        ended = await self.control(controls.skip, why="", **self.who())
        if ended is not None:
            await self.end_what_is_unwanted()

    async def cancel(self, viewer):
        """Any that was sent, wherever it is by now."""
        if not self.sent:
            return
        tip_id = self.rng.choice(self.sent[-5:])
        request_id = queue.request_id(tip_id)
        ended = await self.control(controls.cancel, request_id=request_id, why="", **self.who())
        if ended is not None and ended.status == "cancelled" and tip_id not in self.told:
            self.unwanted.add(tip_id)
        await self.end_what_is_unwanted()

    async def end_what_is_unwanted(self):
        """As a page does that is told to stop."""
        self.look()
        find = sync_to_async(resume.in_flight)
        for command in await find([self.performer_id], before=clock.now()):
            if command.is_stop:
                at = clock.now()
                ack = Ack(self.performer_id, command.activation_id, command.attempt, "finished", at, 0.0)
                await self.sockets.acknowledge(ack)
                if self.playing and self.playing["activationId"] == command.activation_id:
                    self.playing = None

    async def mode(self, viewer):
        self.stays_in_order = False
        mode = self.rng.choice(["fifo", "priority", "batch"])
        await self.control(controls.set_mode, mode=mode, **self.who())

    async def move_up(self, viewer):
        self.stays_in_order = False
        if self.sent:
            await self.control(
                controls.move_up, request_id=queue.request_id(self.rng.choice(self.sent)), **self.who()
            )

    async def clear(self, viewer):
        waiting = await self.control(controls.waiting, performer_id=self.performer_id)
        before = set(self.sent) - set(self.told)
        cleared = await self.control(controls.clear, expected=waiting, why="", **self.who())
        self.look()
        if cleared:
            rows = collection(Activation).find({"tip_id": {"$in": list(before)}, "status": "cancelled"})
            self.unwanted.update(row["tip_id"] for row in await sync_to_async(list)(rows))
        await self.end_what_is_unwanted()

    async def switch(self, viewer):
        for value in ("false", "true"):
            await self.control(platform.change, key="enable_lovense", value=value, by="dina", now=clock.now())

    async def page_again(self, viewer):
        self.pen.detach(self.performer_id, self.page.channel)
        await asyncio.sleep(0.01)
        for page in self.pen.pages_here():
            self.pen.attach(page)

    async def forget(self, viewer):
        self.pen.read_again([self.performer_id])

    async def elsewhere(self, viewer):
        """A tip that another process stores."""
        from ground.inbox import inbox

        tip_id, body = tip(self.performer_id, viewer)
        self.sent.append(tip_id)
        self.stays_in_order = False
        await sync_to_async(inbox.accept)([call_of(body)])


STEPS_BY_WEIGHT = {
    "tip": 10,
    "finish": 9,
    "two_at_once": 2,
    "confirm": 2,
    "refuse": 1,
    "pause": 1,
    "resume": 2,
    "stop": 2,
    "resume_all": 3,
    "skip": 1,
    "cancel": 2,
    "mode": 1,
    "move_up": 1,
    "clear": 1,
    "switch": 1,
    "page_again": 1,
    "forget": 1,
    "elsewhere": 1,
}
ONLY_IN_ORDER = {
    "tip": 8,
    "finish": 8,
    "two_at_once": 2,
    "confirm": 1,
    "pause": 1,
    "resume": 2,
    "stop": 2,
    "resume_all": 3,
    "skip": 1,
    "cancel": 1,
    "page_again": 1,
    "forget": 1,
}


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_done_in_whatever_order(stage, bob, limited, seed):
    await limited(0)
    rng = random.Random(seed)
    weights = ONLY_IN_ORDER if seed % 2 else STEPS_BY_WEIGHT
    async with running(stage.performer_id) as (pen, page):
        writer.use(pen)
        model = Model(pen, page, rng)
        done = []
        try:
            for name in rng.choices(list(weights), list(weights.values()), k=STEPS):
                done.append(name)
                await getattr(model, name)(bob)
                await asyncio.sleep(rng.choice((0, 0, 0.002, 0.02)))
                model.look()
                await model.keep_back()
            await model.resume_all(bob)
            await model.control(controls.set_mode, mode="fifo", **model.who())
            await played_to_the_end(model, bob)
        except BaseException:
            print(done)
            raise
        finally:
            writer.use(writer.Nobody())
    assert sorted(row["_id"] for row in collection(TipActivated).find()) == sorted(model.sent)
    rows = list(collection(Activation).find())
    assert sorted(row["tip_id"] for row in rows) == sorted(model.sent)
    assert len(set(model.told)) == len(model.told)
    if weights is ONLY_IN_ORDER:
        ended = {row["tip_id"] for row in rows if row["reason"] == "stopped"}
        assert ended <= set(model.told), "what only waited is over"
    if model.stays_in_order:
        places = [model.sent.index(tip_id) for tip_id in model.told]
        assert places == sorted(places)
    assert journal.refused(limit=1) == 0


async def played_to_the_end(model, viewer):
    def is_over():
        return collection(Activation).count_documents({"status": {"$in": OVER}}) == len(
            model.sent
        ) and not collection(QueueRequest).count_documents({"status": {"$in": ["pending", "claimed"]}})

    async with asyncio.timeout(60):
        while not await sync_to_async(is_over)():
            model.look()
            await model.keep_back()
            await model.finish(viewer)
            await model.end_what_is_unwanted()
            await asyncio.sleep(0.01)
    await until(is_over)
