"""A process dies right after its n-th write, for every n of every hop; the sweeps then lead to the same end
as without a death.

Deterministic: what dies is a real process running the product's own hop, killed by itself the moment the
server answered."""

import asyncio
import json
import os
import signal
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from pymongo import AsyncMongoClient

from config import benchmark
from ground import clock
from ground.mongodb import abandoned
from ground.mongodb.collections import collection
from lovense.menus import publishing
from lovense.models import Activation, Performer
from lovense.sending import leases, pages, resume
from tests.factories import fund
from tests.flows import hops, proof
from tests.flows.nursery import SLOT, SURVIVED
from tips.intake import simulator

DIED = -signal.SIGKILL
ROUNDS, ROUND = 12, timedelta(seconds=5)
MOST_WRITES = 30
TOGETHER = 3  # tips in a run
SKIPPED, PLAYED = 5, 100  # tokens: the platform's minimum is 10


class World:
    """One performer with her page, one payment system, and a clock that only this world turns."""

    def __init__(self, performer, viewer):
        self.performer_id, self.viewer = performer.pk, viewer
        self.now = clock.now()
        self.calls = []  # every signed call, in order
        self.tips = {}  # tip id -> the verdict it should get
        self.runs, self.remembered = [], set()
        publishing.publish(self.performer_id, benchmark.MENUS["plain"], self.now)
        fund(viewer, 10**9)

    def new_call(self, amount=PLAYED):
        tip_id = f"{len(self.tips) + 1:024x}"
        more = {"createdAt": clock.iso(self.now)}
        data = simulator.tip(
            tip_id, amount, tipper_id=self.viewer.user_id, performer_id=self.performer_id, **more
        )
        body = simulator.body("tip.succeeded", data)
        headers = simulator.headers(settings.PAYMENT_WEBHOOK_SECRETS[0], f"msg_{tip_id}", body)
        self.tips[tip_id] = "completed" if amount >= PLAYED else "skipped"
        self.calls.append({"body": body.decode(), "headers": headers})
        return self.calls[-1]

    @property
    def moment(self):
        return clock.iso(self.now)

    def hold(self):
        pages.take(self.performer_id, page_id="page", channel="channel", slot="web-0", now=self.now)

    def commands(self):
        return resume.in_flight([self.performer_id], before=self.now)

    def ack(self, command, stage):
        more = (
            {"delivered_seconds": float(json.loads(command.text)["durationSec"])}
            if stage == "finished"
            else {}
        )
        more |= {"code": "busy"} if stage == "failed" else {}
        return {
            "now": self.moment,
            "performer_id": self.performer_id,
            "activation_id": command.activation_id,
            "attempt": command.attempt,
            "stage": stage,
            **more,
        }

    def play(self, command):
        """As a page does: what it remembers it does not run again, and it remembers all that plays in a
        run."""
        if command.activation_id not in self.remembered:
            together = [command.activation_id, *json.loads(command.text).get("members", ())]
            self.remembered.update(together)
            self.runs += [activation_id.partition(".")[0] for activation_id in together]

    def sweep(self):
        """One round of everything that runs on the clock, of the payment system's repeats, and of the page's
        looks."""
        self.now += ROUND
        self.hold()
        for call in self.calls[-3:]:
            assert hops.accept(**call) in (200, 202)
        hops.settle(self.moment)
        hops.heal(self.moment)
        hops.send(self.moment)
        for command in self.commands():
            self.play(command)
            for stage in ("received", "started", "finished"):
                hops.acknowledge(**self.ack(command, stage))

    def recover(self):
        """What a restarted worker does first, then the clock until everything is over; how many rounds that
        took."""
        abandoned.end(SLOT)
        leases.recover(SLOT, now=self.now)
        for number in range(1, ROUNDS + 1):
            self.sweep()
            if self.ask(lambda database: proof.is_over(database, list(self.tips))):
                return number
        raise AssertionError("\n".join(self.ask(lambda database: proof.trail(database, list(self.tips)))))

    def prove(self):
        hops.emit(self.moment)
        self.ask(proof.of_the_consumers)
        for verdict in ("completed", "skipped", "timeout"):
            tips = [tip_id for tip_id, expected in self.tips.items() if expected == verdict]
            self.ask(
                lambda database, tips=tips, verdict=verdict: proof.of_facts(
                    database, tips, verdicts=[verdict]
                )
            )
        assert self.runs == [tip_id for tip_id, expected in self.tips.items() if expected != "skipped"]
        rows = collection(Activation).find({"status": "completed"})
        assert {row["tip_id"] for row in rows if row["delivered_seconds"] != row["promised_seconds"]} == set()
        self.ask(proof.of_the_chain)
        self.ask(proof.of_the_books)

    def ask(self, question):
        async def answer():
            async with AsyncMongoClient(os.environ["MONGODB_URI"], tz_aware=True) as client:
                return await question(client[connection.settings_dict["NAME"]])

        return asyncio.run(answer())


# --- what goes before each hop, and what the dying process is told to do -----------------------------------


def before_accept(world, nursery):
    return "accept", world.new_call()


def before_settle(world, nursery):
    for _ in range(2):
        hops.accept(**world.new_call())
    return "settle", {"now": world.moment}


def before_send(world, nursery):
    _, given = before_settle(world, nursery)
    hops.settle(**given)
    world.hold()
    return "send", {"now": world.moment}


def before_emit(world, nursery):
    _, given = before_settle(world, nursery)
    hops.settle(**given)
    return "emit", given


def before_skip(world, nursery):
    hops.accept(**world.new_call(SKIPPED))
    return before_send(world, nursery)


def before_ack(stage, *earlier):
    def before(world, nursery):
        _, given = before_send(world, nursery)
        hops.send(**given)
        (command,) = world.commands()
        world.play(command)
        for done in earlier:
            hops.acknowledge(**world.ack(command, done))
        return "acknowledge", world.ack(command, stage)

    return before


def before_heal_of_a_claim(world, nursery):
    hop, given = before_send(world, nursery)
    assert nursery(hop, last=1, **given)[0] == DIED  # right after its claim
    world.now += timedelta(seconds=settings.RECEIVED_WINDOW_SECONDS)
    return "heal", {"now": world.moment}


def before_heal_of_an_unconfirmed(world, nursery):
    _, given = before_send(world, nursery)
    hops.send(**given)
    world.now += timedelta(seconds=settings.RECEIVED_WINDOW_SECONDS)
    return "heal", {"now": world.moment}


def before_second_attempt(world, nursery):
    _, given = before_heal_of_an_unconfirmed(world, nursery)
    hops.heal(**given)
    world.now += ROUND
    world.hold()
    return "send", {"now": world.moment}


def before_refusal(world, nursery):
    """The page says that it cannot now: it has not played it, and does not remember it."""
    _, given = before_send(world, nursery)
    hops.send(**given)
    (command,) = world.commands()
    return "acknowledge", world.ack(command, "failed")


def before_run(world, nursery):
    """Three tips of one tipper for one item, in a lane that takes them together."""
    collection(Performer).update_one({"_id": world.performer_id}, {"$set": {"queue_mode": "batch"}})
    hops.accept(**world.new_call())
    _, given = before_settle(world, nursery)
    hops.settle(**given)
    world.now += ROUND
    world.hold()
    return "send", {"now": world.moment}


def before_word_of_a_run(stage, *earlier):
    def before(world, nursery):
        _, given = before_run(world, nursery)
        hops.send(**given)
        (command,) = world.commands()
        assert len(json.loads(command.text)["members"]) == TOGETHER - 1
        if stage != "failed":
            world.play(command)
        for done in earlier:
            hops.acknowledge(**world.ack(command, done))
        return "acknowledge", world.ack(command, stage)

    return before


def before_heal_of_a_silent_run(world, nursery):
    before_word_of_a_run("started", "received", "started")(world, nursery)
    world.tips |= dict.fromkeys(list(world.tips)[-TOGETHER:], "timeout")
    world.now += timedelta(minutes=2)
    return "heal", {"now": world.moment}


def before_heal_of_a_lost_run(world, nursery):
    hop, given = before_run(world, nursery)
    assert (
        nursery(hop, last=3, **given)[0] == DIED
    )  # its members have joined and are decided, and their leader is not
    world.now += timedelta(seconds=settings.RECEIVED_WINDOW_SECONDS)
    return "heal", {"now": world.moment}


# Every hop, with the facts that must be among its crash points.
POINTS = {
    "1-the-delivery": (before_accept, {"insert webhook_deliveries"}),
    "2-3-the-settlement": (
        before_settle,
        {"insert tips", "insert tip_activated_event_log", "insert queue_requests", "commitTransaction"},
    ),
    "the-consumers-of-the-event": (
        before_emit,
        {"update event_consumers", "update tip_hours", "commitTransaction"},
    ),
    "4-5-claim-and-dispatch": (before_send, {"update queue_requests", "insert activations"}),
    "4-6-a-tip-that-plays-nothing": (before_skip, {"update queue_requests", "insert activations"}),
    "4-5-the-second-attempt": (before_second_attempt, {"update queue_requests", "update activations"}),
    "6-received": (before_ack("received"), {"update activations", "update queue_requests"}),
    "6-started": (before_ack("started", "received"), {"update activations"}),
    "6-finished": (
        before_ack("finished", "received", "started"),
        {"update activations", "update queue_requests"},
    ),
    "6-finished-at-once": (before_ack("finished"), {"update activations", "update queue_requests"}),
    "6-refused": (before_refusal, {"update activations", "update queue_requests"}),
    "4-5-a-run-of-three": (before_run, {"update queue_requests", "insert activations"}),
    "6-a-run-started": (before_word_of_a_run("started", "received"), {"update activations"}),
    "6-a-run-finished": (
        before_word_of_a_run("finished", "received", "started"),
        {"update activations", "update queue_requests"},
    ),
    "6-a-run-refused": (before_word_of_a_run("failed"), {"update activations", "update queue_requests"}),
    "the-healing-of-a-silent-run": (
        before_heal_of_a_silent_run,
        {"findAndModify activations", "update queue_requests"},
    ),
    "the-healing-of-a-lost-run": (before_heal_of_a_lost_run, {"update activations", "update queue_requests"}),
    "the-healing-of-a-claim": (before_heal_of_a_claim, {"update queue_requests"}),
    "the-healing-of-an-unconfirmed": (before_heal_of_an_unconfirmed, {"update queue_requests"}),
}


@pytest.mark.parametrize(("before", "facts"), POINTS.values(), ids=POINTS)
def test_a_death_after_any_write_changes_nothing_in_the_end(
    before, facts, ana, bob, nursery, written_elsewhere
):
    world = World(ana, bob)
    for last in range(1, MOST_WRITES):
        hop, given = before(world, nursery)
        status, writes = nursery(hop, last=last, **given)
        assert status in (SURVIVED, DIED)
        world.recover()
        world.prove()
        if status == SURVIVED:
            break
    assert status == SURVIVED
    assert last == len(writes) + 1
    assert facts <= set(writes)
