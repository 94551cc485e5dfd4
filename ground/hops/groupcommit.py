"""Group commit: many callers, one write in flight; the next write takes everything that arrived
meanwhile.

An idle system pays no delay; under load the next write may first take a breath. The write itself is
a plain synchronous function that takes a list and returns one result per item: the same rule that
commands and tests call directly."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from ground.hops.rounds import NO_BREATH, Breath

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_BATCH = 500
MAX_WAITING = 20_000  # callers beyond it are refused at once: a bounded queue, not a silent backlog


class Overloaded(Exception):
    """More calls wait for the database than we are willing to hold; the caller should try again."""


class GroupCommit(Generic[Item, Result]):
    """`await commit(item)` returns what `write([... item ...])` answered for it, or raises what it
    raised; an exception among the answers is raised to the caller of that item alone."""

    def __init__(
        self,
        write: Callable[[list[Item]], Sequence[Result]],
        *,
        name: str,
        breath_seconds: float = NO_BREATH,
    ) -> None:
        self._write = write
        self._breath = Breath(breath_seconds)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._drain: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Result:
        if len(self._waiting) >= MAX_WAITING:
            raise Overloaded
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._drain is None:
            self._drain = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                if wait := self._breath.seconds_left:
                    await asyncio.sleep(wait)
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._commit(loop, batch)
        finally:
            self._drain = None

    async def _commit(
        self, loop: asyncio.AbstractEventLoop, batch: "list[tuple[Item, asyncio.Future[Result]]]"
    ) -> None:
        try:
            with self._breath:
                results = await loop.run_in_executor(
                    self._thread, self._write, [item for item, _ in batch]
                )
            answers = list(zip(batch, results, strict=True))
        except Exception as error:  # every caller of the batch hears of it
            for _, future in batch:
                _settle(future, error=error)
        else:
            for (_, future), result in answers:
                if isinstance(result, Exception):
                    _settle(future, error=result)
                else:
                    _settle(future, result=result)


def _settle(
    future: "asyncio.Future[Result]",
    *,
    result: Result | None = None,
    error: Exception | None = None,
) -> None:
    if future.done():  # the caller went away
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)  # type: ignore[arg-type]
