"""Who opens a socket: a performer's token, or her browser's session from our own origin; and how
long it may be open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.http import HttpRequest, parse_cookie
from rest_framework.authtoken.models import Token

from lovense.models import Performer


@dataclass(frozen=True, slots=True)
class Opener:
    """Who opened a socket, and by what: it lives no longer than that."""

    performer_id: str
    username: str
    user_id: Any
    password: str  # its hash: a changed one ends all sessions
    token: str = ""
    session: str = ""


def performer_of(scope: Mapping[str, Any]) -> str | None:
    """The performer id of an ASGI websocket scope; None for anyone else."""
    opener = opener_of(scope)
    return opener.performer_id if opener else None


def opener_of(scope: Mapping[str, Any]) -> Opener | None:
    headers = _headers(scope)
    user, by = _by_token(headers.get(b"authorization", "")) or _by_session(headers) or (None, {})
    if user is None or not user.is_active:
        return None
    performer = Performer.objects.filter(user_id=user.pk).first()
    if performer is None:
        return None
    return Opener(performer.pk, user.get_username(), user.pk, user.password, **by)


def signed_in(scope: Mapping[str, Any]) -> tuple[User, str] | None:
    """Whose browser asks, and the key of its session; whoever that is."""
    found = _by_session(_headers(scope))
    if found is None or not isinstance(found[0], User):
        return None
    return found[0], found[1]["session"]


def is_own_page(scope: Mapping[str, Any]) -> bool:
    """Whether a page of this site asks, whoever has it open."""
    return _is_same_origin(_headers(scope))


def _headers(scope: Mapping[str, Any]) -> dict[bytes, str]:
    headers: dict[bytes, str] = {}
    for name, raw in scope["headers"]:  # cookies may come in several lines
        value = raw.decode("latin-1")
        headers[name] = f"{headers[name]}; {value}" if name in headers else value
    return headers


def still_valid(openers: Sequence[Opener], *, now: datetime) -> list[bool]:
    """Which of these may still be open: the account is not barred, the token not withdrawn, the
    session not ended. Three reads for all of them."""
    tokens = {each.token for each in openers if each.token}
    sessions = {each.session for each in openers if each.session}
    active = User.objects.filter(pk__in={each.user_id for each in openers}, is_active=True)
    passwords = dict(active.values_list("pk", "password"))
    keys = set(Token.objects.filter(pk__in=tokens).values_list("pk", flat=True)) if tokens else ()
    alive = Session.objects.filter(pk__in=sessions, expire_date__gt=now)
    open_sessions = set(alive.values_list("pk", flat=True)) if sessions else ()

    def is_valid(each: Opener) -> bool:
        if each.user_id not in passwords:
            return False
        if each.token:
            return each.token in keys
        return each.session in open_sessions and passwords[each.user_id] == each.password

    return [is_valid(each) for each in openers]


Found = tuple[AbstractBaseUser, dict[str, str]]


def _by_token(header: str) -> Found | None:
    kind, _, key = header.partition(" ")
    if kind.lower() != "token":  # as over REST
        return None
    token = Token.objects.filter(pk=key.strip()).first()
    return (token.user, {"token": token.pk}) if token else None


def _by_session(headers: dict[bytes, str]) -> Found | None:
    """A browser sends its cookies from any site's page, so the origin must be ours."""
    if not _is_same_origin(headers):
        return None
    key = parse_cookie(headers.get(b"cookie", "")).get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    return None if isinstance(user, AnonymousUser) else (user, {"session": key})


_PORTS = {"http": 80, "https": 443}


def _is_same_origin(headers: dict[bytes, str]) -> bool:
    """The origin is the public address, or the host that was asked: a proxy may name its own port,
    or another host than the browser did."""
    try:
        origin = urlsplit(headers.get(b"origin", ""))
        host = urlsplit(f"{origin.scheme}://{headers.get(b'host', '')}")
        asked, here, public = (
            _place(origin),
            _place(host),
            _place(urlsplit(settings.PUBLIC_BASE_URL)),
        )
    except ValueError:  # nothing that a browser sends
        return False
    return asked is not None and asked in (here, public)


def _place(url: SplitResult) -> tuple[str, str, int] | None:
    """Scheme, host and port, the port also where it goes without saying."""
    port = url.port or _PORTS.get(url.scheme)
    return (url.scheme, url.hostname, port) if url.hostname and port else None
