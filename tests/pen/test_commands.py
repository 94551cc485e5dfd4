"""Commands beside a pen whose rows lag: each sees a whole state, and changes nothing under the pen's feet."""

import asyncio
import time

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command

from ground.mongodb.collections import collection
from lovense.models import Activation
from tests.pen.conftest import post, running, tip
from tips.models import TipActivated

pytestmark = pytest.mark.django_db(transaction=True)
COMMANDS = [
    ("prove", "books"),
    ("prove", "log"),
    ("prove", "proof"),
    ("archive_events",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_a_command_beside_it_finds_nothing_wrong_and_harms_nothing(stage, bob, slow_rows, command):
    async with running(stage.performer_id) as (pen, page):
        sent = [tip(stage.performer_id, bob) for _ in range(4)]
        for _, body in sent[:2]:
            await post(pen, body)
        page.finish(await page.next())
        await sync_to_async(call_command)(*command)
        for _, body in sent[2:]:
            await post(pen, body)
        for tip_id, _ in sent[1:]:
            said = await page.next()
            assert said["tipId"] == tip_id
            page.finish(said)
        await pen.catch_up()
    assert collection(TipActivated).count_documents({}) == 4
    assert collection(Activation).count_documents({"status": "completed"}) == 4


async def test_an_idle_pen_costs_next_to_nothing(stage, bob):
    async with running(stage.performer_id) as (pen, page):
        await post(pen, tip(stage.performer_id, bob)[1])
        page.finish(await page.next())
        await pen.catch_up()
        before = time.process_time()
        await asyncio.sleep(2.0)
        assert time.process_time() - before < 0.2
