"""What a page may not say, and what becomes of a word that cannot be recorded."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from ground.mongodb.collections import collection
from lovense.consumers import TRY_LATER
from lovense.models import Activation, Device
from lovense.sending.acknowledgement import STAGES, TEMPORARY
from tests.lovense.conftest import state
from tests.lovense.page import PATIENCE_SECONDS, Page
from tests.lovense.sockets import _nothing_runs_on, carols_token, chain, drain, settled, token

__all__ = ["_nothing_runs_on", "carols_token", "chain", "token"]
pytestmark = pytest.mark.django_db


# --- what it may not say -----------------------------------------------------------------------------------

ACK = {"type": "ack", "activationId": "x.all", "attempt": 1, "stage": "received"}
LEG = {"toyId": "a", "promised": 5, "deliveredSeconds": 2.5}
MOST = "deliveredSeconds must be between 0 and 3600"
JSON = "must be JSON"
MALFORMED = [
    ("{", "message", JSON),
    ("\x00", "message", JSON),
    ('{"type":"ack","deliveredSeconds":NaN}', "message", JSON),
    ('{"type":"ack","activationId":"\\ud800","attempt":1,"stage":"finished"}', "message", JSON),
    ('{"type":"devices","toys":[{"id":"a","name":"\\udfff"}]}', "message", JSON),
    ("[" * 60_000, "message", JSON),
    ("x" * 65_537, "message", "must be text of at most 65536 characters"),
    ("[]", "type", "is required"),
    ('"ack"', "type", "is required"),
    ("{}", "type", "is required"),
    ({"type": 5}, "type", "is required"),
    ({"type": "dance"}, "type", "must be ack, devices, extension, released, stop, stopped or take"),
    ({"type": "ack"}, "activationId", "must be the id that was sent"),
    (ACK | {"activationId": 5}, "activationId", "must be the id that was sent"),
    (ACK | {"activationId": "x" * 81}, "activationId", "must be the id that was sent"),
    (ACK | {"attempt": None}, "attempt", "must be the attempt that was sent"),
    (ACK | {"attempt": "1"}, "attempt", "must be the attempt that was sent"),
    (ACK | {"attempt": True}, "attempt", "must be the attempt that was sent"),
    (ACK | {"attempt": -1}, "attempt", "must be the attempt that was sent"),
    (ACK | {"attempt": 2**31}, "attempt", "must be the attempt that was sent"),
    (
        ACK | {"attempt": 2**63, "stage": "failed", "code": "busy"},
        "attempt",
        "must be the attempt that was sent",
    ),
    (ACK | {"attempt": 10**30}, "attempt", "must be the attempt that was sent"),
    (ACK | {"attempt": 1.0}, "attempt", "must be the attempt that was sent"),
    (ACK | {"stage": "done"}, "stage", "must be one of received, started, finished, failed"),
    (ACK | {"stage": None}, "stage", "must be one of received, started, finished, failed"),
    (ACK | {"stage": []}, "stage", "must be one of received, started, finished, failed"),
    (ACK | {"deliveredSeconds": -1}, "deliveredSeconds", "must be between 0 and 3600"),
    (ACK | {"deliveredSeconds": 3601}, "deliveredSeconds", "must be between 0 and 3600"),
    (ACK | {"deliveredSeconds": "5"}, "deliveredSeconds", "must be between 0 and 3600"),
    (ACK | {"deliveredSeconds": True}, "deliveredSeconds", "must be between 0 and 3600"),
    (ACK | {"code": 5}, "code", "must be a string"),
    (ACK | {"legs": {}}, "legs", "must be a list of at most 16"),
    (ACK | {"legs": [LEG] * 17}, "legs", "must be a list of at most 16"),
    (ACK | {"legs": [{}]}, "legs", "each needs the id of a toy"),
    (ACK | {"legs": ["a"]}, "legs", "each needs the id of a toy"),
    (ACK | {"legs": [LEG | {"toyId": "x" * 65}]}, "legs", "each needs the id of a toy"),
    (ACK | {"legs": [LEG | {"promised": 2.5}]}, "legs", "promised must be whole seconds from 0 to 3600"),
    (ACK | {"legs": [LEG | {"promised": -1}]}, "legs", "promised must be whole seconds from 0 to 3600"),
    (
        ACK | {"legs": [LEG | {"deliveredSeconds": None}]},
        "legs",
        "deliveredSeconds must be between 0 and 3600",
    ),
    (
        ACK | {"legs": [LEG | {"deliveredSeconds": 1e9}]},
        "legs",
        "deliveredSeconds must be between 0 and 3600",
    ),
    (ACK | {"legs": [LEG | {"code": 5}]}, "legs", "code must be a string"),
    (ACK | {"legs": [LEG | {"offsetMs": 2**63}]}, "legs", "offsetMs must be between 0 and 600000"),
    ({"type": "released"}, "lease", "must be the number of the lease that it was asked for"),
    ({"type": "released", "lease": True}, "lease", "must be the number of the lease that it was asked for"),
    ({"type": "devices"}, "toys", "must be a list of at most 16"),
    ({"type": "devices", "toys": [{}] * 17}, "toys", "must be a list of at most 16"),
    ({"type": "devices", "toys": ["a"]}, "toys[0]", "must be an object"),
    (
        {"type": "devices", "toys": [{"id": "a"}, {"id": ""}]},
        "toys[1].id",
        "must be 1 to 64 printable characters",
    ),
]


@pytest.mark.parametrize(
    ("said", "field", "rule"), MALFORMED, ids=[f"{str(said)[:40]}" for said, _, _ in MALFORMED]
)
async def test_what_is_malformed_is_answered_with_its_field_and_changes_nothing(
    ana, token, said, field, rule
):
    async with Page(token=token) as page:
        await page.next()
        await page.say(said)
        answer = await page.next()
        assert answer == {
            "type": "error",
            "error": {
                "code": "malformed",
                "message": f"{field}: {rule}",
                "details": {"field": field, "rule": rule},
            },
        }
        await page.done()
    assert collection(Device).count_documents({}) == collection(Activation).count_documents({}) == 0


async def test_a_binary_message_is_answered_too(ana, token):
    async with Page(token=token) as page:
        await page.next()
        await page.socket.send_input({"type": "websocket.receive", "bytes": b"\xff"})
        assert (await page.next())["error"]["details"]["field"] == "message"
        await page.done()


async def test_stopped_is_heard(ana, token):
    async with Page(token=token) as page:
        await page.next()
        await page.say({"type": "stopped", "stopEpoch": 1, "toyIds": []})
        await page.done()


async def test_one_pages_nonsense_does_not_cost_the_words_of_the_others(chain, bob, token, carols_token):
    async with Page(token=token) as page, Page(token=carols_token) as hers:
        await page.next()
        await hers.next()
        await page.heard(chain.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        command = await page.next()
        nonsense = json.dumps(ACK | {"stage": "failed", "code": "\ud800"})
        await asyncio.gather(*(hers.say(nonsense) for _ in range(5)), page.acknowledge(command, "finished"))
        await page.done()
        assert state(tip_id) == ("completed", "completed")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**31 - 1, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**40])
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["$where", "a\x00b", "busy", "finished"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["type", "activationId", "attempt", "stage", "deliveredSeconds", "code", "toys", "stopEpoch"]
)
messages = (
    st.text(min_size=1, max_size=60).filter(lambda text: text != "mark")
    | st.dictionaries(FIELDS, json_values, max_size=5).map(json.dumps)
    | st.dictionaries(FIELDS, json_values, max_size=2).map(lambda changes: json.dumps(ACK | changes))
    | st.builds(
        lambda stage, code, changes: json.dumps(ACK | {"stage": stage, "code": code} | changes),
        st.sampled_from(STAGES),
        st.sampled_from([*sorted(TEMPORARY), "stopped", "", None]),
        st.dictionaries(st.sampled_from(["attempt", "deliveredSeconds", "code"]), json_values, max_size=1),
    )
    | json_values.map(
        lambda toy: json.dumps(
            {"type": "devices", "toys": [toy, {"id": "a", "name": toy, "battery": toy, "status": toy}]}
        )
    )
)


@hypothesis(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(messages, min_size=1, max_size=12))
def test_whatever_a_page_says_its_socket_stays_open(ana, token, said):
    async def conversation():
        async with Page(token=token) as page:
            for text in said:
                await page.say(text)
            await page.say(ACK | {"code": 5})
            while (await page.next()).get("error", {}).get("message") != "code: must be a string":
                pass

    asyncio.run(conversation())


# --- when the database is away -----------------------------------------------------------------------------


async def test_a_word_that_could_not_be_recorded_closes_the_socket_and_counts_when_said_again(
    chain, bob, token, fail_command
):
    async with Page(token=token, query="page=p1") as page:
        await page.next()
        await page.heard(chain.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        command = await page.next()
        await asyncio.to_thread(
            fail_command,
            "update",
            errorCode=8000,
            namespace=f"{collection(Activation).database.name}.activations",
        )
        await page.acknowledge(command, "finished", deliveredSeconds=4)
        while (message := await page.socket.receive_output(PATIENCE_SECONDS))["type"] != "websocket.close":
            pass
        assert message["code"] == TRY_LATER
    assert state(tip_id) == ("dispatched", "claimed")
    async with Page(token=token, query="page=p1") as page:
        await page.next()
        assert await page.next() == command
        await page.acknowledge(command, "finished", deliveredSeconds=4)
        await page.done()
    assert state(tip_id) == ("completed", "completed")
