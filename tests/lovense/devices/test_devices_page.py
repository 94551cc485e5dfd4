"""The page of devices: hers alone, the page or one region, what it says of each device, and what its buttons
do."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client

from ground.audit.models import AuditEntry
from ground.json.fields import Fields
from ground.mongodb.collections import collection
from lovense import regions
from lovense.devices import choices, silence
from lovense.models import Device, Performer
from tests.chain import SECOND, Chain
from tests.factories import UserFactory
from tests.ground.plans import recorded
from tests.lovense.devices.devices_page import page, press, said
from tests.lovense.devices.reports import from_host, from_page, toy
from tests.lovense.live_page import _at_the_fixed_time
from tests.pages import inline_code, unlabelled_fields
from tips.models import QueueRequest

__all__ = ["_at_the_fixed_time", "page", "press"]
pytestmark = pytest.mark.django_db

PHONE = "a" * 24


@pytest.fixture
def lush(ana, now):
    from_host(ana, PHONE, toy(battery=88), now=now)
    return f"{ana.pk}.toy-1"


@pytest.fixture
def button(press):
    """Presses one of the buttons of a device; the answer."""
    return lambda device_id, name, **values: press(f"{device_id}/{name}", **values)


def row_of(device_id):
    return collection(Device).find_one({"_id": device_id})


def actions():
    return [row["action"] for row in collection(AuditEntry).find({"type": "device"}).sort("_id", 1)]


# --- who sees it -------------------------------------------------------------------------------------------


def test_an_anonymous_visitor_is_sent_to_the_login(client):
    response = client.get("/devices")
    assert (response.status_code, response["Location"]) == (302, "/login?next=/devices")


def test_staff_is_sent_to_the_tips_and_others_get_403(client, dina):
    client.force_login(dina)
    assert client.get("/devices")["Location"] == "/staff"
    client.force_login(UserFactory.create())
    assert client.get("/devices").status_code == 403


def test_a_stranger_sees_nothing_of_hers(client, lush, carol):
    client.force_login(carol.user)
    for region in regions.of("devices"):
        shown = client.get("/devices", {"region": region}, headers={"HX-Request": "true"}).content.decode()
        assert not any(word in shown for word in ("Lush", "toy-1", "88&nbsp;%"))


def test_each_of_her_pages_leads_to_the_other(client, ana):
    client.force_login(ana.user)
    for address, name in (("/", "Live"), ("/devices", "Devices"), ("/menu", "Menu")):
        shown = client.get(address).content.decode()
        assert all(f'href="{other}"' in shown for other in ("/", "/devices", "/menu"))
        [here] = re.findall(r'<a class="rail__page" href="([^"]*)"[^>]* aria-current="page">', shown)
        assert (here, f"<span>{name}</span>" in shown) == (address, True)


def test_no_page_is_kept_by_a_cache_and_looking_changes_nothing(client, ana):
    client.force_login(ana.user)
    assert "no-store" in client.get("/devices")["Cache-Control"]
    assert client.post("/devices").status_code == 405


# --- the page and its regions ------------------------------------------------------------------------------


def test_a_region_is_the_same_html_as_in_the_page(page, lush):
    whole = page()
    for region in regions.of("devices"):
        part = page(region)
        assert "<html" not in part
        assert part.strip() in whole
    assert "<html" in page("secrets")
    own = page(device=lush)
    assert all(page(region, lush).strip() in own for region in ("device", "told"))


def test_nothing_is_inline_and_every_field_has_its_label(page, client, lush):
    hostile = "\"'><script>x</script>"
    choices.change(
        performer_id=lush[:24],
        device_id=lush,
        choice=choices.Choice(Fields({"nickname": hostile}, "")),
        by="ana",
        now=row_of(lush)["last_seen_at"],
    )
    asked, own = client.get(f"/devices/{lush}/remove").content.decode(), page(device=lush)
    for shown in (page(), own, asked):
        assert inline_code(shown) == []
        assert "<script>x" not in shown
    assert unlabelled_fields(own) == set()


def test_the_page_costs_the_same_look_ups_however_many_devices_there_are(page, ana, now):
    counts = []
    for count in (1, 16):
        from_host(ana, PHONE, *(toy(f"toy-{n}") for n in range(count)), now=now)
        with recorded() as plans:
            page()
        counts.append(len(plans))
        assert [plan for plan in plans if plan.collection == "devices" and not plan.is_indexed] == []
    assert counts[0] == counts[1]


# --- what it says ------------------------------------------------------------------------------------------


def test_without_devices_it_says_what_to_do(page):
    assert "No device yet" in page("devices")


@pytest.fixture
def for_real(ana):
    """She plays on the toys of her apps."""
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"bridge": "STANDARD_LAN"}})


def test_a_device_is_shown_with_its_state_battery_and_what_may_move(page, ana, now, for_real):
    words = ["Vibrate", "Thrusting", "Warp"]
    from_host(ana, PHONE, toy(name="gravity", battery=12, fVersion="7", fullFunctionNames=words), now=now)
    shown = page("devices")
    assert "Gravity · seen" in shown
    assert 'ui-battery" data-tone="warn"><svg' in shown
    assert "12&nbsp;%" in shown
    assert "1 of 1 can play" in shown
    own = page("device", f"{ana.pk}.toy-1")
    assert "Firmware 7" in own
    assert '<strong>Vibrate</strong><p class="soft small">up to 20 of 20' in own
    assert '<strong>Thrusting</strong><p class="soft small">Off until tested' in own
    assert "it says so itself" in own
    assert "functions that are not supported: Warp." in own


def test_a_device_of_which_nothing_may_move_cannot_play(page, ana, now, for_real):
    from_host(ana, PHONE, toy(name="solacepro"), now=now)
    shown = page("devices")
    assert "0 of 1 can play" in shown
    assert "Nothing that it can do may move." in shown
    own = page("device", f"{ana.pk}.toy-1")
    assert '<strong>Position</strong><p class="soft small">not used · <span class="faint">known of' in own


def test_it_says_why_a_device_is_away_and_what_helps(page, ana, now):
    from_host(ana, PHONE, toy(), toy("toy-2", name="nora"), now=now)
    from_host(ana, PHONE, toy(status=0), now=now)
    shown = page("devices")
    assert "Its app does not reach it." in shown
    assert "Its app does not list it any more." in shown
    assert "0 of 2 can play" in shown


def test_a_silent_device_says_so_before_and_after_it_was_swept(page, ana, now, monkeypatch):
    from_host(ana, PHONE, toy(), now=now)
    later = now + timedelta(seconds=31)
    monkeypatch.setattr("ground.clock.now", lambda: later)
    before = page("devices")
    silence.end(silence.unheard(now=later), holding=(), now=later)
    for shown in (before, page("devices")):
        assert "No news" in shown
        assert "Its app has fallen silent." in shown


def test_what_plays_while_she_rehearses_is_virtual_and_the_rest_is_not_moved(page, ana, now):
    from_page(ana, toy(), now=now)
    from_host(ana, PHONE, toy("toy-2", name="nora"), now=now)
    shown = page("devices")
    assert shown.count(">Virtual<") == 1
    assert "You are rehearsing" in shown
    assert "Not moved while you rehearse." in shown
    assert "1 of 2 can play" in shown


def test_what_plays_for_real_is_not_virtual(page, ana, now, for_real):
    from_page(ana, toy(), now=now)
    from_host(ana, PHONE, toy("toy-2", name="nora"), now=now)
    shown = page("devices")
    assert not any(words in shown for words in (">Virtual<", "You are rehearsing"))
    assert "Virtual devices play while you rehearse, and not now." in shown
    assert "1 of 2 can play" in shown


# --- naming and limiting -----------------------------------------------------------------------------------


def test_the_form_holds_what_is_so(page, ana, now):
    words = ["Vibrate", "Thrusting"]
    from_host(ana, PHONE, toy(name="gravity", fullFunctionNames=words), now=now)
    form = page(device=f"{ana.pk}.toy-1")
    assert 'name="nickname" value="Gravity"' in form
    assert 'name="cap-Vibrate" value="20"' in form
    assert re.search('name="moves-Vibrate" value="1" checked', form)
    assert "moves-Thrusting" not in form
    assert "Off until tested" in form


def test_what_is_saved_is_kept_shown_and_in_the_audit_log(button, page, lush):
    typed = {"nickname": "Pinky", "maximumSeconds": "20", "function": "Vibrate", "cap-Vibrate": "7"}
    assert said(button(lush, "change", **typed, **{"moves-Vibrate": "1"})) == "Saved."
    assert "<bdi>Pinky</bdi>" in page("devices")
    own = page(device=lush)
    assert "up to 7 of 20" in own
    assert 'name="maximumSeconds" value="20"' in own
    assert actions() == ["change"]
    assert said(button(lush, "change", **typed, **{"moves-Vibrate": "1"})) == "Saved."
    assert actions() == ["change"]


def test_an_unchecked_function_is_off_and_an_empty_limit_is_none(button, page, lush):
    typed = {"nickname": "Lush", "maximumSeconds": "", "function": "Vibrate", "cap-Vibrate": "20"}
    said(button(lush, "change", **typed))
    row = row_of(lush)
    assert (row["maximum_seconds"], row["choices"]) == (None, {"Vibrate": {"isEnabled": False}})
    assert '<strong>Vibrate</strong><p class="soft small">off' in page("device", lush)


WRONG = [
    ({"nickname": ""}, "nickname", "Must be 1 to 32 printable characters."),
    ({"nickname": "NORA"}, "nickname", "Is the name of another device of yours."),
    ({"maximumSeconds": "0"}, "maximumSeconds", "Must be between 2 and 3600."),
    ({"maximumSeconds": "ten"}, "maximumSeconds", "Must be a whole number."),
    ({"cap-Vibrate": "21"}, "cap-Vibrate", "Must be between 1 and 20."),
    ({"cap-Vibrate": ""}, "cap-Vibrate", "Must be a whole number."),
    ({"cap-Vibrate": "٣"}, "cap-Vibrate", "Must be a whole number."),
]


@pytest.mark.parametrize(("typed", "field", "words"), WRONG, ids=lambda each: str(each)[:40])
def test_what_is_wrong_is_said_beside_its_field_with_what_was_typed(button, ana, now, typed, field, words):
    from_host(ana, PHONE, toy(), toy("toy-2", name="nora"), now=now)
    good = {"nickname": "Red", "maximumSeconds": "9", "function": "Vibrate", "cap-Vibrate": "5"}
    answer = button(f"{ana.pk}.toy-1", "change", **(good | typed))
    assert answer.status_code == 422
    form = " ".join(answer.content.decode().split())
    assert re.search(f'<p class="ui-field__error" id="{field}-error">.*?</svg>{re.escape(words)}</p>', form)
    assert f'value="{typed[field]}"' in form
    assert f'<a href="#{field}">' in form  # from what is said above it
    assert form.count('aria-invalid="true"') == 1
    assert unlabelled_fields(form) == set()
    assert actions() == []


def test_a_function_that_the_device_has_lost_meanwhile_is_said_above_the_form(button, lush):
    typed = {"nickname": "Lush", "maximumSeconds": "", "function": "Rotate", "cap-Rotate": "5"}
    form = button(lush, "change", **typed).content.decode()
    assert "Nothing was saved" in form
    assert "functions.Rotate: is no function of this device" in form


def test_all_that_is_wrong_is_said_at_once(button, lush):
    typed = {"nickname": "", "maximumSeconds": "x", "scalePercent": "5", "leadMs": "-1"}
    typed |= {"function": "Vibrate", "cap-Vibrate": "0", "floor-Vibrate": "21"}
    form = button(lush, "change", **typed).content.decode()
    assert form.count("ui-field__error") == form.count('<a href="#') == 6
    assert actions() == []


def test_without_scripts_the_form_leads_back_or_says_what_is_wrong_on_its_page(client, ana, lush):
    client.force_login(ana.user)
    answer = client.post(f"/devices/{lush}/change", {"nickname": "Pinky"})
    assert (answer.status_code, answer["Location"]) == (302, f"/devices/{lush}")
    wrong = client.post(f"/devices/{lush}/change", {"nickname": ""})
    assert (wrong.status_code, b"<html" in wrong.content, b"Nothing was saved" in wrong.content) == (
        422,
        True,
        True,
    )


def test_level_12_is_shown_as_it_becomes_with_what_is_typed(client, ana, lush):
    client.force_login(ana.user)
    typed = {"nickname": "", "function": "Vibrate", "moves-Vibrate": "1", "scalePercent": "50"}
    for cap, floor, becomes in (("20", "0", "6"), ("4", "0", "4"), ("20", "9", "9")):
        said = typed | {"cap-Vibrate": cap, "floor-Vibrate": floor}
        answer = client.get(f"/devices/{lush}/preview", said, headers={"HX-Request": "true"})
        assert f"<b>{becomes}</b> of 20" in answer.content.decode()
    half = client.get(f"/devices/{lush}/preview", typed | {"cap-Vibrate": "", "floor-Vibrate": "0"})
    assert "not in range yet" in half.content.decode()
    assert row_of(lush)["choices"] == {}


def test_the_page_of_a_device_that_was_removed_restores_it(page, button, lush):
    button(lush, "remove")
    for region in ("device", "told"):
        assert "Find the fault" not in page(region, lush)
    assert f"/devices/{lush}/restore" in page("device", lush)
    button(lush, "restore")
    assert "Find the fault" in page("told", lush)


def test_a_device_that_is_not_hers_has_no_page(client, lush, carol):
    client.force_login(carol.user)
    for path in ("", "/preview"):
        assert client.get(f"/devices/{lush}{path}").status_code == 404
    assert client.post(f"/devices/{lush}/name", {"nickname": "Mine"}).status_code == 404


# --- on and off, removed and restored ----------------------------------------------------------------------


def test_a_device_is_switched_off_and_on_again(button, page, lush):
    assert said(button(lush, "switch", enabled="0")) == "Lush is switched off."
    shown = page("devices")
    assert 'aria-checked="false"' in shown
    assert "Switched off: nothing is sent to it." in shown
    assert said(button(lush, "switch", enabled="1")) == "Lush plays again."
    assert 'aria-checked="true"' in page("devices")
    assert actions() == ["change", "change"]


def test_one_is_removed_after_the_question_is_asked_and_restored(button, client, page, lush):
    question = client.get(f"/devices/{lush}/remove").content.decode()
    assert "Remove “Lush”?" in question
    assert row_of(lush)["removed_at"] is None
    assert [said(button(lush, "remove")) for _ in range(2)] == ["Lush is removed."] * 2
    shown = page("devices")
    assert "No device yet" in shown
    assert f"/devices/{lush}/restore" in shown
    assert [said(button(lush, "restore")) for _ in range(2)] == ["Lush is back."] * 2
    assert "Removed</h2>" not in page("devices")
    assert actions() == ["remove", "restore"]


def test_what_cannot_be_restored_now_says_why(button, ana, lush, now):
    button(lush, "remove")
    from_host(ana, "b" * 24, *(toy(f"more-{n}") for n in range(16)), now=now)
    assert said(button(lush, "restore")) == "You have 16 devices: remove another one first."


def test_the_live_page_shows_nicknames_and_not_what_is_removed_or_off(button, client, ana, now):
    from_host(ana, PHONE, toy(), toy("toy-2", name="nora", nickName="Red"), now=now)
    button(f"{ana.pk}.toy-1", "remove")
    button(f"{ana.pk}.toy-2", "switch", enabled="0")
    shown = client.get("/", {"region": "devices"}, headers={"HX-Request": "true"}).content.decode()
    assert "<bdi>Red</bdi>" in shown
    assert "Switched off by you" in shown
    assert "Lush" not in shown


BUTTONS = ["change", "switch", "remove", "restore"]


@pytest.mark.parametrize("name", BUTTONS)
def test_a_stranger_reaches_none_of_hers(client, lush, carol, name):
    client.force_login(carol.user)
    before = row_of(lush)
    assert client.post(f"/devices/{lush}/{name}", {"enabled": "0", "nickname": "Mine"}).status_code == 404
    assert client.get(f"/devices/{lush}/{name}").status_code in (404, 405)
    assert row_of(lush) == before


@pytest.mark.parametrize("name", BUTTONS)
def test_a_button_needs_her_session_and_its_token(ana, dina, lush, name):
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(ana.user)
    assert careful.post(f"/devices/{lush}/{name}").status_code == 403
    stranger = Client()
    assert stranger.post(f"/devices/{lush}/{name}")["Location"].startswith("/login")
    stranger.force_login(dina)
    assert stranger.post(f"/devices/{lush}/{name}").status_code == 403


def test_a_button_with_the_pages_token_is_accepted(ana, lush):
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(ana.user)
    token = re.search(r'"X-CSRFToken": "(\w+)"', careful.get("/devices").content.decode()).group(1)
    headers = {"X-CSRFToken": token}
    headers["HX-Request"] = "true"
    assert said(careful.post(f"/devices/{lush}/switch", {"enabled": "0"}, headers=headers))


# --- tests -------------------------------------------------------------------------------------------------


@pytest.fixture
def played(ana, now):
    """Lets the newest test of hers come to its turn and be played, or no further than `stage`."""

    def play(stage="finished"):
        chain = Chain(ana, now=now + SECOND)
        chain.dispatch()
        (row,) = collection(QueueRequest).find({"status": "claimed"})
        chain.acknowledge(row["idempotency_key"], "started")
        if stage != "started":
            chain.acknowledge(row["idempotency_key"], stage, delivered_seconds=2)

    return play


@pytest.fixture
def gravity(ana, now):
    """Of her page, which holds it: what moves hardware is off."""
    Chain(ana, now=now).hold()
    from_page(ana, toy("toy-2", name="gravity"), now=now)
    return f"{ana.pk}.toy-2"


def test_what_can_be_tested_now_has_a_button_that_says_what_happens(page, gravity):
    shown, own = page("devices"), page("device", gravity)
    assert f'action="/devices/{gravity}/test"' in shown
    assert "Off until tested" in own
    assert own.count(">Test at level 3 for 2 s</button>") == 1
    assert shown.count(">Test</button>") == own.count(">Test</button>") == 1
    assert "data-testing" not in shown + own


def test_what_is_away_or_switched_off_has_none(page, ana, gravity, button, now):
    button(gravity, "switch", enabled="0")
    assert ">Test" not in page("devices")
    button(gravity, "switch", enabled="1")
    from_page(ana, toy("toy-2", name="gravity", status=0), now=now)
    assert ">Test" not in page("devices")


def test_the_page_says_how_far_a_test_is_and_asks_how_it_moved(page, gravity, button, played):
    assert json.loads(button(gravity, "test", function="Thrusting")["HX-Trigger"]) == {"news-devices": {}}
    waiting = page("devices")
    assert "The test of Thrusting waits for its turn." in waiting
    assert "data-testing" in waiting
    assert "It moved as expected" not in waiting
    played("started")
    assert "Testing Thrusting…" in page("devices")
    assert "It moved as expected" not in page("devices")


def test_she_says_that_it_moved_as_expected_and_it_may_move(page, gravity, button, played):
    button(gravity, "test", function="Thrusting")
    played()
    shown = page("devices")
    assert "Thrusting was tested. Did it move as expected?" in shown
    assert "data-testing" not in shown
    assert (
        said(button(gravity, "verify", function="Thrusting", moved="1")) == "Thrusting of Gravity may move."
    )
    own = page("device", gravity)
    assert "you tested it" in own
    assert "Did it move" not in own
    assert "Off until tested" not in own


def test_she_says_no_and_it_is_off(page, gravity, button, played):
    button(gravity, "test", function="Vibrate")
    played("started")
    assert "Testing Vibrate… Did it move?" in page("devices")
    played_off = button(gravity, "verify", function="Vibrate", moved="0")
    assert said(played_off) == "Vibrate of Gravity is switched off."
    choice = row_of(gravity)["choices"]["Vibrate"]
    assert (choice["isEnabled"], choice.keys()) == (False, {"isEnabled", "deniedAt"})


def test_a_word_without_a_test_enables_nothing_and_says_why(gravity, button):
    told = said(button(gravity, "verify", function="Thrusting", moved="1"))
    assert told.startswith("Thrusting stays off until you have tested it")
    assert row_of(gravity)["choices"] == {}


def test_a_test_that_did_not_play_says_why(page, ana, gravity, button, now):
    button(gravity, "test", function="Thrusting")
    from_page(ana, toy("toy-2", name="gravity", status=0), toy("toy-9"), now=now)
    Chain(ana, now=now + SECOND).dispatch()
    assert "The test of Thrusting did not play to its end." in page("devices")


def test_what_a_test_came_to_stands_in_the_list(page, ana, gravity, button, played, now):
    assert "data-result" not in page("devices")
    for moved, words in (("1", "Moved"), ("0", "Did not move")):
        button(gravity, "test", function="Vibrate")
        played()
        assert "data-result" not in page("devices")  # she is asked
        button(gravity, "verify", function="Vibrate", moved=moved)
        assert f"Test</span> {words}, <time" in page("devices")
        button(
            gravity,
            "change",
            nickname="Gravity",
            function="Vibrate",
            **{"moves-Vibrate": "1", "cap-Vibrate": "20"},
        )
    button(gravity, "test", function="Vibrate")
    from_page(ana, toy("toy-2", name="gravity", status=0), toy("toy-9"), now=now)
    Chain(ana, now=now + SECOND).dispatch()
    assert "Test</span> Not reached." in page("devices")


def test_the_list_says_what_a_device_played_last_and_how_long_its_battery_lasts(
    page, ana, gravity, button, played, now
):
    assert "Last played" not in page("devices")
    button(gravity, "test", function="Vibrate")
    played()
    assert "Last played <bdi>" in page("devices")
    points = [{"at": now - timedelta(minutes=20 - 10 * n), "percent": 60 - 10 * n} for n in range(3)]
    collection(Device).update_one({"_id": gravity}, {"$set": {"battery": 40, "battery_points": points}})
    assert "about 40 min left" in page("devices")


def test_what_is_wrong_is_found_from_what_she_feels(page, gravity):
    shown = page("devices")
    for words in ("It does nothing", "It stops by itself", "Too strong", "Wrong toy"):
        assert f"<summary>{words}</summary>" in shown
    assert f'href="/devices/{gravity}#limits"' in shown
    assert f'href="/devices/{gravity}#log"' in shown


def test_a_test_is_forgotten_by_the_page_after_ten_minutes(page, gravity, button, now):
    button(gravity, "test", function="Thrusting")
    earlier = now - timedelta(minutes=10)
    collection(Device).update_one({"_id": gravity}, {"$set": {"tests.Thrusting.at": earlier}})
    assert "waits for its turn" not in page("devices")


def test_a_stop_says_what_to_do_first(ana, gravity, button, now):
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"stopped_at": now}})
    assert said(button(gravity, "test")) == "You have pressed stop. Resume first, then test."


def test_without_scripts_the_forms_work_and_lead_back(client, ana, gravity, played):
    client.force_login(ana.user)
    form = {"function": "Thrusting"}
    answer = client.post(f"/devices/{gravity}/test", form)
    assert (answer.status_code, answer["Location"]) == (302, "/devices")
    played()
    assert "csrfmiddlewaretoken" in client.get("/devices").content.decode()
    answer = client.post(f"/devices/{gravity}/verify", form | {"moved": "1"})
    assert (answer.status_code, answer["Location"]) == (302, "/devices")
    assert row_of(gravity)["choices"]["Thrusting"]["isEnabled"] is True


def test_scale_and_floor_are_in_the_form_and_wrong_ones_beside_their_field(button, lush):
    typed = {"nickname": "Lush", "maximumSeconds": "", "scalePercent": "60", "function": "Vibrate"}
    typed |= {"moves-Vibrate": "1", "cap-Vibrate": "12", "floor-Vibrate": "4"}
    said(button(lush, "change", **typed))
    row = row_of(lush)
    assert (row["scale_percent"], row["choices"]) == (60, {"Vibrate": {"cap": 12, "floor": 4}})
    wrong = button(lush, "change", **(typed | {"scalePercent": "5"})).content.decode()
    assert "Must be between 10 and 100." in wrong
    wrong = button(lush, "change", **(typed | {"floor-Vibrate": "21"})).content.decode()
    assert 'aria-describedby="floor-Vibrate-error"' in wrong


def test_a_lead_is_in_the_form_and_a_wrong_one_beside_its_field(button, lush):
    typed = {"nickname": "Lush", "maximumSeconds": "", "leadMs": "350"}
    said(button(lush, "change", **typed))
    assert row_of(lush)["lead_ms"] == 350
    wrong = button(lush, "change", **(typed | {"leadMs": "2001"})).content.decode()
    assert "Must be between 0 and 2000." in wrong
    assert 'aria-describedby="leadMs-hint leadMs-error"' in wrong
    assert row_of(lush)["lead_ms"] == 350
