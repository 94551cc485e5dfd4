"""Where an account is logged in, and the end of it. A session is Django's; what is kept here says
from which browser and network it is, and since when.

Ending a session deletes it, so it is over whatever is kept here. What was logged in before this was
kept is not listed; a new password and "log out everywhere" end it all the same."""

import re
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

from django.contrib.sessions.models import Session
from pymongo.client_session import ClientSession

from ground import ids
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.models import LoggedIn
from lovense.rows import LoggedInRow

LISTED = 50
# The first that stands in what a browser says of itself: most claim to be others, too.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


class NoSuchLogIn(Refusal):
    """A log-in is ended by the account that it is of."""

    code, status, words = "not_found", 404, "There is no such log-in."


class WhereLoggedIn(NamedTuple):
    """`is_here`: it is the session that asks."""

    login_id: str
    browser: str
    network: str
    since: datetime
    is_here: bool


class BrowserLogIn(NamedTuple):
    """What a browser says, and from where."""

    account: str
    session_key: str
    agent: str
    address: str


# --- kept ----------------------------------------------------------------------------------------


def began(login: BrowserLogIn, *, now: datetime, age: timedelta) -> None:
    collection(LoggedIn).insert_one(
        {
            "_id": ids.fresh(),
            "account": login.account,
            "session_key": login.session_key,
            "browser": browser_of(login.agent),
            "network": network_of(login.address),
            "since": now,
            "expires_at": now + age,
        }
    )


def renewed(before: str, after: str) -> None:
    """The same session, under another key."""
    collection(LoggedIn).update_one({"session_key": before}, {"$set": {"session_key": after}})


def browser_of(agent: str) -> str:
    """`Firefox on Linux`, in words that nobody outside has written. Pure."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return f"{browser} on {system}" if system else browser


def network_of(address: str) -> str:
    """The part of an address that is shared by many. Pure."""
    try:
        found = ip_address(re.sub(r"%.*", "", address))
    except ValueError:
        return ""
    bits = 48 if isinstance(found, IPv6Address) else 24
    return str(ip_network(f"{found}/{bits}", strict=False))


# --- read ----------------------------------------------------------------------------------------


def of(account: str, *, here: str, now: datetime) -> list[WhereLoggedIn]:
    """The newest first, those whose session still is; at most LISTED."""
    wanted = {"account": account}
    rows: list[LoggedInRow] = list(
        collection(LoggedIn).find(wanted).sort("since", -1).limit(LISTED)
    )
    keys = [row["session_key"] for row in rows]
    alive = Session.objects.filter(pk__in=keys, expire_date__gt=now)
    kept = set(alive.values_list("pk", flat=True))
    return [_where(row, here) for row in rows if row["session_key"] in kept]


def _where(row: LoggedInRow, here: str) -> WhereLoggedIn:
    is_here = row["session_key"] == here
    return WhereLoggedIn(row["_id"], row["browser"], row["network"], row["since"], is_here)


# --- ended ---------------------------------------------------------------------------------------


def end(account: str, login_id: str, *, session: ClientSession | None = None) -> str:
    """The key of the session that is over now. Raises NoSuchLogIn. `session`: of the transaction
    that it is part of."""
    wanted = {"_id": login_id, "account": account}
    row = collection(LoggedIn).find_one_and_delete(wanted, session=session)
    if row is None:
        raise NoSuchLogIn
    Session.objects.filter(pk=row["session_key"]).delete()
    return str(row["session_key"])


def end_all(account: str, *, but: str = "", session: ClientSession | None = None) -> int:
    """How many that were."""
    rows, wanted = collection(LoggedIn), {"account": account, "session_key": {"$ne": but}}
    keys = [row["session_key"] for row in rows.find(wanted, {"session_key": 1}, session=session)]
    ended: int = Session.objects.filter(pk__in=keys).delete()[0]
    rows.delete_many(wanted, session=session)
    return ended
