"""What stands around every page of hers: where she is and may go, how her show stands, what is to be mended,
and what her stop or her pause holds."""

import re
from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from lovense.bridges.outcomes import CallOutcome
from lovense.lane import controls
from lovense.models import Performer
from lovense.page.frame import PAGES
from lovense.repairs import faults, looking
from lovense.stopping import stop as stopping
from lovense.stopping.presses import Still, StillToy, answered
from tests.lovense.devices import apps
from tests.lovense.live_page import _at_the_fixed_time, button, chain, page, press

__all__ = ["_at_the_fixed_time", "button", "chain", "page"]
pytestmark = pytest.mark.django_db
ADDRESSES = {"live": "/", "devices": "/devices", "menu": "/menu", "patterns": "/patterns"}


def stopped(ana, now):
    stopping.press(performer_id=ana.pk, by="ana", now=now, why="", through="page")
    return collection(Performer).find_one({"_id": ana.pk})["stop_epoch"]


# --- where she is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ADDRESSES)
def test_every_page_of_hers_has_the_frame_and_says_where_she_is(client, ana, name):
    client.force_login(ana.user)
    html = client.get(ADDRESSES[name]).content.decode()
    word = {own: word for own, _, word, _ in PAGES}[name]
    assert re.findall(r'data-to="(\w+)"', html) == [own for own, *_ in PAGES]
    assert re.findall(r'data-to="(\w+)"[^>]*aria-current="page"', html) == [name]
    assert re.findall(r"<h1[^>]*>([^<]*)</h1>", html) == [word]
    assert f"<title>{word} · " in html
    assert html.count("data-stop hx-boost") == 4  # the page's, and that of each dialog
    assert '<a class="skip" href="#content">' in html


@pytest.mark.parametrize("name", ADDRESSES)
def test_only_a_document_that_begins_as_live_changes_its_page_in_place(client, ana, name):
    client.force_login(ana.user)
    html = client.get(ADDRESSES[name]).content.decode()
    assert ("hx-boost:inherited" in html) == ("data-began-as-live" in html) == (name == "live")
    assert ('"history": true' if name == "live" else '"history": "reload"') in html
    assert html.count('id="holder" hx-preserve') == 1


def test_what_leaves_her_pages_is_never_fetched_into_them(client, ana):
    client.force_login(ana.user)
    html = client.get("/").content.decode()
    assert '<form method="post" action="/logout" hx-boost="false">' in html
    posts = re.findall(r'<form[^>]*method="post"[^>]*>', html)
    assert [form for form in posts if "hx-boost" not in form and "hx-post" not in form] == []


# --- how her show stands -----------------------------------------------------------------------------------


def test_she_is_on_air_while_somebody_holds_her_devices(page, chain):
    assert "Off air" in page("strip")
    chain.hold(battery=82)
    shown = page("strip")
    assert "On air" in shown
    assert re.search(r"<b>Lush</b>.*82&nbsp;%", shown)
    assert 'data-tone="warn"' not in shown


def test_a_device_that_is_low_or_away_is_marked(page, chain):
    chain.hold(battery=12)
    assert 'data-tone="warn"' in page("strip")
    chain.hold(status="off")
    assert "disconnected" in page("strip")


@pytest.fixture
def to_mend(ana, now):
    """Her app has lost its pairing, and a toy of it is low."""
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"bridge": "STANDARD_SERVER"}})
    then = now - 2 * looking.SHOWN_AFTER
    apps.opened(ana, now=then - timedelta(seconds=20), expires_at=then + apps.FIFTEEN_MINUTES)
    apps.take(apps.call(apps.LUSH | {"battery": 9}), now=then)
    faults.heard(performer_id=ana.pk, host_id=apps.HOST, outcome=CallOutcome.PAIRING_LOST, now=then)
    looking.look(now=then, limit=200)


def test_nothing_to_mend_is_a_quiet_line(page, chain):
    assert "All clear" in page("strip")
    assert '<span class="rail__dot" data-mend-count></span>' in page()


def test_the_worst_of_what_is_to_be_mended_leads_to_where_it_is_and_is_counted(page, chain, to_mend):
    shown = page("strip")
    assert "All clear" not in shown
    assert re.search(r'<a class="strip__worst" href="/devices#mend">.*battery', shown)
    dots = re.findall(r"<b>(\d+)</b>", re.search(r"data-mend-count>.*?</a>", page())[0])
    assert dots == [re.search(r'data-mend="(\d+)"', shown)[1]]
    assert int(dots[0]) >= 1


# --- what holds it -----------------------------------------------------------------------------------------


def test_the_bar_pauses_and_says_until_when_and_resumes(page, button, chain, now):
    assert "What plays, plays to its end." in page("stop")
    button("pause", minutes="15")
    assert re.search(r'<strong>Paused</strong> goes on <time datetime="2026-01-03T04:30', page("stop"))
    button("pause")
    assert "<strong>Paused</strong> until you resume" in page("stop")
    button("resume")
    assert "Paused" not in page("stop")


def test_without_scripts_a_pause_and_its_end_lead_back_to_live(client, chain, ana):
    client.force_login(ana.user)
    for name in ("pause", "resume"):
        answer = client.post(f"/live/{name}", {"minutes": ""})
        assert (answer.status_code, answer["Location"]) == (302, "/")


def test_while_she_is_stopped_the_bar_is_the_record(page, chain, ana, now):
    chain.hold()
    epoch = stopped(ana, now)
    assert "not answered yet" in page("stop")
    answered(Still(epoch, (StillToy("toy-1", 84.0, "still"),)), performer_id=ana.pk, page_id="p", now=now)
    shown = page("stop")
    assert re.search(r"<strong>Stopped</strong>.*by <bdi>ana</bdi>", shown)
    assert "silent after 84 ms" in shown


def test_resuming_says_what_would_play(page, chain, bob, ana, now):
    chain.settled(bob, 100)
    stopped(ana, now)
    assert re.search(r"First plays [^<]+, 100 tokens from bob\.", page("stop"))


def test_resuming_says_that_nothing_waits(page, chain, ana, now):
    stopped(ana, now)
    assert "Nothing waits. The next tip that is settled plays by itself." in page("stop")


def test_a_stop_says_more_than_the_pause_that_came_with_it(page, chain, ana, now):
    press(ana, controls.pause, why="", now=now, until=now + timedelta(minutes=5))
    stopped(ana, now)
    assert "<strong>Paused</strong>" not in page("stop")
