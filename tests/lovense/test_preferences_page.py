"""The pages of her preferences: each section saved by itself, what is refused beside its field with what was
typed, and nothing overwritten that another page has changed meanwhile."""

import re

import pytest

from lovense.bridges import choosing
from lovense.models import PlatformSettings
from lovense.page import ownlook, shownwords
from lovense.page.preferencespage import SECTIONS
from lovense.performers import preferences
from tests.chain import Chain
from tests.factories import NOW, UserFactory, fund
from tests.lovense.history.rows import add
from tests.pages import inline_code, unlabelled_fields

pytestmark = pytest.mark.django_db
LIMITS = {
    "maximumIntensity": "20",
    "maximumSeconds": "",
    "maximumContinuousSeconds": "",
    "restSeconds": "",
    "owedPolicy": "report",
}
VIEWERS = {"showsNames": "1", "showsMessages": "1", "hiddenWords": ""}
LOOK = {"theme": "system", "density": "roomy", "timeZone": "", "clock": "24"}


@pytest.fixture(autouse=True)
def _at_the_fixed_time(monkeypatch):
    monkeypatch.setattr("ground.clock.now", lambda: NOW)


@pytest.fixture
def save(client, ana):
    """`save("limits", LIMITS, maximumSeconds="9")` presses Save, having seen version 0 if no other."""
    client.force_login(ana.user)

    def press(section, fields, **typed):
        said = {"version": "0"} | fields | typed
        return client.post(f"/preferences/{section}", {k: v for k, v in said.items() if v is not None})

    return press


@pytest.fixture
def page(client, ana):
    client.force_login(ana.user)
    return lambda section: text(client.get(f"/preferences/{section}"))


def text(answer):
    return re.sub(r"[ \n]+", " ", answer.content.decode())


def value(html, name):
    return re.search(rf'id="{name}" name="{name}" value="([^"]*)"', html)[1]


def chosen(ana):
    return preferences.told(preferences.of(ana.pk))


# --- whose they are, and what they are made of -------------------------------------------------------------


def test_an_anonymous_visitor_is_sent_to_the_login_and_staff_to_their_own(client, dina, db):
    assert client.get("/preferences/limits")["Location"] == "/login?next=/preferences/limits"
    client.force_login(dina)
    assert client.get("/preferences/limits")["Location"] == "/staff"
    client.force_login(UserFactory.create(username="nobody"))
    assert client.post("/preferences/limits", LIMITS).status_code == 403


def test_the_rail_leads_to_the_first_section_and_there_are_no_others(client, ana):
    client.force_login(ana.user)
    assert client.get("/preferences")["Location"] == "/preferences/limits"
    assert client.get("/preferences/walls").status_code == 404


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_is_a_page_of_its_own_without_inline_code(page, section):
    html = page(section)
    assert (inline_code(html), unlabelled_fields(html)) == ([], set())
    assert re.findall(r'href="/preferences/(\w+)"', html)[: len(SECTIONS)] == list(SECTIONS)


def test_a_form_without_its_token_changes_nothing(ana):
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ana.user)
    assert browser.post("/preferences/limits", LIMITS | {"version": "0"}).status_code == 403


# --- saved -------------------------------------------------------------------------------------------------


def test_what_is_saved_leads_back_to_the_page_which_says_so_once(client, save, page, ana):
    answer = save("limits", LIMITS, maximumIntensity="7", maximumSeconds="9")
    assert (answer.status_code, answer["Location"]) == (302, "/preferences/limits")
    assert [chosen(ana)[name] for name in ("maximumIntensity", "maximumSeconds")] == [7, 9]
    html = page("limits")
    assert "Limits: saved." in html
    assert (value(html, "maximumIntensity"), value(html, "maximumSeconds")) == ("7", "9")
    assert 'name="version" value="1"' in html
    assert "saved." not in page("limits")


def test_the_platforms_cap_stands_beside_the_field(page):
    PlatformSettings.objects.update_or_create(pk="platform", defaults={"maximum_seconds": 45})
    assert "2 to 45, which is the platform" in page("limits")
    assert "10 or more, which is the platform" in page("queue")


def test_every_section_can_be_saved_as_it_stands(client, save, ana):
    for section, fields in {
        "limits": LIMITS,
        "queue": {"queueMode": "", "minimumTip": ""},
        "bridge": {"bridge": "SIMULATOR", "autoConnect": ""},
        "viewers": VIEWERS,
        "noticing": {"noticeEmail": ""},
        "keys": {"ownKeys": "1", "stopKey": ""},
        "look": LOOK,
    }.items():
        assert save(section, fields).status_code == 302
    assert chosen(ana)["versions"] == dict.fromkeys(SECTIONS, 0)


def test_each_kind_of_field_is_kept(save, ana):
    save("viewers", VIEWERS, showsNames=None, hiddenWords="bob\r\n\r\n Über \r\nBOB")
    save("bridge", {"bridge": "SIMULATOR", "autoConnect": "0"})
    save("noticing", {"noticeSound": "1", "noticeEmail": "ana@example.com"})
    now = chosen(ana)
    assert (now["showsNames"], now["hiddenWords"], now["autoConnect"]) == (False, ["BOB", "Über"], False)
    assert (now["noticeSound"], now["noticeTitle"], now["noticeEmail"]) == (True, False, "ana@example.com")


# --- refused -----------------------------------------------------------------------------------------------

HOSTILE = [
    ("limits", LIMITS, {"maximumIntensity": "21"}, "maximumIntensity", "Must be between 1 and 20."),
    ("limits", LIMITS, {"maximumIntensity": ""}, "maximumIntensity", "Must be a whole number."),
    ("limits", LIMITS, {"maximumSeconds": "31"}, "maximumSeconds", "as the platform allows"),
    ("limits", LIMITS, {"maximumSeconds": "9" * 17}, "maximumSeconds", "at most 16 characters"),
    ("limits", LIMITS, {"restSeconds": "1\x00"}, "restSeconds", "Must be text without NUL."),
    ("limits", LIMITS, {"restSeconds": None}, "restSeconds", "Is missing."),
    ("limits", LIMITS, {"owedPolicy": "forget"}, "owedPolicy", "Must be one of"),
    ("viewers", VIEWERS, {"hiddenWords": "a\u202eb"}, "hiddenWords", "that can be seen"),
    ("viewers", VIEWERS, {"hiddenWords": "x" * 1701}, "hiddenWords", "at most 1700 characters"),
    ("look", LOOK, {"theme": "pink"}, "theme", "Must be one of"),
    ("look", LOOK, {"timeZone": "Mars/Base"}, "timeZone", "Must be a time zone"),
    ("noticing", {"noticeEmail": "ana@"}, {}, "noticeEmail", "Must be an e-mail address."),
    ("keys", {"stopKey": "a"}, {}, "stopKey", "Must be one of"),
    ("bridge", {"bridge": "CAM_KIT", "autoConnect": ""}, {}, "bridge", "Must be one of"),
    ("bridge", {"bridge": "SIMULATOR", "autoConnect": "2"}, {}, "autoConnect", "Must be true or false."),
]


@pytest.mark.parametrize(
    ("section", "fields", "typed", "field", "rule"), HOSTILE, ids=lambda each: str(each)[:30]
)
def test_what_breaks_a_rule_stands_beside_its_field_and_changes_nothing(
    save, ana, section, fields, typed, field, rule
):
    before = chosen(ana)
    answer = save(section, fields, **typed)
    html = text(answer)
    assert answer.status_code == 422
    assert f'<a href="#{field}">' in html
    assert html.count(rule) == 2  # in the summary, and there
    assert chosen(ana) == before


def test_all_that_is_wrong_is_said_at_once_and_what_was_typed_stays(save):
    html = text(save("limits", LIMITS, maximumIntensity="77", maximumSeconds="x", restSeconds="5"))
    assert re.findall(r'<li><a href="#(\w+)">', html) == ["maximumIntensity", "maximumSeconds"]
    shown = [value(html, name) for name in ("maximumIntensity", "maximumSeconds", "restSeconds")]
    assert shown == ["77", "x", "5"]


def test_a_window_that_began_as_live_gets_the_page_too(client, ana):
    client.force_login(ana.user)
    said = LIMITS | {"version": "0", "maximumIntensity": "77"}
    answer = client.post("/preferences/limits", said, headers={"HX-Request": "true"})
    assert (answer.status_code, "HX-Retarget" in answer) == (422, False)
    assert '<a href="#maximumIntensity">' in text(answer)


def test_a_field_that_is_none_is_named_and_refused(save, ana):
    answer = save("limits", LIMITS, stopEpoch="3")
    assert (answer.status_code, "stopEpoch is no field" in text(answer)) == (422, True)
    assert "One of its names is no field" in text(save("limits", LIMITS, **{"<b>": "1"}))


def test_a_path_without_the_sites_name_is_refused_beside_its_field(save, settings):
    settings.LOVENSE_BRIDGES = ["SIMULATOR", "EXTENSION"]
    answer = save("bridge", {"bridge": "EXTENSION", "autoConnect": ""})
    assert answer.status_code == 422
    assert str(choosing.NoSiteName()) in text(answer)


# --- changed meanwhile -------------------------------------------------------------------------------------


def test_of_two_pages_the_later_one_sees_both_values_and_overwrites_nothing(save, ana):
    save("limits", LIMITS, maximumIntensity="5")
    late = save("limits", LIMITS, maximumIntensity="9")
    html = text(late)
    assert (late.status_code, chosen(ana)["maximumIntensity"]) == (409, 5)
    assert "Changed on another page meanwhile" in html
    assert value(html, "maximumIntensity") == "9"
    assert re.findall(r"Now it is <bdi>([^<]*)</bdi>", html) == ["5"]
    assert save("limits", LIMITS, maximumIntensity="9", version="1").status_code == 302
    assert chosen(ana)["maximumIntensity"] == 9


def test_another_section_is_in_nobodys_way(save):
    save("limits", LIMITS, maximumIntensity="5")
    assert save("look", LOOK, theme="dark").status_code == 302


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30, "7"])
def test_a_version_that_never_was_changes_nothing(save, ana, version):
    answer = save("limits", LIMITS, maximumIntensity="9", version=version)
    assert answer.status_code in (409, 422)
    assert chosen(ana)["maximumIntensity"] == 20


# --- what they do ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choices", "name", "message"),
    [
        ({}, "bob", "hi Bob, hey"),
        ({"showsNames": False}, "Someone", "hi Bob, hey"),
        ({"showsMessages": False}, "bob", ""),
        ({"hiddenWords": ["BOB"]}, "Someone", "hi •••, hey"),
        ({"hiddenWords": ["bo", "hey you", "(x"]}, "bob", "hi Bob, hey"),
    ],
)
def test_what_she_has_hidden_stands_on_none_of_her_pages(ana, choices, name, message):
    ana.page_choices = choices
    shown = shownwords.of(ana)
    assert (shown.who("bob"), shown.message("hi Bob, hey")) == (name, message)


def test_a_hidden_name_stands_neither_on_live_nor_in_her_history_but_in_her_file(client, save, ana, bob):
    chain = Chain(ana, now=NOW)
    chain.publish_menu()
    fund(bob, 1000)
    chain.settled(bob, 50)
    add(ana, 1)
    save("viewers", VIEWERS, hiddenWords="bob")
    pages = [client.get(path) for path in ("/", "/history")]
    assert ["bob" in text(each) for each in pages] == [False, False]
    assert "bob" in "".join(part.decode() for part in client.get("/history.csv").streaming_content)


def test_days_are_counted_in_her_time_zone_and_by_her_clock(client, save, ana):
    save("look", LOOK, timeZone="Pacific/Kiritimati", clock="12")
    add(ana, 1)
    html = text(client.get("/history"))
    assert re.search(r">\d{1,2}:\d\d\xa0[ap]m</time>", html)


def test_her_pages_carry_how_she_has_them(client, save, ana):
    save("look", LOOK, theme="dark", density="compact", timeZone="Europe/Berlin", clock="24")
    save("keys", {"stopKey": "F8"})
    save("noticing", {"noticeSound": "1", "noticeTitle": "1", "noticeEmail": ""})
    ana.refresh_from_db()
    assert ownlook.of(ana) == ("dark", "compact", "Europe/Berlin", "24", "off", "F8", "sound title")
    html = text(client.get("/devices"))
    own = 'data-own-theme="dark" data-density="compact" data-zone="Europe/Berlin" data-clock="24" '
    own += 'data-keys="off" data-stop-key="F8" data-noticing="sound title"'
    assert f'<html lang="en" data-theme="dark" {own}>' in html
    assert f"<span hidden data-own {own}></span>" in html
    assert re.findall(r"<kbd[^>]*>([^<]*)</kbd>", html[html.index('id="keys"') :])[:3] == ["Esc", "Esc", "F8"]
