"""Who is a performer: her account, her token and her record, all made together and only once."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError
from rest_framework.authtoken.models import Token

from lovense.models import Performer

_ID = re.compile(r"[0-9a-f]{24}")


class InvalidPerformerId(ValueError):
    """A performer id is 24 lower-case hex digits, as the platform gives it."""


class UsernameTaken(ValueError):
    """A username belongs to one account, and an account to one performer."""


class PerformerRenamed(ValueError):
    """A performer keeps the username she was created with."""


@dataclass(frozen=True)
class Enrolment:
    performer: Performer
    token: str


def enrol(*, performer_id: str, username: str, password: str, now: datetime) -> Enrolment:
    """The performer with her log-in and token; a repeat returns the same. ValidationError: a bad
    username or password.

    An empty password leaves the log-in as it is (a new account cannot log in then, but its token
    works)."""
    if not _ID.fullmatch(performer_id):
        raise InvalidPerformerId(
            f"A performer id is 24 lower-case hex digits, not {performer_id!r}."
        )
    _check_free(performer_id, username)
    user = _account(username, password)
    performer = _record(performer_id, user, now)
    return Enrolment(performer, Token.objects.get_or_create(user=user)[0].key)


def _check_free(performer_id: str, username: str) -> None:
    own = Performer.objects.filter(pk=performer_id).select_related("user").first()
    if own is not None and own.user.username != username:
        raise PerformerRenamed(f"Performer {performer_id} exists under another username.")
    holder = User.objects.filter(username=username).first()
    if holder is None or own is not None:
        return
    other = Performer.objects.filter(user=holder).first()
    if other is not None:
        raise UsernameTaken(f"The username {username!r} is held by performer {other.pk}.")
    if holder.is_staff or holder.groups.exists():
        raise UsernameTaken(f"The username {username!r} is held by a staff or platform account.")


def _account(username: str, password: str) -> User:
    field = User._meta.get_field("username")
    field.clean(username, None)
    if password:
        validate_password(password)
    user, is_new = User.objects.get_or_create(username=username)
    if password and (is_new or not user.check_password(password)):
        user.set_password(password)
        user.save(update_fields=["password"])
    elif is_new and not password:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


def _record(performer_id: str, user: User, now: datetime) -> Performer:
    fresh = {"user": user, "display_name": user.username[:64], "created_at": now}
    fresh |= {"bridge": settings.LOVENSE_BRIDGES[0]} if settings.LOVENSE_BRIDGES else {}
    try:
        performer, _ = Performer.objects.get_or_create(pk=performer_id, user=user, defaults=fresh)
    except IntegrityError:
        raise UsernameTaken(
            f"Performer {performer_id} or {user.username!r} was created with another at this "
            f"moment."
        ) from None
    return performer
