"""Every address that names something of hers answers another performer as if it were not there, and leaves
it as it was. The addresses are those of the site: a new one is tried here by itself."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import get_resolver

from ground import clock
from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.models import (
    Activation,
    Device,
    Host,
    LoggedIn,
    MenuDraft,
    Owed,
    Pairing,
    Pattern,
    Performer,
    TipMenu,
)
from lovense.performers import loggedin
from lovense.performers.loggedin import BrowserLogIn
from tests.lovense.devices import apps
from tests.lovense.devices.apps import HOST, opened, take
from tests.lovense.menus.offers import added
from tests.lovense.owed import rest
from tests.lovense.patterns.written import saved
from tips.models import QueueRequest

pytestmark = pytest.mark.django_db
METHODS = ("GET", "POST", "PUT", "DELETE")
FORMS, FORM = "application/x-www-form-urlencoded", b"function=Vibrate&moved=1&enabled=1"
ANOTHER = "d" * 24
KEPT = (
    Device,
    Host,
    Pairing,
    Owed,
    Activation,
    QueueRequest,
    Performer,
    MenuDraft,
    TipMenu,
    Pattern,
    LoggedIn,
)
OF_STAFF = re.compile(r"^(admin/|staff/|api/admin/|api/performance-queue/dlq)")
# Of everybody: a viewer's tip is shown to its viewer, its performer and staff, see tests/tips/test_api.py;
# the draws of a version to anybody, see tests/lovense/menus/test_reveal.py
OTHERWISE = {"api/tips/<str:tip_id>", "api/public/draws/<str:menu>", "draws/<str:menu>"}
# Whoever has a one-time link, tests/adminpanel/people/test_links.py
OTHERWISE |= {"link/<str:token>"}
# Nobody's: they say which part of one's own page is shown.
OTHERWISE |= {"preferences/<str:section>", "welcome/<str:step>"}


def addresses():
    """Those with something in them that is somebody's."""
    found = [str(each.pattern) for each in get_resolver().url_patterns]
    return [each for each in found if "<" in each and not OF_STAFF.match(each) and each not in OTHERWISE]


@pytest.fixture
def hers(chain, ana, bob):
    """One of everything: what stands for each name in an address."""
    tip_id = rest.kept(chain, bob)
    opened(ana)
    take(apps.call())
    opened(ana, _id=ANOTHER, uid="another", utoken="another", host_id=ANOTHER)
    return {
        "device_id": f"{ana.pk}.toy-1",
        "host_id": HOST,
        "pairing_id": ANOTHER,
        "activation_id": activation_id(tip_id),
        "request_id": collection(QueueRequest).find_one({})["_id"],
        "item_id": added(ana, "Mine").items[-1]["itemId"],
        "version": "1",
        "pattern_id": saved(ana)["_id"],
        "login_id": logged(ana),
    }


def logged(performer):
    browser = BrowserLogIn(str(performer.user.pk), "a-session", "Firefox", "203.0.113.5")
    now = clock.now()  # MongoDB takes out by its own clock what is over
    loggedin.began(browser, now=now, age=timedelta(days=1))
    return collection(LoggedIn).find_one({})["_id"]


def everything():
    return {model.__name__: list(collection(model).find().sort("_id", 1)) for model in KEPT}


def asked(client, address, named):
    """What each method is answered."""
    path = "/" + re.sub(r"<\w+:(\w+)>", lambda name: named[name[1]], address)
    body = b'{"why":"agreed"}' if path.endswith("/waive") else b"{}"
    said = (body, "application/json") if path.startswith("/api/") else (FORM, FORMS)
    answers = {name: client.generic(name, path, *said) for name in METHODS}
    return {name: answer.status_code for name, answer in answers.items()}


def logged_in(performer):
    client = Client(raise_request_exception=False)
    client.force_login(performer.user)
    return client


def test_all_names_in_addresses_are_known_here(hers):
    named = {name for each in addresses() for name in re.findall(r"<\w+:(\w+)>", each)}
    assert named == set(hers)
    assert len(addresses()) > 20


def test_whatever_another_performer_asks_of_it_is_not_there_and_changes_nothing(hers, carol):
    stranger, before = logged_in(carol), everything()
    nobodys = dict.fromkeys(hers, "507f191e810c19729de860ff")
    for address in addresses():
        answers = asked(stranger, address, hers)
        assert answers == asked(stranger, address, nobodys), address
        assert set(answers.values()) <= {400, 404, 405}, (address, answers)
    assert everything() == before


def test_the_same_addresses_are_there_for_her(hers, ana):
    """Else the test before would prove nothing. What takes everything else with it comes last."""
    nobodys = dict.fromkeys(hers, "507f191e810c19729de860ff")
    ends = ("cancel", "<str:pairing_id>", "unpair", "<str:host_id>", "<str:device_id>")
    for address in sorted(addresses(), key=lambda each: each.endswith(ends)):
        assert asked(logged_in(ana), address, hers) != asked(logged_in(ana), address, nobodys), address
