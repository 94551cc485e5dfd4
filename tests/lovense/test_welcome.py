"""The first run: how far she is follows from what she has, it can be skipped for good, and her first tip
moves no tokens."""

import json
import re

import pytest
from django.test import Client

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.lane import firsttip, rehearsal
from lovense.menus import publishing
from lovense.menus.shipped import TEMPLATES
from lovense.models import Activation, MenuDraft, Performer, TipMenu
from lovense.page import welcomepage
from lovense.page.welcomepage import LIMITS_OFFERED, OFFERED, STEPS
from lovense.performers import firstrun
from tests.chain import MENU, SECOND, Chain
from tests.factories import NOW, PASSWORD
from tests.ground.plans import recorded, scans
from tests.lovense.controlling import drain, who
from tests.lovense.live_page import _at_the_fixed_time, chain
from tests.lovense.test_rehearsal import money
from tests.pages import inline_code, unlabelled_fields
from tips.models import QueueRequest

__all__ = ["_at_the_fixed_time", "chain", "who"]
pytestmark = pytest.mark.django_db
LATER = NOW + 2 * SECOND  # than what is pressed


@pytest.fixture
def get(client, ana):
    client.force_login(ana.user)

    def shown(step="", **headers):
        response = client.get(f"/welcome/{step}".removesuffix("/"), headers=headers)
        assert response.status_code == 200
        return re.sub(r"[ \n]+", " ", response.content.decode())

    return shown


@pytest.fixture
def press(client, ana):
    client.force_login(ana.user)

    def pressed(name, **values):
        return client.post(f"/welcome/{name}", values, headers={"HX-Request": "true"})

    return pressed


def title(text):
    return re.search(r"<h1[^>]*>([^<]+)</h1>", text).group(1)


def place(answer):
    """Where a press leads to."""
    return json.loads(answer["HX-Location"])["path"]


# --- whose it is -------------------------------------------------------------------------------------------


def test_an_anonymous_visitor_is_sent_to_the_login_and_staff_to_the_tips(client, dina):
    assert client.get("/welcome")["Location"] == "/login?next=/welcome"
    client.force_login(dina)
    assert client.get("/welcome/menu")["Location"] == "/staff"


@pytest.mark.parametrize("step", ["nothing", "MENU", "menu/", "%00"])
def test_a_screen_that_is_none_is_not_found(client, ana, step):
    client.force_login(ana.user)
    assert client.get(f"/welcome/{step}").status_code == 404


@pytest.mark.parametrize("step", STEPS)
def test_nothing_of_it_is_inline_every_field_has_its_name_and_one_button_is_the_main_one(get, step):
    text = get(step)
    assert inline_code(text) == []
    assert unlabelled_fields(text) == set()
    assert title(text) == welcomepage.TITLES[step]
    assert len(re.findall(r'data-focus="main"', text)) == 1
    assert f"{STEPS.index(step) + 1} of 6" in text


def test_a_document_that_begins_here_may_hold_devices_and_changes_its_page(get):
    for step in STEPS:
        text = get(step)
        assert "data-began-as-live hx-boost:inherited" in text
        assert text.count('id="holder" hx-preserve data-virtual') == 1
        is_seen = '<div class="welcome__holder">' in text
        assert is_seen == (step in ("device", "rehearsal"))


@pytest.mark.parametrize("step", ["", *STEPS])
def test_a_screen_fetches_itself_anew_and_never_becomes_another_one(get, step):
    """Under its title, whatever becomes true meanwhile, also where she asked for none."""
    assert f'hx-get="/welcome/{step or "start"}?region=step"' in get(step)


# --- whom it is shown to -----------------------------------------------------------------------------------


def after_login(name, address="/"):
    client = Client()
    said = {"username": name, "password": PASSWORD, "next": address}
    return client.post("/login", said)["Location"]


def test_who_has_nothing_is_shown_it_after_the_login_unless_she_was_on_the_way_elsewhere(ana):
    assert (after_login("ana"), after_login("ana", "")) == ("/welcome", "/welcome")
    assert after_login("ana", "/history") == "/history"


@pytest.mark.parametrize(
    "has", [{"menu_version": 1}, {"devices": [{"toyId": "v1"}]}, {"welcome_skipped_at": NOW}]
)
def test_who_has_something_or_has_skipped_it_is_not(ana, has):
    Performer.objects.filter(pk=ana.pk).update(**has)
    assert after_login("ana") == "/"


def test_staff_goes_where_staff_goes(dina):
    assert after_login("dina") == "/"


def test_it_is_skipped_once_and_what_is_left_stands_on_live(press, client, ana):
    assert "Not set up yet: a device, a menu, a rehearsed tip" in client.get("/").content.decode()
    assert place(press("skip")) == "/"
    first = Performer.objects.get().welcome_skipped_at
    assert first is not None
    assert not firstrun.skip(performer_id=ana.pk, now=NOW)
    assert Performer.objects.get().welcome_skipped_at == first
    assert after_login("ana") == "/"
    assert "Skip the setup" not in client.get("/welcome").content.decode()


def test_without_scripts_buttons_lead_on(client, ana):
    client.force_login(ana.user)
    assert client.post("/welcome/skip")["Location"] == "/"
    assert client.post("/welcome/limits/keep", {"limits": "low"})["Location"] == "/welcome"


# --- how far she is ----------------------------------------------------------------------------------------


def test_it_goes_on_where_something_is_not_there_yet(get, press, ana, bob):
    assert title(get()) == "Welcome"
    made = Chain(ana)
    made.hold()
    assert title(get()) == "A menu"
    assert "Lush can play" in get("device")
    press("menu/publish", template="gentle")
    assert title(get()) == "Your first tip"
    press("rehearsal/send")
    drain(made, LATER)
    row = collection(Activation).find_one()
    made.acknowledge(row["_id"].removesuffix(".all"), "finished", delivered_seconds=8)
    assert title(get()) == "Ready"


def test_who_was_tipped_before_has_nothing_to_rehearse(get, chain, bob):
    chain.hold()
    chain.played(bob, 100)
    assert title(get()) == "Ready"


# --- a menu ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OFFERED)
def test_a_menu_is_published_by_one_press(press, ana, name):
    answer = press("menu/publish", template=name)
    assert (answer.status_code, place(answer)) == (204, "/welcome/limits")
    items = collection(TipMenu).find_one({"performer_id": ana.pk})["items"]
    assert [item["title"] for item in items] == [item["title"] for item in TEMPLATES[name].items]


def test_a_second_press_and_a_second_page_publish_nothing_more(press, ana):
    press("menu/publish", template="gentle")
    assert (
        "items already" in json.loads(press("menu/publish", template="gentle")["HX-Trigger"])["said"]["text"]
    )
    assert collection(TipMenu).count_documents({}) == 1


def test_a_draft_that_was_begun_is_kept_and_published(get, press, ana):
    press("menu/publish", template="gentle")
    collection(TipMenu).delete_many({})  # as if it had died between the two
    Performer.objects.update(menu_version=0)
    text = get("menu")
    assert "Your draft has 5 items" in text
    assert "five_steps" not in text
    press("menu/publish")
    assert collection(TipMenu).count_documents({}) == 1
    assert collection(MenuDraft).count_documents({}) == 1


def test_each_menu_says_what_it_earns(get):
    text = get("menu")
    assert "One of each of its 5 items: 470\u00a0tokens for 95\u00a0s." in text


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("menu/publish", {"template": "lucky_dip"}, "template"),
        ("menu/publish", {"template": "x" * 1000}, "template"),
        ("limits/keep", {}, "limits"),
        ("limits/keep", {"limits": "20"}, "limits"),
    ],
)
def test_what_is_not_offered_is_refused_by_its_field(press, name, values, says):
    answer = press(name, **values)
    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert collection(MenuDraft).count_documents({}) == 0


# --- limits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LIMITS_OFFERED)
def test_limits_are_kept_with_their_entry(press, get, ana, name):
    assert place(press("limits/keep", limits=name)) == "/welcome/rehearsal"
    hers = Performer.objects.get()
    assert (hers.maximum_intensity, hers.maximum_seconds) == LIMITS_OFFERED[name][2:]
    assert collection(AuditEntry).count_documents({"action": "set_preferences"}) == (name != "all")
    assert re.search(rf'value="{"low" if name == "all" else name}" checked', get("limits"))


# --- her first tip -----------------------------------------------------------------------------------------


def publish(performer, amount):
    publishing.publish(performer.pk, [MENU[0] | {"minimum": amount, "maximum": amount}], NOW)


def steps(text):
    return re.findall(r'<li data-state="(done|now|next)"', text)


def test_five_steps_tick_and_no_tokens_move(get, press, chain, who):
    before = money()
    assert "Send yourself 25&nbsp;tokens" in get("rehearsal")
    assert press("rehearsal/send").status_code == 204
    assert steps(get("rehearsal")) == ["done", "now", *["next"] * 3]
    assert "switch one on below" in get("rehearsal")
    chain.hold()
    drain(chain, LATER)
    assert steps(get("rehearsal")) == [*["done"] * 3, "now", "next"]
    request = collection(Activation).find_one()["_id"].removesuffix(".all")
    chain.acknowledge(request, "started")
    text = get("rehearsal")
    assert steps(text) == [*["done"] * 4, "now"]
    assert "Soft wave" in text
    chain.acknowledge(request, "finished", delivered_seconds=6)
    text = get("rehearsal")
    assert steps(text) == ["done"] * 5
    assert "Send another one" in text
    assert money() == before


def test_it_leaves_the_switch_of_the_rehearsal_as_it_was(press, chain, who):
    press("rehearsal/send")
    assert Performer.objects.get().rehearses_since is None
    rehearsal.switch(**who, is_on=True)
    press("rehearsal/send")
    assert Performer.objects.get().rehearses_since is not None
    assert collection(QueueRequest).count_documents({}) == 2


def test_what_does_nothing_says_why(get, press, ana):
    made = Chain(ana)
    made.hold()
    publish(ana, 500)
    Performer.objects.update(minimum_tip=600)
    press("rehearsal/send")
    drain(made, LATER)
    text = get("rehearsal")
    assert steps(text) == ["done", *["next"] * 4]
    assert "below the minimum" in text or "no menu item" in text


def test_its_amount_is_one_that_her_menu_answers(ana):
    assert firsttip.amount_of(ana.pk) == 25
    publish(ana, 400)
    assert firsttip.amount_of(ana.pk) == 400


# --- what it costs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS)
def test_a_screen_reads_by_indexes_and_its_region_is_unchanged_when_nothing_is(client, chain, bob, step):
    client.force_login(chain.performer.user)
    chain.hold()
    chain.played(bob, 100)
    asked = {"HX-Request": "true"}
    with recorded() as plans:
        answer = client.get(f"/welcome/{step}", {"region": "step"}, headers=asked)
    assert scans(plans) == []
    assert len(plans) <= 20
    again = client.get(
        f"/welcome/{step}", {"region": "step"}, headers=asked | {"If-None-Match": answer["ETag"]}
    )
    assert again.status_code == 304
