"""One-time links: whoever has one sets the password of an account, once. Of what stands in a link
only the hash is kept, so nobody who reads the database can use it.

An account has one link at most: a new one takes the place of the one before. Used, it is gone in
the transaction that sets the password, so of two at once one counts."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from pymongo.client_session import ClientSession

from adminpanel.models import OneTimeLink
from adminpanel.people.deeds import (
    ACCOUNT,
    Deed,
    DeedChange,
    DeedTarget,
    Outdated,
    WrongField,
    recorded,
)
from ground import clock
from ground.json.errors import Refusal
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from lovense.models import Performer
from lovense.performers import loggedin

VALID = timedelta(hours=24)
LONGEST_TOKEN = 64


class NoSuchLink(Refusal):
    """A link is good once, for a day, and until another one takes its place."""

    code, status = "no_such_link", 404
    words = "This link was used, is too old, or was replaced. Ask for a new one."


class OpenLink(NamedTuple):
    """What may be said of a link that nobody has used yet. `made_at` names it."""

    made_by: str
    made_at: datetime
    expires_at: datetime

    @property
    def name(self) -> str:
        return clock.iso(self.made_at)


def open_for(
    account: str, *, now: datetime, session: ClientSession | None = None
) -> OpenLink | None:
    row = collection(OneTimeLink).find_one({"account": account}, session=session)
    if row is None or row["expires_at"] <= now:
        return None
    return OpenLink(row["made_by"], row["made_at"], row["expires_at"])


def written(account: str, deed: Deed, *, session: ClientSession) -> str:
    """A new link in a transaction; what stands in it is known to the caller alone."""
    token = secrets.token_urlsafe(32)
    links = collection(OneTimeLink)
    links.delete_many({"account": account}, session=session)
    links.insert_one(
        {
            "_id": _hash(token),
            "account": account,
            "made_by": deed.by,
            "made_at": deed.now,
            "expires_at": deed.now + VALID,
        },
        session=session,
    )
    return token


def reset_performer(performer: Performer, *, seen: str, deed: Deed) -> str:
    """A link for her. `seen` names the open one that the page showed. Her password stays what it is
    until she has used it. Raises Outdated."""
    account, target = str(performer.user.pk), of_performer(performer)

    def body(session: ClientSession) -> str:
        found = open_for(account, now=deed.now, session=session)
        present = found.name if found else ""
        if present != seen:
            raise Outdated("Another link was made meanwhile: look again.", present)
        token = written(account, deed, session=session)
        before = {"link": present} if present else None
        change = DeedChange(before, {"link": clock.iso(deed.now)})
        recorded(deed, "make_link", target, session, change)
        return token

    return transactions.run(body)


def of_performer(performer: Performer) -> DeedTarget:
    return DeedTarget(ACCOUNT, performer.pk, performer.pk)


# --- used ----------------------------------------------------------------------------------------


def whose(token: str, *, now: datetime) -> User:
    """The account that it is of. Raises NoSuchLink."""
    row = collection(OneTimeLink).find_one(_good(token, now)) if _is_sane(token) else None
    user = User.objects.filter(pk=row["account"], is_active=True).first() if row else None
    if user is None:
        raise NoSuchLink
    return user


def use(token: str, *, password: str, now: datetime) -> User:
    """Her password is set, the link is gone, and whatever was logged in is so no more. Raises
    NoSuchLink, WrongField."""
    user = whose(token, now=now)
    _check(password, user)
    kept = make_password(password)

    def body(session: ClientSession) -> None:
        used = collection(OneTimeLink).find_one_and_delete(_good(token, now), session=session)
        if used is None:
            raise NoSuchLink
        where = {"_id": user.pk, "is_active": True}
        changed = collection(User).update_one(where, {"$set": {"password": kept}}, session=session)
        if not changed.matched_count:
            raise NoSuchLink
        loggedin.end_all(str(user.pk), session=session)
        by_herself = Deed(str(user.pk), user.get_username(), "by a one-time link", now)
        after = {"link": clock.iso(used["made_at"]), "made_by": used["made_by"]}
        recorded(by_herself, "use_link", target_of(user), session, DeedChange(None, after))

    transactions.run(body)
    return user


def target_of(user: User) -> DeedTarget:
    """As the audit log names an account: a performer by her key, anybody else by the name."""
    performer = Performer.objects.filter(user_id=user.pk).first()
    return of_performer(performer) if performer else DeedTarget(ACCOUNT, user.get_username())


def _check(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as wrong:
        raise WrongField("password", " ".join(wrong.messages)) from None


def _good(token: str, now: datetime) -> dict[str, Any]:
    return {"_id": _hash(token), "expires_at": {"$gt": now}}


def _is_sane(token: str) -> bool:
    return 0 < len(token) <= LONGEST_TOKEN


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
