"""The same over sockets, through the whole application: the old page is told to let go, the new one holds as
soon as it has, and nothing is handed to either of them that is the other's."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ground import clock
from ground.mongodb.collections import collection
from lovense.models import PageLease
from lovense.performers import identity
from lovense.sending import dispatch, handover, pages
from lovense.sockets.openpage import OpenPage
from lovense.sockets.outbox import Outbox
from lovense.sockets.process import sockets
from tests.factories import token_of
from tests.lovense.callers import Caller
from tests.lovense.conftest import activation_of, seconds
from tests.lovense.page import Page
from tests.lovense.sockets import _nothing_runs_on, chain, token, until

__all__ = ["_nothing_runs_on", "chain", "token"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_is_in_a_hurry(monkeypatch):
    """Nothing here renews leases by itself, and a machine may stand still for some seconds."""
    monkeypatch.setattr(pages, "LEASE_SECONDS", 60)


async def snapshot_of(page):
    while (message := await page.next())["type"] != "snapshot":
        pass
    return message


async def next_release(page):
    while (message := await page.next())["type"] != "lovense.release":
        pass
    return message


async def opened(page, performer):
    """It hears what comes over Redis, and is known to stand by."""
    found = await snapshot_of(page)
    await page.done()
    await page.heard(performer.pk)
    return found


async def expired(performer):
    over = {"$set": {"expires_at": clock.now() - seconds(0.001)}}
    await asyncio.to_thread(collection(PageLease).update_one, {"_id": performer.pk}, over)


async def test_the_old_page_is_told_to_let_go_and_the_new_one_holds_as_soon_as_it_has(ana, token):
    async with Page(token=token, query="page=old") as old, Page(token=token, query="page=new") as new:
        lease = (await opened(old, ana))["lease"]
        assert (await opened(new, ana))["holder"] is False
        await new.say({"type": "take"})
        assert await next_release(old) == {"type": "lovense.release", "lease": lease}
        await old.say({"type": "released", "lease": lease})
        assert (await snapshot_of(old))["holder"] is False
        taken = await snapshot_of(new)
        assert (taken["holder"], taken["lease"]) == (True, lease + 1)
        await new.say({"type": "take"})  # it has them
        await sockets.tick()
        await new.done()
        assert [page.page_id for page in sockets.open.values() if page.is_holder] == ["new"]


async def test_what_the_old_page_played_ends_with_it_and_what_waits_plays_on_the_new_one(chain, bob, token):
    async with Page(token=token, query="page=old") as old, Page(token=token, query="page=new") as new:
        lease = (await opened(old, chain.performer))["lease"]
        await opened(new, chain.performer)
        first = await asyncio.to_thread(chain.settled, bob, 100)
        await asyncio.to_thread(dispatch.drain, now=clock.now(), limit=9)
        command = await old.next()
        await old.acknowledge(command, "started")
        await new.say({"type": "take"})
        await next_release(old)
        await old.acknowledge(command, "finished", deliveredSeconds=1.5, code="interrupted")
        await old.say({"type": "released", "lease": lease})
        assert (await snapshot_of(new))["holder"] is True
        second = await asyncio.to_thread(chain.settled, bob, 100)
        await asyncio.to_thread(dispatch.drain, now=clock.now(), limit=9)
        again = await new.next()
    assert activation_of(first)["delivered_seconds"] == 1.5
    assert (again["activationId"], again["lease"]) == (f"{second}.all", lease + 1)


async def test_nothing_new_is_handed_to_a_page_that_is_to_let_go_and_it_reaches_the_next_one(
    chain, bob, token
):
    async with Page(token=token, query="page=old") as old, Page(token=token, query="page=new") as new:
        lease = (await opened(old, chain.performer))["lease"]
        await opened(new, chain.performer)
        await new.say({"type": "take"})
        await next_release(old)
        tip_id = await asyncio.to_thread(chain.settled, bob, 100)
        await asyncio.to_thread(dispatch.drain, now=clock.now(), limit=9)
        assert {each["type"] for each in await old.heard(chain.performer_id)} <= {"lovense.release"}
        await old.say({"type": "released", "lease": lease})
        assert (await snapshot_of(new))["holder"] is True
        command = await new.next()
    assert (command["activationId"], command["attempt"]) == (f"{tip_id}.all", 1)


async def test_of_two_pages_that_take_at_once_one_holds_and_the_other_stands_by(ana, token):
    async with (
        Page(token=token, query="page=old") as old,
        Page(token=token, query="page=one") as one,
        Page(token=token, query="page=two") as other,
    ):
        lease = (await opened(old, ana))["lease"]
        for page in (one, other):
            await opened(page, ana)
        await asyncio.gather(*(page.say({"type": "take"}) for page in (one, other)))
        await asyncio.gather(one.done(), other.done())
        await next_release(old)
        await old.say({"type": "released", "lease": lease})
        await old.done()
        await sockets.tick()
        held = [page for page in sockets.open.values() if page.is_holder]
        assert [page.page_id for page in held] in (["one"], ["two"])
        found = await asyncio.to_thread(pages.holders, now=clock.now())
        assert found[ana.pk].channel == held[0].channel
        await sockets.tick()
        assert held == [page for page in sockets.open.values() if page.is_holder]


async def test_a_page_that_does_not_answer_has_lost_them_when_its_lease_is_over(ana, token):
    async with Page(token=token, query="page=deaf") as deaf, Page(token=token, query="page=new") as new:
        await opened(deaf, ana)
        await opened(new, ana)
        await new.say({"type": "take"})
        await next_release(deaf)
        await sockets.tick()
        await next_release(deaf)  # said again
        assert (await new.heard(ana.performer_id)) == []
        await expired(ana)
        await sockets.tick()
        assert (await snapshot_of(deaf))["holder"] is False
        assert (await snapshot_of(new))["holder"] is True


async def test_where_the_word_of_it_is_lost_the_row_says_it_within_a_second(ana, token):
    async with Page(token=token, query="page=old") as old, Page(token=token, query="page=new") as new:
        await opened(old, ana)
        await opened(new, ana)
        wish = {"$set": {"wanted_by": "new", "wanted_at": clock.now()}}
        await asyncio.to_thread(collection(PageLease).update_one, {"_id": ana.pk}, wish)
        await sockets.tick()
        await next_release(old)
        await expired(ana)
        await sockets.tick()
        assert (await snapshot_of(new))["holder"] is True


async def test_one_that_lets_go_of_another_lease_than_its_own_lets_nothing_go(ana, token):
    async with Page(token=token, query="page=old") as old:
        lease = (await opened(old, ana))["lease"]
        await old.say({"type": "released", "lease": lease + 1})
        await old.done()
        await old.say({"type": "released", "lease": 0})
        assert (await old.next())["error"]["details"]["field"] == "lease"
        assert ana.performer_id in await asyncio.to_thread(pages.holders, now=clock.now())


async def test_a_page_that_only_watches_is_refused_in_words(ana, token):
    async with Page(token=token) as old, Page(token=token, query="page=w&watch=1") as watching:
        await opened(old, ana)
        await opened(watching, ana)
        await watching.say({"type": "take"})
        said = (await watching.next())["error"]
        assert (said["code"], said["details"]["field"]) == ("not_found", "pageId")


async def test_a_page_that_has_gone_stands_by_no_more(ana, token):
    async with Page(token=token, query="page=old") as old:
        await opened(old, ana)
        async with Page(token=token, query="page=new") as new:
            await opened(new, ana)
            await until(lambda: len(collection(PageLease).find_one()["standing_by"]) == 1)
        await until(lambda: collection(PageLease).find_one()["standing_by"] == [])


async def test_one_that_goes_while_it_is_about_to_stand_by_does_not(ana, token):
    go_on, threads = threading.Event(), ThreadPoolExecutor(1)
    async with Page(token=token, query="page=old") as old:
        await opened(old, ana)
        opener = identity.Opener(ana.pk, "ana", ana.user.pk, ana.user.password)
        outbox = Outbox(old.say, None)
        about = {"page_id": "new", "channel": "its", "wants_devices": True, "outbox": outbox, "peer": None}
        page = OpenPage(opener, **about)
        asyncio.get_running_loop().set_default_executor(threads)
        threads.submit(go_on.wait)
        standing = [asyncio.create_task(page.stand_by()) for _ in range(2)]
        await asyncio.sleep(0)  # both are on their way
        outbox.forget()
        await page.release()
        go_on.set()
        await asyncio.gather(*standing)
        assert collection(PageLease).find_one()["standing_by"] == []


async def test_one_that_says_twice_that_it_stands_by_stands_there_once(ana, token):
    async with Page(token=token, query="page=old") as old:
        await opened(old, ana)
        me = {"page_id": "new", "channel": "its"}
        stood = await asyncio.gather(*(asyncio.to_thread(handover.stand_by, ana.pk, **me) for _ in range(4)))
        assert (stood, collection(PageLease).find_one()["standing_by"]) == ([True] * 4, [me])


def asked(performer, page_id):
    headers = {"root": "/api/lovense"}
    return Caller(token=token_of(performer.user), **headers)("post", "/holder/take", {"pageId": page_id})


async def test_over_rest_it_goes_the_same_way_as_over_the_socket(ana, token):
    async with Page(token=token, query="page=old") as old, Page(token=token, query="page=new") as new:
        lease = (await opened(old, ana))["lease"]
        await opened(new, ana)
        assert (await asyncio.to_thread(asked, ana, "new")).status_code == 202
        await next_release(old)
        await old.say({"type": "released", "lease": lease})
        assert (await snapshot_of(new))["holder"] is True
