"""One stack for all the flows, where the beat lives in the worker; one with two web processes, and one whose
beat is a process of its own. Each test takes performers of its own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from tests.flows import show
from tests.flows.show import VIEWERS, Cast, Show
from tests.flows.stack import Stack

# What bounds a wait, short: the tests wait for facts, not for these. What bounds a finish stays long enough
# for any restart.
WINDOWS: dict[str, Any] = {"RECEIVED_WINDOW_SECONDS": "2", "FINISH_GRACE_SECONDS": "10"}
PERFORMERS, PERFORMERS_OF_TWO, PERFORMERS_WITH_BEAT = 150, 100, 50

Begin = Callable[..., AbstractAsyncContextManager[Show]]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack"), **WINDOWS) as running:
        yield running


@pytest.fixture(scope="session")
def cast(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Cast:
    return Cast(stack.prepare(performers=PERFORMERS, viewers=VIEWERS), tmp_path_factory.mktemp("devices"))


@pytest.fixture
def begin(stack: Stack, cast: Cast) -> Begin:
    """`async with begin(performers=3) as show`: on the stack with one web process."""
    return lambda *, performers: show.on(stack, cast, performers=performers)


@pytest.fixture(scope="module")
def stack_with_two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two web processes on the port; only as long as a module needs it, since the machine is shared."""
    with Stack(tmp_path_factory.mktemp("stack-with-two"), web=2, **WINDOWS) as running:
        yield running


@pytest.fixture(scope="module")
def cast_of_two(stack_with_two: Stack, tmp_path_factory: pytest.TempPathFactory) -> Cast:
    return Cast(
        stack_with_two.prepare(performers=PERFORMERS_OF_TWO, viewers=VIEWERS),
        tmp_path_factory.mktemp("devices-of-two"),
    )


@pytest.fixture
def begin_with_two(stack_with_two: Stack, cast_of_two: Cast) -> Begin:
    return lambda *, performers: show.on(stack_with_two, cast_of_two, performers=performers)


@pytest.fixture(params=["one-web-process", "two-web-processes"], scope="module")
def processes(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def begin_with_either(processes: str, request: pytest.FixtureRequest) -> Begin:
    """The test runs on both stacks."""
    name = "begin_with_two" if processes == "two-web-processes" else "begin"
    begin: Begin = request.getfixturevalue(name)
    return begin


@pytest.fixture(scope="module")
def stack_with_beat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack-with-beat"), STACK_BEAT="process", **WINDOWS) as running:
        yield running


@pytest.fixture(scope="module")
def cast_with_beat(stack_with_beat: Stack, tmp_path_factory: pytest.TempPathFactory) -> Cast:
    return Cast(
        stack_with_beat.prepare(performers=PERFORMERS_WITH_BEAT, viewers=VIEWERS),
        tmp_path_factory.mktemp("devices-with-beat"),
    )


@pytest.fixture
def begin_with_beat(stack_with_beat: Stack, cast_with_beat: Cast) -> Begin:
    return lambda *, performers: show.on(stack_with_beat, cast_with_beat, performers=performers)
