"""When will it start? Foreseen, then played: the real drain and a model device on a test clock."""

import itertools
from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.deciding.rules import Rules
from lovense.lane import eta
from lovense.models import Activation, Performer
from lovense.sending import acknowledgement, dispatch, groups, leases, pages
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW, Viewer, fund
from tests.ground.plans import recorded
from tests.lovense.conftest import request_of, seconds
from tips.models import Mode, Priority, QueueRequest, RequestType
from tips.queue import claims, ordering
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db

DEVICE_STARTS = timedelta(milliseconds=45)  # the model device's own time from the command to the start
ZOE = Viewer("507f191e810c19729de860ef", "zoe")


class Theatre:
    """Ana's page and its device on a test clock: the beat drains and heals once a second, an end starts the
    next at once."""

    def __init__(self, chain):
        self.chain, self.now, self.started, self.inbox = chain, NOW, {}, []
        self.ends, self.busy = [], {}  # what the device will say, and refusals it still makes
        self.beats = (NOW + timedelta(seconds=0.37 + n) for n in itertools.count())

    def run(self, until):
        """Plays everything until that moment."""
        beat = next(self.beats)
        while (at := min([beat, *(end[0] for end in self.ends)])) <= until:
            self.now = at
            if at == beat:
                beat = next(self.beats)
                hold_at(at)
                leases.expire(now=at, limit=10)
            else:
                self._end()
            self._drain()
        self.beats = itertools.chain([beat], self.beats)
        self.now = until

    def _drain(self):
        while self._start():  # what a page would be sent is read here, not from the wire
            pass
        for _, message in self.inbox:
            self._take(message)
        self.inbox.clear()

    def _start(self):
        performer_id = self.chain.performer_id
        fronts, holders = claims.fronts([performer_id]), {performer_id: pages.Holder("channel-1", 1)}
        lanes = dispatch.FreeLanes(fronts, holders, Rules.read(fronts))
        return dispatch.start(lanes, self.inbox.extend, now=self.now, limit=10)

    def _take(self, message):
        row = collection(Activation).find_one({"_id": message["id"]})
        if self.busy.get(message["id"], 0):
            self.busy[message["id"]] -= 1
            return self._say(message, "failed", code="busy")
        began = self.now + DEVICE_STARTS
        for key in [message["id"], *(row.get("members") or [])]:
            self.started[key.removesuffix(".all")] = began
        self._say(message, "received")
        self._say(message, "started", at=began)
        run = row.get("run_seconds") or row["promised_seconds"]
        self.ends.append((began + timedelta(seconds=run), message, run))

    def _end(self):
        end = min(self.ends, key=lambda end: end[0])
        self.ends.remove(end)
        self._say(end[1], "finished", at=end[0], delivered_seconds=end[2])

    def _say(self, message, stage, at=None, **more):
        ack = Ack(self.chain.performer_id, message["id"], message["attempt"], stage, at or self.now, **more)
        acknowledgement.acknowledge([ack])

    def foreseen(self):
        return {
            start.request["idempotency_key"]: start
            for start in eta.of_lane(self.chain.performer_id, now=self.now)
        }


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    monkeypatch.setattr(groups.news, "mark", lambda *told: None)  # nobody watches


@pytest.fixture
def theatre(chain):
    fund(ZOE, 100_000)
    return Theatre(chain)


def settle(chain, *amounts, viewer=None, bob=None):
    return [chain.settled(viewer or bob, amount) for amount in amounts]


def by_hand(chain, key, position, priority=Priority.CRITICAL, now=NOW, available_at=None):
    """A request that a person submitted; its row."""
    payload = {"amount": 50, "tipper": {"username": "ana"}, "userId": ""}
    place = {"lane": chain.performer_id, "position": position, "priority": priority}
    row = queue.new_row(key, RequestType.MANUAL, payload, now=now, **place)
    row["available_at"] = available_at or now
    collection(QueueRequest).insert_one(row)
    return row


def hold_at(now):
    """Her page is still there."""
    pages.renew("web-0", ["channel-1"], now=now)


def set_mode(chain, mode):
    collection(Performer).update_one({"_id": chain.performer_id}, {"$set": {"queue_mode": mode.value}})


def set_platform(**changes):
    row = platform.current()
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()


def errors(theatre, foreseen):
    """By how many seconds each that has started was missed, and from how far away."""
    return {
        key: (
            abs((theatre.started[key] - start.foreseen.at).total_seconds()),
            (start.foreseen.at - NOW).total_seconds(),
        )
        for key, start in foreseen.items()
        if key in theatre.started
    }


def assert_close(theatre, foreseen, *, asked_at=NOW, within=1.0):
    missed = errors(theatre, foreseen)
    assert missed
    for error, _ in missed.values():
        assert error <= within, missed
    assert {key for key, start in foreseen.items() if start.busy_seconds or start.leader} == set(missed)


# --- the error, measured -----------------------------------------------------------------------------------


def test_every_start_of_a_busy_lane_is_foreseen_within_a_second(theatre, chain, bob):
    set_platform(rate_limit_per_minute=0)
    settle(chain, 100, 50, 5, 300, 50, 100, 20, 100, 50, 5, 50, 100, bob=bob)
    theatre.run(NOW + seconds(4))
    foreseen = theatre.foreseen()
    assert len(foreseen) == 11
    theatre.run(NOW + seconds(120))
    assert_close(theatre, foreseen)


def test_priority_is_foreseen_with_its_ageing(theatre, chain, bob):
    set_mode(chain, Mode.PRIORITY)
    tips = settle(chain, 50, 50, 50, 50, bob=bob)
    urgent = by_hand(chain, "urgent", 9)["idempotency_key"]
    by_hand(chain, "late", 10, Priority.LOW)
    theatre.run(NOW + seconds(1))
    foreseen = theatre.foreseen()
    assert list(foreseen) == [*tips, "late"]  # the urgent one plays
    theatre.run(NOW + seconds(60))
    assert_close(theatre, foreseen)
    assert theatre.started[urgent] < theatre.started[tips[0]] < theatre.started["late"]


def test_batches_are_foreseen_within_a_tick(theatre, chain, bob):
    set_mode(chain, Mode.BATCH)
    settle(chain, 100, bob=bob)
    theatre.run(NOW + seconds(3))
    for viewer, amount in (
        (bob, 50),
        (ZOE, 50),
        (bob, 20),
        (bob, 50),
        (ZOE, 100),
        (bob, 60),
        (ZOE, 70),
        (bob, 5),
        (bob, 50),
    ):
        chain.settled(viewer, amount)
    foreseen = theatre.foreseen()
    theatre.run(NOW + seconds(120))
    assert_close(theatre, foreseen)
    led = [start for start in foreseen.values() if start.leader]
    assert len(led) == 5  # bob's five for one item just fit the cap of 30 s, and zoe's two


def test_the_limit_per_minute_is_foreseen(theatre, chain, bob):
    set_platform(rate_limit_per_minute=5)
    settle(chain, *[50] * 11, bob=bob)
    foreseen = theatre.foreseen()
    theatre.run(NOW + seconds(135))
    missed = errors(theatre, foreseen)
    assert len(missed) == 11
    for error, ahead in missed.values():
        assert error <= max(1.0, ahead / 20), missed


def test_a_retry_is_foreseen_with_what_waits_behind_it(theatre, chain, bob):
    tips = settle(chain, 50, 100, 50, bob=bob)
    theatre.busy[f"{tips[0]}.all"] = 1
    theatre.run(NOW + seconds(0.5))
    assert request_of(tips[0])["attempts"] == 1
    foreseen = theatre.foreseen()
    assert list(foreseen) == tips
    theatre.run(NOW + seconds(40))
    assert_close(theatre, foreseen)


def test_a_pause_that_ends_is_foreseen(theatre, chain, bob):
    settle(chain, 50, 100, bob=bob)
    pause = {"paused_at": NOW, "paused_until": NOW + seconds(30), "paused_by": "ana"}
    collection(Performer).update_one({"_id": chain.performer_id}, {"$set": pause})
    foreseen = theatre.foreseen()
    theatre.run(NOW + seconds(60))
    assert_close(theatre, foreseen)


# --- what it is --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", Mode)
def test_the_starts_come_in_order(theatre, chain, bob, mode):
    set_mode(chain, mode)
    settle(chain, 100, 5, 50, 50, 300, 100, 20, bob=bob)
    for n in range(6):
        by_hand(chain, f"hand-{n}", 100 + n, list(Priority)[n % 4])
    starts = eta.of_lane(chain.performer_id, now=NOW)
    assert len(starts) == 13
    moments = [start.foreseen.at for start in starts]
    assert moments == sorted(moments)


def test_looking_changes_nothing(theatre, chain, bob):
    settle(chain, 50, 5, bob=bob)
    before = list(collection(QueueRequest).find())
    assert eta.of_lane(chain.performer_id, now=NOW) == eta.of_lane(chain.performer_id, now=NOW)
    assert list(collection(QueueRequest).find()) == before
    assert collection(Activation).count_documents({}) == 0


def drain_for_deploy(chain):
    set_platform(is_draining=True)


def pause(chain):
    collection(Performer).update_one({"_id": chain.performer_id}, {"$set": {"paused_at": NOW}})


def close_the_page(chain):
    pages.release(chain.performer_id, channel="channel-1", now=NOW)


def switch_the_toy_off(chain):
    chain.hold(status=0)


@pytest.mark.parametrize(
    ("why", "happen"),
    [
        ("draining", drain_for_deploy),
        ("paused", pause),
        ("no_page", close_the_page),
        ("no_device", switch_the_toy_off),
    ],
    ids=["draining", "paused", "no_page", "no_device"],
)
def test_what_nobody_can_know_is_said_and_not_guessed(theatre, chain, bob, why, happen):
    (tip_id,) = settle(chain, 50, bob=bob)
    happen(chain)
    (start,) = eta.of_lane(chain.performer_id, now=NOW)
    assert (start.foreseen.at, start.foreseen.why) == (None, why)
    assert start.decision["item"]["title"] == "Soft wave"  # what it will do is known all the same
    assert eta.of_request(request_of(tip_id), now=NOW) == start.foreseen
    assert start.foreseen.seconds(NOW) is None


def test_a_request_that_has_started_is_not_waiting(theatre, chain, bob):
    (tip_id,) = settle(chain, 50, bob=bob)
    theatre.run(NOW + seconds(1))
    assert eta.of_request(request_of(tip_id), now=theatre.now).why == "not_waiting"


def test_a_silent_run_is_given_until_its_lease_ends(theatre, chain, bob):
    first, second = settle(chain, 50, 50, bob=bob)
    theatre.run(NOW + seconds(1))
    theatre.ends.clear()
    lease = request_of(first)["lease_until"]
    hold_at(lease - seconds(2))
    (start,) = eta.of_lane(chain.performer_id, now=lease - seconds(2))
    theatre.run(lease + seconds(5))
    assert abs((theatre.started[second] - start.foreseen.at).total_seconds()) <= 1


# --- far back, and what it costs ---------------------------------------------------------------------------


def fill(chain, count, mode=Mode.FIFO):
    set_mode(chain, mode)
    payload = {"amount": 50, "tipper": {"username": "ana"}, "userId": ""}
    place = {"lane": chain.performer_id, "priority": Priority.HIGH}
    rows = [
        queue.new_row(f"r{n}", RequestType.MANUAL, payload, now=NOW + n * seconds(0.01), position=n, **place)
        for n in range(count)
    ]
    collection(QueueRequest).insert_many(rows)
    return rows


@pytest.mark.parametrize("mode", Mode)
def test_one_far_back_is_estimated_from_the_first_and_never_before_them(chain, mode):
    set_platform(rate_limit_per_minute=0)
    rows = fill(chain, 200, mode)
    now = NOW + seconds(10)
    hold_at(now)
    last = eta.of_lane(chain.performer_id, now=now)[-1].foreseen.at
    near, far = (eta.of_request(rows[n], now=now) for n in (150, 199))
    assert near.is_estimate
    assert last < near.at < far.at
    if mode is not Mode.BATCH:  # 6 s each
        assert far.seconds(now) == pytest.approx(199 * 6.07, rel=0.05)


def test_an_estimate_respects_the_limit_per_minute(chain):
    set_platform(rate_limit_per_minute=2)
    rows = fill(chain, 100)
    assert eta.of_request(rows[99], now=NOW + seconds(1)).seconds(NOW) == pytest.approx(98 / 2 * 60, rel=0.05)


def test_thousands_that_wait_cost_as_few_indexed_looks_as_a_hundred(chain):
    rows = fill(chain, 3_000)
    now = NOW + seconds(200)
    hold_at(now)
    for mode in Mode:
        set_mode(chain, mode)
        with recorded(run=True) as plans:
            assert len(eta.of_lane(chain.performer_id, now=now)) == eta.EXACT
        assert len(plans) <= 8
        assert not_indexed(plans) == []
        assert max(plan.examined for plan in plans) <= eta.EXACT + ordering.BATCH_SIZE
        with recorded() as plans:
            assert eta.of_request(rows[-1], now=now).is_estimate
        assert not_indexed(plans) == []


def not_indexed(plans):
    return [plan for plan in plans if not plan.is_indexed and plan.collection != "platform_settings"]
