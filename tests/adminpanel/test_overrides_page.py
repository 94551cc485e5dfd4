"""An override is set on a performer's page: by an admin, seen before it is saved, with a reason, once, by who
has seen what is in force, and never looser; and it is ended by hand."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from adminpanel.handling import performers as handling
from adminpanel.people.deeds import Deed
from adminpanel.staff import enrol
from ground import clock
from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from ground.people import Role
from lovense.deciding import platform
from lovense.menus import publishing
from lovense.models import Performer
from lovense.performers import overrides, preferences
from lovense.performers.overrides import OverridesChanged, OverrideWish
from tests.adminpanel.people.at_once import together
from tests.adminpanel.people.conftest import ada, sam
from tests.adminpanel.test_performer_page import ITEM
from tests.ground.plans import recorded
from tests.pages import inline_code, unlabelled_fields

__all__ = ["ada", "sam"]
pytestmark = pytest.mark.django_db
WHY = "agreed with her"
DAY = timedelta(days=1)


@pytest.fixture
def admin(ada):
    made = Client()
    made.force_login(ada)
    return made


def typed(until=None, **limits):
    """As the form sends it: all of its fields."""
    until = f"{clock.now() + DAY:%Y-%m-%dT%H:%M}" if until is None else until
    return dict.fromkeys(overrides.NAMES, "") | limits | {"until": until}


def look(client, ana, **limits):
    return client.get(f"/staff/performers/{ana.pk}/override", typed(**limits))


def words(answer):
    return " ".join(answer.content.decode().split())


def save(client, ana, *, seen=0, reason=WHY, **limits):
    address = f"/staff/performers/{ana.pk}/override/set"
    asked = typed(**limits)
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return client.post(f"{address}?{query}", {"seen": seen, "reason": reason})


def end(client, ana, *, seen=1, reason=WHY):
    return client.post(f"/staff/performers/{ana.pk}/override/end", {"seen": seen, "reason": reason})


def kept(ana):
    return overrides.told(preferences.of(ana.pk))


def entries(ana):
    found = audit_log.of(ana.pk, limit=9)
    return [(row["action"], row["success"]) for row in found if row["action"] != "look"]


def test_what_it_does_is_said_before_it_is_saved_and_then_it_binds(admin, ana, chain):
    publishing.publish(
        ana.pk,
        [ITEM, {**ITEM, "title": "Short", "minimum": 100, "maximum": 199, "durationSec": 5}],
        clock.now(),
    )
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"maximum_intensity": 6}})
    shown = words(look(admin, ana, maximumSeconds="10", maximumIntensity="8", minimumTip="100"))
    for said in (
        "Longest run: 10 s, now 30 s.",
        "1 of 2 items of her menu is longer: cut to it.",
        "Strength at most: stays 6, which is hers.",
        "1 of 2 items of her menu is below it: nothing answers there any more.",
        "It ends by itself on",
    ):
        assert said in shown, said
    assert kept(ana) is None
    answer = save(admin, ana, maximumSeconds="10", maximumIntensity="8", minimumTip="100")
    assert answer.status_code == 302
    assert kept(ana)["limits"] == {"maximumSeconds": 10, "maximumIntensity": 8, "minimumTip": 100}
    assert (kept(ana)["by"], kept(ana)["why"]) == ("ada", WHY)
    assert entries(ana) == [("set_overrides", True)]
    hers = words(admin.get(f"/staff/performers/{ana.pk}"))
    assert "Override by <bdi>ada</bdi> until" in hers
    assert "the override" in hers


def test_what_is_so_already_is_not_offered_to_be_saved_and_a_repeat_changes_nothing(admin, ana):
    asked = typed(maximumSeconds="10")
    save(admin, ana, **asked)
    shown = words(look(admin, ana, **asked))
    assert "It is so already: nothing changes." in shown
    assert ">Save<" not in shown
    assert save(admin, ana, seen=1, **asked).status_code == 302
    assert overrides.version_of(preferences.of(ana.pk)) == 1
    assert entries(ana) == [("set_overrides", True)]


@pytest.mark.parametrize(
    ("limits", "field", "rule"),
    [
        ({"maximumSeconds": "31"}, "maximumSeconds", "from 2 to 30"),
        ({"maximumSeconds": "0"}, "maximumSeconds", "from 2 to 30"),
        ({"maximumSeconds": "-1"}, "maximumSeconds", "from 2 to 30"),
        ({"maximumSeconds": "1e3"}, "maximumSeconds", "from 2 to 30"),
        ({"maximumSeconds": "9.5"}, "maximumSeconds", "from 2 to 30"),
        ({"maximumSeconds": "true"}, "maximumSeconds", "from 2 to 30"),
        ({"maximumSeconds": "٣"}, "maximumSeconds", "from 2 to 30"),
        ({"maximumSeconds": "9" * 40}, "maximumSeconds", "from 2 to 30"),
        ({"maximumIntensity": "21"}, "maximumIntensity", "from 1 to 20"),
        ({"minimumTip": "0"}, "minimumTip", "must be a whole number from"),
        ({"rateLimitPerMinute": "31"}, "rateLimitPerMinute", "from 1 to 30"),
        ({"queueMode": "batch"}, "queueMode", "must be fifo"),
        ({"queueMode": "$ne"}, "queueMode", "must be fifo"),
        ({"maximumSeconds": "9", "until": "2020-01-01T00:00"}, "until", "must be in the future"),
        ({"maximumSeconds": "9", "until": "2990-01-01T00:00"}, "until", "at most 366 days"),
        ({"maximumSeconds": "9", "until": "tomorrow"}, "until", "must be a moment"),
        ({"maximumSeconds": "9", "until": "2026-02-31T00:00"}, "until", "must be a moment"),
        ({"maximumSeconds": "9", "until": ""}, "until", "must be a moment"),
        ({}, "limits", "one of them must be set"),
    ],
)
def test_what_is_looser_past_or_no_value_is_refused_with_its_field_and_rule(admin, ana, limits, field, rule):
    seen = look(admin, ana, **limits)
    assert seen.status_code == 422
    assert f"{field}: " in words(seen)
    assert rule in words(seen)
    assert "What it does" not in words(seen)
    answer = save(admin, ana, **limits)
    assert (answer.status_code, kept(ana)) == (422, None)
    assert rule in words(answer)
    assert entries(ana) == [("set_overrides", False)]


def test_what_was_set_to_the_second_stays_so_in_the_form(admin, ana):
    until = (clock.now() + DAY).replace(second=37, microsecond=250_000)
    wish, deed = OverrideWish({"maximumSeconds": 9}, until), Deed("", "dina", WHY, clock.now())
    handling.override(ana.pk, wish, seen=0, deed=deed)
    shown = admin.get(f"/staff/performers/{ana.pk}/override")
    said = re.search(r'name="until"[^>]*value="([^"]+)"', words(shown))[1]
    assert said == f"{until:%Y-%m-%dT%H:%M}:37.250"
    assert save(admin, ana, seen=1, maximumSeconds=8, until=said).status_code == 302
    assert overrides.in_force(collection(Performer).find_one({"_id": ana.pk}), clock.now())["until"] == until


def test_where_the_platform_got_stricter_what_is_in_force_is_shown_and_said(admin, ana):
    save(admin, ana, maximumSeconds=9)
    platform.change(key="maximum_seconds", value="5", by="dina", now=clock.now())
    shown = admin.get(f"/staff/performers/{ana.pk}/override")
    assert shown.status_code == 200
    assert "Stricter by now" in words(shown)
    assert "9 s" in words(shown)
    assert look(admin, ana, maximumSeconds=9).status_code == 422


@pytest.mark.parametrize("reason", ["", "no", " x ", "y" * 201])
def test_without_a_reason_nothing_is_saved_or_ended(admin, ana, reason):
    assert save(admin, ana, maximumSeconds="9", reason=reason).status_code == 422
    assert kept(ana) is None
    save(admin, ana, maximumSeconds="9")
    answer = end(admin, ana, reason=reason)
    assert answer.status_code == 422
    assert "Say why, in 3 to 200 characters." in words(answer)
    assert kept(ana) is not None


def test_who_has_seen_an_older_version_is_shown_what_is_in_force(admin, ana):
    save(admin, ana, maximumSeconds="9")
    answer = save(admin, ana, seen=0, maximumSeconds="8")
    assert answer.status_code == 409
    assert "Now in force: <strong><bdi>Longest run 9 s</bdi></strong>" in words(answer)
    assert 'value="8"' in words(answer)
    assert '<input type="hidden" name="seen" value="1">' in words(answer)
    assert end(admin, ana, seen=0).status_code == 409
    assert kept(ana)["limits"] == {"maximumSeconds": 9}


def test_it_is_ended_by_hand_once_and_by_time_without_anybody(admin, ana):
    save(admin, ana, maximumSeconds="9")
    assert "End now" in words(admin.get(f"/staff/performers/{ana.pk}"))
    assert end(admin, ana).status_code == 302
    assert kept(ana) is None
    assert end(admin, ana, seen=1).status_code == 409
    save(admin, ana, seen=2, maximumSeconds="9")
    collection(Performer).update_one({"_id": ana.pk}, {"$set": {"overrides.until": clock.now() - DAY}})
    shown = words(admin.get(f"/staff/performers/{ana.pk}"))
    assert ("End now" in shown, "Override by" in shown) == (False, False)


def test_of_several_at_once_one_wins_and_the_others_are_told(ana, db):
    until = clock.now() + DAY

    def write(place):
        deed = Deed("1", f"admin {place}", WHY, clock.now())
        return handling.override(
            ana.pk, OverrideWish({"maximumSeconds": 5 + place}, until), seen=0, deed=deed
        )

    said = together(4, write)
    assert sum(isinstance(each, OverridesChanged) for each in said) == 3
    assert entries(ana) == [("set_overrides", True)]


def test_where_the_entry_cannot_be_written_nothing_is_set(ana, monkeypatch):
    def died(**_):
        raise SystemExit

    wish = OverrideWish({"maximumSeconds": 9}, clock.now() + DAY)
    with monkeypatch.context() as patched:
        patched.setattr(audit_log, "record", died)
        with pytest.raises(SystemExit):
            handling.override(ana.pk, wish, seen=0, deed=Deed("1", "ada", WHY, clock.now()))
    assert kept(ana) is None


def test_only_an_admin_sees_the_form_and_uses_it(ana, sam, client):
    for user in (sam, enrol(username="ines", role=Role.AUDITOR, password="").user):
        client.force_login(user)
        assert "See what it does" not in words(client.get(f"/staff/performers/{ana.pk}"))
        assert look(client, ana, maximumSeconds="9").status_code == 403
        assert save(client, ana, maximumSeconds="9").status_code == 403
        assert end(client, ana).status_code == 403
    assert kept(ana) is None


def test_nobodys_override_is_not_found(admin, ana):
    for key in ("f" * 24, "$where", "x"):
        assert admin.get(f"/staff/performers/{key}/override").status_code == 404
        answer = admin.post(f"/staff/performers/{key}/override/end", {"seen": 0, "reason": WHY})
        assert answer.status_code == 404


def test_its_page_reads_little_by_indexes_and_has_no_inline_code(admin, ana, chain):
    look(admin, ana, maximumSeconds="9")
    with recorded() as plans:
        shown = look(admin, ana, maximumSeconds="9").content.decode()
    assert len(plans) <= 10
    assert [each for each in plans if not each.is_indexed and "platform" not in each.collection] == []
    assert (inline_code(shown), unlabelled_fields(shown)) == ([], set())
    bare = admin.get(f"/staff/performers/{ana.pk}/override")
    assert bare.status_code == 200
    assert (inline_code(bare.content.decode()), unlabelled_fields(bare.content.decode())) == ([], set())
