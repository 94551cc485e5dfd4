"""Django's admin of money and tips: everything is shown to those who may look, and nobody can change any of
it."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from adminpanel.staff import Role, enrol
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from ledger.models import Account
from tests.tips import calls
from tips.models import Tip

pytestmark = pytest.mark.django_db

APPS = ("ledger", "tips")
MODELS = sorted(
    (model for model in admin.site._registry if model._meta.app_label in APPS),
    key=lambda model: model.__name__,
)


@pytest.fixture
def rows():
    """A settled tip, and one of everything that it leaves behind."""
    calls.bought(1000)
    calls.succeeded(1, 100, isAnonymous=True)
    calls.settle()


@pytest.fixture(params=list(Role))
def browser(request):
    made = Client()
    made.force_login(enrol(username="eve", role=request.param, password="").user)
    return made


def path(model, *rest):
    return "/".join(["/admin", model._meta.app_label, model._meta.model_name, *rest, ""])


def quoted(model):
    from django.contrib.admin.utils import quote

    return quote(model.objects.first().pk)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_row_is_shown_and_no_form_is_offered(rows, browser, model):
    answer = browser.get(path(model))
    assert answer.status_code == 200
    if model.objects.exists():
        answer = browser.get(path(model, quoted(model), "change"))
        assert answer.status_code == 200
        assert 'name="_save"' not in answer.content.decode()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_nothing_is_added_changed_or_deleted_even_by_an_admin(rows, model):
    before = calls.everything()
    chief = Client()
    chief.force_login(enrol(username="eve", role=Role.ADMIN, password="").user)
    ways = [path(model, "add")] + (
        [path(model, quoted(model), way) for way in ("change", "delete")] if model.objects.exists() else []
    )
    for way in ways:
        assert chief.post(way, {"balance": 10**9, "total": 1, "post": "yes"}).status_code == 403
    assert chief.post(path(model), {"action": "delete_selected", "_selected_action": ["x"]}).status_code in (
        200,
        302,
        403,
    )
    assert calls.everything() == before


def test_every_model_of_money_and_tips_is_there():
    from django.apps import apps

    assert {model for app in APPS for model in apps.get_app_config(app).get_models()} == set(MODELS)


def test_an_anonymous_tipper_is_not_named(rows, browser):
    for model in (Tip, WebhookDelivery):
        keys = [row["_id"] for row in collection(model).find({}, {"_id": 1})]
        from django.contrib.admin.utils import quote

        pages = [browser.get(path(model))] + [browser.get(path(model, quote(key), "change")) for key in keys]
        assert all("bob" not in page.content.decode() for page in pages)
    assert "Anonymous" in browser.get(path(Tip)).content.decode()


def test_a_row_is_found_by_its_whole_key(rows, browser):
    answer = browser.get(path(Account), {"q": "platform:commission"}).content.decode()
    assert "platform:commission" in answer
    assert f"user:{calls.BOB}" not in answer


def test_it_is_for_staff_only(rows, ana):
    stranger = Client()
    stranger.force_login(User.objects.get(username="ana"))
    assert all(stranger.get(path(model)).status_code == 302 for model in MODELS)
