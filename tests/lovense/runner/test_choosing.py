"""Another path: what plays on the one that she leaves ends, its page lets go, and the other one's devices are
those that count."""

import asyncio

import pytest

from ground import clock
from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from lovense.bridges import checks, choosing
from lovense.models import PageLease, Performer
from lovense.stopping import halts
from tests.factories import token_of
from tests.lovense.page import PATIENCE_SECONDS, Page
from tests.lovense.runner.stage import _nothing_runs_on, hers, phone, running
from tests.lovense.sockets import until

__all__ = ["_nothing_runs_on", "hers", "phone"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _told_nowhere():
    yield
    halts.use(halts.NoPages())


def choose(performer, name):
    choosing.change(performer_id=performer.pk, changes={"bridge": name}, by="ana", now=clock.now())


def devices_of(performer):
    return collection(Performer).find_one({"_id": performer.pk})["devices"]


def test_her_row_names_the_devices_of_the_path_that_she_has_chosen(hers):
    assert [each["isConnected"] for each in devices_of(hers)] == [True, True]
    choose(hers, "SIMULATOR")
    assert devices_of(hers) == []
    choose(hers, "STANDARD_SERVER")
    assert len(devices_of(hers)) == 2


def test_it_is_in_the_audit_log(hers):
    choose(hers, "SIMULATOR")
    entry = audit_log.of(hers.pk, limit=1)[0]
    assert (entry["before"], entry["after"]) == ({"bridge": "STANDARD_SERVER"}, {"bridge": "SIMULATOR"})


async def test_a_page_of_hers_lets_go_and_the_server_takes_her_devices(ana, hers, phone):
    await asyncio.to_thread(choose, hers, "SIMULATOR")
    token = await asyncio.to_thread(token_of, ana.user)
    async with running() as runner, Page(token=token) as page:
        halts.use(runner)
        first = await page.next()
        assert (first["holder"], first["bridge"]) == (True, "SIMULATOR")
        await runner.look()
        assert runner.pages == {}
        await asyncio.to_thread(choose, hers, "STANDARD_SERVER")
        halts.tell([hers.pk])
        while (message := await page.next())["type"] != "snapshot":
            pass
        assert (message["holder"], message["bridge"]) == (False, "STANDARD_SERVER")
        async with asyncio.timeout(PATIENCE_SECONDS):  # the page is told, then its lease is let go
            while hers.pk not in runner.pages:
                await runner.look()
        assert runner.pages[hers.pk].is_holder


async def test_a_page_that_opens_now_only_watches(ana, hers, phone):
    token = await asyncio.to_thread(token_of, ana.user)
    async with Page(token=token) as page:
        assert (await page.next())["holder"] is False
    assert collection(PageLease).count_documents({}) == 0


async def test_the_server_lets_go_of_who_has_chosen_another_path(ana, hers, phone):
    async with running() as runner:
        await asyncio.to_thread(choose, hers, "SIMULATOR")
        await runner.look()
        assert runner.pages == {}
        await until(lambda: collection(PageLease).count_documents({"expires_at": {"$gt": clock.now()}}) == 0)


# --- the page and the API ----------------------------------------------------------------------------------


def test_she_chooses_on_her_page_of_devices(client, hers):
    client.force_login(hers.user)
    assert b"Who tells your devices" in client.get("/devices").content
    answer = client.post("/devices/path", {"bridge": "SIMULATOR"}, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert collection(Performer).find_one({"_id": hers.pk})["bridge"] == "SIMULATOR"


@pytest.mark.parametrize(("name", "ends"), [("SIMULATOR", 1), ("STANDARD_SERVER", 0)])
def test_only_another_path_ends_what_plays(client, hers, name, ends):
    class Heard:
        halts = 0

        def halt(self, performer_ids, at, epoch):
            self.halts += 1

    halts.use(heard := Heard())
    client.force_login(hers.user)
    said = {"bridge": name, "maximumIntensity": 12}
    client.put("/api/lovense/preferences", said, content_type="application/json")
    client.post("/devices/path", {"bridge": name}, headers={"HX-Request": "true"})
    assert heard.halts == ends


@pytest.mark.parametrize("name", ["TELEPATHY", "", "CAM_KIT"])
def test_a_path_that_the_site_does_not_offer_is_refused(client, hers, name):
    client.force_login(hers.user)
    assert client.post("/devices/path", {"bridge": name}).status_code == 400
    told = client.put("/api/lovense/preferences", {"bridge": name}, content_type="application/json")
    assert told.status_code == 400
    assert told.json()["error"]["details"]["field"] == "bridge"


def test_a_path_that_is_offered_no_more_is_said_so(client, hers, settings):
    settings.LOVENSE_BRIDGES = ["SIMULATOR"]
    client.force_login(hers.user)
    assert b"told by a path that this site does not offer" in client.get("/devices").content


# --- settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "token", "debug", "found"),
    [
        (["SIMULATOR"], "", False, []),
        (["STANDARD_SERVER"], "t", False, []),
        (["STANDARD_SERVER"], "", True, []),
        (["STANDARD_SERVER"], "", False, ["lovense.E005"]),
        (["TELEPATHY"], "t", False, ["lovense.E004"]),
        ([], "t", False, ["lovense.E004"]),
    ],
)
def test_what_cannot_work_is_said_before_anything_starts(settings, names, token, debug, found):
    settings.LOVENSE_BRIDGES, settings.LOVENSE_DEVELOPER_TOKEN, settings.DEBUG = names, token, debug
    assert [each.id for each in checks.bridge_settings(None)] == found
