"""By what a performer proves who she is: her password and her token. Each change is written with
its entry in the audit log, which never holds either."""

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.cache import cache
from pymongo.client_session import ClientSession
from redis.exceptions import RedisError
from rest_framework.authtoken.models import Token

from ground.audit import log as audit_log
from ground.json.errors import Refusal
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from lovense.models import Performer
from lovense.performers import loggedin
from lovense.rows import Json

TRIES, WINDOW_SECONDS = 10, 300


class TooManyGuesses(Refusal):
    """A password is asked for again at most TRIES times in WINDOW_SECONDS."""

    code, status, words = "too_many_guesses", 429, "Too many tries. Wait five minutes."
    retry_after = WINDOW_SECONDS


def check_tries(user: User) -> None:
    """Counts this one; while the cache is away nobody is kept out. Raises TooManyGuesses."""
    key = f"password-again-{user.pk}"
    try:
        cache.add(key, 0, WINDOW_SECONDS)
        tries = int(cache.incr(key))
    except (RedisError, OSError, ValueError):  # its window ended between the two
        return
    if tries > TRIES:
        raise TooManyGuesses


def set_password(performer: Performer, raw: str, *, here: str, now: datetime) -> User:
    """Whatever else is logged in is so no more: Django's sessions hold what the password was."""
    user = _written(performer, raw, "change_password", now)
    loggedin.end_all(str(user.pk), but=here)
    return user


def log_out_everywhere(performer: Performer, raw: str, *, now: datetime) -> None:
    """The password stays, and is kept in another way: that ends every session there is."""
    user = _written(performer, raw, "log_out_everywhere", now)
    loggedin.end_all(str(user.pk))


def _written(performer: Performer, raw: str, action: str, now: datetime) -> User:
    kept = make_password(raw)

    def body(session: ClientSession) -> None:
        where = {"_id": performer.user.pk}
        collection(User).update_one(where, {"$set": {"password": kept}}, session=session)
        _record(performer, action, now, session)

    transactions.run(body)
    user: User = performer.user
    user.password = kept
    return user


def token_since(user: User) -> datetime | None:
    """When it was made; None: there is none."""
    made: datetime | None = (
        Token.objects.filter(user=user).values_list("created", flat=True).first()
    )
    return made


def new_token(performer: Performer, *, now: datetime) -> str:
    """In place of the one before, which proves nothing from now on."""
    key = Token.generate_key()

    def body(session: ClientSession) -> None:
        tokens, hers = collection(Token), {"user_id": performer.user.pk}
        tokens.delete_many(hers, session=session)
        tokens.insert_one({"key": key, **hers, "created": now}, session=session)
        _record(performer, "new_token", now, session)

    transactions.run(body)
    return key


def record_end(performer: Performer, *, now: datetime) -> None:
    """One log-in of hers was ended by hand."""
    _record(performer, "end_log_in", now)


def _record(
    performer: Performer, action: str, now: datetime, session: ClientSession | None = None
) -> None:
    about: Json = {
        "kind": "account",
        "action": action,
        "target": performer.pk,
        "lane": performer.pk,
    }
    by = performer.user.get_username()
    audit_log.record(**about, by=by, now=now, session=session)
