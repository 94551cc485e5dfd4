"""The simulated ledger: members, entries, transfers and a test clock, in memory. It knows nothing
of HTTP."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ground import clock
from ground.clock import iso, truncated

Row = dict[str, Any]

MINT = "issuer-tokens"  # the one member that may be below zero
PAGE = 50
MAX_DELAY_SECONDS = 48 * 3600.0


class Broken(Exception):
    """A rule of the simulated ledger is broken: the HTTP status and RRR's code for it."""

    def __init__(self, status: int, code: str, message: str, details: Any = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details


class RemoteBooks:
    """Everything under one lock. `happened` hears what RRR would send webhooks about: a type and
    its data."""

    def __init__(
        self,
        *,
        client_id: str,
        happened: Callable[[str, Row], object] = lambda event_type, data: None,
    ) -> None:
        self.delay_seconds = 0.0  # from creation to posting, unless a transfer is told otherwise
        self.single = False  # RRR shows one entry of a transfer instead of two
        self.page = PAGE
        self._client_id, self._happened = client_id, happened
        self._lock = threading.RLock()
        self._offset = timedelta()
        self._entries: list[Row] = []
        self._balances: dict[str, int] = {}
        self._waiting: list[
            tuple[datetime, str, list[Row]]
        ] = []  # due, event type, the rows that are posted then
        self._transfers: dict[str, tuple[Row, ...]] = {}  # what was asked, by idempotency key
        self._refs: dict[str, list[Row]] = {}  # the rows of each transferred source_ref

    # --- the test clock --------------------------------------------------------------------------

    def now(self) -> datetime:
        return truncated(clock.now() + self._offset)

    def advance(self, seconds: float) -> datetime:
        """Time goes on by so much; what was due meanwhile is posted, at the time it was due."""
        with self._lock:
            self._offset += timedelta(seconds=seconds)
        self.tick()
        return self.now()

    def tick(self) -> None:
        with self._lock:
            now = self.now()
            due = [waiting for waiting in self._waiting if waiting[0] <= now]
            self._waiting = [waiting for waiting in self._waiting if waiting[0] > now]
            for at, event_type, rows in sorted(due, key=lambda waiting: waiting[0]):
                self._post(at, event_type, rows)

    def _post(self, at: datetime, event_type: str, rows: list[Row]) -> None:
        for row in rows:
            row["posted_at"] = iso(at)
        data = {
            "source_ref": rows[0]["source_ref"],
            "posted_at": iso(at),
            "entry_ids": [row["entry_id"] for row in rows],
        }
        self._happened(event_type, data)

    # --- what RRR's clients ask ------------------------------------------------------------------

    def ledger(
        self, member: str, *, filters: Mapping[str, str], cursor: int = 0
    ) -> tuple[list[Row], int | None]:
        """One page of a member's entries, the oldest first, and where the next one begins."""
        self.tick()
        with self._lock:
            if member not in self._balances:
                raise Broken(404, "MEMBER_NOT_FOUND", "There is no such member.")
            found = [
                row for row in self._entries if row["member_id"] == member and _passes(row, filters)
            ]
            rest = cursor + self.page
            return [_shown(row) for row in found[cursor:rest]], rest if rest < len(found) else None

    def balance(self, member: str) -> int:
        with self._lock:
            if member not in self._balances:
                raise Broken(404, "MEMBER_NOT_FOUND", "There is no such member.")
            return self._balances[member]

    def transfer(self, orders: Sequence[Row], *, key: str) -> tuple[bool, list[Row]]:
        """All orders or none; whether it was new, and the entries. Only what was done is remembered
        under its key."""
        self.tick()
        with self._lock:
            if key in self._transfers:
                if self._transfers[key] != tuple(orders):
                    raise Broken(
                        409, "IDEMPOTENCY_KEY_REUSE_MISMATCH", "This key came with another body."
                    )
                return False, [
                    _shown(row) for order in orders for row in self._refs[order["source_ref"]]
                ]
            self._check(orders)
            self._transfers[key] = tuple(orders)
            rows = [row for order in orders for row in self._move(order, self.delay_seconds)]
            return True, [_shown(row) for row in rows]

    def _check(self, orders: Sequence[Row]) -> None:
        left = dict(self._balances)
        for order in orders:
            payer, points = order["from_member_id"], order["points"]
            if order["source_ref"] in self._refs:
                raise Broken(409, "SOURCE_REF_REUSED", "This source_ref was transferred before.")
            if payer != MINT and left.get(payer, 0) < points:
                raise Broken(422, "INSUFFICIENT_BALANCE", "The member has not enough points.")
            left[payer] = left.get(payer, 0) - points
            left[order["to_member_id"]] = left.get(order["to_member_id"], 0) + points

    # --- what somebody else causes ---------------------------------------------------------------

    def post(
        self,
        source_ref: str,
        *,
        payer: str,
        payee: str,
        points: int,
        delay_seconds: float | None = None,
        single: bool | None = None,
    ) -> list[Row]:
        """The platform causes a transfer; the payer is given the points it lacks. With `single` RRR
        shows one REDEEM."""
        self.tick()
        with self._lock:
            if (missing := points - self._balances.get(payer, 0)) > 0:
                self._add(
                    payer,
                    missing,
                    kind="EARN",
                    source_ref=f"PURCHASE_{len(self._entries)}",
                    delay_seconds=0,
                )
            delay = self.delay_seconds if delay_seconds is None else delay_seconds
            if self.single if single is None else single:
                self._balances.setdefault(payee, 0)
                return [
                    _shown(
                        self._add(
                            payer,
                            -points,
                            kind="REDEEM",
                            source_ref=source_ref,
                            delay_seconds=delay,
                        )
                    )
                ]
            order = {
                "source_ref": source_ref,
                "from_member_id": payer,
                "to_member_id": payee,
                "points": points,
            }
            return [_shown(row) for row in self._move(order, delay)]

    def add(
        self,
        member: str,
        points: int,
        *,
        source_ref: str | None,
        kind: str = "ADJUST",
        delay_seconds: float | None = None,
    ) -> Row:
        """A lone entry of any kind."""
        self.tick()
        with self._lock:
            delay = self.delay_seconds if delay_seconds is None else delay_seconds
            return _shown(
                self._add(member, points, kind=kind, source_ref=source_ref, delay_seconds=delay)
            )

    def reverse(self, source_ref: str, *, delay_seconds: float = 0.0) -> list[Row]:
        """Takes back every entry of a source_ref by a REVERSAL under the same reference; the
        originals stay."""
        self.tick()
        with self._lock:
            taken = [
                row
                for row in self._entries
                if row["source_ref"] == source_ref and row["type"] != "REVERSAL"
            ]
            if not taken:
                raise Broken(404, "NOT_FOUND", "There is no entry of this source_ref.")
            rows = [
                self._entry(row["member_id"], -row["points_delta"], "REVERSAL", source_ref)
                for row in taken
            ]
            self._due(
                rows, "TRANSFER_REVERSED" if len(rows) > 1 else "POINTS_REVERSED", delay_seconds
            )
            return [_shown(row) for row in rows]

    # --- rows ------------------------------------------------------------------------------------

    def _move(self, order: Row, delay_seconds: float) -> list[Row]:
        reference, points = order["source_ref"], order["points"]
        rows = [
            self._entry(order["from_member_id"], -points, "TRANSFER_OUT", reference),
            self._entry(order["to_member_id"], points, "TRANSFER_IN", reference),
        ]
        self._refs[reference] = rows
        self._due(rows, "TRANSFER_COMPLETED", delay_seconds)
        return rows

    def _add(
        self, member: str, points: int, *, kind: str, source_ref: str | None, delay_seconds: float
    ) -> Row:
        row = self._entry(member, points, kind, source_ref)
        self._due(
            [row], "POINTS_REVERSED" if kind == "REVERSAL" else "POINTS_POSTED", delay_seconds
        )
        return row

    def _due(self, rows: list[Row], event_type: str, delay_seconds: float) -> None:
        if not 0 <= delay_seconds <= MAX_DELAY_SECONDS:
            raise Broken(422, "INVALID", f"A post takes 0 to {MAX_DELAY_SECONDS:.0f} seconds.")
        self._waiting.append((self.now() + timedelta(seconds=delay_seconds), event_type, rows))
        self.tick()

    def _entry(self, member: str, points: int, kind: str, source_ref: str | None) -> Row:
        self._balances[member] = self._balances.get(member, 0) + points
        row: Row = {
            "entry_id": f"rrr_entry_{len(self._entries) + 1:06d}",
            "member_id": member,
            "client_id": self._client_id,
            "type": kind,
            "points_delta": points,
            "balance_after": self._balances[member],
            "reason_code": "TIP",
            "source_ref": source_ref,
            "created_at": iso(self.now()),
            "posted_at": None,
            "actor": "simulator",
        }
        self._entries.append(row)
        return row


def _passes(row: Row, filters: Mapping[str, str]) -> bool:
    if any(name in filters and row[name] != filters[name] for name in ("source_ref", "type")):
        return False
    # One form of writing, so that text compares as time.
    return bool(filters.get("from", "") <= row["created_at"] <= filters.get("to", "9999"))


def _shown(row: Row) -> Row:
    return dict(row)
