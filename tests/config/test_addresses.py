"""Every address of the site: nobody sees or changes anything without being logged in, and nothing that is
pressed counts unless it comes from a page of ours. A new address is tried here by itself."""

import re

import pytest
from django.test import Client
from django.urls import get_resolver

pytestmark = pytest.mark.django_db
NAMES = {"section": "limits", "step": "start", "version": "1"}  # any other name stands for nobody's thing
# Of everybody: what a viewer may check, how a program reads the interface, whether the site lives.
OF_EVERYBODY = {
    "login",
    "admin/login/",
    "api/schema",
    "api/docs",
    "api/public/draws/<str:menu>",
    "draws/<str:menu>",
}
OF_EVERYBODY |= {"healthz", "readyz", "metrics"}
OF_EVERYBODY |= {"link/<str:token>"}  # whoever has it has no password yet
SIGNED = re.compile(r"api/webhooks/")  # by who calls: no browser is asked
ELSEWHERE = re.compile(r"^(admin/$|static/|\^)")  # Django's own, and files


def addresses():
    found = [str(each.pattern) for each in get_resolver().url_patterns]
    return [each for each in found if not SIGNED.match(each) and not ELSEWHERE.match(each)]


def path(address):
    return "/" + re.sub(r"<\w+:(\w+)>", lambda name: NAMES.get(name[1], "507f191e810c19729de860ff"), address)


def test_whoever_is_not_logged_in_is_led_to_the_login_or_refused(db):
    client, opened = Client(), []
    for address in addresses():
        for method in (client.get, client.post):
            answer = method(path(address))
            is_login = answer.status_code == 302 and answer["Location"].startswith("/login")
            if not is_login and answer.status_code not in {401, 403, 405}:
                opened.append(address)
    assert set(opened) <= OF_EVERYBODY | {"logout"}  # which leads to the login


def test_what_is_posted_by_a_page_of_somebody_else_is_refused(ana):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ana.user)
    answers = {address: browser.post(path(address)).status_code for address in addresses()}
    taken = {address: status for address, status in answers.items() if status not in {401, 403}}
    assert set(taken) <= {"healthz", "readyz", "metrics", "api/public/draws/<str:menu>"}
    assert set(taken.values()) <= {405}
    assert len(answers) > 150
