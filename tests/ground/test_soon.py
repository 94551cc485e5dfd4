"""What is asked for while it is on its way is done once; what comes after it began is done again, and nothing
is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ground.hops.soon import Soon

PATIENCE_SECONDS = 5


class Work:
    """Notes what it was given; holds the thread while `gate` is shut."""

    def __init__(self):
        self.done, self.threads = [], set()
        self.begun, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def __call__(self, items):
        self.threads.add(threading.current_thread().name)
        self.begun.set()
        assert self.gate.wait(PATIENCE_SECONDS)
        self.done.append(items)


@pytest.fixture
def work():
    return Work()


@pytest.fixture
def soon(work):
    return Soon(work, name="test")


def test_the_asker_does_not_wait_and_another_thread_does_it(soon, work):
    work.gate.clear()
    soon.ask(["a"])
    assert work.begun.wait(PATIENCE_SECONDS)
    assert work.done == []
    work.gate.set()
    soon.done().result(PATIENCE_SECONDS)
    assert work.done == [{"a"}]
    assert [name.startswith("test") for name in work.threads] == [True]


def test_what_is_asked_before_it_begins_goes_along_once(soon, work):
    held = threading.Event()
    soon.thread.submit(held.wait, PATIENCE_SECONDS)
    for item in "abab":
        soon.ask([item])
    held.set()
    soon.done().result(PATIENCE_SECONDS)
    assert work.done == [{"a", "b"}]


def test_what_is_asked_while_it_is_done_is_done_again(soon, work):
    work.gate.clear()
    soon.ask(["a"])
    assert work.begun.wait(PATIENCE_SECONDS)
    soon.ask(["a"])
    soon.ask(["b"])
    work.gate.set()
    soon.done().result(PATIENCE_SECONDS)
    assert work.done == [{"a"}, {"a", "b"}]


def test_nothing_asked_is_nothing_done(soon, work):
    soon.ask([])
    soon.done().result(PATIENCE_SECONDS)
    assert work.done == []


def test_a_failure_does_not_keep_the_next_from_being_done():
    done = []

    def fail_first(items):
        done.append(items)
        if len(done) == 1:
            raise ConnectionError

    soon = Soon(fail_first, name="test")
    for item in "ab":
        soon.ask([item])
        soon.done().result(PATIENCE_SECONDS)
    assert done == [{"a"}, {"b"}]


def test_whatever_many_threads_ask_is_all_done(soon, work):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: soon.ask([number]), range(2000)))
    soon.done().result(PATIENCE_SECONDS)
    assert set().union(*work.done) == set(range(2000))


def test_it_leaves_the_time_for_more_to_come(work):
    """The wait is over when the second has been asked: both go together."""
    second = threading.Event()
    soon = Soon(work, name="test", wait=lambda: 0.0 if second.wait(PATIENCE_SECONDS) else 1.0)
    soon.ask(["a"])
    soon.ask(["b"])
    second.set()
    soon.done().result(PATIENCE_SECONDS)
    assert work.done == [{"a", "b"}]
