"""What nobody of the staff may see is in nothing that anybody of them can reach, nor in a log, a metric or a
mail."""

import json
import re

import pytest
from asgiref.sync import sync_to_async
from django.core import mail
from django.test import Client

from adminpanel.live import sockets as live
from adminpanel.live import stamps
from adminpanel.staff import enrol
from ground import clock
from ground.audit import log as audit_log
from ground.mongodb.collections import current
from ground.people import Role
from tests.adminpanel import canary
from tests.factories import NOW
from tests.lovense.page import PATIENCE_SECONDS, Page

pytestmark = pytest.mark.django_db
LEAST_PAGES = 120


@pytest.fixture
def pushed(chain, ana, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    with canary.heard() as log:
        canary.push(chain, ana)
        yield log


@pytest.mark.parametrize("role", list(Role))
def test_what_nobody_may_see_is_on_no_page_and_in_no_file_of_a_role(pushed, role):
    user = enrol(username=f"a-{role}", role=role, password=canary.PASSWORD).user
    shown, failed, addresses = {}, [], set()
    for address, status, text in canary.crawl(user):
        addresses.add(address)
        if status >= 500:
            failed.append((address, status))
        records, toy = canary.OF_RECORDS
        may = {toy} if role is Role.ADMIN and address.startswith(records) else set()
        for value in canary.NOT_SHOWN - may:
            if value in text:
                shown.setdefault(value, []).append(address)
    assert failed == []
    assert shown == {}
    assert len(addresses) >= LEAST_PAGES
    assert any("/screen/live" in each for each in addresses) is (role is not Role.AUDITOR)
    assert canary.found_in(pushed.getvalue()) == set()


def test_what_may_be_seen_is_found_by_the_same_walk(pushed):
    """So the walk does get there."""
    user = enrol(username="ada", role=Role.ADMIN, password="").user
    assert any(canary.NAMED in text for _, _, text in canary.crawl(user))


def test_metrics_and_probes_name_nobody(pushed):
    for path in ("/metrics", "/readyz", "/healthz", "/api/schema"):
        assert canary.found_in(Client().get(path).content.decode()) == set()


def test_what_is_mailed_to_her_names_nobody(pushed, ana):
    assert canary.mailed(ana) == 1
    for message in mail.outbox:
        assert canary.found_in(message.message().as_string()) == set()


# --- the staff's socket ------------------------------------------------------------------------------------

SHAPES = {"snapshot": {"type", "stamps"}, "news": {"type", "topic", "stamp"}, "error": {"type", "error"}}


async def told(page):
    return (await page.socket.receive_output(PATIENCE_SECONDS))["text"]


async def heard_by(page, said, now):
    """All that it is told, as it is sent, until it knows where every topic stands now."""
    stands = json.loads(said)["stamps"]
    while stands != {topic: now[topic] for topic in stands}:
        said += "\n" + (text := await told(page))
        news = json.loads(text)
        stands[news["topic"]] = news["stamp"]
    return said


async def test_what_nobody_may_see_is_told_over_no_staffs_socket(chain, ana, monkeypatch):
    """Each role listens while all is pushed through; and what is said to the socket is not said back."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.02)
    cookies = {role: await sync_to_async(_cookie)(role) for role in Role}
    own = {"host": "tips.example", "origin": "https://tips.example"}
    pages = [Page(path="/ws/admin", headers={"cookie": cookie, **own}) for cookie in cookies.values()]
    async with pages[0], pages[1], pages[2]:
        first = [await told(page) for page in pages]
        await sync_to_async(canary.push)(chain, ana)
        await sync_to_async(_recorded)()
        now = await sync_to_async(stamps.look)()
        moved = {topic for topic, stamp in json.loads(first[0])["stamps"].items() if now[topic] != stamp}
        said = [await heard_by(page, text, now) for page, text in zip(pages, first, strict=True)]
        for page in pages:
            await page.say({"type": canary.MESSAGE, canary.UTOKEN: canary.NAMED})
        said += [await told(page) for page in pages]
    whole = "\n".join(said)
    assert canary.found_in(whole) == set()
    assert {ana.pk, ana.display_name, ana.user.username} & set(re.findall(r'"([^"]*)"', whole)) == set()
    for each in map(json.loads, whole.split("\n")):
        assert set(each) == SHAPES[each["type"]]
    assert moved >= {"queue", "devices", "audit"}


def _recorded():
    said = {"by": canary.NAMED, "target": canary.TOY, "why": canary.MESSAGE, "lane": canary.STRANGER}
    audit_log.record(kind="performer", action="pause", now=NOW, **said)


def _cookie(role):
    client = Client()
    client.force_login(enrol(username=f"a-{role}", role=role, password=canary.PASSWORD).user)
    return f"sessionid={client.cookies['sessionid'].value}"


# --- so that it says something -----------------------------------------------------------------------------


def test_what_is_to_be_hidden_is_kept_in_plain_somewhere(pushed):
    """Else it could not come out, and its absence would say nothing."""
    kept = " ".join(str(row) for name in current().list_collection_names() for row in current()[name].find())
    plain = {canary.TOY, canary.DOMAIN, canary.UID, canary.HIDDEN, canary.MESSAGE, canary.HIDDEN_MESSAGE}
    assert {value for value in plain if value not in kept} == set()
