"""When a tip that came now would start, as a preview says it: what the queue then answers for that tip."""

from datetime import timedelta

import pytest

from lovense.deciding import foresight, platform
from lovense.lane import controls, eta, newcomer
from lovense.menus import publishing
from tests.chain import SECOND
from tests.factories import NOW, Viewer, fund
from tests.lovense.callers import Caller, _nobody_is_woken
from tests.lovense.conftest import request_of
from tests.lovense.menus.offers import added, said

__all__ = ["_nobody_is_woken"]
db = pytest.mark.django_db
ROOT = "/api/lovense/tip-menu"


@pytest.fixture
def busy(chain, bob):
    """One tip of 10 s plays, and two of 6 s and one of 10 s wait."""
    chain.hold()
    chain.settled(bob, 100)
    chain.dispatch()
    for amount in (50, 50, 100):
        chain.settled(bob, amount)
    return chain


def expected(chain, amount, *, is_draft=False):
    menu = foresight.read(chain.performer_id, version=None, is_draft=is_draft, now=chain.now)
    return newcomer.expected_start(menu, menu.of(amount))


def told(chain, amount):
    """What the queue answers for such a tip once it is there, of somebody of whom nothing waits."""
    dora = Viewer(user_id="507f191e810c19729de860f1", username="dora")
    fund(dora, amount)
    tip_id = chain.settled(dora, amount)
    return eta.of_request(request_of(tip_id), now=chain.now)


@db
@pytest.mark.parametrize("mode", ["fifo", "priority", "batch"])
def test_it_is_what_the_queue_answers_for_the_tip_once_it_is_there(busy, mode):
    platform.change(key="queue_mode", value=mode, by="dina", now=NOW)
    found = expected(busy, 100)
    assert found == told(busy, 100)
    assert found.seconds(busy.now) > 15


@db
def test_behind_more_than_are_played_forward_it_is_the_same_estimate(chain, bob):
    chain.hold()
    for _ in range(eta.EXACT + 5):
        chain.deliver(bob, 50)
    chain.settle()
    found = expected(chain, 50)
    assert found.is_estimate
    assert found == told(chain, 50)


@db
def test_with_nothing_before_it_it_starts_at_once(chain):
    chain.hold()
    assert expected(chain, 50).seconds(chain.now) < 1


@db
def test_an_item_that_lets_others_pass_is_expected_behind_them(busy):
    platform.change(key="queue_mode", value="priority", by="dina", now=NOW)
    low = said("Low", minimum=30, maximum=30, priority="LOW")
    busy.now += SECOND
    publishing.publish(busy.performer_id, [low, said("High", minimum=100, maximum=100)], busy.now)
    assert expected(busy, 30).at == expected(busy, 100).at  # nothing comes after it yet
    busy.now += SECOND
    assert expected(busy, 30) == told(busy, 30)


@db
def test_of_a_draft_only_the_tip_itself_is_decided_by_it(busy):
    added(busy.performer, "Only here", minimum=5000, maximum=5000)
    assert expected(busy, 5000) is None
    assert expected(busy, 5000, is_draft=True) == expected(busy, 100)


@db
@pytest.mark.parametrize("amount", [1, 5000])
def test_where_nothing_would_play_there_is_no_start(busy, amount):
    assert expected(busy, amount) is None


@db
def test_where_nobody_can_know_it_says_why(busy):
    controls.pause(performer_id=busy.performer_id, until=None, by="ana", why="", now=busy.now)
    found = expected(busy, 100)
    assert (found.at, found.why) == (None, "paused")


@db
def test_a_pause_that_ends_is_waited_for(busy):
    until = busy.now + timedelta(minutes=5)
    controls.pause(performer_id=busy.performer_id, until=until, by="ana", why="", now=busy.now)
    assert expected(busy, 100).at > until


@db
def test_over_rest_and_on_the_page(ana, client):
    hers = Caller(ana.user, root="")
    hers("post", ROOT, said("Hi", minimum=20, maximum=20))
    found = hers("get", f"{ROOT}/preview?amount=20&version=draft").json()
    assert found["expectedStart"] == {"at": None, "seconds": None, "isEstimate": False, "why": "no_page"}
    assert hers("get", f"{ROOT}/preview?amount=21&version=draft").json()["expectedStart"] is None
    client.force_login(ana.user)
    assert "If it came now, it waits for a page." in client.get("/menu/answer?amount=20").content.decode()
