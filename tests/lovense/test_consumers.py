"""The performer's socket through the whole application: who may open it, what it is told, what it may say,
and who holds."""

import asyncio
import json
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from rest_framework.authtoken.models import Token

from ground import clock
from ground.mongodb.collections import collection
from lovense.consumers import TRY_LATER
from lovense.deciding import platform
from lovense.lane import controls
from lovense.models import Activation, Device, PageLease
from lovense.sending import dispatch, leases, pages
from lovense.sending.acknowledgement import STAGES, TEMPORARY
from lovense.sockets.process import UNAUTHENTICATED, lanes, sockets
from tests.chain import Chain
from tests.factories import NOW, fund, token_of
from tests.lovense.conftest import activation_of, request_of, seconds
from tests.lovense.page import PATIENCE_SECONDS, Page

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _nothing_runs_on(db):
    """What an acknowledgement started on the lanes' own thread ends with its test."""
    yield
    lanes._thread.submit(int).result(PATIENCE_SECONDS)
    sockets.open.clear()


@pytest.fixture
def token(ana):
    return token_of(ana.user)


@pytest.fixture
def carols_token(carol):
    return token_of(carol.user)


@pytest.fixture
def chain(ana, bob):
    """Ana's tips, settled a moment ago by the real clock; her page is opened by the test."""
    chain = Chain(ana, now=clock.now() - seconds(5))
    chain.publish_menu()
    fund(bob, 10_000)
    return chain


async def settled(chain, bob, amount=100):
    return await asyncio.to_thread(chain.settled, bob, amount)


async def drain(now=None):
    await asyncio.to_thread(dispatch.drain, now=now or clock.now(), limit=9)


def state(tip_id):
    return activation_of(tip_id)["status"], request_of(tip_id)["status"]


async def until(holds):
    """Waits for what another thread does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():
            await asyncio.sleep(0.005)


# --- who may open it ---------------------------------------------------------------------------------------


async def test_a_token_opens_it_and_the_snapshot_comes_first(ana, token):
    async with Page(token=token) as page:
        snapshot = await page.next()
    assert {name: snapshot[name] for name in ("type", "performerId", "holder", "stopEpoch")} == {
        "type": "snapshot",
        "performerId": ana.performer_id,
        "holder": True,
        "stopEpoch": 0,
    }


async def test_the_snapshot_tells_what_the_platform_says_to_pages(ana, token):
    async with Page(token=token) as page:
        snapshot = await page.next()
    assert (snapshot["autoConnect"], snapshot["camSiteName"]) == (True, "")
    for key, value in (("auto_connect", "false"), ("cam_site_name", "Stage 5")):
        await sync_to_async(platform.change)(key=key, value=value, by="dina", now=NOW)
    async with Page(token=token) as page:
        snapshot = await page.next()
    assert (snapshot["autoConnect"], snapshot["camSiteName"]) == (False, "Stage 5")


@pytest.fixture
def cookie(ana):
    client = Client()
    client.force_login(ana.user)
    return f"sessionid={client.cookies['sessionid'].value}"


async def test_a_session_opens_it_from_our_own_origin(ana, cookie):
    async with Page(
        headers={"cookie": cookie, "host": "tips.example", "origin": "https://tips.example"}
    ) as page:
        assert (await page.next())["performerId"] == ana.performer_id


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("tips.example:443", "https://tips.example"),
        ("tips.example", "https://tips.example:443"),
        ("tips.example:80", "http://tips.example"),
        ("TIPS.example", "https://tips.EXAMPLE"),
        ("[::1]:443", "https://[::1]"),
        ("web:8000", "https://public.example"),
        ("web:8000", "https://public.example:443"),
    ],
)
async def test_an_origin_is_ours_however_its_port_and_the_host_are_written(
    ana, cookie, settings, host, origin
):
    settings.PUBLIC_BASE_URL = "https://public.example/"
    async with Page(headers={"cookie": cookie, "host": host, "origin": origin}):
        pass


@pytest.mark.parametrize(
    "before", ['consent={"a":1}; ', "a=b; ; =; ", 'x="unended; ', "a[b]=c@d,e; ", "ä=ö; ", "ab\x01=c; "]
)
async def test_a_cookie_of_another_application_takes_nothing_away(ana, cookie, before):
    headers = {"cookie": before + cookie, "host": "a", "origin": "http://a"}
    async with Page(headers=headers):
        pass


async def test_cookies_may_come_in_several_lines(ana, cookie):
    page = Page(headers={"cookie": cookie, "host": "a", "origin": "http://a"})
    page.socket.scope["headers"].append((b"cookie", b"a=b"))
    async with page:
        pass


@pytest.mark.parametrize("scheme", ["Token", "token", "TOKEN"])
async def test_the_scheme_of_a_token_is_of_any_case(token, scheme):
    async with Page(headers={"authorization": f"{scheme} {token}"}):
        pass


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://tips.example.evil.example", "null", "https://tips.example:81", ""],
)
async def test_a_session_from_another_origin_is_refused(cookie, origin):
    page = Page(headers={"cookie": cookie, "host": "tips.example", "origin": origin})
    assert await page.open() == UNAUTHENTICATED
    assert collection(PageLease).count_documents({}) == 0


STRANGERS = {
    "nobody": {},
    "no token": {"authorization": "Token "},
    "a wrong token": {"authorization": "Token " + "0" * 40},
    "another scheme": {"authorization": "Basic abc"},
    "a wrong session": {"cookie": "sessionid=xyz", "host": "a", "origin": "http://a"},
    "no cookie at all": {"cookie": "a=b", "host": "a", "origin": "http://a"},
    "nonsense": {"cookie": "\x00;=;==\x7f", "host": "a", "origin": "http://[", "authorization": "Token \xff"},
}


@pytest.mark.parametrize("name", list(STRANGERS))
async def test_a_stranger_is_refused(db, name):
    assert await Page(headers=STRANGERS[name]).open() == UNAUTHENTICATED


@pytest.fixture
def staff_token(dina):
    return token_of(dina)


async def test_staff_are_not_performers(staff_token):
    assert await Page(token=staff_token).open() == UNAUTHENTICATED


@pytest.fixture
def barred(ana, token, cookie):
    User.objects.filter(pk=ana.user_id).update(is_active=False)


@pytest.mark.parametrize("way", ["token", "session"])
async def test_an_account_that_was_barred_is_refused(barred, token, cookie, way):
    headers = (
        {"authorization": f"Token {token}"}
        if way == "token"
        else {"cookie": cookie, "host": "a", "origin": "http://a"}
    )
    assert await Page(headers=headers).open() == UNAUTHENTICATED


@pytest.fixture
def withdrawn(token):
    Token.objects.all().delete()


async def test_a_withdrawn_token_is_refused(token, withdrawn):
    assert await Page(token=token).open() == UNAUTHENTICATED


async def test_there_is_no_other_socket(token):
    assert await Page(token=token, path="/ws/other").open() == 4404


# --- a tip's way -------------------------------------------------------------------------------------------


async def test_a_tip_is_played_step_by_step(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        command = await page.next()
        assert (command["type"], command["tipId"], command["attempt"]) == ("lovense.activate", tip_id, 1)
        for stage, expected in (
            ("received", "dispatched"),
            ("started", "activated"),
            ("finished", "completed"),
        ):
            await page.acknowledge(command, stage, deliveredSeconds=10)
            await page.done()
            assert state(tip_id)[0] == expected
    assert state(tip_id) == ("completed", "completed")
    assert activation_of(tip_id)["delivered_seconds"] == 10


async def test_the_end_of_one_starts_the_next(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tips = [await settled(chain, bob) for _ in range(3)]
        await drain()
        for tip_id in tips:
            command = await page.next()
            assert (command["type"], command["tipId"]) == ("lovense.activate", tip_id)
            await page.acknowledge(command, "finished", deliveredSeconds=10)
        await page.done()
    assert {state(tip_id) for tip_id in tips} == {("completed", "completed")}


async def test_tips_that_do_nothing_do_not_stop_the_lane(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tips = [await settled(chain, bob, amount) for amount in (100, 101, 102, 100)]
        await drain()
        await page.acknowledge(await page.next(), "finished", deliveredSeconds=10)
        assert (await page.next())["tipId"] == tips[3]
    assert [state(tip_id)[0] for tip_id in tips] == ["completed", "skipped", "skipped", "dispatched"]


async def test_where_another_process_holds_the_page_by_then_the_next_one_goes_there(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tips = [await settled(chain, bob) for _ in range(2)]
        await drain()
        command = await page.next()
        elsewhere = {
            "page_id": "p9",
            "channel": "other",
            "slot": "web-9",
            "expires_at": clock.now() + seconds(60),
        }
        collection(PageLease).update_one({}, {"$set": elsewhere})
        await sockets.tick()
        assert (await page.next())["holder"] is False
        await page.acknowledge(command, "finished", deliveredSeconds=10)
        await until(lambda: request_of(tips[1])["status"] == "claimed" and bool(activation_of(tips[1])))
        assert await page.heard(chain.performer_id) == []
    assert state(tips[0]) == ("completed", "completed")
    assert state(tips[1])[0] == "dispatched"


async def test_a_failure_is_recorded_with_its_code(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        await page.acknowledge(await page.next(), "failed", code="x" * 60)
        await page.done()
    assert state(tip_id) == ("failed", "failed")
    assert activation_of(tip_id)["reason"] == "x" * 40


@pytest.mark.parametrize("absent", [{}, {"code": None}, {"deliveredSeconds": None}])
async def test_what_is_optional_may_be_null(chain, bob, token, absent):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        await page.acknowledge(await page.next(), "finished", **absent)
        await page.done()
    assert state(tip_id) == ("completed", "completed")


async def test_what_changes_is_news(chain, bob, token):
    async with Page(token=token) as page:
        await page.say({"type": "devices", "toys": []})
        await page.done()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "devices" not in page.news:
                page.news.append((await page.told()).get("topic"))


# --- the stranger ------------------------------------------------------------------------------------------


async def test_carol_receives_nothing_of_anas(chain, bob, carol, token, carols_token):
    async with Page(token=token) as page, Page(token=carols_token) as hers:
        assert [(await one.next())["holder"] for one in (page, hers)] == [True, True]
        await hers.heard(carol.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        command = await page.next()
        await page.acknowledge(command, "finished", deliveredSeconds=1)
        await page.done()
        await sockets.tick()
        assert await hers.heard(carol.performer_id) == []
    assert state(tip_id) == ("completed", "completed")


async def test_carols_words_about_anas_tip_change_nothing(chain, bob, carol, token, carols_token):
    async with Page(token=token) as page, Page(token=carols_token) as hers:
        await page.next()
        await hers.next()
        await page.heard(chain.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        command = await page.next()
        before = activation_of(tip_id), request_of(tip_id)
        for stage in ("received", "started", "finished", "failed"):
            await hers.acknowledge(command, stage, deliveredSeconds=1)
        await hers.done()
        assert (activation_of(tip_id), request_of(tip_id)) == before
        await asyncio.gather(
            page.acknowledge(command, "finished"), *(hers.acknowledge(command, "finished") for _ in range(9))
        )
        await asyncio.gather(page.done(), hers.done())
        assert state(tip_id) == ("completed", "completed")


async def test_carols_devices_do_not_become_anas(ana, carol, token, carols_token):
    toys = [{"id": "toy-1", "name": "Hers", "toyType": "lush", "status": 1, "battery": 50}]
    async with Page(token=token) as page, Page(token=carols_token) as hers:
        await page.say(
            {"type": "devices", "toys": [toys[0] | {"name": "Mine", "status": "0", "battery": "77"}]}
        )
        await page.done()
        await hers.say({"type": "devices", "toys": toys})
        await hers.done()
    rows = {
        row["performer_id"]: (row["name"], row["status"], row["battery"]) for row in collection(Device).find()
    }
    assert rows == {
        ana.performer_id: ("Mine", "disconnected", 77),
        carol.performer_id: ("Hers", "connected", 50),
    }


# --- reconnecting ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["nothing", "received", "started"])
async def test_what_is_in_flight_is_sent_again_on_reconnect_under_the_same_id(chain, bob, token, stage):
    async with Page(token=token, query="page=p1") as page:
        await page.next()
        await page.heard(chain.performer_id)
        await settled(chain, bob)
        await drain()
        first = await page.next()
        if stage != "nothing":
            await page.acknowledge(first, stage)
            await page.done()
    async with Page(token=token, query="page=p1") as page:
        assert (await page.next())["holder"] is True
        assert await page.next() == (first if stage == "nothing" else first | {"confirmed": True})
        await sockets.tick()
        assert await page.heard(chain.performer_id) == []


async def test_what_has_ended_is_not_sent_on_reconnect(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        await settled(chain, bob)
        await drain()
        await page.acknowledge(await page.next(), "finished", deliveredSeconds=3)
        await page.done()
    async with Page(token=token) as page:
        assert [message["type"] for message in await page.heard(chain.performer_id)] == ["snapshot"]


async def test_a_page_that_comes_back_before_its_old_socket_is_gone_keeps_the_devices(chain, bob, token):
    async with Page(token=token, query="page=p1") as old:
        assert (await old.next())["holder"]
        async with Page(token=token, query="page=p1") as new:
            assert (await new.next())["holder"]
            await sockets.tick()
            assert (await old.next())["holder"] is False
            await new.heard(chain.performer_id)
            await settled(chain, bob)
            await drain()
            assert (await new.next())["type"] == "lovense.activate"
            await sockets.tick()
            assert await old.heard(chain.performer_id) == []


async def test_a_command_lost_on_its_way_is_found_by_the_tick_and_sent_once(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        await settled(chain, bob)
        lease = collection(PageLease).find_one()
        collection(PageLease).update_one({}, {"$set": {"channel": "nowhere"}})
        await drain(clock.now() - 2 * SECOND)
        collection(PageLease).replace_one({}, lease)
        assert await page.heard(chain.performer_id) == []
        await sockets.tick()
        command = await page.next()
        assert (command["type"], command["attempt"]) == ("lovense.activate", 1)
        await sockets.tick()
        assert await page.heard(chain.performer_id) == []


async def test_a_page_that_should_have_finished_is_asked_again(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        await settled(chain, bob)
        await drain()
        first = await page.next()
        await page.acknowledge(first, "started")
        await page.done()
        await sockets.tick()
        assert await page.heard(chain.performer_id) == []
        collection(Activation).update_one(
            {}, {"$set": {"started_at": clock.now() - seconds(60), "dispatched_at": chain.now - SECOND}}
        )
        await sockets.tick()
        again = await page.next()
        assert (again["activationId"], again["attempt"]) == (first["activationId"], 1)


async def test_a_second_attempt_reaches_a_page_that_ignored_the_first(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        await settled(chain, bob)
        await drain()
        first = await page.next()
        later = clock.now() + seconds(20)
        await asyncio.to_thread(leases.expire, now=later, limit=9)
        collection(PageLease).update_one({}, {"$set": {"expires_at": later + 9 * SECOND}})
        await drain(later + 2 * SECOND)
        second = await page.next()
        assert (second["activationId"], second["attempt"]) == (first["activationId"], 2)


async def test_what_was_cancelled_is_stopped_at_once_and_again_until_the_page_answers(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tip_id = await settled(chain, bob)
        await drain()
        command = await page.next()
        who = {"performer_id": chain.performer_id, "by": "ana", "why": "", "now": clock.now()}
        await asyncio.to_thread(controls.skip, **who)
        stop = {"type": "lovense.stop", "stopEpoch": 0, "activationIds": [f"{tip_id}.all"]}
        assert await page.next() == stop
        collection(Activation).update_one({}, {"$set": {"dispatched_at": chain.now - SECOND}})
        for _ in range(2):
            await sockets.tick()
            assert await page.next() == stop
        await page.acknowledge(command, "finished", deliveredSeconds=1)
        await page.done()
        await sockets.tick()
        assert await page.heard(chain.performer_id) == []
    assert state(tip_id) == ("cancelled", "cancelled")


# --- who holds the devices ---------------------------------------------------------------------------------


async def test_a_second_page_watches_and_takes_over_when_the_holder_leaves(chain, bob, token):
    async with Page(token=token, query="page=p1") as holder, Page(token=token, query="page=p2") as watcher:
        assert [(await page.next())["holder"] for page in (holder, watcher)] == [True, False]
        await holder.heard(chain.performer_id)
        await settled(chain, bob)
        await drain()
        command = await holder.next()
        await sockets.tick()
        assert await watcher.heard(chain.performer_id) == []
        await holder.close()
        await sockets.tick()
        assert (await watcher.next())["holder"] is True
        assert await watcher.next() == command | {"lease": command["lease"] + 1}
        await watcher.acknowledge(command, "finished", deliveredSeconds=2)
        await watcher.done()
    assert state(command["tipId"]) == ("completed", "completed")


async def test_a_page_that_only_watches_never_takes_over(ana, token):
    async with Page(token=token, query="watch=1") as watcher:
        assert (await watcher.next())["holder"] is False
        await sockets.tick()
        assert await watcher.heard(ana.performer_id) == []
        async with Page(token=token) as page:
            assert (await page.next())["holder"] is True


async def test_a_holder_whose_lease_another_process_took_only_watches_from_then_on(chain, bob, token):
    async with Page(token=token, query="page=p1") as page:
        await page.next()
        await page.heard(chain.performer_id)
        await settled(chain, bob)
        await drain()
        await page.next()
        elsewhere = {
            "page_id": "p9",
            "channel": "other",
            "slot": "web-9",
            "expires_at": clock.now() + seconds(60),
        }
        collection(PageLease).update_one({}, {"$set": elsewhere})
        await sockets.tick()
        assert (await page.next())["holder"] is False
        await sockets.tick()
        assert await page.heard(chain.performer_id) == []


async def test_the_tick_keeps_the_lease_of_an_open_page(ana, token):
    async with Page(token=token):
        await until(lambda: collection(PageLease).count_documents({}))
        collection(PageLease).update_one({}, {"$set": {"expires_at": clock.now()}})
        await sockets.tick()
        assert pages.holders(now=clock.now() + 4 * SECOND)


async def test_a_closed_page_frees_the_devices_at_once(ana, token):
    async with Page(token=token) as page:
        assert (await page.next())["holder"] is True
    assert pages.holders(now=clock.now()) == {}
    assert not sockets.open


# --- what it may not say -----------------------------------------------------------------------------------

ACK = {"type": "ack", "activationId": "x.all", "attempt": 1, "stage": "received"}
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
    ({"type": "dance"}, "type", "must be ack, devices or stopped"),
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
    ({"type": "devices"}, "toys", "must be a list of at most 16"),
    ({"type": "devices", "toys": [{}] * 17}, "toys", "must be a list of at most 16"),
    ({"type": "devices", "toys": ["a"]}, "toys[0]", "must be an object"),
    ({"type": "devices", "toys": [{"id": "a"}, {"id": ""}]}, "toys[1].id", "must be 1 to 64 characters"),
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
