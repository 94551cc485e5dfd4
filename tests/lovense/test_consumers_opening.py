"""Who may open a performer's socket: her token, or her session from our own origin, and no stranger."""

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.authtoken.models import Token

from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.models import PageLease
from lovense.sockets.process import UNAUTHENTICATED
from tests.factories import NOW, token_of
from tests.lovense.page import Page
from tests.lovense.sockets import _nothing_runs_on, token

__all__ = ["_nothing_runs_on", "token"]
pytestmark = pytest.mark.django_db


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
    "nonsense": {"cookie": "\x00;=;==\x7f", "host": "a", "origin": "http://[", "authorization": "Token \xff"},
}


@pytest.mark.parametrize("name", list(STRANGERS))
async def test_a_stranger_is_refused(db, name):
    assert await Page(headers=STRANGERS[name]).open() == UNAUTHENTICATED


@pytest.mark.parametrize("cookie", ["sessionid=xyz", "a=b"])
async def test_a_page_of_ours_whose_session_has_ended_is_told_so(db, cookie):
    """Refused at the door it would not know why: to a script that is a socket that broke."""
    page = Page(headers={"cookie": cookie, "host": "a", "origin": "http://a"})
    assert await page.open() is True
    assert await page.closed() == UNAUTHENTICATED


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
    if way == "token":
        assert await Page(token=token).open() == UNAUTHENTICATED
        return
    page = Page(headers={"cookie": cookie, "host": "a", "origin": "http://a"})
    assert await page.open() is True
    assert await page.closed() == UNAUTHENTICATED


@pytest.fixture
def withdrawn(token):
    Token.objects.all().delete()


async def test_a_withdrawn_token_is_refused(token, withdrawn):
    assert await Page(token=token).open() == UNAUTHENTICATED


async def test_there_is_no_other_socket(token):
    assert await Page(token=token, path="/ws/other").open() == 4404
