"""Her pages are told the caps that bind now: in the snapshot, and again whenever they are others."""

import asyncio

import pytest
from rest_framework.test import APIClient

from ground import clock
from lovense.deciding import platform
from lovense.devices import choices, register
from lovense.models import Performer, PlatformSettings
from lovense.performers import preferences
from lovense.sockets import limits
from lovense.sockets.process import sockets
from tests.ground.plans import recorded
from tests.lovense.page import Page
from tests.lovense.sockets import _nothing_runs_on, carols_token, token

__all__ = ["_nothing_runs_on", "carols_token", "token"]
pytestmark = pytest.mark.django_db

LUSH = {"id": "a", "name": "Lush", "toyType": "lush", "status": 1, "battery": 90}


async def limits_of(page):
    """What it is told next of its caps."""
    message = await page.next()
    return {name: message[name] for name in ("type", "devices", "maximumIntensity", "maximumSeconds")}


def fields(kind, devices=None, intensity=20, seconds=30):
    return {"type": kind, "devices": devices, "maximumIntensity": intensity, "maximumSeconds": seconds}


def summary(functions, *, is_enabled=True):
    about = {"toyId": "a", "nickname": "Lush", "isConnected": True, "isEnabled": is_enabled}
    return about | {"functions": functions, "maximumSeconds": None}


async def put(path, token, body):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    answer = await asyncio.to_thread(client.put, path, body, format="json")
    assert answer.status_code == 200, answer.content


async def test_the_snapshot_says_them_and_whoever_watches_is_told_too(ana, token):
    await asyncio.to_thread(register.report, ana.pk, [LUSH], now=clock.now())
    async with Page(token=token) as page, Page(token=token, query="watch=1") as watching:
        for each in (page, watching):
            assert await limits_of(each) == fields("snapshot", [summary({"Vibrate": 20})])


async def test_a_changed_preference_is_told_at_once_and_to_nobody_else(ana, carol, token, carols_token):
    async with Page(token=token) as page, Page(token=carols_token) as hers:
        assert await limits_of(page) == fields("snapshot")
        await hers.next()
        await put("/api/lovense/preferences", token, {"maximumIntensity": 9, "maximumSeconds": 12})
        assert await limits_of(page) == fields("limits", None, 9, 12)
        assert await hers.heard(carol.performer_id) == []


async def test_a_device_that_is_reported_and_chosen_anew_is_told(ana, token):
    async with Page(token=token) as page:
        await page.next()
        await page.say({"type": "devices", "toys": [LUSH]})
        assert await limits_of(page) == fields("limits", [summary({"Vibrate": 20})])
        (device,) = (await asyncio.to_thread(choices.of, ana.pk)).kept
        body = {"enabled": False, "functions": {"Vibrate": {"cap": 4}}}
        await put(f"/api/lovense/devices/{device['_id']}", token, body)
        assert await limits_of(page) == fields("limits", [summary({"Vibrate": 4}, is_enabled=False)])


async def test_the_platforms_maximum_is_found_by_the_look_and_the_stricter_binds(ana, token):
    async with Page(token=token) as page:
        await page.next()
        await asyncio.to_thread(
            preferences.change,
            performer_id=ana.performer_id,
            changes={"maximum_seconds": 20},
            by="ana",
            now=clock.now(),
        )
        for value, told in (("10", 10), ("25", 20)):
            await asyncio.to_thread(
                platform.change, key="maximum_seconds", value=value, by="dina", now=clock.now()
            )
            await sockets.look_for_limits()
            assert await limits_of(page) == fields("limits", None, 20, told)


async def test_what_is_no_news_is_not_told(ana, token):
    async with Page(token=token) as page:
        await page.next()
        await sockets.look_for_limits()
        assert await page.heard(ana.performer_id) == []


def test_a_look_costs_two_reads_for_everybody(ana, carol):
    with recorded() as commands:
        limits.among([ana.performer_id, carol.performer_id])
    read = sorted(each.collection for each in commands)
    assert read == sorted([Performer._meta.db_table, PlatformSettings._meta.db_table])
