"""`GET /api/admin/lovense/devices`: the devices of all performers, for staff alone, a slice at a time."""

from datetime import timedelta

import pytest

from lovense.devices import choices
from lovense.models import Device
from tests.config.test_openapi import SCHEMA, breaches, json_of
from tests.factories import NOW, token_of
from tests.ground.plans import fill, recorded, scans
from tests.lovense.devices.reports import from_host, from_page, toy

pytestmark = pytest.mark.django_db
PATH = "/api/admin/lovense/devices"
PHONE = "a" * 24


@pytest.fixture
def get(client, dina):
    def ask(user=dina, **query):
        answer = client.get(PATH, query, headers={"Authorization": f"Token {token_of(user)}"})
        described = SCHEMA["paths"][PATH]["get"]["responses"][str(answer.status_code)]
        assert breaches(json_of(described)["schema"], answer.json()) == []
        return answer

    return ask


def names(answer):
    return [each["nickname"] for each in answer.json()["devices"]]


def test_staff_sees_what_everybody_has_and_how_it_is(get, ana, carol):
    from_host(ana, PHONE, toy(battery="88%", version="234"), now=NOW)
    from_page(carol, toy(name="nora", status=0), now=NOW)
    assert get().json() == {
        "devices": [
            {
                "performerId": ana.pk,
                "nickname": "Lush",
                "toyType": "lush",
                "status": "connected",
                "reason": "",
                "battery": 88,
                "firmware": "234",
                "enabled": True,
                "isReportedByApp": True,
                "functions": [{"name": "Vibrate", "source": "table"}],
                "lastSeenAt": "2026-01-03T04:15:00.000Z",
            },
            {
                "performerId": carol.pk,
                "nickname": "Nora",
                "toyType": "nora",
                "status": "disconnected",
                "reason": "reported",
                "battery": None,
                "firmware": "",
                "enabled": True,
                "isReportedByApp": False,
                "functions": [
                    {"name": "Vibrate", "source": "table"},
                    {"name": "Rotate", "source": "table"},
                ],
                "lastSeenAt": "2026-01-03T04:15:00.000Z",
            },
        ],
        "next": None,
    }


def test_what_is_a_performers_own_is_in_no_answer(get, ana):
    from_host(ana, PHONE, toy("canary-toy"), now=NOW)
    assert "canary" not in get().content.decode()
    assert PHONE not in get().content.decode()


def test_it_is_filtered_by_performer_and_status(get, ana, carol):
    from_host(ana, PHONE, toy("a"), toy("b", name="nora", status=0), now=NOW)
    from_host(carol, PHONE, toy("a", name="max"), now=NOW)
    assert names(get(performerId=ana.pk)) == ["Lush", "Nora"]
    assert names(get(status="connected")) == ["Lush", "Max"]
    assert names(get(performerId=ana.pk, status="disconnected")) == ["Nora"]


def test_slices_follow_each_other_and_end(get, ana, carol):
    from_host(ana, PHONE, *[toy(str(n), name=f"toy {n}") for n in range(3)], now=NOW)
    from_host(carol, PHONE, *[toy(str(n), name=f"toy {n}") for n in range(2)], now=NOW)
    found, cursor = [], ""
    while cursor is not None:
        answer = get(limit=2, **({"cursor": cursor} if cursor else {}))
        found.append(names(answer))
        cursor = answer.json()["next"]
    assert found == [["Toy 0", "Toy 1"], ["Toy 2", "Toy 0"], ["Toy 1"]]


def test_what_she_removed_is_not_there(get, ana):
    from_host(ana, PHONE, toy(), now=NOW)
    choices.remove(performer_id=ana.pk, device_id=f"{ana.pk}.toy-1", by="ana", now=NOW)
    assert names(get()) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"performerId": "x"}, "performerId"),
        ({"status": "dancing"}, "status"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"cursor": "nowhere"}, "cursor"),
        ({"cursor": "x" * 161}, "cursor"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_its_field(get, query, field):
    answer = get(**query)
    assert answer.status_code == 400
    assert field in str(answer.json()["error"]["details"])


def test_it_is_for_staff(get, ana, client):
    assert get(user=ana.user).status_code == 403
    assert client.get(PATH).status_code == 401


def test_a_slice_reads_an_index_and_as_many_rows_as_it_shows(get, ana):
    def stranger(n):
        return {
            "_id": f"x.{n}",
            "performer_id": f"{n:024x}",
            "nickname_key": "lush",
            "status": "connected",
            "last_seen_at": NOW + timedelta(seconds=n),
        }

    fill(Device, stranger)
    from_host(ana, PHONE, *[toy(str(n)) for n in range(3)], now=NOW)
    with recorded() as plans:
        assert len(names(get(performerId=ana.pk, limit=2))) == 2
    mine = [plan for plan in plans if plan.collection == "devices"]
    assert scans(mine) == []
    assert max(plan.examined for plan in mine) <= 4
