"""Ana's pages of devices as she asks for them: the list, one device or the way to pair one, the whole of it
or one region, or the press of a button; and what that said."""

import json

import pytest


@pytest.fixture
def page(client, ana):
    """`page()` is her list, `page("devices")` one region of it as HTMX asks for it; `page("device", id)` is
    one of the page of a device; as text."""
    client.force_login(ana.user)

    def get(region="", device=""):
        address = f"/devices/{device or 'pair'}" if device or region in ("pairing", "hosts") else "/devices"
        headers = {"HX-Request": "true"} if region else {}
        response = client.get(address, {"region": region} if region else {}, headers=headers)
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
