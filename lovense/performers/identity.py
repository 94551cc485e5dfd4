"""Who opens a socket: a performer's token, or her browser's session from our own origin."""

from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from rest_framework.authtoken.models import Token

from lovense.models import Performer


def performer_of(scope: dict[str, Any]) -> str | None:
    """The performer id of an ASGI websocket scope; None for anyone else."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    user = _by_token(headers.get(b"authorization", "")) or _by_session(headers)
    if user is None or not user.is_active:
        return None
    performer = Performer.objects.filter(user_id=user.pk).first()
    return performer.pk if performer else None


def _by_token(header: str) -> AbstractBaseUser | None:
    kind, _, key = header.partition(" ")
    if kind != "Token":
        return None
    token = Token.objects.filter(pk=key.strip()).first()
    return token.user if token else None


def _by_session(headers: dict[bytes, str]) -> AbstractBaseUser | None:
    """A browser sends its cookies from any site's page, so the origin must be ours."""
    if not _is_same_origin(headers):
        return None
    try:
        cookie = SimpleCookie(headers.get(b"cookie", "")).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    if cookie is None:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(cookie.value)
    user = get_user(request)
    return None if isinstance(user, AnonymousUser) else user


def _is_same_origin(headers: dict[bytes, str]) -> bool:
    try:
        origin = urlsplit(headers.get(b"origin", "")).netloc
    except ValueError:  # nothing that a browser sends
        return False
    return bool(origin) and origin == headers.get(b"host")
