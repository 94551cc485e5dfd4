"""What runs on the clock, where the beat lives in the worker: again and again, each by itself, with or
without a broker."""

import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from django.conf import settings

from config import celery
from config.schedule import HEARTBEAT, SECONDS, Beat
from ground.mongodb.collections import collection
from ledger.models import Posting
from tests import services
from tests.tips import calls

PATIENCE_SECONDS = 10
OFTEN = 0.01


class Runs:
    """Notes what is run, and lets a test wait for it."""

    def __init__(self):
        self.count, self.changed = Counter(), threading.Condition()
        self.stuck, self.go_on = set(), threading.Event()

    def __call__(self, name):
        with self.changed:
            self.count[name] += 1
            self.changed.notify_all()
        if name in self.stuck:
            self.go_on.wait(PATIENCE_SECONDS)
        if name == "fails":
            raise ValueError

    def wait_for(self, name, times):
        with self.changed:
            assert self.changed.wait_for(lambda: self.count[name] >= times, PATIENCE_SECONDS)


@pytest.fixture
def runs():
    return Runs()


@pytest.fixture
def begin(runs):
    begun = []

    def begin(work=runs, **seconds):
        begun.append(Beat(work, seconds))
        begun[-1].start()
        return begun[-1]

    yield begin
    runs.go_on.set()
    for beat in begun:
        beat.stop()


def test_each_runs_in_its_own_time(runs, begin):
    begin(often=OFTEN, rarely=3600.0)
    runs.wait_for("often", 5)
    assert runs.count["rarely"] == 1


def test_what_still_runs_is_not_begun_again_and_holds_up_nobody(runs, begin):
    runs.stuck.add("stuck")
    begin(stuck=OFTEN, often=OFTEN)
    runs.wait_for("often", 5)
    assert runs.count["stuck"] == 1
    runs.stuck.clear()
    runs.go_on.set()
    runs.wait_for("stuck", 3)


def test_what_fails_is_said_and_runs_again(runs, begin, caplog):
    begin(fails=OFTEN)
    runs.wait_for("fails", 3)
    assert {(each.msg, each.mode, each.error_code) for each in caplog.records} == {
        ("beat_failed", "fails", "ValueError")
    }


def test_once_stopped_nothing_begins(runs, begin):
    beat = begin(often=OFTEN)
    runs.wait_for("often", 2)
    beat.stop()
    beat._thread.join(PATIENCE_SECONDS)
    assert not beat._thread.is_alive()


def test_all_that_is_on_the_clock_is_a_task():
    celery.app.loader.import_default_modules()
    assert set(SECONDS) - set(celery.app.tasks) == set()


@pytest.mark.django_db
def test_hops_go_on_while_redis_is_away(begin, caplog):
    assert calls.bought(500) == 202
    services.running.redis.stop()
    try:
        begin(celery.run_here, **{"tips.settle": OFTEN, HEARTBEAT: OFTEN})
        ends = time.monotonic() + PATIENCE_SECONDS
        while not collection(Posting).find_one() and time.monotonic() < ends:
            threading.Event().wait(OFTEN)
    finally:
        services.running.redis.start()
    assert collection(Posting).count_documents({}) == 1
    assert "beat_failed" not in caplog.messages, "a heart that cannot be shown is no fault of a hop"


def test_a_worker_loads_no_routes_and_nothing_that_only_pages_need():
    asked = (
        "import sys; from config.celery import app; app.loader.import_default_modules(); "
        "print({'config.urls', 'drf_spectacular.views', 'django.test'} & set(sys.modules))"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "set()"
