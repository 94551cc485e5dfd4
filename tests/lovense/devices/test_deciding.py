"""What her devices mean for a tip: it waits for one that can play, plays within its limits on those that may,
and says what the gates saw."""

from datetime import timedelta

import pytest

from ground.json import fields
from ground.mongodb.collections import collection
from lovense.devices import choices
from lovense.devices.choices import Choice
from lovense.models import Performer
from tests.chain import Chain
from tests.factories import NOW, fund
from tests.ground.plans import recorded
from tests.lovense.conftest import activation_of, request_of, state
from tests.lovense.devices.reports import from_host, from_page, toy
from tests.lovense.rounds import drain, expire_offline, hold

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture
def chain(ana, bob):
    """Her page holds the devices and has reported none."""
    made = Chain(ana)
    made.publish_menu()
    hold(ana.pk)
    fund(bob, 10_000)
    return made


def choose(performer, toy_id, **said):
    choices.change(
        performer_id=performer.pk,
        device_id=f"{performer.pk}.{toy_id}",
        choice=Choice(fields.Fields(said, "")),
        by="ana",
        now=NOW,
    )


def gate(tip_id, name):
    return next(
        ((row["passed"], row["saw"]) for row in activation_of(tip_id)["gates"] if row["gate"] == name), None
    )


def decided(chain, bob, amount=100):
    tip_id = chain.settled(bob, amount)
    drain()
    return tip_id, activation_of(tip_id)


def test_until_a_device_is_reported_the_page_is_all_there_is_to_know(chain, bob):
    tip_id, row = decided(chain, bob)
    assert row["status"] == "dispatched"
    assert gate(tip_id, "device_online") == (True, "a page holds the devices")
    assert gate(tip_id, "capability") is None


def test_the_gates_say_by_nickname_who_is_there_and_who_can(chain, ana, bob):
    from_page(ana, toy("a", name="lush"), toy("b", name="nora"), toy("c", name="solace"), now=NOW)
    tip_id, row = decided(chain, bob)
    assert row["status"] == "dispatched"
    assert gate(tip_id, "device_online") == (True, "Lush, Nora, Solace")
    assert gate(tip_id, "capability") == (True, "Vibrate: Lush, Nora")


def test_a_tip_waits_for_a_device_and_plays_when_it_is_back(chain, ana, bob):
    from_page(ana, toy(status=0), now=NOW)
    tip_id = chain.settled(bob, 100)
    drain()
    assert request_of(tip_id)["status"] == "pending"
    from_page(ana, toy(status=1), now=NOW + SECOND)
    drain(NOW + SECOND)
    assert state(tip_id) == ("dispatched", "claimed")


def test_a_tip_does_not_wait_for_a_device_for_ever(chain, ana, bob, settings):
    from_page(ana, toy(status=0), now=NOW)
    tip_id = chain.settled(bob, 100)
    fresh = timedelta(seconds=settings.TIP_FRESH_SECONDS)
    hold(ana.pk, now=NOW + fresh)
    assert expire_offline(NOW + fresh - SECOND) == 0
    assert expire_offline(NOW + fresh) == 1
    assert (state(tip_id)[0], activation_of(tip_id)["reason"]) == ("expired", "device_offline")
    assert gate(tip_id, "device_online") == (False, "Lush is disconnected")


def test_a_device_that_came_back_in_between_is_away_anew(chain, ana, bob, settings):
    fresh = timedelta(seconds=settings.TIP_FRESH_SECONDS)
    for status, at in ((0, NOW), (1, NOW + fresh / 2), (0, NOW + fresh / 2 + SECOND)):
        from_page(ana, toy(status=status), now=at)
    chain.settled(bob, 100)
    assert expire_offline(NOW + fresh) == 0
    assert collection(Performer).find_one({"_id": ana.pk})["devices_away_at"] == NOW + fresh / 2 + SECOND


def test_what_none_of_those_that_are_there_can_play_is_skipped_at_once(chain, ana, bob):
    from_page(ana, toy(name="solace"), toy("b", name="lush", status=0), now=NOW)
    tip_id, row = decided(chain, bob)
    assert (row["status"], row["reason"]) == ("skipped", "unsupported")
    assert gate(tip_id, "capability") == (False, "Thrusting: none of Solace")


def test_the_strictest_limit_of_those_that_play_binds_all_of_them(chain, ana, bob):
    from_page(ana, toy("a", name="lush"), toy("b", name="nora"), now=NOW)
    choose(ana, "a", maximumSeconds=4)
    choose(ana, "b", functions={"Vibrate": {"cap": 3}})
    tip_id, row = decided(chain, bob, 50)
    assert row["promised_seconds"] == 4
    assert max(map(int, row["commands"][0]["strength"].split(";"))) == 3
    assert gate(tip_id, "caps") == (True, "4 s of at most 4 s, intensity at most 3")


def test_the_limit_of_one_that_is_away_binds_nobody(chain, ana, bob):
    from_page(ana, toy("a", name="lush"), toy("b", name="nora", status=0), now=NOW)
    choose(ana, "b", maximumSeconds=2)
    assert decided(chain, bob, 50)[1]["promised_seconds"] == 6


def test_where_all_that_are_connected_play_the_command_names_nobody(chain, ana, bob):
    from_page(ana, toy("a", name="lush"), toy("b", name="nora", status=0), now=NOW)
    assert "toy" not in decided(chain, bob)[1]["commands"][0]


def test_a_device_that_is_switched_off_is_not_moved(chain, ana, bob):
    from_page(ana, toy("a", name="lush"), toy("b", name="nora"), toy("c", name="solace"), now=NOW)
    choose(ana, "b", enabled=False)
    assert decided(chain, bob)[1]["commands"][0]["toy"] == ["a"]


def told(chain, bob, amount=50):
    """To whom which strongest level is told; nobody named: everybody."""
    commands = decided(chain, bob, amount)[1]["commands"]
    return {tuple(each.get("toy", ())): max(map(int, each["strength"].split(";"))) for each in commands}


def test_devices_that_are_set_alike_are_told_together_and_nobody_is_named(chain, ana, bob):
    from_page(ana, toy("a", name="lush"), toy("b", name="nora"), now=NOW)
    for toy_id in "ab":
        choose(ana, toy_id, scalePercent=50)
    assert told(chain, bob) == {(): 4}


def test_devices_that_are_set_differently_are_told_their_own_levels(chain, ana, bob):
    from_page(ana, toy("a", name="lush"), toy("b", name="nora"), toy("c", name="max"), now=NOW)
    choose(ana, "b", scalePercent=50)
    assert told(chain, bob) == {("a", "c"): 8, ("b",): 4}


def test_a_floor_lifts_what_moves_and_the_strictest_cap_wins(chain, ana, bob):
    from_page(ana, toy("a", name="lush"), toy("b", name="nora"), now=NOW)
    choose(ana, "b", scalePercent=10, functions={"Vibrate": {"floor": 7}})
    choose(ana, "a", functions={"Vibrate": {"cap": 5}})
    _, row = decided(chain, bob, 50)
    ones, others = ([int(level) for level in each["strength"].split(";")] for each in row["commands"])
    assert max(ones) == 5
    assert set(others) == {5}
    assert [each["toy"] for each in row["commands"]] == [["a"], ["b"]]
    assert {each["timeSec"] for each in row["commands"]} == {row["promised_seconds"]}


def test_without_such_settings_every_byte_is_as_it_was(chain, ana, bob):
    from_page(ana, toy("a", name="lush"), toy("b", name="nora"), now=NOW)
    choose(ana, "a", scalePercent=50, leadMs=100, functions={"Vibrate": {"floor": 3}})
    choose(ana, "a", scalePercent=100, leadMs=0, functions={"Vibrate": {"floor": 0}})
    values = "1;2;4;5;6;7;8;7;6;5;4;2"
    pattern = {"command": "Pattern", "rule": "V:1;F:v;S:200#", "strength": values, "timeSec": 6, "apiVer": 2}
    assert decided(chain, bob, 50)[1]["commands"] == [pattern]
    summary = collection(Performer).find_one({"_id": ana.pk})["devices"][0]
    named = {"toyId", "nickname", "type"}
    assert set(summary) == named | {"isConnected", "isEnabled", "functions", "maximumSeconds"}


def test_in_rehearsal_the_toys_of_a_paired_app_neither_help_nor_hinder(chain, ana, bob):
    from_host(ana, "a" * 24, toy("phone"), now=NOW)
    tip_id, _ = decided(chain, bob)
    assert gate(tip_id, "device_online") == (True, "a page holds the devices")
    chain.acknowledge(tip_id, "finished", delivered_seconds=1)
    from_page(ana, toy("page", status=0), now=NOW)
    waits = chain.settled(bob, 100)
    drain()
    assert request_of(waits)["status"] == "pending"


def test_with_all_of_them_switched_off_a_tip_waits(chain, ana, bob):
    from_page(ana, toy(), now=NOW)
    choose(ana, "toy-1", enabled=False)
    tip_id = chain.settled(bob, 100)
    drain()
    assert request_of(tip_id)["status"] == "pending"


def test_devices_cost_a_round_no_command(chain, ana, bob):
    def commands(of):
        tip_id = chain.settled(bob, 100)
        with recorded() as plans:
            drain()
        chain.acknowledge(tip_id, "finished", delivered_seconds=1)
        return [(each.command, each.collection) for each in plans]

    commands(of="menus that are read for the first time")
    before = commands(of="a page")
    from_page(ana, toy("a"), toy("b", name="nora"), now=NOW)
    assert commands(of="devices") == before
