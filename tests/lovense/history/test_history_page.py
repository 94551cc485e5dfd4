"""The page of her history: hers alone, by day, each question in the address, and a bad one beside its
field."""

import re

import pytest

from ground.mongodb.collections import collection
from lovense.models import Activation, Owed
from tests.chain import Chain
from tests.factories import NOW, fund
from tests.ground.plans import recorded, scans
from tests.lovense.history.rows import add, fill, row
from tests.pages import inline_code, unlabelled_fields

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_the_fixed_time(monkeypatch):
    monkeypatch.setattr("ground.clock.now", lambda: NOW)


@pytest.fixture
def page(client, ana):
    """`page(name="bob")` is her history as the address asks for it, as text."""
    client.force_login(ana.user)

    def get(**query):
        response = client.get("/history", query)
        assert response.status_code == 200
        return re.sub(r"[ \n]+", " ", response.content.decode())

    return get


def runs(text):
    """The keys of the rows, in their order."""
    return re.findall(r'<a href="/history/([^"/]+)">', text)


# --- whose it is -------------------------------------------------------------------------------------------


def test_an_anonymous_visitor_is_sent_to_the_login(client):
    assert client.get("/history")["Location"] == "/login?next=/history"


def test_a_stranger_sees_nothing_of_hers(client, ana, carol):
    fill(ana, 3)
    client.force_login(carol.user)
    assert runs(client.get("/history").content.decode()) == []


def test_nobody_changes_anything_here(client, ana):
    client.force_login(ana.user)
    assert client.post("/history").status_code == 405


def test_nothing_of_it_is_inline_and_every_field_has_its_name(page, ana):
    fill(ana, 3)
    assert inline_code(page()) == []
    assert unlabelled_fields(page()) == set()


def test_nobody_keeps_it(client, ana):
    client.force_login(ana.user)
    assert client.get("/history")["Cache-Control"] == "private, no-store"


# --- what it shows -----------------------------------------------------------------------------------------


def test_what_happened_stands_by_day_with_who_how_much_and_what_it_became(page, ana, bob):
    chain = Chain(ana)
    chain.publish_menu()
    chain.hold()
    fund(bob, 1000)
    tip_id = chain.played(bob, 100)
    text = page()
    assert runs(text) == [f"{tip_id}.all"]
    assert "Today" in text
    assert "bob\u2069 · 100\u00a0tokens" in text
    assert "“Fireworks” played for 10 s." in text
    assert "04:15</time>" in text


def test_days_are_those_of_her_zone(page, ana, settings):
    settings.TIME_ZONE = "America/New_York"
    add(ana, 1, at=NOW.replace(hour=4, minute=30))  # 23:30 of the day before, there
    add(ana, 2, at=NOW.replace(hour=5, minute=30))  # 00:30
    text = page(to="2026-01-02")
    assert runs(text) == [f"{1:024x}.all"]
    assert "Today" in text  # it is 23:15 there now
    assert runs(page(**{"from": "2026-01-03"})) == [f"{2:024x}.all"]


def test_without_any_it_says_so_and_where_to_go(page):
    assert "Nothing has happened yet" in page()


def test_where_nothing_is_like_that_it_leads_to_all(page, ana):
    fill(ana, 2)
    text = page(name="nobody")
    assert "Nothing of yours is like that" in text
    assert 'href="/history"' in text


def test_a_row_that_owes_says_how_much(page, ana):
    key = add(ana, 1, delivered_seconds=3.2)
    collection(Owed).insert_one({"_id": key, "performer_id": ana.pk, "state": "open", "owed": 68})
    assert "6.8\u00a0s owed" in page()


def test_a_name_is_text_and_one_of_nothing_is_someone(page, ana):
    add(ana, 1, tipper_name="<img src=x>")
    add(ana, 2, tipper_name="")
    text = page()
    assert "&lt;img src=x&gt;" in text
    assert "Someone · 100" in text


def test_chips_and_pager_keep_what_is_asked(page, ana):
    fill(ana, 60)
    text = page(name="bob", at_least="50")
    assert 'href="?outcome=played&amp;at_least=50&amp;name=bob"' in text
    older = re.search(r'href="(\?[^"]*after=[^"]*)"', text)[1]
    assert older == f"?at_least=50&amp;name=bob&amp;after={24:024x}.all"
    assert len(runs(page(name="bob", at_least="50", after=f"{49:024x}.all"))) == 10


def test_a_search_that_gave_up_says_so_and_offers_to_go_on(page, ana, monkeypatch):
    monkeypatch.setattr("lovense.history.browsing.READ_AT_MOST", 5)
    fill(ana, 20)
    text = page(name="zed")
    assert "were looked through" in text
    assert f'href="?name=zed&amp;after={4:024x}.all"' in text
    assert "Nothing of yours is like that" not in text


# --- what it is asked badly --------------------------------------------------------------------------------

BAD = [
    ("from", "2026-02-31", "must be a day"),
    ("from", "0001-01-01", "must be from 2000-01-01"),
    ("to", "9999-12-31", "must be from 2000-01-01"),
    ("at_least", "-1", "must be a whole number"),
    ("at_least", "9" * 400, "must be a whole number"),
    ("at_least", "٣", "must be a whole number"),
    ("name", "x" * 10_000, "must be at most 64"),
    ("outcome", "lost", "must be one of"),
    ("item", "i" * 300, "must be at most 64"),
]


@pytest.mark.parametrize(("field", "said", "rule"), BAD)
def test_a_bad_value_stands_beside_its_field_and_the_rest_is_applied(page, ana, field, said, rule):
    fill(ana, 2)
    mine = add(ana, 9, tipper_name="kim", amount=7)
    more = {"at_least": "8"} if field == "name" else {"name": "kim"}
    text = page(**{field: said}, **more)
    assert rule in text.lower()
    assert runs(text) == ([f"{n:024x}.all" for n in range(2)] if field == "name" else [mine])


def test_from_after_to_is_said_at_to(page, ana):
    fill(ana, 2)
    text = page(**{"from": "2026-01-03", "to": "2026-01-02"})
    assert "Must not be before" in text
    assert len(runs(text)) == 2


@pytest.mark.parametrize("place", ["x" * 9000, "\x00", "507f1f77bcf86cd799439011.all", "$where"])
def test_a_place_that_is_none_is_the_beginning(page, ana, place):
    fill(ana, 2)
    assert len(runs(page(after=place))) == 2


# --- what it costs -----------------------------------------------------------------------------------------


def asked(client, **query):
    with recorded() as plans:
        assert client.get("/history", query).status_code == 200
    assert scans(plans) == []
    return [(plan.command, plan.collection) for plan in plans]


@pytest.mark.parametrize("query", [{}, {"name": "bob"}, {"outcome": "owed"}, {"from": "2020-01-01"}])
def test_it_sends_as_many_commands_with_many_rows_as_with_a_slice_and_each_has_its_index(client, ana, query):
    client.force_login(ana.user)
    fill(ana, 60, delivered_seconds=4.0)
    owed = {"performer_id": ana.pk, "state": "open", "owed": 60}
    collection(Owed).insert_many([{"_id": f"{n:024x}.all", **owed} for n in range(3000)])
    few = asked(client, **query)
    rows = [row(n, ana.pk, delivered_seconds=4.0) for n in range(60, 3000)]
    collection(Activation).insert_many(rows)
    assert asked(client, **query) == few
    assert len(few) <= 9


def test_a_slice_reads_as_many_keys_as_it_shows(client, ana):
    client.force_login(ana.user)
    fill(ana, 1500)
    with recorded(run=True) as plans:
        client.get("/history", {"after": f"{700:024x}.all"})
    [read] = [plan for plan in plans if "activation_history" in plan.indexes]
    assert read.examined <= 28
