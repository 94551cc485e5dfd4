"""The staff's socket through the whole application: who may open it, what is told to whom, how often anybody
looks, and what becomes of one that may not be open any more."""

import asyncio
import re
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.test import Client

from adminpanel.live import sockets as live
from adminpanel.live import stamps, watchers
from adminpanel.live.sockets import MAX_SOCKETS, sockets
from adminpanel.people import sessions
from adminpanel.staff import enrol, give, group_of
from ground import clock
from ground.audit import log as audit_log
from ground.mongodb import transactions
from ground.people import Role
from lovense.consumers import TRY_LATER
from lovense.sockets import outbox
from lovense.sockets.process import TOO_MANY_PAGES, UNAUTHENTICATED
from tests.adminpanel.conftest import fail_command
from tests.factories import token_of
from tests.ground.plans import recorded, scans
from tests.lovense.page import PATIENCE_SECONDS, Page
from tests.lovense.sockets import until

__all__ = ["fail_command"]
pytestmark = pytest.mark.django_db
SECRET = "canary-7f3a"
OWN = {"host": "tips.example", "origin": "https://tips.example"}


@pytest.fixture
def staff():
    return {role: enrol(username=f"a-{role}", role=role, password="").user for role in Role}


def cookie_of(user):
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"


@pytest.fixture
def cookies(staff):
    return {role: cookie_of(user) for role, user in staff.items()}


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.02)


def socket(cookie, **more):
    return Page(path="/ws/admin", headers={"cookie": cookie, **OWN}, **more)


def record(**more):
    said = {"kind": "access", "action": "refused", "by": "dina", "target": "t", "now": clock.now()}
    audit_log.record(**said | more)


changed = sync_to_async(record)


# --- who may open it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
async def test_each_role_hears_first_where_its_topics_stand(cookies, role):
    async with socket(cookies[role]) as page:
        said = await page.told()
    assert said == {"type": "snapshot", "stamps": await sync_to_async(stamps.look)()}
    assert not sockets.open


async def test_a_session_from_another_origin_is_refused_and_not_told_why(cookies):
    headers = {"cookie": cookies[Role.ADMIN], "host": "tips.example", "origin": "https://evil.example"}
    assert await Page(path="/ws/admin", headers=headers).open() == UNAUTHENTICATED
    assert not sockets.open


async def test_a_token_of_staff_opens_nothing(staff):
    token = await sync_to_async(token_of)(staff[Role.ADMIN])
    page = Page(path="/ws/admin", headers={"authorization": f"Token {token}", **OWN})
    async with page:
        assert await page.closed() == UNAUTHENTICATED


@pytest.mark.parametrize("name", ["nobody", "a performer", "an account without a role", "disabled"])
async def test_a_page_of_ours_that_may_not_is_told_so(ana, staff, name):
    def made():
        if name == "a performer":
            return cookie_of(ana.user)
        cookie = cookie_of(staff[Role.SUPPORT])
        if name == "an account without a role":
            staff[Role.SUPPORT].groups.clear()
        staff[Role.SUPPORT].is_active = name != "disabled"
        staff[Role.SUPPORT].save()
        return "sessionid=nobody" if name == "nobody" else cookie

    async with socket(await sync_to_async(made)()) as page:
        assert await page.closed() == UNAUTHENTICATED


async def test_an_admin_without_a_second_factor_is_refused_where_one_is_required(cookies, settings):
    settings.STAFF_REQUIRE_OTP = True
    async with socket(cookies[Role.ADMIN]) as page:
        assert await page.closed() == UNAUTHENTICATED


async def test_of_one_account_so_many_are_open_and_another_account_is_not_asked(cookies):
    pages = [socket(cookies[Role.ADMIN]) for _ in range(MAX_SOCKETS)]
    assert [await page.open() for page in pages] == [True] * MAX_SOCKETS
    async with socket(cookies[Role.ADMIN]) as one_more, socket(cookies[Role.SUPPORT]) as another:
        assert await one_more.closed() == TOO_MANY_PAGES
        assert (await another.told())["type"] == "snapshot"
    for page in pages:
        await page.close()
    assert not sockets.open


# --- what is told ------------------------------------------------------------------------------------------


async def test_what_moves_is_told_once_to_all_and_names_the_topic_and_its_stamp_alone(cookies):
    async with socket(cookies[Role.ADMIN]) as one, socket(cookies[Role.AUDITOR]) as other:
        before = [(await page.told())["stamps"] for page in (one, other)]
        await changed(target=SECRET, by=SECRET, why=SECRET)
        told = [await page.told() for page in (one, other)]
        now = await sync_to_async(stamps.look)()
        await changed()
        again = await one.told()
    assert told == [{"type": "news", "topic": "audit", "stamp": now["audit"]}] * 2
    assert before[0]["audit"] != now["audit"] != again["stamp"]
    assert again["topic"] == "audit"


async def test_who_comes_again_sees_by_the_stamps_what_it_has_missed(cookies):
    async with socket(cookies[Role.SUPPORT]) as page:
        before = (await page.told())["stamps"]
    await changed()
    async with socket(cookies[Role.SUPPORT]) as page:
        after = (await page.told())["stamps"]
    assert {topic for topic in after if after[topic] != before[topic]} == {"audit"}


async def test_no_datum_is_ever_told(cookies, chain, bob):
    """Whatever happens to ana and bob: words come from this house, stamps from nothing that can be read."""
    async with socket(cookies[Role.ADMIN]) as page:
        said = [await page.told()]
        await sync_to_async(chain.settled)(bob, 100, message=SECRET)
        await changed(target=SECRET, why=SECRET)
        topics = set()
        while topics < {"tips", "queue", "audit"}:
            said.append(await page.told())
            topics.add(said[-1]["topic"])
        await page.say(f'{{"type": "{SECRET}"}}')
        while said[-1]["type"] != "error":
            said.append(await page.told())
    *news, error = said
    for message in news:
        assert set(message) <= {"type", "stamps", "topic", "stamp"}
        told = message.get("stamps") or {message["topic"]: message["stamp"]}
        assert set(told) <= set(stamps.TOPICS)
        assert all(re.fullmatch(r"[0-9a-f]{16}", stamp) for stamp in told.values())
    assert SECRET not in str(error)


async def test_one_look_serves_all_that_are_open_and_costs_at_most_eight_commands(cookies):
    pages = [socket(cookies[role]) for role in Role for _ in range(4)]
    for page in pages:
        await page.open()
        await page.told()
    sockets._looking.cancel()  # nobody looks but this test
    with recorded() as plans:
        await sockets.look()
    assert len(plans) == 4
    assert scans(plans) == []
    for page in pages:
        await page.close()


async def test_nobody_looks_where_nobody_watches(cookies):
    async with socket(cookies[Role.SUPPORT]) as page:
        await page.told()
        looking = sockets._looking
    await asyncio.wait([looking], timeout=PATIENCE_SECONDS)
    assert looking.done()
    assert sockets._looking is None


async def test_a_topic_is_told_no_more_often_than_anybody_looks(cookies, monkeypatch):
    """Twice a second at most."""
    monkeypatch.undo()
    assert live.LOOK_SECONDS >= 0.5
    loop = asyncio.get_running_loop()
    async with socket(cookies[Role.SUPPORT]) as page:
        await page.told()
        moments = []
        for _ in range(2):
            await changed()
            await page.told()
            moments.append(loop.time())
    assert moments[1] - moments[0] >= 0.9 * live.LOOK_SECONDS


# --- what ends it ------------------------------------------------------------------------------------------


def _ends_session(user):
    Session.objects.all().delete()


def _idles(user):
    """An admin's, for half an hour."""
    mark = sessions.begun(is_proved=True, now=clock.now() - timedelta(minutes=31))
    for each in Session.objects.all():
        kept = each.get_decoded() | {sessions.MARK: mark}
        Session.objects.filter(pk=each.pk).update(session_data=Session.objects.encode(kept))


def _disables(user):
    user.is_active = False
    user.save()


def _takes_role(user):
    user.is_superuser = False
    user.save()
    user.groups.clear()


def _new_password(user):
    user.set_password("another one")
    user.save()


ENDS = [_ends_session, _idles, _disables, _takes_role, _new_password]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
async def test_one_that_may_not_watch_any_more_is_closed_and_the_others_go_on(staff, cookies, end):
    another = await sync_to_async(cookie_of)(staff[Role.SUPPORT])
    async with socket(cookies[Role.ADMIN]) as page:
        await page.told()
        await sync_to_async(end)(staff[Role.ADMIN])
        assert await page.closed() == UNAUTHENTICATED
        assert not sockets.open
        if end is not _ends_session:
            async with socket(another) as other:
                assert (await other.told())["type"] == "snapshot"


async def test_a_lowered_role_hears_on_of_what_it_may_read(staff, cookies):
    def lowered():
        """At once, as the rule that does it."""
        group = group_of(Role.AUDITOR)
        transactions.run(lambda session: give(staff[Role.ADMIN], Role.AUDITOR, group))

    async with socket(cookies[Role.ADMIN]) as page:
        await page.told()
        await sync_to_async(lowered)()
        [one] = sockets.open
        roles = await sync_to_async(watchers.roles)([one.watcher], now=clock.now())
        assert roles == {one.watcher: Role.AUDITOR}
        await changed()
        assert (await page.told())["topic"] == "audit"


# --- what goes wrong ---------------------------------------------------------------------------------------


async def test_a_database_that_is_away_costs_a_moment_and_no_socket(cookies, fail_command, caplog):
    async with socket(cookies[Role.SUPPORT]) as page:
        await page.told()
        fail_command("aggregate", times=3, errorCode=8)
        await until(lambda: "staff_look_failed" in caplog.text)
        await changed()
        assert (await page.told())["topic"] == "audit"


async def test_one_that_comes_while_it_is_away_is_asked_to_come_again(cookies, fail_command):
    fail_command("find", "aggregate", times=1, errorCode=8)
    async with socket(cookies[Role.SUPPORT]) as page:
        assert await page.closed() == TRY_LATER
    assert not sockets.open


class Peer:
    """The other end of a connection that takes nothing at once."""

    heard_at, is_aborted = 0.0, False

    def say(self, text):
        return False

    def abort(self):
        self.is_aborted = True


async def test_one_that_does_not_read_is_cut_off_and_costs_the_others_nothing(cookies, monkeypatch):
    monkeypatch.setattr(outbox, "SEND_SECONDS", 0.1)
    peer = Peer()
    async with socket(cookies[Role.SUPPORT], peer=peer) as slow, socket(cookies[Role.SUPPORT]) as page:
        await slow.told()
        await page.told()
        slow.reads.clear()
        for _ in range(5):
            await changed()
            assert (await page.told())["topic"] == "audit"
        await until(lambda: peer.is_aborted)
        slow.reads.set()
    assert not sockets.open


HOSTILE = [
    "",
    "x" * 70_000,
    "[]",
    "{",
    "NaN",
    '{"type": null}',
    '{"type": "stop"}',
    '{"type": "ack", "activationId": {"$gt": ""}}',
    '{"type": "snapshot"}',
    "\x00",
    '{"type":' * 5_000,
]


@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
async def test_whatever_it_says_is_refused_and_changes_nothing(cookies, said):
    async with socket(cookies[Role.SUPPORT]) as page:
        await page.told()
        await page.say(said)
        answer = await page.told()
        assert (answer["type"], answer["error"]["code"]) == ("error", "malformed")
        await changed()
        assert (await page.told())["topic"] == "audit"


async def test_bytes_are_refused_like_words(cookies):
    async with socket(cookies[Role.SUPPORT]) as page:
        await page.told()
        await page.socket.send_input({"type": "websocket.receive", "bytes": b"\xff"})
        assert (await page.told())["type"] == "error"
