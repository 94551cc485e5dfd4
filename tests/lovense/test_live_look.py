"""What the live page's template is written against: the stage, the queue, the feed and the checks, each read
once, bounded, and no more than its region asks for."""

from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from lovense.lane import controls, eta, rehearsal
from lovense.menus import publishing
from lovense.models import Activation, Performer, PlatformSettings
from lovense.owed import keeping as owed
from lovense.owed import listing
from lovense.page import livechecks, livefeed, livequeue, livestage, livewave
from lovense.page.livepage import QUEUE_SHOWN, LivePage
from lovense.sending import pages
from lovense.stopping import stop
from tests.chain import MENU, SECOND
from tests.factories import NOW
from tests.ground.plans import recorded, scans
from tests.lovense.conftest import chain, in_threads, seconds, wire
from tests.lovense.controlling import drain, who
from tips.queue import requests as queue

__all__ = ["chain", "in_threads", "who", "wire"]
pytestmark = pytest.mark.django_db


def live(chain, now=NOW, **more):
    return LivePage(Performer.objects.get(pk=chain.performer_id), now, **more)


def test_where_nothing_waits_it_says_so(chain):
    assert livequeue.of(live(chain))["words"] == "Nothing waits"


# --- the queue ---------------------------------------------------------------------------------------------


def test_a_row_says_what_it_will_do_how_long_and_when(chain, bob):
    first, second = chain.settled(bob, 100), chain.settled(bob, 50)
    found = livequeue.of(live(chain))
    one, two = found["rows"]
    assert (one["place"], one["title"], one["who"], one["tokens"]) == (1, "Fireworks", "bob", "100 tokens")
    assert (one["seconds"], two["seconds"]) == (10, 6)
    assert one["starts_in"] == pytest.approx(eta.START.total_seconds())
    assert two["starts_in"] == pytest.approx(10 + 2 * eta.START.total_seconds())
    assert 0 < len(one["bars"]) <= livewave.ROW_BARS
    assert all(0 <= level <= 16 for level in one["bars"])
    assert max(one["bars"]) > 0
    assert found["order"] == [queue.request_id(first), queue.request_id(second)]
    assert (found["words"], found["seconds"], found["is_whole"]) == ("2 waiting, 16 s in all", 16, True)
    assert [row["may_move_up"] for row in found["rows"]] == [False, True]


def test_what_does_nothing_has_no_effect_and_says_why(chain, bob):
    chain.settled(bob, 5)
    (row,) = livequeue.of(live(chain))["rows"]
    assert (row["title"], row["why"]) == ("No effect", "below the minimum (5 of at least 10 tokens)")
    assert (row["seconds"], row["bars"]) == (0, ())


def test_while_paused_what_they_wait_for_is_said_once(chain, bob, who):
    for _ in range(2):
        chain.settled(bob, 100)
    controls.pause(**who, why="")
    let = controls.play_one(**who)
    found = livequeue.of(live(chain))
    assert found["waits_for"] == "waits until you resume"
    assert [(row["waits_for"], row["starts_in"]) for row in found["rows"]] == [("", None)] * 2
    assert [row["is_let"] for row in found["rows"]] == [True, False]
    assert found["order"][0] == let


def test_eight_are_shown_or_as_many_as_are_asked_for_and_the_seconds_are_of_the_first_fifty(chain, bob):
    for _ in range(eta.EXACT + 2):
        chain.deliver(bob, 10)
    chain.settle()
    found = livequeue.of(live(chain))
    assert (len(found["rows"]), found["more"], found["waiting"]) == (QUEUE_SHOWN, 44, 52)
    assert (found["seconds"], found["is_whole"]) == (300, False)
    assert found["words"] == "52 waiting, more than 300 s in all"
    assert len(livequeue.of(live(chain, shown=52))["rows"]) == 52


def test_what_was_tried_goes_first_and_nothing_moves_before_it(chain, bob):
    first, _ = chain.settled(bob, 100), chain.settled(bob, 100)
    drain(chain)
    chain.acknowledge(first, "failed", code="busy")
    rows = livequeue.of(live(chain))["rows"]
    assert [(row["is_tried"], row["may_move_up"]) for row in rows] == [(True, False), (False, False)]


# --- the stage ---------------------------------------------------------------------------------------------


def test_what_plays_has_its_whole_run_its_devices_and_what_comes_next(chain, bob):
    tip_id, _ = chain.settled(bob, 100, context={"customMessage": "Hi"}), chain.settled(bob, 50)
    drain(chain)
    starting = livestage.of(live(chain))["run"]
    assert (starting["heading"], starting["began"], starting["ends_ms"]) == ("Starting", None, None)
    chain.acknowledge(tip_id, "started")
    stage = livestage.of(live(chain, NOW + SECOND))
    run = stage["run"]
    began = int(NOW.timestamp() * 1000)
    assert (stage["eyebrow"], run["title"], run["message"]) == ("Now playing", "Fireworks", "Hi")
    assert (run["began"], run["ends_ms"], run["promised_seconds"]) == (NOW, began + 10_000, 10)
    assert 60 < len(run["bars"]) <= livewave.STAGE_BARS
    assert run["legs"] == [{"nickname": "Lush", "state": "plays", "in_seconds": 0.0}]
    assert stage["next"]["title"] == "Soft wave"
    assert stage["next"]["starts_in"] == pytest.approx(9.07, abs=0.01)
    assert (stage["since"], stage["is_held"]) == (NOW, True)


def test_a_device_that_begins_later_or_is_away_says_so(chain, bob):
    tip_id = chain.settled(bob, 100)
    drain(chain)
    chain.acknowledge(tip_id, "started")
    legs = [
        {"toyId": f"toy-{name}", "nickname": name, "offsetMs": offset, "outcome": became}
        for name, offset, became in (("A", 0, ""), ("B", 3000, ""), ("C", 0, "away"), ("D", 0, "played"))
    ]
    collection(Activation).update_one({}, {"$set": {"legs": legs, "legs_began_at": NOW}})
    found = livestage.of(live(chain, NOW + SECOND))["run"]["legs"]
    assert [(leg["nickname"], leg["state"], leg["in_seconds"]) for leg in found] == [
        ("A", "plays", 0.0),
        ("B", "later", 2.0),
        ("C", "away", 0.0),
        ("D", "ended", 0.0),
    ]


def test_a_run_of_several_is_drawn_as_one(chain, bob, who):
    for _ in range(2):
        chain.settled(bob, 50)
    controls.set_mode(**who, mode="batch")
    drain(chain, NOW + seconds(2))
    run = livestage.of(live(chain, NOW + seconds(2)))["run"]
    assert (run["others"], run["promised_seconds"]) == (1, 12)
    assert len(run["bars"]) == livewave.STAGE_BARS


def eyebrow(chain, now=NOW):
    found = livestage.of(live(chain, now))
    assert found["run"] is None
    return found["eyebrow"], found["until"]


def test_what_holds_it_is_said_the_heaviest_first(chain, who):
    assert eyebrow(chain) == ("On air", None)
    pages.release(chain.performer_id, channel="channel-1", now=NOW)
    assert eyebrow(chain) == ("Off air", None)
    controls.pause(**who, why="", until=NOW + timedelta(minutes=5))
    assert eyebrow(chain) == ("Paused", NOW + timedelta(minutes=5))
    controls.set_draining(is_on=True, by="dina", why="", now=NOW)
    assert eyebrow(chain) == ("Draining", None)
    collection(PlatformSettings).update_one({}, {"$set": {"enable_lovense": False}})
    assert eyebrow(chain) == ("Switched off", None)
    stop.press(**who, why="", through="api")
    assert eyebrow(chain) == ("Stopped", None)


# --- the feed ----------------------------------------------------------------------------------------------


def test_each_row_is_of_one_kind_with_what_is_owed(chain, bob, who):
    chain.played(bob, 100)
    chain.played(bob, 100, seconds=7.5)
    chain.settled(bob, 5)
    chain.dispatch()
    owed.drain(now=NOW + 11 * SECOND, limit=9)
    rehearsal.switch(**who, is_on=True)
    rehearsal.send([100], **who, account="ana", key="k")
    drain(chain)
    rows = livefeed.of(live(chain, NOW + 12 * SECOND))
    assert sorted((row["kind"], row["owed"], row["tokens"]) for row in rows) == [
        ("not_played", 0.0, "5 tokens"),
        ("owed", 2.5, "100 tokens"),
        ("played", 0.0, "100 tokens"),
        ("test", 0.0, "100 tokens, rehearsal"),
    ]
    assert [row["is_under_way"] for row in rows if row["is_rehearsal"]] == [True]


def test_the_chip_says_how_much_is_owed_in_all_and_no_more_than_it_counts(chain, bob, monkeypatch):
    assert live(chain).owed_words == "Owed"
    for _ in range(2):
        chain.played(bob, 100, seconds=7.5)
    owed.drain(now=NOW + 30 * SECOND, limit=9)
    assert live(chain).feed_kinds[3] == ("owed", "Owed 2")
    monkeypatch.setattr(listing, "COUNTED", 2)
    assert live(chain).owed_words == "Owed 1+"


# --- before she goes on air --------------------------------------------------------------------------------


def test_each_check_has_its_state_and_the_one_button_that_helps(chain, who):
    found = {each["name"]: each for each in livechecks.of(live(chain))}
    assert found["holder"] == {
        "name": "holder",
        "state": "pass",
        "tone": "good",
        "words": "Your devices are held.",
        "action": None,
    }
    pages.release(chain.performer_id, channel="channel-1", now=NOW)
    controls.pause(**who, why="")
    found = {each["name"]: each for each in livechecks.of(live(chain))}
    assert (found["holder"]["state"], found["holder"]["action"]) == (
        "fault",
        {"label": "Go on air", "url": "/live/show/begin", "is_press": True},
    )
    assert (found["queue"]["state"], found["queue"]["action"]["url"]) == ("warn", "/live/resume")


def test_every_button_leads_somewhere():
    for label, name, _ in livechecks._HELPS.values():
        assert label
        assert livechecks.reverse(name)


# --- the waveform ------------------------------------------------------------------------------------------


def test_another_version_of_an_item_is_drawn_anew(chain, bob):
    chain.settled(bob, 100)
    before = livequeue.of(live(chain))["rows"][0]["bars"]
    steady = [MENU[1] | {"pattern": "level", "intensity": 3}]
    publishing.publish(chain.performer_id, steady, NOW - SECOND)
    chain.settled(bob, 100)
    found = {row["bars"] for row in livequeue.of(live(chain))["rows"]}
    assert found != {before}
    assert any(set(bars) == {3} for bars in found)


# --- what it costs -----------------------------------------------------------------------------------------

COMMANDS = {"stage": 12, "queue": 9, "feed": 2, "chips": 1, "checks": 7}


def of_part(name, shown):
    if name == "chips":
        return shown.feed_kinds
    {"stage": livestage, "queue": livequeue, "feed": livefeed, "checks": livechecks}[name].of(shown)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_part_costs_as_many_commands_with_much_as_with_little(chain, bob, name):
    counted = []
    for _ in range(2):
        for _ in range(6):
            chain.played(bob, 100)
        tip_id = chain.settled(bob, 100)
        drain(chain)
        chain.acknowledge(tip_id, "started")
        chain.settled(bob, 50)
        shown = live(chain)
        with recorded() as plans:
            of_part(name, shown)
        assert scans(plans) == []
        counted.append(len(plans))
        chain.acknowledge(tip_id, "finished", delivered_seconds=10)
        chain.dispatch()
    assert counted == [COMMANDS[name]] * 2


def test_the_queue_and_the_stage_of_one_page_share_what_they_read(chain, bob):
    chain.settled(bob, 100)
    shown = live(chain)
    livequeue.of(shown)
    with recorded() as plans:
        livestage.of(shown)
    assert {plan.collection for plan in plans} <= {"activations", "page_leases"}
