"""Who is staff, and with which role. What a role may do stands in the table of who asks
(`adminpanel/access.py`); below it, administrators decide and support may make things calmer. No
view lives here."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import ValidationError

_MOST_GROUPS = 10
_READ = "_role"  # under which an account's object keeps it
_GROUPS: dict[object, "Role"] = {}


class Role(StrEnum):
    ADMIN = "admin"
    SUPPORT = "support"
    AUDITOR = "auditor"


EVERYBODY = frozenset(Role)


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """Of a staff account in use; None for everybody else. Read once for each object of an account:
    a request has one, and asks of it at every door and button."""
    if not (isinstance(user, User) and user.is_active):
        return None
    if _READ not in user.__dict__:
        user.__dict__[_READ] = given_role(user)
    role: Role | None = user.__dict__[_READ]
    return role


def given_role(user: User) -> Role | None:
    """Also of a disabled account. An administrator is a superuser, and costs no look-up; the
    others' role is the group they are in, and costs one by key."""
    return given_roles([user]).get(user.pk)


def given_roles(users: Iterable[User]) -> dict[Any, Role]:
    """By the keys of those who have one; one look-up for all of them."""
    staff = [user for user in users if user.is_staff]
    found = {user.pk: Role.ADMIN for user in staff if user.is_superuser}
    others = [user.pk for user in staff if not user.is_superuser]
    if others:
        held = User.groups.through.objects.filter(user_id__in=others)
        pairs = held.values_list("user_id", "group_id")[: _MOST_GROUPS * len(others)]
        for user_id, group_id in pairs:
            if role := _of_group(group_id):
                found.setdefault(user_id, role)
    return found


def _of_group(group_id: object) -> Role | None:
    """A group's key is never given to another one, so it is looked up once."""
    if group_id not in _GROUPS:
        below = Group.objects.filter(name__in=(Role.SUPPORT.value, Role.AUDITOR.value))
        _GROUPS.update({key: Role(name) for key, name in below.values_list("pk", "name")})
    return _GROUPS.get(group_id)


def account(key: str, **more: bool) -> User | None:
    """The account of this key, which may be none at all; `more`: what it has to be."""
    try:
        return User.objects.filter(pk=key, **more).first()
    except (ValidationError, ValueError, TypeError):
        return None


def may_decide(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether this person starts, replays and changes things: an administrator."""
    return role_of(user) is Role.ADMIN


def may_calm(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether this person may hold somebody's lane: whoever answers the complaint, too."""
    return role_of(user) in (Role.ADMIN, Role.SUPPORT)
