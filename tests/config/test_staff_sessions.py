"""A session of staff ends by itself, at every door."""

from datetime import timedelta

import pytest
import redis
from django.core.cache import cache
from django.test import Client, override_settings

from adminpanel.people.sessions import IDLE, LONGEST, MARK, Over
from adminpanel.staff import enrol
from ground import clock
from ground.people import Role
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _uncounted():
    cache.clear()


def logged_in(role=Role.ADMIN):
    name = role.value
    enrol(username=name, role=role, password=PASSWORD)
    client = Client()
    assert client.post("/login", {"username": name, "password": PASSWORD}).status_code == 302
    return client


def aged(client, **fields):
    """As if that much time had passed since."""
    session, now = client.session, clock.now()
    moved = {name: int((now - passed).timestamp()) for name, passed in fields.items()}
    session[MARK] = session[MARK] | moved
    session.save()


def is_in(client):
    return client.get("/staff/tips").status_code == 200


def test_an_idle_admin_is_out_and_told_so(client):
    client = logged_in()
    aged(client, seen=IDLE - MINUTE)
    assert is_in(client)
    aged(client, seen=IDLE)
    answer = client.get("/staff/queue", follow=True)
    assert answer.redirect_chain[-1][0] == "/login?next=/staff/queue"
    assert Over.IDLE.value in answer.content.decode()
    assert not is_in(client)


def test_what_she_does_keeps_her_in():
    client = logged_in()
    aged(client, seen=IDLE - MINUTE)
    client.get("/staff/queue")
    assert clock.now().timestamp() - client.session[MARK]["seen"] < 5


@pytest.mark.parametrize("path", ["/staff/queue", "/staff/devices/news", "/api/admin/lovense/devices"])
def test_a_page_that_fetches_itself_is_no_use_of_it(path):
    client = logged_in()
    aged(client, seen=IDLE - MINUTE)
    before = client.session[MARK]
    assert client.get(path, headers={"HX-Request": "true"}).status_code == 200
    assert client.session[MARK] == before
    client.get("/staff/queue", headers={"HX-Request": "true", "HX-Boosted": "true"})
    assert client.session[MARK] != before


def test_a_region_of_who_is_out_says_that_she_is():
    client = logged_in()
    aged(client, seen=IDLE)
    asked = client.get("/staff/queue", headers={"HX-Request": "true"}, follow=True)
    assert (asked.status_code, asked["HX-Retarget"]) == (401, "#session")


def test_the_api_and_djangos_admin_know_her_no_more():
    client = logged_in()
    aged(client, seen=IDLE)
    assert client.get("/api/admin/lovense/devices").status_code in (401, 403)
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("role", list(Role))
def test_after_twelve_hours_it_is_over_however_busy(role):
    client = logged_in(role)
    assert LONGEST - MINUTE < client.session.get_expiry_date() - clock.now() <= LONGEST
    aged(client, since=LONGEST)
    assert not is_in(client)


def test_support_may_be_idle():
    client = logged_in(Role.SUPPORT)
    aged(client, seen=LONGEST - MINUTE)
    assert is_in(client)


def test_a_performers_session_has_no_such_end(ana):
    client = Client()
    client.post("/login", {"username": "ana", "password": PASSWORD})
    assert MARK not in client.session
    assert client.session.get_expiry_age() > timedelta(days=13).total_seconds()


def test_an_admin_without_second_factor_is_out_once_it_is_required():
    client = logged_in()
    with override_settings(STAFF_REQUIRE_OTP=True):
        assert not is_in(client)


def test_a_session_from_before_there_were_marks_is_out_where_it_is_required(dina):
    client = Client()
    client.force_login(dina)
    with override_settings(STAFF_REQUIRE_OTP=True):
        assert not is_in(client)
    client.force_login(dina)
    assert is_in(client)
    assert client.session[MARK]["is_proved"] is False


def test_while_the_database_is_away_it_says_so(monkeypatch):
    client = logged_in()

    def away(*args, **named):
        from pymongo.errors import AutoReconnect

        raise AutoReconnect

    monkeypatch.setattr("config.staffsessions._keep_or_end", away)
    assert client.get("/staff/queue").status_code == 503
    answer = client.get("/api/admin/lovense/devices")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


def test_while_redis_is_away_staff_come_in(monkeypatch):
    def away(*args, **named):
        raise redis.ConnectionError

    for name in ("add", "incr", "get", "set", "delete"):
        monkeypatch.setattr(cache, name, away)
    assert is_in(logged_in(Role.SUPPORT))
