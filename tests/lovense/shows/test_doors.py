"""Her buttons and her program end the show and begin the next one, for her alone; over sockets the page that
holds lets go, and none takes the devices until she says so."""

import asyncio
import re

import pytest

from ground import clock
from lovense.sending import pages
from lovense.shows import onair
from lovense.sockets.process import sockets
from tests.lovense.callers import Caller, chain
from tests.lovense.live_page import button, page, said
from tests.lovense.page import Page
from tests.lovense.shows.stage import take
from tests.lovense.sockets import _nothing_runs_on, token, until
from tests.lovense.test_told_at_once import told

__all__ = ["_nothing_runs_on", "button", "chain", "page", "token", "told"]
pytestmark = pytest.mark.django_db
ROOT = "/api/lovense"


async def snapshot_of(page):
    while (message := await page.next())["type"] != "snapshot":
        pass
    return message


# --- buttons -----------------------------------------------------------------------------------------------


def test_the_buttons_say_what_came_of_it_and_her_pages_hear_at_once(button, ana, told):
    take(at=clock.now(), who=ana.pk)
    assert said(button("show/end")) == "The show is over: your devices are stopped and let go."
    assert "shows" in told()
    assert said(button("show/end")) == "You are off air."
    assert said(button("show/begin")) == "Going on air."
    assert "shows" in told()


@pytest.mark.parametrize("name", ["show/end", "show/begin"])
def test_a_button_is_hers_alone(client, ana, carol, dina, name):
    take(at=clock.now(), who=ana.pk)
    client.force_login(dina)
    assert client.post(f"/live/{name}").status_code == 403
    client.force_login(carol.user)
    client.post(f"/live/{name}", headers={"HX-Request": "true"})
    assert onair.current(ana.pk, now=clock.now()) is not None
    assert client.get(f"/live/{name}").status_code == 405


# --- REST --------------------------------------------------------------------------------------------------


def test_her_program_asks_ends_and_begins(chain, bob):
    ask = Caller(chain.performer.user, root=ROOT)
    assert ask("get", "/shows").json()["onAir"]["isHeld"] is True
    chain.played(bob, 100)
    ended = ask("post", "/show/end").json()["show"]
    assert ended["endedBy"] == "ana"
    assert (ended["sums"]["tips"], ended["sums"]["deliveredSeconds"]) == (1, 10.0)
    assert ask("get", "/shows").json() == {"onAir": None, "shows": [ended]}
    assert ask("get", f"/shows?before={ended['beganAt']}").json()["shows"] == []
    assert ask("post", "/show/end").json() == {"show": ended}
    assert ask("post", "/show/begin").json() == {"onAir": None}


def test_who_was_never_on_air_has_nothing_to_show(ana):
    ask = Caller(ana.user, root=ROOT)
    assert ask("get", "/shows").json() == {"onAir": None, "shows": []}
    assert ask("post", "/show/end").json() == {"show": None}


@pytest.mark.parametrize("before", ["yesterday", "2026-02-31T00:00:00Z", "0" * 41, "\0"])
def test_a_moment_that_is_none_is_named(ana, before):
    answer = Caller(ana.user, root=ROOT)("get", f"/shows?before={before}")
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (400, "before")


def test_staff_has_no_show(dina):
    ask = Caller(dina, root=ROOT)
    for method, path in (("get", "/shows"), ("post", "/show/end"), ("post", "/show/begin")):
        assert ask(method, path).status_code == 403


# --- over sockets ------------------------------------------------------------------------------------------


async def test_the_page_lets_go_and_has_them_again_when_she_goes_on_air(ana, token, monkeypatch):
    monkeypatch.setattr(pages, "LEASE_SECONDS", 60)  # nothing here renews leases by itself
    ask = Caller(token=token, root=ROOT)
    async with Page(token=token, query="page=one") as one, Page(token=token, query="page=two") as two:
        lease = (await snapshot_of(one))["lease"]
        await snapshot_of(two)
        await asyncio.to_thread(ask, "post", "/show/end")
        while (message := await one.next())["type"] != "lovense.release":
            pass
        assert message == {"type": "lovense.release", "lease": lease}
        await one.say({"type": "released", "lease": lease})
        assert (await snapshot_of(one))["holder"] is False
        await sockets.tick()
        assert [page.page_id for page in sockets.open.values() if page.is_holder] == []
        await asyncio.to_thread(ask, "post", "/show/begin")
        await sockets.tick()
        assert (await snapshot_of(one))["holder"] is True
    await until(lambda: not pages.holders(now=clock.now()))


def test_the_stage_shows_the_summary_until_it_is_put_away(button, page, ana, carol, client):
    take(at=clock.now(), who=ana.pk)
    assert "Your show is over" not in page("queue")
    button("show/end")
    shown = page("queue")
    assert "Your show is over" in shown
    assert '<dl class="stage__sums"' in shown
    number = re.search(r"/history\?show=(\d+)", shown).group(1)
    client.force_login(carol.user)
    answer = client.post("/live/show/put-away", {"show": number}, headers={"HX-Request": "true"})
    assert answer.status_code == 404
    client.force_login(ana.user)
    assert "Your show is over" in page("queue")
    assert button("show/put-away", show=number).status_code == 204
    assert "Your show is over" not in page("queue")
    assert "Before you go on air" in page("queue")
