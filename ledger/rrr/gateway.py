"""The RRR gateway: RedRoomRewards over HTTP answers the four questions.

An account's member is the platform's id of that person; our own accounts are members called
`platform-commission` and `issuer-tokens`. Only `GET /v1/members/{id}/ledger` is RRR's documented
interface; `POST /v1/transfers` and the balance are our reading of it (docs/rrr.md). RRR filters or
not: what we asked for is checked on our side."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pymongo.client_session import ClientSession

from ground import clock
from ground.json.fields import MAX_AMOUNT, Fields, Malformed
from ledger.gateway import (
    Group,
    InsufficientFunds,
    KeyReused,
    Order,
    Posted,
    PostedEntry,
    Refused,
    Result,
)
from ledger.rrr.client import RrrClient
from ledger.rrr.errors import Conflict, Invalid, KeyReuseMismatch, NotFound, Unreadable

MAX_PAGES = 100  # of one member's ledger for one question; `since` keeps it to one or two
MAX_ENTRIES_PER_PAGE = 1000
MAX_ORDERS = 10  # in one group
INSUFFICIENT = frozenset({"INSUFFICIENT_BALANCE", "INSUFFICIENT_FUNDS", "INSUFFICIENT_POINTS"})
REUSED = frozenset({"SOURCE_REF_REUSED"})
UNKNOWN_MEMBER = frozenset({"MEMBER_NOT_FOUND", "NOT_FOUND"})


class InsideTransaction(Exception):
    """A programming error: RRR was asked inside a database transaction, which may run twice and
    would be held open by it."""


class LedgerRefused(Refused):
    """RRR understood a transfer and refuses it for good."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.reason = f"ledger_{code.lower() or 'refused'}"[:60]


def client_from_settings() -> RrrClient:
    needed = ("RRR_API_BASE_URL", "RRR_CLIENT_ID", "RRR_CLIENT_SECRET")
    if missing := [name for name in needed if not getattr(settings, name)]:
        raise ImproperlyConfigured(
            f"LEDGER_GATEWAY=rrr needs {', '.join(missing)}; see docs/settings.md."
        )
    return RrrClient(
        base_url=settings.RRR_API_BASE_URL,
        client_id=settings.RRR_CLIENT_ID,
        client_secret=settings.RRR_CLIENT_SECRET,
        connect_timeout=settings.RRR_CONNECT_TIMEOUT_SECONDS,
        read_timeout=settings.RRR_READ_TIMEOUT_SECONDS,
    )


def member_of(account: str) -> str:
    owner, _, name = account.partition(":")
    return name if owner in ("user", "performer") else f"{owner}-{name}"


# A posting is believed whatever time it carries, as long as sums with it stay inside the calendar.
THEIR_CLOCK = timedelta(days=366)


class RrrGateway:
    joins_transactions = False

    def __init__(self, client: RrrClient | None = None) -> None:
        self._client = client or client_from_settings()

    @property
    def places_tips(self) -> bool:
        return bool(settings.LEDGER_PLACES_TIPS)

    # --- entries_for -----------------------------------------------------------------------------

    def entries_for(
        self, source_ref: str, *, accounts: Sequence[str], since: datetime | None = None
    ) -> list[PostedEntry]:
        members: dict[str, str] = {}
        for account in accounts:
            members.setdefault(member_of(account), account)
        found: dict[str, PostedEntry] = {}
        empty: list[str] = []  # members asked before any entry was seen
        for member, account in members.items():
            mine = self._entries(member, account, source_ref, since)
            found |= {entry.entry_id: entry for entry in mine}
            if not found:
                empty.append(member)
        if found:
            # A pair that was posted between two of our questions shows only its later half: ask the
            # earlier ones again, or the pair would be taken for a single entry.
            for member in empty:
                found |= {
                    entry.entry_id: entry
                    for entry in self._entries(member, members[member], source_ref, since)
                }
        return list(found.values())

    def _entries(
        self, member: str, account: str, source_ref: str, since: datetime | None
    ) -> list[PostedEntry]:
        found: list[PostedEntry] = []
        for page in self._pages(member, source_ref, since):
            found += [
                _entry(row, member, account) for row in page if row.says("source_ref", source_ref)
            ]
        return found

    def _pages(
        self, member: str, source_ref: str, since: datetime | None
    ) -> Iterator[list[Fields]]:
        params = {"source_ref": source_ref} | ({"from": clock.iso(since)} if since else {})
        seen: set[str] = set()
        while len(seen) < MAX_PAGES:
            try:
                page = self._client.get(f"/v1/members/{quote(member, safe='')}/ledger", params)
            except NotFound as error:
                if error.code in UNKNOWN_MEMBER:  # RRR's own word; any other 404 is a wrong address
                    return
                raise
            try:
                yield page.objects("entries", maximum=MAX_ENTRIES_PER_PAGE)
                cursor = page.optional_text("next_cursor", maximum=1000)
            except Malformed as bad:
                raise Unreadable(message=str(bad)) from None
            if not cursor:
                return
            if cursor in seen:
                raise Unreadable(message="next_cursor: repeats")
            seen.add(cursor)
            params["cursor"] = cursor
        # Half a ledger proves nothing: neither that there is an entry, nor that there is no other.
        raise Unreadable(message="the ledger has too many pages")

    # --- transfer --------------------------------------------------------------------------------

    def transfer(
        self,
        groups: Sequence[Group],
        *,
        now: datetime,
        session: ClientSession | None = None,
        are_new: bool = False,
    ) -> list[Result]:
        """Raises at the first group that RRR does not answer; the ones before it are done, and a
        repeat does nothing to them."""
        if session is not None:
            raise InsideTransaction
        return [self._transfer(group) for group in groups]

    def _transfer(self, group: Group) -> Result:
        """One group is one call, all or nothing; its first reference is its idempotency key."""
        if not 0 < len(group) <= MAX_ORDERS:
            raise ValueError(f"a group has 1 to {MAX_ORDERS} transfers")
        if any(member_of(order.debit) == member_of(order.credit) for order in group):
            return LedgerRefused("SAME_MEMBER")  # one person's two accounts are one member there
        try:
            answer = self._client.post(
                "/v1/transfers",
                {"transfers": [_written(order) for order in group]},
                key=group[0].key,
            )
        except Conflict as error:
            if isinstance(error, KeyReuseMismatch) or error.code in REUSED:
                return KeyReused()
            raise
        except (Invalid, NotFound) as error:
            # Without RRR's word, or at a wrong address, nothing is known about this group.
            if not error.code or (isinstance(error, NotFound) and error.code not in UNKNOWN_MEMBER):
                raise
            return InsufficientFunds() if error.code in INSUFFICIENT else LedgerRefused(error.code)
        try:
            return Posted(_posted(group, answer))
        except Malformed as bad:
            raise Unreadable(message=str(bad)) from None

    # --- balance_of, health ----------------------------------------------------------------------

    def balance_of(self, account: str) -> int:
        try:
            answer = self._client.get(f"/v1/members/{quote(member_of(account), safe='')}/balance")
            return answer.integer("balance", minimum=-MAX_AMOUNT, maximum=MAX_AMOUNT)
        except NotFound as error:
            if error.code in UNKNOWN_MEMBER:
                return 0
            raise
        except Malformed as bad:
            raise Unreadable(message=str(bad)) from None

    @property
    def circuit(self) -> str:
        """`closed`, `open` or `half_open`, as this process has it."""
        return self._client.circuit_state()

    def health(self) -> bool:
        return self._client.answers()


def _written(order: Order) -> dict[str, Any]:
    return {
        "source_ref": order.key,
        "reason_code": order.subject,
        "from_member_id": member_of(order.debit),
        "to_member_id": member_of(order.credit),
        "points": order.amount,
        "happened_at": clock.iso(order.happened_at),
    }


def _posted(group: Group, answer: Fields) -> list[PostedEntry]:
    """The entries in the order of the orders, debit before credit. Raises Malformed unless each
    order has its two."""
    rows = answer.objects("entries", maximum=2 * MAX_ORDERS)
    found = {}
    for row in rows:
        found[(row.text("source_ref", maximum=500), row.text("member_id", maximum=120))] = row
    wanted = [(order, account) for order in group for account in (order.debit, order.credit)]
    if found.keys() != {(order.key, member_of(account)) for order, account in wanted} or len(
        rows
    ) != len(wanted):
        raise Malformed("entries", "must be the two of each transfer")
    return [
        _entry(found[(order.key, member_of(account))], member_of(account), account)
        for order, account in wanted
    ]


def _entry(row: Fields, member: str, account: str) -> PostedEntry:
    """An entry as RRR gives it (docs/rrr.md). Raises Unreadable when it is not one, or somebody
    else's."""
    try:
        if row.text("member_id", maximum=120) != member:
            raise Malformed("member_id", "must be the member asked for")
        return PostedEntry(
            entry_id=row.text("entry_id", maximum=120),
            account=account,
            source_ref=row.text("source_ref", maximum=500),
            points_delta=row.integer("points_delta", minimum=-MAX_AMOUNT, maximum=MAX_AMOUNT),
            balance_after=row.integer("balance_after", minimum=-MAX_AMOUNT, maximum=MAX_AMOUNT),
            posted_at=row.moment("posted_at", ahead=THEIR_CLOCK) if row.has("posted_at") else None,
            kind=row.text("type", maximum=40),
        )
    except Malformed as bad:
        raise Unreadable(message=str(bad)) from None
