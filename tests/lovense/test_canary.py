"""What proves that an app is hers, and that we are we, is in no answer, page, message or line of the log."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.test import Client
from django.urls import get_resolver

from adminpanel.staff import enrol
from ground.mongodb.collections import collection
from ground.people import Role
from lovense.devices import callbacks
from lovense.models import Device, Host, Pairing, Performer
from lovense.sockets import limits
from tests.factories import NOW
from tests.lovense.devices import apps
from tests.lovense.test_webhooks import lines

__all__ = ["lines"]
pytestmark = pytest.mark.django_db
UID, UTOKEN, DEVELOPER = "canary-uid-4711", "canary-utoken-4711", "canary-developer-4711"
TOY, ADDRESS = "canary-toy-4711", apps.DOMAIN
SECRETS = (UID, UTOKEN, DEVELOPER, callbacks.hashed(UTOKEN))


@pytest.fixture(autouse=True)
def paired(ana, settings):
    """Her app has called back once, and another picture is on show."""
    settings.LOVENSE_DEVELOPER_TOKEN = DEVELOPER
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"bridge": "STANDARD_LAN"}})
    apps.opened(ana, uid=UID, utoken=UTOKEN)
    apps.take(apps.call(apps.LUSH | {"id": TOY}, uid=UID, utoken=UTOKEN))
    apps.opened(ana, _id="d" * 24, uid=f"{UID}-2", utoken=f"{UTOKEN}-2", host_id="d" * 24)
    assert collection(Host).find_one({})["uid"] == UID
    assert collection(Device).count_documents({"performer_id": ana.pk}) == 1


def answers(client, performer):
    """What each address answers that can be read."""
    named = {"device_id": f"{performer.pk}.{TOY}", "host_id": apps.HOST, "pairing_id": "d" * 24}
    for pattern in get_resolver().url_patterns:
        path = "/" + re.sub(r"<\w+:(\w+)>", lambda name: named.get(name[1], "unknown"), str(pattern.pattern))
        yield path, client.get(path).getvalue().decode(errors="replace")


def test_her_own_answers_and_pages_have_none(ana, lines):
    herself = Client(raise_request_exception=False)
    herself.force_login(ana.user)
    found = dict(answers(herself, ana))
    assert TOY in found["/api/lovense/devices"], "or nothing was looked at"
    for path, text in found.items():
        assert not [secret for secret in SECRETS if secret in text], path
    assert not [secret for secret in (*SECRETS, TOY, ADDRESS) if secret in str(lines)]


def test_pages_of_the_staff_have_none(ana):
    chief = Client(raise_request_exception=False)
    chief.force_login(enrol(username="eve", role=Role.ADMIN, password="").user)
    texts = dict(answers(chief, ana))
    for model in (model for model in admin.site._registry if model in (Host, Pairing, Device)):
        path = f"/admin/lovense/{model._meta.model_name}/"
        rows = [f"{path}{quote(str(row.pk))}/change/" for row in model.objects.all()]
        texts |= {page: chief.get(page).content.decode() for page in (path, *rows)}
    for path, text in texts.items():
        assert not [secret for secret in SECRETS if secret in text], path


def test_what_a_page_is_told_has_none(ana):
    told = str(limits.among([ana.pk]))
    assert TOY in told
    assert not [secret for secret in SECRETS if secret in told]


def test_a_callback_that_is_refused_leaves_none_in_the_log(lines):
    for more in ({"utoken": "wrong-canary-4711"}, {"uid": "wrong-canary-4711"}):
        apps.take(apps.call(**{"uid": UID, "utoken": UTOKEN} | more), now=NOW)
    assert lines
    assert "4711" not in str(lines)
