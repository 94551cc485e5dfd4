"""Times on pages of the staff: in UTC as the server writes them, the same a minute later; and the choice of
one's own clock, which is kept."""

import re
from datetime import timedelta

import pytest
from django.template import Context, Template
from django.test import Client

from adminpanel.staff import enrol
from adminpanel.watch import minutes
from ground import clock
from ground.audit import log
from ground.people import Role
from tests.factories import NOW
from tests.pages import inline_code

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def written(shape, *, ago=False):
    source = Template("{% load ui %}{% ui_when moment shape ago=ago %}")
    return source.render(Context({"moment": NOW + timedelta(milliseconds=7), "shape": shape, "ago": ago}))


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("exact", "2026-01-03 04:15:00 UTC"),
        ("minute", "3 Jan 2026, 04:15 UTC"),
        ("day", "3 Jan 2026"),
        ("clock", "04:15:00 UTC"),
        ("fact", "04:15:00.007 UTC"),
    ],
)
def test_a_moment_is_written_in_utc_and_says_so(shape, words):
    assert f'data-when="{shape}">{words}</time>' in written(shape)
    assert 'datetime="2026-01-03T04:15:00.007000+00:00"' in written(shape)


def test_in_a_list_the_exact_one_is_there_and_how_long_ago_is_left_to_the_page():
    assert re.fullmatch(
        r'<time [^>]*data-ago><span class="ui-when__ago" aria-hidden="true"></span>'
        r'<span class="ui-when__exact">2026-01-03 04:15:00 UTC</span></time>',
        written("exact", ago=True),
    )


@pytest.fixture
def dina():
    return enrol(username="dina-of-times", role=Role.SUPPORT, password=PASSWORD).user


@pytest.fixture
def browser(dina):
    made = Client()
    made.force_login(dina)
    return made


def is_local(client):
    text = client.get("/staff/audit").content.decode()
    assert inline_code(text) == []
    return '<html lang="en" data-times="local">' in text


def test_a_list_says_the_same_a_minute_later(browser):
    log.record(kind="performer", action="pause", by="dina", target="x", now=NOW)
    texts = [browser.get("/staff/audit?q=archive:yes").content.decode() for _ in range(2)]
    bodies = [re.search("<tbody>.*</tbody>", text, re.S)[0] for text in texts]
    assert bodies[0] == bodies[1]
    assert '<span class="ui-when__exact">2026-01-03 04:15:00 UTC</span>' in bodies[0]
    assert " ago" not in bodies[0]


def test_the_choice_is_of_every_page_and_can_be_taken_back(browser):
    assert not is_local(browser)
    assert browser.post("/staff/times", {"times": "local"}).status_code == 204
    assert is_local(browser)
    browser.post("/staff/times", {"times": "utc"})
    assert not is_local(browser)


@pytest.mark.parametrize("said", [{}, {"times": ""}, {"times": "<b>"}, {"times": ["local", "x" * 9000]}])
def test_what_is_no_clock_is_utc(browser, said):
    assert browser.post("/staff/times", said).status_code == 204
    assert not is_local(browser)


def test_it_is_kept_for_the_person_and_found_again_at_the_next_log_in(browser, dina):
    browser.post("/staff/times", {"times": "local"})
    other = Client()
    other.post("/login", {"username": dina.username, "password": PASSWORD})
    assert is_local(other)
    assert not is_local(fresh("otto-of-times"))


def fresh(name):
    enrol(username=name, role=Role.AUDITOR, password=PASSWORD)
    made = Client()
    made.post("/login", {"username": name, "password": PASSWORD})
    return made


def test_files_and_the_api_stay_in_utc(browser):
    log.record(kind="performer", action="pause", by="dina", target="x", now=NOW)
    browser.post("/staff/times", {"times": "local"})
    answer = browser.get("/staff/audit/export?q=action:pause+archive:yes")
    assert b"2026-01-03T04:15:00.000Z" in b"".join(answer.streaming_content)


def test_the_strip_says_when_it_looked_last_and_for_how_long_that_is_good(browser):
    minutes.keep(now=clock.now())
    text = browser.get("/staff/audit").content.decode()
    strip = text.partition('id="region-strip"')[2].partition("</header>")[0]
    assert 'data-good-for="150"' in strip
    assert re.search(r'data-when="clock" data-ago>.*?\d\d:\d\d:\d\d UTC', strip, re.S)
