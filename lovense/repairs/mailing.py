"""Mail to a performer who is on air and not looking: what is to be mended for longer than PATIENCE,
once each, and never more than MOST an hour.

A repair asks for it by `mail_at`. Whoever moves it to `mailed_at` sends, and nobody sends it again:
a mail that is lost on its way is lost, for the pages say the same. Nobody's slow address holds up
the others: each is mailed once before anybody is a second time, and a round ends by the clock."""

import logging
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.core.mail import EmailMessage

from ground.mongodb import unique
from ground.mongodb.collections import collection
from lovense.models import NoticeMail, PageLease, Performer, Repair, RepairWeight
from lovense.performers import sections
from lovense.repairs import looking, words
from lovense.rows import Json, PageLeaseRow, RepairRow
from lovense.shows import onair
from lovense.shows.onair import OnAir
from tips.models import EPOCH
from tips.rows import Statement

log = logging.getLogger(__name__)

PATIENCE = looking.MAILED_AFTER
MOST, WINDOW = 6, timedelta(hours=1)
AGAIN = timedelta(minutes=1)  # when it is looked at again whether it is to be mailed
ROUND_SECONDS = 15.0  # then the thread goes back to its pool; a mail that has begun is ended
INDEX = "repair_mail"


class Mailed(NamedTuple):
    """`has_more`: more were due than one round takes; not where it took too long for them."""

    sent: int
    has_more: bool


class _Hers(NamedTuple):
    address: str
    since: datetime | None  # on air; None: off air


def drain(*, now: datetime, limit: int) -> Mailed:
    """In three steps: 1. what is due; 2. who wants to know, and is on air; 3. each is mailed, or
    looked at again later."""
    rows = _due(now, limit)
    hers = _hers({row["performer_id"] for row in rows}, now)
    sent, ends = 0, time.monotonic() + ROUND_SECONDS
    for row in _by_turns(rows):
        if time.monotonic() >= ends:
            return Mailed(sent, has_more=False)
        sent += _look(row, hers[row["performer_id"]], now)
    return Mailed(sent, len(rows) >= limit)


# --- 1. what -------------------------------------------------------------------------------------


def _due(now: datetime, limit: int) -> list[RepairRow]:
    wanted = {"mail_at": {"$gt": EPOCH, "$lte": now}}
    return list(collection(Repair).find(wanted).hint(INDEX).sort("mail_at", 1).limit(limit))


def _by_turns(rows: list[RepairRow]) -> list[RepairRow]:
    """Everybody's first before anybody's second."""
    taken = Counter[str]()

    def turn(row: RepairRow) -> int:
        taken[row["performer_id"]] += 1
        return taken[row["performer_id"]]

    return sorted(rows, key=turn)


# --- 2. to whom ----------------------------------------------------------------------------------


def _hers(performer_ids: Iterable[str], now: datetime) -> dict[str, _Hers]:
    keys = list(performer_ids)
    wanted = {"_id": {"$in": keys}}
    leases: list[PageLeaseRow] = list(collection(PageLease).find(wanted))
    shows = {row["_id"]: onair.of_lease(row, now) for row in leases}
    rows = collection(Performer).find(wanted, {"page_choices": 1}).hint("_id_")
    choices = {row["_id"]: row.get("page_choices") for row in rows}
    return {each: _one(choices.get(each), shows.get(each)) for each in keys}


def _one(choices: Json | None, show: OnAir | None) -> _Hers:
    address = sections.chosen(choices, "noticeEmail") or ""
    return _Hers(address, show["since"] if show else None)


# --- 3. mailed -----------------------------------------------------------------------------------


def _look(row: RepairRow, hers: _Hers, now: datetime) -> bool:
    """Whether it was mailed by us."""
    later = _later(row, hers, now)
    if later is not None or not row["open_key"]:
        _put(row, later if row["open_key"] else None)
        return False
    if not _put(row, None, mailed_at=now):
        return False
    if not _take_place(row["performer_id"], now):
        after: Statement = {"mail_at": now + AGAIN, "mailed_at": None}
        collection(Repair).update_one({"_id": row["_id"], "mailed_at": now}, {"$set": after})
        return False
    _send(row, hers.address)
    return True


def _later(row: RepairRow, hers: _Hers, now: datetime) -> datetime | None:
    """When to look again; None: it is to be mailed now. Pure."""
    is_hers = hers.address and hers.since is not None and row["weight"] != RepairWeight.MILD
    if not is_hers or hers.since is None:
        return now + AGAIN
    due = max(row["since"], hers.since) + PATIENCE
    return due if due > now else None


def _put(row: RepairRow, mail_at: datetime | None, **more: datetime) -> bool:
    """False: another round was faster, or it is over."""
    as_read = {name: row.get(name) for name in ("_id", "mail_at", "open_key")}
    done = collection(Repair).update_one(as_read, {"$set": {"mail_at": mail_at, **more}})
    return bool(done.matched_count)


def _take_place(performer_id: str, now: datetime) -> bool:
    """Among those of this hour. Who is overtaken looks again: that happens once for each place."""
    mails = collection(NoticeMail)
    for _ in range(MOST + 1):
        row = mails.find_one({"_id": performer_id})
        if row is None:
            if not unique.insert(NoticeMail, [{"_id": performer_id, "at": [now]}]):
                return True
            continue
        recent = [at for at in row["at"] if at > now - WINDOW]
        if len(recent) >= MOST:
            return False
        as_read = {"_id": performer_id, "at": row["at"]}
        if mails.update_one(as_read, {"$set": {"at": [*recent, now]}}).matched_count:
            return True
    return False


def _send(row: RepairRow, address: str) -> None:
    advice = words.of(row)
    text = (
        f"{advice.wrong}\n\n{advice.todo}\n\n"
        f"{settings.PUBLIC_BASE_URL}/devices\n\n"
        f"You are told because it has lasted for {PATIENCE.seconds // 60} minutes while you are on "
        f"air. What is mailed to you: {settings.PUBLIC_BASE_URL}/preferences/noticing\n"
    )
    try:
        EmailMessage(" ".join(advice.wrong.split()), text, to=[address]).send()
    except (OSError, ValueError) as error:  # the network, the mail server, a name that is none
        log.warning("notice_not_mailed", extra={"error_code": type(error).__name__})
