"""The same tip fifty times at the same moment: one tip, event, request, activation and run, and every caller
is told so."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.flows.facts import PATIENCE_SECONDS
from tests.flows.show import new_tip, secret
from tips.intake import simulator

CALLERS = 50


def call_at_once(url, tip, message_ids):
    """One thread and one open connection for each id; all send when the last one is ready. (status, body) of
    each answer."""
    address = urlsplit(url)
    everybody = threading.Barrier(len(message_ids))

    def call(message_id):
        headers = simulator.headers(secret(), message_id, tip.content)
        connection = HTTPConnection(address.hostname, address.port, timeout=PATIENCE_SECONDS)
        connection.connect()
        everybody.wait(PATIENCE_SECONDS)
        connection.request("POST", simulator.PATH, tip.content, headers)
        answer = connection.getresponse()
        found = answer.status, answer.read()
        connection.close()
        return found

    with ThreadPoolExecutor(len(message_ids)) as callers:
        return list(callers.map(call, message_ids))


IDS = {
    "under-one-webhook-id": lambda tip: [tip.message_id] * CALLERS,
    "under-fifty-webhook-ids": lambda tip: [f"{tip.message_id}_{number}" for number in range(CALLERS)],
}


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
async def test_a_tip_posted_fifty_times_at_once_plays_once(ids, begin_with_either):
    async with begin_with_either(performers=1) as show:
        tip = new_tip(show.device.performer_id)
        answers = await asyncio.to_thread(call_at_once, show.stack.url, tip, ids(tip))
        assert sorted(status for status, _ in answers) == [200] * (CALLERS - 1) + [202]
        assert {body for _, body in answers} == {b'{"received":true,"tipId":"%s"}' % tip.tip_id.encode()}
        show.accepted.append(tip)
        await show.play_one_more(show.device.performer_id)
        await show.prove()


async def test_two_web_processes_answer_on_the_one_port(stack_with_two):
    """Else the tests above with two processes would prove nothing."""
    assert {"web-0", "web-1"} <= set(stack_with_two.parts["processes"])
