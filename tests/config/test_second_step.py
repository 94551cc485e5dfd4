"""The second step of a log-in: nobody is in by the password alone, a code counts once, guesses are counted,
and staff's tries are all on record."""

import re

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client, override_settings

from adminpanel.models import SecondFactor
from adminpanel.people import attempts, secondfactor
from adminpanel.people.sessions import MARK
from adminpanel.staff import enrol
from config import entering, tries
from ground import clock
from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from ground.people import Role
from lovense.models import LoggedIn
from tests.adminpanel.people.conftest import deed
from tests.adminpanel.people.test_secondfactor import SALT, code
from tests.factories import PASSWORD
from tests.pages import inline_code, unlabelled_fields

pytestmark = pytest.mark.django_db
CODE, SET_UP = "/login/code", "/login/second-factor"


@pytest.fixture(autouse=True)
def _uncounted():
    cache.clear()


@pytest.fixture
def required():
    with override_settings(STAFF_REQUIRE_OTP=True):
        yield


@pytest.fixture
def ada(db):
    return enrol(username="ada", role=Role.ADMIN, password=PASSWORD).user


@pytest.fixture
def codes(ada):
    """Her recovery codes: she has a second factor, set up a while ago."""
    made = secondfactor.set_up(ada, salt=SALT, code=code(ada), deed=deed(ada))
    return made


def password(name="ada", *, then="", **more):
    """A browser that has given one, and what it was answered."""
    client = Client(REMOTE_ADDR="203.0.113.5", **more)
    return client, client.post("/login", {"username": name, "password": PASSWORD, "next": then})


def typed(client, said, path=CODE):
    return client.post(path, {"code": said})


def of_now(user):
    return code(user, clock.now())


def is_in(client):
    return client.get("/staff/tips").status_code == 200


def told(name="ada"):
    """Oldest first."""
    rows = reversed(audit_log.of(name, limit=50))
    return [(row["action"], row["success"], row["why"]) for row in rows]


def failures():
    return [(each.account, each.cause, each.times) for each in attempts.newest()]


# --- who is asked for a code -------------------------------------------------------------------------------


def test_who_has_no_second_factor_and_needs_none_is_in_by_the_password(ada):
    client, answer = password()
    assert answer["Location"] == "/"
    assert is_in(client)
    assert told() == [("log_in", True, "")]


def test_who_has_one_is_nobody_before_the_code(ada, codes):
    client, answer = password(then="/staff/queue")
    assert answer["Location"] == CODE
    assert not is_in(client)
    assert client.get("/api/admin/lovense/devices").status_code in (401, 403)
    assert collection(LoggedIn).count_documents({}) == 0
    assert typed(client, of_now(ada))["Location"] == "/staff/queue"
    assert is_in(client)
    assert client.session[MARK]["is_proved"]
    assert [row["account"] for row in collection(LoggedIn).find()] == [str(ada.pk)]
    assert told()[-1] == ("log_in", True, "")


def test_the_way_on_stays_on_this_site(ada, codes):
    client, _ = password(then="https://elsewhere.example/")
    assert typed(client, of_now(ada))["Location"] == "/"


@pytest.mark.parametrize("path", [CODE, SET_UP])
def test_without_a_password_there_is_no_second_step(db, path):
    assert Client().get(path)["Location"] == "/login"
    assert Client().post(path, {"code": "123456"})["Location"] == "/login"


def test_a_password_is_good_for_ten_minutes_of_a_second_step(ada, codes):
    client, _ = password()
    session = client.session
    session[entering.HELD] = session[entering.HELD] | {"at": clock.now().timestamp() - 600}
    session.save()
    assert typed(client, of_now(ada))["Location"] == "/login"
    assert not is_in(client)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, {"password": "md5$a$b"}])
def test_who_was_changed_meanwhile_begins_anew(ada, codes, change):
    client, _ = password()
    User.objects.filter(pk=ada.pk).update(**change)
    assert typed(client, of_now(ada))["Location"] == "/login"


def test_who_comes_in_instead_stays_as_long_as_ever(ada, ana, codes):
    client, _ = password()
    client.post("/login", {"username": "ana", "password": PASSWORD})
    assert client.session.get_expiry_age() > 13 * 24 * 3600
    assert entering.HELD not in client.session


def test_a_performer_is_asked_for_nothing_more(ana, required):
    client, answer = password("ana")
    assert answer.status_code == 302
    assert client.get("/account").status_code == 200


# --- guessed, used again -----------------------------------------------------------------------------------


def test_a_wrong_code_is_refused_and_on_record(ada, codes):
    client, _ = password()
    answer = typed(client, "000000")
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "That is not a code of now" in html
    assert (inline_code(html), unlabelled_fields(html)) == ([], set())
    assert told()[-1] == ("log_in", False, "code")
    assert failures() == [("ada", "code", 1)]


def test_a_code_that_was_used_is_refused_and_on_record(ada, codes):
    said = of_now(ada)
    assert typed(password()[0], said).status_code == 302
    other, _ = password()
    answer = typed(other, said)
    assert answer.status_code == 422
    assert "That code was used" in answer.content.decode()
    assert not is_in(other)
    assert told()[-1] == ("log_in", False, "code used before")


def test_codes_are_guessed_five_times_from_wherever_and_then_it_says_when(ada, codes):
    for number in range(tries.CODES_PER_ACCOUNT):
        client, _ = password(HTTP_X=number)
        client.defaults["REMOTE_ADDR"] = f"203.0.113.{number}"
        assert typed(client, "000000").status_code == 422
    for _ in range(3):
        answer = typed(client, of_now(ada))
        assert (answer.status_code, answer["Retry-After"]) == (429, "300")
        assert tries.TOO_MANY in answer.content.decode()
    assert not is_in(client)
    assert told()[-6:] == [("log_in", False, "code")] * 5 + [("log_in", False, "too many tries")]
    assert ("ada", "too many tries", 3) in failures()


def test_a_guessed_password_is_on_record_for_staff(ada, ana):
    for name in ("ada", "ana", "my secret pass phrase"):
        Client().post("/login", {"username": name, "password": "wrong"})
    assert told() == [("log_in", False, "password")]
    assert told("ana") == []
    assert sorted(failures()) == [("", "password", 1), ("ada", "password", 1), ("ana", "password", 1)]


def test_too_many_passwords_are_on_record_once_in_a_window(ada):
    for _ in range(tries.PER_ACCOUNT + 5):
        answer = Client().post("/login", {"username": "ada", "password": "wrong"})
    assert answer.status_code == 429
    said = [why for _, _, why in told()]
    assert said == ["password"] * tries.PER_ACCOUNT + ["too many tries"]


def test_a_disabled_account_that_is_tried_is_on_record_as_that(ada):
    User.objects.filter(pk=ada.pk).update(is_active=False)
    password()
    assert failures() == [("ada", "disabled account", 1)]


# --- recovery codes ----------------------------------------------------------------------------------------


def test_a_recovery_code_lets_in_once_and_says_what_is_left(ada, codes):
    client, _ = password()
    typed(client, codes[0].lower())
    page = " ".join(client.get("/staff/dead-letters").content.decode().split())
    assert is_in(client)
    assert "9 recovery codes are left" in page
    again, _ = password()
    assert typed(again, codes[0]).status_code == 422
    assert not is_in(again)


# --- set up at the log-in ----------------------------------------------------------------------------------


def test_an_admin_who_must_have_one_sets_it_up_before_she_is_in(ada, required):
    client, answer = password(then="/staff/queue")
    assert answer["Location"] == SET_UP
    assert not is_in(client)
    page = client.get(SET_UP)
    html = page.content.decode()
    assert (inline_code(html.replace('src="data:', 'src="')), unlabelled_fields(html)) == ([], set())
    assert page["Cache-Control"].startswith("max-age=0")
    salt = client.session[entering.HELD]["salt"]
    assert secondfactor.to_type(str(ada.pk), salt) in html
    assert typed(client, "000000", SET_UP).status_code == 422
    assert collection(SecondFactor).count_documents({}) == 0
    answer = typed(client, code(ada, clock.now(), salt), SET_UP)
    shown = re.findall(r"<code>([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})</code>", answer.content.decode())
    assert (answer.status_code, len(shown)) == (200, 10)
    assert 'href="/staff/queue"' in answer.content.decode()
    assert is_in(client)
    told_of = [("log_in", False, "code"), ("set_up_second_factor", True, "asked for at the log-in")]
    assert told() == [*told_of, ("log_in", True, "")]
    assert password()[1]["Location"] == CODE


def test_a_secret_stays_while_it_is_set_up_and_another_log_in_has_another(ada, required):
    client, _ = password()
    salts = [client.session[entering.HELD]["salt"] for _ in range(2) if client.get(SET_UP)]
    other, _ = password()
    assert len({*salts, other.session[entering.HELD]["salt"]}) == 2


def test_where_another_window_was_faster_its_second_factor_counts(ada, required):
    slow, _ = password()
    secondfactor.set_up(ada, salt=SALT, code=code(ada), deed=deed(ada))
    salt = slow.session[entering.HELD]["salt"]
    assert typed(slow, code(ada, clock.now(), salt), SET_UP)["Location"] == "/login"
    assert not is_in(slow)


def test_support_needs_none(required):
    enrol(username="sam", role=Role.SUPPORT, password=PASSWORD)
    client, _ = password("sam")
    assert is_in(client)


def test_a_form_without_its_token_is_refused(ada, codes):
    client, _ = password()
    client.handler.enforce_csrf_checks = True
    assert typed(client, of_now(ada)).status_code == 403
