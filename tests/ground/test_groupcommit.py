"""Group commit: callers share writes, each hears its own result or the write's error, and the backlog is
bounded."""

import asyncio
import threading

import pytest

from ground.hops import groupcommit
from ground.hops.groupcommit import MAX_BATCH, GroupCommit, Overloaded

PATIENCE_SECONDS = 10


class Writer:
    """A write that waits for its gate, and keeps the batches it was given."""

    def __init__(self):
        self.batches = []
        self.error = None
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.gate.set()

    def __call__(self, items):
        self.begun.set()
        assert self.gate.wait(PATIENCE_SECONDS)
        self.batches.append(list(items))
        if self.error is not None:
            raise self.error
        return [item * 2 for item in items]

    async def busy(self):
        """A write has begun and holds the line."""
        assert await asyncio.to_thread(self.begun.wait, PATIENCE_SECONDS)


@pytest.fixture
def write():
    return Writer()


@pytest.fixture
def commit(write):
    return GroupCommit(write, name="test")


async def outcomes(*calls):
    return await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE_SECONDS)


async def test_a_single_call_is_written_at_once(write, commit):
    assert await commit(21) == 42
    assert write.batches == [[21]]


async def test_what_arrives_during_a_write_is_the_next_write(write, commit):
    write.gate.clear()
    first = asyncio.create_task(commit(0))
    await write.busy()
    later = [asyncio.create_task(commit(number)) for number in range(1, 100)]
    await asyncio.sleep(0)
    write.gate.set()
    assert await outcomes(first, *later) == [number * 2 for number in range(100)]
    assert write.batches == [[0], list(range(1, 100))]


async def test_callers_of_many_turns_of_the_loop_share_the_next_write(write, commit):
    write.gate.clear()
    calls = [asyncio.create_task(commit(0))]
    await write.busy()
    for number in range(1, 10):
        calls.append(asyncio.create_task(commit(number)))
        for _ in range(5):
            await asyncio.sleep(0)
    write.gate.set()
    assert await outcomes(*calls) == [number * 2 for number in range(10)]
    assert write.batches == [[0], list(range(1, 10))]


async def test_an_answer_that_is_an_error_reaches_its_own_caller_alone():
    refused = ValueError("this one")
    commit = GroupCommit(lambda items: [refused if item == 2 else item for item in items], name="test")
    assert await outcomes(commit(1), commit(2), commit(3)) == [1, refused, 3]


async def test_a_batch_has_a_limit(write, commit):
    write.gate.clear()
    first = asyncio.create_task(commit(0))
    await write.busy()
    later = [asyncio.create_task(commit(number)) for number in range(MAX_BATCH + 7)]
    await asyncio.sleep(0)
    write.gate.set()
    await outcomes(first, *later)
    assert [len(batch) for batch in write.batches] == [1, MAX_BATCH, 7]


async def test_only_one_write_is_in_flight(commit, write):
    write.gate.clear()
    calls = [asyncio.create_task(commit(number)) for number in range(3)]
    await write.busy()
    write.begun.clear()
    calls += [asyncio.create_task(commit(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert not write.begun.is_set()
    write.gate.set()
    await outcomes(*calls)


async def test_an_error_reaches_every_caller_of_its_batch_and_the_next_batch_is_written(write, commit):
    write.error = ConnectionError("away")
    found = await outcomes(commit(1), commit(2), commit(3))
    assert found == [write.error] * 3
    write.error = None
    assert await commit(4) == 8


async def test_a_caller_that_goes_away_harms_nobody_and_is_still_written(write, commit):
    write.gate.clear()
    gone, stays = asyncio.create_task(commit(1)), asyncio.create_task(commit(2))
    await write.busy()
    gone.cancel()
    await asyncio.sleep(0)
    write.gate.set()
    found = await outcomes(gone, stays)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1] == 4
    assert write.batches == [[1, 2]]
    assert await commit(3) == 6


async def test_a_caller_that_goes_away_before_an_error_harms_nobody(write, commit):
    write.error = ConnectionError("away")
    write.gate.clear()
    gone, stays = asyncio.create_task(commit(1)), asyncio.create_task(commit(2))
    await write.busy()
    gone.cancel()
    write.gate.set()
    assert (await outcomes(gone, stays))[1] is write.error


@pytest.mark.parametrize("answers", [[], [1], [1, 2, 3]])
async def test_a_write_that_does_not_answer_each_item_is_an_error_of_all(answers):
    commit = GroupCommit(lambda items: answers, name="test")
    assert [type(found) for found in await outcomes(commit(1), commit(2))] == [ValueError] * 2


async def test_beyond_the_limit_a_caller_is_refused_at_once_and_the_others_are_served(
    write, commit, monkeypatch
):
    monkeypatch.setattr(groupcommit, "MAX_WAITING", 5)
    write.gate.clear()
    first = asyncio.create_task(commit(0))
    await write.busy()
    waiting = [asyncio.create_task(commit(number)) for number in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await commit(6)
    write.gate.set()
    assert await outcomes(first, *waiting) == [0, 0, 2, 4, 6, 8]
    assert await commit(7) == 14
