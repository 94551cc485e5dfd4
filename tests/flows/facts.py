"""The six facts, watched as the database records them: no waiting by the clock.

What a fact is, `lovense/facts.py` says. Rows that say several at once record all of them."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Any, Self

from django.db.models import Model
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from lovense.facts import SIX, confirmed_at
from lovense.models import Activation
from tips.models import QueueRequest

Change = dict[str, Any]
Row = dict[str, Any]
Matches = Callable[[Change], bool]

PATIENCE_SECONDS = 30.0
FACTS = {fact.number: fact.name.lower() for fact in SIX}
COLLECTIONS = sorted({fact.model._meta.db_table for fact in SIX} | {QueueRequest._meta.db_table})
BY_NUMBER = {fact.number: fact for fact in SIX}


def records(fact: int, tip_ids: Collection[str]) -> Matches:
    """Does this change record the fact for one of these tips?"""
    one = BY_NUMBER[fact]
    return _first(one.model, one.tip_of, tip_ids, one.at)


def claims(tip_ids: Collection[str]) -> Matches:
    """The first half of fact 4: nothing is decided yet."""
    return _first(
        QueueRequest, lambda row: row.get("idempotency_key"), tip_ids, lambda row: row.get("claimed_at")
    )


def confirms(tip_ids: Collection[str]) -> Matches:
    """Has the page that was handed one of these tips said that it has it?"""
    return _first(Activation, BY_NUMBER[5].tip_of, tip_ids, confirmed_at)


# Facts 4 and 5 are one write today; that a request is claimed comes before both.
MOMENTS: dict[str, Callable[[Collection[str]], Matches]] = {
    "1-stored": partial(records, 1),
    "2-recorded": partial(records, 2),
    "3-settled": partial(records, 3),
    "4-claimed": claims,
    "5-handed-over": partial(records, 5),
    "5-confirmed": confirms,
    "6-acknowledged": partial(records, 6),
}


def _first(
    model: type[Model], tip_of: Callable[[Row], Any], tip_ids: Collection[str], at: Callable[[Row], Any]
) -> Matches:
    """The first change of each tip after which the row says when: it changes again later."""
    seen: set[str] = set()

    def matches(change: Change) -> bool:
        row = _document(change)
        if change["ns"]["coll"] != model._meta.db_table or at(row) is None:
            return False
        if (tip_id := tip_of(row)) not in tip_ids or tip_id in seen:
            return False
        seen.add(tip_id)
        return True

    return matches


def started(tip_id: str) -> Matches:
    """A page has said that the tip plays."""
    return lambda change: (
        change["ns"]["coll"] == Activation._meta.db_table
        and _document(change).get("tip_id") == tip_id
        and _document(change).get("started_at") is not None
    )


def _document(change: Change) -> dict[str, Any]:
    return change.get("fullDocument") or {}


class Facts:
    """`async with Facts(uri) as facts`: follows the stream from the beginning of the block, over any death of
    mongod."""

    def __init__(self, uri: str) -> None:
        self.client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri, tz_aware=True, w="majority")
        self.database = self.client.get_default_database()
        self._waits: list[Callable[[Change], None]] = []
        self._token: Any = None
        self._is_over = False

    async def __aenter__(self) -> Self:
        self._stream = await self._open()
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._is_over = True  # PyMongo may turn the cancellation of a read into an error of its own
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        with contextlib.suppress(PyMongoError):
            await self._stream.close()
        await self.client.close()

    async def _open(self) -> Any:
        pipeline = [{"$match": {"ns.coll": {"$in": COLLECTIONS}}}]
        return await self.database.watch(pipeline, full_document="updateLookup", resume_after=self._token)

    async def _follow(self) -> None:
        while not self._is_over:
            try:
                async for change in self._stream:
                    self._token = self._stream.resume_token
                    for heard in list(self._waits):
                        heard(change)
            except PyMongoError:
                if not self._is_over:
                    with contextlib.suppress(PyMongoError):  # mongod is away: the next round asks again
                        self._stream = await self._open()

    @contextlib.contextmanager
    def _hearing(self, heard: Callable[[Change], None]) -> Any:
        self._waits.append(heard)
        try:
            yield
        finally:
            self._waits.remove(heard)

    async def recorded(self, matches: Matches, *, times: int = 1) -> None:
        """Returns at the `times`-th change that matches, counted from this call."""
        enough, count = asyncio.Event(), 0

        def heard(change: Change) -> None:
            nonlocal count
            count += matches(change)
            if count >= times:
                enough.set()

        with self._hearing(heard):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await enough.wait()

    async def until(
        self, question: Callable[[], Awaitable[bool]], *, seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Returns when the answer is yes; asks at once, and again after every change."""
        changed = asyncio.Event()
        with self._hearing(lambda change: changed.set()):
            async with asyncio.timeout(seconds):
                while not await self._answer(question):
                    await changed.wait()
                    changed.clear()

    async def _answer(self, question: Callable[[], Awaitable[bool]]) -> bool:
        while True:
            try:
                return await question()
            except PyMongoError:
                continue  # the driver waits until there is a server to ask
