"""A hop in one process: asked from anywhere, it drains everything, one thread at a time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ground.hops import rounds
from ground.hops.rounds import Breath, Hop

PATIENCE_SECONDS = 10


class Work:
    """Rows that wait. Handles at most two a round, as a drain with a limit, and notes when two rounds
    overlap."""

    def __init__(self, rows=0, limit=2):
        self.waiting, self.limit, self.rounds, self.overlaps = rows, limit, 0, 0
        self.lock, self.busy = threading.Lock(), threading.Lock()

    def add(self, count=1):
        with self.lock:
            self.waiting += count

    def drain(self):
        if not self.busy.acquire(blocking=False):
            self.overlaps += 1
            raise AssertionError("two drains at a time")
        try:
            with self.lock:
                taken = min(self.limit, self.waiting)
                self.waiting -= taken
            self.rounds += 1
            return taken == self.limit
        finally:
            self.busy.release()


def test_one_ask_drains_everything():
    work = Work(rows=9)
    Hop(work.drain, name="test").run()
    assert (work.waiting, work.rounds) == (0, 5)


def test_an_ask_without_work_is_one_round():
    work = Work()
    Hop(work.drain, name="test").run()
    assert work.rounds == 1


def test_asked_while_it_drains_it_drains_again_and_the_asker_does_not_wait():
    """The row arrives after the round has looked; its ask must not be swallowed by the drain that is under
    way."""
    looked, go_on, seen = threading.Event(), threading.Event(), []

    def drain():
        seen.append(len(seen))
        if len(seen) == 1:
            looked.set()
            assert go_on.wait(PATIENCE_SECONDS)
        return False

    hop = Hop(drain, name="test")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(hop.run)
        assert looked.wait(PATIENCE_SECONDS)
        hop.run()
        assert len(seen) == 1
        go_on.set()
        first.result(PATIENCE_SECONDS)
    assert len(seen) == 2


def test_asked_at_the_very_end_of_a_drain_it_drains_again():
    """After the last round has looked, and before the hop is free: the asker finds it busy and goes away."""

    class Busy:
        """The hop's lock; somebody asks when it is about to be released for the first time."""

        def __init__(self, hop):
            self.lock, self.hop, self.late = threading.Lock(), hop, 1

        def acquire(self, *, blocking):
            return self.lock.acquire(blocking=blocking)

        def release(self):
            if self.late:
                self.late -= 1
                work.add()
                self.hop.run()
            self.lock.release()

    work = Work()
    hop = Hop(work.drain, name="test")
    hop._busy = Busy(hop)
    hop.run()
    assert (work.waiting, work.rounds) == (0, 2)


def test_asks_of_many_threads_lose_no_row_and_never_overlap():
    for _ in range(20):
        work = Work(limit=3)
        hop = Hop(work.drain, name="test")

        def ask(work=work, hop=hop):
            for _ in range(50):
                work.add()
                hop.run()

        with ThreadPoolExecutor(8) as pool:
            for asked in [pool.submit(ask) for _ in range(8)]:
                asked.result(PATIENCE_SECONDS)
        assert (work.waiting, work.overlaps) == (0, 0)


def test_a_hop_that_never_ends_gives_its_thread_back(monkeypatch):
    monkeypatch.setattr(rounds, "MAX_ROUNDS", 5)
    work = Work(rows=1000)
    Hop(work.drain, name="test").run()
    assert work.rounds == 5


def test_an_error_is_told_and_the_next_ask_drains():
    calls = []

    def drain():
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionError
        return False

    hop = Hop(drain, name="test")
    with pytest.raises(ConnectionError):
        hop.run()
    hop.run()
    assert len(calls) == 2


# --- asked by the hop before it ----------------------------------------------------------------------------


def test_an_asker_does_not_wait_and_the_hop_runs_on_its_own_thread():
    go_on, ran_on = threading.Event(), []

    def drain():
        ran_on.append(threading.current_thread().name)
        assert go_on.wait(PATIENCE_SECONDS)
        return False

    hop = Hop(drain, name="test")
    hop.ask()
    go_on.set()
    finish(hop)
    assert [name.rpartition("_")[0] for name in ran_on] == ["test"]


def test_asks_of_many_threads_lose_no_row():
    work = Work(limit=3)
    hop = Hop(work.drain, name="test")

    def ask():
        for _ in range(50):
            work.add()
            hop.ask()

    with ThreadPoolExecutor(8) as pool:
        for asked in [pool.submit(ask) for _ in range(8)]:
            asked.result(PATIENCE_SECONDS)
    finish(hop)
    assert (work.waiting, work.overlaps) == (0, 0)


def test_asks_before_the_hop_begins_are_one():
    work, go_on = Work(), threading.Event()
    hop = Hop(work.drain, name="test")
    hop._soon.thread.submit(go_on.wait, PATIENCE_SECONDS)
    for _ in range(20):
        hop.ask()
    go_on.set()
    finish(hop)
    assert work.rounds == 1


def test_an_error_on_its_own_thread_is_logged_and_the_next_ask_drains(caplog):
    calls = []

    def drain():
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionError
        return False

    hop = Hop(drain, name="test")
    for _ in range(2):
        hop.ask()
        finish(hop)
    assert len(calls) == 2
    assert [record.msg for record in caplog.records] == ["drain_failed"]


def finish(hop):
    """Returns when the hop's own thread has done what it was asked before."""
    hop._soon.done().result(PATIENCE_SECONDS)


# --- a breath between rounds -------------------------------------------------------------------------------


def test_work_that_has_rested_starts_at_once():
    assert Breath().seconds_left == 0


def test_a_breath_is_as_long_as_its_round_and_no_longer_than_its_limit(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(rounds.time, "monotonic", lambda: clock[0])
    breath = Breath(0.01)
    for took, pause in ((0.004, 0.004), (3.0, 0.01), (0.0, 0.0)):
        with breath:
            clock[0] += took
        assert breath.seconds_left == pytest.approx(pause)
        clock[0] += pause
        assert breath.seconds_left == pytest.approx(0)


def test_a_round_that_fails_is_followed_by_a_breath_too(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(rounds.time, "monotonic", lambda: clock[0])
    breath = Breath(0.01)

    def fail():
        with breath:
            clock[0] += 1
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert breath.seconds_left == pytest.approx(0.01)


def test_what_comes_during_the_breath_shares_the_next_round(monkeypatch):
    work, slept = Work(rows=1, limit=9), []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            work.add(5)

    monkeypatch.setattr(rounds.time, "sleep", sleep)
    hop = Hop(work.drain, name="test", breath_seconds=0.01)
    hop.run()
    hop.run()
    assert (work.rounds, work.waiting) == (2, 0)
    assert slept[0] == 0
    assert 0 <= slept[1] <= 0.01
