"""What a button of a page is told when no door of ours has written the refusal: one sentence, for the place
where the page says what happened, and never a page within the page."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def test_what_is_not_there_is_a_sentence_and_not_a_page(client, ana):
    client.force_login(ana.user)
    answer = client.get("/devices/nobodys/remove", headers=HTMX)
    assert (answer.status_code, answer["HX-Retarget"]) == (404, "[data-told]")
    assert answer.content == b"That is not there any more. Nothing was changed."


def test_a_value_that_the_page_never_offers_is_refused_in_words(client, ana):
    client.force_login(ana.user)
    answer = client.post("/live/pause", {"minutes": "7"}, headers=HTMX)
    assert (answer.status_code, answer["HX-Reswap"]) == (400, "innerHTML")
    assert answer.content == b"minutes: must be one of 5, 15, 60, or empty."


def test_a_page_whose_token_is_out_of_date_is_told_to_reload(ana):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana.user)
    answer = strict.post("/live/pause", {"minutes": "5"}, headers=HTMX)
    assert answer.status_code == 403
    assert b"reload it" in answer.content
    assert b"<html" not in answer.content


def test_without_htmx_it_is_the_page_of_the_error(client, ana):
    client.force_login(ana.user)
    answer = client.get("/devices/nobodys/remove")
    assert (answer.status_code, "HX-Retarget" in answer) == (404, False)
    assert b"<html" in answer.content


def test_the_api_keeps_its_own_shape(client):
    answer = client.get("/api/nowhere", headers=HTMX)
    assert answer.json()["error"]["code"] == "not_found"
