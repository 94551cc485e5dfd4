"""Single transfers share a transaction: one thread posts at a time and takes along what the others
asked for meanwhile.

Transactions that write one account begin again until they meet no other; with an account that
everybody pays into, eight threads get a seventh of what the disk allows. Nothing waits for company:
a thread alone posts at once. Whoever has posted hands on to the first that waits, so nobody works
for the others for ever."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ground.journal import journal
from ledger import gateway
from ledger.books import posting
from ledger.gateway import Group, Result

MAX_CALLS = 200  # in one transaction


@dataclass(slots=True)
class _Call:
    groups: Sequence[Group]
    now: datetime
    results: list[Result] = field(default_factory=list)
    error: BaseException | None = None
    is_done: bool = False
    turn: threading.Event = field(
        default_factory=threading.Event
    )  # answered, or the first of those that wait


class SharedPosting:
    """`post(groups, now=…)` answers when they are durable, or raises what became of the transaction
    they were in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Call] = []
        self._is_busy = False

    def post(self, groups: Sequence[Group], *, now: datetime) -> list[Result]:
        call = _Call(groups, now)
        with self._lock:
            self._waiting.append(call)
            is_first, self._is_busy = not self._is_busy, True
        if not is_first:
            call.turn.wait()
        if not call.is_done:
            self._lead()
        if call.error is not None:
            raise call.error
        return call.results

    def _lead(self) -> None:
        with self._lock:
            calls, self._waiting = self._waiting[:MAX_CALLS], self._waiting[MAX_CALLS:]
        try:
            self._post(calls)
        finally:
            with self._lock:
                following = self._waiting[:1]
                self._is_busy = bool(following)
            for call in [*calls, *following]:
                call.turn.set()

    def _post(self, calls: list[_Call]) -> None:
        groups = [group for call in calls for group in call.groups]
        now = max(call.now for call in calls)
        try:
            results = iter(
                journal.run(
                    lambda session: posting.post(groups, now=now, session=session),
                    touched=journal.Touched(gateway.accounts_in(groups)),
                    now=now,
                )
            )
            for call in calls:
                call.results = [next(results) for _ in call.groups]
        except BaseException as error:  # whatever it was, everyone in the transaction hears of it
            for call in calls:
                call.error = error
        finally:
            for call in calls:
                call.is_done = True


post = SharedPosting().post
