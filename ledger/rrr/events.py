"""Notices: what RRR tells us by webhook. A notice proves nothing and moves nothing: it names
source_refs to look at again.

Stored like every signed call, so that a notice whose announcement was lost is announced by the next
round. Types that do not act are stored and ignored, so that RRR may add some."""

import hashlib
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from ground.inbox import inbox
from ground.json.fields import Fields, Malformed, read

log = logging.getLogger(__name__)

SOURCE = "rrr"
POSTED = frozenset({"POINTS_POSTED", "TRANSFER_COMPLETED"})
REVERSED = frozenset({"POINTS_REVERSED", "TRANSFER_REVERSED"})
_EVENT_ID = re.compile(r"[\x21-\x7e]{1,120}")  # printable ASCII without spaces


@dataclass(frozen=True, slots=True)
class LedgerNotice:
    """A parsed body `{event_id, event_type, data}`; `source_refs` are those that `data` names,
    wherever it names them."""

    event_id: str
    event_type: str
    source_refs: frozenset[str]

    @property
    def acts(self) -> bool:
        return bool(self.source_refs) and self.event_type in POSTED | REVERSED

    @property
    def fingerprint(self) -> str:
        """All that we take from a notice; whatever else it says may differ from one delivery to the
        next."""
        return hashlib.sha256(
            repr((self.event_type, sorted(self.source_refs))).encode()
        ).hexdigest()


@dataclass(slots=True)
class LedgerNews:
    """What notices say, one or several together."""

    keys: list[str] = field(default_factory=list)
    posted: set[str] = field(default_factory=set)
    reversed: set[str] = field(default_factory=set)


def parse(body: bytes) -> LedgerNotice:
    """Raises Malformed naming the field and the rule."""
    fields = read(body)
    event_id, event_type = (
        fields.text("event_id", maximum=120),
        fields.text("event_type", maximum=40),
    )
    if not _EVENT_ID.fullmatch(event_id):
        raise Malformed("event_id", "must be 1 to 120 printable ASCII characters without spaces")
    data = (
        fields.object("data") if event_type in POSTED | REVERSED else fields.object_or_empty("data")
    )
    return LedgerNotice(event_id, event_type, frozenset(_refs(data)))


def event_id_in(body: bytes) -> str:
    """The id of a malformed notice, as far as that can be read; else nothing."""
    try:
        return read(body).text("event_id", maximum=120)
    except Malformed:
        return ""


def _refs(data: Fields) -> Iterable[str]:
    """All of them: the limit of the body is theirs. References that no tip can have are left out: a
    tip's keeps to the same rule."""
    for value in data.every("source_ref"):
        if isinstance(value, str) and Fields.is_reference(value):
            yield value


def waiting(*, now: datetime, limit: int) -> list[LedgerNews]:
    """What was received and not announced yet: one for each notice."""
    found = []
    for row in inbox.waiting((SOURCE,), now=now, limit=limit):
        try:
            notice = parse(bytes(row["body"]))
        except (
            Malformed
        ) as error:  # it was none when it was received: kept and counted until somebody looks
            log.error("notice_failed", extra={"error_code": type(error).__name__}, exc_info=error)
            code, place = type(error).__name__, inbox.place_of(error)
            inbox.mark_failed(row["_id"], error=code, place=place, now=now)
            continue
        refs, is_reversal = set(notice.source_refs), notice.event_type in REVERSED
        said = {"reversed": refs} if is_reversal else {"posted": refs}
        found.append(LedgerNews([row["_id"]], **said))
    return found


def together(parts: Iterable[LedgerNews]) -> LedgerNews:
    news = LedgerNews()
    for part in parts:
        news.keys += part.keys
        news.posted |= part.posted
        news.reversed |= part.reversed
    return news


def announced(news: LedgerNews, *, now: datetime) -> None:
    inbox.mark_processed(news.keys, now=now)


def not_announced(news: LedgerNews, error: Exception, *, now: datetime) -> None:
    """Tried again later, and set aside after so many times."""
    log.error("notice_failed", extra={"error_code": type(error).__name__}, exc_info=error)
    for key in news.keys:
        code, place = type(error).__name__, inbox.place_of(error)
        inbox.mark_failed(key, error=code, place=place, now=now)
