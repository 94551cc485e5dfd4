"""One-time links: one person, one password, once."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from adminpanel.models import OneTimeLink
from adminpanel.people import links
from adminpanel.people.deeds import Outdated, WrongField
from adminpanel.people.links import NoSuchLink
from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from tests.adminpanel.people.at_once import together
from tests.adminpanel.people.conftest import FUTURE as NOW
from tests.adminpanel.people.conftest import deed
from tests.factories import PASSWORD
from tests.ground.plans import fill, recorded, scans

pytestmark = pytest.mark.django_db
NEW = "violet harbour lantern"
HOUR = timedelta(hours=1)


def made(performer, by, *, seen="", now=NOW):
    return links.reset_performer(performer, seen=seen, deed=deed(by, now=now))


def seen(performer, now=NOW):
    return links.open_for(str(performer.user_id), now=now).name


def use(token, password=NEW, now=NOW):
    return links.use(token, password=password, now=now)


def actions(performer):
    return [(row["action"], row["actor"], row["success"]) for row in audit_log.of_lane(performer.pk, limit=9)]


def test_a_link_sets_her_password_and_ends_what_is_logged_in(ada, ana):
    browser = Client()
    browser.post("/login", {"username": "ana", "password": PASSWORD})
    token = made(ana, ada)
    assert browser.get("/account").status_code == 200
    assert User.objects.get(pk=ana.user_id).check_password(PASSWORD)
    assert use(token) == ana.user
    assert browser.get("/account").status_code == 302
    assert User.objects.get(pk=ana.user_id).check_password(NEW)
    assert actions(ana) == [("use_link", "ana", True), ("make_link", "ada", True)]


def test_a_link_is_good_once(ada, ana):
    token = made(ana, ada)
    use(token)
    with pytest.raises(NoSuchLink):
        use(token, "another fine password")
    assert User.objects.get(pk=ana.user_id).check_password(NEW)


def test_of_two_that_use_it_at_once_one_does(ada, ana):
    token = made(ana, ada)
    said = together(5, lambda place: use(token, f"{NEW} {place}"))
    assert sum(type(each) is NoSuchLink for each in said) == 4
    assert [each[0] for each in actions(ana)] == ["use_link", "make_link"]


def test_a_link_is_good_for_a_day(ada, ana):
    token = made(ana, ada)
    assert links.whose(token, now=NOW + links.VALID - HOUR) == ana.user
    for late in (links.VALID, links.VALID + HOUR):
        with pytest.raises(NoSuchLink):
            use(token, now=NOW + late)


def test_a_new_link_takes_the_place_of_the_one_before(ada, ana):
    first = made(ana, ada)
    second = made(ana, ada, seen=seen(ana), now=NOW + HOUR)
    with pytest.raises(NoSuchLink):
        use(first, now=NOW + HOUR)
    assert use(second, now=NOW + HOUR) == ana.user


def test_of_two_admins_who_make_one_at_once_one_does(ada, amy, ana):
    said = together(4, lambda place: made(ana, (ada, amy)[place % 2]))
    assert sum(type(each) is Outdated for each in said) == 3
    assert collection(OneTimeLink).count_documents({}) == 1
    assert len(actions(ana)) == 1


def test_a_password_that_is_too_weak_is_refused_and_the_link_stays(ada, ana):
    token = made(ana, ada)
    for weak in ("", "short", "password123"):
        with pytest.raises(WrongField) as refused:
            use(token, weak)
        assert refused.value.field == "password"
    assert use(token) == ana.user


@pytest.mark.parametrize("token", ["", "x", "$ne", "\x00", "a" * 65, "a" * 5000, "ä" * 20])
def test_what_nobody_made_is_no_link(db, token):
    with pytest.raises(NoSuchLink):
        links.whose(token, now=NOW)


def test_a_disabled_account_has_no_link(ada, ana):
    token = made(ana, ada)
    User.objects.filter(pk=ana.user_id).update(is_active=False)
    with pytest.raises(NoSuchLink):
        use(token)


def test_where_the_entry_cannot_be_written_link_and_password_stay(ada, ana, monkeypatch):
    token = made(ana, ada)

    def died(**_):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(audit_log, "record", died)
        with pytest.raises(SystemExit):
            use(token)
    assert User.objects.get(pk=ana.user_id).check_password(PASSWORD)
    assert use(token) == ana.user


def test_what_stands_in_a_link_is_kept_nowhere(ada, ana, caplog):
    token = made(ana, ada)
    kept = str(list(collection(OneTimeLink).find())) + str(audit_log.of_lane(ana.pk, limit=9)) + caplog.text
    assert token not in kept


def test_a_link_is_found_by_index(ada, ana):
    token = made(ana, ada)
    fill(OneTimeLink, lambda number: {"_id": f"{number:064}", "account": f"{number:024}"})
    with recorded() as plans:
        links.whose(token, now=NOW)
        links.open_for(str(ana.user_id), now=NOW)
    assert len(plans) >= 2
    assert scans(plans) == []
