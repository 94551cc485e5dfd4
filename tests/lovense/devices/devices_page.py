"""Ana's page of devices as she asks for it: the whole of it, one region, or the press of a button; and what
that said."""

import json

import pytest


@pytest.fixture
def page(client, ana):
    """`page()` is her page, `page("devices")` one region of it as HTMX asks for it; as text."""
    client.force_login(ana.user)

    def get(region=""):
        headers = {"HX-Request": "true"} if region else {}
        response = client.get("/devices", {"region": region} if region else {}, headers=headers)
        assert response.status_code == 200
        return " ".join(response.content.decode().split())

    return get


@pytest.fixture
def press(client, ana):
    """Presses a button as the page does; the answer."""
    client.force_login(ana.user)
    return lambda path, **values: client.post(f"/devices/{path}", values, headers={"HX-Request": "true"})


def said(answer):
    """What a button's answer says; the regions are fetched again."""
    assert answer.status_code == 204
    events = json.loads(answer["HX-Trigger"])
    assert "news-devices" in events
    return events["said"]["text"]
