"""Who may place tips over REST: a platform's account, known by its token only (it never logs
in)."""

from django.contrib.auth.models import Group, User
from rest_framework.authtoken.models import Token

GROUP = "platform"


class NotAPlatform(ValueError):
    """An account that is staff, or a person's, never becomes a platform's."""


def enrol(*, name: str) -> str:
    """The platform's token; a repeat returns the same. ValidationError: a bad name."""
    User._meta.get_field("username").clean(name, None)
    group, _ = Group.objects.get_or_create(name=GROUP)
    user = User.objects.filter(username=name).first()
    if user is None:
        user = User.objects.create_user(name)  # without a password: it cannot log in
    elif not _may_be_platform(user):
        raise NotAPlatform(f"The username {name!r} is held by another account.")
    user.groups.add(group)
    return str(Token.objects.get_or_create(user=user)[0].key)


def is_platform(user: User) -> bool:
    return user.groups.filter(name=GROUP).exists()


def _may_be_platform(user: User) -> bool:
    if user.is_staff or user.has_usable_password():
        return False
    # An account in no group may be ours, left by a death between the two writes: then it has no
    # token yet.
    return is_platform(user) or not Token.objects.filter(user=user).exists()
