"""The pages of access: every button asks for a reason and for what was seen, leaves one entry, and what is
refused leaves one, too; links and tokens are shown once; an auditor looks."""

import itertools
import re

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from rest_framework.authtoken.models import Token

from adminpanel.people import attempts, links, members, secondfactor, tokens
from adminpanel.people.attempts import Cause
from adminpanel.staff import enrol
from ground import clock
from ground.audit.models import AuditEntry
from ground.people import Role
from tests.adminpanel.people.conftest import deed, version
from tests.adminpanel.people.test_secondfactor import SALT, code
from tests.factories import PASSWORD
from tests.ground.plans import recorded
from tests.pages import inline_code, unlabelled_fields

pytestmark = pytest.mark.django_db
NEW = "violet harbour lantern"
WHY = "agreed with the head of support"


@pytest.fixture(autouse=True)
def _uncounted():
    cache.clear()
    tokens._noted.clear()


@pytest.fixture
def admin(ada):
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def stage(ada):
    account, _ = tokens.add_client("stage", deed=deed(ada))
    return User.objects.get(pk=account)


def text(answer):
    return " ".join(answer.content.decode().split())


def entries(action):
    found = AuditEntry.objects.filter(action=action).order_by("entry_id")
    return [(row.actor, row.why, row.success, row.before, row.after) for row in found]


def link_in(answer):
    [found] = re.findall(r"/link/([\w-]{40,64})", answer.content.decode())
    return found


# Each button with what it needs: its address, the name of its act, and more fields than reason and state.
def buttons(sam, max_, ana, stage):
    of_sam, of_stage = f"/staff/access/staff/{sam.pk}", f"/staff/access/clients/{stage.pk}"
    held, seen = tokens.of(stage).seen, version(sam)
    return {
        "enrol": ("/staff/access/enrol", {"username": "sue", "role": "support"}),
        "set_role": (f"{of_sam}/role", {"role": "auditor", "seen": seen}),
        "disable": (f"{of_sam}/disable", {"seen": seen}),
        "enable": (f"/staff/access/staff/{max_.pk}/enable", {"seen": version(max_)}),
        "end_sessions": (f"{of_sam}/sessions", {"seen": seen}),
        "make_link": (f"{of_sam}/link", {"seen": seen}),
        "remove_second_factor": (f"{of_sam}/second-factor", {"seen": seen}),
        "revoke_token": (f"{of_sam}/token", {"seen": tokens.of(sam).seen}),
        "make_link of a performer": (f"/staff/access/performers/{ana.pk}/link", {"seen": ""}),
        "add_client": ("/staff/access/clients/add", {"name": "other"}),
        "replace_token": (f"{of_stage}/token", {"seen": held}),
        "revoke_token of a client": (f"{of_stage}/revoke", {"seen": held}),
    }


NAMES = [
    *("enrol", "set_role", "disable", "enable", "end_sessions", "make_link", "remove_second_factor"),
    *("revoke_token", "make_link of a performer", "add_client", "replace_token", "revoke_token of a client"),
]


@pytest.fixture
def world(sam, ana, stage):
    """Somebody for each button: sam has a second factor, and max is disabled."""
    secondfactor.set_up(sam, salt=SALT, code=code(sam), deed=deed(sam))
    max_ = enrol(username="max", role=Role.SUPPORT, password="").user
    User.objects.filter(pk=max_.pk).update(is_active=False)
    return buttons(sam, max_, ana, stage)


def state():
    people = User.objects.order_by("pk").values_list("username", "is_active", "is_superuser", "password")
    return list(people), sorted(Token.objects.values_list("key", flat=True))


# --- every button ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_each_leaves_one_entry_with_its_reason(admin, world, name):
    address, said = world[name]
    action, before = name.partition(" of ")[0], AuditEntry.objects.count()
    assert admin.post(address, {**said, "reason": WHY}).status_code in (200, 302)
    assert AuditEntry.objects.count() == before + 1
    actor, why, success, *_ = entries(action)[-1]
    assert (actor, why, success) == ("ada", WHY, True)


def test_each_without_a_reason_is_refused_at_its_field_and_on_record(admin, world):
    before = state()
    for reason, name in itertools.product((None, " ab ", "x" * 201, "y" * 900_000), NAMES):
        address, said = world[name]
        action = name.partition(" of ")[0]
        answer = admin.post(address, {**said, **({} if reason is None else {"reason": reason})})
        assert answer.status_code == 422, name
        html = answer.content.decode()
        assert re.search(rf'id="reason-{action}"[^>]*aria-invalid="true"', " ".join(html.split())), name
        assert (inline_code(html), unlabelled_fields(html)) == ([], set())
        actor, _, success, _, after = entries(action)[-1]
        assert (actor, success, after) == ("ada", False, {"refused": "invalid"})
    assert state() == before


def test_each_that_has_seen_another_state_is_told_what_is(admin, world):
    before = state()
    for name in [each for each in NAMES if each not in ("enrol", "add_client")]:
        address, said = world[name]
        for old in ("77", "x", "2026-01-01T00:00:00.000Z"):
            answer = admin.post(address, {**said, "seen": old, "reason": WHY})
            assert answer.status_code == 409, (name, old)
            assert "Nothing was changed" in text(answer)
        assert entries(name.partition(" of ")[0])[-1][2:] == (False, None, {"refused": "outdated"})
    assert state() == before


def test_an_auditor_looks_and_has_no_buttons(world, sam, stage, ana):
    auditor = Client()
    auditor.force_login(enrol(username="ola", role=Role.AUDITOR, password="").user)
    pages = [
        "/staff/access",
        f"/staff/access/staff/{sam.pk}",
        f"/staff/access/performers?q={ana.pk}",
        "/staff/access/clients",
        f"/staff/access/clients/{stage.pk}",
        "/staff/access/log-ins",
    ]
    for page in pages:
        answer = auditor.get(page)
        assert answer.status_code == 200
        assert 'action="/staff/access' not in answer.content.decode().replace(
            'action="/staff/access/performers" aria', ""
        )
    before = state()
    assert {auditor.post(where, {**said, "reason": WHY}).status_code for where, said in world.values()} == {
        403
    }
    assert state() == before


def test_support_has_no_business_here(dina):
    support = Client()
    support.force_login(dina)
    assert support.get("/staff/access").status_code == 403
    assert "/staff/access" not in support.get("/staff/queue").content.decode()


def test_what_is_not_there_is_not_there(admin):
    for where in ("staff", "clients"):
        for account in ("0" * 24, "x", "$where"):
            assert admin.get(f"/staff/access/{where}/{account}").status_code == 404
            assert admin.post(f"/staff/access/{where}/{account}/token", {"reason": WHY}).status_code == 404
    assert admin.post(f"/staff/access/performers/{'0' * 24}/link", {"reason": WHY}).status_code == 404


# --- staff -------------------------------------------------------------------------------------------------


def test_a_member_is_enrolled_and_comes_in_by_her_link(admin):
    answer = admin.post("/staff/access/enrol", {"username": "sue", "role": "auditor", "reason": WHY})
    assert "The link, shown only now" in text(answer)
    token, hers = link_in(answer), Client()
    page = text(hers.get(f"/link/{token}"))
    assert "<strong>sue</strong>" in page
    assert (inline_code(page), unlabelled_fields(page)) == ([], set())
    used = hers.post(f"/link/{token}", {"password": NEW, "again": NEW})
    assert used["Location"] == "/login"
    assert "Your password is set" in text(hers.get("/login"))
    assert hers.post("/login", {"username": "sue", "password": NEW}).status_code == 302
    assert hers.get("/staff/tips").status_code == 200
    assert "/link/" not in text(admin.get(f"/staff/access/staff/{User.objects.get(username='sue').pk}"))


def test_what_was_typed_stays_where_it_is_refused(admin):
    answer = admin.post("/staff/access/enrol", {"username": "sue & co", "role": "owner", "reason": WHY})
    page = text(answer)
    assert answer.status_code == 422
    assert 'value="sue &amp; co"' in page
    assert f'value="{WHY}"' in page
    answer = admin.post("/staff/access/enrol", {"username": "sue", "role": "owner", "reason": WHY})
    assert "Choose one of admin, support, auditor" in text(answer)


def test_the_own_page_has_no_button_for_what_another_admin_does(admin, ada):
    page = text(admin.get(f"/staff/access/staff/{ada.pk}"))
    assert "your own account" in page
    assert not [act for act in ("set_role", "disable") if f'id="act-{act}"' in page]
    said = {"role": "admin", "seen": version(ada), "reason": WHY}
    answer = admin.post(f"/staff/access/staff/{ada.pk}/role", said)
    assert (answer.status_code, entries("set_role")[-1][2:]) == (
        403,
        (False, None, {"refused": "own_account"}),
    )


def test_a_list_of_many_takes_no_more_questions(admin, ada):
    def asked():
        with recorded() as plans:
            assert admin.get("/staff/access").status_code == 200
        return len(plans)

    asked()
    few = asked()
    for number in range(20):
        members.enrol(username=f"m{number}", role=Role.SUPPORT, deed=deed(ada))
    assert asked() == few


# --- performers, links -------------------------------------------------------------------------------------


def test_a_performer_is_found_by_her_whole_name_or_id(admin, ana):
    for wanted in ("ana", ana.pk, ana.pk.upper(), f" {ana.pk} "):
        assert ana.pk in text(admin.get("/staff/access/performers", {"q": wanted}))
    for wanted in ("an", "ANA", "ada", ".*", '{"$gt":""}', "\x00", "x" * 300):
        page = text(admin.get("/staff/access/performers", {"q": wanted}))
        assert "No performer has this name" in page


def test_a_performer_sets_a_new_password_by_a_link_and_sees_who_made_it(admin, ana):
    hers = Client()
    hers.post("/login", {"username": "ana", "password": PASSWORD})
    answer = admin.post(f"/staff/access/performers/{ana.pk}/link", {"seen": "", "reason": WHY})
    token = link_in(answer)
    assert hers.get("/account").status_code == 200
    Client().post(f"/link/{token}", {"password": NEW, "again": NEW})
    assert hers.get("/account").status_code == 302
    assert hers.post("/login", {"username": "ana", "password": NEW}).status_code == 302
    page = text(hers.get("/account"))
    assert "Make link" in page
    assert WHY in page
    assert "ada" in page


def test_a_link_that_is_no_longer_good_says_so(admin, ana):
    token = link_in(admin.post(f"/staff/access/performers/{ana.pk}/link", {"seen": "", "reason": WHY}))
    browser = Client()
    answer = browser.get(f"/link/{token}")
    # stricter, and a browser sends no origin with the form, which is refused then
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cache-Control"].startswith("max-age=0")
    for said, field in (
        ({"password": NEW, "again": "other"}, "again"),
        ({"password": "short", "again": "short"}, "password"),
        ({"password": "x" * 5000, "again": "x" * 5000}, "password"),
        ({}, "password"),
    ):
        wrong = browser.post(f"/link/{token}", said)
        assert wrong.status_code == 422
        assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', text(wrong))
    assert browser.post(f"/link/{token}", {"password": NEW, "again": NEW}).status_code == 302
    for gone in (token, "x", "a" * 70):
        for answer in (browser.get(f"/link/{gone}"), browser.post(f"/link/{gone}", {"password": NEW})):
            assert answer.status_code == 404
            assert links.NoSuchLink.words in text(answer)


# --- clients -----------------------------------------------------------------------------------------------


def test_a_clients_token_is_shown_once_and_works_until_it_is_revoked(admin):
    answer = admin.post("/staff/access/clients/add", {"name": "stage", "reason": WHY})
    [key] = re.findall(r"<code>([0-9a-f]{40})</code>", answer.content.decode())
    feed = {"path": "/api/tips/events", "headers": {"Authorization": f"Token {key}"}}
    assert Client().get(**feed).status_code == 200
    client = User.objects.get(username="stage")
    page = f"/staff/access/clients/{client.pk}"
    assert key not in text(admin.get(page))
    assert "to the minute" in text(admin.get(page))
    said = {"seen": tokens.of(client).seen, "reason": WHY}
    assert admin.post(f"{page}/revoke", said)["Location"] == page
    assert Client().get(**feed).status_code == 401
    assert "No token" in text(admin.get("/staff/access/clients"))


# --- failed log-ins ----------------------------------------------------------------------------------------


def test_failed_log_ins_show_names_and_no_address(admin, ana):
    for name in ("ana", "a password in the wrong field"):
        attempts.failed(name, Cause.PASSWORD, address="203.0.113.77", now=clock.now())
    page = text(admin.get("/staff/access/log-ins"))
    assert "<strong>ana</strong>" in page
    assert "No account of that name" in page
    assert not [each for each in ("203.0.113", "wrong field") if each in page]


# --- the own account ---------------------------------------------------------------------------------------


@pytest.fixture
def own(sam):
    client = Client()
    assert client.post("/login", {"username": "sam", "password": PASSWORD}).status_code == 302
    return client


def set_up(own, sam, **said):
    own.get("/staff/account")
    salt = own.session["second_factor_salt"]
    typed = {"code": code(sam, clock.now(), salt), "reason": "a new phone"} | said
    return own.post("/staff/account/second-factor", typed)


def shown_codes(answer):
    return re.findall(r"<code>([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})</code>", answer.content.decode())


def test_a_member_sets_up_a_second_factor_and_is_asked_for_it_then(own, sam):
    codes = shown_codes(set_up(own, sam))
    assert len(codes) == 10
    assert codes[0] not in text(own.get("/staff/account"))
    assert own.session["staff"]["is_proved"]
    assert Client().post("/login", {"username": "sam", "password": PASSWORD})["Location"] == "/login/code"
    assert [entry[:3] for entry in entries("set_up_second_factor")] == [("sam", "a new phone", True)]


@pytest.mark.parametrize("said", [{"code": "000000"}, {"code": ""}, {"reason": ""}])
def test_what_is_wrong_stands_at_its_field_and_nothing_is_set_up(own, sam, said):
    [field] = said
    answer = set_up(own, sam, **said)
    assert answer.status_code == 422
    page = text(answer)
    assert re.search(rf'id="{field}-set_up_second_factor"[^>]*aria-invalid="true"', page)
    assert secondfactor.of(str(sam.pk)) is None
    assert entries("set_up_second_factor")[-1][2] is False


def test_new_codes_and_taking_it_away_ask_for_a_code(own, sam):
    codes = shown_codes(set_up(own, sam))
    said = {"code": codes[0], "reason": "used most of them"}
    again = shown_codes(own.post("/staff/account/recovery-codes", said))
    assert len(again) == 10
    assert own.post("/staff/account/recovery-codes", said | {"code": codes[1]}).status_code == 422
    remove = "/staff/account/second-factor/remove"
    assert own.post(remove, said | {"code": "000000"}).status_code == 422
    assert own.post(remove, said | {"code": again[0]}).status_code == 302
    assert secondfactor.of(str(sam.pk)) is None
    assert own.post(remove, said | {"code": again[1]}).status_code == 409


def test_codes_are_guessed_on_the_own_page_so_often_and_no_more(own, sam):
    set_up(own, sam)
    said = {"code": "000000", "reason": "a new phone"}
    got = [own.post("/staff/account/recovery-codes", said) for _ in range(11)]
    assert [each.status_code for each in got] == [422] * 9 + [429] * 2  # setting it up was one of the ten
    assert got[-1]["Retry-After"] == "300"
    assert entries("renew_recovery_codes")[-1][4] == {"refused": "too_many_guesses"}


def test_every_other_browser_of_hers_is_logged_out(own, sam):
    other = Client()
    other.post("/login", {"username": "sam", "password": PASSWORD})
    assert own.post("/staff/account/sessions", {"reason": "left it open"})["Location"] == "/staff/account"
    assert (own.get("/staff/account").status_code, other.get("/staff/account").status_code) == (200, 302)
    assert entries("end_sessions")[-1][4] == {"log_ins_ended": 1}


def test_the_own_page_is_whole(own, sam):
    html = own.get("/staff/account").content.decode()
    assert (inline_code(html.replace('src="data:', 'src="')), unlabelled_fields(html)) == ([], set())
