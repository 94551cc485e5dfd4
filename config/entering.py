"""How somebody comes in, by whatever she has proved: the session, where it is kept for her to see,
and for how long it is good. And how it is held for whom has given a password and has a second
factor to prove: she is nobody until then."""

from datetime import timedelta
from typing import NamedTuple

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpRequest

from adminpanel.lists import times
from adminpanel.people import sessions
from ground import clock, people
from lovense.performers import loggedin

LONGEST_AGENT = 1000
HELD = "held"  # under which a session says who has given a password
HELD_FOR = timedelta(minutes=10)
_BACKEND = "django.contrib.auth.backends.ModelBackend"


class Held(NamedTuple):
    """`salt`: of the second factor that she is setting up."""

    user: User
    then: str
    salt: str


def enter(request: HttpRequest, user: User, *, is_proved: bool = False) -> None:
    """Logged in; where that was is kept, for whoever it is to see."""
    now, session = clock.now(), request.session
    session.pop(HELD, None)
    session.set_expiry(None)  # of whoever was held here before
    login(request, user, backend=_BACKEND)
    if user.is_staff:
        session[sessions.MARK] = sessions.begun(is_proved=is_proved, now=now)
        session.set_expiry(now + sessions.LONGEST)
        times.recall(session, str(user.pk))
    meta = request.META
    begun = loggedin.BrowserLogIn(
        str(user.pk),
        session.session_key or "",
        str(meta.get("HTTP_USER_AGENT", ""))[:LONGEST_AGENT],
        str(meta.get("REMOTE_ADDR", "")),
    )
    loggedin.began(begun, now=now, age=timedelta(seconds=session.get_expiry_age()))


def hold(request: HttpRequest, user: User, *, then: str, salt: str) -> None:
    session = request.session
    session.cycle_key()
    session[HELD] = {
        "account": str(user.pk),
        "by": user.get_session_auth_hash(),
        "at": clock.now().timestamp(),
        "then": then,
        "salt": salt,
    }
    session.set_expiry(int(HELD_FOR.total_seconds()))


def held(request: HttpRequest) -> Held | None:
    """None: nobody has given a password here lately, or it is another by now."""
    kept = request.session.get(HELD)
    if not kept or clock.now().timestamp() - kept["at"] >= HELD_FOR.total_seconds():
        return None
    user = people.account(kept["account"], is_active=True, is_staff=True)
    if user is None or user.get_session_auth_hash() != kept["by"]:
        return None
    return Held(user, kept["then"], kept["salt"])
