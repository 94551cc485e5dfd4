"""Staff: enrolled by a link, given a role, disabled, logged out; by an admin, who is one to the end."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from adminpanel.people import links, members, secondfactor
from adminpanel.people.deeds import Outdated, WrongField, refusals_recorded
from adminpanel.people.members import NoSuchMember, NotAnAdmin, OwnAccount
from adminpanel.people.secondfactor import NotSetUp
from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from ground.people import Role, role_of
from lovense.models import LoggedIn
from tests.adminpanel.people.at_once import together
from tests.adminpanel.people.conftest import FUTURE, deed, version
from tests.adminpanel.people.test_secondfactor import SALT, code
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def enrol(ada, name="sue", role=Role.SUPPORT):
    return members.enrol(username=name, role=role, deed=deed(ada, now=FUTURE))


def set_role(who, by, role=Role.AUDITOR, seen=None):
    seen = version(who) if seen is None else seen
    return members.set_role(str(who.pk), role, seen=seen, deed=deed(by))


def disable(who, by, *, is_active=False):
    return members.set_active(str(who.pk), is_active=is_active, seen=version(who), deed=deed(by))


def logged_in(name):
    client = Client(REMOTE_ADDR="203.0.113.5")
    assert client.post("/login", {"username": name, "password": PASSWORD}).status_code == 302
    return client


def is_in(client):
    return client.get("/staff/tips").status_code == 200


def entries(name):
    """But for her log-ins, which are at the time of the machine."""
    rows = [row for row in audit_log.of(name, limit=20) if row["action"] != "log_in"]
    return [(row["action"], row["before"], row["after"]) for row in rows]


# --- enrolled ----------------------------------------------------------------------------------------------


def test_who_is_enrolled_comes_in_by_her_link_alone(ada):
    member, token = enrol(ada)
    assert (member.role, member.user.has_usable_password()) == (Role.SUPPORT, False)
    assert links.use(token, password="violet harbour lantern", now=FUTURE).username == "sue"
    assert User.objects.get(username="sue").check_password("violet harbour lantern")
    assert entries("sue")[1] == ("enrol", None, {"role": "support", "is_active": True})
    assert [each.name for each in members.listed()] == ["ada", "sue"]


@pytest.mark.parametrize("name", ["", "sue and co", "x" * 151, "ana", "ada"])
def test_a_name_that_is_none_or_taken_is_refused_at_its_field(ada, ana, name):
    before = User.objects.count()
    with pytest.raises(WrongField) as refused:
        enrol(ada, name)
    assert (refused.value.field, refused.value.status) == ("username", 422)
    assert User.objects.count() == before


def test_of_two_that_enrol_one_name_at_once_one_does(ada):
    made = together(4, lambda _: enrol(ada))
    assert sorted(type(each).__name__ for each in made) == ["WrongField"] * 3 + ["tuple"]
    assert User.objects.filter(username="sue").count() == 1
    assert [each[0] for each in entries("sue")] == ["enrol"]


def test_where_the_entry_cannot_be_written_nobody_is_enrolled(ada, monkeypatch):
    def died(**_):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(audit_log, "record", died)
        with pytest.raises(SystemExit):
            enrol(ada)
    assert not User.objects.filter(username="sue").exists()
    enrol(ada)


# --- roles -------------------------------------------------------------------------------------------------


def test_a_role_is_changed_with_its_entry_and_ends_what_she_is_logged_in_with(ada, sam):
    browser = logged_in("sam")
    assert is_in(browser)
    assert set_role(sam, ada).role is Role.AUDITOR
    assert not is_in(browser)
    before, after = ({"role": name, "is_active": True} for name in ("support", "auditor"))
    assert entries("sam")[0] == ("set_role", before, after)
    assert set_role(sam, ada, Role.ADMIN).user.is_superuser
    assert not set_role(sam, ada, Role.SUPPORT).user.is_superuser


@pytest.mark.parametrize("role", list(Role))
def test_nobody_changes_the_own_role(ada, amy, role):
    with pytest.raises(OwnAccount):
        set_role(ada, ada, role)
    assert role_of(User.objects.get(pk=ada.pk)) is Role.ADMIN


def test_only_an_admin_changes_anything(ada, sam, dina):
    for other in (sam, dina):
        for change in (set_role, disable):
            with pytest.raises(NotAnAdmin):
                change(ada, other)
    assert entries("ada") == []


def test_who_has_seen_something_else_is_told_what_is(ada, amy, sam):
    seen = version(sam)
    set_role(sam, ada)
    with pytest.raises(Outdated) as refused:
        set_role(sam, amy, Role.ADMIN, seen=seen)
    assert refused.value.details == {"present": {"role": "auditor", "is_active": True}}
    assert "Auditor, active" in str(refused.value)


def test_a_refusal_is_recorded_with_its_rule(ada):
    target = members.target_of("ada")
    with pytest.raises(OwnAccount), refusals_recorded(deed(ada), "set_role", target):
        set_role(ada, ada)
    [entry] = audit_log.of("ada", limit=9)
    assert (entry["success"], entry["after"], entry["why"]) == (
        False,
        {"refused": "own_account"},
        "because they asked",
    )


def test_of_many_changes_of_one_version_one_counts(ada, sam):
    seen = version(sam)
    said = together(5, lambda place: set_role(sam, ada, list(Role)[place % 3], seen=seen))
    assert sum(type(each) is Outdated for each in said) == 4
    assert len(entries("sam")) == 1


def test_of_two_admins_who_take_each_others_role_at_once_one_stays(ada, amy):
    pair = [(ada, amy), (amy, ada)]
    for _ in range(5):
        seen = {user.pk: version(user) for user in (ada, amy)}

        def take(place, seen=seen):
            who, by = pair[place]
            return set_role(who, by, Role.SUPPORT, seen=seen[who.pk])

        said = together(2, take)
        admins = User.objects.filter(is_superuser=True, is_active=True)
        assert admins.count() == 1, said
        [left] = admins
        set_role(amy if left == ada else ada, left, Role.ADMIN)


def test_of_two_admins_who_disable_each_other_at_once_one_stays(ada, amy):
    pair = [(ada, amy), (amy, ada)]
    together(2, lambda place: disable(*pair[place]))
    assert User.objects.filter(is_superuser=True, is_active=True).count() == 1


# --- disabled, logged out ----------------------------------------------------------------------------------


def test_a_disabled_account_is_out_at_once_and_may_come_back(ada, sam):
    browser = logged_in("sam")
    disable(sam, ada)
    assert not is_in(browser)
    answer = Client().post("/login", {"username": "sam", "password": PASSWORD})
    assert answer.status_code == 200
    disable(sam, ada, is_active=True)
    assert is_in(logged_in("sam"))
    assert [each[0] for each in entries("sam")] == ["enable", "disable"]


def test_nobody_disables_herself(ada):
    with pytest.raises(OwnAccount):
        disable(ada, ada)


def test_all_that_she_is_logged_in_with_ends_at_once(ada, sam):
    browsers = [logged_in("sam"), logged_in("sam")]
    members.end_sessions(str(sam.pk), seen=version(sam), deed=deed(ada))
    assert [is_in(each) for each in browsers] == [False, False]
    assert entries("sam")[0][2] == {"role": "support", "is_active": True, "log_ins_ended": 2}
    assert collection(LoggedIn).count_documents({"account": str(sam.pk)}) == 0


def test_a_second_factor_is_taken_from_who_has_lost_it(ada, sam):
    secondfactor.set_up(sam, salt=SALT, code=code(sam), deed=deed(sam))
    members.remove_factor(str(sam.pk), seen=version(sam), deed=deed(ada))
    assert secondfactor.of(str(sam.pk)) is None
    with pytest.raises(NotSetUp):
        members.remove_factor(str(sam.pk), seen=version(sam), deed=deed(ada))
    with pytest.raises(OwnAccount):
        members.remove_factor(str(ada.pk), seen=version(ada), deed=deed(ada))


# --- who there is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["", "x", "0" * 24, "$where", "\x00"])
def test_what_is_nobody_is_nobody(ada, account):
    with pytest.raises(NoSuchMember):
        members.find(account)


def test_a_performer_is_no_member_of_staff(ada, ana):
    with pytest.raises(NoSuchMember):
        members.find(str(ana.user.pk))


def test_a_link_of_hers_sets_a_new_password(ada, sam):
    browser = logged_in("sam")
    token = members.make_link(str(sam.pk), seen=version(sam), deed=deed(ada, now=FUTURE))
    assert is_in(browser)
    links.use(token, password="violet harbour lantern", now=FUTURE + timedelta(minutes=5))
    assert not is_in(browser)
