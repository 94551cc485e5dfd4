"""What is known of her devices binds the pen: a tip starts when one can play, and what she has switched off
is told nothing from that word on."""

import pytest
from asgiref.sync import sync_to_async

from ground import clock
from ground.json.fields import Fields
from lovense.devices import choices, register
from lovense.devices.choices import Choice
from lovense.models import Activation
from tests.pen.conftest import post, rows, running, tip, until
from tips.models import TipActivated

pytestmark = pytest.mark.django_db(transaction=True)


async def report(performer_id, *statuses):
    toys = [{"id": f"toy-{n}", "name": "lush", "status": status} for n, status in enumerate(statuses)]
    await sync_to_async(register.report)(performer_id, toys, now=clock.now())


async def choose(performer_id, toy_id, **said):
    given = {"choice": Choice(Fields(said, "")), "by": "ana", "now": clock.now()}
    change = sync_to_async(choices.change)
    await change(performer_id=performer_id, device_id=f"{performer_id}.{toy_id}", **given)


async def test_a_tip_waits_for_a_device_and_starts_when_it_is_back(stage, bob):
    await report(stage.performer_id, 0)
    async with running(stage.performer_id) as (pen, page):
        tip_id, body = tip(stage.performer_id, bob)
        await post(pen, body)
        await until(lambda: rows(TipActivated, _id=tip_id))
        assert await sync_to_async(rows)(Activation) == 0
        await report(stage.performer_id, 1)
        assert (await page.next())["tipId"] == tip_id


async def test_what_she_has_switched_off_is_named_in_no_command_from_then_on(stage, bob):
    await report(stage.performer_id, 1, 1)
    async with running(stage.performer_id) as (pen, page):
        await post(pen, tip(stage.performer_id, bob)[1])
        said = await page.next()
        assert "toy" not in said["commands"][0]
        await choose(stage.performer_id, "toy-1", enabled=False)
        assert page.finish(said)
        await post(pen, tip(stage.performer_id, bob)[1])
        assert (await page.next())["commands"][0]["toy"] == ["toy-0"]


async def test_with_her_only_device_switched_off_nothing_starts(stage, bob):
    await report(stage.performer_id, 1)
    async with running(stage.performer_id) as (pen, page):
        await choose(stage.performer_id, "toy-0", enabled=False)
        tip_id, body = tip(stage.performer_id, bob)
        await post(pen, body)
        await until(lambda: rows(TipActivated, _id=tip_id))
        assert page.heard.empty()
        await choose(stage.performer_id, "toy-0", enabled=True)
        assert (await page.next())["tipId"] == tip_id
