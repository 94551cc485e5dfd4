"""`EXTENSION`: a tip is handed over whole and once, within all that binds a tip; what it does the extension
decides, and nobody invents what it played."""

import itertools
import json

import pytest
from django.test import Client

from ground import clock
from ground.mongodb.collections import collection
from lovense import bridges
from lovense.bridges import CallAnswer, CallOutcome, DeviceLeg, RunsIn, extension, extensionlevels, slices
from lovense.bridges.choosing import NoSiteName
from lovense.deciding import platform
from lovense.deciding.activation import activation_id
from lovense.devices import summary
from lovense.lane import devicetests
from lovense.models import Activation, Performer
from lovense.owed import listing
from lovense.page import outcome
from lovense.sending import acknowledgement, leases, resume
from lovense.stopping import stop
from tests.factories import NOW, token_of
from tests.ground.conftest import in_threads
from tests.lovense.bridges.stage import LUSH, SETTINGS, chain, choose, decided, hers, named, says
from tests.lovense.conftest import activation_of, request_of, seconds, state
from tests.lovense.devices import apps
from tests.lovense.owed.rest import adds_up, keep
from tests.lovense.rounds import drain, hold

__all__ = ["chain", "hers", "in_threads"]
pytestmark = pytest.mark.django_db

OWN = "the extension's own levels decide"


def row_of(performer):
    return collection(Performer).find_one({"_id": performer.pk})


def told_of(row):
    """The command of an activation, without its moment."""
    (command,) = row["commands"]
    return {name: value for name, value in command.items() if name != "decidedAt"}


def words(tip_id):
    found = outcome.of(Activation.objects.get(tip_id=tip_id))
    return found.word, found.text


# --- what a bridge promises --------------------------------------------------------------------------------


def test_it_runs_in_pages_tells_no_device_anything_and_stops_nothing():
    bridge = bridges.find("EXTENSION")
    leg, window = DeviceLeg("a", ({"command": "Function"},)), slices.windows(4, 9)[0]
    assert (bridge.runs_in, bridge.lease_seconds, bridge.can_stop) == (RunsIn.PAGE, 0, False)
    assert (bridge.encode(leg, window), bridge.stop(["a"]), bridge.stop(())) == ([], [], [])
    assert bridge.capabilities({}) == {}
    assert bridge.outcome(CallAnswer(200, b"")) is CallOutcome.UNKNOWN


def test_no_other_path_has_levels_of_its_own():
    assert {name for name in bridges.names() if bridges.own_levels(name)} == {"EXTENSION"}


def test_it_reads_toys_in_any_shape_each_by_itself():
    bridge = bridges.find("EXTENSION")
    shapes = ([LUSH], LUSH, {"ext-1": LUSH}, json.dumps([LUSH]), [LUSH, 7, None, {"name": "no id"}])
    for shape in shapes:
        (toy,) = bridge.read_status({"toys": shape}).kept
        assert (toy.toy_id, toy.is_connected, toy.battery) == ("ext-1", True, 88)
    for shape in (None, "none", 7, [], {}, "{"):
        assert bridge.read_status({"toys": shape}).kept == ()


@pytest.mark.parametrize("status", ["off", "0", None, "sleeping", {}])
def test_a_toy_that_is_not_on_is_off(hers, status):
    says(hers, toys=[LUSH | {"status": status}])
    assert row_of(hers)["devices"][0]["isConnected"] is False


# --- its settings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "name", "length"),
    [
        (1, "level1", 2),
        (10, "level2", 5),
        (99, "level2", 5),
        (50, "earthquake", 15),  # a special command's exact amount comes before the level around it
        (60, "level2", 5),  # one that is switched off is not there
        (100, "level3", 10),
        (502, "clear", 0),
        (500, None, None),
    ],
)
def test_a_special_command_answers_its_exact_amount_else_the_level_that_contains_it(
    hers, amount, name, length
):
    found = extension.answering(row_of(hers)["extension"], amount)
    assert (found and found["name"], found and found["seconds"]) == (name, length)


def test_settings_are_kept_with_their_time_and_normalised(hers):
    told = row_of(hers)["extension"]
    assert (told["settingsAt"], told["unread"]) == ("2026-01-03T04:15:00.000Z", 0)
    assert told["levels"][-2] == {
        "name": "level3",
        "special": "",
        "minimum": 100,
        "maximum": 499,
        "seconds": 10,
        "vibration": 14,
        "rotation": 0,
    }
    assert says(hers, now=NOW + seconds(60)) is False  # nothing of it is new
    changed = {"levels": {"level1": {"min": 1, "max": 5, "time": 3, "vLevel": 20}}}
    assert says(hers, settings=changed, now=NOW + seconds(60))
    assert row_of(hers)["extension"]["settingsAt"] == "2026-01-03T04:16:00.000Z"


@pytest.mark.parametrize(
    ("shape", "levels", "unread"),
    [
        (json.dumps(SETTINGS), 6, 0),
        ({"levels": list(SETTINGS["levels"].values())}, 4, 0),
        ({"levels": json.dumps(SETTINGS["levels"]), "special": json.dumps(SETTINGS["special"])}, 6, 0),
        ({"levels": {"level1": 7, "level2": {"min": 9, "max": 1}, "level3": {"min": "x", "max": 3}}}, 0, 3),
        ({"levels": {"level1": {"min": True, "max": 3}}, "special": {"a": [1]}}, 0, 2),
        ({"special": {"giveControl": {"time": 5, "tokensBegin": "70", "tokensEnd": 80}}}, 1, 0),
        ({"special": {"randomTime": {"tokens": 90, "minTime": 1, "maxTime": 9, "level": 12}}}, 1, 0),
        ({"levels": None, "special": "{"}, 0, 0),
        (7, 0, 1),
        ("nonsense", 0, 1),
        ([], 0, 1),
    ],
)
def test_settings_of_any_shape_are_read_as_far_as_they_can_be(shape, levels, unread):
    found = extensionlevels.read(shape)
    assert (len(found[0]), found[1]) == (levels, unread)


def test_nothing_of_another_path_is_reported(ana):
    assert says(ana) is False
    assert row_of(ana)["extension"] is None


def test_its_toys_are_there_while_it_is_ready_and_its_levels_stay(hers):
    assert [each["nickname"] for each in row_of(hers)["devices"]] == ["Lush"]
    says(hers, "silent", settings=None)
    row = row_of(hers)
    assert (row["devices"], row["devices_away_at"], len(row["extension"]["levels"])) == ([], NOW, 6)


def test_an_app_that_calls_back_meanwhile_changes_nothing_of_what_plays(hers):
    apps.opened(hers)
    before = row_of(hers)["devices"]
    apps.take(apps.call(apps.LUSH, apps.NORA), now=NOW)
    assert row_of(hers)["devices"] == before
    choose(hers, "STANDARD_LAN")
    assert len(row_of(hers)["devices"]) == 2


# --- choosing it -------------------------------------------------------------------------------------------


def test_without_the_sites_name_it_cannot_be_chosen_and_the_error_names_the_setting(ana):
    with pytest.raises(NoSiteName, match="cam_site_name"):
        choose(ana)
    headers = {"Authorization": f"Token {token_of(ana.user)}"}
    answer = Client().put(
        "/api/lovense/preferences",
        {"bridge": "EXTENSION"},
        content_type="application/json",
        headers=headers,
    )
    assert (answer.status_code, answer.json()["error"]["details"]) == (409, {"setting": "cam_site_name"})
    assert row_of(ana)["bridge"] == "SIMULATOR"
    named()
    choose(ana)
    assert row_of(ana)["bridge"] == "EXTENSION"


def test_tips_wait_for_its_first_toy(ana, bob, chain):
    says(ana, "loading", settings=None)
    tip_id = chain.settled(bob, 100)
    drain()
    assert activation_of(tip_id) is None
    says(ana)
    drain()
    assert activation_of(tip_id)["status"] == "dispatched"


def test_tips_do_not_wait_for_it_for_ever(hers, bob, chain):
    choose(hers, "SIMULATOR")
    choose(hers, now=NOW)
    says(hers, "silent", settings=None)
    tip_id = chain.settled(bob, 100)
    hold(hers.pk, now=NOW + seconds(1))
    leases.expire_offline(now=NOW + seconds(901), limit=9)
    assert (activation_of(tip_id)["status"], activation_of(tip_id)["reason"]) == ("expired", "device_offline")


# --- what is handed over -----------------------------------------------------------------------------------


def test_a_tip_is_handed_over_with_its_gross_amount_and_its_name(chain, bob):
    row = decided(chain, bob, 150)
    assert (row["status"], row["promised_seconds"]) == ("dispatched", 10)
    assert told_of(row) == {"command": "ReceiveTip", "amount": 150, "name": "bob"}
    (command,) = row["commands"]
    assert command["decidedAt"] == "2026-01-03T04:15:00.000Z"


def test_an_anonymous_tip_is_handed_over_as_anonymous(chain, bob):
    row = decided(chain, bob, 150, isAnonymous=True)
    assert told_of(row)["name"] == "Anonymous"
    assert "bob" not in json.dumps([row["commands"], row["item"]])


def test_an_amount_that_the_menu_does_not_answer_is_handed_over_all_the_same(chain, bob):
    row = decided(chain, bob, 101)
    gates = {gate["gate"]: (gate["passed"], gate["saw"]) for gate in row["gates"]}
    assert gates["menu_match"] == gates["menu"] == (True, OWN)
    assert (row["status"], row["item"]["title"]) == ("dispatched", "Extension: level 3")


def test_an_amount_that_no_level_answers_promises_nothing_that_is_known(chain, bob):
    row = decided(chain, bob, 555)
    assert (row["status"], row["promised_seconds"]) == ("dispatched", 0)
    assert told_of(row)["amount"] == 555


def test_all_that_binds_a_tip_is_asked_in_its_order(chain, bob):
    row = decided(chain, bob, 150)
    asked = [gate["gate"] for gate in row["gates"]]
    assert asked == [
        *("signature", "duplicate", "settled", "kill_switch", "fresh", "performer", "minimum"),
        *("menu", "menu_match", "device_online", "capability", "caps", "rate_limit", "paused"),
        "stop_epoch",
    ]


@pytest.mark.parametrize(
    ("bind", "status", "reason"),
    [
        (lambda hers: platform.change(key="minimum_tip", value="200", by="d", now=NOW), "skipped", "minimum"),
        (
            lambda hers: platform.change(key="enable_lovense", value="no", by="d", now=NOW),
            "skipped",
            "switch",
        ),
    ],
)
def test_the_kill_switch_and_the_minimum_bind(hers, chain, bob, bind, status, reason):
    bind(hers)
    row = decided(chain, bob, 150)
    assert (row["status"], reason in row["reason"], row["commands"]) == (status, True, [])


def test_a_tip_that_settles_too_late_is_not_handed_over(chain, bob):
    row = decided(chain, bob, 150, createdAt="2026-01-03T03:00:00.000Z")
    assert (row["status"], row["reason"], row["commands"]) == ("expired", "too_late", [])


def test_a_stop_and_a_pause_hold_it(hers, chain, bob):
    stop.press(performer_id=hers.pk, by="ana", why="", through="api", now=NOW)
    assert decided(chain, bob, 150) is None
    stop.resume(performer_id=hers.pk, by="ana", now=NOW)
    collection(Performer).update_one({}, {"$set": {"paused_at": NOW, "paused_until": None}})
    tip_id = chain.settled(bob, 151)
    drain()
    assert activation_of(tip_id) is None


def test_in_batches_each_tip_is_handed_over_by_itself(hers, chain, bob):
    platform.change(key="queue_mode", value="batch", by="dina", now=NOW)
    tips = [chain.settled(bob, 150) for _ in range(3)]
    drain(NOW + seconds(2))
    rows = [activation_of(tip_id) for tip_id in tips]
    assert [row and row["status"] for row in rows] == ["dispatched", None, None]
    assert not rows[0].get("members")


def test_what_is_no_tip_is_not_handed_over(hers, chain):
    body = {"type": "lovense.test", "amount": 150}
    headers = {"Authorization": f"Token {token_of(hers.user)}"}
    answer = Client().post(
        "/api/performance-queue/submit", body, content_type="application/json", headers=headers
    )
    now = clock.now()
    hold(hers.pk, now=now)
    drain(now)
    row = collection(Activation).find_one({"request_id": answer.json()["requestId"]})
    assert (row["status"], row["reason"], row["commands"]) == ("skipped", "unsupported", [])


def test_a_refused_tip_is_decided_anew_on_the_path_that_she_has_then(hers, chain, bob):
    tip_id = decided(chain, bob, 100)["tip_id"]
    chain.acknowledge(tip_id, "failed", code="unreachable")
    assert state(tip_id) == ("queued", "pending")
    choose(hers, "SIMULATOR")
    chain.hold()
    drain(NOW + seconds(2))
    row = activation_of(tip_id)
    assert (row["status"], row["item"]["title"], row.get("is_measured")) == ("dispatched", "Fireworks", None)


def test_what_may_have_been_handed_over_is_told_to_no_other_path(hers, chain, bob):
    tip_id = decided(chain, bob, 100)["tip_id"]
    choose(hers, "SIMULATOR")
    chain.acknowledge(tip_id, "failed", code="bad_command")  # what the last hop of any other page says of it
    assert activation_of(tip_id)["status"] == "failed"
    assert words(tip_id)[1].startswith("It may have been handed over to the extension before")


def test_before_any_page_has_said_anything_of_it_the_page_is_all_there_is_to_know(hers, chain, bob):
    collection(Performer).update_one({}, {"$set": {"devices": None, "extension": None}})
    row = decided(chain, bob, 100)
    assert (row["status"], row["promised_seconds"]) == ("dispatched", 0)


def test_the_message_says_whose_levels_decide_and_names_no_secret(hers, chain, bob):
    decided(chain, bob, 150)
    (command,) = resume.in_flight([hers.pk], before=NOW + seconds(1), leases={hers.pk: 1})
    found = json.loads(command.text)
    assert (found["item"]["itemType"], found["durationSec"], "legs" in found) == ("extension", 10, False)
    assert found["model"]["lovenseMode"] == "EXTENSION"


# --- how it ends -------------------------------------------------------------------------------------------


def handed(chain, bob, amount=150):
    tip_id = decided(chain, bob, amount)["tip_id"]
    chain.acknowledge(tip_id, "received")
    chain.acknowledge(tip_id, "started", later=seconds(1))
    return tip_id


def nothing_is_owed(tip_id):
    keep(NOW + seconds(60))
    return listing.of([activation_id(tip_id)]) == {} and adds_up()


def test_without_news_of_it_it_is_completed_and_was_not_measured(chain, bob):
    tip_id = handed(chain, bob)
    chain.acknowledge(tip_id, "finished", later=seconds(12))
    row = activation_of(tip_id)
    assert (row["status"], row["delivered_seconds"], state(tip_id)[1]) == ("completed", None, "completed")
    assert words(tip_id) == (
        "Handed over",
        "“Extension: level 3” was handed over to the extension, for 10 s; what it played was not measured.",
    )
    assert nothing_is_owed(tip_id)


def test_what_the_extension_tells_of_its_end_counts(chain, bob):
    tip_id = handed(chain, bob)
    chain.acknowledge(tip_id, "finished", later=seconds(12), delivered_seconds=10)
    assert words(tip_id) == ("Completed", "“Extension: level 3” played for 10 s.")
    assert nothing_is_owed(tip_id)


def test_a_page_that_falls_silent_after_it_handed_a_tip_over_leaves_it_completed(chain, bob):
    tip_id = handed(chain, bob)
    leases.expire(now=NOW + seconds(30), limit=9)
    leases.expire(now=NOW + seconds(60), limit=9)
    row = activation_of(tip_id)
    assert (row["status"], row["delivered_seconds"], request_of(tip_id)["status"]) == (
        "completed",
        None,
        "completed",
    )
    assert nothing_is_owed(tip_id)


def test_a_page_that_falls_silent_before_it_said_so_leaves_it_unconfirmed_and_it_is_not_repeated(chain, bob):
    tip_id = decided(chain, bob, 150)["tip_id"]
    chain.acknowledge(tip_id, "received")
    leases.expire(now=NOW + seconds(30), limit=9)
    assert activation_of(tip_id)["status"] == "timeout"
    drain(NOW + seconds(3))
    assert activation_of(tip_id)["attempt"] == 1
    assert nothing_is_owed(tip_id)


def test_one_that_may_have_been_handed_over_before_fails_for_good(chain, bob):
    tip_id = decided(chain, bob, 150)["tip_id"]
    chain.acknowledge(tip_id, "failed", code="handed_over_before")
    assert (activation_of(tip_id)["status"], request_of(tip_id)["status"]) == ("failed", "failed")
    assert words(tip_id)[1].startswith("It may have been handed over to the extension before")
    assert nothing_is_owed(tip_id)


def test_her_stop_says_that_the_extension_may_have_played_on(hers, chain, bob):
    tip_id = handed(chain, bob)
    stop.press(performer_id=hers.pk, by="ana", why="", through="api", now=NOW + seconds(2))
    key = activation_id(tip_id)
    said = acknowledgement.Ack(hers.pk, key, 1, "finished", NOW + seconds(3), code="stopped")
    acknowledgement.acknowledge([said])
    assert activation_of(tip_id)["status"] == "failed"
    assert "cannot be stopped from here" in words(tip_id)[1]
    assert nothing_is_owed(tip_id)


def test_of_an_unknown_length_it_ends_as_any(chain, bob):
    tip_id = handed(chain, bob, 555)
    chain.acknowledge(tip_id, "finished", later=seconds(3))
    assert activation_of(tip_id)["status"] == "completed"
    assert "for a time that it has not told" in words(tip_id)[1]
    assert nothing_is_owed(tip_id)


# --- what is not here --------------------------------------------------------------------------------------


def test_the_test_of_a_device_is_refused_here(hers):
    apps.opened(hers)
    apps.take(apps.call(apps.LUSH), now=NOW)
    answer = Client().post(
        f"/api/lovense/devices/{hers.pk}.toy-1/test",
        {},
        content_type="application/json",
        headers={"Authorization": f"Token {token_of(hers.user)}"},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "cannot_test_here")
    assert answer.json()["error"]["message"] == devicetests.CannotTestHere.words


def test_stop_says_how_to_stop_it_by_hand_over_every_door(hers, client):
    headers = {"Authorization": f"Token {token_of(hers.user)}"}
    assert Client().post("/api/lovense/stop", headers=headers).json()["byHand"] == extension.CANNOT_STOP
    client.force_login(hers.user)
    said = client.post("/live/stop", headers={"HX-Request": "true"})["HX-Trigger"]
    assert extension.CANNOT_STOP in json.loads(said)["said"]["text"]
    assert extension.CANNOT_STOP in client.get("/").content.decode()
    assert extension.CANNOT_STOP in client.get("/devices").content.decode()


def test_on_every_other_path_stop_needs_no_hand(ana, client):
    headers = {"Authorization": f"Token {token_of(ana.user)}"}
    assert "byHand" not in Client().post("/api/lovense/stop", headers=headers).json()
    client.force_login(ana.user)
    assert extension.CANNOT_STOP not in client.get("/").content.decode()


# --- at once -----------------------------------------------------------------------------------------------


def test_what_is_said_at_once_leaves_her_row_whole(hers, in_threads):
    """Her page and her app, both of which change what decisions know of her devices."""
    apps.opened(hers)
    places = itertools.count()

    def said():
        place = next(places)
        if place % 2:
            apps.take(apps.call(apps.LUSH | {"status": place % 4 // 2}, apps.NORA), now=NOW + seconds(place))
        else:
            toys = [LUSH, LUSH | {"id": f"ext-{place}"}]
            says(hers, toys=toys, settings=None, now=NOW + seconds(place))

    in_threads(said, times=8)
    row = row_of(hers)
    assert row["devices"] == summary.of_extension(row)
    assert len(row["devices"]) == 2
    assert len(row["extension"]["levels"]) == 6
