"""Typed readers of environment variables. A wrong value stops the start-up with a sentence that
names the variable."""

import math
import os
import re
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "") or default


def flag(name: str, *, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value not in _TRUE | _FALSE:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
    return value in _TRUE


def integer(name: str, default: int, *, minimum: int = 0) -> int:
    return _number(name, default, minimum, int)


def decimal(name: str, default: float, *, minimum: float = 0) -> float:
    return _number(name, default, minimum, float)


def _number(name: str, default: T, minimum: float, kind: Callable[[str], T]) -> T:
    value = text(name)
    if not value:
        return default
    try:
        number = kind(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number, not {value!r}.") from None
    if not math.isfinite(number):  # type: ignore[arg-type]
        raise ImproperlyConfigured(f"{name} must be a finite number, not {value!r}.")
    if number < minimum:  # type: ignore[operator]
        raise ImproperlyConfigured(f"{name} must be at least {minimum}, not {value!r}.")
    return number


def words(name: str, default: str = "") -> list[str]:
    """A comma list; blanks are dropped."""
    return [word for word in (part.strip() for part in text(name, default).split(",")) if word]


def parsed(name: str, value: T, parse: Callable[[T], object], hint: str) -> T:
    """The value, if its reader takes it; now, and not at the first call that needs it. What was
    given is not repeated: it may be a secret."""
    try:
        parse(value)
    except ValueError as wrong:
        raise ImproperlyConfigured(f"{name}: {wrong}. {hint}") from None
    return value


def database(uri: str) -> None:
    if not _MONGODB.fullmatch(uri):
        raise ValueError("this is not the address of a MongoDB database")


def redis(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss", "unix") or not (parts.hostname or parts.path):
        raise ValueError("this is not the address of a Redis")
    if parts.scheme != "unix" and (parts.port == 0 or not _REDIS_PATH.fullmatch(parts.path)):
        raise ValueError("this is not the address of a Redis")


def site(url: str) -> None:
    parts = urlsplit(url)
    is_plain = not (parts.query or parts.fragment or parts.username or parts.path.strip("/"))
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.port == 0
        or not is_plain
    ):
        raise ValueError("this is not the address of a site")


def script(url: str) -> None:
    """It stands in a page and, with its host, in a policy: nothing in it may mean more there."""
    parts = urlsplit(url)
    if not _SCRIPT.fullmatch(url) or parts.port == 0:
        raise ValueError("this is not the address of a script")


def hosts(names: list[str]) -> None:
    for name in names:
        if not _HOST.fullmatch(name):
            raise ValueError(f"{name!r} is not a host's name")


_MONGODB = re.compile(
    r"mongodb(\+srv)?://([^/?#\s]+@)?[\w.\-\[\]:%]+(,[\w.\-\[\]:]+)*/[\w\-]{1,60}(\?\S*)?"
)
_REDIS_PATH = re.compile(r"/?|/\d{1,4}/?")
_SCRIPT = re.compile(r"https?://[A-Za-z0-9.\-]+(:\d{1,5})?(/[A-Za-z0-9._~\-]+)+")
_HOST = re.compile(r"\*|\.?[A-Za-z0-9_\-]+(\.[A-Za-z0-9_\-]+)*\.?|\[[0-9A-Fa-f:.]+\]")


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def secret(name: str, development: str, *, production: bool) -> str:
    """A secret has a development default; in production a missing one is a start-up error."""
    value = text(name)
    if not value and production:
        raise ImproperlyConfigured(f"{name} is required when DEBUG=false; see docs/settings.md.")
    return value or development
