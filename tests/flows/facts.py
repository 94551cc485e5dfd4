"""The six facts, watched as the database records them: no waiting by the clock."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Self

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

Change = dict[str, Any]
Matches = Callable[[Change], bool]

PATIENCE_SECONDS = 30.0
FACTS = {
    1: "the delivery is stored",
    2: "the tip is recorded",
    3: "the event is logged and the request queued",
    4: "the request is claimed",
    5: "the activation is dispatched",
    6: "the activation is completed",
}
COLLECTIONS = ("webhook_deliveries", "tips", "tip_activated_event_log", "queue_requests", "activations")


def records(fact: int, tip_ids: Collection[str]) -> Matches:
    """Does this change record the fact for one of these tips?"""
    return lambda change: _RECORDS[fact](change, tip_ids)


def started(tip_id: str) -> Matches:
    """A page has said that the tip plays."""
    return lambda change: (
        _became(change, "activations", "activated") and _document(change).get("tip_id") == tip_id
    )


def _document(change: Change) -> dict[str, Any]:
    return change.get("fullDocument") or {}


def _inserted(change: Change, name: str) -> bool:
    return bool(change["ns"]["coll"] == name and change["operationType"] == "insert")


def _became(change: Change, name: str, status: str) -> bool:
    changed = change.get("updateDescription", {}).get("updatedFields", {})
    return bool(change["ns"]["coll"] == name and changed.get("status") == status)


_RECORDS: dict[int, Callable[[Change, Collection[str]], bool]] = {
    1: lambda change, tips: (
        _inserted(change, "webhook_deliveries")
        and (_document(change)["subject"] or "").partition("/")[2] in tips
    ),
    2: lambda change, tips: _inserted(change, "tips") and _document(change)["_id"] in tips,
    3: lambda change, tips: (
        _inserted(change, "queue_requests") and _document(change)["idempotency_key"] in tips
    ),
    4: lambda change, tips: (
        _became(change, "queue_requests", "claimed") and _document(change).get("idempotency_key") in tips
    ),
    5: lambda change, tips: _inserted(change, "activations") and _document(change)["tip_id"] in tips,
    6: lambda change, tips: (
        _became(change, "activations", "completed") and _document(change).get("tip_id") in tips
    ),
}


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
