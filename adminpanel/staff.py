"""Who is staff: an account with one role. An admin is a superuser, and of whoever else is staff the
role is the group; what a role may do stands in `access.py`, not in Django's permissions."""

from dataclasses import dataclass

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from rest_framework.authtoken.models import Token

from ground.people import Role
from lovense.models import Performer


class NotStaff(ValueError):
    """A performer's or a platform's account never becomes a staff account."""


@dataclass(frozen=True)
class StaffEnrolment:
    user: User
    token: str


def enrol(*, username: str, role: Role, password: str) -> StaffEnrolment:
    """The staff account with its token; a repeat returns the same, with the role asked for last."""
    User._meta.get_field("username").clean(username, None)
    if password:
        validate_password(password)
    user = User.objects.filter(username=username).first() or User(username=username)
    check_may_be_staff(user)
    _set_password(user, password)
    give(user, role, group_of(role))
    return StaffEnrolment(user, Token.objects.get_or_create(user=user)[0].key)


def check_may_be_staff(user: User) -> None:
    """Raises NotStaff."""
    if user.pk is None or user.is_staff:
        return
    if Performer.objects.filter(user_id=user.pk).exists() or user.groups.exists():
        raise NotStaff(f"The username {user.username!r} is held by a performer or a platform.")


def _set_password(user: User, password: str) -> None:
    if password and not (user.password and user.check_password(password)):
        user.set_password(password)
    elif not user.password:
        user.set_unusable_password()


def give(user: User, role: Role, group: Group) -> None:
    """The account as that role has it; `group` is the role's. May be part of a transaction."""
    user.is_staff, user.is_superuser = True, role is Role.ADMIN
    user.save()
    user.groups.set([group])


def group_of(role: Role) -> Group:
    return Group.objects.get_or_create(name=role.value)[0]
