"""The limit per minute: at most so many runs start in any 60 seconds; what is over it waits, and is never
dropped."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from ground import clock
from ground.mongodb.collections import collection
from lovense.deciding import pace, platform
from lovense.deciding.activation import activation_id
from lovense.deciding.pace import WINDOW, Pace
from lovense.models import Activation, LanePace
from lovense.sending import acknowledgement, dispatch, leases, pages
from lovense.sending.acknowledgement import Ack
from tests.factories import NOW
from tests.lovense.conftest import CHANNEL, activation_of, request_of, seconds

pytestmark = pytest.mark.django_db

HERS = "507f191e810c19729de860eb"
TICK = timedelta(milliseconds=1)


def limit(number):
    platform.change(key="rate_limit_per_minute", value=str(number), by="dina", now=NOW)


def drain(chain, now):
    pages.take(chain.performer_id, page_id="page-1", channel=CHANNEL, slot="web-0", now=now)
    while dispatch.drain(now=now, limit=100):
        pass


def finish(chain, tip_id, now, attempt=1):
    acknowledgement.acknowledge(
        [
            Ack(
                chain.performer_id,
                activation_id(tip_id),
                attempt,
                "finished",
                now,
                delivered_seconds=10,
                is_answer=True,
            )
        ]
    )


def play_all(chain, tips, *, now=NOW, step=timedelta(seconds=1), until=timedelta(minutes=10)):
    """A page that finishes at once, a round every `step`: when each of these tips was sent."""
    starts, end = {}, now + until
    while len(starts) < len(tips) and now < end:
        drain(chain, now)
        for tip_id in tips:
            row = activation_of(tip_id)
            if tip_id not in starts and row and row["status"] == "dispatched":
                starts[tip_id] = now
                finish(chain, tip_id, now)
        now += step
    return [starts.get(tip_id) for tip_id in tips]


def most_within(starts):
    """The most starts in any 60 seconds."""
    return max(sum(first <= at < first + WINDOW for at in starts) for first in starts)


# --- the rule ----------------------------------------------------------------------------------------------


@given(limit=st.integers(1, 8), arrivals=st.lists(st.integers(0, 200), min_size=1, max_size=40))
def test_never_more_than_the_limit_in_any_minute_and_no_later_than_it_asks(limit, arrivals):
    """On a clock of its own, whatever the pattern of arrival: each start is the earliest moment that the
    limit allows."""
    starts: list = []
    for arrival in sorted(arrivals):
        at = max(NOW + seconds(arrival), starts[-1] if starts else NOW)
        known = Pace(limit, tuple(start for start in starts if start > at - WINDOW))
        starts.append(at if known.is_open else known.opens_at)
        assert starts[-1] == at or starts[-1] - WINDOW == starts[-1 - limit]
    assert all(earlier <= later for earlier, later in pairwise(starts))
    assert most_within(starts) <= limit


@given(limits=st.lists(st.integers(1, 6), min_size=1, max_size=30), gap=st.integers(0, 20))
def test_a_lowered_limit_counts_what_has_started_before(limits, gap):
    starts: list = []
    for number, limit in enumerate(limits):
        at = max(NOW + seconds(gap * number), starts[-1] if starts else NOW)
        known = Pace(limit, tuple(start for start in starts if start > at - WINDOW))
        at = at if known.is_open else known.opens_at
        assert sum(at - WINDOW < start for start in starts) < limit
        starts.append(at)


def test_a_start_is_foreseen_like_it_is_counted():
    foreseen = Pace(2).after(NOW).after(NOW + seconds(10))
    assert not foreseen.is_open
    assert foreseen.opens_at == NOW + WINDOW
    assert foreseen.after(NOW + WINDOW).starts == (NOW + seconds(10), NOW + WINDOW)


# --- what is kept ------------------------------------------------------------------------------------------


def test_no_limit_keeps_and_reads_nothing(db):
    pace.count([HERS], limit=0, now=NOW)
    assert collection(LanePace).count_documents({}) == 0
    assert pace.read({HERS: 0}, now=NOW)[HERS].is_open


def test_only_the_last_minute_is_kept(db):
    for number in range(200):
        pace.count([HERS], limit=600, now=NOW + seconds(number))
    assert len(collection(LanePace).find_one({"_id": HERS})["starts"]) == 60


def test_a_limit_that_is_lowered_and_raised_again_forgets_no_start(db):
    for number, limit in enumerate([5, 5, 5, 5, 1, 5]):
        pace.count([HERS], limit=limit, now=NOW + number * TICK)
    assert len(pace.read({HERS: 5}, now=NOW + seconds(1))[HERS].starts) == 6


def test_a_start_is_over_when_it_is_a_minute_ago(db):
    pace.count([HERS], limit=1, now=NOW)
    assert pace.read({HERS: 1}, now=NOW + WINDOW - TICK)[HERS].opens_at == NOW + WINDOW
    assert pace.read({HERS: 1}, now=NOW + WINDOW)[HERS].is_open


def test_two_that_count_at_once_are_both_counted(db, in_threads):
    in_threads(lambda: pace.count([HERS], limit=30, now=NOW), times=16)
    assert len(pace.read({HERS: 30}, now=NOW)[HERS].starts) == 16


# --- a lane under a limit ----------------------------------------------------------------------------------


def test_the_burst_shape(chain, bob):
    """So many one right after the other; each further one when the one that many before it is a minute
    ago."""
    limit(3)
    tips = [chain.settled(bob, 100) for _ in range(7)]
    assert [start - NOW for start in play_all(chain, tips)] == [
        seconds(n) for n in (0, 1, 2, 60, 61, 62, 120)
    ]


def test_what_the_limit_delays_waits_and_says_why(chain, bob):
    limit(1)
    first, second = chain.settled(bob, 100), chain.settled(bob, 100)
    drain(chain, NOW)
    finish(chain, first, NOW)
    drain(chain, NOW)
    row = request_of(second)
    assert (row["status"], row["attempts"], row["available_at"]) == ("pending", 0, NOW + WINDOW)
    assert row["delayed_by"] == "rate_limit"
    assert activation_of(second) is None
    drain(chain, NOW + WINDOW - TICK)
    assert request_of(second)["status"] == "pending"
    drain(chain, NOW + WINDOW)
    assert activation_of(second)["status"] == "dispatched"


def test_a_tip_that_plays_nothing_uses_nothing_of_the_limit(chain, bob):
    limit(1)
    nothing, something, also_nothing, later = (chain.settled(bob, amount) for amount in (101, 100, 101, 100))
    drain(chain, NOW)
    assert [activation_of(tip_id)["status"] for tip_id in (nothing, something)] == ["skipped", "dispatched"]
    finish(chain, something, NOW)
    drain(chain, NOW)
    assert activation_of(also_nothing)["status"] == "skipped"
    assert request_of(later)["available_at"] == NOW + WINDOW


def test_without_a_limit_nothing_waits(chain, bob):
    limit(0)
    tips = [chain.settled(bob, 10) for _ in range(40)]
    assert play_all(chain, tips, step=TICK) == [NOW + number * TICK for number in range(40)]


def test_a_limit_lowered_while_they_play_binds_at_once(chain, bob):
    limit(3)
    tips = [chain.settled(bob, 100) for _ in range(4)]
    assert play_all(chain, tips[:2]) == [NOW, NOW + seconds(1)]
    limit(1)
    starts = play_all(chain, tips[2:], now=NOW + seconds(2))
    assert starts == [NOW + seconds(61), NOW + seconds(121)]


def test_a_limit_taken_away_lets_them_start_when_their_delay_is_over(chain, bob):
    limit(1)
    tips = [chain.settled(bob, 100) for _ in range(3)]
    assert play_all(chain, tips[:1]) == [NOW]
    drain(chain, NOW + seconds(1))
    limit(0)
    assert play_all(chain, tips[1:], now=NOW + seconds(2)) == [NOW + WINDOW, NOW + WINDOW + seconds(1)]


def test_each_performer_has_a_limit_of_her_own(db):
    pace.count([HERS], limit=1, now=NOW)
    paces = pace.read({HERS: 1, "f" * 24: 1}, now=NOW)
    assert [paces[performer_id].is_open for performer_id in (HERS, "f" * 24)] == [False, True]


def test_what_is_sent_again_under_its_own_id_is_one_start(chain, bob):
    limit(1)
    tip_id = chain.settled(bob, 100)
    drain(chain, NOW)
    leases.expire(now=NOW + seconds(10), limit=10)
    drain(chain, NOW + seconds(12))
    assert (activation_of(tip_id)["status"], activation_of(tip_id)["attempt"]) == ("dispatched", 2)


def test_a_limit_delays_an_attempt_too_and_does_not_use_it_up(chain, bob):
    """Refused by the device, then held back by the limit: its tries are those that reached a page."""
    limit(1)
    tip_id = chain.settled(bob, 100)
    drain(chain, NOW)
    acknowledgement.acknowledge(
        [Ack(chain.performer_id, activation_id(tip_id), 1, "failed", NOW, code="busy")]
    )
    drain(chain, NOW + seconds(2))
    assert (request_of(tip_id)["attempts"], request_of(tip_id)["available_at"]) == (1, NOW + WINDOW)
    assert activation_of(tip_id)["status"] == "queued"
    drain(chain, NOW + WINDOW)
    assert activation_of(tip_id)["status"] == "dispatched"


@example_settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_two_workers_never_start_more_and_every_tip_ends(chain, bob, in_threads, data):
    """Real threads, a limit of two, rounds at any distance."""
    limit(2)
    now = chain.now = chain.now + timedelta(minutes=5)
    tips = [chain.settled(bob, 100, createdAt=clock.iso(now)) for _ in range(data.draw(st.integers(1, 5)))]
    starts = []
    for _ in range(60):
        pages.take(chain.performer_id, page_id="page-1", channel=CHANNEL, slot="web-0", now=now)
        in_threads(lambda now=now: dispatch.drain(now=now, limit=10), times=2, workers=2)
        for row in collection(Activation).find({"tip_id": {"$in": tips}, "status": "dispatched"}):
            starts.append(now)
            finish(chain, row["tip_id"], now)
        if len(starts) == len(tips):
            break
        now += seconds(data.draw(st.integers(1, 40)))
    assert len(starts) == len(tips)
    assert most_within(starts) <= 2
