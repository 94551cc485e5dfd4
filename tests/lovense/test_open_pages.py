"""The open pages of one process: what one of them does to the others, how many there may be, how long they
may be open, and who of them holds the devices."""

import asyncio
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from rest_framework.authtoken.models import Token

from ground import clock
from ground.mongodb.collections import collection
from lovense.models import PageLease
from lovense.sending import dispatch, groups, pages
from lovense.sending.acknowledgement import Ack
from lovense.sockets import process
from lovense.sockets.process import MAX_PAGES, TOO_MANY_PAGES, UNAUTHENTICATED, sockets
from tests import services
from tests.ground.plans import recorded
from tests.lovense.conftest import activation_of, request_of, seconds
from tests.lovense.page import PATIENCE_SECONDS, Page
from tests.lovense.sockets import _nothing_runs_on, carols_token, chain, token, until

__all__ = ["_nothing_runs_on", "carols_token", "chain", "token"]
pytestmark = pytest.mark.django_db


class Peer:
    """What the server knows of the other end; heard of a moment ago, unless the test says otherwise."""

    def __init__(self):
        self.heard_at = asyncio.get_running_loop().time()
        self.is_cut_off = False

    def silent(self):
        self.heard_at -= pages.HEARD_SECONDS + 0.1

    def speaks(self):
        self.heard_at = asyncio.get_running_loop().time()

    def abort(self):
        self.is_cut_off = True

    def say(self, text):
        """It is told like a page that does not read as fast."""
        return False


async def expired(performer_id):
    """Her lease is over."""
    over = {"$set": {"expires_at": clock.now() - timedelta(milliseconds=1)}}
    await asyncio.to_thread(collection(PageLease).update_one, {"_id": performer_id}, over)


async def holders():
    return set(await asyncio.to_thread(pages.holders, now=clock.now()))


# --- one page and the others -------------------------------------------------------------------------------


async def test_a_page_that_does_not_read_costs_the_others_nothing(chain, bob, carol, token, carols_token):
    async with Page(token=token) as deaf, Page(token=carols_token) as hers:
        assert [(await page.next())["holder"] for page in (deaf, hers)] == [True, True]
        deaf.reads.clear()
        await asyncio.to_thread(chain.settled, bob, 100)
        await asyncio.to_thread(dispatch.drain, now=clock.now() - seconds(2), limit=9)
        await deaf.say("not json")
        for _ in range(2):
            await expired(carol.performer_id)
            await asyncio.wait_for(sockets.tick(), PATIENCE_SECONDS)
            assert carol.performer_id in await holders()
        deaf.reads.set()


async def test_a_word_that_cannot_be_written_fails_alone(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tip_id = await asyncio.to_thread(chain.settled, bob, 100)
        await asyncio.to_thread(dispatch.drain, now=clock.now(), limit=9)
        command = await page.next()
        bad = Ack("f" * 24, "x.all", 2**63, "failed", clock.now(), code="busy")
        good = Ack(
            chain.performer_id, command["activationId"], 1, "finished", clock.now(), delivered_seconds=10.0
        )
        said = [bad, bad, good, bad, bad]
        found = await asyncio.gather(*map(sockets.acknowledge, said), return_exceptions=True)
    assert [type(each) for each in found] == [
        OverflowError,
        OverflowError,
        bool,
        OverflowError,
        OverflowError,
    ]
    assert (activation_of(tip_id)["status"], request_of(tip_id)["status"]) == ("completed", "completed")


async def test_a_page_that_asks_for_it_hears_every_second_that_somebody_is_there(chain, token):
    async with Page(token=token, query="beats=1") as page, Page(token=token, query="watch=1") as other:
        assert [(await each.next())["type"] for each in (page, other)] == ["snapshot", "snapshot"]
        await sockets.beat()
        assert await page.next() == {"type": "beat"}
        await other.say("not json")  # which is answered, and nothing was said before
        assert (await other.next())["type"] == "error"


async def hears_of_all(page):
    while (await page.told()) != {"type": "news", "topic": "*"}:
        pass
    return True


async def test_while_redis_is_away_and_once_it_is_back_a_page_looks_at_all_it_shows(chain, token):
    """What was told meanwhile is lost."""
    async with Page(token=token) as page:
        await page.next()
        services.running.redis.stop()
        try:
            await sockets.look_for_redis()
            assert await hears_of_all(page)
        finally:
            services.running.redis.start()
        await sockets.look_for_redis()
        assert await hears_of_all(page)


# --- how many ----------------------------------------------------------------------------------------------


@pytest.fixture
def three(monkeypatch):
    monkeypatch.setattr(process, "MAX_PAGES", 3)


async def many(token, count, **more):
    found = []
    for number in range(count):
        found.append(await Page(token=token, query=f"page=p{number}", **more).__aenter__())
        await found[-1].next()
    return found


async def close(opened):
    for page in opened:
        await page.close()


async def test_one_page_too_many_is_closed_with_its_code_and_the_others_stay(ana, token, carols_token, three):
    opened = await many(token, 3)
    async with Page(token=token, query="page=more") as one_more:
        assert await one_more.closed() == TOO_MANY_PAGES
    async with Page(token=carols_token) as hers:
        assert (await hers.next())["holder"] is True
    await opened[0].done()
    assert len(sockets.open) == 3
    await opened.pop().close()
    async with Page(token=token, query="page=more") as one_more:
        assert (await one_more.next())["holder"] is False
    await close(opened)


async def test_a_page_that_returns_has_its_place_and_the_devices(ana, token, three):
    opened = await many(token, 3)
    async with Page(token=token, query="page=p0") as again:
        assert (await again.next())["holder"] is True
        assert len(sockets.open) == 3
    await close(opened)


async def test_a_silent_page_makes_room(ana, token, three):
    peer = Peer()
    opened = await many(token, 1, peer=peer)
    opened += await many(token, 2)
    peer.silent()
    async with Page(token=token, query="page=more") as one_more:
        assert (await one_more.next())["type"] == "snapshot"
    assert peer.is_cut_off
    await close(opened)


def test_the_limit_leaves_room_for_everybody():
    assert MAX_PAGES >= 10


async def cost_of_a_tick():
    """Its commands; and those of a look at caps, where there is news of a page that has just opened."""
    with recorded() as commands:
        await sockets.tick()
    return len(commands)


async def test_watching_pages_cost_a_round_nothing(ana, token):
    async with Page(token=token, query="page=holder") as holder:
        await holder.next()
        counts = []
        opened = []
        for more in (1, 9):
            opened += await many(token, more)
            counts.append(min([await cost_of_a_tick() for _ in range(3)]))
        assert counts[0] == counts[1] <= 4
        await close(opened)


# --- how long ----------------------------------------------------------------------------------------------


@pytest.fixture
def client(ana):
    client = Client()
    client.force_login(ana.user)
    return client


def withdraw(ana, client):
    Token.objects.filter(user_id=ana.user_id).delete()


def bar(ana, client):
    User.objects.filter(pk=ana.user_id).update(is_active=False)


def log_out(ana, client):
    client.logout()


def run_out(ana, client):
    Session.objects.update(expire_date=clock.now() - seconds(1))


def new_password(ana, client):
    user = User.objects.get(pk=ana.user_id)
    user.set_password("another")
    user.save()


ENDS = [
    (withdraw, True, False),
    (bar, True, True),
    (log_out, False, True),
    (run_out, False, True),
    (new_password, False, True),
    (lambda ana, client: None, False, False),
]


@pytest.mark.parametrize(
    ("end", "ends_token", "ends_session"),
    ENDS,
    ids=["withdrawn", "barred", "out", "over", "password", "none"],
)
async def test_a_socket_lives_as_long_as_what_opened_it(
    ana, token, carols_token, client, end, ends_token, ends_session
):
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    headers = {"cookie": cookie, "host": "tips.example", "origin": "https://tips.example"}
    async with (
        Page(token=token, query="page=t") as by_token,
        Page(headers=headers, query="page=s") as by_session,
        Page(token=carols_token) as hers,
    ):
        for page in (by_token, by_session, hers):
            await page.next()
        await asyncio.to_thread(end, ana, client)
        await sockets.check()
        for page, is_over in ((by_token, ends_token), (by_session, ends_session)):
            if is_over:
                assert await page.closed() == UNAUTHENTICATED
            else:
                await page.done()
        await hers.done()
        assert (ana.performer_id in await holders()) is not ends_token


async def test_what_a_page_says_after_its_token_was_withdrawn_does_not_count(chain, bob, token):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        tip_id = await asyncio.to_thread(chain.settled, bob, 100)
        await asyncio.to_thread(dispatch.drain, now=clock.now(), limit=9)
        command = await page.next()
        await asyncio.to_thread(withdraw, chain.performer, None)
        await sockets.check()
        assert await page.closed() == UNAUTHENTICATED
        await page.acknowledge(command, "finished")
    assert activation_of(tip_id)["status"] == "dispatched"


# --- who holds ---------------------------------------------------------------------------------------------


async def test_the_lease_of_a_silent_page_runs_out_and_a_page_that_is_heard_takes_over(ana, token):
    peer, quiet = Peer(), Peer()
    async with (
        Page(token=token, query="page=dead", peer=peer) as dead,
        Page(token=token, query="page=quiet", peer=quiet) as other,
        Page(token=token, query="page=p2") as page,
    ):
        assert [(await each.next())["holder"] for each in (dead, other, page)] == [True, False, False]
        await other.done()
        await page.done()
        peer.silent()
        quiet.silent()
        await until(lambda: len(collection(PageLease).find_one()["standing_by"]) == 2)
        before = await asyncio.to_thread(collection(PageLease).find_one)
        await sockets.tick()
        assert await asyncio.to_thread(collection(PageLease).find_one) == before
        await expired(ana.performer_id)
        await sockets.tick()
        assert (await page.next())["holder"] is True
        peer.speaks()
        await sockets.tick()
        assert (await dead.next())["holder"] is False


async def test_a_page_that_was_silent_for_a_while_goes_on_when_nobody_took_its_lease(ana, token):
    peer = Peer()
    async with Page(token=token, peer=peer) as page:
        await page.next()
        peer.silent()
        await expired(ana.performer_id)
        await sockets.tick()
        assert await holders() == set()
        peer.speaks()
        await sockets.tick()
        assert await holders() == {ana.performer_id}
        assert await page.heard(ana.performer_id) == []


async def in_flight(chain, bob):
    await asyncio.to_thread(chain.settled, bob, 100)
    await asyncio.to_thread(dispatch.drain, now=clock.now(), limit=9)


async def test_a_command_says_for_which_lease_it_was_made(chain, bob, token):
    async with Page(token=token) as page:
        lease = (await page.next())["lease"]
        await page.heard(chain.performer_id)
        await in_flight(chain, bob)
        command = await page.next()
        assert command["lease"] == lease > 0
        (here,) = sockets.open.values()
        for other in (lease - 1, lease + 1):
            row = {"_id": "other.all", "attempt": 1, "stop_epoch": 0}
            here.pass_on(groups.activate(row, "{}", other))
        assert await page.heard(chain.performer_id) == []


async def test_a_process_that_stood_still_forwards_nothing_before_it_knows_that_it_still_holds(
    chain, bob, token
):
    async with Page(token=token) as page:
        await page.next()
        await page.heard(chain.performer_id)
        (here,) = sockets.open.values()
        here.held_until = 0.0
        await in_flight(chain, bob)
        assert await page.heard(chain.performer_id) == []
        await sockets.tend()
        assert await page.heard(chain.performer_id) == []
        await asyncio.to_thread(
            collection(PageLease).update_one, {}, {"$set": {"page_id": "other", "channel": "c", "number": 9}}
        )
        await sockets.tick()
        assert [message["type"] for message in await page.heard(chain.performer_id)] == ["snapshot"]
