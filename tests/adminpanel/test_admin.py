"""Django's admin of money and tips: everything is shown to those who may look, and nobody can change any of
it."""

import re
from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.authtoken.models import Token, TokenProxy

from adminpanel.admin.readonly import AdminsOnly
from adminpanel.staff import enrol
from ground.journal import journal
from ground.journal.models import JournalEntry, JournalRefusal, JournalState
from ground.mongodb.collections import collection
from ground.people import Role
from ledger.books import posting
from ledger.books.memory import Books
from ledger.models import Account, Posting
from tests.factories import NOW
from tests.ground.plans import recorded, scans
from tests.tips import calls
from tips.intake import payloads
from tips.models import ArchivedQueueRequest, ArchivedTipActivated, QueueRequest, Tip, TipActivated
from tips.settlement import rounds

pytestmark = pytest.mark.django_db

APPS = ("audit", "inbox", "journal", "ledger", "tips", "lovense", "adminpanel")
ELSEWHERE = ("User", "Group", "TokenProxy")
MODELS = sorted(
    (model for model in admin.site._registry if model.__name__ not in ELSEWHERE),
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

    return quote(str(model.objects.first().pk))


# Each of these walks over all models on one set of rows: a set a model would take most of the time.
def test_every_row_is_shown_and_no_form_is_offered(rows, browser, request):
    is_admin = request.node.callspec.params["browser"] is Role.ADMIN
    for model in MODELS:
        answer = browser.get(path(model))
        assert answer.status_code == (403 if model in BOOKS and not is_admin else 200), model
        if answer.status_code == 200 and model.objects.exists():
            answer = browser.get(path(model, quoted(model), "change"))
            assert answer.status_code == 200, model
            assert 'name="_save"' not in answer.content.decode(), model


def test_nothing_is_added_changed_or_deleted_even_by_an_admin(rows):
    before = calls.everything()
    chief = Client()
    chief.force_login(enrol(username="eve", role=Role.ADMIN, password="").user)
    delete = {"action": "delete_selected", "_selected_action": ["x"]}
    for model in MODELS:
        ways = [path(model, "add")] + (
            [path(model, quoted(model), way) for way in ("change", "delete")]
            if model.objects.exists()
            else []
        )
        for way in ways:
            assert chief.post(way, {"balance": 10**9, "total": 1, "post": "yes"}).status_code == 403, way
        assert chief.post(path(model), delete).status_code in (200, 302, 403), model
        chief.cookies.pop("messages", None)  # what nobody reads grows, and is packed again and again
    assert calls.everything() == before


def test_every_model_of_ours_is_there():
    from django.apps import apps

    assert {model for app in APPS for model in apps.get_app_config(app).get_models()} == set(MODELS)


ALL = sorted(admin.site._registry, key=lambda model: model.__name__)
BOOKS = tuple(model for model in ALL if isinstance(admin.site._registry[model], AdminsOnly))
NAMES = ("bob", calls.BOB)


def all_pages(model):
    """Its list, and the page of every row."""
    from django.contrib.admin.utils import quote

    keys = [row["_id"] for row in collection(model).find({}, {"_id": 1})]
    return [path(model)] + [path(model, quote(str(key)), "change") for key in keys]


@pytest.fixture
def everything_is_there(rows):
    """What one anonymous tip leaves behind, wherever its rows lie by now."""
    calls.settle(NOW)
    for model, archived in ((QueueRequest, ArchivedQueueRequest), (TipActivated, ArchivedTipActivated)):
        row = collection(model).find_one({})
        assert calls.BOB in str(row)
        collection(archived).insert_one(row | {"segment": "s/1"})


def test_an_anonymous_tipper_is_named_nowhere_but_in_the_books_of_the_admin(
    everything_is_there, browser, request
):
    is_admin = request.node.callspec.params["browser"] is Role.ADMIN
    for model in ALL:
        if model in BOOKS and is_admin:
            continue  # the money's own books
        for page in all_pages(model):
            answer = browser.get(page)
            assert answer.status_code in ((403,) if model in BOOKS else (200, 302, 403)), page
            text = re.sub(r'value="\w{64}"', "", answer.content.decode())  # a token of any letters
            assert not [name for name in NAMES if name in text], page
    assert "Anonymous" in browser.get(path(Tip)).content.decode()


@pytest.mark.parametrize(
    "filters",
    [
        {"tipper_username": "bob"},
        {"tipper_username__startswith": "b"},
        {"tipper_id": calls.BOB},
        {"source_ref__regex": "\x00"},
    ],
)
def test_what_is_not_shown_is_not_found_by_either(rows, browser, filters):
    everybody = browser.get(path(Tip)).content.decode()
    assert calls.tip_id(1) in everybody
    answer = browser.get(path(Tip), filters)
    assert (answer.status_code, calls.tip_id(1) in answer.content.decode()) in ((400, False), (302, False))


def test_a_row_is_found_by_its_whole_key(rows):
    browser = Client()
    browser.force_login(enrol(username="eve", role=Role.ADMIN, password="").user)
    answer = browser.get(path(Account), {"q": "platform:commission"}).content.decode()
    assert "platform:commission" in answer
    assert f"user:{calls.BOB}" not in answer


def test_it_is_for_staff_only(rows, ana):
    stranger = Client()
    stranger.force_login(User.objects.get(username="ana"))
    assert all(stranger.get(path(model)).status_code == 302 for model in MODELS)


HOSTILE = [
    "source_ref__regex=%00",
    "source_ref__regex=%5B",
    "source_ref__iregex=(a%2B)%2B$",
    "tip_id__in=%00",
    "total__range=1",
    "created_at__gte=yesterday",
    "tipper_username__startswith=b",
    "tipper_id=507f191e810c19729de860ea",
    "pk__regex=%00",
    "settlement_status__exact=%00",
    "settlement_status__regex=%5B",
    "q=%00",
    "q=$where",
    "o=99.-98",
    "o=%00",
    "p=-1",
    "p=99999999999999999999",
    "_to_field=%00",
    "all=%00",
    "e=%00",
]


@pytest.mark.parametrize(
    "model", [Tip, QueueRequest, Account, JournalEntry], ids=lambda model: model.__name__
)
def test_no_address_of_a_list_is_a_failure_of_ours_or_a_search_by_hand(rows, model):
    client = Client(raise_request_exception=False)
    client.force_login(enrol(username="eve", role=Role.ADMIN, password="").user)
    for query in HOSTILE:
        answer = client.get(f"{path(model)}?{query}")
        assert answer.status_code in (200, 302, 400), query
        name = query.partition("=")[0]
        if "__" in name and not name.startswith("settlement_status__exact"):
            assert answer.status_code == 400, query


KEYS = ["%00", "$", "a" * 3000, "..%2f", "%F0%9F%92%A9", "[", "_00", "9" * 19, "9" * 30, "9" * 5000, "-1"]


def test_no_key_of_a_row_is_a_failure_of_ours(rows):
    client = Client(raise_request_exception=False)
    client.force_login(enrol(username="eve", role=Role.ADMIN, password="").user)
    for model in MODELS:
        for key in KEYS:
            assert client.get(path(model, key, "change")).status_code in (302, 404), (model, key[:40])
            client.cookies.pop("messages", None)


@pytest.mark.parametrize("query", ["settlement_status__exact=settled", "needs_reconciliation__isempty=1"])
def test_a_list_of_records_takes_no_filter(rows, browser, query):
    assert browser.get(f"{path(Tip)}?{query}").status_code == 400


# --- the journal -------------------------------------------------------------------------------------------


@pytest.fixture
def entry(db):
    """An entry as the pen writes it, of an anonymous tip: its number."""
    body = calls.body("tip.succeeded", calls.tip(1, isAnonymous=True))
    said = payloads.parse(body)
    call = payloads.as_call(payloads.PAYMENTS, "msg_a", body, said, position=1, received_at=NOW)
    books, order = Books(), said.order
    books.learn(dict.fromkeys(rounds.accounts(order), (1000, 3)))

    def move(group, now):
        row = books.move(group, now=now)
        return row, posting.entries(row)

    tip = rounds.settle(call, order, move, rounds.Head(0, ""), now=NOW)
    number = journal.last() + 1
    journal.append({"_id": number, "by": "web-0/a", "at": NOW, **rounds.written([tip])})
    return number


@pytest.fixture
def chief():
    made = Client()
    made.force_login(enrol(username="root", role=Role.ADMIN, password="").user)
    return made


def test_an_entry_shows_its_money_and_names_no_anonymous_viewer(entry, chief):
    text = chief.get(path(JournalEntry, str(entry), "change")).content.decode()
    assert f"TIP_{calls.tip_id(1)}" in text
    assert f"user:{calls.BOB}" in text, "the money's own books"
    assert "bob" not in text
    masked = text.replace(f"user:{calls.BOB}", "")
    assert calls.BOB not in masked


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
def test_entries_are_for_admins_alone_and_what_was_refused_for_whoever_may_look(entry, role):
    looks = Client()
    looks.force_login(enrol(username="looks", role=role, password="").user)
    assert looks.get(path(JournalEntry)).status_code == 403
    assert looks.get(path(JournalEntry, str(entry), "change")).status_code == 403
    journal.refuse(Posting, {"_id": "TIP_1"})
    assert "ledger_postings/TIP_1" in looks.get(path(JournalRefusal)).content.decode()
    assert "unfolded" in looks.get(path(JournalState)).content.decode()


def test_an_entry_is_found_by_its_number_and_by_its_keys_and_keys_of_the_inbox_are_none(entry, chief):
    journal.append({"_id": entry + 1, "by": "web-0/other", "at": NOW})
    journal.take_keys([["a-key-of-the-inbox"]])

    def found(query):
        text = chief.get(path(JournalEntry), {"q": query}).content.decode()
        return [number for number in (entry, entry + 1) if f"/{number}/change/" in text]

    assert found("") == [entry, entry + 1]
    assert "inbox_2F" not in chief.get(path(JournalEntry)).content.decode(), "no link to a row that is none"
    assert found(str(entry)) == found(calls.tip_id(1)) == [entry]
    unknown = ("a-key-of-the-inbox", "nobody", "9" * 30, "$where")
    assert [found(query) for query in unknown] == [[]] * len(unknown)


def test_a_trimmed_entry_is_shown_as_what_is_left(entry, chief):
    kept = [{"$project": {name: 1 for name in journal.KEPT if name != "_id"}}]
    collection(JournalEntry).update_one({"_id": entry}, kept)
    text = chief.get(path(JournalEntry, str(entry), "change")).content.decode()
    assert calls.tip_id(1) in text
    assert "postings" not in text


# --- what logs in, and where things are -------------------------------------------------------------------

NEVER = {
    "User": {"password"},
    "TokenProxy": {"key"},
    "SecondFactor": {"salt", "recovery"},
    "OneTimeLink": {"key"},
    "Host": {"uid", "utoken_hash", "domain", "ports", "content"},
    "Pairing": {"uid", "utoken_hash", "code", "image"},
    "Device": {"toy_id"},
    "MenuSeal": {"secret"},
    "LoggedIn": {"session_key"},
    "WebhookDelivery": {"body"},
}


def test_what_logs_in_or_says_where_a_device_is_is_no_field_of_a_record():
    chief = SimpleNamespace(user=User(username="eve", is_staff=True, is_superuser=True))
    records = {model.__name__: record for model, record in admin.site._registry.items()}
    for name, hidden in NEVER.items():
        record = records[name]
        assert not hidden & {*record.list_display}, name
        assert name == "TokenProxy" or not hidden & {*record.get_fields(chief)}, name


def test_a_token_has_no_page_and_its_list_does_not_show_it(rows, browser):
    kept = Token.objects.get(user__username="eve")
    with recorded() as plans:
        browser.get(path(TokenProxy))
    assert scans([plan for plan in plans if plan.collection == "authtoken_token"]) == []
    shown = browser.get(path(TokenProxy))
    assert shown.status_code in (200, 403)
    assert kept.key not in shown.content.decode()
    assert browser.get(path(TokenProxy, kept.key, "change")).status_code == 403


def test_accounts_are_changed_by_no_form(browser):
    eve = User.objects.get(username="eve")
    for way in (path(User, "add"), path(User, str(eve.pk), "change"), path(User, str(eve.pk), "delete")):
        assert browser.post(way, {"username": "eva", "is_superuser": "on"}).status_code in (403, 404), way
    assert browser.get("/admin/password_change/").status_code == 404
    eve.refresh_from_db()
    assert eve.username == "eve"


def test_a_row_leads_to_the_rows_that_it_names(rows, browser):
    request = QueueRequest.objects.first()
    shown = browser.get(path(QueueRequest, quoted(QueueRequest), "change")).content.decode()
    assert f'href="/admin/lovense/performer/{request.lane}/change/"' in shown


def test_a_list_is_read_by_an_index_and_never_sorted(rows):
    chief = Client()
    chief.force_login(enrol(username="eve", role=Role.ADMIN, password="").user)
    for model in MODELS:
        with recorded() as plans:
            assert chief.get(path(model)).status_code == 200
        lists = [plan for plan in plans if plan.collection == model._meta.db_table]
        assert not [
            plan for plan in lists if {"SORT", "COLLSCAN"} & {*plan.stages} and "LIMIT" not in plan.stages
        ]
