"""Who is staff, and with which role. What a role may do stands in the table of who asks
(`adminpanel/access.py`); below it, administrators decide and support may make things calmer. No
view lives here."""

from enum import StrEnum
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group, User
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

_MOST_GROUPS = 10
_GROUPS: dict[object, "Role"] = {}


class Role(StrEnum):
    ADMIN = "admin"
    SUPPORT = "support"
    AUDITOR = "auditor"


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """Of a staff account in use; None for everybody else. An administrator is a superuser, and
    costs no look-up; the others' role is the group they are in, and costs one by key."""
    if not (isinstance(user, User) and user.is_active and user.is_staff):
        return None
    if user.is_superuser:
        return Role.ADMIN
    held = User.groups.through.objects.filter(user_id=user.pk)
    roles = [_of_group(each) for each in held.values_list("group_id", flat=True)[:_MOST_GROUPS]]
    return next((role for role in roles if role), None)


def _of_group(group_id: object) -> Role | None:
    """A group's key is never given to another one, so it is looked up once."""
    if group_id not in _GROUPS:
        below = Group.objects.filter(name__in=(Role.SUPPORT.value, Role.AUDITOR.value))
        _GROUPS.update({key: Role(name) for key, name in below.values_list("pk", "name")})
    return _GROUPS.get(group_id)


def may_decide(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether this person starts, replays and changes things: an administrator."""
    return role_of(user) is Role.ADMIN


def may_calm(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether this person may hold somebody's lane: whoever answers the complaint, too."""
    return role_of(user) in (Role.ADMIN, Role.SUPPORT)


class IsStaff(BasePermission):
    """Of whatever role: it only looks."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return role_of(request.user) is not None


class MayDecide(BasePermission):
    """Staff may look; administrators may decide."""

    def has_permission(self, request: Request, view: Any) -> bool:
        role = role_of(request.user)
        return role is Role.ADMIN or (role is not None and request.method in SAFE_METHODS)
