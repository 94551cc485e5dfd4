"""`STANDARD_LAN`: what her pages are told so that they can tell her toys themselves, and nobody else."""

import asyncio
import json
from pathlib import Path

import pytest

from ground import clock
from ground.mongodb.collections import collection
from lovense import bridges
from lovense.bridges import RunsIn, choosing, legs
from lovense.bridges.outcomes import CallOutcome
from lovense.deciding import shortfall
from lovense.devices import addresses, hosts, summary
from lovense.models import Activation, Device, Host, Performer
from lovense.owed import owing
from lovense.page import outcome
from lovense.sending import envelope, resume
from lovense.sockets.process import sockets
from lovense.stopping import presses, stop
from lovense.stopping.presses import Still, StillToy
from tests.chain import Chain
from tests.factories import NOW, fund
from tests.lovense.devices import apps, reports
from tests.lovense.page import Page
from tests.lovense.rounds import drain, hold
from tests.lovense.sockets import _nothing_runs_on, carols_token, chain, token

__all__ = ["_nothing_runs_on", "carols_token", "chain", "token"]
pytestmark = pytest.mark.django_db

SECRETS = ("uid-of-ana", "utoken-of-ana")
OWN = {
    "id": apps.HOST,
    "domain": apps.DOMAIN,
    "ports": {"http": 34567, "https": 34568, "ws": 34567, "wss": 34568},
}
LEVEL = {"command": "Function", "action": "Vibrate:5", "apiVer": 1}
SUMMARY = {"isConnected": True, "isEnabled": True, "functions": {"Vibrate": 20}, "maximumSeconds": None}


def told(*ids, host=apps.HOST):
    return [SUMMARY | {"toyId": each, "nickname": each, "hostId": host} for each in ids]


def paired(performer, *, now=None):
    """Her app has called back with two toys, and she has chosen her own network."""
    now = now or clock.now()
    choose(performer, "STANDARD_LAN", now)
    apps.opened(performer, now=now, expires_at=now + apps.FIFTEEN_MINUTES)
    apps.take(apps.call(apps.LUSH, apps.NORA), now=now)


def choose(performer, bridge, now):
    choosing.change(performer_id=performer.pk, changes={"bridge": bridge}, by="ana", now=now)


@pytest.fixture
def hers(ana):
    paired(ana)
    return ana


# --- legs --------------------------------------------------------------------------------------------------


def made(*commands, seconds=6, devices=None):
    bridge = bridges.known("STANDARD_LAN")
    return legs.for_page(bridge, commands, devices or told("a", "b"), seconds=seconds)


def test_it_runs_in_pages_with_a_lease_of_four_seconds():
    bridge = bridges.find("STANDARD_LAN")
    assert (bridge.runs_in, bridge.lease_seconds, bridge.can_stop) == (RunsIn.PAGE, 4, True)
    assert bridges.told_in_slices_by_pages() == {"STANDARD_LAN"}


def test_a_leg_has_ready_calls_for_each_slice():
    (leg,) = made(LEVEL | {"toy": ["a"], "timeSec": 6})
    call = LEVEL | {"toy": "a"}
    assert leg == {
        "toyId": "a",
        "hostId": apps.HOST,
        "promised": 6,
        "slices": [
            {"n": 0, "at": 0, "until": 3, "calls": [call | {"timeSec": 3}]},
            {"n": 1, "at": 2, "until": 6, "calls": [call | {"timeSec": 4}]},
        ],
    }


def lead(device, ms):
    return device | {"lead": ms}


def test_a_device_that_answers_later_is_told_first_and_the_others_to_the_millisecond_later():
    slow, other = told("a", "b")
    quick, late = made(LEVEL, devices=[other, lead(slow, 350)])
    assert [(leg["toyId"], leg.get("offsetMs")) for leg in (quick, late)] == [("b", 350), ("a", None)]
    assert [(each["at"], each["until"]) for each in late["slices"]] == [(0, 3), (2, 6)]
    assert [(each["at"], each["until"]) for each in quick["slices"]] == [(0.35, 3.35), (2.35, 6.35)]
    assert [each["calls"][0]["timeSec"] for each in quick["slices"]] == [3, 4]
    assert (quick["promised"], late["promised"]) == (6, 6)
    assert not any("askedMs" in leg for leg in (quick, late))


def test_by_whole_seconds_it_plays_less_and_ends_within_a_second_of_the_run():
    slow, other = told("a", "b")
    quick, _ = made(LEVEL, devices=[other, lead(slow, 1200)])
    assert (quick["offsetMs"], quick["promised"], quick["slices"][-1]["until"]) == (1200, 5, 6.2)


def test_what_a_short_run_cannot_keep_is_said():
    slow, other = told("a", "b")
    quick, _ = made(LEVEL, seconds=2, devices=[other, lead(slow, 1200)])
    assert (quick["offsetMs"], quick["askedMs"], quick["promised"]) == (200, 1200, 2)


def test_the_leads_of_those_that_are_told_count_and_no_others():
    slow, other = told("a", "b")
    assert made(LEVEL | {"toy": ["b"]}, devices=[other, lead(slow, 350)]) == made(
        LEVEL | {"toy": ["b"]}, devices=[other]
    )
    away = lead(slow, 350) | {"isConnected": False}
    assert made(LEVEL, devices=[other, away]) == made(LEVEL, devices=[other])


@pytest.mark.parametrize("seconds", range(2, 61))
def test_no_call_runs_longer_than_a_lease_and_a_second(seconds):
    calls = [call for leg in made(LEVEL, seconds=seconds) for each in leg["slices"] for call in each["calls"]]
    assert all(2 <= call["timeSec"] <= 5 for call in calls)


def test_a_command_that_names_nobody_is_for_all_that_can_be_told():
    away = told("c")[0] | {"isConnected": False}
    off = told("d")[0] | {"isEnabled": False}
    of_a_page = {name: value for name, value in told("e")[0].items() if name != "hostId"}
    devices = [*told("a", "b"), away, off, of_a_page]
    assert [leg["toyId"] for leg in made(LEVEL, devices=devices)] == ["a", "b"]


def test_the_longest_run_of_the_most_toys_is_no_message_that_cuts_its_page_off():
    pattern = {"command": "Pattern", "rule": "V:1;F:v;S:101#", "strength": ";".join(["20"] * 50), "apiVer": 2}
    found = made(pattern, seconds=3600, devices=told(*(f"toy-{number}" for number in range(20))))
    assert (len(found), sum(len(leg["slices"]) for leg in found)) == (16, 592)
    assert len(json.dumps(found)) < 256 * 1024  # docs/sockets.md: what a page may leave unread
    assert made(LEVEL, seconds=1800, devices=told("a"))[0]["promised"] == 1800


def test_what_is_kept_of_a_run_is_nobodys_to_change():
    made(LEVEL)[0]["slices"].clear()
    assert len(made(LEVEL)[0]["slices"]) == 2


# --- the message -------------------------------------------------------------------------------------------


def message(bob, performer):
    """`lovense.activate` as it is told again."""
    chain = Chain(performer)
    chain.publish_menu()
    hold(performer.pk)
    fund(bob, 10_000)
    chain.settled(bob, 100)
    drain()
    (command,) = resume.in_flight([performer.pk], before=clock.now(), leases={performer.pk: 1})
    return command.text


def test_the_message_of_a_page_that_tells_her_toys_itself_carries_the_legs(ana, bob):
    paired(ana, now=NOW)
    text = message(bob, ana)
    found = json.loads(text)
    assert [leg["toyId"] for leg in found["legs"]] == ["toy-1", "toy-2"]
    assert {leg["hostId"] for leg in found["legs"]} == {apps.HOST}
    assert not any(secret in text for secret in SECRETS)


def test_the_message_names_the_devices_and_says_how_they_are_told(ana, bob):
    paired(ana, now=NOW)
    found = json.loads(message(bob, ana))
    assert found["routing"]["targets"] == [
        {"target": "toy-1", "nickname": "Lush"},
        {"target": "toy-2", "nickname": "Nora"},
    ]
    (command,) = found["commands"]
    vibration = found["item"]["vibration"]
    assert (command["command"], vibration["type"]) == ("Pattern", "PATTERN")
    assert vibration["pattern"] == command["strength"]
    assert vibration["presetName"] == "fireworks"


def test_a_device_that_an_item_names_starts_as_much_later_as_it_says():
    devices = [{"device": "b", "offsetMs": 700}, {"device": "a", "offsetMs": 0}]
    activation = {"commands": [LEVEL], "item": {"devices": devices}, "promised_seconds": 6}
    performer = {"bridge": "STANDARD_LAN", "devices": told("a", "b")}
    first, second = envelope._legs(activation, performer)["legs"]
    assert (first.get("offsetMs", 0), second["offsetMs"]) == (0, 700)


def test_the_message_says_what_loops_and_ramps_make_of_a_level():
    item = {"pattern": "level", "intensity": 5, "durationSec": 2, "loops": 2}
    commands = [{"command": "Pattern", "strength": "5;5;0"}]
    activation = {"commands": commands, "promised_seconds": 5, "item": item}
    said = envelope._vibration(item, activation, {"bridge": "SIMULATOR"})
    assert (said["type"], said["pattern"]) == ("PATTERN", "5;5;0")


def test_the_message_for_one_virtual_device_is_as_it_was(ana, bob):
    reports.from_page(ana, reports.toy("v1", name="lush"), now=NOW)
    found = json.loads(message(bob, ana))
    assert found["routing"] == {"targets": [{"target": "all"}]}
    assert found["item"]["vibration"] == {
        "type": "PRESET",
        "strength": 16,
        "durationSec": 10,
        "presetName": "fireworks",
        "pattern": None,
    }
    assert "legs" not in found


@pytest.mark.parametrize("bridge", ["SIMULATOR", "STANDARD_SERVER"])
def test_every_other_message_is_byte_for_byte_what_it_was(ana, bob, bridge, monkeypatch):
    if bridge != "SIMULATOR":
        paired(ana, now=NOW)
        choose(ana, bridge, NOW)
    text = message(bob, ana)
    assert "legs" not in text
    monkeypatch.setattr(envelope, "_legs", lambda *_: {})
    (plain,) = resume.in_flight([ana.pk], before=clock.now(), leases={ana.pk: 1})
    assert plain.text == text


# --- what each device has played ---------------------------------------------------------------------------

PLAYED = {"toyId": "toy-1", "promised": 10, "deliveredSeconds": 10, "code": ""}
AWAY = {"toyId": "toy-2", "promised": 10, "deliveredSeconds": 4.0, "code": "not_connected"}


async def finished(chain, bob, token, *legs, seconds=10, code=""):
    """A run of 10 s that her page ends so; its row."""
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tip_id = await asyncio.to_thread(chain.settled, bob, 100)
        await asyncio.to_thread(drain, clock.now())
        command = await page.next()
        await page.acknowledge(command, "started")
        said = {"deliveredSeconds": seconds, "legs": list(legs)} | ({"code": code} if code else {})
        await page.acknowledge(command, "finished", **said)
        await page.done()
    return collection(Activation).find_one({"_id": f"{tip_id}.all"})


def of(row):
    return [(leg["nickname"], leg["outcome"], leg["delivered"], leg["code"]) for leg in row["legs"]]


async def test_a_run_that_one_device_fell_short_of_is_partial_and_owes_nothing(hers, chain, bob, token):
    row = await finished(chain, bob, token, PLAYED, AWAY)
    assert (row["status"], row["delivered_seconds"]) == ("completed", 10)
    assert of(row) == [("Lush", "played", 10.0, ""), ("Nora", "away", 4.0, "not_connected")]
    found = outcome.of(await asyncio.to_thread(Activation.objects.get, pk=row["_id"]))
    assert (found.word, found.tone) == ("Partial", "warn")
    assert found.text.endswith("played for 10 s. Nora was away: 4 of 10 s.")
    assert shortfall.lacking(row) == 0


@pytest.mark.parametrize(
    ("code", "cause"),
    [("not_connected", "disconnect"), ("unknown", "unknown"), ("missed", "missed")],
)
async def test_of_a_run_that_is_cut_short_the_longest_one_says_why(hers, chain, bob, token, code, cause):
    legs = [AWAY | {"deliveredSeconds": 1.0}, PLAYED | {"deliveredSeconds": 7.5, "code": code}]
    row = await finished(chain, bob, token, *legs, seconds=7.5, code="unknown")
    assert (shortfall.lacking(row), owing.cause_of(row)) == (25, cause)


async def test_nothing_is_believed_that_is_more_than_was_promised(hers, chain, bob, token):
    row = await finished(chain, bob, token, AWAY | {"deliveredSeconds": 3600}, AWAY | {"toyId": "$x"})
    assert of(row) == [("Nora", "played", 10.0, ""), ("$x", "away", 4.0, "not_connected")]


async def test_where_all_have_played_all_of_it_the_row_says_nothing_of_them(hers, chain, bob, token):
    assert (await finished(chain, bob, token)).get("legs") is None


# --- where her apps are ------------------------------------------------------------------------------------


async def test_her_pages_are_told_where_her_apps_are_also_those_that_watch(hers, token):
    async with Page(token=token) as page, Page(token=token, query="watch=1") as watching:
        for each in (page, watching):
            found = await each.next()
            assert (found["bridge"], found["hosts"]) == ("STANDARD_LAN", [OWN])
            assert {device["hostId"] for device in found["devices"]} == {apps.HOST}
            assert not any(secret in json.dumps(found) for secret in SECRETS)


async def test_nobody_else_is_told_and_no_page_on_another_path(hers, carol, token, carols_token):
    async with Page(token=carols_token) as page:
        assert apps.DOMAIN not in json.dumps(await page.next())
    await asyncio.to_thread(choose, hers, "STANDARD_SERVER", clock.now())
    async with Page(token=token, query="watch=1") as page:
        found = await page.next()
        assert "hosts" not in found
        assert apps.DOMAIN not in json.dumps(found)


async def test_an_address_that_changes_is_told_again(hers, token):
    async with Page(token=token) as page:
        await page.next()
        other = "10-0-0-7.lovense.club"
        call = apps.call(apps.LUSH, apps.NORA, domain=other)
        await asyncio.to_thread(apps.take, call, now=clock.now())
        await sockets.look_for_limits()
        found = await page.next()
        assert [host["domain"] for host in found["hosts"]] == [other]


def test_an_app_that_named_no_lawful_address_or_is_unpaired_is_not_told(hers):
    refused = apps.call(apps.LUSH, domain="evil.example.com")
    apps.take(refused, now=clock.now())
    assert hosts.addresses_of([hers.pk]) == {hers.pk: []}
    apps.take(apps.call(apps.LUSH), now=clock.now())
    assert hosts.addresses_of([hers.pk]) == {hers.pk: [OWN]}
    hosts.unpair(performer_id=hers.pk, host_id=apps.HOST, by="ana", now=clock.now())
    assert hosts.addresses_of([hers.pk]) == {hers.pk: []}


# --- summaries ---------------------------------------------------------------------------------------------


def test_a_summary_says_which_app_reaches_a_toy_and_a_virtual_one_has_none(hers):
    (lush, nora) = collection(Performer).find_one({"_id": hers.pk})["devices"]
    assert (lush["hostId"], nora["hostId"]) == (apps.HOST, apps.HOST)
    row = collection(Device).find_one({"performer_id": hers.pk}) | {"host_id": summary.PAGE}
    assert "hostId" not in summary.of_device(row)


def test_a_row_from_before_has_no_legs_and_is_completed_by_the_next_change(hers):
    old = [{k: v for k, v in each.items() if k != "hostId"} for each in told("toy-1")]
    collection(Performer).update_one({"_id": hers.pk}, {"$set": {"devices": old}})
    assert made(LEVEL, devices=old) == []
    choose(hers, "STANDARD_SERVER", clock.now())
    choose(hers, "STANDARD_LAN", clock.now())
    assert collection(Performer).find_one({"_id": hers.pk})["devices"][0]["hostId"] == apps.HOST


# --- pages -------------------------------------------------------------------------------------------------


def policy(client, path="/"):
    parts = client.get(path)["Content-Security-Policy"].split(";")
    (found,) = [part.strip() for part in parts if part.strip().startswith("connect-src")]
    return found.split()[1:]


def test_only_her_live_page_on_this_path_may_call_the_vendors_names(client, hers, carol):
    client.force_login(hers.user)
    own = ["'self'", "https://*.lovense.club:*", "http://192.168.1.44:34567"]
    assert policy(client) == own
    assert policy(client, "/devices") == ["'self'"]
    choose(hers, "STANDARD_SERVER", clock.now())
    assert policy(client) == ["'self'"]
    client.force_login(carol.user)
    assert policy(client) == ["'self'"]
    client.logout()
    assert policy(client, "/login") == ["'self'"]


def test_no_secret_of_an_app_reaches_any_page_of_hers(client, hers):
    client.force_login(hers.user)
    collection(Host).update_one({"_id": apps.HOST}, {"$set": {"uid": "canary-uid"}})
    hashed = collection(Host).find_one({"_id": apps.HOST})["utoken_hash"]
    for path in ("/", "/devices", "/?region=devices", "/devices?region=hosts"):
        shown = client.get(path, headers={"HX-Request": "true"} if "?" in path else {})
        text = shown.content.decode() + str(shown.headers)
        assert not any(word in text for word in ("canary-uid", hashed, *SECRETS)), path


def test_the_live_page_offers_the_server_only_where_the_site_does(client, hers, settings):
    client.force_login(hers.user)
    assert "this server tell your toys" in client.get("/").content.decode()
    settings.LOVENSE_BRIDGES = ["STANDARD_LAN"]
    assert "this server tell your toys" not in client.get("/").content.decode()


def test_the_same_address_without_its_name():
    where = addresses.Address("192-168-1-44.lovense.club", {"http": 1234, "https": 1})
    assert addresses.local_http(where) == "http://192.168.1.44:1234"
    assert addresses.local_http(addresses.Address("10.0.0.1.lovense.club", {"https": 1})) == ""
    assert addresses.local_http(addresses.Address()) == ""


# --- what a page says after her stop -----------------------------------------------------------------------


def test_a_toy_that_was_not_reached_is_no_silence_and_is_told_again():
    unreached = Still(1, (StillToy("a", 12.0, "accepted"), StillToy("b", None, "unreachable")))
    assert not unreached.is_confirmed
    assert Still(1, (StillToy("a", 12.0, "accepted"),)).is_confirmed
    assert Still(1, ()).is_confirmed


def test_of_a_toy_that_was_not_reached_nothing_is_recorded_until_it_is(hers):
    who = {"performer_id": hers.pk, "by": "ana", "now": clock.now()}
    stop.press(**who, why="", through="api")
    said = {"performer_id": hers.pk, "page_id": "p", "now": clock.now()}
    presses.answered(Still(1, (StillToy("toy-1", None, "unreachable"),)), **said)
    assert presses.of_epoch(hers.pk, 1) == []
    presses.answered(Still(1, (StillToy("toy-1", 40.0, "accepted"),)), **said)
    assert [each["ms"] for each in presses.of_epoch(hers.pk, 1)] == [40.0]


def test_every_outcome_is_known_to_the_page():
    source = (Path(__file__).parents[2] / "static/js/outcomes.js").read_text(encoding="utf-8")
    assert [each for each in CallOutcome if f'"{each.value}"' not in source] == []


def test_nothing_of_a_page_calls_anybody_but_through_the_bridge():
    """`fetch` goes to our own origin, or is the bridge's, behind the last hop."""
    folder = Path(__file__).parents[2] / "static/js"
    calling = {
        each.relative_to(folder).as_posix() for each in folder.rglob("*.js") if "fetch(" in each.read_text()
    }
    of_staff = {"asking.js", "ui/records.js", "when.js"}
    assert calling - of_staff == {"stopbar.js", "tick.js", "bridges/lan.js"}
