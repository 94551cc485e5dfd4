"""Her pages on `EXTENSION`: whose script they may load, what they may say of her extension, and to whom that
belongs."""

import asyncio
import os
import subprocess
import sys

import pytest
from django.core.checks import run_checks

from ground.mongodb.collections import collection
from lovense.bridges import extension
from lovense.devices import checks
from lovense.lane import controls
from lovense.models import Activation, Performer
from tests.factories import NOW
from tests.lovense.bridges.stage import LUSH, SETTINGS, chain, choose, decided, hers, named
from tests.lovense.page import Page
from tests.lovense.sockets import _nothing_runs_on, carols_token, token

__all__ = ["_nothing_runs_on", "carols_token", "chain", "hers", "token"]
pytestmark = pytest.mark.django_db

SCRIPT = "http://127.0.0.1:8791/cam-extension/static/js-sdk/broadcast.js"
HOST = "http://127.0.0.1:8791"
SAID = {"type": "extension", "state": "ready", "toys": [LUSH], "settings": SETTINGS, "version": "30.4.4"}


def policy(client, path="/"):
    parts = client.get(path)["Content-Security-Policy"].split(";")
    found = [part.split() for part in parts]
    return {name: rest for name, *rest in found if name in ("script-src", "connect-src")}


def told_of(performer):
    return collection(Performer).find_one({"_id": performer.pk}).get("extension")


# --- whose script ------------------------------------------------------------------------------------------


def test_only_her_live_page_on_this_path_may_load_the_vendors_script(client, hers, carol):
    client.force_login(hers.user)
    assert policy(client) == {"script-src": ["'self'", HOST], "connect-src": ["'self'", HOST]}
    assert SCRIPT in client.get("/").content.decode()
    usual = {"connect-src": ["'self'"]}
    for path in ("/devices", "/login", "/api/docs"):
        assert policy(client, path) == usual, path
        assert HOST not in client.get(path).content.decode(), path
    choose(hers, "STANDARD_LAN")
    assert HOST not in str(policy(client)) + client.get("/").content.decode()
    client.force_login(carol.user)
    assert policy(client) == usual
    client.logout()
    assert policy(client, "/login") == usual


def test_a_site_that_does_not_offer_it_loads_nothing(client, hers, settings):
    settings.LOVENSE_BRIDGES = ["SIMULATOR"]
    client.force_login(hers.user)
    assert HOST not in str(policy(client)) + client.get("/").content.decode()


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, SCRIPT),
        ({"LOVENSE_API_BASE_URL": "http://127.0.0.1:9/"}, SCRIPT.replace("8791", "9")),
        ({"LOVENSE_EXTENSION_SCRIPT_URL": "https://cdn.example.com/a.js"}, "https://cdn.example.com/a.js"),
        (
            {"LOVENSE_API_BASE_URL": "https://api.lovense-api.com"},
            "https://api.lovense-api.com/cam-extension/static/js-sdk/broadcast.js",
        ),
        ({"LOVENSE_EXTENSION_SCRIPT_URL": "https://a.example.com/a.js; script-src *"}, None),
        ({"LOVENSE_EXTENSION_SCRIPT_URL": "javascript:alert(1)"}, None),
        ({"LOVENSE_EXTENSION_SCRIPT_URL": "https://*/a.js"}, None),
    ],
)
def test_its_address_is_the_simulators_the_vendors_or_what_is_set(environment, address):
    code = "from config import settings; print(settings.LOVENSE_EXTENSION_SCRIPT_URL)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if address is None:
        assert "LOVENSE_EXTENSION_SCRIPT_URL: this is not the address of a script" in run.stderr
    else:
        assert run.stdout.strip() == address


def test_a_script_that_would_come_unencrypted_is_an_error(settings):
    def found():
        return [each.id for each in checks.vendor_settings(None)]

    assert "lovense.E006" not in found()
    settings.LOVENSE_EXTENSION_SCRIPT_URL = "http://cdn.example.com/a.js"
    assert "lovense.E006" in found()
    assert "lovense.E006" in [each.id for each in run_checks()]


# --- what is said of it ------------------------------------------------------------------------------------


async def test_the_page_that_holds_her_devices_says_what_her_extension_is(hers, token, chain, bob):
    async with Page(token=token) as page:
        assert (await page.next())["camSiteName"] == "My Cam Site"
        await page.say(SAID | {"state": "silent", "toys": [], "settings": None})
        await page.done()
        found = await asyncio.to_thread(told_of, hers)
        assert (found["state"], found["toys"], len(found["levels"])) == ("silent", [], 6)
        await page.say(SAID)
        await page.done()
        found = await asyncio.to_thread(told_of, hers)
        assert (found["state"], [toy["name"] for toy in found["toys"]]) == ("ready", ["Lush"])


async def test_a_page_that_only_watches_says_nothing_of_it(hers, token):
    async with Page(token=token, query="watch=1") as page:
        await page.next()
        await page.say(SAID | {"state": "silent"})
        await page.done()
        assert (await asyncio.to_thread(told_of, hers))["state"] == "ready"


async def test_what_another_performer_says_is_her_own_alone(hers, carol, carols_token):
    await asyncio.to_thread(choose, carol)
    async with Page(token=carols_token) as page:
        await page.next()
        await page.say(SAID | {"state": "silent", "performerId": hers.pk})
        await page.done()
        assert (await asyncio.to_thread(told_of, hers))["state"] == "ready"
        assert (await asyncio.to_thread(told_of, carol))["state"] == "silent"


@pytest.mark.parametrize("said", [{"state": "asleep"}, {"state": None}, {"state": "ready", "version": 7}])
async def test_what_breaks_a_rule_is_refused_and_changes_nothing(hers, token, said):
    async with Page(token=token) as page:
        await page.next()
        await page.say({"type": "extension"} | said)
        refused = await page.next()
        assert refused["error"]["details"]["field"] in ("state", "version")
        assert (await asyncio.to_thread(told_of, hers))["state"] == "ready"


@pytest.mark.parametrize(
    "toys", [7, "nonsense", {"a": 1}, [[LUSH]], [{"id": "x" * 200, "status": "on"}], None]
)
async def test_toys_of_any_shape_break_nothing(hers, token, toys):
    async with Page(token=token) as page:
        await page.next()
        await page.say(SAID | {"toys": toys, "settings": toys})
        await page.done()
        assert (await asyncio.to_thread(told_of, hers))["toys"] == []


# --- what her pages show -----------------------------------------------------------------------------------


def test_what_plays_without_a_known_length_says_where_it_is(client, hers, chain, bob):
    tip_id = decided(chain, bob, 555)["tip_id"]
    chain.acknowledge(tip_id, "started")
    client.force_login(hers.user)
    assert "with the extension" in client.get("/").content.decode()


def test_a_run_that_is_skipped_says_that_the_extension_may_play_on(client, hers, chain, bob):
    tip_id = decided(chain, bob, 150)["tip_id"]
    chain.acknowledge(tip_id, "started")
    controls.skip(performer_id=hers.pk, by="ana", why="", request_id=None, now=NOW)
    chain.acknowledge(tip_id, "finished")
    assert collection(Activation).find_one({"tip_id": tip_id})["status"] == "cancelled"
    client.force_login(hers.user)
    assert "cannot be stopped from here, and may have played all of it" in client.get("/").content.decode()


def test_the_path_is_offered_with_what_is_missing(client, ana):
    client.force_login(ana.user)
    choose_it = "Choose: The Lovense extension in your browser"
    collection(Performer).update_one({}, {"$set": {"bridge": "NOWHERE"}})  # so that she is asked
    shown = client.get("/devices").content.decode()
    assert ("cam_site_name" in shown, choose_it in shown) == (True, False)
    named()
    shown = client.get("/devices").content.decode()
    assert ("cam_site_name" in shown, choose_it in shown) == (False, True)


def test_her_devices_page_says_of_her_apps_toys_who_decides(client, hers):
    from tests.lovense.devices import apps

    apps.opened(hers)
    apps.take(apps.call(apps.LUSH), now=NOW)
    client.force_login(hers.user)
    shown = client.get("/devices").content.decode()
    assert "your extension decides what moves" in shown
    assert ">Test<" not in shown
    assert extension.CANNOT_STOP not in shown  # she has not pressed
