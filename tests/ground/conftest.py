"""Fixtures for tests of the database itself."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ground.mongodb.collections import client


@pytest.fixture
def fail_command(db: None) -> Iterator[Callable[..., None]]:
    """`fail_command("commitTransaction", times=1, errorCode=…)`: the server fails these commands of ours,
    then works again."""
    point = {"configureFailPoint": "failCommand"}

    def set_point(*commands: str, times: int = 1, **data: Any) -> None:
        client().admin.command(
            point | {"mode": {"times": times}, "data": {"failCommands": list(commands), **data}}
        )

    yield set_point
    client().admin.command(point | {"mode": "off"})


@pytest.fixture
def time_is_up(db: None) -> Iterator[None]:
    """Whatever we ask the server to do within a time (`maxTimeMS`) takes longer."""
    point = {"configureFailPoint": "maxTimeAlwaysTimeOut"}
    client().admin.command(point | {"mode": "alwaysOn"})
    yield
    client().admin.command(point | {"mode": "off"})


@pytest.fixture
def in_threads() -> Callable[..., list[Any]]:
    """`in_threads(work, times=8)`: all start at once; the results, or the first error."""

    def run(work: Callable[[], Any], *, times: int, workers: int = 8) -> list[Any]:
        barrier = threading.Barrier(workers)

        def share(count: int) -> list[Any]:
            barrier.wait(10)
            return [work() for _ in range(count)]

        shares = [times // workers + (position < times % workers) for position in range(workers)]
        with ThreadPoolExecutor(workers) as pool:
            return [result for results in pool.map(share, shares) for result in results]

    return run
