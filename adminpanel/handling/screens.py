"""A look at a performer's screen: opened with a reason, for a quarter of an hour, in the session of
who said it. Nothing of hers is read or changed here."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib.sessions.backends.base import SessionBase

from adminpanel.people.deeds import Deed, DeedChange, DeedTarget, recorded
from ground import clock
from ground.mongodb import transactions
from ground.people import Role
from lovense.performers.seenby import SEE

OPEN_FOR = timedelta(minutes=15)
MOST_OPEN = 8  # in one session; of more the first is closed
_KEPT = "screens"


class ScreenLook(NamedTuple):
    """Who looks, as what, since when, and why."""

    role: str
    why: str
    since: datetime

    @property
    def until(self) -> datetime:
        return self.since + OPEN_FOR


def target(performer_id: str) -> DeedTarget:
    """An entry of the history of her id, and none of her queue: nothing of hers has changed."""
    return DeedTarget("performer", performer_id)


def begin(session: SessionBase, performer_id: str, *, role: Role, deed: Deed) -> None:
    """Recorded first: what could not be recorded is not open."""
    look = ScreenLook(role.value, deed.why, deed.now)
    told = DeedChange(None, {"role": look.role, "until": clock.iso(look.until)})
    transactions.run(lambda within: recorded(deed, SEE, target(performer_id), within, told))
    others = {key: each for key, each in _open(session, deed.now).items() if key != performer_id}
    kept = [*others.items(), (performer_id, look)][-MOST_OPEN:]
    session[_KEPT] = {key: [role, why, clock.iso(at)] for key, (role, why, at) in kept}


def opened(session: SessionBase, performer_id: str, *, now: datetime) -> ScreenLook | None:
    """The look that is open now; None: nobody has said why, or it is over."""
    return _open(session, now).get(performer_id)


def _open(session: SessionBase, now: datetime) -> dict[str, ScreenLook]:
    kept = {
        key: ScreenLook(role, why, datetime.fromisoformat(at))
        for key, (role, why, at) in session.get(_KEPT, {}).items()
    }
    return {key: look for key, look in kept.items() if now < look.until}
