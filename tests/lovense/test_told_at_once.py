"""What she has done on one page, or by the API, her other pages are told before the answer has left."""

import msgpack
import pytest
from django.conf import settings

from tests.lovense.conftest import Wire

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def told(ana):
    """The topics that her pages have heard until now."""
    wire = Wire(f"{settings.CHANNEL_LAYER_PREFIX}__group__performer.{ana.pk}")
    yield lambda: {msgpack.unpackb(data).get("topic") for _, data in wire.raw()}
    wire.close()


@pytest.fixture
def press(client, ana):
    client.force_login(ana.user)
    return lambda path, **values: client.post(path, values, headers=HTMX)


def test_a_pause(press, told):
    press("/live/pause", minutes="5")
    assert "queue" in told()


def test_a_stop_and_its_resume(press, told):
    press("/live/stop")
    assert {"queue", "devices"} <= told()
    press("/live/resume-all")
    assert {"queue", "devices"} <= told()


def test_a_change_of_the_menu_and_its_publication(press, told):
    press("/menu/fill", revision="0")
    assert "menu" in told()
    press("/menu/publish", revision="1")
    assert "menu" in told()


def test_a_pattern(press, told):
    press("/patterns/add", name="Mine", text="10 1s")
    assert "patterns" in told()


def test_what_is_only_looked_at_is_no_news(client, ana, told):
    client.force_login(ana.user)
    client.get("/menu/add", headers=HTMX)
    client.get("/api/lovense/tip-menu")
    assert not told() & {"menu", "patterns", "preferences"}


def test_what_is_refused_is_no_news(press, told):
    press("/menu/publish", revision="7")
    assert "menu" not in told()


def test_a_preference_by_the_api(client, ana, told):
    client.force_login(ana.user)
    put = {"maximumIntensity": 12}
    answer = client.put("/api/lovense/preferences", put, content_type="application/json")
    assert answer.status_code == 200
    assert "preferences" in told()


def test_a_pattern_by_the_api(client, ana, told):
    client.force_login(ana.user)
    body = {"name": "Mine", "text": "10 1s"}
    assert client.post("/api/lovense/patterns", body, content_type="application/json").status_code == 201
    assert "patterns" in told()
