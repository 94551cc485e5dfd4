"""The live page: hers alone, the page or one region, what it shows, a bounded number of indexed look-ups, and
no code inline."""

import re
from datetime import datetime, timedelta

import pytest
from django.utils.html import escape

from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.devices import choices
from lovense.lane import controls
from lovense.models import Activation, Performer
from tests.chain import SECOND
from tests.factories import NOW
from tests.ground.plans import recorded
from tests.lovense.live_page import REGIONS, _at_the_fixed_time, chain, page, press
from tests.pages import inline_code, unlabelled_fields

__all__ = ["_at_the_fixed_time", "chain", "page"]
pytestmark = pytest.mark.django_db


# --- who sees it -------------------------------------------------------------------------------------------


def test_an_anonymous_visitor_is_sent_to_the_login(client):
    response = client.get("/")
    assert (response.status_code, response["Location"]) == (302, "/login?next=/")


def test_staff_without_a_performer_is_sent_to_the_tips(client, dina):
    client.force_login(dina)
    assert client.get("/")["Location"] == "/staff"


def test_an_account_that_is_neither_gets_403_with_a_way_out(client, ana):
    from tests.factories import UserFactory

    client.force_login(UserFactory.create())
    response = client.get("/")
    assert response.status_code == 403
    assert b"Log out" in response.content


def test_a_stranger_sees_nothing_of_hers(client, chain, carol, bob):
    chain.hold()
    chain.played(bob, 100, context={"customMessage": "Only for Ana"})
    chain.settled(bob, 50)
    client.force_login(carol.user)
    for region in REGIONS:
        shown = client.get("/", {"region": region}, headers={"HX-Request": "true"}).content.decode()
        assert not any(word in shown for word in ("bob", "Fireworks", "Lush", "Only for Ana", "50 tokens"))


def test_nobody_changes_anything_here(client, ana):
    client.force_login(ana.user)
    assert client.post("/").status_code == 405


# --- the page and its regions ------------------------------------------------------------------------------


def test_a_region_is_the_same_html_as_in_the_page(page, chain, bob):
    chain.hold()
    chain.played(bob, 100)
    chain.settled(bob, 50)
    whole = page()
    for region in REGIONS:
        part = page(region)
        assert "<html" not in part
        assert part.strip() in whole


def test_an_unknown_region_is_the_whole_page(page):
    assert "<html" in page("secrets")


def test_a_region_asked_for_without_htmx_is_the_whole_page(client, ana):
    client.force_login(ana.user)
    assert b"<html" in client.get("/", {"region": "queue"}).content


def test_a_region_that_outlives_its_session_is_told_so_and_gets_no_page(client):
    response = client.get("/", {"region": "queue"}, headers={"HX-Request": "true"}, follow=True)
    assert (response.status_code, response["HX-Retarget"]) == (401, "#session")
    assert b"You are logged out" in response.content
    assert b"<html" not in response.content
    assert b"password" not in response.content


def test_no_page_is_kept_by_a_cache(client, ana):
    client.force_login(ana.user)
    assert "no-store" in client.get("/")["Cache-Control"]


def test_nothing_is_inline_in_any_state(client, page, chain, bob):
    assert inline_code(page()) == []
    chain.hold()
    chain.played(bob, 100)
    chain.settled(bob, 50)
    assert inline_code(page()) == []
    assert unlabelled_fields(page()) == set()
    client.logout()
    login = client.get("/login").content.decode()
    assert inline_code(login) == []
    assert unlabelled_fields(login) == set()


def test_the_policy_allows_no_inline_code(client):
    policy = client.get("/login")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


# --- now playing, queue, feed ------------------------------------------------------------------------------


def test_an_idle_page_says_so(page, chain):
    chain.hold()
    shown = page()
    assert "Ready for the next tip" in shown
    assert "Each settled tip starts by itself." in shown
    assert "No tips waiting" in shown
    assert "No tips yet" in shown
    assert "All clear" in shown


def test_what_plays_is_shown_with_who_how_much_and_when_it_ends(page, chain, bob, now):
    chain.hold()
    tip_id = chain.settled(bob, 100, context={"customMessage": "Great <show>!"})
    chain.dispatch()
    assert "Starting" in page("queue")
    chain.acknowledge(tip_id, "started")
    shown = page("queue")
    ends = int((now + timedelta(seconds=10)).timestamp() * 1000)
    assert f'data-ends="{ends}" data-seconds="10"' in shown
    assert "Now playing: Fireworks, 100 tokens from &#x2068;bob&#x2069;" in shown
    assert escape("Great <show>!") in shown


def test_the_queue_shows_what_each_tip_will_do_and_when(page, chain, bob, now):
    chain.hold()
    for amount in (100, 50, 5, 20):
        chain.deliver(bob, amount)
    chain.settle()
    chain.dispatch()
    shown = page("queue")
    assert "3 waiting" in shown
    assert shown.index("· 50 tokens") < shown.index("· 5 tokens") < shown.index("· 20 tokens")
    assert "below the minimum (5 of at least 10 tokens)" in shown
    starts = re.findall(r'datetime="([^"]+)" data-starts', shown)
    # A second of the clock is gone of the 10 s of Fireworks; it has not started yet. Then come the 6 s of
    # Soft wave.
    assert [(datetime.fromisoformat(at) - now).total_seconds() for at in starts] == pytest.approx(
        [11, 17, 17], abs=1
    )


def test_what_nobody_can_foresee_is_not_given_a_time(page, chain, bob, ana, now):
    chain.settled(bob, 20)
    assert "waits for a page" in page("queue")
    chain.hold()
    press(ana, controls.pause, why="", now=now)
    assert page("queue").count("waits until you resume") == 1
    controls.set_draining(is_on=True, by="dina", why="a deploy", now=now)
    assert "waits for the update to end" in page("queue")
    assert "data-starts" not in page("queue")


def test_what_plays_is_drawn_with_its_playhead_and_what_comes_next(page, chain, bob, now):
    chain.hold()
    tip_id = chain.settled(bob, 100)
    chain.settled(bob, 50)
    chain.dispatch()
    assert "starts=" not in page("queue")
    chain.acknowledge(tip_id, "started")
    shown = page("queue")
    assert 'starts="2026-01-03T04:15:00+00:00"' in shown
    assert 'ends="2026-01-03T04:15:10+00:00"' in shown
    assert "Next: <strong>Soft wave</strong>" in shown
    assert f'id="wave-{bob_request(shown)}-bars"' in shown


def bob_request(shown):
    """Of the one that waits."""
    return re.search(r'id="request-([^"]+)"', shown)[1]


def test_what_has_no_effect_has_no_drawing(page, chain, bob):
    chain.hold()
    chain.played(bob, 20)
    chain.settled(bob, 20)
    chain.dispatch()
    chain.settled(bob, 5)
    shown = page("queue")
    assert "No effect" in shown
    assert shown.count("data-small") == 0


def test_nobody_holds_her_devices_so_the_page_says_what_is_to_be_done(page, chain, ana):
    shown = page("queue")
    assert "Off air" in shown
    assert "Go on air" in shown
    assert "You have no menu" in shown or "Your menu has" in shown
    assert "No page holds your devices" not in shown
    chain.hold()
    shown = page("queue")
    assert "Go on air" not in shown
    assert "On air" in shown


def test_what_played_last_stands_on_the_stage_while_nothing_plays(page, chain, bob):
    chain.hold()
    chain.played(bob, 100)
    assert "Last: <strong>Fireworks</strong>, <bdi>bob</bdi>, 100 tokens" in page("queue")


def test_a_line_of_the_feed_opens_to_what_said_no(page, chain, bob):
    chain.hold()
    chain.played(bob, 100)
    chain.settled(bob, 5)
    chain.dispatch()
    shown = page("feed")
    assert 'data-kinds="played"' in shown
    assert 'data-kinds="not_played"' in shown
    assert "Said no: minimum" in shown
    assert "5 of at least 10" in shown


def test_a_run_of_several_is_shown_as_one(page, chain, bob, ana, now):
    press(ana, controls.set_mode, mode="batch", now=now)
    chain.hold()
    tips = [chain.settled(bob, 20) for _ in range(3)]
    assert page("queue").count("with the one before") == 2
    chain.dispatch(later=2 * SECOND)
    chain.acknowledge(tips[0], "started", later=2 * SECOND)
    shown = page("queue")
    assert "and 2 more, as one run" in shown
    assert 'data-seconds="18"' in shown
    assert "No tips waiting" in shown


def test_a_long_queue_is_counted_and_cut(page, chain, bob):
    for _ in range(11):
        chain.deliver(bob, 20)
    chain.settle()
    shown = page("queue")
    assert "11 waiting" in shown
    assert "and 3 more" in shown


def test_a_queue_without_a_page_says_what_it_waits_for(page, chain, bob):
    chain.settled(bob, 20)
    assert "Tips wait until somebody holds your devices" in page("queue")
    assert "waits for a page" in page("queue")
    assert "1 tip waits for a page" in page("notices")


def test_the_feed_says_in_plain_words_what_each_tip_did(page, chain, bob):
    chain.hold()
    chain.played(bob, 100)
    chain.played(bob, 50, seconds=2.5)
    chain.settled(bob, 5)
    chain.settled(bob, 300)
    chain.dispatch()
    shown = page("feed")
    assert "“Fireworks” played for 10 s." in shown
    assert "“Soft wave” played for 2.5 of 6 s promised." in shown
    assert "Did nothing: below the minimum (5 of at least 10 tokens)." in shown
    assert "Did nothing: no menu item answers 300 tokens." in shown


def test_the_feed_is_cut_at_twenty(page, chain, bob):
    chain.hold()
    for _ in range(22):
        chain.deliver(bob, 5)
    chain.settle()
    chain.dispatch()
    assert page("feed").count("<li ") == 20


def test_an_anonymous_tip_has_no_name_anywhere(page, chain, bob):
    chain.hold()
    for amount in (100, 50, 20):
        chain.settled(bob, amount, isAnonymous=True)
    chain.dispatch()
    shown = page()
    assert "bob" not in shown
    assert "Anonymous" in page("queue")
    assert "Anonymous" in page("feed")


# --- devices and notices -----------------------------------------------------------------------------------


def test_devices_are_shown_with_battery_and_news(page, chain):
    chain.hold()
    shown = page("devices")
    assert "Held by a page" in shown
    assert "Lush" in shown
    assert "80&nbsp;%" in shown
    assert "Connected" in shown


def test_where_the_server_tells_her_toys_the_page_says_so(page, chain, ana):
    Performer.objects.filter(pk=ana.pk).update(bridge="STANDARD_SERVER")
    assert "Not told at the moment" in page("devices")
    chain.hold()
    assert "Told by this server" in page("devices")
    whole = page()
    assert "This server tells them over the internet" in whole
    assert "data-virtual-switch" not in whole


def test_a_silent_device_is_not_called_connected(page, chain, monkeypatch, now):
    chain.hold()
    monkeypatch.setattr("ground.clock.now", lambda: now + timedelta(seconds=40))
    assert "No news" in page("devices")
    assert "No page holds them" in page("devices")


def test_a_low_battery_is_a_notice(page, chain):
    chain.hold(battery=12)
    assert "Lush: battery low" in page("notices")


def test_a_lost_device_is_a_notice(page, chain):
    chain.hold(status="off")
    assert "Lush: disconnected" in page("notices")


def test_a_nearly_empty_battery_is_a_worse_notice(page, chain):
    chain.hold(battery=10)
    assert 'data-tone="bad"' in page("notices")


def test_a_device_that_is_back_says_so_for_a_while(page, chain, now, monkeypatch):
    chain.hold(status=0)
    chain.hold(status=1)
    assert "is back" not in page("notices")  # it was never there before
    chain.hold(status=0)
    chain.now = now + SECOND
    chain.hold(status=1)
    assert "Lush is back" in page("notices")
    monkeypatch.setattr("ground.clock.now", lambda: now + 32 * SECOND)
    assert "is back" not in page("notices")


def test_tips_that_wait_for_a_device_say_so(page, chain, bob):
    chain.hold(status=0)
    chain.settled(bob, 50)
    assert "Waiting for a device" in page("queue")
    assert "waits for a device" in page("queue")
    assert "1 tip waits for a device" in page("notices")


def test_a_device_that_she_removed_is_not_shown(page, chain, ana):
    chain.hold()
    choices.remove(performer_id=ana.pk, device_id=f"{ana.pk}.toy-1", by="ana", now=NOW)
    assert "No device yet" in page("devices")


def test_a_missing_menu_and_the_kill_switch_are_notices(page, ana):
    assert "intensity 10 of 20 for 5 s" in page("notices")
    platform.change(key="require_tip_menu", value="true", by="dina", now=NOW)
    assert "Settled tips do nothing until a tip menu is published" in page("notices")
    platform.change(key="enableLovense", value="false", by="dina", now=NOW)
    assert "Devices are switched off" in page("notices")


def test_a_tip_that_failed_lately_is_a_notice(page, chain, bob):
    chain.hold()
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    chain.acknowledge(tip_id, "failed", code="toy_unreachable")
    shown = page("notices")
    assert "A tip of 100 tokens: failed" in shown
    assert "The page reported a failure: toy unreachable." in shown


def test_a_pause_is_said_with_who_since_when_and_until(page, chain, ana, now):
    press(ana, controls.pause, why="", now=now, until=now + timedelta(minutes=5))
    shown = page()
    assert "Paused by <bdi>ana</bdi>" in shown
    assert 'datetime="2026-01-03T04:15:00+00:00" data-clock' in shown
    assert 'datetime="2026-01-03T04:20:00+00:00" data-starts' in page("stop")
    press(ana, controls.resume, now=now)
    assert "Paused" not in page()


def test_a_pause_without_end_says_so(page, chain, ana, now):
    press(ana, controls.pause, why="", now=now)
    assert "until you resume" in page("stop")


def test_a_pause_that_is_over_is_not_shown(page, chain, ana, now):
    press(ana, controls.pause, why="", now=now - timedelta(minutes=6), until=now - timedelta(minutes=1))
    assert "Paused" not in page()


def test_draining_is_a_notice(page, chain, now):
    controls.set_draining(is_on=True, by="dina", why="a deploy", now=now)
    assert "Starting again soon" in page("notices")


def test_the_limit_per_minute_is_said_with_when_it_goes_on(page, chain, bob, now):
    row = platform.current()
    row.rate_limit_per_minute = 1
    row.save()
    chain.hold()
    chain.played(bob, 20)
    chain.settled(bob, 20)
    chain.dispatch()
    shown = page("queue")
    assert "At the limit" in shown
    at, *_ = re.findall(r'datetime="([^"]+)" data-starts', shown)
    assert (datetime.fromisoformat(at) - now).total_seconds() == pytest.approx(60, abs=1)


def test_a_dead_letter_is_a_notice_that_says_why(page, chain, bob, now):
    chain.hold()
    tip_id = chain.settled(bob, 20)
    chain.dispatch()
    dead = {"status": "dead", "reason": "not_connected", "finished_at": now}
    collection(Activation).update_one({"tip_id": tip_id}, {"$set": dead})
    shown = page("notices")
    assert "A tip of 20 tokens: not played" in shown
    assert "The device refused it every time (not connected)" in shown


# --- look-ups ----------------------------------------------------------------------------------------------


def test_a_page_costs_the_same_few_indexed_look_ups_however_long_the_queue(page, chain, bob):
    chain.hold()
    page()  # the menu's cache is warm
    counts = []
    for _ in range(2):
        for _ in range(6):
            chain.deliver(bob, 20)
        chain.settle()
        chain.dispatch()
        with recorded() as plans:
            page()
        counts.append(len(plans))
        assert [
            plan for plan in plans if not plan.is_indexed and plan.collection != "platform_settings"
        ] == []
    assert counts[0] == counts[1] <= 22


@pytest.mark.parametrize(("region", "most"), [("queue", 14), ("devices", 5), ("feed", 8), ("notices", 14)])
def test_a_region_reads_only_what_it_shows(page, chain, bob, region, most):
    chain.hold()
    chain.played(bob, 100)
    chain.settled(bob, 20)
    page(region)
    with recorded() as plans:
        page(region)
    assert len(plans) <= most
