"""The pages of the roof: the login, the errors, and the list of endpoints."""

import pytest
from django.test import override_settings

from config import views
from config.settings import BASE_DIR
from tests.factories import PASSWORD
from tests.pages import inline_code, unlabelled_fields

pytestmark = pytest.mark.django_db


def test_the_right_password_opens_the_page_that_was_asked_for(client, ana):
    response = client.post("/login", {"username": "ana", "password": PASSWORD, "next": "/api/docs"})
    assert (response.status_code, response["Location"]) == (302, "/api/docs")


def test_a_wrong_password_is_answered_without_saying_which_half_was_wrong(client, ana):
    said = [
        client.post("/login", {"username": name, "password": "wrong"})
        .content.decode()
        .partition("<strong>Not logged in")[2][:120]
        for name in ("ana", "nobody")
    ]
    assert said[0]
    assert said[0] == said[1]


def test_the_login_never_leads_to_another_site(client, ana):
    response = client.post(
        "/login", {"username": "ana", "password": PASSWORD, "next": "https://elsewhere.example/"}
    )
    assert response["Location"] == "/welcome"  # she has nothing yet


def test_what_was_typed_comes_back_escaped(client, db):
    shown = client.post("/login", {"username": '"><script>x</script>', "password": ""}).content.decode()
    assert "<script>x" not in shown
    assert "This field is required." in shown
    assert unlabelled_fields(shown) == set()


def test_logging_out_is_an_act_and_not_a_link(client, ana):
    client.force_login(ana.user)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout")["Location"] == "/login"
    assert client.get("/").status_code == 302


@override_settings(DEBUG=False)
def test_an_unknown_address_is_a_page_of_ours(client, ana):
    for known in (False, True):
        if known:
            client.force_login(ana.user)
        response = client.get("/nowhere")
        assert response.status_code == 404
        assert "Page not found" in response.content.decode()
        assert inline_code(response.content.decode()) == []


ALONE = ("500.html", "503.html")  # shown where anything else may have failed


@pytest.mark.parametrize("name", ALONE)
def test_the_page_of_a_failure_needs_nothing_that_may_have_failed(name):
    page = (BASE_DIR / "templates" / name).read_text()
    assert "{%" not in page
    assert "{{" not in page
    assert inline_code(page) == []


def test_the_pages_of_failures_differ_in_their_words_only():
    """They share no base, since they need nothing: what stands in both is kept alike here."""
    pages = [(BASE_DIR / "templates" / name).read_text().splitlines() for name in ALONE]
    told = {"<title>", '<p class="faint">', "<h1>", '<p class="soft">'}
    for lines in zip(*pages, strict=True):
        assert len(set(lines)) == 1 or any(lines[0].strip().startswith(start) for start in told)


def test_every_operation_of_the_schema_is_listed():
    schema = {
        "paths": {
            "/a": {"get": {"responses": {"200": {}}}, "parameters": []},
            "/b": {"post": {"responses": {}}},
        }
    }
    assert [(row["method"], row["path"]) for row in views.endpoints(schema)] == [
        ("GET", "/a"),
        ("POST", "/b"),
    ]
