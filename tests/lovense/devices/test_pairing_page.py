"""The walk through a pairing, and the apps that came of it: what the page of devices says at each step, what
came between, and that all of it is hers alone."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.devices import hosts, pairing
from lovense.models import Host, Pairing, Performer
from lovense.models import PairingStatus as P
from tests.chain import SECOND
from tests.ground.plans import recorded
from tests.lovense.devices.devices_page import page, press, said
from tests.lovense.devices.pairings import host, rogue, simulated
from tests.lovense.devices.reports import from_host, toy
from tests.lovense.live_page import _at_the_fixed_time
from tests.pages import inline_code

__all__ = ["_at_the_fixed_time", "page", "press", "rogue", "simulated"]
pytestmark = pytest.mark.django_db


def row():
    """The pairing that is open, or the only one that there was."""
    rows = collection(Pairing)
    return rows.find_one({"open_for": {"$gt": ""}}) or rows.find_one()


def statuses():
    return sorted(each["status"] for each in collection(Pairing).find())


def hosts_of(performer):
    return [each["_id"] for each in hosts.of(performer.pk)]


def step(shown):
    (found,) = re.findall(r'data-step="(\w+)"', shown)
    return found


def states(shown):
    return re.findall(r'<li data-state="(\w+)"', shown)


def moved(to, now, **changes):
    """As a callback, the beat or she moves it."""
    assert pairing.advance(row()["_id"], to, now=now, **changes)


# --- the steps ---------------------------------------------------------------------------------------------


def test_before_anything_is_opened_it_says_what_is_needed(page):
    shown = page("pairing")
    assert step(shown) == "start"
    assert "Open the Lovense app" in shown
    assert states(shown) == ["now", *["later"] * 5]


def test_pressing_pair_shows_picture_code_and_how_long_they_are_valid(press, page, simulated, client):
    answer = press("pair")
    assert (answer.status_code, answer.content.strip()) == (200, b"")
    assert answer["HX-Trigger"] == "news-devices"
    shown, made = page("pairing"), row()
    assert (step(shown), states(shown)) == ("waiting", ["done", "now", *["later"] * 4])
    assert f'<code class="ui-qr__code">{made["code"]}</code>' in shown
    assert 'width="240" height="240"' in shown
    picture = f"/api/lovense/pairings/{made['_id']}/qr"
    assert f'src="{picture}"' in shown
    assert client.get(picture)["Content-Type"] == "image/png"
    assert f'datetime="{made["expires_at"].isoformat()}" data-expires' in shown


def test_an_app_without_toys_is_a_step_of_its_own_with_advice(press, page, simulated, now):
    press("pair")
    moved(P.SCANNED, now)
    shown = page("pairing")
    assert (step(shown), states(shown)) == ("scanned", ["done", "done", "now", *["later"] * 3])
    assert "none of its toys is connected" in shown
    assert "Switch a toy on" in shown
    assert 'id="pair"' not in shown


@pytest.mark.parametrize(("count", "words"), [(1, "1 toy found."), (3, "3 toys found.")])
def test_the_last_step_says_how_many_toys_were_found(press, page, simulated, now, count, words):
    press("pair")
    moved(P.CONNECTED, now, toys_count=count)
    shown = page("pairing")
    assert (step(shown), states(shown)) == ("connected", [*["done"] * 3, "now", "later", "later"])
    assert words in shown
    assert "Pair another app" in shown
    assert "/qr" not in shown


def test_a_code_has_expired_in_its_moment_though_the_beat_ends_it_later(press, page, simulated, monkeypatch):
    press("pair")
    over = row()["expires_at"]
    monkeypatch.setattr("ground.clock.now", lambda: over - SECOND)
    assert step(page("pairing")) == "waiting"
    monkeypatch.setattr("ground.clock.now", lambda: over)
    for _ in range(2):
        shown = page("pairing")
        assert step(shown) == "expired"
        assert "Get a new code" in shown
        assert row()["code"] not in shown
        pairing.expire(now=over)


def test_a_new_code_replaces_the_one_before_and_cancelling_begins_anew(press, page, simulated):
    press("pair")
    first = row()["code"]
    press("pair")
    assert statuses() == ["replaced", "shown"]
    assert first not in page("pairing")
    second = row()["_id"]
    for _ in range(2):
        answer = press(f"pairings/{second}/cancel")
        assert (answer.status_code, answer["HX-Trigger"]) == (200, "news-devices")
    assert statuses() == ["cancelled", "replaced"]
    assert step(page("pairing")) == "start"


def test_finishing_without_toys_leaves_the_app_paired(press, page, simulated, ana, now):
    press("pair")
    made = row()
    moved(P.SCANNED, now)
    host(ana, 1)
    press(f"pairings/{made['_id']}/cancel")
    assert step(page("pairing")) == "start"
    assert len(hosts_of(ana)) == 1


def test_how_it_ended_is_not_shown_for_ever(press, page, simulated, now, monkeypatch):
    press("pair")
    moved(P.CONNECTED, now, toys_count=1)
    monkeypatch.setattr("ground.clock.now", lambda: now + pairing.RECENT + SECOND)
    assert step(page("pairing")) == "start"


# --- what comes between ------------------------------------------------------------------------------------

BETWEEN = [
    ("qr/code:501", "This site cannot ask Lovense", "bad"),
    ("qr/http:429", "Lovense does not answer", "warn"),
    ("qr/http:503", "Lovense does not answer", "warn"),
    ("qr/drop-before", "Lovense does not answer", "warn"),
    ("qr/html", "No picture from Lovense", "warn"),
]


@pytest.mark.parametrize(("fault", "title", "tone"), BETWEEN)
def test_what_the_vendor_refuses_is_said_and_may_be_tried_again(press, page, simulated, fault, title, tone):
    simulated.sim("faults", {"faults": [fault]})
    answer = press("pair")
    assert (answer.status_code, answer["HX-Trigger"]) == (200, "news-devices")
    notice = answer.content.decode()
    assert f"<strong>{title}</strong>" in notice
    assert f'data-tone="{tone}" data-while="waiting" role="alert"' in notice
    assert inline_code(notice) == []
    shown = page("pairing")
    assert step(shown) == "waiting"
    assert "Try again</button>" in shown
    assert "data-expires" not in shown
    assert press("pair").content.strip() == b""
    assert "New code</button>" in page("pairing")


def test_a_code_without_a_picture_may_still_be_typed(press, page, rogue):
    rogue.introduces(qr="https://elsewhere.example/qr.png")
    assert "No picture from Lovense" in press("pair").content.decode()
    shown = page("pairing")
    assert "There is no picture to scan." in shown
    assert f"{row()['code']}</strong>" in shown
    assert "<img" not in shown


def test_a_fifth_app_is_refused_before_anybody_is_asked(press, page, rogue, ana):
    for number in range(4):
        host(ana, number)
    notice = press("pair").content.decode()
    assert "<strong>Too many apps</strong>" in notice
    assert 'data-while="start"' in notice
    assert rogue.asked == []
    assert collection(Pairing).count_documents({}) == 0


# --- paired apps -------------------------------------------------------------------------------------------


@pytest.fixture
def phone(ana, now):
    """A paired app that has told what it is, with one toy."""
    made = host(ana, 1)
    told = {"app_type": "remote", "platform": "android", "app_version": "7.95.1", "toys_count": 1}
    collection(Host).update_one({"_id": made["_id"]}, {"$set": told})
    from_host(ana, made["_id"], toy(), now=now)
    return made["_id"]


def test_a_paired_app_is_listed_and_named_beside_its_toys(page, phone):
    shown = page("hosts")
    assert "<strong>Lovense Remote on Android</strong>" in shown
    assert "version 7.95.1 · 1 toy · seen" in shown
    assert "by Lovense Remote on Android" in page("devices")


def test_two_apps_on_such_a_phone_are_told_apart_by_their_toys(page, ana, phone, now):
    other = host(ana, 2)["_id"]
    told = {"app_type": "remote", "platform": "android", "app_version": "7.95.1", "toys_count": 1}
    collection(Host).update_one({"_id": other}, {"$set": told})
    from_host(ana, other, toy("b2", name="nora"), now=now)
    shown = page("hosts")
    for name in ("Lush", "Nora"):
        assert f"<bdi>{name}</bdi>" in shown
        assert f'aria-label="Unpair: Lovense Remote on Android (\u2068{name}\u2069)"' in shown


def test_an_app_is_unpaired_after_the_question_is_asked_and_its_toys_leave(press, client, page, ana, phone):
    question = client.get(f"/devices/hosts/{phone}/unpair").content.decode()
    assert "Unpair Lovense Remote on Android (\u2068Lush\u2069)?" in question
    assert inline_code(question) == []
    assert hosts_of(ana) == [phone]
    assert [said(press(f"hosts/{phone}/unpair")) for _ in range(2)] == ["Unpaired."] * 2
    assert hosts_of(ana) == []
    assert "No device yet" in page("devices")
    assert client.get(f"/devices/hosts/{phone}/unpair").status_code == 404
    assert collection(AuditEntry).count_documents({"type": "host", "action": "unpair"}) == 1


def test_without_any_app_she_may_go_back_to_virtual_devices(press, page, ana, phone):
    press(f"hosts/{phone}/unpair")
    assert "Who tells your devices" not in page("devices")  # she rehearses: there is nothing to choose
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"bridge": "STANDARD_SERVER"}})
    shown = page("devices")
    assert "No device yet" in shown
    assert 'aria-label="Choose: Virtual devices, to rehearse"' in shown


def test_an_app_is_paired_again_under_its_own_id(press, simulated, phone):
    press("pair", host=phone)
    assert row()["host_id"] == phone


def test_a_removed_toy_of_an_unpaired_app_comes_back_with_the_app(press, page, ana, phone, now):
    press(f"{ana.pk}.toy-1/remove")
    press(f"hosts/{phone}/unpair")
    assert said(press(f"{ana.pk}.toy-1/restore")) == "Lush comes back when its app is paired again."
    from_host(ana, "c" * 24, toy(), now=now + timedelta(seconds=5))
    assert "<bdi>Lush</bdi>" in page("devices")


def test_no_region_looks_through_what_is_not_hers(press, page, simulated, phone):
    press("pair")
    for region in ("devices", "pairing", "hosts"):
        with recorded() as plans:
            page(region)
        found = [plan for plan in plans if plan.collection in {"devices", "hosts", "pairings"}]
        assert found
        assert [plan for plan in found if not plan.is_indexed] == []


# --- hers alone --------------------------------------------------------------------------------------------


def test_no_region_and_no_step_shows_what_a_callback_proves_itself_with(press, page, simulated, phone):
    press("pair")
    secrets = [each[name] for each in (row(), collection(Host).find_one()) for name in ("uid", "utoken_hash")]
    shown = page()
    assert [secret for secret in secrets if secret and secret in shown] == []
    assert inline_code(shown) == []


def test_a_stranger_reaches_neither_her_pairing_nor_her_apps(press, client, simulated, carol, ana, phone):
    press("pair")
    opened = row()
    client.force_login(carol.user)
    for path in (f"pairings/{opened['_id']}/cancel", f"hosts/{phone}/unpair"):
        assert client.post(f"/devices/{path}").status_code == 404
    assert client.get(f"/devices/hosts/{phone}/unpair").status_code == 404
    assert client.post("/devices/pair", {"host": phone}).status_code == 404
    for region in ("pairing", "hosts"):
        shown = client.get("/devices", {"region": region}, headers={"HX-Request": "true"}).content.decode()
        assert not any(word in shown for word in (opened["code"], phone, "Android"))
    assert row() == opened
    assert hosts_of(ana) == [phone]


@pytest.mark.parametrize("path", ["pair", f"pairings/{'a' * 24}/cancel", f"hosts/{'a' * 24}/unpair"])
def test_these_buttons_need_her_session_and_its_token(ana, dina, path):
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(ana.user)
    assert careful.post(f"/devices/{path}").status_code == 403
    stranger = Client()
    assert stranger.post(f"/devices/{path}")["Location"].startswith("/login")
    stranger.force_login(dina)
    assert stranger.post(f"/devices/{path}").status_code == 403


def test_looking_presses_none_of_them(client, ana):
    client.force_login(ana.user)
    assert client.get(f"/devices/pairings/{'a' * 24}/cancel").status_code == 405
    assert client.get("/devices/pair").status_code == 200
    assert collection(Pairing).count_documents({}) == 0


# --- named and felt ----------------------------------------------------------------------------------------


@pytest.fixture
def paired(press, simulated, ana, now):
    """An app has just been paired, and has one toy; its id."""
    press("pair")
    made = row()
    moved(P.CONNECTED, now, toys_count=1)
    from_host(ana, made["host_id"], toy(), now=now)
    return f"{ana.pk}.toy-1"


def test_the_toys_that_were_found_are_named_where_they_were_found(page, press, paired):
    assert 'name="nickname" value="Lush"' in page("pairing")
    assert said(press(f"{paired}/name", nickname="Pinky")) == "Saved: Pinky."
    assert 'name="nickname" value="Pinky"' in page("pairing")
    assert said(press(f"{paired}/name", nickname="")).startswith("Nickname must be 1 to 32")


def test_what_she_plays_on_comes_before_what_she_feels(page, press, paired):
    assert "Nothing moves them yet" in page("pairing")
    press("path", bridge="STANDARD_SERVER")
    shown = page("pairing")
    assert "Nothing moves them yet" not in shown
    assert f'action="/devices/{paired}/test"' in shown


def test_the_last_steps_follow_from_what_she_tested_and_said(page, press, paired):
    press("path", bridge="STANDARD_SERVER")
    press(f"{paired}/test", function="Vibrate")
    assert states(page("pairing")) == [*["done"] * 4, "now", "later"]
    press(f"{paired}/verify", function="Vibrate", moved="1")
    assert states(page("pairing")) == ["done"] * 6


@pytest.mark.parametrize(
    ("to", "words"),
    [(None, "no app has answered it yet"), (P.SCANNED, "names no toy that is connected")],
)
def test_each_step_says_what_is_known_of_why_it_does_not_go_on(press, page, simulated, now, to, words):
    press("pair")
    if to:
        moved(to, now)
    shown = page("pairing")
    assert "<summary>It does not work</summary>" in shown
    assert words in shown


def test_without_scripts_a_code_is_asked_for_and_shown(client, ana, simulated):
    client.force_login(ana.user)
    answer = client.post("/devices/pair")
    assert (answer.status_code, answer["Location"]) == (302, "/devices/pair")
    assert row()["code"] in client.get("/devices/pair").content.decode()
