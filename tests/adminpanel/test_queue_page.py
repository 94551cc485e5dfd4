"""The staff's page of the queue."""

from dataclasses import replace

import pytest

from adminpanel.watch import health, lanes
from lovense.deciding import platform
from lovense.models import Performer
from tests.adminpanel.letters import QUEUE, admin, browser, dead, press, shown
from tests.chain import Chain
from tests.factories import NOW
from tests.ground.plans import recorded

__all__ = ["admin", "browser", "dead"]
pytestmark = pytest.mark.django_db


def test_an_empty_queue_is_healthy_and_clear(browser):
    text = shown(browser.get(QUEUE))
    assert "Healthy" in text
    assert "Everything is within its limits." in text
    assert "Nobody waits" in text
    assert text.count(">Clear<") == len(health.COUNTS)


def test_it_shows_what_waits_for_whom_and_what_holds_it(browser, chain, bob, carol):
    for _ in range(3):
        chain.settled(bob, 100)
    hers = Chain(carol)
    hers.publish_menu()
    hers.settled(bob, 100)
    Performer.objects.filter(pk=carol.pk).update(paused_at=NOW, paused_by="carol", paused_why="tea")
    platform.change(key="enable_lovense", value="false", by="dina", now=NOW)
    text = shown(browser.get(QUEUE))
    assert text.index("3 waiting") < text.index("1 waiting")
    assert "no page" in text
    assert "by carol: <bdi>tea</bdi>" in text
    assert "Kill switch: nothing plays" in text
    assert "4 wait for a turn, or a page" in text


def test_it_says_why_it_is_not_healthy(browser, dead, monkeypatch):
    tip_id = dead()
    measures = [
        replace(measure, degraded=0) if measure.code == "dead" else measure for measure in health.MEASURES
    ]
    monkeypatch.setattr(health, "MEASURES", measures)
    text = shown(browser.get(QUEUE))
    assert "Degraded" in text
    assert "1 dead letters have no review." in text
    press(browser, tip_id, "review", resolution="waived")
    assert "Healthy" in shown(browser.get(QUEUE))


def test_a_step_that_nobody_takes_is_late(browser, chain, bob):
    chain.deliver(bob, 100)  # long ago, by the clock on the wall
    text = shown(browser.get(QUEUE))
    assert "1 waits to be processed, the oldest for" in text
    assert ">Late<" in text


def test_the_longest_queues_are_few_and_found_by_index(chain, bob, monkeypatch):
    chain.hold()
    for _ in range(3):
        chain.settled(bob, 100)
    with recorded() as plans:
        (lane,) = lanes.longest(now=NOW)
    assert (lane.depth, lane.oldest, lane.has_page, lane.is_paused) == (3, NOW, True, False)
    of_queue = [plan for plan in plans if plan.collection == "queue_requests"]
    assert of_queue
    assert not any("COLLSCAN" in plan.stages for plan in of_queue)
    monkeypatch.setattr(lanes, "LANES_SHOWN", 0)
    assert lanes.longest(now=NOW) == []
