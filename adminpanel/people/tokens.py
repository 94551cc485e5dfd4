"""API tokens: of platform clients, which have nothing else to come in by, and of staff. A token is
shown once, when it is made; what is kept of its use is the minute of the last one.

Whoever replaces or revokes one has seen which: `seen` is when it was made. Of two at once one
counts."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from pymongo.client_session import ClientSession
from rest_framework.authtoken.models import Token

from adminpanel.models import TokenUse
from adminpanel.people.deeds import (
    ACCOUNT,
    CLIENT,
    Deed,
    DeedChange,
    DeedTarget,
    Outdated,
    WrongField,
    recorded,
)
from ground import clock, people
from ground.json.errors import Refusal
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from tips.intake import platforms

LISTED = 200
NOTED_EVERY = timedelta(minutes=1)
MOST_REMEMBERED = 10_000
# When a use was last written down by this process, by account.
_noted: dict[str, datetime] = {}


class NoSuchClient(Refusal):
    """What is changed is a platform's account."""

    code, status, words = "not_found", 404, "There is no such client."


class HeldToken(NamedTuple):
    """Of one account. `since` is empty where there is none; it names the token."""

    user: User
    since: datetime | None
    used_at: datetime | None

    @property
    def account(self) -> str:
        return str(self.user.pk)

    @property
    def name(self) -> str:
        return self.user.get_username()

    @property
    def seen(self) -> str:
        return _named(self.since)


# --- used ----------------------------------------------------------------------------------------


def heard(*, user: User, **_: Any) -> None:
    """Connected to `ground.tokens.token_used`."""
    noted(user, now=clock.now())


def noted(user: User, *, now: datetime) -> None:
    """A token of this account was shown. Written once a minute by each process, for this is asked
    of every call."""
    account = str(user.pk)
    last = _noted.get(account)
    if last is not None and now - last < NOTED_EVERY:
        return
    if len(_noted) >= MOST_REMEMBERED:
        _noted.clear()
    _noted[account] = now
    where, change = {"_id": account}, {"$max": {"used_at": now}}
    collection(TokenUse).update_one(where, change, upsert=True)


# --- read ----------------------------------------------------------------------------------------


def clients() -> list[HeldToken]:
    """Of every platform, by name."""
    group = Group.objects.filter(name=platforms.GROUP).first()
    if group is None:
        return []
    pairs = User.groups.through.objects.filter(group_id=group.pk)
    keys = list(pairs.values_list("user_id", flat=True)[:LISTED])
    users = User.objects.filter(pk__in=keys)
    return sorted(_held(list(users)), key=lambda each: each.name.lower())


def of(user: User) -> HeldToken:
    return _held([user])[0]


def _held(users: list[User]) -> list[HeldToken]:
    keys = [each.pk for each in users]
    since = dict(Token.objects.filter(user_id__in=keys).values_list("user_id", "created"))
    wanted = {"_id": {"$in": [str(key) for key in keys]}}
    used = {row["_id"]: row["used_at"] for row in collection(TokenUse).find(wanted)}
    return [HeldToken(each, since.get(each.pk), used.get(str(each.pk))) for each in users]


def client(account: str) -> User:
    """Raises NoSuchClient."""
    user = people.account(account)
    if user is None or not platforms.is_platform(user):
        raise NoSuchClient
    return user


# --- changed -------------------------------------------------------------------------------------


def add_client(name: str, *, deed: Deed) -> tuple[str, str]:
    """Its account and its token. Raises WrongField."""
    try:
        User._meta.get_field("username").clean(name, None)
    except ValidationError as wrong:
        raise WrongField("name", " ".join(wrong.messages)) from None
    group, _ = Group.objects.get_or_create(name=platforms.GROUP)

    def body(session: ClientSession) -> tuple[str, str]:
        if User.objects.filter(username=name).exists():
            raise WrongField("name", "There is an account of that name.")
        user = User.objects.create_user(name)  # without a password: it cannot log in
        user.groups.add(group)
        key = _written(user, deed.now, session)
        after = {"token": _named(deed.now)}
        recorded(deed, "add_client", DeedTarget(CLIENT, name), session, DeedChange(None, after))
        return str(user.pk), key

    return transactions.run(body)


def replace(user: User, *, seen: str, deed: Deed) -> str:
    """A new token in place of the one that was seen, which proves nothing from now on; or the
    first again after it was revoked. Raises Outdated."""

    def body(session: ClientSession) -> str:
        _taken(user, seen, session)
        key = _written(user, deed.now, session)
        change = DeedChange({"token": seen or None}, {"token": _named(deed.now)})
        recorded(deed, "replace_token", target_of(user), session, change)
        return key

    return transactions.run(body)


def revoke(user: User, *, seen: str, deed: Deed) -> None:
    """It proves nothing from now on. Raises Outdated."""

    def body(session: ClientSession) -> None:
        if not seen:
            raise Outdated("There is no token to revoke.", "")
        _taken(user, seen, session)
        change = DeedChange({"token": seen}, {"token": None})
        recorded(deed, "revoke_token", target_of(user), session, change)

    transactions.run(body)


def target_of(user: User) -> DeedTarget:
    return DeedTarget(ACCOUNT if user.is_staff else CLIENT, user.get_username())


def _taken(user: User, seen: str, session: ClientSession) -> None:
    """The token that was seen is gone; where there was none, there is none."""
    held: dict[str, Any] | None = collection(Token).find_one({"user_id": user.pk}, session=session)
    present = _named(held["created"]) if held else ""
    if present != seen:
        raise Outdated("The token was changed meanwhile: look again.", present)
    collection(Token).delete_many({"user_id": user.pk}, session=session)


def _written(user: User, now: datetime, session: ClientSession) -> str:
    key: str = Token.generate_key()
    row = {"key": key, "user_id": user.pk, "created": now}
    collection(Token).insert_one(row, session=session)
    return key


def _named(since: datetime | None) -> str:
    return clock.iso(since) if since else ""
