"""How often one may try to log in. Tries are counted in the cache, for the account and for the
address they come from; while that is away nobody is kept out, and the log says so.

An account under attack stays open where it was logged in to lately: there only its own tries from
there count, so that a stranger cannot lock a performer out of her show. Codes of a second factor
are counted by themselves: whoever has the password has proved nothing by them."""

import hashlib
import logging
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, TypeVar

from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

T = TypeVar("T")
log = logging.getLogger(__name__)

WINDOW_SECONDS = 300
PER_ACCOUNT, PER_ADDRESS = 10, 50
CODES_PER_ACCOUNT = 5  # of a million, of which three are right
KNOWN_SECONDS = 30 * 24 * 3600
TOO_MANY = "Too many tries to log in. Wait five minutes, then try again."


class TryKind(StrEnum):
    """What is tried."""

    PASSWORD = "account"  # noqa: S105
    CODE = "code"


class Try(NamedTuple):
    """One try: `account` is the name as it was typed."""

    proof: TryKind
    account: str
    address: str


def of(request: HttpRequest | None, proof: TryKind, account: str) -> Try:
    address = str(request.META.get("REMOTE_ADDR", "")) if request else ""
    return Try(proof, account, address)


def may_try(tried: Try) -> bool:
    """Counts this try before it is made: of many at once no more than the limit come through."""
    return _unless_away(lambda: _may_try(tried), otherwise=True)


def succeeded(tried: Try) -> None:
    _unless_away(lambda: _succeeded(tried), otherwise=None)


def is_told(tried: Try) -> bool:
    """Whether somebody has been told in this window that there were too many: once will do."""
    return _unless_away(lambda: not cache.add(_key("told", *tried), 1, WINDOW_SECONDS), False)


def _may_try(tried: Try) -> bool:
    most = CODES_PER_ACCOUNT if tried.proof is TryKind.CODE else PER_ACCOUNT
    counts = [
        (_counted(_account(tried)), most),
        (_counted(_key("address", tried.address)), PER_ADDRESS),
    ]
    return all(count <= limit for count, limit in counts)


def _counted(key: str) -> int:
    cache.add(key, 0, WINDOW_SECONDS)
    try:
        return int(cache.incr(key))
    except ValueError:  # its window ended between the two
        return 1


def _succeeded(tried: Try) -> None:
    cache.delete(_account(tried))
    cache.set(_known(tried), 1, KNOWN_SECONDS)


def _account(tried: Try) -> str:
    """What counts the account's tries: all of them, or where it is known, those from there."""
    is_known = cache.get(_known(tried)) is not None
    return _key(tried.proof, tried.account, tried.address if is_known else "")


def _known(tried: Try) -> str:
    return _key("known", *tried)


def _key(*parts: str) -> str:
    """Names and addresses are nobody's business, not even the cache's."""
    return hashlib.sha256("\n".join(parts).lower().encode()).hexdigest()


def _unless_away(ask: Callable[[], T], otherwise: T) -> T:
    try:
        return ask()
    except (RedisError, OSError) as error:
        log.warning("log_in_uncounted", extra={"error_code": type(error).__name__})
        return otherwise
