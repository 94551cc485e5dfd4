"""Who of staff opens a socket, by the browser's session alone; and how long it may be open."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from adminpanel.people import sessions
from adminpanel.people.sessions import Mark
from ground import people
from ground.people import Role
from lovense.performers import identity

SESSIONS_READ = 1_000  # sessions whose marks a process remembers


@dataclass(frozen=True, slots=True)
class Watcher:
    """A socket lives no longer than the session it was opened by."""

    user_id: Any
    session: str
    password: str  # its hash: a changed one ends all sessions


def watcher_of(scope: dict[str, Any], *, now: datetime) -> Watcher | None:
    """None for anyone who is not staff, or comes from another origin."""
    found = identity.signed_in(scope)
    if found is None:
        return None
    user, session = found
    watcher = Watcher(user.pk, session, user.password)
    return watcher if roles([watcher], now=now) else None


def roles(watchers: Collection[Watcher], *, now: datetime) -> dict[Watcher, Role]:
    """Those who may watch, with the role that they have now: the account is in use and staff, the
    session has not ended by itself or by hand. Three reads for all of them."""
    keys = {each.session for each in watchers}
    users = User.objects.filter(pk__in={each.user_id for each in watchers}, is_active=True)
    accounts = {user.pk: user for user in users}
    given = people.given_roles(accounts.values())
    kept = Session.objects.filter(pk__in=keys, expire_date__gt=now)
    marks = {key: _mark(data) for key, data in kept.values_list("pk", "session_data")}

    def may_watch(each: Watcher) -> bool:
        if each.user_id not in given or each.session not in marks:
            return False
        is_same = accounts[each.user_id].password == each.password
        return is_same and not sessions.over(
            marks[each.session],
            is_admin=given[each.user_id] is Role.ADMIN,
            is_required=settings.STAFF_REQUIRE_OTP,
            now=now,
        )

    return {each: given[each.user_id] for each in watchers if may_watch(each)}


@lru_cache(SESSIONS_READ)
def _mark(data: str) -> Mark | None:
    """As long as a session says the same, it is unpacked once."""
    mark: Mark | None = Session(session_data=data).get_decoded().get(sessions.MARK)
    return mark
